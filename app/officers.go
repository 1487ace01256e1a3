package app

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/broker"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/text"
)

// Role is what an officer may be, and where it counts. Members are those whose
// officers can use it; none is any member's.
type Role struct {
	ID, Where string
	Members   []string
}

// Roles lists the roles that this house asks for: those of its services and
// registers, and its own.
func (a *App) Roles(ctx context.Context) ([]Role, error) {
	roles := map[string]*Role{}
	add := func(in, member string, ids ...string) {
		for _, id := range ids {
			r := roles[id]
			if r == nil {
				r = &Role{ID: id, Where: in}
				roles[id] = r
			} else if !strings.Contains(", "+r.Where+", ", ", "+in+", ") {
				r.Where += ", " + in
			}
			if member != "" && !slices.Contains(r.Members, member) {
				r.Members = append(r.Members, member)
			}
		}
	}
	add("whole house", "", auth.RoleOperator)
	add("grants of the officer's member", "", exchange.RoleGrants)
	add("the message log of the officer's member", "", exchange.RoleLog)
	add("readings of personal data", "", transparency.RoleInspector)
	operator, err := a.operatingMember()
	if err != nil {
		return nil, err
	}
	add("membership of the exchange", operator, directory.RoleRegistrar)
	all, err := a.Services.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Pack != nil {
			add("service "+s.ID, s.Owner.Member, broker.RoleEvidence)
		}
		for _, state := range s.Workflow.States {
			for _, action := range state.Action {
				add("service "+s.ID, s.Owner.Member, action.Roles...)
			}
		}
	}
	for _, d := range a.Registers.Definitions() {
		add("register "+d.ID, d.Member, d.Roles...)
	}
	out := make([]Role, 0, len(roles))
	for _, r := range roles {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Role) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

var (
	officerID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{1,39}$`)
	// notOfficers are names that histories use for those who are no officers.
	notOfficers = []string{"seed", "system", "country", "operator", "nobody"}
)

// AddOfficer makes or updates an officer whose member and roles are known here.
// It says whether the officer was there before, and how many open cases went
// back to their queues because the member or the roles are others now.
func (a *App) AddOfficer(ctx context.Context, o identity.Officer) (changed bool, released int, err error) {
	if !officerID.MatchString(o.ID) || slices.Contains(notOfficers, strings.ToLower(o.ID)) {
		return false, 0, fmt.Errorf("officer id %q: use 2 to 40 letters, digits, dots, hyphens and underscores, beginning with a letter, such as lan.tran", o.ID)
	}
	o.Name = text.Tidy(o.Name, false)
	slices.Sort(o.Roles)
	o.Roles = slices.Compact(o.Roles)
	if err := a.fits(ctx, o); err != nil {
		return false, 0, err
	}
	before, err := a.sameOfficer(ctx, o)
	if err != nil {
		return false, 0, err
	}
	if err := a.Identity.AddOfficer(ctx, o); err != nil || before.ID == "" {
		return false, 0, err
	}
	slices.Sort(before.Roles)
	if before.Member != o.Member || !slices.Equal(before.Roles, o.Roles) {
		released, err = a.Cases.Release(ctx, o.ID)
	}
	return true, released, err
}

// fits checks an officer's member and roles against those of this house.
func (a *App) fits(ctx context.Context, o identity.Officer) error {
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
	for _, id := range o.Roles {
		i := slices.IndexFunc(roles, func(known Role) bool { return known.ID == id })
		if i < 0 {
			return fmt.Errorf("nothing in this house asks for the role %q; dinh officer roles lists those that count", id)
		}
		if of := roles[i].Members; len(of) > 0 && !slices.Contains(of, o.Member) {
			return fmt.Errorf("officers of %s can do nothing as %s, which is a role at %s", o.Member, id, strings.Join(of, ", "))
		}
	}
	return nil
}

// sameOfficer finds the officer who is to be changed, and refuses an id that is
// another's but for its case, and an address that another has.
func (a *App) sameOfficer(ctx context.Context, o identity.Officer) (before identity.Officer, err error) {
	all, err := a.Identity.Officers(ctx)
	if err != nil {
		return before, err
	}
	for _, other := range all {
		switch {
		case other.ID == o.ID:
			before = other
		case strings.EqualFold(other.ID, o.ID):
			return before, fmt.Errorf("there is an officer %s already; write the id like that to change them", other.ID)
		case o.Email != "" && strings.EqualFold(other.Email, o.Email):
			return before, fmt.Errorf("%s has the address %s; codes for signing in need one of their own", other.ID, other.Email)
		}
	}
	return before, nil
}

// RemoveOfficer takes away how an officer signs in and puts their open cases
// back into the queues; it gives the officer's id and how many there were. A
// process that knows the session may let them in for identity.KnownWithin more.
func (a *App) RemoveOfficer(ctx context.Context, officer string) (id string, released int, err error) {
	if id, err = a.Identity.RemoveOfficer(ctx, officer); err != nil {
		return "", 0, err
	}
	released, err = a.Cases.Release(ctx, id)
	return id, released, err
}
