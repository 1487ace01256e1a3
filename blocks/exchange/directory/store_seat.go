package directory

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// seat reads where this house's membership stands; errs.NotFound
// "directory.no_seat" before it asked for one.
func (s store) seat(ctx context.Context) (seat Seat, err error) {
	err = s.read(ctx, func(ctx context.Context, t tx) error {
		seat, err = t.seat(ctx)
		return err
	})
	return seat, err
}

func (t tx) seat(ctx context.Context) (s Seat, err error) {
	var content string
	var keyFrom, tlsFrom int64
	err = t.q.QueryRowContext(ctx, `SELECT application, secret, state, reason, key_id, next_key, next_key_from, compromised,
		tls_key, certificate, next_tls_key, next_certificate, next_tls_from FROM exchange_directory_seat WHERE id = 1`).Scan(
		&content, &s.Secret, &s.State, &s.Reason, &s.Key, &s.NextKey, &keyFrom, &s.Compromised,
		&s.TLSKey, &s.Certificate, &s.NextTLSKey, &s.NextCertificate, &tlsFrom)
	if errors.Is(err, sql.ErrNoRows) {
		return Seat{}, errs.New(errs.NotFound, "directory.no_seat")
	}
	if err != nil {
		return Seat{}, err
	}
	s.NextKeyFrom, s.NextTLSFrom = db.FromMicros(keyFrom), db.FromMicros(tlsFrom)
	return s, json.Unmarshal([]byte(content), &s.Application)
}

// change reads the seat, lets fn change it and writes it back, in one transaction.
func (s store) change(ctx context.Context, fn func(*Seat) error) (seat Seat, err error) {
	err = s.write(ctx, func(ctx context.Context, t tx) error {
		seat, err = t.seat(ctx)
		if err != nil && errs.CodeOf(err) != "directory.no_seat" {
			return err
		}
		if err := fn(&seat); err != nil {
			return err
		}
		return t.putSeat(ctx, seat)
	})
	return seat, err
}

func (t tx) putSeat(ctx context.Context, s Seat) error {
	content, err := json.Marshal(s.Application)
	if err != nil {
		return err
	}
	return t.exec(ctx, `INSERT INTO exchange_directory_seat (id, application, secret, state, reason, key_id, next_key, next_key_from, compromised,
			tls_key, certificate, next_tls_key, next_certificate, next_tls_from)
		VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (id) DO UPDATE SET application = excluded.application, secret = excluded.secret, state = excluded.state, reason = excluded.reason,
			key_id = excluded.key_id, next_key = excluded.next_key, next_key_from = excluded.next_key_from, compromised = excluded.compromised,
			tls_key = excluded.tls_key, certificate = excluded.certificate, next_tls_key = excluded.next_tls_key,
			next_certificate = excluded.next_certificate, next_tls_from = excluded.next_tls_from`,
		string(content), s.Secret, s.State, s.Reason, s.Key, s.NextKey, db.Micros(s.NextKeyFrom), s.Compromised,
		s.TLSKey, s.Certificate, s.NextTLSKey, s.NextCertificate, db.Micros(s.NextTLSFrom))
}
