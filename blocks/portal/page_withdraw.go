package portal

import (
	"net/http"

	"github.com/dinh-gov/dinh/web"
)

// showWithdraw asks once more before an application is ended for good.
func (p *Portal) showWithdraw(w http.ResponseWriter, r *http.Request) error {
	v := p.reader(r)
	f, err := p.d.Cases.ByApplication(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	page := "/applications/" + f.Application
	may, refund := withdrawal(f)
	if !may {
		http.Redirect(w, r, page, http.StatusSeeOther)
		return nil
	}
	b, err := v.bill(r.Context(), f.Case)
	if err != nil {
		return err
	}
	consequences := []string{v.t("withdraw.ends"), v.t("withdraw.again")}
	if refund && b.State == "paid" {
		consequences = append(consequences, v.t("withdraw.refund", "amount", b.Amount))
	}
	return p.d.Pages.Show(w, r, web.Page{Title: v.t("withdraw.title"), Section: "applications", BackLink: v.back(page, "withdraw.keep")},
		web.Paragraph{Text: f.Title.In(v.lang) + " · " + f.Code, Classes: "govuk-body-l"},
		web.List{Items: consequences, Classes: "govuk-list--bullet"},
		web.Form{Action: page + "/withdraw", Body: []web.Component{
			web.Button{Text: v.t("withdraw.button"), Classes: "govuk-button--warning", PreventDoubleClick: web.On}}},
		web.Link{Text: v.t("withdraw.keep"), Href: page})
}

// withdraw ends the application. Sent twice it does it once.
func (p *Portal) withdraw(w http.ResponseWriter, r *http.Request) error {
	f, err := p.d.Cases.ByApplication(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if f.Final != "withdrawn" && f.Status != statusLeaving {
		if err := p.d.Cases.Withdraw(r.Context(), f.Application); err != nil {
			return err
		}
	}
	http.Redirect(w, r, "/applications/"+f.Application, http.StatusSeeOther)
	return nil
}
