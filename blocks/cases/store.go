package cases

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

type store struct{ db *db.DB }

// row is a case as it is stored: the header, the clock and the sealed content.
type row struct {
	Case
	applicant string // folded, for search
	clock     string
	sealed    string
}

const columns = `id, code, application, service, def_hash, state, visit, step, pending, stuck, status, final, member, queue, assignee, subject, bill, search, clock, due, opened, updated, version`

func (s store) scan(scan func(...any) error, r *row, more ...any) error {
	var pending int
	var due, opened, updated int64
	dest := append([]any{&r.ID, &r.Code, &r.Application, &r.Service, &r.DefHash, &r.State, &r.Visit, &r.Step, &pending, &r.Stuck, &r.Status, &r.Final,
		&r.Member, &r.Queue, &r.Assignee, &r.Subject, &r.Bill, &r.applicant, &r.clock, &due, &opened, &updated, &r.Version}, more...)
	if err := scan(dest...); err != nil {
		return err
	}
	r.Pending = pending == 1
	r.Opened, r.Updated = time.UnixMicro(opened), time.UnixMicro(updated)
	if due > 0 {
		r.Due = time.UnixMicro(due)
	}
	return nil
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s store) insert(ctx context.Context, r row) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO cases_case (`+columns+`, data) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24)`,
			r.ID, r.Code, r.Application, r.Service, r.DefHash, r.State, r.Visit, r.Step, flag(r.Pending), r.Stuck, r.Status, r.Final,
			r.Member, r.Queue, r.Assignee, r.Subject, r.Bill, r.applicant, r.clock, micros(r.Due), micros(r.Opened), micros(r.Updated), 1, r.sealed)
		return err
	})
}

// heldBy lists the open cases of an officer.
func (s store) heldBy(ctx context.Context, officer string) ([]string, error) {
	return db.List(ctx, s.db, db.Value[string], `SELECT id FROM cases_case WHERE assignee=$1 AND final='' ORDER BY id`, officer)
}

// update writes a case that was read at r.Version; somebody else's change in
// between is a conflict.
func (s store) update(ctx context.Context, r row) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, `UPDATE cases_case SET state=$1, visit=$2, step=$3, pending=$4, stuck=$5, status=$6, final=$7, queue=$8, assignee=$9, bill=$10, clock=$11, due=$12, updated=$13, data=$14, version=version+1 WHERE id=$15 AND version=$16`,
			r.State, r.Visit, r.Step, flag(r.Pending), r.Stuck, r.Status, r.Final, r.Queue, r.Assignee, r.Bill, r.clock, micros(r.Due), micros(r.Updated), r.sealed, r.ID, r.Version)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return errs.New(errs.Conflict, "cases.changed_meanwhile")
	})
}

// one reads a case by one of its unique columns.
func (s store) one(ctx context.Context, column, value string) (row, error) {
	var r row
	err := s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return s.scan(q.QueryRowContext(ctx, `SELECT `+columns+`, data FROM cases_case WHERE `+column+`=$1`, value).Scan, &r, &r.sealed)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, errs.New(errs.NotFound, "cases.not_found")
	}
	return r, err
}

// list reads headers. where is one of the constant conditions of queues.go.
func (s store) list(ctx context.Context, where string, args ...any) ([]row, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (r row, err error) {
		return r, s.scan(scan, &r)
	}, `SELECT `+columns+` FROM cases_case WHERE `+where, args...)
}

// counts groups the open cases of a member by queue.
func (s store) counts(ctx context.Context, member string, now, tomorrow int64) ([]QueueCount, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (c QueueCount, err error) {
		err = scan(&c.Queue, &c.Open, &c.Unassigned, &c.Overdue, &c.DueToday, &c.Stopped)
		return c, err
	}, `SELECT queue, COUNT(*), SUM(CASE WHEN assignee='' THEN 1 ELSE 0 END),
			SUM(CASE WHEN due>0 AND due<$1 THEN 1 ELSE 0 END), SUM(CASE WHEN due>=$2 AND due<$3 THEN 1 ELSE 0 END),
			SUM(CASE WHEN status IN (5,6,8) THEN 1 ELSE 0 END)
			FROM cases_case WHERE member=$4 AND final='' GROUP BY queue ORDER BY queue`, now, now, tomorrow, member)
}

type served struct{ queue, hash string }

// served lists which services have open cases in which queue, each by one of
// the definitions in use.
func (s store) served(ctx context.Context, member string) ([]served, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (v served, err error) {
		err = scan(&v.queue, &v.hash)
		return v, err
	}, `SELECT queue, MAX(def_hash) FROM cases_case WHERE member=$1 AND final='' GROUP BY queue, service ORDER BY queue, service`, member)
}

// next numbers the dossiers of one prefix and day.
func (s store) next(ctx context.Context, prefix, day string) (int, error) {
	var n int
	err := s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `INSERT INTO cases_sequence (prefix, day, last) VALUES ($1,$2,1)
			ON CONFLICT (prefix, day) DO UPDATE SET last=cases_sequence.last+1 RETURNING last`, prefix, day).Scan(&n)
	})
	return n, err
}

// moment is a stored line of history; body is sealed.
type moment struct {
	Moment
	actor, action, body string
}

func (s store) append(ctx context.Context, caseID string, m moment) error {
	title, err := json.Marshal(m.Title)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO cases_event (case_id, seq, at, kind, actor_kind, actor, actor_name, action, public, title, body)
			VALUES ($1, (SELECT COALESCE(MAX(seq),0)+1 FROM cases_event WHERE case_id=$2), $3,$4,$5,$6,$7,$8,$9,$10,$11)`,
			caseID, caseID, micros(m.At), m.Kind, m.ActorKind, m.actor, m.Actor, m.action, flag(m.Public), string(title), m.body)
		return err
	})
}

func (s store) moments(ctx context.Context, caseID string) ([]moment, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (m moment, err error) {
		var at int64
		var public int
		var title string
		if err := scan(&at, &m.Kind, &m.ActorKind, &m.actor, &m.Actor, &m.action, &public, &title, &m.body); err != nil {
			return m, err
		}
		if err := json.Unmarshal([]byte(title), &m.Title); err != nil {
			return m, err
		}
		m.At, m.Public = time.UnixMicro(at), public == 1
		return m, nil
	}, `SELECT at, kind, actor_kind, actor, actor_name, action, public, title, body FROM cases_event WHERE case_id=$1 ORDER BY seq`, caseID)
}

// actionsBy lists what one actor has done on the case.
func (s store) actionsBy(ctx context.Context, caseID, actor string) (map[string]bool, error) {
	actions, err := db.List(ctx, s.db, db.Value[string], `SELECT DISTINCT action FROM cases_event WHERE case_id=$1 AND actor=$2 AND action<>''`, caseID, actor)
	done := map[string]bool{}
	for _, a := range actions {
		done[a] = true
	}
	return done, err
}
