package link

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Server answers other nodes.
type Server struct {
	// TLS gives the configuration for the next connection, so that new
	// certificates and authorities are taken at once. It must ask for and verify
	// the peer's certificate.
	TLS     func() *tls.Config
	Handler Handler
	// Check is asked about the peer before each message, beside what Times.Check
	// says, where an answer costs next to nothing; its error ends the connection.
	// nil: nobody is.
	Check func(context.Context, Peer) error
	Log   *slog.Logger
	Times Times
	// MaxInFlight bounds the messages of one connection that are being answered;
	// 0: 4096. What comes beyond it is sent back untouched, so that services which
	// answer slowly do not hold up the others.
	MaxInFlight int

	parking parking
}

// maxConnections bounds the connections of a server: the shared ones of all
// nodes, and those of long bodies.
const maxConnections = 4096

// parking keeps long answers until they are fetched.
type parking struct {
	mu  sync.Mutex
	all map[uint64]*lot // by a number that nobody guesses
}

type lot struct {
	m     Message
	owner string
	timer *time.Timer
}

// Serve accepts connections until ctx ends, then waits for answers under way,
// ten seconds at most.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var open sync.WaitGroup
	var connections atomic.Int64
	defer func() { waitFor(&open, 10*time.Second) }()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			// Out of files or memory for now: those who are connected must not suffer.
			s.Log.WarnContext(ctx, "link: a connection could not be taken", "error", err)
			rest := time.NewTimer(50 * time.Millisecond)
			select {
			case <-rest.C:
			case <-ctx.Done():
			}
			continue
		}
		if connections.Add(1) > maxConnections {
			connections.Add(-1)
			_ = c.Close()
			continue
		}
		cfg := s.TLS().Clone()
		cfg.NextProtos, cfg.MinVersion = []string{protocol}, tls.VersionTLS13
		if cfg.ClientAuth < tls.RequireAnyClientCert {
			_ = c.Close()
			return errors.New("link: the TLS configuration does not ask for the other node's certificate")
		}
		open.Go(func() {
			defer connections.Add(-1)
			conn := tls.Server(c, cfg)
			s.accept(ctx, conn, newStanding(conn, cfg.VerifyConnection, s.Times.complete()).telling(s.Log))
		})
	}
}

func waitFor(g *sync.WaitGroup, most time.Duration) {
	done := make(chan struct{})
	go func() { g.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(most):
	}
}

func (s *Server) accept(ctx context.Context, conn *tls.Conn, stand *standing) {
	defer conn.Close()
	times := s.Times.complete()
	shake, cancel := context.WithTimeout(ctx, times.Dial)
	defer cancel()
	if err := conn.HandshakeContext(shake); err != nil {
		s.Log.InfoContext(ctx, "link: a handshake failed", "from", conn.RemoteAddr().String(), "error", err)
		return
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol != protocol || len(state.PeerCertificates) == 0 {
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(times.Dial))
	var preface [1]byte
	if _, err := io.ReadFull(conn, preface[:]); err != nil {
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	if _, err := conn.Write([]byte{welcome}); err != nil {
		return
	}
	from := Peer{Certificate: state.PeerCertificates[0], Address: conn.RemoteAddr().String()}
	switch preface[0] {
	case prefaceShared:
		c := newShared(conn, times)
		go c.guard(stand)
		s.answerShared(ctx, from, c)
	case prefaceOwn:
		s.answerAlone(ctx, from, newOwn(stand, times))
	}
}

func (s *Server) answerShared(ctx context.Context, from Peer, c *shared) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.close(context.Canceled) })
	defer stop()
	most := s.MaxInFlight
	if most == 0 {
		most = 4096
	}
	slots := make(chan struct{}, most)
	work := make(chan outgoing)
	defer close(work)
	go c.write()
	go c.watch()
	c.read(func(f frame) error {
		if f.kind != kindMessage {
			return errFrame
		}
		m, err := parseMessage(f.payload)
		if err != nil {
			return err
		}
		o := outgoing{kind: kindMessage, id: f.id, m: m}
		select {
		case slots <- struct{}{}:
		default:
			return c.send(ctx, outgoing{kind: kindBusy, id: f.id})
		}
		select {
		case work <- o: // one that has answered before, with a stack that has grown already
		default:
			go func() {
				for ok := true; ok; o, ok = <-work {
					s.answerOnShared(ctx, from, c, o)
					<-slots
				}
			}()
		}
		return nil
	})
}

