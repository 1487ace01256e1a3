package directory_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/web"
)

// authority is a small certification authority for nodes.
type authority struct {
	clock clock.Clock
	cert  *x509.Certificate
	key   crypto.Signer

	mu      sync.Mutex
	serial  int64
	names   []keys.Name
	revoked map[string]string
}

func newAuthority(t testing.TB, c clock.Clock) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: c.Now().Add(-time.Hour), NotAfter: c.Now().AddDate(10, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	ok(t, err)
	cert, err := x509.ParseCertificate(der)
	ok(t, err)
	return &authority{clock: c, cert: cert, key: key, serial: 1, revoked: map[string]string{}}
}

// nodeDays is how long the authority's certificates hold.
const nodeDays = 90

func (a *authority) IssueNode(_ context.Context, csrDER []byte, name keys.Name) (*x509.Certificate, error) {
	csr, err := x509.ParseCertificateRequest(csrDER)
	if err != nil {
		return nil, err
	}
	return a.sign(csr.PublicKey, name)
}

func (a *authority) sign(public crypto.PublicKey, name keys.Name) (*x509.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serial++
	a.names = append(a.names, name)
	now := a.clock.Now()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name.CommonName}, NotBefore: now.Add(-time.Minute), NotAfter: now.AddDate(0, 0, nodeDays),
	}
	for _, host := range name.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, public, a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func (a *authority) RevokeNode(_ context.Context, serial, reason string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoked[serial] = reason
	return nil
}

// log keeps what a ledger would.
type log struct {
	mu     sync.Mutex
	leaves map[string]string
}

func (l *log) Append(_ context.Context, id string, leaf []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaves[id] = string(leaf)
	return nil
}

// world is a central node behind real HTTP.
type world struct {
	clock     *clock.Fake
	db        *db.DB
	authority *authority
	log       *log
	directory *directory.Directory
	registry  *directory.Registry
	signer    pair
	ownKey    directory.Key
	server    *httptest.Server
	catalog   *i18n.Catalog
	away      atomic.Bool // the central node does not answer
}

const lifetime = 72 * time.Hour

// brief is the life of a directory in a drill.
const brief = time.Minute

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOf(t, lifetime)
}

func newWorldOf(t testing.TB, life time.Duration) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{clock: clock.New(start()), db: dbtest.New(t, sets()...), signer: newPair(t), log: &log{leaves: map[string]string{}}}
	w.authority = newAuthority(t, w.clock)
	w.ownKey = key(t, start())
	var err error
	w.directory, err = directory.New(ctx, directory.Deps{DB: w.db, Clock: w.clock, Trust: w.trust()})
	ok(t, err)
	w.catalog, err = i18n.New(web.Messages(), httpx.Messages(), directory.Messages())
	ok(t, err)
	pages, err := web.New(web.Config{Catalog: w.catalog})
	if err != nil && !errors.Is(err, web.ErrNoAssets) {
		t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	own, err := w.authority.sign(public, keys.Name{CommonName: "GOV/MPS/central"})
	ok(t, err)
	w.registry, err = directory.NewRegistry(directory.RegistryDeps{
		DB: w.db, Clock: w.clock, Directory: w.directory, Signer: w.signer, VKey: w.signer.vkey, Ledger: w.log, Issuer: w.authority, Operator: "GOV/MPS", Lifetime: life,
		Authorities: []*x509.Certificate{w.authority.cert}, Pseudonym: func(number string) string { return "p-" + number }, Pages: pages,
		Own: func(context.Context) (directory.Own, error) {
			return directory.Own{
				Node: directory.Node{ID: "GOV/MPS/central", Address: "central.example.vn:5500"}, Certificates: []*x509.Certificate{own},
				Members: []directory.Member{{Class: "GOV", Code: "MPS", Name: i18n.Text{VI: "Bộ Công an", EN: "Ministry of Public Security"},
					Subsystems: []directory.Subsystem{{Code: "population", Name: i18n.Text{VI: "Dân cư", EN: "Population"}}}, Keys: []directory.Key{w.ownKey}}},
			}, nil
		},
	})
	ok(t, err)
	ok(t, w.registry.TakeOwn(ctx))
	ok(t, w.registry.Publish(ctx))
	w.serve(t, pages)
	return w
}

func (w *world) trust() directory.Trust {
	return directory.Trust{Instance: "VN", Keys: []string{w.signer.vkey}}
}

