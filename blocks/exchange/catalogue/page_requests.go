package catalogue

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// showRequests lists what waits for the officer's member, what it asked for, and
// what it decided.
func (c *Catalogue) showRequests(w http.ResponseWriter, r *http.Request) error {
	asked, received, err := c.Requests(r.Context())
	if err != nil {
		return err
	}
	t := c.teller(r)
	var open, closed []Request
	for _, q := range received {
		if q.Outcome == "" {
			open = append(open, q)
		} else {
			closed = append(closed, q)
		}
	}
	body := web.Plain{Title: t.say("desk_title"), Lead: t.say("desk_lead", "member", t.name(auth.From(r.Context()).Member))}
	for _, part := range []struct {
		key string
		all []Request
	}{{"desk_open", open}, {"desk_asked", asked}, {"desk_closed", closed}} {
		body.Parts = append(body.Parts, web.Heading{Text: t.say(part.key)})
		if len(part.all) == 0 {
			body.Parts = append(body.Parts, web.Paragraph{Text: t.say(part.key + "_none")})
			continue
		}
		list := web.TaskList{IDPrefix: part.key}
		for _, q := range part.all {
			other := q.Client.Owner() // the other side
			if part.key == "desk_asked" {
				other = q.Service.Owner()
			}
			list.Items = append(list.Items, web.Task{
				Title: web.Term{Text: t.title(q.Service) + " · " + t.name(other.String())}, Href: "/desk/exchange/requests/" + q.ID,
				Hint: web.HintText(t.purpose(q.Purpose) + " · " + i18n.FormatDate(t.lang, q.AskedAt.In(i18n.Zone()).Format(time.DateOnly))), Status: web.TaskStatus{Tag: t.tag(q)},
			})
		}
		body.Parts = append(body.Parts, list)
	}
	body.Parts = append(body.Parts, web.Button{Text: t.say("find"), Href: "/exchange", Classes: "govuk-button--secondary"})
	return c.d.Pages.Show(w, r, web.Page{Title: body.Title, Section: "exchange", Officer: true, Wide: true, Data: body})
}

func (t teller) tag(r Request) *web.Tag {
	colours := map[string]string{"": "yellow", Granted: "green", Changed: "teal", Refused: "red"}
	key := r.Outcome
	if key == "" {
		key = "open"
	}
	return &web.Tag{Text: t.say("outcome." + key), Classes: "govuk-tag--" + colours[r.Outcome]}
}

func (c *Catalogue) showRequest(w http.ResponseWriter, r *http.Request) error {
	return c.requestPage(w, r, nil, nil)
}

