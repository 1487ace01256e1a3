package directory

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
)

// Database is where the directory keeps its tables.
type Database = *db.DB

// keepIssues is how many versions stay: enough to see what changed lately. What
// signatures of long ago need stands in the newest one.
const keepIssues = 100

// newest gives the newest signed directory after a version; 0 and "" when there is
// none.
func newest(ctx context.Context, d Database, after int64) (version int64, signed string, err error) {
	err = d.Read(ctx, func(ctx context.Context, q db.Querier) error {
		version, signed, err = readNewest(ctx, q, after)
		return err
	})
	return version, signed, err
}

func readNewest(ctx context.Context, q db.Querier, after int64) (version int64, signed string, err error) {
	err = q.QueryRowContext(ctx, `SELECT version, signed FROM exchange_directory_issue WHERE version > $1 ORDER BY version DESC LIMIT 1`, after).Scan(&version, &signed)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	return version, signed, err
}

// keep stores a version that was verified.
func keep(ctx context.Context, d Database, version int64, signed string, now time.Time) error {
	return d.Write(ctx, func(ctx context.Context, q db.Querier) error {
		return putIssue(ctx, q, version, signed, now)
	})
}

func putIssue(ctx context.Context, q db.Querier, version int64, signed string, now time.Time) error {
	_, err := q.ExecContext(ctx, `INSERT INTO exchange_directory_issue (version, signed, kept_at) VALUES ($1, $2, $3)
		ON CONFLICT (version) DO UPDATE SET signed = excluded.signed`, version, signed, db.Micros(now))
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `DELETE FROM exchange_directory_issue WHERE version <= $1`, version-keepIssues)
	return err
}
