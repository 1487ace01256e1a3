package forms

import (
	"context"
	"fmt"

	"github.com/dinh-gov/dinh/kernel/db"
)

// stored is a file that an application holds for a field.
type stored struct{ application, field, subject, hash string }

// hold notes that an application uses a stored file for a field. ok is false
// when the file is being deleted at this moment: store it again, then try again.
func (s store) hold(ctx context.Context, f stored) (ok bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var dying int
		if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM forms_garbage WHERE subject = $1 AND hash = $2`, f.subject, f.hash).Scan(&dying); err != nil {
			return fmt.Errorf("forms: hold a file: %w", err)
		}
		ok = dying == 0
		if !ok {
			return nil
		}
		_, err := q.ExecContext(ctx, `INSERT INTO forms_file (application, field, subject, hash) VALUES ($1, $2, $3, $4)
			ON CONFLICT (application, field) DO UPDATE SET hash = excluded.hash`, f.application, f.field, f.subject, f.hash)
		return err
	})
	return ok, err
}

// held gives the hashes that an application holds.
func (s store) held(ctx context.Context, application string) (out []string, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		out, err = hashes(ctx, q, `SELECT hash FROM forms_file WHERE application = $1`, application)
		return err
	})
	return out, err
}

// release forgets what an application held, of one field or of all ("").
func (s store) release(ctx context.Context, application, field string) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `DELETE FROM forms_file WHERE application = $1 AND ($2 = '' OR field = $3)`, application, field, field)
		return err
	})
}

// condemn marks a file for deletion unless an application still holds it.
func (s store) condemn(ctx context.Context, subject, hash string) (condemned bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var holders int
		if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM forms_file WHERE subject = $1 AND hash = $2`, subject, hash).Scan(&holders); err != nil {
			return fmt.Errorf("forms: condemn a file: %w", err)
		}
		condemned = holders == 0
		if !condemned {
			return nil
		}
		_, err := q.ExecContext(ctx, `INSERT INTO forms_garbage (subject, hash) VALUES ($1, $2) ON CONFLICT (subject, hash) DO NOTHING`, subject, hash)
		return err
	})
	return condemned, err
}

// buried notes that a condemned file is gone.
func (s store) buried(ctx context.Context, subject, hash string) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `DELETE FROM forms_garbage WHERE subject = $1 AND hash = $2`, subject, hash)
		return err
	})
}

func hashes(ctx context.Context, q db.Querier, query string, args ...any) ([]string, error) {
	all, err := db.Rows(ctx, q, db.Value[string], query, args...)
	if err != nil {
		return nil, fmt.Errorf("forms: read files: %w", err)
	}
	return all, nil
}

// garbage gives condemned files that are not buried yet.
func (s store) garbage(ctx context.Context) ([]stored, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (g stored, err error) {
		err = scan(&g.subject, &g.hash)
		return g, err
	}, `SELECT subject, hash FROM forms_garbage LIMIT 1000`)
}
