package payments

import (
	"net/http"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (p *Payments) pages() []httpx.Route {
	routes := []httpx.Route{
		{Method: "GET", Path: "/pay/{bill}", Access: auth.Person(auth.Low), Page: true, Handle: p.showBill},
		{Method: "POST", Path: "/pay/{bill}", Access: auth.Person(auth.Low), Page: true, Handle: p.startPayment},
		{Method: "GET", Path: "/pay/{bill}/done", Access: auth.Person(auth.Low), Page: true, Handle: p.showDone},
	}
	if p.sandbox == nil {
		return routes
	}
	return append(routes,
		httpx.Route{Method: "GET", Path: "/sandbox-card/{ref}", Access: auth.Public(), Page: true, Handle: p.showCard},
		httpx.Route{Method: "POST", Path: "/sandbox-card/{ref}", Access: auth.Public(), Page: true, Handle: p.takeCard})
}

func (p *Payments) t(req *http.Request, key string, kv ...any) string {
	return p.d.Pages.T(i18n.LangFrom(req.Context()), key, kv...)
}

func (p *Payments) summary(req *http.Request, b Bill) web.SummaryList {
	lang := i18n.LangFrom(req.Context())
	return web.SummaryList{Rows: []web.Row{
		{Key: web.Term{Text: p.t(req, "payments.for")}, Value: web.Term{Text: b.Title.In(lang)}},
		{Key: web.Term{Text: p.t(req, "payments.fee")}, Value: web.Term{Text: b.Label.In(lang)}},
		{Key: web.Term{Text: p.t(req, "payments.reference")}, Value: web.Term{Text: b.Reference}},
		{Key: web.Term{Text: p.t(req, "payments.amount")}, Value: web.Term{Text: b.Amount.Format(lang), Classes: "dinh-amount"}},
	}}
}

func (p *Payments) showBill(w http.ResponseWriter, req *http.Request) error {
	b, err := p.Bill(req.Context(), req.PathValue("bill"))
	if err != nil {
		return err
	}
	if b.State != Open {
		http.Redirect(w, req, "/pay/"+b.ID+"/done", http.StatusSeeOther)
		return nil
	}
	return p.d.Pages.Show(w, req, web.Page{Title: p.t(req, "payments.pay_title"), Section: "applications", BackLink: &web.BackLink{Href: b.Return}},
		p.summary(req, b),
		web.InsetText{Text: p.t(req, "payments.card_elsewhere")},
		web.Form{Action: "/pay/" + b.ID, Body: []web.Component{web.Button{Text: p.t(req, "payments.continue"), PreventDoubleClick: web.On}}})
}

func (p *Payments) startPayment(w http.ResponseWriter, req *http.Request) error {
	page, err := p.Start(req.Context(), req.PathValue("bill"))
	if errs.CodeOf(err) == "payments.bill_settled" {
		page, err = "/pay/"+req.PathValue("bill")+"/done", nil
	}
	if err != nil {
		return err
	}
	http.Redirect(w, req, page, http.StatusSeeOther)
	return nil
}

func (p *Payments) showDone(w http.ResponseWriter, req *http.Request) error {
	b, err := p.Bill(req.Context(), req.PathValue("bill"))
	if err != nil {
		return err
	}
	b, reason, err := p.Settle(req.Context(), b.ID)
	if err != nil {
		return err
	}
	lang := i18n.LangFrom(req.Context())
	page := web.Page{Title: p.t(req, "payments.done_title"), Section: "applications"}
	if b.State == Open {
		page.Title = p.t(req, "payments.failed_title")
		if reason == "" {
			reason = "none"
		}
		return p.d.Pages.Show(w, req, page,
			web.WarningText{Text: p.t(req, "payments.reason."+reason)},
			web.Paragraph{Text: p.t(req, "payments.nothing_taken")},
			p.summary(req, b),
			web.Form{Action: "/pay/" + b.ID, Body: []web.Component{web.Button{Text: p.t(req, "payments.try_again")}}},
			web.Link{Text: p.t(req, "payments.later"), Href: b.Return})
	}
	page.Data = web.Plain{}
	return p.d.Pages.Show(w, req, page,
		web.Panel{TitleText: p.t(req, "payments.state."+string(b.State)), Text: b.Amount.Format(lang)},
		p.summary(req, b),
		web.Button{Text: p.t(req, "payments.back_to_application"), Href: b.Return})
}

func (p *Payments) showCard(w http.ResponseWriter, req *http.Request) error {
	return p.cardPage(w, req, nil)
}

func (p *Payments) cardPage(w http.ResponseWriter, req *http.Request, wrong []web.FieldError) error {
	row, err := p.sandbox.row(req.Context(), req.PathValue("ref"))
	if err != nil {
		return err
	}
	if row.State != "started" {
		http.Redirect(w, req, row.Return, http.StatusSeeOther)
		return nil
	}
	lang := i18n.LangFrom(req.Context())
	text := func(name, key string, classes string, auto string) web.Input {
		return web.Input{Name: name, Label: web.Label{Text: p.t(req, key)}, Classes: classes, Autocomplete: auto, InputMode: "numeric", Spellcheck: web.Off, ErrorMessage: web.ErrorFor(wrong, name)}
	}
	name := web.Input{Name: "name", Label: web.Label{Text: p.t(req, "payments.card_name")}, Autocomplete: "cc-name"}
	return p.d.Pages.Show(w, req, web.Page{Title: p.t(req, "payments.card_title"), Section: "applications", Errors: wrong},
		web.Paragraph{Text: row.Title.In(lang) + " · " + row.Amount.Format(lang), Classes: "govuk-body-l"},
		web.Form{Action: req.URL.Path, Body: []web.Component{
			text("number", "payments.card_number", "govuk-input--width-20", "cc-number"),
			text("expiry", "payments.card_expiry", "govuk-input--width-5", "cc-exp"),
			text("code", "payments.card_code", "govuk-input--width-4", "cc-csc"),
			name,
			web.Button{Text: p.t(req, "payments.card_pay", "amount", row.Amount.Format(lang)), PreventDoubleClick: web.On},
			web.Button{Text: p.t(req, "payments.card_cancel"), Name: "cancel", Value: "yes", Classes: "govuk-button--secondary"},
		}},
		web.Details{SummaryText: p.t(req, "payments.test_cards"), Body: []web.Component{web.Table{
			Head: []web.Cell{{Text: p.t(req, "payments.card_number")}, {Text: p.t(req, "payments.what_happens")}},
			Rows: [][]web.Cell{
				{{Text: "4444 3333 2222 1111"}, {Text: p.t(req, "payments.test.success")}},
				{{Text: "4000 0000 0000 0002"}, {Text: p.t(req, "payments.test.declined")}},
				{{Text: "4000 0000 0000 0069"}, {Text: p.t(req, "payments.test.expired")}},
				{{Text: "4000 0000 0000 0119"}, {Text: p.t(req, "payments.test.error")}},
			},
		}}})
}

// takeCard plays the provider: it reads the card, forgets it, and sends the
// person back.
func (p *Payments) takeCard(w http.ResponseWriter, req *http.Request) error {
	ref := req.PathValue("ref")
	row, err := p.sandbox.row(req.Context(), ref)
	if err != nil {
		return err
	}
	if err := req.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "payments.bad_form")
	}
	if req.PostForm.Get("cancel") != "" {
		err = p.store.sandboxMove(req.Context(), ref, ProviderStatus{State: "failed", Reason: "cancelled"})
	} else {
		_, err = p.sandbox.card(req.Context(), ref, req.PostForm.Get("number"))
	}
	switch errs.CodeOf(err) {
	case "payments.not_a_test_card":
		return p.cardPage(w, req, []web.FieldError{{Field: "number", Text: p.t(req, "error.payments.not_a_test_card")}})
	case "payments.bill_settled":
		err = nil
	}
	if err != nil {
		return err
	}
	http.Redirect(w, req, row.Return, http.StatusSeeOther)
	return nil
}
