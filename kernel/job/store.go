package job

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

//go:embed migrations
var migrations embed.FS

// Migrations returns the tables of this package, for db.Migrate under the name
// job.
func Migrations() fs.FS { return migrations }

// never is the due time of dead jobs: past every claim.
const never = math.MaxInt64

// claimed is a job in this worker's hands.
type claimed struct {
	Job
	worker      string
	maxAttempts int
}

// newJob is a job on its way into the table.
type newJob struct {
	kind, payload string
	order         order
	now           time.Time
}

const insertStatement = `
INSERT INTO job_queue (id, kind, key_text, unique_key, payload, due_at, max_attempts, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (unique_key) DO UPDATE SET
    payload  = excluded.payload,
    again_at = CASE WHEN job_queue.worker = '' THEN 0
                    WHEN job_queue.again_at = 0 OR excluded.due_at < job_queue.again_at THEN excluded.due_at
                    ELSE job_queue.again_at END,
    due_at   = CASE WHEN job_queue.worker = '' AND excluded.due_at < job_queue.due_at THEN excluded.due_at
                    ELSE job_queue.due_at END`

func insertJob(ctx context.Context, tx db.Querier, j newJob) error {
	kind, payload, o, now := j.kind, j.payload, j.order, j.now
	var unique any
	if o.key != "" {
		unique = kind + " " + o.key
	}
	_, err := tx.ExecContext(ctx, insertStatement,
		id.New(now), kind, o.key, unique, payload, db.Micros(o.at), o.maxAttempts, db.Micros(now))
	return err
}

// claimStatement leases the jobs that have been due longest. Waiting, leased and
// dead rows differ only in due_at, so one index finds exactly what may be claimed.
func claimStatement(kinds int) string {
	var b strings.Builder
	b.WriteString(`
UPDATE job_queue SET worker = $1, due_at = $2, attempt = attempt + 1, again_at = 0
 WHERE id IN (SELECT id FROM job_queue WHERE due_at <= $3 AND kind IN (`)
	for i := range kinds {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+5))
	}
	b.WriteString(`) ORDER BY due_at, id LIMIT $4)
RETURNING id, kind, key_text, payload, attempt, max_attempts`)
	return b.String()
}

// claim leases up to limit due jobs of the kinds handled here, oldest first.
func (q *Queue) claim(ctx context.Context, worker string, limit int) ([]*claimed, error) {
	q.mu.Lock()
	query, kinds := q.claimSQL, q.kinds
	q.mu.Unlock()
	if len(kinds) == 0 {
		return nil, nil
	}
	var got []*claimed
	err := q.deps.DB.Write(ctx, func(ctx context.Context, tx db.Querier) error {
		now := q.deps.Clock.Now()
		args := append([]any{worker, db.Micros(now.Add(q.deps.LeaseFor)), db.Micros(now), limit}, kinds...)
		var err error
		got, err = db.Rows(ctx, tx, func(scan db.Scan) (*claimed, error) {
			c := &claimed{worker: worker}
			return c, scan(&c.ID, &c.Kind, &c.Key, (*rawText)(&c.Payload), &c.Attempt, &c.maxAttempts)
		}, query, args...)
		return err
	})
	slices.SortFunc(got, func(a, b *claimed) int { return strings.Compare(a.ID, b.ID) })
	return got, err
}

