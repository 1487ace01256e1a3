package clients_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/clients"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

const (
	civil  = "VN/GOV/MOJ/civil-status"
	bank   = "VN/COM/bank/loans"
	origin = "https://exchange.test"
)

type world struct {
	db       *db.DB
	deps     exchange.Deps
	keys     *keys.Keys
	exchange *exchange.Exchange
	clients  *clients.Clients
	clock    *clock.Fake
	catalog  *i18n.Catalog
	url      string
	officer  auth.Principal // whoever comes without a key
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	d := dbtest.New(t, []dbtest.Set{
		{Name: "job", FS: job.Migrations()}, {Name: "keys", FS: keys.Migrations()}, {Name: "ledger", FS: ledger.Migrations()},
		{Name: "exchange", FS: exchange.Migrations()}, {Name: "exchange_clients", FS: clients.Migrations()},
	}...)
	w := &world{db: d, clock: clock.New(time.Now().UTC().Truncate(time.Second)), officer: auth.Principal{Officer: "o", Member: "GOV/MOJ", Roles: []string{exchange.RoleGrants}, Level: auth.Substantial}}
	ctx := t.Context()
	var err error
	w.keys, err = keys.Open(ctx, keys.Deps{DB: d, Clock: w.clock, Master: [32]byte{1}, Instance: "VN"})
	ok(t, err)
	skey, _, err := ledger.NewKey("test.dinh/ledger")
	ok(t, err)
	signer, err := note.NewSigner(skey)
	ok(t, err)
	l, err := ledger.New(ledger.Deps{DB: d, Clock: w.clock, Origin: "test.dinh/ledger", Signer: signer})
	ok(t, err)
	w.catalog, err = i18n.New(httpx.Messages(), exchange.Messages(), clients.Messages())
	ok(t, err)
	w.deps = exchange.Deps{DB: d, Clock: w.clock, Keys: w.keys, Ledger: l, Instance: "VN", Catalog: w.catalog}
	w.exchange, w.clients = w.process(t)
	for _, m := range []exchange.Member{
		{Class: "GOV", Code: "MOJ", Name: i18n.Text{VI: "Bộ Tư pháp", EN: "Justice"}, Subsystems: []exchange.Subsystem{{Code: "civil-status"}}},
		{Class: "COM", Code: "bank", Name: i18n.Text{VI: "Ngân hàng", EN: "Bank"}, Subsystems: []exchange.Subsystem{{Code: "loans"}}},
	} {
		ok(t, w.exchange.AddMember(ctx, m))
	}
	srv := httptest.NewServer(httpx.NewServer(httpx.Config{
		Routes: append(w.clients.Routes(), httpx.Route{Method: "GET", Path: "/whoami", Access: auth.Client(), Handle: func(rw http.ResponseWriter, r *http.Request) error {
			_, err := fmt.Fprint(rw, auth.From(r.Context()).Subsystem)
			return err
		}}),
		Catalog: w.catalog, Clock: w.clock, Log: slog.New(slog.DiscardHandler),
		Authenticate: func(r *http.Request) (auth.Principal, error) {
			if p, found, err := w.exchange.AuthenticateClient(r); found || err != nil {
				return p, err
			}
			if r.Header.Get("X-Test-Officer") != "" {
				return w.officer, nil
			}
			return auth.Principal{}, nil
		},
	}).Handler())
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

// process is one process on the database.
func (w *world) process(t testing.TB) (*exchange.Exchange, *clients.Clients) {
	t.Helper()
	x, err := exchange.New(w.deps)
	ok(t, err)
	c, err := clients.New(clients.Deps{DB: w.db, Clock: w.clock, Exchange: x, Keys: w.keys, Origin: origin, Catalog: w.catalog})
	ok(t, err)
	x.Join(exchange.Beside{Tokens: c})
	return x, c
}

type answer struct {
	status int
	body   string
}

func (a answer) want(t testing.TB, status int, holds string) answer {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, holds) {
		t.Fatalf("%d %s, want %d with %s", a.status, a.body, status, holds)
	}
	return a
}

