package httpx

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

// ErrorPage writes an error to a person as a page. The status, headers and
// words are settled; title and message are in the reader's language. err is
// never nil and, for an unknown error, holds nothing but the code "internal".
type ErrorPage func(w http.ResponseWriter, r *http.Request, status int, title, message string, err *errs.Error)

// Config is what a server stands on. Catalog and at least one route are
// required; the rest has quiet defaults.
type Config struct {
	Routes  []Route
	Catalog *i18n.Catalog // must include this package's Messages

	// Authenticate finds the caller of a request. Nobody is the zero Principal
	// and no error; an error refuses the request even on a public route, except
	// that kind Unauthenticated there counts as nobody (an expired session must
	// not lock people out of the sign-in page).
	Authenticate func(*http.Request) (auth.Principal, error)

	Errors ErrorPage    // nil: a plain page without style
	Log    *slog.Logger // nil: slog.Default
	Clock  clock.Clock  // nil: the system's time

	Metrics prometheus.Registerer // nil: not measured
	Tracing telemetry.Tracing     // zero: not traced

	// MaxRate is how many requests a second one client may make on average,
	// MaxBurst how many at once (0: twice the rate). MaxRate 0: unlimited.
	MaxRate  float64
	MaxBurst int
	// ClientKey tells clients apart for the rate limit; nil: by IP address.
	ClientKey func(*http.Request) string

	// TrustedOrigins may send forms across origins ("https://pay.example").
	TrustedOrigins []string
	// Secure marks cookies for HTTPS only and sends HSTS. Set it wherever the
	// public address is https.
	Secure bool

	ShutdownGrace time.Duration // how long Serve waits for requests at the end; 0: 15 s
}
