package services_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/services"
)

func form(kv ...string) services.Input {
	v := url.Values{}
	for i := 0; i+1 < len(kv); i += 2 {
		v.Add(kv[i], kv[i+1])
	}
	return services.Input{Values: v}
}

func page(t testing.TB, s *services.Service, id string) services.Page {
	t.Helper()
	p, ok := s.Page(id)
	if !ok {
		t.Fatalf("no page %s", id)
	}
	return p
}

func TestAnswersOffThePathDoNotCount(t *testing.T) {
	s := birth(t)
	st := stateOf(s, 2)
	if got := s.Prune(st); got["other.full_name"] != "Trần Thị Bích" {
		t.Fatalf("Prune dropped an answer on the path: %v", got)
	}
	st.Answers["other_known"] = false
	if got := s.Prune(st)["other.full_name"]; got != nil {
		t.Errorf("other.full_name is asked only when other_known; Prune kept %v", got)
	}
	// Marrying makes the whole page disappear, and with it what was typed there.
	st.Answers["other_known"] = true
	st.Data["marriage"] = map[string]any{"id": "m1", "spouse": "001190000002"}
	if got := s.Prune(st); got["other_known"] != nil || got["other.full_name"] != nil {
		t.Errorf("answers of a page off the path are kept: %v", got)
	}
}

func TestFieldsOfOnePageSeeEachOther(t *testing.T) {
	s := birth(t)
	st := stateOf(s, 2)
	st.Answers = nil
	got, wrong := s.Validate(page(t, s, "other"), form("other_known", "no", "other.full_name", "Trần Thị Bích"), st)
	if len(wrong) > 0 || got["other.full_name"] != nil || got["other_known"] != false {
		t.Errorf("hidden field must be ignored: %v %v", got, wrong)
	}
	_, wrong = s.Validate(page(t, s, "other"), form("other_known", "yes"), st)
	if len(wrong) != 1 || wrong[0].Field != "other.full_name" {
		t.Errorf("revealed field must be asked for: %v", wrong)
	}
}

func TestOptionsRevealFieldsOfTheirPage(t *testing.T) {
	s := birth(t)
	got := s.Reveals(page(t, s, "other"))
	if len(got) != 1 || got["other.full_name"] != (services.Reveal{Field: "other_known", Option: "yes"}) {
		t.Errorf("reveals %v", got)
	}
}

