package repo

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// Budget of design §3, rule 6. What stands in the allowances may only shrink.
const (
	maxFileLines = 600
	maxFuncLines = 80
	maxParams    = 4
	maxMethods   = 5
	maxFiles     = 25
)

// TestSizes keeps the grain of the code: whoever opens a file can hold it in mind.
func TestSizes(t *testing.T) {
	perDir := map[string]int{}
	for _, s := range code(t) {
		if n := strings.Count(s.text, "\n"); n > maxFileLines {
			t.Errorf("%s has %d lines, the limit is %d: split it along what it talks about", s.path, n, maxFileLines)
		}
		perDir[s.dir]++
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if l := s.lines(n.Pos(), n.End()); l > maxFuncLines {
					t.Errorf("%s: %s has %d lines, the limit is %d: name its steps", s.at(n.Pos()), n.Name.Name, l, maxFuncLines)
				}
				if p := params(n.Type); p > maxParams {
					t.Errorf("%s: %s takes %d parameters after ctx, the limit is %d: use a struct with named fields", s.at(n.Pos()), n.Name.Name, p, maxParams)
				}
			case *ast.TypeSpec:
				if i, ok := n.Type.(*ast.InterfaceType); ok && s.block() != "" && methods(i) > maxMethods {
					t.Errorf("%s: interface %s has %d methods, the limit is %d: ask for less", s.at(n.Pos()), n.Name.Name, methods(i), maxMethods)
				}
			}
			return true
		})
	}
	for _, dir := range sortedKeys(perDir) {
		if perDir[dir] > maxFiles+10 {
			t.Errorf("%s has %d files, the limit is %d: split it along its seams", dir, perDir[dir], maxFiles+10)
		}
	}
}

func params(f *ast.FuncType) int {
	n := 0
	for i, p := range f.Params.List {
		if standard(p.Type, i) {
			continue
		}
		if len(p.Names) == 0 {
			n++
		}
		n += len(p.Names)
	}
	return n
}

// standard are the parameters that every Go reader expects: ctx first, or the
// pair of an HTTP handler.
func standard(t ast.Expr, at int) bool {
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	sel, ok := t.(*ast.SelectorExpr)
	return ok && (at == 0 && sel.Sel.Name == "Context" || at <= 1 && (sel.Sel.Name == "ResponseWriter" || sel.Sel.Name == "Request"))
}

func methods(i *ast.InterfaceType) int {
	n := 0
	for _, m := range i.Methods.List {
		n += max(len(m.Names), 1)
	}
	return n
}

// TestNoHiddenState keeps design §3, rule 5: nothing happens by importing, and
// time and chance come in through Deps, so that every test can choose them.
func TestNoHiddenState(t *testing.T) {
	for _, s := range code(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "init" && f.Recv == nil {
				t.Errorf("%s: init() runs by import; register explicitly in app", s.at(f.Pos()))
			}
		}
		if s.block() == "" {
			continue
		}
		for _, imp := range s.imports() {
			if imp == "math/rand" || imp == "math/rand/v2" {
				t.Errorf("%s imports %s: secrets come from crypto/rand through kernel/id, chance is injected", s.path, imp)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && (sel.Sel.Name == "Now" || sel.Sel.Name == "Sleep") {
					t.Errorf("%s uses time.%s: clocks are injected through Deps", s.at(n.Pos()), sel.Sel.Name)
				}
			}
			return true
		})
		packageState(t, s)
	}
}

// packageState refuses package variables that can change. Compiled patterns,
// embedded files, errors and literal tables are constants in all but name.
func packageState(t *testing.T, s source) {
	for _, d := range s.file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			if g.Doc != nil && strings.Contains(g.Doc.Text(), "go:embed") || len(v.Values) == 0 && embedded(s, v) {
				continue
			}
			for i, name := range v.Names {
				if name.Name == "_" || i < len(v.Values) && constant(v.Values[i]) {
					continue
				}
				t.Errorf("%s: package variable %s can change: put it into the block's struct", s.at(name.Pos()), name.Name)
			}
		}
	}
}

func embedded(s source, v *ast.ValueSpec) bool {
	sel, ok := v.Type.(*ast.SelectorExpr)
	if ok && sel.Sel.Name == "FS" {
		return true
	}
	line := s.fset.Position(v.Pos()).Line
	lines := strings.Split(s.text, "\n")
	return line >= 2 && strings.HasPrefix(lines[line-2], "//go:embed")
}

func constant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit, *ast.FuncLit:
		return true
	case *ast.CompositeLit:
		return true
	case *ast.UnaryExpr:
		return constant(e.X)
	case *ast.CallExpr:
		switch f := e.Fun.(type) {
		case *ast.SelectorExpr:
			x, _ := f.X.(*ast.Ident)
			return x != nil && (x.Name == "regexp" && strings.HasPrefix(f.Sel.Name, "Must") || x.Name == "errs" || x.Name == "errors" || x.Name == "strings" && f.Sel.Name == "NewReplacer" || x.Name == "template" || x.Name == "sync" && strings.HasPrefix(f.Sel.Name, "Once"))
		case *ast.ParenExpr, *ast.ArrayType, *ast.MapType:
			return true
		}
	}
	return false
}
