package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxStatements bounds the prepared statements that one connection keeps.
const maxStatements = 512

// session wraps a driver's connection. It keeps prepared statements by their
// text (preparing costs SQLite more than running), reads results whole, and
// holds the state of the transaction function that has the connection now.
// database/sql calls it under the connection's lock; so does pooled.raw.
type session struct {
	inner   driver.Conn
	dialect Dialect
	known   map[string]*statement

	inUnit   bool
	readOnly bool
	failed   error // the first failure; dooms what follows until reset
	changes  int64 // rows changed since reset
	openRows int   // results not closed yet
}

// statement is what a session remembers about an SQL text.
type statement struct {
	kind kind
	stmt driver.Stmt // nil on PostgreSQL, whose driver keeps its own
}

func newSession(inner driver.Conn, d Dialect) *session {
	return &session{inner: inner, dialect: d, known: map[string]*statement{}}
}

// statement finds or prepares what belongs to an SQL text.
func (s *session) statement(ctx context.Context, query string) (*statement, error) {
	if st, ok := s.known[query]; ok {
		return st, nil
	}
	st := &statement{kind: classify(query)}
	if st.kind == kindOther {
		return st, nil // DDL, PRAGMA and scripts run once; nothing to keep
	}
	if s.dialect == SQLite {
		p, err := s.inner.(driver.ConnPrepareContext).PrepareContext(ctx, positional(query))
		if err != nil {
			return nil, err
		}
		st.stmt = p
	}
	if len(s.known) >= maxStatements {
		s.forgetOne()
	}
	s.known[query] = st
	return st, nil
}

// positional writes ? for $1, $2, … where each comes once and in this order, as
// in most statements: the driver finds the value of a numbered placeholder by
// comparing its name with every argument's, which for an INSERT of many rows
// costs more than the rows.
func positional(query string) string {
	var b strings.Builder
	next, from := 1, 0
	for i := 0; i < len(query); i++ {
		switch c := query[i]; {
		case c == '\'' || c == '"':
			end := strings.IndexByte(query[i+1:], c)
			if end < 0 {
				return query
			}
			i += end + 1
		case c == '-' && strings.HasPrefix(query[i:], "--"), c == '/' && strings.HasPrefix(query[i:], "/*"), c == '?':
			return query
		case c == '$':
			name := strconv.Itoa(next)
			end := i + 1 + len(name)
			if !strings.HasPrefix(query[i+1:], name) || end < len(query) && query[end] >= '0' && query[end] <= '9' {
				return query
			}
			b.WriteString(query[from:i])
			b.WriteByte('?')
			next, from, i = next+1, end, end-1
		}
	}
	if from == 0 {
		return query
	}
	b.WriteString(query[from:])
	return b.String()
}

// forgetOne drops any one statement: texts beyond the bound mean SQL built on
// the fly, where no choice is better than another.
func (s *session) forgetOne() {
	for query, st := range s.known {
		if st.stmt != nil {
			_ = st.stmt.Close()
		}
		delete(s.known, query)
		return
	}
}

// allow refuses what must not run in the present state.
func (s *session) allow(k kind) error {
	switch {
	case !s.inUnit:
		return nil
	case s.failed != nil:
		return fmt.Errorf("db: refused, because an earlier statement of this transaction failed: %w", s.failed)
	case k == kindControl:
		return errors.New("db: transactions are begun and ended by Read and Write; remove BEGIN, COMMIT, ROLLBACK or SAVEPOINT")
	case s.readOnly && k != kindRead:
		return errors.New("db: Read takes only SELECT; use Write for statements that change something")
	}
	return nil
}

// note records a statement's failure, which dooms the transaction function.
func (s *session) note(err error) error {
	if err != nil && s.inUnit && s.failed == nil {
		s.failed = err
	}
	return err
}

// ExecContext runs a statement that returns no rows.
func (s *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // never sent, so nothing is doomed
	}
	if err := checkText(args); err != nil {
		return nil, err
	}
	st, err := s.statement(ctx, query)
	if err != nil {
		return nil, s.note(err)
	}
	if err := s.allow(st.kind); err != nil {
		return nil, err
	}
	res, err := s.exec(ctx, st, query, args)
	if err != nil {
		return nil, s.note(err)
	}
	switch st.kind {
	case kindWrite:
		if n, err := res.RowsAffected(); err == nil {
			s.changes += n
		}
	case kindOther:
		s.changes++
	}
	return res, nil
}

func (s *session) exec(ctx context.Context, st *statement, query string, args []driver.NamedValue) (driver.Result, error) {
	if st.stmt != nil {
		return st.stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	}
	return s.inner.(driver.ExecerContext).ExecContext(ctx, query, args)
}

