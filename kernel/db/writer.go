package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"
)

const (
	queueLength = 4096 // requests that may wait before Write itself waits
	maxAttempts = 8    // runs of one batch before its parts are tried alone
)

// request is one function waiting to be written.
type request struct {
	ctx   context.Context
	fn    func(context.Context, Querier) error
	taken atomic.Bool // by the writer, or by a caller who gave up waiting
	done  chan struct{}
	err   error
	after []func()
}

// answer tells the caller how it went.
func (r *request) answer(err error) {
	if err != nil {
		r.err, r.after = err, nil
	}
	close(r.done)
}

// writer is the one that writes: a goroutine that gathers what waits into one
// transaction.
type writer struct {
	db    *DB
	queue chan *request
	ended chan struct{}

	batch   []*request // being worked on; survives the goroutine, see loop
	running *request   // whose function runs now
	unit    *unit      // in which it runs
	conn    *pooled    // which holds the open transaction
	last    int        // size of the last batch
}

func newWriter(d *DB) *writer {
	return &writer{db: d, queue: make(chan *request, queueLength), ended: make(chan struct{})}
}

// do hands fn to the writer and waits for the outcome.
func (w *writer) do(ctx context.Context, fn func(context.Context, Querier) error) error {
	r := &request{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := w.submit(ctx, r); err != nil {
		return err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.taken.CompareAndSwap(false, true) {
			return ctx.Err() // the writer will pass it over
		}
		<-r.done
	}
	for _, f := range r.after {
		f()
	}
	return r.err
}

func (w *writer) submit(ctx context.Context, r *request) error {
	w.db.mu.RLock() // Close waits for this before it closes the queue
	defer w.db.mu.RUnlock()
	if w.db.closed {
		return ErrClosed
	}
	select {
	case w.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// loop serves until the queue is closed and empty. A function that ends its
// goroutine (t.FailNow in a test does) ends this one with it; then a new loop
// takes over what was under way.
func (w *writer) loop() {
	finished := false
	defer func() {
		if !finished {
			w.abandonRunning()
			go w.loop()
		}
	}()
	w.settle()
	for w.gather() {
		w.settle()
	}
	finished = true
	close(w.ended)
}

// abandonRunning clears up after a function that ended the goroutine.
func (w *writer) abandonRunning() {
	if w.unit != nil {
		w.unit.finish()
		w.unit = nil
	}
	if w.conn != nil {
		_ = w.endTransaction("ROLLBACK")
	}
	for i, r := range w.batch {
		if r == w.running {
			w.batch = append(w.batch[:i:i], w.batch[i+1:]...)
			r.answer(errors.New("db: the transaction function ended its goroutine (runtime.Goexit)"))
			break
		}
	}
	w.running = nil
}

// gather waits for work and takes what is there; false means the end.
func (w *writer) gather() bool {
	r, ok := <-w.queue
	if !ok {
		return false
	}
	w.take(r)
	if w.last > 1 {
		// Those just answered are about to come back; let them in before the
		// door closes, or every second batch would hold one function only.
		for n := -1; len(w.queue) > n && len(w.queue) < w.db.engine.batch; {
			n = len(w.queue)
			runtime.Gosched()
		}
	}
	for len(w.batch) < w.db.engine.batch {
		select {
		case r, ok := <-w.queue:
			if !ok {
				return true // settle these; the next gather sees the end
			}
			w.take(r)
			continue
		default:
		}
		break
	}
	w.last = len(w.batch)
	return true
}

func (w *writer) take(r *request) {
	if r.taken.CompareAndSwap(false, true) {
		w.batch = append(w.batch, r)
	}
}

// settle works on the batch until every request in it has its answer.
func (w *writer) settle() {
	for attempt := 1; len(w.batch) > 0; attempt++ {
		err := w.try(w.batch)
		switch {
		case !isAgain(err):
			for _, r := range w.batch {
				if err != nil {
					r.err = err
				}
				r.answer(r.err)
			}
			clear(w.batch)
			w.batch = w.batch[:0]
		case attempt < maxAttempts:
			pause(attempt)
		default:
			w.settleAlone(err)
		}
	}
}

// settleAlone gives each request of a batch that keeps failing a transaction of
// its own, so that one bad function cannot fail its neighbours.
func (w *writer) settleAlone(err error) {
	for len(w.batch) > 0 {
		r := w.batch[0]
		for attempt := 1; ; attempt++ {
			if err = w.try(w.batch[:1]); !isAgain(err) || attempt >= maxAttempts {
				break
			}
			pause(attempt)
		}
		if err != nil {
			r.err = err
		}
		w.batch = w.batch[1:]
		r.answer(r.err)
	}
	w.batch = nil
}

// pause waits a little longer after each attempt, and never as long as another
// process that met the same conflict.
func pause(attempt int) {
	time.Sleep(rand.N(time.Millisecond << min(attempt, 7)))
}

// try runs a batch in one transaction. Each function's own failure is left in
// its request; the error returned is the whole batch's.
func (w *writer) try(batch []*request) error {
	c, err := w.db.begin(context.Background(), w.db.writers, w.db.engine.beginWrite)
	if err != nil {
		if isRetryable(err) {
			return &againError{err}
		}
		return fmt.Errorf("db: begin write: %w", err)
	}
	w.conn = c
	kept := 0
	for _, r := range batch {
		w.running = r
		err := w.run(r, len(batch) > 1)
		w.running = nil
		if err != nil {
			_ = w.endTransaction("ROLLBACK")
			return err
		}
		if r.err == nil {
			kept++
		}
	}
	if kept == 0 {
		_ = w.endTransaction("ROLLBACK") // nothing to keep; each has its own error
		return nil
	}
	err = w.endTransaction("COMMIT")
	if isRetryable(err) {
		return &againError{err}
	}
	if err != nil {
		return fmt.Errorf("db: commit: %w", err)
	}
	return nil
}

// run runs one function. Its failure goes to r.err with its changes undone; the
// error returned means that the transaction itself is lost.
func (w *writer) run(r *request, savepoint bool) error {
	r.err, r.after = nil, nil
	if r.err = r.ctx.Err(); r.err != nil {
		return nil
	}
	err := w.conn.raw(func(s *session) error {
		s.start(false)
		if savepoint {
			return s.control("SAVEPOINT dinh_write")
		}
		return nil
	})
	if err != nil {
		return &againError{err}
	}
	u, ctx := newUnit(r.ctx, w.db, w.conn, true)
	w.unit = u
	err = guard(ctx, u, r.fn)
	w.unit = nil
	u.finish()
	return w.conclude(r, u, err, savepoint)
}

// conclude keeps or undoes what a function did.
func (w *writer) conclude(r *request, u *unit, err error, savepoint bool) error {
	var failed error
	lost := w.conn.raw(func(s *session) error {
		failed = s.stop()
		if isRetryable(failed) || s.dead() {
			return errors.New("the transaction was lost")
		}
		if err == nil {
			err = failed
		}
		if err == nil {
			err = u.broken
		}
		if !savepoint {
			return nil
		}
		if err != nil {
			if e := s.control("ROLLBACK TO SAVEPOINT dinh_write"); e != nil {
				return e
			}
		}
		return s.control("RELEASE SAVEPOINT dinh_write")
	})
	if lost != nil { // before COMMIT, so nothing was written
		return &againError{errors.Join(failed, lost)}
	}
	r.err = err
	if err == nil {
		r.after = u.after
	}
	return nil
}

// endTransaction commits or rolls back and gives the connection back.
func (w *writer) endTransaction(how string) error {
	c := w.conn
	w.conn = nil
	err := c.raw(func(s *session) error {
		s.stop()
		err := s.control(how)
		if err != nil && how != "ROLLBACK" {
			_ = s.control("ROLLBACK") // a failed COMMIT may leave SQLite inside
		}
		return err
	})
	broken := err != nil && !isRetryable(err) && w.db.engine.dialect == Postgres
	w.db.writers.release(c, broken)
	return err
}
