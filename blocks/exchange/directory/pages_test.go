package directory_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/httpx"
)

// visit opens or sends a page as somebody, in a language.
func (w *world) visit(t testing.TB, as, path string, form url.Values) (status int, location, body string) {
	t.Helper()
	method, in := "GET", io.Reader(nil)
	if form != nil {
		method, in = "POST", strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.server.URL+path, in)
	ok(t, err)
	req.Header.Set("Accept-Language", "en")
	req.Header.Set("X-Who", as)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	ok(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	ok(t, err)
	if strings.Contains(string(b), "⟦") {
		t.Errorf("%s: a message is missing: %s", path, b[strings.Index(string(b), "⟦"):][:60])
	}
	return res.StatusCode, res.Header.Get("Location"), string(b)
}

func (a *applicant) form() url.Values {
	return url.Values{
		"class": {a.Class}, "code": {a.Code}, "name_vi": {a.Name.VI}, "name_en": {a.Name.EN}, "email": {a.Email}, "subsystems": {"loans; Cho vay; Loans\r\n"},
		"node": {a.Node}, "address": {a.Address}, "key": {a.Key}, "csr": {strings.ReplaceAll(a.CSR, "\n", "\r\n")},
	}
}

// The whole way on pages, without a script: asked, proved, approved by two, seen
// out by two.
func TestPages(t *testing.T) {
	t.Parallel()
	w, a := newWorld(t), newApplicant(t, "VCB")
	if !slices.ContainsFunc(w.registry.Routes(), func(r httpx.Route) bool { return r.Page }) {
		t.Skip("make assets first")
	}
	if status, _, _ := w.visit(t, "", "/directory/join", nil); status != 200 {
		t.Fatal(status)
	}
	bad := a.form()
	bad.Set("code", "x y")
	bad.Set("subsystems", "Loans")
	if status, _, body := w.visit(t, "", "/directory/join", bad); status != 422 || !strings.Contains(body, `href="#code"`) || !strings.Contains(body, `href="#subsystems"`) || !strings.Contains(body, "ops@vcb.example.vn") {
		t.Error(status)
	}
	status, follow, _ := w.visit(t, "", "/directory/join", a.form())
	if status != 303 || !strings.HasPrefix(follow, "/directory/follow/") {
		t.Fatal(status, follow)
	}
	if status, _, body := w.visit(t, "", follow, nil); status != 200 || !strings.Contains(body, "Keep the address of this page") {
		t.Error(status)
	}
	if _, _, body := w.visit(t, "", follow+"/challenge", url.Values{}); !strings.Contains(body, "dinh-directory-proof/1") {
		t.Error("no challenge")
	}
	secret := strings.TrimPrefix(follow, "/directory/follow/")
	if status, _, body := w.visit(t, "", follow+"/proof", url.Values{"signature": {"AAAA"}, "node_signature": {"?"}}); status != 422 || !strings.Contains(body, "dinh-directory-proof/1") {
		t.Error(status)
	}
	c, err := w.registry.Challenge(t.Context(), secret)
	ok(t, err)
	p := a.prove(t, c.Text)
	if status, to, body := w.visit(t, "", follow+"/proof", url.Values{"signature": {p.Signature}, "node_signature": {p.NodeSignature}}); status != 303 || to != follow {
		t.Fatal(status, to, body)
	}
	all, err := w.registry.Requests(t.Context(), who("lan"))
	ok(t, err)
	at := "/desk/directory/requests/" + all[0].ID
	if _, _, body := w.visit(t, "lan", "/desk/directory", nil); !strings.Contains(body, at) {
		t.Error("the desk does not show it")
	}
	if status, _, body := w.visit(t, "lan", at, nil); status != 200 || !strings.Contains(body, a.Email) {
		t.Error(status)
	}
	if status, _, _ := w.visit(t, "lan", at+"/refuse", url.Values{"reason": {""}}); status != 422 {
		t.Error(status)
	}
	for _, by := range []string{"lan", "minh"} {
		if status, to, body := w.visit(t, by, at+"/approve", url.Values{}); status != 303 || to != at {
			t.Error(status, to, body)
		}
		if status, _, _ := w.visit(t, by, at, nil); status != 200 {
			t.Error(status)
		}
	}
	if status, _, body := w.visit(t, "", follow, nil); status != 200 || !strings.Contains(body, "BEGIN CERTIFICATE") || strings.Contains(regexp.MustCompile(`(?s)BEGIN.*END`).ReplaceAllString(body, ""), "minh") {
		t.Error(status)
	}
	w.clock.Advance((nodeDays - 3) * 24 * time.Hour)
	ok(t, w.registry.Publish(t.Context()))
	member := "/desk/directory/members/COM/VCB"
	for _, path := range []string{"/desk/directory", member} {
		if status, _, body := w.visit(t, "lan", path, nil); status != 200 || !strings.Contains(body, "3 days left") {
			t.Errorf("%s: %d does not warn", path, status)
		}
	}
	for measure, want := range map[string]int{"": 422, "dance": 422} {
		if status, _, _ := w.visit(t, "lan", member, url.Values{"measure": {measure}, "reason": {"x"}}); status != want {
			t.Errorf("%q: %d", measure, status)
		}
	}
	status, to, _ := w.visit(t, "lan", member, url.Values{"measure": {"suspend"}, "reason": {"vi phạm"}})
	if status != 303 || !strings.HasPrefix(to, "/desk/directory/requests/") {
		t.Fatal(status, to)
	}
	if status, _, _ := w.visit(t, "minh", to+"/approve", url.Values{}); status != 303 {
		t.Error(status)
	}
	for _, path := range []string{to, member, "/desk/directory"} {
		if status, _, body := w.visit(t, "minh", path, nil); status != 200 || !strings.Contains(body, "Suspen") {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _, body := w.visit(t, "lan", "/desk/directory/members/GOV/MPS", nil); status != 200 || strings.Contains(body, "<textarea") {
		t.Error("its own members cannot be seen out:", status)
	}
}

// Every page of registrars is shut to everybody else.
func TestPageDoors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.proved(t, newApplicant(t, "VCB"))
	fill := strings.NewReplacer("{id}", id, "{class}", "GOV", "{code}", "MPS", "{secret}", "guess")
	for _, r := range w.registry.Routes() {
		if !r.Page {
			continue
		}
		for _, as := range []string{"", "citizen", "clerk", "system", "elsewhere"} {
			var form url.Values
			if r.Method == "POST" {
				form = url.Values{"reason": {"x"}, "measure": {"suspend"}}
			}
			status, _, _ := w.visit(t, as, fill.Replace(r.Path), form)
			want := []int{403}
			switch {
			case r.Access.String() == "public":
				want = []int{200, 404, 422}
			case as == "":
				want = []int{303, 401}
			}
			if !slices.Contains(want, status) {
				t.Errorf("%q: %s %s: %d, want %v", as, r.Method, r.Path, status, want)
			}
		}
	}
	if r, err := w.registry.Request(t.Context(), who("lan"), id); err != nil || len(r.Votes) != 0 {
		t.Errorf("strangers changed something: %+v %v", r, err)
	}
}
