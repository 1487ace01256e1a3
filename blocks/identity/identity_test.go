package identity_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/web"
)

const (
	mai   = "001185000123"
	child = "001326000001"
	an    = "001190000777"
)

type register struct{}

func (register) Person(_ context.Context, number string) (identity.Person, error) {
	for _, p := range []identity.Person{
		{Number: mai, Name: "Nguyễn Thị Mai", BirthDate: "1985-03-27", Email: "mai@vidu.example", Phone: "0900000001"},
		{Number: an, Name: "Trần Văn An", BirthDate: "1990-01-02", Email: "an@vidu.example"},
	} {
		if p.Number == number {
			return p, nil
		}
	}
	return identity.Person{}, errs.New(errs.NotFound, "identity.person_not_found")
}

func (register) Children(_ context.Context, number string) ([]identity.Person, error) {
	if number != mai {
		return nil, nil
	}
	return []identity.Person{{Number: child, Name: "Trần Bé", BirthDate: "2020-01-01"}, {Number: "001300000009", Name: "Trần Lớn", BirthDate: "2000-01-01"}}, nil
}

type post struct {
	mu    sync.Mutex
	codes map[string]string // by address
}

func (*post) SendNotice(context.Context, identity.Contact, string, identity.Notice) error { return nil }

func (p *post) SendCode(_ context.Context, to identity.Contact, _, code string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[to.Email] = code
	return nil
}

type house struct {
	*identity.Identity
	clock *clock.Fake
	post  *post
	url   string
}

func open(t testing.TB, demo bool) *house {
	t.Helper()
	d := dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "identity", FS: identity.Migrations()})
	h := &house{clock: clock.New(time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)), post: &post{codes: map[string]string{}}}
	k, err := keys.Open(t.Context(), keys.Deps{DB: d, Clock: h.clock, Master: [32]byte{1}, Instance: "VN"})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := i18n.New(web.Messages(), httpx.Messages(), identity.Messages())
	if err != nil {
		t.Fatal(err)
	}
	pages, err := web.New(web.Config{Catalog: catalog, Demo: demo})
	if err != nil {
		t.Skip("styles are not built: run make assets: ", err)
	}
	srv := httptest.NewUnstartedServer(nil)
	h.url = "http://localhost:" + srv.Listener.Addr().String()[strings.LastIndex(srv.Listener.Addr().String(), ":")+1:]
	h.Identity, err = identity.New(identity.Deps{DB: d, Clock: h.clock, Keys: k, Log: slog.New(slog.DiscardHandler), Origin: h.url, Demo: demo, People: register{}, Codes: h.post, Pages: pages})
	if err != nil {
		t.Fatal(err)
	}
	who := httpx.Route{Method: "GET", Path: "/who", Access: auth.Public(), Handle: func(w http.ResponseWriter, r *http.Request) error {
		return httpx.WriteJSON(w, 200, auth.From(r.Context()))
	}}
	important := httpx.Route{Method: "GET", Path: "/important", Access: auth.Person(auth.Substantial), Page: true, Handle: func(w http.ResponseWriter, _ *http.Request) error {
		return httpx.WriteJSON(w, 200, "in")
	}}
	srv.Config.Handler = httpx.NewServer(httpx.Config{Routes: append(h.Routes(), who, important), Catalog: catalog, Authenticate: h.Authenticate, Log: slog.New(slog.DiscardHandler), Clock: h.clock, Errors: pages.Error}).Handler()
	srv.Start()
	t.Cleanup(srv.Close)
	if err := h.AddOfficer(t.Context(), identity.Officer{ID: "registrar-1", Name: "Phạm Trang", Member: "GOV/MOJ", Roles: []string{"registrar"}, Number: an, Email: "trang@moj.example"}); err != nil {
		t.Fatal(err)
	}
	return h
}

// visitor is one browser.
type visitor struct {
	t    testing.TB
	h    *house
	http *http.Client
}

func (h *house) visitor(t testing.TB) *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{t: t, h: h, http: &http.Client{Jar: jar}}
}

func (v *visitor) send(method, path, kind, body string) (int, string, string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.h.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Origin", v.h.url)
	req.Header.Set("Accept-Language", "en")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, res.Request.URL.RequestURI(), string(text)
}

func (v *visitor) get(path string) (int, string, string) {
	v.t.Helper()
	return v.send("GET", path, "", "")
}

func (v *visitor) form(path string, kv ...string) (int, string, string) {
	v.t.Helper()
	values := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		values.Set(kv[i], kv[i+1])
	}
	return v.send("POST", path, "application/x-www-form-urlencoded", values.Encode())
}

func (v *visitor) who() auth.Principal {
	v.t.Helper()
	_, _, text := v.get("/who")
	var p auth.Principal
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		v.t.Fatal(text, err)
	}
	return p
}

