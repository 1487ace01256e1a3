// Package deferred makes calls whose client does not want to wait, and keeps the
// answers for them.
//
// The promise: a call that was accepted (202) is made, under the same grants and
// with the same evidence as any other, and its answer waits for the client that
// asked, sealed, for 24 hours at most. It may be fetched as often as needed until the
// client acknowledges it (DELETE), or is pushed until the webhook takes it: at least
// once, under one message id. A process that dies loses none; a call it was making is
// made again under the same message id, by which the provider knows it.
//
//	Prefer: respond-async          the answer is fetched at Location
//	Prefer: respond-async; push    the answer goes to the client's webhook
//
//	waiting ──call──► done ──DELETE───► acknowledged
//	   │               ├────pushed────► pushed
//	   └───24 hours────┴──────────────► expired
//
// A call that fails for a passing reason is tried again for some minutes; then the
// failure is its answer. An answer one of whose grants ended before it left stays.
//
// Answers under a grant that needs a person's consent do not wait here: such calls
// are answered at once.
//
// What is pushed is one JSON object (Pushed), signed by the member that answered;
// see package webhook.
//
// Route: GET and DELETE /r1/{instance}/{class}/{member}/{subsystem}/deferred/v1/{id},
// of the client's own subsystem; see openapi.yaml. Table: exchange_deferred.
// Jobs: exchange.deferred_call, exchange.deferred_push, exchange.deferred_tidy.
package deferred
