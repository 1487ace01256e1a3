package play_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/app/play"
)

const form = `<!doctype html><title>x</title><body><h1>Trang  một</h1><a href="/apply/a">1</a><a href="/apply/a">2</a>
<form method="post" action="/send"><input name="name" value="An"><input type="radio" name="kind" value="a"><input type="radio" name="kind" value="b">
<select name="city"><option value="">–</option><option value="01">Hà Nội</option></select><input name="born-day"><input name="born-month"><input name="born-year">
<input type="checkbox" name="agree" value="yes"><textarea name="more">Xin
chào</textarea><button name="go" value="1">Gửi</button></form>`

func TestFormsAreFilledAsPeopleDo(t *testing.T) {
	t.Parallel()
	var got http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = r.ParseForm()
			got = *r
			http.Redirect(w, r, "/after?x=1", http.StatusSeeOther)
			return
		}
		if r.URL.Path == "/gone" {
			http.Error(w, "<h1>Không thấy</h1>", http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(form))
	}))
	defer srv.Close()
	b := play.NewBrowser(srv.URL)
	page, err := b.Get(t.Context(), "/")
	if err != nil || page.Heading() != "Trang một" || len(page.Links("/apply/")) != 1 {
		t.Fatal(err, page.Heading(), page.Links("/apply/"))
	}
	f := page.Form("/send")
	page, err = b.Submit(t.Context(), f, f.Fill(play.Answers{"kind": "b", "born": "2026-03-07"}), nil)
	if err != nil || page.Path != "/after?x=1" {
		t.Fatal(err, page.Path)
	}
	for name, want := range map[string]string{"name": "An", "kind": "b", "city": "01", "born-day": "7", "born-month": "3", "born-year": "2026", "agree": "", "go": ""} {
		if v := got.PostForm.Get(name); v != want {
			t.Errorf("%s = %q, want %q", name, v, want)
		}
	}
	if !strings.HasPrefix(got.Header.Get("Accept-Language"), "vi") {
		t.Errorf("language: %q", got.Header.Get("Accept-Language"))
	}
	if _, err := b.Get(t.Context(), "/gone"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a page that is not there: %v", err)
	}
}
