package services

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The roots that expressions may name; see Definition.
func rootNames() []string {
	return []string{"applicant", "data", "answers", "is", "decisions", "results", "case", "today", "value"}
}

// use says what the result of an expression is for.
type use int

const (
	useValue use = iota
	useTruth
	useText
)

// site is one expression where it stands.
type site struct {
	path string
	expr string
	use  use
	// value is true where the variable value (the answer under test) may be read.
	value bool
	// workflow is true where decisions, results and case may be known.
	workflow bool
	// table is true for outcomes that a table computes; the table compiles them.
	table bool
}

// eachExpr visits every expression of def, those inside messages too.
func eachExpr(def *Definition, visit func(site)) {
	v := func(s site) {
		if s.expr != "" {
			visit(s)
		}
	}
	for i, e := range def.Evidence {
		at := fmt.Sprintf("evidence[%d]", i)
		v(site{path: at + ".when", expr: e.When, use: useTruth})
		eachOf(e.Where, func(k, x string) { v(site{path: at + ".where." + k, expr: x}) })
	}
	for i, c := range def.Condition {
		v(site{path: fmt.Sprintf("conditions[%d].expr", i), expr: c.Expr, use: useTruth})
	}
	for i, e := range def.Eligible {
		v(site{path: fmt.Sprintf("eligibility[%d].when", i), expr: e.When, use: useTruth})
	}
	for i, p := range def.Pages {
		pageExprs(fmt.Sprintf("pages[%d]", i), p, v)
	}
	for i, d := range def.Decisions {
		for j, in := range d.Inputs {
			v(site{path: fmt.Sprintf("decisions[%d].inputs[%d].expr", i, j), expr: in.Expr, workflow: true})
		}
		for j, row := range d.Rows {
			for k, out := range row.Out {
				if text, ok := out.(string); ok && strings.HasPrefix(text, "=") {
					v(site{path: fmt.Sprintf("decisions[%d].rows[%d].out.%s", i, j, k), expr: strings.TrimSpace(text[1:]), table: true, workflow: true})
				}
			}
		}
	}
	flowExprs(def, v)
	outputExprs(def, v)
}

func pageExprs(at string, p Page, v func(site)) {
	v(site{path: at + ".when", expr: p.When, use: useTruth})
	for j, k := range p.Known {
		v(site{path: fmt.Sprintf("%s.known[%d].value", at, j), expr: k.Value})
		v(site{path: fmt.Sprintf("%s.known[%d].when", at, j), expr: k.When, use: useTruth})
	}
	for j, f := range p.Fields {
		fieldExprs(fmt.Sprintf("%s.fields[%d]", at, j), f, v)
	}
}

func fieldExprs(at string, f Field, v func(site)) {
	v(site{path: at + ".when", expr: f.When, use: useTruth})
	v(site{path: at + ".prefill", expr: f.Prefill})
	v(site{path: at + ".min", expr: quoteDate(f.Min)})
	v(site{path: at + ".max", expr: quoteDate(f.Max)})
	for k, o := range f.Options {
		v(site{path: fmt.Sprintf("%s.options[%d].when", at, k), expr: o.When, use: useTruth})
	}
	for k, c := range f.Validate {
		v(site{path: fmt.Sprintf("%s.validate[%d].when", at, k), expr: c.When, use: useTruth, value: true})
	}
}

func flowExprs(def *Definition, v func(site)) {
	for i, st := range def.Workflow.States {
		at := fmt.Sprintf("workflow.states[%d]", i)
		for j, x := range st.Steps {
			v(site{path: fmt.Sprintf("%s.steps[%d].when", at, j), expr: x.When, use: useTruth, workflow: true})
		}
		for j, n := range st.Next {
			v(site{path: fmt.Sprintf("%s.next[%d].when", at, j), expr: n.When, use: useTruth, workflow: true})
		}
		for j, a := range st.Action {
			v(site{path: fmt.Sprintf("%s.actions[%d].when", at, j), expr: a.When, use: useTruth, workflow: true})
			for k, f := range a.Form {
				fieldExprs(fmt.Sprintf("%s.actions[%d].form[%d]", at, j, k), f, func(s site) { s.workflow = true; v(s) })
			}
		}
	}
}

