package link

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// own is a connection that one message has for itself at a time.
type own struct {
	conn  *tls.Conn
	stand *standing
	r     *bufio.Reader
	times Times
	buf   []byte
	born  time.Time
	stop  atomic.Bool // the peer has answered already: spare it the rest of the body
}

func newOwn(stand *standing, times Times) *own {
	return &own{conn: stand.conn, stand: stand, r: bufio.NewReaderSize(moving{stand, times.Move}, 64<<10), times: times, born: time.Now()}
}

// moving allows a read any time as long as something comes, from a peer in good
// standing.
type moving struct {
	*standing
	patience time.Duration
}

// Read waits for the next bytes, at most as long as the patience is.
func (m moving) Read(p []byte) (int, error) {
	_ = m.conn.SetReadDeadline(time.Now().Add(m.patience))
	n, err := m.conn.Read(p)
	if fallen := m.still(); fallen != nil {
		return 0, fallen
	}
	return n, err
}

func (o *own) write(kind byte, parts ...[]byte) error {
	if err := o.stand.still(); err != nil {
		return err
	}
	o.buf = appendFrame(o.buf[:0], kind, 0, parts...)
	_ = o.conn.SetWriteDeadline(time.Now().Add(o.times.Move))
	_, err := o.conn.Write(o.buf)
	return err
}

// send writes a message, its body piece by piece. An error of the body's reader
// reaches the peer as an abort; the connection stays in step.
func (o *own) send(m Message) error {
	if m.Stream == nil {
		if err := m.check(); err != nil {
			return err
		}
		o.buf = appendMessage(o.buf[:0], 0, m)
		_ = o.conn.SetWriteDeadline(time.Now().Add(o.times.Move))
		_, err := o.conn.Write(o.buf)
		return err
	}
	defer m.Stream.Close()
	if err := o.write(kindHead, m.Head); err != nil {
		return err
	}
	piece := make([]byte, chunk)
	for {
		if o.stop.Load() {
			return o.abort(errors.New("answered"))
		}
		n, err := m.Stream.Read(piece)
		if n > 0 {
			if werr := o.write(kindData, piece[:n]); werr != nil {
				return werr
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return o.abort(err)
		}
	}
	tail, err := m.Tail()
	if err != nil {
		return o.abort(err)
	}
	return o.write(kindTail, tail)
}

// abort tells the peer that no more comes and why, in the sender's words.
func (o *own) abort(cause error) error {
	words := []byte(cause.Error())
	return o.write(kindAbort, words[:min(len(words), 512)])
}

// AbortedError is a body that its sender could not finish.
type AbortedError struct{ Why string }

// Error gives the sender's words.
func (e *AbortedError) Error() string { return "link: the sender gave up: " + e.Why }

// receive reads a message. done is called once, when its body has been read to
// the end (true) or was left before (false).
func (o *own) receive(done func(whole bool)) (Message, error) {
	f, err := readFrame(o.r)
	if err != nil {
		return Message{}, err
	}
	switch f.kind {
	case kindMessage:
		m, err := parseMessage(f.payload)
		if err == nil {
			done(true)
		}
		return m, err
	case kindHead:
		b := &incoming{own: o, done: done}
		return Message{Head: f.payload, Stream: b, Tail: b.takeTail}, nil
	case kindAbort:
		return Message{}, &AbortedError{string(f.payload)}
	}
	return Message{}, fmt.Errorf("%w: kind %d", errFrame, f.kind)
}

// incoming is the body of a message as it comes.
type incoming struct {
	own  *own
	done func(bool)
	rest []byte
	tail []byte
	err  error

	mu   sync.Mutex  // one reads at a time
	left atomic.Bool // by its reader, who may still be waiting for bytes elsewhere
}

// Read gives the next bytes; io.EOF when the tail has come too.
func (b *incoming) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left.Load() && b.err == nil {
		b.rest = nil
		b.finish(false, net.ErrClosed)
	}
	for len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		b.next()
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *incoming) next() {
	f, err := readFrame(b.own.r)
	switch {
	case err != nil:
		b.finish(false, unexpected(err))
	case f.kind == kindData:
		b.rest = f.payload
	case f.kind == kindTail:
		b.tail = f.payload
		b.finish(true, io.EOF)
	case f.kind == kindAbort:
		b.finish(true, &AbortedError{string(f.payload)})
	default:
		b.finish(false, errFrame)
	}
}

func (b *incoming) finish(whole bool, err error) {
	b.err = err
	if b.done != nil {
		b.done(whole)
		b.done = nil
	}
}

// Close leaves the body, and does not wait for who is reading it. One that was not
// read to its end costs the connection.
func (b *incoming) Close() error {
	b.left.Store(true)
	if b.mu.TryLock() {
		defer b.mu.Unlock()
		if b.err == nil {
			b.finish(false, net.ErrClosed)
		}
	}
	return nil
}

// drain reads past what was left of a body, so that an answer is not lost with
// a connection that is closed on unread bytes.
func (b *incoming) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil && !errors.Is(b.err, net.ErrClosed) {
		return
	}
	for {
		f, err := readFrame(b.own.r)
		if err != nil || f.kind == kindTail || f.kind == kindAbort {
			return
		}
	}
}

func (b *incoming) takeTail() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !errors.Is(b.err, io.EOF) {
		return nil, fmt.Errorf("link: the tail is asked for before the end of the body: %w", errors.Join(b.err))
	}
	return b.tail, nil
}
