package transparency_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
	"github.com/dinh-gov/dinh/web"
)

const (
	mother   = "001190000001"
	child    = "001226000002"
	stranger = "001185000003"
	origin   = "test.dinh/ledger"
)

var (
	civil      = exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MOJ", Subsystem: "civil-status"}
	bank       = exchange.SubsystemID{Instance: "VN", Class: "COM", Member: "bank", Subsystem: "loans"}
	population = exchange.ServiceID{SubsystemID: exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MPS", Subsystem: "population"}, Service: "population"}
)

// register answers with one record about whoever was asked for.
type register struct{}

func (register) Serve(_ context.Context, d exchange.Delivery) (exchange.Reply, error) {
	return exchange.Reply{Body: []byte(`{"records":[{"id":"r1","version":1,"data":{"full_name":"Nguyễn Thị Mai","birth_date":"1990-01-02"}}]}`)}, nil
}

// names knows the words of this test's country.
type names struct{}

func (names) MemberName(id string) (i18n.Text, bool) {
	t, ok := map[string]i18n.Text{
		"VN/GOV/MOJ/civil-status": {VI: "Bộ Tư pháp · Hộ tịch", EN: "Ministry of Justice · Civil status"},
		"VN/GOV/MOJ":              {VI: "Bộ Tư pháp", EN: "Ministry of Justice"},
		"GOV/MPS":                 {VI: "Bộ Công an", EN: "Ministry of Public Security"},
	}[id]
	return t, ok
}

func (names) ServiceTitle(id string) (i18n.Text, bool) {
	return i18n.Text{VI: "Cơ sở dữ liệu dân cư", EN: "Population register"}, id == population.String()
}

func (names) PurposeTitle(id string) (i18n.Text, bool) {
	return i18n.Text{VI: "Đăng ký khai sinh", EN: "Registering a birth"}, id == "birth-registration"
}

func (names) ApplicationTitle(id string) (i18n.Text, bool) {
	return i18n.Text{VI: "Khai sinh cho bé", EN: "Register a birth"}, id == "birth"
}

func (names) FieldLabel(_, field string) (i18n.Text, bool) {
	t, ok := map[string]i18n.Text{"full_name": {VI: "Họ và tên", EN: "Full name"}, "birth_date": {VI: "Ngày sinh", EN: "Date of birth"}}[field]
	return t, ok
}

// families counts how often it was asked: each look is an access of its own.
type families struct{ asked atomic.Int64 }

func (f *families) Children(_ context.Context, number string) ([]transparency.Child, error) {
	f.asked.Add(1)
	if number == mother {
		return []transparency.Child{
			{Number: child, Name: "Nguyễn Bé An", BirthDate: "2008-11-25"},
			{Number: stranger, Name: "Nguyễn Văn Lớn", BirthDate: "2008-11-24"},
			{Number: stranger, Name: "Nguyễn Không Ngày"},
		}, nil
	}
	return nil, nil
}

type world struct {
	*transparency.Transparency
	exchange *exchange.Exchange
	ledger   *ledger.Ledger
	keys     *keys.Keys
	clock    *clock.Fake
	families *families
	vkey     string
	server   *httptest.Server
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := t.Context()
	d := dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "ledger", FS: ledger.Migrations()},
		dbtest.Set{Name: "exchange", FS: exchange.Migrations()}, dbtest.Set{Name: "transparency", FS: transparency.Migrations()})
	w := &world{clock: clock.New(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)), families: &families{}}
	var err error
	w.keys, err = keys.Open(ctx, keys.Deps{DB: d, Clock: w.clock, Master: [32]byte{1}, Instance: "VN"})
	ok(t, err)
	skey, vkey, err := ledger.NewKey(origin)
	ok(t, err)
	w.vkey = vkey
	signer, err := note.NewSigner(skey)
	ok(t, err)
	w.ledger, err = ledger.New(ledger.Deps{DB: d, Clock: w.clock, Origin: origin, Signer: signer})
	ok(t, err)
	w.exchange, err = exchange.New(exchange.Deps{DB: d, Clock: w.clock, Keys: w.keys, Ledger: w.ledger, Instance: "VN"})
	ok(t, err)
	ok(t, w.exchange.RegisterProvider(exchange.ServiceInfo{ID: population, Title: i18n.Text{VI: "Dân cư", EN: "Population"}}, register{}))
	for _, m := range []exchange.Member{
		{Class: "GOV", Code: "MOJ", Name: i18n.Text{VI: "Bộ Tư pháp", EN: "Justice"}, Subsystems: []exchange.Subsystem{{Code: "civil-status"}}},
		{Class: "GOV", Code: "MPS", Name: i18n.Text{VI: "Bộ Công an", EN: "Police"}, Subsystems: []exchange.Subsystem{{Code: "population"}}},
		{Class: "COM", Code: "bank", Name: i18n.Text{VI: "Ngân hàng", EN: "Bank"}, Subsystems: []exchange.Subsystem{{Code: "loans"}}},
	} {
		ok(t, w.exchange.AddMember(ctx, m))
	}
	_, err = w.exchange.AddGrant(ctx, exchange.Grant{
		Client: civil, Service: population, Operations: []string{"search"}, Fields: []string{"full_name", "birth_date"}, Purpose: "birth-registration", LegalBasis: "Luật Hộ tịch 2014, Điều 13",
	})
	ok(t, err)
	catalog, err := i18n.New(web.Messages(), httpx.Messages(), exchange.Messages(), ledger.Messages(), keys.Messages(), transparency.Messages())
	ok(t, err)
	pages, err := web.New(web.Config{Catalog: catalog, Assets: assets()})
	ok(t, err)
	w.Transparency, err = transparency.New(transparency.Deps{
		DB: d, Clock: w.clock, Keys: w.keys, Events: w.exchange, Proofs: w.ledger, Names: names{}, Children: w.families,
		VKey: vkey, Origin: "https://dinh.test/", Pages: pages,
	})
	ok(t, err)
	server := httpx.NewServer(httpx.Config{Routes: w.Routes(), Catalog: catalog, Errors: errorPage, Log: slog.New(slog.DiscardHandler), Authenticate: caller})
	w.server = httptest.NewServer(server.Handler())
	t.Cleanup(w.server.Close)
	return w
}

