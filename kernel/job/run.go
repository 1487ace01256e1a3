package job

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/id"
)

// prefetch is how many jobs a worker has claimed for each one it runs, so that
// claims come in batches.
const prefetch = 4

// runner is one call of Run: its workers and what they hold.
type runner struct {
	q      *Queue
	worker string // new for each start, so that nobody mistakes an old lease for its own
	base   context.Context
	jobs   chan *claimed
	low    chan struct{} // there is room for another claim
	stop   <-chan struct{}

	mu   sync.Mutex
	held map[*claimed]context.CancelFunc
}

// Run works until ctx ends, then lets running handlers finish for a while
// (Deps.Grace), gives back what was not begun, and returns nil. A database that
// fails meanwhile is tried again.
func (q *Queue) Run(ctx context.Context) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	size := q.deps.Workers * prefetch
	r := &runner{
		q: q, worker: id.New(q.deps.Clock.Now()), base: base, stop: ctx.Done(),
		jobs: make(chan *claimed, size), low: make(chan struct{}, 1), held: map[*claimed]context.CancelFunc{},
	}
	var workers, beats sync.WaitGroup
	for range q.deps.Workers {
		workers.Go(r.work)
	}
	beats.Go(r.heartbeat)
	r.dispatch(ctx, size)
	close(r.jobs)
	patience := time.AfterFunc(q.deps.Grace, cancel)
	workers.Wait()
	patience.Stop()
	cancel()
	beats.Wait()
	return nil
}

// dispatch claims jobs and hands them to the workers.
func (r *runner) dispatch(ctx context.Context, size int) {
	poll := time.NewTicker(r.q.deps.Poll)
	defer poll.Stop()
	for ctx.Err() == nil {
		if err := r.fill(ctx, size); err != nil && ctx.Err() == nil {
			r.q.deps.Log.Error("jobs cannot be claimed; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-r.q.wake:
		case <-r.low:
		case <-poll.C:
		}
	}
}

// fill claims while there is room and work.
func (r *runner) fill(ctx context.Context, size int) error {
	if err := r.q.tick(ctx); err != nil {
		return err
	}
	for {
		room := size - r.count()
		if room < size/2 {
			return nil // low will tell
		}
		if due, err := r.q.anyDue(ctx); !due || err != nil {
			return err
		}
		got, err := r.q.claim(ctx, r.worker, room)
		if err != nil {
			return err
		}
		for _, c := range got {
			r.hold(c)
			r.jobs <- c // never blocks: held ≤ size
		}
		if len(got) < room {
			return nil
		}
	}
}

func (r *runner) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.held)
}

func (r *runner) hold(c *claimed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held[c] = func() {}
}

func (r *runner) drop(c *claimed) {
	r.mu.Lock()
	delete(r.held, c)
	low := len(r.held) == cap(r.jobs)/2
	r.mu.Unlock()
	if low {
		select {
		case r.low <- struct{}{}:
		default:
		}
	}
}

// work runs jobs until there are no more.
func (r *runner) work() {
	for c := range r.jobs {
		r.one(c)
	}
}

func (r *runner) one(c *claimed) {
	defer r.drop(c)
	select {
	case <-r.stop:
		err := r.q.deps.DB.Write(r.base, func(ctx context.Context, tx db.Querier) error {
			return unclaim(ctx, tx, c, r.q.deps.Clock.Now())
		})
		if err != nil {
			r.q.deps.Log.Warn("job not given back; its lease will run out", "job", c.ID, "kind", c.Kind, "error", err)
		}
		return
	default:
	}
	ctx, cancel := context.WithTimeout(r.base, r.q.deps.Timeout)
	defer cancel()
	r.mu.Lock()
	r.held[c] = cancel
	r.mu.Unlock()
	// What is known of the outcome is written even when time is up.
	if err := r.q.perform(ctx, context.WithoutCancel(ctx), c); err != nil {
		r.q.deps.Log.Error("job outcome not written; it will run again", "job", c.ID, "kind", c.Kind, "error", err)
	}
}

// heartbeat extends the leases of what is held.
func (r *runner) heartbeat() {
	beat := time.NewTicker(max(r.q.deps.LeaseFor/3, time.Millisecond))
	defer beat.Stop()
	for {
		select {
		case <-r.base.Done():
			return
		case <-beat.C:
		}
		if err := r.extendAll(); err != nil && r.base.Err() == nil {
			r.q.deps.Log.Error("job leases not extended", "error", err)
		}
	}
}

