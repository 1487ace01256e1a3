package transparency

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (t *Transparency) pages() []httpx.Route {
	own := auth.Person(auth.Low)
	return []httpx.Route{
		{Method: "GET", Path: "/my-data", Access: own, Page: true, Handle: t.showList},
		{Method: "GET", Path: "/my-data/children", Access: own, Page: true, Handle: t.showChildren},
		{Method: "GET", Path: "/my-data/readers", Access: own, Page: true, Handle: t.showReaders},
		{Method: "GET", Path: "/my-data/{event}", Access: own, Page: true, Handle: t.showEvent},
		{Method: "GET", Path: "/my-data/{event}/receipt", Access: own, Page: true, Handle: t.giveReceipt},
		{Method: "GET", Path: "/my-data/consents", Access: own, Page: true, Handle: t.showConsents},
		{Method: "GET", Path: "/my-data/consents/{id}/withdraw", Access: own, Page: true, Handle: t.askWithdraw},
		{Method: "POST", Path: "/my-data/consents/{id}/withdraw", Access: own, Page: true, Handle: t.doWithdraw},
		{Method: "GET", Path: "/verify/receipt", Access: auth.Public(), Page: true, Handle: t.showVerify},
		{Method: "POST", Path: "/verify/receipt", Access: auth.Public(), Page: true, Body: 2 * maxReceipt, Handle: t.checkReceipt},
	}
}

func (t *Transparency) words(req *http.Request) words {
	return words{t: t, lang: i18n.LangFrom(req.Context())}
}

// show renders a page of this section.
func (t *Transparency) show(w http.ResponseWriter, req *http.Request, p web.Page, parts ...web.Component) error {
	p.Section = "data"
	return t.d.Pages.Show(w, req, p, parts...)
}

// rooms leads through the section.
func (t *Transparency) rooms(s words, here string) web.SubNavigation {
	nav := web.SubNavigation{Label: s.say("transparency.rooms")}
	for _, r := range []struct{ key, path string }{
		{"list", "/my-data"}, {"children", "/my-data/children"}, {"readers", "/my-data/readers"}, {"consents", "/my-data/consents"},
	} {
		if r.key == "children" && t.d.Children == nil {
			continue
		}
		nav.Items = append(nav.Items, web.NavLink{Text: s.say("transparency.room." + r.key), Href: r.path, Active: r.key == here})
	}
	return nav
}

// spans are the stretches of time to choose from, in days.
func spans() []string { return []string{"7", "30", "365"} }

// filter is what the list's address asks for.
type filter struct{ child, who, purpose, when, before string }

func filterOf(v url.Values) filter {
	return filter{child: v.Get("child"), who: v.Get("who"), purpose: v.Get("purpose"), when: v.Get("when"), before: v.Get("before")}
}

func (f filter) query(now time.Time) Query {
	q := Query{Who: f.who, Purpose: f.purpose, Before: f.before}
	for _, days := range spans() {
		if n, err := strconv.Atoi(days); err == nil && f.when == days {
			q.From = now.In(i18n.Zone()).AddDate(0, 0, 1-n).Format(time.DateOnly)
		}
	}
	return q
}

func (f filter) href() string {
	v := url.Values{}
	for name, value := range map[string]string{"child": f.child, "who": f.who, "purpose": f.purpose, "when": f.when, "before": f.before} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return (&url.URL{Path: "/my-data", RawQuery: v.Encode()}).String()
}

func (f filter) narrowed() bool { return f.who != "" || f.purpose != "" || f.when != "" }

