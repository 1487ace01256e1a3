package exchange

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// sealing is one message at the point where it becomes evidence: it is signed,
// or its trace is made durable, or both in this order.
type sealing struct {
	owner      MemberID
	components func() []httpsig.Component // nil: there is nothing to sign
	proof      *Proof
	trace      func() (trace, error) // nil: there is nothing to record

	made  trace
	fresh bool // the rules were still those of the trace's version
	err   error
	done  chan struct{}
}

// seal waits until s is signed and durable. Who stops waiting does not stop it.
func (x *Exchange) seal(ctx context.Context, g *gatherer[*sealing], s *sealing) error {
	s.done = make(chan struct{})
	g.put(s)
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sealAll signs what has come together, one signature for each member, and
// makes it durable in one transaction.
func (x *Exchange) sealAll(batch []*sealing) {
	ctx := context.Background()
	x.signAll(ctx, batch)
	var rest []*sealing
	for _, s := range batch {
		if s.err == nil && s.trace != nil {
			if s.made, s.err = s.trace(); s.err == nil {
				rest = append(rest, s)
			}
		}
	}
	if len(rest) > 0 && x.store.recordAll(ctx, rest) != nil {
		for _, s := range rest { // one of them does not fit: the others must not suffer
			s.fresh, s.err = x.store.record(ctx, s.made)
		}
	}
	for _, s := range batch {
		close(s.done)
	}
}

func (x *Exchange) signAll(ctx context.Context, batch []*sealing) {
	byOwner := map[MemberID][]*sealing{}
	for _, s := range batch {
		if s.components != nil && s.proof.Base == "" {
			byOwner[s.owner] = append(byOwner[s.owner], s)
		}
	}
	for owner, group := range byOwner {
		if err := x.signGroup(ctx, owner, group); err != nil {
			for _, s := range group {
				s.err = err
			}
		}
	}
}

func (x *Exchange) signGroup(ctx context.Context, owner MemberID, group []*sealing) error {
	keyID, err := x.signer.KeyID(ctx, owner)
	if err != nil {
		return err
	}
	params := x.params(keyID, x.clock.Now())
	bases := make([][]byte, len(group))
	for i, s := range group {
		bases[i] = httpsig.Base(s.components(), params)
	}
	signatures, err := httpsig.SignBatch(bases, func(message []byte) ([]byte, error) { return x.signer.Sign(ctx, keyID, message) })
	if err != nil {
		return err
	}
	for i, s := range group {
		*s.proof = Proof{KeyID: keyID, Created: params.Created, Base: string(bases[i]), Signature: base64.StdEncoding.EncodeToString(signatures[i])}
	}
	return nil
}

// verify checks that a proof covers exactly these components and was made by the
// member.
func (x *Exchange) verify(ctx context.Context, m MemberID, p Proof, components []httpsig.Component) error {
	sig, err := base64.StdEncoding.DecodeString(p.Signature)
	if err != nil {
		return falseSignature(m).Wrap(err)
	}
	lines := make([]byte, 0, len(p.Base))
	for _, c := range components {
		lines = append(append(append(c.AppendIdentifier(lines), ": "...), c.Value...), '\n')
	}
	if len(p.Base) < len(lines) || p.Base[:len(lines)] != string(lines) {
		return falseSignature(m)
	}
	return x.verifySignature(ctx, m, p.KeyID, Signed{[]byte(p.Base), sig})
}

func falseSignature(m MemberID) *errs.Error {
	return errs.New(errs.Forbidden, "exchange.signature_false", "member", m.String())
}

// verifySignature checks one message's signature. That of a batch is checked
// once, for whichever of its messages comes first.
func (x *Exchange) verifySignature(ctx context.Context, m MemberID, keyID string, s Signed) error {
	text, plain, ok := httpsig.Covered(s.Message, s.Signature)
	if !ok {
		return falseSignature(m)
	}
	whole := Signed{Message: text, Signature: plain}
	if len(plain) == len(s.Signature) {
		return x.verifyText(ctx, m, keyID, whole)
	}
	return x.batches.once(m.String()+" "+keyID+" "+string(plain)+string(text), func() error { return x.verifyText(ctx, m, keyID, whole) })
}

// verifyText checks one plain signature: by the key that the directory knows for
// the member, or by the member's own when it is kept here.
func (x *Exchange) verifyText(ctx context.Context, m MemberID, keyID string, s Signed) error {
	if x.directory != nil {
		if owner, public, ok := x.directory.Key(keyID, x.clock.Now()); ok {
			switch {
			case owner != m:
				return errs.New(errs.Forbidden, "exchange.wrong_key", "member", m.String())
			case !ed25519.Verify(public, s.Message, s.Signature):
				return falseSignature(m)
			}
			return nil
		}
	}
	return x.signer.Verify(ctx, m, keyID, s)
}

// seenOnce remembers how the checks of the last batches came out.
type seenOnce struct {
	mu  sync.Mutex
	all map[string]*outcome
}

type outcome struct {
	once sync.Once
	err  error
}

func (v *seenOnce) once(key string, check func() error) error {
	const most = 1024
	v.mu.Lock()
	o := v.all[key]
	if o == nil {
		if len(v.all) >= most || v.all == nil {
			v.all = make(map[string]*outcome, most)
		}
		o = &outcome{}
		v.all[key] = o
	}
	v.mu.Unlock()
	o.once.Do(func() { o.err = check() })
	if o.err != nil { // it may pass: a directory that could not be read
		v.mu.Lock()
		if v.all[key] == o {
			delete(v.all, key)
		}
		v.mu.Unlock()
	}
	return o.err
}

// gatherer hands what waits to work, as much at once as has come together while
// the last batch was worked on. What comes alone goes at once; when several come
// together, pause lets more gather before the next batch, which is what shares
// the price of a signature and of a durable write among many.
type gatherer[T any] struct {
	pause time.Duration
	most  int
	work  func([]T)

	mu      sync.Mutex
	waiting []T
	busy    bool
}

func (g *gatherer[T]) put(v T) {
	g.mu.Lock()
	g.waiting = append(g.waiting, v)
	start := !g.busy
	g.busy = true
	g.mu.Unlock()
	if start {
		go g.run()
	}
}

// calmAfter is how many batches of one, or of none, end a crowd.
const calmAfter = 5

// run works until nothing waits. While there is a crowd it keeps the pace, so
// that the first of the next burst does not pay alone.
func (g *gatherer[T]) run() {
	calm := calmAfter
	for {
		batch := g.take(calm < calmAfter)
		switch {
		case len(batch) > 1:
			calm = 0
		case len(batch) == 0 && calm >= calmAfter:
			return
		default:
			calm++
		}
		if calm >= calmAfter || g.pause == 0 {
			if len(batch) > 0 {
				g.work(batch)
			}
			continue
		}
		rest := time.NewTimer(g.pause)
		if len(batch) > 0 {
			g.work(batch)
		}
		<-rest.C
	}
}

func (g *gatherer[T]) take(stay bool) []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), g.most)
	if n == 0 {
		g.busy = stay
		return nil
	}
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	if len(g.waiting) == 0 {
		g.waiting = nil
	}
	return batch
}

