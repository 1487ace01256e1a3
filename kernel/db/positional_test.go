package db

import "testing"

func TestPositional(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT 1`: `SELECT 1`,
		`INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)`:              `INSERT INTO t (a, b) VALUES (?, ?), (?, ?)`,
		`SELECT a FROM t WHERE a = $1 AND b = $1`:                     `SELECT a FROM t WHERE a = $1 AND b = $1`,
		`SELECT a FROM t WHERE a = $2 AND b = $1`:                     `SELECT a FROM t WHERE a = $2 AND b = $1`,
		`SELECT '$1', "$2" FROM t WHERE a = $1`:                       `SELECT '$1', "$2" FROM t WHERE a = ?`,
		`SELECT 'it''s $1' WHERE a = $1`:                              `SELECT 'it''s $1' WHERE a = ?`,
		`SELECT $12`:                                                  `SELECT $12`,
		`SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11`:         `SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`,
		"SELECT $1 -- $2\n":                                           "SELECT $1 -- $2\n",
		`SELECT a->>'x' FROM t WHERE b = CAST($1 AS BIGINT) LIMIT $2`: `SELECT a->>'x' FROM t WHERE b = CAST(? AS BIGINT) LIMIT ?`,
		`SELECT 'open $1`:                                             `SELECT 'open $1`,
	} {
		if got := positional(query); got != want {
			t.Errorf("positional(%q) = %q, want %q", query, got, want)
		}
	}
}