func (t *Transparency) showList(w http.ResponseWriter, req *http.Request) error {
	ctx, s, f := req.Context(), t.words(req), filterOf(req.URL.Query())
	l, err := t.List(ctx, f.child, f.query(t.d.Clock.Now()))
	if err != nil {
		return err
	}
	here, title := "list", s.say("transparency.title")
	parts := []web.Component{}
	if f.child != "" {
		name, err := t.childName(req, f.child)
		if err != nil {
			return err
		}
		here, title = "children", s.say("transparency.title_child", "name", name)
		parts = append(parts, web.Alert{Text: s.say("transparency.child_noted"), Variant: "information"})
	}
	main := t.timeline(s, l.Events, f)
	if l.Next != "" {
		older := f
		older.before = l.Next
		main = append(main, web.Pagination{Next: &web.PageLink{Text: s.say("transparency.older"), Href: older.href()}})
	}
	if l.Total > 0 {
		parts = append(parts, web.Columns{Side: []web.Component{t.filterForm(s, l, f)}, Main: main})
	} else {
		parts = append(parts, main...)
	}
	return t.show(w, req, web.Page{Title: title, Wide: true, Data: web.Plain{
		Title: title, Lead: s.say("transparency.lead"), Parts: append([]web.Component{t.rooms(s, here)}, parts...),
	}})
}

func (t *Transparency) childName(req *http.Request, ref string) (string, error) {
	w, err := t.whose(req.Context(), ref)
	if err != nil {
		return "", err
	}
	return w.child.Name, nil
}

// timeline shows events a day at a time.
func (t *Transparency) timeline(s words, events []exchange.Event, f filter) []web.Component {
	if len(events) == 0 {
		empty := web.EmptyState{Title: s.say("transparency.empty"), Text: s.say("transparency.empty_text"), Icon: "shield"}
		if f.narrowed() || f.before != "" {
			empty = web.EmptyState{Title: s.say("transparency.none_match"), Text: s.say("transparency.none_match_text"), Icon: "search",
				Action: &web.Button{Text: s.say("transparency.show_all"), Href: filter{child: f.child}.href(), Classes: "govuk-button--secondary"}}
		}
		return []web.Component{empty}
	}
	var out []web.Component
	var line web.Timeline
	day := ""
	flush := func() {
		if day != "" {
			out = append(out, web.Heading{Level: 2, Text: day}, line)
		}
	}
	for _, e := range events {
		if d := s.day(e.At, t.d.Clock.Now()); d != day {
			flush()
			day, line = d, web.Timeline{Label: d}
		}
		line.Items = append(line.Items, t.moment(s, e, f.child))
	}
	flush()
	return out
}

func (t *Transparency) moment(s words, e exchange.Event, child string) web.Moment {
	m := web.Moment{Title: s.sentence(e), When: e.At.In(i18n.Zone()).Format("15:04"), By: s.application(e)}
	if e.Outcome == exchange.OutcomeRefused {
		m.State = "problem"
		m.Body = append(m.Body, web.Coloured("red", s.say("transparency.refused")))
	}
	m.Body = append(m.Body, web.Link{Text: s.say("transparency.details"), Hidden: s.sentence(e), Href: eventHref(e.ID, child)})
	return m
}

func eventHref(eventID, child string) string { return withChild("/my-data/"+eventID, child) }

func withChild(path, child string) string {
	if child != "" {
		path += "?child=" + url.QueryEscape(child)
	}
	return path
}

func (t *Transparency) filterForm(s words, l List, f filter) web.Filter {
	all := web.Option{Text: s.say("transparency.all")}
	who, purpose, when := []web.Option{all}, []web.Option{all}, []web.Option{{Text: s.say("transparency.always")}}
	for _, id := range l.Who {
		who = append(who, web.Option{Value: id, Text: s.member(id)})
	}
	for _, id := range l.Purposes {
		purpose = append(purpose, web.Option{Value: id, Text: s.purpose(id)})
	}
	for _, days := range spans() {
		when = append(when, web.Option{Value: days, Text: s.say("transparency.when." + days)})
	}
	form := web.Filter{Action: "/my-data", Body: []web.Component{
		web.Select{Name: "who", Value: f.who, Items: who, Label: web.Label{Text: s.say("transparency.who")}},
		web.Select{Name: "purpose", Value: f.purpose, Items: purpose, Label: web.Label{Text: s.say("transparency.purpose")}},
		web.Select{Name: "when", Value: f.when, Items: when, Label: web.Label{Text: s.say("transparency.when")}},
	}}
	if f.child != "" {
		form.Hidden = []web.Hidden{{Name: "child", Value: f.child}}
	}
	if f.narrowed() {
		form.ClearHref = filter{child: f.child}.href()
		form.Selected = t.selected(s, f)
	}
	return form
}

