package rules

import (
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"
	"cel.dev/cel-go/parser"
)

// culprit evaluates once more, recording every part's value, and follows the
// error from the whole down to the smallest part that has it. Errors that || or
// get() swallowed are not on that way.
func (p *Program) culprit(vars map[string]any) ast.Expr {
	node := p.ast.NativeRep().Expr()
	p.traceOnce.Do(func() {
		if prog, err := p.env.Program(p.ast, programOptions(cel.OptTrackState)...); err == nil {
			p.trace = prog
		}
	})
	if p.trace == nil {
		return node
	}
	_, details, _ := p.trace.Eval(vars)
	if details == nil || details.State() == nil {
		return node
	}
	for {
		next := failing(node, details.State())
		if next == nil {
			return node
		}
		node = next
	}
}

func failing(node ast.Expr, state interpreter.EvalState) ast.Expr {
	if _, plain := steps(node); plain {
		return nil
	}
	for _, c := range needed(node) {
		if v, ok := state.Value(c.ID()); ok && types.IsError(v) {
			return c
		}
	}
	return nil
}

func children(node ast.Expr) []ast.Expr {
	switch node.Kind() {
	case ast.SelectKind:
		return []ast.Expr{node.AsSelect().Operand()}
	case ast.CallKind:
		call := node.AsCall()
		if call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return call.Args()
	case ast.ListKind:
		return node.AsList().Elements()
	case ast.MapKind:
		var list []ast.Expr
		for _, e := range node.AsMap().Entries() {
			list = append(list, e.AsMapEntry().Key(), e.AsMapEntry().Value())
		}
		return list
	}
	return nil
}

// needed is children without what get() and has_path() look into, which may be
// absent.
func needed(node ast.Expr) []ast.Expr {
	below := children(node)
	if node.Kind() == ast.CallKind && forgiving(node.AsCall().FunctionName()) {
		return below[1:]
	}
	return below
}

// path is a way into the data: a variable, then keys and positions.
type path struct{ steps []string }

func (p path) String() string { return strings.Join(p.steps, ".") }

// paths lists the longest ways into the data that node cannot do without, each
// once, in order.
func paths(node ast.Expr) []path { return collect(node, needed) }

// allPaths lists also what get() and has_path() look into.
func allPaths(node ast.Expr) []path { return collect(node, children) }

func collect(node ast.Expr, below func(ast.Expr) []ast.Expr) []path {
	var list []path
	seen := map[string]bool{}
	add := func(steps []string) {
		if p := (path{steps}); !seen[p.String()] {
			seen[p.String()] = true
			list = append(list, p)
		}
	}
	var walk func(ast.Expr)
	walk = func(n ast.Expr) {
		if s, plain := steps(n); plain {
			add(s)
			return
		}
		next := below(n)
		if s, ok := looksInto(n); ok && len(next) == len(children(n)) {
			add(s)
			next = next[1:]
		}
		for _, c := range next {
			walk(c)
		}
	}
	walk(node)
	return list
}

// looksInto gives the way into the data of get(person, "a.b", …).
func looksInto(n ast.Expr) ([]string, bool) {
	if n.Kind() != ast.CallKind || !forgiving(n.AsCall().FunctionName()) {
		return nil, false
	}
	args := n.AsCall().Args()
	s, ok := steps(args[0])
	if !ok || args[1].Kind() != ast.LiteralKind {
		return nil, false
	}
	p, ok := args[1].AsLiteral().(types.String)
	return append(s, strings.Split(string(p), ".")...), ok
}

func forgiving(function string) bool { return function == "get" || function == "has_path" }

// steps reads a variable, selections and constant positions; false for
// anything computed.
func steps(n ast.Expr) ([]string, bool) {
	switch n.Kind() {
	case ast.IdentKind:
		return []string{n.AsIdent()}, true
	case ast.SelectKind:
		s, ok := steps(n.AsSelect().Operand())
		return append(s, n.AsSelect().FieldName()), ok
	case ast.CallKind:
		call := n.AsCall()
		if call.FunctionName() != operators.Index || call.Args()[1].Kind() != ast.LiteralKind {
			return nil, false
		}
		s, ok := steps(call.Args()[0])
		switch i := call.Args()[1].AsLiteral().(type) {
		case types.Int:
			return append(s, strconv.FormatInt(int64(i), 10)), ok
		case types.String:
			return append(s, string(i)), ok
		}
	}
	return nil, false
}

// text writes a part of the expression, for parts that are no plain path.
func (p *Program) text(node ast.Expr) string {
	s, err := parser.Unparse(node, p.ast.NativeRep().SourceInfo())
	if err != nil {
		return p.source
	}
	return s
}
