package pubsub

import (
	"context"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// subscription is a Subscription as it is kept.
type subscription struct {
	ID         string
	Room       string
	EventType  string
	Subscriber string
	Delivery   string
	TTL        time.Duration
	FIFO       bool
	Purpose    string
	CreatedAt  time.Time
}

const (
	defaultTTL = time.Hour
	maxTTL     = 30 * 24 * time.Hour
)

func (s subscription) item() Subscription {
	ttl, fifo := int64(s.TTL/time.Second), s.FIFO
	out := Subscription{ID: s.ID, EventType: s.EventType, Delivery: s.Delivery, Options: &Options{&ttl, &fifo}}
	if sub, err := exchange.ParseSubsystem(s.Subscriber); err == nil {
		out.SubscriberID = partyOf(sub)
	}
	return out
}

// take puts what a subscriber wishes over what is there. errs.Invalid
// "pubsub.type_mismatch", "pubsub.bad_delivery", "pubsub.bad_ttl",
// "pubsub.not_you".
func (s *subscription) take(in Subscription) error {
	if in.EventType != s.EventType {
		return errs.New(errs.Invalid, "pubsub.type_mismatch")
	}
	if in.SubscriberID != nil {
		if sub, err := exchange.ParseSubsystem(s.Subscriber); err != nil || *in.SubscriberID != *partyOf(sub) {
			return errs.New(errs.Invalid, "pubsub.not_you")
		}
	}
	switch in.Delivery {
	case "":
	case Push, Pull:
		s.Delivery = in.Delivery
	default:
		return errs.New(errs.Invalid, "pubsub.bad_delivery")
	}
	if o := in.Options; o != nil {
		if o.TTL != nil {
			if *o.TTL < 1 || *o.TTL > int64(maxTTL/time.Second) {
				return errs.New(errs.Invalid, "pubsub.bad_ttl", "max", int64(maxTTL/time.Second))
			}
			s.TTL = time.Duration(*o.TTL) * time.Second
		}
		if o.FIFO != nil {
			s.FIFO = *o.FIFO
		}
	}
	return nil
}

// Subscriber is who subscribes to what.
type Subscriber struct {
	Client    exchange.SubsystemID
	Room      exchange.SubsystemID
	EventType string
	Purpose   string // needed when the events are about people
}

// Subscribe has the client told of events that are published from now on. It needs
// a grant of the room. errs.NotFound "pubsub.no_type"; errs.Conflict
// "pubsub.subscribed"; errs.Invalid as the fields are wrong, "pubsub.no_webhook"
// for PUSH without an address; and the refusals of exchange.MayWait.
func (p *Pubsub) Subscribe(ctx context.Context, who Subscriber, in Subscription) (Subscription, error) {
	t, found, err := p.store.eventType(ctx, who.Room.String(), who.EventType)
	if err != nil {
		return Subscription{}, err
	}
	// The right is asked first: whoever has none does not learn which types there are.
	purpose, err := p.exchange.MayWait(ctx, exchange.Handover{
		Client: who.Client, Service: Service(who.Room, who.EventType), Operation: exchange.OpSubscribe,
		Purpose: who.Purpose, Personal: t.Subject != "",
	})
	if err != nil {
		return Subscription{}, err
	}
	if !found {
		return Subscription{}, errs.New(errs.NotFound, "pubsub.no_type", "type", who.EventType)
	}
	now := p.clock.Now()
	s := subscription{
		ID: id.New(now), Room: who.Room.String(), EventType: who.EventType, Subscriber: who.Client.String(),
		Delivery: Push, TTL: defaultTTL, Purpose: purpose, CreatedAt: now,
	}
	if err := s.take(in); err != nil {
		return Subscription{}, err
	}
	if err := p.reachable(ctx, s); err != nil {
		return Subscription{}, err
	}
	return s.item(), p.store.addSubscription(ctx, s)
}

// reachable refuses to push to nowhere.
func (p *Pubsub) reachable(ctx context.Context, s subscription) error {
	if s.Delivery != Push {
		return nil
	}
	sub, err := exchange.ParseSubsystem(s.Subscriber)
	if err != nil {
		return err
	}
	if _, err = p.webhooks.Of(ctx, sub); errs.KindOf(err) == errs.NotFound {
		return errs.New(errs.Invalid, "pubsub.no_webhook")
	}
	return err
}

// Subscriptions lists the client's own in a room. errs.NotFound
// "pubsub.no_subscription" when there are none, as GovStack has it.
func (p *Pubsub) Subscriptions(ctx context.Context, client, room exchange.SubsystemID) ([]Subscription, error) {
	all, err := p.store.subscriptions(ctx, room.String(), client.String())
	if err != nil {
		return nil, err
	}
	out := []Subscription{}
	for _, s := range all {
		out = append(out, s.item())
	}
	if len(out) == 0 {
		return nil, errs.New(errs.NotFound, "pubsub.no_subscription")
	}
	return out, nil
}

func (p *Pubsub) own(ctx context.Context, who Subscriber) (subscription, error) {
	s, found, err := p.store.subscription(ctx, who.Room.String(), who.EventType, who.Client.String())
	if err == nil && !found {
		err = errs.New(errs.NotFound, "pubsub.no_subscription")
	}
	return s, err
}

// Subscription gives the client's own. errs.NotFound "pubsub.no_subscription".
func (p *Pubsub) Subscription(ctx context.Context, who Subscriber) (Subscription, error) {
	s, err := p.own(ctx, who)
	return s.item(), err
}

// Amend changes the client's own subscription. Events that wait already keep their
// time to live and go the new way. Errors as of Subscribe.
func (p *Pubsub) Amend(ctx context.Context, who Subscriber, in Subscription) (Subscription, error) {
	s, err := p.own(ctx, who)
	if err != nil {
		return Subscription{}, err
	}
	if err := s.take(in); err != nil {
		return Subscription{}, err
	}
	if err := p.reachable(ctx, s); err != nil {
		return Subscription{}, err
	}
	return s.item(), p.store.amendSubscription(ctx, s, p.enqueue)
}

// Unsubscribe ends the client's own subscription with what waits for it.
// errs.NotFound "pubsub.no_subscription".
func (p *Pubsub) Unsubscribe(ctx context.Context, who Subscriber) error {
	s, err := p.own(ctx, who)
	if err != nil {
		return err
	}
	return p.store.removeSubscription(ctx, s.ID)
}
