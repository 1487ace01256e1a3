package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
)

// engine knows how to connect to one database and how to speak to it.
type engine struct {
	dialect Dialect
	memory  bool
	name    string // for messages; holds no password
	path    string // SQLite file
	pg      *pgx.ConnConfig

	beginRead, beginWrite string
	batch                 int // functions in one commit at most
}

func parseURL(raw string) (*engine, error) {
	rest, isSQLite := strings.CutPrefix(raw, "sqlite:")
	switch {
	case isSQLite && rest == ":memory:":
		return sqliteEngine("", true), nil
	case isSQLite && strings.HasPrefix(rest, "///"):
		path := strings.TrimPrefix(rest, "//")
		if strings.ContainsAny(path, "?#") {
			return nil, fmt.Errorf("db: the file name %s must hold neither ? nor #", path)
		}
		return sqliteEngine(path, false), nil
	case strings.HasPrefix(raw, "postgres://"), strings.HasPrefix(raw, "postgresql://"):
		return postgresEngine(raw)
	}
	return nil, errors.New("db: the database url must be sqlite:///absolute/path.db, sqlite::memory: or postgres://user:password@host/name")
}

func sqliteEngine(path string, memory bool) *engine {
	e := &engine{dialect: SQLite, memory: memory, path: path, name: path, beginRead: "BEGIN", beginWrite: "BEGIN IMMEDIATE", batch: 512}
	if memory {
		e.name = ":memory:"
	}
	return e
}

func postgresEngine(raw string) (*engine, error) {
	cfg, err := pgx.ParseConfig(raw)
	if err != nil {
		return nil, fmt.Errorf("db: the postgres url cannot be read: %w", err)
	}
	return &engine{
		dialect:    Postgres,
		name:       fmt.Sprintf("postgres %s:%d/%s", cfg.Host, cfg.Port, cfg.Database),
		pg:         cfg,
		beginRead:  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		beginWrite: "BEGIN ISOLATION LEVEL SERIALIZABLE",
		// Past 64 savepoints a PostgreSQL backend spills its list of
		// subtransactions, which slows everybody's snapshots.
		batch: 64,
	}, nil
}

// connector makes connections for a pool. image is only for :memory:.
func (e *engine) connector(readOnly bool, image []byte) *connector {
	return &connector{engine: e, readOnly: readOnly, image: image}
}

type connector struct {
	engine   *engine
	readOnly bool
	image    []byte
}

// Connect opens one connection and wraps it in a session.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	return newSession(inner, c.engine.dialect), nil
}

func (c *connector) open(ctx context.Context) (driver.Conn, error) {
	if c.engine.dialect == Postgres {
		return stdlib.GetConnector(*c.engine.pg).Connect(ctx)
	}
	if !c.engine.memory {
		if err := claimFile(c.engine.path); err != nil {
			return nil, err
		}
	}
	inner, err := c.openSQLite(ctx)
	if err != nil || c.image == nil {
		return inner, err
	}
	d, ok := inner.(interface{ Deserialize([]byte) error })
	if !ok {
		return nil, errors.Join(errors.New("db: this SQLite driver cannot load an image"), inner.Close())
	}
	if err := d.Deserialize(c.image); err != nil {
		return nil, errors.Join(fmt.Errorf("db: load image: %w", err), inner.Close())
	}
	return inner, nil
}

// openSQLite opens the file, again while another process is turning WAL on:
// SQLite does not apply busy_timeout to that step.
func (c *connector) openSQLite(ctx context.Context) (driver.Conn, error) {
	dsn := sqliteDSN(c.engine.path, c.engine.memory, c.readOnly)
	for attempt := 1; ; attempt++ {
		inner, err := (&sqlite.Driver{}).Open(dsn)
		if err == nil || !isRetryable(err) || attempt == openAttempts || ctx.Err() != nil {
			return inner, err
		}
		pause(attempt)
	}
}

// openAttempts, with pauses of 64 ms on average, amount to several seconds.
const openAttempts = 100

// claimFile makes a missing file readable by its owner alone; SQLite gives its
// side files the same rights. It must not touch a file that is there: to close
// any descriptor of it drops all locks that this process has on it (POSIX), and
// another program could then take the database for unused and remove the WAL.
func claimFile(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Driver satisfies driver.Connector; nobody opens connections by name.
func (c *connector) Driver() driver.Driver { return &sqlite.Driver{} }

// sqliteDSN says how a connection is set up. The order counts: without
// busy_timeout first, turning WAL on can fail while another process reads.
func sqliteDSN(path string, memory, readOnly bool) string {
	v := url.Values{}
	v.Set("_txlock", "immediate")
	v.Set("_defensive", "1")
	v.Set("_dqs", "0") // "x" is a name, never a string, as PostgreSQL has it
	v.Add("_pragma", "busy_timeout(10000)")
	if !memory {
		v.Add("_pragma", "journal_mode(WAL)")
		v.Add("_pragma", "synchronous(FULL)")
		v.Add("_pragma", "journal_size_limit(67108864)")
		v.Add("_pragma", "cache_size(-16384)")
	}
	v.Add("_pragma", "foreign_keys(ON)")
	v.Add("_pragma", "temp_store(MEMORY)")
	if readOnly {
		v.Add("_pragma", "query_only(1)")
	}
	if memory {
		return ":memory:?" + v.Encode()
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: v.Encode()}
	return u.String()
}
