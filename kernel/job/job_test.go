package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/job"
)

var start = time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func newQueue(t testing.TB) (*job.Queue, *db.DB, *clock.Fake) {
	t.Helper()
	d := dbtest.New(t, dbtest.Set{Name: "job", FS: job.Migrations()})
	c := clock.New(start)
	return job.New(job.Deps{DB: d, Clock: c, Log: quiet(), Workers: 4, LeaseFor: 30 * time.Second}), d, c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// diary notes what handlers were given.
type diary struct {
	mu   sync.Mutex
	seen []string
}

func (d *diary) note(_ context.Context, j job.Job) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, fmt.Sprintf("%s/%d", j.Payload, j.Attempt))
	return nil
}

func (d *diary) want(t testing.TB, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.seen, want) {
		t.Fatalf("handled %v, want %v", d.seen, want)
	}
	d.seen = nil
}

func wantStats(t testing.TB, q *job.Queue, waiting, running, dead int) {
	t.Helper()
	s, err := q.Stats(t.Context())
	must(t, err)
	if s.Waiting != waiting || s.Running != running || s.Dead != dead {
		t.Fatalf("stats %+v, want %d waiting, %d running, %d dead", s, waiting, running, dead)
	}
}

func TestDrainRunsInOrder(t *testing.T) {
	t.Parallel()
	q, _, c := newQueue(t)
	var d diary
	q.Handle("t.note", d.note)
	for i := range 3 {
		must(t, q.Enqueue(t.Context(), "t.note", i))
	}
	must(t, q.Enqueue(t.Context(), "t.note", "later", job.At(start.Add(time.Hour))))
	must(t, q.Enqueue(t.Context(), "t.unknown", nil))
	must(t, q.Drain(t.Context()))
	d.want(t, "0/1", "1/1", "2/1")
	wantStats(t, q, 2, 0, 0)
	c.Advance(time.Hour)
	must(t, q.Drain(t.Context()))
	d.want(t, `"later"/1`)
}

