package directory

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/web"
)

// Issuer certifies nodes. Both join the transaction that travels in ctx.
type Issuer interface {
	// IssueNode certifies the key of a CSR for link connections under a name that
	// the registry gives; what the CSR says of names does not count.
	IssueNode(ctx context.Context, csrDER []byte, name keys.Name) (*x509.Certificate, error)
	// RevokeNode revokes a certificate by its serial number in hexadecimal. One
	// that is revoked already is no error.
	RevokeNode(ctx context.Context, serial, reason string) error
}

// Ledger takes a commitment to every version. Append joins the transaction that
// travels in ctx.
type Ledger interface {
	Append(ctx context.Context, id string, leaf []byte) error
}

// Own is what the central node itself brings: its node and the members that it
// serves. They ask nobody, and registrars cannot remove them.
type Own struct {
	Node         Node                // without certificates
	Certificates []*x509.Certificate // of the node
	Members      []Member            // each with the key that it signs with now
}

// RegistryDeps is what a registry stands on. Issuer may be nil: then nobody can
// be let in. Log, Pages and Pseudonym may be nil.
type RegistryDeps struct {
	DB        Database
	Clock     clock.Clock
	Log       *slog.Logger
	Directory *Directory // of this house, which has no source
	Signer    note.Signer
	VKey      string // verifier key of Signer, which everybody may know
	Issuer    Issuer
	// Authorities certify nodes: this house's own, and before it changes the next.
	Authorities []*x509.Certificate
	Own         func(context.Context) (Own, error) // asked by Run alone
	Ledger      Ledger                             // nil: versions leave no trace in a log
	// Operator is the member whose registrars decide, "GOV/MPS"; "" is any.
	Operator string
	// Lifetime is how long a version is good for; 0 is three days. It is issued
	// anew when half of it is over, and new keys are announced so long before they
	// are used.
	Lifetime  time.Duration
	Address   AddressOf                  // of who asks; nil: that of the connection
	Pseudonym func(number string) string // keys.Pseudonym: the same person is one voice, whatever officer they are
	Pages     *web.Renderer
}

// Registry is the central node's side: it takes requests, lets registrars decide,
// and publishes the directory.
type Registry struct {
	store     store
	clock     clock.Clock
	log       *slog.Logger
	address   AddressOf
	directory *Directory
	instance  string
	signer    note.Signer
	vkey      string
	issuer    Issuer
	roots     []*x509.Certificate
	own       func(context.Context) (Own, error)
	ledger    Ledger
	operator  string
	lifetime  time.Duration
	pseudonym func(string) string
	view      *web.Renderer
}

const defaultLifetime = 72 * time.Hour

