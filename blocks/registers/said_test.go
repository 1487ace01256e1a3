package registers_test

import (
	"context"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// What a change says about itself is read for ever.
func TestReasonsAndDates(t *testing.T) {
	t.Parallel()
	r, ctx := open(t), context.Background()
	for _, c := range []struct{ reason, from, code, field string }{
		{" \u200b\u202e\u3164 ", "", "registers.reason_missing", "reason"},
		{"moved\x00", "", "registers.reason_control", "reason"},
		{strings.Repeat("ạ", 1001), "", "registers.reason_long", "reason"},
		{"moved", "2027-11-25", "registers.valid_from", "valid_from"},
		{"moved", "1899-12-31", "registers.valid_from", "valid_from"},
		{"moved", "24/11/2026", "registers.valid_from", "valid_from"},
		{"moved", "2026-02-30", "registers.valid_from", "valid_from"},
		{strings.Repeat("ạ", 1000), "2027-11-24", "", ""},
		{"moved\r\nand more", "1900-01-01", "", ""},
	} {
		one := change("Nguyễn Thị Đào")
		one.Reason, one.ValidFrom = c.reason, c.from
		_, err := r.Create(ctx, one)
		if errs.CodeOf(err) != c.code {
			t.Errorf("%.20q from %s: %v, want %s", c.reason, c.from, err, c.code)
		}
		if e, ok := errs.As(err); ok && (len(e.Fields) != 1 || e.Fields[0].Name != c.field) {
			t.Errorf("%.20q from %s: the fields are %+v", c.reason, c.from, e.Fields)
		}
		if c.from != "" {
			continue
		}
		if _, err := r.Import(ctx, "people", strings.NewReader("number\n"), registers.ImportOptions{Reason: c.reason}); errs.CodeOf(err) != c.code {
			t.Errorf("an import for %.20q: %v, want %s", c.reason, err, c.code)
		}
	}
	one := change("Nguyễn Thị Mơ")
	one.Reason = "\u202e moved\u200b "
	rec, err := r.Create(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := r.History(ctx, "people", rec.ID); err != nil || h[0].Reason != "moved" {
		t.Errorf("the reason is kept as %q: %v", h[0].Reason, err)
	}
	one.Data["birth_date"] = "0199-05-01"
	if _, err := r.Create(ctx, one); codes(err)["birth_date"] != "registers.field_early" {
		t.Errorf("born in the year 199: %v", err)
	}
}

func codes(err error) map[string]string {
	out := map[string]string{}
	if e, ok := errs.As(err); ok {
		for _, f := range e.Fields {
			out[f.Name] = f.Code
		}
	}
	return out
}

// Characters that nobody sees are dropped from what people type and refused in
// what programs send.
func TestNobodyStoresWhatNobodySees(t *testing.T) {
	t.Parallel()
	r, ctx := open(t), context.Background()
	for _, c := range "\u202e\u200b\u00ad\ufeff\u2066" {
		one := change("Nguyễn" + string(c) + " An")
		if _, err := r.Create(ctx, one); codes(err)["full_name"] != "registers.field_invisible" {
			t.Errorf("%U: %v", c, err)
		}
		one.Data["full_name"] = "Nguyễn An"
		one.Data["address"] = map[string]any{"province": "01", "street": string(c)}
		if _, err := r.Create(ctx, one); codes(err)["address.street"] != "registers.field_invisible" {
			t.Errorf("%U in an address: %v", c, err)
		}
	}
	report, err := r.Import(ctx, "people", strings.NewReader("\ufeffnumber,\u200bfull_name,birth_date,address.province\n\ufeff000000000001,Trần\u00ad Vĩnh\u202e An,\u200b,01\n"), registers.ImportOptions{Reason: "first load"})
	if err != nil || report.Created != 1 {
		t.Fatalf("%+v %v", report, err)
	}
	found, err := r.Search(ctx, "people", "tran \u200bvinh", 10)
	if err != nil || len(found) != 1 || found[0].Data["full_name"] != "Trần Vĩnh An" {
		t.Errorf("%+v %v", found, err)
	}
	if _, set := found[0].Data["birth_date"]; set {
		t.Errorf("an invisible date was kept: %+v", found[0].Data)
	}
	for q, code := range map[string]string{"a\x00": "registers.search_control", "\xff": "registers.search_control", "a\ufffd": "registers.search_control", "\u200b": "registers.search_empty", "\u0301": "registers.search_empty"} {
		if _, err := r.Search(ctx, "people", q, 10); codes(err)["q"] != code {
			t.Errorf("searching %q: %v, want %s", q, err, code)
		}
	}
}
