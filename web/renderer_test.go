package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// builtAssets stands for the outcome of `make assets`, so that these tests run
// without Node.
func builtAssets() fstest.MapFS {
	return fstest.MapFS{
		"favicon.svg":  {Data: []byte("<svg/>")},
		"dist/app.css": {Data: []byte(strings.Repeat(".a{color:red}", 200))},
		"dist/app.js":  {Data: []byte("export {}")},
		"dist/.keep":   {Data: []byte("x")},
		"dist/fonts/be-vietnam-pro-latin-400-normal.woff2":      {Data: []byte("f")},
		"dist/fonts/be-vietnam-pro-vietnamese-400-normal.woff2": {Data: []byte("g")},
		"dist/fonts/BeVietnamPro-Bold.ttf":                      {Data: []byte("ttf")},
	}
}

func newRenderer(t testing.TB, demo bool) *Renderer {
	t.Helper()
	catalog, err := i18n.New(Messages(), httpx.Messages())
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Catalog: catalog, Assets: builtAssets(), Demo: demo})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func show(t testing.TB, r *Renderer, who auth.Principal, lang i18n.Lang, tmpl string, p Page) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, "/where?x=1&lang=vi", nil)
	req = req.WithContext(i18n.WithLang(auth.With(req.Context(), who), lang))
	w := httptest.NewRecorder()
	if err := r.Page(w, req, tmpl, p); err != nil {
		t.Fatal(err)
	}
	return w
}

func wants(t *testing.T, body string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(body, p) {
			t.Errorf("page lacks %q", p)
		}
	}
}

func lacks(t *testing.T, body string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if strings.Contains(body, p) {
			t.Errorf("page must not hold %q", p)
		}
	}
}

func TestPageForNobody(t *testing.T) {
	w := show(t, newRenderer(t, false), auth.Principal{}, i18n.VI, "web/plain", Page{Title: "Dịch vụ", Data: Paragraph{Text: "Chào"}})
	body := w.Body.String()
	wants(t, body, `<html lang="vi"`, "<title>Dịch vụ – Đình</title>", "Đến nội dung chính", "/sign-in?next=%2Fwhere%3Fx%3D1%26lang%3Dvi",
		`href="/where?lang=en&amp;x=1"`, `<p class="govuk-body">Chào</p>`, "/help")
	lacks(t, body, "Đăng xuất", `class="dinh-nav"`, "dinh-demo")
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, cache %q", w.Code, w.Header().Get("Cache-Control"))
	}
}

func TestPageForPerson(t *testing.T) {
	who := auth.Principal{Account: "a", Number: "1", Name: "Nguyễn <b>Mai</b>", OnBehalf: "079"}
	body := show(t, newRenderer(t, true), who, i18n.EN, "web/plain", Page{Title: "T", Section: "documents"}).Body.String()
	wants(t, body, "Nguyễn &lt;b&gt;Mai&lt;/b&gt;", "on behalf of 079", `action="/sign-out"`, "Demonstration",
		`href="/my-documents" aria-current="true"`, `href="/applications">`)
	lacks(t, body, "<b>Mai", "/desk")
}

func TestPageForOfficer(t *testing.T) {
	who := auth.Principal{Account: "a", Name: "Trần Quốc Bảo", Officer: "o", Member: "GOV/BTP", Roles: []string{"clerk"}}
	r := newRenderer(t, false)
	r.config.OfficerNav = append(r.config.OfficerNav,
		NavItem{Key: "web.nav.data", Path: "/for-clerks", Roles: []string{"clerk"}}, NavItem{Key: "web.nav.home", Path: "/for-chiefs", Roles: []string{"chief"}})
	body := show(t, r, who, i18n.VI, "web/plain", Page{Title: "T", Officer: true, Section: "desk", Wide: true}).Body.String()
	wants(t, body, "dinh--officer", "GOV/BTP", `href="/desk" aria-current="true"`, "/for-clerks", "dinh-width-wide")
	lacks(t, body, "/for-chiefs", `href="/applications"`)
}

func TestPageWithErrors(t *testing.T) {
	w := show(t, newRenderer(t, false), auth.Principal{}, i18n.VI, "web/plain", Page{Title: "Khai sinh",
		Errors: []FieldError{{Field: "name", Text: "Nhập họ và tên"}, {Text: "Thử lại sau"}}})
	wants(t, w.Body.String(), "<title>Lỗi: Khai sinh – Đình</title>", `href="#name"`, "Nhập họ và tên", "Có chỗ cần sửa")
	if w.Code != http.StatusUnprocessableEntity {
		t.Errorf("status %d, want 422", w.Code)
	}
}

func TestErrorPage(t *testing.T) {
	r := newRenderer(t, false)
	req := httptest.NewRequest(http.MethodGet, "/x", nil)
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "r-1")
	r.Error(w, req, http.StatusNotFound, "Không tìm thấy", "Trang này không có.", errs.New(errs.NotFound, "a.b"))
	wants(t, w.Body.String(), "Không tìm thấy", "Trang này không có.", "a.b", "r-1")
	if w.Code != http.StatusNotFound {
		t.Errorf("status %d", w.Code)
	}
}

