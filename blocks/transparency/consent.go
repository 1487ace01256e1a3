package transparency

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// NewConsent is a person's permission as it is asked for.
type NewConsent struct {
	Purpose string    // a purpose's id
	To      string    // the member or subsystem that may use the data: "VN/COM/bank"
	Service string    // where the data are: "VN/GOV/MPS/population/population"
	Fields  []string  // which ones, at least one
	Until   time.Time // when it ends by itself; at most ten years ahead
	Times   int       // how often the data may be handed over; 0: as often as needed
	Keep    int       // how many days each copy may be kept; 0: shown only, never kept
	Request string    // the request it answers, and is good for alone; "": any
}

// Consent is a person's permission. Record and Signature prove it to a third
// party: Ed25519 over the bytes of Record with the key Public.
type Consent struct {
	ID string
	NewConsent
	Given     time.Time
	Withdrawn time.Time // zero: it was not
	Used      int       // how often the data were handed over

	Record, Signature []byte
	KeyID             string
	Public            ed25519.PublicKey
}

// ConsentState is how a consent stands.
type ConsentState string

// The states of a consent.
const (
	ConsentStands    ConsentState = "given"
	ConsentEnded     ConsentState = "ended"
	ConsentWithdrawn ConsentState = "withdrawn"
	ConsentSpent     ConsentState = "spent" // handed over as often as was permitted
)

// State says how the consent stands at a moment.
func (c Consent) State(now time.Time) ConsentState {
	switch {
	case !c.Withdrawn.IsZero():
		return ConsentWithdrawn
	case !now.Before(c.Until):
		return ConsentEnded
	case c.Times > 0 && c.Used >= c.Times:
		return ConsentSpent
	}
	return ConsentStands
}

// consentRecord is what is signed. It only ever grows a new version.
type consentRecord struct {
	Version int      `json:"v"`
	ID      string   `json:"id"`
	Giver   string   `json:"giver"` // the pseudonym
	To      string   `json:"to"`
	Service string   `json:"service"`
	Fields  []string `json:"fields"`
	Purpose string   `json:"purpose"`
	Given   int64    `json:"given"` // microseconds since 1970
	Until   int64    `json:"until"`
	Times   int      `json:"times,omitempty"`     // since version 2
	Keep    int      `json:"keep_days,omitempty"` // since version 2
	Request string   `json:"request,omitempty"`   // since version 2
}

// withdrawal is what is signed when a consent is taken back.
type withdrawal struct {
	Version   int    `json:"v"`
	Consent   string `json:"consent"`
	Giver     string `json:"giver"`
	Withdrawn int64  `json:"withdrawn"`
}

// signed is a record with its proof, as it lies sealed in the table.
type signed struct {
	Record    []byte            `json:"record"`
	Signature []byte            `json:"signature"`
	KeyID     string            `json:"kid"`
	Public    ed25519.PublicKey `json:"public"`
}

const (
	consentOwner = "transparency/consents" // of the signing key
	consentFor   = 10 * 366 * 24 * time.Hour
	maxFields    = 100
)

// Give records the consent of the person of ctx, signed. Errors:
// transparency.not_a_person, and transparency.consent_incomplete, which names
// the fields that are wrong.
func (t *Transparency) Give(ctx context.Context, n NewConsent) (Consent, error) {
	who, err := person(ctx)
	if err != nil {
		return Consent{}, err
	}
	now := t.d.Clock.Now()
	if err := n.check(now); err != nil {
		return Consent{}, err
	}
	n.Fields = slices.Clone(n.Fields)
	c := Consent{ID: id.New(now), NewConsent: n, Given: now}
	s, err := t.sign(ctx, consentRecord{
		Version: 2, ID: c.ID, Giver: t.d.Keys.Pseudonym(who.Number), To: n.To, Service: n.Service, Fields: n.Fields, Purpose: n.Purpose,
		Given: now.UnixMicro(), Until: n.Until.UnixMicro(), Times: n.Times, Keep: n.Keep, Request: n.Request,
	})
	if err != nil {
		return Consent{}, err
	}
	sealed, err := t.sealRecord(ctx, who.Number, c.ID+"/given", s)
	if err != nil {
		return Consent{}, err
	}
	c.Record, c.Signature, c.KeyID, c.Public = s.Record, s.Signature, s.KeyID, s.Public
	return c, t.store.insertConsent(ctx, t.d.Keys.Pseudonym(who.Number), c, sealed)
}

