package services

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// workflow walks the state machine: every state must be reachable, and every
// case must be able to end.
func (l *linter) workflow() {
	states := map[string]int{}
	for i, st := range l.def.Workflow.States {
		states[st.ID] = i
	}
	if _, ok := states[l.def.Workflow.Start]; !ok {
		l.error("workflow.start", "unknown_state", "there is no state %q; known: %s", l.def.Workflow.Start, l.stateIDs())
		return
	}
	for i, st := range l.def.Workflow.States {
		for _, e := range exits(st) {
			if _, ok := states[e.to]; !ok {
				l.error(fmt.Sprintf("workflow.states[%d].%s", i, e.path), "unknown_state", "there is no state %q; known: %s", e.to, l.stateIDs())
			}
		}
		l.state(fmt.Sprintf("workflow.states[%d]", i), st)
	}
	l.reachable(states)
	l.endable(states)
	l.circles(states)
}

func (l *linter) stateIDs() string {
	return ids(l.def.Workflow.States, func(s WorkflowState) string { return s.ID })
}

type exit struct{ path, to string }

func exits(st WorkflowState) []exit {
	var out []exit
	for j, n := range st.Next {
		out = append(out, exit{fmt.Sprintf("next[%d].to", j), n.To})
	}
	for j, a := range st.Action {
		out = append(out, exit{fmt.Sprintf("actions[%d].to", j), a.To})
	}
	for _, k := range slices.Sorted(maps.Keys(st.On)) {
		out = append(out, exit{"on." + k, st.On[k]})
	}
	return out
}

func (l *linter) state(at string, st WorkflowState) {
	if st.Status < 1 || st.Status > 10 {
		l.error(at+".status", "status_range", "status is %d; use the national dossier status 1 to 10", st.Status)
	}
	ways := len(exits(st))
	switch {
	case st.Final == "" && ways == 0:
		l.error(at, "dead_end", "a case that comes to %s stays there for ever; add next, actions or on, or say final", st.ID)
	case st.Final != "" && ways > 0:
		l.error(at, "final_with_exit", "%s is final and has a way out; remove one of the two", st.ID)
	}
	if st.Final != "" && !slices.Contains([]int{3, 7, 8, 9, 10}, st.Status) {
		l.warn(at+".status", "status_final", "a final state has status 3, 7, 8, 9 or 10, not %d", st.Status)
	}
	for j, n := range st.Next {
		if n.When == "" && j < len(st.Next)-1 {
			l.error(fmt.Sprintf("%s.next[%d]", at, j), "next_always", "is always taken, so what follows never is; give it a when or move it last")
		}
	}
	if n := len(st.Next); n > 0 && st.Next[n-1].When != "" && len(st.Action) == 0 && len(st.On) == 0 {
		l.warn(at+".next", "next_stuck", "when none of next is true the case stays in %s with nobody to act; add a last next without when, or actions", st.ID)
	}
	officers := slices.ContainsFunc(st.Action, func(a Action) bool { return a.Kind != Withdraw })
	if officers && st.Queue == "" {
		l.error(at+".queue", "queue_missing", "officers act in %s; name the queue they find it in", st.ID)
	}
}

func (l *linter) reachable(states map[string]int) {
	seen := map[string]bool{}
	todo := []string{l.def.Workflow.Start}
	for len(todo) > 0 {
		id := todo[0]
		todo = todo[1:]
		i, ok := states[id]
		if seen[id] || !ok {
			continue
		}
		seen[id] = true
		for _, e := range exits(l.def.Workflow.States[i]) {
			todo = append(todo, e.to)
		}
	}
	for i, st := range l.def.Workflow.States {
		if !seen[st.ID] {
			l.error(fmt.Sprintf("workflow.states[%d]", i), "unreachable_state", "no way leads from %s to %s; add one or remove the state", l.def.Workflow.Start, st.ID)
		}
	}
}

// endable finds states from which no final state can be reached.
func (l *linter) endable(states map[string]int) {
	ends := map[string]bool{}
	for _, st := range l.def.Workflow.States {
		ends[st.ID] = st.Final != ""
	}
	for changed := true; changed; {
		changed = false
		for _, st := range l.def.Workflow.States {
			if !ends[st.ID] && slices.ContainsFunc(exits(st), func(e exit) bool { return ends[e.to] }) {
				ends[st.ID], changed = true, true
			}
		}
	}
	for i, st := range l.def.Workflow.States {
		if !ends[st.ID] && len(exits(st)) > 0 {
			l.error(fmt.Sprintf("workflow.states[%d]", i), "no_end", "no way leads from %s to a final state", st.ID)
		}
	}
}

// circles finds states that lead to themselves with nobody acting.
func (l *linter) circles(states map[string]int) {
	for i, st := range l.def.Workflow.States {
		seen := map[string]bool{}
		for at := st; ; {
			if len(at.Next) == 0 || at.Next[0].When != "" {
				break
			}
			to := at.Next[0].To
			if to == st.ID {
				l.error(fmt.Sprintf("workflow.states[%d].next", i), "circle", "%s always comes back to itself without anybody acting", st.ID)
			}
			j, ok := states[to]
			if !ok || seen[to] || to == st.ID {
				break
			}
			seen[to] = true
			at = l.def.Workflow.States[j]
		}
	}
}

