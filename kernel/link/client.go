package link

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// protocol is the ALPN name: a peer that speaks something else is refused in the
// handshake.
const protocol = "dinh-link/1"

// The first byte on a connection says what it is for.
const (
	prefaceShared byte = 'M'
	prefaceOwn    byte = 'S'

	welcome byte = 'W' // the answer to either
)

// Dialer asks other nodes. It is safe for concurrent use; Close ends it.
type Dialer struct {
	// TLS gives the configuration for a connection to a node: with the
	// certificate of this node and whatever must be checked of the other's. It
	// is asked for every connection, so that a new certificate is taken at once.
	TLS   func(node string) *tls.Config
	Times Times
	// Check is asked about the peer before each message, as that of Server is.
	Check func(context.Context, Peer) error
	// Age is how old a connection may become: then a new one takes its place, on
	// which both ends show what certificate they have now and check the other's. It
	// must be less than an old certificate counts beside the next. nil: one hour.
	Age func() time.Duration

	once  sync.Once
	mu    sync.Mutex
	peers map[string]*peer
}

// peer is one node at one address.
type peer struct {
	dialer        *Dialer
	node, address string
	times         Times

	dialing sync.Mutex
	current atomic.Pointer[asker]

	mu   sync.Mutex
	idle []parked
}

type parked struct {
	*own
	since time.Time
}

func (d *Dialer) age() time.Duration {
	if d.Age == nil {
		return time.Hour
	}
	return d.Age()
}

// asker is the asking end of a shared connection.
type asker struct {
	*shared
	peer    Peer
	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan frame
	retired bool // another connection is in its place; it ends with its last answer
}

// Ask sends a message to a node at an address and waits for its answer. An
// answer with a stream must be read to its end or closed. Errors are
// ErrUnreachable when the node cannot have got the message, whose stream is then
// untouched; ErrLost when it may have got it; and ctx's.
func (d *Dialer) Ask(ctx context.Context, node, address string, m Message) (Message, error) {
	if err := m.check(); err != nil {
		return Message{}, err
	}
	p := d.peer(node, address)
	if m.Stream != nil {
		return p.askAlone(ctx, m)
	}
	return p.askShared(ctx, m)
}

// Close ends all connections.
func (d *Dialer) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.peers {
		if a := p.current.Load(); a != nil {
			a.close(ErrLost)
		}
		p.mu.Lock()
		for _, o := range p.idle {
			_ = o.conn.Close()
		}
		p.idle = nil
		p.mu.Unlock()
	}
	d.peers = nil
}

func (d *Dialer) peer(node, address string) *peer {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := node + "\x00" + address
	p := d.peers[key]
	if p == nil {
		p = &peer{dialer: d, node: node, address: address, times: d.Times.complete()}
		if d.peers == nil {
			d.peers = map[string]*peer{}
		}
		d.peers[key] = p
	}
	return p
}

