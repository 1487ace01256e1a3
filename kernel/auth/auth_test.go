package auth_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

var (
	nobody  = auth.Principal{}
	weak    = auth.Principal{Account: "a", Number: "001", Level: auth.Low}
	strong  = auth.Principal{Account: "a", Number: "001", Level: auth.High}
	judge   = auth.Principal{Account: "o", Level: auth.Substantial, Officer: "o", Member: "GOV/MOJ", Roles: []string{"judge"}}
	clerk   = auth.Principal{Account: "c", Level: auth.Low, Officer: "c", Member: "GOV/MOJ", Roles: []string{"clerk"}}
	both    = auth.Principal{Account: "b", Number: "002", Level: auth.Substantial, Officer: "b", Roles: []string{"judge"}}
	ops     = auth.Principal{Account: "p", Level: auth.Substantial, Officer: "p", Roles: []string{auth.RoleOperator}}
	system  = auth.Principal{Subsystem: "VN/GOV/MOJ/civil-status"}
	usurper = auth.Principal{Subsystem: "VN/GOV/MOJ/x", Number: "001", Officer: "o", Level: auth.High, Roles: []string{"judge", auth.RoleOperator}}
)

func TestAccess(t *testing.T) {
	const ok, in, cl, up, no = "", "auth.sign_in", "auth.client", "auth.step_up", "auth.wrong_role"
	callers := []auth.Principal{nobody, weak, strong, judge, clerk, both, ops, system, usurper}
	for _, c := range []struct {
		rule auth.Access
		name string
		want [9]string
	}{
		{auth.Access{}, "nobody", [9]string{no, no, no, no, no, no, no, no, no}},
		{auth.Public(), "public", [9]string{ok, ok, ok, ok, ok, ok, ok, ok, ok}},
		{auth.Person(auth.Substantial), "person(substantial)", [9]string{in, up, ok, no, no, no, no, no, no}},
		{auth.Officer("judge", "registrar"), "officer(judge, registrar)", [9]string{in, no, no, ok, no, ok, no, no, no}},
		{auth.Officer(), "officer()", [9]string{in, no, no, no, no, no, no, no, no}},
		{auth.AnyOfficer(), "any officer(substantial)", [9]string{in, no, no, ok, up, ok, ok, no, no}},
		{auth.Client(), "client", [9]string{cl, no, no, no, no, no, no, ok, ok}},
		{auth.Operator(), "operator", [9]string{in, no, no, no, no, no, ok, no, no}},
		{auth.OfficerAt(auth.Low), "any officer(low)", [9]string{in, no, no, ok, ok, ok, ok, no, no}},
		{auth.Officer("clerk"), "officer(clerk)", [9]string{in, no, no, no, up, no, no, no, no}},
		{auth.AnyOf(auth.Officer("judge"), auth.Person(auth.High)), "any of: officer(judge) | person(high)", [9]string{in, up, ok, ok, no, ok, no, no, no}},
		{auth.AnyOf(auth.Client(), auth.Operator()), "any of: client | operator", [9]string{cl, no, no, no, no, no, ok, ok, ok}},
		{auth.AnyOf(), "any of: ", [9]string{in, no, no, no, no, no, no, no, no}},
	} {
		if c.rule.String() != c.name {
			t.Errorf("String() = %q, want %q", c.rule, c.name)
		}
		for i, p := range callers {
			err := c.rule.Check(auth.With(context.Background(), p))
			if got := errs.CodeOf(err); got != c.want[i] {
				t.Errorf("%s, caller %d: %q, want %q", c.rule, i, got, c.want[i])
			}
			kind := errs.Forbidden
			if c.want[i] == in || c.want[i] == cl {
				kind = errs.Unauthenticated
			}
			if err != nil && errs.KindOf(err) != kind {
				t.Errorf("%s, caller %d: kind %s", c.rule, i, errs.KindOf(err))
			}
		}
	}
}

func TestStepUpSaysWhatIsNeeded(t *testing.T) {
	e, ok := errs.As(auth.Person(auth.High).Of(weak))
	if !ok || e.Args["needed"] != auth.High {
		t.Errorf("got %v", e)
	}
}

func TestAccessZero(t *testing.T) {
	if !(auth.Access{}).IsZero() || auth.Public().IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestPrincipalInContext(t *testing.T) {
	if p := auth.From(context.Background()); !p.IsNobody() || p.IsPerson() || p.IsOfficer() || p.IsClient() {
		t.Errorf("somebody came out of an empty context: %+v", p)
	}
	ctx := auth.With(context.Background(), both)
	if p := auth.From(ctx); p.IsPerson() || !p.IsOfficer() || !p.HasRole("judge") || p.HasRole("clerk") || p.IsNobody() {
		t.Errorf("got %+v", p)
	}
}

func TestLevels(t *testing.T) {
	for l := auth.None; l <= auth.High; l++ {
		b, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var back auth.Level
		if err := json.Unmarshal(b, &back); err != nil || back != l || string(b) != `"`+l.String()+`"` {
			t.Errorf("%v became %s became %v (%v)", l, b, back, err)
		}
		if l.In(i18n.VI) == "" || l.In(i18n.EN) != l.String() {
			t.Errorf("%v has no name", l)
		}
	}
	if _, err := auth.ParseLevel("highest"); err == nil {
		t.Error("a made-up level was read")
	}
	if auth.Level(9).String() != "level(9)" || auth.Level(9).In(i18n.VI) != "level(9)" {
		t.Error("a made-up level has a name")
	}
}