func TestValuesAreCheckedAndTidied(t *testing.T) {
	s := birth(t)
	st := stateOf(s, 0)
	p := page(t, s, "child")
	date := func(d, m, y string) []string {
		return []string{"child.birth_date-day", d, "child.birth_date-month", m, "child.birth_date-year", y}
	}
	cases := []struct {
		field string
		in    []string
		want  any    // stored
		wrong string // words of the Vietnamese message
		parts []string
	}{
		{"child.full_name", []string{"child.full_name", "  nguyễn   minh châu "}, "Nguyễn Minh Châu", "", nil},
		{"child.full_name", []string{"child.full_name", "H'Hen Niê"}, "H'Hen Niê", "", nil},
		{"child.full_name", []string{"child.full_name", "Nguyễn\u202e Minh\u200b Ch\u00adâu\u0000"}, "Nguyễn Minh Châu", "", nil}, // what nobody sees goes
		{"child.full_name", []string{"child.full_name", ""}, nil, "Nhập họ và tên của con", nil},
		{"child.full_name", []string{"child.full_name", "\u200b "}, nil, "Nhập họ và tên của con", nil},
		{"child.full_name", []string{"child.full_name", "Châu"}, nil, "cả họ và tên", nil},
		{"child.full_name", []string{"child.full_name", "Bé 2"}, nil, "xóa “2”", nil},
		{"child.full_name", []string{"child.full_name", "Bé <b>"}, nil, "xóa “<”", nil},
		{"child.full_name", []string{"child.full_name", strings.Repeat("Nguyễn ", 9)}, nil, "tối đa 60 ký tự; bạn đã nhập 62", nil},
		{"child.birth_date", date("1", "11", "2026"), "2026-11-01", "", nil},
		{"child.birth_date", date("", "", ""), nil, "Nhập ngày sinh", nil},
		{"child.birth_date", date("1", "", "2026"), nil, "phải có tháng", []string{"month"}},
		{"child.birth_date", date("", "", "2026"), nil, "phải có ngày và tháng", []string{"day", "month"}},
		{"child.birth_date", date("31", "2", "2026"), nil, "tháng 2/2026 chỉ có 28 ngày", []string{"day"}},
		{"child.birth_date", date("x", "2", "2026"), nil, "ngày phải là số", []string{"day"}},
		{"child.birth_date", date("1", "13", "2026"), nil, "tháng phải từ 1 đến 12", []string{"month"}},
		{"child.birth_date", date("1", "1", "26"), nil, "4 chữ số", []string{"year"}},
		{"child.birth_date", date("23", "11", "2026"), nil, "tương lai", nil},
		{"child.birth_date", date("1", "1", "1980"), nil, "từ ngày 01/01/1990", nil},
		{"child.birth_date", date("5", "1", "2022"), nil, "đã khai sinh một con", nil},
		{"child.sex", []string{"child.sex", "female"}, "female", "", nil},
		{"child.sex", []string{"child.sex", "other"}, nil, "chọn một trong", nil},
		{"child.sex", nil, nil, "Chọn giới tính của con", nil},
		{"child.weight", []string{"child.weight", "3.200"}, int64(3200), "", nil},
		{"child.weight", []string{"child.weight", "3200,5"}, 3200.5, "", nil},
		{"child.weight", []string{"child.weight", "ba"}, nil, "phải là một số", nil},
		{"child.weight", []string{"child.weight", "9000"}, nil, "không được quá 8.000", nil},
		{"child.weight", []string{"child.weight", "1e9"}, nil, "phải là một số", nil},
		{"needs", []string{"needs", "insurance", "needs", "residence"}, []string{"residence", "insurance"}, "", nil},
		{"needs", []string{"needs", "gold"}, nil, "chọn một trong", nil},
	}
	for _, c := range cases {
		t.Run(c.field+" "+strings.Join(c.in, "_"), func(t *testing.T) {
			got, wrong := s.Validate(p, form(c.in...), st)
			check(t, c.field, got, wrong, c.want, c.wrong, c.parts)
		})
	}
}

func check(t *testing.T, field string, got map[string]any, wrong []services.FieldError, want any, words string, parts []string) {
	t.Helper()
	i := slices.IndexFunc(wrong, func(e services.FieldError) bool { return e.Field == field })
	if words == "" {
		if i >= 0 || fmt.Sprintf("%T %v", got[field], got[field]) != fmt.Sprintf("%T %v", want, want) {
			t.Fatalf("got %T %v, wrong %v; want %v", got[field], got[field], wrong, want)
		}
		return
	}
	switch {
	case i < 0:
		t.Fatalf("accepted %v; want a message with %q", got[field], words)
	case !strings.Contains(wrong[i].Message.VI, words):
		t.Errorf("message %q; want it to say %q", wrong[i].Message.VI, words)
	case wrong[i].Message.EN == "" || strings.Contains(wrong[i].Message.EN, "{") || strings.Contains(wrong[i].Message.VI, "⟦"):
		t.Errorf("message in English: %q", wrong[i].Message.EN)
	case !slices.Equal(wrong[i].Parts, parts):
		t.Errorf("parts %v, want %v", wrong[i].Parts, parts)
	}
}

