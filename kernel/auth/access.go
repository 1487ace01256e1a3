package auth

import (
	"context"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Access is the rule of one route. The zero Access lets nobody in.
type Access struct {
	name  string
	check func(Principal) error
}

// Check asks the rule about the caller in ctx. It answers nil, or an *errs.Error
// Unauthenticated or Forbidden as the package comment lists them.
func (a Access) Check(ctx context.Context) error { return a.Of(From(ctx)) }

// Of asks the rule about p.
func (a Access) Of(p Principal) error {
	if a.check == nil {
		return errs.New(errs.Forbidden, "auth.wrong_role")
	}
	return a.check(p)
}

// String names the rule for listings of routes.
func (a Access) String() string {
	if a.check == nil {
		return "nobody"
	}
	return a.name
}

// IsZero says whether no rule was given at all.
func (a Access) IsZero() bool { return a.check == nil }

// Public lets everybody in.
func Public() Access {
	return Access{"public", func(Principal) error { return nil }}
}

// Person lets in people known at least at level min.
func Person(min Level) Access {
	return Access{"person(" + min.String() + ")", func(p Principal) error {
		if p.IsPerson() {
			return atLeast(p, min)
		}
		return refuse(p, "auth.sign_in")
	}}
}

// Officer lets in officers who hold at least one of roles and are known at
// substantial: an e-mailed code alone opens nobody's data. Without roles it lets
// nobody in: a forgotten role must not open a door. See AnyOfficer.
func Officer(roles ...string) Access {
	return Access{"officer(" + strings.Join(roles, ", ") + ")", func(p Principal) error {
		if p.IsOfficer() {
			for _, r := range roles {
				if p.HasRole(r) {
					return atLeast(p, Substantial)
				}
			}
		}
		return refuse(p, "auth.sign_in")
	}}
}

// AnyOfficer lets in every officer known at substantial, whatever the role.
func AnyOfficer() Access { return OfficerAt(Substantial) }

// OfficerAt lets in every officer known at least at level min.
func OfficerAt(min Level) Access {
	return Access{"any officer(" + min.String() + ")", func(p Principal) error {
		if p.IsOfficer() {
			return atLeast(p, min)
		}
		return refuse(p, "auth.sign_in")
	}}
}

func atLeast(p Principal, min Level) error {
	if p.Level < min {
		return errs.New(errs.Forbidden, "auth.step_up", "needed", min)
	}
	return nil
}

// Client lets in systems that call the API.
func Client() Access {
	return Access{"client", func(p Principal) error {
		if p.IsClient() {
			return nil
		}
		return refuse(p, "auth.client")
	}}
}

// Operator lets in those who run the house, known at substantial.
func Operator() Access {
	return Access{"operator", func(p Principal) error {
		if p.HasRole(RoleOperator) && !p.IsClient() {
			return atLeast(p, Substantial)
		}
		return refuse(p, "auth.sign_in")
	}}
}

// AnyOf lets in whom at least one of rules lets in. Of several refusals it
// gives the one that the caller can do something about: step up before wrong
// role. Without rules it lets nobody in.
func AnyOf(rules ...Access) Access {
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r.String()
	}
	return Access{"any of: " + strings.Join(names, " | "), func(p Principal) error {
		var worst error
		for _, r := range rules {
			err := r.Of(p)
			if err == nil {
				return nil
			}
			if worst == nil || errs.CodeOf(err) == "auth.step_up" {
				worst = err
			}
		}
		if worst == nil {
			return refuse(p, "auth.sign_in")
		}
		return worst
	}}
}

// refuse tells a stranger to come in by the right door, and somebody known
// that this room is not theirs.
func refuse(p Principal, code string) error {
	if p.IsNobody() {
		return errs.New(errs.Unauthenticated, code)
	}
	return errs.New(errs.Forbidden, "auth.wrong_role")
}
