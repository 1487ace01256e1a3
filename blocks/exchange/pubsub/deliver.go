package pubsub

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/blocks/exchange/webhook"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/job"
)

// The states of a delivery.
const (
	waiting   = "waiting"
	delivered = "delivered"
	refused   = "refused"
	expired   = "expired"
	stopped   = "stopped"
)

// delivery is one event for one subscriber.
type delivery struct {
	ID          string
	Publication string
	State       string
	Expires     time.Time
	Handed      []string // the fields it left with; nil: it never left
}

// push carries out a push job.
func (p *Pubsub) push(ctx context.Context, j job.Job) error {
	var in pushing
	if err := json.Unmarshal(j.Payload, &in); err != nil {
		return job.Permanent(err)
	}
	if in.Subscription != "" {
		return p.later(ctx, j, p.pushInOrder(ctx, in.Subscription))
	}
	d, s, found, err := p.store.delivery(ctx, in.Delivery)
	if err != nil || !found || d.State != waiting || s.Delivery != Push {
		return err
	}
	if s.FIFO { // since it was published
		return p.enqueue(ctx, s, d.ID)
	}
	return p.later(ctx, j, p.pushOne(ctx, s, d))
}

// later puts a job off that only a spent quota stopped: the quota fills up by
// itself, so that waiting for it is no attempt that failed.
func (p *Pubsub) later(ctx context.Context, j job.Job, err error) error {
	if errs.CodeOf(err) != "exchange.quota_spent" {
		return err
	}
	e, _ := errs.As(err)
	seconds, _ := e.Args["seconds"].(int64)
	return p.jobs.Enqueue(ctx, jobPush, j.Payload, job.Key(j.Key), job.At(p.clock.Now().Add(time.Duration(max(seconds, 1))*time.Second)))
}

// pushInOrder pushes what waits for a subscription, one after the other. When one
// cannot be delivered, those behind it wait with it.
func (p *Pubsub) pushInOrder(ctx context.Context, subscriptionID string) error {
	for {
		d, s, found, err := p.store.head(ctx, subscriptionID)
		if err != nil || !found || s.Delivery != Push {
			return err
		}
		if err := p.pushOne(ctx, s, d); err != nil {
			return err
		}
	}
}

// pushOne brings one delivery to an end, or gives the error after which it is
// tried again.
func (p *Pubsub) pushOne(ctx context.Context, s subscription, d delivery) error {
	if !p.clock.Now().Before(d.Expires) {
		return p.store.end(ctx, d.ID, expired, p.clock.Now())
	}
	subscriber, err := exchange.ParseSubsystem(s.Subscriber)
	if err != nil {
		return job.Permanent(err)
	}
	url, err := p.webhooks.Of(ctx, subscriber)
	if err != nil {
		return err
	}
	m := webhook.Message{URL: url, ID: d.Publication, ContentType: "application/json"}
	handed, err := p.handOver(ctx, s, d, func(body []byte) []httpsig.Component {
		m.Body = body
		return m.Components()
	})
	if gone(err) {
		return p.store.end(ctx, d.ID, stopped, p.clock.Now())
	}
	if errs.KindOf(err) == errs.Forbidden {
		p.log.InfoContext(ctx, "pubsub: delivery refused", slog.String("delivery", d.ID), slog.String("code", errs.CodeOf(err)))
		return p.store.end(ctx, d.ID, refused, p.clock.Now())
	}
	if err != nil {
		return err
	}
	m.Body, m.SignatureInput, m.Signature = handed.Body, handed.SignatureInput, handed.Signature
	if err := p.webhooks.Send(ctx, m); err != nil {
		return err
	}
	return p.store.end(ctx, d.ID, delivered, p.clock.Now())
}

// gone says that a delivery ended while it was being made.
func gone(err error) bool { return errs.CodeOf(err) == "pubsub.not_waiting" }

