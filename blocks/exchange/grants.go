package exchange

import (
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
	"golang.org/x/time/rate"
)

// The operations a grant may allow.
const (
	OpRead   = "read"
	OpSearch = "search"
	OpCreate = "create"
	OpAmend  = "amend"
	// OpSubscribe is waiting for data that come by themselves.
	OpSubscribe = "subscribe"
)

func operations() []string { return []string{OpRead, OpSearch, OpCreate, OpAmend, OpSubscribe} }

// Grant is the right of one subsystem, or of each in a group, to use one service for one purpose.
type Grant struct {
	ID         string              `json:"id"`
	Client     SubsystemID         `json:"client,omitzero"` // or
	Group      string              `json:"group,omitempty"` // whoever is in it, each with a quota of its own
	Service    ServiceID           `json:"service"`
	Operations []string            `json:"operations"`
	Endpoints  []Endpoint          `json:"endpoints,omitempty"` // of the service, by method and path; none: all of it
	Fields     []string            `json:"fields"`              // what may be read and written; "*" for all, fieldVersion and the like for a record's envelope
	Match      []string            `json:"match,omitempty"`     // what a search may match on besides Fields
	Filter     map[string][]string `json:"filter,omitempty"`    // only records whose fields have these values; see filter.go
	Consent    bool                `json:"consent,omitempty"`   // only while the person asked about, named by a field of Match, permits it
	Purpose    string              `json:"purpose"`
	LegalBasis string              `json:"legal_basis"`
	From       time.Time           `json:"from"`           // zero: from now
	Until      time.Time           `json:"until,omitzero"` // the first instant it no longer holds; zero: no end
	RevokedAt  time.Time           `json:"revoked_at,omitzero"`
	Quota      Quota               `json:"quota,omitzero"`
	GrantedBy  string              `json:"granted_by,omitempty"` // opaque id of who granted it
	RevokedBy  string              `json:"revoked_by,omitempty"`
	Reason     string              `json:"reason,omitempty"` // why it was revoked

	fields *fieldTree // Fields, ready to ask
}

// check says what is wrong with a grant before it is stored, naming the fields.
func (g Grant) check() error {
	var wrong []errs.Field
	add := func(bad bool, name, code string) {
		if bad {
			wrong = append(wrong, errs.NewField(name, code))
		}
	}
	_, serviceErr := ParseService(g.Service.String())
	wrong = append(wrong, g.checkSubject()...)
	add(serviceErr != nil, "service", "exchange.bad_service_field")
	add(len(g.Operations) == 0, "operations", "exchange.operations_missing")
	for _, o := range g.Operations {
		add(!slices.Contains(operations(), o), "operations", "exchange.unknown_operation")
	}
	add(len(g.Fields) == 0, "fields", "exchange.fields_missing")
	for _, f := range slices.Concat(g.Fields, g.Match) {
		add(!validField(f), "fields", "exchange.bad_field_name")
	}
	add(strings.TrimSpace(g.Purpose) == "", "purpose", "exchange.purpose_needed")
	add(strings.TrimSpace(g.LegalBasis) == "", "legal_basis", "exchange.legal_basis_needed")
	add(!g.Until.IsZero() && !g.Until.After(g.From), "until", "exchange.until_before_from")
	add(!g.Quota.valid(), "quota", "exchange.bad_quota")
	// A consent covers one person's records: only a search by the person finds no others.
	add(g.Consent && (len(g.Match) == 0 || slices.Contains(g.Fields, "*") || !slices.Equal(g.Operations, []string{OpSearch})), "consent", "exchange.bad_consent_grant")
	wrong = append(append(wrong, g.checkEndpoints()...), g.checkFilter()...)
	if len(wrong) > 0 {
		return errs.New(errs.Invalid, "exchange.bad_grant").With(wrong...)
	}
	return nil
}

// question is what a decision is asked about.
type question struct {
	client       SubsystemID
	service      ServiceID
	operation    string
	method, path string // none when data come by themselves
	fields       []string
	purpose      string
	legalBasis   string
	purposeGiven bool // else the purpose of the one fitting grant is taken
	body         []byte
}

// decision is what was granted.
type decision struct {
	purpose    string
	legalBasis string
	fields     []string   // what the answer may hold
	tree       *fieldTree // the same, ready to filter with
	grants     []*Grant   // on which it rests
}

