package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/job"
)

// Event is a fact that a block announced.
type Event struct {
	ID      string          `json:"id"`      // the same for every subscriber and attempt
	Type    string          `json:"type"`    // "payments.paid"
	Subject string          `json:"subject"` // the id of what it is about; no personal data
	At      time.Time       `json:"at"`
	Data    json.RawMessage `json:"data"`
}

// Bus carries events from those who publish to those who subscribe. It is safe
// for concurrent use.
type Bus struct {
	queue *job.Queue
	clock clock.Clock

	mu          sync.RWMutex
	subscribers map[string][]string // type → job kinds
}

// New returns a bus that delivers through the queue.
func New(q *job.Queue, c clock.Clock) *Bus {
	return &Bus{queue: q, clock: c, subscribers: map[string][]string{}}
}

// Subscribe has fn called for every later event of the type. The subscriber's
// name must stay the same over releases, because deliveries wait under it; it
// panics when the name is taken for that type. Every process that publishes
// subscribes the same, before it begins to work.
func (b *Bus) Subscribe(typ, subscriber string, fn func(ctx context.Context, e Event) error) {
	if typ == "" || subscriber == "" {
		panic("event: Subscribe needs a type (block.fact) and the subscriber's name (block)")
	}
	kind := "event:" + typ + ":" + subscriber
	b.queue.Handle(kind, func(ctx context.Context, j job.Job) error {
		var e Event
		if err := json.Unmarshal(j.Payload, &e); err != nil {
			return job.Permanent(fmt.Errorf("event: delivery of %s cannot be read: %w", typ, err))
		}
		return fn(ctx, e)
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribers[typ] = append(b.subscribers[typ], kind)
}

// Publish announces a fact about subject with data as JSON. ctx must belong to
// the Write that makes the fact true; outside one it is an error, for the fact
// and its announcement could part.
func (b *Bus) Publish(ctx context.Context, typ, subject string, data any) error {
	if !db.InTx(ctx) {
		return errors.New("event: Publish " + typ + " outside a Write; publish in the transaction that makes it true")
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("event: data of %s cannot become JSON: %w", typ, err)
	}
	now := b.clock.Now()
	e := Event{ID: id.New(now), Type: typ, Subject: subject, At: now.UTC(), Data: raw}
	b.mu.RLock()
	kinds := b.subscribers[typ]
	b.mu.RUnlock()
	for _, kind := range kinds {
		if err := b.queue.Enqueue(ctx, kind, e); err != nil {
			return err
		}
	}
	return nil
}
