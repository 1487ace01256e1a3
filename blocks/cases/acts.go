package cases

import (
	"context"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/event"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/text"
)

// MaxMessage is how many characters a message of an officer may have.
const MaxMessage = 2000

// Act carries out an officer's action. The caller is the principal of ctx.
//
// Errors: cases.changed_meanwhile (somebody was faster), cases.still_working,
// cases.not_allowed (role, member or state), cases.own_case, cases.four_eyes,
// cases.claimed_by_other, and errs.Invalid naming the fields that are wrong.
// A case that nobody has may be acted on by whoever is first.
func (c *Cases) Act(ctx context.Context, in Input) error {
	p := auth.From(ctx)
	in.Message = text.Tidy(in.Message, true)
	return c.change(ctx, "id", in.Case, func(ctx context.Context, w *work) error {
		a, err := c.allowed(ctx, w, p, in)
		if err != nil {
			return err
		}
		if err := c.accept(w, a, in); err != nil {
			return err
		}
		m := moment{action: a.ID, actor: c.person(p)}
		m.Moment = Moment{At: c.d.Clock.Now(), Kind: "action", ActorKind: "officer", Actor: p.Name, Public: true, Title: done(a), Body: in.Message}
		w.note(m)
		if a.Kind != services.Other {
			w.Assignee = keepAssignee(a.Kind, w.Assignee)
		}
		return c.enter(ctx, w, a.To)
	})
}

// done says what an action did, where its title says what its button does.
func done(a services.Action) i18n.Text {
	switch a.Kind {
	case services.Approve, services.Refuse, services.Return:
		return words("cases.event."+string(a.Kind), "")
	}
	return a.Title
}

// keepAssignee leaves a returned case with its officer, so that it comes back
// to who knows it.
func keepAssignee(kind services.ActionKind, assignee string) string {
	if kind == services.Return {
		return assignee
	}
	return ""
}

// allowed finds the action and checks that this officer may do it now.
func (c *Cases) allowed(ctx context.Context, w *work, p auth.Principal, in Input) (services.Action, error) {
	if in.Version != w.Version {
		return services.Action{}, errs.New(errs.Conflict, "cases.changed_meanwhile")
	}
	if err := c.mayHandle(w, p); err != nil {
		return services.Action{}, err
	}
	if w.Pending {
		return services.Action{}, errs.New(errs.Conflict, "cases.still_working")
	}
	if w.Assignee != "" && w.Assignee != p.Officer {
		return services.Action{}, errs.New(errs.Conflict, "cases.claimed_by_other")
	}
	for _, a := range w.def.Actions(w.State, w.content.State) {
		if a.ID != in.Action || a.Kind == services.Withdraw {
			continue
		}
		if !hasAny(p, a.Roles) {
			return a, errs.New(errs.Forbidden, "cases.not_allowed")
		}
		return a, c.fourEyes(ctx, w, p, a)
	}
	return services.Action{}, errs.New(errs.Forbidden, "cases.not_allowed")
}

// offers lists the actions open to the officer's role, and what bars each.
func (c *Cases) offers(ctx context.Context, w *work, p auth.Principal) ([]Offer, error) {
	var out []Offer
	for _, a := range w.def.Actions(w.State, w.content.State) {
		if a.Kind == services.Withdraw || !hasAny(p, a.Roles) {
			continue
		}
		o := Offer{Action: a}
		switch {
		case w.Pending:
			o.Barred = "cases.still_working"
		case w.Assignee != "" && w.Assignee != p.Officer:
			o.Barred = "cases.claimed_by_other"
		default:
			err := c.fourEyes(ctx, w, p, a)
			if err != nil && errs.KindOf(err) != errs.Forbidden {
				return nil, err
			}
			o.Barred = errs.CodeOf(err)
		}
		out = append(out, o)
	}
	return out, nil
}

