// Package clients lets subsystems use the exchange without a node of their own.
//
// The promise: whoever holds a registered private key, and nobody else, gets an
// access token for ten minutes; each proof of it works once; a key that is revoked
// opens nothing from the next request on, also not with a token it was changed for.
//
//	assertion (RFC 7523, EdDSA or ES256) ─► POST /oauth/token ─► access token (RFC 9068)
//	                                                              bound to the key by cnf.jkt
//
// An assertion names its subsystem as iss and sub, this house or its token address
// as aud, a jti that was never used, and ends within five minutes. Clocks may differ
// by half a minute. A subsystem may have several keys at once: the new one is
// registered, then used, then the old one revoked.
//
// Instead of a token a client may show, where X-Road clients are served over TLS, a
// certificate of the instance's authority that is registered for its subsystem.
//
// The keys themselves are client keys of package exchange, which looks at them on
// every request.
//
// Routes: POST /oauth/token; /api/exchange/client-keys for grants officers and
// operators. Table: exchange_assertion, the assertions that were used.
package clients