// decide finds what the grants of one client on one service allow. Several
// grants for the same purpose and legal basis add up. Every refusal is
// errs.Forbidden with a code that says which condition failed, but for a missing
// purpose and a body that cannot be read, which are errs.Invalid.
func decide(grants []*Grant, q question, now time.Time) (decision, error) {
	no := func(code string, kv ...any) error {
		kv = append(kv, "client", q.client.String(), "service", q.service.String())
		return errs.New(errs.Forbidden, code, kv...)
	}
	if q.purposeGiven && q.purpose == "" {
		return decision{}, errs.New(errs.Invalid, "exchange.purpose_missing")
	}
	fitting := slices.Clone(grants)
	steps := []struct {
		code string
		fits func(*Grant) bool
	}{
		{"exchange.grant_revoked", func(g *Grant) bool { return g.RevokedAt.IsZero() || now.Before(g.RevokedAt) }},
		{"exchange.grant_not_yet", func(g *Grant) bool { return !now.Before(g.From) }},
		{"exchange.grant_expired", func(g *Grant) bool { return g.Until.IsZero() || now.Before(g.Until) }},
		{"exchange.operation_not_granted", func(g *Grant) bool { return slices.Contains(g.Operations, q.operation) }},
		{"exchange.endpoint_not_granted", func(g *Grant) bool { return g.opens(q.method, q.path) }},
		{"exchange.purpose_not_granted", func(g *Grant) bool { return q.purpose == "" || g.Purpose == q.purpose }},
		{"exchange.legal_basis_not_granted", func(g *Grant) bool { return q.legalBasis == "" || g.LegalBasis == q.legalBasis }},
	}
	if len(fitting) == 0 {
		return decision{}, no("exchange.no_grant")
	}
	for _, s := range steps {
		fitting = slices.DeleteFunc(fitting, func(g *Grant) bool { return !s.fits(g) })
		if len(fitting) == 0 {
			return decision{}, no(s.code, "operation", q.operation, "purpose", q.purpose, "method", q.method)
		}
	}
	first := fitting[0]
	if q.purpose == "" && slices.ContainsFunc(fitting, func(g *Grant) bool { return g.Purpose != first.Purpose }) {
		return decision{}, errs.New(errs.Invalid, "exchange.purpose_missing")
	}
	fitting = slices.DeleteFunc(fitting, func(g *Grant) bool { return g.LegalBasis != first.LegalBasis })
	return within(fitting, q, no)
}

// within checks the fields of a question against the grants that fit otherwise.
func within(fitting []*Grant, q question, no func(string, ...any) error) (decision, error) {
	refused := func(fields []string) error {
		slices.Sort(fields)
		return no("exchange.field_not_granted", "fields", strings.Join(slices.Compact(fields), ", "))
	}
	fitting, alone, err := whole(fitting, q)
	if err != nil {
		return decision{}, err
	}
	if len(fitting) == 0 {
		return decision{}, refused(alone)
	}
	first := fitting[0]
	d := decision{purpose: first.Purpose, legalBasis: first.LegalBasis, fields: first.Fields, tree: first.fields, grants: fitting}
	match := slices.Clone(first.Match)
	if len(fitting) > 1 || d.tree == nil {
		d.fields = nil
		for _, g := range fitting {
			d.fields = append(d.fields, g.Fields...)
			match = append(match, g.Match...)
		}
		slices.Sort(d.fields)
		d.fields = slices.Compact(d.fields)
		d.tree = lettingOut(d.fields, fitting...)
	}
	if missing := d.tree.missing(q.fields); len(missing) > 0 {
		return decision{}, refused(missing)
	}
	if !d.tree.all {
		if missing, err := d.beyond(q, match); err != nil {
			return decision{}, err
		} else if len(missing) > 0 {
			return decision{}, refused(missing)
		}
	}
	if len(q.fields) > 0 {
		d.fields = slices.Clone(q.fields)
		slices.Sort(d.fields)
		d.fields = slices.Compact(d.fields)
		d.tree = lettingOut(d.fields, fitting...)
	}
	return d, nil
}

// beyond lists what a request's body touches outside the grant: a search must
// not tell by its hits what it may not show, nor a change write it.
func (d decision) beyond(q question, match []string) ([]string, error) {
	switch q.operation {
	case OpSearch:
		names, err := touched(q.body, "where")
		if err != nil || len(names) == 0 {
			return nil, err
		}
		return newFieldTree(slices.Concat(d.fields, match)...).missing(names), nil
	case OpCreate, OpAmend:
		names, err := touched(q.body, "data")
		return d.tree.missing(names), err
	}
	return nil, nil
}

// Quota is how much one grant may be used: PerMinute calls in the long run, and
// Burst at once after a rest. The zero Quota is no limit. Each process of a node
// counts for itself.
type Quota struct {
	PerMinute int `json:"per_minute"`
	Burst     int `json:"burst"` // 0: as many as PerMinute
}

func (q Quota) valid() bool {
	return q == Quota{} || q.PerMinute > 0 && q.Burst >= 0
}

// buckets holds a token bucket for every grant with a quota. Grants never
// change, so a bucket is made once.
type buckets struct {
	mu  sync.Mutex
	all map[string]*rate.Limiter // by the grant's id, and the client's in a group
}

func (b *buckets) of(g *Grant, client SubsystemID) *rate.Limiter {
	key := g.ID
	if g.Group != "" { // each has a quota of its own
		key += " " + client.String()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.all[key]
	if l == nil {
		burst := g.Quota.Burst
		if burst == 0 {
			burst = g.Quota.PerMinute
		}
		l = rate.NewLimiter(rate.Limit(float64(g.Quota.PerMinute)/60), burst)
		if b.all == nil {
			b.all = map[string]*rate.Limiter{}
		}
		b.all[key] = l
	}
	return l
}

// spend takes one call from the quotas of the grants that a decision rests on:
// they add up, and one without a quota has no end. The error is errs.TooMany
// "exchange.quota_spent", with the whole seconds to wait as "seconds".
func (b *buckets) spend(a *ask, d decision, now time.Time) error {
	least := time.Duration(math.MaxInt64)
	for _, g := range d.grants {
		if g.Quota == (Quota{}) {
			return nil
		}
		r := b.of(g, a.Client).ReserveN(now, 1)
		wait := r.DelayFrom(now)
		if wait == 0 {
			return nil
		}
		r.CancelAt(now)
		least = min(least, wait)
	}
	seconds := int64(math.Ceil(least.Seconds()))
	return errs.New(errs.TooMany, "exchange.quota_spent", "client", a.Client.String(), "service", a.Service.String(), "seconds", seconds)
}
