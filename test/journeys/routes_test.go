package journeys

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/blocks/exchange/broker"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// values of the parameters that mean the same wherever they stand.
func (s *scene) fill(r httpx.Route) string {
	id := s.birth.ID
	switch {
	case strings.Contains(r.Path, "/registers/"):
		id = s.record
	case strings.HasPrefix(r.Path, "/exchange/"), strings.HasPrefix(r.Path, "/desk/exchange/ask/"):
		id = "VN/GOV/MPS/population/population"
	case strings.Contains(r.Path, "/requests/"):
		id = s.request
	case strings.Contains(r.Path, "/grants/"):
		id = s.grant
	case strings.Contains(r.Path, "/passkeys/"):
		id = s.passkey
	case strings.Contains(r.Path, "/events/"):
		id = s.event
	case strings.Contains(r.Path, "/consents/"):
		id = s.consent
	case strings.Contains(r.Path, "/bills/"):
		id = s.bill
	case strings.Contains(r.Path, "documents/"):
		id = s.document
	case strings.Contains(r.Path, "/messages/"):
		id = s.message
	case strings.Contains(r.Path, "/desk/cases/"):
		id = last(s.casePath)
	case strings.HasPrefix(r.Path, "/papers/services/"):
		id = "loan"
	case strings.Contains(r.Path, "/requirements/"):
		id = "identity"
	case strings.Contains(r.Path, "/services/"):
		id = "birth"
	case strings.Contains(r.Path, "/life-events/"):
		id = "child"
	}
	event, code := s.event, s.code
	if strings.Contains(r.Path, "/papers/") {
		event, code = s.receipt, s.papers
	}
	field, page := "photo.portrait", "photo"
	if strings.HasPrefix(r.Path, "/desk/") {
		field = "child.proof"
	}
	return strings.NewReplacer(
		"{id}", id, "{id...}", id, "{register}", "births", "{event}", event, "{bill}", s.bill, "{ref}", s.card, "{code}", code,
		"{app}", s.draft, "{page}", page, "{field}", field, "{queue}", "civil-status", "{action}", "approve",
		"{$}", "", "/static/{path...}", "/static/dist/app.css", "{path...}", "0/000",
	).Replace(r.Path)
}

// owned says whether an address names something that belongs to a person.
func owned(r httpx.Route) bool {
	return strings.Contains(r.Path, "{") && !strings.HasPrefix(r.Path, "/services/") && harmless[r.Method+" "+r.Path] == ""
}

// harmless are doors with a parameter that anybody who may come in may name,
// and why. That nothing is shown or changed there is tested all the same.
var harmless = map[string]string{
	"POST /apply/{app}/discard":        "what is gone is gone: pressing twice leads on",
	"POST /papers/services/{id}/start": "begins a request of one's own",
	"GET /desk/queues/{queue}":         "a queue is a word; listed are the cases of one's own member",
	"POST /desk/queues/{queue}/next":   "takes from the cases of one's own member",
	"GET /desk/exchange/ask/{id...}":   "who speaks for a member may ask for any service",
	"POST /desk/exchange/ask/{id...}":  "who speaks for a member may ask for any service",
}

// foreign says whether an address at the desk names what belongs to a member.
func foreign(r httpx.Route) bool {
	return strings.Contains(r.Path, "{") && harmless[r.Method+" "+r.Path] == ""
}

// visitor is somebody at a door, and what the door must do.
type visitor struct {
	name string
	c    *caller
	want func(r httpx.Route) []int
}

// Statuses that stand for a sort of answer.
const (
	fine   = -1 // 2xx, 3xx that is not the sign-in, 4xx that is about input
	signIn = -2 // a page leads to the sign-in, an API answers 401
)

