package httpx_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// serve runs a real listener; the answer's channel gives what Serve returns.
func serve(t *testing.T, cfg httpx.Config) (url string, stop context.CancelFunc, done chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Catalog = catalog(t)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	done = make(chan error, 1)
	go func() { done <- httpx.NewServer(cfg).Serve(ctx, ln) }()
	return "http://" + ln.Addr().String(), cancel, done
}

func TestGracefulStop(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	url, stop, done := serve(t, httpx.Config{Routes: []httpx.Route{
		api("GET", "/slow", func(w http.ResponseWriter, r *http.Request) error {
			close(started)
			<-release
			return hello(w, r)
		}),
	}})
	answered := make(chan string, 1)
	go func() {
		res, err := http.Get(url + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answered <- string(b)
	}()
	<-started
	stop()
	close(release)
	if got := <-answered; !strings.Contains(got, "xin chào") {
		t.Errorf("a running request got %q", got)
	}
	if err := <-done; err != nil {
		t.Errorf("a clean stop gave %v", err)
	}
	if res, err := http.Get(url + "/slow"); err == nil {
		res.Body.Close()
		t.Error("it still answers")
	}
}

func TestStreamsEndWithTheServer(t *testing.T) {
	first := make(chan struct{})
	url, stop, done := serve(t, httpx.Config{Routes: []httpx.Route{{
		Method: "GET", Path: "/events", Access: auth.Public(), Timeout: -1,
		Handle: func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: 1\n\n")
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
			close(first)
			<-r.Context().Done()
			return nil
		},
	}}})
	res, err := http.Get(url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	<-first
	stop()
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "data: 1\n\n" {
		t.Errorf("%q %v", b, err)
	}
	if err := <-done; err != nil {
		t.Errorf("a stream held up the stop: %v", err)
	}
}

func TestStopDoesNotWaitForEver(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	url, stop, done := serve(t, httpx.Config{
		ShutdownGrace: time.Millisecond,
		Routes: []httpx.Route{api("GET", "/stuck", func(http.ResponseWriter, *http.Request) error {
			close(started)
			<-release
			return nil
		})},
	})
	go func() {
		if res, err := http.Get(url + "/stuck"); err == nil {
			res.Body.Close()
		}
	}()
	<-started
	stop()
	if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	var down error
	h := open(t, nil)
	reg := h.reg
	h = open(t, nil,
		api("GET", "/healthz", httpx.Health(httpx.Check{Name: "database", Run: func(context.Context) error { return down }})),
		api("GET", "/metrics", httpx.Metrics(reg)))
	if a := h.do(t, "GET", "/healthz", ""); a.StatusCode != 200 || strings.TrimSpace(a.body) != `{"status":"ok"}` {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	down = errors.New("disk hunter2")
	a := h.do(t, "GET", "/healthz", "", "Accept-Language", "en")
	if d := a.problem(t); d.Status != 503 || d.Detail != "Not working: database." || strings.Contains(a.body, "hunter2") {
		t.Errorf("%s", a.body)
	}
	if !strings.Contains(h.log.String(), "hunter2") {
		t.Error("the log does not say why")
	}
	if a := h.do(t, "GET", "/metrics", ""); a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
}

func TestProblemForPlainHandlers(t *testing.T) {
	h := open(t, nil, api("GET", "/", func(w http.ResponseWriter, r *http.Request) error {
		return httpx.Problem(w, r, catalog(t), errs.New(errs.Conflict, "x.y"))
	}))
	if d := h.do(t, "GET", "/", "").problem(t); d.Status != 409 || d.Code != "x.y" {
		t.Errorf("%+v", d)
	}
}

func TestMistakesInRoutesStopTheStart(t *testing.T) {
	ok := api("GET", "/", hello)
	for name, routes := range map[string][]httpx.Route{
		"no access":            {{Method: "GET", Path: "/", Handle: hello}},
		"no method":            {{Path: "/", Access: auth.Public(), Handle: hello}},
		"no handler":           {{Method: "GET", Path: "/", Access: auth.Public()}},
		"anonymous and closed": {{Method: "GET", Path: "/", Access: auth.AnyOfficer(), Anonymous: true, Handle: hello}},
		"twice":                {ok, ok},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("the server started")
				}
			}()
			httpx.NewServer(httpx.Config{Catalog: catalog(t), Routes: routes})
		})
	}
}

func TestRoutesAreListedAsMounted(t *testing.T) {
	s := httpx.NewServer(httpx.Config{Catalog: catalog(t), Routes: []httpx.Route{api("GET", "/a", hello)}})
	got := s.Routes()
	if len(got) != 1 || got[0].Pattern() != "GET /a" || got[0].Body != httpx.DefaultBody || got[0].Timeout != httpx.DefaultTimeout {
		t.Errorf("%+v", got)
	}
	got[0].Path = "/changed"
	if s.Routes()[0].Path != "/a" {
		t.Error("the listing is not a copy")
	}
}
