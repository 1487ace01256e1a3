package forms

import (
	"html/template"
	"net/http"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// consentInput is the box of the declaration.
const consentInput = "consent"

// showCheck shows all that will be sent, before it is sent.
func (x *Forms) showCheck(w http.ResponseWriter, req *http.Request) error {
	a, err := x.inHand(req.Context(), req.PathValue("app"))
	if err != nil {
		return err
	}
	return x.check(w, req, a, nil)
}

func (x *Forms) check(w http.ResponseWriter, req *http.Request, a *work, wrong []web.FieldError) error {
	if a.State == Submitted || a.State == Draft && (a.waiting() || a.stopped() != nil) {
		return see(w, req, a.root())
	}
	steps := a.steps()
	if _, left := todo(steps); left || len(a.def.Complete(a.state())) > 0 {
		return see(w, req, a.onward(steps))
	}
	s := x.speaker(req)
	page := web.Page{Title: s.t("check.title"), Section: "applications", BackLink: &web.BackLink{Href: a.root()}, Errors: wrong}
	if req.URL.Query().Get("facts") == "changed" {
		page.Flash = &web.Alert{Variant: "warning", Title: s.t("check.changed"), Text: s.t("check.changed_text")}
	}
	body := web.Plain{Title: page.Title, Caption: s.say(a.Title)}
	if a.correction != nil {
		body.Lead = s.t("mend.check")
	}
	body.Parts = append(body.Parts, silentAlert(s, a.silent())...)
	for _, st := range steps {
		if list, ok := summary(s, a, st); ok {
			body.Parts = append(body.Parts, list)
		}
	}
	body.Parts = append(body.Parts, feeParts(s, a)...)
	body.Parts = append(body.Parts, sendForm(s, a, wrong))
	page.Data = body
	return x.d.Pages.Show(w, req, page)
}

// summary is one page of the form, as it will be sent.
func summary(s speaker, a *work, st step) (web.SummaryList, bool) {
	state := a.state()
	full, _ := a.def.Page(st.page.ID)
	href := a.root() + "/p/" + st.page.ID
	list := web.SummaryList{Card: &web.Card{Title: &web.CardTitle{Text: s.say(full.Title)}}}
	for _, f := range a.def.KnownFacts(full, state) {
		list.Rows = append(list.Rows, web.Row{Key: web.Term{Text: s.say(f.Known.Label)}, Value: sourced(s.say(f.Value), factSource(s, a, f))})
	}
	for _, f := range a.def.VisibleFields(full, state) {
		r := web.Row{Key: web.Term{Text: s.say(f.Label)}, Value: answerTerm(s, a, f, state.Answers[f.ID])}
		if st.open && (a.correction == nil || contains(st.page.Fields, f.ID)) {
			r.Actions.Items = []web.Action{{Text: s.t("check.change"), Href: href + "#" + focus(f), VisuallyHiddenText: s.say(f.Label)}}
		}
		list.Rows = append(list.Rows, r)
	}
	return list, len(list.Rows) > 0
}

func contains(fields []services.Field, id string) bool {
	for _, f := range fields {
		if f.ID == id {
			return true
		}
	}
	return false
}

// focus is the id of a field's first input.
func focus(f services.Field) string {
	if f.Type == services.TypeDate {
		return f.ID + "-day"
	}
	return f.ID
}

// sourced is a value with small words on where it comes from.
func sourced(value, source string) web.Term {
	if source == "" {
		return web.Term{Text: value}
	}
	esc := template.HTMLEscapeString
	return web.Term{HTML: template.HTML(esc(value) + //nolint:gosec // both escaped
		`<span class="govuk-hint govuk-!-display-block govuk-!-font-size-16 govuk-!-font-weight-regular govuk-!-margin-bottom-0">` + esc(source) + `</span>`)}
}

func factSource(s speaker, a *work, f services.Fact) string {
	if f.Source == nil {
		return ""
	}
	return s.t("known.from", "source", s.say(f.Source.Title), "when", i18n.FormatTime(s.lang, a.content.Evidence[f.Source.ID].At))
}

func answerTerm(s speaker, a *work, f services.Field, answer any) web.Term {
	if answer == nil {
		return web.Term{Text: s.t("check.none"), Classes: "govuk-hint"}
	}
	value := s.say(a.def.AnswerText(f, answer))
	if f.Type == services.TypeFile {
		return web.Term{Body: []web.Component{web.Link{Text: value, Href: a.root() + "/files/" + f.ID}}}
	}
	from := a.content.Sources[f.ID]
	e := a.def.EvidenceByID(from.Evidence)
	if e == nil {
		return web.Term{Text: value}
	}
	switch from.Source {
	case Obtained:
		return sourced(value, s.t("known.from", "source", s.say(e.Title), "when", i18n.FormatTime(s.lang, a.content.Evidence[e.ID].At)))
	case Changed:
		return sourced(value, s.t("check.edited", "source", s.say(e.Title)))
	}
	return web.Term{Text: value}
}

// feeParts tells what it will cost, when that is known by now.
func feeParts(s speaker, a *work) []web.Component {
	if a.State != Draft || a.def.Definition.Fee == nil {
		return nil
	}
	fee, err := a.def.Fee(a.state())
	if err != nil || fee == nil {
		return nil
	}
	return []web.Component{web.SummaryList{Rows: []web.Row{
		{Key: web.Term{Text: s.say(a.def.Definition.Fee.Label)}, Value: sourced(fee.Format(s.lang), s.t("check.fee"))},
	}}}
}

func sendForm(s speaker, a *work, wrong []web.FieldError) web.Form {
	f := web.Form{Action: a.root() + "/submit", Body: []web.Component{
		web.Heading{Text: s.t("check.declare")}, web.Paragraph{Text: s.say(a.def.Consent)},
	}}
	button := s.t("check.submit")
	if a.correction != nil {
		f.Action, button = a.root()+"/resubmit", s.t("mend.submit")
	}
	f.Body = append(f.Body,
		web.Checkboxes{IDPrefix: consentInput, Name: consentInput, ErrorMessage: web.ErrorFor(wrong, consentInput),
			Items: []web.Choice{{Value: "yes", Text: s.t("check.agree")}}},
		web.Button{Text: button, PreventDoubleClick: web.On})
	return f
}

// postSubmit sends the application. However often it is pressed, there is one
// case and one code.
func (x *Forms) postSubmit(w http.ResponseWriter, req *http.Request) error {
	return x.send(w, req, Draft, func(a *work) error {
		_, err := x.submit(req.Context(), a.ID, i18n.LangFrom(req.Context()))
		return err
	})
}

// postResubmit sends back what was corrected.
func (x *Forms) postResubmit(w http.ResponseWriter, req *http.Request) error {
	return x.send(w, req, Correcting, func(a *work) error { return x.resubmit(req.Context(), a.ID) })
}

func (x *Forms) send(w http.ResponseWriter, req *http.Request, in State, do func(*work) error) error {
	if err := req.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "forms.bad_form").Wrap(err)
	}
	a, err := x.inHand(req.Context(), req.PathValue("app"))
	if err != nil {
		return err
	}
	if a.State != in {
		return see(w, req, a.root()) // sent already, or returned meanwhile
	}
	if req.PostForm.Get(consentInput) != "yes" {
		return x.check(w, req, a, []web.FieldError{{Field: consentInput, Text: x.speaker(req).t("check.must_agree")}})
	}
	err = do(a)
	switch errs.CodeOf(err) {
	case "forms.facts_changed":
		return see(w, req, a.root()+"/check?facts=changed")
	case "forms.incomplete":
		return see(w, req, a.root())
	}
	if err != nil {
		return err
	}
	return see(w, req, a.root()+"/done")
}