// QueryContext runs a statement and reads its whole result.
func (s *session) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err // never sent, so nothing is doomed
	}
	if err := checkText(args); err != nil {
		return nil, err
	}
	st, err := s.statement(ctx, query)
	if err != nil {
		return nil, s.note(err)
	}
	if err := s.allow(st.kind); err != nil {
		return nil, err
	}
	var rows driver.Rows
	if st.stmt != nil {
		rows, err = st.stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	} else {
		rows, err = s.inner.(driver.QueryerContext).QueryContext(ctx, query, args)
	}
	if err != nil {
		return nil, s.note(err)
	}
	all, err := readAll(ctx, rows)
	if err != nil {
		return nil, s.note(err)
	}
	if st.kind != kindRead {
		s.changes += int64(len(all.rows))
	}
	all.session = s
	s.openRows++
	return all, nil
}

// result is a query's answer, held in memory.
type result struct {
	session *session
	columns []string
	rows    [][]driver.Value
	next    int
}

func readAll(ctx context.Context, rows driver.Rows) (*result, error) {
	r := &result{columns: rows.Columns()}
	for {
		row := make([]driver.Value, len(r.columns))
		err := rows.Next(row)
		if err == nil && len(r.rows)%256 == 255 {
			err = ctx.Err()
		}
		if errors.Is(err, io.EOF) {
			return r, rows.Close()
		}
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		r.rows = append(r.rows, row)
	}
}

// Columns names the columns of the result.
func (r *result) Columns() []string { return r.columns }

// Next hands out the next row.
func (r *result) Next(dest []driver.Value) error {
	if r.next >= len(r.rows) {
		return io.EOF
	}
	copy(dest, r.rows[r.next])
	r.rows[r.next] = nil
	r.next++
	return nil
}

// Close forgets the rest of the result.
func (r *result) Close() error {
	if r.session != nil {
		r.session.openRows--
		r.session, r.rows = nil, nil
	}
	return nil
}

// control runs a statement of the transaction itself, past every check.
func (s *session) control(query string) error {
	st, err := s.statement(context.Background(), query)
	if err != nil {
		return err
	}
	_, err = s.exec(context.Background(), st, query, nil)
	return err
}

// start makes the session ready for one transaction function.
func (s *session) start(readOnly bool) {
	s.inUnit, s.readOnly, s.failed, s.changes = true, readOnly, nil, 0
}

// stop ends the function's hold and returns its first failed statement.
func (s *session) stop() error {
	failed := s.failed
	s.inUnit, s.readOnly, s.failed = false, false, nil
	return failed
}

// CheckNamedValue makes both engines take the same Go values.
func (s *session) CheckNamedValue(v *driver.NamedValue) error {
	if !s.inUnit {
		return driver.ErrSkip // migrations bind what their engine likes
	}
	value, err := driver.DefaultParameterConverter.ConvertValue(v.Value)
	if err != nil {
		return fmt.Errorf("db: argument $%d: %w", v.Ordinal, err)
	}
	switch x := value.(type) {
	case bool:
		value = int64(0)
		if x {
			value = int64(1)
		}
	case time.Time:
		return fmt.Errorf("db: argument $%d is a time.Time; bind db.Micros(t) for an instant or YYYY-MM-DD for a date", v.Ordinal)
	}
	v.Value = value
	return nil
}

// Prepare satisfies driver.Conn.
func (s *session) Prepare(query string) (driver.Stmt, error) { return s.inner.Prepare(query) }

// Begin satisfies driver.Conn; database/sql prefers BeginTx.
func (s *session) Begin() (driver.Tx, error) {
	return s.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx begins a transaction for migrations.
func (s *session) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return s.inner.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

// Ping asks the server whether it is there.
func (s *session) Ping(ctx context.Context) error {
	if p, ok := s.inner.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// ResetSession satisfies driver.SessionResetter.
func (s *session) ResetSession(ctx context.Context) error {
	if r, ok := s.inner.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid satisfies driver.Validator. With ResetSession it lets database/sql
// keep a connection whose transaction was rolled back, which an in-memory
// database could not survive losing.
func (s *session) IsValid() bool { return !s.dead() }

// dead tells whether the server end is gone.
func (s *session) dead() bool {
	c, ok := s.inner.(interface{ Conn() *pgx.Conn })
	return ok && c.Conn().IsClosed()
}

// Close frees the statements and closes the connection.
func (s *session) Close() error {
	for len(s.known) > 0 {
		s.forgetOne()
	}
	return s.inner.Close()
}
