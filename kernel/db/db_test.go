package db_test

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
)

//go:embed testdata/migrations
var testdata embed.FS

func entries(t testing.TB) dbtest.Set {
	t.Helper()
	sub, err := fs.Sub(testdata, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	return dbtest.Set{Name: "db", FS: sub}
}

// open returns a database in memory or, with DINH_TEST_PG, on PostgreSQL.
func open(t testing.TB) *db.DB {
	t.Helper()
	return dbtest.New(t, entries(t))
}

// openFile returns a database in a file, as production has it.
func openFile(t testing.TB) (*db.DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dinh.db")
	d, err := db.Open(t.Context(), "sqlite://"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context(), "db", entries(t).FS); err != nil {
		t.Fatal(err)
	}
	return d, path
}

// everywhere runs a test on each kind of database there is.
func everywhere(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Run("shared", func(t *testing.T) { t.Parallel(); test(t, open(t)) })
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		d, _ := openFile(t)
		test(t, d)
	})
}

func insert(ctx context.Context, q db.Querier, id string) error {
	_, err := q.ExecContext(ctx, "INSERT INTO db_entry (id, n) VALUES ($1, $2)", id, 1)
	return err
}

func put(id string) func(context.Context, db.Querier) error {
	return func(ctx context.Context, q db.Querier) error { return insert(ctx, q, id) }
}

func ids(t testing.TB, d *db.DB) []string {
	t.Helper()
	var got []string
	err := d.Read(context.Background(), func(ctx context.Context, q db.Querier) error {
		var err error
		got, err = list(ctx, q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func list(ctx context.Context, q db.Querier) ([]string, error) {
	rows, err := q.QueryContext(ctx, "SELECT id FROM db_entry ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		got = append(got, id)
	}
	return got, rows.Err()
}

func wantIDs(t testing.TB, d *db.DB, want ...string) {
	t.Helper()
	if got := ids(t, d); !slices.Equal(got, want) {
		t.Fatalf("database holds %v, want %v", got, want)
	}
}

func TestWriteThenRead(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		if err := d.Write(t.Context(), put("a")); err != nil {
			t.Fatal(err)
		}
		wantIDs(t, d, "a")
		if err := d.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFailureUndoesOnlyItself(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		boom := errors.New("boom")
		var wg sync.WaitGroup
		var want []string
		for i := range 60 {
			id := fmt.Sprintf("%02d", i)
			if i%3 == 0 {
				want = append(want, id)
			}
			wg.Go(func() {
				err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
					if err := insert(ctx, q, id); err != nil {
						return err
					}
					switch i % 3 {
					case 1:
						return boom
					case 2:
						panic(boom)
					}
					return nil
				})
				if wantErr := i%3 != 0; errors.Is(err, boom) != wantErr {
					t.Errorf("%s: %v", id, err)
				}
			})
		}
		wg.Wait()
		wantIDs(t, d, want...)
	})
}

func TestUniqueViolation(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		if err := d.Write(t.Context(), put("a")); err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context(), put("a")); !db.IsUnique(err) {
			t.Fatalf("second insert gave %v, want a unique violation", err)
		}
		err := d.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
			var n int
			return q.QueryRowContext(ctx, "SELECT n FROM db_entry WHERE id = $1", "none").Scan(&n)
		})
		if !errors.Is(err, sql.ErrNoRows) || db.IsUnique(err) {
			t.Fatalf("missing row gave %v, want sql.ErrNoRows", err)
		}
	})
}

func TestSwallowedFailureDooms(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		if err := d.Write(t.Context(), put("a")); err != nil {
			t.Fatal(err)
		}
		err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
			_ = insert(ctx, q, "b")
			_ = insert(ctx, q, "a")
			if err := insert(ctx, q, "c"); err == nil || !strings.Contains(err.Error(), "refused") {
				t.Errorf("statement after a failure gave %v, want a refusal", err)
			}
			return nil
		})
		if !db.IsUnique(err) {
			t.Fatalf("got %v, want the swallowed unique violation", err)
		}
		wantIDs(t, d, "a")
	})
}