func TestContactsAndFiles(t *testing.T) {
	s := birth(t)
	st := stateOf(s, 0)
	st.Answers = nil
	for in, want := range map[string]string{
		"0912 345 678": "+84912345678", "+84 912.345.678": "+84912345678", "84912345678": "+84912345678", "0084912345678": "+84912345678",
		"0112345678": "!03, 05", "091234567": "!10 chữ số", "09123456ab": "!chỉ được có chữ số", "": "!Nhập số điện thoại",
	} {
		got, wrong := s.Validate(page(t, s, "you"), form("contact.phone", in), st)
		words, bad := strings.CutPrefix(want, "!")
		if bad {
			want = ""
		} else {
			words = ""
		}
		check(t, "contact.phone", got, wrong, want, words, nil)
	}
	for in, good := range map[string]bool{"an@example.vn": true, "an@EXAMPLE.vn": true, "an@example": false, "An <an@example.vn>": false, "an@@x.vn": false, "an@x..vn": false, "😀@c.vn": false, strings.Repeat("a", 64) + "@c.vn": true, strings.Repeat("a", 65) + "@c.vn": false, "ân@c.vn": false, "a\u200bn@example.vn\u2060": true, "an@example.vn\r\nBcc: b@example.vn": false} {
		got, wrong := s.Validate(page(t, s, "you"), form("contact.phone", "0912345678", "contact.email", in), st)
		if (len(wrong) == 0) != good {
			t.Errorf("e-mail %q: %v %v", in, got, wrong)
		}
	}
	for _, c := range []struct {
		file services.File
		want string
	}{
		{services.File{Name: "a.jpg", Type: "image/jpeg", Size: 10, Hash: "h", Width: 800, Height: 600}, ""},
		{services.File{Name: "a.gif", Type: "image/gif", Size: 10, Hash: "h"}, "JPG, PNG, PDF"},
		{services.File{Name: "a.jpg", Type: "image/jpeg", Size: 6_000_000, Hash: "h"}, "nhỏ hơn 5 MB"},
		{services.File{Name: "a.jpg", Type: "image/jpeg", Size: 0, Hash: "h"}, "không có nội dung"},
		{services.File{Name: "a.jpg", Type: "image/jpeg", Size: 10, Hash: "h", Width: 100, Height: 100}, "600 × 400"},
		{services.File{}, "Tải lên ảnh giấy chứng sinh"},
	} {
		in := form("true_words", "yes")
		if c.file.Name != "" {
			in.Files = map[string]services.File{"proof": c.file}
		}
		got, wrong := s.Validate(page(t, s, "proof"), in, st)
		if c.want == "" && len(wrong) > 0 || c.want != "" && (len(wrong) != 1 || !strings.Contains(wrong[0].Message.VI, c.want)) {
			t.Errorf("%+v: %v %v", c.file, got, wrong)
		}
	}
}

func TestEvidenceIsAskedInRounds(t *testing.T) {
	s := birth(t)
	var rounds []string
	for _, r := range s.Stages() {
		var ids []string
		for _, e := range r {
			ids = append(ids, e.ID)
		}
		rounds = append(rounds, strings.Join(ids, "+"))
	}
	if got := strings.Join(rounds, " "); got != "parent+children marriage" {
		t.Errorf("rounds %q", got)
	}
	st := stateOf(s, 0)
	where, asked, err := s.EvidenceRequest(*s.EvidenceByID("marriage"), st)
	if err != nil || !asked || where["number"] != "M1" {
		t.Errorf("marriage: %v %v %v", where, asked, err)
	}
	st.Data["parent"] = nil
	if _, asked, err = s.EvidenceRequest(*s.EvidenceByID("marriage"), st); asked || err != nil {
		t.Errorf("without a parent there is no marriage to ask for: %v %v", asked, err)
	}
}

