package catalogue

import (
	"net/http"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/text"
	"github.com/dinh-gov/dinh/web"
)

// Routes are the doors of the catalogue.
func (c *Catalogue) Routes() []httpx.Route {
	officer := auth.Officer(exchange.RoleGrants)
	asking := auth.AnyOf(officer, auth.Client())
	return []httpx.Route{
		{Method: "GET", Path: "/exchange", Access: auth.Public(), Page: true, Handle: c.showCatalogue},
		{Method: "GET", Path: "/exchange/services/{id...}", Access: auth.Public(), Page: true, Handle: c.showService},
		{Method: "GET", Path: "/exchange/document/{id...}", Access: auth.Public(), Page: true, Handle: c.showDocument},
		{Method: "GET", Path: "/exchange/try/{id...}", Access: auth.Public(), Page: true, Handle: c.showTry},
		{Method: "GET", Path: "/exchange/use/{id...}", Access: auth.Public(), Page: true, Handle: c.showUse},
		{Method: "GET", Path: "/desk/exchange", Access: officer, Page: true, Handle: c.showRequests},
		{Method: "GET", Path: "/desk/exchange/ask/{id...}", Access: officer, Page: true, Handle: c.showAsk},
		{Method: "POST", Path: "/desk/exchange/ask/{id...}", Access: officer, Page: true, Handle: c.doAsk},
		{Method: "GET", Path: "/desk/exchange/requests/{id}", Access: officer, Page: true, Handle: c.showRequest},
		{Method: "POST", Path: "/desk/exchange/requests/{id}/decide", Access: officer, Page: true, Handle: c.doDecide},
		{Method: "POST", Path: "/desk/exchange/requests/{id}/revoke", Access: officer, Page: true, Handle: c.doRevoke},
		{Method: "GET", Path: "/api/exchange/openapi", Access: auth.Public(), Handle: c.apiDocument},
		{Method: "GET", Path: "/api/exchange/use", Access: auth.Public(), Handle: c.apiUse},
		{Method: "GET", Path: "/api/exchange/requests", Access: asking, Handle: c.apiRequests},
		{Method: "POST", Path: "/api/exchange/requests", Access: asking, Handle: c.apiAsk},
		{Method: "GET", Path: "/api/exchange/requests/{id}", Access: asking, Handle: c.apiRequest},
		{Method: "POST", Path: "/api/exchange/requests/{id}/decide", Access: officer, Handle: c.apiDecide},
	}
}

// showCatalogue tells everybody which data the government exchanges. Words are
// looked for in titles, names, identifiers and what the fields are called.
func (c *Catalogue) showCatalogue(w http.ResponseWriter, r *http.Request) error {
	t := c.teller(r)
	members, err := c.d.Exchange.Members(r.Context())
	if err != nil {
		return err
	}
	grants, err := c.d.Rights.Grants(r.Context())
	if err != nil {
		return err
	}
	groups, err := c.d.Rights.Groups(r.Context())
	if err != nil {
		return err
	}
	words, member := r.URL.Query().Get("q"), r.URL.Query().Get("member")
	byOwner, owners, found := map[exchange.MemberID][]web.Tile{}, map[exchange.MemberID]bool{}, 0
	for _, s := range c.d.Exchange.Services() {
		owner := s.ID.Owner()
		owners[owner] = true
		if member != "" && member != owner.String() || !t.matches(s, words) {
			continue
		}
		found++
		byOwner[owner] = append(byOwner[owner], t.tile(s, grants, groups))
	}
	filter := web.Select{Name: "member", Value: member, Label: web.Label{Text: t.say("member")}, Items: []web.Option{{Value: "", Text: t.say("member_any")}}}
	for _, m := range members {
		if owners[m.ID()] {
			filter.Items = append(filter.Items, web.Option{Value: m.ID().String(), Text: m.Name.In(t.lang)})
		}
	}
	body := web.Plain{Title: t.say("title"), Lead: t.say("lead"), Parts: []web.Component{
		web.Form{Action: "/exchange", Method: "get", Body: []web.Component{
			web.Input{Name: "q", Type: "search", Value: words, Label: web.Label{Text: t.say("search")}, Hint: web.HintText(t.say("search_hint")), Classes: "govuk-!-width-two-thirds"},
			filter, web.Button{Text: t.say("search_button"), Classes: "govuk-button--secondary"},
		}},
	}}
	if c.d.Requirements != "" {
		body.Parts = append(body.Parts, web.Link{Text: t.say("requirements"), Href: c.d.Requirements, Classes: "govuk-link"})
	}
	for _, m := range members {
		if tiles := byOwner[m.ID()]; len(tiles) > 0 {
			name := m.Name.In(t.lang)
			body.Parts = append(body.Parts, web.Heading{Text: name}, web.Tiles{Items: tiles, Label: name})
		}
	}
	if found == 0 {
		body.Parts = append(body.Parts, web.EmptyState{Title: t.say("nothing"), Text: t.say("nothing_text"), Icon: "search", Action: &web.Button{Text: t.say("show_all"), Href: "/exchange"}})
	}
	return c.d.Pages.Show(w, r, web.Page{Title: body.Title, Indexed: words == "" && member == "", Data: body})
}

