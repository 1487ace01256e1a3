package rules_test

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/rules"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func birthFee(t testing.TB) (rules.Table, *rules.Decision) {
	t.Helper()
	data, err := os.ReadFile("testdata/birth_fee.yaml")
	if err != nil {
		t.Fatal(err)
	}
	table, err := rules.ParseTable(data)
	if err != nil {
		t.Fatal(err)
	}
	e, err := rules.NewEnv("child", "parent", "copies")
	if err != nil {
		t.Fatal(err)
	}
	d, err := e.CompileTable(table)
	if err != nil {
		t.Fatal(err)
	}
	return table, d
}

func object(kv ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i].(string)] = kv[i+1]
	}
	return m
}

var cases = []struct {
	name string
	vars map[string]any
	want rules.Outcome // the fields that the test looks at
}{
	{
		"in time, nothing else needed",
		object("child", object("birth", "2026-10-01")),
		rules.Outcome{Status: rules.Decided, Chosen: []int{0}, Out: object("fee", int64(0), "deadline", "in_time")},
	}, {
		"late and poor, merit not needed",
		object("child", object("birth", "2026-01-01"), "parent", object("household", "poor")),
		rules.Outcome{Status: rules.Decided, Chosen: []int{1}, Out: object("fee", int64(0), "deadline", "late")},
	}, {
		"late, everything known",
		object("child", object("birth", "2026-01-01"), "parent", object("household", "none", "merit", false), "copies", 3.0),
		rules.Outcome{Status: rules.Decided, Chosen: []int{3}, Out: object("fee", int64(24000), "deadline", "late")},
	}, {
		"late, merit missing",
		object("child", object("birth", "2026-01-01"), "parent", object("household", "none"), "copies", 3),
		rules.Outcome{Status: rules.Missing, Missing: []string{"revolution"}, MissingPaths: []string{"parent.merit"}},
	}, {
		"nothing known",
		nil,
		rules.Outcome{Status: rules.Missing, Missing: []string{"days"}, MissingPaths: []string{"child.birth"}},
	}, {
		"late, copies missing",
		object("child", object("birth", "2026-01-01"), "parent", object("household", "none", "merit", false)),
		rules.Outcome{Status: rules.Missing, Missing: []string{"out.fee"}, MissingPaths: []string{"copies"}},
	},
}

func TestDecide(t *testing.T) {
	_, d := birthFee(t)
	for _, c := range cases {
		o, err := d.Decide(c.vars, "2026-11-22")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := rules.Outcome{Status: o.Status, Missing: o.Missing, MissingPaths: o.MissingPaths, Out: o.Out}
		if o.Status == rules.Decided {
			got.Chosen = o.Chosen
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if len(o.Rows) != 4 || len(o.Rows[0].Cells) != 3 || o.TableHash != d.Hash() || o.On != "2026-11-22" || o.Engine == "" {
			t.Errorf("%s: the explanation is not whole: %+v", c.name, o)
		}
	}
}

// What is stored explains itself as well as what was decided, to the letter of
// the golden file.
func TestExplain(t *testing.T) {
	table, d := birthFee(t)
	var b strings.Builder
	write := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	for _, c := range cases {
		o, err := d.Decide(c.vars, "2026-11-22")
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var stored rules.Outcome
		if err := json.Unmarshal(data, &stored); err != nil {
			t.Fatal(err)
		}
		write("# ", c.name)
		for _, l := range i18n.Langs {
			if now, later := o.Explain(l), stored.Explain(l); !reflect.DeepEqual(now, later) {
				t.Errorf("%s: stored outcome explains %q, not %q", c.name, later, now)
			}
			for _, s := range stored.Explain(l) {
				write("  ", string(l), ": ", s)
			}
		}
	}
	table.Rows = table.Rows[:2]
	e, err := rules.NewEnv("child", "parent", "copies")
	if err != nil {
		t.Fatal(err)
	}
	short, err := e.CompileTable(table)
	if err != nil {
		t.Fatal(err)
	}
	o, err := short.Decide(cases[2].vars, "2026-11-22")
	if err != nil || o.Status != rules.NoRow || len(o.Chosen) > 0 {
		t.Fatalf("%+v, %v; want no_row", o, err)
	}
	write("# no row")
	for _, l := range i18n.Langs {
		for _, s := range o.Explain(l) {
			write("  ", string(l), ": ", s)
		}
	}
	golden(t, "testdata/explain.golden", b.String())
}

func TestGrid(t *testing.T) {
	_, d := birthFee(t)
	g := d.Table()
	if g.Hash != d.Hash() {
		t.Error("the grid does not name the table's hash")
	}
	var b strings.Builder
	for _, l := range i18n.Langs {
		for _, h := range g.Heads {
			b.WriteString("| " + h.Label.In(l) + " ")
		}
		b.WriteString("|\n")
		for _, line := range g.Lines {
			if len(line.Cells) != len(g.Heads) {
				t.Fatalf("%d cells under %d heads", len(line.Cells), len(g.Heads))
			}
			for _, c := range line.Cells {
				b.WriteString("| " + c.In(l) + " ")
			}
			b.WriteString("| " + line.Reason.In(l) + " | " + line.Ref + "\n")
		}
	}
	golden(t, "testdata/grid.golden", b.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update and read the diff):\n%s", file, got)
	}
}