func (w *world) do(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	ok(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	ok(t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	ok(t, err)
	return answer{res.StatusCode, string(got)}
}

// pair is a client's key.
type pair struct {
	private crypto.Signer
	alg     jose.SignatureAlgorithm
	id      string
}

func newPair(t testing.TB, alg jose.SignatureAlgorithm) pair {
	t.Helper()
	if alg == jose.EdDSA {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		ok(t, err)
		return pair{private: private, alg: alg}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	return pair{private: private, alg: alg}
}

// register brings a pair's public half as the officer does.
func (w *world) register(t testing.TB, p *pair, subsystem string) answer {
	t.Helper()
	jwk, err := json.Marshal(jose.JSONWebKey{Key: p.private.Public()})
	ok(t, err)
	got := w.do(t, "POST", "/api/exchange/client-keys", `{"subsystem":"`+subsystem+`","label":"test","jwk":`+string(jwk)+`}`, "Content-Type", "application/json", "X-Test-Officer", "1")
	var out struct{ ID string }
	_ = json.Unmarshal([]byte(got.body), &out)
	if out.ID != "" {
		p.id = out.ID
	}
	return got
}

func (w *world) claims(subsystem string) jwt.Claims {
	now := w.clock.Now()
	return jwt.Claims{
		Issuer: subsystem, Subject: subsystem, Audience: jwt.Audience{origin + "/oauth/token"}, ID: fmt.Sprint("jti-", now.UnixNano()),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Minute)),
	}
}

func (p pair) sign(t testing.TB, c jwt.Claims) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: p.alg, Key: p.private}, (&jose.SignerOptions{}).WithType("JWT"))
	ok(t, err)
	text, err := jwt.Signed(s).Claims(c).Serialize()
	ok(t, err)
	return text
}

