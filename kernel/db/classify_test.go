package db

import "testing"

func TestClassify(t *testing.T) {
	for query, want := range map[string]kind{
		"SELECT 1":                           kindRead,
		"  -- why\n/* so */ (select 1)":      kindRead,
		"VALUES (1)":                         kindRead,
		"EXPLAIN QUERY PLAN SELECT 1":        kindRead,
		"insert into a values (1)":           kindWrite,
		"UPDATE a SET b = 'SELECT'":          kindWrite,
		"DELETE FROM a":                      kindWrite,
		"WITH x AS (SELECT 1) SELECT 1":      kindRead,
		"WITH x AS (SELECT 1) DELETE FROM a": kindWrite,
		`WITH x AS (SELECT 'it''s DELETE', "UPDATE", update_at FROM insert_log -- INSERT
			/* DELETE */) SELECT 1`: kindRead,
		"Rollback":                  kindControl,
		"SAVEPOINT x":               kindControl,
		"CREATE TABLE a (b TEXT)":   kindOther,
		"PRAGMA foreign_keys=OFF":   kindOther,
		"":                          kindOther,
		"/* unclosed":               kindOther,
		"'unclosed":                 kindOther,
		"\x00\xff":                  kindOther,
		"TRUNCATE a":                kindOther,
		"selective_update":          kindOther,
		"WITH x AS (VALUES('DELETE": kindRead,
	} {
		if got := classify(query); got != want {
			t.Errorf("classify(%q) = %d, want %d", query, got, want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("WITH x AS (SELECT '' -- \n) SELECT 1")
	f.Fuzz(func(t *testing.T, query string) {
		k := classify(query)
		if again := classify(" /* '\"-- */ " + query); again != k {
			t.Fatalf("a comment before %q turns %d into %d", query, k, again)
		}
	})
}
