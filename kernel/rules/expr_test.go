package rules_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/rules"
)

func env(t testing.TB) *rules.Env {
	t.Helper()
	e, err := rules.NewEnv("person", "children", "fee", "x")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// person is decoded JSON, as it reaches the rules from forms and registers.
func person(t testing.TB) map[string]any {
	t.Helper()
	var vars map[string]any
	err := json.Unmarshal([]byte(`{
		"today": "2026-11-22",
		"person": {"name": "NGUYỄN THỊ ÁNH", "birth": "2008-11-22", "dead": null, "resident": true, "note": "",
			"address": {"ward": "Cửa Ông"}, "score": 7.5},
		"children": [{"name": "An", "birth": "2022-05-01"}, {"name": "Bình"}],
		"fee": 8000}`), &vars)
	if err != nil {
		t.Fatal(err)
	}
	return vars
}

func TestEval(t *testing.T) {
	e, vars := env(t), person(t)
	for expr, want := range map[string]any{
		`fee * 2`:                                    int64(16000),
		`fee >= 8000 && fee < 8000.5`:                true,
		`person.score * 2.0`:                         15.0,
		`person.dead`:                                nil,
		`person.dead == null`:                        true,
		`age_on(person.birth, today)`:                int64(18),
		`age_on(person.birth, "2026-11-21")`:         int64(17),
		`age_on("2008-02-29", "2026-02-28")`:         int64(18),
		`age_on("2008-02-29", "2026-02-27")`:         int64(17),
		`months_between("2026-01-31", "2026-02-28")`: int64(1),
		`months_between("2026-02-28", "2026-01-31")`: int64(-1),
		`months_between("2026-01-31", "2026-03-30")`: int64(1),
		`days_between("2026-02-27", "2026-03-01")`:   int64(2),
		`days_between("1970-01-02", "1969-12-31")`:   int64(-2),
		`add_days("2026-02-27", 2)`:                  "2026-03-01",
		`add_days(today, -22)`:                       "2026-10-31",
		`date(person.birth) < today`:                 true,
		`format_date(person.birth)`:                  "22/11/2008",
		`fold(person.name)`:                          "nguyen thi anh",
		`title(person.name)`:                         "Nguyễn Thị Ánh",
		`upper("đỗ") + lower("ĐỖ")`:                  "ĐỖđỗ",
		`has_vietnamese_letters(person.name)`:        true,
		`letters_only("An2")`:                        false,
		`person.address.ward.startsWith("Cửa")`:      true,
		`person.name.matches("^NGUYỄN")`:             true,
		`size(person.name)`:                          int64(14),
		`size(children)`:                             int64(2),
		`get(person, "address.ward", "?")`:           "Cửa Ông",
		`get(person, "address.street", "?")`:         "?",
		`get(person, "dead", "alive")`:               "alive",
		`get(person.spouse, "name", "none")`:         "none",
		`get(x, "a.b", 1)`:                           int64(1),
		`get(children, "0.name", "")`:                "An",
		`get(children, "7.name", "")`:                "",
		`get(first(children), "birth", "")`:          "2022-05-01",
		`has_path(person, "address.ward")`:           true,
		`has_path(person, "address.ward.x")`:         false,
		`has_path(person, "dead")`:                   false,
		`has_path(x, "a")`:                           false,
		`has_path(person.spouse.address, "a")`:       false,
		`children[1].name`:                           "Bình",
		`first(children).name`:                       "An",
		`join(pluck(children, "name"), ", ")`:        "An, Bình",
		`join(["a", 1], "-")`:                        "a-1",
		`"An" in pluck(children, "name")`:            true,
		`pluck(children, "birth")`:                   []any{"2022-05-01"},
		`sum([1, 2, fee])`:                           int64(8003),
		`sum([])`:                                    int64(0),
		`{"a": fee, "b": [1, true]}`:                 map[string]any{"a": int64(8000), "b": []any{int64(1), true}},
		`person.address`:                             map[string]any{"ward": "Cửa Ông"},
		`person.resident || x.y`:                     true,
		`x.y || person.resident`:                     true,
		`!person.resident && x.y`:                    false,
		`person.resident ? "yes" : x`:                "yes",
	} {
		p, err := e.Compile(expr)
		if err != nil {
			t.Errorf("Compile(%s): %v", expr, err)
			continue
		}
		if got, err := p.Eval(vars); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, %v; want %#v", expr, got, err, want)
		}
	}
}

