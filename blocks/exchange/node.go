package exchange

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"hash/maphash"
	"io"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/blocks/exchange/opmon"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/link"
)

// Directory knows the other nodes and their members' keys. Package directory is
// one. Its answers come from memory.
type Directory interface {
	// NodeOf gives the node that serves a subsystem.
	NodeOf(SubsystemID) (Node, bool)
	// Key gives a signing key that holds at a time, and its member.
	Key(keyID string, at time.Time) (MemberID, ed25519.PublicKey, bool)
	// NodeBy gives the id of the node that a certificate is for today.
	NodeBy(*x509.Certificate) (string, bool)
	// Members lists all members of the instance.
	Members() []Member
}

// Node is an installation that members are served from.
type Node struct {
	ID        string   // as its certificate names it
	Addresses []string // host:port of its links, any of which will do
}

// Carrier takes messages to another node. *link.Dialer is one.
type Carrier interface {
	Ask(ctx context.Context, node, address string, m link.Message) (link.Message, error)
}

const (
	nodePatience = 90 * time.Second // for a held message to be answered
	clockSkew    = 5 * time.Minute  // between nodes, and between signing and arriving
)

// elsewhere gives the node that serves a subsystem, when it is not this one.
func (x *Exchange) elsewhere(s SubsystemID) (Node, bool) {
	if x.directory == nil || x.carrier == nil {
		return Node{}, false
	}
	n, ok := x.directory.NodeOf(s)
	if !ok || n.ID == x.node {
		return Node{}, false
	}
	return n, true
}

// atHomeElsewhere says whether a subsystem is at home on another node.
func (x *Exchange) atHomeElsewhere(s SubsystemID) bool {
	_, ok := x.elsewhere(s)
	return ok
}

// askNode is the asking side of a call to another node: it signs, sends, checks
// what comes back and records it before anybody sees it.
func (x *Exchange) askNode(ctx context.Context, a *ask, n Node) (Answer, error) {
	if home, ok := x.directory.NodeOf(a.Client); !ok || home.ID != x.node { // suspended, or not listed: nobody would hear it
		return Answer{}, x.unanswered(ctx, a, errs.New(errs.NotFound, "exchange.unknown_client", "client", a.Client.String()))
	}
	m, err := x.letter(ctx, a)
	if err != nil {
		return Answer{}, err
	}
	a.sentAt = x.clock.Now()
	back, err := x.carry(ctx, a, n, m)
	a.gotAt = x.clock.Now()
	whole := a.adopt()
	if err != nil {
		return Answer{}, x.unanswered(ctx, a, err)
	}
	got, streams, err := unpackAnswer(back.Head)
	if err != nil || streams != (back.Stream != nil) || !whole && got.contentType != faultType {
		if back.Stream != nil {
			_ = back.Stream.Close()
		}
		return Answer{}, x.unanswered(ctx, a, errs.New(errs.Unavailable, "exchange.node_failed").Wrap(err))
	}
	if got.contentType == faultType && got.proof.Created == 0 { // refused before it was known who asks
		return Answer{}, x.unanswered(ctx, a, unpackFault(back.Body))
	}
	out := Answer{
		Status: got.status, ContentType: got.contentType, Headers: ofTheAnswer(got.headers), MessageID: a.MessageID, RequestID: a.requestID,
		RequestHash: a.hash, Events: got.events, At: x.clock.Now(), Fields: got.fields, Length: int64(len(back.Body)),
	}
	if streams {
		if err := x.begun(ctx, a); err != nil {
			_ = back.Stream.Close()
			return Answer{}, err
		}
		out.Length = got.length
		out.Stream = closing{newLastHeld(back.Stream, got.length, false, func(s sums) error {
			tail, err := back.Tail()
			if err != nil {
				return err
			}
			u := unpack(tail)
			got.unpackProof(u)
			if err := u.end(); err != nil {
				return err
			}
			return x.accept(ctx, a, &got, s)
		}), back.Stream}
		return out, nil
	}
	if err := x.accept(ctx, a, &got, digestOf(back.Body)); err != nil {
		return Answer{}, err
	}
	if got.contentType == faultType {
		return Answer{}, unpackFault(back.Body)
	}
	out.Body = back.Body
	return out, nil
}

// letter closes a question and packs it. One that streams is signed when its
// last byte has passed.
func (x *Exchange) letter(ctx context.Context, a *ask) (link.Message, error) {
	if a.stream == nil && len(a.Body) > link.MaxHeld {
		a.stream, a.length = io.NopCloser(bytes.NewReader(a.Body)), int64(len(a.Body))
	}
	if a.stream == nil {
		if err := x.signRequest(ctx, a, sumsOf(a.Body)); err != nil {
			return link.Message{}, err
		}
		return link.Message{Head: packRequest(a), Body: a.Body}, nil
	}
	a.late = make(chan *ask, 1)
	c := *a // the body is read elsewhere, while this call waits
	body := newLastHeld(c.stream, c.length, true, func(s sums) error {
		if err := x.signRequest(ctx, &c, s); err != nil {
			return err
		}
		c.late <- &c
		return nil
	})
	return link.Message{Head: packRequest(a), Stream: closing{body, c.stream}, Tail: func() ([]byte, error) {
		p := &packer{}
		c.packProof(p)
		return p.b, nil
	}}, nil
}