// anyDue tells whether a claim would find something, without taking the writer.
func (q *Queue) anyDue(ctx context.Context) (bool, error) {
	due := false
	err := q.deps.DB.Read(ctx, func(ctx context.Context, tx db.Querier) error {
		var one int
		err := tx.QueryRowContext(ctx, "SELECT 1 FROM job_queue WHERE due_at <= $1 LIMIT 1", db.Micros(q.deps.Clock.Now())).Scan(&one)
		due = err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return due, err
}

const runAgainStatement = `
UPDATE job_queue SET worker = '', due_at = again_at, again_at = 0, attempt = 0
 WHERE id = $1 AND worker = $2 AND attempt = $3 AND again_at > 0`

const deleteStatement = `DELETE FROM job_queue WHERE id = $1 AND worker = $2 AND attempt = $3`

// complete ends a job that succeeded. held is false when the lease was lost.
func complete(ctx context.Context, tx db.Querier, c *claimed) (held bool, err error) {
	if c.Key != "" {
		if again, err := affected(tx.ExecContext(ctx, runAgainStatement, c.ID, c.worker, c.Attempt)); again || err != nil {
			return again, err
		}
	}
	return affected(tx.ExecContext(ctx, deleteStatement, c.ID, c.worker, c.Attempt))
}

// postpone has a failed job wait for its next attempt.
func postpone(ctx context.Context, tx db.Querier, c *claimed, due time.Time, reason string) (held bool, err error) {
	return affected(tx.ExecContext(ctx, `
UPDATE job_queue SET worker = '', due_at = $1, again_at = 0, last_error = $2
 WHERE id = $3 AND worker = $4 AND attempt = $5`, db.Micros(due), reason, c.ID, c.worker, c.Attempt))
}

// bury lays a job aside for a person to look at, unless it was asked for again.
func bury(ctx context.Context, tx db.Querier, c *claimed, now time.Time, reason string) (held bool, err error) {
	if again, err := affected(tx.ExecContext(ctx, runAgainStatement, c.ID, c.worker, c.Attempt)); again || err != nil {
		return again, err
	}
	return affected(tx.ExecContext(ctx, `
UPDATE job_queue SET worker = '', unique_key = NULL, due_at = $1, dead_at = $2, last_error = $3
 WHERE id = $4 AND worker = $5 AND attempt = $6`, int64(never), db.Micros(now), reason, c.ID, c.worker, c.Attempt))
}

// unclaim gives back a job that was claimed and not begun.
func unclaim(ctx context.Context, tx db.Querier, c *claimed, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
UPDATE job_queue SET worker = '', due_at = $1, attempt = attempt - 1
 WHERE id = $2 AND worker = $3 AND attempt = $4`, db.Micros(now), c.ID, c.worker, c.Attempt)
	return err
}

// extend moves the end of a lease. held is false when the lease was lost.
func extend(ctx context.Context, tx db.Querier, c *claimed, until time.Time) (held bool, err error) {
	return affected(tx.ExecContext(ctx, `
UPDATE job_queue SET due_at = $1 WHERE id = $2 AND worker = $3 AND attempt = $4`,
		db.Micros(until), c.ID, c.worker, c.Attempt))
}

func affected(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func listDead(ctx context.Context, tx db.Querier, limit int) ([]DeadJob, error) {
	return db.Rows(ctx, tx, func(scan db.Scan) (d DeadJob, err error) {
		var made, died int64
		err = scan(&d.ID, &d.Kind, &d.Key, (*rawText)(&d.Payload), &d.Attempt, &made, &died, &d.Error)
		d.Made, d.Died = db.FromMicros(made), db.FromMicros(died)
		return d, err
	}, `
SELECT id, kind, key_text, payload, attempt, made_at, dead_at, last_error
  FROM job_queue WHERE dead_at > 0 ORDER BY dead_at DESC, id DESC LIMIT $1`, limit)
}

func revive(ctx context.Context, tx db.Querier, jobID string, now time.Time) error {
	found, err := affected(tx.ExecContext(ctx, `
UPDATE job_queue SET dead_at = 0, due_at = $1, attempt = 0 WHERE id = $2 AND dead_at > 0`, db.Micros(now), jobID))
	if err == nil && !found {
		return errs.New(errs.NotFound, "job.not_dead", "id", jobID)
	}
	return err
}

func countJobs(ctx context.Context, tx db.Querier, now time.Time) (Stats, error) {
	var s Stats
	var earliest sql.NullInt64
	err := tx.QueryRowContext(ctx, `
SELECT count(CASE WHEN dead_at = 0 AND worker = '' THEN 1 END),
       count(CASE WHEN dead_at = 0 AND worker <> '' THEN 1 END),
       count(CASE WHEN dead_at > 0 THEN 1 END),
       min(CASE WHEN dead_at = 0 AND worker = '' THEN due_at END)
  FROM job_queue`).Scan(&s.Waiting, &s.Running, &s.Dead, &earliest)
	if earliest.Valid {
		s.Lag = max(0, now.Sub(db.FromMicros(earliest.Int64)))
	}
	return s, err
}

// rawText scans JSON kept as TEXT.
type rawText []byte

// Scan copies the text.
func (r *rawText) Scan(v any) error {
	var s sql.NullString
	err := s.Scan(v)
	*r = rawText(s.String)
	return err
}
