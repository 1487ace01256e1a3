package services

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/rules"
)

// Levels of a finding. An error keeps a definition from being published.
const (
	LevelError   = "error"
	LevelWarning = "warning"
)

// Finding is something a service team should look at.
type Finding struct {
	Level   string `json:"level"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Path    string `json:"path"`
	Code    string `json:"code"`
	Message string `json:"message"` // what to change
}

// String gives file:line: level: path: message (code).
func (f Finding) String() string {
	at := f.File
	if f.Line > 0 {
		at += ":" + strconv.Itoa(f.Line)
	}
	if at != "" {
		at += ": "
	}
	return fmt.Sprintf("%s%s: %s: %s (%s)", at, f.Level, f.Path, f.Message, f.Code)
}

// HasErrors says whether findings keep a definition from being published.
func HasErrors(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Level == LevelError })
}

// Lint looks at a definition that need not compile: what the expressions of
// the right types mean together. Findings come in the order of the file's
// sections.
func Lint(def *Definition) []Finding {
	l := &linter{def: def}
	r, err := newReader()
	if err != nil {
		return []Finding{{Level: LevelError, Code: "internal", Message: err.Error()}}
	}
	l.reader = r
	l.run()
	return l.findings
}

// Lint is the package's Lint with the lines of the file.
func (s *Service) Lint() []Finding {
	findings := Lint(&s.Definition)
	for i := range findings {
		findings[i].File, findings[i].Line = s.File, s.line(findings[i].Path)
	}
	return findings
}

type linter struct {
	def      *Definition
	reader   *reader
	findings []Finding
}

func (l *linter) run() {
	l.languages(reflect.ValueOf(*l.def), "")
	l.duplicates()
	if l.def.Pack != nil {
		return // the schema leaves nothing else to look at
	}
	l.fields()
	l.references()
	l.evidence()
	l.tables()
	l.workflow()
	l.steps()
	l.actions()
	l.money()
	l.tests()
}

func (l *linter) error(path, code, format string, args ...any) {
	l.findings = append(l.findings, Finding{Level: LevelError, Path: path, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (l *linter) warn(path, code, format string, args ...any) {
	l.findings = append(l.findings, Finding{Level: LevelWarning, Path: path, Code: code, Message: fmt.Sprintf(format, args...)})
}

// languages finds texts that stand in one language only.
func (l *linter) languages(v reflect.Value, at string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			l.languages(v.Elem(), at)
		}
	case reflect.Slice:
		for i := range v.Len() {
			l.languages(v.Index(i), fmt.Sprintf("%s[%d]", at, i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[i18n.Text]() {
			l.language(v.Interface().(i18n.Text), at)
			return
		}
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			if name == "" || name == "-" {
				continue
			}
			l.languages(v.Field(i), join(at, name))
		}
	}
}

func (l *linter) language(t i18n.Text, at string) {
	switch {
	case t.VI == "" && t.EN != "":
		l.error(at, "language_missing", "add the Vietnamese text (vi) for %q", t.EN)
	case t.EN == "" && t.VI != "":
		l.error(at, "language_missing", "add the English text (en) for %q", t.VI)
	}
}

// unique collects ids of one kind and reports the second of each.
func (l *linter) unique(what string) func(path, id string) {
	seen := map[string]string{}
	return func(path, id string) {
		if id == "" {
			return
		}
		if first, taken := seen[id]; taken {
			l.error(path, "duplicate_id", "%s %q is already at %s; choose another id", what, id, first)
			return
		}
		seen[id] = path
	}
}

func (l *linter) duplicates() {
	d := l.def
	each := func(what string, n int, path func(int) string, id func(int) string) {
		u := l.unique(what)
		for i := range n {
			u(path(i)+".id", id(i))
		}
	}
	in := func(section string) func(int) string {
		return func(i int) string { return fmt.Sprintf("%s[%d]", section, i) }
	}
	each("evidence", len(d.Evidence), in("evidence"), func(i int) string { return d.Evidence[i].ID })
	each("condition", len(d.Condition), in("conditions"), func(i int) string { return d.Condition[i].ID })
	each("page", len(d.Pages), in("pages"), func(i int) string { return d.Pages[i].ID })
	each("decision", len(d.Decisions), in("decisions"), func(i int) string { return d.Decisions[i].ID })
	each("write", len(d.Writes), in("writes"), func(i int) string { return d.Writes[i].ID })
	each("output", len(d.Outputs), in("outputs"), func(i int) string { return d.Outputs[i].ID })
	each("message", len(d.Messages), in("messages"), func(i int) string { return d.Messages[i].ID })
	each("reason", len(d.Reasons), in("reasons"), func(i int) string { return d.Reasons[i].ID })
	each("state", len(d.Workflow.States), in("workflow.states"), func(i int) string { return d.Workflow.States[i].ID })
	each("test", len(d.Tests), in("tests"), func(i int) string { return d.Tests[i].Name })
	results := l.unique("the result name")
	for i, st := range d.Workflow.States {
		actions := l.unique("action")
		for j, a := range st.Action {
			actions(fmt.Sprintf("workflow.states[%d].actions[%d].id", i, j), a.ID)
		}
		for j, x := range st.Steps {
			if x.When == "" { // steps of different whens may share a name: one of them runs
				results(fmt.Sprintf("workflow.states[%d].steps[%d].id", i, j), x.ResultName())
			}
		}
	}
}

// tables has every decision table judged by the rules package.
func (l *linter) tables() {
	for i, t := range l.def.Decisions {
		at := fmt.Sprintf("decisions[%d]", i)
		for _, f := range rules.Lint(t) {
			path := at
			if f.Row >= 0 {
				path = fmt.Sprintf("%s.rows[%d]", at, f.Row)
			}
			l.findings = append(l.findings, Finding{Level: fmt.Sprint(f.Level), Path: path,
				Code: "table_" + f.Code, Message: fmt.Sprintf("table %s: %s", t.ID, f.Message)})
		}
	}
}

// money looks at the fee and at whether the workflow asks for it.
func (l *linter) money() {
	bills, waits := "", false
	for i, st := range l.def.Workflow.States {
		for j, x := range st.Steps {
			at := fmt.Sprintf("workflow.states[%d].steps[%d]", i, j)
			if x.Bill {
				bills = at
				waits = waits || st.On["paid"] != "" || len(st.Next) > 0
			}
			if (x.Bill || x.Refund) && l.def.Fee == nil {
				l.error(at, "bill_without_fee", "the service has no fee; add fee: or remove this step")
			}
		}
	}
	f := l.def.Fee
	if f == nil {
		return
	}
	if f.Amount > 0 && f.Decision != "" {
		l.error("fee", "fee_twice", "give amount or decision, not both")
	}
	if f.Amount == 0 && f.Decision == "" {
		l.error("fee", "fee_empty", "give an amount or a decision; remove fee when the service is free")
	}
	if f.Decision != "" {
		l.feeColumn(f.Decision)
	}
	switch {
	case bills == "":
		l.error("fee", "fee_without_bill", "no state has the step bill: true, so the fee is never asked for")
	case !waits:
		l.error(bills, "bill_without_paid", "add on: {paid: <state>} to this state, so that a payment moves the case on")
	}
}

func (l *linter) feeColumn(id string) {
	for i, t := range l.def.Decisions {
		if t.ID != id {
			continue
		}
		for j, row := range t.Rows {
			text, _ := row.Out["amount"].(string)
			if _, ok := plainCopy(row.Out["amount"]).(int64); !ok && !strings.HasPrefix(text, "=") {
				l.error(fmt.Sprintf("decisions[%d].rows[%d].out", i, j), "fee_amount",
					"the fee reads amount; add amount: <whole number of minor units>")
			}
		}
		return
	}
	l.error("fee.decision", "unknown_decision", "there is no decision %q; known: %s", id, l.decisionIDs())
}

func (l *linter) decisionIDs() string {
	return ids(l.def.Decisions, func(t rules.Table) string { return t.ID })
}

func ids[T any](list []T, id func(T) string) string {
	if len(list) == 0 {
		return "none"
	}
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = id(x)
	}
	return strings.Join(out, ", ")
}

// tests asks for examples of what can go well and of what cannot.
func (l *linter) tests() {
	if len(l.def.Tests) == 0 {
		l.error("tests", "tests_missing", "add tests: at least one application that is approved and one that is not")
		return
	}
	reached := map[string]bool{}
	for i, t := range l.def.Tests {
		reached[t.Expect.State] = true
		if s, ok := t.Given.Applicant["number"].(string); !ok || s == "" {
			l.error(fmt.Sprintf("tests[%d].given.applicant", i), "test_applicant", "give number as text in quotes, e.g. number: \"001090000001\"")
		}
		for id := range t.Given.Data {
			if !slices.ContainsFunc(l.def.Evidence, func(e Evidence) bool { return e.ID == id }) {
				l.error(fmt.Sprintf("tests[%d].given.data.%s", i, id), "unknown_evidence", "there is no evidence %q", id)
			}
		}
	}
	for i, st := range l.def.Workflow.States {
		if st.Final != "" && st.Final != "withdrawn" && !reached[st.ID] {
			l.warn(fmt.Sprintf("workflow.states[%d]", i), "state_untested", "no test expects state: %s; add one that ends there", st.ID)
		}
	}
}
