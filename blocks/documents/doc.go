// Package documents issues signed papers that anybody can check.
//
// Its promise: one key is one paper; a paper is signed by the member that
// issues it (PAdES B-B) and carries a code and a QR under which everybody finds
// out whether it is genuine, and nothing else about its owner; only owners
// download it.
//
//	issued ──> revoked (with a reason)
//	  └─ expired, by its own date
//
// Papers are printed and signed outside any transaction, then kept sealed in
// the database. A file has about 57 kB, of which 44 kB are the fonts at its
// head, byte for byte the same for all: they are kept once, in documents_base,
// and each paper adds 13 kB to the group commit. Measured on two busy cores with
// the database in memory: 0.8 ms of processor time to print and sign, 1.1 ms to
// issue, about 580 papers a second from 16 callers. One fsynced file each would
// cost a disk flush a paper.
//
//	pages  /my-documents, /my-documents/{id}, /my-documents/{id}/file.pdf,
//	       /verify, /verify/{code}
//	GET    /api/documents, /api/documents/verify/{code}
//
// Tables: documents_document, documents_owner, documents_base. Events: none.
package documents