func (r *runner) extendAll() error {
	r.mu.Lock()
	held := make([]*claimed, 0, len(r.held))
	for c := range r.held {
		held = append(held, c)
	}
	r.mu.Unlock()
	if len(held) == 0 {
		return nil
	}
	var lost []*claimed
	err := r.q.deps.DB.Write(r.base, func(ctx context.Context, tx db.Querier) error {
		lost = nil
		until := r.q.deps.Clock.Now().Add(r.q.deps.LeaseFor)
		for _, c := range held {
			ok, err := extend(ctx, tx, c, until)
			if err != nil {
				return err
			}
			if !ok {
				lost = append(lost, c)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range lost {
		if cancel, running := r.held[c]; running { // else it ended meanwhile
			cancel()
		}
	}
	return nil
}

// Drain runs in this goroutine, one after another, every job that is due, also
// those that come due by it, until none is left. It is for tests and tools. A
// handler's failure is recorded in its job, as Run does it; the error returned is
// the database's.
func (q *Queue) Drain(ctx context.Context) error {
	if db.InTx(ctx) {
		return errors.New("job: Drain inside a transaction would not see its jobs; commit first")
	}
	worker := id.New(q.deps.Clock.Now())
	for {
		if err := q.tick(ctx); err != nil {
			return err
		}
		got, err := q.claim(ctx, worker, 64)
		if err != nil || len(got) == 0 {
			return err
		}
		for _, c := range got {
			run, cancel := context.WithTimeout(ctx, q.deps.Timeout)
			err := q.perform(run, ctx, c)
			cancel()
			if err != nil {
				return err
			}
		}
	}
}

// perform runs one job under run and writes what came of it under settle.
func (q *Queue) perform(run, settle context.Context, c *claimed) error {
	err := q.call(run, c)
	now := q.deps.Clock.Now()
	var held bool
	werr := q.deps.DB.Write(settle, func(ctx context.Context, tx db.Querier) error {
		var e error
		switch {
		case err == nil:
			held, e = complete(ctx, tx, c)
		case isFatal(err) || c.Attempt >= c.maxAttempts:
			held, e = bury(ctx, tx, c, now, reason(err))
		default:
			held, e = postpone(ctx, tx, c, now.Add(backoff(c.ID, c.Attempt)), reason(err))
		}
		return e
	})
	if werr != nil {
		return werr
	}
	log := q.deps.Log.With("job", c.ID, "kind", c.Kind, "attempt", c.Attempt)
	switch {
	case !held:
		log.Warn("job lease was lost; another worker runs it again")
	case err != nil && (isFatal(err) || c.Attempt >= c.maxAttempts):
		log.Error("job is dead; retry it when the cause is gone", "error", err)
	case err != nil:
		log.Warn("job failed; it will run again", "error", err)
	}
	return nil
}

// deathsPerAttempt is how patient the queue is with a worker's death: mostly it
// is the machine's fault and takes every job down alike, so work is not given up
// for it until it has clearly outlasted any such trouble.
const deathsPerAttempt = 5

// call runs the handler; a panic counts as a failure.
func (q *Queue) call(ctx context.Context, c *claimed) (err error) {
	if c.Attempt > deathsPerAttempt*c.maxAttempts {
		return errors.New("the worker died during every attempt")
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return q.handler(c.Kind)(ctx, c.Job)
}

func isFatal(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}

// backoff doubles from one second to an hour and strays by a quarter either way,
// always the same for the same job and attempt, so that jobs that failed together
// do not come back together.
func backoff(jobID string, attempt int) time.Duration {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", jobID, attempt)
	d := min(time.Second<<min(attempt-1, 12), time.Hour)
	return min(d*3/4+time.Duration(h.Sum64()%uint64(d/2)), time.Hour)
}

// reason is an error as the table keeps it: short, and text on every engine.
func reason(err error) string {
	s := strings.ReplaceAll(err.Error(), "\x00", "")
	if len(s) > 2000 {
		s = s[:2000]
	}
	return strings.ToValidUTF8(s, "")
}
