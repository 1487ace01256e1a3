package services

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"
)

// ref is one thing that an expression reads: data.mother.name is root data,
// path mother, name. Steps into a list leave no trace in the path.
type ref struct {
	root string
	path []string
	// presence is true when only being there matters: compared with null, counted.
	presence bool
}

func (r ref) String() string { return strings.Join(append([]string{r.root}, r.path...), ".") }

// head gives the first step of the path, "" without one.
func (r ref) head() string {
	if len(r.path) == 0 {
		return ""
	}
	return r.path[0]
}

// reader finds the refs of expressions and remembers them.
type reader struct {
	p     *parser.Parser
	known map[string][]ref
}

func newReader() (*reader, error) {
	p, err := parser.NewParser()
	if err != nil {
		return nil, fmt.Errorf("services: expressions: %w", err)
	}
	return &reader{p, map[string][]ref{}}, nil
}

// refs lists what expr reads; nothing when it does not parse, which compiling
// has reported already.
func (r *reader) refs(expr string) []ref {
	if found, ok := r.known[expr]; ok {
		return found
	}
	var found []ref
	if tree, errs := r.p.Parse(common.NewTextSource(expr)); len(errs.GetErrors()) == 0 {
		walk(tree.Expr(), func(x ref) { found = append(found, x) })
	}
	r.known[expr] = found
	return found
}

func walk(e ast.Expr, emit func(ref)) {
	if root, path, ok := chain(e, emit); ok {
		emit(ref{root: root, path: path})
		return
	}
	switch e.Kind() {
	case ast.SelectKind:
		walk(e.AsSelect().Operand(), emit)
	case ast.CallKind:
		walkCall(e.AsCall(), emit)
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			walk(x, emit)
		}
	case ast.MapKind:
		for _, x := range e.AsMap().Entries() {
			walk(x.AsMapEntry().Key(), emit)
			walk(x.AsMapEntry().Value(), emit)
		}
	}
}

func walkCall(c ast.CallExpr, emit func(ref)) {
	args := c.Args()
	if c.IsMemberFunction() {
		args = append([]ast.Expr{c.Target()}, args...)
	}
	name := c.FunctionName()
	switch {
	case (name == "get" || name == "has_path" || name == "pluck") && len(args) >= 2:
		if root, path, ok := chain(args[0], emit); ok && literal(args[1]) != "" {
			emit(ref{root: root, path: append(path, strings.Split(literal(args[1]), ".")...), presence: name == "has_path"})
			args = args[2:]
		}
	case name == "size" && len(args) == 1:
		if root, path, ok := chain(args[0], emit); ok {
			emit(ref{root, path, true})
			return
		}
	case (name == operators.Equals || name == operators.NotEquals) && len(args) == 2:
		for i, x := range args {
			if root, path, ok := chain(x, emit); ok && isNull(args[1-i]) {
				emit(ref{root, path, true})
				return
			}
		}
	}
	for _, x := range args {
		walk(x, emit)
	}
}

// chain reads a.b["c"][0].d and first(a.b).c as a root and a path.
func chain(e ast.Expr, emit func(ref)) (root string, path []string, ok bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent(), nil, true
	case ast.SelectKind:
		s := e.AsSelect()
		root, path, ok = chain(s.Operand(), emit)
		return root, append(path[:len(path):len(path)], s.FieldName()), ok
	case ast.CallKind:
		c := e.AsCall()
		args := c.Args()
		switch {
		case c.FunctionName() == operators.Index && len(args) == 2:
			root, path, ok = chain(args[0], emit)
			if !ok {
				return "", nil, false
			}
			if key := literal(args[1]); key != "" {
				return root, append(path[:len(path):len(path)], key), true
			}
			walk(args[1], emit)
			return root, path, true
		case c.FunctionName() == "first" && !c.IsMemberFunction() && len(args) == 1:
			return chain(args[0], emit)
		}
	}
	return "", nil, false
}

func literal(e ast.Expr) string {
	if e.Kind() != ast.LiteralKind {
		return ""
	}
	s, _ := e.AsLiteral().(types.String)
	return string(s)
}

func isNull(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.NullValue
}

// revealing reads an expression of the form answers.x == "v" (or true, false,
// either way round): the option v of x reveals something.
func (r *reader) revealing(expr string) (field, option string, ok bool) {
	tree, errs := r.p.Parse(common.NewTextSource(expr))
	if len(errs.GetErrors()) > 0 || tree.Expr().Kind() != ast.CallKind {
		return "", "", false
	}
	c := tree.Expr().AsCall()
	if c.FunctionName() != operators.Equals || len(c.Args()) != 2 {
		return "", "", false
	}
	for i, x := range c.Args() {
		root, path, isChain := chain(x, func(ref) {})
		other := c.Args()[1-i]
		if !isChain || root != "answers" || other.Kind() != ast.LiteralKind {
			continue
		}
		switch v := other.AsLiteral().(type) {
		case types.String:
			return strings.Join(path, "."), string(v), true
		case types.Bool:
			if v {
				return strings.Join(path, "."), "yes", true
			}
			return strings.Join(path, "."), "no", true
		}
	}
	return "", "", false
}
