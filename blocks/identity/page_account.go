package identity

import (
	"cmp"
	"log/slog"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (x *Identity) showRegister(w http.ResponseWriter, r *http.Request) error {
	return x.registerPage(w, r, nil)
}

func (x *Identity) registerPage(w http.ResponseWriter, r *http.Request, wrong []web.FieldError) error {
	values := map[string]string{}
	for _, part := range []string{"born-day", "born-month", "born-year"} {
		values[part] = r.PostFormValue(part)
	}
	return x.d.Pages.Show(w, r, web.Page{Title: x.t(r, "identity.register"), Section: "sign-in", BackLink: &web.BackLink{Href: "/sign-in"}, Errors: wrong},
		web.Paragraph{Text: x.t(r, "identity.register_text")},
		web.Form{Action: "/register", Body: []web.Component{
			web.Input{Name: "number", Label: web.Label{Text: x.t(r, "identity.number")}, Hint: web.HintText(x.t(r, "identity.number_hint")), InputMode: "numeric", Spellcheck: web.Off,
				Classes: "govuk-input--width-20", Value: r.PostFormValue("number"), ErrorMessage: web.ErrorFor(wrong, "number")},
			web.Input{Name: "name", Label: web.Label{Text: x.t(r, "identity.full_name")}, Autocomplete: "name", Value: r.PostFormValue("name"), ErrorMessage: web.ErrorFor(wrong, "name")},
			web.DateInput{ID: "born", NamePrefix: "born", Values: values, Fieldset: &web.Fieldset{Legend: web.Legend{Text: x.t(r, "identity.born"), Classes: "govuk-fieldset__legend--s"}}, ErrorMessage: web.ErrorFor(wrong, "born-day")},
			web.Button{Text: x.t(r, "identity.send_code"), PreventDoubleClick: web.On},
		}})
}

func (x *Identity) startRegister(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "identity.bad_form")
	}
	var wrong []web.FieldError
	number, ok := tidyNumber(r.PostForm.Get("number"))
	if !ok {
		wrong = append(wrong, web.FieldError{Field: "number", Text: x.t(r, "error.identity.number_wrong")})
	}
	name := strings.TrimSpace(r.PostForm.Get("name"))
	if name == "" {
		wrong = append(wrong, web.FieldError{Field: "name", Text: x.t(r, "error.identity.name_missing")})
	}
	born, ok := dateOf(r.PostForm.Get("born-day"), r.PostForm.Get("born-month"), r.PostForm.Get("born-year"))
	if !ok {
		wrong = append(wrong, web.FieldError{Field: "born-day", Text: x.t(r, "error.identity.born_wrong")})
	}
	if len(wrong) > 0 {
		return x.registerPage(w, r, wrong)
	}
	if err := x.limits.allow("start/"+x.address(r), startsPerAddress); err != nil {
		return err
	}
	token, err := x.register(r.Context(), whoIs{number, name, born}, x.seat(r))
	return x.toCode(w, r, token, err)
}

func (x *Identity) showAccount(w http.ResponseWriter, r *http.Request) error {
	return x.accountPage(w, r, nil)
}

func (x *Identity) accountPage(w http.ResponseWriter, r *http.Request, wrong []web.FieldError) error {
	ctx, p, lang := r.Context(), auth.From(r.Context()), i18n.LangFrom(r.Context())
	s, err := x.session(ctx, cookie(r, sessionCookie))
	if err != nil {
		return err
	}
	a, err := x.byID(ctx, s.Account)
	if err != nil {
		return err
	}
	keys, err := x.passkeyParts(r, s)
	if err != nil {
		return err
	}
	sessions, err := x.sessionParts(r)
	if err != nil {
		return err
	}
	parts := []web.Component{web.SummaryList{Rows: []web.Row{
		{Key: web.Term{Text: x.t(r, "identity.full_name")}, Value: web.Term{Text: p.Name}},
		{Key: web.Term{Text: x.t(r, "identity.level")}, Value: web.Term{Text: p.Level.In(lang)}},
	}}}
	parts = append(append(parts, x.familyParts(r)...), keys...)
	if a.Kind == kindPerson {
		contact, err := x.contactParts(r, a, wrong)
		if err != nil {
			return err
		}
		parts = append(parts, contact...)
	}
	return x.d.Pages.Show(w, r, web.Page{Title: x.t(r, "identity.account"), Section: "account", Officer: p.IsOfficer(), Errors: wrong}, append(parts, sessions...)...)
}

