package services

import (
	"html/template"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// pageStart is where a person decides whether to begin: what they need, what
// they get, what it costs, how long it takes, and why it is asked.
func (x *Services) pageStart(w http.ResponseWriter, r *http.Request) error {
	s, err := x.Live(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	lang := i18n.LangFrom(r.Context())
	p := startPage{s: s, lang: lang, known: auth.From(r.Context()).IsPerson(), t: func(key string, kv ...any) string { return x.deps.Catalog.T(lang, "services."+key, kv...) }}
	return x.deps.Pages.Page(w, r, "services/start", web.Page{
		Title: s.Title.In(lang), Section: "services", Indexed: true,
		Breadcrumbs: &web.Breadcrumbs{Items: []web.Crumb{
			{Text: p.t("breadcrumb.home"), Href: "/"}, {Text: p.t("catalogue.title"), Href: "/services"},
		}},
		Data: startView{Title: s.Title.In(lang), Caption: s.Owner.Name.In(lang), Lead: s.Summary.In(lang),
			Body: web.Columns{Main: p.parts(), Side: p.aside(), SideRight: true}},
	})
}

// startView is the dot of templates/start.html.
type startView struct {
	Title, Caption, Lead string
	Body                 web.Component
}

type startPage struct {
	s     *Service
	lang  i18n.Lang
	known bool // who reads is signed in
	t     func(key string, kv ...any) string
}

func (p startPage) parts() []web.Component {
	s := p.s
	var out []web.Component
	out = append(out, p.list("start.receive", texts(s.Results, p.lang))...)
	out = append(out, p.list("start.before", texts(s.Before, p.lang))...)
	if len(s.Evidence) > 0 {
		out = append(out, web.Heading{Text: p.t("start.know")}, web.Paragraph{Text: p.t("start.know_lead")})
		var known []string
		for _, e := range s.Evidence {
			if title := e.Title.In(p.lang); !contains(known, title) {
				known = append(known, title)
			}
		}
		out = append(out, bullets(known))
	}
	var asked []string
	for _, page := range s.Definition.Pages {
		if len(page.Fields) > 0 {
			asked = append(asked, page.Title.In(p.lang))
		}
	}
	out = append(out, p.list("start.ask", asked)...)
	start := "/services/" + s.ID + "/start"
	if s.Pack != nil {
		start = "/papers/services/" + s.ID + "/start" // the evidence broker answers it
	}
	out = append(out, web.Form{Action: start, Body: []web.Component{
		web.Button{Text: p.t("start.button"), IsStart: true, PreventDoubleClick: web.On}, // forms answers it
	}})
	if !p.known {
		out = append(out, web.Paragraph{Text: p.t("start.sign_in")})
	}
	if s.Appeal != nil {
		out = append(out, web.Details{SummaryText: p.t("start.appeal"),
			Text: p.t("start.appeal_text", "days", s.Appeal.WithinDays, "to", s.Appeal.To.In(p.lang))})
	}
	return out
}

func (p startPage) aside() []web.Component {
	s := p.s
	rows := []web.Row{row(p.t("start.fee"), p.fee())}
	if s.Clock != nil {
		days := p.t("start.days", "days", s.Clock.WorkingDays)
		if s.Clock.WorkingDays == 1 {
			days = p.t("start.day")
		}
		rows = append(rows, row(p.t("start.time"), days))
	}
	var ways []string
	for _, c := range s.Channels {
		way := p.t("start.channel_" + c)
		if len(ways) > 0 {
			way = lowerFirst(way)
		}
		ways = append(ways, way)
	}
	rows = append(rows,
		row(p.t("start.owner"), s.Owner.Name.In(p.lang)), row(p.t("start.channels"), strings.Join(ways, ", ")))
	if s.Pack == nil {
		rows = append(rows, row(p.t("start.level"), p.t("start.level_"+s.Level)), row(p.t("start.procedure"), s.Procedure))
	}
	out := []web.Component{web.Heading{Text: p.t("start.facts")}, web.SummaryList{Rows: rows}}
	var laws []web.Component
	for _, l := range s.Legal {
		if l.URL != "" {
			laws = append(laws, web.Link{Text: l.Ref.In(p.lang), Href: l.URL})
		} else {
			laws = append(laws, web.Markup(template.HTMLEscapeString(l.Ref.In(p.lang))))
		}
	}
	out = append(out, web.Heading{Level: 3, Text: p.t("start.legal")}, web.List{Bodies: laws, Classes: "govuk-list--bullet govuk-body-s"})
	if help := s.Owner.Help.In(p.lang); help != "" {
		out = append(out, web.Heading{Level: 3, Text: p.t("start.help")}, web.Paragraph{Text: help})
	}
	return out
}

func (p startPage) fee() string {
	f := p.s.Definition.Fee
	switch {
	case f == nil:
		return p.t("start.free")
	case f.Decision != "":
		return p.t("start.fee_varies")
	}
	return f.Money().Format(p.lang)
}

func (p startPage) list(heading string, items []string) []web.Component {
	if len(items) == 0 {
		return nil
	}
	return []web.Component{web.Heading{Text: p.t(heading)}, bullets(items)}
}

func bullets(items []string) web.Component {
	return web.List{Items: items, Classes: "govuk-list--bullet"}
}

func row(key, value string) web.Row {
	return web.Row{Key: web.Term{Text: key}, Value: web.Term{Text: value}}
}

func texts(list []i18n.Text, lang i18n.Lang) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.In(lang)
	}
	return out
}

// lowerFirst is a phrase as it reads in the middle of a list.
func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}
