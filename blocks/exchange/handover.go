package exchange

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// deliveryTag is the tag of signatures over what nobody asked for just now.
const deliveryTag = "dinh-delivery"

// Handover is data that go to a subsystem because a grant lets it wait for them:
// nobody asks a question, but the rules are those of an answer.
type Handover struct {
	Client     SubsystemID // who receives
	Service    ServiceID   // what it receives from; its owner signs
	Operation  string
	Purpose    string // "" means that of the one fitting grant; never so for personal data
	Personal   bool   // whether the data are about people, so that a purpose must be named
	MessageID  string
	Subjects   []string        // personal numbers of those the data are about
	Body       json.RawMessage // the data, before they are limited to what is granted
	Recorded   []string        // fields of an earlier hand-over of the same data, which is not recorded twice
	Components func(body []byte) []httpsig.Component
	// Wrap puts the limited data into the message that is signed and sent; nil: they are it.
	Wrap func(data json.RawMessage) ([]byte, error)
}

// Handed is what may leave now.
type Handed struct {
	Body           []byte
	Purpose        string
	Fields         []string
	SignatureInput string // for the header of that name
	Signature      string
}

// Granted says whether the client has any grant on the service now. The owner's
// other subsystems have no more right than strangers.
func (x *Exchange) Granted(ctx context.Context, client SubsystemID, service ServiceID) (bool, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return false, unavailable("exchange.rules_unreadable", err)
	}
	return r.mayUse(client, service, x.clock.Now()), nil
}

// StillGranted says whether all of these grants let the client have answers of the
// service now. An answer that waited rests on the grants of its call (Answer.Grants):
// another one of the same pair, for something else, does not let it out. No answer
// under a grant that needs a consent may wait.
func (x *Exchange) StillGranted(ctx context.Context, client SubsystemID, service ServiceID, grants []string) (bool, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return false, unavailable("exchange.rules_unreadable", err)
	}
	now := x.clock.Now()
	for _, id := range grants {
		if !slices.ContainsFunc(r.grants[pair{client, service}], func(g *Grant) bool { return g.ID == id && g.activeAt(now) && !g.Consent }) {
			return false, nil
		}
	}
	return len(grants) > 0, nil
}

// MayWait decides whether the client may wait for the data of h (Body and what
// follows it are not needed) and gives the purpose. A refusal leaves its event.
// Refusals are those of Call.
func (x *Exchange) MayWait(ctx context.Context, h Handover) (purpose string, err error) {
	a := x.waiting(h)
	d, _, err := x.decideHandover(ctx, a)
	if err != nil {
		return "", x.refuse(ctx, a, err)
	}
	return d.purpose, nil
}

func (x *Exchange) waiting(h Handover) *ask {
	a := &ask{
		Call: Call{
			Client: h.Client, Service: h.Service, Purpose: h.Purpose, Subjects: h.Subjects, MessageID: h.MessageID,
		},
		operation: h.Operation, purposeFromGrant: h.Purpose == "" && !h.Personal,
	}
	x.identify(a, x.clock.Now())
	return a
}

func (x *Exchange) decideHandover(ctx context.Context, a *ask) (decision, int64, error) {
	r, err := x.freshen(ctx)
	if err != nil {
		return decision{}, 0, unavailable("exchange.rules_unreadable", err)
	}
	if !r.subsystems[a.Client] {
		return decision{}, 0, errs.New(errs.Forbidden, "exchange.unknown_client", "client", a.Client.String())
	}
	d, err := r.judge(a, x.clock.Now())
	return d, r.version, err
}

// HandOver decides under the newest rules, limits the data to what is granted,
// signs the message with the key of the service's owner, and makes the access
// events, the evidence and whatever also does durable in one transaction. Only
// then does it give the message, which may leave now. It must not be called in a
// transaction. A refusal leaves its event, but not errs.Forbidden
// exchange.record_not_granted: a filter keeps the data back, and nobody asked; nor
// errs.TooMany exchange.quota_spent: the data wait. What is Recorded costs nothing.
func (x *Exchange) HandOver(ctx context.Context, h Handover, also func(ctx context.Context, fields []string) error) (Handed, error) {
	if inTransaction(ctx) {
		return Handed{}, errs.New(errs.Internal, "exchange.in_transaction")
	}
	a := x.waiting(h)
	spent := false
	for range 5 {
		d, version, err := x.decideHandover(ctx, a)
		if err != nil {
			return Handed{}, x.refuse(ctx, a, err)
		}
		got, proof, err := x.sealHandover(ctx, h, d)
		if err != nil {
			return Handed{}, err
		}
		if slices.Equal(h.Recorded, d.fields) {
			return got, nil
		}
		if !spent {
			if err := x.buckets.spend(a, d, x.clock.Now()); err != nil {
				return Handed{}, err
			}
			spent = true
		}
		fresh, err := x.recordHandover(ctx, a, traceInfo{
			decision: d, outcome: OutcomeAnswered, records: 1, answer: proof,
		}, func(ctx context.Context) (int64, error) { return version, also(ctx, d.fields) })
		if err != nil || fresh {
			return got, err
		}
	}
	return Handed{}, errs.New(errs.Unavailable, "exchange.rules_changing")
}

