// Package pubsub tells subsystems what happened elsewhere, on the paths of
// GovStack's Information Mediator (PubSub API 2.0.0).
//
// The promise: an event that was accepted (201) reaches every subscriber that has
// a grant, at least once and always under the same id, until its time to live has
// passed; a process that dies loses none. Nothing is delivered without a grant at
// that moment, and nothing about a person before the access event is durable.
//
//	publish ─► schema ─► ONE Write: event, a delivery for each subscription, jobs
//
//	waiting ──grant? trace, sign──► handed ──2xx or acknowledged──► delivered
//	   ├── no grant ──► refused        ├── no answer ──► again, with backoff
//	   ├── TTL passed ─► expired       └── TTL passed ─► expired
//	   └── publisher stopped it ─► stopped
//
// A room is a subsystem; it owns the types of its events. Who may subscribe has a
// grant of the operation "subscribe" on the service "events.<type>" of the room;
// the grant's fields are those that an event keeps on its way. A type whose events
// are about people names where their numbers stand ("subject": "$.child.number") and
// has a title, which they read;
// subscribing to it needs a purpose (X-Dinh-Purpose), and each delivery leaves an
// access event for each of them.
//
// PUSH goes to the subscriber's webhook (package webhook), signed by the member
// that published; PULL is signed likewise. With FIFO an event waits until the one
// before it has ended. An event published twice under one X-Road-Id is one event.
//
// Events are kept sealed, until nobody waits for them any more.
//
// Routes: /r1/{instance}/{class}/{member}/{application}/ with api/v1/eventType,
// api/v1/subs, pub/v1 and pull/v1 beneath; see openapi.yaml. A request there that
// names X-Road-Client and no X-GovStack-Client is X-Road's.
//
// Tables: exchange_event_type, exchange_publication, exchange_subscription,
// exchange_delivery. Jobs: exchange.push_event, exchange.tidy_events.
package pubsub
