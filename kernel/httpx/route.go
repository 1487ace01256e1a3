package httpx

import (
	"net/http"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
)

// Handler answers a request, or returns an error that the server turns into a
// problem document or an error page. After it has begun to write it must not
// return an error that the reader needs to see: the status is already gone.
type Handler func(w http.ResponseWriter, r *http.Request) error

// DefaultBody is the body limit of a route that names none.
const DefaultBody = 1 << 20

// DefaultTimeout is how long a handler's context lives when the route names none.
const DefaultTimeout = 30 * time.Second

// Route is one door of a block.
type Route struct {
	Method  string        // "GET" (which answers HEAD too), "POST", …
	Path    string        // in the syntax of http.ServeMux: "/cases/{id}", "/static/", "/{$}"
	Access  auth.Access   // who may come in; required
	Page    bool          // HTML for people: error pages, and a way to the sign-in. Otherwise problem+json
	Body    int64         // largest body in bytes; 0 means DefaultBody
	Timeout time.Duration // when the context ends; 0 means DefaultTimeout, below 0 none (streams)
	// Anonymous routes never ask who is calling: static files, public keys,
	// health. It saves the session look-up; Access must then be Public.
	Anonymous bool
	// CrossOrigin routes take forms that other sites' pages send: an OIDC
	// authorisation request, the way back from a payment. The handler must then
	// itself make sure that the person meant it.
	CrossOrigin bool
	// AsSent routes, whose Path ends in a slash, get every address beneath it as it was
	// sent: the mux would lead "//" and "/../" elsewhere, and the protocol has its own
	// word for them.
	AsSent bool

	Handle Handler
}

// Pattern gives the route as the mux reads it: "GET /cases/{id}".
func (r Route) Pattern() string { return r.Method + " " + r.Path }

// Block is whatever has routes.
type Block interface{ Routes() []Route }
