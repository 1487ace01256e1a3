package origin

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Timeouts bound what an origin may take; 0 is the default.
type Timeouts struct {
	Connect time.Duration // to be connected, with TLS; 5 s
	Header  time.Duration // from the request's end to the answer's head; 30 s
	Idle    time.Duration // silence within a body; 30 s
	Total   time.Duration // everything; 10 min
}

func (t Timeouts) orDefault() Timeouts {
	for _, d := range []struct {
		value *time.Duration
		or    time.Duration
	}{{&t.Connect, 5 * time.Second}, {&t.Header, 30 * time.Second}, {&t.Idle, 30 * time.Second}, {&t.Total, 10 * time.Minute}} {
		if *d.value <= 0 {
			*d.value = d.or
		}
	}
	return t
}

// Config is how one origin is reached.
type Config struct {
	Timeouts
	Trust
	// Local origins may stand on this machine (loopback). Others may not, whatever
	// their name resolves to: who publishes a service must not reach our own doors.
	Local bool
}

// Client asks one origin. It is safe for concurrent use; Close it when the
// origin changes.
type Client struct {
	times     Timeouts
	trust     Trust
	local     bool
	secure    *tls.Config
	dial      *net.Dialer
	transport *http.Transport // for long questions, which are sent while their answer is awaited
	lines     lines           // for short ones
}

// Connections that are kept: enough that thousands of questions a second make
// none anew, few enough that one origin does not eat the machine's sockets.
const (
	maxConns = 4096
	maxIdle  = 1024
	maxHead  = 256 << 10 // bytes of an answer's headers
	idleFor  = 90 * time.Second
)

// New makes a client. Errors are those of Trust.
func New(c Config) (*Client, error) {
	secure, err := c.Trust.config()
	if err != nil {
		return nil, err
	}
	o := &Client{times: c.orDefault(), trust: c.Trust, local: c.Local, secure: secure, lines: lines{
		places: make(chan struct{}, maxConns), writers: sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 16<<10) }},
	}}
	o.dial = &net.Dialer{Control: o.allowed, KeepAlive: 30 * time.Second}
	dialer := func(secure *tls.Config) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, _, address string) (net.Conn, error) {
			_, c, err := o.connect(ctx, secure, address)
			if err != nil {
				return nil, err
			}
			return newConn(c), nil
		}
	}
	o.transport = &http.Transport{
		DialContext: dialer(nil), DialTLSContext: dialer(secure),
		DisableCompression: true, // the answer is signed and filtered as it comes
		MaxIdleConns:       maxIdle, MaxIdleConnsPerHost: maxIdle, MaxConnsPerHost: maxConns, IdleConnTimeout: idleFor,
		MaxResponseHeaderBytes: maxHead, ReadBufferSize: 16 << 10, WriteBufferSize: 16 << 10,
	}
	return o, nil
}

// Close lets idle connections go; questions on their way end by themselves.
func (o *Client) Close() {
	o.transport.CloseIdleConnections()
	o.lines.close(now())
}

// allowed looks at the address that a name resolved to, so that no name leads
// to where no provider stands: the machine's own services, the cloud's metadata.
func (o *Client) allowed(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip := net.ParseIP(host)
	switch {
	case ip == nil, ip.IsUnspecified(), ip.IsMulticast(), ip.IsLinkLocalUnicast():
		return errForbidden
	case ip.IsLoopback() && !o.local:
		return errForbidden
	}
	return nil
}

var errForbidden = errors.New("origin: no service may stand at this address")

// connect gives a connection as it is spoken on, and as it is below TLS.
func (o *Client) connect(ctx context.Context, secure *tls.Config, address string) (plain, spoken net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.times.Connect)
	defer cancel()
	plain, err = o.dial.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, errs.New(errs.Unavailable, "exchange.provider_unreachable").Wrap(err)
	}
	if secure == nil {
		return plain, plain, nil
	}
	if secure.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			_ = plain.Close()
			return nil, nil, err
		}
		secure = secure.Clone()
		secure.ServerName = host
	}
	c := tls.Client(plain, secure)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = plain.Close()
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, nil, errs.New(errs.Unavailable, "exchange.provider_timeout").Wrap(err)
		}
		return nil, nil, errs.New(errs.Unavailable, "exchange.provider_tls").Wrap(err)
	}
	return plain, c, nil
}

