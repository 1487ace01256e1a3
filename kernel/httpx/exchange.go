package httpx

import (
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

// holdBack is how much of a body is kept until the header goes out. Below it
// compression does not pay; and an error found while so little is written can
// still be told properly.
const holdBack = 1 << 10

// exchange is one request and its answer: the ResponseWriter that handlers
// get, and what the log line needs. It is not pooled: a handler that wrongly
// keeps it must never write into another person's answer.
type exchange struct {
	http.ResponseWriter
	r        *http.Request
	id       string
	start    time.Time
	base     context.Context // ends when the reader is gone
	route    *Route          // nil until the mux has found it
	status   int             // as chosen; 0 before
	matching bool            // the mux is still looking for a route
	missed   int             // 404 or 405 by which the mux says that it found no route
	bytes    int64           // of the body as sent
	err      error           // what failed, if anything
	sent     bool            // the header is out
	torn     bool            // an error came when part of an answer was out
	ended    bool
	head     bool
	gzipOK   bool
	held     []byte
	traced   func(route string, status int)
	gz       *gzip.Writer
}

func newExchange(w http.ResponseWriter, r *http.Request, now time.Time) *exchange {
	return &exchange{
		ResponseWriter: w, r: r, base: r.Context(), start: now, id: id.New(now),
		head:   r.Method == http.MethodHead,
		gzipOK: r.Method != http.MethodHead && acceptsGzip(r.Header.Get("Accept-Encoding")),
	}
}

// RequestID gives the id under which this request stands in the log, "" outside
// a request.
func RequestID(ctx context.Context) string { return telemetry.RequestFrom(ctx) }

// errEnded answers a handler that writes after it has returned.
var errEnded = errors.New("httpx: write after the handler has returned")

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader chooses the status; the first choice counts.
func (x *exchange) WriteHeader(status int) {
	if x.status != 0 || x.ended {
		return
	}
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		x.ResponseWriter.WriteHeader(status)
		return
	}
	if x.matching && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) {
		x.missed = status // the mux's own plain-text answer makes way for ours
		return
	}
	x.status = status
}

// Write sends p, or keeps it back while the body is small.
func (x *exchange) Write(p []byte) (int, error) {
	if x.ended {
		return 0, errEnded
	}
	if x.missed != 0 {
		return len(p), nil
	}
	if x.status == 0 {
		x.status = http.StatusOK
	}
	if !x.sent {
		if len(x.held)+len(p) < holdBack {
			x.held = append(x.held, p...)
			return len(p), nil
		}
		if err := x.send(p, true); err != nil {
			return 0, err
		}
	}
	return x.body(p)
}

// send lets the header and what was held back go out; next is what follows,
// and large says whether compressing pays.
func (x *exchange) send(next []byte, large bool) error {
	x.sent = true
	x.settleEncoding(next, large)
	x.ResponseWriter.WriteHeader(x.status)
	if len(x.held) == 0 {
		return nil
	}
	held := x.held
	x.held = nil
	_, err := x.body(held)
	return err
}

func (x *exchange) body(p []byte) (int, error) {
	if x.gz != nil {
		return x.gz.Write(p)
	}
	return x.raw().Write(p)
}

// raw is the connection below compression; it counts.
func (x *exchange) raw() countingWriter { return countingWriter{x} }

type countingWriter struct{ x *exchange }

func (c countingWriter) Write(p []byte) (int, error) {
	n, err := c.x.ResponseWriter.Write(p)
	if !c.x.head {
		c.x.bytes += int64(n)
	}
	return n, err
}

// Flush sends what there is now: for streams.
func (x *exchange) Flush() { _ = x.FlushError() }

// FlushError is Flush as http.ResponseController wants it.
func (x *exchange) FlushError() error {
	if x.ended {
		return errEnded
	}
	if x.status == 0 {
		x.status = http.StatusOK
	}
	if !x.sent {
		if err := x.send(nil, true); err != nil {
			return err
		}
	}
	if x.gz != nil {
		if err := x.gz.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// discard takes back an answer that has not gone out. False: too late.
func (x *exchange) discard() bool {
	if x.sent {
		return false
	}
	x.status, x.missed, x.held = 0, 0, nil
	h := x.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Disposition", "Etag", "Last-Modified", "Accept-Ranges", "Content-Range", "Location"} {
		h.Del(name)
	}
	return true
}

// finish completes the answer. Its errors mean only that nobody reads it.
func (x *exchange) finish() {
	if x.ended {
		return
	}
	if x.status == 0 {
		x.status = http.StatusOK
	}
	if !x.sent {
		_ = x.send(nil, false)
	}
	if x.gz != nil {
		_ = x.gz.Close()
		putGzip(x.gz)
		x.gz = nil
	}
	x.ended = true
}

// abandon gives back what the answer held without completing it.
func (x *exchange) abandon() {
	if x.gz != nil {
		putGzip(x.gz)
		x.gz = nil
	}
	x.ended = true
}
