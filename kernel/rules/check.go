package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// sheet is a table whose cells are read: what Decide and Lint work on.
type sheet struct {
	table   Table
	domains []set // one an input
	rows    []line
}

// line is one row; cells has one entry an input, in order. broken lines take
// no part in the proofs.
type line struct {
	cells  []cell
	force  span // days in force
	broken bool
}

// read checks the structure and reads every cell. With findings the sheet holds
// what could be read.
func read(t Table) (*sheet, []Finding) {
	s := &sheet{table: t}
	found := checkHead(t)
	if slices.ContainsFunc(t.Inputs, func(in Input) bool { return !in.Type.known() }) {
		return s, found // cells cannot be read without their type
	}
	for _, in := range t.Inputs {
		d, err := in.domain()
		if err != nil {
			found = append(found, broken(-1, "bad_table", "input %q, values: %v", in.ID, err))
		}
		s.domains = append(s.domains, d)
	}
	ids := map[string]bool{}
	for i, r := range t.Rows {
		l, faults := s.readRow(i, r)
		if r.ID != "" && ids[r.ID] {
			faults = append(faults, broken(i, "bad_table", "%s: another row has this id", t.name(i)))
		}
		ids[r.ID] = true
		found = append(found, faults...)
		s.rows = append(s.rows, l)
	}
	return s, found
}

func broken(row int, code, format string, args ...any) Finding {
	return Finding{Row: row, Level: LevelError, Code: code, Message: fmt.Sprintf(format, args...)}
}

func checkHead(t Table) (found []Finding) {
	fault := func(format string, args ...any) {
		found = append(found, broken(-1, "bad_table", format, args...))
	}
	if t.ID == "" {
		fault("the table needs an id")
	}
	if !slices.Contains([]string{Unique, First, Collect}, t.Hit) {
		fault("hit is %q: write unique, first or collect", t.Hit)
	}
	if len(t.Rows) == 0 {
		fault("the table has no rows")
	}
	seen := map[string]bool{}
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	for _, in := range t.Inputs {
		switch {
		case !name.MatchString(in.ID):
			fault("input id %q: use small letters, digits and _", in.ID)
		case seen[in.ID]:
			fault("input %q is there twice", in.ID)
		case !in.Type.known():
			fault("input %q has type %q: write bool, int, string or date", in.ID, in.Type)
		case strings.TrimSpace(in.Expr) == "":
			fault("input %q needs an expr", in.ID)
		}
		seen[in.ID] = true
	}
	return found
}

func (s *sheet) readRow(i int, r Row) (line, []Finding) {
	var found []Finding
	fault := func(code, format string, args ...any) {
		found = append(found, broken(i, code, s.table.name(i)+": "+format, args...))
	}
	l := line{force: span{firstDay, lastDay}}
	for k := range s.table.Inputs {
		in := &s.table.Inputs[k]
		c, err := parseCell(in.Type, r.When[in.ID])
		switch {
		case err != nil:
			fault("bad_cell", "%s: %v", in.ID, err)
		case c.set.and(s.domains[k]).empty():
			fault("bad_cell", "%s: cell %s lies outside the values of the input", in.ID, quoteCell(c.source))
		default:
			for _, w := range strangers(c, s.domains[k]) {
				fault("bad_cell", "%s: %q is not among the values of the input", in.ID, w)
			}
		}
		l.cells = append(l.cells, c)
	}
	for id := range r.When {
		if !slices.ContainsFunc(s.table.Inputs, func(in Input) bool { return in.ID == id }) {
			fault("bad_table", "there is no input %q", id)
		}
	}
	if len(r.Out) == 0 {
		fault("bad_table", "out is empty: say what the row decides")
	}
	force, err := inForce(r)
	if err != nil {
		fault("bad_table", "%v", err)
	} else {
		l.force = force
	}
	l.broken = len(found) > 0
	return l, found
}

// strangers gives the words of a cell that the input can never have.
func strangers(c cell, domain set) (words []string) {
	if domain.typ != String {
		return nil
	}
	for _, it := range c.items {
		if !domain.has(it.lo) {
			words = append(words, it.lo.s)
		}
	}
	return words
}

func inForce(r Row) (span, error) {
	f := span{firstDay, lastDay}
	for _, end := range []struct {
		name, date string
		day        *int64
	}{{"from", r.From, &f.lo}, {"until", r.Until, &f.hi}} {
		if end.date == "" {
			continue
		}
		s := &scanner{typ: Date, rest: end.date}
		v, err := s.date()
		if err != nil || s.rest != "" {
			return f, fmt.Errorf("%s is %q: write YYYY-MM-DD", end.name, end.date)
		}
		*end.day = v.n
	}
	if f.lo > f.hi {
		return f, fmt.Errorf("until %s comes before from %s", r.Until, r.From)
	}
	return f, nil
}