// handOver makes a delivery's message and its trace. errs.Gone
// "pubsub.not_waiting" when there is nothing to deliver any more.
func (p *Pubsub) handOver(ctx context.Context, s subscription, d delivery, components func([]byte) []httpsig.Component) (exchange.Handed, error) {
	notWaiting := errs.New(errs.Gone, "pubsub.not_waiting")
	pub, found, err := p.store.publication(ctx, d.Publication)
	if err != nil {
		return exchange.Handed{}, err
	}
	if !found || !pub.StoppedAt.IsZero() || len(pub.Content) == 0 {
		return exchange.Handed{}, notWaiting
	}
	room, err := exchange.ParseSubsystem(s.Room)
	if err != nil {
		return exchange.Handed{}, err
	}
	client, err := exchange.ParseSubsystem(s.Subscriber)
	if err != nil {
		return exchange.Handed{}, err
	}
	t, found, err := p.store.eventType(ctx, s.Room, s.EventType)
	if err != nil {
		return exchange.Handed{}, err
	}
	if !found {
		return exchange.Handed{}, notWaiting
	}
	event, err := p.keys.Unseal(ctx, sealedFor(s.Room), pub.Content, []byte(pub.ID))
	if err != nil {
		return exchange.Handed{}, err
	}
	subjects, err := t.subjects(event)
	if err != nil {
		return exchange.Handed{}, err
	}
	return p.exchange.HandOver(ctx, exchange.Handover{
		Client: client, Service: Service(room, s.EventType), Operation: exchange.OpSubscribe, Purpose: s.Purpose,
		Personal: len(subjects) > 0, MessageID: pub.ID, Subjects: subjects, Body: event, Recorded: d.Handed,
		Components: components, Wrap: func(data json.RawMessage) ([]byte, error) {
			item := pub.item()
			item.Event = data
			return json.Marshal(item)
		},
	}, func(ctx context.Context, fields []string) error {
		still, err := p.store.hand(ctx, d.ID, fields)
		if err == nil && !still {
			err = notWaiting
		}
		return err
	})
}

// Pull gives the client the oldest event that it has not acknowledged, signed as
// an answer. errs.NotFound "pubsub.no_subscription", "pubsub.nothing_waits";
// errs.Conflict "pubsub.not_pull"; and the exchange's refusals.
func (p *Pubsub) Pull(ctx context.Context, who Subscriber) (exchange.Handed, error) {
	s, err := p.own(ctx, who)
	if err != nil {
		return exchange.Handed{}, err
	}
	if s.Delivery != Pull {
		return exchange.Handed{}, errs.New(errs.Conflict, "pubsub.not_pull")
	}
	for {
		d, _, found, err := p.store.head(ctx, s.ID)
		if err != nil {
			return exchange.Handed{}, err
		}
		if !found {
			return exchange.Handed{}, errs.New(errs.NotFound, "pubsub.nothing_waits")
		}
		now := p.clock.Now()
		if !now.Before(d.Expires) {
			if err := p.store.end(ctx, d.ID, expired, now); err != nil {
				return exchange.Handed{}, err
			}
			continue
		}
		got, err := p.handOver(ctx, s, d, func(body []byte) []httpsig.Component { return pulled(d.Publication, body) })
		switch {
		case gone(err):
			if err := p.store.end(ctx, d.ID, stopped, now); err != nil {
				return exchange.Handed{}, err
			}
			continue
		case errs.CodeOf(err) == "exchange.record_not_granted": // not even that there is one is theirs to know
			if err := p.store.end(ctx, d.ID, refused, now); err != nil {
				return exchange.Handed{}, err
			}
			continue
		case errs.KindOf(err) == errs.Forbidden:
			if eerr := p.store.end(ctx, d.ID, refused, now); eerr != nil {
				return exchange.Handed{}, eerr
			}
		}
		return got, err
	}
}

// pulled are the parts of an answer to a pull that the publisher signs.
func pulled(eventID string, body []byte) []httpsig.Component {
	return []httpsig.Component{
		{Name: "@status", Value: "200"},
		{Name: "content-digest", Value: httpsig.ContentDigest(body)},
		{Name: "content-type", Value: "application/json"},
		{Name: "x-road-id", Value: eventID},
	}
}

// Acknowledge ends the delivery of an event that the client pulled; again changes
// nothing. errs.NotFound "pubsub.no_subscription", "pubsub.no_event"; errs.Conflict
// "pubsub.not_pull", and "pubsub.not_handed" for what it was not given yet.
func (p *Pubsub) Acknowledge(ctx context.Context, who Subscriber, eventID string) error {
	s, err := p.own(ctx, who)
	if err != nil {
		return err
	}
	if s.Delivery != Pull {
		return errs.New(errs.Conflict, "pubsub.not_pull")
	}
	d, found, err := p.store.deliveryOf(ctx, s.ID, eventID)
	switch {
	case err != nil:
		return err
	case !found || d.State != waiting && d.State != delivered:
		return errs.New(errs.NotFound, "pubsub.no_event")
	case d.State == delivered:
		return nil
	case d.Handed == nil:
		return errs.New(errs.Conflict, "pubsub.not_handed")
	}
	return p.store.end(ctx, d.ID, delivered, p.clock.Now())
}
