package transparency

import (
	"net/http"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (t *Transparency) showConsents(w http.ResponseWriter, req *http.Request) error {
	s := t.words(req)
	all, err := t.Consents(req.Context())
	if err != nil {
		return err
	}
	parts := []web.Component{t.rooms(s, "consents"), web.Paragraph{Text: s.say("transparency.consents_text")}}
	if len(all) == 0 {
		parts = append(parts, web.EmptyState{Title: s.say("transparency.no_consents"), Text: s.say("transparency.no_consents_text"), Icon: "document"})
	}
	for _, c := range all {
		parts = append(parts, t.consentCard(s, c))
	}
	return t.show(w, req, web.Page{Title: s.say("transparency.consents_title")}, parts...)
}

func (t *Transparency) consentCard(s words, c Consent) web.SummaryList {
	state := c.State(t.d.Clock.Now())
	colours := map[ConsentState]string{ConsentStands: "green", ConsentEnded: "grey", ConsentWithdrawn: "red", ConsentSpent: "grey"}
	status := web.Fact(s.say("transparency.state"), "")
	status.Value = web.Term{Body: []web.Component{web.Coloured(colours[state], s.say("transparency.consent."+string(state)))}}
	list := web.SummaryList{
		Card: &web.Card{Title: &web.CardTitle{Text: s.member(c.To), HeadingLevel: "2"}},
		Rows: append([]web.Row{status}, t.consentRows(s, c)...),
	}
	if state == ConsentStands {
		list.Card.Actions.Items = []web.Action{{Text: s.say("transparency.withdraw"), Href: "/my-data/consents/" + c.ID + "/withdraw"}}
	}
	return list
}

func (t *Transparency) consentRows(s words, c Consent) []web.Row {
	fields := fact(s, "fields", "", "")
	fields.Value = web.Term{Body: []web.Component{web.List{Items: s.fields(c.Service, c.Fields)}}}
	rows := []web.Row{
		fact(s, "purpose", s.purpose(c.Purpose), ""), fact(s, "service", s.service(c.Service), ""), fields,
		fact(s, "given", dateOf(s.lang, c.Given), ""), fact(s, "until", dateOf(s.lang, c.Until), ""),
	}
	if c.Times > 0 {
		rows = append(rows, fact(s, "times", s.say("transparency.times_text", "n", c.Times, "used", c.Used), ""))
	}
	if c.Request != "" {
		keep := s.say("transparency.keep_none")
		if c.Keep > 0 {
			keep = s.say("transparency.keep_days", "n", c.Keep)
		}
		request := fact(s, "request", "", "")
		request.Value.Body = []web.Component{web.Link{Text: c.Request, Href: "/papers/" + c.Request}} // the evidence broker answers it
		rows = append(rows, fact(s, "keep", keep, ""), request)
	}
	if !c.Withdrawn.IsZero() {
		rows = append(rows, fact(s, "withdrawn", i18n.FormatTime(s.lang, c.Withdrawn), ""))
	}
	return rows
}

func dateOf(lang i18n.Lang, at time.Time) string {
	return i18n.FormatDate(lang, at.In(i18n.Zone()).Format(time.DateOnly))
}

func (t *Transparency) askWithdraw(w http.ResponseWriter, req *http.Request) error {
	s := t.words(req)
	c, err := t.consent(req, req.PathValue("id"))
	if err != nil {
		return err
	}
	if c.State(t.d.Clock.Now()) != ConsentStands {
		http.Redirect(w, req, "/my-data/consents", http.StatusSeeOther)
		return nil
	}
	return t.show(w, req, web.Page{Title: s.say("transparency.withdraw_title"), BackLink: &web.BackLink{Href: "/my-data/consents"}},
		web.SummaryList{Rows: append([]web.Row{web.Fact(s.say("transparency.consent_to"), s.member(c.To))}, t.consentRows(s, c)...)},
		web.WarningText{Text: s.say("transparency.withdraw_text")},
		web.Form{Action: req.URL.Path, Body: []web.Component{
			web.Button{Text: s.say("transparency.withdraw_button"), Classes: "govuk-button--warning", PreventDoubleClick: web.On},
		}})
}

func (t *Transparency) doWithdraw(w http.ResponseWriter, req *http.Request) error {
	if err := t.Withdraw(req.Context(), req.PathValue("id")); err != nil {
		return err
	}
	http.Redirect(w, req, "/my-data/consents", http.StatusSeeOther)
	return nil
}

func (t *Transparency) consent(req *http.Request, consentID string) (Consent, error) {
	all, err := t.Consents(req.Context())
	if err != nil {
		return Consent{}, err
	}
	for _, c := range all {
		if c.ID == consentID {
			return c, nil
		}
	}
	return Consent{}, errs.New(errs.NotFound, "transparency.no_consent")
}
