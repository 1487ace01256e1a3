package directory

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// countJoins counts the requests to join in a state; those of one client, or all for "".
func (t tx) countJoins(ctx context.Context, state, client string) (int, error) {
	return t.count(ctx, `SELECT count(*) FROM exchange_directory_request WHERE state = $1 AND kind = $2 AND (client = $3 OR $3 = '')`, state, Join, client)
}

// giveWay forgets the oldest request that waits for its proof, of one client or of all for "".
func (t tx) giveWay(ctx context.Context, client string) error {
	return t.exec(ctx, `DELETE FROM exchange_directory_request WHERE id = (
		SELECT id FROM exchange_directory_request WHERE state = $1 AND kind = $2 AND (client = $3 OR $3 = '') ORDER BY asked_at, id LIMIT 1)`, Asked, Join, client)
}

func (t tx) countProposed(ctx context.Context, kind, member string) (int, error) {
	return t.count(ctx, `SELECT count(*) FROM exchange_directory_request WHERE state = $1 AND kind = $2 AND member = $3`, Proved, kind, member)
}

func (t tx) insertRequest(ctx context.Context, r Request, secretHash, client string) error {
	content, err := json.Marshal(r.Application)
	if err != nil {
		return err
	}
	return t.exec(ctx, `INSERT INTO exchange_directory_request (id, kind, secret_hash, member, content, state, nonce, nonce_until, asked_at, decided_at, reason, client)
		VALUES ($1, $2, $3, $4, $5, $6, '', 0, $7, 0, $8, $9)`, r.ID, r.Kind, secretHash, r.Member, string(content), r.State, db.Micros(r.AskedAt), r.Reason, client)
}

const requestColumns = `SELECT id, kind, member, content, state, nonce, nonce_until, asked_at, decided_at, reason FROM exchange_directory_request`

func readRequest(scan db.Scan) (r Request, err error) {
	var content string
	var nonceUntil, asked, decided int64
	if err := scan(&r.ID, &r.Kind, &r.Member, &content, &r.State, &r.nonce, &nonceUntil, &asked, &decided, &r.Reason); err != nil {
		return r, err
	}
	r.nonceUntil, r.AskedAt, r.DecidedAt, r.Votes = db.FromMicros(nonceUntil), db.FromMicros(asked), db.FromMicros(decided), []Vote{}
	return r, json.Unmarshal([]byte(content), &r.Application)
}

func (t tx) one(ctx context.Context, where string, arg string) (Request, error) {
	r, err := readRequest(t.q.QueryRowContext(ctx, requestColumns+where, arg).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Request{}, errs.New(errs.NotFound, "directory.no_such_request")
	}
	if err != nil {
		return Request{}, err
	}
	votes, err := t.votes(ctx, r.ID)
	r.Votes = append(r.Votes, votes...)
	return r, err
}

func (t tx) request(ctx context.Context, id string) (Request, error) {
	return t.one(ctx, ` WHERE id = $1`, id)
}

// requestBy finds a request by its secret; those of registrars have none.
func (t tx) requestBy(ctx context.Context, secretHash string) (Request, error) {
	return t.one(ctx, ` WHERE secret_hash = $1`, secretHash)
}

// requests are those that wait, and the last hundred that were decided.
func (t tx) requests(ctx context.Context) ([]Request, error) {
	waiting, err := db.Rows(ctx, t.q, readRequest, requestColumns+` WHERE state IN ($1, $2) ORDER BY id DESC`, Proved, Asked)
	if err != nil {
		return nil, err
	}
	decided, err := db.Rows(ctx, t.q, readRequest, requestColumns+` WHERE state IN ($1, $2, $3) ORDER BY decided_at DESC, id DESC LIMIT 100`, Approved, Refused, Ended)
	if err != nil {
		return nil, err
	}
	all := append(waiting, decided...)
	for i := range all {
		votes, err := t.votes(ctx, all[i].ID)
		if err != nil {
			return nil, err
		}
		all[i].Votes = append(all[i].Votes, votes...)
	}
	return all, nil
}

func readVote(scan db.Scan) (v Vote, err error) {
	var at int64
	err = scan(&v.Officer, &v.person, &v.Verdict, &v.Reason, &at)
	v.At = db.FromMicros(at)
	return v, err
}

func (t tx) votes(ctx context.Context, request string) ([]Vote, error) {
	return db.Rows(ctx, t.q, readVote, `SELECT officer, person, verdict, reason, at FROM exchange_directory_vote WHERE request = $1 ORDER BY at, officer`, request)
}

func (t tx) putVote(ctx context.Context, request string, v Vote) error {
	return t.exec(ctx, `INSERT INTO exchange_directory_vote (request, officer, person, verdict, reason, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (request, officer) DO UPDATE SET verdict = excluded.verdict, reason = excluded.reason, at = excluded.at`,
		request, v.Officer, v.person, v.Verdict, v.Reason, db.Micros(v.At))
}

func (t tx) setNonce(ctx context.Context, r Request) error {
	return t.exec(ctx, `UPDATE exchange_directory_request SET nonce = $2, nonce_until = $3 WHERE id = $1`, r.ID, r.nonce, db.Micros(r.nonceUntil))
}

func (t tx) setState(ctx context.Context, r Request) error {
	return t.exec(ctx, `UPDATE exchange_directory_request SET state = $2, decided_at = $3, reason = $4, nonce = '', nonce_until = 0, client = CASE WHEN $2 = $5 THEN client ELSE '' END WHERE id = $1`,
		r.ID, r.State, db.Micros(r.DecidedAt), r.Reason, Proved)
}

// endJoin says at the request that let a member in why it is out again.
func (t tx) endJoin(ctx context.Context, member, reason string) error {
	return t.exec(ctx, `UPDATE exchange_directory_request SET state = $3, reason = $4 WHERE member = $1 AND kind = $2 AND state = $5`, member, Join, Ended, reason, Approved)
}

func (t tx) lapse(ctx context.Context, askedBefore, now time.Time) error {
	return t.exec(ctx, `UPDATE exchange_directory_request SET state = $1, decided_at = $2, nonce = '', client = '' WHERE state = $3 AND asked_at < $4`,
		Lapsed, db.Micros(now), Asked, db.Micros(askedBefore))
}

func (t tx) forget(ctx context.Context, lapsedBefore time.Time) error {
	return t.exec(ctx, `DELETE FROM exchange_directory_request WHERE state = $1 AND decided_at < $2`, Lapsed, db.Micros(lapsedBefore))
}
