package cases

import (
	"context"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// tell lets the people of a case know that an officer looks into it: once a day
// for each officer, before anything is shown.
func (c *Cases) tell(ctx context.Context, w *work, p auth.Principal) error {
	day := c.d.Clock.Now().In(i18n.Zone()).Format(time.DateOnly)
	if known, err := c.store.wasRead(ctx, w.ID, p.Officer, day); err != nil || known {
		return err
	}
	if c.d.Opened == nil {
		return errs.New(errs.Internal, "cases.not_recorded")
	}
	o := Opening{Service: w.def, Case: w.Code, Officer: p.Officer, Subjects: []string{w.content.Number}}
	if w.content.OnBehalf != "" {
		o.Subjects = append(o.Subjects, w.content.OnBehalf)
	}
	return c.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		first, err := c.store.noteReading(ctx, w.ID, p.Officer, day)
		if err != nil || !first {
			return err
		}
		return c.d.Opened(ctx, o)
	})
}

func (s store) wasRead(ctx context.Context, id, officer, day string) (bool, error) {
	var n int
	err := s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT COUNT(*) FROM cases_reading WHERE case_id=$1 AND officer=$2 AND day=$3`, id, officer, day).Scan(&n)
	})
	return n > 0, err
}

// noteReading says whether it is the first of its day.
func (s store) noteReading(ctx context.Context, id, officer, day string) (first bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, `INSERT INTO cases_reading (case_id, officer, day) VALUES ($1,$2,$3) ON CONFLICT (case_id, officer, day) DO NOTHING`, id, officer, day)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		first = n == 1
		return err
	})
	return first, err
}
