package exchange

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// rules is everything a decision needs, read at one version and never changed.
type rules struct {
	version    int64
	members    map[MemberID]*Member
	subsystems map[SubsystemID]bool
	grants     map[pair][]*Grant // a grant to a group stands with each of its members
	all        []*Grant          // each once
	groups     map[string]*Group
	keys       map[string]*ClientKey // by the hash of the secret
	keysByID   map[string]*ClientKey
	services   map[ServiceID]*offered // the published ones
}

type pair struct {
	client  SubsystemID
	service ServiceID
}

// current gives the rules in memory, or reads them when this process knows of
// newer ones.
func (x *Exchange) current(ctx context.Context) (*rules, error) {
	if r := x.rules.Load(); r != nil && r.version >= x.floor.Load() {
		return r, nil
	}
	x.loading.Lock()
	defer x.loading.Unlock()
	if r := x.rules.Load(); r != nil && r.version >= x.floor.Load() {
		return r, nil
	}
	r, err := x.store.loadRules(ctx)
	if err != nil {
		return nil, err
	}
	x.adopt(r)
	x.rules.Store(r)
	x.raise(r.version)
	return r, nil
}

// raise says that rules of this version exist, so that older ones are not used.
func (x *Exchange) raise(version int64) {
	for {
		old := x.floor.Load()
		if version <= old || x.floor.CompareAndSwap(old, version) {
			return
		}
	}
}

// freshen asks the database whether another process changed the rules, and
// gives the newest. Those who ask at the same time share the question, which is
// put after the last of them came.
func (x *Exchange) freshen(ctx context.Context) (*rules, error) {
	if inTransaction(ctx) {
		v, err := x.store.version(ctx)
		if err != nil {
			return nil, err
		}
		x.raise(v)
		return x.current(ctx)
	}
	f := &freshening{done: make(chan struct{})}
	x.fresh.put(f)
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f.err != nil {
		return nil, f.err
	}
	return x.current(ctx)
}

type freshening struct {
	err  error
	done chan struct{}
}

func (x *Exchange) freshenAll(batch []*freshening) {
	v, err := x.store.version(context.Background())
	if err == nil {
		x.raise(v)
	}
	for _, f := range batch {
		f.err = err
		close(f.done)
	}
}

// judge decides a question under r.
func (r *rules) judge(a *ask, now time.Time) (decision, error) {
	if a.keyID != "" {
		if k := r.keysByID[a.keyID]; k == nil || !k.activeAt(now) {
			return decision{}, errs.New(errs.Unauthenticated, "exchange.client_key_revoked")
		}
	}
	if r.members[a.Service.Owner()] == nil {
		return decision{}, errs.New(errs.NotFound, "exchange.unknown_service", "service", a.Service.String())
	}
	if a.isMeta() {
		return forEverybody(), nil
	}
	d, err := decide(r.grants[pair{a.Client, a.Service}], question{
		client: a.Client, service: a.Service, operation: a.operation, fields: a.Fields, purpose: a.Purpose,
		legalBasis: a.LegalBasis, method: a.Method, path: a.Path, purposeGiven: !a.purposeFromGrant, body: a.Body,
	}, now)
	if err == nil {
		err = r.open(a)
	}
	return d, err
}

// The kinds of client keys.
const (
	KeySecret      = "secret"      // an API key; only the hash of its secret is kept
	KeyJWK         = "jwk"         // a public key whose assertions are changed for access tokens
	KeyCertificate = "certificate" // a certificate of the instance's authority, for mutual TLS
)

// ClientKey lets a subsystem call the API. A secret is shown once, when it is
// made.
type ClientKey struct {
	ID        string
	Kind      string
	Public    string // of KeyJWK the JWK, of KeyCertificate the certificate as PEM
	Subsystem SubsystemID
	Label     string
	CreatedAt time.Time
	Until     time.Time // zero: no end
	RevokedAt time.Time
	hash      string
}

func (k *ClientKey) activeAt(now time.Time) bool {
	return (k.RevokedAt.IsZero() || now.Before(k.RevokedAt)) && (k.Until.IsZero() || now.Before(k.Until))
}

// hashSecret is how a secret is kept. It has 256 random bits, so a plain hash is
// enough and the look-up by hash leaks nothing by its timing.
func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// mayUse says whether the client has any grant on the service now.
func (r *rules) mayUse(client SubsystemID, service ServiceID, now time.Time) bool {
	for _, g := range r.grants[pair{client, service}] {
		if g.activeAt(now) {
			return true
		}
	}
	return false
}

// ActiveAt says whether the grant holds at a time.
func (g *Grant) ActiveAt(now time.Time) bool { return g.activeAt(now) }

func (g *Grant) activeAt(now time.Time) bool {
	return (g.RevokedAt.IsZero() || now.Before(g.RevokedAt)) && !now.Before(g.From) && (g.Until.IsZero() || now.Before(g.Until))
}
