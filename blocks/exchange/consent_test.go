package exchange_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// permissions answers as it is told, and notes whom it was asked about.
type permissions struct {
	mu          sync.Mutex
	state       exchange.ConsentState
	atRecording exchange.ConsentState // "": as state
	asked       []exchange.ConsentUse
	used        int
	outside     bool // a use was counted outside the transaction
}

func (p *permissions) Consented(_ context.Context, u exchange.ConsentUse) (exchange.ConsentState, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, u)
	return p.state, nil
}

func (p *permissions) Use(ctx context.Context, u exchange.ConsentUse) (exchange.ConsentState, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outside = p.outside || !db.InTx(ctx)
	if p.atRecording != "" {
		return p.atRecording, nil
	}
	if p.state == exchange.ConsentStands {
		p.used++
	}
	return p.state, nil
}

func withConsents(t *testing.T) (*world, *permissions) {
	t.Helper()
	w, p := newWorld(t), &permissions{state: exchange.ConsentStands}
	w.deps.Consents = p
	w.Exchange = w.another(t)
	w.grant(t, func(g *exchange.Grant) {
		g.Operations, g.Fields, g.Match, g.Consent = []string{"search"}, []string{"name", "address.ward"}, []string{"number"}, true
	})
	return w, p
}

func TestConsentOpensAGrant(t *testing.T) {
	w, p := withConsents(t)
	got, err := w.Call(t.Context(), search(func(c *exchange.Call) { c.Subjects = nil }))
	ok(t, err)
	if len(got.Events) != 1 || p.used != 1 || p.outside {
		t.Errorf("events %v, used %d, outside the transaction %v", got.Events, p.used, p.outside)
	}
	u := p.asked[0]
	if u.Number != person || u.Client != civil || u.Service != population || u.Purpose != purpose || strings.Join(u.Fields, ",") != "address.ward,name" && strings.Join(u.Fields, ",") != "name,address.ward" {
		t.Errorf("asked about %+v", u)
	}
}

func TestConsentRefusals(t *testing.T) {
	for state, code := range map[exchange.ConsentState]string{
		exchange.ConsentMissing: "exchange.consent_missing", exchange.ConsentWithdrawn: "exchange.consent_withdrawn",
		exchange.ConsentEnded: "exchange.consent_ended", exchange.ConsentSpent: "exchange.consent_spent", "else": "exchange.consent_missing",
	} {
		t.Run(string(state), func(t *testing.T) {
			w, p := withConsents(t)
			p.state = state
			_, err := w.Call(t.Context(), search())
			if errs.CodeOf(err) != code || errs.KindOf(err) != errs.Forbidden || w.provider.count() != 0 {
				t.Errorf("before: %v, provider asked %d times", err, w.provider.count())
			}
			p.state, p.atRecording = exchange.ConsentStands, state
			got, err := w.Call(t.Context(), search())
			if errs.CodeOf(err) != code || len(got.Body) != 0 {
				t.Errorf("while it was answered: %v %s", err, got.Body)
			}
			events, err := w.Events(t.Context(), w.keys.Pseudonym(person), "", 10)
			ok(t, err)
			if len(events) != 2 || events[0].Outcome != exchange.OutcomeRefused || events[0].Reason != code {
				t.Errorf("the person sees %+v", events)
			}
		})
	}
}

// TestConsentCoversOnePerson: whoever names one person and asks about another,
// or about everybody, gets nothing.
func TestConsentCoversOnePerson(t *testing.T) {
	w, p := withConsents(t)
	for body, code := range map[string]string{
		`{"where":{}}`:                            "exchange.consent_person",
		`{}`:                                      "exchange.consent_person",
		``:                                        "exchange.consent_person",
		`{"where":{"name":"An"}}`:                 "exchange.consent_person",
		`{"where":{"number":""}}`:                 "exchange.consent_person",
		`{"where":{"number":["1","2"]}}`:          "exchange.bad_body",
		`{"where":{"number":"1","number":"2"}}`:   "exchange.bad_body",
		`{"where":{"number":"1"},"where":{}}`:     "exchange.bad_body",
		`{"where":{"number":"1"},"Where":{}}`:     "exchange.bad_body",
		`{"where":{"number":"1","NUMBER":"002"}}`: "exchange.field_not_granted",
	} {
		_, err := w.Call(t.Context(), search(func(c *exchange.Call) { c.Body = []byte(body) }))
		if errs.CodeOf(err) != code {
			t.Errorf("%s: %v", body, err)
		}
	}
	if len(p.asked) != 0 || w.provider.count() != 0 {
		t.Errorf("asked %d times, provider %d times", len(p.asked), w.provider.count())
	}
}

func TestConsentGrantsAreNarrow(t *testing.T) {
	w, _ := withConsents(t)
	for name, change := range map[string]func(*exchange.Grant){
		"reads by id":     func(g *exchange.Grant) { g.Operations = []string{"search", "read"} },
		"all fields":      func(g *exchange.Grant) { g.Fields = []string{"*"} },
		"nobody is named": func(g *exchange.Grant) { g.Match = nil },
	} {
		g := exchange.Grant{Client: civil, Service: population, Operations: []string{"search"}, Fields: []string{"name"}, Match: []string{"number"}, Consent: true, Purpose: "p", LegalBasis: basis}
		change(&g)
		if _, err := w.AddGrant(t.Context(), g); errs.CodeOf(err) != "exchange.bad_grant" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWithoutConsentsNothingOpens(t *testing.T) {
	w, _ := withConsents(t)
	w.deps.Consents = nil
	if _, err := w.another(t).Call(t.Context(), search()); errs.CodeOf(err) != "exchange.consent_missing" {
		t.Error(err)
	}
}
