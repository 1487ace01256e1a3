package keys

import (
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// record is a row of keys_key.
type record struct {
	kid, owner  string
	use         Use
	alg         string
	name        Name
	private     []byte // wrapped
	public      []byte // PKIX
	certificate []byte // DER, empty without one
	notAfter    int64
	created     int64
	retired     sql.NullInt64
}

// binding is what the wrapped private key is tied to: swapping rows in the table swaps no keys.
func (r *record) binding() string {
	return "key\x00" + r.kid + "\x00" + r.owner + "\x00" + string(r.use)
}

func (r *record) publicKey() (Key, error) {
	public, err := x509.ParsePKIXPublicKey(r.public)
	if err != nil {
		return Key{}, fmt.Errorf("keys: public key %s: %w", r.kid, err)
	}
	key := Key{
		ID: r.kid, Owner: r.owner, Use: r.use, Alg: r.alg, Public: public,
		Created: time.UnixMicro(r.created).UTC(), Retired: r.retired.Valid,
	}
	if r.notAfter != 0 {
		key.NotAfter = time.UnixMicro(r.notAfter).UTC()
	}
	if len(r.certificate) > 0 {
		if key.Certificate, err = x509.ParseCertificate(r.certificate); err != nil {
			return Key{}, fmt.Errorf("keys: certificate of %s: %w", r.kid, err)
		}
	}
	return key, nil
}

const keyColumns = `kid, owner, use, alg, subject, private, public, certificate, not_after, created, retired`

// insertKey does nothing when the owner has a current key for the use already. A certificate goes into
// the list of those issued.
func insertKey(ctx context.Context, q db.Querier, r *record) error {
	name, err := json.Marshal(r.name)
	if err != nil {
		return err
	}
	res, err := q.ExecContext(ctx, `
		INSERT INTO keys_key (`+keyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL)
		ON CONFLICT DO NOTHING`,
		r.kid, r.owner, string(r.use), r.alg, string(name), r.private, r.public, r.certificate, r.notAfter, r.created)
	if err != nil || len(r.certificate) == 0 || r.use == useCA {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	issued, err := newIssued(r.kid, r.owner, r.certificate)
	if err != nil {
		return err
	}
	return insertIssued(ctx, q, issued)
}

// retireKey returns the name of the key, or nil if it was retired before.
func retireKey(ctx context.Context, q db.Querier, kid string, at int64) (*Name, error) {
	var text string
	err := q.QueryRowContext(ctx, `
		UPDATE keys_key SET retired = $1 WHERE kid = $2 AND retired IS NULL
		RETURNING subject`, at, kid).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var name Name
	return &name, json.Unmarshal([]byte(text), &name)
}

func readKey(ctx context.Context, q db.Querier, kid string) (*record, error) {
	r, err := scanKey(q.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM keys_key WHERE kid = $1`, kid))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errs.New(errs.NotFound, "keys.no_key", "kid", kid)
	}
	return r, err
}

func readCurrent(ctx context.Context, q db.Querier, at slot) (*record, error) {
	r, err := scanKey(q.QueryRowContext(ctx, `
		SELECT `+keyColumns+` FROM keys_key
		WHERE owner = $1 AND use = $2 AND retired IS NULL`, at.owner, string(at.use)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errs.New(errs.NotFound, "keys.no_key", "owner", at.owner, "use", string(at.use))
	}
	return r, err
}

func readOwner(ctx context.Context, q db.Querier, owner string) (out []*record, err error) {
	rows, err := q.QueryContext(ctx, `
		SELECT `+keyColumns+` FROM keys_key WHERE owner = $1 ORDER BY created DESC, kid`, owner)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanKey(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func scanKey(row interface{ Scan(...any) error }) (*record, error) {
	var r record
	var use, name string
	err := row.Scan(&r.kid, &r.owner, &use, &r.alg, &name, &r.private, &r.public, &r.certificate, &r.notAfter, &r.created, &r.retired)
	if err != nil {
		return nil, err
	}
	r.use = Use(use)
	return &r, json.Unmarshal([]byte(name), &r.name)
}

// readSubject returns the wrapped data key of a subject, or why there is none.
func readSubject(ctx context.Context, q db.Querier, name string) (wrapped []byte, err error) {
	var destroyed sql.NullInt64
	err = q.QueryRowContext(ctx, `SELECT wrapped, destroyed FROM keys_subject WHERE subject = $1`, name).Scan(&wrapped, &destroyed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, errs.New(errs.NotFound, "keys.unknown_subject")
	case err != nil:
		return nil, err
	case destroyed.Valid:
		return nil, errs.New(errs.Gone, "keys.subject_destroyed")
	}
	return wrapped, nil
}

// insertSubject leaves a subject that exists as it is, destroyed ones above all.
func insertSubject(ctx context.Context, q db.Querier, name string, wrapped []byte, at int64) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO keys_subject (subject, wrapped, created) VALUES ($1, $2, $3)
		ON CONFLICT (subject) DO NOTHING`, name, wrapped, at)
	return err
}

// destroySubject leaves a row without a key, which nothing overwrites.
func destroySubject(ctx context.Context, q db.Querier, name string, at int64) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO keys_subject (subject, wrapped, created, destroyed) VALUES ($1, NULL, $2, $2)
		ON CONFLICT (subject) DO UPDATE SET wrapped = NULL, destroyed = COALESCE(keys_subject.destroyed, excluded.destroyed)`,
		name, at)
	return err
}
