package db_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// TestKillLosesNothingAcknowledged kills a writing process in mid-commit and
// looks for everything it had said was durable.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	d, path := openFile(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildWrites$")
	cmd.Env = append(os.Environ(), "DINH_DB_TEST_CHILD="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "durable "); ok {
			acknowledged = append(acknowledged, id)
		}
		if len(acknowledged) == 500 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed, so it fails
	if len(acknowledged) < 500 {
		t.Fatalf("the child ended after %d writes", len(acknowledged))
	}
	again, err := db.Open(t.Context(), "sqlite://"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	got := ids(t, again)
	for _, id := range acknowledged {
		if _, found := slices.BinarySearch(got, id); !found {
			t.Errorf("%s was acknowledged and is gone", id)
		}
	}
}

// TestChildWrites is the process that TestKillLosesNothingAcknowledged kills.
func TestChildWrites(t *testing.T) {
	path := os.Getenv("DINH_DB_TEST_CHILD")
	if path == "" {
		t.Skip("runs only as the child of TestKillLosesNothingAcknowledged")
	}
	d, err := db.Open(t.Context(), "sqlite://"+path)
	if err != nil {
		t.Fatal(err)
	}
	var out sync.Mutex
	var wg sync.WaitGroup
	for caller := range 8 {
		wg.Go(func() {
			for i := range 100_000 {
				id := fmt.Sprintf("%d-%06d", caller, i)
				if err := d.Write(t.Context(), put(id)); err != nil {
					return
				}
				out.Lock()
				fmt.Println("durable", id)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestFullDisk fills the database up; what fitted stays, what did not is told so,
// and the writer lives on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	d, _ := openFile(t)
	limit := func(pages int) {
		err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
			_, err := q.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(30)
	big := make([]byte, 20_000)
	var mu sync.Mutex
	var want []string
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			id := fmt.Sprintf("%02d", i)
			err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
				_, err := q.ExecContext(ctx, "INSERT INTO db_entry (id, body) VALUES ($1, $2)", id, big)
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				want = append(want, id)
			} else if !strings.Contains(err.Error(), "full") {
				t.Errorf("a full disk is reported as %v", err)
			}
		})
	}
	wg.Wait()
	slices.Sort(want)
	if len(want) == 0 || len(want) == 40 {
		t.Fatalf("%d of 40 fitted", len(want))
	}
	wantIDs(t, d, want...)
	limit(100_000)
	if err := d.Write(t.Context(), put("zz")); err != nil {
		t.Fatal(err)
	}
}

// TestTwoProcesses has two databases open on one file, or one server, make
// read-then-write transactions that conflict; none may be lost.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		d, path := openFile(t)
		other, err := db.Open(t.Context(), "sqlite://"+path)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		conflict(t, d, other)
	})
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		d := open(t)
		if d.Dialect() != db.Postgres {
			t.Skip("needs DINH_TEST_PG; sqlite::memory: belongs to one process")
		}
		var name string
		err := d.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
			return q.QueryRowContext(ctx, "SELECT current_database()").Scan(&name)
		})
		if err != nil {
			t.Fatal(err)
		}
		dsn := os.Getenv("DINH_TEST_PG")
		at := strings.LastIndex(dsn, "/")
		_, query, _ := strings.Cut(dsn[at:], "?")
		other, err := db.Open(t.Context(), dsn[:at+1]+name+"?"+query)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		conflict(t, d, other)
	})
}

// TestServerRestart cuts every connection while nobody uses it, as a restarted
// server does; the next calls must not notice.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	d := open(t)
	if d.Dialect() != db.Postgres {
		t.Skip("needs DINH_TEST_PG; SQLite has no server")
	}
	var wg sync.WaitGroup
	for range 4 { // several pooled connections
		wg.Go(func() { _ = d.Ping(t.Context()) })
	}
	wg.Wait()
	err := d.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), put("a")); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		wantIDs(t, d, "a")
	}
}

func conflict(t *testing.T, dbs ...*db.DB) {
	t.Helper()
	if err := dbs[0].Write(t.Context(), put("counter")); err != nil {
		t.Fatal(err)
	}
	increment := func(ctx context.Context, q db.Querier) error {
		var n int
		if err := q.QueryRowContext(ctx, "SELECT n FROM db_entry WHERE id = 'counter'").Scan(&n); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, "UPDATE db_entry SET n = $1 WHERE id = 'counter'", n+1)
		return err
	}
	var wg sync.WaitGroup
	const callers, times = 8, 10
	for i := range callers {
		wg.Go(func() {
			for range times {
				if err := dbs[i%len(dbs)].Write(t.Context(), increment); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	err := dbs[0].Read(t.Context(), func(ctx context.Context, q db.Querier) error {
		var n int
		if err := q.QueryRowContext(ctx, "SELECT n FROM db_entry WHERE id = 'counter'").Scan(&n); err != nil {
			return err
		}
		if n != 1+callers*times {
			t.Errorf("counted %d, want %d: increments were lost", n, 1+callers*times)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadsDuringWrites(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 50 {
					// Two rows at once: a reader must never see one without the other.
					err := d.Write(ctx, func(ctx context.Context, q db.Querier) error {
						return errors.Join(insert(ctx, q, fmt.Sprintf("%d-%d-a", i, j)), insert(ctx, q, fmt.Sprintf("%d-%d-b", i, j)))
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
			wg.Go(func() {
				for range 50 {
					err := d.Read(ctx, func(ctx context.Context, q db.Querier) error {
						var n, m int
						if err := q.QueryRowContext(ctx, "SELECT count(*) FROM db_entry").Scan(&n); err != nil {
							return err
						}
						err := q.QueryRowContext(ctx, "SELECT count(*) FROM db_entry WHERE n = 1").Scan(&m)
						if n%2 != 0 || n != m {
							t.Errorf("a read sees %d and then %d rows", n, m)
						}
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}

// TestOnlyTextIsText keeps what PostgreSQL cannot store away from both engines,
// as the fault of whoever sent it, and lets the transaction go on.
func TestOnlyTextIsText(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, bad := range []string{"\x00", "a\x00b", "\xff\xfe", "Nguyễn\xc3"} {
		err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
			var n int
			if err := q.QueryRowContext(ctx, `SELECT 1 WHERE $1 = 'x'`, bad).Scan(&n); errs.KindOf(err) != errs.Invalid {
				t.Errorf("%q was asked for: %v", bad, err)
			}
			if _, err := q.ExecContext(ctx, `SELECT 1 WHERE $1 = 'x'`, bad); errs.KindOf(err) != errs.Invalid {
				t.Errorf("%q was sent: %v", bad, err)
			}
			return q.QueryRowContext(ctx, `SELECT 1`).Scan(&n)
		})
		if err != nil {
			t.Errorf("%q ended the transaction: %v", bad, err)
		}
	}
}
