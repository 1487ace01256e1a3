package deferred

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/blocks/exchange/webhook"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/job"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations holds the table, for db.Migrate under the name "exchange_deferred".
func Migrations() fs.FS { return migrations }

// Messages holds the texts of the errors in every language.
func Messages() fs.FS { return messages }

// Exchange makes calls. exchange.Exchange is one.
type Exchange interface {
	Call(ctx context.Context, c exchange.Call) (exchange.Answer, error)
	StillGranted(ctx context.Context, client exchange.SubsystemID, service exchange.ServiceID, grants []string) (bool, error)
	Confirm(ctx context.Context, p auth.Principal) error
	SignMessage(ctx context.Context, m exchange.MemberID, components []httpsig.Component) (input, signature string, err error)
}

// Keys keeps calls and answers unreadable at rest. kernel/keys is one.
type Keys interface {
	Seal(ctx context.Context, subject string, plain, aad []byte) ([]byte, error)
	Unseal(ctx context.Context, subject string, sealed, aad []byte) ([]byte, error)
	Pseudonym(value string) string
}

// Webhooks brings answers to clients. webhook.Webhooks is one.
type Webhooks interface {
	Of(ctx context.Context, s exchange.SubsystemID) (string, error)
	Send(ctx context.Context, m webhook.Message) error
}

// Queue runs what must not be lost. job.Queue is one.
type Queue interface {
	Handle(kind string, fn func(ctx context.Context, j job.Job) error)
	Every(kind string, interval time.Duration)
	Enqueue(ctx context.Context, kind string, payload any, opts ...job.Option) error
}

// Deps is what deferred calls stand on; all but Log are needed.
type Deps struct {
	DB       exchange.Database
	Clock    clock.Clock
	Exchange Exchange
	Keys     Keys
	Webhooks Webhooks
	Jobs     Queue
	Catalog  *i18n.Catalog // words of the errors
	Log      *slog.Logger
}

// Deferred is an exchange.Later. It is safe for concurrent use, also by several
// processes on one database.
type Deferred struct {
	store    store
	clock    clock.Clock
	exchange Exchange
	keys     Keys
	webhooks Webhooks
	jobs     Queue
	catalog  *i18n.Catalog
	log      *slog.Logger
}

const (
	jobCall = "exchange.deferred_call"
	jobPush = "exchange.deferred_push"
	jobTidy = "exchange.deferred_tidy"

	keepFor    = 24 * time.Hour      // an answer, and a call that could not be made
	remembered = 30 * 24 * time.Hour // that there was one
	attempts   = 9                   // of a call, over some four minutes
)

// The states of an entry.
const (
	waiting      = "waiting"
	done         = "done"
	acknowledged = "acknowledged"
	pushed       = "pushed"
	refused      = "refused"
	expired      = "expired"
)

// entry is a call on its way, or its answer.
type entry struct {
	ID          string
	Client      string
	MessageID   string
	Fingerprint string // of the call, so that a message id means one call
	Service     string
	State       string
	Push, Here  bool
	Content     []byte // sealed: the call, then the answer, then nothing
	Made        time.Time
	Expires     time.Time
}

// result is an answer as it is kept.
type result struct {
	Status      int                   `json:"status"`
	ContentType string                `json:"content_type"`
	Headers     []exchange.HeaderLine `json:"headers,omitempty"`
	Body        []byte                `json:"body"`
	RequestID   string                `json:"request_id"`
	RequestHash string                `json:"request_hash"`
	Grants      []string              `json:"grants,omitempty"` // on which it rests
	Code        string                `json:"code,omitempty"`   // of the failure, when there is no answer
}