// steps checks that what steps name exists, and that what exists is named.
func (l *linter) steps() {
	d := l.def
	has := map[string]map[string]bool{"decide": {}, "fetch": {}, "write": {}, "issue": {}, "notify": {}}
	for _, x := range d.Decisions {
		has["decide"][x.ID] = false
	}
	for _, x := range d.Evidence {
		has["fetch"][x.ID] = false
	}
	for _, x := range d.Writes {
		has["write"][x.ID] = false
	}
	for _, x := range d.Outputs {
		has["issue"][x.ID] = false
	}
	for _, x := range d.Messages {
		has["notify"][x.ID] = false
	}
	words := map[string]string{"decide": "decision", "fetch": "evidence", "write": "write", "issue": "output", "notify": "message"}
	for i, st := range d.Workflow.States {
		for j, x := range st.Steps {
			at := fmt.Sprintf("workflow.states[%d].steps[%d]", i, j)
			if n := verbs(x); n != 1 {
				l.error(at, "step_verbs", "has %d verbs; give exactly one of decide, fetch, write, issue, notify, bill, refund", n)
				continue
			}
			verb, target := x.Verb()
			known, ok := has[verb]
			if !ok {
				continue
			}
			if _, exists := known[target]; !exists {
				l.error(at, "unknown_"+words[verb], "there is no %s %q; known: %s", words[verb], target, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
				continue
			}
			known[target] = true
		}
	}
	l.unusedParts(has)
}

func (l *linter) unusedParts(used map[string]map[string]bool) {
	unused := func(section string, i int, kind, id string) {
		l.warn(fmt.Sprintf("%s[%d]", section, i), "unused_"+kind, "no step uses %s %s; add a step or remove it", kind, id)
	}
	for i, x := range l.def.Decisions {
		if !used["decide"][x.ID] && (l.def.Fee == nil || l.def.Fee.Decision != x.ID) {
			unused("decisions", i, "decision", x.ID)
		}
	}
	for i, x := range l.def.Writes {
		if !used["write"][x.ID] {
			unused("writes", i, "write", x.ID)
		}
		if (x.Op == "amend") != (x.Record != "") {
			l.error(fmt.Sprintf("writes[%d].record", i), "write_record", "amend needs record (the id of the record); create has none")
		}
	}
	for i, x := range l.def.Outputs {
		if !used["issue"][x.ID] {
			unused("outputs", i, "output", x.ID)
		}
	}
	for i, x := range l.def.Messages {
		if !used["notify"][x.ID] {
			unused("messages", i, "message", x.ID)
		}
		if slices.Contains(x.Channels, "sms") && x.SMS.IsZero() {
			l.error(fmt.Sprintf("messages[%d].sms", i), "sms_missing", "message %s goes by sms; add the short text sms", x.ID)
		}
	}
}

func verbs(x Step) int {
	n := 0
	for _, set := range []bool{x.Decide != "", x.Fetch != "", x.Write != "", x.Issue != "", x.Notify != "", x.Bill, x.Refund} {
		if set {
			n++
		}
	}
	return n
}

// actions checks what people may do: who, why, and that four eyes are two people.
func (l *linter) actions() {
	all := map[string]bool{}
	states := map[string]WorkflowState{}
	for _, st := range l.def.Workflow.States {
		states[st.ID] = st
		for _, a := range st.Action {
			all[a.ID] = true
		}
	}
	refusable := false
	for i, st := range l.def.Workflow.States {
		refusable = refusable || st.Final == "refused"
		for j, a := range st.Action {
			l.action(fmt.Sprintf("workflow.states[%d].actions[%d]", i, j), a, all, states)
		}
	}
	if refusable && l.def.Appeal == nil {
		l.error("appeal", "appeal_missing", "the service can refuse; add appeal: within_days, to, legal_basis")
	}
}

func (l *linter) action(at string, a Action, all map[string]bool, states map[string]WorkflowState) {
	for k, id := range a.FourEyes {
		if !all[id] {
			l.error(fmt.Sprintf("%s.four_eyes[%d]", at, k), "unknown_action", "there is no action %q; known: %s", id, strings.Join(slices.Sorted(maps.Keys(all)), ", "))
		}
	}
	for k, id := range a.Reasons {
		if !slices.ContainsFunc(l.def.Reasons, func(r Reason) bool { return r.ID == id }) {
			l.error(fmt.Sprintf("%s.reasons[%d]", at, k), "unknown_reason", "there is no reason %q; known: %s", id, ids(l.def.Reasons, func(r Reason) string { return r.ID }))
		}
	}
	switch {
	case a.Kind != Withdraw && len(a.Roles) == 0:
		l.error(at+".roles", "roles_missing", "name the roles that may do %s", a.ID)
	case a.Kind == Withdraw && len(a.Roles) > 0:
		l.error(at+".roles", "roles_unused", "withdraw is done by the applicant; remove roles")
	case a.Kind == Refuse && len(l.def.Reasons) == 0:
		l.error(at, "reasons_missing", "a refusal needs a reason code; add reasons: to the service")
	case a.Kind == Return && states[a.To].ID != "" && states[a.To].On["corrected"] == "":
		l.error(at+".to", "return_without_corrected", "state %s needs on: {corrected: <state>}, or a corrected application goes nowhere", a.To)
	}
}