// Signer signs and verifies messages for members. It is the seam for signatures
// over batches and for keys that live elsewhere.
type Signer interface {
	// KeyID names the key a member signs with now.
	KeyID(ctx context.Context, member MemberID) (string, error)
	// Sign signs with a key that KeyID gave.
	Sign(ctx context.Context, keyID string, message []byte) ([]byte, error)
	// Verify checks that the key is the member's and that it made the signature:
	// errs.Forbidden "exchange.wrong_key" or "exchange.signature_false".
	Verify(ctx context.Context, member MemberID, keyID string, s Signed) error
}

// Signed is a message with its signature.
type Signed struct{ Message, Signature []byte }

// MemberKeys is the Signer that an exchange uses when it is given none: members'
// current Ed25519 keys. A Signer that does more for some members wraps it.
func MemberKeys(k Keystore) Signer { return memberKeys{k} }

type memberKeys struct{ keys Keystore }

func (m memberKeys) KeyID(ctx context.Context, member MemberID) (string, error) {
	k, err := m.keys.Current(ctx, member.String(), keys.Sign)
	return k.ID, err
}

func (m memberKeys) Sign(ctx context.Context, keyID string, message []byte) ([]byte, error) {
	return m.keys.Sign(ctx, keyID, message)
}

func (m memberKeys) Verify(ctx context.Context, member MemberID, keyID string, s Signed) error {
	k, err := m.keys.Key(ctx, keyID)
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return err
	}
	public, ok := k.Public.(ed25519.PublicKey)
	if err != nil || !ok || k.Owner != member.String() || k.Use != keys.Sign {
		return errs.New(errs.Forbidden, "exchange.wrong_key", "member", member.String()).Wrap(err)
	}
	if !ed25519.Verify(public, s.Message, s.Signature) {
		return errs.New(errs.Forbidden, "exchange.signature_false", "member", member.String())
	}
	return nil
}