func TestOutputsWritesAndMessages(t *testing.T) {
	s := birth(t)
	st := stateOf(s, 0)
	st.Results = map[string]any{"birth": map[string]any{"id": "r1"}, "certificate": map[string]any{"id": "d1", "code": "ABC"}}
	st.Case = map[string]any{"code": "H26-1", "reason_title": map[string]any{"vi": "Không", "en": "No"}, "reason_ref": "Điều 1"}
	w, _ := s.WriteByID("birth")
	data, _, err := s.WriteData(w, st)
	if err != nil {
		t.Fatal(err)
	}
	child := data["child"].(map[string]any)
	if _, has := child["weight"]; has || child["full_name"] != "Nguyễn Minh Châu" || data["spouse"] != "001190000002" {
		t.Errorf("write %v: weight was not answered and must be left out", data)
	}
	o, _ := s.OutputByID("certificate")
	out, err := s.Output(o, st)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Lines) != 3 || out.Lines[0].Value.VI != "NGUYỄN MINH CHÂU" || out.Lines[2].Value.EN != "Female" || len(out.Owners) != 2 ||
		out.Number != "r1" || out.Photo["hash"] != "abc" || out.Note.EN != "Case H26-1" {
		t.Errorf("output %+v", out)
	}
	m, _ := s.MessageByID("done")
	text := s.MessageText(m, st)
	if text.Body.VI != "Sinh ngày 01/11/2026, Nữ. Mã giấy: ABC." || text.Body.EN != "Born on 1 November 2026, Female. Document: ABC." {
		t.Errorf("message %+v", text.Body)
	}
	m, _ = s.MessageByID("refused")
	if text := s.MessageText(m, st); text.Body.VI != "Không (Điều 1)" || text.Body.EN != "No (Điều 1)" {
		t.Errorf("message %+v", text.Body)
	}
}

func BenchmarkApplication(b *testing.B) {
	s := birth(b)
	st := stateOf(s, 0)
	p := page(b, s, "child")
	in := form("child.full_name", "Nguyễn Minh Châu", "child.birth_date-day", "1", "child.birth_date-month", "11",
		"child.birth_date-year", "2026", "child.sex", "female", "child.province", "01")
	b.ReportAllocs()
	for b.Loop() {
		if s.Stopped(st) != nil || len(s.Pages(st)) != 3 {
			b.Fatal("path")
		}
		if _, wrong := s.Validate(p, in, st); len(wrong) > 0 {
			b.Fatal(wrong)
		}
		if len(s.Prune(st)) == 0 || len(s.Complete(st)) > 0 {
			b.Fatal("answers")
		}
		if o, err := s.Decide("registration", st); err != nil || o.Out["result"] != "approve" {
			b.Fatal(o, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(birthYAML(f))
	f.Add("id: x\nversion: 1\n")
	f.Add("a: &a [*a]\n")
	f.Add("{")
	l, err := services.NewLoader(codes(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := l.Parse("f.yaml", []byte(text))
		if err == nil {
			s.Lint()
			s.Pages(services.State{Today: "2026-11-22"})
		}
	})
}

func FuzzValidate(f *testing.F) {
	s := birth(f)
	st := stateOf(s, 0)
	f.Add("child", "child.full_name", "Nguyễn Văn A")
	f.Add("child", "child.birth_date", "2026-02-30")
	f.Add("you", "contact.email", "a@b.vn")
	f.Add("late", "late.reason", "x\r\n\x00")
	f.Fuzz(func(t *testing.T, pageID, name, value string) {
		p, ok := s.Page(pageID)
		if !ok {
			return
		}
		got, wrong := s.Validate(p, form(name, value), st)
		for _, w := range wrong {
			if w.Message.VI == "" || w.Message.EN == "" {
				t.Errorf("%s: no message", w.Field)
			}
		}
		// What was accepted is stored; stored values must be accepted again as they are.
		for id, v := range got {
			if text, ok := v.(string); ok {
				again, wrong := s.Validate(p, form(id, text), st)
				if again[id] != v {
					t.Errorf("%s: %q became %v %v", id, text, again[id], wrong)
				}
			}
		}
	})
}
