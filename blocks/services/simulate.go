package services

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// TestResult is what one author test came to.
type TestResult struct {
	Name     string
	Failures []string // empty: passed. Each says what was expected and what came
	Trace    []string // what happened, for people who wonder why
}

// Passed says whether the test holds.
func (r TestResult) Passed() bool { return len(r.Failures) == 0 }

// RunTests runs the author tests: the whole path and workflow, with the data
// of the test in place of registers, and steps that do nothing but say so.
func RunTests(s *Service) []TestResult {
	out := make([]TestResult, len(s.Tests))
	for i, t := range s.Tests {
		out[i] = s.runTest(t)
	}
	return out
}

// simulation is one application on its way through the workflow.
type simulation struct {
	s        *Service
	st       State
	at       string
	stopped  *Eligibility
	pages    []string
	invalid  []FieldRef
	fee      int64
	paid     int64
	writes   []string
	issues   []string
	notifies []string
	trace    []string
}

// maxMoves bounds a workflow that would run in circles.
const maxMoves = 100

func (s *Service) runTest(t Test) TestResult {
	sim := &simulation{s: s, st: State{
		Applicant: t.Given.Applicant, Data: t.Given.Data, Answers: t.Given.Answers, Today: t.Given.Today,
		Decisions: map[string]any{}, Results: map[string]any{}, Case: map[string]any{},
	}}
	r := TestResult{Name: t.Name}
	if err := sim.run(t.Given.Actions, len(t.Expect.Invalid) > 0); err != nil {
		r.Failures = append(r.Failures, err.Error())
	}
	r.Failures = append(r.Failures, sim.compare(t.Expect)...)
	r.Trace = sim.trace
	return r
}

func (sim *simulation) note(format string, args ...any) {
	sim.trace = append(sim.trace, fmt.Sprintf(format, args...))
}

// run applies, submits and then does what the test says was done.
func (sim *simulation) run(actions []string, invalidExpected bool) error {
	s := sim.s
	if sim.stopped = s.Stopped(sim.st); sim.stopped != nil {
		sim.note("stopped: %s", sim.stopped.Title.EN)
		return nil
	}
	for _, p := range s.Pages(sim.st) {
		sim.pages = append(sim.pages, p.ID)
	}
	sim.note("pages: %s", strings.Join(sim.pages, ", "))
	if sim.invalid = s.Complete(sim.st); len(sim.invalid) > 0 {
		if invalidExpected {
			return nil
		}
		var why []string
		for _, f := range sim.invalid {
			why = append(why, f.Field+" ("+f.Message.EN+")")
		}
		return fmt.Errorf("cannot be submitted: %s", strings.Join(why, "; "))
	}
	sim.st.Answers = s.Prune(sim.st)
	sim.st.Case["code"], sim.st.Case["submitted_on"] = s.Dossier+"-261122-0001", sim.st.Today
	if err := sim.enter(s.Workflow.Start); err != nil {
		return err
	}
	for _, a := range actions {
		if a == "submit" {
			continue
		}
		if err := sim.act(a); err != nil {
			return err
		}
	}
	return nil
}

// enter runs the steps of a state and follows what comes by itself.
func (sim *simulation) enter(id string) error {
	for range maxMoves {
		state, ok := sim.s.StateByID(id)
		if !ok {
			return fmt.Errorf("there is no state %q", id)
		}
		sim.at = id
		sim.note("state %s", id)
		for _, step := range state.Steps {
			if err := sim.step(step); err != nil {
				return fmt.Errorf("state %s: %w", id, err)
			}
		}
		next, moves, err := sim.s.NextState(id, sim.st)
		if err != nil {
			return err
		}
		if !moves {
			return nil
		}
		id = next
	}
	return fmt.Errorf("the workflow does not come to rest; it was last in %s", id)
}

func (sim *simulation) step(x Step) error {
	runs, err := sim.s.StepRuns(x, sim.st)
	if err != nil || !runs {
		return err
	}
	verb, target := x.Verb()
	sim.note("  %s %s", verb, target)
	switch verb {
	case "decide":
		return sim.decide(target)
	case "write":
		return sim.write(x)
	case "issue":
		return sim.issue(x)
	case "notify":
		m, ok := sim.s.MessageByID(target)
		if !ok {
			return fmt.Errorf("there is no message %q", target)
		}
		sim.s.MessageText(m, sim.st)
		sim.notifies = append(sim.notifies, target)
	case "bill":
		fee, err := sim.s.Fee(sim.st)
		if err != nil {
			return err
		}
		if fee != nil {
			sim.fee = fee.Minor
			sim.st.setResult(x, map[string]any{"amount": fee.Minor})
		}
	case "refund":
		sim.note("  refunds %d", sim.paid)
		sim.paid = 0
	}
	return nil
}

func (st State) setResult(x Step, v any) {
	if name := x.ResultName(); name != "" {
		st.Results[name] = v
	}
}

func (sim *simulation) decide(id string) error {
	o, err := sim.s.Decide(id, sim.st)
	if err != nil {
		return err
	}
	if len(o.Missing) > 0 {
		sim.note("  lacks %s", strings.Join(o.Missing, ", "))
	}
	out := o.Out
	if out == nil {
		out = map[string]any{}
	}
	sim.st.Decisions[id] = out
	sim.note("  = %v", out)
	return nil
}

func (sim *simulation) write(x Step) error {
	w, ok := sim.s.WriteByID(x.Write)
	if !ok {
		return fmt.Errorf("there is no write %q", x.Write)
	}
	data, record, err := sim.s.WriteData(w, sim.st)
	if err != nil {
		return err
	}
	if record == "" {
		record = "record-" + w.ID
	}
	data["id"] = record
	sim.st.setResult(x, data)
	sim.writes = append(sim.writes, w.ID)
	return nil
}

