package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Consents knows what people have permitted. blocks/transparency keeps it.
type Consents interface {
	// Consented says how a permission for the use stands now.
	Consented(ctx context.Context, u ConsentUse) (ConsentState, error)
	// Use says the same and, when the permission stands, counts one use of it.
	// It joins the transaction of ctx, which makes the answer durable.
	Use(ctx context.Context, u ConsentUse) (ConsentState, error)
}

// ConsentUse is what a person's data are about to be used for.
type ConsentUse struct {
	Number  string // the person's
	Client  SubsystemID
	Service ServiceID
	Purpose string
	Issue   string // the case or request that it is for
	Fields  []string
	At      time.Time
}

// ConsentState is how a permission stands.
type ConsentState string

// The states of a permission. Only one that stands opens anything.
const (
	ConsentStands    ConsentState = "stands"
	ConsentMissing   ConsentState = "missing" // never given, or for less
	ConsentWithdrawn ConsentState = "withdrawn"
	ConsentEnded     ConsentState = "ended"
	ConsentSpent     ConsentState = "spent" // used as often as was permitted
)

// refusal is the error of a permission that does not stand.
func (s ConsentState) refusal(u ConsentUse) error {
	code := map[ConsentState]string{
		ConsentMissing: "exchange.consent_missing", ConsentWithdrawn: "exchange.consent_withdrawn",
		ConsentEnded: "exchange.consent_ended", ConsentSpent: "exchange.consent_spent",
	}[s]
	switch {
	case s == ConsentStands:
		return nil
	case code == "":
		code = "exchange.consent_missing"
	}
	return errs.New(errs.Forbidden, code, "client", u.Client.String(), "service", u.Service.String())
}

// consented lets a question through whose grant needs the person's consent only
// while that stands. What may not be known is refused.
func (x *Exchange) consented(ctx context.Context, a *ask, d decision) error {
	u, err := x.useOf(a, d)
	if err != nil || u == nil {
		return err
	}
	if !slices.Contains(a.Subjects, u.Number) {
		a.Subjects = append(slices.Clone(a.Subjects), u.Number) // the refusal, too, is the person's to see
	}
	state, err := x.consents.Consented(ctx, *u)
	if err != nil {
		return unavailable("exchange.consent_unreadable", err)
	}
	return state.refusal(*u)
}

// permit is asked by the transaction that makes the answer durable, so that no
// answer leaves after a consent has ended; nil when no consent is needed.
func (x *Exchange) permit(a *ask, d decision) func(context.Context) error {
	if !d.needsConsent() {
		return nil
	}
	return func(ctx context.Context) error {
		u, err := x.useOf(a, d)
		if err != nil {
			return err
		}
		state, err := x.consents.Use(ctx, *u)
		if err != nil {
			return err
		}
		return state.refusal(*u)
	}
}

// permitted asks whoever must still agree when the trace becomes durable.
func (t trace) permitted(ctx context.Context) error {
	if t.permit == nil {
		return nil
	}
	return t.permit(ctx)
}

func (d decision) needsConsent() bool {
	return slices.ContainsFunc(d.grants, func(g *Grant) bool { return g.Consent })
}

// useOf is the use that a question makes of a consent; nil when it needs none.
func (x *Exchange) useOf(a *ask, d decision) (*ConsentUse, error) {
	if !d.needsConsent() {
		return nil, nil
	}
	u := ConsentUse{Client: a.Client, Service: a.Service, Purpose: d.purpose, Issue: a.Issue, Fields: d.fields, At: x.clock.Now()}
	if x.consents == nil {
		return nil, ConsentMissing.refusal(u)
	}
	var by []string
	for _, g := range d.grants {
		by = append(by, g.Match...)
	}
	var err error
	u.Number, err = personAsked(a.Body, by)
	return &u, err
}

// personAsked finds whom a search is about: the value of the one field among by
// that it matches on. Every record that is found has this value there, so a
// consent of this person covers all of them.
func personAsked(body []byte, by []string) (number string, err error) {
	nobody := errs.New(errs.Forbidden, "exchange.consent_person", "fields", strings.Join(by, ", "))
	if len(bytes.TrimSpace(body)) == 0 {
		return "", nobody
	}
	seen := map[string]bool{}
	err = members(body, func(name string, v json.RawMessage) error {
		if name != "where" {
			return nil
		}
		return members(v, func(field string, v json.RawMessage) error {
			if seen[field] {
				return errs.New(errs.Invalid, "exchange.bad_body")
			}
			seen[field] = true
			if slices.Contains(by, field) && number == "" && json.Unmarshal(v, &number) != nil {
				return errs.New(errs.Invalid, "exchange.bad_body")
			}
			return nil
		})
	})
	if err == nil && number == "" {
		err = nobody
	}
	return number, err
}
