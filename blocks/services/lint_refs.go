package services

import (
	"fmt"
	"slices"
	"strings"
)

// names is everything that expressions of one definition may read.
type names struct {
	evidence   map[string]*Evidence
	answers    map[string]bool // field ids and what they stand in
	actions    map[string]bool // answers.<action>.<field>
	conditions map[string]int
	decisions  map[string]map[string]bool // out columns
	results    map[string]bool
	caseNames  []string
}

func (l *linter) names() names {
	n := names{evidence: map[string]*Evidence{}, answers: map[string]bool{}, actions: map[string]bool{},
		conditions: map[string]int{}, decisions: map[string]map[string]bool{}, results: map[string]bool{}, caseNames: CaseNames()}
	for i := range l.def.Evidence {
		n.evidence[l.def.Evidence[i].ID] = &l.def.Evidence[i]
	}
	for _, p := range l.def.Pages {
		for _, f := range p.Fields {
			addPrefixes(n.answers, f.ID)
		}
	}
	for i, c := range l.def.Condition {
		n.conditions[c.ID] = i
	}
	for _, t := range l.def.Decisions {
		n.decisions[t.ID] = map[string]bool{}
		for _, r := range t.Rows {
			for k := range r.Out {
				n.decisions[t.ID][k] = true
			}
		}
	}
	for _, st := range l.def.Workflow.States {
		for _, x := range st.Steps {
			n.results[x.ResultName()] = true
		}
		for _, a := range st.Action {
			for _, f := range a.Form {
				addPrefixes(n.actions, a.ID+"."+f.ID)
			}
		}
	}
	return n
}

func addPrefixes(set map[string]bool, id string) {
	for i, c := range id {
		if c == '.' {
			set[id[:i]] = true
		}
	}
	set[id] = true
}

// references checks everything that every expression reads.
func (l *linter) references() {
	n := l.names()
	eachExpr(l.def, func(x site) {
		for _, r := range l.reader.refs(x.expr) {
			l.reference(n, x, r)
		}
	})
}

func (l *linter) reference(n names, x site, r ref) {
	bad := func(format string, args ...any) {
		l.error(x.path, "unknown_reference", "%s is not declared; %s", r, fmt.Sprintf(format, args...))
	}
	switch r.root {
	case "applicant":
		if h := r.head(); h != "" && !slices.Contains([]string{"number", "name", "birth_date", "on_behalf"}, h) {
			bad("applicant has number, name, birth_date and on_behalf")
		}
	case "data":
		l.dataReference(n, x, r, bad)
	case "answers":
		id := strings.Join(r.path, ".")
		switch {
		case id == "" || n.answers[id] || fileMember(l.def, r.path):
		case n.actions[id] && x.workflow:
		case n.actions[id]:
			bad("it is typed by an officer later, so pages cannot read it")
		default:
			bad("no field has the id %q%s", id, closest(id, n.answers))
		}
	case "is":
		l.conditionReference(n, x, r, bad)
	case "decisions", "results", "case":
		l.laterReference(n, x, r, bad)
	case "value":
		if !x.value {
			l.error(x.path, "value_outside", "value is known in validate: only; write answers.<field>")
		}
	}
}

func (l *linter) dataReference(n names, x site, r ref, bad func(string, ...any)) {
	e := n.evidence[r.head()]
	switch {
	case r.head() == "":
		return
	case e == nil:
		bad("add evidence with the id %q; there are: %s", r.head(), ids(l.def.Evidence, func(e Evidence) string { return e.ID }))
	case len(r.path) > 1 && !e.asks(r.path[1:]):
		bad("add %q to fields of evidence %s, which asks for %s", strings.Join(r.path[1:], "."), e.ID, strings.Join(e.Fields, ", "))
	}
}

// asks says whether path is one of the fields, in one or around one; every
// record has an id.
func (e *Evidence) asks(path []string) bool {
	want := strings.Join(path, ".")
	if want == "id" {
		return true
	}
	return slices.ContainsFunc(e.Fields, func(f string) bool {
		return f == want || strings.HasPrefix(want, f+".") || strings.HasPrefix(f, want+".")
	})
}

