package forms_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"golang.org/x/net/html"

	"github.com/dinh-gov/dinh/blocks/forms"
)

// TestEveryRouteIsAPageOrInTheContract keeps openapi.yaml true.
func TestEveryRouteIsAPageOrInTheContract(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(forms.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	seen := 0
	for _, r := range h.Routes() {
		if r.Page {
			continue
		}
		item := doc.Paths.Value(r.Path)
		if item == nil || item.GetOperation(r.Method) == nil {
			t.Errorf("%s %s is not in openapi.yaml", r.Method, r.Path)
		}
		seen++
	}
	if seen != doc.Paths.Len() {
		t.Errorf("%d routes, %d paths in the contract", seen, doc.Paths.Len())
	}
	app := h.as(an).fill()
	h.want(h.as(an).get("/api/applications"), 200, `"state":"draft"`, idOf(app))
	h.want(h.as(an).get("/api/applications/"+idOf(app)), 200, `"card.topics":["law","poems"]`, `"missing":[]`)
}

// TestPagesHoldTogether checks what a screen reader relies on: one heading,
// ids that are there once, and labels and descriptions that lead somewhere.
func TestPagesHoldTogether(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.fill()
	values := wishes()
	values.Set("reader", "yes")
	values.Set("card.from-month", "13")
	for name, r := range map[string]reply{
		"tasks": v.get(app), "you": v.get(app + "/p/you"), "wishes": v.get(app + "/p/wishes"), "photo": v.get(app + "/p/photo"),
		"check": v.get(app + "/check"), "discard": v.get(app + "/discard"), "start": v.get("/services/card/start"),
		"begun": v.get(app + "?begun=before"), "wrong": v.post(app+"/p/wishes", values), "undeclared": v.post(app+"/submit", nil),
	} {
		root, err := html.Parse(strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		ids, headings := map[string]int{}, 0
		var refs []string
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "h1" {
				headings++
			}
			for _, a := range n.Attr {
				switch {
				case a.Key == "id":
					ids[a.Val]++
				case a.Key == "for", a.Key == "aria-describedby", a.Key == "data-aria-controls":
					refs = append(refs, strings.Fields(a.Val)...)
				case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
					refs = append(refs, a.Val[1:])
				}
			}
		}
		if headings != 1 {
			t.Errorf("%s has %d main headings", name, headings)
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: id %q is there %d times", name, id, n)
			}
		}
		for _, ref := range refs {
			if ids[ref] == 0 {
				t.Errorf("%s: %q leads nowhere", name, ref)
			}
		}
		if strings.Contains(r.body, "⟦") {
			t.Errorf("%s lacks a message", name)
		}
	}
}

// FuzzPostedForm sends anything to a page: it is taken or politely refused,
// and afterwards the application still opens.
func FuzzPostedForm(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", wishes().Encode())
	f.Add("application/x-www-form-urlencoded", "card.name=%ff%00&card.from-day=9999999999999999999&card.topics=law&card.topics=x&version=-1")
	f.Add("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"x\"\r\n\r\nGIF89a\r\n--b--\r\n")
	f.Add("multipart/form-data", "--\r\n")
	f.Add("multipart/form-data; boundary=b", "--b\r\n\r\n--b\r\n")
	h := newHouse(f)
	v := h.as(an)
	app := v.fill()
	f.Fuzz(func(t *testing.T, kind, body string) {
		if strings.ContainsAny(kind, "\r\n\x00") || len(kind) > 200 {
			t.Skip()
		}
		for _, page := range []string{"/p/wishes", "/p/photo"} {
			if r := call(h, "POST", app+page, kind, body); r.Code >= 500 || r.Code < 300 {
				t.Fatalf("%s answers %d", page, r.Code)
			}
		}
		for _, page := range []string{"", "/p/wishes", "/p/photo", "/check"} {
			if r := call(h, "GET", app+page, "", ""); r.Code >= 400 {
				t.Fatalf("afterwards %q answers %d", page, r.Code)
			}
		}
	})
}

// call asks the server without a network between.
func call(h *house, method, path, kind, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Number", an)
	if kind != "" {
		r.Header["Content-Type"] = []string{kind}
	}
	w := httptest.NewRecorder()
	h.server.Config.Handler.ServeHTTP(w, r)
	return w
}

func FuzzUploadedFile(f *testing.F) {
	f.Add(jpegPhoto(120, 120))
	f.Add(withExif(jpegPhoto(120, 120), 6))
	f.Add(pngPhoto(120, 120))
	f.Add(paper(1, ""))
	f.Add(hiddenIn("5 0 <</A 1>>"))
	f.Fuzz(func(_ *testing.T, data []byte) { forms.Inspect(data) })
}

// BenchmarkPage draws the fullest page of the form, and the check page.
func BenchmarkPage(b *testing.B) {
	h := newHouse(b)
	app := h.as(an).fill()
	for _, page := range []string{"/p/wishes", "/p/you", "/check", ""} {
		b.Run("page"+page, func(b *testing.B) {
			for b.Loop() {
				if r := call(h, "GET", app+page, "", ""); r.Code != http.StatusOK {
					b.Fatal(r.Code)
				}
			}
		})
	}
	b.Run("save", func(b *testing.B) {
		body := wishes().Encode()
		for b.Loop() {
			if r := call(h, "POST", app+"/p/wishes", "application/x-www-form-urlencoded", body); r.Code != http.StatusSeeOther {
				b.Fatal(r.Code)
			}
		}
	})
}

// TestShowPages writes the pages into the folder DINH_SHOW, to be looked at.
func TestShowPages(t *testing.T) {
	dir := os.Getenv("DINH_SHOW")
	if dir == "" {
		t.Skip("set DINH_SHOW to a folder to look at the pages")
	}
	h := newHouse(t)
	v := h.as(an)
	app := v.fill()
	values := wishes()
	values.Set("reader", "yes")
	values.Set("card.from-month", "13")
	for name, r := range map[string]reply{
		"tasks": v.get(app), "you": v.get(app + "/p/you"), "contact": v.get(app + "/p/contact"), "wishes": v.get(app + "/p/wishes"), "photo": v.get(app + "/p/photo"),
		"check": v.get(app + "/check"), "discard": v.get(app + "/discard"), "start": v.get("/services/card/start"),
		"begun": v.get(app + "?begun=before"), "wrong": v.post(app+"/p/wishes", values), "undeclared": v.post(app+"/submit", nil),
		"zdone": func() reply { v.post(app+"/submit", url.Values{"consent": {"yes"}}); return v.get(app + "/done") }(),
	} {
		if err := os.WriteFile(dir+"/"+name+".html", []byte(r.body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
