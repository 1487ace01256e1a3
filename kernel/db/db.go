package db

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Dialect names the SQL engine behind a [DB].
type Dialect string

// The engines there are.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// ErrClosed is what a [DB] answers after Close.
var ErrClosed = errors.New("db: the database is closed; no work is taken any more")

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine  *engine
	readers *pool
	writers *pool
	writer  *writer

	mu     sync.RWMutex // guards closed against requests on their way in
	closed bool
}

// Option adjusts [Open].
type Option func(*options)

type options struct {
	readers int
	image   []byte
}

// Readers sets how many connections serve [DB.Read]. The default is twice the
// number of processors, at least four.
func Readers(n int) Option { return func(o *options) { o.readers = max(n, 1) } }

// WithImage fills an in-memory SQLite database with an image that [DB.Image]
// made. Other databases refuse it.
func WithImage(image []byte) Option { return func(o *options) { o.image = image } }

// Open opens the database at url, making an SQLite file that is not there:
//
//	sqlite:///var/lib/dinh/dinh.db      a file (its folder must exist)
//	sqlite::memory:                     for tests; gone when closed
//	postgres://user:password@host/name  PostgreSQL and compatible engines
//
// It fails when the database cannot be reached. The caller must Close it.
func Open(ctx context.Context, url string, opts ...Option) (*DB, error) {
	o := options{readers: max(4, 2*runtime.GOMAXPROCS(0))}
	for _, opt := range opts {
		opt(&o)
	}
	e, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	if o.image != nil && !e.memory {
		return nil, errors.New("db: WithImage fills only sqlite::memory:; restore a backup file instead")
	}
	d := &DB{engine: e}
	if e.memory {
		// The database lives in its one connection, which all must share.
		d.writers = newPool(e.connector(false, o.image), 1, true)
		d.readers = d.writers
	} else {
		d.writers = newPool(e.connector(false, nil), 1, false)
		d.readers = newPool(e.connector(true, nil), o.readers, false)
	}
	// The writer comes first: it makes the file and turns WAL on.
	if err := d.probe(ctx); err != nil {
		d.closePools()
		return nil, fmt.Errorf("db: open %s: %w", e.name, err)
	}
	d.writer = newWriter(d)
	go d.writer.loop()
	return d, nil
}

func (d *DB) probe(ctx context.Context) error {
	c, err := d.writers.acquire(ctx)
	if err != nil {
		return err
	}
	err = c.conn.PingContext(ctx)
	d.writers.release(c, err != nil)
	return err
}

// Dialect tells which engine runs underneath. Only migrations and operators'
// tools need to know.
func (d *DB) Dialect() Dialect { return d.engine.dialect }

// Ping tells whether the database answers a read.
func (d *DB) Ping(ctx context.Context) error {
	return d.Read(ctx, func(ctx context.Context, q Querier) error {
		var one int
		return q.QueryRowContext(ctx, "SELECT 1").Scan(&one)
	})
}

// Close takes no more work, waits until what was accepted is committed and
// answered and running reads have ended, then closes every connection.
func (d *DB) Close() error {
	d.mu.Lock()
	already := d.closed
	d.closed = true
	d.mu.Unlock()
	if already {
		return nil
	}
	close(d.writer.queue)
	<-d.writer.ended
	return d.closePools()
}

func (d *DB) closePools() error {
	err := d.writers.close()
	if d.readers != d.writers {
		err = errors.Join(err, d.readers.close())
	}
	return err
}

// Micros turns an instant into what a BIGINT column holds; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// FromMicros turns what a BIGINT column holds into an instant in UTC; 0 is the
// zero time.
func FromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
