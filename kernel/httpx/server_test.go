package httpx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

func TestEveryKindOfError(t *testing.T) {
	want := map[errs.Kind]int{
		errs.Invalid: 400, errs.Unauthenticated: 401, errs.Forbidden: 403, errs.NotFound: 404, errs.Conflict: 409,
		errs.Gone: 410, errs.TooLarge: 413, errs.TooMany: 429, errs.Internal: 500, errs.Unavailable: 503,
	}
	var routes []httpx.Route
	for _, k := range errs.Kinds() {
		routes = append(routes, api("GET", "/"+string(k), returns(fmt.Errorf("deep: %w", errs.New(k, "x.y")))))
	}
	h := open(t, nil, routes...)
	for _, k := range errs.Kinds() {
		for _, lang := range []string{"vi", "en"} {
			a := h.do(t, "GET", "/"+string(k), "", "Accept-Language", lang)
			d := a.problem(t)
			if a.StatusCode != want[k] || d.Code != "x.y" || a.Header.Get("Content-Language") != lang ||
				d.Detail != catalog(t).T(i18n.Lang(lang), "error.kind."+string(k)) {
				t.Errorf("%s in %s: %d %s", k, lang, a.StatusCode, a.body)
			}
			if a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: an error may be cached", k)
			}
		}
	}
	if got := h.do(t, "GET", "/unavailable", "").Header.Get("Retry-After"); got == "" {
		t.Error("503 without Retry-After")
	}
	if got := h.do(t, "GET", "/unauthenticated", "").Header.Get("WWW-Authenticate"); got == "" {
		t.Error("401 without WWW-Authenticate")
	}
}

func TestFieldsAndArguments(t *testing.T) {
	e := errs.New(errs.Invalid, "httpx.body_too_large", "limit", "5 MB").
		With(errs.NewField("items[2].amount", "httpx.json_type", "want", i18n.Text{VI: "một số", EN: "a number"}), errs.NewField("ward", "no.such"))
	h := open(t, nil, api("GET", "/", returns(e)))
	d := h.do(t, "GET", "/", "", "Accept-Language", "en-GB,en;q=0.9").problem(t)
	if d.Status != 422 || d.Detail != "What you sent is larger than 5 MB. Send less." || len(d.Errors) != 2 {
		t.Fatalf("%+v", d)
	}
	if f := d.Errors[0]; f.Name != "items[2].amount" || f.Code != "httpx.json_type" || f.Detail != "This field must be a number." {
		t.Errorf("%+v", f)
	}
	if d.Errors[1].Detail != catalog(t).T(i18n.EN, "error.kind.invalid") {
		t.Errorf("%+v", d.Errors[1])
	}
}

