package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dinh-gov/dinh/kernel/db"
)

// ours is a witness of this log and what this process knows of it.
type ours struct {
	*cosigningWitness
	last atomic.Int64 // when it was last seen to have cosigned the newest checkpoint, in microseconds
}

// RunWitnesses has the newest checkpoint cosigned once an interval until the context ends. A witness
// that does not answer, or refuses, raises an alarm (an error in the log, and its age in the metrics
// grows); the log goes on, and the next checkpoint that is cosigned vouches for all before it.
func (l *Ledger) RunWitnesses(ctx context.Context, interval time.Duration) error {
	for len(l.witnesses) > 0 {
		if _, err := l.GatherCosignatures(ctx); err != nil && ctx.Err() == nil {
			l.log.ErrorContext(ctx, "ledger: the newest checkpoint lacks cosignatures, will try again", "err", err)
		}
		if !pause(ctx, interval) {
			return nil
		}
	}
	return nil
}

// GatherCosignatures asks all witnesses at once for the newest checkpoint, those that have cosigned
// it already excepted, and says how many have cosigned it now. The error joins what each one lacks.
// It must not be called in a transaction.
func (l *Ledger) GatherCosignatures(ctx context.Context) (have int, err error) {
	cp, err := l.head(ctx)
	if err != nil || cp.tree.N == 0 {
		return 0, err
	}
	failed := make([]error, len(l.witnesses))
	var wg sync.WaitGroup
	for i, w := range l.witnesses {
		wg.Go(func() {
			if err := l.gather(ctx, w, cp); err != nil {
				failed[i] = fmt.Errorf("%s: %w", w.Name(), err)
			}
		})
	}
	wg.Wait()
	for _, err := range failed {
		if err == nil {
			have++
		}
	}
	return have, errors.Join(failed...)
}

func (l *Ledger) gather(ctx context.Context, w *ours, cp checkpoint) error {
	var old int64
	err := l.db.Read(ctx, func(ctx context.Context, q db.Querier) (err error) {
		old, err = cosignedSize(ctx, q, w.Name())
		return err
	})
	if err != nil {
		return err
	}
	if old > cp.tree.N {
		return rolledBack(old, cp)
	}
	if old < cp.tree.N {
		c, err := l.askFrom(ctx, w, old, cp)
		var stale staleError
		if errors.As(err, &stale) {
			if int64(stale) > cp.tree.N {
				return rolledBack(int64(stale), cp)
			}
			c, err = l.askFrom(ctx, w, int64(stale), cp) // as it was before our answer was lost, or our database restored
		}
		if err != nil {
			return err
		}
		if err := l.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
			return insertCosignature(ctx, q, cp.tree.N, w.Name(), c)
		}); err != nil {
			return err
		}
	}
	w.last.Store(db.Micros(l.clock.Now()))
	return nil
}

func rolledBack(cosigned int64, cp checkpoint) error {
	return fmt.Errorf("it has cosigned %d entries and we have %d: either the database was put back to an older state, or another copy of this log signs too", cosigned, cp.tree.N)
}

func (l *Ledger) askFrom(ctx context.Context, w *ours, old int64, cp checkpoint) (cosignature, error) {
	proof, err := l.Consistency(ctx, old, cp.tree.N)
	if err != nil {
		return cosignature{}, err
	}
	return w.ask(ctx, old, proof, cp.note)
}

// Cosigned is the newest checkpoint that a witness cosigned, with all its cosignatures: what a reader
// who has to rule out a split view asks for. Without any it is the newest checkpoint as it is.
func (l *Ledger) Cosigned(ctx context.Context) (signed []byte, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		cp, err := latestCosigned(ctx, q)
		if err == nil {
			signed, err = withCosignatures(ctx, q, cp)
		}
		return err
	})
	if err == nil && len(signed) == 0 {
		return l.Checkpoint(ctx)
	}
	return signed, err
}

func withCosignatures(ctx context.Context, q db.Querier, cp checkpoint) ([]byte, error) {
	lines, err := cosignatures(ctx, q, cp.tree.N)
	if err != nil {
		return nil, err
	}
	signed := bytes.Clone(cp.note)
	for _, line := range lines {
		signed = append(signed, line...)
	}
	return signed, nil
}

// witnessAge is the alarm of one witness.
func (l *Ledger) witnessAge(w *ours) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "dinh_ledger_cosignature_age_seconds",
		Help:        "Time since the newest checkpoint was last seen to be cosigned by a witness; -1 before the first.",
		ConstLabels: prometheus.Labels{"witness": w.Name()},
	}, func() float64 { return l.age(&w.last) })
}
