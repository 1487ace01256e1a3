// Package event tells other blocks what happened.
//
// A fact is published in the transaction that makes it true. For every
// subscriber it becomes a job in that same transaction, so each subscriber
// learns of it at least once, retries by itself, and cannot hold up the others.
// Handlers are idempotent by the event's id; they see events in about the order
// they happened, not exactly.
package event
