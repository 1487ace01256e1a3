package exchange

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// inbound is a question as the provider's side has it.
type inbound struct {
	*ask
	node string // that it came from; "": this one
	// prove settles whether the client sent what arrived. It is called once, when
	// the whole body was seen: it completes the ask's request proof.
	prove func(context.Context, sums) error
}

// outbound is an answer on its way out, whose events are durable. The stream, if
// it has one, ends only when the proof is there and durable too.
type outbound struct {
	Answer
	run  *run
	sums sums // of the answer's body
}

// run is one admitted call: what both sides sign and what is recorded.
type run struct {
	*inbound
	offered  *offered
	decision decision
	version  int64
	now      time.Time
	answer   Proof
}

// answer is the provider's side of a call: it decides, asks the provider, limits
// what it gives, signs and records. Every error has left its trace.
func (x *Exchange) answer(ctx context.Context, in *inbound) (*outbound, error) {
	o, err := x.find(ctx, in.ask)
	r := &run{inbound: in, offered: o, now: x.clock.Now()}
	if err == nil {
		err = in.settleOperation(o)
	}
	if err == nil {
		err = x.atHome(ctx, in)
	}
	if err == nil && in.stream == nil {
		err = r.prove(ctx, r.sumsOfBody())
	}
	if err == nil {
		r.decision, r.version, err = x.admit(ctx, in)
	}
	if err == nil && o != nil && in.stream != nil && !r.mayStream() {
		if err = r.hold(ctx); err == nil { // what the body says decides too
			r.decision, r.version, err = x.admit(ctx, in)
		}
	}
	if err == nil {
		err = x.consented(ctx, in.ask, r.decision)
	}
	if err == nil && o == nil {
		err = errs.New(errs.NotFound, "exchange.unknown_service", "service", in.Service.String())
	}
	if err == nil {
		err = x.buckets.spend(in.ask, r.decision, r.now)
	}
	if err == nil {
		err = x.onlyOnce(ctx, r)
	}
	if err != nil {
		return nil, x.refuse(ctx, in.ask, err)
	}
	got, err := x.deliver(ctx, r)
	if err != nil {
		x.forgetMark(ctx, r, err)
		return nil, x.failed(ctx, r, err)
	}
	out := &outbound{run: r, Answer: Answer{
		Status: got.status, ContentType: got.contentType, Headers: got.headers, MessageID: r.MessageID, RequestID: r.requestID,
		RequestHash: r.hash, At: r.now, Fields: r.decision.fields,
	}}
	if got.stream != nil {
		if out.Events, err = x.record(ctx, r, got); err != nil {
			_ = got.stream.Close()
			return nil, err
		}
		out.Length, out.rests = got.length, r.decision.grants
		out.Stream = closing{newLastHeld(got.stream, got.length, false, func(s sums) error {
			got.sums, out.sums = s, s
			return x.signAfter(ctx, r, got)
		}), got.stream}
		return out, nil
	}
	if out.Events, err = x.record(ctx, r, got); err != nil {
		return nil, err
	}
	out.Body, out.Length, out.sums, out.rests = got.body, int64(len(got.body)), got.sums, r.decision.grants
	return out, nil
}

// mayStream says whether a long body may pass without being read here: to a
// service that takes it as it comes, under a grant of everything.
func (r *run) mayStream() bool {
	_, streams := r.offered.provider.(StreamProvider)
	return streams && r.decision.tree.all && !r.decision.needsConsent()
}

// hold reads a long body whole, to its proof, so that it can be judged as a
// short one is.
func (r *run) hold(ctx context.Context) error {
	body := newLastHeld(r.stream, r.length, r.node == "", func(s sums) error { return r.prove(ctx, s) })
	defer r.stream.Close()
	whole, fits, err := held(body, maxBody)
	switch {
	case err != nil:
		return bodyError(err)
	case !fits:
		return errs.New(errs.TooLarge, "exchange.body_too_large", "max", maxBody)
	}
	r.Body, r.stream = whole, nil
	return nil
}