func TestNesting(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	everywhere(t, func(t *testing.T, d *db.DB) {
		var order []string
		err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
			order = nil
			db.AfterCommit(ctx, func() { order = append(order, "outer") })
			if err := d.Write(ctx, func(ctx context.Context, q db.Querier) error {
				db.AfterCommit(ctx, func() { order = append(order, "inner") })
				return insert(ctx, q, "inner")
			}); err != nil {
				return err
			}
			return d.Read(ctx, func(ctx context.Context, q db.Querier) error {
				got, err := list(ctx, q)
				if !slices.Equal(got, []string{"inner"}) {
					t.Errorf("Read inside Write sees %v", got)
				}
				if err := d.Write(ctx, put("x")); err == nil {
					t.Error("Write inside a joined Read was accepted")
				}
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(order, []string{"outer", "inner"}) {
			t.Fatalf("after commit ran %v", order)
		}
		// A nested failure that changed nothing may be handled …
		err = d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
			_ = d.Write(ctx, func(context.Context, db.Querier) error { return boom })
			return insert(ctx, q, "kept")
		})
		if err != nil {
			t.Fatal(err)
		}
		// … one that changed something may not be swallowed.
		err = d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
			_ = d.Write(ctx, func(ctx context.Context, q db.Querier) error {
				return errors.Join(insert(ctx, q, "half"), boom)
			})
			return insert(ctx, q, "other")
		})
		if err == nil || !strings.Contains(err.Error(), "nested") {
			t.Fatalf("swallowed nested failure gave %v", err)
		}
		wantIDs(t, d, "inner", "kept")
	})
}

func TestReadRefusesChanges(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		for _, query := range []string{
			"INSERT INTO db_entry (id) VALUES ('x')",
			"WITH v AS (SELECT 'x' AS id) INSERT INTO db_entry (id) SELECT id FROM v",
			"DELETE FROM db_entry",
			"CREATE TABLE db_other (id TEXT)",
		} {
			err := d.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
				_, err := q.ExecContext(ctx, query)
				return err
			})
			if err == nil {
				t.Errorf("Read ran %s", query)
			}
		}
		err := d.Read(t.Context(), func(ctx context.Context, _ db.Querier) error { return d.Write(ctx, put("x")) })
		if err == nil {
			t.Error("Write inside Read was accepted")
		}
		wantIDs(t, d)
	})
}

func TestTransactionWordsAreRefused(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		for _, query := range []string{"COMMIT", "rollback", "SAVEPOINT x", "BEGIN"} {
			err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
				_, err := q.ExecContext(ctx, query)
				return err
			})
			if err == nil {
				t.Errorf("Write ran %s", query)
			}
		}
	})
}

func TestStatementsWhileIterating(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
			for _, id := range []string{"a", "b", "c"} {
				if err := insert(ctx, q, id); err != nil {
					return err
				}
			}
			rows, err := q.QueryContext(ctx, "SELECT id FROM db_entry ORDER BY id")
			if err != nil {
				return err
			}
			// Left open on purpose: the transaction closes it.
			for rows.Next() {
				var id string
				if err := rows.Scan(&id); err != nil {
					return err
				}
				if got, err := list(ctx, q); err != nil || len(got) < 3 {
					return fmt.Errorf("same query while iterating: %v %w", got, err)
				}
				if id == "b" {
					break
				}
				if err := insert(ctx, q, id+id); err != nil {
					return err
				}
			}
			q.QueryRowContext(ctx, "SELECT 1") // never scanned
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		wantIDs(t, d, "a", "aa", "b", "c")
	})
}

