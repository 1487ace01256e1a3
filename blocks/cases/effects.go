package cases

import (
	"context"
	"fmt"
	"maps"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// key names one effect of one visit to a state, for ever.
func (w *work) key(step int) string { return fmt.Sprintf("%s/%d/%d", w.ID, w.Visit, step) }

// result keeps what a step returned, without touching a map that an earlier
// run of the same transaction may hold.
func (w *work) result(id string, value any) {
	if id == "" {
		return
	}
	next := maps.Clone(w.content.State.Results)
	if next == nil {
		next = map[string]any{}
	}
	next[id] = value
	w.content.State.Results = next
}

// effect carries out one step that reaches outside the transaction.
func (c *Cases) effect(ctx context.Context, w *work, st services.WorkflowState, i int) error {
	step := st.Steps[i]
	switch {
	case step.Decide != "":
		return c.decide(w, step)
	case step.Fetch != "":
		return c.fetch(ctx, w, step)
	case step.Write != "":
		return c.write(ctx, w, step, i)
	case step.Issue != "":
		return c.issue(ctx, w, step, i)
	case step.Refund:
		if w.Bill == "" {
			return nil
		}
		return c.d.Payments.Refund(ctx, Refund{Key: w.key(i), Bill: w.Bill, Reason: w.State})
	}
	return errs.New(errs.Invalid, "cases.unknown_step", "state", st.ID, "step", i)
}

func (c *Cases) decide(w *work, step services.Step) error {
	outcome, err := w.def.Decide(step.Decide, w.content.State)
	if err != nil {
		return err
	}
	decisions := maps.Clone(w.content.State.Decisions)
	if decisions == nil {
		decisions = map[string]any{}
	}
	decisions[step.Decide] = outcome.Out
	w.content.State.Decisions = decisions
	outcomes := maps.Clone(w.content.Outcomes)
	if outcomes == nil {
		outcomes = map[string]Outcome{}
	}
	outcomes[step.Decide] = outcome
	w.content.Outcomes = outcomes
	w.result(step.ResultName(), outcome.Out)
	title := words("cases.event.decided", "")
	if len(outcome.Reasons) > 0 {
		title = outcome.Reasons[0]
	}
	w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "decision", ActorKind: "system", Title: title}})
	return nil
}

func (c *Cases) fetch(ctx context.Context, w *work, step services.Step) error {
	e := w.def.EvidenceByID(step.Fetch)
	if e == nil {
		return errs.New(errs.Invalid, "cases.unknown_step", "state", w.State, "step", step.Fetch)
	}
	where, asked, err := w.def.EvidenceRequest(*e, c.present(w))
	if err != nil || !asked {
		return err
	}
	value, err := c.d.Exchange.Fetch(ctx, Fetch{Owner: w.def.Owner, Evidence: *e, Where: where, Subject: w.content.Number, Service: w.Service, Issue: w.Code})
	if err != nil {
		return err
	}
	data := maps.Clone(w.content.State.Data)
	if data == nil {
		data = map[string]any{}
	}
	data[e.ID] = value
	w.content.State.Data = data
	return nil
}

func (c *Cases) write(ctx context.Context, w *work, step services.Step, i int) error {
	wr, ok := w.def.WriteByID(step.Write)
	if !ok {
		return errs.New(errs.Invalid, "cases.unknown_step", "state", w.State, "step", step.Write)
	}
	data, record, err := w.def.WriteData(wr, c.present(w))
	if err != nil {
		return err
	}
	entered, err := c.d.Exchange.Enter(ctx, Entry{
		Owner: w.def.Owner, Write: wr, Record: record, Data: data, Subject: w.content.Number,
		Service: w.Service, Issue: w.Code, Key: w.key(i),
	})
	if err != nil {
		return err
	}
	w.result(step.ResultName(), entered)
	w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "entry", ActorKind: "system", Public: true, Title: wr.Title}})
	return nil
}

func (c *Cases) issue(ctx context.Context, w *work, step services.Step, i int) error {
	out, ok := w.def.OutputByID(step.Issue)
	if !ok {
		return errs.New(errs.Invalid, "cases.unknown_step", "state", w.State, "step", step.Issue)
	}
	resolved, err := w.def.Output(out, c.present(w))
	if err != nil {
		return err
	}
	doc, err := c.d.Documents.Issue(ctx, Document{Key: w.key(i), Reference: w.Code, Output: resolved})
	if err != nil {
		return err
	}
	w.result(step.ResultName(), map[string]any{"id": doc.ID, "code": doc.Code})
	w.content.Documents = append(w.content.Documents[:len(w.content.Documents):len(w.content.Documents)], IssuedDocument{Issued: doc, Title: out.Title})
	w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "document", ActorKind: "system", Public: true, Title: out.Title}})
	return nil
}

// inward carries out a step inside the transaction of ctx.
func (c *Cases) inward(ctx context.Context, w *work, st services.WorkflowState, i int) error {
	step := st.Steps[i]
	if step.Bill {
		return c.bill(ctx, w, step, i)
	}
	m, ok := w.def.MessageByID(step.Notify)
	if !ok {
		return errs.New(errs.Invalid, "cases.unknown_step", "state", st.ID, "step", step.Notify)
	}
	text := w.def.MessageText(m, c.present(w))
	return c.d.Notify.Send(ctx, Notice{
		Key: w.key(i), Number: w.content.Number, Reference: w.Code, Link: "/applications/" + w.Application,
		Channels: text.Channels, Subject: text.Subject, Body: text.Body, SMS: text.SMS,
		To: w.address(),
	})
}

// address reads the answers in which people say how to reach them.
func (w *work) address() Address {
	a := Address{Name: w.content.Name, Lang: w.content.Lang}
	a.Email, _ = w.content.State.Answers["contact.email"].(string)
	a.Phone, _ = w.content.State.Answers["contact.phone"].(string)
	return a
}

func (c *Cases) bill(ctx context.Context, w *work, step services.Step, i int) error {
	amount, err := w.def.Fee(w.content.State)
	if err != nil || amount == nil || amount.Minor == 0 {
		return err
	}
	bill, err := c.d.Payments.CreateBill(ctx, Bill{
		Key: w.key(i), Number: w.content.Number, Reference: w.Code, Member: w.Member, Title: w.def.Title, Label: w.def.Definition.Fee.Label,
		Amount: *amount, Return: "/applications/" + w.Application,
	})
	if err != nil {
		return err
	}
	w.Bill = bill
	w.result(step.ResultName(), map[string]any{"bill": bill})
	w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "bill", ActorKind: "system", Public: true, Title: i18n.Text{
		VI: w.def.Definition.Fee.Label.VI + ": " + amount.Format(i18n.VI), EN: w.def.Definition.Fee.Label.EN + ": " + amount.Format(i18n.EN),
	}}})
	return nil
}
