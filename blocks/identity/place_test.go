package identity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/web"
)

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

const (
	mother = "001195100101" // mother of Bin, who is 3, and of Lớn, who is 18 today
	hung   = "079088000222"
	dung   = "048077000333" // in the register without an e-mail address
	none   = "036099999999"
	bin    = "001223000001"
	lon    = "001208000002"
)

var today = time.Date(2026, 11, 24, 9, 30, 0, 0, i18n.Zone())

// registry stands for the population and birth registers.
type registry struct {
	mu     sync.Mutex
	broken error
}

func (g *registry) broke(err error) { g.mu.Lock(); defer g.mu.Unlock(); g.broken = err }

func (g *registry) Person(_ context.Context, number string) (identity.Person, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.broken != nil {
		return identity.Person{}, g.broken
	}
	for _, p := range []identity.Person{
		{Number: mother, Name: "Nguyễn Thị Mai", BirthDate: "1995-03-12", Email: "mai.nguyen@vidu.example", Phone: "0900000001"},
		{Number: hung, Name: "Lê Văn Hùng", BirthDate: "1988-07-01", Email: "hung.le@vidu.example", Phone: "0900000002"},
		{Number: dung, Name: "Phạm Tiến Dũng", BirthDate: "1977-01-30"},
	} {
		if p.Number == number {
			return p, nil
		}
	}
	return identity.Person{}, errs.New(errs.NotFound, "identity.person_not_found")
}

func (g *registry) Children(_ context.Context, number string) ([]identity.Person, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.broken != nil {
		return nil, g.broken
	}
	if number != mother {
		return nil, nil
	}
	return []identity.Person{{Number: bin, Name: "Trần Gia Bin", BirthDate: "2023-05-01"}, {Number: lon, Name: "Trần Đã Lớn", BirthDate: "2008-11-24"}}, nil
}

// outbox keeps the codes that were sent.
type outbox struct {
	mu   sync.Mutex
	sent []sent
	told []string // notice and address
}

type sent struct {
	to        identity.Contact
	key, code string
}

func (o *outbox) SendCode(_ context.Context, to identity.Contact, key, code string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, sent{to, key, code})
	return nil
}

func (o *outbox) SendNotice(_ context.Context, to identity.Contact, _ string, n identity.Notice) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, string(n)+" "+to.Email)
	return nil
}

func (o *outbox) notices() []string { o.mu.Lock(); defer o.mu.Unlock(); return slices.Clone(o.told) }

func (o *outbox) count() int { o.mu.Lock(); defer o.mu.Unlock(); return len(o.sent) }

func (o *outbox) last(t testing.TB) sent {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.sent) == 0 {
		t.Fatal("no code was sent")
	}
	return o.sent[len(o.sent)-1]
}

type place struct {
	t       testing.TB
	db      *db.DB
	keys    *keys.Keys
	clock   *clock.Fake
	people  *registry
	codes   *outbox
	log     *bytes.Buffer
	origin  string
	demo    bool
	block   *identity.Identity
	server  *httptest.Server
	address string // what callers come from, as a proxy would say
	mu      sync.Mutex
}

func build(t testing.TB, change ...func(*place)) *place {
	t.Helper()
	h := &place{t: t, clock: clock.New(today), people: &registry{}, codes: &outbox{}, log: &bytes.Buffer{}, origin: "http://localhost", address: "192.0.2.1"}
	for _, c := range change {
		c(h)
	}
	h.db = dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "identity", FS: identity.Migrations()})
	h.keys = must[*keys.Keys](t)(keys.Open(t.Context(), keys.Deps{DB: h.db, Clock: h.clock, Master: [32]byte{7}, Instance: "VN"}))
	h.start()
	return h
}

func demonstration(h *place) { h.demo = true }

// Write lets the log be read while the server runs.
func (h *place) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}

func (h *place) from(address string) { h.mu.Lock(); defer h.mu.Unlock(); h.address = address }

