// Package repo keeps the rules of the house: which room may know which, what
// may stand in which file, and how big things may grow. The tests read the
// sources themselves, so they can never pass stale from the test cache, and
// each failure says why the rule exists.
package repo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

const module = "github.com/dinh-gov/dinh/"

// source is one parsed Go file of the repository.
type source struct {
	path string // slash-separated, from the root: blocks/payments/store.go
	dir  string // blocks/payments
	name string // store.go
	test bool
	text string
	fset *token.FileSet
	file *ast.File
}

// at renders a position for a failure message.
func (s source) at(p token.Pos) string {
	pos := s.fset.Position(p)
	return s.path + ":" + itoa(pos.Line)
}

// lines counts the lines between two positions, both included.
func (s source) lines(from, to token.Pos) int {
	return s.fset.Position(to).Line - s.fset.Position(from).Line + 1
}

// imports lists import paths; those of this module without its prefix.
func (s source) imports() []string {
	var out []string
	for _, i := range s.file.Imports {
		p := strings.Trim(i.Path.Value, `"`)
		out = append(out, strings.TrimPrefix(p, module))
	}
	return out
}

// block is the name of the building block a file belongs to, or "".
func (s source) block() string {
	parts := strings.Split(s.dir, "/")
	if len(parts) >= 2 && parts[0] == "blocks" {
		return parts[1]
	}
	return ""
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func skipDir(name string) bool {
	return name == "node_modules" || name == "testdata" || name == "var" || name == "build" || (strings.HasPrefix(name, ".") && name != ".")
}

// walk visits every regular file of the tree that is ours.
func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	base := root(t)
	err := filepath.WalkDir(base, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != base && skipDir(d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(base, p)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sources parses every Go file of the tree.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	base := root(t)
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		text, err := os.ReadFile(filepath.Join(base, path))
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			t.Fatalf("%s does not parse: %v", path, err)
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		out = append(out, source{
			path: path, dir: dir, name: filepath.Base(path), test: strings.HasSuffix(path, "_test.go"),
			text: string(text), fset: fset, file: file,
		})
	})
	if len(out) == 0 {
		t.Fatal("no Go files found: the test runs in the wrong place")
	}
	return out
}

// code is sources without tests and generated files.
func code(t *testing.T) []source {
	t.Helper()
	var out []source
	for _, s := range sources(t) {
		if !s.test && !ast.IsGenerated(s.file) {
			out = append(out, s)
		}
	}
	return out
}

func itoa(n int) string {
	if n == 0 {
		return "0"
	}
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