// NewRegistry gives a registry over tables that exist already.
func NewRegistry(d RegistryDeps) (*Registry, error) {
	if d.DB == nil || d.Clock == nil || d.Directory == nil || d.Signer == nil || d.Own == nil {
		return nil, errors.New("directory: RegistryDeps needs DB, Clock, Directory, Signer and Own")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Lifetime == 0 {
		d.Lifetime = defaultLifetime
	}
	if d.Address == nil {
		d.Address = httpx.ClientBehind("")
	}
	return &Registry{
		store: store{d.DB}, clock: d.Clock, log: d.Log, directory: d.Directory, instance: d.Directory.trust.Instance, signer: d.Signer, vkey: d.VKey,
		issuer: d.Issuer, roots: d.Authorities, own: d.Own, ledger: d.Ledger, operator: d.Operator, lifetime: d.Lifetime, pseudonym: d.Pseudonym, address: d.Address, view: d.Pages,
	}, nil
}

// Run lists this house as it is served, publishes what changed and issues the
// directory anew before it expires, until ctx ends. Several processes may do so on
// one database.
func (g *Registry) Run(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(min(every, g.lifetime/8)) // issued anew well before it expires, however short its life
	defer tick.Stop()
	for {
		if err := g.TakeOwn(ctx); err != nil && ctx.Err() == nil {
			g.log.ErrorContext(ctx, "this house could not list itself in the member directory", slog.Any("err", err))
		}
		g.publishSoon(ctx)
		if err := g.Tidy(ctx); err != nil && ctx.Err() == nil {
			g.log.ErrorContext(ctx, "old requests for membership were not closed", slog.Any("err", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// publishSoon publishes now or, when that fails, at the next tick of Run.
func (g *Registry) publishSoon(ctx context.Context) {
	if err := g.Publish(ctx); err != nil && ctx.Err() == nil {
		g.log.ErrorContext(ctx, "the member directory was not published", slog.Any("err", err))
	}
}

// Tidy closes requests that nobody proved in time, and forgets them later.
func (g *Registry) Tidy(ctx context.Context) error {
	now := g.clock.Now()
	return g.store.write(ctx, func(ctx context.Context, t tx) error {
		if err := t.lapse(ctx, now.Add(-provedWithin), now); err != nil {
			return err
		}
		return t.forget(ctx, now.Add(-forgetLapsed))
	})
}

// Publish issues a new version when the members, nodes or keys have changed, or
// when half of the newest one's life is over. This house reads from it at once.
func (g *Registry) Publish(ctx context.Context) error {
	err := g.store.write(ctx, func(ctx context.Context, t tx) error {
		now := g.clock.Now().UTC()
		next, err := t.compose(ctx, now)
		if err != nil {
			return err
		}
		next.Instance = g.instance
		for _, a := range g.roots {
			next.Authorities = append(next.Authorities, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Raw})))
		}
		version, signed, err := readNewest(ctx, t.q, 0)
		if err != nil {
			return err
		}
		last, err := Open([]byte(signed), g.directory.trust, 0)
		if err == nil && sameContent(last, next) && now.Before(last.Expires.Add(-g.lifetime/2)) {
			return nil
		}
		next.Version, next.Issued, next.Expires = version+1, now, now.Add(g.lifetime)
		text, err := Sign(next, g.signer)
		if err != nil {
			return err
		}
		if g.ledger != nil {
			if err := g.ledger.Append(ctx, fmt.Sprintf("directory/%d", next.Version), Leaf(text)); err != nil {
				return err
			}
		}
		return putIssue(ctx, t.q, next.Version, string(text), now)
	})
	if err != nil {
		return err
	}
	return g.directory.reload(ctx)
}

func sameContent(a, b Document) bool {
	b.Version, b.Issued, b.Expires = a.Version, a.Issued, a.Expires
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// TakeOwn writes down this house's own node and members, for the next Publish. It
// is for the process that serves them: a command on the same database knows
// neither the address nor the certificate.
func (g *Registry) TakeOwn(ctx context.Context) error {
	own, err := g.own(ctx)
	if err != nil {
		return err
	}
	return g.store.write(ctx, func(ctx context.Context, t tx) error { return g.putOwn(ctx, t, own) })
}

func (g *Registry) putOwn(ctx context.Context, t tx, own Own) error {
	now := g.clock.Now()
	if own.Node.ID != "" {
		if err := t.putNode(ctx, own.Node); err != nil {
			return err
		}
	}
	for _, c := range own.Certificates {
		err := t.insertCertificate(ctx, issued{
			node: own.Node.ID, key: hashOf(c.RawSubjectPublicKeyInfo), pem: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
			Certificate: Certificate{Fingerprint: Fingerprint(c), Serial: c.SerialNumber.Text(16), From: c.NotBefore, Until: c.NotAfter},
		})
		if err != nil {
			return err
		}
	}
	for _, m := range own.Members {
		m.Node = own.Node.ID
		if err := t.putMember(ctx, m, true); err != nil {
			return err
		}
		for _, k := range m.Keys {
			if err := t.insertKey(ctx, m.ID(), k); err != nil {
				return err
			}
			// Rotated here: what is under way with the old key still arrives.
			if err := t.endOtherKeys(ctx, m.ID(), k.ID, now.Add(2*g.lifetime)); err != nil {
				return err
			}
		}
	}
	return nil
}