// mayHandle keeps cases within the member that owns the service and to those of
// its officers who have a part in it, and officers away from cases about
// themselves.
func (c *Cases) mayHandle(w *work, p auth.Principal) error {
	if !p.IsOfficer() || p.Member != w.Member {
		return errs.New(errs.NotFound, "cases.not_found")
	}
	if !serves(w.def, p) {
		return errs.New(errs.Forbidden, "cases.not_allowed")
	}
	if p.Number != "" && (c.d.Keys.Pseudonym(p.Number) == w.Subject || p.Number == w.content.OnBehalf) {
		return errs.New(errs.Forbidden, "cases.own_case")
	}
	return nil
}

// serves says whether p has a part in a service: a role that one of its actions
// asks for. To work for the same ministry is no reason to read a case.
func serves(def *services.Service, p auth.Principal) bool {
	for _, st := range def.Workflow.States {
		for _, a := range st.Action {
			if hasAny(p, a.Roles) {
				return true
			}
		}
	}
	return false
}

// fourEyes compares persons, not roles: whoever did one of the named actions
// on this case may not do this one.
func (c *Cases) fourEyes(ctx context.Context, w *work, p auth.Principal, a services.Action) error {
	if len(a.FourEyes) == 0 {
		return nil
	}
	did, err := c.store.actionsBy(ctx, w.ID, c.person(p))
	if err != nil {
		return err
	}
	for _, other := range a.FourEyes {
		if did[other] {
			return errs.New(errs.Forbidden, "cases.four_eyes")
		}
	}
	return nil
}

// person identifies the human being behind a principal without naming them.
func (c *Cases) person(p auth.Principal) string {
	if p.Number != "" {
		return c.d.Keys.Pseudonym(p.Number)
	}
	return "officer:" + p.Officer
}

func hasAny(p auth.Principal, roles []string) bool {
	return slices.ContainsFunc(roles, p.HasRole)
}

// accept checks what the officer gave with the action and keeps it.
func (c *Cases) accept(w *work, a services.Action, in Input) error {
	var wrong []errs.Field
	if utf8.RuneCountInString(in.Message) > MaxMessage {
		wrong = append(wrong, errs.Field{Name: "message", Code: "cases.message_too_long", Args: map[string]any{"max": MaxMessage}})
	}
	vars := maps.Clone(w.content.State.Case)
	switch a.Kind {
	case services.Refuse:
		reasons := w.def.AllowedReasons(a)
		i := slices.IndexFunc(reasons, func(r services.Reason) bool { return r.ID == in.Reason })
		if i < 0 {
			wrong = append(wrong, errs.Field{Name: "reason", Code: "cases.reason_missing"})
			break
		}
		vars["reason"], vars["reason_title"], vars["reason_ref"] = in.Reason, reasons[i].Title, reasons[i].Ref
	case services.Return:
		wrong = append(wrong, c.returned(w, in)...)
	}
	vars["message"] = in.Message
	answers, fieldErrs := w.def.ValidateAction(a, in.Form, c.present(w))
	for _, f := range fieldErrs {
		wrong = append(wrong, errs.Field{Name: f.Field, Code: "cases.field_wrong", Args: map[string]any{"text": f.Message}})
	}
	if len(wrong) > 0 {
		return errs.New(errs.Invalid, "cases.action_incomplete").With(wrong...)
	}
	w.content.State.Case = vars
	if len(answers) > 0 {
		all := maps.Clone(w.content.State.Answers)
		maps.Copy(all, answers)
		w.content.State.Answers = all
	}
	return nil
}

// returned keeps which fields have to be mended; they must be questions that
// the applicant was asked.
func (c *Cases) returned(w *work, in Input) (wrong []errs.Field) {
	if in.Message == "" {
		wrong = append(wrong, errs.Field{Name: "message", Code: "cases.message_missing"})
	}
	if len(in.Fields) == 0 {
		wrong = append(wrong, errs.Field{Name: "fields", Code: "cases.fields_missing"})
	}
	asked := AskedFields(w.def, w.content.State)
	for _, f := range in.Fields {
		if !slices.ContainsFunc(asked, func(a services.Field) bool { return a.ID == f }) {
			wrong = append(wrong, errs.Field{Name: "fields", Code: "cases.field_unknown", Args: map[string]any{"field": f}})
		}
	}
	w.content.Correction = &Correction{Fields: in.Fields, Message: in.Message, At: c.d.Clock.Now()}
	return wrong
}

