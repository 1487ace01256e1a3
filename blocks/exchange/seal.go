package exchange

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"sync"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// sealing is one message at the point where it becomes evidence: it is signed,
// or its trace is made durable, or both in this order.
type sealing struct {
	owner      MemberID
	components func() []Component // nil: there is nothing to sign
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
		bases[i] = SignatureBase(s.components(), params)
	}
	signatures, err := SignBatch(bases, func(message []byte) ([]byte, error) { return x.signer.Sign(ctx, keyID, message) })
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
func (x *Exchange) verify(ctx context.Context, m MemberID, p Proof, components []Component) error {
	no := errs.New(errs.Forbidden, "exchange.signature_false", "member", m.String())
	sig, err := base64.StdEncoding.DecodeString(p.Signature)
	if err != nil {
		return no.Wrap(err)
	}
	lines := make([]byte, 0, len(p.Base))
	for _, c := range components {
		lines = append(append(append(c.identifier(lines), ": "...), c.Value...), '\n')
	}
	if len(p.Base) < len(lines) || p.Base[:len(lines)] != string(lines) {
		return no
	}
	return x.verifySignature(ctx, m, p.KeyID, Signed{[]byte(p.Base), sig})
}

// verifySignature checks one message's signature. That of a batch is checked
// once, for whichever of its messages comes first.
func (x *Exchange) verifySignature(ctx context.Context, m MemberID, keyID string, s Signed) error {
	if len(s.Signature) <= batchHead {
		return x.verifyText(ctx, m, keyID, s)
	}
	size, root, ok := batchRoot(s.Message, s.Signature)
	if !ok {
		return errs.New(errs.Forbidden, "exchange.signature_false", "member", m.String())
	}
	text := appendBatchText(nil, size, root)
	whole := Signed{Message: text, Signature: s.Signature[:batchHead-8]}
	return x.batches.once(m.String()+" "+keyID+" "+string(whole.Signature)+string(text), func() error { return x.verifyText(ctx, m, keyID, whole) })
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
				return errs.New(errs.Forbidden, "exchange.signature_false", "member", m.String())
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
	return o.err
}
