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
// Papers are made and signed outside any transaction, then kept sealed in the
// database: about 20 kB each ride in the group commit, which is what makes
// hundreds a second possible; one fsynced file each would not.
//
//	pages  /my-documents, /my-documents/{id}, /my-documents/{id}/file.pdf,
//	       /verify, /verify/{code}
//	GET    /api/documents, /api/documents/verify/{code}
//
// Tables: documents_document, documents_owner. Events: none.
package documents
