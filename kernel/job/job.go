package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
)

// Job is one piece of work, as its handler sees it.
type Job struct {
	ID      string
	Kind    string
	Key     string // as given by Key, or empty
	Payload json.RawMessage
	Attempt int // 1 on the first run
}

// DeadJob is a job that will not run until somebody retries it.
type DeadJob struct {
	Job
	Made  time.Time
	Died  time.Time
	Error string // of the last attempt
}

// Handler does the work of one kind of job. It may run more than once for the
// same job and must then leave the same result. An error has it run again later;
// an error wrapped by [Permanent] kills the job at once. ctx ends when the job's
// time is up or the process stops.
type Handler func(ctx context.Context, j Job) error

// Deps is what a queue needs. DB is required, the rest has defaults.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock   // default: the machine's
	Log      *slog.Logger  // default: slog's
	Workers  int           // jobs that run at once; default 16
	LeaseFor time.Duration // how long a dead worker's jobs wait; default 30 s
	Poll     time.Duration // safety net when no wake-up came; default 1 s
	Timeout  time.Duration // for one run of a handler; default 15 min
	Grace    time.Duration // for handlers to end when Run stops; default 10 s
}

// Queue is the queue of one process. It is safe for concurrent use; several
// processes on one database share the work.
type Queue struct {
	deps Deps
	wake chan struct{}

	mu       sync.Mutex
	handlers map[string]Handler
	periods  map[string]*period
	claimSQL string // for the kinds handled now
	kinds    []any
}

// New returns a queue that does nothing until Run or Drain.
func New(d Deps) *Queue {
	if d.Clock == nil {
		d.Clock = clock.System()
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	setDefault(&d.Workers, 16)
	setDefault(&d.LeaseFor, 30*time.Second)
	setDefault(&d.Poll, time.Second)
	setDefault(&d.Timeout, 15*time.Minute)
	setDefault(&d.Grace, 10*time.Second)
	return &Queue{deps: d, wake: make(chan struct{}, 1), handlers: map[string]Handler{}, periods: map[string]*period{}}
}

func setDefault[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// Handle names the handler of a kind of job. A process runs only kinds it has a
// handler for; others wait for a process that has. It panics when the kind has a
// handler already: two would take each other's jobs.
func (q *Queue) Handle(kind string, fn func(ctx context.Context, j Job) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, taken := q.handlers[kind]; taken || kind == "" {
		panic(fmt.Sprintf("job: kind %q is empty or has a handler already; name kinds block.verb, one handler each", kind))
	}
	q.handlers[kind] = fn
	q.kinds = nil
	for _, k := range slices.Sorted(maps.Keys(q.handlers)) {
		q.kinds = append(q.kinds, k)
	}
	q.claimSQL = claimStatement(len(q.kinds))
}

func (q *Queue) handler(kind string) Handler {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.handlers[kind]
}

// Option adjusts [Queue.Enqueue].
type Option func(*order)

type order struct {
	at          time.Time
	key         string
	maxAttempts int
}

// At has the job wait until t.
func At(t time.Time) Option { return func(o *order) { o.at = t } }

// Key makes the job the only living one of its kind with that key. Enqueueing it
// again replaces the payload and keeps the earlier due time; when it is running
// at that moment it runs once more afterwards, so nothing is overlooked.
func Key(key string) Option { return func(o *order) { o.key = key } }

// MaxAttempts says after how many runs the job is dead; the default is 20, which
// spreads over about nine hours. A run cut short by the worker's death ends
// nothing before five times as many.
func MaxAttempts(n int) Option { return func(o *order) { o.maxAttempts = max(n, 1) } }

// Enqueue writes a job with payload as JSON. Inside a Write it joins that
// transaction, so the job exists only if the fact does; workers are woken after
// the commit.
func (q *Queue) Enqueue(ctx context.Context, kind string, payload any, opts ...Option) error {
	now := q.deps.Clock.Now()
	o := order{at: now, maxAttempts: 20}
	for _, opt := range opts {
		opt(&o)
	}
	if kind == "" {
		return errors.New("job: enqueue: the kind is empty; name it block.verb")
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("job: enqueue %s: the payload cannot become JSON: %w", kind, err)
	}
	return q.deps.DB.Write(ctx, func(ctx context.Context, tx db.Querier) error {
		if err := insertJob(ctx, tx, newJob{kind: kind, payload: string(raw), order: o, now: now}); err != nil {
			return err
		}
		if !o.at.After(now) {
			db.AfterCommit(ctx, q.wakeUp)
		}
		return nil
	})
}

func (q *Queue) wakeUp() {
	select {
	case q.wake <- struct{}{}:
	default: // somebody is being woken already
	}
}

// Dead lists dead jobs, the latest first.
func (q *Queue) Dead(ctx context.Context, limit int) ([]DeadJob, error) {
	var dead []DeadJob
	err := q.deps.DB.Read(ctx, func(ctx context.Context, tx db.Querier) error {
		var err error
		dead, err = listDead(ctx, tx, limit)
		return err
	})
	return dead, err
}

// Retry gives a dead job all its attempts again, beginning now. It answers
// errs.NotFound, code job.not_dead, when there is no such dead job.
func (q *Queue) Retry(ctx context.Context, id string) error {
	return q.deps.DB.Write(ctx, func(ctx context.Context, tx db.Querier) error {
		if err := revive(ctx, tx, id, q.deps.Clock.Now()); err != nil {
			return err
		}
		db.AfterCommit(ctx, q.wakeUp)
		return nil
	})
}

// Stats counts jobs by state.
type Stats struct {
	Waiting int           // due now or later
	Running int           // leased to a worker
	Dead    int           // waiting for a person
	Lag     time.Duration // how long the longest-due waiting job has been due
}

// Stats tells how the queue stands. It counts rows, so ask for it seldom.
func (q *Queue) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := q.deps.DB.Read(ctx, func(ctx context.Context, tx db.Querier) error {
		var err error
		s, err = countJobs(ctx, tx, q.deps.Clock.Now())
		return err
	})
	return s, err
}

// Permanent marks an error that no further attempt can cure: the job is dead at
// once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ cause error }

func (e *permanentError) Error() string { return e.cause.Error() }
func (e *permanentError) Unwrap() error { return e.cause }
