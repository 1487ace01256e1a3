package job_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/job"
)

// TestKilledWorkerIsReplaced kills a process that works on jobs and has another
// finish them: every job runs, and none that was deleted runs again.
func TestKilledWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/jobs.db"
	d, err := db.Open(t.Context(), "sqlite://"+path)
	must(t, err)
	defer d.Close()
	must(t, d.Migrate(t.Context(), "job", job.Migrations()))
	q := job.New(job.Deps{DB: d, Log: quiet(), Workers: 4, LeaseFor: 500 * time.Millisecond, Poll: 20 * time.Millisecond})
	const n = 3000
	must(t, d.Write(t.Context(), func(ctx context.Context, _ db.Querier) error {
		for i := range n {
			if err := q.Enqueue(ctx, "t.work", i); err != nil {
				return err
			}
		}
		return nil
	}))
	ran := runAndKillChild(t, path, 200)
	left := leftOver(t, d)
	if len(left) == 0 {
		t.Fatal("the child finished before it was killed; the test shows nothing")
	}
	for i := range n {
		if p := fmt.Sprint(i); !ran[p] && !left[p] {
			t.Errorf("job %s neither ran nor waits", p)
		}
	}
	finishAll(t, q, left)
	wantStats(t, q, 0, 0, 0)
}

// runAndKillChild returns the jobs that the child began before its end.
func runAndKillChild(t *testing.T, path string, after int) map[string]bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildWorks$")
	cmd.Env = append(os.Environ(), "DINH_JOB_TEST_CHILD="+path)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	ran := map[string]bool{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if p, ok := strings.CutPrefix(lines.Text(), "ran "); ok {
			ran[p] = true
		}
		if len(ran) == after {
			must(t, cmd.Process.Kill())
			after = -1
		}
	}
	_ = cmd.Wait() // killed, so it fails
	return ran
}

func leftOver(t *testing.T, d *db.DB) map[string]bool {
	t.Helper()
	left := map[string]bool{}
	must(t, d.Read(t.Context(), func(ctx context.Context, tx db.Querier) error {
		rows, err := tx.QueryContext(ctx, "SELECT payload FROM job_queue")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p string
			if err := rows.Scan(&p); err != nil {
				return err
			}
			left[p] = true
		}
		return rows.Err()
	}))
	return left
}

// finishAll runs the queue until the jobs left, and no others, have run.
func finishAll(t *testing.T, q *job.Queue, left map[string]bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var mu sync.Mutex
	seen := map[string]int{}
	q.Handle("t.work", func(_ context.Context, j job.Job) error {
		mu.Lock()
		defer mu.Unlock()
		seen[string(j.Payload)]++
		if len(seen) == len(left) {
			cancel()
		}
		return nil
	})
	must(t, q.Run(ctx))
	for p := range left {
		if seen[p] == 0 {
			t.Errorf("job %s was left by the kill and never ran", p)
		}
	}
	if len(seen) != len(left) {
		t.Errorf("%d jobs ran, %d were left", len(seen), len(left))
	}
}

// TestChildWorks is the process that TestKilledWorkerIsReplaced kills.
func TestChildWorks(t *testing.T) {
	path := os.Getenv("DINH_JOB_TEST_CHILD")
	if path == "" {
		t.Skip("runs only as the child of TestKilledWorkerIsReplaced")
	}
	d, err := db.Open(t.Context(), "sqlite://"+path)
	must(t, err)
	q := job.New(job.Deps{DB: d, Log: quiet(), Workers: 4, LeaseFor: 500 * time.Millisecond})
	var out sync.Mutex
	q.Handle("t.work", func(_ context.Context, j job.Job) error {
		out.Lock()
		defer out.Unlock()
		fmt.Println("ran", string(j.Payload))
		return nil
	})
	must(t, q.Run(t.Context()))
}
