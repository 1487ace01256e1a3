package webhook

import (
	"context"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/db"
)

type store struct{ db *db.DB }

func scanHook(scan db.Scan) (h Hook, err error) {
	var subsystem string
	var at int64
	if err = scan(&subsystem, &h.URL, &h.SetBy, &at); err != nil {
		return Hook{}, err
	}
	h.SetAt = db.FromMicros(at)
	h.Subsystem, err = exchange.ParseSubsystem(subsystem)
	return h, err
}

func (s store) put(ctx context.Context, h Hook) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO exchange_webhook (subsystem, url, set_by, set_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (subsystem) DO UPDATE SET url = excluded.url, set_by = excluded.set_by, set_at = excluded.set_at`,
			h.Subsystem.String(), h.URL, h.SetBy, db.Micros(h.SetAt))
		return err
	})
}

func (s store) get(ctx context.Context, sub exchange.SubsystemID) (h Hook, found bool, err error) {
	all, err := db.List(ctx, s.db, scanHook, `SELECT subsystem, url, set_by, set_at FROM exchange_webhook WHERE subsystem = $1`, sub.String())
	if err != nil || len(all) == 0 {
		return Hook{}, false, err
	}
	return all[0], true, nil
}

func (s store) list(ctx context.Context) ([]Hook, error) {
	return db.List(ctx, s.db, scanHook, `SELECT subsystem, url, set_by, set_at FROM exchange_webhook ORDER BY subsystem`)
}

func (s store) remove(ctx context.Context, sub exchange.SubsystemID) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `DELETE FROM exchange_webhook WHERE subsystem = $1`, sub.String())
		return err
	})
}
