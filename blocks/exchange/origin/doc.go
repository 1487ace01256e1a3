// Package origin asks the HTTP services that stand behind the exchange: the
// machines of a provider, which may be slow, half dead or lying.
//
// The promise: Do gives a whole answer or an error that says what went wrong.
// An answer that breaks off, or is shorter or longer than its Content-Length,
// is never taken for a whole one, and its surplus never for the answer to
// somebody else's question on the same connection. Nothing is followed
// (redirects, proxies of the environment), nothing is unpacked, no more is held
// in memory than passes through.
//
// Errors, all of kind errs.Unavailable, are those of the exchange:
//
//	exchange.provider_unreachable  no connection
//	exchange.provider_tls          a connection, and no trust on it
//	exchange.provider_timeout      longer silence than the timeouts allow
//	exchange.provider_broken       the answer broke off or is no HTTP
//	exchange.provider_short        less came than Content-Length said
//	exchange.provider_long         more came than Content-Length said
package origin