func TestEvalErrors(t *testing.T) {
	e, vars := env(t), person(t)
	for _, c := range []struct{ expr, code, path string }{
		{`person.spouse`, "rules.missing", "person.spouse"},
		{`person.spouse.name == "A"`, "rules.missing", "person.spouse.name"},
		{`person.address.street.size() > 3`, "rules.missing", "person.address.street"},
		{`x`, "rules.missing", "x"},
		{`x.a.b > 3`, "rules.missing", "x.a.b"},
		{`person.dead > 3`, "rules.missing", "person.dead"},
		{`age_on(person.dead, today) > 3`, "rules.missing", "person.dead"},
		{`age_on(person.note, today) > 3`, "rules.missing", "person.note"},
		{`age_on(person.died, today) > 3`, "rules.missing", "person.died"},
		{`fee > 1 && person.spouse.age > 3`, "rules.missing", "person.spouse.age"},
		{`(x.y || fee > 1) && person.spouse.age > 3`, "rules.missing", "person.spouse.age"},
		{`get(x, "a", fee) > 1 && person.a > 3`, "rules.missing", "person.a"},
		{`get(x, "a", person.a) > 1`, "rules.missing", "person.a"},
		{`children[1].birth < today`, "rules.missing", "children.1.birth"},
		{`children[5].birth < today`, "rules.missing", "children.5.birth"},
		{`first(children).age > 1`, "rules.missing", "first(children).age"},
		{`first(pluck(children, "age")) > 1`, "rules.missing", "children"},
		{`person.name > 3`, "rules.bad_value", "person.name"},
		{`age_on(person.name, today)`, "rules.bad_value", "person.name"},
		{`date("2026-02-30")`, "rules.bad_value", `date("2026-02-30")`},
		{`add_days(today, 99999999)`, "rules.bad_value", "today"},
		{`sum(pluck(children, "name"))`, "rules.bad_value", "children"},
		{`fee / (fee - fee)`, "rules.failed", ""},
		{`timestamp("2026-01-01T00:00:00Z")`, "rules.failed", ""},
	} {
		p, err := e.Compile(c.expr)
		if err != nil {
			t.Errorf("Compile(%s): %v", c.expr, err)
			continue
		}
		v, err := p.Eval(vars)
		if errs.CodeOf(err) != c.code {
			t.Errorf("%s = %v, %v; want %s", c.expr, v, err, c.code)
			continue
		}
		if f, _ := errs.As(err); c.path != "" && f.Args["path"] != c.path {
			t.Errorf("%s names %v, want %s (%v)", c.expr, f.Args["path"], c.path, err)
		}
		if !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: the text %q does not name %s", c.expr, err, c.path)
		}
		for _, value := range []string{"NGUYỄN", "2008-11-22"} {
			if strings.Contains(err.Error(), value) {
				t.Errorf("%s: the text %q shows a person's data", c.expr, err)
			}
		}
	}
}

func TestCompileErrors(t *testing.T) {
	e := env(t)
	for expr, want := range map[string]string{
		``:                               "empty",
		`  `:                             "empty",
		`1 +`:                            "^",
		`persn.name`:                     "variables are: children, fee, person, today, x",
		`has(person.name)`:               "has_path",
		`children.exists(c, c.age < 6)`:  "loops are not part",
		`[1].map(i, i)`:                  "loops are not part",
		`1 >= "18"`:                      "^",
		`age_on(5, today)`:               "^",
		`person.name.matches("(")`:       "missing closing",
		strings.Repeat("1+", 9000) + "1": "size",
		strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500): "recursion",
	} {
		_, err := e.Compile(expr)
		if !errors.Is(err, errs.Invalid) || errs.CodeOf(err) != "rules.bad_expression" || !strings.Contains(err.Error(), want) {
			t.Errorf("Compile(%.40s): %v; want %q", expr, err, want)
		}
	}
	if _, err := rules.NewEnv("a b"); err == nil {
		t.Error("a variable with a space was accepted")
	}
}

