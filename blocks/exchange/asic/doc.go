// Package asic packs what proves one message of the exchange into a container
// that anybody can check without us, today and in ten years.
//
// The promise: a container either holds whole or says what does not; it needs no
// network and no house, and the programs of other people (xmlsec1, openssl,
// whatever knows RFC 9421 or c2sp.org/tlog-proof) come to the same verdict.
//
//	mimetype                    application/vnd.etsi.asic-e+zip
//	request.txt                 what the asking member signed (RFC 9421 signature base)
//	answer.txt                  what the answering member signed; not in a request's container
//	evidence.json               their signatures and keys, the commitments in the ledger
//	ledger/<event>.tlog-proof   c2sp.org/tlog-proof@v1 of each commitment
//	META-INF/manifest.xml       the list of files
//	META-INF/signatures.xml     XAdES-B-T by the node, over all of the above but mimetype and manifest
//
// The members' Ed25519 signatures are the evidence. The node's seal (ECDSA P-256,
// a certificate of the instance's authority, an RFC 3161 timestamp) says whose
// the keys are and since when all this has been so. Bodies are not in it; whoever
// has one compares it with the content-digest in request.txt or answer.txt.
//
// Of an access event the container holds the commitment, not the opened event:
// that would tell the pseudonym of the person to whoever asks for evidence. The
// person's own receipt has the same leaf.
//
// There is one spelling of a container: Verify builds it again from what it has
// read and compares every byte. Same evidence, clock, key and timestamp make the
// same bytes.
//
// Routes: GET /asic, as X-Road's security server has it, written down like a
// search of the message log; GET /verificationconf, /internalconf and
// /internalconf/{instance}/shared-params.xml, public, as X-Road's tools read them.
//
// No tables.
package asic
