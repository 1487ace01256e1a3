package httpx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// statusGone is what the log says of an answer that nobody waited for; it is
// never sent. The number is the one that proxies use.
const statusGone = 499

// fail is the one way in which an error reaches a reader.
func (s *Server) fail(x *exchange, err error) {
	err = normal(err)
	x.err = err
	if errors.Is(err, context.Canceled) && x.gone() {
		x.status = statusGone
		return
	}
	if !x.discard() {
		x.torn = true // the header of another answer is out; end breaks the connection
		return
	}
	page := s.isPage(x)
	if page && s.sendToSignIn(x, err) {
		return
	}
	s.describe(x, page, err)
}

// gone says whether the reader, and not a deadline or a stop of ours, ended the request.
func (x *exchange) gone() bool { return errors.Is(x.base.Err(), context.Canceled) }

// isPage: the route knows; where there is none, the reader's wish decides.
func (s *Server) isPage(x *exchange) bool {
	if x.route != nil {
		return x.route.Page
	}
	return strings.Contains(x.r.Header.Get("Accept"), "text/html")
}

// sendToSignIn leads a person who only has to say who they are to the place
// where they can.
func (s *Server) sendToSignIn(x *exchange, err error) bool {
	var to string
	switch {
	case errs.KindOf(err) == errs.Unauthenticated:
		to = "/sign-in"
	case errs.CodeOf(err) == "auth.step_up":
		to = "/sign-in/step-up"
	default:
		return false
	}
	next := "/"
	if x.r.Method == http.MethodGet || x.r.Method == http.MethodHead {
		next = LocalPath(x.r.URL.RequestURI())
	} else if s.hasPage(x.r.URL.Path) {
		next = LocalPath(x.r.URL.EscapedPath()) // the form that was sent; what was typed cannot be repeated
	}
	x.Header().Set("Cache-Control", "no-store")
	redirect(x, to+"?next="+url.QueryEscape(next))
	return true
}

// hasPage says whether a GET of path would meet a page.
func (s *Server) hasPage(path string) bool {
	_, pattern := s.mux.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
	for _, r := range s.routes {
		if r.Pattern() == pattern {
			return r.Page
		}
	}
	return false
}

func (s *Server) describe(x *exchange, page bool, err error) {
	ctx := x.r.Context()
	lang := i18n.LangFrom(ctx)
	doc := NewDocument(s.cfg.Catalog, lang, x.id, err)
	h := x.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Language", string(lang))
	if doc.Status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "5")
	}
	if page {
		h.Del("Content-Type")
		// An error page is still written when the request's time is over.
		r := x.r.WithContext(context.WithoutCancel(ctx))
		s.cfg.Errors(x, r, doc.Status, doc.Title, doc.Detail, shown(err).Wrap(nil))
		return
	}
	if doc.Status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if werr := writeDocument(x, doc, lang); werr != nil {
		x.err = errors.Join(err, werr)
	}
}

// end runs last of all, also after a panic: it completes the answer and writes
// the log line.
func (s *Server) end(x *exchange) {
	broken := false
	if p := recover(); p != nil {
		broken = s.panicked(x, p)
	} else {
		broken = x.torn
	}
	if broken || x.status == statusGone {
		x.abandon()
	} else {
		x.finish()
	}
	s.logLine(x)
	if broken {
		// Half an answer must not look like a whole one.
		panic(http.ErrAbortHandler)
	}
}

// panicked turns a panic into an internal error, and says whether the
// connection must be broken off.
func (s *Server) panicked(x *exchange, p any) (broken bool) {
	if p == http.ErrAbortHandler {
		x.err = context.Canceled
		return true
	}
	err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	defer func() {
		if again := recover(); again != nil { // the error page itself is broken
			x.err = errors.Join(err, fmt.Errorf("then, writing the error: %v", again))
			broken = true
		}
	}()
	s.fail(x, err)
	return x.torn
}

// logLine writes the canonical line. It holds nothing that a person typed.
func (s *Server) logLine(x *exchange) {
	took := s.cfg.Clock.Now().Sub(x.start)
	s.metrics.observe(x, took)
	pattern := noRoute
	if x.route != nil {
		pattern = x.route.Path
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("method", knownMethod(x.r.Method)), slog.String("path", pattern),
		slog.Int("status", x.status), slog.Float64("took_ms", float64(took.Microseconds())/1000),
		slog.Int64("bytes", x.bytes), slog.String("request", x.id))
	level := slog.LevelInfo
	if x.err != nil {
		kind := errs.KindOf(x.err)
		attrs = append(attrs, slog.String("kind", string(kind)), slog.String("code", errs.CodeOf(x.err)))
		if x.status != statusGone {
			switch kind {
			case errs.Internal:
				level = slog.LevelError
				attrs = append(attrs, slog.String("error", x.err.Error()))
			case errs.Unavailable:
				level = slog.LevelWarn
				attrs = append(attrs, slog.String("error", x.err.Error()))
			}
		}
	}
	s.cfg.Log.LogAttrs(x.r.Context(), level, "request", attrs...)
}

func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "other"
}