func (l *linter) conditionReference(n names, x site, r ref, bad func(string, ...any)) {
	i, known := n.conditions[r.head()]
	var self int
	switch {
	case r.head() == "":
	case !known:
		bad("add a condition with the id %q; there are: %s", r.head(), ids(l.def.Condition, func(c Condition) string { return c.ID }))
	case at(x.path, "conditions[%d].expr", &self) && i >= self:
		l.error(x.path, "condition_order", "%s stands below; move it above, since conditions are judged in their order", r)
	}
}

func at(path, pattern string, i *int) bool {
	n, err := fmt.Sscanf(path, pattern, i)
	return n == 1 && err == nil
}

func (l *linter) laterReference(n names, x site, r ref, bad func(string, ...any)) {
	if !x.workflow {
		l.error(x.path, "too_early", "%s is known only once the case is open; pages, conditions and evidence cannot read it", r)
		return
	}
	h := r.head()
	switch {
	case h == "":
	case r.root == "decisions" && n.decisions[h] == nil:
		bad("there is no decision %q; known: %s", h, l.decisionIDs())
	case r.root == "decisions" && len(r.path) > 1 && !n.decisions[h][r.path[1]]:
		bad("no row of decision %s gives %q in out", h, r.path[1])
	case r.root == "results" && !n.results[h]:
		bad("no step has the id %q, nor writes or issues it", h)
	case r.root == "case" && !slices.Contains(n.caseNames, h):
		bad("case has %s", strings.Join(n.caseNames, ", "))
	}
}

// fileMember allows answers.photo.name where photo is a file.
func fileMember(def *Definition, path []string) bool {
	if len(path) < 2 {
		return false
	}
	id := strings.Join(path[:len(path)-1], ".")
	for _, p := range def.Pages {
		for _, f := range p.Fields {
			if f.ID == id && f.Type == TypeFile {
				return slices.Contains([]string{"name", "type", "size", "hash", "width", "height"}, path[len(path)-1])
			}
		}
	}
	return false
}

// closest suggests the id that differs least.
func closest(id string, known map[string]bool) string {
	best, bestD := "", len(id)/2+1
	for k := range known {
		if d := distance(id, k); d < bestD || d == bestD && k < best {
			best, bestD = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean answers.%s?", best)
}

// distance counts the letters to change, add or drop (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diag
			if a[i-1] != b[j-1] {
				cost++
			}
			diag = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// evidence finds data that is asked for and never needed.
func (l *linter) evidence() {
	used, asWhole := map[string]bool{}, map[string]bool{}
	eachExpr(l.def, func(x site) {
		for _, r := range l.reader.refs(x.expr) {
			switch {
			case r.root != "data" || len(r.path) == 0:
			case len(r.path) > 1:
				used[r.head()+"."+strings.Join(r.path[1:], ".")] = true
				used[r.head()] = true
			default:
				used[r.head()] = true
				asWhole[r.head()] = asWhole[r.head()] || !r.presence
			}
		}
	})
	for i, e := range l.def.Evidence {
		at := fmt.Sprintf("evidence[%d]", i)
		if !used[e.ID] {
			l.error(at, "unneeded_evidence", "evidence %s is never used; remove it: data that nobody needs is not asked for", e.ID)
			continue
		}
		if asWhole[e.ID] {
			continue
		}
		for j, f := range e.Fields {
			if !usedField(used, e.ID, f) {
				l.error(fmt.Sprintf("%s.fields[%d]", at, j), "unneeded_data",
					"data.%s.%s is never used; remove it from fields: data that nobody needs is not asked for", e.ID, f)
			}
		}
	}
}

func usedField(used map[string]bool, evidence, field string) bool {
	id := evidence + "." + field
	for u := range used {
		if u == id || strings.HasPrefix(u, id+".") || u != evidence && strings.HasPrefix(id, u+".") {
			return true
		}
	}
	return false
}