// closing is a reader that closes its source.
type closing struct {
	io.Reader
	io.Closer
}

// sumsOfBody leaves out what only the client's own node needs.
func (in *inbound) sumsOfBody() sums {
	if in.node != "" {
		return digestOf(in.Body)
	}
	return sumsOf(in.Body)
}

// admit decides a call. A change is decided under rules checked to be the
// newest, because it cannot be taken back; a question under those in memory,
// because its answer is judged again when it is recorded. A refusal is only final
// under the newest.
func (x *Exchange) admit(ctx context.Context, in *inbound) (decision, int64, error) {
	get := x.current
	if in.changes() && !in.fresh {
		get = x.freshen
	}
	r, err := get(ctx)
	if err != nil {
		return decision{}, 0, unavailable("exchange.rules_unreadable", err)
	}
	d, err := r.judge(in.ask, x.clock.Now())
	if err == nil || in.changes() {
		return d, r.version, err
	}
	newest, ferr := x.freshen(ctx)
	if ferr != nil {
		return decision{}, 0, unavailable("exchange.rules_unreadable", ferr)
	}
	if newest != r {
		d, err = newest.judge(in.ask, x.clock.Now())
	}
	return d, newest.version, err
}

// atHome checks that the client is a subsystem of the node that it asks from.
func (x *Exchange) atHome(ctx context.Context, in *inbound) error {
	if in.node != "" {
		if n, ok := x.directory.NodeOf(in.Client); !ok || n.ID != in.node {
			return errs.New(errs.Forbidden, "exchange.unknown_client", "client", in.Client.String())
		}
		return nil
	}
	for _, get := range []func(context.Context) (*rules, error){x.current, x.freshen} {
		r, err := get(ctx)
		if err != nil {
			return unavailable("exchange.rules_unreadable", err)
		}
		if r.subsystems[in.Client] {
			return nil
		}
	}
	return errs.New(errs.Forbidden, "exchange.unknown_client", "client", in.Client.String())
}

func (a *ask) changes() bool { return a.operation == OpCreate || a.operation == OpAmend }

// marked says whether a repetition of the call has to be told from it: a change,
// by a service that could not tell itself, under an id that the client chose. Who
// chose none has nothing to repeat.
func (r *run) marked() bool { return r.changes() && r.offered.once && r.generatedID == "" }

// onlyOnce lets a change through once. The mark is durable before the provider
// is asked.
func (x *Exchange) onlyOnce(ctx context.Context, r *run) error {
	if !r.marked() {
		return nil
	}
	m := &marking{key: r.markKey(), at: r.now, done: make(chan struct{})}
	x.marks.put(m)
	select {
	case <-m.done:
	case <-ctx.Done():
		return unavailable("exchange.not_recorded", ctx.Err())
	}
	switch {
	case m.err != nil:
		return unavailable("exchange.not_recorded", m.err)
	case !m.first:
		return errs.New(errs.Conflict, "exchange.delivered_before", "id", clip(printable(r.MessageID)))
	}
	return nil
}

// forgetMark lets a change be repeated that certainly reached nobody.
func (x *Exchange) forgetMark(ctx context.Context, r *run, cause error) {
	if code := errs.CodeOf(cause); !r.marked() || code != "exchange.provider_unreachable" && code != "exchange.provider_tls" {
		return
	}
	if err := x.store.unmark(context.WithoutCancel(ctx), r.markKey()); err != nil {
		x.log.WarnContext(ctx, "exchange: a change that reached nobody cannot be repeated under its id", "request", r.requestID, "error", err)
	}
}

// markKey tells one change from another: the same id for another service or
// another path is another change.
func (r *run) markKey() string {
	return r.Client.String() + " " + digest(r.Method+" "+r.target()) + " " + r.MessageID
}

// marking is a change that is about to be delivered.
type marking struct {
	key   string
	at    time.Time
	first bool
	err   error
	done  chan struct{}
}

