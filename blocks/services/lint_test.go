package services_test

import (
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/services"
)

// parseChanged loads the example with old replaced by new everywhere.
func parseChanged(t *testing.T, pairs ...string) (*services.Service, error) {
	t.Helper()
	l, err := services.NewLoader(codes(t))
	if err != nil {
		t.Fatal(err)
	}
	text := birthYAML(t)
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the example does not hold %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return l.Parse("birth.yaml", []byte(text))
}

func TestLintFindsWhatIsWrong(t *testing.T) {
	cases := []struct {
		code, words string
		change      []string
	}{
		{"unknown_reference", "did you mean answers.child.birth_date", []string{"value: answers.child.birth_date, format: date", "value: answers.child.birthdate, format: date"}},
		{"unknown_reference", `add "email" to fields`, []string{"value: data.parent.full_name", "value: data.parent.email"}},
		{"unknown_reference", "add evidence with the id", []string{"when: data.parent == null", "when: data.father == null"}},
		{"unknown_reference", "add a condition", []string{"when: is.late\n", "when: is.tardy\n"}},
		{"unknown_reference", "no row of decision registration", []string{`decisions.registration.result == "approve"`, `decisions.registration.verdict == "approve"`}},
		{"unknown_reference", "case has code", []string{"{case.message}", "{case.words}"}},
		{"too_early", "only once the case is open", []string{"when: '!is.married'\n    fields", "when: results.birth != null\n    fields"}},
		{"value_outside", "validate", []string{"prefill: data.parent.residence.province", "prefill: value"}},
		{"condition_order", "move it above", []string{"expr: data.marriage != null", "expr: '!is.late'"}},
		{"unneeded_data", "data.parent.sex is never used", []string{"value: data.parent.sex, format: \"code:sexes\"", "value: data.parent.number"}},
		{"unneeded_evidence", "is never used", []string{
			`value: 'pluck(data.children, "child.full_name")'`, "value: data.parent.number", `'value in pluck(data.children, "child.birth_date")'`, "value == today"}},
		{"duplicate_id", "is already at", []string{"id: child.province", "id: child.sex"}},
		{"nested_id", "cannot stand inside", []string{"id: child.sex,", "id: child,"}},
		{"unknown_state", "there is no state \"nowhere\"", []string{"on: {corrected: review}", "on: {corrected: nowhere}"}},
		{"unreachable_state", "no way leads", []string{"title: {vi: Rút hồ sơ, en: Withdraw}, to: withdrawn", "title: {vi: Rút hồ sơ, en: Withdraw}, to: review"}},
		{"dead_end", "stays there for ever", []string{"      on: {corrected: review}\n", ""}},
		{"return_without_corrected", "corrected", []string{"on: {corrected: review}", "on: {paid: review}"}},
		{"final_with_exit", "has a way out", []string{"      final: approved\n", "      final: approved\n      next: [{to: review}]\n"}},
		{"unknown_message", "there is no message", []string{"{notify: correct}", "{notify: correction}"}},
		{"unknown_write", "there is no write", []string{"{write: birth}", "{write: death}"}},
		{"unused_message", "no step uses", []string{"      steps: [{notify: correct}]\n", ""}},
		{"unknown_action", "there is no action", []string{"four_eyes: [check]", "four_eyes: [look]"}},
		{"unknown_reason", "there is no reason", []string{"reasons: [not_proven]", "reasons: [unproven]"}},
		{"fee_without_bill", "bill: true", []string{"{bill: true}, ", ""}},
		{"roles_missing", "name the roles", []string{"to: refused, reasons", "to: refused, reasons", "title: {vi: Từ chối, en: Refuse}, roles: [registrar]", "title: {vi: Từ chối, en: Refuse}"}},
		{"queue_missing", "name the queue", []string{"      queue: civil-status\n", ""}},
		{"options_missing", "needs options", []string{", options_from: sexes", ""}},
		{"file_limits", "max_bytes", []string{", max_bytes: 5000000", ""}},
		{"table_overlap", "", []string{"hit: first", "hit: unique"}},
		{"appeal_missing", "add appeal", []string{"appeal: {within_days", "#"}},
		{"unknown_evidence", "there is no evidence", []string{`format: "code:sexes", source: parent`, `format: "code:sexes", source: mother`}},
	}
	for _, c := range cases {
		t.Run(c.code+" "+c.words, func(t *testing.T) {
			s, err := parseChanged(t, c.change...)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range s.Lint() {
				if f.Code == c.code && strings.Contains(f.Message, c.words) {
					if f.Line < 1 || f.File != "birth.yaml" || f.Path == "" {
						t.Errorf("finding without its place: %+v", f)
					}
					return
				}
			}
			t.Errorf("not found; findings: %v", s.Lint())
		})
	}
}

