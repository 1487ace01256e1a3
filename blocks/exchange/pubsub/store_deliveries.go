package pubsub

import (
	"context"
	"encoding/json"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

const publicationColumns = `id, room, event_type, sequence, message_id, content, published_at, stopped_at`

func scanPublication(scan db.Scan) (p publication, err error) {
	var at, stoppedAt int64
	err = scan(&p.ID, &p.Room, &p.EventType, &p.Sequence, &p.MessageID, &p.Content, &at, &stoppedAt)
	p.At, p.StoppedAt = db.FromMicros(at), db.FromMicros(stoppedAt)
	return p, err
}

// publish makes an event durable with a delivery for each subscription, and gives
// its id: that of the first one when the message was published already. The row of
// the type numbers the events, so those who publish at once come one by one and
// the numbers are in the order of commits.
func (s store) publish(ctx context.Context, p publication, push enqueue) (eventID string, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		last, err := db.Rows(ctx, q, db.Value[int64], `UPDATE exchange_event_type SET last = last + 1 WHERE room = $1 AND name = $2 RETURNING last`, p.Room, p.EventType)
		if err != nil {
			return err
		}
		if len(last) == 0 {
			return errs.New(errs.NotFound, "pubsub.no_type", "type", p.EventType)
		}
		p.Sequence, eventID = last[0], p.ID
		made, err := db.Rows(ctx, q, db.Value[string], `INSERT INTO exchange_publication (`+publicationColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (room, event_type, message_id) DO NOTHING RETURNING id`,
			p.ID, p.Room, p.EventType, p.Sequence, p.MessageID, p.Content, db.Micros(p.At))
		if err != nil {
			return err
		}
		if len(made) == 0 {
			return q.QueryRowContext(ctx, `SELECT id FROM exchange_publication WHERE room = $1 AND event_type = $2 AND message_id = $3`,
				p.Room, p.EventType, p.MessageID).Scan(&eventID)
		}
		return fanOut(ctx, q, p, push)
	})
	return eventID, err
}

func fanOut(ctx context.Context, q db.Querier, p publication, push enqueue) error {
	subs, err := db.Rows(ctx, q, scanSubscription, `SELECT `+subscriptionColumns+` FROM exchange_subscription
		WHERE room = $1 AND event_type = $2 ORDER BY id`, p.Room, p.EventType)
	if err != nil {
		return err
	}
	for _, sub := range subs {
		delivery := id.New(p.At)
		_, err := q.ExecContext(ctx, `INSERT INTO exchange_delivery (id, subscription, publication, sequence, state, expires_at, handed, ended_at)
			VALUES ($1, $2, $3, $4, $5, $6, '', 0)`, delivery, sub.ID, p.ID, p.Sequence, waiting, db.Micros(p.At.Add(sub.TTL)))
		if err != nil {
			return err
		}
		if err := push(ctx, sub, delivery); err != nil {
			return err
		}
	}
	return nil
}

func (s store) publication(ctx context.Context, eventID string) (publication, bool, error) {
	return one(db.List(ctx, s.db, scanPublication, `SELECT `+publicationColumns+` FROM exchange_publication WHERE id = $1`, eventID))
}

func (s store) stop(ctx context.Context, eventID string, now time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `UPDATE exchange_publication SET stopped_at = $2 WHERE id = $1 AND stopped_at = 0`, eventID, db.Micros(now))
		if err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, `UPDATE exchange_delivery SET state = $2, ended_at = $3 WHERE publication = $1 AND state = $4`,
			eventID, stopped, db.Micros(now), waiting)
		return err
	})
}

const deliveryColumns = `d.id, d.publication, d.state, d.expires_at, d.handed`

func scanDelivery(scan db.Scan) (d delivery, err error) {
	var at int64
	var handed string
	if err = scan(&d.ID, &d.Publication, &d.State, &at, &handed); err != nil {
		return d, err
	}
	return d, d.read(at, handed)
}

func (d *delivery) read(at int64, handed string) error {
	d.Expires = db.FromMicros(at)
	if handed == "" {
		return nil
	}
	return json.Unmarshal([]byte(handed), &d.Handed)
}

// joined is a delivery with its subscription.
type joined struct {
	delivery
	subscription
}

const joinedColumns = deliveryColumns + `, s.id, s.room, s.event_type, s.subscriber, s.delivery, s.ttl, s.fifo, s.purpose, s.created_at`

func scanJoined(scan db.Scan) (j joined, err error) {
	var at int64
	var handed string
	j.subscription, err = scanSubscription(func(rest ...any) error {
		return scan(append([]any{&j.delivery.ID, &j.Publication, &j.State, &at, &handed}, rest...)...)
	})
	if err != nil {
		return j, err
	}
	return j, j.read(at, handed)
}

func split(j joined, found bool, err error) (delivery, subscription, bool, error) {
	return j.delivery, j.subscription, found, err
}

func (s store) delivery(ctx context.Context, id string) (delivery, subscription, bool, error) {
	return split(one(db.List(ctx, s.db, scanJoined, `SELECT `+joinedColumns+` FROM exchange_delivery d
		JOIN exchange_subscription s ON s.id = d.subscription WHERE d.id = $1`, id)))
}

// head is the oldest delivery that waits for a subscription.
func (s store) head(ctx context.Context, subscriptionID string) (delivery, subscription, bool, error) {
	return split(one(db.List(ctx, s.db, scanJoined, `SELECT `+joinedColumns+` FROM exchange_delivery d
		JOIN exchange_subscription s ON s.id = d.subscription
		WHERE d.subscription = $1 AND d.state = $2 ORDER BY d.sequence LIMIT 1`, subscriptionID, waiting)))
}

func (s store) deliveryOf(ctx context.Context, subscriptionID, eventID string) (delivery, bool, error) {
	return one(db.List(ctx, s.db, scanDelivery, `SELECT `+deliveryColumns+` FROM exchange_delivery d
		WHERE d.subscription = $1 AND d.publication = $2`, subscriptionID, eventID))
}

// hand notes with which fields a delivery leaves; false when it waits no more.
func (s store) hand(ctx context.Context, deliveryID string, fields []string) (still bool, err error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return false, err
	}
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		ids, err := db.Rows(ctx, q, db.Value[string], `UPDATE exchange_delivery SET handed = $2 WHERE id = $1 AND state = $3 RETURNING id`,
			deliveryID, string(text), waiting)
		still = len(ids) > 0
		return err
	})
	return still, err
}

func (s store) end(ctx context.Context, deliveryID, state string, now time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `UPDATE exchange_delivery SET state = $2, ended_at = $3 WHERE id = $1 AND state = $4`,
			deliveryID, state, db.Micros(now), waiting)
		return err
	})
}

func (s store) tidy(ctx context.Context, now, old time.Time) error {
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`UPDATE exchange_delivery SET state = $1, ended_at = $2 WHERE state = $3 AND expires_at <= $2`, []any{expired, db.Micros(now), waiting}},
		{`UPDATE exchange_publication SET content = $1 WHERE content <> $1 AND NOT EXISTS
			(SELECT 1 FROM exchange_delivery d WHERE d.publication = exchange_publication.id AND d.state = $2)`, []any{[]byte{}, waiting}},
		{`DELETE FROM exchange_delivery WHERE ended_at > 0 AND ended_at < $1`, []any{db.Micros(old)}},
		{`DELETE FROM exchange_publication WHERE published_at < $1 AND NOT EXISTS
			(SELECT 1 FROM exchange_delivery d WHERE d.publication = exchange_publication.id)`, []any{db.Micros(old)}},
	} {
		err := s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
			_, err := q.ExecContext(ctx, step.sql, step.args...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
