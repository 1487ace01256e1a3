package notify

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

type store struct{ db *db.DB }

type stored struct {
	ID, Subject, Reference, Link, Content string
	Created, ReadAt                       time.Time
	Inbox                                 bool
}

func (r stored) show(c content) Stored {
	return Stored{ID: r.ID, Reference: r.Reference, Link: r.Link, Subject: c.Subject, Body: c.Body, Created: r.Created, Read: !r.ReadAt.IsZero()}
}

type delivery struct {
	ID, Message, Channel, State string
	Updated                     time.Time
}

const messageColumns = `m.id, m.subject, m.reference, m.link, m.created, m.read_at, m.inbox, m.content`

func scanMessage(scan func(...any) error, more ...any) (stored, error) {
	var m stored
	var created, read int64
	var inbox int
	if err := scan(append([]any{&m.ID, &m.Subject, &m.Reference, &m.Link, &created, &read, &inbox, &m.Content}, more...)...); err != nil {
		return m, err
	}
	m.Created, m.Inbox = time.UnixMicro(created), inbox == 1
	if read > 0 {
		m.ReadAt = time.UnixMicro(read)
	}
	return m, nil
}

// insert says whether the message is new.
func (s store) insert(ctx context.Context, key string, m stored) (made bool, err error) {
	inbox := 0
	if m.Inbox {
		inbox = 1
	}
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, `INSERT INTO notify_message (id, message_key, subject, reference, link, created, read_at, inbox, content) VALUES ($1,$2,$3,$4,$5,$6,0,$7,$8) ON CONFLICT (message_key) DO NOTHING`,
			m.ID, key, m.Subject, m.Reference, m.Link, m.Created.UnixMicro(), inbox, m.Content)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		made = n == 1
		return err
	})
	return made, err
}

func (s store) exec(ctx context.Context, query string, args ...any) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, query, args...)
		return err
	})
}

func (s store) insertDelivery(ctx context.Context, d delivery) error {
	return s.exec(ctx, `INSERT INTO notify_delivery (id, message, channel, state, attempts, detail, provider_ref, updated) VALUES ($1,$2,$3,$4,0,'','',$5)`,
		d.ID, d.Message, d.Channel, d.State, d.Updated.UnixMicro())
}

// outcome is what became of one attempt to deliver.
type outcome struct {
	state, detail, ref string
	at                 time.Time
}

func (s store) move(ctx context.Context, id string, o outcome) error {
	return s.exec(ctx, `UPDATE notify_delivery SET state=$1, detail=$2, provider_ref=$3, updated=$4, attempts=attempts+1 WHERE id=$5`, o.state, o.detail, o.ref, o.at.UnixMicro(), id)
}

func (s store) delivery(ctx context.Context, id string) (d delivery, m stored, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		m, err = scanMessage(q.QueryRowContext(ctx, `SELECT `+messageColumns+`, d.id, d.message, d.channel, d.state FROM notify_delivery d JOIN notify_message m ON m.id=d.message WHERE d.id=$1`, id).Scan,
			&d.ID, &d.Message, &d.Channel, &d.State)
		return err
	})
	return d, m, err
}

func (s store) message(ctx context.Context, id string) (m stored, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		m, err = scanMessage(q.QueryRowContext(ctx, `SELECT `+messageColumns+` FROM notify_message m WHERE m.id=$1`, id).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return m, errs.New(errs.NotFound, "notify.not_found")
	}
	return m, err
}

func (s store) inbox(ctx context.Context, subject string) ([]stored, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (stored, error) { return scanMessage(scan) }, `SELECT `+messageColumns+` FROM notify_message m WHERE m.subject=$1 AND m.inbox=1 ORDER BY m.created DESC, m.id DESC LIMIT 100`, subject)
}

func (s store) markRead(ctx context.Context, id string, at time.Time) error {
	return s.exec(ctx, `UPDATE notify_message SET read_at=$1 WHERE id=$2 AND read_at=0`, at.UnixMicro(), id)
}

func (s store) unread(ctx context.Context, subject string) (n int, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT COUNT(*) FROM notify_message WHERE subject=$1 AND inbox=1 AND read_at=0`, subject).Scan(&n)
	})
	return n, err
}

func (s store) deliveries(ctx context.Context, message string) ([]Delivery, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (d Delivery, err error) {
		var updated int64
		err = scan(&d.Channel, &d.State, &d.Attempts, &d.Detail, &updated)
		d.Updated = time.UnixMicro(updated)
		return d, err
	}, `SELECT channel, state, attempts, detail, updated FROM notify_delivery WHERE message=$1 ORDER BY channel`, message)
}

func (s store) states(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		rows, err := q.QueryContext(ctx, `SELECT channel, state, COUNT(*) FROM notify_delivery GROUP BY channel, state`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var channel, state string
			var n int
			if err := rows.Scan(&channel, &state, &n); err != nil {
				return err
			}
			out[channel+"/"+state] = n
		}
		return rows.Err()
	})
	return out, err
}

func (s store) insertSandboxSMS(ctx context.Context, key, content string, at time.Time) error {
	return s.exec(ctx, `INSERT INTO notify_sandbox_sms (sms_key, at, content) VALUES ($1,$2,$3) ON CONFLICT (sms_key) DO NOTHING`, key, at.UnixMicro(), content)
}

func (s store) sandboxSMS(ctx context.Context, limit int) (out []sandboxRow, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		rows, err := q.QueryContext(ctx, `SELECT sms_key, at, content FROM notify_sandbox_sms ORDER BY at DESC LIMIT $1`, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		out = nil
		for rows.Next() {
			var r sandboxRow
			var at int64
			if err := rows.Scan(&r.Key, &at, &r.Content); err != nil {
				return err
			}
			r.At = time.UnixMicro(at)
			out = append(out, r)
		}
		return rows.Err()
	})
	return out, err
}
