package pubsub

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/job"
)

// publication is an event on its way.
type publication struct {
	ID        string
	Room      string
	EventType string
	Sequence  int64
	MessageID string
	Content   []byte // sealed; empty when nobody waits for it any more
	At        time.Time
	StoppedAt time.Time
}

// Publishing is what a room says happened.
type Publishing struct {
	Room      exchange.SubsystemID
	EventType string
	MessageID string // by which a repeated publication is recognised; "" makes each one new
	Event     json.RawMessage
}

const maxMessageID = 256

// Publish checks an event against the schema of its type and accepts it for
// delivery: when it returns the id, the event is durable with a delivery for each
// subscriber. The caller is the room. errs.NotFound "pubsub.no_type"; errs.Invalid
// "pubsub.schema_refused", "pubsub.not_an_object", "pubsub.subject_missing",
// "pubsub.bad_message_id"; errs.TooLarge "pubsub.event_too_large".
func (p *Pubsub) Publish(ctx context.Context, in Publishing) (eventID string, err error) {
	room := in.Room.String()
	if len(in.Event) > maxEvent {
		return "", errs.New(errs.TooLarge, "pubsub.event_too_large", "max", maxEvent)
	}
	if len(in.MessageID) > maxMessageID {
		return "", errs.New(errs.Invalid, "pubsub.bad_message_id", "max", maxMessageID)
	}
	t, found, err := p.store.eventType(ctx, room, in.EventType)
	if err != nil {
		return "", err
	}
	if !found {
		return "", errs.New(errs.NotFound, "pubsub.no_type", "type", in.EventType)
	}
	event, err := t.accept(in.Event)
	if err != nil {
		return "", err
	}
	now := p.clock.Now()
	pub := publication{ID: id.New(now), Room: room, EventType: in.EventType, MessageID: in.MessageID, At: now}
	if pub.MessageID == "" {
		pub.MessageID = pub.ID
	}
	if pub.Content, err = p.keys.Seal(ctx, sealedFor(room), event, []byte(pub.ID)); err != nil {
		return "", err
	}
	return p.store.publish(ctx, pub, p.enqueue)
}

// accept checks an event and gives it in a spelling that every reader reads
// alike: a member that stood there twice could name one person to the log and
// another one to the subscriber.
func (t EventType) accept(event json.RawMessage) (json.RawMessage, error) {
	s, err := compile(t.Schema)
	if err != nil {
		return nil, err
	}
	if event, err = once(event); err != nil {
		return nil, err
	}
	if err := s.check(event); err != nil {
		return nil, err
	}
	_, err = t.subjects(event)
	return event, err
}

// subjects are the personal numbers in an event of the type.
func (t EventType) subjects(event json.RawMessage) ([]string, error) {
	path, err := parseSubjectPath(t.Subject)
	if err != nil {
		return nil, err
	}
	return path.find(event)
}

func once(event json.RawMessage) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(event))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errs.New(errs.Invalid, "pubsub.not_an_object").Wrap(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errs.New(errs.Invalid, "pubsub.not_an_object")
	}
	return json.Marshal(v)
}

// pushing is the payload of a push job: one delivery, or with FIFO all of a
// subscription, in order.
type pushing struct {
	Subscription string `json:"subscription,omitempty"`
	Delivery     string `json:"delivery,omitempty"`
}

// enqueue has a delivery pushed, within the transaction of ctx.
func (p *Pubsub) enqueue(ctx context.Context, s subscription, delivery string) error {
	switch {
	case s.Delivery != Push:
		return nil
	case s.FIFO:
		return p.jobs.Enqueue(ctx, jobPush, pushing{Subscription: s.ID}, job.Key("fifo/"+s.ID))
	}
	return p.jobs.Enqueue(ctx, jobPush, pushing{Delivery: delivery}, job.Key(delivery))
}

// Event gives an event of a room; the caller is the room. errs.NotFound
// "pubsub.no_event".
func (p *Pubsub) Event(ctx context.Context, room exchange.SubsystemID, eventType, eventID string) (EventItem, error) {
	pub, found, err := p.store.publication(ctx, eventID)
	if err != nil {
		return EventItem{}, err
	}
	if !found || pub.Room != room.String() || pub.EventType != eventType || !pub.StoppedAt.IsZero() {
		return EventItem{}, errs.New(errs.NotFound, "pubsub.no_event")
	}
	item := pub.item()
	if len(pub.Content) > 0 {
		item.Event, err = p.keys.Unseal(ctx, sealedFor(pub.Room), pub.Content, []byte(pub.ID))
	}
	return item, err
}

func (pub publication) item() EventItem {
	item := EventItem{ID: pub.ID, Sequence: pub.Sequence, EventType: pub.EventType}
	if room, err := exchange.ParseSubsystem(pub.Room); err == nil {
		item.PublisherID = partyOf(room)
	}
	return item
}

// Stop ends the deliveries of an event that have not been made; the caller is the
// room. errs.NotFound "pubsub.no_event".
func (p *Pubsub) Stop(ctx context.Context, room exchange.SubsystemID, eventType, eventID string) error {
	pub, found, err := p.store.publication(ctx, eventID)
	if err != nil {
		return err
	}
	if !found || pub.Room != room.String() || pub.EventType != eventType || !pub.StoppedAt.IsZero() {
		return errs.New(errs.NotFound, "pubsub.no_event")
	}
	return p.store.stop(ctx, eventID, p.clock.Now())
}

const keepFor = 30 * 24 * time.Hour // what was published and to whom, without its content

// Tidy ends deliveries whose time has passed, takes away the content of events
// that nobody waits for, and forgets old ones.
func (p *Pubsub) Tidy(ctx context.Context) error {
	now := p.clock.Now()
	return p.store.tidy(ctx, now, now.Add(-keepFor))
}
