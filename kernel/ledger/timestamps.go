package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// Stamper gives RFC 3161 timestamps: the answer of an authority, in DER, for a
// SHA-256 digest. kernel/timestamp has an authority and a client.
type Stamper interface {
	Stamp(ctx context.Context, digest [32]byte) ([]byte, error)
}

// stamps is what this process knows of timestamps.
type stamps struct {
	by   Stamper
	last atomic.Int64 // when the last one was there for the newest checkpoint, in microseconds
}

// RunTimestamps dates the newest checkpoint once an interval until the context
// ends. An authority that does not answer raises an alarm (an error in the log,
// and the age in the metrics grows); the log goes on, and the next checkpoint
// that is dated dates all before it.
func (l *Ledger) RunTimestamps(ctx context.Context, interval time.Duration) error {
	for l.stamps.by != nil {
		if _, err := l.Stamp(ctx); err != nil && ctx.Err() == nil {
			l.log.ErrorContext(ctx, "ledger: the newest checkpoint could not be dated, will try again", "err", err)
		}
		if !pause(ctx, interval) {
			return nil
		}
	}
	return nil
}

// Stamp dates the newest checkpoint if it is not dated yet, and gives its size.
// It must not be called in a transaction.
func (l *Ledger) Stamp(ctx context.Context) (size int64, err error) {
	cp, err := l.head(ctx)
	if err != nil || cp.tree.N == 0 || l.stamps.by == nil {
		return 0, err
	}
	if _, err := l.Timestamp(ctx, cp.tree.N); err == nil {
		l.stamps.last.Store(db.Micros(l.clock.Now()))
		return cp.tree.N, nil
	} else if errs.KindOf(err) != errs.NotFound {
		return 0, err
	}
	reply, err := l.stamps.by.Stamp(ctx, sha256.Sum256(cp.note))
	if err != nil {
		return 0, err
	}
	now := l.clock.Now()
	err = l.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO ledger_timestamp (size, at, reply) VALUES ($1, $2, $3) ON CONFLICT (size) DO NOTHING`, cp.tree.N, db.Micros(now), reply)
		return err
	})
	if err == nil {
		l.stamps.last.Store(db.Micros(now))
	}
	return cp.tree.N, err
}

// Dated is a checkpoint with the authority's answer (RFC 3161, in DER) for its
// bytes.
type Dated struct {
	Size       int64
	Checkpoint []byte
	Reply      []byte
}

// Timestamp gives a dated checkpoint: of this size, or the newest when size is
// 0. errs.NotFound "ledger.not_dated".
func (l *Ledger) Timestamp(ctx context.Context, size int64) (d Dated, err error) {
	var signed string
	err = l.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT c.size, c.note, t.reply FROM ledger_timestamp t JOIN ledger_checkpoint c ON c.size = t.size
			WHERE t.size = $1 OR $1 = 0 ORDER BY t.size DESC LIMIT 1`, size).Scan(&d.Size, &signed, &d.Reply)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Dated{}, errs.New(errs.NotFound, "ledger.not_dated", "size", size)
	}
	d.Checkpoint = []byte(signed)
	return d, err
}

// Figures measures how old the last timestamp is and the last cosignature of each witness: alarms for
// operators.
func (l *Ledger) Figures() prometheus.Collector {
	all := figures{prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "dinh_ledger_timestamp_age_seconds",
		Help: "Time since the newest checkpoint was last seen to be dated by a timestamping authority; -1 before the first.",
	}, func() float64 { return l.age(&l.stamps.last) })}
	for _, w := range l.witnesses {
		all = append(all, l.witnessAge(w))
	}
	return all
}

// age is -1 for what never was.
func (l *Ledger) age(last *atomic.Int64) float64 {
	if last.Load() == 0 {
		return -1
	}
	return l.clock.Now().Sub(db.FromMicros(last.Load())).Seconds()
}

// figures are several collectors as one.
type figures []prometheus.Collector

// Describe sends the descriptions of all.
func (f figures) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range f {
		c.Describe(ch)
	}
}

// Collect sends the values of all.
func (f figures) Collect(ch chan<- prometheus.Metric) {
	for _, c := range f {
		c.Collect(ch)
	}
}
