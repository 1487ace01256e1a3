package rules

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Program is a compiled expression. Safe for concurrent use.
type Program struct {
	source  string
	env     *cel.Env
	ast     *cel.Ast
	program cel.Program

	traceOnce sync.Once // the tracing twin is planned when an evaluation first fails
	trace     cel.Program
}

// Source gives the expression as written.
func (p *Program) Source() string { return p.source }

// Eval gives the value for vars: nil, bool, int64, float64, string, []any or
// map[string]any. Data that is not there gives errs.Invalid rules.missing with
// its path in Args["path"] and in the text; && and || and ?: ask for no more
// than they need. vars is only read.
func (p *Program) Eval(vars map[string]any) (any, error) {
	if vars == nil {
		vars = map[string]any{}
	}
	out, _, err := p.program.Eval(vars)
	if err != nil {
		return nil, p.explain(err, vars)
	}
	v, err := native(out)
	if err != nil {
		return nil, p.failed(err)
	}
	return v, nil
}

// Bool evaluates a condition. Null counts as missing data.
func (p *Program) Bool(vars map[string]any) (bool, error) {
	v, err := p.Eval(vars)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, p.wrongType(v, "true or false")
	}
	return b, nil
}

// String evaluates to text. Null counts as missing data; a number is not text.
func (p *Program) String(vars map[string]any) (string, error) {
	v, err := p.Eval(vars)
	if err != nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok {
		return "", p.wrongType(v, "text")
	}
	return s, nil
}

func (p *Program) wrongType(v any, want string) error {
	if v == nil {
		return missing(p.anyPath())
	}
	return badValue(p.anyPath(), "must be "+want)
}

func missing(path string) error {
	return errs.New(errs.Invalid, "rules.missing", "path", path).Wrap(errors.New(path + " is not there"))
}

func badValue(path, problem string) error {
	return errs.New(errs.Invalid, "rules.bad_value", "path", path, "problem", problem).
		Wrap(errors.New(path + " " + problem))
}

func (p *Program) failed(err error) error {
	return errs.New(errs.Internal, "rules.failed", "expression", p.source).
		Wrap(fmt.Errorf("%s: %w", p.source, err))
}

// fail is what our functions return when a value will not do.
type fail struct {
	absent  bool // there is no value: "", an empty list
	problem string
}

func (f *fail) Error() string { return f.problem }

// explain turns CEL's error into ours: it finds the part of the expression that
// failed and the data that part reads.
func (p *Program) explain(err error, vars map[string]any) error {
	if strings.Contains(err.Error(), "cost limit exceeded") {
		return errs.New(errs.Invalid, "rules.too_costly", "expression", p.source).Wrap(err)
	}
	node := p.culprit(vars)
	reads := paths(node)
	for _, r := range reads {
		if v, ok := lookup(vars, r.steps); !ok || v == nil {
			return missing(r.String())
		}
	}
	at := p.text(node)
	if len(reads) > 0 {
		at = reads[0].String()
	}
	var f *fail
	switch {
	case errors.As(err, &f) && f.absent:
		return missing(at)
	case errors.As(err, &f):
		return badValue(at, f.problem)
	case strings.Contains(err.Error(), "no such key"), strings.Contains(err.Error(), "index out of bounds"):
		return missing(p.text(node))
	case strings.Contains(err.Error(), "no such overload") && len(reads) > 0:
		return badValue(at, "is of a kind that "+p.text(node)+" cannot use")
	}
	return p.failed(err)
}

// anyPath names the data a wrong result came from.
func (p *Program) anyPath() string {
	if r := allPaths(p.ast.NativeRep().Expr()); len(r) > 0 {
		return r[0].String()
	}
	return p.source
}

// Paths lists the data that the expression may read, in order of appearance:
// "person.birth", "children.0.name".
func (p *Program) Paths() []string {
	var list []string
	for _, r := range allPaths(p.ast.NativeRep().Expr()) {
		list = append(list, r.String())
	}
	return list
}

// native turns a CEL value into plain JSON-like data.
func native(v ref.Val) (any, error) {
	switch x := v.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(x), nil
	case types.Int:
		return int64(x), nil
	case types.Double:
		return float64(x), nil
	case types.String:
		return string(x), nil
	}
	return nativeAggregate(v)
}

// yields refuses an expression whose result can never be of the type.
func (p *Program) yields(t Type) error {
	want := map[Type]*cel.Type{Bool: cel.BoolType, Int: cel.IntType, String: cel.StringType, Date: cel.StringType}[t]
	got := p.ast.OutputType()
	if got.IsExactType(cel.DynType) || got.IsExactType(cel.NullType) || got.IsExactType(want) {
		return nil
	}
	return fmt.Errorf("%s gives a %s; a %s is wanted", p.source, cel.FormatCELType(got), t)
}
