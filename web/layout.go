package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

func citizenNav() []NavItem {
	return []NavItem{
		{Section: "home", Key: "web.nav.home", Path: "/"},
		{Section: "applications", Key: "web.nav.applications", Path: "/applications"},
		{Section: "documents", Key: "web.nav.documents", Path: "/my-documents"},
		{Section: "messages", Key: "web.nav.messages", Path: "/messages"},
		{Section: "data", Key: "web.nav.data", Path: "/my-data"},
	}
}

func officerNav() []NavItem {
	return []NavItem{
		{Section: "desk", Key: "web.nav.desk", Path: "/desk"},
		{Section: "papers", Key: "web.nav.papers", Path: "/desk/papers", Roles: []string{"evidence-officer"}},
		{Section: "search", Key: "web.nav.search", Path: "/desk/search"},
		{Section: "registers", Key: "web.nav.registers", Path: "/desk/registers"},
		{Section: "figures", Key: "web.nav.figures", Path: "/desk/figures"},
		{Section: "directory", Key: "web.nav.directory", Path: "/desk/directory", Roles: []string{"exchange-registrar"}},
		{Section: "exchange", Key: "web.nav.exchange", Path: "/desk/exchange", Roles: []string{"grants-officer"}},
	}
}

func footerNav() []NavItem {
	return []NavItem{
		{Key: "web.footer.help", Path: "/help"}, // the same place on every page: WCAG 3.2.6
		{Key: "web.footer.services", Path: "/services"},
		{Key: "web.footer.verify", Path: "/verify"},
		{Key: "web.footer.about", Path: "/about"},
		{Key: "web.footer.accessibility", Path: "/accessibility"},
	}
}

// layoutView is the dot of layout/layout.html.
type layoutView struct {
	Page
	Lang     string
	FullName string // of the browser's tab
	Product  string
	Demo     bool
	Skip     SkipLink
	Summary  *ErrorSummary
	Nav      []navView
	Footer   []navView
	Account  *accountView
	SignIn   string
	Langs    []langView
	Mode     string // "officer", "signed-in" or "public"
}

type navView struct {
	Text, Path string
	Active     bool
}

type accountView struct {
	Name, Detail string
	OnBehalf     string
}

type langView struct {
	Code, Name, Short, Href string
	Current                 bool
}

func (r *Renderer) view(req *http.Request, lang i18n.Lang, p Page) layoutView {
	e := r.envs[lang]
	who := auth.From(req.Context())
	officer := p.Officer && who.IsOfficer()
	v := layoutView{
		Page: p, Lang: string(lang), Product: r.config.Product, Demo: r.config.Demo,
		Skip: SkipLink{Text: e.t("web.skip"), Href: "#main-content"}, Mode: "public",
		SignIn: "/sign-in?next=" + url.QueryEscape(req.URL.RequestURI()), Langs: langs(req, lang),
	}
	v.FullName = join(p.Title) + " – " + r.config.Product
	if p.Title == "" {
		v.FullName = r.config.Product
	}
	for _, n := range r.config.Footer {
		v.Footer = append(v.Footer, navView{Text: e.t(n.Key), Path: n.Path})
	}
	if len(p.Errors) > 0 {
		v.FullName = e.t("web.error_prefix") + v.FullName
		v.Summary = summary(e, p.Errors)
	}
	if !who.IsNobody() {
		v.Account = r.account(e, who, officer)
		v.Mode = "signed-in"
	}
	items := r.config.CitizenNav
	if officer {
		v.Mode, items = "officer", r.config.OfficerNav
	}
	if who.IsNobody() {
		return v
	}
	for _, n := range items {
		if len(n.Roles) == 0 || slices.ContainsFunc(n.Roles, who.HasRole) {
			v.Nav = append(v.Nav, navView{Text: e.t(n.Key), Path: n.Path, Active: n.Section == p.Section && p.Section != ""})
		}
	}
	return v
}

func (r *Renderer) account(e *env, who auth.Principal, officer bool) *accountView {
	a := &accountView{Name: first(who.Name, who.Account, who.Officer), OnBehalf: who.OnBehalf}
	if officer {
		a.Detail = who.Member
		if name, ok := r.config.Members[who.Member]; ok {
			a.Detail = name.In(e.lang)
		}
	}
	if a.OnBehalf != "" {
		a.Detail = e.t("web.account.on_behalf", "whom", a.OnBehalf)
	}
	return a
}

func summary(e *env, errors []FieldError) *ErrorSummary {
	s := &ErrorSummary{TitleText: e.t("web.error_summary")}
	for _, f := range errors {
		link := ErrorLink{Text: f.Text}
		if f.Field != "" {
			link.Href = "#" + f.Field
		}
		s.ErrorList = append(s.ErrorList, link)
	}
	return s
}

// langs are the links of the language switch: this page, asked for again in
// the other language.
func langs(req *http.Request, now i18n.Lang) []langView {
	names := map[i18n.Lang]string{i18n.VI: "Tiếng Việt", i18n.EN: "English"}
	var out []langView
	for _, l := range i18n.Langs {
		q := req.URL.Query()
		q.Set("lang", string(l))
		out = append(out, langView{Code: string(l), Name: names[l], Short: strings.ToUpper(string(l)), Current: l == now,
			Href: (&url.URL{Path: req.URL.Path, RawQuery: q.Encode()}).String()})
	}
	return out
}
