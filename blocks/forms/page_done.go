package forms

import (
	"html/template"
	"net/http"

	"github.com/dinh-gov/dinh/web"
)

// showDone confirms that the application was sent and says what comes next.
func (x *Forms) showDone(w http.ResponseWriter, req *http.Request) error {
	a, err := x.inHand(req.Context(), req.PathValue("app"))
	if err != nil {
		return err
	}
	if a.State != Submitted {
		return see(w, req, a.root())
	}
	s := x.speaker(req)
	title := s.t("done.title")
	if !a.content.Resent.IsZero() {
		title = s.t("done.resent")
	}
	next := []string{s.t("done.office", "office", s.say(a.def.Owner.Name))}
	if a.def.Definition.Clock != nil {
		next = append(next, s.t("done.days", "days", a.def.Definition.Clock.WorkingDays))
	}
	if a.def.Definition.Fee != nil && a.content.Resent.IsZero() {
		next = append(next, s.t("done.fee"))
	}
	next = append(next, s.t("done.messages"), s.t("done.log"))
	return x.d.Pages.Show(w, req, web.Page{Title: title, Section: "applications", Data: web.Plain{Parts: []web.Component{
		web.Panel{TitleText: title, HTML: panelCode(s.t("done.code"), a.Code)},
		web.Paragraph{Text: s.say(a.Title), Classes: "govuk-body-l"},
		web.Paragraph{Text: s.t("done.keep")},
		web.Heading{Text: s.t("done.next")},
		web.List{Items: next, Classes: "govuk-list--bullet govuk-list--spaced"},
		web.Button{Text: s.t("done.follow"), Href: "/applications/" + a.ID},
	}}})
}

// panelCode sets the dossier code in strong letters below its name.
func panelCode(label, code string) template.HTML {
	esc := template.HTMLEscapeString
	return template.HTML(esc(label) + "<br><strong>" + esc(code) + "</strong>") //nolint:gosec // both escaped
}