func (w *world) token(t testing.TB, assertion string) answer {
	t.Helper()
	return w.do(t, "POST", "/oauth/token", url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func (w *world) access(t testing.TB, p pair, subsystem string) string {
	t.Helper()
	var out struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	ok(t, json.Unmarshal([]byte(w.token(t, p.sign(t, w.claims(subsystem))).want(t, 200, "access_token").body), &out))
	if out.TokenType != "Bearer" || out.ExpiresIn != 600 {
		t.Errorf("token %+v", out)
	}
	return out.AccessToken
}

func (w *world) whoami(t testing.TB, token string) answer {
	t.Helper()
	return w.do(t, "GET", "/whoami", "", "Authorization", "Bearer "+token)
}

func TestAKeyBecomesATokenBecomesASubsystem(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256} {
		w := newWorld(t)
		p := newPair(t, alg)
		w.register(t, &p, civil).want(t, 201, `"kind":"jwk"`)
		token := w.access(t, p, civil)
		w.whoami(t, token).want(t, 200, civil)
		w.whoami(t, token[:len(token)-4]+"AAAA").want(t, 401, "clients.token_refused")
		w.clock.Advance(10 * time.Minute)
		w.whoami(t, token).want(t, 401, "clients.token_refused")
	}
}

func TestAssertionsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine, other, strange := newPair(t, jose.EdDSA), newPair(t, jose.ES256), newPair(t, jose.EdDSA)
	w.register(t, &mine, civil).want(t, 201, "")
	w.officer = auth.Principal{Officer: "o", Roles: []string{auth.RoleOperator}, Level: auth.Substantial}
	w.register(t, &other, bank).want(t, 201, "")
	now := w.clock.Now()
	at := func(d time.Duration) *jwt.NumericDate { return jwt.NewNumericDate(now.Add(d)) }
	n := 0
	for name, c := range map[string]struct {
		with   pair
		change func(*jwt.Claims)
		fine   bool
	}{
		"as it should be":        {mine, func(*jwt.Claims) {}, true},
		"for the house":          {mine, func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://elsewhere", origin} }, true},
		"a clock behind":         {mine, func(c *jwt.Claims) { c.Expiry = at(-20 * time.Second) }, true},
		"a clock ahead":          {mine, func(c *jwt.Claims) { c.IssuedAt, c.NotBefore = at(20*time.Second), at(20*time.Second) }, true},
		"another's key":          {other, func(*jwt.Claims) {}, false},
		"a stranger's key":       {strange, func(*jwt.Claims) {}, false},
		"another's name":         {mine, func(c *jwt.Claims) { c.Issuer, c.Subject = bank, bank }, false},
		"issued by another":      {mine, func(c *jwt.Claims) { c.Issuer = bank }, false},
		"for another house":      {mine, func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://elsewhere"} }, false},
		"for nobody":             {mine, func(c *jwt.Claims) { c.Audience = nil }, false},
		"past":                   {mine, func(c *jwt.Claims) { c.Expiry = at(-time.Minute) }, false},
		"without an end":         {mine, func(c *jwt.Claims) { c.Expiry = nil }, false},
		"for too long":           {mine, func(c *jwt.Claims) { c.Expiry = at(time.Hour) }, false},
		"not yet":                {mine, func(c *jwt.Claims) { c.NotBefore = at(time.Minute) }, false},
		"from the future":        {mine, func(c *jwt.Claims) { c.IssuedAt = at(time.Minute) }, false},
		"without a name":         {mine, func(c *jwt.Claims) { c.ID = "" }, false},
		"with a very long name":  {mine, func(c *jwt.Claims) { c.ID = strings.Repeat("x", 300) }, false},
		"of nobody":              {mine, func(c *jwt.Claims) { c.Issuer, c.Subject = "", "" }, false},
		"a subsystem not there":  {mine, func(c *jwt.Claims) { c.Issuer, c.Subject = "VN/GOV/X/y", "VN/GOV/X/y" }, false},
		"a name that is no name": {mine, func(c *jwt.Claims) { c.Issuer, c.Subject = "'; --", "'; --" }, false},
	} {
		claims := w.claims(civil)
		n++
		claims.ID = fmt.Sprint("case-", n)
		c.change(&claims)
		got := w.token(t, c.with.sign(t, claims))
		if c.fine && got.status != 200 || !c.fine && (got.status != 401 || !strings.Contains(got.body, `"error":"invalid_client"`)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, text := range map[string]string{
		"none": "eyJhbGciOiJub25lIn0.e30.", "HS256": "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "no token": "x", "long": strings.Repeat("a", 9000),
	} {
		if got := w.token(t, text); got.status != 401 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	w.do(t, "POST", "/oauth/token", "grant_type=password", "Content-Type", "application/x-www-form-urlencoded").want(t, 400, "unsupported_grant_type")
	w.do(t, "POST", "/oauth/token", "grant_type=client_credentials", "Content-Type", "application/x-www-form-urlencoded").want(t, 400, "invalid_request")
	w.do(t, "POST", "/oauth/token", "grant_type=client_credentials&grant_type=x", "Content-Type", "application/x-www-form-urlencoded").want(t, 400, "invalid_request")
	w.do(t, "POST", "/oauth/token", "{}", "Content-Type", "application/json").want(t, 400, "invalid_request")
	w.do(t, "GET", "/oauth/token", "").want(t, 405, "")
}

// An assertion works once, in whichever process, also when both see it at once.
func TestAnAssertionWorksOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPair(t, jose.EdDSA)
	w.register(t, &p, civil)
	_, second := w.process(t)
	text := p.sign(t, w.claims(civil))
	won := make(chan error, 8)
	for i := range 8 {
		c := w.clients
		if i%2 == 1 {
			c = second
		}
		go func() {
			_, err := c.Exchange(t.Context(), text)
			won <- err
		}()
	}
	n := 0
	for range 8 {
		if <-won == nil {
			n++
		}
	}
	if n != 1 {
		t.Errorf("one assertion became %d tokens", n)
	}
	w.clock.Advance(2 * time.Minute)
	if _, err := w.clients.Exchange(t.Context(), text); err == nil {
		t.Error("a past assertion was taken")
	}
}

func TestRotationAndRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, next := newPair(t, jose.EdDSA), newPair(t, jose.ES256)
	w.register(t, &first, civil).want(t, 201, "")
	w.register(t, &first, civil).want(t, 409, "exchange.key_known")
	old := w.access(t, first, civil)
	w.register(t, &next, civil).want(t, 201, "")
	w.clock.Advance(time.Second)
	fresh := w.access(t, next, civil)
	w.whoami(t, old).want(t, 200, civil)
	// Another process revokes; the exchange of this one learns it before it answers.
	elsewhere, _ := w.process(t)
	ok(t, elsewhere.RevokeClientKey(t.Context(), first.id))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+old)
	if p, found, err := w.exchange.AuthenticateClient(r); err == nil && found && w.exchange.Confirm(t.Context(), p) == nil {
		t.Error("a revoked key's token was confirmed")
	}
	w.whoami(t, old).want(t, 401, "exchange.client_key_revoked")
	w.whoami(t, fresh).want(t, 200, civil)
	w.clock.Advance(time.Second)
	w.token(t, first.sign(t, w.claims(civil))).want(t, 401, "invalid_client")
	w.register(t, &first, civil).want(t, 409, "exchange.key_known")
}

func TestOfficersSpeakForTheirMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newPair(t, jose.EdDSA)
	const path = "/api/exchange/client-keys"
	jsonHead := []string{"Content-Type", "application/json", "X-Test-Officer", "1"}
	w.register(t, &p, bank).want(t, 403, "clients.not_yours")
	w.register(t, &p, "VN/GOV/MOJ/none").want(t, 404, "exchange.unknown_client")
	w.register(t, &p, civil).want(t, 201, "")
	w.do(t, "GET", path, "").want(t, 401, "")
	w.do(t, "GET", path, "", "X-Test-Officer", "1").want(t, 200, p.id)
	w.do(t, "POST", path, `{"subsystem":"`+civil+`","label":"key"}`, jsonHead...).want(t, 201, `"secret":"dinh_`)
	w.do(t, "POST", path, `{"subsystem":"`+civil+`","label":" "}`, jsonHead...).want(t, 400, "clients.bad_label")
	w.do(t, "POST", path, `{"subsystem":"`+civil+`","label":"x","until":"2001-01-01T00:00:00Z"}`, jsonHead...).want(t, 400, "clients.past")
	private, err := json.Marshal(jose.JSONWebKey{Key: p.private})
	ok(t, err)
	w.do(t, "POST", path, `{"subsystem":"`+civil+`","label":"x","jwk":`+string(private)+`}`, jsonHead...).want(t, 400, "clients.private_jwk")
	for _, bad := range []string{`{}`, `{"kty":"oct","k":"AAAA"}`, `{"kty":"RSA","n":"AQAB","e":"AQAB"}`, `"x"`, `{"kty":"OKP","crv":"Ed25519","x":"AA"}`} {
		w.do(t, "POST", path, `{"subsystem":"`+civil+`","label":"x","jwk":`+bad+`}`, jsonHead...).want(t, 400, "clients.")
	}
	w.do(t, "POST", path, `{"subsystem":"`+civil+`","label":"x","certificate":"none"}`, jsonHead...).want(t, 400, "clients.bad_certificate")
	w.officer.Member = "COM/bank"
	w.do(t, "GET", path, "", "X-Test-Officer", "1").want(t, 200, `{"keys":[]}`)
	w.do(t, "POST", path+"/"+p.id+"/revoke", "", "X-Test-Officer", "1").want(t, 404, "clients.no_key")
	w.officer.Member = "GOV/MOJ"
	w.do(t, "POST", path+"/"+p.id+"/revoke", "", "X-Test-Officer", "1").want(t, 204, "")
	w.officer.Roles = nil
	w.do(t, "GET", path, "", "X-Test-Officer", "1").want(t, 403, "")
}

// A client shows its certificate on the TLS listener of X-Road clients.
func TestACertificateOpensTheXRoadListener(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	certified := func(owner string, hosts ...string) tls.Certificate {
		k, err := w.keys.Ensure(ctx, owner, keys.TLS, keys.Name{CommonName: owner, Hosts: hosts})
		ok(t, err)
		c, err := w.keys.TLSCertificate(ctx, k.ID)
		ok(t, err)
		return c
	}
	server, unknown := certified("node", "127.0.0.1"), certified("other")
	private := newPair(t, jose.ES256).private
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, private)
	ok(t, err)
	registration := clients.Registration{
		Subsystem: exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MOJ", Subsystem: "civil-status"}, Label: "box", Host: "box.moj.example",
		CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
	}
	k, _, err := w.clients.Register(ctx, registration)
	ok(t, err)
	block, _ := pem.Decode([]byte(k.Public))
	mine := tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: private}
	again := registration
	again.CSR, again.Certificate = "", k.Public
	if _, _, err := w.clients.Register(ctx, again); errs.CodeOf(err) != "exchange.key_known" {
		t.Error(err)
	}
	again.CSR = registration.CSR
	if _, _, err := w.clients.Register(ctx, again); errs.CodeOf(err) != "clients.one_key" {
		t.Error(err)
	}
	if k.Until.IsZero() {
		t.Error("a certificate without its end")
	}
	pool := x509.NewCertPool()
	pool.AddCert(w.keys.CA())
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	srv := &http.Server{Handler: w.exchange.R1Handler(), ConnContext: exchange.CaptureContext, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn)}
	secured := tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool, MinVersion: tls.VersionTLS12})
	go func() { _ = srv.Serve(exchange.CaptureListener(secured)) }()
	t.Cleanup(func() { _ = srv.Close() })
	ask := func(certs ...tls.Certificate) string {
		t.Helper()
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certs, MinVersion: tls.VersionTLS12}}}
		defer c.CloseIdleConnections()
		r, err := http.NewRequestWithContext(ctx, "GET", "https://"+inner.Addr().String()+"/r1/"+civil+"/none", nil)
		ok(t, err)
		r.Header.Set("X-Road-Client", civil)
		res, err := c.Do(r)
		ok(t, err)
		defer res.Body.Close()
		return res.Header.Get("X-Road-Error")
	}
	const strange = "server.clientproxy.ssl_authentication_failed"
	if got := ask(); got != strange {
		t.Errorf("without a certificate: %s", got)
	}
	if got := ask(unknown); got != strange {
		t.Errorf("with a certificate that is not registered: %s", got)
	}
	if got := ask(mine); got == strange || got == "" {
		t.Errorf("with the registered certificate: %s", got)
	}
	ok(t, w.exchange.RevokeClientKey(ctx, k.ID))
	if got := ask(mine); got != strange {
		t.Errorf("with the revoked certificate: %s", got)
	}
}

func FuzzAssertion(f *testing.F) {
	w := newWorld(f)
	p := newPair(f, jose.EdDSA)
	w.register(f, &p, civil)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJWTi9HT1YvTU9KL2NpdmlsLXN0YXR1cyJ9.AAAA")
	f.Add("a.b.c.d.e")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := w.clients.Exchange(t.Context(), text); err == nil {
			t.Errorf("%q became a token", text)
		}
		if _, err := w.clients.Bound(t.Context(), text); err == nil {
			t.Errorf("%q was taken for a token", text)
		}
	})
}
