package directory

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// What a request asks for.
const (
	Join    = "join"
	Suspend = "suspend"
	Remove  = "remove"
)

// How a request stands. One for suspension or removal begins as Proved: the
// registrar who makes it is its first voice.
const (
	Asked    = "asked"  // waits for the proof of control
	Proved   = "proved" // waits for two registrars
	Approved = "approved"
	Refused  = "refused"
	Lapsed   = "lapsed" // nobody proved anything in time
	Ended    = "ended"  // the member that it let in was suspended or removed
)

const (
	voicesNeeded = 2
	challengeFor = 15 * time.Minute
	provedWithin = 2 * time.Hour
	forgetLapsed = 24 * time.Hour
)

// A flood must neither fill the house nor shut others out. What is not proved gives
// way to what comes, the oldest first: that of the same client beyond its share, then
// anybody's. What is proved stays until registrars decide, so each client has few.
const (
	maxUnproved       = 2000
	maxUnprovedClient = 10
	maxProved         = 5000
	maxProvedClient   = 50
)

// Request is one wish to change the directory.
type Request struct {
	ID          string      `json:"id"`
	Kind        string      `json:"kind"`
	Member      string      `json:"member"`
	Application Application `json:"application,omitzero"` // of Join
	State       string      `json:"state"`
	AskedAt     time.Time   `json:"asked_at"`
	DecidedAt   time.Time   `json:"decided_at,omitzero"`
	Reason      string      `json:"reason,omitempty"` // of a refusal, or why somebody is to be suspended or removed
	Votes       []Vote      `json:"votes"`
	// Certificate is what the node got, in PEM, when it was let in.
	Certificate string `json:"certificate,omitempty"`

	nonce      string
	nonceUntil time.Time
}

