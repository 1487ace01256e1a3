package portal

import (
	"context"
	"net/http"
	"strconv"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/web"
)

// application is one case with all that its page shows.
type application struct {
	reader
	*cases.Full
	at     turn
	bill   Bill
	papers []Paper
}

func (p *Portal) showApplication(w http.ResponseWriter, r *http.Request) error {
	v := p.reader(r)
	id := r.PathValue("id")
	f, err := p.d.Cases.ByApplication(r.Context(), id)
	if errs.KindOf(err) == errs.NotFound {
		return p.perhapsDraft(w, r, id, err)
	}
	if err != nil {
		return err
	}
	a, err := v.open(r.Context(), f)
	if err != nil {
		return err
	}
	main, err := a.parts()
	if err != nil {
		return err
	}
	title := f.Title.In(v.lang)
	return p.d.Pages.Show(w, r, web.Page{Title: title, Section: "applications", BackLink: v.back("/applications", "applications.title"),
		Data: web.Plain{Title: title, Caption: v.t("case.code", "code", f.Code)}},
		web.Columns{Main: main, Side: a.aside(), SideRight: true})
}

// perhapsDraft leads to the form when the application was never sent.
func (p *Portal) perhapsDraft(w http.ResponseWriter, r *http.Request, id string, notFound error) error {
	drafts, err := p.d.Drafts.Drafts(r.Context())
	if err != nil {
		return err
	}
	for _, d := range drafts {
		if d.Application == id {
			http.Redirect(w, r, "/apply/"+d.Application, http.StatusSeeOther)
			return nil
		}
	}
	return notFound
}

func (v reader) back(href, key string) *web.BackLink {
	return &web.BackLink{Href: href, Text: v.t(key)}
}

func (v reader) open(ctx context.Context, f *cases.Full) (*application, error) {
	a := &application{reader: v, Full: f, at: turnOf(f.Case)}
	var err error
	if a.bill, err = v.bill(ctx, f.Case); err != nil {
		return nil, err
	}
	if a.at == turnPay && a.bill.State != "open" {
		a.at = turnWorking // paid a moment ago; the case has not heard of it yet
	}
	if len(f.Content.Documents) > 0 {
		a.papers, err = v.p.d.Papers.ForReference(ctx, f.Code)
	}
	return a, err
}

func (a *application) parts() ([]web.Component, error) {
	out := []web.Component{a.next()}
	out = append(out, a.refused()...)
	if len(a.papers) > 0 {
		cards, err := a.reader.papers(a.papers)
		if err != nil {
			return nil, err
		}
		out = append(out, a.heading("case.results"), cards)
	}
	return append(out, a.heading("case.progress"), a.progress(), a.heading("case.history"), a.timeline()), nil
}

// next says in one box what the person has to do, or that it is nothing.
func (a *application) next() web.Component {
	box := web.Alert{Variant: "information", Title: a.t("next." + string(a.at))}
	say := func(key string, kv ...any) { box.Body = append(box.Body, web.Paragraph{Text: a.t(key, kv...)}) }
	button := func(key, href string) {
		box.Body = append(box.Body, web.Form{Action: href, Method: "get", Body: []web.Component{web.Button{Text: a.t(key), Classes: "govuk-!-margin-bottom-1"}}})
	}
	switch a.at {
	case turnPay:
		box.Variant, box.Title = "warning", a.t("next.pay", "amount", a.bill.Amount)
		say("next.pay_text", "label", a.bill.Label)
		button("next.pay_button", "/pay/"+a.bill.ID)
	case turnCorrect:
		box.Variant = "warning"
		box.Body = a.correction()
		button("next.correct_button", "/apply/"+a.Application)
	case turnWorking:
		say("next.working_text")
		box.Body = append(box.Body, web.Button{Text: a.t("next.reload"), Href: "/applications/" + a.Application, Classes: "govuk-button--secondary"})
	case turnApproved:
		box.Variant = "success"
		key := "next.approved_text"
		if len(a.papers) == 0 {
			key = "next.approved_plain"
		}
		say(key)
	case turnRefused:
		box.Variant = "error"
		say("next.refused_text")
	case turnWait:
		if a.Due.IsZero() {
			say("next.wait_text")
			break
		}
		box.Title = a.t("next.wait_until", "when", a.day(a.Due))
		if a.late(a.Case) {
			box.Variant, box.Title = "warning", a.t("next.late", "when", a.day(a.Due))
			say("next.late_text", "office", a.Def.Owner.Name)
			break
		}
		say("next.wait_text")
	default:
		say("next." + string(a.at) + "_text")
	}
	if s := a.refundWords(); s != "" {
		box.Body = append(box.Body, web.Paragraph{Text: s})
	}
	return box
}

// refundWords tell where the fee went when the case ended without a result.
func (a *application) refundWords() string {
	if a.bill.State != "refunded" && a.bill.State != "part_refunded" {
		return ""
	}
	return a.t("next."+a.bill.State, "amount", a.bill.Amount)
}

func (a *application) correction() []web.Component {
	out := []web.Component{web.Paragraph{Text: a.t("next.correct_text")}}
	if c := a.Content.Correction; c != nil && c.Message != "" {
		out = append(out, web.Paragraph{Text: "“" + c.Message + "”"})
	}
	if labels := toCorrect(a.Full); len(labels) > 0 {
		out = append(out, web.List{Items: a.texts(labels), Classes: "govuk-list--bullet"})
	}
	return out
}

