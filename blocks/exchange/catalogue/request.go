package catalogue

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/text"
)

// The outcomes of a request. An open one has none.
const (
	Granted = "granted" // all that was asked for
	Changed = "changed" // less than was asked for
	Refused = "refused"
)

// Terms say what a grant allows and until when.
type Terms struct {
	Operations []string       `json:"operations"`
	Fields     []string       `json:"fields"`
	Match      []string       `json:"match,omitempty"`
	Consent    bool           `json:"consent,omitempty"` // only while the person asked about permits it
	Until      time.Time      `json:"until"`
	Quota      exchange.Quota `json:"quota,omitzero"` // zero: none is asked for
}

// Request asks the owner of a service for a grant.
type Request struct {
	ID         string               `json:"id"`
	Client     exchange.SubsystemID `json:"client"`
	Service    exchange.ServiceID   `json:"service"`
	Purpose    string               `json:"purpose"`
	LegalBasis string               `json:"legal_basis"`
	Asked      Terms                `json:"asked"`
	Reason     string               `json:"reason"` // what it is needed for; the owner reads it
	AskedAt    time.Time            `json:"asked_at"`
	AskedBy    string               `json:"asked_by"` // opaque id of the officer or of the key

	Outcome   string    `json:"outcome,omitempty"`
	Given     *Terms    `json:"given,omitempty"`  // what the grant with the request's id allows
	Answer    string    `json:"answer,omitempty"` // why; the asker reads it
	DecidedAt time.Time `json:"decided_at,omitzero"`
	DecidedBy string    `json:"decided_by,omitempty"`

	person string // pseudonym of who asked, whatever office they held
}

// Decision is what the owner says to a request.
type Decision struct {
	Outcome string // Granted, Changed or Refused
	Terms   Terms  // of Changed: no more than was asked for
	Answer  string // needed unless all is granted
}

const (
	minReason = 10
	maxReason = 1000
	maxLegal  = 500
)

// grant is the grant that the terms would make of the request.
func (r *Request) grant(t Terms) exchange.Grant {
	return exchange.Grant{
		ID: r.ID, Client: r.Client, Service: r.Service, Operations: t.Operations, Fields: t.Fields, Match: t.Match, Consent: t.Consent,
		Purpose: r.Purpose, LegalBasis: r.LegalBasis, Until: t.Until, Quota: t.Quota,
	}
}

// Ask takes a request of the caller in ctx: an officer with exchange.RoleGrants
// for a subsystem of their member, or a system for itself. There is one open
// request for a client, service and purpose at a time.
// Errors: errs.Forbidden catalogue.not_your_system; errs.Invalid
// catalogue.bad_request that names the fields; errs.NotFound
// exchange.unknown_client, exchange.unknown_service; errs.Conflict
// catalogue.asked_already.
func (c *Catalogue) Ask(ctx context.Context, r Request) (Request, error) {
	p, now := auth.From(ctx), c.d.Clock.Now()
	if !asksFor(p, r.Client) {
		return Request{}, errs.New(errs.Forbidden, "catalogue.not_your_system", "client", clip(r.Client.String()))
	}
	r.ID, r.AskedAt, r.AskedBy, r.person = id.New(now), now, actor(p), c.personOf(p)
	r.Outcome, r.Given, r.Answer, r.DecidedAt, r.DecidedBy = "", nil, "", time.Time{}, ""
	r.Reason, r.LegalBasis = text.Tidy(r.Reason, true), text.Tidy(r.LegalBasis, false)
	if _, err := c.service(ctx, r.Service.String()); err != nil {
		return Request{}, err
	}
	var wrong []errs.Field
	if n := text.Len(r.Reason); n < minReason || n > maxReason {
		wrong = append(wrong, errs.NewField("reason", "catalogue.reason", "least", minReason, "most", maxReason))
	}
	if text.Len(r.LegalBasis) > maxLegal {
		wrong = append(wrong, errs.NewField("legal_basis", "catalogue.legal_basis_long", "most", maxLegal))
	}
	wrong = append(wrong, untilWrong(r.Asked.Until, now)...)
	more, err := c.check(ctx, r.grant(r.Asked))
	if err != nil {
		return Request{}, err
	}
	if wrong = append(wrong, more...); len(wrong) > 0 {
		return Request{}, errs.New(errs.Invalid, "catalogue.bad_request").With(wrong...)
	}
	return r, c.insert(ctx, r)
}