// visitors are all who may stand at a door. A rule that none of them knows
// fails the test: a new sort of door wants a new row here.
func visitors(t *testing.T, h *house, s *scene) []visitor {
	system := h.caller(t, "")
	system.key = s.key
	rule := func(public, person, officer, system, rest []int) func(httpx.Route) []int {
		return func(r httpx.Route) []int {
			switch access := r.Access.String(); {
			case access == "public":
				return public
			case strings.HasPrefix(access, "person("):
				return person
			case access == "any officer(substantial)":
				return officer
			case access == "client", strings.HasPrefix(access, "any of: client | operator | officer("):
				return system
			case access == "any of: officer(grants-officer) | client":
				if len(system) == 1 && system[0] == fine {
					return system
				}
				return rest
			case access == "operator", strings.HasPrefix(access, "officer("), strings.HasPrefix(access, "any of: operator | officer("):
				return rest
			case access == "any of: person(low) | any officer(low)":
				if len(person) == 1 && person[0] == signIn {
					return person
				}
				return append(append([]int{}, person...), officer...)
			}
			return nil
		}
	}
	at := func(mine func(httpx.Route) bool, want func(httpx.Route) []int, theirs ...int) func(httpx.Route) []int {
		return func(r httpx.Route) []int {
			got := want(r)
			if mine(r) && len(got) > 0 && got[0] == fine {
				return theirs
			}
			return got
		}
	}
	ok, out, no := []int{fine}, []int{signIn}, []int{http.StatusForbidden}
	private := func(r httpx.Route) bool { return r.Access.String() != "public" && owned(r) }
	atDesk := func(r httpx.Route) bool { return r.Access.String() != "public" && foreign(r) }
	granter := func(r httpx.Route) []int { // may come in wherever grants are, and finds nothing of others there
		switch {
		case !strings.Contains(r.Access.String(), "officer(grants-officer)"):
			return at(atDesk, rule(ok, no, ok, no, no), http.StatusForbidden, http.StatusNotFound)(r)
		case foreign(r), r.Method != http.MethodGet && strings.HasPrefix(r.Path, "/api/exchange/groups"):
			return []int{http.StatusForbidden, http.StatusNotFound}
		}
		return ok
	}
	return []visitor{
		{"nobody", h.caller(t, ""), rule(ok, out, out, out, out)},
		{"another citizen", h.caller(t, "thu"), at(private, rule(ok, ok, no, no, no), http.StatusNotFound)},
		{"another mother's driver", h.caller(t, "son"), at(private, rule(ok, ok, no, no, no), http.StatusNotFound)},
		{"an officer of another ministry", h.caller(t, "register-moh"), at(atDesk, rule(ok, no, ok, no, no), http.StatusForbidden, http.StatusNotFound)},
		{"an officer of another register", h.caller(t, "register-mps"), at(atDesk, rule(ok, no, ok, no, no), http.StatusForbidden, http.StatusNotFound)},
		{"an officer of another desk", h.caller(t, "licence-1"), at(atDesk, rule(ok, no, ok, no, no), http.StatusForbidden, http.StatusNotFound)},
		{"another bank's officer", h.caller(t, "loans-2"), func(r httpx.Route) []int {
			if r.Access.String() == auth.Officer(broker.RoleEvidence).String() {
				return at(atDesk, rule(ok, no, ok, no, ok), http.StatusNotFound)(r)
			}
			return at(atDesk, rule(ok, no, ok, no, no), http.StatusForbidden, http.StatusNotFound)(r)
		}},
		{"a grants officer of another ministry", h.caller(t, "grants-vss"), granter},
		{"a system without grants", system, rule(ok, no, no, ok, no)},
	}
}

func matches(r httpx.Route, a answer, want []int) bool {
	for _, w := range want {
		switch w {
		case fine:
			if a.Status < 500 && a.Status != http.StatusForbidden && !strings.HasPrefix(a.Location, "/sign-in?") {
				return true
			}
		case signIn:
			if r.Page && a.Status == http.StatusSeeOther && strings.HasPrefix(a.Location, "/sign-in?next=") ||
				!r.Page && a.Status == http.StatusUnauthorized {
				return true
			}
		default:
			if a.Status == w {
				return true
			}
		}
	}
	return false
}

// TestEveryDoorToEveryVisitor calls each door as everybody whose it is not,
// with addresses of real things that belong to others.
func TestEveryDoorToEveryVisitor(t *testing.T) {
	h, s := shared(t), played(t)
	before := s.stands(t, h)
	tried := 0
	for _, v := range visitors(t, h, s) {
		for _, r := range h.Routes() {
			want := v.want(r)
			if want == nil {
				t.Errorf("%s: nobody said what %s may expect of a door for %q; classify it in visitors", r.Pattern(), v.name, r.Access)
				continue
			}
			if r.Path == "/sign-out" || r.Path == "/sign-in/demo" {
				continue // would change who the visitor is
			}
			tried++
			a := v.c.knock(t, r, s.fill(r))
			at := v.name + ": " + r.Method + " " + s.fill(r)
			if !matches(r, a, want) && !xroad(r, a) {
				t.Errorf("%s: status %d, location %q, want %v\n%.300s", at, a.Status, a.Location, want, a.Body)
			}
			if a.Status >= 500 && !xroad(r, a) {
				t.Errorf("%s: status %d\n%.300s", at, a.Status, a.Body)
			}
			s.leaks(t, at, r, a)
			problem(t, at, r, a)
		}
	}
	if after := s.stands(t, h); after != before {
		t.Errorf("strangers changed something:\nbefore %s\nafter  %s", before, after)
	}
	t.Logf("%d calls", tried)
}