func TestUnknownErrorsStayInTheLog(t *testing.T) {
	secret := errors.New("dial postgres://user:hunter2@db")
	h := open(t, nil,
		api("GET", "/api/{id}", returns(secret)),
		page("GET", "/page/{id}", auth.Public(), returns(secret)),
		api("GET", "/panic/{id}", func(http.ResponseWriter, *http.Request) error { panic("hunter2 in a panic") }))
	for _, path := range []string{"/api/079123", "/page/079123", "/panic/079123"} {
		a := h.do(t, "GET", path+"?number=079456", "", "Accept-Language", "en")
		if a.StatusCode != 500 || strings.Contains(a.body, "hunter2") || !strings.Contains(a.body, "went wrong") {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
	log := h.log.String()
	if strings.Count(log, "hunter2") < 3 {
		t.Error("the log does not say what happened")
	}
	if strings.Contains(log, "079123") || strings.Contains(log, "079456") {
		t.Errorf("ids or queries in the log: %s", log)
	}
}

func TestLogLineAndFigures(t *testing.T) {
	h := open(t, nil, api("GET", "/cases/{id}", hello), api("GET", "/no/{id}", returns(errs.New(errs.Conflict, "a.b", "n", "079789"))))
	h.do(t, "GET", "/cases/079123?q=079456", "")
	h.do(t, "GET", "/no/079123", "")
	h.do(t, "GET", "/079123", "")
	lines := strings.Split(strings.TrimSpace(h.log.String()), "\n")
	if len(lines) != 3 || regexp.MustCompile("079(123|456|789)").MatchString(h.log.String()) {
		t.Fatalf("want three lines without ids: %s", h.log)
	}
	var got []string
	for _, line := range lines {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(m["method"], m["path"], m["status"], m["bytes"], m["kind"], m["code"]))
		if m["request"] == "" || m["took_ms"] == nil {
			t.Errorf("incomplete: %s", line)
		}
	}
	if got[0] != "GET/cases/{id}200 22 <nil> <nil>" {
		t.Errorf("first line: %q", got[0])
	}
	if !strings.HasPrefix(got[1], "GET/no/{id}409 ") || !strings.HasSuffix(got[1], "conflicta.b") {
		t.Errorf("second line: %q", got[1])
	}
	if !strings.HasPrefix(got[2], "GETnone404 ") || !strings.HasSuffix(got[2], "not_foundnot_found") {
		t.Errorf("third line: %q", got[2])
	}
	families, err := h.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != 1 || len(families[0].Metric) != 3 {
		t.Errorf("figures: %v", families)
	}
	if s := fmt.Sprint(families); strings.Contains(s, "079123") || !strings.Contains(s, "GET /cases/{id}") {
		t.Errorf("figures: %s", s)
	}
}

func TestHeaders(t *testing.T) {
	routes := []httpx.Route{api("GET", "/", hello), api("GET", "/fail", returns(errs.NotFound))}
	h := open(t, func(c *httpx.Config) { c.Secure = true }, routes...)
	for _, path := range []string{"/", "/fail", "/nowhere"} {
		hd := h.do(t, "GET", path, "").Header
		for name, want := range map[string]string{
			"Content-Security-Policy":   "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'",
			"X-Content-Type-Options":    "nosniff",
			"Referrer-Policy":           "same-origin",
			"X-Frame-Options":           "DENY",
			"Strict-Transport-Security": "max-age=63072000; includeSubDomains",
		} {
			if got := hd.Get(name); got != want {
				t.Errorf("%s: %s = %q", path, name, got)
			}
		}
	}
	if got := open(t, nil, routes...).do(t, "GET", "/", "").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS over plain HTTP: %q", got)
	}
}

func TestAllowForms(t *testing.T) {
	h := open(t, nil,
		api("GET", "/ok", func(w http.ResponseWriter, r *http.Request) error {
			if err := httpx.AllowForms(w, "https://pay.example"); err != nil {
				return err
			}
			return hello(w, r)
		}),
		api("GET", "/plain", hello))
	if got := h.do(t, "GET", "/ok", "").Header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' https://pay.example;") {
		t.Errorf("policy %q", got)
	}
	if got := h.do(t, "GET", "/plain", "").Header.Get("Content-Security-Policy"); strings.Contains(got, "pay.example") {
		t.Errorf("one page's permission leaked to all: %q", got)
	}
	for _, bad := range []string{"*", "https://a.example; script-src *", "https://a.example/path", "javascript:alert(1)", "https://*.example", ""} {
		if httpx.AllowForms(httptest.NewRecorder(), bad) == nil {
			t.Errorf("%q was taken for an origin", bad)
		}
	}
}

