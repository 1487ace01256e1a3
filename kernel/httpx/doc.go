// Package httpx is the front door: net/http with Go's own mux, and around
// every handler the same few duties, done once.
//
// A block lists Routes; a Handler returns an error instead of writing one. The
// request passes, from the outside in:
//
//	recover → request id → canonical log line, figures, trace → compression
//	→ security headers → rate limit → language → mux: route, or 404/405
//	→ timeout → cross-origin protection (not for requests with an API key)
//	→ ?lang= switch → body limit → authenticate → access → handler
//
// An error from any of them takes one path: an API route answers RFC 9457
// problem+json, a page answers HTML through Config.Errors, both in the reader's
// language from the messages "error.<code>" or else "error.kind.<kind>". What
// is not a coded error is "internal" to the reader; its text goes to the log
// alone. A page that needs a caller sends nobody to /sign-in?next=… and
// somebody too weakly known to /sign-in/step-up?next=….
//
// The log line names the path's pattern, never the path: no query strings, no
// ids, no personal data.
package httpx
