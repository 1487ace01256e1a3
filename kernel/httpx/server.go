package httpx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

// Server is the front door. Its Handler is safe for all requests at once.
type Server struct {
	cfg      Config
	routes   []Route
	raw      []*Route // those that are AsSent
	mux      *http.ServeMux
	origins  *http.CrossOriginProtection
	limits   *limiter // nil when there is no limit
	metrics  *metrics // nil when not measured
	headers  []header
	stopping context.Context
	stop     context.CancelFunc
}

// NewServer builds the mux from cfg. It panics, naming the route, on a mistake
// that only a programmer can make: no Catalog, a route without Access, Method
// or Handle, an Anonymous route that is not Public, two routes for one pattern.
func NewServer(cfg Config) *Server {
	if cfg.Catalog == nil {
		panic("httpx: Config.Catalog is needed to speak to people")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System()
	}
	if cfg.Errors == nil {
		cfg.Errors = plainPage
	}
	if cfg.Authenticate == nil {
		cfg.Authenticate = func(*http.Request) (auth.Principal, error) { return auth.Principal{}, nil }
	}
	if cfg.ShutdownGrace == 0 {
		cfg.ShutdownGrace = 15 * time.Second
	}
	s := &Server{
		cfg:     cfg,
		routes:  slices.Clone(cfg.Routes),
		mux:     http.NewServeMux(),
		origins: http.NewCrossOriginProtection(),
		limits:  newLimiter(cfg),
		metrics: newMetrics(cfg.Metrics),
		headers: securityHeaders(cfg.Secure),
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	for _, o := range cfg.TrustedOrigins {
		if err := s.origins.AddTrustedOrigin(o); err != nil {
			panic(fmt.Sprintf("httpx: Config.TrustedOrigins: write scheme://host: %v", err))
		}
	}
	for i := range s.routes {
		s.mount(&s.routes[i])
	}
	return s
}

func (s *Server) mount(route *Route) {
	complain := func(what string) { panic(fmt.Sprintf("httpx: route %q: %s", route.Pattern(), what)) }
	switch {
	case route.Method == "":
		complain("name its Method; one route answers one method")
	case route.Access.IsZero():
		complain("say who may call it: Access is empty (auth.Public() lets everybody in)")
	case route.Handle == nil:
		complain("Handle is nil")
	case route.Anonymous && route.Access.String() != auth.Public().String():
		complain("an Anonymous route must be auth.Public()")
	}
	if route.Body == 0 {
		route.Body = DefaultBody
	}
	if route.Timeout == 0 {
		route.Timeout = DefaultTimeout
	}
	if route.AsSent {
		s.raw = append(s.raw, route)
	}
	s.mux.HandleFunc(route.Pattern(), func(w http.ResponseWriter, r *http.Request) {
		x := w.(*exchange) // the mux is only ever called by ServeHTTP below
		s.serve(x, r, route)
	})
}

// Routes lists the routes as mounted, for listings and for tests that walk all
// doors. The answer is a copy.
func (s *Server) Routes() []Route { return slices.Clone(s.routes) }

// Handler gives the whole chain.
func (s *Server) Handler() http.Handler { return s }

// ServeHTTP answers one request; see the package comment for the order.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := newExchange(w, r, s.cfg.Clock.Now())
	defer s.end(x)
	h := w.Header()
	for _, v := range s.headers {
		h[v.name] = v.value
	}
	h["X-Request-Id"] = []string{x.id}
	ctx := telemetry.WithRequest(r.Context(), x.id)
	if s.cfg.Tracing.On() {
		ctx, x.traced = s.cfg.Tracing.Serve(ctx, r.Header)
	}
	x.r = r.WithContext(i18n.WithLang(ctx, language(r)))
	if wait, ok := s.limits.allow(r, x.start); !ok {
		h.Set("Retry-After", seconds(wait))
		s.fail(x, errs.New(errs.TooMany, "httpx.rate", "seconds", seconds(wait)))
		return
	}
	if route := s.asSent(r); route != nil {
		s.serve(x, x.r, route)
		return
	}
	x.matching = true
	s.mux.ServeHTTP(x, x.r)
	x.matching = false
	if x.missed != 0 {
		s.fail(x, missedError(x.missed))
	}
}

// asSent gives the route of a request whose address nobody cleans.
func (s *Server) asSent(r *http.Request) *Route {
	for _, route := range s.raw {
		if (r.Method == route.Method || r.Method == http.MethodHead && route.Method == http.MethodGet) && strings.HasPrefix(r.URL.EscapedPath(), route.Path) {
			return route
		}
	}
	return nil
}

// missedError says why the mux found no route.
func missedError(status int) error {
	if status == http.StatusMethodNotAllowed {
		return errs.New(errs.Invalid, codeMethod)
	}
	return errs.NotFound
}

