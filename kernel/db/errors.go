package db

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// PanicError is what Read or Write returns when the function panicked.
type PanicError struct {
	Value any    // what was thrown
	Stack []byte // where, for the log; never for a client
}

// Error names the value thrown, without the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("db: the transaction function panicked: %v", e.Value)
}

// Unwrap gives the error thrown, if it was one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// IsUnique tells whether a statement failed because a unique or primary key
// holds the value already.
func IsUnique(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return false
}

// isRetryable tells whether the same transaction may succeed when run again,
// and certainly did not commit.
func isRetryable(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "40001" || e.Code == "40P01"
	}
	return sqliteCode(err)&0xff == sqlite3.SQLITE_BUSY
}

// againError marks a transaction that did not commit and may succeed when it is
// run again.
type againError struct{ cause error }

// Error names the cause; a caller sees it only when the attempts are used up.
func (e *againError) Error() string {
	return fmt.Sprintf("db: gave up after %d attempts: %v", maxAttempts, e.cause)
}

// Unwrap gives the cause.
func (e *againError) Unwrap() error { return e.cause }

func isAgain(err error) bool {
	_, ok := errors.AsType[*againError](err)
	return ok
}

func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return -1
}

// errNotText is the caller's fault, or of whoever sent what the caller passes on.
var errNotText = fmt.Errorf("db: a text with a NUL or broken UTF-8: %w", errs.Invalid)

// checkText refuses what PostgreSQL cannot store as text and SQLite would store
// but cut short when it compares. It asks before anything is sent, so that both
// engines answer alike and a transaction goes on.
func checkText(args []driver.NamedValue) error {
	for _, a := range args {
		if v, ok := a.Value.(string); ok && (strings.IndexByte(v, 0) >= 0 || !utf8.ValidString(v)) {
			return errNotText
		}
	}
	return nil
}