// Vote is what one registrar decided.
type Vote struct {
	Officer string    `json:"officer"`
	Verdict string    `json:"verdict"` // approved or refused
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`

	person string // pseudonym of who the officer is
}

// Challenge is a text to be signed, and until when.
type Challenge struct {
	Text  string    `json:"text"`
	Until time.Time `json:"until"`
}

// Proof is both signatures over a challenge's text, in base64.
type Proof struct {
	Signature     string `json:"signature"`      // by the signing key
	NodeSignature string `json:"node_signature"` // by the key of the CSR; ECDSA: ASN.1 over SHA-256
}

// Ask takes an application of a client, which is whatever tells senders apart. The
// secret that comes back opens the request for whoever asked, and is told once. Refusals: errs.Invalid
// "directory.bad_application" that names the fields, errs.Conflict
// "directory.member_exists", errs.TooMany "directory.too_many_requests".
func (g *Registry) Ask(ctx context.Context, a Application, client string) (r Request, secret string, err error) {
	a = a.tidy()
	if err := a.check(); err != nil {
		return Request{}, "", err
	}
	now := g.clock.Now()
	secret, client = id.Token(24), g.pseudonym("address:"+client)
	r = Request{ID: id.New(now), Kind: Join, Member: a.Member(), Application: a, State: Asked, AskedAt: now, Votes: []Vote{}}
	err = g.store.write(ctx, func(ctx context.Context, t tx) error {
		if err := t.free(ctx, a); err != nil {
			return err
		}
		if err := t.room(ctx, client); err != nil {
			return err
		}
		return t.insertRequest(ctx, r, hashSecret(secret), client)
	})
	return r, secret, err
}

// room makes place for one more request of a client.
func (t tx) room(ctx context.Context, client string) error {
	proved, err := t.countJoins(ctx, Proved, "")
	if err != nil {
		return err
	}
	mine, err := t.countJoins(ctx, Proved, client)
	if err != nil {
		return err
	}
	if proved >= maxProved || mine >= maxProvedClient {
		return errs.New(errs.TooMany, "directory.too_many_requests")
	}
	for _, bound := range []struct {
		client string
		most   int
	}{{client, maxUnprovedClient}, {"", maxUnproved}} {
		n, err := t.countJoins(ctx, Asked, bound.client)
		if err == nil && n >= bound.most {
			err = t.giveWay(ctx, bound.client)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Follow gives the request that a secret opens; errs.NotFound
// "directory.no_such_request".
func (g *Registry) Follow(ctx context.Context, secret string) (Request, error) {
	var r Request
	err := g.store.read(ctx, func(ctx context.Context, t tx) (err error) {
		if r, err = t.requestBy(ctx, hashSecret(secret)); err != nil {
			return err
		}
		if r.State == Approved && r.Kind == Join {
			r.Certificate, err = t.certificateOf(ctx, r.Application)
		}
		return err
	})
	return r, err
}

// Challenge gives the text that both keys of a request sign, with a nonce that
// holds for a quarter of an hour; an earlier one counts no more. errs.Conflict
// "directory.not_waiting" when nothing is to be proved.
func (g *Registry) Challenge(ctx context.Context, secret string) (Challenge, error) {
	var r Request
	err := g.store.write(ctx, func(ctx context.Context, t tx) (err error) {
		if r, err = t.requestBy(ctx, hashSecret(secret)); err != nil {
			return err
		}
		if r.State != Asked {
			return errs.New(errs.Conflict, "directory.not_waiting", "state", r.State)
		}
		r.nonce, r.nonceUntil = id.Token(24), g.clock.Now().Add(challengeFor)
		return t.setNonce(ctx, r)
	})
	if err != nil {
		return Challenge{}, err
	}
	return Challenge{Text: g.challengeText(r), Until: r.nonceUntil}, nil
}

// pending is the challenge that was given last; it makes no new one.
func (g *Registry) pending(ctx context.Context, secret string) (c Challenge, err error) {
	err = g.store.read(ctx, func(ctx context.Context, t tx) error {
		r, err := t.requestBy(ctx, hashSecret(secret))
		c = Challenge{Text: g.challengeText(r), Until: r.nonceUntil}
		return err
	})
	return c, err
}

// challengeText binds the nonce to the request and to every word in it. Its first
// line keeps it apart from all else that the keys sign.
func (g *Registry) challengeText(r Request) string {
	return strings.Join([]string{"dinh-directory-proof/1", g.instance, r.ID, r.Member, r.Application.digest(), r.nonce}, "\n") + "\n"
}

// Prove takes the signatures over the last challenge. Refusals: errs.Conflict
// "directory.not_waiting", errs.Gone "directory.challenge_past", errs.Invalid
// "directory.bad_proof" that names the signature which does not fit.
func (g *Registry) Prove(ctx context.Context, secret string, p Proof) error {
	return g.store.write(ctx, func(ctx context.Context, t tx) error {
		r, err := t.requestBy(ctx, hashSecret(secret))
		if err != nil {
			return err
		}
		if r.State != Asked {
			return errs.New(errs.Conflict, "directory.not_waiting", "state", r.State)
		}
		if r.nonce == "" || !g.clock.Now().Before(r.nonceUntil) {
			return errs.New(errs.Gone, "directory.challenge_past")
		}
		if err := r.Application.proven(g.challengeText(r), p); err != nil {
			return err
		}
		r.State, r.nonce, r.nonceUntil = Proved, "", time.Time{}
		return t.setState(ctx, r)
	})
}

func (a Application) proven(text string, p Proof) error {
	public, err := parsePublic(a.Key)
	if err != nil {
		return err
	}
	csr, err := parseCSR(a.CSR, a.Hosts())
	if err != nil {
		return err
	}
	var wrong []errs.Field
	if s, err := decodeSignature(p.Signature); err != nil || !ed25519.Verify(public, []byte(text), s) {
		wrong = append(wrong, errs.NewField("signature", "directory.bad_signature"))
	}
	if s, err := decodeSignature(p.NodeSignature); err != nil || !verifyBy(csr, text, s) {
		wrong = append(wrong, errs.NewField("node_signature", "directory.bad_signature"))
	}
	if len(wrong) > 0 {
		return errs.New(errs.Invalid, "directory.bad_proof").With(wrong...)
	}
	return nil
}

func decodeSignature(s string) ([]byte, error) {
	s = strings.Join(strings.Fields(s), "")
	if len(s) > 1<<10 {
		return nil, fmt.Errorf("too long")
	}
	return base64.StdEncoding.DecodeString(s)
}
