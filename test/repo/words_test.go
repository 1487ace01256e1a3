package repo

import (
	"encoding/json"
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryPackageSaysItsPromise keeps design §3, rule 7.
func TestEveryPackageSaysItsPromise(t *testing.T) {
	docs, seen := map[string]int{}, map[string]bool{}
	for _, s := range sources(t) {
		if s.test && s.dir != "test/repo" {
			continue
		}
		if strings.HasSuffix(s.file.Name.Name, "_test") {
			continue
		}
		seen[s.dir] = true
		if s.file.Doc != nil {
			docs[s.dir]++
		}
	}
	for _, dir := range sortedKeys(seen) {
		if docs[dir] != 1 {
			t.Errorf("%s has %d package comments: exactly one says what the package promises (in doc.go)", dir, docs[dir])
		}
	}
}

// TestExportedNamesAreDocumented: a caller must not have to read the body.
func TestExportedNamesAreDocumented(t *testing.T) {
	for _, s := range code(t) {
		if !strings.HasPrefix(s.dir, "blocks/") && !strings.HasPrefix(s.dir, "kernel/") && s.dir != "web" && s.dir != "app" {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s is exported and says nothing: what may a caller rely on?", s.at(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
						t.Errorf("%s: type %s is exported and says nothing", s.at(ts.Pos()), ts.Name.Name)
					}
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if ix, ok := typ.(*ast.IndexExpr); ok {
		typ = ix.X
	}
	id, ok := typ.(*ast.Ident)
	if !ok || !id.IsExported() {
		return false
	}
	switch d.Name.Name { // the standard library says what these promise
	case "Error", "Unwrap", "String", "MarshalJSON", "UnmarshalJSON", "UnmarshalYAML", "Len", "Less", "Swap", "Is":
		return false
	}
	return true
}

// TestNames refuses the rooms that end up holding everything.
func TestNames(t *testing.T) {
	forbidden := map[string]bool{"util": true, "utils": true, "common": true, "helpers": true, "helper": true, "lib": true, "models": true, "manager": true, "pkg": true, "misc": true, "shared": true}
	for _, s := range sources(t) {
		if forbidden[path.Base(s.dir)] || forbidden[s.file.Name.Name] {
			t.Errorf("%s: a package named %s says nothing about what belongs in it", s.path, s.file.Name.Name)
		}
	}
}

var (
	link     = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	codePath = regexp.MustCompile("`((?:blocks|kernel|web|country|test|docs|deploy|cmd|app)/[A-Za-z0-9_./-]+)`")
	fence    = regexp.MustCompile("(?s)```.*?```")
)

// TestDocumentsNameWhatExists keeps every path and link in the documents true.
func TestDocumentsNameWhatExists(t *testing.T) {
	base := root(t)
	walk(t, func(p string) {
		if !strings.HasSuffix(p, ".md") {
			return
		}
		text, err := os.ReadFile(filepath.Join(base, p))
		if err != nil {
			t.Fatal(err)
		}
		prose := fence.ReplaceAllString(string(text), "")
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(base, filepath.Dir(p), m[1])); err != nil {
				t.Errorf("%s links to %s, which does not exist", p, m[1])
			}
		}
		for _, m := range codePath.FindAllStringSubmatch(prose, -1) {
			if strings.ContainsAny(m[1], "*<>") || strings.Contains(m[1], "NNNN") {
				continue
			}
			if _, err := os.Stat(filepath.Join(base, m[1])); err != nil {
				t.Errorf("%s names %s, which does not exist", p, m[1])
			}
		}
	})
}

// TestMessagesExistInEveryLanguage keeps both languages whole.
func TestMessagesExistInEveryLanguage(t *testing.T) {
	base := root(t)
	langs := []string{"vi.json", "en.json"}
	folders := map[string]bool{}
	walk(t, func(p string) {
		if path.Base(path.Dir(p)) == "messages" && strings.HasSuffix(p, ".json") {
			folders[path.Dir(p)] = true
		}
	})
	for _, dir := range sortedKeys(folders) {
		keys := map[string]map[string]string{}
		for _, l := range langs {
			text, err := os.ReadFile(filepath.Join(base, dir, l))
			if err != nil {
				t.Errorf("%s: %v", dir, err)
				continue
			}
			m := map[string]string{}
			if err := json.Unmarshal(text, &m); err != nil {
				t.Errorf("%s/%s: %v", dir, l, err)
			}
			keys[l] = m
		}
		for _, l := range langs {
			for _, other := range langs {
				for k := range keys[other] {
					if strings.TrimSpace(keys[l][k]) == "" {
						t.Errorf("%s/%s: the message %q has no words", dir, l, k)
					}
				}
			}
		}
	}
}

// TestNoMachineLeaks keeps paths of somebody's machine out of the repository.
func TestNoMachineLeaks(t *testing.T) {
	base := root(t)
	leak := regexp.MustCompile(`(^|[^a-zA-Z0-9_.])/(root|work)/[a-z]`)
	walk(t, func(p string) {
		ext := path.Ext(p)
		if ext != ".go" && ext != ".md" && ext != ".yaml" && ext != ".json" && ext != ".mjs" && ext != ".html" && path.Base(p) != "Makefile" {
			return
		}
		text, err := os.ReadFile(filepath.Join(base, p))
		if err != nil {
			t.Fatal(err)
		}
		if m := leak.FindString(string(text)); m != "" && !strings.HasPrefix(p, "test/repo/") {
			t.Errorf("%s names a path of a machine (%s…)", p, m)
		}
	})
}

// TestEveryErrorHasItsWords: a code without words is shown as a code, to a
// person who can do nothing with it; words without a code are read by nobody.
func TestEveryErrorHasItsWords(t *testing.T) {
	base := root(t)
	words := map[string]bool{} // of errors, without "error."
	walk(t, func(p string) {
		if path.Base(path.Dir(p)) != "messages" || path.Base(p) != "vi.json" {
			return
		}
		text, err := os.ReadFile(filepath.Join(base, p))
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		for k := range m {
			if code, ok := strings.CutPrefix(k, "error."); ok {
				words[code] = true
			}
		}
	})
	code := regexp.MustCompile(`errs\.New\(errs\.\w+, "([\w.]+)"[,)]`)
	said := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(s.text, -1) {
			if !words[m[1]] {
				t.Errorf("%s: the error %s has no words: add error.%s to messages/vi.json and messages/en.json", s.path, m[1], m[1])
			}
		}
		for w := range words {
			// Some codes are put together: "transparency.receipt_" + what is wrong.
			for stem := w; stem != "" && !said[w]; stem = stem[:strings.LastIndexAny(stem[:len(stem)-1], "._")+1] {
				said[w] = strings.Contains(s.text, `"`+stem+`"`) || strings.Contains(s.text, `"error.`+stem+`"`)
			}
		}
	}
	for w := range words {
		if !said[w] {
			t.Errorf("error.%s is said nowhere: remove it from the messages", w)
		}
	}
}
