// Package link carries messages between two nodes over mutual TLS. It knows
// nothing of grants or signatures: a message is a head, a body and, when the
// body is too long to be held, a tail that follows it.
//
// The promise: a message arrives whole or its reader gets an error; nothing is
// sent twice. Memory is bounded by the number of messages in flight times
// MaxHeld; longer bodies stream, and who reads slowly slows the sender down and
// nobody else.
//
//	asking node                                   answering node
//	 Ask ──┐                                  ┌─► Handler
//	 Ask ──┼─► one connection, many messages ─┼─► Handler       body ≤ MaxHeld
//	 Ask ──┘                                  └─► Handler
//	 Ask ────► a connection for this one ───────► Handler       longer bodies
//
// Small messages of all callers share one connection: what waits is written at
// once, so that a busy link pays one system call and one TLS record for many
// messages. A body that is longer, on the way there or back, gets a connection
// of its own from a pool, whose flow control is TCP's. An answer that turns out
// long on the shared connection is parked and fetched over one of its own.
//
// A frame is kind (1 byte) · id (8 bytes) · length (4 bytes) · payload, numbers
// big-endian. Silence is broken by pings; a peer that is silent for Dead is
// given up, and everybody who waits for it gets ErrLost. So is one whose
// certificate is revoked: what the handshake verified is verified again while the
// connection is open.
package link