func (n NewConsent) check(now time.Time) error {
	e := errs.New(errs.Invalid, "transparency.consent_incomplete")
	for name, wrong := range map[string]bool{
		"purpose": n.Purpose == "", "to": n.To == "", "service": n.Service == "",
		"fields": len(n.Fields) == 0 || len(n.Fields) > maxFields || slices.Contains(n.Fields, ""),
		"limits": n.Times < 0 || n.Keep < 0,
		"until":  !n.Until.After(now) || n.Until.After(now.Add(consentFor)),
	} {
		if wrong {
			e = e.With(errs.NewField(name, "transparency.consent_"+name))
		}
	}
	if len(e.Fields) == 0 {
		return nil
	}
	slices.SortFunc(e.Fields, func(a, b errs.Field) int { return compare(a.Name, b.Name) })
	return e
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// Withdraw takes a consent of the person of ctx back, at once and for good;
// again does nothing. Anybody else's is errs.NotFound "transparency.no_consent".
func (t *Transparency) Withdraw(ctx context.Context, consentID string) error {
	who, err := person(ctx)
	if err != nil {
		return err
	}
	subject, now := t.d.Keys.Pseudonym(who.Number), t.d.Clock.Now()
	row, err := t.store.consent(ctx, subject, consentID)
	if err != nil || row.withdrawn != 0 {
		return err
	}
	s, err := t.sign(ctx, withdrawal{Version: 1, Consent: consentID, Giver: subject, Withdrawn: now.UnixMicro()})
	if err != nil {
		return err
	}
	sealed, err := t.sealRecord(ctx, who.Number, consentID+"/withdrawn", s)
	if err != nil {
		return err
	}
	return t.store.withdraw(ctx, subject, consentID, now, sealed)
}

// Consents lists the consents of the person of ctx, the newest first, each
// checked against its signature.
func (t *Transparency) Consents(ctx context.Context) ([]Consent, error) {
	who, err := person(ctx)
	if err != nil {
		return nil, err
	}
	return t.consentsOf(ctx, who.Number)
}

// ConsentOf finds one consent of a person, for blocks that asked for it. Error:
// errs.NotFound "transparency.no_consent".
func (t *Transparency) ConsentOf(ctx context.Context, number, consentID string) (Consent, error) {
	row, err := t.store.consent(ctx, t.d.Keys.Pseudonym(number), consentID)
	if err != nil {
		return Consent{}, err
	}
	return t.readConsent(ctx, number, row)
}

// Consented implements exchange.Consents: how a person's permission stands for a
// use by that subsystem or its member, for that purpose, of every field wanted.
func (t *Transparency) Consented(ctx context.Context, u exchange.ConsentUse) (exchange.ConsentState, error) {
	_, state, err := t.permission(ctx, u)
	return state, err
}

// Use implements exchange.Consents. It joins the transaction of ctx; a
// withdrawal comes either before it or after the answer.
func (t *Transparency) Use(ctx context.Context, u exchange.ConsentUse) (exchange.ConsentState, error) {
	id, state, err := t.permission(ctx, u)
	if err != nil || state != exchange.ConsentStands {
		return state, err
	}
	counted, err := t.store.useConsent(ctx, id, u.At)
	if err == nil && !counted {
		state = exchange.ConsentSpent
	}
	return state, err
}

// permission finds the consent that covers a use: one that stands, or else the
// newest.
func (t *Transparency) permission(ctx context.Context, u exchange.ConsentUse) (id string, state exchange.ConsentState, err error) {
	all, err := t.consentsOf(ctx, u.Number)
	if err != nil {
		return "", "", err
	}
	state = exchange.ConsentMissing
	for _, c := range all {
		if !c.covers(u) {
			continue
		}
		now := c.standing(u.At)
		if now == exchange.ConsentStands {
			return c.ID, now, nil
		}
		if state == exchange.ConsentMissing {
			state = now
		}
	}
	return "", state, nil
}

// Standing says how a consent stands now, in the exchange's words.
func (t *Transparency) Standing(c Consent) exchange.ConsentState { return c.standing(t.d.Clock.Now()) }

func (c Consent) standing(at time.Time) exchange.ConsentState {
	return map[ConsentState]exchange.ConsentState{
		ConsentStands: exchange.ConsentStands, ConsentEnded: exchange.ConsentEnded,
		ConsentWithdrawn: exchange.ConsentWithdrawn, ConsentSpent: exchange.ConsentSpent,
	}[c.State(at)]
}

func (c Consent) covers(u exchange.ConsentUse) bool {
	uncovered := func(f string) bool { return !slices.Contains(c.Fields, f) }
	return (c.Request == "" || c.Request == u.Issue) && c.Purpose == u.Purpose && c.Service == u.Service.String() && (c.To == u.Client.String() || c.To == u.Client.Instance+"/"+u.Client.Owner().String()) &&
		len(u.Fields) > 0 && !slices.ContainsFunc(u.Fields, uncovered)
}

func (t *Transparency) consentsOf(ctx context.Context, number string) ([]Consent, error) {
	rows, err := t.store.consents(ctx, t.d.Keys.Pseudonym(number))
	if err != nil {
		return nil, err
	}
	out := make([]Consent, len(rows))
	for i, row := range rows {
		if out[i], err = t.readConsent(ctx, number, row); err != nil {
			return nil, fmt.Errorf("transparency: consent %s: %w", row.id, err)
		}
	}
	return out, nil
}

func (t *Transparency) readConsent(ctx context.Context, number string, row consentRow) (Consent, error) {
	var r consentRecord
	s, err := t.openRecord(ctx, number, row.id+"/given", row.given)
	if err != nil {
		return Consent{}, err
	}
	if err := json.Unmarshal(s.Record, &r); err != nil {
		return Consent{}, err
	}
	c := Consent{
		ID: r.ID, NewConsent: NewConsent{Purpose: r.Purpose, To: r.To, Service: r.Service, Fields: r.Fields, Until: time.UnixMicro(r.Until), Times: r.Times, Keep: r.Keep, Request: r.Request},
		Used:  row.used,
		Given: time.UnixMicro(r.Given), Record: s.Record, Signature: s.Signature, KeyID: s.KeyID, Public: s.Public,
	}
	if row.withdrawn != 0 {
		c.Withdrawn = time.UnixMicro(row.withdrawn)
	}
	if c.ID != row.id || r.Giver != t.d.Keys.Pseudonym(number) {
		return Consent{}, errs.New(errs.Internal, "transparency.consent_damaged")
	}
	return c, nil
}

func (t *Transparency) sign(ctx context.Context, record any) (signed, error) {
	b, err := json.Marshal(record)
	if err != nil {
		return signed{}, err
	}
	key, err := t.d.Keys.Ensure(ctx, consentOwner, keys.Sign, keys.Name{CommonName: "Consents"})
	if err != nil {
		return signed{}, err
	}
	public, ok := key.Public.(ed25519.PublicKey)
	if !ok {
		return signed{}, fmt.Errorf("transparency: consents are signed with Ed25519, key %s is a %T", key.ID, key.Public)
	}
	sig, err := t.d.Keys.Sign(ctx, key.ID, b)
	return signed{Record: b, Signature: sig, KeyID: key.ID, Public: public}, err
}

func (t *Transparency) sealRecord(ctx context.Context, number, what string, s signed) ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return t.d.Keys.Seal(ctx, number, b, []byte("transparency/consent/"+what))
}

func (t *Transparency) openRecord(ctx context.Context, number, what string, sealed []byte) (s signed, err error) {
	b, err := t.d.Keys.Unseal(ctx, number, sealed, []byte("transparency/consent/"+what))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, err
	}
	if len(s.Public) != ed25519.PublicKeySize || !ed25519.Verify(s.Public, s.Record, s.Signature) {
		return s, errs.New(errs.Internal, "transparency.consent_damaged")
	}
	return s, nil
}