// untilWrong says what is wrong with an end: every request has one, in the future.
func untilWrong(until, now time.Time) []errs.Field {
	switch {
	case until.IsZero():
		return []errs.Field{errs.NewField("until", "catalogue.until_missing")}
	case !until.After(now):
		return []errs.Field{errs.NewField("until", "catalogue.until_past")}
	case until.After(now.AddDate(10, 0, 1)):
		return []errs.Field{errs.NewField("until", "catalogue.until_far")}
	}
	return nil
}

// check gives what is wrong with a grant, field by field.
func (c *Catalogue) check(ctx context.Context, g exchange.Grant) ([]errs.Field, error) {
	err := c.d.Rights.CheckGrant(ctx, g)
	e, ok := errs.As(err)
	if !ok || e.Code != "exchange.bad_grant" {
		return nil, err
	}
	var out []errs.Field
	for _, f := range e.Fields {
		if !slices.ContainsFunc(out, func(o errs.Field) bool { return o.Name == f.Name && o.Code == f.Code }) && f.Name != "until" {
			out = append(out, f)
		}
	}
	return out, nil
}

// Decide answers a request; the caller in ctx is an officer with
// exchange.RoleGrants of the service's owner, and not who asked. The grant comes
// about in the same transaction, with the request's id.
// Errors: errs.NotFound catalogue.no_such_request; errs.Forbidden
// catalogue.not_your_service, catalogue.own_request; errs.Conflict
// catalogue.decided_already; errs.Invalid catalogue.bad_decision that names the
// fields.
func (c *Catalogue) Decide(ctx context.Context, requestID string, d Decision) (Request, error) {
	p, now := auth.From(ctx), c.d.Clock.Now()
	r, err := c.Request(ctx, requestID)
	if err != nil {
		return Request{}, err
	}
	switch {
	case !speaksFor(p, r.Service.Owner()):
		return Request{}, errs.New(errs.Forbidden, "catalogue.not_your_service", "service", r.Service.String())
	case r.AskedBy == actor(p) || r.person != "" && r.person == c.personOf(p):
		return Request{}, errs.New(errs.Forbidden, "catalogue.own_request")
	case r.Outcome != "":
		return Request{}, errs.New(errs.Conflict, "catalogue.decided_already")
	}
	d.Answer = text.Tidy(d.Answer, true)
	wrong, err := c.wrongDecision(ctx, &r, d)
	if err != nil {
		return Request{}, err
	}
	if len(wrong) > 0 {
		return Request{}, errs.New(errs.Invalid, "catalogue.bad_decision").With(wrong...)
	}
	r.Outcome, r.Answer, r.DecidedAt, r.DecidedBy = d.Outcome, d.Answer, now, actor(p)
	switch d.Outcome {
	case Granted:
		r.Given = &r.Asked
	case Changed:
		r.Given = &d.Terms
	}
	return r, c.decide(ctx, r)
}

func (c *Catalogue) wrongDecision(ctx context.Context, r *Request, d Decision) ([]errs.Field, error) {
	var wrong []errs.Field
	n := text.Len(d.Answer)
	if n > maxReason || n < minReason && (n > 0 || d.Outcome != Granted) {
		wrong = append(wrong, errs.NewField("answer", "catalogue.answer", "least", minReason, "most", maxReason))
	}
	switch d.Outcome {
	case Refused:
	case Granted:
		wrong = append(wrong, untilWrong(r.Asked.Until, c.d.Clock.Now())...)
	case Changed:
		wrong = append(wrong, untilWrong(d.Terms.Until, c.d.Clock.Now())...)
		wrong = append(wrong, beyond(r.Asked, d.Terms)...)
		more, err := c.check(ctx, r.grant(d.Terms))
		return append(wrong, more...), err
	default:
		wrong = append(wrong, errs.NewField("outcome", "catalogue.outcome"))
	}
	return wrong, nil
}

