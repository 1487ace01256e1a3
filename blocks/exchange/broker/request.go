package broker

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/text"
)

// Request is an organisation's wish to see papers of one person.
type Request struct {
	Code      string // "GT-7K2QX-M4PDA": its name for people, and its address
	Service   string
	Client    exchange.SubsystemID
	Officer   string // who asked; "": the person began it
	Reference string // the organisation's own file number
	Created   time.Time
	Until     time.Time // when it can no longer be answered
	Decided   time.Time // zero: not yet
	Pack      Pack
	Papers    []Paper // in the order of the pack

	subject string
	number  string
}

// Claimed says whether the request belongs to a person already.
func (r Request) Claimed() bool { return r.subject != "" }

// Paper is one paper of a request.
type Paper struct {
	Requirement Requirement
	Evidence    Evidence
	State       PaperState
	Consent     exchange.ConsentState // of a given paper
	Used        int                   // how often it was handed over

	foundBy   string // the field that found the person's record; "": none did
	consentID string
}

// PaperState is how far a paper has come.
type PaperState string

// The states of a paper.
const (
	PaperAsked   PaperState = "asked"
	PaperSeen    PaperState = "seen" // by the person: may be agreed to now
	PaperRefused PaperState = "refused"
	PaperGiven   PaperState = "given"
)

const (
	answerFor    = 14 * 24 * time.Hour
	maxReference = 60 // characters
)

// Begin makes a request for the person of ctx. Errors: broker.not_a_person and
// those of Packs.
func (b *Broker) Begin(ctx context.Context, service string) (Request, error) {
	p := auth.From(ctx)
	if !p.IsPerson() {
		return Request{}, errs.New(errs.Forbidden, "broker.not_a_person")
	}
	pack, err := b.d.Packs.Pack(ctx, service)
	if err != nil {
		return Request{}, err
	}
	r := b.newRequest(pack)
	r.subject, r.number = b.d.Keys.Pseudonym(p.Number), p.Number
	sealed, err := b.seal(ctx, r)
	if err != nil {
		return Request{}, err
	}
	return r, b.store.insert(ctx, r, sealed)
}

// Ask makes a request for whoever opens its address first, for the officer of
// ctx. Errors: errs.Forbidden broker.not_your_pack, errs.Invalid
// broker.bad_reference.
func (b *Broker) Ask(ctx context.Context, service, reference string) (Request, error) {
	p := auth.From(ctx)
	pack, err := b.d.Packs.Pack(ctx, service)
	if err != nil {
		return Request{}, err
	}
	if !mayAsk(p, pack.Client) {
		return Request{}, errs.New(errs.Forbidden, "broker.not_your_pack")
	}
	reference = text.Tidy(reference, false)
	if utf8.RuneCountInString(reference) > maxReference || strings.ContainsFunc(reference, unicode.IsControl) || manyDigits(reference) {
		e := errs.NewField("reference", "broker.bad_reference", "max", maxReference)
		return Request{}, errs.New(errs.Invalid, "broker.bad_reference", "max", maxReference).With(e)
	}
	r := b.newRequest(pack)
	r.Officer, r.Reference = p.Officer, reference
	return r, b.store.insert(ctx, r, nil)
}

// manyDigits finds what may be a personal number: a reference is no place for it.
func manyDigits(s string) bool {
	run := 0
	for _, c := range s {
		if run++; !unicode.IsDigit(c) {
			run = 0
		}
		if run >= 12 {
			return true
		}
	}
	return false
}

func (b *Broker) newRequest(pack Pack) Request {
	now, c := b.d.Clock.Now(), rand.Text()
	return Request{Code: "GT-" + c[:5] + "-" + c[5:10], Service: pack.Service, Client: pack.Client, Created: now, Until: now.Add(answerFor), Pack: pack}
}

func mayAsk(p auth.Principal, client exchange.SubsystemID) bool {
	return p.IsOfficer() && p.HasRole(RoleEvidence) && p.Member == client.Owner().String()
}

func notFound() error { return errs.New(errs.NotFound, "broker.no_request") }

// Mine finds a request of the person of ctx, or one that is nobody's yet.
// Anybody else's does not exist.
func (b *Broker) Mine(ctx context.Context, code string) (Request, error) {
	p := auth.From(ctx)
	if !p.IsPerson() {
		return Request{}, errs.New(errs.Forbidden, "broker.not_a_person")
	}
	r, err := b.find(ctx, code)
	if err == nil && r.subject != "" && r.subject != b.d.Keys.Pseudonym(p.Number) {
		return Request{}, notFound()
	}
	return r, err
}

// Ours finds a request of the member of the officer of ctx.
func (b *Broker) Ours(ctx context.Context, code string) (Request, error) {
	r, err := b.find(ctx, code)
	if err == nil && !mayAsk(auth.From(ctx), r.Client) {
		return Request{}, notFound()
	}
	return r, err
}

