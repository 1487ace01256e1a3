package portal

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// Routes are the citizen's pages.
func (p *Portal) Routes() []httpx.Route {
	if p.d.Pages == nil {
		return nil
	}
	open := func(path string, h httpx.Handler) httpx.Route {
		return httpx.Route{Method: "GET", Path: path, Access: auth.Public(), Page: true, Handle: h}
	}
	own := func(method, path string, h httpx.Handler) httpx.Route {
		return httpx.Route{Method: method, Path: path, Access: auth.Person(auth.Low), Page: true, Handle: h}
	}
	return []httpx.Route{
		open("/{$}", p.showHome),
		open("/search", p.showSearch),
		open("/life-events/{id}", p.showLifeEvent),
		open("/help", p.showHelp),
		open("/about", p.showAbout),
		open("/accessibility", p.showAccessibility),
		open("/data", leadTo("/my-data")),
		open("/documents", leadTo("/my-documents")),
		own("GET", "/applications", p.showApplications),
		own("GET", "/applications/{id}", p.showApplication),
		own("GET", "/applications/{id}/withdraw", p.showWithdraw),
		own("POST", "/applications/{id}/withdraw", p.withdraw),
	}
}

// leadTo keeps the short addresses that people guess and print.
func leadTo(path string) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, path, http.StatusSeeOther)
		return nil
	}
}

// reader is who reads one page: their language and who they are.
type reader struct {
	p    *Portal
	lang i18n.Lang
	who  auth.Principal
}

func (p *Portal) reader(r *http.Request) reader {
	return reader{p: p, lang: i18n.LangFrom(r.Context()), who: auth.From(r.Context())}
}

func (v reader) t(key string, kv ...any) string { return v.p.d.Pages.T(v.lang, "portal."+key, kv...) }

// n writes a count.
func (v reader) n(count int) string { return i18n.FormatInt(v.lang, int64(count)) }

// day writes the date of a moment as the calendar on the wall shows it.
func (v reader) day(t time.Time) string {
	return i18n.FormatDate(v.lang, t.In(i18n.Zone()).Format(time.DateOnly))
}

func (v reader) heading(key string) web.Heading { return web.Heading{Text: v.t(key)} }

func (v reader) texts(list []i18n.Text) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.In(v.lang)
	}
	return out
}

// home is the first crumb.
func (v reader) home() *web.Breadcrumbs {
	return &web.Breadcrumbs{Items: []web.Crumb{{Text: v.t("home.crumb"), Href: "/"}}}
}

// drafts lists what was begun.
func (v reader) drafts(list []Draft) web.Component {
	items := make([]web.Task, len(list))
	for i, d := range list {
		hint := v.t("draft.saved", "when", v.day(d.Updated))
		if d.Total > 0 {
			hint = v.t("draft.progress", "done", d.Done, "total", d.Total) + " · " + hint
		}
		tag := v.label("grey", "draft.tag")
		items[i] = web.Task{Title: web.Term{Text: d.Title.In(v.lang)}, Href: "/apply/" + d.Application, Hint: web.HintText(hint), Status: web.TaskStatus{Tag: &tag}}
	}
	return web.TaskList{IDPrefix: "draft", Items: items}
}

// caseList lists cases; prefix keeps the ids of several lists on a page apart.
func (v reader) caseList(prefix string, list []cases.Case) web.Component {
	items := make([]web.Task, len(list))
	for i, k := range list {
		tag := v.tag(k)
		items[i] = web.Task{Title: web.Term{Text: k.Title.In(v.lang)}, Href: "/applications/" + k.Application,
			Hint: web.HintText(k.Code + " · " + v.when(k)), Status: web.TaskStatus{Tag: &tag}}
	}
	return web.TaskList{IDPrefix: prefix, Items: items}
}

// tag is the short word for where a case stands.
func (v reader) tag(k cases.Case) web.Tag {
	at := turnOf(k)
	return v.label(at.colour(), "turn."+string(at))
}

// label is a tag that stays on one line beside a long title.
func (v reader) label(colour, key string) web.Tag {
	return web.Coloured(colour, strings.ReplaceAll(v.t(key), " ", "\u00a0"))
}

// when is the one date that matters about a case now.
func (v reader) when(k cases.Case) string {
	switch at := turnOf(k); {
	case k.Final != "":
		return v.t("case.closed_on", "when", v.day(k.Updated))
	case at.yours():
		return v.t("case.clock_stopped")
	case v.late(k):
		return v.t("case.late", "when", v.day(k.Due))
	case !k.Due.IsZero():
		return v.t("case.due_on", "when", v.day(k.Due))
	}
	return v.t("case.sent_on", "when", v.day(k.Opened))
}

// late says whether the office has let the promised date pass.
func (v reader) late(k cases.Case) bool {
	return k.Final == "" && !k.Due.IsZero() && k.Due.Before(v.p.d.Clock.Now())
}

// serviceTiles lead to services, with what they cost and how long they take.
func (v reader) serviceTiles(list []*services.Service, label string) web.Component {
	items := make([]web.Tile, len(list))
	for i, s := range list {
		items[i] = web.Tile{Title: s.Title.In(v.lang), Text: v.terms(s) + ". " + s.Summary.In(v.lang), Href: "/services/" + s.ID, Icon: "document"}
	}
	return web.Tiles{Items: items, Label: label, Large: true}
}

// terms are price and time in a few words.
func (v reader) terms(s *services.Service) string {
	out := v.t("service.free")
	if f := s.Definition.Fee; f != nil {
		out = v.t("service.fee_varies")
		if f.Decision == "" {
			out = f.Money().Format(v.lang)
		}
	}
	if s.Clock != nil {
		key := "service.days"
		if s.Clock.WorkingDays == 1 {
			key = "service.day"
		}
		out += " · " + v.t(key, "days", strconv.Itoa(s.Clock.WorkingDays))
	}
	return out
}

// eventTiles lead to life events.
func (v reader) eventTiles(list []LifeEvent) web.Component {
	items := make([]web.Tile, len(list))
	for i, e := range list {
		items[i] = web.Tile{Title: e.Title.In(v.lang), Text: e.Summary.In(v.lang), Href: "/life-events/" + e.ID, Icon: icon(e.Icon)}
	}
	return web.Tiles{Items: items, Label: v.t("home.events"), Large: true}
}

// icon knows what country files call some pictures.
func icon(name string) string {
	switch name {
	case "child":
		return "baby"
	case "car":
		return "road"
	case "":
		return "people"
	}
	return name
}