// refused gives the reasons of a refusal, the law behind them, and the way to
// challenge it.
func (a *application) refused() []web.Component {
	reason, message, refused := refusal(a.Full)
	if !refused {
		return nil
	}
	var rows []web.Row
	if reason.ID != "" {
		rows = append(rows, web.Fact(a.t("refusal.reason"), reason.Title.In(a.lang)), web.Fact(a.t("refusal.law"), reason.Ref))
	}
	if message != "" {
		rows = append(rows, web.Fact(a.t("refusal.message"), message))
	}
	out := []web.Component{a.heading("refusal.title")}
	if len(rows) > 0 {
		out = append(out, web.SummaryList{Rows: rows})
	}
	if ap := a.Def.Appeal; ap != nil {
		out = append(out, a.heading("refusal.appeal"),
			web.Paragraph{Text: a.t("refusal.appeal_text", "days", strconv.Itoa(ap.WithinDays), "to", ap.To)},
			web.Paragraph{Text: a.t("refusal.appeal_law", "law", ap.Legal), Classes: "govuk-body-s govuk-!-margin-bottom-6"})
	}
	return out
}

// aside are the facts of the case and what may be done with it.
func (a *application) aside() []web.Component {
	rows := []web.Row{
		web.Fact(a.t("fact.code"), a.Code),
		web.Fact(a.t("fact.status"), strconv.Itoa(a.Status)+" · "+a.t("status."+strconv.Itoa(a.Status))),
		web.Fact(a.t("fact.sent"), a.day(a.Opened)),
		web.Fact(a.t("fact.due"), a.promise()),
		web.Fact(a.t("fact.office"), a.Def.Owner.Name.In(a.lang)),
	}
	if a.bill.ID != "" {
		rows = append(rows, web.Fact(a.bill.Label.In(a.lang), a.bill.Amount.Format(a.lang)+" · "+a.t("bill."+a.bill.State)))
	}
	out := []web.Component{a.heading("case.facts"), web.SummaryList{Rows: rows}}
	if help := a.Def.Owner.Help.In(a.lang); help != "" {
		out = append(out, web.Heading{Level: 3, Text: a.t("case.help")}, web.Paragraph{Text: help, Classes: "govuk-body-s"})
	}
	out = append(out, web.Heading{Level: 3, Text: a.t("case.seen")}, web.Paragraph{Text: a.t("case.seen_text"), Classes: "govuk-body-s"},
		web.Link{Text: a.t("case.seen_link"), Href: "/my-data"})
	if may, _ := withdrawal(a.Full); may {
		out = append(out, web.Heading{Level: 3, Text: a.t("withdraw.heading"), Classes: "govuk-!-margin-top-6"},
			web.Button{Text: a.t("withdraw.link"), Href: "/applications/" + a.Application + "/withdraw", Classes: "govuk-button--secondary"})
	}
	return out
}

// promise is the date that the office stands by.
func (a *application) promise() string {
	switch {
	case a.Final != "":
		return a.t("fact.done_on", "when", a.day(a.Updated))
	case a.at.yours():
		return a.t("fact.paused_for_you")
	case a.Paused:
		return a.t("fact.paused")
	case !a.Due.IsZero():
		return a.t("fact.due_on", "when", a.day(a.Due))
	}
	return a.t("fact.no_due")
}

// progress is the way from sent to answered.
func (a *application) progress() web.Component {
	at := 2
	switch a.Status {
	case statusNew:
		at = 1
	case statusNotTaken, statusLeaving, statusDecided, statusReturned:
		at = 3
	}
	last := "step.result"
	if a.Final == "refused" || a.Final == "withdrawn" {
		last = "step." + a.Final
	}
	steps := []web.Step{{Text: a.t("step.sent"), Detail: a.day(a.Opened)}, {Text: a.t("step.taken")}, {Text: a.t("step.work")}, {Text: a.t(last)}}
	for i := range steps {
		switch {
		case a.Final != "" || i < at:
			steps[i].State = "done"
		case i == at:
			steps[i].State = "current"
		}
	}
	switch {
	case a.Final != "":
		steps[3].Detail = a.day(a.Updated)
	case a.at.yours():
		steps[at].Detail = a.t("step.your_turn")
	case !a.Due.IsZero():
		steps[3].Detail = a.t("step.until", "when", a.day(a.Due))
	}
	return web.Progress{Label: a.t("case.progress"), Steps: steps}
}

func (a *application) timeline() web.Component {
	var items []web.Moment
	if a.at == turnWait && !a.Due.IsZero() {
		items = append(items, web.Moment{Title: a.t("history.result"), When: a.t("history.until", "when", a.day(a.Due)), State: "next"})
	}
	now := a.Final == ""
	for _, m := range story(a.Timeline) {
		item := web.Moment{Title: m.Title.In(a.lang), At: m.At, Text: m.Body}
		switch m.Kind {
		case "document":
			item.Title = a.t("history.issued", "title", m.Title)
		case "bill":
			item.Title = a.t("history.bill", "title", m.Title)
		}
		switch m.ActorKind {
		case "applicant":
			item.By = a.t("history.you")
		case "officer":
			item.By = a.Def.Owner.Name.In(a.lang)
		}
		if now {
			item.State, now = "now", false
		}
		items = append(items, item)
	}
	return web.Timeline{Label: a.t("case.history"), Items: items}
}