func TestFailingPageWritesNothing(t *testing.T) {
	r := newRenderer(t, false)
	if err := r.Add("bad", fstest.MapFS{"a.html": {Data: []byte(`{{define "content"}}before{{.Nope}}{{end}}`)},
		"b.html": {Data: []byte(`{{define "content"}}{{asset "none.css"}}{{end}}`)}}, "*.html"); err != nil {
		t.Fatal(err)
	}
	for _, tmpl := range []string{"bad/a", "bad/b", "bad/none"} {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		if err := r.Page(w, req, tmpl, Page{Data: struct{}{}}); err == nil {
			t.Errorf("%s: no error", tmpl)
		}
		if w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%s: something was written", tmpl)
		}
	}
}

func TestAddNamesTheMistake(t *testing.T) {
	cases := map[string]fstest.MapFS{
		"has no templates":      {},
		`{{define "content"}}`:  {"a.html": {Data: []byte("text")}},
		"function \"nope\" not": {"a.html": {Data: []byte(`{{define "content"}}{{nope}}{{end}}`)}},
	}
	for want, fsys := range cases {
		err := newRenderer(t, false).Add("x", fsys, "*.html")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one with %q", err, want)
		}
	}
	r := newRenderer(t, false)
	page := fstest.MapFS{"a.html": {Data: []byte(`{{define "content"}}{{template "part" .}}{{end}}`)}, "_p.html": {Data: []byte(`{{define "part"}}shared {{.}}{{end}}`)}}
	if err := r.Add("x", page, "*.html"); err != nil {
		t.Fatal(err)
	}
	if err := r.Add("x", page, "*.html"); err == nil {
		t.Error("a page was registered twice")
	}
	wants(t, show(t, r, auth.Principal{}, i18n.VI, "x/a", Page{Data: "<i>"}).Body.String(), "shared &lt;i&gt;")
}

func TestMissingAssets(t *testing.T) {
	catalog, err := i18n.New(Messages())
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(Config{Catalog: catalog, Assets: fstest.MapFS{"favicon.svg": {Data: []byte("<svg/>")}}})
	if !errors.Is(err, ErrNoAssets) || !strings.Contains(err.Error(), "make assets") {
		t.Errorf("got %v", err)
	}
}

func TestStaticFiles(t *testing.T) {
	r := newRenderer(t, false)
	get := func(path, accept, match string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.Header.Set("Accept-Encoding", accept)
		req.Header.Set("If-None-Match", match)
		w := httptest.NewRecorder()
		if err := r.Routes()[0].Handle(w, req); err != nil && errs.KindOf(err) != errs.NotFound {
			t.Fatal(err)
		} else if err != nil {
			w.Code = http.StatusNotFound
		}
		return w
	}
	url := r.assets.url("app.css")
	if w := get(url, "gzip", ""); w.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") ||
		!strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("headers %v", w.Header())
	}
	if w := get("/static/other/app.css", "", ""); w.Header().Get("Cache-Control") != "no-cache" || !strings.HasPrefix(w.Body.String(), ".a{") {
		t.Errorf("another release: %v", w.Header())
	}
	if w := get(url, "", `"`+r.assets.version+`"`); w.Code != http.StatusNotModified {
		t.Errorf("status %d, want 304", w.Code)
	}
	for _, path := range []string{"/static/" + r.assets.version + "/.keep", "/static/x/../renderer.go", "/static/", "/static/x/fonts/BeVietnamPro-Bold.ttf"} {
		if w := get(path, "", ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

// Every sample page is a whole page in both languages.
func TestGallery(t *testing.T) {
	r := newRenderer(t, true)
	mux := http.NewServeMux()
	for _, route := range Gallery(r) {
		mux.HandleFunc(route.Pattern(), func(w http.ResponseWriter, req *http.Request) {
			if err := route.Handle(w, req); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	for _, name := range append(Samples(), "") {
		for _, lang := range i18n.Langs {
			req := httptest.NewRequest(http.MethodGet, strings.TrimSuffix("/design/"+name, "/"), nil)
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, req.WithContext(i18n.WithLang(req.Context(), lang)))
			if w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", name, w.Code, w.Body)
			}
			wants(t, w.Body.String(), "</html>", "<h1")
			lacks(t, w.Body.String(), "⟦", "ZgotmplZ", "<no value>", " style=", "onclick")
		}
	}
	if len(samples()) != len(Samples()) {
		t.Error("Samples and samples name different pages")
	}
}

func BenchmarkPage(b *testing.B) {
	r := newRenderer(b, true)
	s := samples()["desk"]
	req := httptest.NewRequest(http.MethodGet, "/design/desk", nil)
	req = req.WithContext(auth.With(req.Context(), s.who))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Page(httptest.NewRecorder(), req, "web/plain", s.page); err != nil {
			b.Fatal(err)
		}
	}
}