// AskedFields lists the questions on the applicant's path.
func AskedFields(def *services.Service, st services.State) []services.Field {
	var out []services.Field
	for _, p := range def.Pages(st) {
		out = append(out, def.VisibleFields(p, st)...)
	}
	return out
}

// Claim takes a case out of its queue into the officer's own list; Unclaim
// puts it back. Claiming a case that somebody else has is a conflict.
func (c *Cases) Claim(ctx context.Context, id string) error {
	p := auth.From(ctx)
	return c.change(ctx, "id", id, func(ctx context.Context, w *work) error {
		if err := c.mayHandle(w, p); err != nil {
			return err
		}
		if w.Final != "" {
			return errs.New(errs.Conflict, "cases.not_allowed")
		}
		switch w.Assignee {
		case p.Officer:
			return nil
		case "":
			w.Assignee = p.Officer
			w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "claim", ActorKind: "officer", Actor: p.Name, Title: words("cases.event.claimed", "")}, actor: c.person(p)})
			return c.save(ctx, w)
		}
		return errs.New(errs.Conflict, "cases.claimed_by_other")
	})
}

// Unclaim puts the officer's own case back into its queue.
func (c *Cases) Unclaim(ctx context.Context, id string) error {
	p := auth.From(ctx)
	return c.change(ctx, "id", id, func(ctx context.Context, w *work) error {
		if err := c.mayHandle(w, p); err != nil {
			return err
		}
		if w.Assignee != p.Officer {
			return errs.New(errs.Conflict, "cases.claimed_by_other")
		}
		w.Assignee = ""
		w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "claim", ActorKind: "officer", Actor: p.Name, Title: words("cases.event.unclaimed", "")}, actor: c.person(p)})
		return c.save(ctx, w)
	})
}

// Release puts the open cases of an officer who left back into their queues and
// says how many there were.
func (c *Cases) Release(ctx context.Context, officer string) (n int, err error) {
	if officer == "" {
		return 0, nil
	}
	ids, err := c.store.heldBy(ctx, officer)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		err := c.change(ctx, "id", id, func(ctx context.Context, w *work) error {
			if w.Assignee != officer || w.Final != "" {
				return nil
			}
			w.Assignee = ""
			w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "claim", ActorKind: "system", Title: words("cases.event.released", "")}})
			return c.save(ctx, w)
		})
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// paidFact is what payments announces.
type paidFact struct {
	Bill      string `json:"bill"`
	Reference string `json:"reference"`
}

func (c *Cases) onPaid(ctx context.Context, e event.Event) error {
	return c.onPayment(ctx, e, "paid", words("cases.event.paid", ""))
}

func (c *Cases) onPaymentFailed(ctx context.Context, e event.Event) error {
	return c.onPayment(ctx, e, "payment_failed", i18n.Text{})
}

// onPayment moves the case that waits for this bill. A bill that belongs to no
// case, or a case that has moved on, is nothing to act on; a case whose machine
// is still at work is tried again.
func (c *Cases) onPayment(ctx context.Context, e event.Event, what string, title i18n.Text) error {
	bill, err := billOf(e)
	if err != nil {
		return err
	}
	err = c.change(ctx, "bill", bill, func(ctx context.Context, w *work) error {
		if w.Pending {
			return errs.New(errs.Unavailable, "cases.still_working")
		}
		st, _ := w.def.StateByID(w.State)
		to, ok := st.On[what]
		if !ok {
			return nil
		}
		if !title.IsZero() {
			w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: what, ActorKind: "applicant", Public: true, Title: title}})
		}
		return c.enter(ctx, w, to)
	})
	if errs.KindOf(err) == errs.NotFound {
		return nil
	}
	return err
}
