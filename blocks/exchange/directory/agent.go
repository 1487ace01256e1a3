package directory

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// Keystore keeps this house's keys. kernel/keys is one.
type Keystore interface {
	Ensure(ctx context.Context, owner string, use keys.Use, name keys.Name) (keys.Key, error)
	Current(ctx context.Context, owner string, use keys.Use) (keys.Key, error)
	Key(ctx context.Context, kid string) (keys.Key, error)
	Sign(ctx context.Context, kid string, msg []byte) ([]byte, error)
	CryptoSigner(ctx context.Context, kid string) (crypto.Signer, error)
}

// AgentDeps is what an agent stands on. Log may be nil.
type AgentDeps struct {
	DB       Database
	Clock    clock.Clock
	Log      *slog.Logger
	Keys     Keystore
	Instance string
	Central  string // address of the central node, as Deps.Source
}

// Agent looks after this house's own membership: it asks for it, proves control of
// its keys, renews its certificate before it ends, and changes to new keys when
// everybody knows them. What it means to do is written down before it is done, so
// that it goes on where it was after any stop.
type Agent struct {
	store    store
	clock    clock.Clock
	log      *slog.Logger
	keys     Keystore
	instance string
	central  *central
	known    atomic.Pointer[knownSeat]
}

// knownSeat spares a reading of the table for every message that is signed.
type knownSeat struct {
	seat  Seat
	err   error
	until time.Time
}

// knownFor is how long this process may not notice what another one changed: less
// than the time by which a new key is used late.
const knownFor = 2 * time.Second

func (a *Agent) seat(ctx context.Context) (Seat, error) {
	now := a.clock.Now()
	if k := a.known.Load(); k != nil && now.Before(k.until) {
		return k.seat, k.err
	}
	s, err := a.store.seat(ctx)
	if err == nil || errs.CodeOf(err) == "directory.no_seat" {
		a.known.Store(&knownSeat{s, err, now.Add(knownFor)})
	}
	return s, err
}

// LetIn says whether this house was let in, as far as it knows; it may be asked often.
func (a *Agent) LetIn(ctx context.Context) bool {
	s, err := a.seat(ctx)
	return err == nil && s.State == Approved && s.Certificate != ""
}

// rewrite changes the seat and forgets what was known of it.
func (a *Agent) rewrite(ctx context.Context, fn func(*Seat) error) (Seat, error) {
	defer a.known.Store(nil)
	return a.store.change(ctx, fn)
}

// Seat is where a house's membership stands.
type Seat struct {
	Application Application
	Secret      string // opens the request at the central node
	State       string // of the request
	Reason      string // of a refusal

	Key         string // id of the key it signs with
	NextKey     string
	NextKeyFrom time.Time // when it is taken into use; zero: not announced yet
	Compromised bool      // NextKey replaces a key that others may hold

	TLSKey          string
	Certificate     string // PEM; empty until it is let in
	NextTLSKey      string
	NextCertificate string
	NextTLSFrom     time.Time
}

// NewAgent gives an agent over tables that exist already.
func NewAgent(d AgentDeps) (*Agent, error) {
	if d.DB == nil || d.Clock == nil || d.Keys == nil || d.Instance == "" {
		return nil, errors.New("directory: AgentDeps needs DB, Clock, Keys and Instance")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	c, err := newCentral(d.Central)
	if err != nil {
		return nil, err
	}
	return &Agent{store: store{d.DB}, clock: d.Clock, log: d.Log, keys: d.Keys, instance: d.Instance, central: c}, nil
}

// Seat tells where the membership stands; errs.NotFound "directory.no_seat" before
// Request.
func (a *Agent) Seat(ctx context.Context) (Seat, error) { return a.store.seat(ctx) }

// Request asks the central node for membership. Key and CSR of the application are
// made here. After a refusal, and by a member that was suspended or removed, it may
// be asked again. errs.Conflict
// "directory.seat_taken" while a request is open or granted.
func (a *Agent) Request(ctx context.Context, want Application) (Seat, error) {
	want = want.tidy()
	now, err := a.store.seat(ctx)
	if err != nil && errs.CodeOf(err) != "directory.no_seat" {
		return Seat{}, err
	}
	if now.State == Approved || now.State == Asked { // perhaps suspended or removed meanwhile, or lapsed
		r, err := a.Status(ctx)
		if err != nil {
			return Seat{}, err
		}
		now.State = r.State
	}
	if now.Secret != "" && now.State != Refused && now.State != Lapsed && now.State != Ended {
		return Seat{}, errs.New(errs.Conflict, "directory.seat_taken", "member", now.Application.Member())
	}
	slot := want.Member()
	if now.State == Ended { // its keys are revoked for good
		slot += "/" + id.New(a.clock.Now())
	}
	signing, err := a.keys.Ensure(ctx, slot, keys.Sign, keys.Name{CommonName: want.Member()})
	if err != nil {
		return Seat{}, err
	}
	public, ok := signing.Public.(ed25519.PublicKey)
	if !ok {
		return Seat{}, errs.New(errs.Invalid, "directory.bad_key")
	}
	want.Key = base64.StdEncoding.EncodeToString(public)
	node, err := a.newTLSKey(ctx, want)
	if err != nil {
		return Seat{}, err
	}
	if want.CSR, err = a.csr(ctx, node, want.Hosts()); err != nil {
		return Seat{}, err
	}
	receipt, err := a.central.ask(ctx, want)
	if err != nil {
		return Seat{}, err
	}
	return a.rewrite(ctx, func(s *Seat) error {
		*s = Seat{Application: want, Secret: receipt.Secret, State: receipt.Request.State, Key: signing.ID, TLSKey: node}
		return nil
	})
}

// newTLSKey makes a key for the node in a slot of its own, so that the present one
// stays in use beside it.
func (a *Agent) newTLSKey(ctx context.Context, of Application) (kid string, err error) {
	k, err := a.keys.Ensure(ctx, of.NodeID()+"/"+id.New(a.clock.Now()), keys.TLS, keys.Name{CommonName: of.NodeID(), Organization: of.Name.In(i18n.VI), Hosts: of.Hosts()})
	return k.ID, err
}

func (a *Agent) csr(ctx context.Context, kid string, hosts []string) (string, error) {
	signer, err := a.keys.CryptoSigner(ctx, kid)
	if err != nil {
		return "", err
	}
	t := &x509.CertificateRequest{}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, t, signer)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}

