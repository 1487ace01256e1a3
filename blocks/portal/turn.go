package portal

import (
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/text"
)

// turn says who has to do something about a case now.
type turn string

const (
	turnWorking   turn = "working"
	turnStuck     turn = "stuck"
	turnCorrect   turn = "correct"
	turnPay       turn = "pay"
	turnStopped   turn = "stopped"
	turnWait      turn = "wait"
	turnApproved  turn = "approved"
	turnRefused   turn = "refused"
	turnWithdrawn turn = "withdrawn"
)

// The dossier statuses that the portal tells apart; see cases.
const (
	statusNew      = 1
	statusTaken    = 2
	statusNotTaken = 3
	statusCorrect  = 5
	statusPay      = 6
	statusLeaving  = 7
	statusStopped  = 8
	statusDecided  = 9
	statusReturned = 10
)

// turnOf reads a case.
func turnOf(k cases.Case) turn {
	switch {
	case k.Final != "":
		return ended(k.Final)
	case k.Stuck != "":
		return turnStuck
	case k.Pending:
		return turnWorking
	case k.Status == statusCorrect:
		return turnCorrect
	case k.Status == statusPay:
		return turnPay
	case k.Status == statusStopped:
		return turnStopped
	}
	return turnWait
}

func ended(final string) turn {
	switch final {
	case "refused":
		return turnRefused
	case "withdrawn":
		return turnWithdrawn
	}
	return turnApproved
}

// yours says whether the applicant is at turn.
func (t turn) yours() bool { return t == turnCorrect || t == turnPay }

// colour is that of the turn's tag.
func (t turn) colour() string {
	switch t {
	case turnCorrect, turnPay:
		return "yellow"
	case turnApproved:
		return "green"
	case turnRefused:
		return "red"
	case turnWithdrawn, turnStuck, turnStopped:
		return "grey"
	}
	return "blue"
}

// withdrawal says whether the applicant may end the case now, and whether what
// they paid comes back then.
func withdrawal(f *cases.Full) (may, refund bool) {
	if f.Pending || f.Final != "" {
		return false, false
	}
	st, ok := f.Def.StateByID(f.State)
	if !ok {
		return false, false
	}
	to := st.On["withdrawn"]
	for _, a := range st.Action {
		if a.Kind == services.Withdraw {
			to = a.To
		}
	}
	next, ok := f.Def.StateByID(to)
	return ok, slices.ContainsFunc(next.Steps, func(s services.Step) bool { return s.Refund })
}

// toCorrect names the questions that an officer wants answered again, in the
// order of the form.
func toCorrect(f *cases.Full) []i18n.Text {
	if f.Content.Correction == nil {
		return nil
	}
	var out []i18n.Text
	for _, page := range f.Def.Definition.Pages {
		for _, field := range page.Fields {
			if slices.Contains(f.Content.Correction.Fields, field.ID) {
				out = append(out, field.Label)
			}
		}
	}
	return out
}

// refusal finds why a case was refused: the reason that the officer chose and
// what they wrote.
func refusal(f *cases.Full) (reason services.Reason, message string, refused bool) {
	if f.Final != "refused" && f.Status != statusDecided && f.Status != statusNotTaken {
		return reason, "", false
	}
	code, _ := f.Content.State.Case["reason"].(string)
	message, _ = f.Content.State.Case["message"].(string)
	i := slices.IndexFunc(f.Def.Reasons, func(r services.Reason) bool { return r.ID == code })
	if i < 0 {
		return reason, message, f.Final == "refused"
	}
	return f.Def.Reasons[i], message, true
}

// passing is how long a state may last that nobody has to hear of.
const passing = 5 * time.Second

// story is the public history, newest first. States that a case only passed
// through on its way are left out: they say nothing to the reader.
func story(all []cases.Moment) []cases.Moment {
	var out []cases.Moment
	for i, m := range all {
		if m.Kind == "moved" && i+1 < len(all) && all[i+1].Kind == "moved" && all[i+1].At.Sub(m.At) < passing {
			continue
		}
		out = append(out, m)
	}
	slices.Reverse(out)
	return out
}

// holds says whether every word of a folded query is in one of texts.
func holds(words []string, texts ...string) bool {
	all := ""
	for _, t := range texts {
		all += " " + text.Fold(t)
	}
	for _, w := range words {
		if !strings.Contains(all, w) {
			return false
		}
	}
	return len(words) > 0
}
