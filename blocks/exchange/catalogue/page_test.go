package catalogue_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/catalogue"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// site is the catalogue behind real HTTP; X-As says who calls.
type site struct {
	*world
	url string
	c   *http.Client
}

func openSite(t *testing.T) *site {
	t.Helper()
	w := newWorld(t)
	catalog, err := i18n.New(web.Messages(), httpx.Messages(), exchange.Messages(), catalogue.Messages())
	ok(t, err)
	people := map[string]auth.Principal{"asker": asker, "owner": owner, "twoHats": twoHats, "banker": banker, "plain": plain, "system": {Subsystem: civil.String(), Member: "GOV/MOJ", Session: "k"}, "citizen": {Account: "a", Number: "001199000009", Level: auth.High}}
	server := httptest.NewServer(httpx.NewServer(httpx.Config{
		Routes: append(w.Routes(), w.deps.Pages.Routes()...), Catalog: catalog, Log: slog.New(slog.DiscardHandler), Clock: w.clock, Errors: w.deps.Pages.Error,
		Authenticate: func(r *http.Request) (auth.Principal, error) { return people[r.Header.Get("X-As")], nil },
	}).Handler())
	t.Cleanup(server.Close)
	return &site{w, server.URL, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (s *site) do(t *testing.T, who, lang, path string, form url.Values) (status int, body string, header http.Header) {
	t.Helper()
	method, in := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, in = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, in)
	ok(t, err)
	req.Header.Set("X-As", who)
	req.Header.Set("Accept-Language", lang)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := s.c.Do(req)
	ok(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	ok(t, err)
	if strings.Contains(string(b), "⟦") {
		t.Errorf("%s: a word is missing: %.500s", path, b[strings.Index(string(b), "⟦"):])
	}
	return res.StatusCode, string(b), res.Header
}

func TestPagesOfServices(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	for _, lang := range []string{"vi", "en"} {
		for path, words := range map[string][]string{
			"/exchange":                                       {"/exchange/services/" + population.String(), "/exchange/services/" + secret.String()},
			"/exchange?q=ho+va+ten":                           {population.String()},
			"/exchange?q=PHUONG":                              {population.String()},
			"/exchange?q=public+security":                     {population.String(), secret.String()},
			"/exchange/document/" + population.String():       {"POST /search", "Tra cứu &lt;b&gt;", "male, female", "/api/exchange/openapi?service="},
			"/exchange/document/" + secret.String():           {"OpenAPI"},
			"/exchange/try/" + population.String():            {"O&#39;\\&#39;&#39;Brien", "Người Mẫu", "https://dinh.example.vn/r1/" + population.String() + "/search"},
			"/exchange/try/" + population.String() + "?op=1":  {"/records/r%201"},
			"/exchange/try/" + population.String() + "?op=99": {"/search"},
			"/exchange/try/" + secret.String():                {"curl -X GET"},
			"/exchange/use/" + population.String():            {"format=csv"},
		} {
			status, body, _ := s.do(t, "", lang, path, nil)
			for _, w := range words {
				if status != http.StatusOK || !strings.Contains(body, w) {
					t.Errorf("%s %s: %d, no %q", lang, path, status, w)
				}
			}
			if strings.Contains(body, "secret.internal") || strings.Contains(body, "<b>") {
				t.Errorf("%s shows an inner address, or another's markup", path)
			}
		}
	}
	for path, absent := range map[string]string{"/exchange?q=ho+va+ten": secret.String(), "/exchange?q=population&member=COM/BANK": population.String(), "/exchange?q=%00%ff<script>": "<script>"} {
		if _, body, _ := s.do(t, "", "vi", path, nil); strings.Contains(body, absent) {
			t.Errorf("%s shows %s", path, absent)
		}
	}
	for _, path := range []string{"/exchange/document/x", "/exchange/try/VN/GOV/MPS/population/none", "/exchange/use/a/b/c/d/e/f", "/api/exchange/use", "/api/exchange/openapi?service=%00", "/api/exchange/openapi?service=" + secret.String()} {
		if status, _, _ := s.do(t, "owner", "vi", path, nil); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, body, h := s.do(t, "", "vi", "/api/exchange/openapi?service="+population.String(), nil); status != http.StatusOK || !json.Valid([]byte(body)) || h.Get("Content-Type") != "application/json" {
		t.Error(status, body)
	}
}

func TestFiguresForWhomTheyAre(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	_, err := s.x.AddGrant(t.Context(), exchange.Grant{Client: civil, Service: population, Operations: []string{"search"}, Fields: []string{"*"}, Purpose: "birth-registration", LegalBasis: "x"})
	ok(t, err)
	ok(t, s.call(t))
	s.clock.Advance(3 * time.Minute)
	ok(t, s.Count(t.Context()))
	if _, body, _ := s.do(t, "", "vi", "/exchange/use/"+population.String(), nil); !strings.Contains(body, "<rect") || !strings.Contains(body, "11/2026") {
		t.Error("no bars")
	}
	status, body, h := s.do(t, "", "vi", "/api/exchange/use?format=csv&service="+population.String(), nil)
	if lines := strings.Split(strings.TrimSpace(body), "\n"); status != http.StatusOK || len(lines) != 13 || lines[12] != "2026-11,1,0,0,1" || !strings.HasPrefix(h.Get("Content-Type"), "text/csv") {
		t.Error(status, body)
	}
	for who, want := range map[string]int{"": 403, "asker": 403, "plain": 403, "system": 403, "citizen": 403, "owner": 200} {
		for _, path := range []string{"/exchange/use/" + secret.String(), "/api/exchange/use?service=" + secret.String()} {
			if status, _, _ := s.do(t, who, "vi", path, nil); status != want {
				t.Errorf("%q %s: %d", who, path, status)
			}
		}
		_, page, _ := s.do(t, who, "vi", "/exchange/services/"+secret.String(), nil)
		if strings.Contains(page, "/exchange/use/") != (want == 200) {
			t.Errorf("%q: the page leads to closed figures, or not to open ones", who)
		}
	}
}

func TestFormsComeBack(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	full := func() url.Values {
		return url.Values{"client": {civil.String()}, "operations": {"search"}, "fields": {"name"}, "purpose": {"birth-registration"}, "legal_basis": {"Luật"}, "reason": {"Đủ dài để hiểu được"}, "until-day": {"1"}, "until-month": {"6"}, "until-year": {"2027"}}
	}
	page := "/desk/exchange/ask/" + population.String()
	for field, change := range map[string]func(url.Values){
		"client": func(v url.Values) { v.Del("client") }, "operations": func(v url.Values) { v.Del("operations") }, "fields": func(v url.Values) { v.Set("fields", "religion") }, "purpose": func(v url.Values) { v.Set("purpose", "") },
		"legal_basis": func(v url.Values) { v.Del("legal_basis") }, "reason": func(v url.Values) { v.Set("reason", "x") }, "until-day": func(v url.Values) { v.Set("until-day", "31") }, "quota": func(v url.Values) { v.Set("quota", "viele") },
	} {
		for _, lang := range []string{"vi", "en"} {
			form := full()
			form.Set("legal_basis", `Luật "1" <2>`)
			change(form)
			status, body, _ := s.do(t, "asker", lang, page, form)
			if status != http.StatusUnprocessableEntity || !strings.Contains(body, `href="#`+field+`"`) || !strings.Contains(body, `id="`+field+`"`) {
				t.Errorf("%s: %d, no way to %s", lang, status, field)
			}
			if field != "legal_basis" && !strings.Contains(body, "Luật &#34;1&#34; &lt;2&gt;") {
				t.Errorf("%s: what was typed is lost", field)
			}
		}
	}
	form := full()
	form.Set("client", loans.String())
	if status, _, _ := s.do(t, "asker", "vi", page, form); status != http.StatusForbidden {
		t.Errorf("for another member: %d", status)
	}
	status, _, h := s.do(t, "asker", "vi", page, full())
	made := h.Get("Location")
	if status != http.StatusSeeOther {
		t.Fatal(status)
	}
	if status, body, _ := s.do(t, "asker", "vi", page, full()); status != http.StatusUnprocessableEntity || !strings.Contains(body, "đang chờ") {
		t.Errorf("twice: %d", status)
	}
	for who, want := range map[string]int{"": 303, "citizen": 403, "plain": 403, "system": 403, "banker": 404, "asker": 200, "owner": 200, "twoHats": 200} {
		status, body, _ := s.do(t, who, "vi", made, nil)
		if status != want || strings.Contains(body, made+"/decide") != (who == "owner") {
			t.Errorf("%q: %d", who, status)
		}
	}
	more := url.Values{"outcome": {"changed"}, "operations": {"search"}, "fields": {"name", "number"}, "until-day": {"1"}, "until-month": {"6"}, "until-year": {"2028"}, "answer": {"Cho nhiều hơn một chút"}}
	if status, body, _ := s.do(t, "owner", "vi", made+"/decide", more); status != http.StatusUnprocessableEntity || !strings.Contains(body, `href="#fields"`) || !strings.Contains(body, `href="#until-day"`) {
		t.Errorf("more than asked: %d", status)
	}
	if status, _, _ := s.do(t, "owner", "vi", made+"/decide", url.Values{"outcome": {"granted"}}); status != http.StatusSeeOther {
		t.Errorf("granting: %d", status)
	}
	for _, lang := range []string{"vi", "en"} {
		if _, body, _ := s.do(t, "owner", lang, made, nil); !strings.Contains(body, made+"/revoke") {
			t.Error("no way to revoke")
		}
		if _, body, _ := s.do(t, "asker", lang, "/desk/exchange", nil); !strings.Contains(body, made) {
			t.Error("the asker cannot follow")
		}
	}
}

// TestPublishedServices: what an owner publishes is found, read and stopped at
// once, and a new document replaces what was read of the old one.
func TestPublishedServices(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	id := exchange.ServiceID{SubsystemID: population.SubsystemID, Service: "addresses"}
	publish := func(doc string) {
		t.Helper()
		_, err := s.x.PublishService(t.Context(), exchange.PublishedService{ID: id, Title: i18n.Text{VI: "Địa chỉ", EN: "Addresses"}, URL: "https://secret.internal/v1", Description: doc, PublicStatistics: true}, "binh")
		ok(t, err)
	}
	publish(document)
	if _, body, _ := s.do(t, "", "vi", "/exchange?q=dia+chi", nil); !strings.Contains(body, id.String()) {
		t.Error("not found")
	}
	if _, body, _ := s.do(t, "", "vi", "/exchange/document/"+id.String(), nil); !strings.Contains(body, "POST /search") || strings.Contains(body, "secret.internal") {
		t.Error("not read, or too much of it")
	}
	if _, body, _ := s.do(t, "", "vi", "/api/exchange/openapi?service="+id.String(), nil); !strings.Contains(body, "/search") || strings.Contains(body, "secret.internal") {
		t.Error(body)
	}
	publish(strings.ReplaceAll(document, "/search", "/lookup"))
	if _, body, _ := s.do(t, "", "vi", "/exchange/document/"+id.String(), nil); !strings.Contains(body, "POST /lookup") {
		t.Error("the old document is shown")
	}
	if status, _, _ := s.do(t, "", "vi", "/exchange/use/"+id.String(), nil); status != http.StatusOK {
		t.Errorf("public figures: %d", status)
	}
	ok(t, s.x.DisableService(t.Context(), id, "binh", "Bảo trì đến thứ Hai"))
	if _, body, _ := s.do(t, "", "vi", "/exchange/services/"+id.String(), nil); !strings.Contains(body, "Bảo trì đến thứ Hai") {
		t.Error("nothing says that it is stopped")
	}
}

// A grant to a group stands under the group's title, with what narrows it down.
func TestGrantToAGroupIsShown(t *testing.T) {
	t.Parallel()
	s, ctx := openSite(t), t.Context()
	_, err := s.x.PutGroup(ctx, exchange.Group{ID: "GOV/MPS/courts", Title: i18n.Text{VI: "Tòa án các tỉnh", EN: "Provincial courts"}}, "o")
	ok(t, err)
	_, err = s.x.ChangeGroup(ctx, "GOV/MPS/courts", []exchange.SubsystemID{civil}, nil, "o")
	ok(t, err)
	_, err = s.x.AddGrant(ctx, exchange.Grant{
		Group: "GOV/MPS/courts", Service: population, Operations: []string{"read"}, Fields: []string{"*"}, Purpose: "birth-registration", LegalBasis: "x",
		Endpoints: []exchange.Endpoint{{Method: "GET", Path: "/records/*"}, {Method: "*", Path: "/<b>"}}, Filter: map[string][]string{"name": {"An", "<b>"}},
	})
	ok(t, err)
	for lang, words := range map[string][]string{
		"vi": {"Tòa án các tỉnh (một hệ thống)", "Chỉ tại các địa chỉ", "GET /records/*, /&lt;b&gt;", "Chỉ các bản ghi có", ": An, &lt;b&gt;"},
		"en": {"Provincial courts (one system)", "Only at these addresses", "Only records with"},
	} {
		_, body, _ := s.do(t, "", lang, "/exchange/services/"+population.String(), nil)
		for _, word := range words {
			if !strings.Contains(body, word) {
				t.Errorf("%s: no %q", lang, word)
			}
		}
	}
	if _, body, _ := s.do(t, "", "en", "/exchange", nil); !strings.Contains(body, "One system") {
		t.Error("the group's systems are not counted")
	}
}
