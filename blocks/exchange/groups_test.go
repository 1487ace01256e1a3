package exchange_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

var (
	notary    = exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MOJ", Subsystem: "notary"}
	loans     = exchange.SubsystemID{Instance: "VN", Class: "COM", Member: "bank", Subsystem: "loans"}
	hospitals = exchange.Group{ID: "GOV/MPS/hospitals", Title: i18n.Text{VI: "Bệnh viện", EN: "Hospitals"}}
)

func toGroup(id string) func(*exchange.Grant) {
	return func(g *exchange.Grant) { g.Client, g.Group = exchange.SubsystemID{}, id }
}

func (w *world) group(t testing.TB, g exchange.Group, in ...exchange.SubsystemID) {
	t.Helper()
	_, err := w.PutGroup(t.Context(), g, "officer-1")
	ok(t, err)
	_, err = w.ChangeGroup(t.Context(), g.ID, in, nil, "officer-1")
	ok(t, err)
}

func TestGroups(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	other := w.another(t)
	w.group(t, hospitals, notary, civil)
	g := w.grant(t, toGroup(hospitals.ID), quota(60, 2))
	ask := func(x *exchange.Exchange, client exchange.SubsystemID) error {
		_, err := x.Call(ctx, search(func(c *exchange.Call) { c.Client = client }))
		return err
	}
	for _, client := range []exchange.SubsystemID{civil, notary} { // each has its own quota
		ok(t, ask(w.Exchange, client))
		ok(t, ask(w.Exchange, client))
		wantCode(t, ask(w.Exchange, client), "exchange.quota_spent")
	}
	ok(t, ask(other, civil))
	wantCode(t, ask(w.Exchange, loans), "exchange.no_grant")
	may := func(client exchange.SubsystemID, want bool) {
		t.Helper()
		granted, err := other.Granted(ctx, client, population)
		ok(t, err)
		allowed, err := other.AllowedOf(ctx, population.SubsystemID, client)
		ok(t, err)
		if granted != want || (len(allowed) == 1) != want {
			t.Errorf("%s: granted %v, allowed %v", client, granted, allowed)
		}
	}
	may(notary, true)
	may(loans, false)

	// Who joins or leaves does so on the next request, in every process.
	got, err := w.ChangeGroup(ctx, hospitals.ID, []exchange.SubsystemID{loans, notary}, []exchange.SubsystemID{civil}, "o")
	ok(t, err)
	if len(got.Members) != 2 || got.Members[0] != loans || got.Members[1] != notary || got.Title != hospitals.Title {
		t.Errorf("%+v", got)
	}
	wantCode(t, ask(other, civil), "exchange.no_grant")
	ok(t, ask(other, loans))
	may(civil, false)

	// Listed once, whoever is in it.
	all, err := other.Grants(ctx)
	ok(t, err)
	if len(all) != 1 || all[0].Group != hospitals.ID || !all[0].Client.IsZero() || all[0].SubjectOf() != hospitals.ID {
		t.Errorf("%+v", all)
	}
	text, err := json.Marshal(all[0])
	ok(t, err)
	if strings.Contains(string(text), `"client"`) || !strings.Contains(string(text), `"group":"GOV/MPS/hospitals"`) {
		t.Errorf("%s", text)
	}

	// A group with grants stays, or the next of its name would have them.
	wantCode(t, w.RemoveGroup(ctx, hospitals.ID), "exchange.group_in_use")
	ok(t, w.RevokeGrant(ctx, g.ID, "o", "r"))
	wantCode(t, ask(other, loans), "exchange.grant_revoked")
	ok(t, w.RemoveGroup(ctx, hospitals.ID))
	wantCode(t, ask(other, loans), "exchange.no_grant")
	wantCode(t, w.RemoveGroup(ctx, hospitals.ID), "exchange.unknown_group")
	if groups, err := other.Groups(ctx); err != nil || len(groups) != 0 {
		t.Errorf("%v %v", groups, err)
	}
	if all, err = other.Grants(ctx); err != nil || len(all) != 1 {
		t.Errorf("past grants: %v %v", all, err)
	}
}

// A system that leaves its group while the provider is at work gets nothing.
func TestLeavingAGroupDuringACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.group(t, hospitals, civil)
	w.grant(t, toGroup(hospitals.ID))
	other := w.another(t)
	w.provider.before = func() {
		_, err := other.ChangeGroup(t.Context(), hospitals.ID, nil, []exchange.SubsystemID{civil}, "o")
		ok(t, err)
	}
	got, err := w.Call(t.Context(), search())
	wantCode(t, err, "exchange.no_grant")
	if len(got.Body) > 0 || w.history(t)[0].Outcome != exchange.OutcomeRefused {
		t.Errorf("%s %+v", got.Body, w.history(t)[0])
	}
}