// serve opens the doors; the header X-Who says who is there.
func (w *world) serve(t testing.TB, pages *web.Renderer) {
	t.Helper()
	errorPage := httpx.ErrorPage(nil)
	if pages != nil {
		errorPage = pages.Error
	}
	h := httpx.NewServer(httpx.Config{
		Routes: append(w.directory.Routes(), w.registry.Routes()...), Catalog: w.catalog, Clock: w.clock, Errors: errorPage, Log: slog.New(slog.DiscardHandler),
		Authenticate: func(r *http.Request) (auth.Principal, error) { return who(r.Header.Get("X-Who")), nil },
	})
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.away.Load() {
			http.Error(rw, "away", http.StatusBadGateway)
			return
		}
		h.Handler().ServeHTTP(rw, r)
	}))
	t.Cleanup(w.server.Close)
}

// who is one of the people of these tests.
func who(name string) auth.Principal {
	officer := func(member, number string, roles ...string) auth.Principal {
		return auth.Principal{Account: "a-" + name, Officer: name, Member: member, Number: number, Roles: roles, Level: auth.Substantial}
	}
	switch name {
	case "lan", "minh":
		return officer("GOV/MPS", "", directory.RoleRegistrar)
	case "lan-again": // another officer, the same person
		return officer("GOV/MPS", "001", directory.RoleRegistrar)
	case "lan-too":
		return officer("GOV/MPS", "001", directory.RoleRegistrar)
	case "elsewhere":
		return officer("GOV/MOH", "", directory.RoleRegistrar)
	case "clerk":
		return officer("GOV/MPS", "", "clerk")
	case "operator":
		return officer("GOV/MPS", "", auth.RoleOperator)
	case "citizen":
		return auth.Principal{Account: "c", Number: "002", Level: auth.High}
	case "system":
		return auth.Principal{Subsystem: "VN/GOV/MPS/population", Member: "GOV/MPS"}
	}
	return auth.Principal{}
}

// call sends JSON and gives status and body.
func (w *world) call(t testing.TB, as, method, path string, in any) (int, string) {
	t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		ok(t, err)
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.server.URL+path, body)
	ok(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Who", as)
	res, err := http.DefaultTransport.RoundTrip(req)
	ok(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	ok(t, err)
	return res.StatusCode, string(b)
}

// applicant holds the private keys of an organisation that wants in.
type applicant struct {
	directory.Application
	key  ed25519.PrivateKey
	node *ecdsa.PrivateKey
}

func newCSR(t testing.TB, hosts ...string) (*ecdsa.PrivateKey, string) {
	t.Helper()
	node, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: hosts}, node)
	ok(t, err)
	return node, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func newApplicant(t testing.TB, code string) *applicant {
	t.Helper()
	host := strings.ToLower(code) + ".example.vn"
	public, private, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	a := &applicant{key: private, Application: directory.Application{
		Class: "COM", Code: code, Name: i18n.Text{VI: "Ngân hàng " + code, EN: code + " Bank"}, Email: "ops@" + host,
		Subsystems: []directory.Subsystem{{Code: "loans", Name: i18n.Text{VI: "Cho vay", EN: "Loans"}}},
		Node:       "node1", Address: host + ":5500", Key: base64.StdEncoding.EncodeToString(public),
	}}
	a.node, a.CSR = newCSR(t, host)
	return a
}

func (a *applicant) prove(t testing.TB, text string) directory.Proof {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	node, err := ecdsa.SignASN1(rand.Reader, a.node, sum[:])
	ok(t, err)
	return directory.Proof{
		Signature:     base64.StdEncoding.EncodeToString(ed25519.Sign(a.key, []byte(text))),
		NodeSignature: base64.StdEncoding.EncodeToString(node),
	}
}

// proved brings an application to the registrars.
func (w *world) proved(t testing.TB, a *applicant) (requestID, secret string) {
	t.Helper()
	ctx := t.Context()
	r, secret, err := w.registry.Ask(ctx, a.Application, "10.0.0.1")
	ok(t, err)
	c, err := w.registry.Challenge(ctx, secret)
	ok(t, err)
	ok(t, w.registry.Prove(ctx, secret, a.prove(t, c.Text)))
	return r.ID, secret
}

// admitted lets a member in.
func (w *world) admitted(t testing.TB, code string) *applicant {
	t.Helper()
	a := newApplicant(t, code)
	id, _ := w.proved(t, a)
	for _, by := range []string{"lan", "minh"} {
		_, err := w.registry.Approve(t.Context(), who(by), id)
		ok(t, err)
	}
	return a
}