// start builds the block and its server, again after a restart.
func (h *place) start() {
	h.t.Helper()
	log := slog.New(slog.NewJSONHandler(h, nil))
	catalog := must[*i18n.Catalog](h.t)(i18n.New(web.Messages(), httpx.Messages(), identity.Messages()))
	pages := must[*web.Renderer](h.t)(web.New(web.Config{Catalog: catalog, Demo: h.demo}))
	h.block = must[*identity.Identity](h.t)(identity.New(identity.Deps{
		DB: h.db, Clock: h.clock, Keys: h.keys, Log: log, Origin: h.origin, Demo: h.demo, People: h.people, Codes: h.codes, Pages: pages,
		Address: func(*http.Request) string { h.mu.Lock(); defer h.mu.Unlock(); return h.address },
	}))
	say := func(w http.ResponseWriter, r *http.Request) error {
		return httpx.WriteJSON(w, http.StatusOK, auth.From(r.Context()))
	}
	routes := append(h.block.Routes(), pages.Routes()...)
	for path, access := range map[string]auth.Access{
		"/whoami": auth.Public(), "/person": auth.Person(auth.Low), "/strong": auth.Person(auth.Substantial), "/desk/any": auth.AnyOfficer(), "/desk/judge": auth.Officer("judge"),
	} {
		routes = append(routes, httpx.Route{Method: "GET", Path: path, Access: access, Page: path != "/whoami", Handle: say})
	}
	h.server = httptest.NewServer(httpx.NewServer(httpx.Config{
		Routes: routes, Catalog: catalog, Log: log, Clock: h.clock, Errors: pages.Error, Authenticate: h.block.Authenticate, Secure: strings.HasPrefix(h.origin, "https"),
	}).Handler())
	h.t.Cleanup(h.server.Close)
}

// browser is one visitor with their cookies and, once made, their passkey.
type browser struct {
	*place
	client *http.Client
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
	agent  string
}

func (h *place) browser() *browser {
	h.t.Helper()
	return &browser{place: h, agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", client: &http.Client{
		Jar: must[*cookiejar.Jar](h.t)(cookiejar.New(nil)), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, device: virtualwebauthn.NewAuthenticator(), key: newKey()}
}

type answer struct {
	t      testing.TB
	what   string
	status int
	body   string
	to     string
	header http.Header
}

var (
	noWords = regexp.MustCompile(`⟦[^⟧]*⟧`)
	sameIDs = regexp.MustCompile(` id="([^"]+)"`)
)

func (b *browser) send(method, path, kind, body string) answer {
	b.t.Helper()
	req := must[*http.Request](b.t)(http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(body)))
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("User-Agent", b.agent)
	res := must[*http.Response](b.t)(b.client.Do(req))
	defer res.Body.Close()
	a := answer{b.t, method + " " + path, res.StatusCode, string(must[[]byte](b.t)(io.ReadAll(res.Body))), res.Header.Get("Location"), res.Header}
	if m := noWords.FindString(a.body); m != "" {
		b.t.Errorf("%s shows %s", a.what, m)
	}
	seen := map[string]bool{}
	for _, m := range sameIDs.FindAllStringSubmatch(a.body, -1) {
		if seen[m[1]] {
			b.t.Errorf("%s has the id %q twice", a.what, m[1])
		}
		seen[m[1]] = true
	}
	return a
}

func (b *browser) get(path string) answer { b.t.Helper(); return b.send("GET", path, "", "") }

func (b *browser) post(path string, kv ...string) answer {
	b.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(kv); i += 2 {
		v.Set(kv[i], kv[i+1])
	}
	return b.send("POST", path, "application/x-www-form-urlencoded", v.Encode())
}

func (b *browser) json(path, body string) answer {
	b.t.Helper()
	return b.send("POST", path, "application/json", body)
}

func (a answer) want(status int, texts ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status %d, want %d (%s)\n%.300s", a.what, a.status, status, a.to, a.body)
	}
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			a.t.Errorf("%s does not say %q", a.what, s)
		}
	}
	return a
}