func (v *visitor) registered() {
	v.t.Helper()
	v.form("/register", "number", "001 185 000 123", "name", "nguyen thi mai", "born-day", "27", "born-month", "3", "born-year", "1985")
	if _, at, _ := v.form("/sign-in/code", "code", v.h.post.codes["mai@vidu.example"]); at != "/account" {
		v.t.Fatalf("registering led to %s", at)
	}
}

func TestRegisterAndSignInByCode(t *testing.T) {
	t.Parallel()
	h := open(t, false)
	v := h.visitor(t)
	v.registered()
	if p := v.who(); p.Number != mai || p.Level != auth.Low || !p.IsPerson() {
		t.Fatalf("who: %+v", p)
	}
	v.form("/sign-out")
	if p := v.who(); !p.IsNobody() {
		t.Fatalf("after signing out: %+v", p)
	}
	v.form("/sign-in", "number", mai, "next", "/who")
	code := h.post.codes["mai@vidu.example"]
	if _, at, _ := v.form("/sign-in/code", "code", code[:3]+" "+code[3:]); at != "/who" {
		t.Errorf("signing in led to %s", at)
	}
	if status, _, text := v.form("/sign-in/code", "code", code); status != 422 && !strings.Contains(text, "expired") {
		t.Errorf("a code was good twice: %d", status)
	}
}

// TestStrangersLearnNothing: the answer is the same whether there is an
// account, and whether a name is right.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	h := open(t, false)
	h.visitor(t).registered()
	pages := map[string]bool{}
	for _, number := range []string{mai, an, "000000000000"} {
		_, at, text := h.visitor(t).form("/sign-in", "number", number)
		pages[at+text] = true
	}
	_, at, text := h.visitor(t).form("/register", "number", an, "name", "Sai Tên", "born-day", "2", "born-month", "1", "born-year", "1990")
	pages[at+text] = true
	if len(pages) != 1 {
		t.Errorf("%d different answers", len(pages))
	}
	if _, sent := h.post.codes["an@vidu.example"]; sent {
		t.Error("a code went out to somebody whose name was wrong")
	}
}

func TestCodesEnd(t *testing.T) {
	t.Parallel()
	h := open(t, false)
	h.visitor(t).registered()
	v := h.visitor(t)
	v.form("/sign-in", "number", mai)
	for range 5 {
		v.form("/sign-in/code", "code", "000000")
	}
	if v.form("/sign-in/code", "code", h.post.codes["mai@vidu.example"]); !v.who().IsNobody() {
		t.Error("the right code after five wrong ones let somebody in")
	}
	v.form("/sign-in", "number", mai)
	h.clock.Advance(11 * time.Minute)
	if v.form("/sign-in/code", "code", h.post.codes["mai@vidu.example"]); !v.who().IsNobody() {
		t.Error("a code of eleven minutes ago let somebody in")
	}
	other := h.visitor(t)
	v.form("/sign-in", "number", mai)
	if other.form("/sign-in/code", "code", h.post.codes["mai@vidu.example"]); !other.who().IsNobody() {
		t.Error("a code worked in a browser that did not ask for it")
	}
	for range 10 {
		v.form("/sign-in", "number", mai)
	}
	if status, _, _ := v.form("/sign-in", "number", mai); status != http.StatusTooManyRequests {
		t.Errorf("codes without end: %d", status)
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	h := open(t, false)
	v := h.visitor(t)
	v.registered()
	h.clock.Advance(29 * time.Minute)
	if v.who().IsNobody() {
		t.Fatal("a session in use ended")
	}
	h.clock.Advance(31 * time.Minute)
	if !v.who().IsNobody() {
		t.Error("an idle session went on")
	}
}

func (v *visitor) passkey(rp virtualwebauthn.RelyingParty, device *virtualwebauthn.Authenticator, cred virtualwebauthn.Credential) int {
	v.t.Helper()
	status, _, text := v.send("POST", "/api/identity/passkeys/register/begin", "application/json", "{}")
	if status != 200 {
		return status
	}
	options, err := virtualwebauthn.ParseAttestationOptions(text)
	if err != nil {
		v.t.Fatal(err)
	}
	status, _, text = v.send("POST", "/api/identity/passkeys/register/finish", "application/json", virtualwebauthn.CreateAttestationResponse(rp, *device, cred, *options))
	if status != 200 {
		v.t.Log(text)
	}
	return status
}

func TestPasskeyStepUp(t *testing.T) {
	t.Parallel()
	h := open(t, false)
	v := h.visitor(t)
	v.registered()
	if _, at, _ := v.get("/important"); !strings.HasPrefix(at, "/sign-in/step-up?next=") {
		t.Fatalf("a low session went to %s", at)
	}
	rp := virtualwebauthn.RelyingParty{Name: "Đình", ID: "localhost", Origin: h.url}
	cred := newKey()
	device := virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(v.who().Account)})
	h.clock.Advance(11 * time.Minute)
	if status := v.passkey(rp, &device, cred); status != http.StatusForbidden {
		t.Fatalf("a passkey without a fresh code: %d", status)
	}
	v.form("/sign-in/step-up", "next", "/important")
	v.form("/sign-in/code", "code", h.post.codes["mai@vidu.example"])
	if status := v.passkey(rp, &device, cred); status != 200 {
		t.Fatalf("registering the passkey: %d", status)
	}
	if status, at, _ := v.get("/important"); status != 200 || at != "/important" {
		t.Errorf("after adding the passkey: %d %s", status, at)
	}
	fresh := h.visitor(t)
	_, _, text := fresh.send("POST", "/api/identity/passkeys/login/begin", "application/json", "{}")
	options, err := virtualwebauthn.ParseAssertionOptions(text)
	if err != nil {
		t.Fatal(err)
	}
	answer := virtualwebauthn.CreateAssertionResponse(rp, device, cred, *options)
	if status, _, text := fresh.send("POST", "/api/identity/passkeys/login/finish", "application/json", answer); status != 200 {
		t.Fatalf("signing in with the passkey: %d %s", status, text)
	}
	if p := fresh.who(); p.Number != mai || p.Level != auth.Substantial {
		t.Errorf("who: %+v", p)
	}
	if status, _, _ := h.visitor(t).send("POST", "/api/identity/passkeys/login/finish", "application/json", answer); status < 400 {
		t.Error("an answer was good twice")
	}
	thief := h.visitor(t)
	thief.form("/register", "number", an, "name", "Trần Văn An", "born-day", "2", "born-month", "1", "born-year", "1990")
	thief.form("/sign-in/code", "code", h.post.codes["an@vidu.example"])
	id := strings.Split(strings.SplitN(pageOf(v, "/account"), "/account/passkeys/", 2)[1], "/")[0]
	if status, _, _ := thief.form("/account/passkeys/" + id + "/remove"); status != http.StatusNotFound {
		t.Errorf("somebody removed another's passkey: %d", status)
	}
}