func TestCostLimit(t *testing.T) {
	e := env(t)
	p, err := e.Compile(`x.matches("(a|b)*c(a|b)*d") && fold(x) == fold(x + x)`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Eval(map[string]any{"x": strings.Repeat("abcd", 1<<20)})
	if errs.CodeOf(err) != "rules.too_costly" {
		t.Errorf("a pattern over 4 MB: %v; want rules.too_costly", err)
	}
}

func TestBoolAndString(t *testing.T) {
	e, vars := env(t), person(t)
	compile := func(expr string) *rules.Program {
		p, err := e.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if got, err := compile(`person.resident`).Bool(vars); err != nil || !got {
		t.Errorf("Bool = %v, %v", got, err)
	}
	if _, err := compile(`person.dead`).Bool(vars); errs.CodeOf(err) != "rules.missing" {
		t.Errorf("Bool of null: %v", err)
	}
	if _, err := compile(`person.name`).Bool(vars); errs.CodeOf(err) != "rules.bad_value" {
		t.Errorf("Bool of text: %v", err)
	}
	if got, err := compile(`person.name`).String(vars); err != nil || got != "NGUYỄN THỊ ÁNH" {
		t.Errorf("String = %v, %v", got, err)
	}
	if _, err := compile(`fee`).String(vars); errs.CodeOf(err) != "rules.bad_value" {
		t.Errorf("String of a number: %v", err)
	}
	if _, err := compile(`x`).Eval(nil); errs.CodeOf(err) != "rules.missing" {
		t.Errorf("Eval(nil): %v", err)
	}
	want := []string{"person.birth", "today", "children.0.name"}
	if got := compile(`age_on(person.birth, today) > 1 && children[0].name == person.birth`).Paths(); !reflect.DeepEqual(got, want) {
		t.Errorf("Paths = %v, want %v", got, want)
	}
}

// Numbers mean the same however the data was decoded.
func TestNumbers(t *testing.T) {
	p, err := env(t).Compile(`x * 2 == 16000 && x >= 8000 && 8000 in [x]`)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []any{8000, int32(8000), int64(8000), 8000.0, json.Number("8000"), json.Number("8e3")} {
		if got, err := p.Bool(map[string]any{"x": x}); err != nil || !got {
			t.Errorf("%T: %v, %v", x, got, err)
		}
	}
	deep := map[string]any{"x": map[string][]map[string]json.Number{"a": {{"n": "7"}}}}
	q, err := env(t).Compile(`x.a[0].n + get(x, "a.0.n", 0)`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := q.Eval(deep); err != nil || got != int64(14) {
		t.Errorf("typed Go maps: %v, %v", got, err)
	}
}

func TestConcurrentEval(t *testing.T) {
	e, vars := env(t), person(t)
	p, err := e.Compile(`person.spouse.name == "A" || person.name > 3`)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	for range 8 {
		go func() {
			_, err := p.Eval(vars)
			done <- errs.CodeOf(err)
		}()
	}
	for range 8 {
		if code := <-done; code != "rules.missing" {
			t.Errorf("code %s", code)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		`person.name == "A"`, `age_on(person.birth, today) >= 18`, `get(person, "a.b", 1)`, `first(children).x`, `[1,2][5]`,
		`{"a":1}.b`, `"a" * 2`, `x ? 1 : y`, `sum([1u])`, `b"a"`, `-9223372036854775808`, `join([[]], "")`, `has(x.y)`, `x.matches(x)`,
	} {
		f.Add(s)
	}
	e, vars := env(f), person(f)
	f.Fuzz(func(t *testing.T, expr string) {
		p, err := e.Compile(expr)
		if err != nil {
			if errs.CodeOf(err) != "rules.bad_expression" {
				t.Fatalf("%q: %v", expr, err)
			}
			return
		}
		if _, err = p.Eval(vars); err != nil && !strings.HasPrefix(errs.CodeOf(err), "rules.") {
			t.Fatalf("%q: %v", expr, err)
		}
	})
}

func BenchmarkEval(b *testing.B) {
	e, vars := env(b), person(b)
	for _, expr := range []string{`fee > 5`, `person.resident && age_on(person.birth, today) >= 18 && get(person, "address.ward", "") != ""`} {
		p, err := e.Compile(expr)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expr, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Eval(vars); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
