package services

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/dinh-gov/dinh/kernel/rules"
)

// matcher is a field's pattern, anchored at both ends.
type matcher = *regexp.Regexp

// fieldInfo is what the engine knows about a field of a page.
type fieldInfo struct {
	page   int
	field  *Field
	parts  []string // id, cut at its dots
	judged bool     // a condition reads it
}

// compile prepares everything that evaluation needs and reports all that
// stands in the way.
func (s *Service) compile() []*Problem {
	var problems []*Problem
	fail := func(path, format string, args ...any) {
		problems = append(problems, &Problem{s.File, s.line(path), path, fmt.Sprintf(format, args...)})
	}
	s.programs = map[string]*rules.Program{}
	eachExpr(&s.Definition, func(x site) {
		if x.table || s.programs[x.expr] != nil {
			return
		}
		p, err := s.env.Compile(x.expr)
		if err != nil {
			fail(x.path, "correct the expression: %v", err)
			return
		}
		s.programs[x.expr] = p
	})
	s.decisions = map[string]*rules.Decision{}
	for i, t := range s.Definition.Decisions {
		d, err := s.env.CompileTable(t)
		if err != nil {
			fail(fmt.Sprintf("decisions[%d]", i), "correct the table %s: %v", t.ID, err)
			continue
		}
		s.decisions[t.ID] = d
	}
	s.compileTexts(fail)
	s.compileFields()
	if len(problems) == 0 {
		problems = append(problems, s.relate()...)
	}
	return problems
}

func (s *Service) compileTexts(fail func(path, format string, args ...any)) {
	s.templates = map[string][]piece{}
	eachTemplate(&s.Definition, func(_, text string) {
		if text != "" {
			s.templates[text] = parseTemplate(text)
		}
	})
	s.patterns = map[string]matcher{}
	eachField(&s.Definition, func(path string, f Field) {
		if f.Pattern == "" {
			return
		}
		re, err := regexp.Compile(`^(?:` + f.Pattern + `)$`)
		if err != nil {
			fail(path+".pattern", "correct the regular expression: %v", err)
			return
		}
		s.patterns[f.Pattern] = re
	})
	for _, c := range codeNames(&s.Definition) {
		if s.options(c.list) == nil {
			fail(c.path, "code list %q is neither in country/codes.yaml nor the options of a field; add it or correct the name", c.list)
		}
	}
}

func (s *Service) compileFields() {
	s.fields = map[string]*fieldInfo{}
	for i := range s.Definition.Pages {
		for j := range s.Definition.Pages[i].Fields {
			f := &s.Definition.Pages[i].Fields[j]
			s.fields[f.ID] = &fieldInfo{page: i, field: f, parts: strings.Split(f.ID, ".")}
		}
	}
}

// options finds a list by name: the country's, else a field's own.
func (s *Service) options(list string) []Option {
	if o := s.codes[list]; o != nil {
		return o
	}
	if f := s.fieldByID(list); f != nil {
		return f.Options
	}
	return nil
}

func (s *Service) fieldByID(id string) *Field {
	for i := range s.Definition.Pages {
		for j := range s.Definition.Pages[i].Fields {
			if f := &s.Definition.Pages[i].Fields[j]; f.ID == id {
				return f
			}
		}
	}
	return nil
}

// relate works out which fields conditions read, and in which order evidence
// can be asked.
func (s *Service) relate() []*Problem {
	r, err := newReader()
	if err != nil {
		return []*Problem{{File: s.File, Message: err.Error()}}
	}
	for _, c := range s.Condition {
		for _, x := range r.refs(c.Expr) {
			if x.root == "answers" {
				s.markJudged(x.path)
			}
		}
	}
	s.findReveals(r)
	var problems []*Problem
	s.stages, problems = s.stageEvidence(r)
	return problems
}

// findReveals finds fields that an option on their own page shows.
func (s *Service) findReveals(r *reader) {
	s.reveals = map[string]Reveal{}
	for id, f := range s.fields {
		by, option, ok := r.revealing(f.field.When)
		other := s.fields[by]
		if !ok || other == nil || other.page != f.page {
			continue
		}
		if t := other.field.Type; t == TypeRadios || t == TypeYesNo {
			s.reveals[id] = Reveal{by, option}
		}
	}
}

// markJudged marks the fields at path, under it and above it.
func (s *Service) markJudged(path []string) {
	id := strings.Join(path, ".")
	for fid, f := range s.fields {
		if fid == id || id == "" || strings.HasPrefix(fid, id+".") || strings.HasPrefix(id, fid+".") {
			f.judged = true
		}
	}
}

// stageEvidence sorts evidence into rounds: what a round needs, earlier rounds
// have brought. Evidence may also hang on conditions, which hang on evidence.
func (s *Service) stageEvidence(r *reader) ([][]Evidence, []*Problem) {
	needs := map[string]map[string]bool{}
	for _, c := range s.Condition {
		needs["is."+c.ID] = s.needs(r, needs, c.Expr)
	}
	left := make([]Evidence, len(s.Definition.Evidence))
	copy(left, s.Definition.Evidence)
	declared, have := map[string]bool{}, map[string]bool{}
	for _, e := range left {
		declared[e.ID] = true
	}
	var stages [][]Evidence
	for len(left) > 0 {
		var now, later []Evidence
		for _, e := range left {
			if ready(s.needs(r, needs, e.expressions()...), have, declared) {
				now = append(now, e)
			} else {
				later = append(later, e)
			}
		}
		if len(now) == 0 {
			path := fmt.Sprintf("evidence (%s)", later[0].ID)
			return nil, []*Problem{{s.File, s.line("evidence"), path,
				"needs an answer of itself, or of evidence that waits for it; break the circle in where and when"}}
		}
		stages = append(stages, now)
		for _, e := range now {
			have[e.ID] = true
		}
		left = later
	}
	return stages, nil
}

func (s *Service) needs(r *reader, known map[string]map[string]bool, exprs ...string) map[string]bool {
	out := map[string]bool{}
	for _, x := range exprs {
		for _, ref := range r.refs(x) {
			switch ref.root {
			case "data":
				out[ref.head()] = true
			case "is":
				for id := range known["is."+ref.head()] {
					out[id] = true
				}
			}
		}
	}
	return out
}

// expressions lists the expressions that decide whether and with what e is asked.
func (e Evidence) expressions() []string {
	exprs := []string{e.When}
	eachOf(e.Where, func(_, x string) { exprs = append(exprs, x) })
	return exprs
}

// ready says whether everything that is needed and declared is there already.
func ready(needs, have, declared map[string]bool) bool {
	for id := range needs {
		if declared[id] && !have[id] {
			return false
		}
	}
	return true
}

// Stages gives the evidence in rounds: all of one round may be asked at the
// same time, since it needs only what earlier rounds answered.
func (s *Service) Stages() [][]Evidence { return s.stages }
