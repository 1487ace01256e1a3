package directory

import (
	"net/http"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/web"
)

func (g *Registry) showRequest(w http.ResponseWriter, r *http.Request) error {
	return g.requestPage(w, r, "", nil)
}

// requestPage shows a registrar what is asked for and who decided what.
func (g *Registry) requestPage(w http.ResponseWriter, r *http.Request, reason string, wrong []web.FieldError) error {
	p := auth.From(r.Context())
	req, err := g.Request(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return err
	}
	me, err := g.registrar(p)
	if err != nil {
		return err
	}
	t := g.teller(r)
	rows := []web.Row{{Key: web.Term{Text: t.say("desk.state")}, Value: web.Term{Body: []web.Component{t.state(req)}}}}
	if req.Kind == Join {
		rows = append(rows, t.facts(req.Application)...)
	} else {
		rows = append(rows, web.Fact(t.say("id"), req.Member), web.Fact(t.say("reason"), req.Reason))
	}
	body := web.Plain{Title: t.called(req), Caption: t.say("kind." + req.Kind), Parts: []web.Component{web.SummaryList{Rows: rows}}}
	if req.State == Proved {
		body.Parts = append(body.Parts, t.decision(req, me, reason, wrong)...)
	}
	body.Parts = append(body.Parts, web.Heading{Text: t.say("request.history")}, t.history(req))
	return g.desk(w, r, web.Page{Title: body.Title, Errors: wrong, BackLink: &web.BackLink{Href: "/desk/directory"}, Data: body})
}

// decision lets a registrar say yes once, and no at any time before the second yes.
func (t teller) decision(r Request, me Vote, reason string, wrong []web.FieldError) []web.Component {
	at := "/desk/directory/requests/" + r.ID
	parts := []web.Component{web.Heading{Text: t.say("request.decide")}, web.Paragraph{Text: t.say("request.check_" + r.Kind)}}
	if said := r.approvedBy(me); said {
		parts = append(parts, web.InsetText{Text: t.say("request.said")})
	} else {
		parts = append(parts, web.Form{Action: at + "/approve", Body: []web.Component{web.Button{Text: t.say("request.approve_" + r.Kind), PreventDoubleClick: web.On}}})
	}
	return append(parts, web.Details{SummaryText: t.say("request.refuse"), Open: len(wrong) > 0, Body: []web.Component{
		web.Form{Action: at + "/refuse", Body: []web.Component{
			web.Textarea{Name: "reason", Value: reason, Rows: 3, Label: web.Label{Text: t.say("reason")}, Hint: web.HintText(t.say("request.reason_hint")), ErrorMessage: web.ErrorFor(wrong, "reason")},
			web.Button{Text: t.say("request.refuse_button"), Classes: "govuk-button--warning", PreventDoubleClick: web.On},
		}},
	}})
}

func (t teller) history(r Request) web.Timeline {
	line := web.Timeline{Label: t.say("request.history"), Items: []web.Moment{{Title: t.say("request.asked_" + r.Kind), At: r.AskedAt}}}
	for _, v := range r.Votes {
		m := web.Moment{Title: t.say("request.vote_" + v.Verdict), By: v.Officer, At: v.At, Text: v.Reason}
		if v.Verdict == Refused {
			m.State = "problem"
		}
		line.Items = append(line.Items, m)
	}
	if r.State == Proved {
		line.Items = append(line.Items, web.Moment{Title: t.say("request.waits", "n", voicesNeeded-len(r.Votes)), State: "next"})
	}
	return line
}

func (g *Registry) sendApproval(w http.ResponseWriter, r *http.Request) error {
	if _, err := g.Approve(r.Context(), auth.From(r.Context()), r.PathValue("id")); err != nil {
		return err
	}
	http.Redirect(w, r, "/desk/directory/requests/"+r.PathValue("id"), http.StatusSeeOther)
	return nil
}

func (g *Registry) sendRefusal(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "directory.bad_form").Wrap(err)
	}
	why := r.PostForm.Get("reason")
	_, err := g.Refuse(r.Context(), auth.From(r.Context()), r.PathValue("id"), why)
	if wrong, ok := g.teller(r).wrong(err, same); ok {
		return g.requestPage(w, r, why, wrong)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/desk/directory/requests/"+r.PathValue("id"), http.StatusSeeOther)
	return nil
}
