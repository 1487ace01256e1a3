package repo

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// uses reads the table in blocks/README.md: block → blocks it may import.
func uses(t *testing.T) map[string]map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "blocks", "README.md"))
	if err != nil {
		t.Fatal("blocks/README.md holds the uses table, the diagram of the house: ", err)
	}
	table := map[string]map[string]bool{}
	row := regexp.MustCompile("^\\| `([a-z]+)` \\|[^|]*\\|([^|]*)\\|")
	name := regexp.MustCompile("`([a-z]+)`")
	for _, line := range strings.Split(string(text), "\n") {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		table[m[1]] = map[string]bool{}
		for _, u := range name.FindAllStringSubmatch(m[2], -1) {
			table[m[1]][u[1]] = true
		}
	}
	if len(table) == 0 {
		t.Fatal("no rows found in the uses table of blocks/README.md")
	}
	return table
}

// TestRoomsKnowOnlyTheRoomsBelow keeps design §3, rules 1 and 2.
func TestRoomsKnowOnlyTheRoomsBelow(t *testing.T) {
	table := uses(t)
	used := map[string]map[string]bool{}
	for _, s := range sources(t) {
		from := s.block()
		if from != "" && table[from] == nil {
			t.Errorf("blocks/%s is missing from the uses table in blocks/README.md: the table is the diagram newcomers read", from)
		}
		for _, imp := range s.imports() {
			to := ""
			if parts := strings.Split(imp, "/"); parts[0] == "blocks" && len(parts) > 1 {
				to = parts[1]
			}
			switch {
			case strings.HasPrefix(s.dir, "kernel") && !s.test && (to != "" || imp == "app" || imp == "web" || strings.HasPrefix(imp, "country")):
				t.Errorf("%s imports %s: the kernel knows nothing about government, or every block would depend on every other", s.path, imp)
			case imp == "app" && !strings.HasPrefix(s.dir, "cmd/") && !strings.HasPrefix(s.dir, "test/"):
				t.Errorf("%s imports app: only commands and end-to-end tests start the whole house", s.path)
			case from == "" || to == "" || to == from || s.test:
			case !table[from][to]:
				t.Errorf("%s imports blocks/%s: the edge %s → %s is not in the uses table of blocks/README.md; ask through a small interface in Deps, or announce an event", s.path, to, from, to)
			default:
				if used[from] == nil {
					used[from] = map[string]bool{}
				}
				used[from][to] = true
			}
		}
	}
	for _, from := range sortedKeys(table) {
		for _, to := range sortedKeys(table[from]) {
			if !used[from][to] {
				t.Errorf("the uses table says %s → %s, but no import uses it: a diagram that shows what is not there misleads", from, to)
			}
		}
	}
	for _, from := range sortedKeys(table) {
		if path := circle(table, from, nil); path != nil {
			t.Errorf("circle in the uses table: %s; turn one direction into an event", strings.Join(path, " → "))
			return
		}
	}
}

func circle(table map[string]map[string]bool, at string, path []string) []string {
	for i, p := range path {
		if p == at {
			return append(path[i:], at)
		}
	}
	for _, next := range sortedKeys(table[at]) {
		if c := circle(table, next, append(path, at)); c != nil {
			return c
		}
	}
	return nil
}

// TestOnlyAppBuildsBlocks keeps design §3, rule 2: one place wires the house.
func TestOnlyAppBuildsBlocks(t *testing.T) {
	call := regexp.MustCompile(`\b(identity|registers|exchange|transparency|payments|documents|notify|services|forms|cases|portal|workspace)\.New\(`)
	for _, s := range code(t) {
		if s.dir == "app" || strings.HasPrefix(s.dir, "test/") {
			continue
		}
		if m := call.FindString(s.text); m != "" && s.block() != strings.TrimSuffix(m, ".New(") {
			t.Errorf("%s calls %s…): only app builds blocks, so that one page shows who needs whom", s.path, m)
		}
	}
}

// fileRoles says which imports belong to which files of a block (design §3, rule 4).
func fileRoles(name string) (sql, http, html bool) {
	sql = strings.HasPrefix(name, "store")
	page := strings.HasPrefix(name, "page_") || strings.HasPrefix(name, "pages")
	http = page || strings.HasPrefix(name, "api_") || strings.HasPrefix(name, "client_")
	return sql, http, page
}

// TestFilesHoldWhatTheirNameSays keeps SQL in stores and HTTP at the edge.
func TestFilesHoldWhatTheirNameSays(t *testing.T) {
	for _, s := range code(t) {
		if s.block() == "" {
			continue
		}
		sql, http, html := fileRoles(s.name)
		for _, imp := range s.imports() {
			switch {
			case imp == "database/sql" && !sql:
				t.Errorf("%s imports database/sql: SQL lives in store*.go, so rules can be read without it", s.path)
			case imp == "net/http" && !http:
				t.Errorf("%s imports net/http: HTTP lives in api_*, page_* and client_* files, so rules hold whatever the edge", s.path)
			case imp == "html/template" && !html:
				t.Errorf("%s imports html/template: HTML lives in page_* files and in web", s.path)
			}
		}
	}
}

var (
	sqlVerb  = regexp.MustCompile(`(?is)\b(?:FROM|INTO|UPDATE|JOIN|TABLE(?: IF NOT EXISTS)?|INDEX(?: IF NOT EXISTS)? [a-z_]+ ON)\s+([a-z][a-z_0-9]*)`)
	sqlStart = regexp.MustCompile(`(?is)^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER)\b`)
	literal  = regexp.MustCompile("(?s)`[^`]*`|\"(?:[^\"\\\\]|\\\\.)*\"")
)

// TestSQLTouchesOnlyItsOwnTables keeps design §3, rule 3.
func TestSQLTouchesOnlyItsOwnTables(t *testing.T) {
	check := func(path, owner, sql string) {
		for _, m := range sqlVerb.FindAllStringSubmatch(sql, -1) {
			table := strings.ToLower(m[1])
			if table == "set" || table == "select" || table == "json_each" || strings.HasPrefix(table, owner+"_") || cte(sql, table) {
				continue
			}
			t.Errorf("%s touches the table %s: a block's SQL names only tables that begin with %s_; ask the owner instead", path, table, owner)
		}
	}
	for _, s := range code(t) {
		if s.block() == "" || !strings.HasPrefix(s.name, "store") {
			continue
		}
		for _, lit := range literal.FindAllString(s.text, -1) {
			if body := lit[1 : len(lit)-1]; sqlStart.MatchString(body) {
				check(s.path, s.block(), body)
			}
		}
	}
	walk(t, func(path string) {
		parts := strings.Split(path, "/")
		if parts[0] != "blocks" || !strings.HasSuffix(path, ".sql") {
			return
		}
		text, err := os.ReadFile(filepath.Join(root(t), path))
		if err != nil {
			t.Fatal(err)
		}
		check(path, parts[1], comment.ReplaceAllString(string(text), ""))
	})
}

var comment = regexp.MustCompile(`(?m)--.*$`)

func cte(sql, table string) bool {
	return regexp.MustCompile(`(?i)(WITH|,)\s*` + table + `\s*(\([^)]*\))?\s*AS\s*\(`).MatchString(sql)
}
