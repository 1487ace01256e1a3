package httpx

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Patience is how long a long body may stand still, in either direction, before
// its connection is given up. A body that moves may take as long as it needs.
const Patience = time.Minute

// PatientBody reads a request's body under Patience: a client that stops sending
// gets an error instead of keeping a connection for ever.
func PatientBody(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	if r.ContentLength == 0 {
		return r.Body
	}
	return &patientBody{ReadCloser: r.Body, conn: http.NewResponseController(w)}
}

type patientBody struct {
	io.ReadCloser
	conn *http.ResponseController
	left atomic.Bool

	ended atomic.Bool

	mu sync.Mutex // held while somebody reads
}

// Read waits for the next bytes, at most for Patience.
func (b *patientBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	// A writer without deadlines (a test's recorder) has no slow client either.
	_ = b.conn.SetReadDeadline(time.Now().Add(Patience))
	if b.left.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.ended.Store(true)
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// Close leaves the body. Whoever is reading it is interrupted, for net/http lets no
// answer out meanwhile; what is still to come net/http reads or refuses, but does not
// wait for.
func (b *patientBody) Close() error {
	b.left.Store(true)
	if b.ended.Load() {
		return b.ReadCloser.Close()
	}
	_ = b.conn.SetReadDeadline(time.Unix(1, 0))
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.conn.SetReadDeadline(time.Now().Add(time.Second))
	return nil
}

// CopyPatiently writes a long body under Patience. After an error the answer is
// not whole and the caller must break the connection off (http.ErrAbortHandler).
func CopyPatiently(w http.ResponseWriter, body io.Reader) error {
	conn := http.NewResponseController(w)
	piece := make([]byte, 64<<10)
	for {
		n, err := body.Read(piece)
		if n > 0 {
			_ = conn.SetWriteDeadline(time.Now().Add(Patience))
			if _, werr := w.Write(piece[:n]); werr != nil {
				return werr
			}
		}
		if errors.Is(err, io.EOF) {
			return conn.SetWriteDeadline(time.Time{})
		}
		if err != nil {
			return err
		}
	}
}
