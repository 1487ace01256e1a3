package app

import (
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/identity"
)

// An empty house takes officers for its members and roles, and no others.
func TestAddOfficer(t *testing.T) {
	t.Parallel()
	c := Config{Data: t.TempDir()}
	c.Mail.Host, c.Mail.Port, c.Mail.From = "localhost", 25, "nobody@localhost.invalid"
	a, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	right := identity.Officer{ID: "lan.tran", Name: "Trần Thị Lan", Member: "GOV/MOJ", Roles: []string{"registrar"}, Email: "lan.tran@moj.example"}
	for want, change := range map[string]func(*identity.Officer){
		"its members are COM/": func(o *identity.Officer) { o.Member = "GOV/XXX" },
		`role "registra"`:      func(o *identity.Officer) { o.Roles = []string{"registrar", "registra"} },
		"do nothing as":        func(o *identity.Officer) { o.Member = "GOV/MPS" },
		"lan tran":             func(o *identity.Officer) { o.ID = "lan tran" },
		`"Seed"`:               func(o *identity.Officer) { o.ID = "Seed" },
		`"001195100101"`:       func(o *identity.Officer) { o.ID = "001195100101" },
	} {
		o := right
		change(&o)
		if _, _, err := a.AddOfficer(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	for i := range 2 {
		if changed, _, err := a.AddOfficer(t.Context(), right); err != nil || changed != (i == 1) {
			t.Error(i, changed, err)
		}
	}
	for want, change := range map[string]func(*identity.Officer){
		"lan.tran already": func(o *identity.Officer) { o.ID = "Lan.Tran" },
		"has the address":  func(o *identity.Officer) { o.ID, o.Email = "h.vu", "LAN.tran@moj.example" },
	} {
		o := right
		change(&o)
		if _, _, err := a.AddOfficer(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if all, err := a.Identity.Officers(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%d officers, %v", len(all), err)
	}
}
