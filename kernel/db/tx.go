package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// Querier runs SQL inside the transaction it belongs to, with the shapes of
// database/sql. Statements are prepared once for each connection. It is of no
// use after the function it was given to has returned.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// unit is one run of a transaction function on one connection.
type unit struct {
	db     *DB
	conn   *pooled
	write  bool
	parent *unit // of another database, when two are in use at once
	over   atomic.Bool

	after  []func() // to run once the commit is durable
	broken error    // a failed nested Write that had changed something
	rows   []*sql.Rows
	row    []*sql.Row
}

type unitKey struct{}

// innermost returns the running unit that wanted accepts, or nil.
func innermost(ctx context.Context, wanted func(*unit) bool) *unit {
	u, _ := ctx.Value(unitKey{}).(*unit)
	for ; u != nil; u = u.parent {
		if !u.over.Load() && wanted(u) {
			return u
		}
	}
	return nil
}

func (d *DB) unitOf(ctx context.Context) *unit {
	return innermost(ctx, func(u *unit) bool { return u.db == d })
}

func newUnit(ctx context.Context, d *DB, c *pooled, write bool) (*unit, context.Context) {
	u := &unit{db: d, conn: c, write: write}
	u.parent, _ = ctx.Value(unitKey{}).(*unit)
	return u, context.WithValue(ctx, unitKey{}, u)
}

// InTx tells whether ctx belongs to a running [DB.Write].
func InTx(ctx context.Context) bool {
	return innermost(ctx, func(u *unit) bool { return u.write }) != nil
}

// AfterCommit has fn run once when the outermost [DB.Write] of ctx has committed
// and its change is durable, before that Write returns; never when it fails. It
// is the place for waking workers and dropping caches; whatever must happen even
// when the process dies is a job. It panics outside Write, where there is no
// commit to wait for.
func AfterCommit(ctx context.Context, fn func()) {
	u := innermost(ctx, func(u *unit) bool { return u.write })
	if u == nil {
		panic("db: AfterCommit needs the context of a running Write; call fn directly instead")
	}
	u.after = append(u.after, fn)
}

// Read runs fn on one consistent snapshot of the database. Inside a Write or
// Read of the same database it joins that transaction and sees what it wrote.
// Statements that change something are refused.
func (d *DB) Read(ctx context.Context, fn func(ctx context.Context, q Querier) error) error {
	if u := d.unitOf(ctx); u != nil {
		return u.joinRead(ctx, fn)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.RLock()
	closed := d.closed
	d.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	c, err := d.begin(ctx, d.readers, d.engine.beginRead)
	if err != nil {
		return fmt.Errorf("db: begin read: %w", err)
	}
	u, uctx := newUnit(ctx, d, c, false)
	defer func() { // also when fn leaves by runtime.Goexit
		u.finish()
		err := c.raw(func(s *session) error { s.stop(); return s.control("ROLLBACK") })
		d.readers.release(c, err != nil)
	}()
	if err := c.raw(func(s *session) error { s.start(true); return nil }); err != nil {
		return err
	}
	return guard(uctx, u, fn)
}

// begin takes a connection and starts a transaction on it. Connections that died
// while nobody used them, as all do when the server restarts, are replaced until
// a fresh one has been tried; nothing can have been done on them.
func (d *DB) begin(ctx context.Context, p *pool, query string) (*pooled, error) {
	for attempt := 0; ; attempt++ {
		c, err := p.acquire(ctx)
		if err != nil {
			return nil, err
		}
		err = c.raw(func(s *session) error { return s.control(query) })
		if err == nil {
			return c, nil
		}
		p.release(c, !isRetryable(err))
		if attempt >= cap(p.slots) || isRetryable(err) {
			return nil, err
		}
	}
}

// Write runs fn in a transaction that commits together with others' and returns
// when the change is durable. An error of fn, or a panic, undoes what fn did and
// nothing else. Inside a Write of the same database it joins that transaction.
//
// When ctx ends before fn is started, fn does not run; once started, Write
// waits for the outcome, so that its answer is always true.
func (d *DB) Write(ctx context.Context, fn func(ctx context.Context, q Querier) error) error {
	if u := d.unitOf(ctx); u != nil {
		return u.joinWrite(ctx, fn)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.writer.do(ctx, fn)
}

func (u *unit) joinRead(ctx context.Context, fn func(context.Context, Querier) error) error {
	var before bool
	if err := u.conn.raw(func(s *session) error { before, s.readOnly = s.readOnly, true; return nil }); err != nil {
		return err
	}
	defer func() { _ = u.conn.raw(func(s *session) error { s.readOnly = before; return nil }) }()
	return fn(ctx, u)
}

func (u *unit) joinWrite(ctx context.Context, fn func(context.Context, Querier) error) error {
	if !u.write {
		return errors.New("db: Write inside a Read would wait for itself; let the Read return first")
	}
	var readOnly bool
	var changes int64
	err := u.conn.raw(func(s *session) error { changes, readOnly = s.changes, s.readOnly; return nil })
	if err != nil {
		return err
	}
	if readOnly {
		return errors.New("db: Write inside a Read; let the Read return first")
	}
	ok := false
	defer func() {
		if ok {
			return
		}
		_ = u.conn.raw(func(s *session) error {
			if s.changes != changes && u.broken == nil {
				u.broken = errors.New("db: a nested Write failed after changing something, so the outer Write cannot commit")
			}
			return nil
		})
	}()
	err = fn(ctx, u)
	ok = err == nil
	return err
}

// guard runs fn and turns a panic into an error.
func guard(ctx context.Context, u *unit, fn func(context.Context, Querier) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return fn(ctx, u)
}

// finish ends the unit: its Querier answers no more, and results that were left
// open are closed, because they would hold the connection.
func (u *unit) finish() {
	u.over.Store(true)
	open := 0
	_ = u.conn.raw(func(s *session) error { open = s.openRows; return nil })
	if open == 0 {
		return
	}
	for _, r := range u.rows {
		_ = r.Close()
	}
	for _, r := range u.row {
		_ = r.Scan()
	}
}

// statementContext is what statements run under. A Write's statement is never
// interrupted: SQLite and PostgreSQL would undo the whole batch with it.
func (u *unit) statementContext(ctx context.Context) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if u.over.Load() {
		return nil, errors.New("db: the transaction is over; use the Querier only inside the function it was given to")
	}
	if u.write {
		return context.Background(), nil
	}
	return ctx, nil
}

// ExecContext runs a statement that returns no rows.
func (u *unit) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, err := u.statementContext(ctx)
	if err != nil {
		return nil, err
	}
	return u.conn.conn.ExecContext(ctx, query, args...)
}

// QueryContext runs a statement and returns its rows; the caller closes them.
func (u *unit) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, err := u.statementContext(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := u.conn.conn.QueryContext(ctx, query, args...)
	if err == nil {
		u.rows = append(u.rows, rows)
	}
	return rows, err
}

// QueryRowContext runs a statement of which the first row counts.
func (u *unit) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	sctx, err := u.statementContext(ctx)
	if err != nil {
		// Only database/sql can make a Row that carries an error.
		return u.conn.conn.QueryRowContext(ended{context.Background(), err}, query, args...)
	}
	row := u.conn.conn.QueryRowContext(sctx, query, args...)
	u.row = append(u.row, row)
	return row
}

// ended is a context that is over for a reason of ours.
type ended struct {
	context.Context
	err error
}

// Err gives the reason.
func (e ended) Err() error { return e.err }
