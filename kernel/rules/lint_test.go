package rules_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/rules"
)

const lintHead = `
id: t
inputs:
  - {id: age, expr: age, type: int, label: {vi: Tuổi, en: Age}, values: ["0..150"]}
  - {id: kind, expr: kind, type: string, label: {vi: Loại, en: Kind}, values: [a, b]}
`

// row writes one complete row; extra overrides.
func row(when, extra string) string {
	return "  - {when: {" + when + "}, out: {x: 1}, reason: {vi: Vì thế, en: So}, ref: Điều 1" + extra + "}\n"
}

func TestLint(t *testing.T) {
	for name, c := range map[string]struct {
		yaml string
		want []string // "code|part of the message"
	}{
		"clean unique": {"hit: unique\nrows:\n" + row(`age: "< 18"`, "") + row(`age: ">= 18"`, ""), nil},
		"overlap at one value": {"hit: unique\nrows:\n" + row(`age: "<= 18"`, "") + row(`age: ">= 18"`, ", id: adult"),
			[]string{`overlap|row 1 and row "adult" both hold for age «18»`}},
		"overlap of everything":     {"hit: unique\nrows:\n" + row("", "") + row("", ""), []string{"overlap|every case"}},
		"no overlap at other times": {"hit: unique\nrows:\n" + row("", ", until: 2025-12-31") + row("", ", from: 2026-01-01"), nil},
		"overlap on one day": {"hit: unique\nrows:\n" + row("", ", until: 2026-01-01") + row("", ", from: 2026-01-01"),
			[]string{"overlap|on 2026-01-01"}},
		"gap in age": {"hit: unique\nrows:\n" + row(`age: "< 18"`, "") + row(`age: "> 18"`, ""), []string{"gap|age «18»"}},
		"gap in kind": {"hit: first\nrows:\n" + row(`kind: '"a"'`, "") + row(`age: "< 18"`, ""),
			[]string{`gap|age «18..150», kind «"b"»`}},
		"gap in time": {"hit: unique\nrows:\n" + row("", ", until: 2025-12-31") + row("", ", from: 2026-01-02"), []string{"gap|on 2026-01-01"}},
		"hidden row": {"hit: first\nrows:\n" + row(`age: "< 18"`, "") + row(`age: ">= 18"`, "") + row(`kind: '"a"'`, ""),
			[]string{"unreachable|row 3"}},
		"collect may overlap and leave out": {"hit: collect\nrows:\n" + row(`age: "< 18"`, "") + row(`age: "< 20"`, ""), nil},
		"texts": {"hit: unique\nrows:\n  - {when: {}, out: {x: 1}, reason: {vi: a}}\n",
			[]string{"no_reason|reason in en", "no_ref|row 1"}},
		"no texts at all": {"hit: unique\nrows:\n  - {when: {}, out: {x: 1}}\n", []string{"no_reason|reason in vi and en", "no_ref|row 1"}},
		"cells": {"hit: unique\nrows:\n" + row(`age: old`, "") + row(`kind: '"c"'`, "") + row(`kind: '"a","c"'`, "") + row(`age: "> 150"`, "") + row(`size: "1"`, ""),
			[]string{"bad_cell|row 1: age", "bad_cell|outside the values", `bad_cell|"c" is not among`, "bad_cell|outside the values", `bad_table|no input "size"`}},
		"structure": {"hit: any\nrows:\n  - {when: {}, out: {}, reason: {vi: a, en: b}, ref: c, from: 2026-13-01}\n" + row("", ", from: 2026-02-01, until: 2026-01-01") + row("", ", id: r") + row("", ", id: r"),
			[]string{"bad_table|hit is", "bad_table|out is empty", "bad_table|from is", "bad_table|comes before", "bad_table|another row"}},
		"no rows": {"hit: unique\nrows: []\n", []string{"bad_table|no rows"}},
	} {
		table, err := rules.ParseTable([]byte(lintHead + c.yaml))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		found := rules.Lint(table)
		if len(found) != len(c.want) {
			t.Errorf("%s: %d findings %v, want %d", name, len(found), found, len(c.want))
			continue
		}
		for _, w := range c.want {
			code, part, _ := strings.Cut(w, "|")
			if !slices.ContainsFunc(found, func(f rules.Finding) bool { return f.Code == code && strings.Contains(f.Message, part) }) {
				t.Errorf("%s: %v, want %s", name, found, w)
			}
		}
	}
}

