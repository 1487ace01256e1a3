package registers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
)

const people = `
id: people
title: {vi: Người, en: People}
member: GOV/MPS
subsystem: population
key: number
subjects: [number, mother]
index: [number, mother, address.province]
search: [full_name]
assign: {field: number, prefix: '"0" + record.address.province', digits: 9}
roles: [register-officer]
legal_basis: Luật Mẫu, Điều 1
schema:
  type: object
  additionalProperties: false
  required: [number, full_name, address]
  properties:
    number: {type: string, pattern: "^[0-9]{12}$"}
    full_name: {type: string, minLength: 2}
    birth_date: {type: string, format: date}
    children: {type: integer, minimum: 0}
    mother: {type: string, pattern: "^[0-9]{12}$"}
    address: {type: object, additionalProperties: false, required: [province], properties: {province: {type: string, pattern: "^[0-9]{2}$"}, street: {type: string}}}
`

func open(t testing.TB) *registers.Registers {
	t.Helper()
	def, err := registers.Parse("people.yaml", []byte(people))
	if err != nil {
		t.Fatal(err)
	}
	d := dbtest.New(t, dbtest.Set{Name: "registers", FS: registers.Migrations()})
	r, err := registers.New(registers.Deps{DB: d, Clock: clock.New(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)), Log: slog.New(slog.DiscardHandler), Definitions: []*registers.Definition{def}, ByHand: func(context.Context, registers.Handling) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func change(name string) registers.Change {
	return registers.Change{Register: "people", Actor: "officer-1", Reason: "test", Data: map[string]any{"full_name": name, "address": map[string]any{"province": "01"}}}
}

func TestCreateAmendHistory(t *testing.T) {
	t.Parallel()
	r, ctx := open(t), context.Background()
	rec, err := r.Create(ctx, change("Nguyễn Thị Đào"))
	if err != nil {
		t.Fatal(err)
	}
	if rec.Data["number"] != "001000000001" {
		t.Errorf("the assigned number is %v", rec.Data["number"])
	}
	rec, err = r.Amend(ctx, registers.Change{Register: "people", ID: rec.ID, Version: 1, Actor: "officer-2", Reason: "moved", ValidFrom: "2026-10-01",
		Data: map[string]any{"address": map[string]any{"street": "12 Hàng Bông"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := rec.Data["address"].(map[string]any)["province"]; got != "01" {
		t.Errorf("a merge patch lost the province: %v", got)
	}
	if _, err := r.Amend(ctx, registers.Change{Register: "people", ID: rec.ID, Version: 1, Actor: "x", Reason: "late", Data: map[string]any{"full_name": "Ai Đó"}}); errs.CodeOf(err) != "registers.changed_meanwhile" {
		t.Errorf("amending an old version: %v", err)
	}
	history, err := r.History(ctx, "people", rec.ID)
	if err != nil || len(history) != 2 || history[0].Reason != "moved" || history[0].ValidFrom != "2026-10-01" || history[1].Actor != "officer-1" {
		t.Errorf("history: %+v %v", history, err)
	}
	found, err := r.Search(ctx, "people", "dao nguyen", 10)
	if err != nil || len(found) != 1 {
		t.Errorf("searching without marks found %d: %v", len(found), err)
	}
}

func TestTheSameChangeIsMadeOnce(t *testing.T) {
	t.Parallel()
	r, ctx := open(t), context.Background()
	c := change("Trần Văn An")
	c.Key = "case-1/2/0"
	first, err := r.Create(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Create(ctx, c)
	if err != nil || second.ID != first.ID {
		t.Errorf("the second time: %v %v", second.ID, err)
	}
	if n, _ := r.Count(ctx, "people"); n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r, ctx := open(t), context.Background()
	for name, c := range map[string]struct {
		data map[string]any
		code string
		want []string
	}{
		"missing":   {map[string]any{"number": "001000000009", "full_name": "An B"}, "registers.invalid", []string{"address"}},
		"unknown":   {map[string]any{"full_name": "An B", "address": map[string]any{"province": "01"}, "nick": "x"}, "registers.invalid", []string{"nick"}},
		"pattern":   {map[string]any{"number": "12", "full_name": "An B", "address": map[string]any{"province": "1"}}, "registers.invalid", []string{"address.province", "number"}},
		"date":      {map[string]any{"full_name": "An B", "birth_date": "2026-02-30", "address": map[string]any{"province": "01"}}, "registers.invalid", []string{"birth_date"}},
		"control":   {map[string]any{"full_name": "An\x00 B", "address": map[string]any{"province": "01"}}, "registers.invalid", []string{"full_name"}},
		"no prefix": {map[string]any{"full_name": "An B"}, "registers.cannot_assign", nil},
	} {
		_, err := r.Create(ctx, registers.Change{Register: "people", Data: c.data, Reason: "test"})
		e, ok := errs.As(err)
		if !ok || e.Code != c.code {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, w := range c.want {
			seen := false
			for _, f := range e.Fields {
				seen = seen || f.Name == w
				if ex := f.Args["example"]; f.Code == "registers.field_pattern" && ex != map[string]any{"address.province": "12", "number": "123456789012"}[f.Name] {
					t.Errorf("%s: %q is the example for %s", name, ex, f.Name)
				}
			}
			if !seen {
				t.Errorf("%s: %s is not named in %+v", name, w, e.Fields)
			}
		}
	}
	if n, _ := r.Count(ctx, "people"); n != 0 {
		t.Errorf("%d records were half-written", n)
	}
	if _, err := r.Create(ctx, registers.Change{Register: "people", Data: change("A B").Data}); errs.CodeOf(err) != "registers.reason_missing" {
		t.Errorf("without a reason: %v", err)
	}
	if _, err := r.Find(ctx, "people", map[string]string{"full_name": "x"}, 1); errs.CodeOf(err) != "registers.not_indexed" {
		t.Errorf("asking by a field without index: %v", err)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	r, ctx := open(t), context.Background()
	made, err := r.Serve(ctx, registers.Ask{Register: "people", Method: "POST", Path: "/records", Actor: "VN/GOV/MOJ/civil-status", Reason: "birth", Key: "m1",
		Body: []byte(`{"data":{"full_name":"Lê Minh","mother":"001000000777","address":{"province":"01"}}}`)})
	if err != nil || made.Status != 201 {
		t.Fatal(made.Status, err)
	}
	if len(made.Subjects) != 2 {
		t.Errorf("subjects: %v", made.Subjects)
	}
	found, err := r.Serve(ctx, registers.Ask{Register: "people", Method: "POST", Path: "/search", Body: []byte(`{"where":{"mother":"001000000777"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	var body struct{ Records []registers.Record }
	if err := json.Unmarshal(found.Body, &body); err != nil || len(body.Records) != 1 {
		t.Fatalf("%s %v", found.Body, err)
	}
	for path, code := range map[string]string{"/records/../x": "registers.no_such_path", "/nothing": "registers.no_such_path", "/records/unknown": "registers.record_not_found"} {
		if _, err := r.Serve(ctx, registers.Ask{Register: "people", Method: "GET", Path: path}); errs.CodeOf(err) != code {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := r.Serve(ctx, registers.Ask{Register: "people", Method: "POST", Path: "/search", Body: []byte(`{"wher":{}}`)}); errs.CodeOf(err) != "registers.bad_body" {
		t.Errorf("a misspelt body: %v", err)
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	r, ctx := open(t), context.Background()
	var b strings.Builder
	b.WriteString("\xef\xbb\xbfnumber,full_name,children,address.province\n")
	for i := range 1200 {
		fmt.Fprintf(&b, "%012d,Người số %d,%d,01\n", i+1, i, i%4)
	}
	b.WriteString("000000000001,Người đổi tên,0,01\n") // amends
	b.WriteString("000000000002,Người số 1,1,01\n")    // unchanged
	b.WriteString("12,Sai số,1,01\n")                  // pattern
	b.WriteString("000000009999,Sai kiểu,nhiều,01\n")  // type
	b.WriteString("000000009998,Thiếu ô\n")
	b.WriteString("\x00,An\x00,1,01\n") // no text
	var calls, last int
	report, err := r.Import(ctx, "people", strings.NewReader(b.String()), registers.ImportOptions{Actor: "officer-1", Reason: "first load", Progress: func(done, _ int, _ int64) { calls++; last = done }})
	if err != nil {
		t.Fatal(err)
	}
	if report.Created != 1200 || report.Amended != 1 || report.Unchanged != 1 || report.Rejected != 4 {
		t.Errorf("report: %+v", report)
	}
	if calls != 3 || last != 1203 {
		t.Errorf("progress: %d calls, last %d", calls, last)
	}
	for _, want := range []struct {
		line  int
		field string
	}{{1204, "number"}, {1205, "children"}, {1206, ""}, {1207, "number"}} {
		seen := false
		for _, f := range report.Refused {
			seen = seen || f.Line == want.line && f.Field == want.field
		}
		if !seen {
			t.Errorf("no refusal for line %d: %+v", want.line, report.Refused)
		}
	}
	for text, code := range map[string]string{"": "registers.csv_empty", "\n\n": "registers.csv_empty", "nick\n": "registers.csv_header", "full_name,full_name\n": "registers.csv_header_twice", "number\n\"a\n": "registers.csv_quote",
		"\"number\";\"full_name\"\n": "registers.csv_separator", "number\tfull_name\n": "registers.csv_separator", "number,full_name\r001000000001,An\r": "registers.csv_line_ends", "PK\x03\x04number,full_name": "registers.csv_spreadsheet",
		"\xff\xfen\x00u\x00\n\x00": "registers.csv_not_utf8", "\xfe\xff\x00n\x00u\x00\n": "registers.csv_not_utf8", "n\x00u\x00\n\x00": "registers.csv_not_utf8", "H\xe0 N\xf4i\n": "registers.csv_not_utf8"} {
		if _, err := r.Import(ctx, "people", strings.NewReader(text), registers.ImportOptions{Reason: "x"}); errs.CodeOf(err) != code {
			t.Errorf("%q: %v, want %s", text, err, code)
		}
	}
}

// TestHistoryNeverForgets: whatever is done, every version that was current
// stays readable, in order.
func TestHistoryNeverForgets(t *testing.T) {
	t.Parallel()
	r, ctx := open(t), context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		rec, err := r.Create(ctx, change(rapid.StringMatching(`[A-Z][a-z]{1,8} [A-Z][a-z]{1,8}`).Draw(rt, "name")))
		if err != nil {
			rt.Fatal(err)
		}
		names := []string{rec.Data["full_name"].(string)}
		for range rapid.IntRange(0, 5).Draw(rt, "n") {
			name := rapid.StringMatching(`[A-Z][a-z]{1,8} [A-Z][a-z]{1,8}`).Draw(rt, "new")
			if _, err := r.Amend(ctx, registers.Change{Register: "people", ID: rec.ID, Data: map[string]any{"full_name": name}, Reason: "again"}); err != nil {
				rt.Fatal(err)
			}
			names = append(names, name)
		}
		history, err := r.History(ctx, "people", rec.ID)
		if err != nil || len(history) != len(names) {
			rt.Fatal(len(history), err)
		}
		for i, v := range history {
			if v.Data["full_name"] != names[len(names)-1-i] {
				rt.Fatalf("version %d is %v", v.Version, v.Data["full_name"])
			}
		}
	})
}

func FuzzImport(f *testing.F) {
	f.Add("number,full_name\n000000000001,An Bình\n")
	f.Add("number,full_name\n\x00,\n")
	f.Add("full_name,address.province\n\"a\"\"b\",01\n")
	r := open(f)
	f.Fuzz(func(t *testing.T, text string) {
		report, err := r.Import(context.Background(), "people", strings.NewReader(text), registers.ImportOptions{Reason: "fuzz"})
		if err != nil && errs.KindOf(err) != errs.Invalid {
			t.Fatalf("%v", err)
		}
		if report.Rejected < 0 {
			t.Fatal("negative")
		}
	})
}

func FuzzServe(f *testing.F) {
	f.Add("POST", "/search", `{"where":{"number":"1"}}`)
	f.Add("PATCH", "/records/x", `{"data":{}}`)
	r := open(f)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		_, err := r.Serve(context.Background(), registers.Ask{Register: "people", Method: method, Path: path, Body: []byte(body), Reason: "fuzz"})
		if k := errs.KindOf(err); err != nil && k == errs.Internal {
			t.Fatalf("%v", err)
		}
	})
}

func BenchmarkCreate(b *testing.B) {
	r, ctx := open(b), context.Background()
	for b.Loop() {
		if _, err := r.Create(ctx, change("Phạm Thị Lan")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFind shows that looking up costs the same in a register ten and a
// hundred times as large.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprint(n, " records"), func(b *testing.B) {
			r, ctx := open(b), context.Background()
			var all []registers.Change
			for i := range n {
				c := change("Người " + fmt.Sprint(i))
				c.Data["mother"] = fmt.Sprintf("%012d", i)
				all = append(all, c)
			}
			if err := r.CreateMany(ctx, "people", all); err != nil {
				b.Fatal(err)
			}
			i := 0
			for b.Loop() {
				found, err := r.Find(ctx, "people", map[string]string{"mother": fmt.Sprintf("%012d", i%n), "address.province": "01"}, 10) // the province is everybody's
				if err != nil || len(found) != 1 {
					b.Fatal(len(found), err)
				}
				i++
			}
		})
	}
}
