package job

import (
	"context"
	"fmt"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
)

// period is how often a periodic job runs, and when this process thinks it is
// next due.
type period struct {
	every time.Duration
	next  int64 // microseconds; 0 until the table was asked
}

// Every has the kind's handler run once in each interval, counted from midnight
// UTC of 1 January 1970, in one of the processes that share the database. It runs
// at once the first time. Runs that were missed while nobody worked are not made
// up for.
func (q *Queue) Every(kind string, interval time.Duration) {
	if interval < time.Second {
		panic(fmt.Sprintf("job: %s every %v is too often; take one second or more", kind, interval))
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.periods[kind] = &period{every: interval}
}

// tick enqueues the periodic jobs that are due.
func (q *Queue) tick(ctx context.Context) error {
	now := q.deps.Clock.Now()
	for kind, every := range q.duePeriods(db.Micros(now)) {
		next, err := q.beginPeriod(ctx, kind, every, now)
		if err != nil {
			return fmt.Errorf("job: periodic %s: %w", kind, err)
		}
		q.mu.Lock()
		q.periods[kind].next = next
		q.mu.Unlock()
	}
	return nil
}

func (q *Queue) duePeriods(now int64) map[string]time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	due := map[string]time.Duration{}
	for kind, p := range q.periods {
		if p.next <= now {
			due[kind] = p.every
		}
	}
	return due
}

// beginPeriod moves the kind's next time on and enqueues its job. Of several
// processes one succeeds; all learn when to look again.
func (q *Queue) beginPeriod(ctx context.Context, kind string, every time.Duration, now time.Time) (int64, error) {
	var next int64
	err := q.deps.DB.Write(ctx, func(ctx context.Context, tx db.Querier) error {
		at, us := db.Micros(now), every.Microseconds()
		if _, err := tx.ExecContext(ctx, `
INSERT INTO job_periodic (kind, next_at) VALUES ($1, $2) ON CONFLICT (kind) DO NOTHING`, kind, at); err != nil {
			return err
		}
		// A row further ahead than one interval is left from a longer one.
		mine, err := affected(tx.ExecContext(ctx, `
UPDATE job_periodic SET next_at = $1 WHERE kind = $2 AND (next_at <= $3 OR next_at > $4)`,
			at-at%us+us, kind, at, at+us))
		if err != nil {
			return err
		}
		if mine {
			if err := q.Enqueue(ctx, kind, nil, Key("periodic")); err != nil {
				return err
			}
		}
		return tx.QueryRowContext(ctx, `SELECT next_at FROM job_periodic WHERE kind = $1`, kind).Scan(&next)
	})
	return next, err
}
