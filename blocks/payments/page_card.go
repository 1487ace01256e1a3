package payments

import (
	"net/http"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

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
	expiry := text("expiry", "payments.card_expiry", "govuk-input--width-5", "cc-exp")
	expiry.Value = req.PostForm.Get("expiry") // number and code are never sent back
	name := web.Input{Name: "name", Label: web.Label{Text: p.t(req, "payments.card_name")}, Value: req.PostForm.Get("name"), Autocomplete: "cc-name", Spellcheck: web.Off, ErrorMessage: web.ErrorFor(wrong, "name")}
	return p.d.Pages.Show(w, req, web.Page{Title: p.t(req, "payments.card_title"), Section: "applications", Errors: wrong},
		web.Paragraph{Text: row.Title.In(lang) + " · " + row.Amount.Format(lang), Classes: "govuk-body-l"},
		web.Form{Action: req.URL.Path, Body: []web.Component{
			text("number", "payments.card_number", "govuk-input--width-20", "cc-number"),
			expiry,
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
	typed := card{number: req.PostForm.Get("number"), expiry: req.PostForm.Get("expiry"), code: req.PostForm.Get("code"), name: req.PostForm.Get("name")}
	if req.PostForm.Get("cancel") != "" {
		err = p.store.sandboxMove(req.Context(), ref, ProviderStatus{State: "failed", Reason: "cancelled"})
	} else if fields := typed.wrong(p.d.Clock.Now()); len(fields) > 0 {
		return p.cardPage(w, req, p.said(req, fields))
	} else {
		err = p.sandbox.pay(req.Context(), ref, typed)
	}
	if err != nil && errs.CodeOf(err) != "payments.bill_settled" { // another window was faster
		return err
	}
	http.Redirect(w, req, row.Return, http.StatusSeeOther)
	return nil
}

// said puts what is wrong with fields into the reader's words.
func (p *Payments) said(req *http.Request, fields []errs.Field) []web.FieldError {
	out := make([]web.FieldError, len(fields))
	for i, f := range fields {
		out[i] = web.FieldError{Field: f.Name, Text: p.t(req, "error."+f.Code)}
	}
	return out
}