// deliver asks the provider and limits what it gives.
func (x *Exchange) deliver(ctx context.Context, r *run) (answered, error) {
	d := Delivery{
		Service: r.Service, Client: r.Client, Operation: r.operation, Method: r.Method, Path: r.Path, Query: r.Query,
		ContentType: r.ContentType, Headers: r.passed, Body: r.Body, MessageID: r.MessageID, Purpose: r.decision.purpose,
		LegalBasis: r.decision.legalBasis, Issue: r.Issue, UserID: r.UserID,
	}
	var up *upload
	if r.stream != nil {
		up = newUpload(r.stream, r.length, r.node == "", func(s sums) error { return r.prove(ctx, s) })
		defer up.leave()
		d.Stream, d.Length = up.body, r.length
	}
	r.sentAt = x.clock.Now()
	reply, err := r.offered.provider.Serve(ctx, d)
	r.gotAt = x.clock.Now()
	if up != nil {
		err = up.outcome(ctx, reply, err)
	}
	if err != nil {
		if reply.Stream != nil {
			_ = reply.Stream.Close()
		}
		k := errs.KindOf(err)
		if (k == errs.Internal || k == errs.Unavailable) && !strings.HasPrefix(errs.CodeOf(err), "exchange.") {
			return answered{}, unavailable("exchange.provider_failed", err)
		}
		return answered{}, x.hide(ctx, r, err)
	}
	got, err := limited(reply, r.decision)
	return got, x.hide(ctx, r, err)
}

// bodyError words what went wrong with a request's body on its way.
func bodyError(err error) error {
	if _, coded := errs.As(err); coded {
		return err
	}
	if errors.Is(err, errLength) {
		return errs.New(errs.Invalid, "exchange.body_length").Wrap(err)
	}
	return errs.New(errs.Invalid, "exchange.bad_body").Wrap(err)
}

// limited brings a provider's reply down to what was granted.
func limited(reply Reply, d decision) (answered, error) {
	tree, filtered := d.tree, d.filtered()
	got := answered{
		status: reply.Status, contentType: reply.ContentType, headers: ofTheAnswer(reply.Headers), subjects: reply.Subjects,
		stream: reply.Stream, length: reply.Length,
	}
	if got.status == 0 {
		got.status = 200
	}
	body := reply.Body
	if got.stream != nil && (!tree.all || filtered || got.status >= 400) {
		var whole bool
		var err error
		body, whole, err = held(got.stream, maxBody)
		_ = got.stream.Close()
		got.stream = nil
		if err != nil || !whole {
			return answered{}, unavailable("exchange.answer_unreadable", err)
		}
	}
	if got.status < 200 || got.status > 599 || len(reply.Subjects) > maxSubjects {
		if got.stream != nil {
			_ = got.stream.Close()
		}
		return answered{}, errs.New(errs.Unavailable, "exchange.answer_unreadable")
	}
	var err error
	switch {
	case got.stream != nil:
		got.records = 1
		return got, nil
	case filtered:
		got, err = d.limitFiltered(got, body)
	case got.status >= 400 && tree.all:
		got.body = body
	case got.status >= 400:
		got.body = keepProblem(body)
		if !isJSONType(got.contentType) {
			got.contentType = ""
		}
	default:
		got.body, got.records, err = filterBody(body, tree)
	}
	if got.contentType == "" && len(got.body) > 0 {
		got.contentType = "application/json"
	}
	got.sums = digestOf(got.body)
	return got, err
}

// signAfter signs an answer that streamed, whose trace was durable before its
// first byte left, and keeps the evidence of it before its last one does.
func (x *Exchange) signAfter(ctx context.Context, r *run, got answered) error {
	signature := ":" + r.request.Signature + ":"
	err := x.seal(ctx, &x.answers, &sealing{
		owner: r.Service.Owner(), proof: &r.answer, components: func() []httpsig.Component { return r.answerComponents(got, signature) },
		trace: func() (trace, error) { return trace{evidence: r.evidence(x.clock.Now(), r.request, r.answer)}, nil },
	})
	if err != nil {
		return unavailable("exchange.not_recorded", err)
	}
	if r.node != "" {
		return nil
	}
	return x.verify(ctx, r.Service.Owner(), r.answer, r.answerComponents(got, signature))
}

