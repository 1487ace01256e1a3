package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Backup writes a complete, consistent copy of the database to the file path,
// which must not exist, while work goes on. The file appears under its name
// only when it is whole and on the disk. PostgreSQL has its own tools for this.
func (d *DB) Backup(ctx context.Context, path string) error {
	if d.engine.dialect != SQLite {
		return errors.New("db: Backup copies SQLite only; use pg_basebackup or pg_dump for PostgreSQL")
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("db: backup: %s exists; name a new file", path)
	}
	partial := path + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("db: backup: %w", err)
	}
	vacuum := func(pool *sql.DB) error {
		_, err := pool.ExecContext(ctx, "VACUUM INTO '"+escapeQuote(partial)+"'")
		return err
	}
	err := d.onOwnConnection(ctx, vacuum)
	if err == nil {
		err = publish(partial, path)
	}
	if err != nil {
		_ = os.Remove(partial)
		return fmt.Errorf("db: backup: %w", err)
	}
	return nil
}

// onOwnConnection keeps long work off the connections that everybody needs.
func (d *DB) onOwnConnection(ctx context.Context, f func(*sql.DB) error) error {
	if d.engine.memory {
		return d.writers.exclusive(ctx, f)
	}
	pool := sql.OpenDB(d.engine.connector(false, nil))
	return errors.Join(f(pool), pool.Close())
}

func escapeQuote(s string) string {
	var b []byte
	for i := range len(s) {
		if s[i] == '\'' {
			b = append(b, '\'')
		}
		b = append(b, s[i])
	}
	return string(b)
}

// publish makes a finished file durable and gives it its name.
func publish(partial, path string) error {
	if err := syncPath(partial); err != nil {
		return err
	}
	if err := os.Rename(partial, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Image returns an in-memory SQLite database as bytes that [WithImage] takes.
// Tests start from one instead of migrating again.
func (d *DB) Image(ctx context.Context) ([]byte, error) {
	if !d.engine.memory {
		return nil, errors.New("db: Image is for sqlite::memory:; use Backup for a file")
	}
	c, err := d.writers.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer d.writers.release(c, false)
	var image []byte
	err = c.raw(func(s *session) error {
		m, ok := s.inner.(interface{ Serialize() ([]byte, error) })
		if !ok {
			return errors.New("db: this SQLite driver cannot make an image")
		}
		image, err = m.Serialize()
		return err
	})
	return image, err
}
