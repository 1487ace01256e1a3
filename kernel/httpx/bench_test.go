package httpx_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// BenchmarkChain measures what the whole chain adds to a handler that does
// nothing but answer; "bare" is the same handler on a bare mux.
func BenchmarkChain(b *testing.B) {
	answer := []byte(`{"hello":"xin chào"}`)
	write := func(w http.ResponseWriter) {
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(answer)
	}
	s := httpx.NewServer(httpx.Config{
		Catalog: catalog(b), Metrics: prometheus.NewRegistry(), MaxRate: 1e9, Authenticate: callers,
		Log: slog.New(slog.NewJSONHandler(io.Discard, nil)),
		Routes: []httpx.Route{{Method: "GET", Path: "/cases/{id}", Access: auth.Person(auth.Low),
			Handle: func(w http.ResponseWriter, r *http.Request) error { write(w); return nil }}},
	})
	bare := http.NewServeMux()
	bare.HandleFunc("GET /cases/{id}", func(w http.ResponseWriter, r *http.Request) { write(w) })
	for name, h := range map[string]http.Handler{"chain": s.Handler(), "bare": bare} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/cases/1", nil)
			r.Header.Set("Caller", "person")
			r.Header.Set("Accept-Encoding", "gzip")
			r.Header.Set("Cookie", "dinh_lang=en")
			w := &nullWriter{h: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// nullWriter costs nothing, so that the chain's own cost is what is seen.
type nullWriter struct{ h http.Header }

func (w *nullWriter) Header() http.Header         { return w.h }
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *nullWriter) WriteHeader(int)             {}