// Do sends a request and gives the answer's head. Its body must be read to the
// end or closed; reading it gives the same errors. A redirect is an answer.
func (o *Client) Do(r *http.Request) (*http.Response, error) {
	if short(r) {
		return o.ask(r)
	}
	w := &watch{}
	ctx, cancel := context.WithCancelCause(r.Context())
	w.cancel = cancel
	w.total = time.AfterFunc(o.times.Total, w.expire)
	patience := o.times.Header
	if r.Body != nil && r.Body != http.NoBody {
		// While a body is sent the origin may take its time; each piece starts anew.
		patience = max(o.times.Idle, o.times.Header)
		r.Body = &upload{ReadCloser: r.Body, watch: w, idle: patience}
	}
	w.arm(o.times.Connect + patience)
	var on *conn
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		w.arm(patience)
		if c, ok := i.Conn.(*conn); ok {
			c.begin(r.Method)
			on = c
		}
	}}))
	res, err := o.transport.RoundTrip(r)
	if err != nil {
		err = w.explain(err, r.Context())
		w.done()
		return nil, err
	}
	w.idle.Stop()
	res.Body = &body{ReadCloser: res.Body, watch: w, idle: o.times.Idle, conn: on, length: res.ContentLength, parent: r.Context()}
	return res, nil
}

// watch ends a question when it takes too long.
type watch struct {
	cancel  context.CancelCauseFunc
	total   *time.Timer
	idle    *time.Timer
	expired atomic.Bool
}

var errSilence = errors.New("origin: too long a silence")

func (w *watch) expire() {
	w.expired.Store(true)
	w.cancel(errSilence)
}

func (w *watch) arm(d time.Duration) {
	if w.idle == nil {
		w.idle = time.AfterFunc(d, w.expire)
		return
	}
	w.idle.Reset(d)
}

func (w *watch) done() {
	w.idle.Stop()
	w.total.Stop()
	w.cancel(nil)
}

// explain names what went wrong.
func (w *watch) explain(err error, asker context.Context) error {
	switch e, coded := errs.As(err); {
	case w.expired.Load():
		return errs.New(errs.Unavailable, "exchange.provider_timeout").Wrap(errSilence)
	case coded:
		return e
	case asker != nil && asker.Err() != nil:
		return context.Cause(asker)
	case errors.Is(err, errSurplus):
		return errs.New(errs.Unavailable, "exchange.provider_long").Wrap(err)
	}
	return errs.New(errs.Unavailable, "exchange.provider_broken").Wrap(err)
}

// upload tells the watch that the request moves.
type upload struct {
	io.ReadCloser
	watch *watch
	idle  time.Duration
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.watch.idle.Stop() // this wait is for the asker
	n, err := u.ReadCloser.Read(p)
	u.watch.arm(u.idle)
	return n, err
}

// body is an answer's body that is whole or an error.
type body struct {
	io.ReadCloser
	watch  *watch
	idle   time.Duration
	conn   *conn
	length int64
	parent context.Context
	ended  bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if !b.ended {
		b.watch.arm(b.idle) // only while we wait: a slow reader is not a slow service
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
		b.watch.idle.Stop()
		return n, nil
	case b.ended:
		return n, err
	}
	b.ended = true
	defer b.watch.done()
	switch {
	case errors.Is(err, io.EOF):
		if b.conn != nil && b.conn.surplus.Load() {
			return n, errs.New(errs.Unavailable, "exchange.provider_long").Wrap(errSurplus)
		}
		return n, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF) && b.length > 0:
		return n, errs.New(errs.Unavailable, "exchange.provider_short").Wrap(err)
	}
	return n, b.watch.explain(err, b.parent)
}

// Close implements io.Closer; an unread rest costs the connection.
func (b *body) Close() error {
	b.ended = true
	b.watch.done()
	return b.ReadCloser.Close()
}
