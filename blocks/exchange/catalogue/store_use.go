package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/db"
)

// countedUntil is where the last count ended; zero before the first.
func (c *Catalogue) countedUntil(ctx context.Context) (t time.Time, err error) {
	var at int64
	err = c.d.DB.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT until FROM exchange_catalogue_counted WHERE id = 1`).Scan(&at)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return db.FromMicros(at), err
}

// tally is one count that is to be added.
type tally struct {
	from, until time.Time
	first       bool // nothing was counted before
	month       string
	uses        []exchange.Use
}

// addUses adds a count if no other process did so meanwhile.
func (c *Catalogue) addUses(ctx context.Context, t tally) (counted bool, err error) {
	err = c.d.DB.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var id int64
		statement, args := `UPDATE exchange_catalogue_counted SET until = $1 WHERE id = 1 AND until = $2 RETURNING id`, []any{db.Micros(t.until), db.Micros(t.from)}
		if t.first {
			statement, args = `INSERT INTO exchange_catalogue_counted (id, until) VALUES (1, $1) ON CONFLICT (id) DO NOTHING RETURNING id`, args[:1]
		}
		counted = false
		switch err := q.QueryRowContext(ctx, statement, args...).Scan(&id); {
		case errors.Is(err, sql.ErrNoRows):
			return nil
		case err != nil:
			return err
		}
		for _, u := range t.uses {
			by := map[string]int64{u.Outcome: u.Calls}
			_, err := q.ExecContext(ctx, `INSERT INTO exchange_catalogue_use (month, service, client, answered, refused, failed)
				VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (service, month, client) DO UPDATE SET answered = exchange_catalogue_use.answered + excluded.answered,
					refused = exchange_catalogue_use.refused + excluded.refused, failed = exchange_catalogue_use.failed + excluded.failed`,
				t.month, u.Service, u.Client, by[exchange.OutcomeAnswered], by[exchange.OutcomeRefused], by[exchange.OutcomeFailed])
			if err != nil {
				return err
			}
		}
		counted = true
		return nil
	})
	return counted && err == nil, err
}

// months gives the figures of a service from a month on.
func (c *Catalogue) months(ctx context.Context, service, from string) ([]Month, error) {
	return db.List(ctx, c.d.DB, func(scan db.Scan) (m Month, err error) {
		err = scan(&m.Month, &m.Answered, &m.Refused, &m.Failed, &m.Clients)
		return m, err
	}, `SELECT month, CAST(SUM(answered) AS BIGINT), CAST(SUM(refused) AS BIGINT), CAST(SUM(failed) AS BIGINT),
				CAST(SUM(CASE WHEN answered > 0 THEN 1 ELSE 0 END) AS BIGINT)
			FROM exchange_catalogue_use WHERE service = $1 AND month >= $2 GROUP BY month ORDER BY month`, service, from)
}
