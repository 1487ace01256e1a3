package db

import "strings"

// kind sorts SQL statements by what they may do.
type kind int

const (
	kindRead    kind = iota // SELECT, VALUES, EXPLAIN
	kindWrite               // INSERT, UPDATE, DELETE
	kindControl             // BEGIN, COMMIT, SAVEPOINT …
	kindOther               // DDL, PRAGMA, scripts, anything else
)

// classify looks at the words of a statement. A doubtful one counts as changing
// something; SQLite's query_only and PostgreSQL's READ ONLY stand behind it.
func classify(query string) kind {
	first, rest := nextWord(query)
	switch first {
	case "SELECT", "VALUES", "EXPLAIN":
		return kindRead
	case "INSERT", "UPDATE", "DELETE", "REPLACE":
		return kindWrite
	case "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "START", "ABORT":
		return kindControl
	case "WITH":
		for word := ""; ; {
			if word, rest = nextWord(rest); word == "" {
				return kindRead
			}
			if word == "INSERT" || word == "UPDATE" || word == "DELETE" {
				return kindWrite
			}
		}
	}
	return kindOther
}

// nextWord returns the next unquoted word in capitals and what follows it.
func nextWord(s string) (word, rest string) {
	for s != "" {
		switch c := s[0]; {
		case strings.HasPrefix(s, "--"):
			s = after(s[2:], "\n")
		case strings.HasPrefix(s, "/*"):
			s = after(s[2:], "*/")
		case c == '\'' || c == '"':
			s = after(s[1:], string(c)) // a doubled quote opens the next piece
		case isLetter(c):
			n := 1
			for n < len(s) && (isLetter(s[n]) || s[n] >= '0' && s[n] <= '9') {
				n++
			}
			return strings.ToUpper(s[:n]), s[n:]
		default:
			s = s[1:]
		}
	}
	return "", ""
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func after(s, mark string) string {
	_, rest, _ := strings.Cut(s, mark)
	return rest
}