func (sim *simulation) issue(x Step) error {
	o, ok := sim.s.OutputByID(x.Issue)
	if !ok {
		return fmt.Errorf("there is no output %q", x.Issue)
	}
	if _, err := sim.s.Output(o, sim.st); err != nil {
		return err
	}
	sim.st.setResult(x, map[string]any{"id": "document-" + o.ID, "code": "TEST-" + o.ID})
	sim.issues = append(sim.issues, o.ID)
	return nil
}

// act does one line of a test's actions: an event (paid, corrected …), or an
// action by its id or kind, with a reason after a colon.
func (sim *simulation) act(line string) error {
	name, reason, _ := strings.Cut(line, ":")
	state, ok := sim.s.StateByID(sim.at)
	if !ok {
		return fmt.Errorf("%s: the case is in no state", line)
	}
	sim.note("%s", line)
	if to := state.On[name]; to != "" {
		if name == "paid" {
			sim.paid = sim.fee
		}
		return sim.enter(to)
	}
	actions := sim.s.Actions(sim.at, sim.st)
	i := slices.IndexFunc(actions, func(a Action) bool { return a.ID == name })
	if i < 0 {
		i = slices.IndexFunc(actions, func(a Action) bool { return string(a.Kind) == name })
	}
	if i < 0 {
		return fmt.Errorf("%s: not possible in state %s; there are: %s", line, sim.at, sim.possible(state, actions))
	}
	a := actions[i]
	if err := sim.reason(a, reason); err != nil {
		return err
	}
	return sim.enter(a.To)
}

func (sim *simulation) possible(state WorkflowState, actions []Action) string {
	names := slices.Sorted(maps.Keys(state.On))
	for _, a := range actions {
		names = append(names, a.ID)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (sim *simulation) reason(a Action, id string) error {
	if a.Kind == Return {
		sim.st.Case["message"] = "(the officer's words)"
	}
	if id == "" {
		if a.Kind == Refuse {
			return fmt.Errorf("%s needs a reason: write %s:<code>", a.ID, a.ID)
		}
		return nil
	}
	for _, r := range sim.s.AllowedReasons(a) {
		if r.ID == id {
			sim.st.Case["reason"], sim.st.Case["reason_title"], sim.st.Case["reason_ref"] = r.ID, r.Title, r.Ref
			return nil
		}
	}
	return fmt.Errorf("%s: reason %q is not allowed; allowed: %s", a.ID, id,
		ids(sim.s.AllowedReasons(a), func(r Reason) string { return r.ID }))
}

// compare gives every difference from what was expected.
func (sim *simulation) compare(e TestExpect) []string {
	var out []string
	differ := func(what string, want, got any) {
		if w, g := fmt.Sprint(want), fmt.Sprint(got); w != g {
			out = append(out, fmt.Sprintf("%s: expected %s, got %s", what, w, g))
		}
	}
	out = append(out, sim.compareStop(e)...)
	if len(e.Pages) > 0 {
		differ("pages", e.Pages, sim.pages)
	}
	if len(e.Invalid) > 0 {
		got := make([]string, len(sim.invalid))
		for i, f := range sim.invalid {
			got[i] = f.Field
		}
		differ("invalid", slices.Sorted(slices.Values(e.Invalid)), slices.Sorted(slices.Values(got)))
	}
	for _, k := range slices.Sorted(maps.Keys(e.Decision)) {
		got := getPath(sim.st.Decisions, strings.Split(k, "."))
		differ("decision "+k, plainCopy(e.Decision[k]), plainCopy(got))
	}
	if e.Fee != nil {
		differ("fee", *e.Fee, sim.fee)
	}
	if e.State != "" {
		differ("state", e.State, sim.at)
	}
	lists := []struct {
		what      string
		want, got []string
	}{{"writes", e.Writes, sim.writes}, {"issues", e.Issues, sim.issues}, {"notifies", e.Notifies, sim.notifies}}
	for _, l := range lists {
		if l.want != nil {
			differ(l.what, l.want, l.got)
		}
	}
	return append(out, sim.compareKnown(e.Known)...)
}

func (sim *simulation) compareStop(e TestExpect) []string {
	switch {
	case e.Stopped == "" && sim.stopped != nil:
		return []string{fmt.Sprintf("stopped by %q; expect stopped: if that is right", sim.stopped.Title.VI)}
	case e.Stopped != "" && sim.stopped == nil:
		return []string{fmt.Sprintf("expected to be stopped by %q, but the person may apply", e.Stopped)}
	case e.Stopped != "" && !strings.Contains(sim.stopped.Title.VI, e.Stopped) && !strings.Contains(sim.stopped.Title.EN, e.Stopped):
		return []string{fmt.Sprintf("stopped: expected %q, got %q / %q", e.Stopped, sim.stopped.Title.VI, sim.stopped.Title.EN)}
	}
	return nil
}

// compareKnown compares facts as people see them, in either language.
func (sim *simulation) compareKnown(want map[string]string) []string {
	if len(want) == 0 {
		return nil
	}
	got := map[string]i18n.Text{}
	raw := map[string]string{}
	for _, p := range sim.s.Pages(sim.st) {
		for _, f := range sim.s.KnownFacts(p, sim.st) {
			got[f.Known.ID], raw[f.Known.ID] = f.Value, fmt.Sprint(f.Raw)
		}
	}
	var out []string
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if w := want[id]; w != got[id].VI && w != got[id].EN && w != raw[id] {
			out = append(out, fmt.Sprintf("known %s: expected %q, got %q", id, w, got[id].VI))
		}
	}
	return out
}