func TestGroupsAreChecked(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	title := hospitals.Title
	for name, g := range map[string]exchange.Group{
		"no name": {Title: title}, "two parts": {ID: "GOV/MPS", Title: title}, "no such member": {ID: "GOV/XXX/a", Title: title},
		"traversal": {ID: "GOV/MPS/..", Title: title}, "no title": {ID: "GOV/MPS/a", Title: i18n.Text{VI: "a"}},
	} {
		_, err := w.PutGroup(ctx, g, "o")
		if e, _ := errs.As(err); e == nil || e.Code != "exchange.bad_group" || len(e.Fields) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.group(t, hospitals)
	w.group(t, exchange.Group{ID: "GOV/MOJ/courts", Title: title})
	w.group(t, exchange.Group{ID: "everybody", Title: title}, civil)
	_, err := w.ChangeGroup(ctx, "GOV/MPS/none", nil, nil, "o")
	wantCode(t, err, "exchange.unknown_group")
	_, err = w.ChangeGroup(ctx, hospitals.ID, []exchange.SubsystemID{{"VN", "GOV", "XXX", "a"}}, nil, "o")
	wantCode(t, err, "exchange.unknown_client")
	for group, code := range map[string]string{"GOV/MOJ/courts": "exchange.other_group", "a/b": "exchange.bad_group_id"} {
		g := exchange.Grant{Group: group, Service: population, Operations: []string{"read"}, Fields: []string{"*"}, Purpose: "p", LegalBasis: "l"}
		_, err := w.AddGrant(ctx, g)
		if e, _ := errs.As(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Name != "group" || e.Fields[0].Code != code {
			t.Errorf("%s: %v", group, err)
		}
	}
	g := exchange.Grant{Group: hospitals.ID, Client: civil, Service: population, Operations: []string{"read"}, Fields: []string{"*"}, Purpose: "p", LegalBasis: "l"}
	_, err = w.AddGrant(ctx, g)
	if e, _ := errs.As(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Code != "exchange.client_or_group" {
		t.Errorf("both: %v", err)
	}
	g.Client, g.Group = exchange.SubsystemID{}, "GOV/MPS/none"
	_, err = w.AddGrant(ctx, g)
	wantCode(t, err, "exchange.unknown_group")
	w.grant(t, toGroup("everybody"))
	_, err = w.Call(ctx, search())
	ok(t, err)
}

func TestGroupDoors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	do := func(p auth.Principal, method, path, body string) (int, string) {
		t.Helper()
		for _, route := range w.Routes() {
			if route.Method == method && route.Path == path {
				r := httptest.NewRequestWithContext(auth.With(t.Context(), p), method, path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				rec := httptest.NewRecorder()
				if err := route.Handle(rec, r); err != nil {
					return 0, errs.CodeOf(err)
				}
				return rec.Code, rec.Body.String()
			}
		}
		t.Fatalf("no route %s %s", method, path)
		return 0, ""
	}
	officer := func(member string) auth.Principal {
		return auth.Principal{Officer: "o-" + member, Member: member, Roles: []string{exchange.RoleGrants}}
	}
	mps, moj, operator := officer("GOV/MPS"), officer("GOV/MOJ"), auth.Principal{Account: "op", Roles: []string{auth.RoleOperator}}
	const own = `{"id":"GOV/MPS/hospitals","title":{"vi":"Bệnh viện","en":"Hospitals"}}`
	const shared = `{"id":"courts","title":{"vi":"Tòa án","en":"Courts"}}`
	for _, step := range []struct {
		who          auth.Principal
		method, path string
		body         string
		status       int
		want         string
	}{
		{moj, "POST", "/api/exchange/groups", own, 0, "exchange.not_your_group"},
		{mps, "POST", "/api/exchange/groups", shared, 0, "exchange.not_your_group"},
		{auth.Principal{}, "POST", "/api/exchange/groups", own, 0, "exchange.not_your_group"},
		{mps, "POST", "/api/exchange/groups", own, 200, `"members":[]`},
		{operator, "POST", "/api/exchange/groups", shared, 200, `"id":"courts"`},
		{moj, "POST", "/api/exchange/groups/members", `{"group":"GOV/MPS/hospitals","add":["VN/GOV/MOJ/notary"]}`, 0, "exchange.not_your_group"},
		{mps, "POST", "/api/exchange/groups/members", `{"group":"GOV/MPS/hospitals","add":["notary"]}`, 0, "exchange.bad_subsystem"},
		{mps, "POST", "/api/exchange/groups/members", `{"group":"GOV/MPS/hospitals","add":["VN/GOV/MOJ/notary"]}`, 200, `"members":["VN/GOV/MOJ/notary"]`},
		{moj, "GET", "/api/exchange/groups", "", 200, `"GOV/MPS/hospitals"`},
		{mps, "POST", "/api/exchange/grants", `{"group":"GOV/MPS/hospitals","service":"VN/GOV/MPS/population/population","operations":["read"],"endpoints":[{"method":"GET","path":"/records/*"}],"filter":{"home.ward":["a"]},"fields":["name"],"purpose":"p","legal_basis":"l"}`, 201, `"filter":{"home.ward":["a"]}`},
		{mps, "POST", "/api/exchange/grants", `{"service":"VN/GOV/MPS/population/population","operations":["read"],"fields":["name"],"purpose":"p","legal_basis":"l"}`, 0, "exchange.bad_subsystem"},
		{moj, "GET", "/api/exchange/grants", "", 200, `"endpoints":[{"method":"GET","path":"/records/*"}]`},
		{officer("COM/bank"), "GET", "/api/exchange/grants", "", 200, `"grants":[]`},
		{mps, "POST", "/api/exchange/groups/remove", `{"group":"GOV/MPS/hospitals"}`, 0, "exchange.group_in_use"},
		{mps, "POST", "/api/exchange/groups/remove", `{"group":"courts"}`, 0, "exchange.not_your_group"},
		{operator, "POST", "/api/exchange/groups/remove", `{"group":"courts"}`, http.StatusNoContent, ""},
	} {
		if status, got := do(step.who, step.method, step.path, step.body); status != step.status || !strings.Contains(got, step.want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", step.method, step.path, step.body, status, got, step.status, step.want)
		}
	}
}