// selected are the tags of what is filtered by; each leads to the list without it.
func (t *Transparency) selected(s words, f filter) []web.FilterGroup {
	var out []web.FilterGroup
	tag := func(heading, text string, without filter) {
		without.before = ""
		out = append(out, web.FilterGroup{Heading: heading, Items: []web.NavLink{{Text: text, Href: without.href()}}})
	}
	if f.who != "" {
		without := f
		without.who = ""
		tag(s.say("transparency.who"), s.member(f.who), without)
	}
	if f.purpose != "" {
		without := f
		without.purpose = ""
		tag(s.say("transparency.purpose"), s.purpose(f.purpose), without)
	}
	for _, days := range spans() {
		if f.when == days {
			without := f
			without.when = ""
			tag(s.say("transparency.when"), s.say("transparency.when."+days), without)
		}
	}
	return out
}

func (t *Transparency) showChildren(w http.ResponseWriter, req *http.Request) error {
	s := t.words(req)
	children, err := t.Family(req.Context())
	if err != nil {
		return err
	}
	parts := []web.Component{t.rooms(s, "children"), web.Paragraph{Text: s.say("transparency.children_text")}}
	tiles := web.Tiles{Label: s.say("transparency.room.children")}
	for _, c := range children {
		tiles.Items = append(tiles.Items, web.Tile{Title: c.Name, Text: s.say("transparency.child_see"), Icon: "family", Href: withChild("/my-data", c.Ref)})
	}
	if len(tiles.Items) == 0 {
		parts = append(parts, web.EmptyState{Title: s.say("transparency.no_children"), Text: s.say("transparency.no_children_text"), Icon: "family"})
	} else {
		parts = append(parts, tiles)
	}
	return t.show(w, req, web.Page{Title: s.say("transparency.children_title")}, parts...)
}

func (t *Transparency) showReaders(w http.ResponseWriter, req *http.Request) error {
	s := t.words(req)
	readings, err := t.Readers(req.Context())
	if err != nil {
		return err
	}
	parts := []web.Component{t.rooms(s, "readers"), web.Paragraph{Text: s.say("transparency.readers_text")}}
	line := web.Timeline{Label: s.say("transparency.readers_title"), HeadingLevel: 2}
	for _, r := range readings {
		m := web.Moment{At: r.At, Title: s.say("transparency.reader." + string(r.Kind)), Text: r.Reason}
		if r.Kind == ReaderInspector {
			m.By = s.member(r.Member)
		}
		if r.Event != "" {
			m.Body = []web.Component{web.Link{Text: s.say("transparency.reader_event"), Href: eventHref(r.Event, "")}}
		}
		line.Items = append(line.Items, m)
	}
	if len(line.Items) == 0 {
		parts = append(parts, web.EmptyState{Title: s.say("transparency.no_readers"), Text: s.say("transparency.no_readers_text"), Icon: "shield"})
	} else {
		parts = append(parts, line)
	}
	return t.show(w, req, web.Page{Title: s.say("transparency.readers_title")}, parts...)
}

// asField is an error as the wrong answer of a form; false when it is something
// else and must go its way.
func (t *Transparency) asField(s words, field string, err error) (web.FieldError, bool) {
	e, ok := errs.As(err)
	if !ok || e.Kind != errs.Invalid && e.Kind != errs.TooLarge {
		return web.FieldError{}, false
	}
	kv := make([]any, 0, 2*len(e.Args))
	for k, v := range e.Args {
		kv = append(kv, k, v)
	}
	return web.FieldError{Field: field, Text: s.say("error."+e.Code, kv...)}, true
}
