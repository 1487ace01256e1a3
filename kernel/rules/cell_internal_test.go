package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

func values(t Type, texts string) (list []value) {
	for _, s := range strings.Fields(texts) {
		if t == String {
			list = append(list, value{s: strings.ReplaceAll(s, "_", " ")})
			continue
		}
		v, err := (&scanner{typ: t, rest: s}).literal()
		if err != nil {
			panic(err)
		}
		list = append(list, v)
	}
	return list
}

// Every form of the grammar: what it takes, what it refuses, how it is said.
func TestCells(t *testing.T) {
	for _, c := range []struct {
		typ          Type
		cell, in, no string
		vi, en       string
	}{
		{Int, "-", "-5 0 18", "", "bất kỳ", "any"},
		{Int, "", "-5 0 18", "", "bất kỳ", "any"},
		{Int, "18", "18", "17 19", "18", "18"},
		{Int, "= 18", "18", "17 19", "18", "18"},
		{Int, "!= 18", "17 19", "18", "khác 18", "not 18"},
		{Int, ">= 18", "18 99", "17", "từ 18 trở lên", "18 or more"},
		{Int, ">18", "19", "18", "trên 18", "more than 18"},
		{Int, "<= 1_000", "1000 -1000", "1001", "không quá 1.000", "at most 1,000"},
		{Int, "< -5", "-6", "-5 0", "dưới -5", "less than -5"},
		{Int, "18..65", "18 65 40", "17 66", "từ 18 đến 65", "from 18 to 65"},
		{Int, "18 .. 18", "18", "17 19", "từ 18 đến 18", "from 18 to 18"},
		{Int, "<6, 60..70, 80", "5 60 70 80", "6 59 71 79 81", "dưới 6 hoặc từ 60 đến 70 hoặc 80", "less than 6 or from 60 to 70 or 80"},
		{Int, "not 1,2", "0 3", "1 2", "không phải 1, cũng không phải 2", "not 1 and not 2"},
		{Int, "not >= 18", "17", "18", "không phải từ 18 trở lên", "not 18 or more"},
		{Bool, "-", "true false", "", "bất kỳ", "any"},
		{Bool, "true", "true", "false", "có", "yes"},
		{Bool, "false", "false", "true", "không", "no"},
		{Bool, "!= true", "false", "true", "khác có", "not yes"},
		{String, "-", "a b", "", "bất kỳ", "any"},
		{String, `"a"`, "a", "b A", "“a”", "“a”"},
		{String, `"a","b"`, "a b", "c", "“a” hoặc “b”", "“a” or “b”"},
		{String, `not "a"`, "b", "a", "không phải “a”", "not “a”"},
		{String, `not"a" , "b"`, "c", "a b", "không phải “a”, cũng không phải “b”", "not “a” and not “b”"},
		{String, `!= "a"`, "b", "a", "khác “a”", "not “a”"},
		{String, `"con đẻ"`, "con_đẻ", "con", "“con đẻ”", "“con đẻ”"},
		{String, `"kh\u00f4ng, \"có\""`, `không,_"có"`, "không", "“không, \"có\"”", "“không, \"có\"”"},
		{Date, "2026-01-31", "2026-01-31", "2026-01-30 2026-02-01", "ngày 31/01/2026", "31 January 2026"},
		{Date, ">= 2026-01-01", "2026-01-01 9999-12-31", "2025-12-31", "từ ngày 01/01/2026 trở đi", "on or after 1 January 2026"},
		{Date, "> 2026-01-01", "2026-01-02", "2026-01-01", "sau ngày 01/01/2026", "after 1 January 2026"},
		{Date, "<= 2026-01-01", "2026-01-01 0001-01-01", "2026-01-02", "đến hết ngày 01/01/2026", "on or before 1 January 2026"},
		{Date, "<2026-01-01", "2025-12-31", "2026-01-01", "trước ngày 01/01/2026", "before 1 January 2026"},
		{Date, "2026-01-01..2026-12-31", "2026-01-01 2026-12-31", "2027-01-01", "từ ngày 01/01/2026 đến hết ngày 31/12/2026", "from 1 January 2026 to 31 December 2026"},
		{Date, "!= 2026-01-01", "2026-01-02", "2026-01-01", "khác ngày 01/01/2026", "not 1 January 2026"},
	} {
		got, err := parseCell(c.typ, c.cell)
		if err != nil {
			t.Errorf("%s %s: %v", c.typ, c.cell, err)
			continue
		}
		for _, v := range values(c.typ, c.in) {
			if !got.set.has(v) {
				t.Errorf("%s %s refuses %s", c.typ, c.cell, v.text(c.typ))
			}
		}
		for _, v := range values(c.typ, c.no) {
			if got.set.has(v) {
				t.Errorf("%s %s takes %s", c.typ, c.cell, v.text(c.typ))
			}
		}
		col := Column{Type: c.typ}
		if vi, en := got.say(col, i18n.VI), got.say(col, i18n.EN); vi != c.vi || en != c.en {
			t.Errorf("%s %s is said %q, %q; want %q, %q", c.typ, c.cell, vi, en, c.vi, c.en)
		}
	}
}

