package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/text"
	"github.com/dinh-gov/dinh/web"
)

// maxQuery bounds what is searched for; longer questions are cut.
const maxQuery = 100

// showSearch looks for a few words, with or without marks, in services, life
// events and the person's own applications.
func (p *Portal) showSearch(w http.ResponseWriter, r *http.Request) error {
	v := p.reader(r)
	query := strings.TrimSpace(cut(text.NFC(r.URL.Query().Get("q")), maxQuery))
	words := strings.Fields(text.Fold(query))
	page := web.Page{Title: v.t("search.title"), Section: "home", Officer: v.who.IsOfficer(), Breadcrumbs: v.home()}
	box := web.Search{Action: "/search", Value: query, Label: v.t("search.example"), Button: v.t("search.button")}
	if len(words) == 0 {
		return p.d.Pages.Show(w, r, page, box, web.Heading{Text: v.t("home.events"), Classes: "govuk-!-margin-top-7"}, v.eventTiles(p.d.LifeEvents),
			web.Link{Text: v.t("home.all_services"), Href: "/services"})
	}
	found, err := p.d.Services.Search(r.Context(), query, v.lang)
	if err != nil {
		return err
	}
	events := p.eventsFor(words, found)
	mine, err := v.mine(r, words)
	if err != nil {
		return err
	}
	page.Title = v.t("search.results", "query", query)
	return p.d.Pages.Show(w, r, page, append([]web.Component{box}, v.found(query, found, events, mine)...)...)
}

func (v reader) found(query string, list []*services.Service, events []LifeEvent, mine []cases.Case) []web.Component {
	var out []web.Component
	section := func(key string, c web.Component) {
		out = append(out, web.Heading{Text: v.t(key), Classes: "govuk-!-margin-top-7"}, c)
	}
	if len(mine) > 0 {
		section("search.mine", v.caseList("mine", mine))
	}
	if len(list) > 0 {
		section("search.services", v.serviceTiles(list, v.t("search.services")))
	}
	if len(events) > 0 {
		section("home.events", v.eventTiles(events))
	}
	if len(out) > 0 {
		return out
	}
	return []web.Component{
		web.Markup(`<div class="govuk-!-margin-top-7"></div>`),
		web.EmptyState{Title: v.t("search.none", "query", query), Text: v.t("search.none_text"), Icon: "search",
			Action: &web.Button{Text: v.t("home.all_services"), Href: "/services", Classes: "govuk-button--secondary"}},
		web.Heading{Text: v.t("home.events")}, v.eventTiles(v.p.d.LifeEvents),
	}
}

// eventsFor finds life events by their own words or by a service found.
func (p *Portal) eventsFor(words []string, found []*services.Service) []LifeEvent {
	return slices.DeleteFunc(slices.Clone(p.d.LifeEvents), func(e LifeEvent) bool {
		return !holds(words, e.Title.VI, e.Title.EN, e.Summary.VI, e.Summary.EN) &&
			!slices.ContainsFunc(found, func(s *services.Service) bool { return slices.Contains(e.Services, s.ID) })
	})
}

// mine finds the person's own applications by title or dossier code.
func (v reader) mine(r *http.Request, words []string) ([]cases.Case, error) {
	if !v.who.IsPerson() {
		return nil, nil
	}
	list, err := v.p.d.Cases.ForPerson(r.Context(), v.who.Number)
	if err != nil {
		return nil, err
	}
	return pick(list, homeOpen, func(k cases.Case) bool { return holds(words, k.Code, k.Title.VI, k.Title.EN) }), nil
}

func (p *Portal) showLifeEvent(w http.ResponseWriter, r *http.Request) error {
	v := p.reader(r)
	i := slices.IndexFunc(p.d.LifeEvents, func(e LifeEvent) bool { return e.ID == r.PathValue("id") })
	if i < 0 {
		return errs.New(errs.NotFound, "portal.no_life_event")
	}
	e := p.d.LifeEvents[i]
	var live []*services.Service
	for _, id := range e.Services {
		s, err := p.d.Services.Live(r.Context(), id)
		if errs.KindOf(err) == errs.NotFound {
			continue // retired since the country's file was written
		}
		if err != nil {
			return err
		}
		live = append(live, s)
	}
	parts := []web.Component{v.heading("event.services"), v.serviceTiles(live, v.t("event.services"))}
	if len(live) == 0 {
		parts = []web.Component{web.EmptyState{Title: v.t("event.none"), Text: v.t("event.none_text"), Icon: icon(e.Icon),
			Action: &web.Button{Text: v.t("home.all_services"), Href: "/services", Classes: "govuk-button--secondary"}}}
	}
	parts = append(parts, web.InsetText{Text: v.t("event.known")})
	title := e.Title.In(v.lang)
	return p.d.Pages.Show(w, r, web.Page{Title: title, Section: "home", Indexed: true, Officer: v.who.IsOfficer(), Breadcrumbs: v.home(),
		Data: web.Plain{Title: title, Caption: v.t("event.caption"), Lead: e.Summary.In(v.lang)}}, parts...)
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