func outputExprs(def *Definition, v func(site)) {
	w := func(path, expr string) { v(site{path: path, expr: expr, workflow: true}) }
	for i, x := range def.Writes {
		at := fmt.Sprintf("writes[%d]", i)
		w(at+".record", x.Record)
		eachOf(x.Data, func(k, e string) { w(at+".data."+k, e) })
	}
	for i, o := range def.Outputs {
		at := fmt.Sprintf("outputs[%d]", i)
		for j, x := range o.Owners {
			w(fmt.Sprintf("%s.owners[%d]", at, j), x)
		}
		w(at+".valid_until", o.Valid)
		w(at+".number", o.Number)
		w(at+".photo", o.Photo)
		for j, l := range o.Lines {
			w(fmt.Sprintf("%s.lines[%d].value", at, j), l.Value)
		}
	}
	eachTemplate(def, func(path, text string) {
		for _, p := range parseTemplate(text) {
			w(path, p.expr)
		}
	})
}

// eachTemplate visits the texts whose {…} are expressions.
func eachTemplate(def *Definition, visit func(path, text string)) {
	for i, m := range def.Messages {
		at := fmt.Sprintf("messages[%d]", i)
		visit(at+".subject.vi", m.Subject.VI)
		visit(at+".subject.en", m.Subject.EN)
		visit(at+".body.vi", m.Body.VI)
		visit(at+".body.en", m.Body.EN)
		visit(at+".sms.vi", m.SMS.VI)
		visit(at+".sms.en", m.SMS.EN)
	}
	for i, o := range def.Outputs {
		visit(fmt.Sprintf("outputs[%d].note.vi", i), o.Note.VI)
		visit(fmt.Sprintf("outputs[%d].note.en", i), o.Note.EN)
	}
}

func eachOf(m map[string]string, visit func(key, value string)) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		visit(k, m[k])
	}
}

// quoteDate lets authors write a bare date as a limit, which would otherwise
// be read as a subtraction.
func quoteDate(expr string) string {
	if isDate(strings.TrimSpace(expr)) {
		return `"` + strings.TrimSpace(expr) + `"`
	}
	return expr
}

// piece is a stretch of a template: plain text, or an expression with the
// format that follows a single |.
type piece struct {
	text   string
	expr   string
	format string
}

// parseTemplate cuts text at its {expression | format} places. A brace that
// never closes is plain text.
func parseTemplate(text string) []piece {
	var out []piece
	for {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			break
		}
		end := closing(text[open:])
		if end < 0 {
			break
		}
		if open > 0 {
			out = append(out, piece{text: text[:open]})
		}
		out = append(out, cutFormat(text[open+1:open+end]))
		text = text[open+end+1:]
	}
	if text != "" {
		out = append(out, piece{text: text})
	}
	return out
}

// closing finds the brace that closes the one at the start, past quoted text.
func closing(s string) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func cutFormat(expr string) piece {
	i := strings.LastIndexByte(expr, '|')
	if i > 0 && expr[i-1] != '|' {
		f := strings.TrimSpace(expr[i+1:])
		if f == "date" || f == "money" || strings.HasPrefix(f, "code:") {
			return piece{expr: strings.TrimSpace(expr[:i]), format: f}
		}
	}
	return piece{expr: strings.TrimSpace(expr)}
}

// codeName is a code list where it is named.
type codeName struct{ list, path string }

// codeNames lists every mention of a code list.
func codeNames(def *Definition) []codeName {
	var out []codeName
	add := func(path, format string) {
		if list, ok := strings.CutPrefix(format, "code:"); ok {
			out = append(out, codeName{list, path})
		}
	}
	eachField(def, func(path string, f Field) {
		if f.OptionsFrom != "" {
			out = append(out, codeName{f.OptionsFrom, path + ".options_from"})
		}
	})
	for i, p := range def.Pages {
		for j, k := range p.Known {
			add(fmt.Sprintf("pages[%d].known[%d].format", i, j), k.Format)
		}
	}
	for i, o := range def.Outputs {
		for j, l := range o.Lines {
			add(fmt.Sprintf("outputs[%d].lines[%d].format", i, j), l.Format)
		}
	}
	eachTemplate(def, func(path, text string) {
		for _, p := range parseTemplate(text) {
			add(path, p.format)
		}
	})
	return out
}

// eachField visits the fields of pages and of actions' forms.
func eachField(def *Definition, visit func(path string, f Field)) {
	for i, p := range def.Pages {
		for j, f := range p.Fields {
			visit(fmt.Sprintf("pages[%d].fields[%d]", i, j), f)
		}
	}
	for i, st := range def.Workflow.States {
		for j, a := range st.Action {
			for k, f := range a.Form {
				visit(fmt.Sprintf("workflow.states[%d].actions[%d].form[%d]", i, j, k), f)
			}
		}
	}
}