// matches looks for every word in what a service and its fields are called, in
// both languages: people do not know in which one the catalogue was written.
func (t teller) matches(s exchange.ServiceInfo, words string) bool {
	wanted := strings.Fields(text.Fold(words))
	if len(wanted) == 0 {
		return true
	}
	all := s.ID.String()
	add := func(n i18n.Text) { all += " " + n.VI + " " + n.EN }
	add(s.Title)
	if n, ok := t.c.d.Exchange.MemberName(t.r.Context(), s.ID.Owner().String()); ok {
		add(n)
	}
	for _, f := range s.Fields {
		all += " " + f
		if s.Label != nil {
			add(s.Label(f))
		}
	}
	all = text.Fold(all)
	return !slices.ContainsFunc(wanted, func(w string) bool { return !strings.Contains(all, w) })
}

func (t teller) tile(s exchange.ServiceInfo, grants []exchange.Grant, groups []exchange.Group) web.Tile {
	users := map[exchange.SubsystemID]bool{}
	for i := range grants {
		if grants[i].Service == s.ID && grants[i].ActiveAt(t.now) {
			for _, u := range systemsOf(&grants[i], groups) {
				users[u] = true
			}
		}
	}
	tile := web.Tile{Title: s.Title.In(t.lang), Text: t.count("users", len(users)), Href: address("/exchange/services", s.ID), Icon: "data"}
	if s.Disabled != "" {
		tile.Badge = &web.Badge{Text: t.say("disabled"), Colour: "grey"}
	}
	return tile
}

// systemsOf are those that a grant is for.
func systemsOf(g *exchange.Grant, groups []exchange.Group) []exchange.SubsystemID {
	if g.Group == "" {
		return []exchange.SubsystemID{g.Client}
	}
	for _, in := range groups {
		if in.ID == g.Group {
			return in.Members
		}
	}
	return nil
}

// subject is the name of the member that a grant is for, or the title of the
// group with how many systems are in it.
func (t teller) subject(g *exchange.Grant, groups []exchange.Group) string {
	if g.Group == "" {
		return t.name(g.Client.String())
	}
	for _, in := range groups {
		if in.ID == g.Group {
			return t.say("group", "title", in.Title.In(t.lang), "n", t.count("systems", len(in.Members)))
		}
	}
	return g.Group
}

