package exchange

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// The catalogue tells everybody which data the government exchanges: who keeps
// them, who may use what for which purpose, until when, and how a system asks.
func (x *Exchange) pages() []httpx.Route {
	if x.view == nil {
		return nil
	}
	return []httpx.Route{
		{Method: "GET", Path: "/exchange", Access: auth.Public(), Page: true, Handle: x.showCatalogue},
		{Method: "GET", Path: "/exchange/services/{id...}", Access: auth.Public(), Page: true, Handle: x.showService},
	}
}

// teller says things in the reader's language.
type teller struct {
	x    *Exchange
	lang i18n.Lang
	now  time.Time
	name func(string) string // of a member or subsystem
}

func (x *Exchange) teller(r *http.Request) teller {
	lang := i18n.LangFrom(r.Context())
	return teller{x: x, lang: lang, now: x.clock.Now(), name: func(id string) string {
		if n, ok := x.MemberName(r.Context(), id); ok {
			return n.In(lang)
		}
		return id
	}}
}

func (t teller) say(key string, kv ...any) string { return t.x.view.T(t.lang, "exchange."+key, kv...) }

func (x *Exchange) showCatalogue(w http.ResponseWriter, r *http.Request) error {
	t := x.teller(r)
	grants, err := x.Grants(r.Context())
	if err != nil {
		return err
	}
	byOwner := map[string][]web.Tile{}
	for _, s := range x.Services() {
		users := map[string]bool{}
		for i := range grants {
			if grants[i].Service == s.ID && grants[i].activeAt(t.now) {
				users[grants[i].Client.String()] = true
			}
		}
		use := t.say("catalogue.users", "n", len(users))
		if len(users) == 1 {
			use = t.say("catalogue.user")
		}
		owner := t.name(s.ID.Owner().String())
		byOwner[owner] = append(byOwner[owner], web.Tile{
			Title: s.Title.In(t.lang), Text: use, Href: "/exchange/services/" + s.ID.String(), Icon: "data",
		})
	}
	body := web.Plain{Title: t.say("catalogue.title"), Lead: t.say("catalogue.lead")}
	body.Parts = append(body.Parts, web.List{Bodies: []web.Component{web.Link{Text: t.say("catalogue.requirements"), Href: "/exchange/requirements"}}})
	for _, owner := range sortedKeys(byOwner) {
		body.Parts = append(body.Parts, web.Heading{Text: owner}, web.Tiles{Items: byOwner[owner], Label: owner})
	}
	return x.view.Show(w, r, web.Page{Title: body.Title, Indexed: true, Data: body})
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (x *Exchange) showService(w http.ResponseWriter, r *http.Request) error {
	id, err := ParseService(r.PathValue("id"))
	if err != nil {
		return errs.New(errs.NotFound, "exchange.unknown_service", "service", clip(r.PathValue("id")))
	}
	if _, err := x.freshen(r.Context()); err != nil {
		return unavailable("exchange.rules_unreadable", err)
	}
	o := x.offer(id)
	if o == nil {
		return errs.New(errs.NotFound, "exchange.unknown_service", "service", id.String())
	}
	t := x.teller(r)
	rights, err := x.rightsOn(r, t, id)
	if err != nil {
		return err
	}
	body := web.Plain{Title: o.info.Title.In(t.lang), Caption: t.name(id.Owner().String()), Lead: t.say("service.lead")}
	body.Parts = append(body.Parts, web.Heading{Text: t.say("service.rights")})
	body.Parts = append(body.Parts, rights...)
	body.Parts = append(body.Parts, web.Heading{Text: t.say("service.call")}, web.Paragraph{Text: t.say("service.call_text")}, web.Pre{Text: sample(o.info), Code: true})
	if len(o.info.Fields) > 0 {
		var fields []string
		for _, f := range o.info.Fields {
			fields = append(fields, f+" · "+t.label(o.info, f))
		}
		body.Parts = append(body.Parts, web.Details{SummaryText: t.say("service.fields", "n", len(fields)), Body: []web.Component{web.List{Items: fields, Classes: "govuk-list--bullet"}}})
	}
	return x.view.Show(w, r, web.Page{Title: body.Title, Indexed: true, BackLink: &web.BackLink{Href: "/exchange"}, Data: body})
}

// rightsOn lists the grants that hold now: who, for what, which fields, until when.
func (x *Exchange) rightsOn(r *http.Request, t teller, id ServiceID) ([]web.Component, error) {
	grants, err := x.Grants(r.Context())
	if err != nil {
		return nil, err
	}
	info := x.offer(id).info
	var out []web.Component
	for i := range grants {
		g := &grants[i]
		if g.Service != id || !g.activeAt(t.now) {
			continue
		}
		var may []string
		for _, o := range g.Operations {
			may = append(may, t.say("operation."+o))
		}
		until := t.say("service.no_end")
		if !g.Until.IsZero() {
			until = i18n.FormatDate(t.lang, g.Until.Add(-time.Nanosecond).In(i18n.Zone()).Format(time.DateOnly))
		}
		rows := []web.Row{
			web.Fact(t.say("service.purpose"), t.purpose(g.Purpose)), web.Fact(t.say("service.may"), strings.Join(may, ", ")),
			web.Fact(t.say("service.what"), t.fields(info, g.Fields)), web.Fact(t.say("service.legal"), g.LegalBasis), web.Fact(t.say("service.until"), until),
		}
		if g.Consent {
			rows = append(rows, web.Fact(t.say("service.consent"), t.say("service.consent_text")))
		}
		if g.Quota.PerMinute > 0 {
			rows = append(rows, web.Fact(t.say("service.quota"), t.say("service.per_minute", "n", g.Quota.PerMinute)))
		}
		out = append(out, web.SummaryList{Card: &web.Card{Title: &web.CardTitle{Text: t.name(g.Client.String()), HeadingLevel: "3"}}, Rows: rows})
	}
	if len(out) == 0 {
		return []web.Component{web.InsetText{Text: t.say("service.nobody")}}, nil
	}
	return out, nil
}

func (t teller) purpose(id string) string {
	if n, ok := t.x.purposeTitles[id]; ok {
		return n.In(t.lang)
	}
	return id
}

func (t teller) label(info ServiceInfo, field string) string {
	if info.Label == nil {
		return field
	}
	return cmp.Or(info.Label(field).In(t.lang), field)
}

func (t teller) fields(info ServiceInfo, fields []string) string {
	if slices.Contains(fields, "*") {
		return t.say("service.all_fields")
	}
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = t.label(info, f)
	}
	return strings.Join(out, ", ")
}

// sample is a call that a developer can copy.
func sample(s ServiceInfo) string {
	method, path, body := "GET", "/records/ID", ""
	if i := slices.IndexFunc(s.Endpoints, func(e Endpoint) bool { return e.Operation == OpSearch }); i >= 0 {
		method, path, body = s.Endpoints[i].Method, s.Endpoints[i].Path, " \\\n  -H 'Content-Type: application/json' -d '{\"where\":{\"FIELD\":\"VALUE\"}}'"
	}
	return fmt.Sprintf("curl -X %s https://HOST/r1/%s%s \\\n  -H 'Authorization: Bearer KEY' -H 'X-Road-Client: %s/CLASS/MEMBER/SUBSYSTEM' \\\n  -H 'X-Dinh-Purpose: PURPOSE'%s", method, s.ID, path, s.ID.Instance, body)
}
