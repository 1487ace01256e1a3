package exchange

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// record makes a trace durable: evidence, events and ledger leaves, all or
// nothing. It writes nothing and gives false when the rules are no longer those
// of the trace's version.
func (s store) record(ctx context.Context, t trace) (fresh bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		fresh = true
		if t.version != 0 {
			v, err := readVersion(ctx, q)
			if err != nil {
				return err
			}
			if fresh = v == t.version; !fresh {
				return nil
			}
		}
		if err := t.permitted(ctx); err != nil {
			return err
		}
		var evidence []*Evidence
		if t.evidence != nil {
			evidence = []*Evidence{t.evidence}
		}
		entries := make([]*entry, len(t.entries))
		for i := range t.entries {
			entries[i] = &t.entries[i]
		}
		return s.insertAll(ctx, q, evidence, entries)
	})
	return fresh && err == nil, err
}

func insertEvents(ctx context.Context, q db.Querier, es []*entry) error {
	args := make([]any, 0, 20*len(es))
	for _, e := range es {
		fields, err := json.Marshal(e.Fields)
		if err != nil {
			return err
		}
		args = append(args, e.ID, db.Micros(e.At), e.Subject, e.Client, e.Service, e.Operation, e.Purpose, e.LegalBasis, e.Application,
			e.Issue, e.MessageID, e.UserID, e.Represented, string(fields), e.Records, e.Outcome, e.Reason, e.RequestDigest,
			e.AnswerDigest, e.key)
	}
	_, err := q.ExecContext(ctx, `INSERT INTO exchange_event (`+eventColumns+`) VALUES `+values(len(es), 20), args...)
	return err
}

const eventColumns = `id, at, subject, client, service, operation, purpose, legal_basis, application, issue, message_id,
	user_id, represented, fields, records, outcome, reason, request_digest, answer_digest, commit_key`

func scanEvent(scan func(...any) error) (e Event, key string, err error) {
	var at int64
	var fields string
	err = scan(&e.ID, &at, &e.Subject, &e.Client, &e.Service, &e.Operation, &e.Purpose, &e.LegalBasis, &e.Application,
		&e.Issue, &e.MessageID, &e.UserID, &e.Represented, &fields, &e.Records, &e.Outcome, &e.Reason, &e.RequestDigest,
		&e.AnswerDigest, &key)
	if err != nil {
		return Event{}, "", err
	}
	e.At = db.FromMicros(at)
	return e, key, json.Unmarshal([]byte(fields), &e.Fields)
}

func (s store) events(ctx context.Context, subject, before string, limit int) (out []Event, err error) {
	if before == "" {
		before = "g" // above every id, whose first digit is at most f
	}
	return db.List(ctx, s.db, func(scan db.Scan) (e Event, err error) {
		e, _, err = scanEvent(scan)
		return e, err
	}, `SELECT `+eventColumns+` FROM exchange_event
			WHERE subject = $1 AND subject <> '' AND id < $2 ORDER BY id DESC LIMIT $3`, subject, before, limit)
}

