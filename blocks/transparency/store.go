package transparency

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

type store struct{ db *db.DB }

func (s store) insertReading(ctx context.Context, subject string, r Reading) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO transparency_read (id, at, subject, kind, reader, member, event, reason)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8)`, r.ID, db.Micros(r.At), subject, string(r.Kind), r.Reader, r.Member, r.Event, r.Reason)
		return err
	})
}

func (s store) readings(ctx context.Context, subject string, limit int) ([]Reading, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (r Reading, err error) {
		var at int64
		err = scan(&r.ID, &at, &r.Kind, &r.Reader, &r.Member, &r.Event, &r.Reason)
		r.At = db.FromMicros(at)
		return r, err
	}, `SELECT id, at, kind, reader, member, event, reason FROM transparency_read
			WHERE subject=$1 ORDER BY id DESC LIMIT $2`, subject, limit)
}

// consentRow is a consent as it lies in the table.
type consentRow struct {
	id        string
	withdrawn int64 // microseconds; 0: it was not
	used      int
	given     []byte
}

func (s store) insertConsent(ctx context.Context, subject string, c Consent, sealed []byte) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO transparency_consent (id, subject, given_at, until_at, withdrawn_at, given, times)
			VALUES ($1,$2,$3,$4,0,$5,$6)`, c.ID, subject, db.Micros(c.Given), db.Micros(c.Until), sealed, c.Times)
		return err
	})
}

// withdraw keeps the first withdrawal when there are two at once.
func (s store) withdraw(ctx context.Context, subject, consentID string, at time.Time, sealed []byte) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `UPDATE transparency_consent SET withdrawn_at=$1, withdrawn=$2
			WHERE id=$3 AND subject=$4 AND withdrawn_at=0`, db.Micros(at), sealed, consentID, subject)
		return err
	})
}

func (s store) consent(ctx context.Context, subject, consentID string) (row consentRow, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT id, withdrawn_at, used, given FROM transparency_consent WHERE id=$1 AND subject=$2`, consentID, subject).
			Scan(&row.id, &row.withdrawn, &row.used, &row.given)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return consentRow{}, errs.New(errs.NotFound, "transparency.no_consent")
	}
	return row, err
}

func (s store) consents(ctx context.Context, subject string) ([]consentRow, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (row consentRow, err error) {
		err = scan(&row.id, &row.withdrawn, &row.used, &row.given)
		return row, err
	}, `SELECT id, withdrawn_at, used, given FROM transparency_consent WHERE subject=$1 ORDER BY id DESC LIMIT 500`, subject)
}

// useConsent counts one use of a consent that still stands; false when it does not.
func (s store) useConsent(ctx context.Context, consentID string, at time.Time) (counted bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var id string
		err := q.QueryRowContext(ctx, `UPDATE transparency_consent SET used=used+1
			WHERE id=$1 AND withdrawn_at=0 AND until_at>$2 AND (times=0 OR used<times) RETURNING id`, consentID, db.Micros(at)).Scan(&id)
		if counted = err == nil; errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return counted, err
}
