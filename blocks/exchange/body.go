package exchange

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"slices"
	"strconv"
	"sync"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// sums are what is known of a body once all of it was seen.
type sums struct {
	sha256 [sha256.Size]byte
	sha512 [sha512.Size]byte // zero where only a digest is needed
	size   int64
}

// contentDigest is the Content-Digest of the body (RFC 9530).
func (s sums) contentDigest() string {
	var room [64]byte
	return string(append(base64.StdEncoding.AppendEncode(append(room[:0], "sha-256=:"...), s.sha256[:]), ':'))
}

func sumsOf(body []byte) sums {
	s := sums{sha256: sha256.Sum256(body), size: int64(len(body))}
	if len(body) > 0 {
		s.sha512 = sha512.Sum512(body)
	}
	return s
}

func digestOf(body []byte) sums {
	return sums{sha256: sha256.Sum256(body), size: int64(len(body))}
}

// lastHeld passes a stream on but for its end, which settle must agree to: until
// it has, nobody can take what was read for the whole. settle gets the sums of
// all that was read, once; its error is the reader's.
type lastHeld struct {
	src      io.Reader
	settle   func(sums) error
	promised int64 // the length that was announced; -1: none

	short  hash.Hash
	long   hash.Hash // nil: not wanted
	size   int64
	out    []byte // being read
	held   []byte // seen, and not given yet
	spare  [3][]byte
	ending error
	over   chan struct{} // closed when the reader has ended or left
	left   sync.Once
}

const heldPiece = 64 << 10

func newLastHeld(src io.Reader, promised int64, withLong bool, settle func(sums) error) *lastHeld {
	l := &lastHeld{src: src, settle: settle, promised: promised, short: sha256.New(), over: make(chan struct{})}
	if withLong {
		l.long = sha512.New()
	}
	for i := range l.spare {
		l.spare[i] = make([]byte, heldPiece)
	}
	return l
}

// Read gives what came before the piece that is held.
func (l *lastHeld) Read(p []byte) (int, error) {
	for len(l.out) == 0 {
		if l.ending != nil {
			l.leave()
			return 0, l.ending
		}
		l.advance()
	}
	n := copy(p, l.out)
	l.out = l.out[n:]
	return n, nil
}

// advance reads one piece, and lets the one before it go. The three pieces take
// turns: one is read, one held, one filled.
func (l *lastHeld) advance() {
	piece, err := fill(l.src, l.spare[0])
	if len(piece) > 0 {
		l.short.Write(piece)
		if l.long != nil {
			l.long.Write(piece)
		}
		l.size += int64(len(piece))
		l.out, l.held = l.held, piece
		l.spare = [3][]byte{l.spare[1], l.spare[2], l.spare[0]}
	}
	switch {
	case errors.Is(err, io.EOF):
		l.finish()
	case err != nil:
		l.out, l.ending = nil, err
	}
}

func fill(src io.Reader, buf []byte) (piece []byte, err error) {
	n := 0
	for n < len(buf) && err == nil {
		var m int
		m, err = src.Read(buf[n:])
		n += m
	}
	return buf[:n], err
}

func (l *lastHeld) finish() {
	if l.promised >= 0 && l.size != l.promised {
		l.ending = errLength
		return
	}
	s := sums{size: l.size}
	l.short.Sum(s.sha256[:0])
	if l.long != nil && l.size > 0 {
		l.long.Sum(s.sha512[:0])
	}
	if err := l.settle(s); err != nil {
		l.out, l.ending = nil, err
		return
	}
	l.out, l.held = slices.Concat(l.out, l.held), nil
	l.ending = io.EOF
}

// Close leaves the stream; whoever opened the source closes that.
func (l *lastHeld) Close() error {
	l.leave()
	return nil
}

func (l *lastHeld) leave() { l.left.Do(func() { close(l.over) }) }

// settled waits until the reader has ended or left, reads what it left, and
// says how it all ended: nil when settle agreed.
func (l *lastHeld) settled(ctx context.Context) error {
	select {
	case <-l.over:
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, err := io.Copy(io.Discard, l); err != nil {
		return err
	}
	return nil
}

// errLength is a stream that is shorter or longer than it was announced.
var errLength = errors.New("exchange: the body does not have the length that was announced")

// held reads a body that must be held, up to most bytes; false when it is longer.
func held(r io.Reader, most int64) ([]byte, bool, error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, most+1))
	return b.Bytes(), n <= most, err
}

// upload is a long body on its way to a provider, which may answer before it had
// all of it.
type upload struct {
	source io.ReadCloser
	body   *lastHeld

	mu      sync.Mutex
	over    bool // its end was seen, or it broke
	stopped bool // the answer came first: nothing more is read, and nothing is proven
}

func newUpload(source io.ReadCloser, promised int64, withLong bool, prove func(sums) error) *upload {
	u := &upload{source: source}
	u.body = newLastHeld(u, promised, withLong, prove)
	return u
}

// Read implements io.Reader for the body.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.source.Read(p)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopped {
		return 0, io.ErrClosedPipe
	}
	u.over = u.over || err != nil
	return n, err
}

// stop ends an upload that is not over; false: it is.
func (u *upload) stop() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stopped = !u.over
	return u.stopped
}

// leave closes the source. Whoever carries a stopped one to the provider may still
// be waiting for its next bytes, and the answer shall not wait with them.
func (u *upload) leave() {
	if u.stopped {
		go u.source.Close()
		return
	}
	_ = u.source.Close()
}

// outcome is what became of the call that the upload belongs to. Before an answer
// passes the whole question must have come, and be proven. A refusal that was faster
// does not wait for it: it is an error, for what it answers was never proven.
func (u *upload) outcome(ctx context.Context, reply Reply, err error) error {
	if (err != nil || reply.Status >= 400) && u.stop() {
		if err == nil {
			err = answeredEarly(reply)
		}
		return err
	}
	if berr := u.body.settled(ctx); berr != nil {
		return bodyError(berr)
	}
	return err
}

const (
	codeEarly  = "exchange.answered_early"
	maxProblem = 8 << 10 // of a refusal's document
)

// answeredEarly is a refusal that came before the end of its question: its status,
// and what a problem document says.
func answeredEarly(r Reply) error {
	problem := keepProblem(r.Body)
	if len(problem) > maxProblem {
		problem = nil
	}
	kind := errs.Invalid
	switch r.Status {
	case 401, 403:
		kind = errs.Forbidden
	case 404:
		kind = errs.NotFound
	case 409:
		kind = errs.Conflict
	case 410:
		kind = errs.Gone
	case 413:
		kind = errs.TooLarge
	case 429:
		kind = errs.TooMany
	}
	if r.Status >= 500 {
		kind = errs.Unavailable
	}
	return errs.New(kind, codeEarly, "status", strconv.Itoa(r.Status), "problem", string(problem))
}

// early gives what answeredEarly kept; the error may come from another node.
func early(err error) (status int, problem []byte, ok bool) {
	e, coded := errs.As(err)
	if !coded || e.Code != codeEarly {
		return 0, nil, false
	}
	text, _ := e.Args["status"].(string)
	if status, err = strconv.Atoi(text); err != nil || status < 400 || status > 599 {
		status = 502
	}
	text, _ = e.Args["problem"].(string)
	return status, keepProblem([]byte(text)), true
}
