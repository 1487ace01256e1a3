package broker

import (
	"net/http"
	"strings"

	"github.com/dinh-gov/dinh/web"
)

// showRequirements tells everybody which evidence meets which requirement.
func (b *Broker) showRequirements(w http.ResponseWriter, r *http.Request) error {
	t := b.teller(r)
	body := web.Plain{Title: t.say("requirements.title"), Lead: t.say("requirements.lead")}
	for _, q := range b.requirements {
		body.Parts = append(body.Parts, web.Heading{Text: q.Title.In(t.lang), ID: q.ID}, web.Paragraph{Text: q.Text.In(t.lang)})
		for _, e := range q.Evidence {
			fields := make([]string, len(e.Fields))
			for i, f := range e.Fields {
				fields[i] = t.label(e, f)
			}
			list := web.SummaryList{
				Card: &web.Card{Title: &web.CardTitle{Text: e.Title.In(t.lang), HeadingLevel: "3"}},
				Rows: []web.Row{
					web.Fact(t.say("source"), t.register(e)+" · "+t.keeper(e)), web.Fact(t.say("fields"), strings.Join(fields, ", ")),
					web.Fact(t.say("legal"), e.LegalBasis), web.Fact(t.say("service"), t.d.Instance+"/"+e.Service),
				},
			}
			list.Card.Actions.Items = []web.Action{{Text: t.say("rights"), VisuallyHiddenText: e.Title.In(t.lang), Href: "/exchange/services/" + t.d.Instance + "/" + e.Service}}
			body.Parts = append(body.Parts, list)
		}
	}
	body.Parts = append(body.Parts, web.Paragraph{Text: t.say("requirements.api")}, web.Pre{Text: "curl https://HOST/api/exchange/requirements", Code: true})
	return b.d.Pages.Show(w, r, web.Page{Title: body.Title, Indexed: true, BackLink: &web.BackLink{Href: "/exchange"}, Data: body})
}