// beyond names what is given without having been asked for.
func beyond(asked, given Terms) []errs.Field {
	var wrong []errs.Field
	more := func(is bool, name string) {
		if is {
			wrong = append(wrong, errs.NewField(name, "catalogue.more_than_asked", "what", name))
		}
	}
	outside := func(asked []string) func(string) bool {
		return func(f string) bool {
			return !slices.ContainsFunc(asked, func(a string) bool { return a == "*" || a == f || strings.HasPrefix(f, a+".") })
		}
	}
	more(slices.ContainsFunc(given.Operations, func(o string) bool { return !slices.Contains(asked.Operations, o) }), "operations")
	more(slices.ContainsFunc(given.Fields, outside(asked.Fields)), "fields")
	more(slices.ContainsFunc(given.Match, outside(slices.Concat(asked.Fields, asked.Match))), "match")
	more(asked.Consent && !given.Consent, "consent")
	more(given.Until.After(asked.Until), "until")
	unlimited := exchange.Quota{}
	more(asked.Quota != unlimited && (given.Quota == unlimited || given.Quota.PerMinute > asked.Quota.PerMinute || given.Quota.Burst > max(asked.Quota.Burst, asked.Quota.PerMinute)), "quota")
	return wrong
}

// Request gives one request to those who may read it: officers with
// exchange.RoleGrants of both sides, and the system that it is for. For anybody
// else there is none: errs.NotFound catalogue.no_such_request.
func (c *Catalogue) Request(ctx context.Context, requestID string) (Request, error) {
	none := errs.New(errs.NotFound, "catalogue.no_such_request")
	r, found, err := c.byID(ctx, requestID)
	if err != nil {
		return Request{}, err
	}
	if p := auth.From(ctx); !found || !asksFor(p, r.Client) && !speaksFor(p, r.Service.Owner()) {
		return Request{}, none
	}
	return r, nil
}

// Requests lists what the caller in ctx may read, the newest first, two hundred
// at most: the requests of their member and those on its services; a system's own.
func (c *Catalogue) Requests(ctx context.Context) (asked, received []Request, err error) {
	p := auth.From(ctx)
	if p.Member == "" || !p.IsClient() && !p.HasRole(exchange.RoleGrants) {
		return nil, nil, errs.New(errs.Forbidden, "auth.wrong_role")
	}
	if asked, err = c.list(ctx, "asking", p.Member); err != nil {
		return nil, nil, err
	}
	if p.IsClient() {
		return slices.DeleteFunc(asked, func(r Request) bool { return !asksFor(p, r.Client) }), nil, nil
	}
	received, err = c.list(ctx, "owner", p.Member)
	return asked, received, err
}

// Revoke ends the grant that a request led to. The caller in ctx is an officer
// with exchange.RoleGrants of the service's owner. Errors: as Decide, and those of
// exchange.RevokeGrant.
func (c *Catalogue) Revoke(ctx context.Context, requestID, reason string) error {
	p := auth.From(ctx)
	r, err := c.Request(ctx, requestID)
	if err != nil {
		return err
	}
	if !speaksFor(p, r.Service.Owner()) {
		return errs.New(errs.Forbidden, "catalogue.not_your_service", "service", r.Service.String())
	}
	return c.d.Rights.RevokeGrant(ctx, r.ID, actor(p), text.Tidy(reason, false))
}

// grantOf is the grant that a request led to; nil when there is none.
func (c *Catalogue) grantOf(ctx context.Context, requestID string) (*exchange.Grant, error) {
	all, err := c.d.Rights.Grants(ctx)
	for i := range all {
		if all[i].ID == requestID {
			return &all[i], err
		}
	}
	return nil, err
}

// asksFor says whether the caller may ask for a subsystem.
func asksFor(p auth.Principal, s exchange.SubsystemID) bool {
	if p.IsClient() {
		return p.Subsystem == s.String()
	}
	return speaksFor(p, s.Owner())
}

// speaksFor says whether the caller is a grants officer of a member.
func speaksFor(p auth.Principal, m exchange.MemberID) bool {
	return p.IsOfficer() && p.HasRole(exchange.RoleGrants) && p.Member == m.String()
}

func actor(p auth.Principal) string {
	if p.IsClient() {
		return "key:" + p.Session
	}
	return p.Officer
}

func (c *Catalogue) personOf(p auth.Principal) string {
	if p.Number == "" {
		return ""
	}
	return c.d.Pseudonym(p.Number)
}
