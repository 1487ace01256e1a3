package asic

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"embed"
	"encoding/base64"
	"errors"
	"io/fs"
	"log/slog"
	"math/big"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/timestamp"
)

//go:embed messages/*.json
var messages embed.FS

// Messages holds the texts of this package's errors in every language.
func Messages() fs.FS { return messages }

// Unit is in the certificate of the node's seal and in no other: a member's
// certificate has the member's id there.
const Unit = "exchange evidence"

// Keystore keeps the node's sealing key. kernel/keys is one.
type Keystore interface {
	Ensure(ctx context.Context, owner string, use keys.Use, name keys.Name) (keys.Key, error)
	CryptoSigner(ctx context.Context, kid string) (crypto.Signer, error)
	CA() *x509.Certificate
}

// Ledger proves that an event's commitment is in it.
type Ledger interface {
	Proof(ctx context.Context, id string) ([]byte, error)
}

// Stamper gives RFC 3161 timestamps.
type Stamper interface {
	Stamp(ctx context.Context, digest [32]byte) ([]byte, error)
}

// Directory lists members and nodes. *directory.Directory is one.
type Directory interface {
	Members() []directory.Member
	Nodes() []directory.Node
}

// Deps is what the maker of containers stands on. Directory and Log may be nil.
type Deps struct {
	Exchange  Exchange
	Keys      Keystore
	Ledger    Ledger
	Stamper   Stamper
	Directory Directory // nil: a house for itself
	Clock     clock.Clock
	Log       *slog.Logger
	Instance  string // "VN"
	VKey      string // the ledger's verifier key
	Origin    string // where this node is: https://dinh.gov.vn
}

// Containers makes containers. Safe for concurrent use.
type Containers struct{ d Deps }

// New returns a maker of containers.
func New(d Deps) (*Containers, error) {
	if d.Exchange == nil || d.Keys == nil || d.Ledger == nil || d.Stamper == nil || d.Clock == nil || d.Instance == "" || d.VKey == "" {
		return nil, errors.New("asic: Deps needs Exchange, Keys, Ledger, Stamper, Clock, Instance and VKey")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Containers{d}, nil
}

// Container is a sealed container.
type Container struct {
	Kind string // Request or Response
	ID   string // of the request, in base 32 as X-Road writes record numbers
	At   time.Time
	Data []byte
}

// Make seals what was handed out. A request that brought no answer has no
// Response: errs.NotFound "asic.no_answer". Errors: errs.Unavailable
// "asic.not_stamped" when the timestamping authority does not answer.
func (m *Containers) Make(ctx context.Context, h exchange.Exhibit, kind string) (Container, error) {
	c, err := m.contents(ctx, h, kind)
	if err != nil {
		return Container{}, err
	}
	files, err := c.files()
	if err != nil {
		return Container{}, err
	}
	s, err := m.seal(ctx, files)
	if err != nil {
		return Container{}, err
	}
	data, err := assemble(c, s)
	return Container{Kind: kind, ID: base32(h.RequestID), At: h.At, Data: data}, err
}

// assemble is the one spelling of a container.
func assemble(c contents, s seal) ([]byte, error) {
	files, err := c.files()
	if err != nil {
		return nil, err
	}
	document, err := s.document(files)
	if err != nil {
		return nil, err
	}
	all := append([]file{{nameMime, "", []byte(mimeContainer)}}, files...)
	return pack(c.At, append(all, manifest(files), file{nameSeal, "text/xml", document}))
}

func (m *Containers) contents(ctx context.Context, h exchange.Exhibit, kind string) (c contents, err error) {
	c.statement = statement{Format: Format, Kind: kind, Instance: m.d.Instance, MessageID: h.MessageID, At: h.At.UTC()}
	c.request, c.proofs = h.Request.Base, map[string][]byte{}
	if c.Request, err = newSigned(nameRequest, owner(h.Client), h.Request, h.RequestKey); err != nil {
		return c, err
	}
	if kind == Response {
		if h.Answer.Base == "" {
			return c, errs.New(errs.NotFound, "asic.no_answer")
		}
		a, err := newSigned(nameAnswer, owner(h.Service), h.Answer, h.AnswerKey)
		if err != nil {
			return c, err
		}
		c.Answer, c.answer = &a, h.Answer.Base
	}
	for _, e := range h.Events {
		proof, err := m.d.Ledger.Proof(ctx, e.ID)
		if errs.CodeOf(err) == "ledger.not_sealed_yet" {
			continue // the next container will have it
		}
		if err != nil {
			return c, err
		}
		name := proofName(e.ID)
		c.Events, c.proofs[name], c.Ledger = append(c.Events, commit{e.ID, b64(e.Leaf), name}), proof, m.d.VKey
	}
	return c, nil
}

// owner is the member of a subsystem's or a service's id.
func owner(id string) string {
	parts := strings.Split(id, "/")
	if len(parts) < 3 {
		return id
	}
	return parts[1] + "/" + parts[2]
}

func newSigned(name, member string, p exchange.Proof, public ed25519.PublicKey) (signed, error) {
	if public == nil {
		return signed{}, errs.New(errs.Internal, "asic.no_key", "kid", p.KeyID)
	}
	return signed{File: name, Member: member, Key: newJWK(public, p.KeyID), Signature: p.Signature}, nil
}

// sealingKey is the node's, made when it is first needed.
func (m *Containers) sealingKey(ctx context.Context) (keys.Key, crypto.Signer, error) {
	name := keys.Name{CommonName: "Đình " + m.d.Instance, Organization: m.d.Instance, Unit: Unit}
	key, err := m.d.Keys.Ensure(ctx, "instance/"+m.d.Instance+"/evidence", keys.Document, name)
	if err != nil {
		return key, nil, err
	}
	signer, err := m.d.Keys.CryptoSigner(ctx, key.ID)
	return key, signer, err
}

func (m *Containers) seal(ctx context.Context, files []file) (seal, error) {
	key, signer, err := m.sealingKey(ctx)
	if err != nil {
		return seal{}, err
	}
	s := seal{at: m.d.Clock.Now().UTC().Truncate(time.Second), certificate: key.Certificate.Raw, authority: m.d.Keys.CA().Raw}
	if err := s.sign(signer, files); err != nil {
		return seal{}, err
	}
	digest, err := s.stamped()
	if err != nil {
		return seal{}, err
	}
	reply, err := m.d.Stamper.Stamp(ctx, digest)
	if err == nil {
		s.token, err = timestamp.Token(reply)
	}
	if err != nil {
		return seal{}, errs.New(errs.Unavailable, "asic.not_stamped").Wrap(err)
	}
	return s, nil
}

// base32 writes a request's id as X-Road writes its record numbers: digits 0–9a–v.
func base32(id string) string {
	n, ok := new(big.Int).SetString(strings.ReplaceAll(id, "-", ""), 16)
	if !ok {
		return base64.RawURLEncoding.EncodeToString([]byte(id))
	}
	return n.Text(32)
}