func TestBadCells(t *testing.T) {
	for _, c := range []struct {
		typ        Type
		cell, want string
	}{
		{Int, "eighteen", "whole number"}, {Int, "18.5", "comma"}, {Int, "1e3", "comma"}, {Int, "18,", "whole number"},
		{Int, "65..18", "smaller first"}, {Int, "> 9223372036854775807", "no value"}, {Int, "99999999999999999999", "whole number"},
		{Int, "-9223372036854775809", "whole number"}, {Int, "1_", "whole number"}, {Int, "18..", "whole number"}, {Int, "not", "whole number"},
		{Int, "not >= 5, < 5", "no value"}, {Int, "> > 5", "whole number"}, {Int, "18 65", "comma"}, {Int, "--5", "whole number"},
		{Bool, "yes", "true or false"}, {Bool, "> true", "numbers and dates"}, {Bool, "true..false", "numbers and dates"}, {Bool, "trueish", "comma"},
		{Bool, "not true, false", "no value"},
		{String, "a", "double quotes"}, {String, "'a'", "double quotes"}, {String, "`a`", "double quotes"}, {String, `"a`, "double quotes"},
		{String, `"a" "b"`, "comma"}, {String, `> "a"`, "numbers and dates"}, {String, `"a".."b"`, "numbers and dates"}, {String, `"\q"`, "double quotes"},
		{String, `!= "a", != "b", = "c", not "d"`, "double quotes"},
		{Date, "31/01/2026", "YYYY-MM-DD"}, {Date, "2026-02-30", "YYYY-MM-DD"}, {Date, "2026-1-1", "YYYY-MM-DD"}, {Date, "0000-01-01", "YYYY-MM-DD"},
		{Date, "< 0001-01-01", "no value"}, {Date, `"2026-01-01"`, "YYYY-MM-DD"}, {Date, "2026-01-01T00:00:00Z", "comma"},
		{"float", "1", "type"},
	} {
		if got, err := parseCell(c.typ, c.cell); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, %v; want %q", c.typ, c.cell, got.set, err, c.want)
		}
	}
}

func drawSet(t *rapid.T, typ Type, name string) set {
	s := set{typ: typ}
	if typ == String {
		words := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"", "a", "b", "c"}), 0, 3, rapid.ID[string]).Draw(t, name)
		slices.Sort(words)
		return set{typ: typ, words: words, except: rapid.Bool().Draw(t, name+" except")}
	}
	u := universe(typ).spans[0]
	points := []int64{u.lo, u.lo + 1, 0, 1, 2, 3, u.hi - 1, u.hi}
	if typ == Bool {
		points = []int64{0, 1}
	}
	for range rapid.IntRange(0, 3).Draw(t, name+" spans") {
		a, b := rapid.SampledFrom(points).Draw(t, name), rapid.SampledFrom(points).Draw(t, name)
		s = s.or(set{typ: typ, spans: []span{{min(a, b), max(a, b)}}})
	}
	return s
}

// The operations of a set do what their names say, at every edge.
func TestSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom([]Type{Bool, Int, String, Date}).Draw(t, "type")
		a, b := drawSet(t, typ, "a"), drawSet(t, typ, "b")
		var probes []value
		if typ == String {
			probes = []value{{s: ""}, {s: "a"}, {s: "b"}, {s: "c"}, {s: "other"}}
		} else {
			u := universe(typ).spans[0]
			for _, n := range []int64{u.lo, u.lo + 1, u.lo + 2, -1, 0, 1, 2, 3, 4, u.hi - 2, u.hi - 1, u.hi} {
				if n >= u.lo && n <= u.hi {
					probes = append(probes, value{n: n})
				}
			}
		}
		for _, v := range probes {
			in, other := a.has(v), b.has(v)
			for op, got := range map[string][2]bool{
				"not": {a.not().has(v), !in}, "and": {a.and(b).has(v), in && other},
				"or": {a.or(b).has(v), in || other}, "minus": {a.minus(b).has(v), in && !other},
			} {
				if got[0] != got[1] {
					t.Fatalf("%s of {%v} and {%v}: %s is in: %v", op, a, b, v.text(typ), got[0])
				}
			}
			if in && a.empty() || !in && a.all() {
				t.Fatalf("{%v} is empty %v, all %v", a, a.empty(), a.all())
			}
		}
		if !a.empty() {
			back, err := parseCell(typ, a.String())
			if err != nil || !back.set.minus(a).empty() || !a.minus(back.set).empty() {
				t.Fatalf("{%v} reads back as {%v}, %v", a, back.set, err)
			}
		}
	})
}

func FuzzCell(f *testing.F) {
	for _, s := range []string{"-", ">= 18", "18..65", `"a","b"`, `not "a"`, "true", "2026-01-01..2026-12-31", "not", "..", "-1_0", `"\xff"`, "<5,>=9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, typ := range []Type{Bool, Int, String, Date} {
			c, err := parseCell(typ, s)
			if err != nil {
				continue
			}
			if c.set.empty() {
				t.Fatalf("%s %q takes nothing", typ, s)
			}
			again, err := parseCell(typ, c.set.String())
			if err != nil || fmt.Sprint(again.set) != fmt.Sprint(c.set) {
				t.Fatalf("%s %q is %v, reads back %v, %v", typ, s, c.set, again.set, err)
			}
			for _, l := range i18n.Langs {
				if c.say(Column{Type: typ}, l) == "" {
					t.Fatalf("%s %q is said as nothing", typ, s)
				}
			}
		}
	})
}