func TestNotFoundAndMethod(t *testing.T) {
	h := open(t, nil, api("GET", "/thing", hello), api("PUT", "/thing", hello), api("GET", "/missing", returns(errs.NotFound)))
	if a := h.do(t, "GET", "/nowhere", ""); a.StatusCode != 404 || a.problem(t).Code != "not_found" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := h.do(t, "GET", "/missing", ""); a.StatusCode != 404 || a.problem(t).Code != "not_found" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	a := h.do(t, "POST", "/thing", "x", "Accept-Language", "en")
	if d := a.problem(t); a.StatusCode != 405 || d.Code != "httpx.method_not_allowed" || d.Title != "Method not supported" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if got := a.Header.Get("Allow"); got != "GET, HEAD, PUT" {
		t.Errorf("Allow %q", got)
	}
	if a := h.do(t, "GET", "/nowhere", "", "Accept", "text/html,*/*;q=0.8"); a.StatusCode != 404 ||
		!strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || !strings.Contains(a.body, "Không tìm thấy") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestErrorPage(t *testing.T) {
	var gotErr *errs.Error
	h := open(t, func(c *httpx.Config) {
		c.Errors = func(w http.ResponseWriter, r *http.Request, status int, title, message string, err *errs.Error) {
			gotErr = err
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(status)
			fmt.Fprintf(w, "%s|%s|%s|%v", title, message, auth.From(r.Context()).Account, r.Context().Err())
		}
	}, page("GET", "/", auth.Public(), returns(errs.New(errs.Gone, "x.y").Wrap(errors.New("hidden")))))
	a := h.do(t, "GET", "/", "", "Caller", "person", "Accept-Language", "en")
	if a.StatusCode != 410 || a.body != "This no longer exists|This has been deleted and cannot be brought back.|a|<nil>" {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
	if gotErr.Code != "x.y" || errors.Unwrap(gotErr) != nil {
		t.Errorf("the page was given %v", gotErr)
	}
}

func TestBrokenErrorPageStillEnds(t *testing.T) {
	h := open(t, func(c *httpx.Config) {
		c.Errors = func(http.ResponseWriter, *http.Request, int, string, string, *errs.Error) { panic("template") }
	}, page("GET", "/", auth.Public(), returns(errs.NotFound)))
	res, err := h.client.Get(h.url + "/")
	if err == nil {
		defer res.Body.Close()
		t.Errorf("answered %d", res.StatusCode)
	}
	if !strings.Contains(h.log.String(), "template") {
		t.Errorf("log: %s", h.log)
	}
}

func TestAccess(t *testing.T) {
	h := open(t, nil,
		page("GET", "/page", auth.Person(auth.Substantial), hello),
		page("POST", "/page", auth.Person(auth.Low), hello),
		page("POST", "/page/send", auth.Person(auth.Low), hello),
		page("GET", "/desk", auth.Officer("judge"), hello),
		page("GET", "/home", auth.Public(), hello),
		httpx.Route{Method: "GET", Path: "/api", Access: auth.Person(auth.Substantial), Handle: hello},
		httpx.Route{Method: "GET", Path: "/static", Access: auth.Public(), Anonymous: true, Handle: hello})
	for _, c := range []struct {
		method, path, caller string
		status               int
		location, code       string
	}{
		{"GET", "/page?q=1&r=2", "", 303, "/sign-in?next=%2Fpage%3Fq%3D1%26r%3D2", ""},
		{"HEAD", "/page", "", 303, "/sign-in?next=%2Fpage", ""},
		{"POST", "/page", "", 303, "/sign-in?next=%2Fpage", ""},
		{"POST", "/page/send", "", 303, "/sign-in?next=%2F", ""},
		{"GET", "/page", "person", 303, "/sign-in/step-up?next=%2Fpage", ""},
		{"GET", "/page", "officer", 403, "", ""},
		{"GET", "/page", "expired", 303, "/sign-in?next=%2Fpage", ""},
		{"GET", "/home", "expired", 200, "", ""},
		{"GET", "/home", "broken", 500, "", ""},
		{"GET", "/static", "broken", 200, "", ""},
		{"GET", "/desk", "officer", 403, "", ""},
		{"GET", "/api", "", 401, "", "auth.sign_in"},
		{"GET", "/api", "person", 403, "", "auth.step_up"},
		{"GET", "/api", "officer", 403, "", "auth.wrong_role"},
	} {
		a := h.do(t, c.method, c.path, "", "Caller", c.caller)
		if a.StatusCode != c.status || a.Header.Get("Location") != c.location {
			t.Errorf("%s %s by %q: %d %q", c.method, c.path, c.caller, a.StatusCode, a.Header.Get("Location"))
		}
		if c.code != "" && a.problem(t).Code != c.code {
			t.Errorf("%s by %q: %s", c.path, c.caller, a.body)
		}
	}
	if d := h.do(t, "GET", "/api", "", "Caller", "person").problem(t); !strings.Contains(d.Detail, "mức trung bình") {
		t.Errorf("the level is not named in the reader's language: %s", d.Detail)
	}
	if got := h.do(t, "GET", "/home", "", "Caller", "person").Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a signed-in page says Cache-Control %q", got)
	}
	if got := h.do(t, "GET", "/home", "").Header.Get("Cache-Control"); got != "" {
		t.Errorf("a public page says Cache-Control %q", got)
	}
}

func TestCrossOrigin(t *testing.T) {
	open1 := httpx.Route{Method: "POST", Path: "/open", Access: auth.Public(), CrossOrigin: true, Handle: hello}
	h := open(t, func(c *httpx.Config) { c.TrustedOrigins = []string{"https://pay.example"} },
		api("POST", "/form", hello), api("GET", "/form", hello), open1)
	for _, c := range []struct {
		method, path string
		headers      []string
		status       int
	}{
		{"POST", "/form", nil, 200},
		{"POST", "/form", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"POST", "/form", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/form", []string{"Origin", "https://evil.example"}, 403},
		{"POST", "/form", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://pay.example"}, 200},
		{"POST", "/form", []string{"Sec-Fetch-Site", "cross-site", "Authorization", "Bearer x"}, 200},
		{"POST", "/form", []string{"Sec-Fetch-Site", "cross-site", "Authorization", "Basic eDp5"}, 403},
		{"GET", "/form", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"POST", "/open", []string{"Sec-Fetch-Site", "cross-site"}, 200},
	} {
		a := h.do(t, c.method, c.path, "", c.headers...)
		if a.StatusCode != c.status {
			t.Errorf("%s %s %v: %d", c.method, c.path, c.headers, a.StatusCode)
		}
		if c.status == 403 && a.problem(t).Code != "httpx.cross_origin" {
			t.Errorf("%s", a.body)
		}
	}
}

func TestLanguage(t *testing.T) {
	say := func(w http.ResponseWriter, r *http.Request) error {
		return httpx.WriteJSON(w, 200, i18n.LangFrom(r.Context()))
	}
	h := open(t, nil, page("GET", "/p/{x}", auth.Public(), say), page("POST", "/p/{x}", auth.Public(), say), api("GET", "/api", say))
	for _, c := range []struct {
		method, path, accept, cookie, want, location string
	}{
		{"GET", "/p/1", "", "", "vi", ""},
		{"GET", "/p/1", "fr, en;q=0.5, vi;q=0.4", "", "en", ""},
		{"GET", "/p/1", "en", "vi", "vi", ""},
		{"GET", "/p/1", "", "xx", "vi", ""},
		{"GET", "/p/a%2Fb?z=1&lang=en&a=%C4%91", "", "", "", "/p/a%2Fb?z=1&a=%C4%91"},
		{"GET", "/p/1?lang=en", "", "", "", "/p/1"},
		{"GET", "/p/1?lang=de", "", "", "vi", ""},
		{"POST", "/p/1?lang=en", "", "", "en", ""},
		{"GET", "/api?lang=en", "", "", "en", ""},
	} {
		a := h.do(t, c.method, c.path, "", "Accept-Language", c.accept, "Cookie", "dinh_lang="+c.cookie)
		if c.location != "" {
			if a.StatusCode != 303 || a.Header.Get("Location") != c.location || !strings.HasPrefix(a.Header.Get("Set-Cookie"), "dinh_lang=en; Path=/;") {
				t.Errorf("%s: %d %v", c.path, a.StatusCode, a.Header)
			}
			continue
		}
		if strings.TrimSpace(a.body) != `"`+c.want+`"` {
			t.Errorf("%s %s accept %q cookie %q: %s", c.method, c.path, c.accept, c.cookie, a.body)
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Jar: jar}).Get(h.url + "/p/1?lang=en")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); res.Request.URL.RawQuery != "" || !strings.Contains(string(b), "en") {
		t.Errorf("a browser that follows lands on %s: %s", res.Request.URL, b)
	}
}

func TestRateLimit(t *testing.T) {
	now := clock.New(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	h := open(t, func(c *httpx.Config) {
		c.Clock, c.MaxRate, c.MaxBurst = now, 1, 2
		c.ClientKey = func(r *http.Request) string { return r.Header.Get("Key") }
	}, api("GET", "/", hello))
	get := func(key string) answer { return h.do(t, "GET", "/", "", "Key", key) }
	get("a")
	get("a")
	a := get("a")
	if a.StatusCode != 429 || a.problem(t).Code != "httpx.rate" || a.Header.Get("Retry-After") != "1" {
		t.Errorf("third of two: %d %s", a.StatusCode, a.body)
	}
	if get("b").StatusCode != 200 {
		t.Error("one client's haste refused another")
	}
	now.Advance(time.Second)
	if get("a").StatusCode != 200 || get("a").StatusCode != 429 {
		t.Error("a second must give exactly one more")
	}
}

func TestAddressesAreText(t *testing.T) {
	h := open(t, nil, api("GET", "/things/{id}", hello))
	for path, want := range map[string]int{
		"/things/%C3%A1?q=%C3%A1": 200, "/things/a?q=%zz": 200, "/things/%00": 404, "/things/a%00b": 404, "/things/%ff%fe": 404, "/things/a?q=%ff": 200,
	} {
		if a := h.do(t, "GET", path, ""); a.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, a.StatusCode, want)
		}
	}
}
