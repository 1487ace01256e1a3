package httpx_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

func TestGzip(t *testing.T) {
	big := strings.Repeat("xin chào ", 2000)
	write := func(contentType, body string, more ...string) httpx.Handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", contentType)
			for i := 0; i+1 < len(more); i += 2 {
				w.Header().Set(more[i], more[i+1])
			}
			for rest := body; len(rest) > 0; {
				n := min(700, len(rest))
				io.WriteString(w, rest[:n])
				rest = rest[n:]
			}
			return nil
		}
	}
	h := open(t, nil,
		api("GET", "/text", write("text/html; charset=utf-8", big, "Etag", `"v1"`, "Content-Length", fmt.Sprint(len(big)))),
		api("GET", "/small", write("text/html; charset=utf-8", "xin chào")),
		api("GET", "/image", write("image/png", big)),
		api("GET", "/events", write("text/event-stream", big)),
		api("GET", "/done", write("text/css", big, "Content-Encoding", "br")),
		api("GET", "/untyped", func(w http.ResponseWriter, r *http.Request) error { io.WriteString(w, big); return nil }))
	for _, c := range []struct {
		path, accept, encoding string
	}{
		{"/text", "gzip", "gzip"}, {"/text", "br, gzip;q=0.5", "gzip"}, {"/text", "gzip;q=0", ""}, {"/text", "", ""},
		{"/untyped", "gzip", "gzip"}, {"/small", "gzip", ""}, {"/image", "gzip", ""}, {"/events", "gzip", ""}, {"/done", "gzip", "br"},
	} {
		a := h.do(t, "GET", c.path, "", "Accept-Encoding", c.accept)
		if a.Header.Get("Content-Encoding") != c.encoding {
			t.Errorf("%s accepting %q: Content-Encoding %q", c.path, c.accept, a.Header.Get("Content-Encoding"))
			continue
		}
		body := a.body
		if c.encoding == "gzip" {
			z, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.body) > len(b)/10 {
				t.Errorf("%s: %d of %d bytes", c.path, len(a.body), len(b))
			}
			body = string(b)
		}
		if want := map[bool]string{true: "xin chào", false: big}[c.path == "/small"]; body != want {
			t.Errorf("%s: %d bytes came, %d were written", c.path, len(body), len(want))
		}
	}
	if a := h.do(t, "GET", "/text", "", "Accept-Encoding", "gzip"); a.Header.Get("Etag") != `W/"v1"` || a.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%v", a.Header)
	}
	if a := h.do(t, "HEAD", "/text", "", "Accept-Encoding", "gzip"); a.StatusCode != 200 || a.body != "" || a.ContentLength != int64(len(big)) {
		t.Errorf("HEAD: %d %d bytes, length %d", a.StatusCode, len(a.body), a.ContentLength)
	}
}

func TestBodyLimit(t *testing.T) {
	read := func(w http.ResponseWriter, r *http.Request) error {
		var v map[string]string
		if err := httpx.ReadJSON(r, &v); err != nil {
			return err
		}
		return httpx.WriteJSON(w, 200, v)
	}
	form := func(w http.ResponseWriter, r *http.Request) error {
		if err := r.ParseForm(); err != nil {
			return err
		}
		return hello(w, r)
	}
	h := open(t, nil,
		httpx.Route{Method: "POST", Path: "/json", Access: auth.Public(), Body: 1536, Handle: read},
		httpx.Route{Method: "POST", Path: "/form", Access: auth.Public(), Body: 1536, Handle: form})
	fits := `{"a":"` + strings.Repeat("x", 1500) + `"}`
	if a := h.do(t, "POST", "/json", fits); a.StatusCode != 200 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	big := strings.Repeat("x", 1600)
	for name, body := range map[string]io.Reader{"announced": strings.NewReader(`{"a":"` + big + `"}`), "chunked": io.MultiReader(strings.NewReader(`{"a":"` + big + `"}`))} {
		for _, path := range []string{"/json", "/form"} {
			req, err := http.NewRequestWithContext(t.Context(), "POST", h.url+path, body)
			if err != nil {
				t.Fatal(err)
			}
			if path == "/form" {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				req.Body = io.NopCloser(strings.NewReader("a=" + big))
				if name == "announced" {
					req.ContentLength = int64(len(big) + 2)
				} else {
					req.ContentLength = -1
				}
			}
			res, err := h.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(res.Body)
			res.Body.Close()
			d := answer{res, string(b)}.problem(t)
			if d.Status != 413 || d.Code != "httpx.body_too_large" || !strings.Contains(d.Detail, "1,5 KB") {
				t.Errorf("%s %s: %s", name, path, b)
			}
		}
	}
}

func TestHalfAnAnswerIsBrokenOff(t *testing.T) {
	fail := func(end func() error) httpx.Handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, strings.Repeat("x", 5000))
			w.(http.Flusher).Flush()
			return end()
		}
	}
	h := open(t, nil,
		api("GET", "/error", fail(func() error { return errors.New("late") })),
		api("GET", "/panic", fail(func() error { panic("late") })),
		api("GET", "/early", func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "a little")
			return errs.New(errs.Conflict, "x.y")
		}))
	for _, path := range []string{"/error", "/panic"} {
		res, err := h.client.Get(h.url + path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("%s: half an answer passed for a whole one", path)
		}
		res.Body.Close()
	}
	if a := h.do(t, "GET", "/early", ""); a.StatusCode != 409 || a.problem(t).Code != "x.y" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestTimeout(t *testing.T) {
	wait := func(w http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return fmt.Errorf("query: %w", r.Context().Err())
	}
	h := open(t, nil, httpx.Route{Method: "GET", Path: "/", Access: auth.Public(), Timeout: 5 * time.Millisecond, Handle: wait})
	if a := h.do(t, "GET", "/", ""); a.StatusCode != 503 || a.problem(t).Code != "unavailable" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestReaderWhoLeft(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{})
	h := open(t, nil, api("GET", "/", func(w http.ResponseWriter, r *http.Request) error {
		close(started)
		<-r.Context().Done()
		defer close(ended)
		return r.Context().Err()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	req, err := http.NewRequestWithContext(ctx, "GET", h.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := h.client.Do(req); err == nil {
		res.Body.Close()
		t.Fatal("answered")
	}
	<-ended
	if s := h.log.wait(); !strings.Contains(s, `"status":499`) || !strings.Contains(s, `"level":"INFO"`) {
		t.Errorf("log: %s", s)
	}
}