func (a answer) lacks(texts ...string) answer {
	a.t.Helper()
	for _, s := range texts {
		if strings.Contains(a.body, s) {
			a.t.Errorf("%s says %q", a.what, s)
		}
	}
	return a
}

func (a answer) leads(to string) answer {
	a.t.Helper()
	if a.status != http.StatusSeeOther || a.to != to {
		a.t.Fatalf("%s: status %d to %q, want 303 to %q\n%.300s", a.what, a.status, a.to, to, a.body)
	}
	return a
}

// who asks the server who it takes this browser for.
func (b *browser) who() (p auth.Principal) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.get("/whoami").want(200).body), &p); err != nil {
		b.t.Fatal(err)
	}
	return p
}

// cookie reads a cookie as the browser would send it to path.
func (b *browser) cookie(name, path string) string {
	u := must[*url.URL](b.t)(url.Parse(b.server.URL + path))
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) session() string { return b.cookie("dinh_session", "/") }

// plant puts a cookie into the browser.
func (b *browser) plant(name, value, path string) {
	u := must[*url.URL](b.t)(url.Parse(b.server.URL + path))
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: path}})
}

// registered signs a person up, which leaves them signed in with a code.
func (h *place) registered(number string) *browser {
	h.t.Helper()
	b := h.browser()
	p := must[identity.Person](h.t)(h.people.Person(h.t.Context(), number))
	d := strings.Split(p.BirthDate, "-")
	b.post("/register", "number", number, "name", p.Name, "born-day", d[2], "born-month", d[1], "born-year", d[0]).leads("/sign-in/code")
	b.post("/sign-in/code", "code", h.codes.last(h.t).code).leads("/account")
	return b
}

func (h *place) rp() virtualwebauthn.RelyingParty {
	u := must[*url.URL](h.t)(url.Parse(h.origin))
	return virtualwebauthn.RelyingParty{Name: "Đình", ID: u.Hostname(), Origin: h.origin}
}

// creation lets the browser's device answer a request to make a passkey.
func (b *browser) creation() string {
	b.t.Helper()
	options := must[*virtualwebauthn.AttestationOptions](b.t)(virtualwebauthn.ParseAttestationOptions(b.json("/api/identity/passkeys/register/begin", "{}").want(200).body))
	b.device.Options.UserHandle = []byte(options.UserID)
	return virtualwebauthn.CreateAttestationResponse(b.rp(), b.device, b.key, *options)
}

// addPasskey makes a passkey for whoever is signed in.
func (b *browser) addPasskey() *browser {
	b.t.Helper()
	b.json("/api/identity/passkeys/register/finish", b.creation()).want(200)
	b.device.AddCredential(b.key)
	return b
}

// assertion lets the browser's device answer a request to sign in.
func (b *browser) assertion() string {
	b.t.Helper()
	options := must[*virtualwebauthn.AssertionOptions](b.t)(virtualwebauthn.ParseAssertionOptions(b.json("/api/identity/passkeys/login/begin", "{}").want(200).body))
	b.key.Counter++
	return virtualwebauthn.CreateAssertionResponse(b.rp(), b.device, b.key, *options)
}

func (b *browser) signInByPasskey(next string) answer {
	b.t.Helper()
	return b.json("/api/identity/passkeys/login/finish?next="+url.QueryEscape(next), b.assertion())
}

func (b *browser) signInByCode(number string) *browser {
	b.t.Helper()
	b.post("/sign-in", "number", number, "next", "/person").leads("/sign-in/code")
	b.post("/sign-in/code", "code", b.codes.last(b.t).code).leads("/person")
	return b
}

// newKey makes the key of a passkey. The virtual device drops leading zeros of
// a coordinate, which no real one does and the server rightly refuses; such
// keys, one in 128, are thrown away.
func newKey() virtualwebauthn.Credential {
	const whole = 77 // bytes of a COSE key with two coordinates of 32
	for {
		if k := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(k.Key.AttestationData()) == whole {
			return k
		}
	}
}
