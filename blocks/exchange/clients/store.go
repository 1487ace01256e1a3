package clients

import (
	"context"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/db"
)

type store struct{ db exchange.Database }

// use notes that an assertion was used, until it is past; false when it was before.
func (s store) use(ctx context.Context, id string, until, now time.Time) (first bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := q.ExecContext(ctx, `DELETE FROM exchange_assertion WHERE expires_at < $1`, db.Micros(now)); err != nil {
			return err
		}
		ids, err := db.Rows(ctx, q, db.Value[string], `INSERT INTO exchange_assertion (id, expires_at) VALUES ($1, $2)
			ON CONFLICT (id) DO NOTHING RETURNING id`, id, db.Micros(until))
		first = len(ids) > 0
		return err
	})
	return first && err == nil, err
}
