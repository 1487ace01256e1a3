package catalogue

import (
	"cmp"
	"context"
	"maps"
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

func (c *Catalogue) showAsk(w http.ResponseWriter, r *http.Request) error {
	return c.askPage(w, r, url.Values{}, nil)
}

// askPage is the form, with what was typed and what is wrong with it.
func (c *Catalogue) askPage(w http.ResponseWriter, r *http.Request, typed url.Values, wrong []web.FieldError) error {
	s, err := c.service(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	t := c.teller(r)
	clients, err := c.clients(r.Context(), s.ID.Instance)
	if err != nil {
		return err
	}
	client := web.Radios{Name: "client", Value: typed.Get("client"), Fieldset: legend(t.say("client")), ErrorMessage: web.ErrorFor(wrong, "client")}
	for _, sub := range clients {
		client.Items = append(client.Items, web.Choice{Value: sub.String(), Text: t.system(sub), Hint: web.HintText(sub.String())})
	}
	if len(clients) == 1 {
		client.Value = clients[0].String()
	}
	form := []web.Component{client, t.operationBoxes(offeredOperations(s), typed["operations"], wrong), t.fieldControl(s, s.Fields, typed["fields"], wrong)}
	if len(s.Fields) > 0 {
		form = append(form, web.Details{SummaryText: t.say("match_more"), Open: len(typed["match"]) > 0, Body: []web.Component{
			t.fieldBoxes(s, web.Checkboxes{Name: "match", Values: typed["match"], Hint: web.HintText(t.say("match_hint")), Fieldset: legend(t.say("match"))}, s.Fields),
		}})
	}
	form = append(form, t.consentBox(typed, wrong), t.purposeControl(typed.Get("purpose"), wrong),
		web.Input{Name: "legal_basis", Value: typed.Get("legal_basis"), Label: web.Label{Text: t.say("legal")}, Hint: web.HintText(t.say("legal_hint")), ErrorMessage: web.ErrorFor(wrong, "legal_basis")},
		t.untilControl(typed, wrong), t.quotaControl("quota_wish", typed, wrong),
		web.Textarea{ID: "reason", Name: "reason", Value: typed.Get("reason"), Label: web.Label{Text: t.say("reason")}, Hint: web.HintText(t.say("reason_hint")), ErrorMessage: web.ErrorFor(wrong, "reason")},
		web.Button{Text: t.say("send"), PreventDoubleClick: web.On})
	body := web.Plain{Title: t.say("ask_title", "service", s.Title.In(t.lang)), Caption: t.name(s.ID.Owner().String()), Lead: t.say("ask_lead"),
		Parts: []web.Component{web.Form{Action: address("/desk/exchange/ask", s.ID), Body: form}}}
	return c.d.Pages.Show(w, r, web.Page{Title: body.Title, Section: "exchange", Officer: true, Errors: wrong, BackLink: &web.BackLink{Href: address("/exchange/services", s.ID), Text: s.Title.In(t.lang)}, Data: body})
}

// clients are the systems of the caller's member.
func (c *Catalogue) clients(ctx context.Context, instance string) ([]exchange.SubsystemID, error) {
	members, err := c.d.Exchange.Members(ctx)
	if err != nil {
		return nil, err
	}
	var out []exchange.SubsystemID
	for _, m := range members {
		if m.ID().String() != auth.From(ctx).Member {
			continue
		}
		for _, s := range m.Subsystems {
			out = append(out, exchange.SubsystemID{Instance: instance, Class: m.Class, Member: m.Code, Subsystem: s.Code})
		}
	}
	return out, nil
}

func legend(text string) *web.Fieldset {
	return &web.Fieldset{Legend: web.Legend{Text: text, Classes: "govuk-fieldset__legend--s"}}
}

// offeredOperations are those that the service's endpoints do; all when they do
// not tell.
func offeredOperations(s exchange.ServiceInfo) []string {
	all := []string{exchange.OpRead, exchange.OpSearch, exchange.OpCreate, exchange.OpAmend, exchange.OpSubscribe}
	has := map[string]bool{}
	for _, e := range s.Endpoints {
		switch {
		case e.Operation != "":
			has[e.Operation] = true
		case e.Method == "GET" || e.Method == "HEAD" || e.Method == "OPTIONS":
			has[exchange.OpRead] = true
		case e.Method == "POST" && strings.HasSuffix(e.Path, "/search"):
			has[exchange.OpSearch] = true
		case e.Method == "POST":
			has[exchange.OpCreate] = true
		case e.Method == "*":
			return all
		default:
			has[exchange.OpAmend] = true
		}
	}
	if len(has) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(o string) bool { return !has[o] })
}

func (t teller) operationBoxes(offered, chosen []string, wrong []web.FieldError) web.Component {
	boxes := web.Checkboxes{Name: "operations", Values: chosen, Fieldset: legend(t.say("may")), ErrorMessage: web.ErrorFor(wrong, "operations")}
	for _, o := range offered {
		boxes.Items = append(boxes.Items, web.Choice{Value: o, Text: t.say("operation." + o)})
	}
	return boxes
}

// fieldControl asks for fields: boxes where they are known, else lines of text.
func (t teller) fieldControl(s exchange.ServiceInfo, offered, chosen []string, wrong []web.FieldError) web.Component {
	if len(offered) == 0 {
		return web.Textarea{ID: "fields", Name: "fields", Rows: 4, Value: strings.Join(chosen, "\n"), Label: web.Label{Text: t.say("what"), Classes: "govuk-label--s"},
			Hint: web.HintText(t.say("fields_lines")), ErrorMessage: web.ErrorFor(wrong, "fields")}
	}
	return t.fieldBoxes(s, web.Checkboxes{Name: "fields", Values: chosen, Fieldset: legend(t.say("what")), Hint: web.HintText(t.say("fields_hint")), ErrorMessage: web.ErrorFor(wrong, "fields")}, offered)
}

func (t teller) fieldBoxes(s exchange.ServiceInfo, boxes web.Checkboxes, offered []string) web.Component {
	boxes.Classes = "govuk-checkboxes--small"
	for _, f := range offered {
		text := t.label(s, f)
		if f == "*" {
			text = t.say("all_fields")
		}
		boxes.Items = append(boxes.Items, web.Choice{Value: f, Text: text})
	}
	return boxes
}

func (t teller) consentBox(typed url.Values, wrong []web.FieldError) web.Component {
	return web.Checkboxes{Name: "consent", Values: typed["consent"], Fieldset: legend(t.say("consent")), ErrorMessage: web.ErrorFor(wrong, "consent"),
		Items: []web.Choice{{Value: "yes", Text: t.say("consent_text"), Hint: web.HintText(t.say("consent_hint"))}}}
}

func (t teller) purposeControl(chosen string, wrong []web.FieldError) web.Component {
	known := t.c.d.Purposes
	if len(known) == 0 {
		return web.Input{Name: "purpose", Value: chosen, Label: web.Label{Text: t.say("purpose")}, ErrorMessage: web.ErrorFor(wrong, "purpose")}
	}
	s := web.Select{ID: "purpose", Name: "purpose", Value: chosen, Label: web.Label{Text: t.say("purpose")}, Hint: web.HintText(t.say("purpose_hint")),
		ErrorMessage: web.ErrorFor(wrong, "purpose"), Items: []web.Option{{Value: "", Text: t.say("choose")}}}
	ids := slices.SortedFunc(maps.Keys(known), func(a, b string) int { return cmp.Compare(known[a].In(t.lang), known[b].In(t.lang)) })
	for _, id := range ids {
		s.Items = append(s.Items, web.Option{Value: id, Text: known[id].In(t.lang)})
	}
	return s
}

func (t teller) untilControl(typed url.Values, wrong []web.FieldError) web.Component {
	d := web.DateInput{ID: "until", NamePrefix: "until", Values: map[string]string{}, Fieldset: legend(t.say("until")), Hint: web.HintText(t.say("until_hint")), ErrorMessage: web.ErrorFor(wrong, "until-day")}
	for _, part := range []string{"until-day", "until-month", "until-year"} {
		d.Values[part] = typed.Get(part)
	}
	return d
}

func (t teller) quotaControl(key string, typed url.Values, wrong []web.FieldError) web.Component {
	return web.Input{Name: "quota", InputMode: "numeric", Value: typed.Get("quota"), Classes: "govuk-input--width-5", Label: web.Label{Text: t.say(key)},
		Hint: web.HintText(t.say(key + "_hint")), Suffix: &web.Affix{Text: t.say("a_minute")}, ErrorMessage: web.ErrorFor(wrong, "quota")}
}

// terms reads what a form says of them.
func terms(form url.Values) (t Terms, wrong []errs.Field) {
	t = Terms{Operations: form["operations"], Fields: form["fields"], Match: form["match"], Consent: form.Get("consent") == "yes"}
	if len(t.Fields) == 1 { // lines of text
		t.Fields = strings.FieldsFunc(t.Fields[0], func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ' ' })
	}
	date := func(part string) string { return strings.TrimSpace(form.Get("until-" + part)) }
	if said := date("year") + "-" + date("month") + "-" + date("day"); said != "--" {
		day, err := time.ParseInLocation("2006-1-2", said, i18n.Zone())
		if err != nil {
			wrong = append(wrong, errs.NewField("until", "catalogue.until_unreadable"))
		}
		t.Until = day.AddDate(0, 0, 1) // the day itself is included
	}
	if said := strings.TrimSpace(form.Get("quota")); said != "" {
		n, err := strconv.Atoi(said)
		if err != nil || n < 1 || n > 1_000_000 {
			wrong = append(wrong, errs.NewField("quota", "catalogue.quota_unreadable"))
		}
		t.Quota.PerMinute = n
	}
	return t, wrong
}