func pageOf(v *visitor, path string) string {
	_, _, text := v.get(path)
	return text
}

func TestOfficersAndChildren(t *testing.T) {
	t.Parallel()
	h := open(t, false)
	o := h.visitor(t)
	o.form("/desk/sign-in", "officer", " Registrar-1 ")
	o.form("/sign-in/code", "code", h.post.codes["trang@moj.example"])
	if p := o.who(); p.Officer != "registrar-1" || p.Member != "GOV/MOJ" || p.IsPerson() {
		t.Errorf("who: %+v", p)
	}
	v := h.visitor(t)
	v.registered()
	if err := h.ActFor(t.Context(), "", ""); errs.KindOf(err) != errs.Unauthenticated {
		t.Errorf("acting without a session: %v", err)
	}
	if status, _, _ := v.form("/account/act-for", "child", "somebody else's"); status != http.StatusForbidden {
		t.Errorf("acting for a stranger: %d", status)
	}
	page := pageOf(v, "/account")
	if strings.Contains(page, "Trần Lớn") {
		t.Error("an adult child can be acted for")
	}
	if !strings.Contains(page, "Trần Bé") {
		t.Error("the young child is missing")
	}
}

func TestDemoDoorsExistInDemonstrationsOnly(t *testing.T) {
	t.Parallel()
	for _, demo := range []bool{false, true} {
		h := open(t, demo)
		if err := h.AddSample(t.Context(), identity.Sample{ID: "mai", Number: mai, Name: "Nguyễn Thị Mai", Label: i18n.Text{VI: "Mẹ", EN: "Mother"}}); err != nil {
			t.Fatal(err)
		}
		v := h.visitor(t)
		status, _, _ := v.form("/sign-in/demo", "sample", "mai", "next", "//evil.example")
		p := v.who()
		switch {
		case demo && (p.Number != mai || !p.Demo):
			t.Errorf("the demonstration does not let Mai in: %d %+v", status, p)
		case !demo && (!p.IsNobody() || strings.Contains(pageOf(v, "/sign-in"), "Nguyễn Thị Mai")):
			t.Errorf("a house that is no demonstration has a door without proof: %+v", p)
		}
	}
}

func FuzzForms(f *testing.F) {
	h := open(f, false)
	f.Add("/sign-in", "number=1")
	f.Add("/register", "born-day=99&name=%00")
	f.Add("/sign-in/code", "code=1")
	f.Add("/api/identity/passkeys/login/finish", "{}")
	f.Fuzz(func(t *testing.T, path, body string) {
		for _, known := range []string{"/sign-in", "/register", "/sign-in/code", "/api/identity/passkeys/login/finish"} {
			if path == known {
				if status, _, _ := h.visitor(t).send("POST", path, "application/x-www-form-urlencoded", body); status >= 500 {
					t.Fatalf("%s %q: %d", path, body, status)
				}
			}
		}
	})
}
