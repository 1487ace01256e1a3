package catalogue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// Database is where the catalogue keeps its tables.
type Database = *db.DB

const requestColumns = `id, client, service, purpose, legal_basis, asked, reason, asked_at, asked_by, asked_person,
	outcome, given, answer, decided_at, decided_by`

func scanRequest(scan db.Scan) (r Request, err error) {
	var client, service, asked, given string
	var askedAt, decidedAt int64
	err = scan(&r.ID, &client, &service, &r.Purpose, &r.LegalBasis, &asked, &r.Reason, &askedAt, &r.AskedBy, &r.person,
		&r.Outcome, &given, &r.Answer, &decidedAt, &r.DecidedBy)
	if err != nil {
		return r, err
	}
	r.AskedAt = db.FromMicros(askedAt)
	if decidedAt != 0 {
		r.DecidedAt = db.FromMicros(decidedAt)
	}
	if r.Client, err = exchange.ParseSubsystem(client); err != nil {
		return r, err
	}
	if r.Service, err = exchange.ParseService(service); err != nil {
		return r, err
	}
	if given != "" {
		err = json.Unmarshal([]byte(given), &r.Given)
	}
	return r, errors.Join(err, json.Unmarshal([]byte(asked), &r.Asked))
}

func (c *Catalogue) byID(ctx context.Context, requestID string) (r Request, found bool, err error) {
	err = c.d.DB.Read(ctx, func(ctx context.Context, q db.Querier) error {
		r, err = scanRequest(q.QueryRowContext(ctx, `SELECT `+requestColumns+` FROM exchange_catalogue_request WHERE id = $1`, requestID).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Request{}, false, nil
	}
	return r, err == nil, err
}

// list gives the newest requests of a member on one side: "asking" or "owner".
func (c *Catalogue) list(ctx context.Context, side, member string) ([]Request, error) {
	return db.List(ctx, c.d.DB, scanRequest, `SELECT `+requestColumns+` FROM exchange_catalogue_request
		WHERE `+side+` = $1 ORDER BY id DESC LIMIT 200`, member)
}

// insert keeps a request unless the same is open already.
func (c *Catalogue) insert(ctx context.Context, r Request) error {
	asked, err := json.Marshal(r.Asked)
	if err != nil {
		return err
	}
	return c.d.DB.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var id string
		err := q.QueryRowContext(ctx, `INSERT INTO exchange_catalogue_request (id, client, asking, service, owner, purpose, legal_basis, asked,
				reason, asked_at, asked_by, asked_person, outcome, given, answer, decided_at, decided_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', '', '', 0, '')
			ON CONFLICT (client, service, purpose) WHERE outcome = '' DO NOTHING RETURNING id`,
			r.ID, r.Client.String(), r.Client.Owner().String(), r.Service.String(), r.Service.Owner().String(), r.Purpose, r.LegalBasis,
			string(asked), r.Reason, db.Micros(r.AskedAt), r.AskedBy, r.person).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return errs.New(errs.Conflict, "catalogue.asked_already")
		}
		return err
	})
}

// decide takes the decision and makes the grant, both or neither.
func (c *Catalogue) decide(ctx context.Context, r Request) error {
	given := ""
	if r.Given != nil {
		b, err := json.Marshal(r.Given)
		if err != nil {
			return err
		}
		given = string(b)
	}
	return c.d.DB.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var id string
		err := q.QueryRowContext(ctx, `UPDATE exchange_catalogue_request SET outcome = $2, given = $3, answer = $4, decided_at = $5, decided_by = $6
			WHERE id = $1 AND outcome = '' RETURNING id`, r.ID, r.Outcome, given, r.Answer, db.Micros(r.DecidedAt), r.DecidedBy).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return errs.New(errs.Conflict, "catalogue.decided_already")
		}
		if err != nil || r.Given == nil {
			return err
		}
		g := r.grant(*r.Given)
		g.GrantedBy = r.DecidedBy
		_, err = c.d.Rights.AddGrant(ctx, g)
		return err
	})
}