// recordHandover writes the trace with what also does. It gives false, and wrote
// nothing, when the rules changed since the decision.
func (x *Exchange) recordHandover(ctx context.Context, a *ask, info traceInfo, also func(context.Context) (int64, error)) (fresh bool, err error) {
	t, err := x.trace(a, info)
	if err != nil {
		return false, unavailable("exchange.not_recorded", err)
	}
	now := x.clock.Now()
	t.evidence = &Evidence{
		RequestID: a.requestID, MessageID: field(a.MessageID), At: now, Client: a.Client.String(),
		Service: a.Service.String(), Answer: info.answer,
	}
	err = x.store.db.Write(ctx, func(ctx context.Context, _ Querier) error {
		version, err := also(ctx)
		if err != nil {
			return err
		}
		t.version = version
		if fresh, err = x.store.record(ctx, t); err == nil && !fresh {
			err = errs.New(errs.Unavailable, "exchange.rules_changing") // undoes also
		}
		return err
	})
	if err != nil && !fresh && errs.CodeOf(err) == "exchange.rules_changing" {
		return false, nil
	}
	return fresh, err
}

// sealHandover limits the data, makes the message of them and signs it.
func (x *Exchange) sealHandover(ctx context.Context, h Handover, d decision) (Handed, Proof, error) {
	trees, granted := d.lets(h.Body)
	if !granted {
		return Handed{}, Proof{}, errs.New(errs.Forbidden, "exchange.record_not_granted", "client", h.Client.String(), "service", h.Service.String())
	}
	body, err := h.Body, error(nil)
	for _, t := range trees {
		if err == nil {
			body, err = t.keep(body)
		}
	}
	if err != nil {
		return Handed{}, Proof{}, errs.New(errs.Unavailable, "exchange.answer_unreadable").Wrap(err)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		body = json.RawMessage("{}")
	}
	out := Handed{Body: body, Purpose: d.purpose, Fields: d.fields}
	if h.Wrap != nil {
		if out.Body, err = h.Wrap(body); err != nil {
			return Handed{}, Proof{}, err
		}
	}
	input, signature, proof, err := x.signMessage(ctx, h.Service.Owner(), h.Components(out.Body))
	out.SignatureInput, out.Signature = input, signature
	return out, proof, err
}

// SignMessage signs a message of a member that goes out of its own accord, with a
// signature of its own (RFC 9421, Ed25519), and gives the values of the headers
// Signature-Input and Signature. errs.Unavailable "exchange.cannot_sign".
func (x *Exchange) SignMessage(ctx context.Context, m MemberID, components []httpsig.Component) (input, signature string, err error) {
	input, signature, _, err = x.signMessage(ctx, m, components)
	return input, signature, err
}

func (x *Exchange) signMessage(ctx context.Context, m MemberID, components []httpsig.Component) (input, signature string, p Proof, err error) {
	signer := MemberKeys(x.keys)
	keyID, err := signer.KeyID(ctx, m)
	if err != nil {
		return "", "", Proof{}, unavailable("exchange.cannot_sign", err)
	}
	params := httpsig.Params{Created: x.clock.Now().Unix(), Alg: "ed25519", KeyID: keyID, Tag: deliveryTag}
	base := httpsig.Base(components, params)
	sig, err := signer.Sign(ctx, keyID, base)
	if err != nil {
		return "", "", Proof{}, unavailable("exchange.cannot_sign", err)
	}
	return httpsig.Input(signatureLabel, components, params), httpsig.Header(signatureLabel, sig),
		Proof{KeyID: keyID, Base: string(base), Signature: base64.StdEncoding.EncodeToString(sig)}, nil
}

// OwnUse is what somebody of the owner did with records of a service by hand.
// No other member takes part, so there is nothing to grant and nothing signed;
// the people concerned see it like any other access.
type OwnUse struct {
	Service     ServiceID
	Operation   string // OpRead, OpSearch, OpCreate or OpAmend
	User        string // the officer's id
	Purpose     string
	LegalBasis  string
	Application string // id of the public service, if it was for one
	Issue       string // dossier code, if there is one
	Fields      []string
	Subjects    []string // personal numbers; no more than a call may find
	Records     int
}

// RecordOwnUse makes one event for every person and their commitments durable.
// It joins the transaction of ctx. Only then may the records be shown.
// Errors: exchange.subject_missing, exchange.purpose_missing, exchange.not_recorded.
func (x *Exchange) RecordOwnUse(ctx context.Context, u OwnUse) error {
	switch {
	case len(u.Subjects) == 0:
		return errs.New(errs.Invalid, "exchange.subject_missing")
	case u.Purpose == "" || u.LegalBasis == "":
		return errs.New(errs.Invalid, "exchange.purpose_missing")
	}
	t, err := x.trace(&ask{
		Call:      Call{Client: u.Service.SubsystemID, Service: u.Service, UserID: u.User, Application: u.Application, Issue: u.Issue},
		operation: u.Operation,
	}, traceInfo{
		decision: decision{purpose: u.Purpose, legalBasis: u.LegalBasis, fields: u.Fields},
		outcome:  OutcomeAnswered, records: u.Records, found: u.Subjects,
	})
	if err == nil {
		_, err = x.store.record(ctx, t)
	}
	if err != nil {
		return unavailable("exchange.not_recorded", err)
	}
	return nil
}