// assets stands for the built styles, which these tests do not look at.
func assets() fstest.MapFS {
	out := fstest.MapFS{"favicon.svg": {Data: []byte("<svg/>")}, "dist/app.css": {Data: []byte("a{}")}, "dist/app.js": {Data: []byte("export {}")}}
	for _, font := range []string{"be-vietnam-pro-latin-400-normal.woff2", "be-vietnam-pro-vietnamese-400-normal.woff2", "BeVietnamPro-Bold.ttf"} {
		out["dist/fonts/"+font] = &fstest.MapFile{Data: []byte("f")}
	}
	return out
}

// errorPage says an error in short; how errors look is the app's business.
func errorPage(w http.ResponseWriter, _ *http.Request, status int, title, message string, err *errs.Error) {
	w.WriteHeader(status)
	fmt.Fprintln(w, title, message, err.Code)
}

// caller reads who is there from a header: identity is not at home here.
func caller(r *http.Request) (auth.Principal, error) {
	switch who := r.Header.Get("Test-Caller"); who {
	case "":
		return auth.Principal{}, nil
	case "officer", "inspector":
		p := auth.Principal{Account: who, Level: auth.Substantial, Officer: who + "-1", Member: "GOV/MPS"}
		if who == "inspector" {
			p.Roles = []string{transparency.RoleInspector}
		}
		return p, nil
	default:
		return auth.Principal{Account: who, Number: who, Name: "Người thử", Level: auth.Low}, nil
	}
}

func as(number string) context.Context {
	return auth.With(context.Background(), auth.Principal{Account: number, Number: number, Level: auth.Low})
}

// read lets the civil registry read about somebody; the event's id comes back.
func (w *world) read(t testing.TB, number string) string {
	t.Helper()
	w.clock.Advance(time.Second)
	a, err := w.exchange.Call(t.Context(), exchange.Call{
		Client: civil, Service: population, Method: "POST", Path: "/search", Body: []byte(`{"where":{}}`), Purpose: "birth-registration",
		Subjects: []string{number}, Application: "birth", Issue: "KS-261124-0001", UserID: "officer-9",
	})
	ok(t, err)
	return a.Events[0]
}

// snoop lets the bank, which has no grant, try.
func (w *world) snoop(t testing.TB, number string) string {
	t.Helper()
	w.clock.Advance(time.Second)
	_, err := w.exchange.Call(t.Context(), exchange.Call{
		Client: bank, Service: population, Method: "POST", Path: "/search", Body: []byte(`{"where":{}}`), Purpose: "credit", Subjects: []string{number},
	})
	wantCode(t, err, "exchange.no_grant")
	events, err := w.exchange.Events(t.Context(), w.keys.Pseudonym(number), "", 1)
	ok(t, err)
	return events[0].ID
}

func (w *world) seal(t testing.TB) {
	t.Helper()
	_, err := w.ledger.Seal(t.Context())
	ok(t, err)
}

type reply struct {
	status int
	body   string
	header http.Header
}

func (w *world) ask(t testing.TB, req *http.Request, who string) reply {
	t.Helper()
	jar, err := cookiejar.New(nil)
	ok(t, err)
	if who != "" {
		req.Header.Set("Test-Caller", who)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(req)
	ok(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	ok(t, err)
	return reply{res.StatusCode, string(b), res.Header}
}

func (w *world) get(t testing.TB, path, who string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+path, nil)
	ok(t, err)
	return w.ask(t, req, who)
}

func (w *world) post(t testing.TB, path, who string, form url.Values) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.server.URL+path, strings.NewReader(form.Encode()))
	ok(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.ask(t, req, who)
}

func (r reply) want(t testing.TB, status int, words ...string) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d:\n%s", r.status, status, r.body)
	}
	for _, word := range words {
		if !strings.Contains(r.body, word) {
			t.Errorf("the answer lacks %q:\n%s", word, r.body)
		}
	}
	if strings.Contains(r.body, "⟦") {
		t.Errorf("the answer lacks a message:\n%s", r.body)
	}
}

func (r reply) lacks(t testing.TB, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(r.body, word) {
			t.Errorf("the answer must not hold %q:\n%s", word, r.body)
		}
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if got := errs.CodeOf(err); err == nil || got != code {
		t.Fatalf("error = %v, want code %s", err, code)
	}
}
