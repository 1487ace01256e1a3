// Package directory is the signed list of who takes part in the exchange: the
// members with their systems and signing keys, the nodes that serve them, and the
// authorities that certify the nodes.
//
// The promise: whoever is in the directory was let in by two different
// registrars and has shown control of every key that stands there; nobody but the
// holder of the directory's key can change a word of it; and no change of keys
// makes a reader refuse a message in between.
//
// A directory is a signed note (golang.org/x/mod/sumdb/note): a header line, the
// Document as one line of JSON, and Ed25519 signatures. Any tool for signed notes
// checks it. Readers pin the verifier key, never go back to an older version, and
// refuse two different documents of one version. Every version leaves a Leaf in the
// source's ledger, whose witnesses rule out that some were shown another one.
//
//	Registry   the central node: requests, registrars, publication
//	Directory  every node: who is who, from the newest version known here
//	Agent      a member's node: asks to join, proves, renews, rotates
//
// A reader that loses its source goes on with the newest version it kept in the
// database. Past its expiry it raises an alarm (log, dinh_directory_* figures);
// only Deps.HardLimit, when set, stops it.
//
// A request to join goes this way; one that nobody proves in two hours lapses,
// and gives way before that when too many wait:
//
//	asked ──► proved ──► approved ──► ended    a nonce signed by both keys within a
//	  │          │                   quarter of an hour; then two different
//	  ▼          ▼                   registrars; ended by two again
//	lapsed    refused                one registrar, with a reason
//
// Suspending and removing a member begin as proved, with the proposer's own yes.
// They revoke all keys and certificates; what was signed before goes on verifying.
// A member comes back as it came: by a request, with new keys.
//
// A new key or certificate is published at once and counts from one directory's
// life later on: by then every directory that has not expired names it. The old
// one counts for as long again; the node changes five minutes after the start, or in
// the middle when that is sooner. The member's signing key speaks for it in both; a
// key that others may hold is revoked at once instead.
//
// Routes: /directory (signed, cacheable) and /directory/verifier-key for
// everybody; /api/directory/… and the pages /directory/join and
// /directory/follow/… for whoever asks, with a secret; /desk/directory and its API
// for registrars (role exchange-registrar at the operating member, and operators).
//
// Tables: exchange_directory_issue (versions, at the source and at readers);
// exchange_directory_member, _node, _key, _certificate, _request and _vote at the
// source; exchange_directory_seat at a member. It publishes no events on the bus:
// the next version is the event.
package directory
