package exchange

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// searchEvents walks the events of a time from the newest, or those of one
// message id. within is how the ids of a member's systems begin; empty is all.
func (s store) searchEvents(ctx context.Context, q LogQuery, within string) ([]Event, error) {
	var where []string
	var args []any
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}
	if q.MessageID == "" {
		add("id >= ?", firstID(q.From))
		add("id < ?", firstID(q.Until)+"-g")
	}
	for column, value := range map[string]string{"message_id": q.MessageID, "client": q.Client, "service": q.Service, "purpose": q.Purpose, "issue": q.Issue, "outcome": q.Outcome} {
		if value != "" {
			add(column+" = ?", value)
		}
	}
	if q.Before != "" {
		add("id < ?", q.Before)
	}
	if within != "" {
		add("(substr(client, 1, length(?)) = ? OR substr(service, 1, length(?)) = ?)", within)
	}
	args = append(args, q.Limit)
	return db.List(ctx, s.db, func(scan db.Scan) (e Event, err error) {
		e, _, err = scanEvent(scan)
		return e, err
	}, `SELECT `+eventColumns+` FROM exchange_event WHERE `+strings.Join(where, " AND ")+` ORDER BY id DESC LIMIT $`+strconv.Itoa(len(args)), args...)
}

// firstID is below all ids made at a time or later: they begin with its
// milliseconds (UUIDv7).
func firstID(t time.Time) string {
	return fmt.Sprintf("%08x-%04x", t.UnixMilli()>>16, t.UnixMilli()&0xffff)
}

// uses counts calls: the events of one call share message and time.
func (s store) uses(ctx context.Context, from, until time.Time) ([]Use, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (u Use, err error) {
		err = scan(&u.Service, &u.Client, &u.Outcome, &u.Calls)
		return u, err
	}, `SELECT service, client, outcome, COUNT(DISTINCT message_id || ' ' || CAST(at AS TEXT)) FROM exchange_event
			WHERE id >= $1 AND id < $2 AND message_id <> '' GROUP BY service, client, outcome`, firstID(from), firstID(until))
}

func (s store) insertLogSearch(ctx context.Context, l LogSearch) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO exchange_log_search (id, at, officer, member, reason, query) VALUES ($1, $2, $3, $4, $5, $6)`,
			l.ID, db.Micros(l.At), l.Officer, l.Member, l.Reason, string(l.Query))
		return err
	})
}

func (s store) logSearches(ctx context.Context, member string) ([]LogSearch, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (l LogSearch, err error) {
		var at int64
		var query string
		err = scan(&l.ID, &at, &l.Officer, &l.Member, &l.Reason, &query)
		l.At, l.Query = db.FromMicros(at), []byte(query)
		return l, err
	}, `SELECT id, at, officer, member, reason, query FROM exchange_log_search WHERE $1 = '' OR member = $1 ORDER BY id DESC LIMIT 100`, member)
}

// handOut reads the evidence of a client's message and the leaves of its events.
// An event belongs to the sending whose signed request it names; one whose key was
// destroyed has no leaf that could be computed, and is left out.
func (s store) handOut(ctx context.Context, client, messageID string) ([]Exhibit, error) {
	all, err := s.evidence(ctx, messageID)
	if err != nil {
		return nil, err
	}
	var out []Exhibit
	at := map[string]int{}
	for _, e := range all {
		if e.Client == client && len(out) < maxHanded {
			at[digest(e.Request.Base)] = len(out)
			out = append(out, Exhibit{Evidence: e})
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	entries, err := db.List(ctx, s.db, func(scan db.Scan) (e entry, err error) {
		e.Event, e.key, err = scanEvent(scan)
		return e, err
	}, `SELECT `+eventColumns+` FROM exchange_event WHERE message_id = $1 AND commit_key <> '' ORDER BY id`, messageID)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		key, err := base64.RawURLEncoding.DecodeString(e.key)
		if err != nil {
			return nil, fmt.Errorf("exchange: the key of event %s: %w", e.ID, err)
		}
		if i, ok := at[e.RequestDigest]; ok {
			out[i].Events = append(out[i].Events, Committed{e.ID, ledger.Commit(key, e.Canonical())})
		}
	}
	return out, nil
}
