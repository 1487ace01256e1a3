package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cell is one condition: alternatives, or none of them when not is set. No
// alternatives at all is "-", any value.
type cell struct {
	source string
	not    bool
	items  []item
	set    set
}

// item is one alternative: op is one of = != < <= > >= and ".." for both ends.
type item struct {
	op     string
	lo, hi value // equal but for ".."
}

// parseCell reads a cell of the grammar in the package comment. It never
// accepts a cell that no value can meet: that is a slip, not a rule.
func parseCell(t Type, source string) (cell, error) {
	if !t.known() {
		return cell{}, fmt.Errorf("type %q: write bool, int, string or date", t)
	}
	c := cell{source: strings.TrimSpace(source)}
	s := &scanner{typ: t, rest: c.source}
	if c.source == "" || c.source == "-" {
		c.source, c.set = "-", universe(t)
		return c, nil
	}
	c.not = s.word("not")
	c.set = universe(t).not()
	for {
		it, err := s.item()
		if err != nil {
			return cell{}, fmt.Errorf("cell %s: %w", quoteCell(source), err)
		}
		c.items = append(c.items, it)
		c.set = c.set.or(it.set(t))
		if s.rest == "" {
			break
		}
		if !s.take(",") {
			return cell{}, fmt.Errorf("cell %s: before %q a comma is expected", quoteCell(source), s.rest)
		}
	}
	if c.not {
		c.set = c.set.not()
	}
	if c.set.empty() {
		return cell{}, fmt.Errorf("cell %s: no value can meet it", quoteCell(source))
	}
	return c, nil
}

func quoteCell(s string) string { return "«" + s + "»" }

// set gives the values that meet the item; empty for 65..18 or > the largest.
func (it item) set(t Type) set {
	if t == String {
		return set{typ: t, words: []string{it.lo.s}, except: it.op == "!="}
	}
	u := universe(t).spans[0]
	one := func(lo, hi int64) set {
		s := set{typ: t}
		if lo <= hi {
			s.spans = []span{{lo, hi}}
		}
		return s
	}
	n := it.lo.n
	switch it.op {
	case "=":
		return one(n, n)
	case "!=":
		return one(n, n).not()
	case "<=":
		return one(u.lo, n)
	case ">=":
		return one(n, u.hi)
	case "<":
		if n == u.lo {
			return set{typ: t}
		}
		return one(u.lo, n-1)
	case ">":
		if n == u.hi {
			return set{typ: t}
		}
		return one(n+1, u.hi)
	}
	return one(it.lo.n, it.hi.n)
}

// scanner reads a cell from the left; rest never begins with space.
type scanner struct {
	typ  Type
	rest string
}

func (s *scanner) take(prefix string) bool {
	rest, ok := strings.CutPrefix(s.rest, prefix)
	if ok {
		s.rest = strings.TrimLeft(rest, " \t")
	}
	return ok
}

// word takes a prefix that stands alone.
func (s *scanner) word(w string) bool {
	rest, ok := strings.CutPrefix(s.rest, w)
	if !ok || rest == "" || !strings.ContainsRune(" \t\"", rune(rest[0])) {
		return false
	}
	return s.take(w)
}

func (s *scanner) item() (item, error) {
	for _, op := range []string{">=", "<=", "!=", ">", "<", "="} {
		if !s.take(op) {
			continue
		}
		if ordered := s.typ == Int || s.typ == Date; !ordered && op != "=" && op != "!=" {
			return item{}, fmt.Errorf("%s compares numbers and dates, and this input is a %s", op, s.typ)
		}
		v, err := s.literal()
		return item{op, v, v}, err
	}
	lo, err := s.literal()
	if err != nil {
		return item{}, err
	}
	if !s.take("..") {
		return item{"=", lo, lo}, nil
	}
	if s.typ != Int && s.typ != Date {
		return item{}, fmt.Errorf("from..to is for numbers and dates, and this input is a %s", s.typ)
	}
	hi, err := s.literal()
	if err == nil && hi.n < lo.n {
		err = fmt.Errorf("%s comes after %s: write the smaller first", lo.text(s.typ), hi.text(s.typ))
	}
	return item{"..", lo, hi}, err
}

func (s *scanner) literal() (value, error) {
	switch s.typ {
	case String:
		quoted, err := strconv.QuotedPrefix(s.rest)
		if err != nil || quoted[0] != '"' {
			return value{}, fmt.Errorf("text is written in double quotes: \"a\",\"b\"; found %q", s.rest)
		}
		word, err := strconv.Unquote(quoted)
		s.take(quoted)
		return value{s: word}, err
	case Bool:
		for n, w := range []string{"false", "true"} {
			if s.take(w) {
				return value{n: int64(n)}, nil
			}
		}
		return value{}, fmt.Errorf("write true or false, not %q", s.rest)
	case Date:
		return s.date()
	}
	return s.int()
}

func (s *scanner) date() (value, error) {
	const n = len(time.DateOnly)
	if len(s.rest) >= n {
		if t, err := time.Parse(time.DateOnly, s.rest[:n]); err == nil {
			s.take(s.rest[:n])
			if d := dayNumber(t); d >= firstDay && d <= lastDay {
				return value{n: d}, nil
			}
		}
	}
	return value{}, fmt.Errorf("write dates as YYYY-MM-DD; found %q", s.rest)
}

// int reads digits, with _ between thousands if wanted: 135_000.
func (s *scanner) int() (value, error) {
	n := 0
	for n < len(s.rest) && (s.rest[n] >= '0' && s.rest[n] <= '9' || n > 0 && s.rest[n] == '_' || n == 0 && s.rest[n] == '-') {
		n++
	}
	digits := s.rest[:n]
	v, err := strconv.ParseInt(strings.ReplaceAll(digits, "_", ""), 10, 64)
	if err != nil || strings.HasSuffix(digits, "_") {
		return value{}, fmt.Errorf("write a whole number such as 18 or 135_000; found %q", s.rest)
	}
	s.take(digits)
	return value{n: v}, nil
}

// domain gives the values an input can have at all.
func (in Input) domain() (set, error) {
	u := universe(in.Type)
	if len(in.Values) == 0 {
		return u, nil
	}
	switch in.Type {
	case String:
		words := slices.Compact(slices.Sorted(slices.Values(in.Values)))
		if len(words) < len(in.Values) {
			return u, fmt.Errorf("a value is listed twice")
		}
		return set{typ: String, words: words}, nil
	case Int, Date:
		d := u.not()
		for _, v := range in.Values {
			c, err := parseCell(in.Type, v)
			if err != nil {
				return u, err
			}
			d = d.or(c.set)
		}
		return d, nil
	}
	return u, fmt.Errorf("a bool has the values true and false; leave values out")
}
