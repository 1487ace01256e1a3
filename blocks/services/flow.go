package services

import (
	"fmt"
	"slices"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// The following find parts of the definition by id. ok is false when there is
// no such part, which in a linted definition means a stale caller.

// StateByID finds a state of the workflow.
func (s *Service) StateByID(id string) (WorkflowState, bool) {
	return find(s.Workflow.States, func(x WorkflowState) bool { return x.ID == id })
}

// WriteByID finds a write.
func (s *Service) WriteByID(id string) (Write, bool) {
	return find(s.Writes, func(x Write) bool { return x.ID == id })
}

// OutputByID finds a document.
func (s *Service) OutputByID(id string) (Output, bool) {
	return find(s.Outputs, func(x Output) bool { return x.ID == id })
}

// MessageByID finds a message.
func (s *Service) MessageByID(id string) (Message, bool) {
	return find(s.Messages, func(x Message) bool { return x.ID == id })
}

// ReasonByID finds a reason code.
func (s *Service) ReasonByID(id string) (Reason, bool) {
	return find(s.Reasons, func(x Reason) bool { return x.ID == id })
}

// FieldByID finds a field of a page, with the page it stands on.
func (s *Service) FieldByID(id string) (Field, Page, bool) {
	f := s.fields[id]
	if f == nil {
		return Field{}, Page{}, false
	}
	return *f.field, s.Definition.Pages[f.page], true
}

func find[T any](list []T, is func(T) bool) (T, bool) {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], true
	}
	var none T
	return none, false
}

// NextState gives where a case goes by itself once the steps of stateID have
// run. ok is false when it waits there. An expression that cannot be evaluated
// is an error: a case never takes a turn by accident.
func (s *Service) NextState(stateID string, st State) (to string, ok bool, err error) {
	state, found := s.StateByID(stateID)
	if !found {
		return "", false, fmt.Errorf("%s has no state %q", s.ID, stateID)
	}
	if len(state.Next) == 0 {
		return "", false, nil
	}
	sc := s.scope(st, i18n.VI)
	for _, n := range state.Next {
		yes, err := sc.decide(n.When)
		if err != nil {
			return "", false, fmt.Errorf("state %s: next: %w", stateID, err)
		}
		if yes {
			return n.To, true, nil
		}
	}
	return "", false, nil
}

// StepRuns says whether a step's when holds; empty is true.
func (s *Service) StepRuns(step Step, st State) (bool, error) {
	if step.When == "" {
		return true, nil
	}
	return s.scope(st, i18n.VI).decide(step.When)
}

// Actions gives what may be done in a state now, whoever asks: roles, four
// eyes and the like are the caller's to check. One whose when cannot be
// evaluated is not offered.
func (s *Service) Actions(stateID string, st State) []Action {
	state, found := s.StateByID(stateID)
	if !found || len(state.Action) == 0 {
		return nil
	}
	sc := s.scope(st, i18n.VI)
	out := make([]Action, 0, len(state.Action))
	for _, a := range state.Action {
		if sc.truth(a.When) {
			out = append(out, a)
		}
	}
	return out
}

// AllowedReasons gives the reasons an action may name: its own list, else all.
func (s *Service) AllowedReasons(a Action) []Reason {
	if len(a.Reasons) == 0 {
		return s.Reasons
	}
	var out []Reason
	for _, id := range a.Reasons {
		if r, ok := s.ReasonByID(id); ok {
			out = append(out, r)
		}
	}
	return out
}

// ResultName is the name under which results hold what the step returned: its
// id, else the id of what it writes or issues; "" for steps without a result.
func (x Step) ResultName() string {
	switch {
	case x.ID != "":
		return x.ID
	case x.Write != "":
		return x.Write
	}
	return x.Issue
}

// Verb gives the step's verb and what it is applied to.
func (x Step) Verb() (verb, target string) {
	switch {
	case x.Decide != "":
		return "decide", x.Decide
	case x.Fetch != "":
		return "fetch", x.Fetch
	case x.Write != "":
		return "write", x.Write
	case x.Issue != "":
		return "issue", x.Issue
	case x.Notify != "":
		return "notify", x.Notify
	case x.Bill:
		return "bill", ""
	case x.Refund:
		return "refund", ""
	}
	return "", ""
}