func (s store) event(ctx context.Context, id string) (e Event, key string, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		e, key, err = scanEvent(q.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM exchange_event WHERE id = $1`, id).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Event{}, "", errs.New(errs.NotFound, "exchange.no_event", "id", clip(id))
	}
	return e, key, err
}

func (s store) countEvents(ctx context.Context, subject string) (n int64, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		if subject == "" {
			return q.QueryRowContext(ctx, `SELECT COUNT(*) FROM exchange_event`).Scan(&n)
		}
		return q.QueryRowContext(ctx, `SELECT COUNT(*) FROM exchange_event WHERE subject = $1 AND subject <> ''`, subject).Scan(&n)
	})
	return n, err
}

// evidence finds a message's, also what was kept before there were sheaves.
func (s store) evidence(ctx context.Context, messageID string) ([]Evidence, error) {
	older, err := db.List(ctx, s.db, func(scan db.Scan) (e Evidence, err error) {
		var at int64
		err = scan(&e.RequestID, &e.MessageID, &at, &e.Client, &e.Service, &e.Request.KeyID, &e.Request.Base,
			&e.Request.Signature, &e.Answer.KeyID, &e.Answer.Base, &e.Answer.Signature, &e.RequestHash)
		e.At = db.FromMicros(at)
		return e, err
	}, `SELECT request_id, message_id, at, client, service, request_key, request_base,
				request_signature, answer_key, answer_base, answer_signature, request_hash
			FROM exchange_evidence WHERE message_id = $1 ORDER BY request_id`, messageID)
	if err != nil {
		return nil, err
	}
	newer, err := db.List(ctx, s.db, func(scan db.Scan) (Evidence, error) {
		var place int
		var data []byte
		if err := scan(&place, &data); err != nil {
			return Evidence{}, err
		}
		return fromSheaf(data, place)
	}, `SELECT m.place, s.data FROM exchange_sheaf_message m JOIN exchange_sheaf s ON s.id = m.sheaf
			WHERE m.message_id = $1 ORDER BY m.sheaf, m.place`, messageID)
	return lastOfEach(append(older, newer...)), err
}

// lastOfEach leaves out what was kept when a long answer began, where there is
// the whole that was kept at its end.
func lastOfEach(all []Evidence) []Evidence {
	last := map[string]int{}
	for i, e := range all {
		last[e.RequestID] = i
	}
	out := all[:0]
	for i, e := range all {
		if last[e.RequestID] == i {
			out = append(out, e)
		}
	}
	return out
}

// Rows of one commit go in together: a statement for each would cost several
// times the row. The sizes are few, so that each connection keeps its prepared
// statements.
func inPieces[T any](rows []T, insert func([]T) error) error {
	for len(rows) > 0 {
		n := 1
		for _, size := range []int{16, 4} {
			if len(rows) >= size {
				n = size
				break
			}
		}
		if err := insert(rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// values writes "($1, $2), ($3, $4)" for rows of that many columns.
func values(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i%columns != 0:
			b.WriteString(", $")
		case i == 0:
			b.WriteString("($")
		default:
			b.WriteString("), ($")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	return b.String() + ")"
}

// recordAll makes many traces durable in one transaction, all or nothing. Those
// whose version is no longer that of the rules are left out and not fresh.
func (s store) recordAll(ctx context.Context, batch []*sealing) error {
	fresh, refused := make([]bool, len(batch)), make([]error, len(batch))
	err := s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		v, err := readVersion(ctx, q)
		if err != nil {
			return err
		}
		var evidence []*Evidence
		var entries []*entry
		for i, b := range batch {
			if fresh[i] = b.made.version == 0 || b.made.version == v; !fresh[i] {
				continue
			}
			if refused[i] = b.made.permitted(ctx); refused[i] != nil {
				if fresh[i] = false; errs.KindOf(refused[i]) != errs.Forbidden {
					return refused[i]
				}
				continue
			}
			if b.made.evidence != nil {
				evidence = append(evidence, b.made.evidence)
			}
			for j := range b.made.entries {
				entries = append(entries, &b.made.entries[j])
			}
		}
		return s.insertAll(ctx, q, evidence, entries)
	})
	if err != nil {
		return err
	}
	for i, b := range batch {
		b.fresh, b.err = fresh[i], refused[i]
	}
	return nil
}

func (s store) insertAll(ctx context.Context, q db.Querier, evidence []*Evidence, entries []*entry) error {
	err := s.insertSheaf(ctx, q, evidence)
	if err == nil {
		err = inPieces(entries, func(es []*entry) error { return insertEvents(ctx, q, es) })
	}
	if err != nil || len(entries) == 0 {
		return err
	}
	leaves := make([]ledger.Leaf, len(entries))
	for i, e := range entries {
		leaves[i] = ledger.Leaf{ID: e.ID, Data: e.leaf}
	}
	return s.ledger.AppendBatch(ctx, leaves)
}

// insertSheaf keeps evidence in one piece, and where to find each message's.
func (s store) insertSheaf(ctx context.Context, q db.Querier, all []*Evidence) error {
	if len(all) == 0 {
		return nil
	}
	sheaf := id.New(all[0].At)
	room := s.scratch.Get().(*scratch)
	defer s.scratch.Put(room)
	_, err := q.ExecContext(ctx, `INSERT INTO exchange_sheaf (id, at, data) VALUES ($1, $2, $3)`, sheaf, db.Micros(all[0].At), room.packSheaf(all))
	if err != nil {
		return err
	}
	place := 0
	return inPieces(all, func(es []*Evidence) error {
		args := make([]any, 0, 3*len(es))
		for _, e := range es {
			args = append(args, e.MessageID, sheaf, place)
			place++
		}
		_, err := q.ExecContext(ctx, `INSERT INTO exchange_sheaf_message (message_id, sheaf, place) VALUES `+values(len(es), 3), args...)
		return err
	})
}

// markAll notes which changes are about to be delivered; those noted before are
// not first.
func (x *Exchange) markAll(batch []*marking) {
	ctx := context.Background()
	err := x.store.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		first := map[string]bool{}
		err := inPieces(batch, func(ms []*marking) error { return insertMarks(ctx, q, ms, first) })
		for _, m := range batch {
			m.first = first[m.key]
			delete(first, m.key) // of two at once one is first
		}
		return err
	})
	for _, m := range batch {
		m.err = err
		close(m.done)
	}
}

// TidyMarks forgets which changes were delivered more than thirty days ago;
// called by app every day. A change is refused as delivered before for that long.
func (x *Exchange) TidyMarks(ctx context.Context) error {
	until := db.Micros(x.clock.Now().Add(-30 * 24 * time.Hour))
	return x.store.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `DELETE FROM exchange_mark WHERE at < $1`, until)
		return err
	})
}

func (s store) unmark(ctx context.Context, key string) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `DELETE FROM exchange_mark WHERE key = $1`, key)
		return err
	})
}

func insertMarks(ctx context.Context, q db.Querier, ms []*marking, first map[string]bool) error {
	args := make([]any, 0, 2*len(ms))
	for _, m := range ms {
		args = append(args, m.key, db.Micros(m.at))
	}
	rows, err := q.QueryContext(ctx, `INSERT INTO exchange_mark (key, at) VALUES `+values(len(ms), 2)+` ON CONFLICT (key) DO NOTHING RETURNING key`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return err
		}
		first[key] = true
	}
	return rows.Err()
}
