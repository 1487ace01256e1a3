package broker

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

type store struct{ db *db.DB }

// row is a request as it lies in the table.
type row struct {
	Request
	number []byte
}

const columns = `code, service, client, officer, reference, subject, number, created_at, until_at, decided_at`

func scanRequest(scan db.Scan) (r row, err error) {
	var client string
	var created, until, decided int64
	if err = scan(&r.Code, &r.Service, &client, &r.Officer, &r.Reference, &r.subject, &r.number, &created, &until, &decided); err != nil {
		return r, err
	}
	r.Created, r.Until, r.Decided = db.FromMicros(created), db.FromMicros(until), db.FromMicros(decided)
	r.Client, err = exchange.ParseSubsystem(client)
	return r, err
}

func (s store) insert(ctx context.Context, r Request, number []byte) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO exchange_broker_request (`+columns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,0)`,
			r.Code, r.Service, r.Client.String(), r.Officer, r.Reference, r.subject, number, db.Micros(r.Created), db.Micros(r.Until))
		return err
	})
}

func (s store) request(ctx context.Context, code string) (r row, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		r, err = scanRequest(q.QueryRowContext(ctx, `SELECT `+columns+` FROM exchange_broker_request WHERE code=$1`, code).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = notFound()
	}
	return r, err
}

const mostListed = 200 // requests on one page

// list gives the newest requests of a person (by "subject") or a subsystem (by "client").
func (s store) list(ctx context.Context, by, value string) ([]Request, error) {
	query := `SELECT ` + columns + ` FROM exchange_broker_request WHERE client=$1 ORDER BY created_at DESC, code LIMIT $2`
	if by == "subject" {
		query = `SELECT ` + columns + ` FROM exchange_broker_request WHERE subject=$1 ORDER BY created_at DESC, code LIMIT $2`
	}
	return db.List(ctx, s.db, func(scan db.Scan) (Request, error) {
		r, err := scanRequest(scan)
		return r.Request, err
	}, query, value, mostListed)
}

// claim gives a request that is nobody's to a person; whoever comes second does
// not find it.
func (s store) claim(ctx context.Context, r Request, number []byte) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var code string
		err := q.QueryRowContext(ctx, `UPDATE exchange_broker_request SET subject=$1, number=$2 WHERE code=$3 AND (subject='' OR subject=$1) RETURNING code`,
			r.subject, number, r.Code).Scan(&code)
		if errors.Is(err, sql.ErrNoRows) {
			return notFound()
		}
		return err
	})
}

func (s store) papers(ctx context.Context, code string) (map[string]Paper, error) {
	type known struct {
		requirement string
		Paper
	}
	all, err := db.List(ctx, s.db, func(scan db.Scan) (k known, err error) {
		err = scan(&k.requirement, &k.foundBy, &k.State, &k.consentID)
		return k, err
	}, `SELECT requirement, found_by, state, consent FROM exchange_broker_paper WHERE request=$1`, code)
	out := map[string]Paper{}
	for _, k := range all {
		out[k.requirement] = k.Paper
	}
	return out, err
}

func putPaper(ctx context.Context, q db.Querier, code string, p Paper) error {
	_, err := q.ExecContext(ctx, `INSERT INTO exchange_broker_paper (request, requirement, found_by, state, consent) VALUES ($1,$2,$3,$4,$5)
		ON CONFLICT (request, requirement) DO UPDATE SET found_by=excluded.found_by, state=excluded.state, consent=excluded.consent`,
		code, p.Requirement.ID, p.foundBy, string(p.State), p.consentID)
	return err
}

// seen keeps that the person saw a paper; a decision that was made meanwhile stays.
func (s store) seen(ctx context.Context, code string, p Paper) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var decided int64
		if err := q.QueryRowContext(ctx, `SELECT decided_at FROM exchange_broker_request WHERE code=$1`, code).Scan(&decided); err != nil || decided != 0 {
			return err
		}
		return putPaper(ctx, q, code, p)
	})
}

// decide settles every paper and the request in one transaction, once.
func (s store) decide(ctx context.Context, r Request, now time.Time, settle func(context.Context, *Paper) error) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		var code string
		err := q.QueryRowContext(ctx, `UPDATE exchange_broker_request SET decided_at=$1 WHERE code=$2 AND decided_at=0 RETURNING code`,
			db.Micros(now), r.Code).Scan(&code)
		if errors.Is(err, sql.ErrNoRows) {
			return errs.New(errs.Conflict, "broker.decided")
		}
		if err != nil {
			return err
		}
		for _, p := range r.Papers {
			if err := settle(ctx, &p); err != nil {
				return err
			}
			if err := putPaper(ctx, q, r.Code, p); err != nil {
				return err
			}
		}
		return nil
	})
}