func (x *Identity) passkeyParts(r *http.Request, s sessionRow) ([]web.Component, error) {
	lang := i18n.LangFrom(r.Context())
	keys, err := x.store.passkeys(r.Context(), s.Account)
	if err != nil {
		return nil, err
	}
	parts := []web.Component{web.Heading{Text: x.t(r, "identity.passkeys")}}
	for _, k := range keys {
		used := x.t(r, "identity.never_used")
		if !k.Used.IsZero() {
			used = x.t(r, "identity.last_used", "when", i18n.FormatTime(lang, k.Used))
		}
		name := cmp.Or(k.Name, x.t(r, "identity.unknown_device"))
		parts = append(parts, web.SummaryList{
			Card: &web.Card{Title: &web.CardTitle{Text: name, HeadingLevel: "3"}},
			Rows: []web.Row{web.Fact(x.t(r, "identity.made"), i18n.FormatTime(lang, k.Created)), web.Fact(x.t(r, "identity.seen"), used)},
		}, web.Form{Action: "/account/passkeys/" + k.ID + "/remove", Body: []web.Component{x.removeButton(r, name)}})
	}
	if len(keys) == 0 {
		parts = append(parts, web.InsetText{Text: x.t(r, "identity.no_passkeys")})
	}
	app, err := x.appParts(r, s.Account)
	if err != nil {
		return nil, err
	}
	return append(append(parts, app...), web.Link{Text: x.t(r, "identity.add_way"), Href: "/sign-in/step-up?next=/account"}), nil
}

// familyParts offers to act for the children. The register that knows them may
// be out of reach; the rest of the page is not.
func (x *Identity) familyParts(r *http.Request) []web.Component {
	p := auth.From(r.Context())
	if !p.IsPerson() {
		return nil
	}
	children, err := x.ChildrenOf(r.Context(), p.Number)
	if err != nil {
		x.d.Log.LogAttrs(r.Context(), slog.LevelWarn, "identity: children could not be asked for", slog.Any("error", err))
		return []web.Component{web.Heading{Text: x.t(r, "identity.act_for")}, web.InsetText{Text: x.t(r, "identity.children_unknown")}}
	}
	if len(children) == 0 && p.OnBehalf == "" {
		return nil
	}
	items := []web.Choice{{Value: "", Text: x.t(r, "identity.myself")}}
	if p.OnBehalf == "" { // no value, yet a choice that was made
		items[0].Checked = web.On
	}
	chosen := ""
	for _, c := range children {
		items = append(items, web.Choice{Value: x.d.Keys.Pseudonym(c.Number), Text: c.Name})
		if c.Number == p.OnBehalf {
			chosen = x.d.Keys.Pseudonym(c.Number)
		}
	}
	return []web.Component{web.Heading{Text: x.t(r, "identity.act_for")}, web.Form{Action: "/account/act-for", Body: []web.Component{
		web.Radios{Name: "child", Value: chosen, Items: items, Fieldset: &web.Fieldset{Legend: web.Legend{Text: x.t(r, "identity.act_for_text")}}},
		web.Button{Text: x.t(r, "identity.continue"), Classes: "govuk-button--secondary"},
	}}}
}

func (x *Identity) sessionParts(r *http.Request) ([]web.Component, error) {
	lang := i18n.LangFrom(r.Context())
	rows, err := x.store.sessions(r.Context(), auth.From(r.Context()).Account, x.d.Clock.Now())
	if err != nil {
		return nil, err
	}
	here := hashed(cookie(r, sessionCookie))
	t := web.Table{Head: []web.Cell{{Text: x.t(r, "identity.device")}, {Text: x.t(r, "identity.seen")}}}
	for _, s := range rows {
		name := s.Device
		if name == "" {
			name = x.t(r, "identity.unknown_device")
		}
		if s.Hash == here {
			name += " (" + x.t(r, "identity.this_one") + ")"
		}
		t.Rows = append(t.Rows, []web.Cell{{Text: name}, {Text: i18n.FormatTime(lang, s.Seen)}})
	}
	parts := []web.Component{web.Heading{Text: x.t(r, "identity.sessions")}, t}
	if len(rows) > 1 {
		parts = append(parts, web.Form{Action: "/account/sessions/end", Body: []web.Component{web.Button{Text: x.t(r, "identity.end_others"), Classes: "govuk-button--secondary"}}})
	}
	return parts, nil
}

