package faults

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/cmd/dinh/bench/pair"
)

const long = 100 << 20

// odd is a service that does what services should not.
func odd() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /mock1/digest", func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		n, err := io.Copy(h, r.Body)
		if err == nil {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprintf(w, "%d %s", n, hex.EncodeToString(h.Sum(nil)))
		}
	})
	mux.HandleFunc("GET /mock1/long", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(long))
		_, _ = io.CopyN(w, zeros{}, long)
	})
	mux.HandleFunc("GET /mock1/chunked", func(w http.ResponseWriter, r *http.Request) { _, _ = io.CopyN(w, zeros{}, long) })
	mux.HandleFunc("GET /mock1/never", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, text)
			_ = c.Close()
		}
	}
	mux.HandleFunc("GET /mock1/short", raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nnot a thousand"))
	mux.HandleFunc("GET /mock1/half", raw("HTTP/1.1 200 OK\r\nContent-Ty"))
	mux.HandleFunc("GET /mock1/broken-stream", raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 200_000)))
	mux.HandleFunc("GET /mock1/quick", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"quick":true}`) })
	return mux
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type asker struct {
	w *pair.World
	c http.Client
}

func (a *asker) request(ctx context.Context, t *testing.T, method, path string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+a.w.Asking.XRoad+a.w.Path()+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Road-Client", a.w.Client.String())
	r.Header.Set("Authorization", "Bearer "+a.w.Secret)
	return r
}

func TestBodiesAndServicesThatMisbehave(t *testing.T) {
	binary := needed(t)
	w, err := pair.New(t.Context(), pair.Setting{
		Folder: t.TempDir(), Binary: binary, Target: odd(), Publish: func(s *exchange.PublishedService) { s.Timeouts.Header = 700 },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	a := &asker{w: w, c: http.Client{Timeout: time.Minute}}
	a.quick(t)
	rested := resources(t, w)
	t.Run("100 MB up", func(t *testing.T) { a.up(t, int64(long)); a.up(t, -1) })
	t.Run("100 MB down", func(t *testing.T) { a.down(t, "/long"); a.down(t, "/chunked") })
	t.Run("who reads slowly slows nobody", a.slowReader)
	for path, code := range map[string]string{
		"/never": "server.serverproxy.service_failed.network_error", "/short": "server.serverproxy.service_failed.io_error",
		"/half": "server.serverproxy.service_failed.io_error",
	} {
		t.Run(path, func(t *testing.T) { a.refused(t, path, code) })
	}
	t.Run("a stream that breaks is never whole", a.brokenStream)
	t.Run("a client that hangs up", a.hangsUp)
	a.quick(t)
	deadline := time.Now().Add(20 * time.Second)
	for {
		now := resources(t, w)
		ok := true
		for i, r := range now {
			t.Logf("%s: %d MB at most, %d files open (%d at rest)", []string{"asking", "answering"}[i], r.peak, r.files, rested[i].files)
			ok = ok && r.files <= rested[i].files+24
			if r.peak > 200 {
				t.Errorf("a gateway took %d MB for bodies of 100 MB", r.peak)
			}
		}
		if ok || t.Failed() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("connections are left open")
		}
		wait(t.Context(), time.Second)
	}
}

type use struct{ peak, files int }

func resources(t *testing.T, w *pair.World) (out []use) {
	t.Helper()
	for _, g := range []*pair.Gateway{w.Asking, w.Answering} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.PID()))
		if err != nil {
			t.Skip("this machine has no /proc")
		}
		u := use{}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kb, _ := strconv.Atoi(strings.Fields(rest)[0])
				u.peak = kb >> 10
			}
		}
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.PID()))
		if err != nil {
			t.Fatal(err)
		}
		u.files = len(files)
		out = append(out, u)
	}
	return out
}

func (a *asker) quick(t *testing.T) {
	t.Helper()
	res, err := a.c.Do(a.request(t.Context(), t, http.MethodGet, "/quick", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(res.Body)
		t.Fatalf("%s: %s", res.Status, body)
	}
}

func (a *asker) up(t *testing.T, length int64) {
	t.Helper()
	h := sha256.New()
	r := a.request(t.Context(), t, http.MethodPost, "/digest", io.TeeReader(io.LimitReader(zeros{}, long), h))
	r.ContentLength = length
	res, err := a.c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if want := fmt.Sprintf("%d %x", long, h.Sum(nil)); err != nil || string(body) != want {
		t.Errorf("%s %s %v, want %s", res.Status, body, err, want)
	}
}

func (a *asker) down(t *testing.T, path string) {
	t.Helper()
	res, err := a.c.Do(a.request(t.Context(), t, http.MethodGet, path, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil || n != long || res.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %d bytes, %v", path, res.Status, n, err)
	}
}

// slowReader leaves a long answer unread while others are answered at once.
func (a *asker) slowReader(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 8 {
		res, err := a.c.Do(a.request(ctx, t, http.MethodGet, "/long", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.CopyN(io.Discard, res.Body, 1000); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		start := time.Now()
		a.quick(t)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("beside slow readers a question took %s", took)
		}
	}
}

func (a *asker) refused(t *testing.T, path, code string) {
	t.Helper()
	start := time.Now()
	res, err := a.c.Do(a.request(t.Context(), t, http.MethodGet, path, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var fault struct{ Type, Message, Detail string }
	if err := json.NewDecoder(res.Body).Decode(&fault); err != nil || fault.Type != code || fault.Detail == "" || res.Header.Get("X-Road-Error") != code {
		t.Errorf("%s: %s %+v %v, want %s", path, res.Status, fault, err, code)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("%s took %s", path, took)
	}
}

func (a *asker) brokenStream(t *testing.T) {
	res, err := a.c.Do(a.request(t.Context(), t, http.MethodGet, "/broken-stream", nil))
	if err != nil {
		return // broken off before anything came
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err == nil && res.StatusCode == http.StatusOK {
		t.Errorf("%d bytes were taken for the whole", n)
	}
}

// hangsUp leaves in the middle of bodies, in both directions.
func (a *asker) hangsUp(t *testing.T) {
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		res, err := a.c.Do(a.request(ctx, t, http.MethodGet, "/long", nil))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.CopyN(io.Discard, res.Body, 1<<20)
		cancel()
		_ = res.Body.Close()
		ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
		r := a.request(ctx, t, http.MethodPost, "/digest", io.LimitReader(zeros{}, 1<<40))
		if res, err := a.c.Do(r); err == nil {
			_ = res.Body.Close()
			t.Error("an endless body was answered")
		}
		cancel()
	}
}
