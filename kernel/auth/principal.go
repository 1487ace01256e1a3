package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Level is how sure the state is of who somebody is.
type Level int

// The levels of assurance, weakest first, so that they compare with <.
const (
	None Level = iota
	Low
	Substantial
	High
)

// String gives the level's name in data and APIs.
func (l Level) String() string {
	switch l {
	case None:
		return "none"
	case Low:
		return "low"
	case Substantial:
		return "substantial"
	case High:
		return "high"
	}
	return fmt.Sprintf("level(%d)", int(l))
}

// In names the level for a reader of lang.
func (l Level) In(lang i18n.Lang) string {
	if lang == i18n.EN {
		return l.String()
	}
	switch l {
	case None:
		return "chưa xác thực"
	case Low:
		return "thấp"
	case Substantial:
		return "trung bình"
	case High:
		return "cao"
	}
	return l.String()
}

// ParseLevel reads the name that String writes.
func ParseLevel(s string) (Level, error) {
	for l := None; l <= High; l++ {
		if l.String() == s {
			return l, nil
		}
	}
	return None, fmt.Errorf("auth: level %q: write none, low, substantial or high", s)
}

// MarshalText stores a level by name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a level by name.
func (l *Level) UnmarshalText(b []byte) error {
	v, err := ParseLevel(string(b))
	if err == nil {
		*l = v
	}
	return err
}

// RoleOperator is the role of those who run the house itself.
const RoleOperator = "operator"

// Principal is the caller of one request. The zero Principal is nobody.
type Principal struct {
	Account string // the account signed in
	Session string // the session's id, never its secret

	Number   string // the person's personal number; empty for somebody who is an officer only
	Name     string // the person's name
	OnBehalf string // the personal number or organisation acted for; empty for oneself
	Mandate  string // the id of the mandate that allows it
	Level    Level  // how sure we are of the person

	Officer string   // the officer's id
	Member  string   // the member the officer works for: "GOV/MOJ"
	Roles   []string // the officer's roles within the member

	Demo      bool   // a made-up person of the demonstration
	Subsystem string // a calling system: "VN/GOV/MOJ/civil-status"
}

// IsNobody says whether nobody is signed in.
func (p Principal) IsNobody() bool {
	return p.Account == "" && p.Number == "" && p.Officer == "" && p.Subsystem == "" && len(p.Roles) == 0
}

// IsPerson says whether the caller is here as a person: an officer at work is
// not, even though their own number may be known.
func (p Principal) IsPerson() bool { return p.Number != "" && p.Officer == "" && p.Subsystem == "" }

// IsOfficer says whether the caller works for a member.
func (p Principal) IsOfficer() bool { return p.Officer != "" && p.Subsystem == "" }

// IsClient says whether the caller is a system.
func (p Principal) IsClient() bool { return p.Subsystem != "" }

// HasRole says whether the caller holds role.
func (p Principal) HasRole(role string) bool { return slices.Contains(p.Roles, role) }

type principalKey struct{}

// With puts the caller into the context.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From gives the caller, the zero Principal when nobody is signed in.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}
