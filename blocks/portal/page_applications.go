package portal

import (
	"net/http"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/web"
)

func (p *Portal) showApplications(w http.ResponseWriter, r *http.Request) error {
	v := p.reader(r)
	list, err := p.d.Cases.ForPerson(r.Context(), v.who.Number)
	if err != nil {
		return err
	}
	drafts, err := p.d.Drafts.Drafts(r.Context())
	if err != nil {
		return err
	}
	page := web.Page{Title: v.t("applications.title"), Section: "applications",
		Data: web.Plain{Title: v.t("applications.title"), Lead: v.t("applications.lead")}}
	if len(list)+len(drafts) == 0 {
		return p.d.Pages.Show(w, r, page, web.EmptyState{Title: v.t("applications.none"), Text: v.t("applications.none_text"), Icon: "document",
			Action: &web.Button{Text: v.t("home.all_services"), Href: "/services"}})
	}
	var parts []web.Component
	group := func(key, prefix string, keep func(cases.Case) bool) {
		if some := pick(list, len(list), keep); len(some) > 0 {
			parts = append(parts, v.heading(key), v.caseList(prefix, some))
		}
	}
	group("applications.yours", "yours", func(k cases.Case) bool { return turnOf(k).yours() })
	if len(drafts) > 0 {
		parts = append(parts, v.heading("applications.drafts"), v.drafts(drafts))
	}
	group("applications.open", "open", func(k cases.Case) bool { return k.Final == "" && !turnOf(k).yours() })
	group("applications.closed", "closed", func(k cases.Case) bool { return k.Final != "" })
	if len(list) >= cases.PageSize {
		parts = append(parts, web.Paragraph{Text: v.t("applications.limit", "count", v.n(cases.PageSize)), Classes: "govuk-hint"})
	}
	parts = append(parts, web.Button{Text: v.t("applications.new"), Href: "/services", Classes: "govuk-button--secondary"})
	return p.d.Pages.Show(w, r, page, parts...)
}
