package exchange

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// The outcomes of an event.
const (
	OutcomeAnswered = "answered" // data were handed over or changed
	OutcomeFailed   = "failed"   // the provider was asked and gave none
	OutcomeRefused  = "refused"  // the provider was not asked
)

// Event is one access to one person's data. Subject is the person's pseudonym,
// or empty when nobody's data were found or named.
type Event struct {
	ID            string
	At            time.Time
	Subject       string
	Client        string
	Service       string
	Operation     string
	Purpose       string
	LegalBasis    string
	Application   string
	Issue         string
	MessageID     string
	UserID        string
	Represented   string
	Fields        []string
	Records       int
	Outcome       string
	Reason        string // the code of the refusal or failure
	RequestDigest string // SHA-256 of the signed request, base64
	AnswerDigest  string // SHA-256 of the signed answer; empty when there was none
}

// canonicalEvent fixes names and order of the canonical form. It only ever
// grows a new version; what was committed must be found again byte for byte.
type canonicalEvent struct {
	Version       int      `json:"v"`
	ID            string   `json:"id"`
	At            int64    `json:"at"` // microseconds since 1970
	Subject       string   `json:"subject"`
	Client        string   `json:"client"`
	Service       string   `json:"service"`
	Operation     string   `json:"operation"`
	Purpose       string   `json:"purpose"`
	LegalBasis    string   `json:"legal_basis"`
	Application   string   `json:"application"`
	Issue         string   `json:"issue"`
	MessageID     string   `json:"message_id"`
	UserID        string   `json:"user_id"`
	Represented   string   `json:"represented"`
	Fields        []string `json:"fields"`
	Records       int      `json:"records"`
	Outcome       string   `json:"outcome"`
	Reason        string   `json:"reason"`
	RequestDigest string   `json:"request_digest"`
	AnswerDigest  string   `json:"answer_digest"`
}

// Canonical is the one spelling of an event that is committed to the ledger.
func (e Event) Canonical() []byte {
	fields := e.Fields
	if fields == nil {
		fields = []string{}
	}
	b, err := json.Marshal(canonicalEvent{
		Version: 1, ID: e.ID, At: e.At.UnixMicro(), Subject: e.Subject, Client: e.Client, Service: e.Service,
		Operation: e.Operation, Purpose: e.Purpose, LegalBasis: e.LegalBasis, Application: e.Application,
		Issue: e.Issue, MessageID: e.MessageID, UserID: e.UserID, Represented: e.Represented, Fields: fields,
		Records: e.Records, Outcome: e.Outcome, Reason: e.Reason,
		RequestDigest: e.RequestDigest, AnswerDigest: e.AnswerDigest,
	})
	if err != nil {
		panic("exchange: an event of strings and numbers did not become JSON: " + err.Error())
	}
	return b
}

// ParseCanonical reads what Canonical wrote, as it stands in receipts. The error
// is errs.Invalid "exchange.bad_event", also for any other spelling of the same
// event.
func ParseCanonical(b []byte) (Event, error) {
	var c canonicalEvent
	if err := json.Unmarshal(b, &c); err != nil || c.Version != 1 {
		return Event{}, errs.New(errs.Invalid, "exchange.bad_event").Wrap(err)
	}
	e := Event{
		ID: c.ID, At: time.UnixMicro(c.At).UTC(), Subject: c.Subject, Client: c.Client, Service: c.Service,
		Operation: c.Operation, Purpose: c.Purpose, LegalBasis: c.LegalBasis, Application: c.Application,
		Issue: c.Issue, MessageID: c.MessageID, UserID: c.UserID, Represented: c.Represented, Fields: c.Fields,
		Records: c.Records, Outcome: c.Outcome, Reason: c.Reason,
		RequestDigest: c.RequestDigest, AnswerDigest: c.AnswerDigest,
	}
	if string(e.Canonical()) != string(b) {
		return Event{}, errs.New(errs.Invalid, "exchange.bad_event")
	}
	return e, nil
}

// entry is an event ready to be written: with the key of its commitment.
type entry struct {
	Event
	key  string // base64url
	leaf []byte
}

func newEntry(e Event) (entry, error) {
	key := id.Token(32)
	raw, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return entry{}, err
	}
	return entry{Event: e, key: key, leaf: ledger.Commit(raw, e.Canonical())}, nil
}

// Events lists a person's events, the latest first: those before the event id
// before, or from the latest when it is empty. subject is the pseudonym
// (keys.Pseudonym of the personal number); the caller has checked who may see
// it. limit is held between 1 and 500.
func (x *Exchange) Events(ctx context.Context, subject, before string, limit int) ([]Event, error) {
	if subject == "" {
		return nil, errs.New(errs.Invalid, "exchange.subject_missing")
	}
	return x.store.events(ctx, subject, before, min(max(limit, 1), 500))
}

// Event gives one event with the key and the canonical bytes of its commitment:
// ledger.Commit(key, canonical) is the leaf with the event's id. errs.NotFound
// "exchange.no_event" when there is none; errs.Gone "exchange.event_erased" when
// the key was destroyed.
func (x *Exchange) Event(ctx context.Context, eventID string) (e Event, key, canonical []byte, err error) {
	e, text, err := x.store.event(ctx, eventID)
	if err != nil {
		return Event{}, nil, nil, err
	}
	if text == "" {
		return Event{}, nil, nil, errs.New(errs.Gone, "exchange.event_erased", "id", eventID)
	}
	key, err = base64.RawURLEncoding.DecodeString(text)
	return e, key, e.Canonical(), err
}

// CountEvents counts a person's events; with an empty subject all events.
func (x *Exchange) CountEvents(ctx context.Context, subject string) (int64, error) {
	return x.store.countEvents(ctx, subject)
}

// Evidence is what proves an exchange to a third party: both signed texts with
// their signatures and keys. Bodies are in it as digests only.
type Evidence struct {
	RequestID, MessageID string
	At                   time.Time
	Client, Service      string
	Request, Answer      Proof
	RequestHash          string
}

// Proof is a signed text. Base is the RFC 9421 signature base.
type Proof struct {
	KeyID, Base, Signature string
	Created                int64 // seconds since 1970; stands in Base too
}

// Evidence lists the evidence of a message id, the oldest first: one entry for
// every time it was sent.
func (x *Exchange) Evidence(ctx context.Context, messageID string) ([]Evidence, error) {
	return x.store.evidence(ctx, messageID)
}

func digest(base string) string {
	sum := sha256.Sum256([]byte(base))
	return base64.StdEncoding.EncodeToString(sum[:])
}
