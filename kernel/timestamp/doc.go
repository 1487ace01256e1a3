// Package timestamp gives and checks timestamps after RFC 3161.
//
// The promise: a timestamp says that somebody other than the owner of a digest
// saw it at a time, and anybody can check that with openssl ts, without us.
//
//	Authority   answers requests with the instance's own key and clock, for those
//	            who have no authority of their own: POST /tsa
//	Client      asks any authority over HTTP and believes only what it has checked
//	Verify      checks a stored answer against a digest and the roots one trusts
//	Token       takes the timestamp out of an answer, as signatures carry it;
//	            VerifyToken checks that
//
// Digests are SHA-256, SHA-384 or SHA-512. Answers hold the authority's
// certificate when the request asks for it, as ours always does. The time is the
// clock's, to the second. Errors: timestamp.unreachable, timestamp.refused,
// timestamp.false.
package timestamp
