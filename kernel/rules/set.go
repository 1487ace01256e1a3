package rules

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// set is a set of values of one type. bool, int and date are spans of whole
// numbers (false 0, true 1; days since 1970); text is a list of words or all
// words but a list. All are closed under the operations Lint needs.
type set struct {
	typ    Type
	spans  []span   // sorted, apart from each other; not for text
	words  []string // sorted; text only
	except bool     // text only: every word but words
}

type span struct{ lo, hi int64 } // both included

// value is one value of an input.
type value struct {
	n int64
	s string
}

func universe(t Type) set {
	switch t {
	case Bool:
		return set{typ: t, spans: []span{{0, 1}}}
	case Int:
		return set{typ: t, spans: []span{{math.MinInt64, math.MaxInt64}}}
	case Date:
		return set{typ: t, spans: []span{{firstDay, lastDay}}}
	}
	return set{typ: t, except: true}
}

// The days that YYYY-MM-DD can write.
const (
	firstDay = -719162 // 0001-01-01
	lastDay  = 2932896 // 9999-12-31
)

func (s set) empty() bool {
	if s.typ == String {
		return !s.except && len(s.words) == 0
	}
	return len(s.spans) == 0
}

func (s set) all() bool {
	if s.typ == String {
		return s.except && len(s.words) == 0
	}
	return slices.Equal(s.spans, universe(s.typ).spans)
}

func (s set) has(v value) bool {
	if s.typ == String {
		_, found := slices.BinarySearch(s.words, v.s)
		return found != s.except
	}
	for _, p := range s.spans {
		if p.lo <= v.n && v.n <= p.hi {
			return true
		}
	}
	return false
}

// and gives the values in both.
func (s set) and(o set) set {
	r := set{typ: s.typ}
	if s.typ != String {
		for _, a := range s.spans {
			for _, b := range o.spans {
				if lo, hi := max(a.lo, b.lo), min(a.hi, b.hi); lo <= hi {
					r.spans = append(r.spans, span{lo, hi})
				}
			}
		}
		return r
	}
	if s.except && o.except {
		r.except = true
		r.words = slices.Compact(slices.Sorted(slices.Values(slices.Concat(s.words, o.words))))
		return r
	}
	if s.except {
		s, o = o, s
	}
	for _, w := range s.words {
		if o.has(value{s: w}) {
			r.words = append(r.words, w)
		}
	}
	return r
}

// not gives all values of the type that are not in s.
func (s set) not() set {
	r := set{typ: s.typ}
	if s.typ == String {
		r.words, r.except = s.words, !s.except
		return r
	}
	u := universe(s.typ).spans[0]
	next := u.lo
	for _, p := range s.spans {
		if p.lo > next {
			r.spans = append(r.spans, span{next, p.lo - 1})
		}
		if p.hi == u.hi {
			return r
		}
		next = p.hi + 1
	}
	r.spans = append(r.spans, span{next, u.hi})
	return r
}

func (s set) or(o set) set    { return s.not().and(o.not()).not() }
func (s set) minus(o set) set { return s.and(o.not()) }

// String writes the set as a cell.
func (s set) String() string {
	switch {
	case s.all():
		return "-"
	case s.empty():
		return "nothing"
	}
	var parts []string
	for _, w := range s.words {
		parts = append(parts, strconv.Quote(w))
	}
	u := universe(s.typ).spans
	for _, p := range s.spans {
		lo, hi := s.write(p.lo), s.write(p.hi)
		switch {
		case p.lo == p.hi:
			parts = append(parts, lo)
		case p.lo == u[0].lo:
			parts = append(parts, "<= "+hi)
		case p.hi == u[0].hi:
			parts = append(parts, ">= "+lo)
		default:
			parts = append(parts, lo+".."+hi)
		}
	}
	list := strings.Join(parts, ", ")
	if s.except {
		return "not " + list
	}
	return list
}

func (s set) write(n int64) string { return value{n: n}.text(s.typ) }

// text writes the value as a cell does.
func (v value) text(t Type) string {
	switch t {
	case Bool:
		return strconv.FormatBool(v.n == 1)
	case Date:
		return time.Unix(v.n*86400, 0).UTC().Format(time.DateOnly)
	case String:
		return strconv.Quote(v.s)
	}
	return strconv.FormatInt(v.n, 10)
}