func (p *peer) dial(ctx context.Context, preface byte) (*standing, error) {
	ctx, cancel := context.WithTimeout(ctx, p.times.Dial)
	defer cancel()
	cfg := p.dialer.TLS(p.node).Clone()
	cfg.NextProtos, cfg.MinVersion = []string{protocol}, tls.VersionTLS13
	if cfg.ServerName == "" {
		host, _, err := net.SplitHostPort(p.address)
		if err != nil {
			return nil, fmt.Errorf("%w: address %q: %w", ErrUnreachable, p.address, err)
		}
		cfg.ServerName = host
	}
	conn, err := (&tls.Dialer{Config: cfg, NetDialer: &net.Dialer{}}).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	t, ok := conn.(*tls.Conn)
	if !ok || t.ConnectionState().NegotiatedProtocol != protocol {
		_ = conn.Close()
		return nil, fmt.Errorf("%w: %s speaks another protocol", ErrUnreachable, p.address)
	}
	if err := p.welcomed(t, preface); err != nil {
		_ = t.Close()
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return newStanding(t, cfg.VerifyConnection, p.times), nil
}

// welcomed waits for the other node's word that it knows us: in TLS 1.3 a
// handshake is over for us before the other end has looked at our certificate,
// and what is sent then may have been lost or not.
func (p *peer) welcomed(t *tls.Conn, preface byte) error {
	_ = t.SetDeadline(time.Now().Add(p.times.Dial))
	if _, err := t.Write([]byte{preface}); err != nil {
		return err
	}
	var word [1]byte
	if _, err := io.ReadFull(t, word[:]); err != nil {
		return err
	}
	if word[0] != welcome {
		return errFrame
	}
	return t.SetDeadline(time.Time{})
}

// connected gives the shared connection, made anew when the last one ended.
func (p *peer) connected(ctx context.Context) (*asker, error) {
	if a := p.live(); a != nil {
		return a, nil
	}
	p.dialing.Lock()
	defer p.dialing.Unlock()
	if a := p.live(); a != nil {
		return a, nil
	}
	stand, err := p.dial(ctx, prefaceShared)
	if err != nil {
		return nil, err
	}
	shown := Peer{Certificate: stand.conn.ConnectionState().PeerCertificates[0], Address: p.address}
	a := &asker{shared: newShared(stand.conn, p.times), peer: shown, waiting: map[uint64]chan frame{}}
	go a.guard(stand)
	go a.write()
	go a.watch()
	go a.read(a.take)
	if old := p.current.Swap(a); old != nil {
		old.retire()
	}
	return a, nil
}

func (p *peer) live() *asker {
	a := p.current.Load()
	if a == nil {
		return nil
	}
	select {
	case <-a.closed:
		return nil
	default:
	}
	if time.Since(a.start) > p.dialer.age() {
		return nil
	}
	return a
}

// retire ends a connection once nobody waits on it.
func (a *asker) retire() {
	a.mu.Lock()
	a.retired = true
	idle := len(a.waiting) == 0
	a.mu.Unlock()
	if idle {
		a.close(ErrLost)
	}
}

// done forgets who waited for an answer, and gives where it waits.
func (a *asker) done(id uint64) (ch chan frame, last bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ch = a.waiting[id]
	delete(a.waiting, id)
	return ch, a.retired && len(a.waiting) == 0
}

// take hands an answer to who waits for it. Nobody does when the asker has gone.
func (a *asker) take(f frame) error {
	if f.kind != kindMessage && f.kind != kindParked && f.kind != kindBusy {
		return errFrame
	}
	ch, last := a.done(f.id)
	if ch != nil {
		ch <- f
	}
	if last {
		return ErrLost // nobody waits on it
	}
	return nil
}

func (p *peer) askShared(ctx context.Context, m Message) (Message, error) {
	for {
		a, err := p.connected(ctx)
		if err != nil {
			return Message{}, err
		}
		if p.dialer.Check != nil {
			if err := p.dialer.Check(ctx, a.peer); err != nil {
				a.close(fmt.Errorf("%w: %w: %w", ErrLost, errFallen, err))
				return Message{}, fmt.Errorf("%w: %w: %w", ErrUnreachable, errFallen, err)
			}
		}
		f, sent, err := a.ask(ctx, m)
		if errors.Is(err, ErrLost) && !sent && ctx.Err() == nil {
			continue // the connection had ended before the message was written
		}
		if err != nil {
			return Message{}, err
		}
		if f.kind == kindBusy {
			return Message{}, fmt.Errorf("%w: it answers as many messages as it can", ErrUnreachable)
		}
		if f.kind == kindParked && len(f.payload) == 8 {
			return p.claim(ctx, binary.BigEndian.Uint64(f.payload))
		}
		return parseMessage(f.payload)
	}
}

func (a *asker) ask(ctx context.Context, m Message) (f frame, sent bool, err error) {
	ch := make(chan frame, 1)
	var left atomic.Bool
	a.mu.Lock()
	if a.retired {
		a.mu.Unlock()
		return frame{}, false, ErrLost
	}
	a.next++
	id := a.next
	a.waiting[id] = ch
	a.mu.Unlock()
	defer func() {
		if err == nil {
			return
		}
		if _, last := a.done(id); last {
			a.close(ErrLost)
		}
	}()
	if err := a.send(ctx, outgoing{kindMessage, id, m, &left}); err != nil {
		return frame{}, left.Load(), err
	}
	select {
	case f = <-ch:
		return f, true, nil
	case <-a.closed:
		select {
		case f = <-ch: // it came just before the end
			return f, true, nil
		default:
		}
		return frame{}, left.Load(), a.cause
	case <-ctx.Done():
		return frame{}, left.Load(), ctx.Err()
	}
}

// alone gives a connection for one message: an idle one or a new one.
func (p *peer) alone(ctx context.Context) (o *own, used bool, err error) {
	p.mu.Lock()
	for len(p.idle) > 0 {
		last := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if time.Since(last.since) < p.times.Idle && time.Since(last.born) < p.dialer.age() {
			p.mu.Unlock()
			return last.own, true, nil
		}
		_ = last.conn.Close()
	}
	p.mu.Unlock()
	stand, err := p.dial(ctx, prefaceOwn)
	if err != nil {
		return nil, false, err
	}
	return newOwn(stand, p.times), false, nil
}

func (p *peer) release(o *own, whole bool) {
	const most = 64
	p.mu.Lock()
	defer p.mu.Unlock()
	if !whole || len(p.idle) >= most {
		_ = o.conn.Close()
		return
	}
	p.idle = append(p.idle, parked{o, time.Now()})
}

// askAlone sends a long body and takes the answer on the same connection.
func (p *peer) askAlone(ctx context.Context, m Message) (Message, error) {
	stand, err := p.dial(ctx, prefaceOwn) // never a used one: a body cannot be sent twice
	if err != nil {
		return Message{}, err
	}
	o, conn := newOwn(stand, p.times), stand.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	sent := make(chan error, 1)
	go func() { sent <- o.send(m) }()
	answer, err := newOwn(stand, p.times).receive(func(bool) {
		stop()
		_ = conn.Close()
	})
	if err != nil {
		stop()
		_ = conn.Close()
		serr := <-sent
		return Message{}, errors.Join(ErrLost, err, serr)
	}
	o.stop.Store(true)
	return answer, nil
}

// claim fetches a long answer that is parked at the peer.
func (p *peer) claim(ctx context.Context, id uint64) (Message, error) {
	for {
		o, used, err := p.alone(ctx)
		if err != nil {
			return Message{}, errors.Join(ErrLost, err)
		}
		stop := context.AfterFunc(ctx, func() { _ = o.conn.Close() })
		o.buf = appendFrame(o.buf[:0], kindClaim, id)
		_ = o.conn.SetWriteDeadline(time.Now().Add(p.times.Dial))
		_, err = o.conn.Write(o.buf)
		var m Message
		if err == nil {
			m, err = o.receive(func(whole bool) {
				p.release(o, stop() && whole)
			})
		}
		if err == nil {
			return m, nil
		}
		stop()
		_ = o.conn.Close()
		if !used || ctx.Err() != nil {
			return Message{}, errors.Join(ErrLost, err)
		}
	}
}
