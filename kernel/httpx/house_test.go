package httpx_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// house is a server over real HTTP with its log and figures in reach.
type house struct {
	url    string
	log    *safeBuffer
	reg    *prometheus.Registry
	server *httpx.Server
	client *http.Client
}

type safeBuffer struct {
	mu   sync.Mutex
	b    bytes.Buffer
	some chan struct{} // closed by the first line
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.b.Len() == 0 {
		close(s.some)
	}
	return s.b.Write(p)
}

// wait gives the log as soon as it has a line.
func (s *safeBuffer) wait() string {
	<-s.some
	return s.String()
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func catalog(t testing.TB) *i18n.Catalog {
	t.Helper()
	c, err := i18n.New(httpx.Messages())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// open serves routes; callers are named by the test header "Caller".
func open(t *testing.T, change func(*httpx.Config), routes ...httpx.Route) *house {
	t.Helper()
	h := &house{log: &safeBuffer{some: make(chan struct{})}, reg: prometheus.NewRegistry()}
	cfg := httpx.Config{
		Routes: routes, Catalog: catalog(t), Metrics: h.reg, Authenticate: callers,
		Log: slog.New(slog.NewJSONHandler(h.log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	h.server = httpx.NewServer(cfg)
	ts := httptest.NewServer(h.server.Handler())
	t.Cleanup(ts.Close)
	h.url = ts.URL
	h.client = &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(h.client.CloseIdleConnections)
	return h
}

func callers(r *http.Request) (auth.Principal, error) {
	switch r.Header.Get("Caller") {
	case "person":
		return auth.Principal{Account: "a", Number: "001", Level: auth.Low}, nil
	case "officer":
		return auth.Principal{Account: "o", Officer: "o", Roles: []string{"registrar"}}, nil
	case "expired":
		return auth.Principal{}, errs.New(errs.Unauthenticated, "auth.sign_in")
	case "broken":
		return auth.Principal{}, errors.New("session store: secret dsn")
	}
	return auth.Principal{}, nil
}

type answer struct {
	*http.Response
	body string
}

func (h *house) do(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, h.url+path, rd)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := h.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(b)}
}

func (a answer) problem(t *testing.T) httpx.Document {
	t.Helper()
	if ct := a.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Fatalf("Content-Type %q, body %q", ct, a.body)
	}
	var d httpx.Document
	if err := json.Unmarshal([]byte(a.body), &d); err != nil {
		t.Fatal(err)
	}
	if d.Status != a.StatusCode || d.Type != "about:blank" || d.Title == "" || d.Detail == "" ||
		d.Instance == "" || d.Instance != a.Header.Get("X-Request-Id") || strings.Contains(a.body, "⟦") {
		t.Errorf("incomplete problem document: %s", a.body)
	}
	return d
}

func hello(w http.ResponseWriter, r *http.Request) error {
	return httpx.WriteJSON(w, 200, map[string]string{"hello": "xin chào"})
}

func returns(err error) httpx.Handler {
	return func(http.ResponseWriter, *http.Request) error { return err }
}

func api(method, path string, h httpx.Handler) httpx.Route {
	return httpx.Route{Method: method, Path: path, Access: auth.Public(), Handle: h}
}

func page(method, path string, a auth.Access, h httpx.Handler) httpx.Route {
	return httpx.Route{Method: method, Path: path, Access: a, Page: true, Handle: h}
}