func TestArguments(t *testing.T) {
	t.Parallel()
	type name string
	everywhere(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
			_, err := q.ExecContext(ctx, "INSERT INTO db_entry (id, n, body) VALUES ($1, $2, $3)", name("đình"), true, []byte{0, 1, 2})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
			var yes bool
			var body []byte
			if err := q.QueryRowContext(ctx, "SELECT n, body FROM db_entry WHERE id = $1", "đình").Scan(&yes, &body); err != nil {
				return err
			}
			if !yes || string(body) != "\x00\x01\x02" {
				t.Errorf("came back as %v %v", yes, body)
			}
			_, err := q.QueryContext(ctx, "SELECT id FROM db_entry WHERE n > $1", time.Unix(0, 0))
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "db.Micros") {
			t.Fatalf("a time.Time gave %v", err)
		}
	})
}

func TestCancelledContext(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Write(ctx, func(ctx context.Context, q db.Querier) error {
			if err := insert(ctx, q, "a"); err != nil {
				return err
			}
			cancel()
			var n int
			if err := q.QueryRowContext(ctx, "SELECT n FROM db_entry").Scan(&n); !errors.Is(err, context.Canceled) {
				t.Errorf("row under a cancelled context: %v", err)
			}
			return insert(ctx, q, "b")
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
		ran := false
		fn := func(context.Context, db.Querier) error { ran = true; return nil }
		if err := errors.Join(d.Write(ctx, fn), d.Read(ctx, fn)); !errors.Is(err, context.Canceled) || ran {
			t.Fatalf("ran=%v err=%v", ran, err)
		}
		wantIDs(t, d)
	})
}

func TestGoexitLeavesWriterAlive(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
					if err := insert(ctx, q, fmt.Sprint(i)); err != nil {
						return err
					}
					if i == 7 {
						runtime.Goexit()
					}
					return nil
				})
				if (err != nil) != (i == 7) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if got := ids(t, d); len(got) != 19 || slices.Contains(got, "7") {
			t.Fatalf("database holds %v", got)
		}
	})
}

func TestQuerierIsDeadAfterwards(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		var kept db.Querier
		var old context.Context
		if err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error { kept, old = q, ctx; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := insert(t.Context(), kept, "late"); err == nil {
			t.Fatal("the Querier works after its transaction")
		}
		if db.InTx(old) {
			t.Fatal("InTx is true after the transaction")
		}
		defer func() {
			if recover() == nil {
				t.Fatal("AfterCommit outside Write must panic")
			}
		}()
		db.AfterCommit(old, func() {})
	})
}

func TestCloseDrains(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				if err := d.Write(context.Background(), put(fmt.Sprint(i))); err != nil && !errors.Is(err, db.ErrClosed) {
					t.Errorf("write while closing: %v", err)
				}
			})
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if err := d.Ping(context.Background()); !errors.Is(err, db.ErrClosed) {
			t.Fatalf("read after Close: %v", err)
		}
	})
}

func TestReopenFindsEverything(t *testing.T) {
	t.Parallel()
	d, path := openFile(t)
	if err := d.Write(t.Context(), put("a")); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "it's a backup.db")
	if err := d.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	if err := d.Backup(t.Context(), backup); err == nil {
		t.Fatal("a backup overwrote another")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, backup} {
		again, err := db.Open(t.Context(), "sqlite://"+p)
		if err != nil {
			t.Fatal(err)
		}
		wantIDs(t, again, "a")
		if err := again.Migrate(t.Context(), "db", entries(t).FS); err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("database file: %v %v, want 0600", info.Mode(), err)
	}
}

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dinh.db")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			d, err := db.Open(t.Context(), "sqlite://"+path)
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			if err := d.Migrate(t.Context(), "db", entries(t).FS); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "sqlite:relative.db", "mysql://x", "sqlite:///tmp/a?b", "sqlite:///no/such/folder/x.db"} {
		if d, err := db.Open(t.Context(), url); err == nil {
			d.Close()
			t.Errorf("Open(%q) succeeded", url)
		}
	}
}