// AllMine lists the requests of the person of ctx, the newest first, without
// their papers.
func (b *Broker) AllMine(ctx context.Context) ([]Request, error) {
	p := auth.From(ctx)
	if !p.IsPerson() {
		return nil, errs.New(errs.Forbidden, "broker.not_a_person")
	}
	return b.store.list(ctx, "subject", b.d.Keys.Pseudonym(p.Number))
}

// AllOurs lists the requests of the member of the officer of ctx, the newest
// first, without their papers.
func (b *Broker) AllOurs(ctx context.Context) ([]Request, error) {
	var out []Request
	packs, err := b.d.Packs.PacksOf(ctx, auth.From(ctx).Member)
	if err != nil {
		return nil, err
	}
	var clients []string
	for _, p := range packs {
		if c := p.Client.String(); mayAsk(auth.From(ctx), p.Client) && !slices.Contains(clients, c) {
			clients = append(clients, c)
		}
	}
	for _, c := range clients {
		found, err := b.store.list(ctx, "client", c)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortStableFunc(out, func(a, b Request) int { return b.Created.Compare(a.Created) })
	return out, nil
}

// find reads a request with its papers and how their consents stand.
func (b *Broker) find(ctx context.Context, code string) (Request, error) {
	row, err := b.store.request(ctx, code)
	if err != nil {
		return Request{}, err
	}
	r := row.Request
	if r.Pack, err = b.d.Packs.Pack(ctx, r.Service); err != nil {
		return Request{}, err
	}
	if r.subject != "" {
		plain, err := b.d.Keys.Unseal(ctx, r.subject, row.number, []byte(r.Code))
		if err != nil {
			return Request{}, err
		}
		r.number = string(plain)
	}
	known, err := b.store.papers(ctx, code)
	if err != nil {
		return Request{}, err
	}
	for _, id := range r.Pack.Papers {
		req, err := b.Requirement(id)
		if err != nil {
			return Request{}, err
		}
		p := Paper{Requirement: req, Evidence: req.Evidence[0], State: PaperAsked}
		if k, ok := known[id]; ok {
			p.State, p.foundBy, p.consentID = k.State, k.foundBy, k.consentID
		}
		if p.State == PaperGiven {
			if p.Consent, p.Used, err = b.d.Consents.State(ctx, r.number, p.consentID); err != nil {
				return Request{}, err
			}
		}
		r.Papers = append(r.Papers, p)
	}
	return r, nil
}

func (b *Broker) seal(ctx context.Context, r Request) ([]byte, error) {
	return b.d.Keys.Seal(ctx, r.subject, []byte(r.number), []byte(r.Code))
}

// open says whether a request can still be answered.
func (b *Broker) open(r Request) error {
	switch {
	case !r.Decided.IsZero():
		return errs.New(errs.Conflict, "broker.decided")
	case !b.d.Clock.Now().Before(r.Until):
		return errs.New(errs.Gone, "broker.expired")
	}
	return nil
}

// Decide keeps what the person of ctx says to each paper; one that is not in
// agreed is refused. What they agree to is consented to at once, all or nothing.
// Errors: broker.decided, broker.expired, and errs.Conflict broker.not_seen for
// a paper that the person was not shown.
func (b *Broker) Decide(ctx context.Context, code string, agreed map[string]bool) error {
	r, err := b.Mine(ctx, code)
	if err != nil {
		return err
	}
	if err := b.open(r); err != nil {
		return err
	}
	if !r.Claimed() {
		return errs.New(errs.Conflict, "broker.not_seen")
	}
	for _, p := range r.Papers {
		if agreed[p.Requirement.ID] && p.State != PaperSeen {
			return errs.New(errs.Conflict, "broker.not_seen")
		}
	}
	now := b.d.Clock.Now()
	return b.store.decide(ctx, r, now, func(ctx context.Context, p *Paper) error {
		if !agreed[p.Requirement.ID] {
			p.State = PaperRefused
			return nil
		}
		p.State = PaperGiven
		p.consentID, err = b.d.Consents.Give(ctx, Consent{
			To: r.Client.String(), Service: b.d.Instance + "/" + p.Evidence.Service, Purpose: r.Pack.Purpose, Request: r.Code,
			Fields: p.Evidence.Fields, Until: now.AddDate(0, 0, r.Pack.Days), Times: r.Pack.Times * len(p.questions()), Keep: r.Pack.Keep,
		})
		return err
	})
}

// Withdraw takes back all that the person of ctx agreed to in a request.
func (b *Broker) Withdraw(ctx context.Context, code string) error {
	r, err := b.Mine(ctx, code)
	if err != nil {
		return err
	}
	for _, p := range r.Papers {
		if p.State == PaperGiven {
			if err := b.d.Consents.Withdraw(ctx, p.consentID); err != nil {
				return err
			}
		}
	}
	return nil
}

// questions are the fields by which the person's record is looked for.
func (p Paper) questions() []string {
	if p.foundBy != "" {
		return []string{p.foundBy}
	}
	return p.Evidence.By
}
