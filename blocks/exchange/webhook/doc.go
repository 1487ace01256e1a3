// Package webhook brings messages to the address that a subsystem gave for them.
//
// The promise: a message goes only to an address that the member's own grants
// officer or an operator set, over TLS, never into the network of this house, is
// signed by the member that sends it, and carries a key by which a repeated
// message is recognised (Idempotency-Key). A message counts as delivered when the
// receiver answers 2xx; redirects are not followed.
//
//	POST <address>
//	Idempotency-Key: "0190…"                      the same when it is sent again
//	Content-Digest: sha-256=:…:                   RFC 9530
//	Signature-Input: dinh=("@method" "@target-uri" "content-digest" "content-type" "idempotency-key");…
//	Signature: dinh=:…:                           RFC 9421, Ed25519
//
// Routes: GET, PUT and DELETE of /api/exchange/webhooks.
// Table: exchange_webhook.
package webhook
