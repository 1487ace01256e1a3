package portal

import (
	"net/http"

	"github.com/dinh-gov/dinh/web"
)

// showHelp answers what people ask most, and says whom else to ask.
func (p *Portal) showHelp(w http.ResponseWriter, r *http.Request) error {
	v := p.reader(r)
	all, err := p.d.Services.All(r.Context())
	if err != nil {
		return err
	}
	parts := []web.Component{web.Search{Action: "/search", Label: v.t("search.example"), Button: v.t("search.button")},
		web.Heading{Text: v.t("help.questions"), Classes: "govuk-!-margin-top-7"}}
	for _, id := range []string{"begin", "sign_in", "save", "status", "correct", "pay", "refused", "withdraw", "data", "paper", "other"} {
		parts = append(parts, web.Details{SummaryText: v.t("help." + id), Text: v.t("help." + id + "_text")})
	}
	parts = append(parts, v.heading("help.people"), web.Paragraph{Text: v.t("help.people_text")})
	var rows []web.Row
	for _, s := range all {
		if help := s.Owner.Help.In(v.lang); help != "" {
			rows = append(rows, web.Fact(s.Title.In(v.lang), help))
		}
	}
	if len(rows) > 0 {
		parts = append(parts, web.SummaryList{Rows: rows})
	}
	parts = append(parts, web.InsetText{Text: v.t("help.safety")})
	return v.words(w, r, "help", parts)
}

func (p *Portal) showAbout(w http.ResponseWriter, r *http.Request) error {
	v := p.reader(r)
	parts := []web.Component{v.promises()}
	for _, id := range []string{"name", "once", "seen", "proof", "people", "open"} {
		parts = append(parts, v.section("about."+id)...)
		if id == "seen" {
			parts = append(parts, web.Link{Text: v.t("about.exchange"), Href: "/exchange"})
		}
	}
	return v.words(w, r, "about", parts)
}

func (p *Portal) showAccessibility(w http.ResponseWriter, r *http.Request) error {
	v := p.reader(r)
	can := []string{"zoom", "keyboard", "reader", "script", "motion", "phone"}
	items := make([]string, len(can))
	for i, id := range can {
		items[i] = v.t("accessibility.can_" + id)
	}
	parts := []web.Component{v.heading("accessibility.can"), web.List{Items: items, Classes: "govuk-list--bullet govuk-list--spaced"}}
	for _, id := range []string{"standard", "tested", "limits", "report"} {
		parts = append(parts, v.section("accessibility."+id)...)
	}
	return v.words(w, r, "accessibility", parts)
}

// section is a heading with one paragraph.
func (v reader) section(key string) []web.Component {
	return []web.Component{v.heading(key), web.Paragraph{Text: v.t(key + "_text")}}
}

// words shows a page that is the same for everybody.
func (v reader) words(w http.ResponseWriter, r *http.Request, key string, parts []web.Component) error {
	title := v.t(key + ".title")
	return v.p.d.Pages.Show(w, r, web.Page{Title: title, Indexed: true, Officer: v.who.IsOfficer(), Breadcrumbs: v.home(),
		Data: web.Plain{Title: title, Lead: v.t(key + ".lead")}}, parts...)
}