func (c *Catalogue) doAsk(w http.ResponseWriter, r *http.Request) error {
	s, err := c.service(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "catalogue.bad_form").Wrap(err)
	}
	t, form := c.teller(r), r.PostForm
	asked, wrong := terms(form)
	if len(wrong) > 0 {
		return c.askPage(w, r, form, t.wrong(errs.New(errs.Invalid, "catalogue.bad_request").With(wrong...)))
	}
	client, err := exchange.ParseSubsystem(form.Get("client"))
	if err != nil {
		return c.askPage(w, r, form, []web.FieldError{{Field: "client", Text: c.d.Pages.T(t.lang, "error.catalogue.client_missing")}})
	}
	made, err := c.Ask(r.Context(), Request{Client: client, Service: s.ID, Purpose: form.Get("purpose"), LegalBasis: form.Get("legal_basis"), Reason: form.Get("reason"), Asked: asked})
	if e, ok := errs.As(err); ok && (e.Kind == errs.Invalid && len(e.Fields) > 0 || e.Code == "catalogue.asked_already") {
		if len(e.Fields) == 0 {
			e = e.With(errs.NewField("", e.Code))
		}
		return c.askPage(w, r, form, t.wrong(e))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/desk/exchange/requests/"+made.ID, http.StatusSeeOther)
	return nil
}