// serve sets the deadline and answers, with the handler's answer or its error.
func (s *Server) serve(x *exchange, r *http.Request, route *Route) {
	x.matching, x.route = false, route
	ctx, cancel := s.deadline(x, r, route)
	defer cancel()
	x.r = r.WithContext(ctx)
	if err := s.enter(x, route); err != nil {
		s.fail(x, err)
	}
}

// enter does the duties that need the route, then calls its handler.
func (s *Server) enter(x *exchange, route *Route) error {
	r := x.r
	if !route.CrossOrigin && !hasAPIKey(r) {
		if err := s.origins.Check(r); err != nil {
			return errs.New(errs.Forbidden, "httpx.cross_origin").Wrap(err)
		}
	}
	if !route.CrossOrigin { // others' protocols have their own words for it
		if err := readable(r.URL); err != nil {
			return err
		}
	}
	if route.Page {
		if s.switchLanguage(x, r) {
			return nil
		}
		h := x.Header()
		h["Content-Language"] = []string{string(i18n.LangFrom(r.Context()))}
		h.Add("Vary", "Accept-Language, Cookie")
	}
	if err := limitBody(x, r, route.Body); err != nil {
		return err
	}
	r, err := s.authenticate(x, r, route)
	if err != nil {
		return err
	}
	x.r = r // the error page, too, shows who is signed in
	if err := route.Access.Check(r.Context()); err != nil {
		return err
	}
	return route.Handle(x, r)
}

// readable refuses addresses that are no text: a NUL or broken UTF-8 names
// nothing, and databases stumble over it. What stands behind the "?" was typed,
// and its reader judges it.
func readable(u *url.URL) error {
	if !utf8.ValidString(u.Path) || strings.IndexByte(u.Path, 0) >= 0 {
		return errs.NotFound
	}
	return nil
}

func limitBody(x *exchange, r *http.Request, limit int64) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	// The bare writer, so that net/http learns to close the connection.
	r.Body = http.MaxBytesReader(x.ResponseWriter, r.Body, limit)
	return nil
}

// deadline gives the handler's context its end. Streams end when the server stops.
func (s *Server) deadline(x *exchange, r *http.Request, route *Route) (context.Context, context.CancelFunc) {
	if route.Timeout == DefaultTimeout {
		return context.WithTimeout(r.Context(), route.Timeout) // the listener's own limits fit it
	}
	rc := http.NewResponseController(x.ResponseWriter)
	if route.Timeout < 0 {
		setDeadlines(rc, time.Time{})
		ctx, cancel := context.WithCancel(r.Context())
		stop := context.AfterFunc(s.stopping, cancel)
		return ctx, func() { stop(); cancel() }
	}
	// Sockets know the system's time only, so the injected clock has no say here.
	end := time.Now().Add(route.Timeout + slack)
	setDeadlines(rc, end)
	return context.WithTimeout(r.Context(), route.Timeout)
}

// setDeadlines does nothing on a test's recorder, which has no connection.
func setDeadlines(rc *http.ResponseController, t time.Time) {
	_ = rc.SetReadDeadline(t)
	_ = rc.SetWriteDeadline(t)
}

// slack lets an answer that says "too late" still be written.
const slack = 10 * time.Second

func (s *Server) authenticate(x *exchange, r *http.Request, route *Route) (*http.Request, error) {
	if route.Anonymous {
		return r, nil
	}
	p, err := s.cfg.Authenticate(r)
	if errs.KindOf(err) == errs.Unauthenticated && route.Access.Of(auth.Principal{}) == nil {
		p, err = auth.Principal{}, nil
	}
	if err != nil {
		return r, err
	}
	if p.IsNobody() {
		return r, nil
	}
	x.Header()["Cache-Control"] = []string{"no-store"}
	return r.WithContext(auth.With(r.Context(), p)), nil
}

// hasAPIKey says whether the request carries a secret that a foreign page
// cannot make a browser send. Basic credentials do not count: browsers add
// them by themselves.
func hasAPIKey(r *http.Request) bool {
	scheme := r.Header.Get("Authorization")
	return hasPrefixFold(scheme, "bearer ") || hasPrefixFold(scheme, "dpop ")
}

// Serve answers on ln until ctx ends, then refuses new connections, lets
// running requests finish for ShutdownGrace and returns. It answers nil after
// a clean stop.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	hs := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       DefaultTimeout + slack,
		WriteTimeout:      DefaultTimeout + slack,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- hs.Serve(ln) }()
	select {
	case err := <-failed:
		s.stop()
		return fmt.Errorf("httpx: serving: %w", err)
	case <-ctx.Done():
	}
	s.stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownGrace)
	defer cancel()
	if err := hs.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("httpx: requests still ran after %v: %w", s.cfg.ShutdownGrace, err), hs.Close())
	}
	return nil
}
