package rules

import (
	"fmt"
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Level says whether a finding stops publication.
type Level string

// The levels.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
)

// Finding is one thing wrong with a table.
type Finding struct {
	Row   int // index in Rows, -1 for the table as a whole
	Level Level

	// Code: bad_table, bad_cell, overlap, unreachable, no_reason, no_ref (errors);
	// gap, no_label, too_complex (warnings).
	Code    string
	Message string // names the row and says what to change
}

func (f Finding) String() string { return fmt.Sprintf("%s %s: %s", f.Level, f.Code, f.Message) }

// maxBoxes bounds the work of the proofs on one table.
const maxBoxes = 20_000

// Lint proves what can be proved of a table without data: that cells can be
// read, that no two rows of a unique table can hold together, that no row of a
// first table is hidden by those above it, that no case is left without a row;
// and that every row has its reason in every language and its reference. Dates
// in force count as one more column. Expressions are checked by CompileTable.
func Lint(t Table) []Finding {
	s, found := read(t)
	found = append(found, lintTexts(t)...)
	if len(s.rows) == 0 {
		return found
	}
	switch t.Hit {
	case Unique:
		found = append(found, s.overlaps()...)
		found = append(found, s.cover(false)...)
	case First:
		found = append(found, s.cover(true)...)
	}
	return found
}

func lintTexts(t Table) (found []Finding) {
	lacks := func(x i18n.Text) []string {
		var l []string
		for lang, text := range map[string]string{"vi": x.VI, "en": x.EN} {
			if strings.TrimSpace(text) == "" {
				l = append(l, lang)
			}
		}
		if len(l) == 2 {
			l = []string{"vi", "en"}
		}
		return l
	}
	for _, in := range t.Inputs {
		if l := lacks(in.Label); l != nil {
			found = append(found, Finding{-1, LevelWarning, "no_label", fmt.Sprintf("input %q needs a label in %s", in.ID, strings.Join(l, " and "))})
		}
	}
	for i, r := range t.Rows {
		if l := lacks(r.Reason); l != nil {
			found = append(found, broken(i, "no_reason", "%s needs a reason in %s", t.name(i), strings.Join(l, " and ")))
		}
		if strings.TrimSpace(r.Ref) == "" {
			found = append(found, broken(i, "no_ref", "%s needs a legal reference", t.name(i)))
		}
	}
	return found
}

// box is a set of cases: one set an input, then the days.
type box []set

func (s *sheet) box(i int) box {
	b := make(box, 0, len(s.domains)+1)
	for k, c := range s.rows[i].cells {
		b = append(b, c.set.and(s.domains[k]))
	}
	return append(b, set{typ: Date, spans: []span{s.rows[i].force}})
}

// hull is every case the table speaks about: all values, on the days from the
// first to the last on which any row is in force.
func (s *sheet) hull() box {
	days := s.rows[0].force
	for _, l := range s.rows[1:] {
		days = span{min(days.lo, l.force.lo), max(days.hi, l.force.hi)}
	}
	return append(append(make(box, 0, len(s.domains)+1), s.domains...), set{typ: Date, spans: []span{days}})
}

func (b box) and(o box) (box, bool) {
	r := make(box, len(b))
	for k := range b {
		if r[k] = b[k].and(o[k]); r[k].empty() {
			return nil, false
		}
	}
	return r, true
}

// minus gives b without o, as boxes that do not meet.
func (b box) minus(o box) []box {
	common, ok := b.and(o)
	if !ok {
		return []box{b}
	}
	var rest []box
	for k := range b {
		outside := b[k].minus(o[k])
		if outside.empty() {
			continue
		}
		piece := make(box, len(b))
		copy(piece, common[:k])
		piece[k] = outside
		copy(piece[k+1:], b[k+1:])
		rest = append(rest, piece)
	}
	return rest
}

// describe writes the columns of b that narrow the whole.
func (s *sheet) describe(b box) string {
	var parts []string
	whole := s.hull()
	for k, in := range s.table.Inputs {
		if !whole[k].minus(b[k]).empty() {
			parts = append(parts, fmt.Sprintf("%s %s", in.ID, quoteCell(b[k].String())))
		}
	}
	if days := len(b) - 1; !whole[days].minus(b[days]).empty() {
		parts = append(parts, "on "+b[days].String())
	}
	if len(parts) == 0 {
		return "every case"
	}
	return strings.Join(parts, ", ")
}

func (s *sheet) overlaps() (found []Finding) {
	for i := range s.rows {
		for j := range i {
			if s.rows[i].broken || s.rows[j].broken {
				continue
			}
			if both, ok := s.box(i).and(s.box(j)); ok {
				found = append(found, broken(i, "overlap", "%s and %s both hold for %s; narrow one of them",
					s.table.name(j), s.table.name(i), s.describe(both)))
			}
		}
	}
	return found
}

// cover takes the rows away from the whole one by one. What a row does not
// shrink it cannot be reached for (when hidden is wanted); what is left at the
// end no row covers.
func (s *sheet) cover(hidden bool) (found []Finding) {
	left := []box{s.hull()}
	anyBroken := false
	for i := range s.rows {
		if s.rows[i].broken {
			anyBroken = true
			continue
		}
		row, reached := s.box(i), false
		var next []box
		for _, b := range left {
			if _, meets := b.and(row); meets {
				reached = true
				next = append(next, b.minus(row)...)
			} else {
				next = append(next, b)
			}
		}
		if hidden && !reached {
			found = append(found, broken(i, "unreachable", "%s is never reached: the rows above it take every case", s.table.name(i)))
		}
		if left = next; len(left) > maxBoxes {
			return append(found, Finding{-1, LevelWarning, "too_complex", "the table is too large to look for gaps; split it in two decisions"})
		}
	}
	if len(left) > 0 && !anyBroken {
		found = append(found, Finding{-1, LevelWarning, "gap", "no row covers " + s.describe(left[0])})
	}
	return found
}