// knock calls a door with what its form or API would send at the least.
func (c *caller) knock(t *testing.T, r httpx.Route, path string) answer {
	t.Helper()
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodOptions || r.Method == http.MethodTrace:
		return c.do(t, request{method: r.Method, path: path})
	case r.Page:
		return c.post(t, path, url.Values{"version": {"1"}, "_version": {"1"}, "reason": {"thử"}})
	}
	return c.json(t, r.Method, path, `{}`)
}

// xroad says whether an answer is a fault as X-Road writes it: its protocol
// answers 500 to what the asker did wrong.
func xroad(r httpx.Route, a answer) bool {
	return r.Path == "/r1/" && a.Status >= 400 && a.Header.Get("X-Road-Error") != ""
}

// leaks looks for what belongs to the owners. The provider's page of the
// sandbox and the mailbox are doors of a demonstration only: the first shows
// no person, the second is the developer's.
func (s *scene) leaks(t *testing.T, at string, r httpx.Route, a answer) {
	t.Helper()
	if r.Path == "/dev/mail" || r.Path == "/demo" || r.Path == "/sign-in" || r.Path == "/desk/sign-in" {
		return // these list the sample people, by name
	}
	for _, secret := range s.secrets {
		if strings.Contains(a.Body, secret) || strings.Contains(a.Location, url.QueryEscape(secret)) {
			t.Errorf("%s shows %q", at, secret)
		}
	}
}

// problem holds the error answers of APIs to RFC 9457.
func problem(t *testing.T, at string, r httpx.Route, a answer) {
	t.Helper()
	if r.Page || isOutside(r.Path) && r.Path != "/metrics" || a.Status < 400 {
		return
	}
	if r.Path == "/oauth/token" && strings.Contains(a.Body, `{"error":"`) {
		return // RFC 6749, section 5.2
	}
	if !strings.HasPrefix(a.Type, "application/problem+json") || !strings.Contains(a.Body, `"code":`) {
		t.Errorf("%s: an API's error is %s: %.200s", at, a.Type, a.Body)
	}
	if strings.Contains(a.Body, "⟦") {
		t.Errorf("%s: a message is missing: %.300s", at, a.Body)
	}
}

// stands tells how the owners' things stand, to see that nothing moved.
func (s *scene) stands(t *testing.T, h *house) string {
	t.Helper()
	var b strings.Builder
	for _, q := range []string{
		`SELECT count(*) FROM identity_passkey`, `SELECT count(*) FROM exchange_grant`, `SELECT count(*) FROM exchange_catalogue_request WHERE outcome = ''`, `SELECT sum(version) FROM forms_application WHERE id = '` + s.draft + `'`,
		`SELECT count(*) FROM documents_document`, `SELECT count(*) FROM cases_case`, `SELECT sum(version) FROM cases_case`, `SELECT count(*) FROM registers_record WHERE register = 'births'`,
		`SELECT count(*) FROM transparency_consent`,
	} {
		b.WriteString(h.one(t, q) + " ")
	}
	owner := h.caller(t, "mai")
	for _, path := range []string{"/my-data/consents/" + s.consent + "/withdraw", "/my-documents/" + s.document, "/messages/" + s.message} {
		b.WriteString(http.StatusText(owner.get(t, path).Status) + " ")
	}
	return b.String()
}

