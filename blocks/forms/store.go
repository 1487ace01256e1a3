package forms

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// database is the handle in Deps; only the stores speak to it.
type database = *db.DB

type store struct{ db *db.DB }

// row is an application as the table holds it.
type row struct {
	Application
	subject  string
	behalf   string // pseudonym of whom it is for; "" for oneself
	draftKey string // while a draft: one for each person, service and role; then the id
	sealed   string
	version  int
}

// write runs fn in a transaction, that of ctx if there is one. fn may run twice.
func (s store) write(ctx context.Context, fn func(context.Context) error) error {
	return s.db.Write(ctx, func(ctx context.Context, _ db.Querier) error { return fn(ctx) })
}

const columns = `id, service, def_hash, subject, on_behalf, state, code, draft_key, sealed, version, created, updated, submitted`

func scan(from func(...any) error) (row, error) {
	var r row
	var created, updated, submitted int64
	err := from(&r.ID, &r.Service, &r.DefHash, &r.subject, &r.behalf, &r.State, &r.Code, &r.draftKey, &r.sealed, &r.version, &created, &updated, &submitted)
	r.OnBehalf, r.Created, r.Updated = r.behalf != "", time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
	if submitted > 0 {
		r.Submitted = time.UnixMicro(submitted).UTC()
	}
	return r, err
}

// one finds an application by its id; errs.NotFound forms.not_found.
func (s store) one(ctx context.Context, id string) (row, error) {
	return s.find(ctx, `SELECT `+columns+` FROM forms_application WHERE id = $1`, id)
}

// draft finds the open draft under key; errs.NotFound forms.not_found.
func (s store) draft(ctx context.Context, key string) (row, error) {
	return s.find(ctx, `SELECT `+columns+` FROM forms_application WHERE draft_key = $1`, key)
}

func (s store) find(ctx context.Context, query, arg string) (r row, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		r, err = scan(q.QueryRowContext(ctx, query, arg).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, notFound()
	}
	if err != nil {
		return row{}, fmt.Errorf("forms: read an application: %w", err)
	}
	return r, nil
}

func notFound() error { return errs.New(errs.NotFound, "forms.not_found") }

// listed is how many applications a list shows at most.
const listed = 100

// list gives a person's applications that are not discarded, newest first.
func (s store) list(ctx context.Context, subject string) (out []row, err error) {
	out, err = db.List(ctx, s.db, scan, `SELECT `+columns+` FROM forms_application
			WHERE subject = $1 AND state <> $2 ORDER BY updated DESC, id LIMIT $3`, subject, string(Discarded), listed)
	if err != nil {
		return nil, fmt.Errorf("forms: list applications: %w", err)
	}
	return out, nil
}

// idle lists drafts that nobody has touched since a time, the oldest first.
func (s store) idle(ctx context.Context, since time.Time) ([]string, error) {
	return db.List(ctx, s.db, db.Value[string], `SELECT id FROM forms_application WHERE state = 'draft' AND updated < $1 ORDER BY updated LIMIT $2`, since.UnixMicro(), expired)
}

// insert says whether the draft was made; false means that there is one under
// its key.
func (s store) insert(ctx context.Context, r row) (made bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, `INSERT INTO forms_application (`+columns+`)
			VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, $9, $10, $11, 0) ON CONFLICT (draft_key) DO NOTHING`,
			r.ID, r.Service, r.DefHash, r.subject, r.behalf, string(r.State), r.draftKey, r.sealed, r.version,
			r.Created.UnixMicro(), r.Updated.UnixMicro())
		if err != nil {
			return fmt.Errorf("forms: begin an application: %w", err)
		}
		n, err := res.RowsAffected()
		made = n == 1
		return err
	})
	return made, err
}

// update writes r if nobody wrote it since it was read; errs.Conflict
// forms.changed_meanwhile otherwise.
func (s store) update(ctx context.Context, r row) error {
	submitted := int64(0)
	if !r.Submitted.IsZero() {
		submitted = r.Submitted.UnixMicro()
	}
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, `UPDATE forms_application SET state = $1, code = $2, draft_key = $3, sealed = $4,
			version = version + 1, updated = $5, submitted = $6 WHERE id = $7 AND version = $8`,
			string(r.State), r.Code, r.draftKey, r.sealed, r.Updated.UnixMicro(), submitted, r.ID, r.version)
		if err != nil {
			return fmt.Errorf("forms: write an application: %w", err)
		}
		n, err := res.RowsAffected()
		if err == nil && n == 0 {
			return errs.New(errs.Conflict, "forms.changed_meanwhile")
		}
		return err
	})
}