// anew makes another letter of a question that may have arrived: the same one would
// not be taken twice.
func (x *Exchange) anew(ctx context.Context, a *ask) (link.Message, error) {
	a.requestID, a.request = newRequestID(x), Proof{}
	return x.letter(ctx, a)
}

// carry sends a message to one of a node's addresses, which take turns: each may
// be a process of its own. Nothing is sent twice but a question that only reads,
// once, under a new request id.
func (x *Exchange) carry(ctx context.Context, a *ask, n Node, m link.Message) (link.Message, error) {
	reads := a.operation == OpRead && m.Stream == nil
	if m.Stream != nil {
		defer func() { go m.Stream.Close() }() // the client may be slow, and the answer early
	}
	err := error(link.ErrUnreachable)
	turn := int(x.turn.Add(1) % 1024)
	for i := range n.Addresses {
		address := n.Addresses[(turn+i)%len(n.Addresses)]
		var back link.Message
		if back, err = x.carryTo(ctx, n.ID, address, m); err == nil {
			return back, nil
		}
		again := errors.Is(err, link.ErrUnreachable)
		if !again && reads && errors.Is(err, link.ErrLost) && ctx.Err() == nil {
			reads = false
			if m, err = x.anew(ctx, a); err != nil {
				return link.Message{}, err
			}
			if back, err = x.carryTo(ctx, n.ID, address, m); err == nil {
				return back, nil
			}
			again = true
		}
		if !again {
			break
		}
	}
	return link.Message{}, err
}

func (x *Exchange) carryTo(ctx context.Context, node, address string, m link.Message) (link.Message, error) {
	if m.Stream != nil {
		return x.carrier.Ask(ctx, node, address, m)
	}
	ctx, cancel := context.WithCancel(ctx)
	patience := time.AfterFunc(nodePatience, cancel)
	back, err := x.carrier.Ask(ctx, node, address, m)
	patience.Stop()
	if err != nil || back.Stream == nil {
		cancel()
		return back, err
	}
	back.Stream = &cancelled{back.Stream, cancel}
	return back, nil
}

// cancelled ends a context with the stream that needs it.
type cancelled struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close ends both.
func (c *cancelled) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}

// begun keeps evidence of a question whose long answer is about to be handed
// over: what is broken off must not stay unseen.
func (x *Exchange) begun(ctx context.Context, a *ask) error {
	err := x.seal(ctx, &x.answers, &sealing{trace: func() (trace, error) {
		return trace{evidence: a.evidence(x.clock.Now(), a.request, Proof{})}, nil
	}})
	if err != nil {
		return unavailable("exchange.not_recorded", err)
	}
	return nil
}

// accept checks the other node's answer, and makes it durable before it is seen.
func (x *Exchange) accept(ctx context.Context, a *ask, got *reply, s sums) error {
	if s.sha256 != got.sums.sha256 {
		return x.unanswered(ctx, a, errs.New(errs.Unavailable, "exchange.bad_digest"))
	}
	components := a.answerComponents(got.answered, ":"+a.request.Signature+":")
	if err := x.arrived(ctx, a.Service.Owner(), &got.proof, components); err != nil {
		return x.unanswered(ctx, a, err)
	}
	err := x.seal(ctx, &x.answers, &sealing{trace: func() (trace, error) {
		return trace{evidence: a.evidence(x.clock.Now(), a.request, got.proof)}, nil
	}})
	if err != nil {
		return unavailable("exchange.not_recorded", err)
	}
	return nil
}

// arrived checks a proof that came from another node: it is fresh, by the
// member, and covers what arrived. It completes the proof with its base.
func (x *Exchange) arrived(ctx context.Context, m MemberID, p *Proof, components []httpsig.Component) error {
	age := x.clock.Now().Sub(time.Unix(p.Created, 0))
	if age > clockSkew || age < -clockSkew {
		return errs.New(errs.Forbidden, "exchange.signature_stale", "member", m.String())
	}
	sig, err := base64.StdEncoding.DecodeString(p.Signature)
	if err != nil {
		return falseSignature(m)
	}
	base := httpsig.Base(components, httpsig.Params{Created: p.Created, KeyID: p.KeyID, Tag: signatureTag})
	if err := x.verifySignature(ctx, m, p.KeyID, Signed{base, sig}); err != nil {
		return err
	}
	p.Base = string(base)
	return nil
}

// unanswered leaves the trace of a question that brought nothing from another
// node, and gives its error.
func (x *Exchange) unanswered(ctx context.Context, a *ask, cause error) error {
	if _, coded := errs.As(cause); !coded {
		code := "exchange.node_lost"
		if errors.Is(cause, link.ErrUnreachable) {
			code = "exchange.node_unreachable"
		}
		cause = unavailable(code, cause)
	}
	return x.note(ctx, a, traceInfo{
		decision: decision{purpose: a.Purpose, legalBasis: a.LegalBasis, fields: a.Fields},
		outcome:  OutcomeFailed, reason: errs.CodeOf(cause), request: a.request,
	}, cause)
}