// TestOwnersComeIn is the other half: with the same addresses the owners do
// come in, so that a 404 above means "not yours" and not "wrong address".
func TestOwnersComeIn(t *testing.T) {
	h, s := shared(t), played(t)
	if _, err := h.browser(t, "mai").Wait(t.Context(), "/my-data/"+s.event, func(p *play.Page) bool { return len(p.Links("/my-data/"+s.event+"/receipt")) > 0 }); err != nil { // sealed within seconds
		t.Fatal(err)
	}
	owners := map[string]*caller{}
	for _, who := range []string{"mai", "hung", "yen", "registrar-1", "register-moj", "minh", "loans-1", "grants-moj"} {
		owners[who] = h.caller(t, who)
	}
	for _, r := range h.Routes() {
		if r.Method != http.MethodGet || r.Access.String() == "public" || r.Path == "/r1/" || r.Access.String() == "operator" || strings.Contains(r.Access.String(), "any of: operator | officer(") {
			continue
		}
		who := "mai"
		switch {
		case strings.HasPrefix(r.Path, "/apply/"):
			who = "yen"
		case strings.HasPrefix(r.Path, "/papers"):
			who = "minh"
		case strings.HasPrefix(r.Path, "/desk/papers"):
			who = "loans-1"
		case strings.HasPrefix(r.Path, "/desk/exchange"), strings.HasPrefix(r.Path, "/api/exchange/requests"):
			who = "grants-moj"
		case strings.HasPrefix(r.Path, "/pay/"):
			who = "hung"
		case strings.Contains(r.Path, "/registers"):
			who = "register-moj"
		case strings.HasPrefix(r.Path, "/desk"):
			who = "registrar-1"
		}
		if r.Path == "/asic" {
			continue // for systems and for auditors of the exchange: blocks/exchange/asic knocks
		}
		a := owners[who].get(t, s.fill(r))
		if r.Path == "/desk/cases/{id}/files/{field}" && a.Status == http.StatusNotFound {
			continue // lan sent no file
		}
		if r.Path == "/desk/cases/{id}/do/{action}" && a.Status == http.StatusConflict {
			continue // to be claimed first
		}
		if r.Path == "/sign-in/app" && a.Location == "/sign-in/step-up?next=%2F" {
			continue // no app is being set up
		}
		if a.Status >= 400 || strings.HasPrefix(a.Location, "/sign-in") {
			t.Errorf("%s: %s %s: status %d, location %q\n%.300s", who, r.Method, s.fill(r), a.Status, a.Location, a.Body)
		}
	}
}

// TestForeignPagesCannotSendForms sends every form as a page of another origin
// would, with the owner's cookies.
func TestForeignPagesCannotSendForms(t *testing.T) {
	h, s := shared(t), played(t)
	before := s.stands(t, h)
	people := map[string]*caller{"mai": h.caller(t, "mai"), "yen": h.caller(t, "yen"), "registrar-1": h.caller(t, "registrar-1")}
	n := 0
	for _, r := range h.Routes() {
		if r.Method == http.MethodGet || r.CrossOrigin {
			continue
		}
		n++
		for who, c := range people {
			kind, body := "application/x-www-form-urlencoded", "sample=mai&version=1"
			if !r.Page {
				kind, body = "text/plain", "{}" // what a form of another page can send
			}
			a := c.do(t, request{method: r.Method, path: s.fill(r), kind: kind, body: strings.NewReader(body), origin: "https://evil.example"})
			if a.Status != http.StatusForbidden {
				t.Errorf("%s: %s %s from another origin: status %d", who, r.Method, s.fill(r), a.Status)
			}
		}
	}
	if n == 0 {
		t.Error("no forms")
	}
	if after := s.stands(t, h); after != before {
		t.Errorf("another origin changed something:\nbefore %s\nafter  %s", before, after)
	}
}

// TestColleaguesOfAnotherRole: an officer of the same ministry without the role
// neither opens a case nor sees in lists whose it is.
func TestColleaguesOfAnotherRole(t *testing.T) {
	h, s := shared(t), played(t)
	for _, who := range []string{"register-moj", "protection"} {
		c := h.caller(t, who)
		for _, path := range []string{s.casePath, s.casePath + "?view=files", s.casePath + "?view=history", s.casePath + "/do/approve", s.casePath + "/files/child.proof"} {
			if a := c.get(t, path); a.Status != http.StatusForbidden && a.Status != http.StatusNotFound {
				t.Errorf("%s: GET %s: status %d", who, path, a.Status)
			}
		}
		for _, verb := range []string{"/claim", "/unclaim", "/resume", "/do/approve"} {
			if a := c.post(t, s.casePath+verb, url.Values{"_version": {"1"}}); a.Status != http.StatusForbidden && a.Status != http.StatusNotFound {
				t.Errorf("%s: POST %s: status %d", who, s.casePath+verb, a.Status)
			}
		}
		for _, path := range []string{"/desk", "/desk/figures", "/desk/queues/civil-status", "/desk/search?q=" + s.waiting.Code} {
			a := c.get(t, path)
			if a.Status != http.StatusOK {
				t.Errorf("%s: GET %s: status %d", who, path, a.Status)
			}
			for _, secret := range s.secrets {
				if strings.Contains(a.Body, secret) {
					t.Errorf("%s: GET %s shows %q", who, path, secret)
				}
			}
		}
		if a := c.post(t, "/desk/search", url.Values{"q": {"Lê Thị Lan"}}); strings.Contains(a.Body, s.waiting.Code) {
			t.Errorf("%s finds %s by its applicant's name", who, s.waiting.Code)
		}
	}
}
