package services

import (
	"fmt"
	"math"
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// scope is a State prepared for expressions: answers nested, declared names
// present (as null), conditions evaluated. It belongs to one call.
type scope struct {
	s       *Service
	vars    map[string]any
	answers map[string]any
	is      map[string]any
}

// Vars gives the variables that expressions of s see in st. The maps are
// copies: writing to them changes nothing.
func (s *Service) Vars(st State) map[string]any { return s.scope(st, i18n.VI).vars }

func (s *Service) scope(st State, lang i18n.Lang) *scope {
	sc := &scope{s: s, answers: nest(st.Answers), is: make(map[string]any, len(s.Condition))}
	for _, f := range s.fields {
		fillNull(sc.answers, f.parts)
	}
	sc.vars = map[string]any{
		"applicant": withNulls(st.Applicant, []string{"number", "name", "birth_date", "on_behalf"}, ""),
		"data":      s.dataVars(st.Data),
		"answers":   sc.answers,
		"is":        sc.is,
		"decisions": s.decisionVars(st.Decisions),
		"results":   s.resultVars(st.Results),
		"case":      caseVars(st.Case, lang),
		"today":     st.Today,
		"value":     nil,
	}
	sc.judge()
	return sc
}

func withNulls(m map[string]any, names []string, empty any) map[string]any {
	out := make(map[string]any, len(m)+len(names))
	for _, n := range names {
		out[n] = empty
	}
	for k, v := range m {
		if v != nil || out[k] == nil {
			out[k] = plainCopy(v)
		}
	}
	return out
}

func (s *Service) dataVars(data map[string]any) map[string]any {
	out := make(map[string]any, len(s.Evidence))
	for i := range s.Evidence {
		e := &s.Evidence[i]
		v := plainCopy(data[e.ID])
		switch v := v.(type) {
		case map[string]any:
			if e.Many {
				out[e.ID] = []any{e.filled(v)}
				continue
			}
			out[e.ID] = e.filled(v)
		case []any:
			for _, r := range v {
				if m, ok := r.(map[string]any); ok {
					e.filled(m)
				}
			}
			out[e.ID] = v
			if !e.Many {
				out[e.ID] = nil
				if len(v) > 0 {
					out[e.ID] = v[0]
				}
			}
		default:
			out[e.ID] = nil
			if e.Many {
				out[e.ID] = []any{}
			}
		}
	}
	return out
}

// filled gives every asked field a place, so that reading one that the record
// does not have gives null rather than an error.
func (e *Evidence) filled(record map[string]any) map[string]any {
	for _, f := range e.Fields {
		if !strings.Contains(f, ".") {
			if _, ok := record[f]; !ok {
				record[f] = nil
			}
			continue
		}
		fillNull(record, strings.Split(f, "."))
	}
	return record
}

func (s *Service) decisionVars(given map[string]any) map[string]any {
	out := make(map[string]any, len(s.Decisions)+len(given))
	for i := range s.Decisions {
		out[s.Decisions[i].ID] = nil
	}
	for k, v := range given {
		out[k] = plainCopy(v)
	}
	return out
}

func (s *Service) resultVars(given map[string]any) map[string]any {
	out := make(map[string]any, len(given)+8)
	for i := range s.Workflow.States {
		for _, step := range s.Workflow.States[i].Steps {
			if name := step.ResultName(); name != "" {
				out[name] = nil
			}
		}
	}
	for k, v := range given {
		out[k] = plainCopy(v)
	}
	return out
}

// CaseNames are the members of the variable case.
func CaseNames() []string {
	return []string{"code", "submitted_on", "due_on", "reason", "reason_title", "reason_ref", "message"}
}

func caseVars(given map[string]any, lang i18n.Lang) map[string]any {
	out := make(map[string]any, 8)
	for _, n := range CaseNames() {
		out[n] = ""
	}
	for k, v := range given {
		switch v := v.(type) {
		case nil:
		case i18n.Text:
			out[k] = v.In(lang)
		case map[string]any:
			out[k] = v
			vi, okVI := v["vi"].(string)
			en, okEN := v["en"].(string)
			if okVI && okEN && len(v) == 2 {
				out[k] = i18n.Text{VI: vi, EN: en}.In(lang)
			}
		default:
			out[k] = plainCopy(v)
		}
	}
	return out
}

// judge evaluates the named conditions in their order. One that cannot be
// evaluated is false.
func (sc *scope) judge() {
	for i := range sc.s.Condition {
		c := &sc.s.Condition[i]
		sc.is[c.ID] = sc.truth(c.Expr)
	}
}

// truth evaluates a when: empty is true, what cannot be evaluated is false.
func (sc *scope) truth(expr string) bool {
	if expr == "" {
		return true
	}
	ok, err := sc.decide(expr)
	return ok && err == nil
}

// decide evaluates a when whose failure matters.
func (sc *scope) decide(expr string) (bool, error) {
	if expr == "" {
		return true, nil
	}
	v, err := sc.eval(expr)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("%s: %q gives %T; it must be true or false", sc.s.ID, expr, v)
	}
	return b, nil
}

