package pubsub

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"regexp"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/webhook"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations holds the tables, for db.Migrate under the name "exchange_pubsub".
func Migrations() fs.FS { return migrations }

// Messages holds the texts of the errors in every language.
func Messages() fs.FS { return messages }

// Exchange decides, signs and records. exchange.Exchange is one.
type Exchange interface {
	Granted(ctx context.Context, client exchange.SubsystemID, service exchange.ServiceID) (bool, error)
	MayWait(ctx context.Context, h exchange.Handover) (purpose string, err error)
	HandOver(ctx context.Context, h exchange.Handover, also func(ctx context.Context, fields []string) error) (exchange.Handed, error)
	Confirm(ctx context.Context, p auth.Principal) error
}

// Sealer keeps events unreadable at rest. kernel/keys is one.
type Sealer interface {
	Seal(ctx context.Context, subject string, plain, aad []byte) ([]byte, error)
	Unseal(ctx context.Context, subject string, sealed, aad []byte) ([]byte, error)
}

// Webhooks brings messages to subscribers. webhook.Webhooks is one.
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

// Deps is what publishing stands on; all but Log are needed.
type Deps struct {
	DB       exchange.Database
	Clock    clock.Clock
	Exchange Exchange
	Keys     Sealer
	Webhooks Webhooks
	Jobs     Queue
	Catalog  *i18n.Catalog // words of the errors
	Log      *slog.Logger
}

// Pubsub publishes, subscribes and delivers. It is safe for concurrent use, also
// by several processes on one database.
type Pubsub struct {
	store    store
	clock    clock.Clock
	exchange Exchange
	keys     Sealer
	webhooks Webhooks
	jobs     Queue
	catalog  *i18n.Catalog
	log      *slog.Logger
}

const (
	jobPush = "exchange.push_event"
	jobTidy = "exchange.tidy_events"
)

// New returns a Pubsub over tables that exist already, and takes its jobs.
func New(d Deps) (*Pubsub, error) {
	if d.DB == nil || d.Clock == nil || d.Exchange == nil || d.Keys == nil || d.Webhooks == nil || d.Jobs == nil || d.Catalog == nil {
		return nil, errors.New("pubsub: Deps needs all but Log")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	p := &Pubsub{
		store: store{d.DB}, clock: d.Clock, exchange: d.Exchange, keys: d.Keys, webhooks: d.Webhooks, jobs: d.Jobs,
		catalog: d.Catalog, log: d.Log,
	}
	d.Jobs.Handle(jobPush, p.push)
	d.Jobs.Handle(jobTidy, func(ctx context.Context, _ job.Job) error { return p.Tidy(ctx) })
	d.Jobs.Every(jobTidy, time.Hour)
	return p, nil
}

// Party is a subsystem as GovStack writes it.
type Party struct {
	InstanceID      string `json:"instanceId"`
	MemberClass     string `json:"memberClass"`
	MemberCode      string `json:"memberCode"`
	ApplicationCode string `json:"applicationCode"`
}

func partyOf(s exchange.SubsystemID) *Party {
	return &Party{s.Instance, s.Class, s.Member, s.Subsystem}
}

// EventType is a kind of event that a room publishes.
type EventType struct {
	EventType string          `json:"eventType"`
	Schema    json.RawMessage `json:"schema"`            // JSON Schema draft-07
	Subject   string          `json:"subject,omitempty"` // where the personal numbers stand: "$.child.number"; "" when events are about nobody
	Title     i18n.Text       `json:"title,omitzero"`    // what people read who see that somebody was told; needed with Subject
}

// EventItem is one event.
type EventItem struct {
	ID          string          `json:"id"`
	Sequence    int64           `json:"sequence"`
	PublisherID *Party          `json:"publisherId,omitempty"`
	EventType   string          `json:"eventType"`
	Event       json.RawMessage `json:"event,omitempty"`
}

// Subscription is a subscriber's wish to be told of one type of event.
type Subscription struct {
	ID           string   `json:"id,omitempty"`
	SubscriberID *Party   `json:"subscriberId,omitempty"`
	EventType    string   `json:"eventType"`
	Delivery     string   `json:"delivery,omitempty"` // Push or Pull
	Options      *Options `json:"options,omitempty"`
}

// Options of a subscription. What is missing keeps its value, at first the
// default.
type Options struct {
	TTL  *int64 `json:"TTL,omitempty"` // seconds that an event waits; 3600
	FIFO *bool  `json:"FIFO,omitempty"`
}

// The ways of delivery.
const (
	Push = "PUSH" // to the webhook; the default
	Pull = "PULL" // fetched and acknowledged
)

// namePattern is what an event type may be called: a part of a service code.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Service is what a grant on a type of event is given for.
func Service(room exchange.SubsystemID, eventType string) exchange.ServiceID {
	return exchange.ServiceID{SubsystemID: room, Service: "events." + eventType}
}

func sealedFor(room string) string { return "exchange/events/" + room }
