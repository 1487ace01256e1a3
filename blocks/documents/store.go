package documents

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

type store struct{ db *db.DB }

// stored is a sealed file and whose key opens it.
type stored struct {
	subject string
	base    string // what the file begins with; empty: sealed is all of it
	sealed  []byte
	facts   []byte // sealed too
}

func encode(t i18n.Text) string {
	b, _ := json.Marshal(t) // two strings always marshal
	return string(b)
}

const columns = `d.id, d.code, d.type, d.title, d.number_hint, d.signer, d.signer_name, d.reference, d.sha256, d.issued, d.valid_until, d.revoked, d.revoke_reason`

func scan(scan func(...any) error) (Document, error) {
	var d Document
	var title, signer string
	var issued, revoked int64
	err := scan(&d.ID, &d.Code, &d.Type, &title, &d.Number, &d.Signer, &signer, &d.Reference, &d.SHA256, &issued, &d.ValidUntil, &revoked, &d.RevokeReason)
	if err != nil {
		return d, err
	}
	d.IssuedAt = db.FromMicros(issued)
	if revoked > 0 {
		d.RevokedAt = db.FromMicros(revoked)
	}
	return d, errors.Join(json.Unmarshal([]byte(title), &d.Title), json.Unmarshal([]byte(signer), &d.SignerName))
}

// insert says whether the paper is new. Its number is not kept in the clear.
func (s store) insert(ctx context.Context, key string, d Document, c stored) (made bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, `INSERT INTO documents_document (id, document_key, code, type, title, number_hint, signer, signer_name, reference, sha256, issued, valid_until, revoked, revoke_reason, sealed_for, content, base, facts)
			VALUES ($1,$2,$3,$4,$5,'',$6,$7,$8,$9,$10,$11,0,'',$12,$13,$14,$15) ON CONFLICT (document_key) DO NOTHING`,
			d.ID, key, d.Code, d.Type, encode(d.Title), d.Signer, encode(d.SignerName), d.Reference, d.SHA256, db.Micros(d.IssuedAt), d.ValidUntil, c.subject, c.sealed, c.base, c.facts)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		made = n == 1
		return err
	})
	return made, err
}

func (s store) own(ctx context.Context, document string, subjects []string) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		for _, subject := range subjects {
			if _, err := q.ExecContext(ctx, `INSERT INTO documents_owner (subject, document) VALUES ($1,$2) ON CONFLICT (subject, document) DO NOTHING`, subject, document); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s store) by(ctx context.Context, column, value string) (d Document, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		d, err = scan(q.QueryRowContext(ctx, `SELECT `+columns+` FROM documents_document d WHERE d.`+column+`=$1`, value).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Document{}, errs.New(errs.NotFound, "documents.not_found")
	}
	return d, err
}

func (s store) many(ctx context.Context, query string, args ...any) ([]Document, error) {
	return db.List(ctx, s.db, scan, query, args...)
}

func (s store) owned(ctx context.Context, subject string) ([]Document, error) {
	return s.many(ctx, `SELECT `+columns+` FROM documents_owner o JOIN documents_document d ON d.id=o.document WHERE o.subject=$1 ORDER BY d.issued DESC, d.id DESC LIMIT 200`, subject)
}

func (s store) referenced(ctx context.Context, reference string) ([]Document, error) {
	return s.many(ctx, `SELECT `+columns+` FROM documents_document d WHERE d.reference=$1 ORDER BY d.issued, d.id`, reference)
}

func (s store) owns(ctx context.Context, subject, document string) (bool, error) {
	var n int
	err := s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT COUNT(*) FROM documents_owner WHERE subject=$1 AND document=$2`, subject, document).Scan(&n)
	})
	return n > 0, err
}

func (s store) content(ctx context.Context, document string) (c stored, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT sealed_for, content, base, facts FROM documents_document WHERE id=$1`, document).Scan(&c.subject, &c.sealed, &c.base, &c.facts)
	})
	return c, err
}

// keepBase stores what files begin with, unless it is there.
func (s store) keepBase(ctx context.Context, name string, data []byte) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO documents_base (name, content) VALUES ($1,$2) ON CONFLICT (name) DO NOTHING`, name, data)
		return err
	})
}

func (s store) base(ctx context.Context, name string) (data []byte, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT content FROM documents_base WHERE name=$1`, name).Scan(&data)
	})
	return data, err
}

func (s store) revoke(ctx context.Context, document, reason string, at time.Time) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, `UPDATE documents_document SET revoked=$1, revoke_reason=$2 WHERE id=$3 AND revoked=0`, db.Micros(at), reason, document)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return errs.New(errs.NotFound, "documents.not_found")
	})
}