// Prove shows the central node that this house holds both keys.
func (a *Agent) Prove(ctx context.Context) error {
	s, err := a.store.seat(ctx)
	if err != nil {
		return err
	}
	c, err := a.central.challenge(ctx, s.Secret)
	if err != nil {
		return err
	}
	signature, err := a.keys.Sign(ctx, s.Key, []byte(c.Text))
	if err != nil {
		return err
	}
	node, err := a.keys.Sign(ctx, s.TLSKey, []byte(c.Text))
	if err != nil {
		return err
	}
	err = a.central.prove(ctx, s.Secret, Proof{base64.StdEncoding.EncodeToString(signature), base64.StdEncoding.EncodeToString(node)})
	if err != nil {
		return err
	}
	_, err = a.Status(ctx)
	return err
}

// Status asks the central node how the request stands. The certificate of one that
// was approved is kept; one that nobody proved is not known there for long.
func (a *Agent) Status(ctx context.Context) (Request, error) {
	s, err := a.store.seat(ctx)
	if err != nil {
		return Request{}, err
	}
	r, err := a.central.follow(ctx, s.Secret)
	if errs.KindOf(err) == errs.NotFound && (s.State == Asked || s.State == Lapsed) {
		r, err = Request{Kind: Join, Member: s.Application.Member(), Application: s.Application, State: Lapsed}, nil
	}
	if err != nil {
		return Request{}, err
	}
	_, err = a.rewrite(ctx, func(now *Seat) error {
		if now.Secret != s.Secret {
			return nil // asked anew meanwhile
		}
		now.State, now.Reason = r.State, r.Reason
		if now.Certificate == "" {
			now.Certificate = r.Certificate
		}
		return nil
	})
	return r, err
}

// Current is keys.Keys.Current, but that a member who is changing keys goes on
// with the old one until everybody knows the new one.
func (a *Agent) Current(ctx context.Context, owner string, use keys.Use) (keys.Key, error) {
	if use == keys.Sign {
		s, err := a.seat(ctx)
		if err == nil && s.Key != "" && s.Application.Member() == owner {
			return a.Key(ctx, s.Key)
		}
		if err != nil && errs.CodeOf(err) != "directory.no_seat" {
			return keys.Key{}, err
		}
	}
	return a.keys.Current(ctx, owner, use)
}

// Key is keys.Keys.Key; the keys that a member rotated to are the member's, too.
func (a *Agent) Key(ctx context.Context, kid string) (keys.Key, error) {
	k, err := a.keys.Key(ctx, kid)
	if s, seatErr := a.seat(ctx); err == nil && seatErr == nil && k.Use == keys.Sign && strings.HasPrefix(k.Owner, s.Application.Member()+"/") {
		k.Owner = s.Application.Member()
	}
	return k, err
}

// Certificate is what the node shows on its links now; errs.NotFound
// "directory.no_seat" before it is let in.
func (a *Agent) Certificate(ctx context.Context) (tls.Certificate, error) {
	s, err := a.seat(ctx)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := parseLeaf(s.Certificate)
	if err != nil {
		return tls.Certificate{}, errs.New(errs.NotFound, "directory.no_seat").Wrap(err)
	}
	signer, err := a.keys.CryptoSigner(ctx, s.TLSKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: signer, Leaf: leaf}, nil
}

func parseLeaf(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no certificate yet")
	}
	return x509.ParseCertificate(block.Bytes)
}
