package directory_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
)

func decode[T any](t testing.TB, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %.200s", err, body)
	}
	return v
}

// An organisation comes in over HTTP, and a follower hears of it.
func TestMembershipOverHTTP(t *testing.T) {
	t.Parallel()
	w, a := newWorld(t), newApplicant(t, "VCB")
	follower, err := directory.New(t.Context(), directory.Deps{DB: dbtest.New(t, sets()...), Clock: w.clock, Source: w.server.URL + "/", Trust: w.trust()})
	ok(t, err)
	ok(t, follower.Refresh(t.Context()))

	status, body := w.call(t, "", "POST", "/api/directory/requests", a.Application)
	if status != http.StatusCreated {
		t.Fatal(status, body)
	}
	asked := decode[directory.Receipt](t, body)
	follow := "/api/directory/follow/" + asked.Secret
	status, body = w.call(t, "", "POST", follow+"/challenge", struct{}{})
	if status != http.StatusOK {
		t.Fatal(status, body)
	}
	challenge := decode[directory.Challenge](t, body)
	if !challenge.Until.Equal(w.clock.Now().Add(15 * time.Minute)) {
		t.Errorf("until %v", challenge.Until)
	}
	if status, body = w.call(t, "", "POST", follow+"/proof", a.prove(t, challenge.Text+"x")); status != http.StatusUnprocessableEntity || !strings.Contains(body, "directory.bad_signature") {
		t.Error(status, body)
	}
	proof := a.prove(t, challenge.Text)
	if status, body = w.call(t, "", "POST", follow+"/proof", proof); status != http.StatusNoContent {
		t.Fatal(status, body)
	}
	if status, _ = w.call(t, "", "POST", follow+"/proof", proof); status != http.StatusConflict {
		t.Error("replayed:", status)
	}
	approve := "/api/directory/requests/" + asked.Request.ID + "/approve"
	for _, c := range []struct {
		as   string
		want int
	}{{"elsewhere", 403}, {"lan", 200}, {"lan", 409}, {"minh", 200}, {"operator", 409}} {
		if status, body := w.call(t, c.as, "POST", approve, struct{}{}); status != c.want {
			t.Errorf("%s: %d %s", c.as, status, body)
		}
	}
	status, body = w.call(t, "", "GET", follow, nil)
	now := decode[directory.Request](t, body)
	if status != 200 || now.State != directory.Approved || now.Certificate == "" || strings.Contains(body, `"minh"`) {
		t.Errorf("%d %s", status, body)
	}
	status, body = w.call(t, "lan", "GET", "/api/directory/requests", nil)
	if status != 200 || strings.Contains(body, asked.Secret) || !strings.Contains(body, `"officer":"minh"`) {
		t.Errorf("%d %s", status, body)
	}
	if _, found := follower.NodeOf("VN/COM/VCB/loans"); found {
		t.Error("heard before it asked")
	}
	ok(t, follower.Refresh(t.Context()))
	if n, found := follower.NodeOf("VN/COM/VCB/loans"); !found || n.ID != "COM/VCB/node1" {
		t.Errorf("%+v", n)
	}
	status, body = w.call(t, "lan", "POST", "/api/directory/members/COM/VCB/suspend", map[string]string{"reason": "vi phạm"})
	if status != 201 {
		t.Fatal(status, body)
	}
	proposal := decode[directory.Request](t, body)
	if status, body = w.call(t, "minh", "POST", "/api/directory/requests/"+proposal.ID+"/approve", struct{}{}); status != 200 {
		t.Fatal(status, body)
	}
	ok(t, follower.Refresh(t.Context()))
	if _, found := follower.NodeOf("VN/COM/VCB/loans"); found {
		t.Error("a suspended member is served")
	}
}

// The directory is cacheable and names its version.
func TestDirectoryIsCacheable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	get := func(tag string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+"/directory", nil)
		ok(t, err)
		if tag != "" {
			req.Header.Set("If-None-Match", tag)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		ok(t, err)
		ok(t, res.Body.Close())
		return res
	}
	first := get("")
	tag := strings.TrimPrefix(first.Header.Get("Etag"), "W/") // weak when it was compressed
	if first.StatusCode != 200 || tag == "" || !strings.HasPrefix(first.Header.Get("Cache-Control"), "public") || first.Header.Get("Set-Cookie") != "" {
		t.Errorf("%d %v", first.StatusCode, first.Header)
	}
	for _, same := range []string{tag, "W/" + tag, `"x", ` + tag} {
		if res := get(same); res.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d", same, res.StatusCode)
		}
	}
	w.admitted(t, "VCB")
	if res := get(tag); res.StatusCode != 200 || strings.HasSuffix(res.Header.Get("Etag"), tag) {
		t.Errorf("%d", res.StatusCode)
	}
}

// Every version stands in the ledger, as anybody can make it from what is published.
func TestVersionsAreLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.admitted(t, "VCB")
	_, body := w.call(t, "", "GET", "/directory", nil)
	if got := w.log.leaves["directory/2"]; len(w.log.leaves) != 2 || got != string(directory.Leaf([]byte(body))) || len(got) != len("dinh-directory/1 ")+64 {
		t.Errorf("%v", w.log.leaves)
	}
}

// Every door of registrars is shut to everybody else, and every public one answers
// nonsense with an error of its own.
func TestDoors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.proved(t, newApplicant(t, "VCB"))
	fill := strings.NewReplacer("{id}", id, "{class}", "COM", "{code}", "VCB", "{measure}", "suspend", "{secret}", "guess")
	tried := 0
	for _, r := range w.registry.Routes() {
		path, public := fill.Replace(r.Path), r.Access.String() == "public"
		if r.Page {
			continue // with the pages' own test
		}
		for _, as := range []string{"", "citizen", "clerk", "system", "elsewhere"} {
			var in any
			if r.Method == "POST" {
				in = map[string]string{}
				if strings.HasSuffix(path, "/refuse") || strings.Contains(path, "/members/") {
					in = map[string]string{"reason": "x"}
				}
			}
			status, body := w.call(t, as, r.Method, path, in)
			tried++
			want := []int{403}
			switch {
			case public && r.Path == "/directory/verifier-key":
				want = []int{200}
			case public:
				want = []int{400, 404, 409, 422}
			case as == "":
				want = []int{401}
			}
			if !slices.Contains(want, status) {
				t.Errorf("%q: %s %s: %d, want %v: %.200s", as, r.Method, path, status, want, body)
			}
			if strings.Contains(body, "⟦") {
				t.Errorf("%s: a message is missing: %s", path, body)
			}
		}
	}
	if tried < 50 {
		t.Errorf("%d calls", tried)
	}
	if r, err := w.registry.Request(t.Context(), who("lan"), id); err != nil || r.State != directory.Proved || len(r.Votes) != 0 {
		t.Errorf("strangers changed something: %+v %v", r, err)
	}
}
