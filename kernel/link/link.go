package link

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"time"
)

// ErrLost says that the connection ended after the message was given to it: the
// peer may have got it or not.
var ErrLost = errors.New("link: the connection was lost while the answer was awaited")

// ErrUnreachable says that the peer never got the message.
var ErrUnreachable = errors.New("link: the node could not be reached")

// errTooLong is a head that no frame may hold.
var errTooLong = errors.New("link: the head of the message is too long")

// Message is what travels.
type Message struct {
	Head []byte
	Body []byte // at most MaxHeld bytes, when Stream is nil

	// Stream is a longer body. The receiver reads it to its end and closes it.
	Stream io.ReadCloser
	// Tail follows a streamed body; it may be called when Stream has ended. The
	// sender's makes it, the receiver's gives what came.
	Tail func() ([]byte, error)
}

func (m Message) check() error {
	if len(m.Head) > maxHead || m.Stream == nil && len(m.Body) > MaxHeld {
		return errTooLong
	}
	return nil
}

// Peer is the node at the other end, as its certificate names it. The TLS
// configuration has verified it.
type Peer struct {
	Certificate *x509.Certificate
	Address     string
}

// Handler answers a message. It is called in a goroutine of its own, for every
// message; ctx ends when the connection does. It must read or close the stream
// of the message before its answer's stream ends.
type Handler func(ctx context.Context, from Peer, m Message) Message

// Times are the patience of a link. The zero value of each is a sensible default.
type Times struct {
	Dial time.Duration // to connect and shake hands; 5 s
	Ping time.Duration // of silence, before the peer is asked for a sign of life; 2 s
	Dead time.Duration // of silence, after which the peer is given up; 6 s
	Move time.Duration // for a streamed body to move at all; 2 min
	Idle time.Duration // that an unused connection of the pool is kept; 1 min
	Park time.Duration // that a long answer waits to be fetched; 10 s
	// Check is after which the peer's certificate is verified again, as in the
	// handshake; one that holds no longer ends the connection. 5 s
	Check time.Duration
}

func (t Times) complete() Times {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&t.Dial, 5*time.Second)
	set(&t.Ping, 2*time.Second)
	set(&t.Dead, 6*time.Second)
	set(&t.Move, 2*time.Minute)
	set(&t.Idle, time.Minute)
	set(&t.Park, 10*time.Second)
	set(&t.Check, 5*time.Second)
	return t
}
