package link_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/link"
)

var errRevoked = errors.New("revoked")

// judged is a pair of nodes whose certificates can be taken back at either end.
type judged struct {
	dialer         *link.Dialer
	address        string
	asking, answer atomic.Bool // is revoked, as the other end learns when it asks
}

func newJudged(t *testing.T, h link.Handler, adjust func(*link.Server, *link.Dialer, *judged)) *judged {
	t.Helper()
	a, j := newAuthority(t), &judged{}
	l, err := net.Listen("tcp", "localhost:0")
	ok(t, err)
	j.address = l.Addr().String()
	mine, theirs := a.issue(t, "asking"), a.issue(t, "answering")
	is := func(revoked *atomic.Bool) func(tls.ConnectionState) error {
		return func(tls.ConnectionState) error {
			if revoked.Load() {
				return errRevoked
			}
			return nil
		}
	}
	s := &link.Server{Handler: h, Log: slog.New(slog.DiscardHandler), Times: link.Times{Check: time.Millisecond}, TLS: func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{theirs}, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert, VerifyConnection: is(&j.asking)}
	}}
	j.dialer = &link.Dialer{Times: s.Times, TLS: func(string) *tls.Config {
		return &tls.Config{RootCAs: a.pool, Certificates: []tls.Certificate{mine}, ServerName: "localhost", VerifyConnection: is(&j.answer)}
	}}
	if adjust != nil {
		adjust(s, j.dialer, j)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		j.dialer.Close()
		cancel()
		ok(t, <-done)
	})
	return j
}

// waits answers a message when its connection has ended.
func waits(came chan<- struct{}) link.Handler {
	return func(ctx context.Context, _ link.Peer, m link.Message) link.Message {
		if string(m.Head) == "wait" {
			came <- struct{}{}
			<-ctx.Done()
		}
		return m
	}
}

// A certificate that is revoked while a connection is open ends it, at whichever
// end it is learned; who waits is told that the answer is lost, and nobody gets in again.
func TestARevokedCertificateEndsTheConnection(t *testing.T) {
	t.Parallel()
	for name, revoked := range map[string]func(*judged) *atomic.Bool{
		"of who asks":    func(j *judged) *atomic.Bool { return &j.asking },
		"of who answers": func(j *judged) *atomic.Bool { return &j.answer },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			came := make(chan struct{})
			j := newJudged(t, waits(came), nil)
			lost := make(chan error, 1)
			go func() {
				_, err := j.dialer.Ask(t.Context(), "n", j.address, link.Message{Head: []byte("wait")})
				lost <- err
			}()
			<-came
			_, err := j.dialer.Ask(t.Context(), "n", j.address, link.Message{})
			ok(t, err)
			revoked(j).Store(true)
			if err := <-lost; !errors.Is(err, link.ErrLost) {
				t.Errorf("who waited got %v", err)
			}
			if _, err := j.dialer.Ask(t.Context(), "n", j.address, link.Message{}); !errors.Is(err, link.ErrUnreachable) {
				t.Errorf("a new connection: %v", err)
			}
			revoked(j).Store(false)
			_, err = j.dialer.Ask(t.Context(), "n", j.address, link.Message{})
			ok(t, err)
		})
	}
}

// A long body in the middle is cut as well, and is never taken for whole.
func TestARevokedCertificateCutsALongBody(t *testing.T) {
	t.Parallel()
	for name, revoked := range map[string]func(*judged) *atomic.Bool{
		"of who asks":    func(j *judged) *atomic.Bool { return &j.asking },
		"of who answers": func(j *judged) *atomic.Bool { return &j.answer },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endless := func() link.Message {
				return link.Message{Stream: &pattern{1 << 40}, Tail: func() ([]byte, error) { return nil, nil }}
			}
			j := newJudged(t, func(_ context.Context, _ link.Peer, m link.Message) link.Message {
				if m.Stream == nil {
					return endless()
				}
				_, _ = io.Copy(io.Discard, m.Stream)
				return link.Message{}
			}, nil)
			down, err := j.dialer.Ask(t.Context(), "n", j.address, link.Message{})
			ok(t, err)
			up := make(chan error, 1)
			go func() {
				_, err := j.dialer.Ask(t.Context(), "n", j.address, endless())
				up <- err
			}()
			_, err = io.CopyN(io.Discard, down.Stream, 10<<20)
			ok(t, err)
			revoked(j).Store(true)
			if _, err := io.Copy(io.Discard, down.Stream); err == nil {
				t.Error("an answer was taken for whole")
			}
			if err := <-up; err == nil {
				t.Error("a question was answered")
			}
			_ = down.Stream.Close()
		})
	}
}

// Who can ask at no cost asks before each message: then not one more is taken.
func TestAPeerIsCheckedBeforeEachMessage(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]bool{"by who answers": true, "by who asks": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var taken atomic.Int64
			j := newJudged(t, func(_ context.Context, _ link.Peer, m link.Message) link.Message {
				taken.Add(1)
				return m
			}, func(s *link.Server, d *link.Dialer, j *judged) {
				s.Times.Check, d.Times.Check = time.Hour, time.Hour
				check := func(_ context.Context, p link.Peer) error {
					if j.asking.Load() && p.Certificate.Subject.CommonName == "asking" || j.answer.Load() && p.Certificate.Subject.CommonName == "answering" {
						return errRevoked
					}
					return nil
				}
				if answers {
					s.Check = check
				} else {
					d.Check = check
				}
			})
			_, err := j.dialer.Ask(t.Context(), "n", j.address, link.Message{})
			ok(t, err)
			j.asking.Store(answers)
			j.answer.Store(!answers)
			want := link.ErrLost
			if !answers {
				want = link.ErrUnreachable
			}
			if _, err := j.dialer.Ask(t.Context(), "n", j.address, link.Message{}); !errors.Is(err, want) {
				t.Errorf("the next message: %v", err)
			}
			if n := taken.Load(); n != 1 {
				t.Errorf("%d messages were taken", n)
			}
		})
	}
}
