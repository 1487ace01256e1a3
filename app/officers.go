package app

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/text"
)

// Role is what an officer may be, and where it counts.
type Role struct{ ID, Where string }

// Roles lists the roles that this house asks for: those of its services and
// registers, and its own three.
func (a *App) Roles(ctx context.Context) ([]Role, error) {
	where := map[string][]string{
		auth.RoleOperator:          {"whole house"},
		exchange.RoleGrants:        {"grants of the officer's member"},
		exchange.RoleLog:           {"the message log of the officer's member"},
		transparency.RoleInspector: {"readings of personal data"},
	}
	add := func(roles []string, in string) {
		for _, r := range roles {
			if !slices.Contains(where[r], in) {
				where[r] = append(where[r], in)
			}
		}
	}
	all, err := a.Services.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		for _, state := range s.Workflow.States {
			for _, action := range state.Action {
				add(action.Roles, "service "+s.ID)
			}
		}
	}
	for _, d := range a.Registers.Definitions() {
		add(d.Roles, "register "+d.ID)
	}
	var out []Role
	for id, in := range where {
		out = append(out, Role{ID: id, Where: strings.Join(in, ", ")})
	}
	slices.SortFunc(out, func(a, b Role) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

var officerID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,39}$`)

// AddOfficer makes or updates an officer whose member and roles are known here.
func (a *App) AddOfficer(ctx context.Context, o identity.Officer) error {
	if !officerID.MatchString(o.ID) {
		return fmt.Errorf("officer id %q: use 2 to 40 letters, digits, dots, hyphens and underscores, such as lan.tran", o.ID)
	}
	o.Name = text.Tidy(o.Name, false)
	slices.Sort(o.Roles)
	o.Roles = slices.Compact(o.Roles)
	members, err := a.Exchange.Members(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for _, m := range members {
		ids = append(ids, m.ID().String())
	}
	if !slices.Contains(ids, o.Member) {
		return fmt.Errorf("%q is no member of this house; its members are %s", o.Member, strings.Join(ids, ", "))
	}
	roles, err := a.Roles(ctx)
	if err != nil {
		return err
	}
	for _, r := range o.Roles {
		if !slices.ContainsFunc(roles, func(known Role) bool { return known.ID == r }) {
			return fmt.Errorf("nothing in this house asks for the role %q; dinh officer roles lists those that count", r)
		}
	}
	return a.Identity.AddOfficer(ctx, o)
}

// RemoveOfficer takes away how an officer signs in and puts their open cases
// back into the queues; it says how many there were. In this order: nobody
// claims anything in between.
func (a *App) RemoveOfficer(ctx context.Context, officer string) (released int, err error) {
	id, err := a.Identity.RemoveOfficer(ctx, officer)
	if err != nil {
		return 0, err
	}
	return a.Cases.Release(ctx, id)
}