// Handle answers another node: it is the Handler of this node's link. The
// directory knows the node by its certificate, and clients may ask from their
// own node only.
func (x *Exchange) Handle(ctx context.Context, from link.Peer, m link.Message) link.Message {
	a, streams, err := unpackRequest(m.Head)
	if err == nil && streams != (m.Stream != nil) {
		err = errs.New(errs.Invalid, "exchange.bad_message")
	}
	if err != nil {
		if m.Stream != nil {
			_ = m.Stream.Close()
		}
		return x.fault(ctx, a, err)
	}
	node, known := x.directory.NodeBy(from.Certificate)
	if !known || node == x.node {
		return x.fault(ctx, a, errs.New(errs.Forbidden, "exchange.unknown_node"))
	}
	in := &inbound{ask: a, node: node, prove: func(ctx context.Context, s sums) error {
		return x.proveArrived(ctx, a, m, s)
	}}
	a.Body, a.stream = m.Body, m.Stream
	came := x.clock.Now()
	ctx = x.traced(ctx, a, opmon.Producer)
	out, err := x.answer(ctx, in)
	if err != nil {
		x.watch(ctx, watching{a, opmon.Producer, came}, Answer{}, err)
		return x.fault(ctx, a, err)
	}
	out.Answer = x.watch(ctx, watching{a, opmon.Producer, came}, out.Answer, nil)
	r := reply{fields: out.Fields, answered: answered{
		status: out.Status, contentType: out.ContentType, headers: out.Headers, length: out.Length,
	}}
	if out.Stream == nil && len(out.Body) <= link.MaxHeld {
		r.sums, r.events, r.proof = out.sums, out.Events, out.run.answer
		return link.Message{Head: packAnswer(r, false), Body: out.Body}
	}
	if out.Stream == nil {
		out.Stream = io.NopCloser(bytes.NewReader(out.Body))
	}
	return link.Message{Head: packAnswer(r, true), Stream: out.Stream, Tail: func() ([]byte, error) {
		r.sums, r.events, r.proof = out.sums, out.Events, out.run.answer
		p := &packer{}
		r.packProof(p)
		return p.b, nil
	}}
}

func (x *Exchange) proveArrived(ctx context.Context, a *ask, m link.Message, s sums) error {
	if m.Stream != nil {
		tail, err := m.Tail()
		if err != nil {
			return errs.New(errs.Invalid, "exchange.bad_body").Wrap(err)
		}
		u := unpack(tail)
		a.unpackProof(u)
		if err := u.end(); err != nil {
			return err
		}
	}
	if a.sums.sha256 != s.sha256 {
		return errs.New(errs.Forbidden, "exchange.bad_digest")
	}
	a.sums = s
	if err := x.arrived(ctx, a.Client.Owner(), &a.request, a.requestComponents()); err != nil {
		return err
	}
	if !x.arrivals.first(a.Client.Owner(), a.requestID, a.request.Created, x.clock.Now()) {
		return errs.New(errs.Conflict, "exchange.replayed")
	}
	return nil
}

// fault answers that there is no answer, signed by who was asked where that is
// somebody here.
func (x *Exchange) fault(ctx context.Context, a *ask, cause error) link.Message {
	body := packFault(cause)
	r := reply{answered: answered{status: 500, contentType: faultType, sums: digestOf(body)}}
	if a != nil && a.request.Base != "" {
		err := x.seal(context.WithoutCancel(ctx), &x.requests, &sealing{owner: a.Service.Owner(), proof: &r.proof, components: func() []httpsig.Component {
			return a.answerComponents(r.answered, ":"+a.request.Signature+":")
		}})
		if err != nil {
			x.log.WarnContext(ctx, "exchange: a refusal could not be signed", "error", err)
		}
	}
	return link.Message{Head: packAnswer(r, false), Body: body}
}

// arrivals remembers the signed questions that came from other nodes for as long as
// their signatures count, so that none is answered twice. It is the memory of one
// process: eight bytes a question, and no write to the database.
type arrivals struct {
	seed maphash.Seed

	mu    sync.Mutex
	spans map[int64]map[uint64]struct{} // by when they were signed
}

// arrivalSpan is how much is forgotten at once.
const arrivalSpan = int64(30) // seconds

// first says whether this question of the member has not come before. It was signed
// at created, which is not too old by the clock.
func (s *arrivals) first(m MemberID, requestID string, created int64, now time.Time) bool {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, part := range []string{m.Class, m.Code, requestID} {
		_, _ = h.WriteString(part)
		_ = h.WriteByte(0)
	}
	key, span := h.Sum64(), created/arrivalSpan
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.spans[span]
	if all == nil {
		oldest := now.Add(-clockSkew).Unix() / arrivalSpan
		for old := range s.spans {
			if old < oldest {
				delete(s.spans, old)
			}
		}
		all = map[uint64]struct{}{}
		s.spans[span] = all
	}
	if _, came := all[key]; came {
		return false
	}
	all[key] = struct{}{}
	return true
}
