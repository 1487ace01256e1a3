package deferred

import (
	"context"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/db"
)

type store struct{ db exchange.Database }

const columns = `id, client, message_id, fingerprint, service, state, push, here, content, created_at, expires_at`

func scanEntry(scan db.Scan) (e entry, err error) {
	var push, here int
	var made, expires int64
	err = scan(&e.ID, &e.Client, &e.MessageID, &e.Fingerprint, &e.Service, &e.State, &push, &here, &e.Content, &made, &expires)
	e.Push, e.Here, e.Made, e.Expires = push == 1, here == 1, db.FromMicros(made), db.FromMicros(expires)
	return e, err
}

// add keeps an entry with its job, and gives the one that has its message id
// already.
func (s store) add(ctx context.Context, e entry, then func(context.Context) error) (kept entry, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		made, err := db.Rows(ctx, q, db.Value[string], `INSERT INTO exchange_deferred (`+columns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (client, message_id) DO NOTHING RETURNING id`,
			e.ID, e.Client, e.MessageID, e.Fingerprint, e.Service, e.State, e.Push, e.Here, e.Content, db.Micros(e.Made), db.Micros(e.Expires))
		if err != nil {
			return err
		}
		if len(made) > 0 {
			kept = e
			return then(ctx)
		}
		all, err := db.Rows(ctx, q, scanEntry, `SELECT `+columns+` FROM exchange_deferred WHERE client = $1 AND message_id = $2`, e.Client, e.MessageID)
		if err == nil && len(all) > 0 {
			kept = all[0]
		}
		return err
	})
	return kept, err
}

func (s store) get(ctx context.Context, id string) (e entry, found bool, err error) {
	all, err := db.List(ctx, s.db, scanEntry, `SELECT `+columns+` FROM exchange_deferred WHERE id = $1`, id)
	if err != nil || len(all) == 0 {
		return entry{}, false, err
	}
	return all[0], true, nil
}

// change is a step of an entry from one state to the next, with its content.
type change struct {
	id, from, to string
	content      []byte
}

// step makes a change and what then does in one transaction; false when the entry
// is in another state.
func (s store) step(ctx context.Context, c change, then func(context.Context) error) (done bool, err error) {
	if c.content == nil {
		c.content = []byte{}
	}
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		ids, err := db.Rows(ctx, q, db.Value[string], `UPDATE exchange_deferred SET state = $3, content = $4 WHERE id = $1 AND state = $2 RETURNING id`,
			c.id, c.from, c.to, c.content)
		done = len(ids) > 0
		if err != nil || !done || then == nil {
			return err
		}
		return then(ctx)
	})
	return done && err == nil, err
}

func (s store) tidy(ctx context.Context, now, old time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `UPDATE exchange_deferred SET state = $1, content = $2 WHERE expires_at <= $3 AND state IN ('waiting', 'done')`,
			expired, []byte{}, db.Micros(now))
		if err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, `DELETE FROM exchange_deferred WHERE expires_at < $1`, db.Micros(old))
		return err
	})
}
