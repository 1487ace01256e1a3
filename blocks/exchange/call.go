package exchange

import (
	"context"
	"encoding/base64"
	"slices"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// Call asks a question for a subsystem of this instance and gives the answer
// when its events are durable. The caller vouches that it speaks for the client.
//
// It must not be called inside db.Write: the answer would be used before its
// event is durable (errs.Internal "exchange.in_transaction"). A create or amend
// whose trace could not be written has happened and is answered with
// errs.Unavailable "exchange.not_recorded"; repeat it with the same MessageID,
// by which the provider recognises it.
//
// Refusals: errs.Forbidden exchange.no_grant, grant_revoked, grant_not_yet,
// grant_expired, operation_not_granted, purpose_not_granted,
// legal_basis_not_granted, field_not_granted, no_endpoint, unknown_client;
// errs.TooMany exchange.quota_spent;
// errs.NotFound exchange.unknown_service; errs.Invalid exchange.purpose_missing
// and bad_…; errs.Unavailable exchange.provider_failed, answer_unreadable,
// not_recorded; and the provider's own refusals.
func (x *Exchange) Call(ctx context.Context, c Call) (Answer, error) {
	return x.do(ctx, &ask{Call: c})
}

func (x *Exchange) do(ctx context.Context, a *ask) (Answer, error) {
	if inTransaction(ctx) {
		return Answer{}, errs.New(errs.Internal, "exchange.in_transaction")
	}
	now := x.clock.Now()
	x.identify(a, now)
	o := x.offer(a.Service)
	if err := a.prepare(o); err != nil {
		return Answer{}, x.refuse(ctx, a, err)
	}
	d, version, err := x.admit(ctx, a)
	if err == nil && o == nil {
		err = errs.New(errs.NotFound, "exchange.unknown_service", "service", a.Service.String())
	}
	if err == nil {
		err = x.buckets.spend(a, d, now)
	}
	if err != nil {
		return Answer{}, x.refuse(ctx, a, err)
	}
	return x.exchange(ctx, &run{ask: a, offered: o, decision: d, version: version, now: now})
}

// identify gives the call its ids.
func (x *Exchange) identify(a *ask, now time.Time) {
	if a.requestID == "" {
		a.requestID = id.New(now)
	}
	if a.MessageID == "" {
		a.MessageID = x.instance + "-" + id.New(now)
		a.generatedID = a.MessageID
	}
}

// admit decides a call. A change is decided under rules checked to be the
// newest, because it cannot be taken back; a question under those in memory,
// because its answer is judged again when it is recorded. A refusal is only final
// under the newest.
func (x *Exchange) admit(ctx context.Context, a *ask) (decision, int64, error) {
	get := x.current
	if a.changes() {
		get = x.freshen
	}
	r, err := get(ctx)
	if err != nil {
		return decision{}, 0, unavailable("exchange.rules_unreadable", err)
	}
	d, err := r.judge(a, x.clock.Now())
	if err == nil || a.changes() {
		return d, r.version, err
	}
	newest, ferr := x.freshen(ctx)
	if ferr != nil {
		return decision{}, 0, unavailable("exchange.rules_unreadable", ferr)
	}
	if newest != r {
		d, err = newest.judge(a, x.clock.Now())
	}
	return d, newest.version, err
}

func (a *ask) changes() bool { return a.operation == OpCreate || a.operation == OpAmend }

func unavailable(code string, cause error) error {
	return errs.New(errs.Unavailable, code).Wrap(cause)
}

// run is one admitted call: what both sides sign and what is recorded.
type run struct {
	*ask
	offered  *offered
	decision decision
	version  int64
	now      time.Time

	request Proof
	answer  Proof
}

// exchange takes an admitted call to the provider and back.
func (x *Exchange) exchange(ctx context.Context, r *run) (Answer, error) {
	r.hash = r.requestHash(r.decision)
	if err := x.sign(ctx, r.Client.Owner(), &r.request, r.requestComponents(r.decision)); err != nil {
		return Answer{}, x.refuse(ctx, r.ask, unavailable("exchange.cannot_sign", err))
	}
	got, err := x.deliver(ctx, r)
	if err != nil {
		return Answer{}, x.failed(ctx, r, err)
	}
	events, err := x.recordAnswer(ctx, r, got)
	if err != nil {
		return Answer{}, err
	}
	return Answer{
		Status: got.status, ContentType: got.contentType, Body: got.body, MessageID: r.MessageID,
		RequestID: r.requestID, RequestHash: r.hash, Events: events, At: r.now, Fields: r.decision.fields,
	}, nil
}

// sign makes a proof with the member's current key.
func (x *Exchange) sign(ctx context.Context, m MemberID, p *Proof, components []Component) error {
	keyID, err := x.signer.KeyID(ctx, m)
	if err != nil {
		return err
	}
	base := SignatureBase(components, x.params(keyID, x.clock.Now()))
	sig, err := x.signer.Sign(ctx, keyID, base)
	if err != nil {
		return err
	}
	*p = Proof{KeyID: keyID, Base: string(base), Signature: base64.StdEncoding.EncodeToString(sig)}
	return nil
}

// verify checks that a proof covers exactly these components and was made by the
// member.
func (x *Exchange) verify(ctx context.Context, m MemberID, p Proof, components []Component) error {
	sig, err := base64.StdEncoding.DecodeString(p.Signature)
	if err != nil {
		return errs.New(errs.Forbidden, "exchange.signature_false", "member", m.String()).Wrap(err)
	}
	lines := make([]byte, 0, len(p.Base))
	for _, c := range components {
		lines = append(append(append(c.identifier(lines), ": "...), c.Value...), '\n')
	}
	if len(p.Base) < len(lines) || p.Base[:len(lines)] != string(lines) {
		return errs.New(errs.Forbidden, "exchange.signature_false", "member", m.String())
	}
	return x.signer.Verify(ctx, m, p.KeyID, Signed{Message: []byte(p.Base), Signature: sig})
}

// deliver is the provider's side and the asker's check of what comes back.
func (x *Exchange) deliver(ctx context.Context, r *run) (answered, error) {
	if err := x.verify(ctx, r.Client.Owner(), r.request, r.requestComponents(r.decision)); err != nil {
		return answered{}, err
	}
	reply, err := r.offered.provider.Serve(ctx, Delivery{
		Service: r.Service, Client: r.Client, Operation: r.operation, Method: r.Method, Path: r.Path, Query: r.Query,
		ContentType: r.ContentType, Body: r.Body, MessageID: r.MessageID, Purpose: r.decision.purpose,
		LegalBasis: r.decision.legalBasis, Issue: r.Issue, UserID: r.UserID,
	})
	if err != nil {
		if k := errs.KindOf(err); k == errs.Internal || k == errs.Unavailable {
			return answered{}, unavailable("exchange.provider_failed", err)
		}
		return answered{}, err
	}
	got, err := limited(reply, r.decision.tree)
	if err != nil {
		return answered{}, err
	}
	requestSignature := ":" + r.request.Signature + ":"
	components := r.answerComponents(got, requestSignature)
	if err := x.sign(ctx, r.Service.Owner(), &r.answer, components); err != nil {
		return answered{}, unavailable("exchange.cannot_sign", err)
	}
	return got, x.verify(ctx, r.Service.Owner(), r.answer, components)
}

// limited brings a provider's reply down to what was granted.
func limited(reply Reply, tree *fieldTree) (answered, error) {
	got := answered{status: reply.Status, contentType: reply.ContentType, subjects: reply.Subjects}
	if got.status == 0 {
		got.status = 200
	}
	if got.status < 200 || got.status > 599 || len(reply.Body) > maxBody || len(reply.Subjects) > maxSubjects {
		return answered{}, errs.New(errs.Unavailable, "exchange.answer_unreadable")
	}
	var err error
	switch {
	case got.status >= 400 && tree.all:
		got.body = reply.Body
	case got.status >= 400:
		got.body = keepProblem(reply.Body)
	default:
		got.body, got.records, err = filterBody(reply.Body, tree)
	}
	if got.contentType == "" && len(got.body) > 0 {
		got.contentType = "application/json"
	}
	return got, err
}

// recordAnswer makes the trace durable. When the rules changed since the call
// was admitted, it is judged again first; what is no longer granted stays here.
func (x *Exchange) recordAnswer(ctx context.Context, r *run, got answered) ([]string, error) {
	outcome, reason := OutcomeAnswered, ""
	if got.status >= 400 {
		outcome, reason = OutcomeFailed, "exchange.provider_status"
	}
	for range 5 {
		t, err := x.trace(r.ask, traceInfo{
			decision: r.decision, outcome: outcome, reason: reason, records: got.records, found: got.subjects,
			request: r.request, answer: r.answer,
		})
		if err != nil {
			return nil, unavailable("exchange.not_recorded", err)
		}
		if !r.changes() {
			t.version = r.version
		}
		fresh, err := x.store.record(ctx, t)
		if err != nil {
			return nil, unavailable("exchange.not_recorded", err)
		}
		if fresh {
			return t.ids(), nil
		}
		newest, err := x.freshen(ctx)
		if err != nil {
			return nil, unavailable("exchange.rules_unreadable", err)
		}
		d, err := newest.judge(r.ask, x.clock.Now())
		if err == nil && (d.purpose != r.decision.purpose || len(d.tree.missing(r.decision.fields)) > 0) {
			err = errs.New(errs.Forbidden, "exchange.grant_revoked", "client", r.Client.String(), "service", r.Service.String())
		}
		if err != nil {
			return nil, x.refuse(ctx, r.ask, err)
		}
		r.version = newest.version
	}
	return nil, errs.New(errs.Unavailable, "exchange.rules_changing")
}

// refuse leaves the trace of a call that was not made, and gives its error.
func (x *Exchange) refuse(ctx context.Context, a *ask, cause error) error {
	return x.note(ctx, a, traceInfo{
		decision: decision{purpose: a.Purpose, legalBasis: a.LegalBasis, fields: a.Fields},
		outcome:  OutcomeRefused, reason: errs.CodeOf(cause),
	}, cause)
}

// failed leaves the trace of a call that brought nothing, and gives its error.
func (x *Exchange) failed(ctx context.Context, r *run, cause error) error {
	return x.note(ctx, r.ask, traceInfo{
		decision: r.decision, outcome: OutcomeFailed, reason: errs.CodeOf(cause), request: r.request, answer: r.answer,
	}, cause)
}

// note records what brought no data. A caller that has gone away does not stop
// it: who hangs up must not stay unseen.
func (x *Exchange) note(ctx context.Context, a *ask, info traceInfo, cause error) error {
	t, err := x.trace(a, info)
	if err == nil {
		_, err = x.store.record(context.WithoutCancel(ctx), t)
	}
	if err != nil {
		x.log.ErrorContext(ctx, "exchange: refusal not recorded", "code", errs.CodeOf(cause), "error", err)
		return unavailable("exchange.not_recorded", err)
	}
	return cause
}

// traceInfo is what differs between the traces of one call.
type traceInfo struct {
	decision        decision
	outcome, reason string
	records         int
	found           []string
	request, answer Proof
}

// trace is what one Write makes durable.
type trace struct {
	version  int64 // that must still be current; 0: any
	entries  []entry
	evidence *Evidence
}

func (t trace) ids() []string {
	out := make([]string, len(t.entries))
	for i, e := range t.entries {
		out[i] = e.ID
	}
	return out
}

// trace makes one event for every person, or one for nobody.
func (x *Exchange) trace(a *ask, info traceInfo) (trace, error) {
	now := x.clock.Now()
	e := Event{
		At: now, Client: field(a.Client.String()), Service: field(a.Service.String()), Operation: a.operation,
		Purpose: field(info.decision.purpose), LegalBasis: field(info.decision.legalBasis), Application: field(a.Application),
		Issue: field(a.Issue), MessageID: field(a.MessageID), UserID: field(a.UserID), Represented: field(a.Represented),
		Fields: fieldsOf(info.decision.fields), Records: info.records, Outcome: info.outcome, Reason: info.reason,
	}
	t := trace{}
	if info.request.Base != "" {
		e.RequestDigest = digest([]byte(info.request.Base))
		t.evidence = &Evidence{
			RequestID: a.requestID, MessageID: e.MessageID, At: now, Client: e.Client, Service: e.Service,
			Request: info.request, Answer: info.answer, RequestHash: a.hash,
		}
	}
	if info.answer.Base != "" {
		e.AnswerDigest = digest([]byte(info.answer.Base))
	}
	for _, s := range x.pseudonyms(a.Subjects, info.found) {
		e.ID, e.Subject = id.New(now), s
		made, err := newEntry(e)
		if err != nil {
			return trace{}, err
		}
		t.entries = append(t.entries, made)
	}
	return t, nil
}

// pseudonyms of everybody named or found, each once; one empty for nobody.
func (x *Exchange) pseudonyms(named, found []string) []string {
	out := make([]string, 0, len(named)+len(found)+1)
	for _, n := range slices.Concat(named[:min(len(named), maxSubjects)], found) {
		if n == "" {
			continue
		}
		if p := x.keys.Pseudonym(n); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		out = append(out, "")
	}
	return out
}

// field keeps what a refused caller sent within bounds and printable.
func field(s string) string {
	if len(s) > maxText {
		return clip(s)
	}
	return printable(s)
}

func fieldsOf(fields []string) []string {
	out := make([]string, 0, len(fields))
	for _, f := range fields[:min(len(fields), 200)] {
		out = append(out, field(f))
	}
	return out
}
