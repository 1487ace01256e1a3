package exchange

import (
	"context"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

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
	err := insertSheaf(ctx, q, evidence)
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
func insertSheaf(ctx context.Context, q db.Querier, all []*Evidence) error {
	if len(all) == 0 {
		return nil
	}
	sheaf := id.New(all[0].At)
	_, err := q.ExecContext(ctx, `INSERT INTO exchange_sheaf (id, at, data) VALUES ($1, $2, $3)`, sheaf, db.Micros(all[0].At), packSheaf(all))
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
