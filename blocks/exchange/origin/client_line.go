package origin

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// maxShort is the longest body of a question that goes in one piece. net/http's
// Transport can send and listen at once, for which it hands every question
// through three goroutines; one that is short needs none of them.
const maxShort = 64 << 10

// now is the machine's time: a socket's deadlines follow no other clock.
func now() time.Time { return clock.System().Now() }

// short says whether a question can be sent before its answer is looked for, and
// again when nothing of it arrived.
func short(r *http.Request) bool {
	for i := range len(r.URL.Host) {
		if r.URL.Host[i] >= 0x80 { // net/http knows how such names are written
			return false
		}
	}
	return r.Body == nil || r.Body == http.NoBody || r.GetBody != nil && r.ContentLength <= maxShort
}

// lines are the connections to one origin.
type lines struct {
	places  chan struct{} // one for each question on its way
	writers sync.Pool     // of *bufio.Writer, each needed while a question is written

	mu      sync.Mutex
	idle    []*line // the last used last
	tidying bool
}

// line is a connection with one question at a time on it.
type line struct {
	net.Conn
	raw    syscall.RawConn // of the connection below TLS
	in     *bufio.Reader
	head   int64 // bytes that the answer's head may still have
	rested time.Time
}

// Read keeps the answer's head within bounds.
func (l *line) Read(p []byte) (int, error) {
	if l.head <= 0 {
		return 0, errLongHead
	}
	n, err := l.Conn.Read(p[:min(int64(len(p)), l.head)])
	l.head -= int64(n)
	return n, err
}

var errLongHead = errors.New("origin: the answer's headers are too long")

// quiet says whether a resting connection is open and nothing came on it: what
// nobody asked for would be taken for the answer to the next question.
func (l *line) quiet() (still bool) {
	err := l.raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, err := syscall.Read(int(fd), b[:])
		still = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return still && err == nil
}

// take gives a connection that rested, unless it is to be new.
func (o *Client) take(ctx context.Context, u *url.URL, anew bool) (l *line, rested bool, err error) {
	for !anew {
		if l = o.lines.pop(); l == nil {
			break
		}
		if l.quiet() {
			return l, true, nil
		}
		_ = l.Close()
	}
	address, secure := u.Host, (*tls.Config)(nil)
	port := "80"
	if u.Scheme == "https" {
		secure, port = o.secure, "443"
	}
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), port)
	}
	plain, c, err := o.connect(ctx, secure, address)
	if err != nil {
		return nil, false, err
	}
	l = &line{Conn: c}
	if l.raw, err = plain.(syscall.Conn).SyscallConn(); err != nil {
		_ = c.Close()
		return nil, false, err
	}
	l.in = bufio.NewReader(l)
	return l, false, nil
}

func (ls *lines) pop() *line {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	n := len(ls.idle)
	if n == 0 {
		return nil
	}
	l := ls.idle[n-1]
	ls.idle = ls.idle[:n-1]
	return l
}

func (ls *lines) push(l *line) {
	l.rested = now()
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if len(ls.idle) >= maxIdle {
		_ = l.Close()
		return
	}
	ls.idle = append(ls.idle, l)
	if !ls.tidying {
		ls.tidying = true
		time.AfterFunc(idleFor, ls.tidy)
	}
}

// tidy lets go what has rested for long, until nothing rests.
func (ls *lines) tidy() {
	ls.close(now().Add(-idleFor))
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.tidying = len(ls.idle) > 0; ls.tidying {
		time.AfterFunc(idleFor, ls.tidy)
	}
}

// close lets go what has rested since then or longer.
func (ls *lines) close(since time.Time) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	n := 0
	for ; n < len(ls.idle) && !ls.idle[n].rested.After(since); n++ {
		_ = ls.idle[n].Close()
	}
	ls.idle = append([]*line(nil), ls.idle[n:]...)
}

