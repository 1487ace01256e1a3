package errs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is the sort of a refusal. It is itself an error, so that a store may
// return errs.NotFound bare and callers may ask errors.Is(err, errs.NotFound).
type Kind string

// The kinds, in the order of their HTTP status.
const (
	Invalid         Kind = "invalid"         // what was sent is wrong; 400, or 422 when fields are named
	Unauthenticated Kind = "unauthenticated" // nobody is signed in; 401
	Forbidden       Kind = "forbidden"       // the caller may not; 403
	NotFound        Kind = "not_found"       // no such thing, or not for this caller; 404
	Conflict        Kind = "conflict"        // not in this state; 409
	Gone            Kind = "gone"            // was here, destroyed on purpose; 410
	TooLarge        Kind = "too_large"       // above a size limit; 413
	TooMany         Kind = "too_many"        // above a rate limit; 429
	Internal        Kind = "internal"        // our fault; 500
	Unavailable     Kind = "unavailable"     // try again later; 503
)

// Kinds lists every kind, for tables and tests that must cover all of them.
func Kinds() []Kind {
	return []Kind{Invalid, Unauthenticated, Forbidden, NotFound, Conflict, Gone, TooLarge, TooMany, Internal, Unavailable}
}

// Error makes Kind an error.
func (k Kind) Error() string { return string(k) }

// Error is a refusal with a code. It is a value to build on: Wrap and With
// return copies, so one Error may be declared once and used by many requests.
type Error struct {
	Kind   Kind
	Code   string         // "payments.refund_above_paid"; the message is "error." + Code
	Args   map[string]any // fill the message's placeholders; may be personal, so never logged
	Fields []Field        // the wrong fields, in the order of the form or the document
	cause  error
}

// Field is one wrong field. Its message is "error." + Code.
type Field struct {
	Name string // as the sender spelt it: "address.ward", "items[2].amount"
	Code string
	Args map[string]any
}

// New makes an error; kv are pairs of a placeholder's name and its value.
// A name that is not a string or has no value is kept under "!badkey", so that
// the mistake is seen in the message rather than lost.
func New(kind Kind, code string, kv ...any) *Error {
	return &Error{Kind: kind, Code: code, Args: args(kv)}
}

// NewField makes the entry for one wrong field; kv as in New.
func NewField(name, code string, kv ...any) Field {
	return Field{Name: name, Code: code, Args: args(kv)}
}

func args(kv []any) map[string]any {
	if len(kv) == 0 {
		return nil
	}
	m := make(map[string]any, (len(kv)+1)/2)
	for i := 0; i < len(kv); i += 2 {
		name, ok := kv[i].(string)
		if !ok || i+1 == len(kv) {
			m["!badkey"] = kv[i]
			continue
		}
		m[name] = kv[i+1]
	}
	return m
}

// Wrap returns a copy of e caused by err. The cause is for the log and for
// errors.Is; its text is never shown to a reader.
func (e *Error) Wrap(err error) *Error {
	c := e.clone()
	c.cause = err
	return c
}

// With returns a copy of e that names further wrong fields.
func (e *Error) With(fields ...Field) *Error {
	c := e.clone()
	c.Fields = append(c.Fields, fields...)
	return c
}

func (e *Error) clone() *Error {
	c := *e
	c.Args = maps.Clone(e.Args)
	c.Fields = slices.Clone(e.Fields)
	return &c
}

// Error gives kind, code, the names of wrong fields and the cause: what an
// operator needs, without the values that people typed.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)", e.Code, e.Kind)
	for i, f := range e.Fields {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s %s", sep, f.Name, f.Code)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is matches a Kind, or another *Error of the same kind and code.
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case Kind:
		return e.Kind == t
	case *Error:
		return e.Kind == t.Kind && e.Code == t.Code
	}
	return false
}

// As finds the outermost *Error in err's chain.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok && e != nil
}

// KindOf gives the kind of err: that of the outermost *Error or Kind in its
// chain; Unavailable for a cancelled or timed out context; Internal for
// anything else; "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := As(err); ok {
		return known(e.Kind)
	}
	var k Kind
	if errors.As(err, &k) {
		return known(k)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Unavailable
	}
	return Internal
}

func known(k Kind) Kind {
	if slices.Contains(Kinds(), k) {
		return k
	}
	return Internal
}

// CodeOf gives the code of err: that of the outermost *Error, else its kind,
// which is "internal" for an unknown error; "" for nil.
func CodeOf(err error) string {
	if e, ok := As(err); ok && e.Code != "" {
		return e.Code
	}
	return string(KindOf(err))
}