func TestDecideErrors(t *testing.T) {
	_, d := birthFee(t)
	for name, c := range map[string]struct {
		vars     map[string]any
		on, code string
		text     string
	}{
		"no date":           {nil, "22/11/2026", "rules.bad_value", "on"},
		"birth not a date":  {object("child", object("birth", "soon")), "2026-11-22", "rules.bad_value", "child.birth"},
		"born tomorrow":     {object("child", object("birth", "2026-11-23")), "2026-11-22", "rules.bad_value", "not among the values"},
		"unknown household": {object("parent", object("household", "rich")), "2026-11-22", "rules.bad_value", "household"},
		"merit is text":     {object("parent", object("merit", "yes")), "2026-11-22", "rules.bad_value", "parent.merit must be true or false"},
		"birth is a number": {object("child", object("birth", 5)), "2026-11-22", "rules.bad_value", "child.birth"},
	} {
		_, err := d.Decide(c.vars, c.on)
		if errs.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v; want %s naming %q", name, err, c.code, c.text)
		}
	}
}

func TestHitPolicies(t *testing.T) {
	e, err := rules.NewEnv("n")
	if err != nil {
		t.Fatal(err)
	}
	table := rules.Table{ID: "t", Inputs: []rules.Input{{ID: "n", Expr: "n", Type: rules.Int}}, Rows: []rules.Row{
		{When: object2("n", ">= 10"), Out: object("paper", "a"), Ref: "1"},
		{When: object2("n", ">= 20"), Out: object("paper", "b"), Ref: "2"},
		{When: object2("n", "< 5"), Out: object("paper", "c"), Ref: "3", From: "2026-01-01", Until: "2026-06-30"},
	}}
	decide := func(hit string, n any, on string) (rules.Outcome, error) {
		table.Hit = hit
		d, err := e.CompileTable(table)
		if err != nil {
			t.Fatal(err)
		}
		vars := map[string]any{}
		if n != nil {
			vars["n"] = n
		}
		return d.Decide(vars, on)
	}
	if _, err := decide(rules.Unique, 25, "2026-02-01"); errs.CodeOf(err) != "rules.two_rows" || errs.KindOf(err) != errs.Internal {
		t.Errorf("two rows of a unique table: %v", err)
	}
	for _, c := range []struct {
		hit    string
		n      any
		on     string
		status rules.Status
		paper  any
	}{
		{rules.Unique, 15, "2026-02-01", rules.Decided, "a"},
		{rules.Unique, 7, "2026-02-01", rules.NoRow, nil},
		{rules.First, 25, "2026-02-01", rules.Decided, "a"},
		{rules.Collect, 25, "2026-02-01", rules.Decided, []any{"a", "b"}},
		{rules.Collect, 7, "2026-02-01", rules.Decided, nil},
		{rules.Collect, nil, "2026-02-01", rules.Missing, nil},
		{rules.Unique, 1, "2026-01-01", rules.Decided, "c"},
		{rules.Unique, 1, "2026-06-30", rules.Decided, "c"},
		{rules.Unique, 1, "2025-12-31", rules.NoRow, nil},
		{rules.Unique, 1, "2026-07-01", rules.NoRow, nil},
	} {
		o, err := decide(c.hit, c.n, c.on)
		if err != nil || o.Status != c.status || !reflect.DeepEqual(o.Out["paper"], c.paper) {
			t.Errorf("%s of %v on %s: %s %v, %v; want %s %v", c.hit, c.n, c.on, o.Status, o.Out, err, c.status, c.paper)
		}
		for _, l := range i18n.Langs {
			if len(o.Explain(l)) == 0 {
				t.Errorf("%s of %v on %s explains nothing", c.hit, c.n, c.on)
			}
		}
	}
}

func object2(kv ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

// The same table has one hash, from YAML or JSON, and any change another.
func TestHash(t *testing.T) {
	table, d := birthFee(t)
	data, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	var again rules.Table
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	if h, err := again.Hash(); err != nil || h != d.Hash() {
		t.Errorf("from JSON %s, from YAML %s, %v", h, d.Hash(), err)
	}
	if data, err = yaml.Marshal(table); err != nil {
		t.Fatal(err)
	}
	back, err := rules.ParseTable(data)
	if h, _ := back.Hash(); err != nil || h != d.Hash() {
		t.Errorf("written as YAML and read back: %s, %v", h, err)
	}
	table.Rows[0].When["days"] = "<= 61"
	if h, _ := table.Hash(); h == d.Hash() {
		t.Error("another cell, the same hash")
	}
	if d.Source().Rows[0].When["days"] != "<= 60" {
		t.Error("changing the table changed the compiled decision")
	}
	want := []string{"child.birth", "today", "parent.household", "parent.merit", "copies"}
	if got := d.Paths(); !reflect.DeepEqual(got, want) {
		t.Errorf("Paths = %v, want %v", got, want)
	}
}

func BenchmarkDecide(b *testing.B) {
	_, d := birthFee(b)
	for b.Loop() {
		if _, err := d.Decide(cases[2].vars, "2026-11-22"); err != nil {
			b.Fatal(err)
		}
	}
}
