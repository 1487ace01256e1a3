package keys_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// authority is a keystore whose routes are served, and what is written into its certificates.
type authority struct {
	*store
	url  string
	down atomic.Bool // answers with 503
}

func newAuthority(t testing.TB, now time.Time) *authority {
	t.Helper()
	a := &authority{store: &store{db: dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}), clock: clock.New(now)}}
	var h http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	var err error
	a.url = srv.URL
	a.Keys, err = keys.Open(t.Context(), keys.Deps{DB: a.db, Clock: a.clock, Master: master(), Instance: "Việt Nam", Address: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := i18n.New(httpx.Messages(), keys.Messages())
	if err != nil {
		t.Fatal(err)
	}
	h = httpx.NewServer(httpx.Config{Routes: a.Routes(), Catalog: catalog, Clock: a.clock, Log: slog.New(slog.DiscardHandler)}).Handler()
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// request is a node's CSR, which asks for more than it will get.
func request(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "Bộ Công an"}, DNSNames: []string{"bocongan.gov.vn"}, IPAddresses: []net.IP{{10, 0, 0, 1}},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func node() keys.Name {
	return keys.Name{CommonName: "Sở Tư pháp Đà Nẵng", Organization: "Sở Tư pháp", Hosts: []string{"node.test", "127.0.0.1"}}
}

// issue gives a node's certificate and the key that belongs to it.
func (a *authority) issue(t testing.TB) (keys.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key := newKey(t)
	c, err := a.IssueNode(t.Context(), "DN/STP", request(t, key), node())
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

func newMoment() time.Time { return time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC) }

func TestIssueNode(t *testing.T) {
	a := newAuthority(t, newMoment())
	c, key := a.issue(t)
	cert := c.Certificate
	if !key.PublicKey.Equal(cert.PublicKey) || cert.Subject.CommonName != "Sở Tư pháp Đà Nẵng" || !slices.Equal(cert.DNSNames, []string{"node.test"}) || len(cert.IPAddresses) != 1 {
		t.Errorf("%v %v %v", cert.Subject, cert.DNSNames, cert.IPAddresses)
	}
	if cert.IsCA || !cert.BasicConstraintsValid || cert.KeyUsage != x509.KeyUsageDigitalSignature ||
		!slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}) {
		t.Errorf("it may do the wrong things: %v %v", cert.KeyUsage, cert.ExtKeyUsage)
	}
	if !cert.NotBefore.Equal(newMoment().Add(-5*time.Minute)) || !cert.NotAfter.Equal(newMoment().AddDate(0, 0, 90)) {
		t.Errorf("from %v to %v", cert.NotBefore, cert.NotAfter)
	}
	if !slices.Equal(cert.OCSPServer, []string{a.url + "/ocsp"}) || !slices.Equal(cert.CRLDistributionPoints, []string{a.url + "/ca.crl"}) {
		t.Errorf("asked about at %v and %v", cert.OCSPServer, cert.CRLDistributionPoints)
	}
	if err := cert.CheckSignatureFrom(a.CA()); err != nil {
		t.Error(err)
	}
	// Keys that live here are issued too, but for the authority's own.
	own := a.ensure(t, keys.TLS)
	all, err := a.Issued(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%d issued, %v", len(all), err)
	}
	for _, c := range all {
		if c.Owner != "DN/STP" && !(c.Owner == "GOV/MOJ" && c.Certificate.Equal(own.Certificate) && len(own.Certificate.OCSPServer) == 1) {
			t.Errorf("%s %v", c.Owner, c.Certificate.Subject)
		}
	}
	// A table from before the list is taken into it.
	if err := a.db.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `DELETE FROM keys_issued WHERE owner = 'GOV/MOJ'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if all, err = a.process(t).Issued(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%d issued, %v", len(all), err)
	}
	// A renewal with the same key, a stranger with it.
	if again, err := a.IssueNode(t.Context(), "DN/STP", request(t, key), node()); err != nil || again.Serial == c.Serial {
		t.Errorf("%v, %v", again.Serial, err)
	}
	_, err = a.IssueNode(t.Context(), "GOV/MPS", request(t, key), node())
	code(t, err, errs.Conflict, "keys.key_taken")
	if err := a.Revoke(t.Context(), c.Serial, keys.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	_, err = a.IssueNode(t.Context(), "DN/STP", request(t, key), node())
	code(t, err, errs.Conflict, "keys.key_taken")
}

func TestIssueNodeKeys(t *testing.T) {
	a := newAuthority(t, newMoment())
	must := func(key crypto.Signer, err error) crypto.Signer {
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	for name, c := range map[string]struct {
		key  crypto.Signer
		code string
	}{
		"P-256":    {newKey(t), ""},
		"P-384":    {must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), ""},
		"P-521":    {must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)), "keys.csr_key"},
		"Ed25519":  {ed, ""},
		"RSA 3072": {must(rsa.GenerateKey(rand.Reader, 3072)), ""},
		"RSA 2048": {must(rsa.GenerateKey(rand.Reader, 2048)), "keys.csr_key"},
	} {
		if _, err := a.IssueNode(t.Context(), "A", request(t, c.key), node()); errs.CodeOf(err) != c.code && (err != nil || c.code != "") {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := request(t, newKey(t))
	broken[len(broken)-1] ^= 1
	for name, der := range map[string][]byte{"nothing": nil, "a changed signature": broken, "more after it": append(request(t, newKey(t)), 0), "too long": make([]byte, 1<<20)} {
		_, err := a.IssueNode(t.Context(), "A", der, node())
		t.Log(name)
		code(t, err, errs.Invalid, "keys.csr_malformed")
	}
	for _, hosts := range [][]string{nil, {""}, {"*.gov.vn"}, {"ok.vn", "a b"}, {"Ok.vn"}, {"-a.vn"}, {"a..vn"}, {strings.Repeat("a", 64) + ".vn"}} {
		name := node()
		name.Hosts = hosts
		_, err := a.IssueNode(t.Context(), "A", request(t, newKey(t)), name)
		code(t, err, errs.Invalid, "keys.host_invalid")
	}
	_, err := a.IssueNode(t.Context(), "A", request(t, newKey(t)), keys.Name{Hosts: []string{"a.vn"}})
	code(t, err, errs.Invalid, "keys.name_missing")
	_, err = a.Ensure(t.Context(), "A", "ocsp", node())
	code(t, err, errs.Invalid, "keys.unknown_use")
}

func TestRevokeRefuses(t *testing.T) {
	a := newAuthority(t, newMoment())
	c, _ := a.issue(t)
	code(t, a.Revoke(t.Context(), "abc", keys.Superseded), errs.NotFound, "keys.unknown_serial")
	for _, r := range []keys.Reason{-1, 2, 6, 7, 8, 10, 11} {
		code(t, a.Revoke(t.Context(), c.Serial, r), errs.Invalid, "keys.unknown_reason")
	}
	for _, r := range []keys.Reason{keys.Superseded, keys.KeyCompromise} { // the first stands
		if err := a.Revoke(t.Context(), c.Serial, r); err != nil {
			t.Fatal(err)
		}
		a.clock.Advance(time.Hour)
	}
	all, err := a.Issued(t.Context())
	if err != nil || !all[0].Revoked.Equal(newMoment()) || all[0].Reason != keys.Superseded {
		t.Errorf("%+v %v", all, err)
	}
}

// TestCRL checks that lists are numbered, renewed in time and by revocations, and let go of what ended.
func TestCRL(t *testing.T) {
	a := newAuthority(t, newMoment())
	list := func(number int64, revoked ...string) {
		t.Helper()
		der, err := a.CRL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l, err := x509.ParseRevocationList(der)
		if err != nil || l.CheckSignatureFrom(a.CA()) != nil {
			t.Fatal("unreadable or unsigned", err)
		}
		var got []string
		for _, e := range l.RevokedCertificateEntries {
			got = append(got, e.SerialNumber.Text(16))
		}
		if l.Number.Int64() != number || !slices.Equal(got, revoked) || !a.clock.Now().Before(l.NextUpdate) {
			t.Errorf("list %v until %v: %v; want %d: %v", l.Number, l.NextUpdate, got, number, revoked)
		}
	}
	list(1)
	list(1)
	a.clock.Advance(13 * time.Hour)
	list(2)
	first, _ := a.issue(t)
	second, _ := a.issue(t)
	for i, c := range []keys.Certificate{first, second} {
		if err := a.Revoke(t.Context(), c.Serial, keys.Unspecified); err != nil {
			t.Fatal(err)
		}
		list(int64(3+i), []string{first.Serial, second.Serial}[:i+1]...)
		a.clock.Advance(time.Minute)
	}
	a.clock.Advance(100 * 24 * time.Hour)
	list(5)
}

// ask sends an OCSP request by POST or GET and gives the answer.
func (a *authority) ask(t testing.TB, method string, request []byte) []byte {
	t.Helper()
	at, body := a.url+"/ocsp", io.Reader(strings.NewReader(string(request)))
	if method == http.MethodGet {
		at, body = at+"/"+url.PathEscape(base64.StdEncoding.EncodeToString(request)), nil
	}
	req, err := http.NewRequestWithContext(t.Context(), method, at, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	reply, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/ocsp-response" {
		t.Fatal(res.Status, res.Header, err)
	}
	return reply
}

func TestOCSP(t *testing.T) {
	a, other := newAuthority(t, newMoment()), newAuthority(t, newMoment())
	c, _ := a.issue(t)
	status := func(want int, cert *x509.Certificate) {
		t.Helper()
		for _, method := range []string{"POST", "GET"} {
			for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA512} {
				q, err := ocsp.CreateRequest(cert, a.CA(), &ocsp.RequestOptions{Hash: hash})
				if err != nil {
					t.Fatal(err)
				}
				got, err := ocsp.ParseResponseForCert(a.ask(t, method, q), cert, a.CA())
				if err != nil || got.Status != want || got.IssuerHash != hash || !got.NextUpdate.Equal(a.clock.Now().Add(time.Hour)) {
					t.Errorf("%s %v: %+v, %v", method, hash, got, err)
				}
			}
		}
	}
	status(ocsp.Good, c.Certificate)
	a.clock.Advance(time.Minute)
	if err := a.process(t).Revoke(t.Context(), c.Serial, keys.KeyCompromise); err != nil { // elsewhere
		t.Fatal(err)
	}
	status(ocsp.Revoked, c.Certificate)
	stranger := *c.Certificate
	stranger.SerialNumber = other.CA().SerialNumber
	status(ocsp.Unknown, &stranger)
	for name, q := range map[string][]byte{"nothing": nil, "words": []byte("hello"), "too long": make([]byte, 4<<10)} {
		if _, err := ocsp.ParseResponse(a.ask(t, "POST", q), nil); !errors.Is(err, ocsp.ResponseError{Status: ocsp.Malformed}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	q, err := ocsp.CreateRequest(c.Certificate, other.CA(), nil) // the same name, another key
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ocsp.ParseResponse(a.ask(t, "POST", q), nil); !errors.Is(err, ocsp.ResponseError{Status: ocsp.Unauthorized}) {
		t.Errorf("another authority: %v", err)
	}
}

// TestOpenSSL has openssl check a certificate against list and responder.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	a := newAuthority(t, time.Now().Truncate(time.Second)) // openssl looks at the machine's clock
	c, _ := a.issue(t)
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca, leaf := write("ca.pem", "CERTIFICATE", a.CA().Raw), write("node.pem", "CERTIFICATE", c.Certificate.Raw)
	check := func(state string) {
		t.Helper()
		crl, err := a.CRL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list := write("ca-crl.pem", "X509 CRL", crl)
		for _, purpose := range []string{"sslserver", "sslclient"} {
			out, err := exec.Command("openssl", "verify", "-x509_strict", "-crl_check", "-purpose", purpose, "-CAfile", ca, "-CRLfile", list, leaf).CombinedOutput()
			if good := state == "good"; (err == nil) != good || !good && !strings.Contains(string(out), "certificate revoked") {
				t.Errorf("verify, while %s: %v\n%s", state, err, out)
			}
		}
		for _, extra := range [][]string{{"-no_nonce"}, {"-sha256"}, nil} {
			args := append(append([]string{"ocsp"}, extra...), "-issuer", ca, "-cert", leaf, "-CAfile", ca, "-url", a.url+"/ocsp")
			out, err := exec.Command("openssl", args...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "verify OK") || !strings.Contains(string(out), leaf+": "+state) {
				t.Errorf("ocsp %v: %v\n%s", extra, err, out)
			}
		}
	}
	check("good")
	if err := a.Revoke(t.Context(), c.Serial, keys.Cessation); err != nil {
		t.Fatal(err)
	}
	check("revoked")
}

// TestMutualTLS has a node call another, with every source of revocations.
func TestMutualTLS(t *testing.T) {
	for name, source := range map[string]func(a *authority) keys.Revocations{
		"OCSP": func(a *authority) keys.Revocations { return keys.NewOCSPSource(keys.Source{Clock: a.clock}) },
		"list": func(a *authority) keys.Revocations {
			return keys.NewCRLSource(keys.Source{Clock: a.clock, URL: a.url + "/ca.crl"}, a.CA())
		},
		"table": func(a *authority) keys.Revocations { return a.Keys },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t, newMoment())
			serverCert, serverKey := a.issue(t)
			clientCert, clientKey := a.issue(t)
			roots := x509.NewCertPool()
			roots.AddCert(a.CA())
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "xin chào") }))
			srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			srv.TLS = &tls.Config{
				Certificates: []tls.Certificate{{Certificate: [][]byte{serverCert.Certificate.Raw}, PrivateKey: serverKey}},
				ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: roots, Time: a.clock.Now, MinVersion: tls.VersionTLS13,
				VerifyConnection: keys.PeerCheck{Roots: roots, Revocations: source(a), Clock: a.clock, Usage: x509.ExtKeyUsageClientAuth}.VerifyConnection,
			}
			srv.StartTLS()
			defer srv.Close()
			call := func() error {
				client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
					Certificates: []tls.Certificate{{Certificate: [][]byte{clientCert.Certificate.Raw}, PrivateKey: clientKey}},
					RootCAs:      roots, Time: a.clock.Now,
					VerifyConnection: keys.PeerCheck{Roots: roots, Revocations: source(a), Clock: a.clock, Usage: x509.ExtKeyUsageServerAuth}.VerifyConnection,
				}}}
				res, err := client.Get(srv.URL)
				if err == nil {
					err = res.Body.Close()
				}
				return err
			}
			if err := call(); err != nil {
				t.Fatal(err)
			}
			if err := a.Revoke(t.Context(), clientCert.Serial, keys.KeyCompromise); err != nil {
				t.Fatal(err)
			}
			a.clock.Advance(25 * time.Hour) // what was known has ended
			if err := call(); err == nil {
				t.Error("the revoked client is served")
			}
			clientCert, clientKey = a.issue(t)
			if err := call(); err != nil {
				t.Error("a client with a new certificate:", err)
			}
			if err := a.Revoke(t.Context(), serverCert.Serial, keys.KeyCompromise); err != nil {
				t.Fatal(err)
			}
			a.clock.Advance(time.Minute)
			if err := call(); errs.CodeOf(err) != "keys.revoked" {
				t.Error("the revoked server is called:", err)
			}
		})
	}
}

// A peer without a certificate, of another authority or of the wrong sort does not pass.
func TestPeerCheckRefuses(t *testing.T) {
	a, other := newAuthority(t, newMoment()), newAuthority(t, newMoment())
	mine, _ := a.issue(t)
	theirs, _ := other.issue(t)
	document, err := a.Ensure(t.Context(), "GOV/MOJ", keys.Document, justice)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.CA())
	p := keys.PeerCheck{Roots: roots, Revocations: a.Keys, Clock: a.clock, Usage: x509.ExtKeyUsageClientAuth}
	for name, certs := range map[string][]*x509.Certificate{"nobody": nil, "another authority": {theirs.Certificate, other.CA()}, "a document key": {document.Certificate}, "the authority": {a.CA()}} {
		t.Log(name)
		code(t, p.VerifyConnection(tls.ConnectionState{PeerCertificates: certs}), errs.Forbidden, "keys.peer_untrusted")
	}
	if err := p.VerifyConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{mine.Certificate}}); err != nil {
		t.Error(err)
	}
	a.clock.Advance(91 * 24 * time.Hour)
	code(t, p.VerifyConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{mine.Certificate}}), errs.Forbidden, "keys.peer_untrusted")
}

// A source that is silent is borne with for the grace and with an alarm, and not longer.
func TestSilentSources(t *testing.T) {
	const grace = 2 * time.Hour
	for name, open := range map[string]func(a *authority, alarm func(error)) keys.Revocations{
		"OCSP": func(a *authority, alarm func(error)) keys.Revocations {
			return keys.NewOCSPSource(keys.Source{Clock: a.clock, Grace: grace, Alarm: alarm})
		},
		"list": func(a *authority, alarm func(error)) keys.Revocations {
			return keys.NewCRLSource(keys.Source{Clock: a.clock, Grace: grace, Alarm: alarm, URL: a.url + "/ca.crl"}, a.CA())
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t, newMoment())
			good, _ := a.issue(t)
			bad, _ := a.issue(t)
			if err := a.Revoke(t.Context(), bad.Serial, keys.KeyCompromise); err != nil {
				t.Fatal(err)
			}
			alarms := 0
			s := open(a, func(error) { alarms++ })
			is := func(c keys.Certificate, want string, rung int) {
				t.Helper()
				if err := s.Check(t.Context(), c.Certificate, a.CA()); errs.CodeOf(err) != want && (err != nil || want != "") {
					t.Errorf("%v, want %q", err, want)
				}
				if alarms != rung {
					t.Errorf("%d alarms, want %d", alarms, rung)
				}
			}
			is(good, "", 0)
			is(bad, "keys.revoked", 0)
			a.down.Store(true)
			is(good, "", 0) // still known
			a.clock.Advance(25 * time.Hour)
			is(good, "", 1)
			is(good, "", 1) // not asked again so soon
			is(bad, "keys.revoked", 1)
			a.clock.Advance(grace - time.Minute)
			is(good, "", 2)
			a.clock.Advance(time.Minute)
			is(good, "keys.revocation_unknown", 3)
			is(good, "keys.revocation_unknown", 3)
			is(bad, "keys.revoked", 3)
			a.down.Store(false)
			a.clock.Advance(time.Minute)
			is(good, "", 3)
			a.down.Store(true)
			a.clock.Advance(25 * time.Hour)
			is(good, "", 4) // the grace begins anew
		})
	}
}

// What is known is asked for again soon, goes on holding while the source is silent, and a revocation is
// learned long before the last answer ends.
func TestFreshSources(t *testing.T) {
	for name, open := range map[string]func(a *authority, s keys.Source) keys.Revocations{
		"OCSP": func(_ *authority, s keys.Source) keys.Revocations { return keys.NewOCSPSource(s) },
		"list": func(a *authority, s keys.Source) keys.Revocations {
			s.URL = a.url + "/ca.crl"
			return keys.NewCRLSource(s, a.CA())
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthority(t, newMoment())
			c, _ := a.issue(t)
			alarms := 0
			s := open(a, keys.Source{Clock: a.clock, Fresh: time.Minute, Alarm: func(error) { alarms++ }})
			is := func(want string, rung int) {
				t.Helper()
				if err := s.Check(t.Context(), c.Certificate, a.CA()); errs.CodeOf(err) != want && (err != nil || want != "") {
					t.Errorf("%v, want %q", err, want)
				}
				if alarms != rung {
					t.Errorf("%d alarms, want %d", alarms, rung)
				}
			}
			is("", 0)
			a.down.Store(true)
			is("", 0)
			a.clock.Advance(time.Minute)
			is("", 1) // holds still, without any grace
			is("", 1)
			a.down.Store(false)
			if err := a.Revoke(t.Context(), c.Serial, keys.KeyCompromise); err != nil {
				t.Fatal(err)
			}
			is("", 1) // not asked again so soon
			a.clock.Advance(time.Minute)
			is("keys.revoked", 1)
		})
	}
}

// The holder of another certificate of the same authority cannot answer in its place, nor can an old
// answer or list pass for a new one.
func TestFalseAnswers(t *testing.T) {
	a := newAuthority(t, newMoment())
	c, key := a.issue(t)
	fake := func(thisUpdate, nextUpdate time.Duration) []byte {
		der, err := ocsp.CreateResponse(a.CA(), c.Certificate, ocsp.Response{
			Status: ocsp.Good, SerialNumber: c.Certificate.SerialNumber, ThisUpdate: newMoment().Add(thisUpdate), NextUpdate: newMoment().Add(nextUpdate), Certificate: c.Certificate,
		}, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	q, err := ocsp.CreateRequest(c.Certificate, a.CA(), nil)
	if err != nil {
		t.Fatal(err)
	}
	true1, err := a.OCSP(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	crl1, err := a.CRL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var reply []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(reply) }))
	defer srv.Close()
	asking := func() keys.Revocations { return keys.NewOCSPSource(keys.Source{Clock: a.clock, URL: srv.URL}) }
	reading := func() keys.Revocations { return keys.NewCRLSource(keys.Source{Clock: a.clock, URL: srv.URL}, a.CA()) }
	check := func(name string, r keys.Revocations, answer []byte, want string) {
		t.Helper()
		reply = answer
		if err := r.Check(t.Context(), c.Certificate, a.CA()); errs.CodeOf(err) != want && (err != nil || want != "") {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	const unknown = "keys.revocation_unknown"
	check("the true answer", asking(), true1, "")
	check("another node's answer", asking(), fake(0, time.Hour), unknown)
	check("garbage", asking(), []byte("hello"), unknown)
	check("the true list", reading(), crl1, "")
	check("garbage", reading(), []byte("hello"), unknown)
	if other, err := newAuthority(t, newMoment()).CRL(t.Context()); err != nil {
		t.Error(err)
	} else {
		check("another's list", reading(), other, unknown)
	}
	list := reading()
	if err := a.Revoke(t.Context(), c.Serial, keys.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	crl2, err := a.CRL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	check("the next list", list, crl2, "keys.revoked")
	a.clock.Advance(2 * time.Hour)
	check("an old answer", asking(), true1, unknown)
	a.clock.Advance(23 * time.Hour)
	check("an old list", reading(), crl1, unknown)
	check("an old list, after a newer one", list, crl1, "keys.revoked")
}

func FuzzOCSPRequest(f *testing.F) {
	a := newAuthority(f, newMoment())
	c, _ := a.issue(f)
	q, err := ocsp.CreateRequest(c.Certificate, a.CA(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, request []byte) {
		reply, err := a.OCSP(t.Context(), request)
		if err != nil || len(reply) == 0 {
			t.Errorf("%x, %v", reply, err)
		}
	})
}

func FuzzCSR(f *testing.F) {
	a := newAuthority(f, newMoment())
	f.Add(request(f, newKey(f)))
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := a.IssueNode(t.Context(), "A", der, node())
		if err == nil && (c.Certificate.IsCA || !slices.Equal(c.Certificate.DNSNames, []string{"node.test"})) {
			t.Errorf("%x gave more than was approved", der)
		}
		if err != nil && !strings.HasPrefix(errs.CodeOf(err), "keys.") {
			t.Errorf("%x: %v", der, err)
		}
	})
}