func (s *Server) answerOnShared(ctx context.Context, from Peer, c *shared, o outgoing) {
	if err := s.admit(ctx, from); err != nil {
		c.close(err)
		return
	}
	o.m = s.Handler(ctx, from, o.m)
	if err := o.m.check(); err != nil {
		s.Log.ErrorContext(ctx, "link: an answer does not fit", "error", err)
		c.close(err)
		return
	}
	if o.m.Stream != nil {
		s.park(from, c, &o)
	}
	_ = c.send(ctx, o)
}

// admit refuses a message of a peer that has fallen since the handshake.
func (s *Server) admit(ctx context.Context, from Peer) error {
	if s.Check == nil {
		return nil
	}
	if err := s.Check(ctx, from); err != nil {
		s.Log.WarnContext(ctx, "link: a message is not taken and its connection ended", "from", from.Address, "error", err)
		return fmt.Errorf("%w: %w", errFallen, err)
	}
	return nil
}

// park keeps a long answer and turns the frame into the note of where it is.
func (s *Server) park(from Peer, c *shared, o *outgoing) {
	p := &s.parking
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[uint64]*lot{}
	}
	var number [8]byte
	_, _ = rand.Read(number[:]) // never fails
	place := binary.BigEndian.Uint64(number[:])
	p.all[place] = &lot{m: o.m, owner: owner(from), timer: time.AfterFunc(c.times.Park, func() {
		if lost := s.fetch(place, owner(from)); lost != nil {
			_ = lost.Stream.Close()
		}
	})}
	*o = outgoing{kind: kindParked, id: o.id, m: Message{Body: binary.BigEndian.AppendUint64(nil, place)}}
}

// owner is who may fetch: the name that the authority gave, for an answer may be
// fetched on a connection with the node's next certificate.
func owner(p Peer) string { return p.Certificate.Subject.CommonName }

func (s *Server) fetch(place uint64, owner string) *Message {
	p := &s.parking
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.all[place]
	if l == nil || l.owner != owner {
		return nil
	}
	delete(p.all, place)
	l.timer.Stop()
	return &l.m
}

// answerAlone serves one message after the other on a connection.
func (s *Server) answerAlone(ctx context.Context, from Peer, o *own) {
	stop := context.AfterFunc(ctx, func() { _ = o.conn.Close() })
	defer stop()
	for s.answerOne(ctx, from, o) {
	}
}

func (s *Server) answerOne(ctx context.Context, from Peer, o *own) bool {
	first, err := o.r.Peek(1)
	if err != nil || s.admit(ctx, from) != nil {
		return false
	}
	if first[0] == kindClaim {
		f, err := readFrame(o.r)
		if err != nil || len(f.payload) != 0 {
			return false
		}
		m := s.fetch(f.id, owner(from))
		if m == nil {
			return o.abort(errors.New("there is no such answer any more")) == nil
		}
		return o.send(*m) == nil
	}
	var whole atomic.Bool
	m, err := o.receive(func(w bool) { whole.Store(w) })
	if err != nil {
		return false
	}
	answer := s.Handler(ctx, from, m)
	if answer.check() != nil || (&own{conn: o.conn, stand: o.stand, times: o.times}).send(answer) != nil {
		return false
	}
	if b, streamed := m.Stream.(*incoming); streamed && !whole.Load() {
		b.drain()
	}
	return whole.Load()
}
