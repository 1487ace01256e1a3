package keys

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

const issuedColumns = `serial, kid, owner, certificate, revoked, reason`

func scanIssued(scan db.Scan) (c Certificate, err error) {
	var der []byte
	var revoked sql.NullInt64
	if err := scan(&c.Serial, &c.KeyID, &c.Owner, &der, &revoked, &c.Reason); err != nil {
		return c, err
	}
	if revoked.Valid {
		c.Revoked = time.UnixMicro(revoked.Int64).UTC()
	}
	c.Certificate, err = x509.ParseCertificate(der)
	return c, err
}

// insertIssued fails on a serial number that is there: there are no two certificates of one number.
func insertIssued(ctx context.Context, q db.Querier, c Certificate) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO keys_issued (serial, kid, owner, subject, certificate, not_before, not_after) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.Serial, c.KeyID, c.Owner, c.Certificate.Subject.CommonName, c.Certificate.Raw, c.Certificate.NotBefore.UnixMicro(), c.Certificate.NotAfter.UnixMicro())
	return err
}

func readIssued(ctx context.Context, q db.Querier, serial string) (Certificate, error) {
	c, err := scanIssued(q.QueryRowContext(ctx, `SELECT `+issuedColumns+` FROM keys_issued WHERE serial = $1`, serial).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return c, errs.New(errs.NotFound, "keys.unknown_serial", "serial", serial)
	}
	return c, err
}

// stands says whether a certificate was issued and is not revoked. It is asked for every message.
func stands(ctx context.Context, q db.Querier, serial string) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM keys_issued WHERE serial = $1 AND revoked IS NULL`, serial).Scan(&n)
	return n == 1, err
}

// keyTaken says whether a key is not this owner's to be certified: another one's, one of the keystore
// itself, or one that was given away.
func keyTaken(ctx context.Context, q db.Querier, kid, owner string) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, `
		SELECT (SELECT COUNT(*) FROM keys_key WHERE kid = $1)
		     + (SELECT COUNT(*) FROM keys_issued WHERE kid = $1 AND (owner <> $2 OR (revoked IS NOT NULL AND reason = $3)))`,
		kid, owner, int(KeyCompromise)).Scan(&n)
	return n > 0, err
}

func revokeIssued(ctx context.Context, q db.Querier, serial string, reason Reason, at int64) (bool, error) {
	res, err := q.ExecContext(ctx, `UPDATE keys_issued SET revoked = $1, reason = $2 WHERE serial = $3 AND revoked IS NULL`, at, int(reason), serial)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// revokedEntries leaves out what had ended by the time given: it verifies nowhere anyway.
func revokedEntries(ctx context.Context, q db.Querier, ended int64) ([]x509.RevocationListEntry, error) {
	return db.Rows(ctx, q, func(scan db.Scan) (e x509.RevocationListEntry, err error) {
		var serial string
		var at int64
		if err := scan(&serial, &at, &e.ReasonCode); err != nil {
			return e, err
		}
		n, ok := new(big.Int).SetString(serial, 16)
		if !ok {
			return e, fmt.Errorf("keys: serial number %q", serial)
		}
		e.SerialNumber, e.RevocationTime = n, time.UnixMicro(at).UTC()
		return e, nil
	}, `SELECT serial, revoked, reason FROM keys_issued WHERE revoked IS NOT NULL AND not_after > $1 ORDER BY revoked, serial`, ended)
}

// unrecorded are the certificates of keys here that are not among the issued ones.
func unrecorded(ctx context.Context, q db.Querier) ([]Certificate, error) {
	return db.Rows(ctx, q, func(scan db.Scan) (Certificate, error) {
		var kid, owner string
		var der []byte
		if err := scan(&kid, &owner, &der); err != nil {
			return Certificate{}, err
		}
		return newIssued(kid, owner, der)
	}, `SELECT kid, owner, certificate FROM keys_key
		WHERE certificate IS NOT NULL AND use <> 'ca' AND NOT EXISTS (SELECT 1 FROM keys_issued WHERE keys_issued.kid = keys_key.kid)
		ORDER BY kid`)
}

func nextCRL(ctx context.Context, q db.Querier) (n int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) + 1 FROM keys_crl`).Scan(&n)
	return n, err
}

// insertCRL keeps the newest list alone.
func insertCRL(ctx context.Context, q db.Querier, number, at int64, der []byte) error {
	if _, err := q.ExecContext(ctx, `INSERT INTO keys_crl (number, at, crl) VALUES ($1, $2, $3)`, number, at, der); err != nil {
		return err
	}
	_, err := q.ExecContext(ctx, `DELETE FROM keys_crl WHERE number < $1`, number)
	return err
}

// latestCRL is nil when there is none that was made after the time given.
func latestCRL(ctx context.Context, q db.Querier, after int64) (der []byte, err error) {
	err = q.QueryRowContext(ctx, `SELECT crl FROM keys_crl WHERE at > $1 ORDER BY number DESC LIMIT 1`, after).Scan(&der)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return der, err
}