// ask sends a short question and gives the answer's head.
func (o *Client) ask(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	until := now().Add(o.times.Total)
	if err := o.place(ctx); err != nil {
		return nil, explained(err, ctx)
	}
	for anew := false; ; anew = true {
		l, rested, err := o.take(ctx, r.URL, anew)
		if err != nil {
			<-o.lines.places
			return nil, explained(err, ctx)
		}
		stop := context.AfterFunc(ctx, func() { _ = l.Close() })
		w := o.lines.writers.Get().(*bufio.Writer)
		res, nothing, err := l.ask(r, w, min(o.times.Header, until.Sub(now())))
		w.Reset(nil)
		o.lines.writers.Put(w)
		if err == nil {
			res.Body = &shortBody{ReadCloser: res.Body, on: l, of: o, ctx: ctx, stop: stop, until: until, left: res.ContentLength, keep: !res.Close && res.StatusCode >= 200}
			return res, nil
		}
		_ = l.Close()
		if again := rested && nothing && stop(); !again { // the origin had hung up
			<-o.lines.places
			return nil, explained(err, ctx)
		}
		if r.GetBody != nil {
			if r.Body, err = r.GetBody(); err != nil {
				<-o.lines.places
				return nil, err
			}
		}
	}
}

// place waits until one more question may be on its way.
func (o *Client) place(ctx context.Context) error {
	select {
	case o.lines.places <- struct{}{}:
		return nil
	default:
	}
	patience := time.NewTimer(o.times.Connect + o.times.Header)
	defer patience.Stop()
	select {
	case o.lines.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		return os.ErrDeadlineExceeded
	}
}

// ask sends one question and reads the head of its answer. nothing: it is sure
// that the question did nothing, or it is one that does nothing.
func (l *line) ask(r *http.Request, w *bufio.Writer, patience time.Duration) (res *http.Response, nothing bool, err error) {
	if err := l.SetDeadline(now().Add(patience)); err != nil {
		return nil, true, err
	}
	out := &counted{Writer: l.Conn}
	w.Reset(out)
	err = r.Write(w)
	if err == nil {
		err = w.Flush()
	}
	if err != nil && out.n == 0 {
		return nil, true, err
	}
	// An origin that hung up while it was asked may have answered before.
	l.head = maxHead
	if _, perr := l.in.Peek(1); perr != nil {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
		return nil, reads && !timedOut(perr), errors.Join(err, perr)
	}
	for range 6 { // interim answers before the final one
		if res, err = http.ReadResponse(l.in, r); err != nil {
			return nil, false, err
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			l.head = math.MaxInt64
			return res, false, nil
		}
	}
	return nil, false, errors.New("origin: too many interim answers")
}

// counted counts what was written.
type counted struct {
	io.Writer
	n int
}

// Write implements io.Writer.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += n
	return n, err
}

func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// explained names what went wrong.
func explained(err error, asker context.Context) error {
	switch e, coded := errs.As(err); {
	case coded:
		return e
	case asker.Err() != nil:
		return context.Cause(asker)
	case timedOut(err):
		return errs.New(errs.Unavailable, "exchange.provider_timeout").Wrap(err)
	}
	return errs.New(errs.Unavailable, "exchange.provider_broken").Wrap(err)
}

// shortBody is the body of an answer to a short question: whole, or an error. At
// its end the connection is free for the next question.
type shortBody struct {
	io.ReadCloser
	on    *line
	of    *Client
	ctx   context.Context //nolint:containedctx // of the question, which ends with the body
	stop  func() bool
	until time.Time
	left  int64 // of the announced length; negative: none was announced
	keep  bool
	ended bool
}

// Read implements io.Reader.
func (b *shortBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	if b.left < 0 || b.left > int64(b.on.in.Buffered()) { // only while we wait: a slow reader is not a slow service
		_ = b.on.SetReadDeadline(now().Add(min(b.of.times.Idle, b.until.Sub(now()))))
	}
	n, err := b.ReadCloser.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF) && b.on.in.Buffered() > 0:
		b.end(false)
		return n, errs.New(errs.Unavailable, "exchange.provider_long").Wrap(errSurplus)
	case errors.Is(err, io.EOF):
		b.end(b.keep)
		return n, io.EOF
	}
	b.end(false)
	if errors.Is(err, io.ErrUnexpectedEOF) && b.left > 0 {
		return n, errs.New(errs.Unavailable, "exchange.provider_short").Wrap(err)
	}
	return n, explained(err, b.ctx)
}

// end frees the connection, or lets it go.
func (b *shortBody) end(keep bool) {
	b.ended = true
	if b.stop() && keep {
		b.of.lines.push(b.on)
	} else {
		_ = b.on.Close()
	}
	<-b.of.lines.places
}

// Close implements io.Closer; an unread rest costs the connection.
func (b *shortBody) Close() error {
	if !b.ended {
		b.end(b.keep && b.ReadCloser == http.NoBody && b.on.in.Buffered() == 0)
	}
	return nil
}
