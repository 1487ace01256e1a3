package pubsub

import (
	"context"
	"encoding/json"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

type store struct{ db exchange.Database }

// one is the first of what a query gives.
func one[T any](all []T, err error) (v T, found bool, _ error) {
	if err != nil || len(all) == 0 {
		return v, false, err
	}
	return all[0], true, nil
}

func (s store) addType(ctx context.Context, room string, t EventType, now time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var n int
		if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM exchange_event_type WHERE room = $1`, room).Scan(&n); err != nil {
			return err
		}
		if n >= maxTypes {
			return errs.New(errs.Conflict, "pubsub.too_many_types", "max", maxTypes)
		}
		made, err := db.Rows(ctx, q, db.Value[string], `INSERT INTO exchange_event_type (room, name, schema, subject, title_vi, title_en, last, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT (room, name) DO NOTHING RETURNING name`,
			room, t.EventType, string(t.Schema), t.Subject, t.Title.VI, t.Title.EN, db.Micros(now))
		if err == nil && len(made) == 0 {
			err = errs.New(errs.Conflict, "pubsub.type_exists", "type", t.EventType)
		}
		return err
	})
}

func (s store) types(ctx context.Context, room string) ([]string, error) {
	return db.List(ctx, s.db, db.Value[string], `SELECT name FROM exchange_event_type WHERE room = $1 ORDER BY name`, room)
}

func (s store) eventType(ctx context.Context, room, name string) (EventType, bool, error) {
	return one(db.List(ctx, s.db, func(scan db.Scan) (t EventType, err error) {
		var schema string
		err = scan(&t.EventType, &schema, &t.Subject, &t.Title.VI, &t.Title.EN)
		t.Schema = json.RawMessage(schema)
		return t, err
	}, `SELECT name, schema, subject, title_vi, title_en FROM exchange_event_type WHERE room = $1 AND name = $2`, room, name))
}

func (s store) removeType(ctx context.Context, room, name string) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		gone, err := db.Rows(ctx, q, db.Value[string], `DELETE FROM exchange_event_type WHERE room = $1 AND name = $2 RETURNING name`, room, name)
		if err != nil {
			return err
		}
		if len(gone) == 0 {
			return errs.New(errs.NotFound, "pubsub.no_type", "type", name)
		}
		for _, sql := range []string{
			`DELETE FROM exchange_delivery WHERE publication IN (SELECT id FROM exchange_publication WHERE room = $1 AND event_type = $2)`,
			`DELETE FROM exchange_publication WHERE room = $1 AND event_type = $2`,
			`DELETE FROM exchange_subscription WHERE room = $1 AND event_type = $2`,
		} {
			if _, err := q.ExecContext(ctx, sql, room, name); err != nil {
				return err
			}
		}
		return nil
	})
}

const subscriptionColumns = `id, room, event_type, subscriber, delivery, ttl, fifo, purpose, created_at`

func scanSubscription(scan db.Scan) (s subscription, err error) {
	var ttl, at int64
	var fifo int
	err = scan(&s.ID, &s.Room, &s.EventType, &s.Subscriber, &s.Delivery, &ttl, &fifo, &s.Purpose, &at)
	s.TTL, s.FIFO, s.CreatedAt = time.Duration(ttl)*time.Second, fifo == 1, db.FromMicros(at)
	return s, err
}

func (s store) addSubscription(ctx context.Context, sub subscription) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		made, err := db.Rows(ctx, q, db.Value[string], `INSERT INTO exchange_subscription (`+subscriptionColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (room, event_type, subscriber) DO NOTHING RETURNING id`,
			sub.ID, sub.Room, sub.EventType, sub.Subscriber, sub.Delivery, int64(sub.TTL/time.Second), sub.FIFO, sub.Purpose, db.Micros(sub.CreatedAt))
		if err == nil && len(made) == 0 {
			err = errs.New(errs.Conflict, "pubsub.subscribed")
		}
		return err
	})
}

func (s store) subscriptions(ctx context.Context, room, subscriber string) ([]subscription, error) {
	return db.List(ctx, s.db, scanSubscription, `SELECT `+subscriptionColumns+` FROM exchange_subscription
		WHERE room = $1 AND subscriber = $2 ORDER BY event_type`, room, subscriber)
}

func (s store) subscription(ctx context.Context, room, eventType, subscriber string) (subscription, bool, error) {
	return one(db.List(ctx, s.db, scanSubscription, `SELECT `+subscriptionColumns+` FROM exchange_subscription
		WHERE room = $1 AND event_type = $2 AND subscriber = $3`, room, eventType, subscriber))
}

// enqueue has a delivery pushed, within the transaction of ctx.
type enqueue func(ctx context.Context, s subscription, delivery string) error

// amendSubscription changes a subscription and sends what waits the new way.
func (s store) amendSubscription(ctx context.Context, sub subscription, push enqueue) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `UPDATE exchange_subscription SET delivery = $2, ttl = $3, fifo = $4 WHERE id = $1`,
			sub.ID, sub.Delivery, int64(sub.TTL/time.Second), sub.FIFO)
		if err != nil {
			return err
		}
		ids, err := db.Rows(ctx, q, db.Value[string], `SELECT id FROM exchange_delivery WHERE subscription = $1 AND state = $2 ORDER BY sequence`, sub.ID, waiting)
		for _, d := range ids {
			if err := push(ctx, sub, d); err != nil {
				return err
			}
		}
		return err
	})
}

func (s store) removeSubscription(ctx context.Context, id string) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := q.ExecContext(ctx, `DELETE FROM exchange_delivery WHERE subscription = $1`, id); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, `DELETE FROM exchange_subscription WHERE id = $1`, id)
		return err
	})
}