func (x *Identity) removePasskey(w http.ResponseWriter, r *http.Request) error {
	return afterTrust(w, r, x.RemovePasskey(r.Context(), cookie(r, sessionCookie), r.PathValue("id")), "/account", "/account")
}

func (x *Identity) endOthers(w http.ResponseWriter, r *http.Request) error {
	account := auth.From(r.Context()).Account
	s, err := x.session(r.Context(), cookie(r, sessionCookie))
	if err != nil {
		return err
	}
	if err := x.mustMatch(r.Context(), s); err != nil { // a mailbox alone does not throw the stronger proof out
		return afterTrust(w, r, err, "/account", "/account")
	}
	if err := x.store.endOthers(r.Context(), account, s.Hash); err != nil {
		return err
	}
	x.cache.forget(account)
	http.Redirect(w, r, "/account", http.StatusSeeOther)
	return nil
}

func (x *Identity) actFor(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "identity.bad_form")
	}
	if err := x.ActFor(r.Context(), cookie(r, sessionCookie), r.PostForm.Get("child")); err != nil {
		return err
	}
	http.Redirect(w, r, "/account", http.StatusSeeOther)
	return nil
}

// demoParts are the cards of people to try things out as; nothing outside a
// demonstration.
func (x *Identity) demoParts(r *http.Request, next, kind string) ([]web.Component, error) {
	if !x.d.Demo {
		return nil, nil
	}
	rows, err := x.store.samples(r.Context(), 40)
	if err != nil {
		return nil, err
	}
	lang := i18n.LangFrom(r.Context())
	var cards []web.Component
	for _, row := range rows {
		s, err := x.showSample(r.Context(), row)
		if err != nil {
			return nil, err
		}
		if (s.Officer != "") != (kind == kindOfficer) {
			continue
		}
		to := next
		if kind == kindOfficer && !isDesk(to) {
			to = "/desk"
		}
		cards = append(cards, web.Persona{Name: s.Name, Text: s.Label.In(lang), Action: "/sign-in/demo", Button: x.t(r, "identity.try_as", "name", s.Name), Hidden: []web.Hidden{{Name: "sample", Value: s.ID}, {Name: "next", Value: to}}})
	}
	return []web.Component{web.Heading{Text: x.t(r, "identity.demo_"+kind)}, web.Personas(cards)}, nil
}

func (x *Identity) showDemo(w http.ResponseWriter, r *http.Request) error {
	citizens, err := x.demoParts(r, "/", kindPerson)
	if err != nil {
		return err
	}
	officers, err := x.demoParts(r, "/desk", kindOfficer)
	if err != nil {
		return err
	}
	return x.d.Pages.Show(w, r, web.Page{Title: x.t(r, "identity.demo_title"), Wide: true}, append(append([]web.Component{web.Paragraph{Text: x.t(r, "identity.demo_text")}}, citizens...), officers...)...)
}

// signInDemo is the one door without a proof; it is there only in a
// demonstration.
func (x *Identity) signInDemo(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "identity.bad_form")
	}
	sample := r.PostForm.Get("sample")
	if !utf8.ValidString(sample) || strings.ContainsRune(sample, 0) {
		return errs.New(errs.NotFound, "identity.no_sample")
	}
	row, err := x.store.sample(r.Context(), sample)
	if err != nil {
		return err
	}
	a, err := x.bySubject(r.Context(), row.Subject)
	if err != nil {
		return err
	}
	if err := x.enter(w, r, a, auth.Substantial, true); err != nil {
		return err
	}
	http.Redirect(w, r, home(a, r.PostForm.Get("next")), http.StatusSeeOther)
	return nil
}