func TestInputFaults(t *testing.T) {
	e, err := rules.NewEnv("age")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"{id: Age, expr: age, type: int}":                              "small letters",
		"{id: age, expr: age, type: float}":                            "write bool, int, string or date",
		"{id: age, type: int}":                                         "needs an expr",
		"{id: age, expr: agee, type: int}":                             "variables are: age, today",
		"{id: age, expr: '\"x\"', type: int}":                          "gives a string; a int is wanted",
		"{id: age, expr: age, type: int, values: [x]}":                 "whole number",
		"{id: age, expr: age, type: bool, values: [\"true\"]}":         "leave values out",
		"{id: age, expr: age, type: string, values: [a, a]}":           "listed twice",
		"{id: a, expr: age, type: int}, {id: a, expr: age, type: int}": "there twice",
	} {
		table, err := rules.ParseTable([]byte("id: t\nhit: unique\ninputs: [" + in + "]\nrows: [{when: {}, out: {x: 1}}]"))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		rules.Lint(table)
		if _, err := e.CompileTable(table); errs.CodeOf(err) != "rules.bad_table" || !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", in, err, want)
		}
	}
	bad, err := rules.ParseTable([]byte("id: t\nhit: unique\nrows: [{when: {}, out: {x: '= agee'}}]"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.CompileTable(bad); err == nil || !strings.Contains(err.Error(), `row 1, out "x"`) {
		t.Errorf("a wrong expression in out: %v", err)
	}
	if _, err := rules.ParseTable([]byte("id: t\nhits: unique")); errs.CodeOf(err) != "rules.bad_table" {
		t.Errorf("an unknown key: %v", err)
	}
}

// A table too large for the proof is said to be so, in bounded time.
func TestLintIsBounded(t *testing.T) {
	table := rules.Table{ID: "t", Hit: rules.Unique}
	for i := range 12 {
		table.Inputs = append(table.Inputs, rules.Input{ID: fmt.Sprintf("i%d", i), Expr: "1", Type: rules.Int, Label: i18n.Text{VI: "a", EN: "a"}})
	}
	for i := range 60 {
		when := map[string]string{}
		for k := range 12 {
			when[fmt.Sprintf("i%d", k)] = fmt.Sprintf("not %d", (i*7+k*3)%50)
		}
		table.Rows = append(table.Rows, rules.Row{When: when, Out: object("x", 1), Reason: i18n.Text{VI: "a", EN: "a"}, Ref: "r"})
	}
	start := time.Now()
	found := rules.Lint(table)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("Lint took %v", took)
	}
	if !slices.ContainsFunc(found, func(f rules.Finding) bool { return f.Code == "overlap" }) {
		t.Error("the overlaps were not found")
	}
}

// The small world in which every case can be tried: 2 × 6 × 3 × 4 × 6 days.
var (
	worldBools = []any{false, true}
	worldInts  = []any{0, 1, 2, 3, 4, 5}
	worldWords = []any{"a", "b", "c"}
	worldDates = []any{"2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"}
	worldDays  = []string{"2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"}
)

func drawTable(t *rapid.T) rules.Table {
	text := i18n.Text{VI: "a", EN: "a"}
	table := rules.Table{ID: "t", Hit: rapid.SampledFrom([]string{rules.Unique, rules.First, rules.Collect}).Draw(t, "hit"),
		Inputs: []rules.Input{
			{ID: "b", Expr: "b", Type: rules.Bool, Label: text},
			{ID: "n", Expr: "n", Type: rules.Int, Label: text, Values: []string{"0..2", "3..5"}},
			{ID: "s", Expr: "s", Type: rules.String, Label: text, Values: []string{"a", "b", "c"}},
			{ID: "d", Expr: "d", Type: rules.Date, Label: text, Values: []string{"2026-01-01..2026-01-04"}},
		}}
	pick := func(name string, cells ...string) string { return rapid.SampledFrom(cells).Draw(t, name) }
	for range rapid.IntRange(1, 4).Draw(t, "rows") {
		r := rules.Row{Out: object("x", 1), Reason: text, Ref: "r", When: map[string]string{
			"b": pick("b", "-", "true", "false", "!= true"),
			"n": pick("n", "-", "0", "< 3", ">= 3", "1..4", "0,5", "not 2", "> 4", "<= 2"),
			"s": pick("s", "-", `"a"`, `"a","b"`, `not "a"`, `"c"`, `!= "b"`),
			"d": pick("d", "-", "2026-01-01", "> 2026-01-02", "<= 2026-01-02", "2026-01-02..2026-01-03", "not 2026-01-04"),
		}}
		if rapid.Bool().Draw(t, "dated") {
			// The first and the last day stay outside, as time before and after a law does.
			i, j := rapid.IntRange(1, 4).Draw(t, "from"), rapid.IntRange(1, 4).Draw(t, "until")
			r.From, r.Until = worldDays[min(i, j)], worldDays[max(i, j)]
		}
		table.Rows = append(table.Rows, r)
	}
	return table
}

