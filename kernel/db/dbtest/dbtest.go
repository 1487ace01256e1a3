package dbtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"testing"

	"github.com/dinh-gov/dinh/kernel/db"
)

// Set is the migrations of one package, as it gives them to [db.DB.Migrate].
type Set struct {
	Name string
	FS   fs.FS
}

// New returns a database with the sets migrated in the order given. It belongs
// to the test alone, so tests may run in parallel, and is closed when the test
// ends.
func New(t testing.TB, sets ...Set) *db.DB {
	t.Helper()
	ctx := context.Background()
	key, err := fingerprint(sets)
	if err != nil {
		t.Fatalf("dbtest: read migrations: %v", err)
	}
	if dsn := os.Getenv("DINH_TEST_PG"); dsn != "" {
		return newPostgres(t, dsn, key, sets)
	}
	image, err := images.get(ctx, key, sets)
	if err != nil {
		t.Fatalf("dbtest: migrate template: %v", err)
	}
	d, err := db.Open(ctx, "sqlite::memory:", db.WithImage(image))
	if err != nil {
		t.Fatalf("dbtest: open: %v", err)
	}
	closeAtEnd(t, d)
	return d
}

func closeAtEnd(t testing.TB, d *db.DB) {
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("dbtest: close: %v", err)
		}
	})
}

// fingerprint names a list of sets by its content.
func fingerprint(sets []Set) (string, error) {
	h := sha256.New()
	for _, s := range sets {
		fmt.Fprintf(h, "set %q\n", s.Name)
		err := fs.WalkDir(s.FS, "migrations", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := fs.ReadFile(s.FS, path)
			fmt.Fprintf(h, "%q %d\n%s", path, len(text), text)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:10]), nil
}

func migrate(ctx context.Context, d *db.DB, sets []Set) error {
	for _, s := range sets {
		if err := d.Migrate(ctx, s.Name, s.FS); err != nil {
			return err
		}
	}
	return nil
}

// images holds one migrated image for each list of sets in this test binary.
var images = &templates{made: map[string]func() ([]byte, error){}}

type templates struct {
	mu   sync.Mutex
	made map[string]func() ([]byte, error)
}

func (t *templates) get(ctx context.Context, key string, sets []Set) ([]byte, error) {
	t.mu.Lock()
	once, ok := t.made[key]
	if !ok {
		once = sync.OnceValues(func() ([]byte, error) { return makeImage(ctx, sets) })
		t.made[key] = once
	}
	t.mu.Unlock()
	return once()
}

func makeImage(ctx context.Context, sets []Set) ([]byte, error) {
	d, err := db.Open(ctx, "sqlite::memory:")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := migrate(ctx, d, sets); err != nil {
		return nil, err
	}
	if len(sets) == 0 {
		return nil, nil // an empty database has no image
	}
	return d.Image(ctx)
}
