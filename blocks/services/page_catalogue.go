package services

import (
	"net/http"
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/text"
	"github.com/dinh-gov/dinh/web"
)

// maxQuery bounds what is searched for; longer questions are cut.
const maxQuery = 100

func (x *Services) pageCatalogue(w http.ResponseWriter, r *http.Request) error {
	lang := i18n.LangFrom(r.Context())
	t := func(key string, kv ...any) string { return x.deps.Catalog.T(lang, "services."+key, kv...) }
	query := cut(strings.TrimSpace(text.NFC(r.URL.Query().Get("q"))), maxQuery)
	found, err := x.Search(r.Context(), query, lang)
	if err != nil {
		return err
	}
	search := web.Search{Action: "/services", Value: query, Label: t("catalogue.search"), Button: t("catalogue.button")}
	parts := []web.Component{search}
	switch {
	case len(found) == 0:
		parts = append(parts, web.EmptyState{Title: t("catalogue.title"), Text: t("catalogue.none", "query", query), Icon: "search",
			Action: &web.Button{Text: t("catalogue.all"), Href: "/services", Classes: "govuk-button--secondary"}})
	case query != "":
		parts = append(parts, web.Paragraph{Text: t("catalogue.results", "count", len(found), "query", query)}, tiles(found, lang, t))
	default:
		parts = append(parts, web.Paragraph{Text: t("catalogue.count", "count", len(found))}, tiles(found, lang, t))
	}
	return x.deps.Pages.Page(w, r, "services/catalogue", web.Page{
		Title: t("catalogue.title"), Section: "services", Indexed: query == "",
		Data: catalogueView{Title: t("catalogue.title"), Lead: t("catalogue.lead"), Parts: parts},
	})
}

// catalogueView is the dot of templates/catalogue.html.
type catalogueView struct {
	Title, Lead string
	Parts       []web.Component
}

func tiles(list []*Service, lang i18n.Lang, t func(string, ...any) string) web.Component {
	items := make([]web.Tile, len(list))
	for i, s := range list {
		items[i] = web.Tile{Title: s.Title.In(lang), Text: s.Summary.In(lang), Href: "/services/" + s.ID, Icon: "document",
			Badge: &web.Badge{Text: s.Owner.Name.In(lang)}}
	}
	return web.Tiles{Items: items, Label: t("catalogue.title")}
}

func cut(s string, runes int) string {
	n := 0
	for i := range s {
		if n == runes {
			return s[:i]
		}
		n++
	}
	return s
}