// What Lint proves is what happens: on every case of a small world, two rows of
// a unique table hold if and only if an overlap was found, a case is uncovered
// if and only if a gap was found, a row of a first table is never chosen if and
// only if it was found hidden.
func TestLintIsExact(t *testing.T) {
	e, err := rules.NewEnv("b", "n", "s", "d")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t)
		d, err := e.CompileTable(table)
		if err != nil {
			t.Fatal(err)
		}
		seen := tryAll(t, d, table)
		count := map[string]int{}
		for _, f := range rules.Lint(table) {
			count[f.Code]++
			if f.Code == "unreachable" && seen.chosen[f.Row] {
				t.Fatalf("%v, but it was chosen", f)
			}
		}
		if table.Hit == rules.Unique && (count["overlap"] > 0) != seen.two {
			t.Fatalf("overlaps found: %d; two rows held: %v", count["overlap"], seen.two)
		}
		if table.Hit != rules.Collect && (count["gap"] > 0) != seen.none {
			t.Fatalf("gaps found: %d; a case was uncovered: %v", count["gap"], seen.none)
		}
		if hidden := len(table.Rows) - len(seen.chosen); table.Hit == rules.First && hidden != count["unreachable"] {
			t.Fatalf("hidden rows found: %d; never chosen: %d", count["unreachable"], hidden)
		}
	})
}

type observed struct {
	two, none bool
	chosen    map[int]bool
}

func tryAll(t *rapid.T, d *rules.Decision, table rules.Table) observed {
	o := observed{chosen: map[int]bool{}}
	for _, day := range worldDays {
		if !spoken(table, day) {
			continue
		}
		for _, b := range worldBools {
			for _, n := range worldInts {
				for _, s := range worldWords {
					for _, date := range worldDates {
						o.try(t, d, object("b", b, "n", n, "s", s, "d", date), day)
					}
				}
			}
		}
	}
	return o
}

// spoken says whether the table speaks about the day: gaps are looked for
// between its first and last day in force.
func spoken(table rules.Table, day string) bool {
	first, last := "9999", ""
	for _, r := range table.Rows {
		if r.From == "" {
			return true
		}
		first, last = min(first, r.From), max(last, r.Until)
	}
	return first <= day && day <= last
}

func (o *observed) try(t *rapid.T, d *rules.Decision, vars map[string]any, day string) {
	out, err := d.Decide(vars, day)
	switch {
	case errs.CodeOf(err) == "rules.two_rows":
		o.two = true
	case err != nil:
		t.Fatal(err)
	case out.Status == rules.NoRow:
		o.none = true
	}
	for _, i := range out.Chosen {
		o.chosen[i] = true
	}
}

// Deciding with less data never gives another answer than deciding with all:
// either it is the same, or the missing inputs are named and truly absent.
func TestMissingIsSound(t *testing.T) {
	e, err := rules.NewEnv("b", "n", "s", "d")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		d, err := e.CompileTable(drawTable(t))
		if err != nil {
			t.Fatal(err)
		}
		all := object("b", rapid.SampledFrom(worldBools).Draw(t, "b"), "n", rapid.SampledFrom(worldInts).Draw(t, "n"),
			"s", rapid.SampledFrom(worldWords).Draw(t, "s"), "d", rapid.SampledFrom(worldDates).Draw(t, "d"))
		day := rapid.SampledFrom(worldDays).Draw(t, "day")
		full, err := d.Decide(all, day)
		if err != nil {
			return // two rows
		}
		some := map[string]any{}
		for k, v := range all {
			if rapid.Bool().Draw(t, "keep "+k) {
				some[k] = v
			}
		}
		for rounds := 0; ; rounds++ {
			part, err := d.Decide(some, day)
			if err != nil || rounds > 4 {
				t.Fatalf("%v after %d rounds", err, rounds)
			}
			if part.Status != rules.Missing {
				if part.Status != full.Status || !slices.Equal(part.Chosen, full.Chosen) {
					t.Fatalf("with %v: %s %v; with everything: %s %v", some, part.Status, part.Chosen, full.Status, full.Chosen)
				}
				return
			}
			if len(part.Missing) == 0 {
				t.Fatal("missing, but nothing named")
			}
			for _, id := range part.Missing {
				if _, there := some[id]; there {
					t.Fatalf("%s is said to be missing and is there", id)
				}
				some[id] = all[id]
			}
		}
	})
}

func FuzzTable(f *testing.F) {
	f.Add([]byte(lintHead + "hit: unique\nrows:\n" + row(`age: "< 18"`, ", from: 2026-01-01") + row(`kind: 'not "a"'`, "")))
	f.Add([]byte("id: t\nhit: first\ninputs: [{id: a, expr: x, type: date}]\nrows: [{when: {a: -}, out: {x: '= x + 1'}}]"))
	f.Add([]byte("id: t\nhit: collect\nrows: [{out: {1: 2}}]"))
	e, err := rules.NewEnv("x", "age", "kind")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := rules.ParseTable(data)
		if err != nil {
			return
		}
		rules.Lint(table)
		d, err := e.CompileTable(table)
		if err != nil {
			return
		}
		d.Table()
		for _, vars := range []map[string]any{nil, {"x": "2026-01-01", "age": 17, "kind": "a"}} {
			o, err := d.Decide(vars, "2026-11-22")
			if err == nil {
				o.Explain(i18n.VI)
			}
		}
	})
}