// New returns deferred calls over a table that exists already, and takes its jobs.
func New(d Deps) (*Deferred, error) {
	if d.DB == nil || d.Clock == nil || d.Exchange == nil || d.Keys == nil || d.Webhooks == nil || d.Jobs == nil || d.Catalog == nil {
		return nil, errors.New("deferred: Deps needs all but Log")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	l := &Deferred{
		store: store{d.DB}, clock: d.Clock, exchange: d.Exchange, keys: d.Keys, webhooks: d.Webhooks, jobs: d.Jobs,
		catalog: d.Catalog, log: d.Log,
	}
	d.Jobs.Handle(jobCall, l.call)
	d.Jobs.Handle(jobPush, l.push)
	d.Jobs.Handle(jobTidy, func(ctx context.Context, _ job.Job) error { return l.Tidy(ctx) })
	d.Jobs.Every(jobTidy, time.Hour)
	return l, nil
}

func sealedFor(client string) string { return "exchange/deferred/" + client }

// Accept implements exchange.Later. errs.Conflict "deferred.message_id_used" when
// the message id belongs to another call; errs.Invalid "deferred.no_webhook".
func (l *Deferred) Accept(ctx context.Context, c exchange.LateCall) (location string, err error) {
	if c.Push {
		if _, err := l.webhooks.Of(ctx, c.Call.Client); errs.KindOf(err) == errs.NotFound {
			return "", errs.New(errs.Invalid, "deferred.no_webhook")
		} else if err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(c.Call)
	if err != nil {
		return "", err
	}
	now := l.clock.Now()
	e := entry{
		ID: id.New(now), Client: c.Call.Client.String(), MessageID: c.Call.MessageID, Fingerprint: l.keys.Pseudonym(string(text)),
		Service: c.Call.Service.String(), State: waiting, Push: c.Push, Here: c.Here, Made: now, Expires: now.Add(keepFor),
	}
	if e.Content, err = l.keys.Seal(ctx, sealedFor(e.Client), text, []byte(e.ID)); err != nil {
		return "", err
	}
	kept, err := l.store.add(ctx, e, func(ctx context.Context) error {
		return l.jobs.Enqueue(ctx, jobCall, e.ID, job.Key(e.ID), job.MaxAttempts(attempts))
	})
	if err != nil {
		return "", err
	}
	if kept.Fingerprint != e.Fingerprint || kept.Push != e.Push {
		return "", errs.New(errs.Conflict, "deferred.message_id_used")
	}
	return address(c.Call.Client, kept.ID), nil
}

// call makes a call and keeps its answer.
func (l *Deferred) call(ctx context.Context, j job.Job) error {
	e, found, err := l.load(ctx, j)
	if err != nil || !found || e.State != waiting {
		return err
	}
	if !l.clock.Now().Before(e.Expires) {
		return l.expire(ctx, e)
	}
	text, err := l.keys.Unseal(ctx, sealedFor(e.Client), e.Content, []byte(e.ID))
	if err != nil {
		return err
	}
	var c exchange.Call
	if err := json.Unmarshal(text, &c); err != nil {
		return job.Permanent(err)
	}
	answer, err := l.exchange.Call(ctx, c)
	if k := errs.KindOf(err); (k == errs.Unavailable || k == errs.TooMany || k == errs.Internal) && j.Attempt < attempts {
		return err // passing: made again
	}
	kept, err := json.Marshal(resultOf(answer, err))
	if err != nil {
		return err
	}
	sealed, err := l.keys.Seal(ctx, sealedFor(e.Client), kept, []byte(e.ID+" answer"))
	if err != nil {
		return err
	}
	_, err = l.store.step(ctx, change{e.ID, waiting, done, sealed}, func(ctx context.Context) error {
		if !e.Push {
			return nil
		}
		return l.jobs.Enqueue(ctx, jobPush, e.ID, job.Key(e.ID))
	})
	return err
}

func resultOf(a exchange.Answer, err error) result {
	if err != nil {
		return result{Status: httpx.Status(err), Code: errs.CodeOf(err)}
	}
	return result{Status: a.Status, ContentType: a.ContentType, Headers: a.Headers, Body: a.Body, RequestID: a.RequestID, RequestHash: a.RequestHash, Grants: a.Grants()}
}

func (l *Deferred) load(ctx context.Context, j job.Job) (entry, bool, error) {
	var entryID string
	if err := json.Unmarshal(j.Payload, &entryID); err != nil {
		return entry{}, false, job.Permanent(err)
	}
	return l.store.get(ctx, entryID)
}

func (l *Deferred) expire(ctx context.Context, e entry) error {
	_, err := l.store.step(ctx, change{id: e.ID, from: e.State, to: expired}, nil)
	return err
}

// open reads a kept answer, if the grants on which it rests still let it leave: a
// revocation holds for answers that wait too. errs.Forbidden "exchange.grant_revoked".
func (l *Deferred) open(ctx context.Context, e entry) (result, error) {
	client, err := exchange.ParseSubsystem(e.Client)
	if err != nil {
		return result{}, err
	}
	service, err := exchange.ParseService(e.Service)
	if err != nil {
		return result{}, err
	}
	text, err := l.keys.Unseal(ctx, sealedFor(e.Client), e.Content, []byte(e.ID+" answer"))
	if err != nil {
		return result{}, err
	}
	var got result
	if err := json.Unmarshal(text, &got); err != nil {
		return result{}, err
	}
	if !e.Here || got.Code != "" {
		return got, nil
	}
	if may, err := l.exchange.StillGranted(ctx, client, service, got.Grants); err != nil {
		return result{}, err
	} else if !may {
		if _, err := l.store.step(ctx, change{id: e.ID, from: done, to: refused}, nil); err != nil {
			return result{}, err
		}
		return result{}, errs.New(errs.Forbidden, "exchange.grant_revoked", "client", e.Client, "service", e.Service)
	}
	return got, nil
}

// own finds a call of the client's. errs.NotFound "deferred.none" for what is not
// its own; errs.Gone "deferred.gone" for what it did not fetch in time.
func (l *Deferred) own(ctx context.Context, client, entryID string) (entry, error) {
	e, found, err := l.store.get(ctx, entryID)
	switch {
	case err != nil:
		return entry{}, err
	case !found || e.Client != client:
		return entry{}, errs.New(errs.NotFound, "deferred.none")
	case !l.clock.Now().Before(e.Expires):
		return entry{}, errs.New(errs.Gone, "deferred.gone")
	}
	return e, nil
}

// fetch gives the answer to a client's call, as often as it asks: whoever was cut
// off half-way asks again. Errors are those of own, errs.Gone also for what was
// acknowledged or pushed. ready is false while the call is being made.
func (l *Deferred) fetch(ctx context.Context, client, entryID string) (e entry, got result, ready bool, err error) {
	if e, err = l.own(ctx, client, entryID); err != nil {
		return entry{}, result{}, false, err
	}
	switch e.State {
	case waiting:
		return e, result{}, false, nil
	case done:
		got, err = l.open(ctx, e)
		return e, got, true, err
	}
	return entry{}, result{}, false, errs.New(errs.Gone, "deferred.gone")
}

// acknowledge forgets an answer that the client has; again changes nothing.
// Errors are those of fetch, and errs.Conflict "deferred.not_answered".
func (l *Deferred) acknowledge(ctx context.Context, client, entryID string) error {
	e, err := l.own(ctx, client, entryID)
	switch {
	case err != nil:
		return err
	case e.State == waiting:
		return errs.New(errs.Conflict, "deferred.not_answered")
	case e.State == acknowledged:
		return nil
	}
	stepped, err := l.store.step(ctx, change{id: e.ID, from: done, to: acknowledged}, nil)
	if err == nil && !stepped {
		err = errs.New(errs.Gone, "deferred.gone") // it was pushed, or may not leave any more
	}
	return err
}

// Pushed is what a webhook gets.
type Pushed struct {
	ID          string          `json:"id"`
	MessageID   string          `json:"messageId"`
	Service     string          `json:"service"`
	Status      int             `json:"status,omitempty"` // of the answer, or of the failure
	ContentType string          `json:"contentType,omitempty"`
	Body        json.RawMessage `json:"body,omitempty"`       // when it is JSON
	BodyBase64  []byte          `json:"bodyBase64,omitempty"` // when it is not
	RequestID   string          `json:"requestId,omitempty"`
	RequestHash string          `json:"requestHash,omitempty"`
	Code        string          `json:"code,omitempty"` // of the failure: then there is no answer
}

// push brings an answer to the client's webhook.
func (l *Deferred) push(ctx context.Context, j job.Job) error {
	e, found, err := l.load(ctx, j)
	if err != nil || !found || e.State != done {
		return err
	}
	if !l.clock.Now().Before(e.Expires) {
		return l.expire(ctx, e)
	}
	got, err := l.open(ctx, e)
	if errs.KindOf(err) == errs.Forbidden {
		return nil // nobody may have it any more
	}
	if err != nil {
		return err
	}
	m, err := l.message(ctx, e, got)
	if err != nil {
		return err
	}
	if err := l.webhooks.Send(ctx, m); err != nil {
		return err
	}
	_, err = l.store.step(ctx, change{id: e.ID, from: done, to: pushed}, nil)
	return err
}

func (l *Deferred) message(ctx context.Context, e entry, got result) (webhook.Message, error) {
	client, err := exchange.ParseSubsystem(e.Client)
	if err != nil {
		return webhook.Message{}, err
	}
	service, err := exchange.ParseService(e.Service)
	if err != nil {
		return webhook.Message{}, err
	}
	m := webhook.Message{ID: e.ID, ContentType: "application/json"}
	if m.URL, err = l.webhooks.Of(ctx, client); err != nil {
		return webhook.Message{}, err
	}
	out := Pushed{
		ID: e.ID, MessageID: e.MessageID, Service: e.Service, Status: got.Status, ContentType: got.ContentType,
		RequestID: got.RequestID, RequestHash: got.RequestHash, Code: got.Code,
	}
	if json.Valid(got.Body) {
		out.Body = got.Body
	} else {
		out.BodyBase64 = got.Body
	}
	if m.Body, err = json.Marshal(out); err != nil {
		return webhook.Message{}, err
	}
	m.SignatureInput, m.Signature, err = l.exchange.SignMessage(ctx, service.Owner(), m.Components())
	return m, err
}

// Tidy ends what has waited for too long, and forgets what is old.
func (l *Deferred) Tidy(ctx context.Context) error {
	now := l.clock.Now()
	return l.store.tidy(ctx, now, now.Add(-remembered))
}
