package broker

import (
	"net/http"
	"net/url"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func see(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

func (b *Broker) postStart(w http.ResponseWriter, r *http.Request) error {
	made, err := b.Begin(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return see(w, r, "/papers/"+made.Code)
}

// showMine lists a person's requests.
func (b *Broker) showMine(w http.ResponseWriter, r *http.Request) error {
	t := b.teller(r)
	all, err := b.AllMine(r.Context())
	if err != nil {
		return err
	}
	body := web.Plain{Title: t.say("mine.title"), Lead: t.say("mine.lead")}
	rows := make([]web.Row, len(all))
	for i, q := range all {
		rows[i] = web.Row{
			Key: web.Term{Text: t.member(q.Client)},
			Value: web.Term{Body: []web.Component{
				web.Paragraph{Text: q.Code + " · " + t.day(q.Created), Classes: "govuk-body govuk-!-margin-bottom-1"}, t.requestState(q),
			}},
			Actions: web.RowActions{Items: []web.Action{{Text: t.say("open"), VisuallyHiddenText: q.Code, Href: "/papers/" + q.Code}}},
		}
	}
	if len(rows) == 0 {
		body.Parts = append(body.Parts, web.EmptyState{Title: t.say("mine.none"), Text: t.say("mine.none_text"), Icon: "document"})
	} else {
		body.Parts = append(body.Parts, web.SummaryList{Rows: rows})
	}
	return b.d.Pages.Show(w, r, web.Page{Title: body.Title, Section: "data", Data: body})
}

// showRequest tells who asks for what before anything is looked up, and how the
// papers stand afterwards.
func (b *Broker) showRequest(w http.ResponseWriter, r *http.Request) error {
	t := b.teller(r)
	q, err := b.Mine(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	p := web.Page{Title: q.Pack.Title.In(t.lang), Section: "data", BackLink: &web.BackLink{Href: "/papers"}}
	body := web.Plain{Title: p.Title, Caption: t.member(q.Client) + " · " + q.Code}
	switch {
	case !q.Decided.IsZero():
		body.Lead, body.Parts = t.say("decided.lead", "who", t.member(q.Client)), t.decided(q)
	case b.open(q) != nil:
		body.Parts = []web.Component{web.InsetText{Text: t.problem(b.open(q))}}
	default:
		body.Lead, body.Parts = t.say("asked.lead", "who", t.member(q.Client), "n", len(q.Papers)), t.asked(q)
	}
	if r.URL.Query().Get("news") == "decided" && !q.Decided.IsZero() {
		p.Flash = &web.Alert{Variant: "success", Text: t.say("decided.news")}
	}
	p.Data = body
	return b.d.Pages.Show(w, r, p)
}

func (t teller) asked(q Request) []web.Component {
	var papers []web.Row
	for _, p := range q.Papers {
		papers = append(papers, web.Fact(p.Evidence.Title.In(t.lang), t.register(p.Evidence)+" · "+t.keeper(p.Evidence)))
	}
	return []web.Component{
		web.Heading{Text: t.say("asked.papers")}, web.SummaryList{Rows: papers},
		web.Heading{Text: t.say("asked.terms")}, web.SummaryList{Rows: t.facts(q)},
		web.InsetText{Text: t.say("asked.nothing_yet", "who", t.member(q.Client))},
		web.Button{Text: t.say("asked.preview"), Href: "/papers/" + q.Code + "/preview"},
	}
}

func (t teller) decided(q Request) []web.Component {
	var parts []web.Component
	standing := false
	for _, p := range q.Papers {
		status := web.Fact(t.say("state"), "")
		status.Value = web.Term{Body: []web.Component{t.state(p)}}
		rows := []web.Row{status}
		if p.State == PaperGiven {
			standing = standing || p.Consent == exchange.ConsentStands
			rows = append(rows, web.Fact(t.say("until"), t.day(q.Decided.AddDate(0, 0, q.Pack.Days))), web.Fact(t.say("used"), i18n.FormatInt(t.lang, int64(p.Used))))
		}
		parts = append(parts, t.card(p, rows))
	}
	parts = append(parts, web.Paragraph{Text: t.say("decided.tracker")}, web.List{Bodies: []web.Component{
		web.Link{Text: t.say("decided.who_looked"), Href: "/my-data"}, web.Link{Text: t.say("decided.consents"), Href: "/my-data/consents"},
	}})
	if standing {
		parts = append(parts, web.Heading{Text: t.say("withdraw.title")}, web.Paragraph{Text: t.say("withdraw.text", "who", t.member(q.Client))},
			web.Form{Action: "/papers/" + q.Code + "/withdraw", Body: []web.Component{
				web.Button{Text: t.say("withdraw.button"), Classes: "govuk-button--warning", PreventDoubleClick: web.On},
			}})
	}
	return parts
}

func (b *Broker) showPreview(w http.ResponseWriter, r *http.Request) error {
	return b.preview(w, r, nil, nil)
}

// preview shows each paper as it would be handed over, and asks about each.
func (b *Broker) preview(w http.ResponseWriter, r *http.Request, said url.Values, wrong []web.FieldError) error {
	t := b.teller(r)
	q, extracts, err := b.Preview(r.Context(), r.PathValue("code"))
	if errs.CodeOf(err) == "broker.decided" || errs.CodeOf(err) == "broker.expired" {
		return see(w, r, "/papers/"+r.PathValue("code"))
	}
	if err != nil {
		return err
	}
	who := t.member(q.Client)
	form := web.Form{Action: "/papers/" + q.Code + "/preview"}
	for _, x := range extracts {
		if x.Err != nil {
			form.Body = append(form.Body, t.card(x.Paper, []web.Row{web.Fact(t.say("result"), t.say("no_answer"))}))
			continue
		}
		name := x.Requirement.ID
		form.Body = append(form.Body, t.card(x.Paper, t.records(x)), web.Radios{
			Name: name, Value: said.Get(name), Classes: "govuk-radios--inline", ErrorMessage: web.ErrorFor(wrong, name),
			Fieldset: &web.Fieldset{Legend: web.Legend{Text: t.say("preview.ask", "who", who, "paper", x.Evidence.Title.In(t.lang)), Classes: "govuk-fieldset__legend--s"}},
			Items:    []web.Choice{{Value: "yes", Text: t.say("preview.yes")}, {Value: "no", Text: t.say("preview.no")}},
		})
	}
	form.Body = append(form.Body, web.InsetText{Text: t.say("preview.terms", "who", who, "days", q.Pack.Days, "times", q.Pack.Times)},
		web.Button{Text: t.say("preview.send"), PreventDoubleClick: web.On})
	refuse := web.Form{Action: form.Action, Hidden: []web.Hidden{{Name: "all", Value: "no"}}, Body: []web.Component{
		web.Button{Text: t.say("preview.refuse_all"), Classes: "govuk-button--secondary", PreventDoubleClick: web.On},
	}}
	body := web.Plain{
		Title: t.say("preview.title"), Caption: q.Pack.Title.In(t.lang) + " · " + q.Code, Lead: t.say("preview.lead", "who", who),
		Parts: []web.Component{form, refuse},
	}
	return b.d.Pages.Show(w, r, web.Page{Title: body.Title, Section: "data", BackLink: &web.BackLink{Href: "/papers/" + q.Code}, Errors: wrong, Data: body})
}

func (b *Broker) postDecision(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "broker.bad_form").Wrap(err)
	}
	t := b.teller(r)
	q, err := b.Mine(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	agreed, wrong := map[string]bool{}, []web.FieldError(nil)
	for _, p := range q.Papers {
		id := p.Requirement.ID
		switch answer := r.PostForm.Get(id); {
		case r.PostForm.Get("all") == "no", answer == "no":
		case answer == "yes":
			agreed[id] = true
		case p.State == PaperSeen:
			wrong = append(wrong, web.FieldError{Field: id, Text: t.say("preview.choose", "paper", p.Evidence.Title.In(t.lang))})
		}
	}
	if len(wrong) > 0 {
		return b.preview(w, r, r.PostForm, wrong)
	}
	err = b.Decide(r.Context(), q.Code, agreed)
	if errs.CodeOf(err) == "broker.decided" { // pressed twice
		return see(w, r, "/papers/"+q.Code)
	}
	if err != nil {
		return err
	}
	return see(w, r, "/papers/"+q.Code+"?news=decided")
}

func (b *Broker) postWithdraw(w http.ResponseWriter, r *http.Request) error {
	if err := b.Withdraw(r.Context(), r.PathValue("code")); err != nil {
		return err
	}
	return see(w, r, "/papers/"+r.PathValue("code"))
}
