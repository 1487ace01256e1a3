package payments

import (
	"net/http"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/money"
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
	more, err := p.surplusLines(req, b)
	if err != nil {
		return err
	}
	page.Data = web.Plain{}
	parts := []web.Component{web.Panel{TitleText: p.t(req, "payments.state."+string(b.State)), Text: b.Amount.Format(lang)}}
	parts = append(parts, more...)
	return p.d.Pages.Show(w, req, page, append(parts, p.summary(req, b), web.Button{Text: p.t(req, "payments.back_to_application"), Href: b.Return})...)
}

// surplusLines tell a person who paid a settled bill that they get it back.
func (p *Payments) surplusLines(req *http.Request, b Bill) ([]web.Component, error) {
	waiting, returned, err := p.surplusOf(req.Context(), b)
	if err != nil {
		return nil, err
	}
	what := "payments.twice."
	if b.State == Cancelled { // nobody paid it before
		what = "payments.late."
	}
	var out []web.Component
	for _, line := range []struct {
		state  string
		amount money.Amount
	}{{stateSurplus, waiting}, {stateReturned, returned}} {
		if line.amount.Minor > 0 {
			out = append(out, web.InsetText{Text: p.t(req, what+line.state, "amount", line.amount.Format(i18n.LangFrom(req.Context())))})
		}
	}
	return out, nil
}
