package link

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// shared is one connection with many messages on it, seen from either end.
type shared struct {
	conn  *tls.Conn
	times Times

	out    chan outgoing
	closed chan struct{} // nobody may wait any more
	once   sync.Once
	cause  error
	heard  atomic.Int64 // when the peer last said something, in nanoseconds since start
	start  time.Time
}

// outgoing is a frame on its way to the writer. Its bytes are made by the
// writer, so that many land in one buffer without being copied twice.
type outgoing struct {
	kind byte
	id   uint64
	m    Message
	sent *atomic.Bool // set before the first byte may leave
}

func newShared(conn *tls.Conn, times Times) *shared {
	return &shared{conn: conn, times: times, out: make(chan outgoing, 1024), closed: make(chan struct{}), start: time.Now()}
}

// close ends the connection; cause is what those who wait are told.
func (s *shared) close(cause error) {
	s.once.Do(func() {
		s.cause = cause
		close(s.closed)
		_ = s.conn.Close()
	})
}

// send queues a frame. It waits when the peer reads slowly.
func (s *shared) send(ctx context.Context, o outgoing) error {
	select {
	case s.out <- o:
		return nil
	case <-s.closed:
		return s.cause
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write takes what waits, up to writeBuffer bytes, and writes it at once.
func (s *shared) write() {
	const writeBuffer = 256 << 10
	buf := make([]byte, 0, writeBuffer)
	for {
		select {
		case o := <-s.out:
			buf = o.appendTo(buf)
		case <-s.closed:
			return
		}
	more:
		for len(buf) < writeBuffer {
			select {
			case o := <-s.out:
				buf = o.appendTo(buf)
			default:
				break more
			}
		}
		_ = s.conn.SetWriteDeadline(time.Now().Add(s.times.Move))
		if _, err := s.conn.Write(buf); err != nil {
			s.close(fmt.Errorf("%w: %w", ErrLost, err))
			return
		}
		if cap(buf) > 2*writeBuffer {
			buf = make([]byte, 0, writeBuffer)
		}
		buf = buf[:0]
	}
}

func (o outgoing) appendTo(b []byte) []byte {
	if o.sent != nil {
		o.sent.Store(true)
	}
	if o.kind == kindMessage {
		return appendMessage(b, o.id, o.m)
	}
	return appendFrame(b, o.kind, o.id, o.m.Body)
}

// read gives every frame to take until the connection ends.
func (s *shared) read(take func(frame) error) {
	r := bufio.NewReaderSize(s.conn, 256<<10)
	for {
		f, err := readFrame(r)
		s.heard.Store(int64(time.Since(s.start)))
		switch {
		case err != nil:
		case f.kind == kindPing:
			err = s.send(context.Background(), outgoing{kind: kindPong})
		case f.kind == kindPong:
		default:
			err = take(f)
		}
		if err != nil {
			s.close(errors.Join(ErrLost, err))
			return
		}
	}
}

// watch asks a silent peer for a sign of life, and gives up a dead one.
func (s *shared) watch() {
	t := time.NewTicker(s.times.Ping)
	defer t.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-t.C:
		}
		silent := time.Since(s.start) - time.Duration(s.heard.Load())
		switch {
		case silent > s.times.Dead:
			s.close(fmt.Errorf("%w: the node has been silent for %s", ErrLost, silent.Round(time.Second)))
			return
		case silent >= s.times.Ping:
			select {
			case s.out <- outgoing{kind: kindPing}:
			default: // the queue is full of what the peer must answer anyway
			}
		}
	}
}
