package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

var migrationName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Migrate brings the tables of the package called name up to date. fsys holds
// migrations/NNNN_what.sql files with a "-- +goose Up" section; {{blob}} stands
// for the engine's type for bytes, {{by_key}} behind a table for short rows that
// are kept in the order of their key. What was applied is remembered in the table
// goose_<name>, one for each package, so packages migrate independently. Several
// processes may migrate at once.
func (d *DB) Migrate(ctx context.Context, name string, fsys fs.FS) error {
	if !migrationName.MatchString(name) {
		return fmt.Errorf("db: migrate %q: the name must be lower-case letters, digits and _", name)
	}
	if u := d.unitOf(ctx); u != nil {
		return fmt.Errorf("db: migrate %s: inside a transaction; migrate before work begins", name)
	}
	sub, err := fs.Sub(fsys, "migrations")
	if err != nil {
		return fmt.Errorf("db: migrate %s: %w", name, err)
	}
	run := func(pool *sql.DB) error { return d.migrateOn(ctx, pool, name, sub) }
	if d.engine.memory {
		err = d.writers.exclusive(ctx, run)
	} else {
		pool := sql.OpenDB(d.engine.connector(false, nil))
		defer pool.Close()
		err = run(pool)
	}
	if err != nil {
		return fmt.Errorf("db: migrate %s: %w", name, err)
	}
	return nil
}

func (d *DB) migrateOn(ctx context.Context, pool *sql.DB, name string, fsys fs.FS) error {
	opts := []goose.ProviderOption{
		goose.WithTableName("goose_" + name),
		goose.WithDisableGlobalRegistry(true),
	}
	dialect := goose.DialectSQLite3
	if d.engine.dialect == Postgres {
		dialect = goose.DialectPostgres
		l, err := lock.NewPostgresTableLocker()
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithLocker(l))
	}
	p, err := goose.NewProvider(dialect, pool, adaptedFS{fsys, d.engine.dialect}, opts...)
	if errors.Is(err, goose.ErrNoMigrations) {
		return errors.New("no migrations/NNNN_what.sql files found; embed the folder with //go:embed migrations")
	}
	if err != nil {
		return err
	}
	// On SQLite two processes that start at once may both try a migration; the
	// one that comes second fails, looks again and finds it done.
	for attempt := 0; ; attempt++ {
		if _, err = p.Up(ctx); err == nil || attempt == 2 || d.engine.dialect == Postgres || d.engine.memory {
			return err
		}
	}
}

// adaptedFS shows migration files as the engine wants to read them.
type adaptedFS struct {
	fs.FS
	dialect Dialect
}

// Open opens a file with its placeholders filled in.
func (a adaptedFS) Open(name string) (fs.File, error) {
	f, err := a.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	defer f.Close()
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(f); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	words := strings.NewReplacer("{{blob}}", "BLOB", "{{by_key}}", "WITHOUT ROWID")
	if a.dialect == Postgres {
		words = strings.NewReplacer("{{blob}}", "BYTEA", "{{by_key}}", "")
	}
	text := words.Replace(raw.String())
	return &adaptedFile{Reader: strings.NewReader(text), info: info, size: int64(len(text))}, nil
}

// ReadDir lists a folder; goose looks for files with it.
func (a adaptedFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(a.FS, name) }

type adaptedFile struct {
	*strings.Reader
	info fs.FileInfo
	size int64
}

// Stat describes the file as adapted.
func (f *adaptedFile) Stat() (fs.FileInfo, error) { return f, nil }

// Close has nothing to free.
func (f *adaptedFile) Close() error { return nil }

// Name is the file's name.
func (f *adaptedFile) Name() string { return f.info.Name() }

// Size is the adapted length; it hides the Reader's, which has another meaning.
func (f *adaptedFile) Size() int64 { return f.size }

// Mode is the file's mode.
func (f *adaptedFile) Mode() fs.FileMode { return f.info.Mode() }

// ModTime is when the file changed.
func (f *adaptedFile) ModTime() time.Time { return f.info.ModTime() }

// IsDir is false: only files are adapted.
func (f *adaptedFile) IsDir() bool { return false }

// Sys has nothing to tell.
func (f *adaptedFile) Sys() any { return nil }