// record makes the trace durable before anything leaves, and signs the answer
// with it unless that streams. When the rules changed since the call was
// admitted, it is judged again first; what is no longer granted stays here.
func (x *Exchange) record(ctx context.Context, r *run, got answered) ([]string, error) {
	outcome, reason := OutcomeAnswered, ""
	if got.status >= 400 {
		outcome, reason = OutcomeFailed, "exchange.provider_status"
	}
	signature := ":" + r.request.Signature + ":"
	for range 5 {
		s := &sealing{
			owner: r.Service.Owner(), proof: &r.answer,
			trace: func() (trace, error) {
				t, err := x.trace(r.ask, traceInfo{
					decision: r.decision, outcome: outcome, reason: reason, records: got.records, found: got.subjects,
					request: r.request, answer: r.answer,
				})
				if !r.changes() {
					t.version = r.version
				}
				t.permit = x.permit(r.ask, r.decision)
				return t, err
			},
		}
		if got.stream == nil {
			s.components = func() []httpsig.Component { return r.answerComponents(got, signature) }
		}
		if err := x.seal(ctx, &x.answers, s); errs.KindOf(err) == errs.Forbidden { // the consent has ended meanwhile
			return nil, x.refuse(ctx, r.ask, err)
		} else if err != nil {
			return nil, unavailable("exchange.not_recorded", err)
		}
		if s.fresh && (r.node != "" || got.stream != nil) {
			return s.made.ids(), nil // the asking node verifies what it gets; a stream is signed at its end
		}
		if s.fresh {
			return s.made.ids(), x.verify(ctx, r.Service.Owner(), r.answer, r.answerComponents(got, signature))
		}
		newest, err := x.freshen(ctx)
		if err != nil {
			return nil, unavailable("exchange.rules_unreadable", err)
		}
		d, err := newest.judge(r.ask, x.clock.Now())
		if err == nil && (d.purpose != r.decision.purpose || len(d.tree.missing(r.decision.fields)) > 0 || d.narrower(r.decision)) {
			err = errs.New(errs.Forbidden, "exchange.grant_revoked", "client", r.Client.String(), "service", r.Service.String())
		}
		if err != nil {
			return nil, x.refuse(ctx, r.ask, err)
		}
		r.version, r.decision.grants = newest.version, d.grants
	}
	return nil, errs.New(errs.Unavailable, "exchange.rules_changing")
}

// refuse leaves the trace of a call that was not made, and gives its error.
func (x *Exchange) refuse(ctx context.Context, a *ask, cause error) error {
	return x.note(ctx, a, traceInfo{
		decision: decision{purpose: a.Purpose, legalBasis: a.LegalBasis, fields: a.Fields},
		outcome:  OutcomeRefused, reason: errs.CodeOf(cause), request: a.request,
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
	err := x.seal(context.WithoutCancel(ctx), &x.answers, &sealing{trace: func() (trace, error) { return x.trace(a, info) }})
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
	version  int64                       // that must still be current; 0: any
	permit   func(context.Context) error // nil: nobody need be asked
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
	t := trace{evidence: a.evidence(now, info.request, info.answer)}
	if info.request.Base != "" {
		e.RequestDigest = digest(info.request.Base)
	}
	if info.answer.Base != "" {
		e.AnswerDigest = digest(info.answer.Base)
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

// evidence is what is kept of a call's proofs; nil when there is none.
func (a *ask) evidence(now time.Time, request, answer Proof) *Evidence {
	if request.Base == "" {
		return nil
	}
	return &Evidence{
		RequestID: a.requestID, MessageID: field(a.MessageID), At: now, Client: field(a.Client.String()),
		Service: field(a.Service.String()), Request: request, Answer: answer, RequestHash: a.hash,
	}
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
