// Package exchange is how organisations share what they know: every question
// has a grant, a purpose and a signature, and every answer leaves a trace that
// the person concerned can see.
//
// The promise: no event, no answer. Data leave this package only after the
// access event, the evidence of both signatures and the ledger leaf are durable
// in one transaction. A refused question leaves an event too.
//
//	Call ─► sign request ─► verify ─► grant? ─► provider ─► filter ─► sign answer
//	 asking side              answering side  │no                       │
//	                                          ▼                         ▼
//	                                   event "refused"   ONE Write: events, evidence, leaves
//	        Answer ◄─ ONE Write: evidence ◄─ verify ◄───────────────────┘
//
// Both sides may stand in one process, and then the second Write is left out. Or
// the answering side is another node (Directory says which, Carrier takes the
// message there): what each side signs and keeps is the same. Messages that are
// signed at the same time share one signature (package httpsig), those that
// become durable at the same time one transaction. Bodies that are too long to be
// held stream: the trace of an answer is durable before its first byte leaves, and
// the last piece is held back until the message is proven and the proof durable. A
// service that refuses a long body before it had all of it is heard at once: its
// status and its problem document pass, without evidence, for nothing was signed yet.
// A change under an id that its client chose is marked before it is delivered to a
// service that could not tell a repetition, and is never delivered twice: what was
// repeated is exchange.delivered_before.
//
// Outcomes of an event: answered · failed (the provider gave an error or none at
// all) · refused (nothing was asked of the provider).
//
// A grant says which subsystem, or group of subsystems (members.go), may do which operations (read, search, create,
// amend, subscribe) on which fields of which service, for which purpose, until when. What
// nobody granted is denied. Fields outside the grant are removed from the answer
// on the provider's side, before it is signed, also from a record's envelope, of
// which the id alone needs no grant, and from a provider's errors; asking for one by name is an
// error that names it. A search may only match on fields of the grant, else it
// would tell what it may not show. A grant may be narrowed to endpoints of its
// service, by method and path (path.go): a call must fit one of them, and
// allowedMethods lists those alone. It may be narrowed to records whose fields
// have certain values (filter.go): others are removed on the provider's side, with
// every total, and a single one is answered as one that is not there. Of several
// grants each record gets the fields of those that let it out. A revocation holds on the next request in
// every process on the database: the transaction that records an answer reads
// the version of the rules, and an answer decided under older rules is judged
// again before it leaves.
//
// A grant may need the person's consent. It opens searches by that one person
// only, and Consents (blocks/transparency) is asked when the call is admitted
// and again, counting the use, by the transaction that records the answer: once
// a consent has ended, no answer leaves.
//
// Services are registered by a process of the node (RegisterProvider), or
// published by their owner (PublishService): any HTTP service, with an OpenAPI
// document or without one. Published ones ride in the rules, so that publishing,
// changing and disabling hold on the next request in every process. A provider's
// failures have codes of their own (package origin); a service may be held to its
// description (package description). Every exchange leaves an operational record
// under X-Road's names and figures for Prometheus (package opmon).
//
// More than request and answer stands beside it, in packages of their own: events
// that are published and delivered (pubsub), answers that nobody waits for
// (deferred), the addresses to which both are brought (webhook). What leaves
// without a question is handed over (HandOver) under the rules of an answer. A
// client is known by its API key, by an access token for its registered key
// (package clients) or by its registered certificate.
//
// Signatures are RFC 9421 HTTP message signatures (Ed25519) over an RFC 9530
// Content-Digest; the request's covers the people it names, by a digest that tells
// nobody who they are, and the answer's covers the request's. A node takes the same
// signed question once, for as long as its signature counts; each process remembers
// its own. Bodies are never
// stored, only their digests.
//
// Routes: /r1/… and /listClients speak the X-Road REST protocol 1.0.4 with
// listMethods, allowedMethods and getOpenAPI, in the error vocabulary of 7.7 or
// 7.8; /api/exchange/… lists members, services, grants and operational records,
// grants and revokes, publishes and disables. X-Road-Request-Hash covers the
// header lines in the order and case in which the client sent them; net/http
// forgets both. On a listener wrapped by
// CaptureListener the raw block is kept and the hash is exact. Elsewhere (behind
// a proxy, on the shared listener) it is computed over lower-case names sorted
// by name, values in order of arrival; a client that recomputes the hash from
// its own header order needs the dedicated listener. What proves an exchange to
// third parties is packed by package asic, which has X-Road's other doors.
//
// Services are found, read and asked for in package catalogue.
//
// Tables: exchange_member, exchange_subsystem, exchange_grant,
// exchange_group, exchange_group_member, exchange_client_key, exchange_service, exchange_version, exchange_event,
// exchange_evidence (before there were sheaves), exchange_sheaf,
// exchange_sheaf_message, exchange_mark, exchange_log_search.
// It publishes no events on the bus: the access event is a row and a leaf.
package exchange
