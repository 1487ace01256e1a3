// Package db is the one way to the database: SQLite by default, PostgreSQL and
// what speaks its protocol when one machine is not enough. Both take the same
// hand-written SQL.
//
// # Reading and writing
//
// [DB.Read] runs a function on one consistent snapshot and refuses statements
// that change data. [DB.Write] is group commit: one writer takes the functions
// that wait (512 at most on SQLite, 64 on PostgreSQL), runs each in a savepoint,
// commits once and answers all. When Write returns nil the change is durable;
// when it returns an error nothing of the function remains.
//
// A function given to Write may run more than once (a serialization failure
// repeats the batch), so whatever it does outside its Querier waits for
// [AfterCommit]. It must use the context it is given: a Write or Read made with
// that context joins the transaction, one made with another context waits for
// the writer that waits for it. It must be short, because everybody's commit
// waits for it, and it must not use its Querier from several goroutines.
//
// Inside one transaction both engines behave alike:
//
//   - A statement that fails dooms the transaction, as PostgreSQL has it: later
//     statements are refused and Write returns the first failure, even when the
//     function swallowed it. Use ON CONFLICT where a conflict is expected.
//   - A nested Write has no savepoint of its own. When it fails after changing
//     something, the outer Write fails too.
//   - A Write inside a Read is refused.
//   - Results are read into memory when the query runs, so statements may be
//     made while iterating. Page through large results.
//
// # Portable SQL
//
// Placeholders are $1, $2 …; RETURNING and ON CONFLICT are welcome; FOR UPDATE,
// changes inside a WITH, and types of one engine are not. Times are BIGINT
// microseconds UTC ([Micros], [FromMicros]; a bound time.Time is refused), dates
// TEXT YYYY-MM-DD, ids TEXT, JSON TEXT, booleans INTEGER 0/1 (bound bools become
// that), bytes {{blob}} in a migration. Every table begins with its package's
// name, and migrations only add, so that the old and the new binary both work.
package db
