// Package keys is the keystore: who signs with what, and who can read what.
//
// The promise: a private key never leaves this package in the clear and never lies in the database
// in the clear; a signature costs only the signature; what was sealed for a person becomes
// unreadable, for us too, the moment that person's key is destroyed.
//
//	master key (file or environment, 32 bytes, never in the database)
//	 ├─ HKDF "private keys" ──► wraps the signing keys in keys_key
//	 ├─ HKDF "subjects" ──────► wraps a data key per subject in keys_subject; Destroy removes it
//	 ├─ HKDF "pseudonyms" ────► Pseudonym: index people without their number
//	 └─ HKDF "contents" ──────► ContentID: name files without telling what is in them
//
// An instance has its own certification authority, made at the first Open (ECDSA P-256, ten years).
// It certifies the members' document-signing and TLS keys, and with IssueNode keys that live on other
// nodes. What it certified it can revoke; OCSP and CRL say so to everybody, and PeerCheck with a
// Revocations source (OCSPSource, CRLSource, the keystore itself) asks before it trusts. Uses of a key:
//
//	Sign      Ed25519            exchange messages, checkpoints
//	Token     ECDSA P-256        tokens whose readers know only ES256
//	Document  ECDSA P-256, X.509 signed papers and electronic seals
//	TLS       ECDSA P-256, X.509 node to node
//
// A key is current until it is rotated; after that it still verifies what it signed. Key ids are
// RFC 7638 thumbprints.
//
// Routes (api_revocation.go): POST /ocsp, GET /ocsp/{request}, GET /ca.crl.
//
// Tables: keys_key, keys_subject, keys_issued (each certificate, and when and why it was revoked),
// keys_crl (the newest list). None holds a name of a person or a number of one.
package keys
