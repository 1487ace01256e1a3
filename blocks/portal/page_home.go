package portal

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/web"
)

// frontCache holds the part of the front door that is the same for everybody,
// drawn once per language.
type frontCache struct{ drawn sync.Map } // i18n.Lang → web.Markup

// Limits of the personal part of the front door; the rest is one click away.
const (
	homeDrafts = 3
	homeOpen   = 4
	homeEnded  = 2
)

// recent is how long a result stays on the front door.
const recent = 30 * 24 * time.Hour

func (p *Portal) showHome(w http.ResponseWriter, r *http.Request) error {
	v := p.reader(r)
	body := web.Group{v.hero()}
	if v.who.IsPerson() {
		own, err := v.own(r.Context())
		if err != nil {
			return err
		}
		body = append(body, own...)
	}
	front, err := p.frontFor(v)
	if err != nil {
		return err
	}
	return p.d.Pages.Page(w, r, "web/plain", web.Page{Title: v.t("home.tab"), Section: "home", Hero: true, Indexed: true, Officer: v.who.IsOfficer(), Data: append(body, front)})
}

func (v reader) hero() web.Hero {
	h := web.Hero{Title: v.t("home.title"), Text: v.t("home.lead"),
		Search: &web.Search{Action: "/search", Label: v.t("search.example"), Button: v.t("search.button")}}
	switch {
	case v.who.IsOfficer():
		h.Text = v.t("home.officer")
		h.Body = []web.Component{web.Button{Text: v.t("home.desk"), Href: "/desk", Classes: "govuk-button--inverse govuk-!-margin-top-6 govuk-!-margin-bottom-0"}}
	case v.who.IsPerson() && v.who.Name != "":
		h.Text = v.t("home.greeting", "name", v.who.Name)
	}
	return h
}

// frontFor gives life events and promises. They depend on nothing but Deps and
// the language, so they are drawn once.
func (p *Portal) frontFor(v reader) (web.Component, error) {
	if m, ok := p.front.drawn.Load(v.lang); ok {
		return m.(web.Markup), nil
	}
	html, err := p.d.Pages.HTML(v.lang,
		web.Band{Title: v.t("home.events"), Text: v.t("home.events_lead"), Body: []web.Component{
			v.eventTiles(p.d.LifeEvents),
			web.Link{Text: v.t("home.all_services"), Href: "/services"}}},
		web.Band{Title: v.t("home.promises"), Paper: true, Body: []web.Component{v.promises()}})
	if err != nil {
		return nil, err
	}
	m, _ := p.front.drawn.LoadOrStore(v.lang, web.Markup(html))
	return m.(web.Markup), nil
}

// promises are what the house stands for, each leading to where it is kept.
func (v reader) promises() web.Component {
	promise := func(id, href, icon string) web.Tile {
		return web.Tile{Title: v.t("promise." + id), Text: v.t("promise." + id + "_text"), Href: href, Icon: icon}
	}
	return web.Tiles{Large: true, Label: v.t("home.promises"), Items: []web.Tile{
		promise("once", "/about", "people"), promise("seen", "/my-data", "data"), promise("proof", "/verify", "shield"),
	}}
}

// own is what the signed-in person finds below the search.
func (v reader) own(ctx context.Context) ([]web.Component, error) {
	list, err := v.p.d.Cases.ForPerson(ctx, v.who.Number)
	if err != nil {
		return nil, err
	}
	drafts, err := v.p.d.Drafts.Drafts(ctx)
	if err != nil {
		return nil, err
	}
	waiting, err := v.waiting(ctx, list)
	if err != nil {
		return nil, err
	}
	var parts []web.Component
	add := func(key string, c web.Component) { parts = append(parts, v.heading(key), c) }
	if len(waiting) > 0 {
		add("home.waiting", web.TaskList{IDPrefix: "waiting", Items: waiting})
	}
	if len(drafts) > 0 {
		add("home.drafts", v.drafts(drafts[:min(homeDrafts, len(drafts))]))
	}
	if open := pick(list, homeOpen, func(k cases.Case) bool { return k.Final == "" && !turnOf(k).yours() }); len(open) > 0 {
		add("home.open", v.caseList("open", open))
	}
	results, err := v.results(ctx, list)
	if err != nil {
		return nil, err
	}
	if results != nil {
		add("home.results", results)
	}
	if len(list)+len(drafts) > 0 {
		parts = append(parts, web.Link{Text: v.t("home.all_applications"), Href: "/applications"})
	}
	if len(parts) == 0 {
		return nil, nil
	}
	return []web.Component{web.Band{Paper: true, Body: parts}}, nil
}

// waiting lists what only the person can move on: fees, corrections, messages.
func (v reader) waiting(ctx context.Context, list []cases.Case) ([]web.Task, error) {
	var out []web.Task
	task := func(title, hint, href, colour, tag string) {
		label := v.label(colour, tag)
		out = append(out, web.Task{Title: web.Term{Text: title}, Hint: web.HintText(hint), Href: href, Status: web.TaskStatus{Tag: &label}})
	}
	for _, k := range list {
		name := k.Code + " · " + k.Title.In(v.lang)
		switch turnOf(k) {
		case turnPay:
			b, err := v.bill(ctx, k)
			if err != nil {
				return nil, err
			}
			if b.State == "open" {
				task(v.t("home.pay", "amount", b.Amount), name, "/pay/"+b.ID, "yellow", "turn.pay")
			}
		case turnCorrect:
			task(v.t("home.correct"), name, "/applications/"+k.Application, "yellow", "turn.correct")
		}
	}
	unread, err := v.p.d.Messages.Unread(ctx, v.who.Number)
	if err != nil {
		return nil, err
	}
	if unread > 0 {
		key := "home.unread"
		if unread == 1 {
			key = "home.unread_one"
		}
		task(v.t(key, "count", v.n(unread)), v.t("home.unread_hint"), "/messages", "blue", "home.unread_tag")
	}
	return out, nil
}

// bill reads the bill of a case; the zero Bill when there is none.
func (v reader) bill(ctx context.Context, k cases.Case) (Bill, error) {
	if k.Bill == "" {
		return Bill{}, nil
	}
	return v.p.d.Bills.Bill(ctx, k.Bill)
}

// results are the papers of the latest approved cases, nil when there are none.
func (v reader) results(ctx context.Context, list []cases.Case) (web.Component, error) {
	since := v.p.d.Clock.Now().Add(-recent)
	var all []Paper
	for _, k := range pick(list, homeEnded, func(k cases.Case) bool { return turnOf(k) == turnApproved && k.Updated.After(since) }) {
		papers, err := v.p.d.Papers.ForReference(ctx, k.Code)
		if err != nil {
			return nil, err
		}
		all = append(all, papers...)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return v.papers(all)
}

// pick keeps the first limit cases for which keep is true.
func pick(list []cases.Case, limit int, keep func(cases.Case) bool) []cases.Case {
	out := slices.DeleteFunc(slices.Clone(list), func(k cases.Case) bool { return !keep(k) })
	return out[:min(limit, len(out))]
}
