package portal

import (
	"embed"
	"html/template"
	"strings"

	"github.com/dinh-gov/dinh/web"
)

//go:embed templates/*.html
var templates embed.FS

// paperCards draws documents as results of a case. The design system's own
// card says until when a paper is valid, which only its holder's page knows.
type paperCards struct{ paper *template.Template }

// newPaperCards reads the template that is built in.
func newPaperCards() paperCards {
	return paperCards{template.Must(template.ParseFS(templates, "templates/paper.html"))}
}

type paperView struct {
	ID, Kind, Title, Issued, Code          string
	IssuedLabel, CodeLabel, Open, Download string
}

// papers lays the results out beside one another.
func (v reader) papers(list []Paper) (web.Component, error) {
	var b strings.Builder
	b.WriteString(`<div class="dinh-documents">`)
	for _, p := range list {
		err := v.p.cards.paper.Execute(&b, paperView{
			ID: p.ID, Kind: v.t("paper.kind"), Title: p.Title.In(v.lang), Issued: v.day(p.IssuedAt), Code: p.Code,
			IssuedLabel: v.t("paper.issued"), CodeLabel: v.t("paper.code"), Open: v.t("paper.open"), Download: v.t("paper.download"),
		})
		if err != nil {
			return nil, err
		}
	}
	b.WriteString(`</div>`)
	return web.Markup(b.String()), nil
}