func (sc *scope) eval(expr string) (any, error) {
	p := sc.s.programs[expr]
	if p == nil {
		return nil, fmt.Errorf("%s: %q is not an expression of this definition", sc.s.ID, expr)
	}
	v, err := p.Eval(sc.vars)
	if err != nil {
		return nil, fmt.Errorf("%s: %q: %w", sc.s.ID, expr, err)
	}
	return v, nil
}

// value evaluates where a null will do for what cannot be evaluated.
func (sc *scope) value(expr string) any {
	if expr == "" {
		return nil
	}
	v, err := sc.eval(expr)
	if err != nil {
		return nil
	}
	return v
}

// set puts an answer of a page's field in place and judges the conditions
// anew when one of them reads it.
func (sc *scope) set(f *fieldInfo, v any) {
	setPath(sc.answers, f.parts, v)
	if f.judged {
		sc.judge()
	}
}

func (sc *scope) answer(f *fieldInfo) any { return getPath(sc.answers, f.parts) }

// nest copies answers, opening dotted keys: {"child.name": x} and
// {"child": {"name": x}} become the same.
func nest(flat map[string]any) map[string]any {
	out := make(map[string]any, len(flat)+8)
	for k, v := range flat {
		if m, ok := v.(map[string]any); ok {
			v = nest(m)
			if old, ok := getPath(out, strings.Split(k, ".")).(map[string]any); ok {
				merge(old, v.(map[string]any))
				continue
			}
		} else {
			v = plainCopy(v)
		}
		if !strings.Contains(k, ".") {
			out[k] = v
			continue
		}
		setPath(out, strings.Split(k, "."), v)
	}
	return out
}

func merge(into, from map[string]any) {
	for k, v := range from {
		if a, ok := into[k].(map[string]any); ok {
			if b, ok := v.(map[string]any); ok {
				merge(a, b)
				continue
			}
		}
		into[k] = v
	}
}

func setPath(m map[string]any, parts []string, v any) {
	for _, p := range parts[:len(parts)-1] {
		next, ok := m[p].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[p] = next
		}
		m = next
	}
	last := parts[len(parts)-1]
	if old, ok := m[last].(map[string]any); ok {
		if add, ok := v.(map[string]any); ok {
			merge(old, add)
			return
		}
	}
	m[last] = v
}

func getPath(m map[string]any, parts []string) any {
	for _, p := range parts[:len(parts)-1] {
		next, ok := m[p].(map[string]any)
		if !ok {
			return nil
		}
		m = next
	}
	return m[parts[len(parts)-1]]
}

func fillNull(m map[string]any, parts []string) {
	for i, p := range parts {
		v, ok := m[p]
		if i == len(parts)-1 {
			if !ok {
				m[p] = nil
			}
			return
		}
		next, isMap := v.(map[string]any)
		if !isMap {
			if v != nil {
				return // the record holds something else there; leave it
			}
			next = map[string]any{}
			m[p] = next
		}
		m = next
	}
}

// plainCopy copies what JSON or YAML gave. Whole numbers become int64, so that
// an answer means the same before and after it was stored.
func plainCopy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = plainCopy(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plainCopy(x)
		}
		return out
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	case int:
		return int64(v)
	case []string:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = x
		}
		return out
	}
	return v
}