// requestPage shows a request, what became of it, and to the owner the form with
// which it is decided or ended; typed is nil before anything was sent.
func (c *Catalogue) requestPage(w http.ResponseWriter, r *http.Request, typed url.Values, wrong []web.FieldError) error {
	q, err := c.Request(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	s, err := c.service(r.Context(), q.Service.String())
	if err != nil {
		s = exchange.ServiceInfo{ID: q.Service, Title: i18n.Text{VI: q.Service.String(), EN: q.Service.String()}} // is no longer offered
	}
	t := c.teller(r)
	g, err := c.grantOf(r.Context(), q.ID)
	if err != nil {
		return err
	}
	facts := append([]web.Row{
		web.Fact(t.say("client"), t.system(q.Client)+" ("+q.Client.String()+")"), web.Fact(t.say("purpose"), t.purpose(q.Purpose)), web.Fact(t.say("legal"), q.LegalBasis),
	}, t.termRows(s, q.Asked)...)
	facts = append(facts, web.Fact(t.say("reason_given"), q.Reason), web.Fact(t.say("asked_at"), i18n.FormatTime(t.lang, q.AskedAt)))
	body := web.Plain{Title: s.Title.In(t.lang), Caption: t.say("request_caption", "member", t.name(q.Client.String())), Parts: []web.Component{
		t.state(q, g), web.Heading{Text: t.say("asked_for")}, web.SummaryList{Rows: facts},
	}}
	if q.Given != nil {
		body.Parts = append(body.Parts, web.Heading{Text: t.say("given")}, web.SummaryList{Rows: t.termRows(s, *q.Given)})
	}
	p := auth.From(r.Context())
	switch {
	case !speaksFor(p, q.Service.Owner()):
	case q.Outcome == "" && (q.AskedBy == actor(p) || q.person != "" && q.person == c.personOf(p)):
		body.Parts = append(body.Parts, web.InsetText{Text: t.say("own_request")})
	case q.Outcome == "":
		body.Parts = append(body.Parts, t.decisionForm(s, q, typed, wrong)...)
	case g != nil && g.ActiveAt(t.now):
		body.Parts = append(body.Parts, web.Heading{Text: t.say("end")}, web.Form{Action: "/desk/exchange/requests/" + q.ID + "/revoke", Body: []web.Component{
			web.Input{Name: "reason", Value: typed.Get("reason"), Label: web.Label{Text: t.say("end_reason")}, Hint: web.HintText(t.say("end_hint")), ErrorMessage: web.ErrorFor(wrong, "reason")},
			web.Button{Text: t.say("end"), Classes: "govuk-button--warning", PreventDoubleClick: web.On},
		}})
	}
	return c.d.Pages.Show(w, r, web.Page{Title: body.Title, Section: "exchange", Officer: true, Wide: true, Errors: wrong, BackLink: &web.BackLink{Href: "/desk/exchange", Text: t.say("desk_title")}, Data: body})
}

// state says in one alert how things stand.
func (t teller) state(q Request, g *exchange.Grant) web.Component {
	owner := t.name(q.Service.Owner().String())
	a := web.Alert{Variant: "information", Title: t.say("state.open"), Text: t.say("state.open_text", "owner", owner)}
	switch {
	case q.Outcome == Refused:
		a = web.Alert{Variant: "error", Title: t.say("state.refused", "owner", owner), Text: q.Answer}
	case g != nil && !g.RevokedAt.IsZero():
		a = web.Alert{Variant: "warning", Title: t.say("state.revoked", "owner", owner), Text: g.Reason}
	case q.Outcome == Granted:
		a = web.Alert{Variant: "success", Title: t.say("state.granted", "owner", owner), Text: q.Answer}
	case q.Outcome == Changed:
		a = web.Alert{Variant: "success", Title: t.say("state.changed", "owner", owner), Text: q.Answer}
	}
	if q.Outcome != "" {
		a.Text = strings.TrimSpace(a.Text + " (" + i18n.FormatTime(t.lang, q.DecidedAt) + ")")
	}
	return a
}

// decisionForm offers all, less, or nothing.
func (t teller) decisionForm(s exchange.ServiceInfo, q Request, typed url.Values, wrong []web.FieldError) []web.Component {
	if typed == nil {
		typed = url.Values{"operations": q.Asked.Operations, "fields": q.Asked.Fields, "match": q.Asked.Match}
		if q.Asked.Consent {
			typed.Set("consent", "yes")
		}
		for name, v := range web.DateValues("until", lastDay(q.Asked.Until)) {
			typed.Set(name, v)
		}
		if q.Asked.Quota.PerMinute > 0 {
			typed.Set("quota", strconv.Itoa(q.Asked.Quota.PerMinute))
		}
	}
	fields := q.Asked.Fields
	if slices.Contains(fields, "*") {
		fields = slices.Concat([]string{"*"}, s.Fields)
	}
	less := []web.Component{t.operationBoxes(q.Asked.Operations, typed["operations"], wrong), t.fieldControl(s, fields, typed["fields"], wrong)}
	if len(q.Asked.Match) > 0 {
		less = append(less, t.fieldBoxes(s, web.Checkboxes{Name: "match", Values: typed["match"], Fieldset: legend(t.say("match"))}, q.Asked.Match))
	}
	less = append(less, t.consentBox(typed, wrong), t.untilControl(typed, wrong), t.quotaControl("quota_given", typed, wrong))
	choice := web.Radios{Name: "outcome", Value: typed.Get("outcome"), Fieldset: &web.Fieldset{Legend: web.Legend{Text: t.say("decide"), Classes: "govuk-fieldset__legend--m"}}, ErrorMessage: web.ErrorFor(wrong, "outcome"), Items: []web.Choice{
		{Value: Granted, Text: t.say("decide.granted")},
		{Value: Changed, Text: t.say("decide.changed"), Hint: web.HintText(t.say("decide.changed_hint")), Conditional: &web.Reveal{Body: less}},
		{Value: Refused, Text: t.say("decide.refused")},
	}}
	return []web.Component{web.Form{Action: "/desk/exchange/requests/" + q.ID + "/decide", Body: []web.Component{
		choice,
		web.Textarea{ID: "answer", Name: "answer", Rows: 4, Value: typed.Get("answer"), Label: web.Label{Text: t.say("answer")}, Hint: web.HintText(t.say("answer_hint")), ErrorMessage: web.ErrorFor(wrong, "answer")},
		web.Button{Text: t.say("decide_button"), PreventDoubleClick: web.On},
	}}}
}

func (c *Catalogue) doDecide(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "catalogue.bad_form").Wrap(err)
	}
	d := Decision{Outcome: r.PostForm.Get("outcome"), Answer: r.PostForm.Get("answer")}
	if d.Outcome == Changed {
		given, wrong := terms(r.PostForm)
		if len(wrong) > 0 {
			return c.requestPage(w, r, r.PostForm, c.teller(r).wrong(errs.New(errs.Invalid, "catalogue.bad_decision").With(wrong...)))
		}
		d.Terms = given
	}
	_, err := c.Decide(r.Context(), r.PathValue("id"), d)
	if e, ok := errs.As(err); ok && e.Kind == errs.Invalid && len(e.Fields) > 0 {
		return c.requestPage(w, r, r.PostForm, c.teller(r).wrong(e))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/desk/exchange/requests/"+r.PathValue("id"), http.StatusSeeOther)
	return nil
}

func (c *Catalogue) doRevoke(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "catalogue.bad_form").Wrap(err)
	}
	err := c.Revoke(r.Context(), r.PathValue("id"), r.PostForm.Get("reason"))
	if e, ok := errs.As(err); ok && e.Code == "exchange.reason_missing" {
		return c.requestPage(w, r, r.PostForm, c.teller(r).wrong(e.With(errs.NewField("reason", e.Code))))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/desk/exchange/requests/"+r.PathValue("id"), http.StatusSeeOther)
	return nil
}