func TestEnqueueJoinsTheTransaction(t *testing.T) {
	t.Parallel()
	q, d, _ := newQueue(t)
	boom := errors.New("boom")
	err := d.Write(t.Context(), func(ctx context.Context, _ db.Querier) error {
		must(t, q.Enqueue(ctx, "t.note", 1))
		if err := q.Drain(ctx); err == nil {
			t.Error("Drain inside a transaction was accepted")
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	wantStats(t, q, 0, 0, 0)
	if err := q.Enqueue(t.Context(), "t.note", func() {}); err == nil || !strings.Contains(err.Error(), "JSON") {
		t.Fatalf("a function as payload gave %v", err)
	}
}

func TestFailureBacksOffAndDies(t *testing.T) {
	t.Parallel()
	q, _, c := newQueue(t)
	runs := 0
	q.Handle("t.fail", func(_ context.Context, j job.Job) error {
		if runs++; j.Attempt != runs {
			t.Errorf("attempt %d on run %d", j.Attempt, runs)
		}
		if runs == 2 {
			panic("no\x00 good")
		}
		return errors.New("provider away")
	})
	must(t, q.Enqueue(t.Context(), "t.fail", nil, job.MaxAttempts(3), job.Key("k")))
	for want := 1; want <= 3; want++ {
		must(t, q.Drain(t.Context()))
		if runs != want {
			t.Fatalf("ran %d times, want %d", runs, want)
		}
		c.Advance(5 * time.Second)
	}
	wantStats(t, q, 0, 0, 1)
	dead, err := q.Dead(t.Context(), 10)
	must(t, err)
	if len(dead) != 1 || dead[0].Error != "provider away" || dead[0].Attempt != 3 || dead[0].Key != "k" || !dead[0].Made.Equal(start) {
		t.Fatalf("dead letters %+v", dead)
	}
	// The dead do not keep the key from the living.
	must(t, q.Enqueue(t.Context(), "t.fail", nil, job.Key("k"), job.At(start.Add(time.Hour))))
	wantStats(t, q, 1, 0, 1)
	runs = 0
	must(t, q.Retry(t.Context(), dead[0].ID))
	must(t, q.Drain(t.Context()))
	if runs != 1 {
		t.Fatalf("ran %d times after Retry, want 1", runs)
	}
	if err := q.Retry(t.Context(), "none"); !errors.Is(err, errs.NotFound) {
		t.Fatalf("retry of nothing gave %v, want not found", err)
	}
}

func TestPermanentDiesAtOnce(t *testing.T) {
	t.Parallel()
	q, _, _ := newQueue(t)
	cause := errs.New(errs.Invalid, "t.bad_address")
	q.Handle("t.fail", func(context.Context, job.Job) error { return fmt.Errorf("send: %w", job.Permanent(cause)) })
	must(t, q.Enqueue(t.Context(), "t.fail", nil))
	must(t, q.Drain(t.Context()))
	wantStats(t, q, 0, 0, 1)
	if job.Permanent(nil) != nil || !errors.Is(job.Permanent(cause), errs.Invalid) {
		t.Fatal("Permanent hides its cause")
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	q, _, c := newQueue(t)
	var d diary
	var again []string
	q.Handle("t.note", func(ctx context.Context, j job.Job) error {
		for _, payload := range again {
			must(t, q.Enqueue(ctx, "t.note", payload, job.Key("k")))
		}
		again = nil
		return d.note(ctx, j)
	})
	must(t, q.Enqueue(t.Context(), "t.note", "a", job.Key("k"), job.At(start.Add(time.Minute))))
	must(t, q.Enqueue(t.Context(), "t.note", "b", job.Key("k"), job.At(start.Add(time.Hour))))
	must(t, q.Enqueue(t.Context(), "t.note", "other", job.Key("k2")))
	must(t, q.Drain(t.Context()))
	d.want(t, `"other"/1`)
	// One job, the newest payload, the earliest time; and asked for while it runs,
	// it runs once more.
	c.Advance(time.Minute)
	again = []string{"c", "d"}
	must(t, q.Drain(t.Context()))
	d.want(t, `"b"/1`, `"d"/1`)
	wantStats(t, q, 0, 0, 0)
}

func TestEvery(t *testing.T) {
	t.Parallel()
	q, d, c := newQueue(t)
	other := job.New(job.Deps{DB: d, Clock: c, Log: quiet()})
	runs := 0
	for _, each := range []*job.Queue{q, other} {
		each.Handle("t.sweep", func(context.Context, job.Job) error { runs++; return nil })
		each.Every("t.sweep", time.Hour)
	}
	for hour := 1; hour <= 4; hour++ {
		must(t, q.Drain(t.Context()))
		must(t, other.Drain(t.Context()))
		if runs != hour {
			t.Fatalf("ran %d times in %d hours", runs, hour)
		}
		c.Advance(time.Hour)
	}
}

func TestExpiredLeaseIsTakenOver(t *testing.T) {
	t.Parallel()
	q, d, c := newQueue(t)
	other := job.New(job.Deps{DB: d, Clock: c, Log: quiet()})
	var seen diary
	other.Handle("t.note", seen.note)
	q.Handle("t.note", func(ctx context.Context, j job.Job) error {
		must(t, other.Drain(ctx)) // leased: nothing for the other
		seen.want(t)
		c.Advance(31 * time.Second) // as if this process had died
		return other.Drain(ctx)
	})
	must(t, q.Enqueue(t.Context(), "t.note", 1))
	must(t, q.Drain(t.Context()))
	seen.want(t, "1/2")
	wantStats(t, q, 0, 0, 0)
}

func TestPoisonDiesAfterItsAttempts(t *testing.T) {
	t.Parallel()
	q, d, c := newQueue(t)
	must(t, q.Enqueue(t.Context(), "t.kill", nil, job.MaxAttempts(1)))
	// As a process leaves it that was killed while it ran the job.
	must(t, d.Write(t.Context(), func(ctx context.Context, tx db.Querier) error {
		_, err := tx.ExecContext(ctx, "UPDATE job_queue SET worker = 'gone', attempt = 5, due_at = due_at + 1")
		return err
	}))
	q.Handle("t.kill", func(context.Context, job.Job) error { t.Error("ran past its attempts"); return nil })
	c.Advance(time.Second)
	must(t, q.Drain(t.Context()))
	wantStats(t, q, 0, 0, 1)
}

func TestRun(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, dbtest.Set{Name: "job", FS: job.Migrations()})
	q := job.New(job.Deps{DB: d, Log: quiet(), Workers: 8, LeaseFor: time.Second, Poll: 10 * time.Millisecond})
	const n = 500
	var mu sync.Mutex
	runs := map[string]int{}
	all := make(chan struct{})
	q.Handle("t.work", func(ctx context.Context, j job.Job) error {
		mu.Lock()
		defer mu.Unlock()
		runs[string(j.Payload)]++
		if len(runs) == n {
			select {
			case <-all:
			default:
				close(all)
			}
		}
		return nil
	})
	slow := make(chan struct{})
	q.Handle("t.slow", func(ctx context.Context, j job.Job) error {
		if j.Attempt > 1 {
			t.Error("a job whose worker lives was taken over")
		}
		<-slow // held past its lease; heartbeats keep it
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	must(t, q.Enqueue(t.Context(), "t.slow", nil))
	for i := range n {
		must(t, q.Enqueue(t.Context(), "t.work", i))
	}
	<-all
	// Wait until the slow job has outlived its first lease.
	for first, now := leaseEnd(t, d), int64(0); now < first+time.Second.Microseconds(); now = leaseEnd(t, d) {
		<-time.After(20 * time.Millisecond)
	}
	cancel()
	close(slow)
	must(t, <-ended)
	wantStats(t, q, 0, 0, 0)
	for p, times := range runs {
		if times != 1 {
			t.Errorf("job %s ran %d times", p, times)
		}
	}
}

// leaseEnd returns when the only job's lease ends.
func leaseEnd(t testing.TB, d *db.DB) int64 {
	t.Helper()
	var due int64
	must(t, d.Read(t.Context(), func(ctx context.Context, tx db.Querier) error {
		return tx.QueryRowContext(ctx, "SELECT due_at FROM job_queue WHERE kind = 't.slow'").Scan(&due)
	}))
	return due
}

func TestStopGivesBackWhatIsNotBegun(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, dbtest.Set{Name: "job", FS: job.Migrations()})
	q := job.New(job.Deps{DB: d, Log: quiet(), Workers: 1})
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{}, 10)
	q.Handle("t.slow", func(context.Context, job.Job) error {
		begun <- struct{}{}
		<-ctx.Done()
		return nil
	})
	must(t, d.Write(t.Context(), func(ctx context.Context, _ db.Querier) error {
		for range 3 {
			if err := q.Enqueue(ctx, "t.slow", nil); err != nil {
				return err
			}
		}
		return nil
	}))
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	<-begun
	cancel()
	must(t, <-ended)
	wantStats(t, q, 2, 0, 0)
	must(t, d.Read(t.Context(), func(ctx context.Context, tx db.Querier) error {
		var attempts int
		err := tx.QueryRowContext(ctx, "SELECT sum(attempt) FROM job_queue").Scan(&attempts)
		if attempts != 0 {
			t.Errorf("jobs given back have used %d attempts", attempts)
		}
		return err
	}))
}

func TestHandlersAreOnePerKind(t *testing.T) {
	t.Parallel()
	q := job.New(job.Deps{})
	q.Handle("t.a", func(context.Context, job.Job) error { return nil })
	defer func() {
		if recover() == nil {
			t.Fatal("a second handler was accepted")
		}
	}()
	q.Handle("t.a", func(context.Context, job.Job) error { return nil })
}

func BenchmarkRun(b *testing.B) {
	path := b.TempDir() + "/jobs.db"
	d, err := db.Open(b.Context(), "sqlite://"+path)
	must(b, err)
	defer d.Close()
	must(b, d.Migrate(b.Context(), "job", job.Migrations()))
	q := job.New(job.Deps{DB: d, Log: quiet(), Workers: 64})
	var done atomic.Int64
	all := make(chan struct{})
	q.Handle("b.work", func(context.Context, job.Job) error {
		if done.Add(1) == int64(b.N) {
			close(all)
		}
		return nil
	})
	payload := json.RawMessage(`{"n":1}`)
	must(b, d.Write(b.Context(), func(ctx context.Context, _ db.Querier) error {
		for range b.N {
			if err := q.Enqueue(ctx, "b.work", payload); err != nil {
				return err
			}
		}
		return nil
	}))
	b.ResetTimer()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	<-all
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	cancel()
	must(b, <-ended)
}
