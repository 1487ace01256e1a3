package errs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/kernel/errs"
)

func TestKindAndCode(t *testing.T) {
	coded := errs.New(errs.Conflict, "payments.refund_above_paid", "paid", 5)
	for _, c := range []struct {
		name string
		err  error
		kind errs.Kind
		code string
	}{
		{"nil", nil, "", ""},
		{"coded", coded, errs.Conflict, "payments.refund_above_paid"},
		{"coded inside text", fmt.Errorf("pay: %w", coded), errs.Conflict, "payments.refund_above_paid"},
		{"outer code hides inner", errs.New(errs.Invalid, "a.b").Wrap(coded), errs.Invalid, "a.b"},
		{"bare kind", errs.NotFound, errs.NotFound, "not_found"},
		{"wrapped kind", fmt.Errorf("store: %w", errs.Gone), errs.Gone, "gone"},
		{"unknown", io.ErrUnexpectedEOF, errs.Internal, "internal"},
		{"cancelled", fmt.Errorf("q: %w", context.Canceled), errs.Unavailable, "unavailable"},
		{"deadline", context.DeadlineExceeded, errs.Unavailable, "unavailable"},
		{"coded around cancelled keeps its kind", errs.New(errs.Conflict, "x.y").Wrap(context.Canceled), errs.Conflict, "x.y"},
		{"made-up kind", errs.New("teapot", "x.y"), errs.Internal, "x.y"},
		{"no code", &errs.Error{Kind: errs.TooMany}, errs.TooMany, "too_many"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := errs.KindOf(c.err); got != c.kind {
				t.Errorf("KindOf = %q, want %q", got, c.kind)
			}
			if got := errs.CodeOf(c.err); got != c.code {
				t.Errorf("CodeOf = %q, want %q", got, c.code)
			}
		})
	}
}

func TestIs(t *testing.T) {
	e := fmt.Errorf("x: %w", errs.New(errs.NotFound, "case.none").Wrap(io.EOF))
	if !errors.Is(e, errs.NotFound) || errors.Is(e, errs.Conflict) {
		t.Error("errors.Is by kind is wrong")
	}
	if !errors.Is(e, errs.New(errs.NotFound, "case.none")) || errors.Is(e, errs.New(errs.NotFound, "case.other")) {
		t.Error("errors.Is by code is wrong")
	}
	if !errors.Is(e, io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestWrapAndWithCopy(t *testing.T) {
	base := errs.New(errs.Invalid, "form.wrong", "n", 1)
	a := base.With(errs.NewField("name", "form.missing"))
	b := a.With(errs.NewField("ward", "form.unknown", "value", "x"))
	w := a.Wrap(io.EOF)
	w.Args["n"] = 2
	if len(base.Fields) != 0 || len(a.Fields) != 1 || len(b.Fields) != 2 || base.Args["n"] != 1 {
		t.Errorf("a copy changed its origin: %v %v %v", base, a, b)
	}
}

func TestErrorTextHidesArgs(t *testing.T) {
	e := errs.New(errs.Invalid, "form.wrong", "number", "079123456789").
		With(errs.NewField("name", "form.missing", "value", "Nguyễn Văn A")).Wrap(io.EOF)
	s := e.Error()
	if s != "form.wrong (invalid): name form.missing: EOF" {
		t.Errorf("Error() = %q", s)
	}
	if strings.Contains(s, "079") || strings.Contains(s, "Nguyễn") {
		t.Error("personal data in the text of an error")
	}
}

func TestBadPairsAreSeen(t *testing.T) {
	if got := errs.New(errs.Invalid, "x", "lonely").Args["!badkey"]; got != "lonely" {
		t.Errorf("got %v", got)
	}
	if got := errs.New(errs.Invalid, "x", 7, "v").Args["!badkey"]; got != 7 {
		t.Errorf("got %v", got)
	}
}