func TestLoadSaysWhereAndWhat(t *testing.T) {
	cases := []struct {
		name, words string
		change      []string
	}{
		{"unknown key", `pages[1].fields[0]: remove "max_len"`, []string{"max_length: 60", "max_len: 60"}},
		{"missing key", `add "consent"`, []string{"consent: {vi", "# {vi"}},
		{"bad enum", "use one of", []string{"status: live", "status: alive"}},
		{"status", "workflow.states[0].status", []string{"status: 2", "status: 12"}},
		{"bad id", "must match", []string{"id: late_fee", "id: Late-Fee"}},
		{"language", `add "en"`, []string{"title: {vi: Đã rút, en: Withdrawn}", "title: {vi: Đã rút}"}},
		{"expression", "conditions[0].expr: correct the expression", []string{"expr: data.marriage != null", "expr: 'data.marriage !='"}},
		{"code list", `code list "towns"`, []string{"options_from: provinces", "options_from: towns"}},
		{"pattern", "regular expression", []string{"max_length: 60", "max_length: 60, pattern: '('"}},
		{"circle", "circle", []string{"where: {number: applicant.number}", "where: {number: data.marriage.spouse}"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseChanged(t, c.change...)
			if err == nil || !strings.Contains(err.Error(), c.words) || !strings.HasPrefix(err.Error(), "birth.yaml:") {
				t.Errorf("error %v; want birth.yaml:line and %q", err, c.words)
			}
		})
	}
}

func TestABrokenPromiseFailsItsTest(t *testing.T) {
	s, err := parseChanged(t, `{when: {late: "false", asked: "false"}, out: {result: approve}`, `{when: {late: "false", asked: "false"}, out: {result: review}`)
	if err != nil {
		t.Fatal(err)
	}
	r := services.RunTests(s)[0]
	if r.Passed() || !strings.Contains(strings.Join(r.Failures, "\n"), "decision registration.result: expected approve, got review") {
		t.Errorf("failures %q", r.Failures)
	}
}

func TestHashCoversTheCodeListsItUses(t *testing.T) {
	l := func(c services.Codes) string {
		loader, err := services.NewLoader(c)
		if err != nil {
			t.Fatal(err)
		}
		s, err := loader.Parse("b.yaml", []byte(birthYAML(t)))
		if err != nil {
			t.Fatal(err)
		}
		return s.Hash
	}
	before, other, used := codes(t), codes(t), codes(t)
	other["unrelated"] = []services.Option{{Value: "x"}}
	used["sexes"][0].Label.EN = "Woman"
	if l(before) != l(other) {
		t.Error("a list that the service does not use made a new version of it")
	}
	if l(before) == l(used) {
		t.Error("an edit of a list that the service uses must make a new version")
	}
}

func TestPreviewShowsEveryPage(t *testing.T) {
	s := birth(t)
	got := s.Preview(stateOf(s, 0), "vi").String()
	for _, want := range []string{"1. Thông tin của bạn", "Giới tính: Nam  ← Cơ sở dữ liệu quốc gia về dân cư", "- Vì sao khai muộn (late)", "when is.late", "( ) Nữ"} {
		if !strings.Contains(got, want) {
			t.Errorf("preview lacks %q:\n%s", want, got)
		}
	}
}
