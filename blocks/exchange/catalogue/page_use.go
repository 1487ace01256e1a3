package catalogue

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// showUse shows how often a service is called: a bar for each month, and the
// same as a table.
func (c *Catalogue) showUse(w http.ResponseWriter, r *http.Request) error {
	months, err := c.Use(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	s, err := c.service(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	t := c.teller(r)
	var most, all int64
	for _, m := range months {
		most = max(most, m.total())
		all += m.total()
	}
	body := web.Plain{Title: t.say("use_title", "service", s.Title.In(t.lang)), Caption: t.name(s.ID.Owner().String()), Lead: t.say("use_lead")}
	if all == 0 {
		body.Parts = []web.Component{web.InsetText{Text: t.say("use_none")}}
	} else {
		body.Parts = []web.Component{t.bars(months, most), web.Details{SummaryText: t.say("use_table"), Body: []web.Component{t.useTable(months)}}}
	}
	query := url.Values{"service": {s.ID.String()}}
	asJSON := "/api/exchange/use?" + query.Encode()
	query.Set("format", "csv")
	body.Parts = append(body.Parts, web.List{Bodies: []web.Component{
		web.Link{Text: t.say("csv"), Href: "/api/exchange/use?" + query.Encode(), Classes: "govuk-link"}, web.Link{Text: "JSON", Href: asJSON, Classes: "govuk-link"},
	}})
	return c.d.Pages.Show(w, r, web.Page{Title: body.Title, Indexed: s.PublicStatistics, BackLink: &web.BackLink{Href: address("/exchange/services", s.ID), Text: s.Title.In(t.lang)}, Data: body})
}

func month(m string) string { return m[5:] + "/" + m[:4] }

// bars is the picture. It is a table, so that it reads aloud and fits a phone;
// the bars themselves say nothing that does not stand beside them.
func (t teller) bars(months []Month, most int64) web.Component {
	table := web.Table{Caption: t.say("use_caption"), CaptionClasses: "govuk-table__caption--s", FirstCellIsHeader: true}
	for _, m := range months {
		table.Rows = append(table.Rows, []web.Cell{
			{Text: month(m.Month)}, {HTML: bar(m, most), Classes: "govuk-!-width-full"}, {Text: i18n.FormatInt(t.lang, m.total()), Format: "numeric"},
		})
	}
	legend := template.HTML(`<svg width="14" height="14" aria-hidden="true" focusable="false"><rect width="14" height="14" rx="3" fill="%s"/></svg> %s &#160; `) //nolint:gosec // no input
	line := ""
	for _, k := range []struct{ colour, key string }{{answeredColour, "answered"}, {refusedColour, "refused"}, {failedColour, "failed"}} {
		line += fmt.Sprintf(string(legend), k.colour, template.HTMLEscapeString(t.say(k.key)))
	}
	return web.Group{table, web.Paragraph{HTML: template.HTML(line)}} //nolint:gosec // words of the catalogue, escaped
}

const (
	answeredColour = "#0b5d56"
	refusedColour  = "#f2b53c"
	failedColour   = "#b3261e"
)

// bar is one month: answered, refused and failed one after the other.
func bar(m Month, most int64) template.HTML {
	svg := `<svg width="100%" height="18" viewBox="0 0 1000 18" preserveAspectRatio="none" aria-hidden="true" focusable="false">`
	at := int64(0)
	for _, part := range []struct {
		n      int64
		colour string
	}{{m.Answered, answeredColour}, {m.Refused, refusedColour}, {m.Failed, failedColour}} {
		if part.n > 0 && most > 0 {
			wide := max(part.n*1000/most, 4) // one that is there is seen
			svg += fmt.Sprintf(`<rect x="%d" width="%d" height="18" fill="%s"/>`, at, wide, part.colour)
			at += wide
		}
	}
	return template.HTML(svg + `</svg>`) //nolint:gosec // numbers only
}

func (t teller) useTable(months []Month) web.Component {
	numeric := func(n int64) web.Cell { return web.Cell{Text: i18n.FormatInt(t.lang, n), Format: "numeric"} }
	head := func(key string) web.Cell { return web.Cell{Text: t.say(key), Format: "numeric"} }
	table := web.Table{FirstCellIsHeader: true, Head: []web.Cell{{Text: t.say("month")}, head("answered"), head("refused"), head("failed"), head("clients")}}
	for _, m := range months {
		table.Rows = append(table.Rows, []web.Cell{{Text: month(m.Month)}, numeric(m.Answered), numeric(m.Refused), numeric(m.Failed), numeric(m.Clients)})
	}
	return web.Scroll{Label: t.say("use_table"), Body: []web.Component{table}}
}