// showService says who may use a service for what, and leads on from there.
func (c *Catalogue) showService(w http.ResponseWriter, r *http.Request) error {
	s, err := c.service(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	t := c.teller(r)
	ops, _, err := c.operations(r.Context(), s)
	if err != nil {
		return err
	}
	rights, err := t.rights(s)
	if err != nil {
		return err
	}
	body := web.Plain{Title: s.Title.In(t.lang), Caption: t.name(s.ID.Owner().String()), Lead: t.say("service_lead")}
	if s.Disabled != "" {
		body.Parts = append(body.Parts, web.WarningText{Text: t.say("disabled_text", "reason", s.Disabled)})
	}
	body.Parts = append(body.Parts, web.Heading{Text: t.say("developers")}, web.Paragraph{Text: t.say("developers_text")}, t.ways(s),
		web.Details{SummaryText: t.say("call"), Body: []web.Component{web.Pre{Text: c.curl(s, first(ops)), Code: true}}})
	if len(s.Fields) > 0 {
		var fields []string
		for _, f := range s.Fields {
			fields = append(fields, f+" · "+t.label(s, f))
		}
		body.Parts = append(body.Parts, web.Details{SummaryText: t.say("fields", "n", len(fields)), Body: []web.Component{web.List{Items: fields, Classes: "govuk-list--bullet"}}})
	}
	body.Parts = append(append(body.Parts, web.Heading{Text: t.say("rights")}), rights...)
	return c.d.Pages.Show(w, r, web.Page{Title: body.Title, Indexed: true, BackLink: &web.BackLink{Href: "/exchange", Text: t.say("title")}, Data: body})
}

// ways are what a developer can do with a service.
func (t teller) ways(s exchange.ServiceInfo) web.Tiles {
	tiles := []web.Tile{
		{Title: t.say("document"), Text: t.say("document_text"), Href: address("/exchange/document", s.ID), Icon: "document"},
		{Title: t.say("try"), Text: t.say("try_text"), Href: address("/exchange/try", s.ID), Icon: "work"},
		{Title: t.say("ask"), Text: t.say("ask_text"), Href: address("/desk/exchange/ask", s.ID), Icon: "shield"},
	}
	if mayCount(auth.From(t.r.Context()), s) {
		tiles = append(tiles, web.Tile{Title: t.say("use"), Text: t.say("use_text"), Href: address("/exchange/use", s.ID), Icon: "search"})
	}
	return web.Tiles{Items: tiles, Label: t.say("developers")}
}

// narrowed are the bounds that an owner sets to a grant and nobody asks for.
func (t teller) narrowed(s exchange.ServiceInfo, g *exchange.Grant) (rows []web.Row) {
	if len(g.Endpoints) > 0 {
		addresses := make([]string, len(g.Endpoints))
		for i, e := range g.Endpoints {
			addresses[i] = e.String()
		}
		rows = append(rows, web.Fact(t.say("only_endpoints"), strings.Join(addresses, ", ")))
	}
	var only []string
	for f, values := range g.Filter {
		only = append(only, t.label(s, f)+": "+strings.Join(values, ", "))
	}
	if slices.Sort(only); len(only) > 0 {
		rows = append(rows, web.Fact(t.say("only_records"), strings.Join(only, "; ")))
	}
	return rows
}

// rights lists the grants that hold now: who, for what, which fields, until when.
func (t teller) rights(s exchange.ServiceInfo) ([]web.Component, error) {
	grants, err := t.c.d.Rights.Grants(t.r.Context())
	if err != nil {
		return nil, err
	}
	groups, err := t.c.d.Rights.Groups(t.r.Context())
	if err != nil {
		return nil, err
	}
	var out []web.Component
	for i := range grants {
		g := &grants[i]
		if g.Service != s.ID || !g.ActiveAt(t.now) {
			continue
		}
		rows := []web.Row{web.Fact(t.say("purpose"), t.purpose(g.Purpose))}
		terms := t.termRows(s, Terms{Operations: g.Operations, Fields: g.Fields, Consent: g.Consent, Until: g.Until, Quota: g.Quota})
		if g.Quota.PerMinute == 0 {
			terms = terms[:len(terms)-1]
		}
		rows = append(append(append(rows, web.Fact(t.say("legal"), g.LegalBasis)), terms...), t.narrowed(s, g)...)
		out = append(out, web.SummaryList{Card: &web.Card{Title: &web.CardTitle{Text: t.subject(g, groups), HeadingLevel: "3"}}, Rows: rows})
	}
	if len(out) == 0 {
		return []web.Component{web.InsetText{Text: t.say("nobody")}}, nil
	}
	return out, nil
}
