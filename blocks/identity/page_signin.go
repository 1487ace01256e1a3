package identity

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (x *Identity) pages() []httpx.Route {
	me := auth.AnyOf(auth.Person(auth.Low), auth.OfficerAt(auth.Low))
	routes := []httpx.Route{
		{Method: "GET", Path: "/sign-in", Access: auth.Public(), Page: true, Handle: x.showSignIn},
		{Method: "POST", Path: "/sign-in", Access: auth.Public(), Page: true, Handle: x.startSignIn},
		{Method: "GET", Path: "/desk/sign-in", Access: auth.Public(), Page: true, Handle: x.showOfficerSignIn},
		{Method: "POST", Path: "/desk/sign-in", Access: auth.Public(), Page: true, Handle: x.startOfficerSignIn},
		{Method: "GET", Path: "/sign-in/code", Access: auth.Public(), Page: true, Handle: x.showCode},
		{Method: "POST", Path: "/sign-in/code", Access: auth.Public(), Page: true, Handle: x.enterCode},
		{Method: "GET", Path: "/sign-in/step-up", Access: me, Page: true, Handle: x.showStepUp},
		{Method: "POST", Path: "/sign-in/step-up", Access: me, Page: true, Handle: x.startStepUp},
		{Method: "POST", Path: "/sign-in/step-up/app", Access: me, Page: true, Handle: x.stepUpByApp},
		{Method: "GET", Path: "/sign-in/app", Access: me, Page: true, Handle: x.showApp},
		{Method: "POST", Path: "/sign-in/app", Access: me, Page: true, Handle: x.startApp},
		{Method: "POST", Path: "/sign-in/app/confirm", Access: me, Page: true, Handle: x.confirmApp},
		{Method: "GET", Path: "/register", Access: auth.Public(), Page: true, Handle: x.showRegister},
		{Method: "POST", Path: "/register", Access: auth.Public(), Page: true, Handle: x.startRegister},
		{Method: "POST", Path: "/sign-out", Access: auth.Public(), Page: true, Handle: x.signOut},
		{Method: "GET", Path: "/account", Access: me, Page: true, Handle: x.showAccount},
		{Method: "POST", Path: "/account/passkeys/{id}/remove", Access: me, Page: true, Handle: x.removePasskey},
		{Method: "POST", Path: "/account/app/remove", Access: me, Page: true, Handle: x.removeApp},
		{Method: "POST", Path: "/account/sessions/end", Access: me, Page: true, Handle: x.endOthers},
		{Method: "POST", Path: "/account/contact", Access: auth.Person(auth.Low), Page: true, Handle: x.changeContact},
		{Method: "POST", Path: "/account/act-for", Access: auth.Person(auth.Low), Page: true, Handle: x.actFor},
	}
	if !x.d.Demo {
		return routes
	}
	return append(routes,
		httpx.Route{Method: "GET", Path: "/demo", Access: auth.Public(), Page: true, Handle: x.showDemo},
		httpx.Route{Method: "POST", Path: "/sign-in/demo", Access: auth.Public(), Page: true, Handle: x.signInDemo})
}

func (x *Identity) t(r *http.Request, key string, kv ...any) string {
	return x.d.Pages.T(i18n.LangFrom(r.Context()), key, kv...)
}

// passkey is the block that the page's script wakes up; browsers without
// passkeys or scripts never see it.
func (x *Identity) passkey(r *http.Request, kind, next, words string) web.Component {
	data := map[string]string{
		"data-passkey": kind, "data-next": next, "data-error": x.t(r, "identity.passkey_failed"), "data-cancelled": x.t(r, "identity.passkey_cancelled"),
		"data-options-url": "/api/identity/passkeys/login/begin", "data-url": "/api/identity/passkeys/login/finish?next=" + url.QueryEscape(next),
	}
	if kind == "create" {
		data["data-options-url"], data["data-url"] = "/api/identity/passkeys/register/begin", "/api/identity/passkeys/register/finish"
	}
	var b strings.Builder
	b.WriteString(`<div hidden class="dinh-passkey"`)
	for _, name := range []string{"data-passkey", "data-options-url", "data-url", "data-next", "data-error", "data-cancelled"} {
		b.WriteString(" " + name + `="` + template.HTMLEscapeString(data[name]) + `"`)
	}
	b.WriteString(`><button type="button" class="govuk-button" data-module="govuk-button">` + template.HTMLEscapeString(words) + `</button><p class="govuk-body" role="status"></p></div>`)
	return web.Markup(b.String())
}

func (x *Identity) showSignIn(w http.ResponseWriter, r *http.Request) error {
	next := httpx.LocalPath(r.URL.Query().Get("next"))
	if isDesk(next) {
		http.Redirect(w, r, "/desk/sign-in?next="+url.QueryEscape(next), http.StatusSeeOther)
		return nil
	}
	return x.signInPage(w, r, next, nil)
}

func (x *Identity) signInPage(w http.ResponseWriter, r *http.Request, next string, wrong []web.FieldError) error {
	parts := []web.Component{
		x.passkey(r, "get", next, x.t(r, "identity.use_passkey")),
		web.Heading{Text: x.t(r, "identity.by_code")},
		web.Form{Action: "/sign-in", Hidden: []web.Hidden{{Name: "next", Value: next}}, Body: []web.Component{
			web.Input{Name: "number", Label: web.Label{Text: x.t(r, "identity.number")}, Hint: web.HintText(x.t(r, "identity.number_hint")), InputMode: "numeric", Spellcheck: web.Off,
				Classes: "govuk-input--width-20", Value: r.PostFormValue("number"), ErrorMessage: web.ErrorFor(wrong, "number")},
			web.Button{Text: x.t(r, "identity.send_code"), PreventDoubleClick: web.On},
		}},
		web.Paragraph{HTML: template.HTML(template.HTMLEscapeString(x.t(r, "identity.no_account")) + ` <a class="govuk-link" href="/register">` + template.HTMLEscapeString(x.t(r, "identity.register_link")) + `</a>`)}, // both escaped
	}
	demo, err := x.demoParts(r, next, kindPerson)
	if err != nil {
		return err
	}
	return x.d.Pages.Show(w, r, web.Page{Title: x.t(r, "identity.sign_in"), Section: "sign-in", Errors: wrong}, append(demo, parts...)...)
}

func (x *Identity) startSignIn(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "identity.bad_form")
	}
	next := httpx.LocalPath(r.PostForm.Get("next"))
	number, ok := tidyNumber(r.PostForm.Get("number"))
	if !ok {
		return x.signInPage(w, r, next, []web.FieldError{{Field: "number", Text: x.t(r, "error.identity.number_wrong")}})
	}
	if err := x.limits.allow("start/"+x.address(r), startsPerAddress); err != nil {
		return err
	}
	token, err := x.askPerson(r.Context(), number, next, x.seat(r))
	return x.toCode(w, r, token, err)
}

func (x *Identity) toCode(w http.ResponseWriter, r *http.Request, token string, err error) error {
	if err != nil {
		return err
	}
	x.setCookie(w, attemptCookie, token, "/sign-in")
	http.Redirect(w, r, "/sign-in/code", http.StatusSeeOther)
	return nil
}

func (x *Identity) showOfficerSignIn(w http.ResponseWriter, r *http.Request) error {
	return x.officerPage(w, r, httpx.LocalPath(r.URL.Query().Get("next")), nil)
}

func (x *Identity) officerPage(w http.ResponseWriter, r *http.Request, next string, wrong []web.FieldError) error {
	if !isDesk(next) {
		next = "/desk"
	}
	parts := []web.Component{
		x.passkey(r, "get", next, x.t(r, "identity.use_passkey")),
		web.Heading{Text: x.t(r, "identity.by_code")},
		web.Form{Action: "/desk/sign-in", Hidden: []web.Hidden{{Name: "next", Value: next}}, Body: []web.Component{
			web.Input{Name: "officer", Label: web.Label{Text: x.t(r, "identity.officer_id")}, Hint: web.HintText(x.t(r, "identity.officer_hint")), Value: r.PostFormValue("officer"), Autocomplete: "username", Spellcheck: web.Off, Classes: "govuk-input--width-20", ErrorMessage: web.ErrorFor(wrong, "officer")},
			web.Button{Text: x.t(r, "identity.send_code"), PreventDoubleClick: web.On},
		}},
	}
	demo, err := x.demoParts(r, next, kindOfficer)
	if err != nil {
		return err
	}
	return x.d.Pages.Show(w, r, web.Page{Title: x.t(r, "identity.officer_sign_in"), Section: "sign-in", Errors: wrong}, append(demo, parts...)...)
}

func (x *Identity) startOfficerSignIn(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "identity.bad_form")
	}
	next := httpx.LocalPath(r.PostForm.Get("next"))
	officer := r.PostForm.Get("officer")
	if strings.TrimSpace(officer) == "" {
		return x.officerPage(w, r, next, []web.FieldError{{Field: "officer", Text: x.t(r, "error.identity.officer_missing")}})
	}
	if err := x.limits.allow("start/"+x.address(r), startsPerAddress); err != nil {
		return err
	}
	token, err := x.askOfficer(r.Context(), officer, next, x.seat(r))
	return x.toCode(w, r, token, err)
}

func (x *Identity) showCode(w http.ResponseWriter, r *http.Request) error {
	return x.codePage(w, r, nil)
}

func (x *Identity) codePage(w http.ResponseWriter, r *http.Request, wrong []web.FieldError) error {
	sent, back, err := x.whereSent(r)
	if err != nil {
		return err
	}
	return x.d.Pages.Show(w, r, web.Page{Title: x.t(r, "identity.code_title"), Section: "sign-in", BackLink: &web.BackLink{Href: back}, Errors: wrong},
		web.Paragraph{Text: sent},
		web.Form{Action: "/sign-in/code", Body: []web.Component{
			web.Input{Name: "code", Label: web.Label{Text: x.t(r, "identity.code")}, InputMode: "numeric", Autocomplete: "one-time-code", Spellcheck: web.Off, Classes: "govuk-input--width-10", ErrorMessage: web.ErrorFor(wrong, "code")},
			web.Button{Text: x.t(r, "identity.continue"), PreventDoubleClick: web.On},
		}},
		web.Details{SummaryText: x.t(r, "identity.no_code"), Text: x.t(r, "identity.no_code_text")})
}

// whereSent names the address that a code went to, and the page to go back to.
// Strangers learn neither whether one was sent nor where to.
func (x *Identity) whereSent(r *http.Request) (sent, back string, err error) {
	sent, back = x.t(r, "identity.code_sent"), "/sign-in"
	row, err := x.store.attempt(r.Context(), hashed(cookie(r, attemptCookie)))
	if e, ok := errs.As(err); ok && e.Kind == errs.Invalid {
		return sent, back, nil
	}
	p := auth.From(r.Context())
	if err != nil || row.Account == "" || row.Account != p.Account || row.Purpose != forStepUp && row.Purpose != forEmail {
		return sent, back, err
	}
	a, err := x.byID(r.Context(), p.Account)
	if err != nil {
		return "", "", err
	}
	to, err := x.contactOf(r.Context(), a)
	if err != nil {
		return "", "", err
	}
	if row.Purpose == forEmail {
		if to.Email, err = x.unsealFor(r.Context(), a, row.Data, row.Hash); err != nil {
			return "", "", err
		}
	}
	return x.t(r, "identity.code_sent_to", "address", masked(to.Email)), "/account", nil
}

func (x *Identity) enterCode(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "identity.bad_form")
	}
	ctx := r.Context()
	row, a, err := x.answer(ctx, cookie(r, attemptCookie), r.PostForm.Get("code"), x.seat(r))
	if e, ok := errs.As(err); ok && e.Kind == errs.Invalid {
		if err := x.limits.allow("guess/"+x.address(r), guessesPerAddress); err != nil {
			return err
		}
		return x.codePage(w, r, []web.FieldError{{Field: "code", Text: x.t(r, "error."+e.Code)}})
	}
	if err != nil {
		return err
	}
	next := home(a, row.Next)
	switch row.Purpose {
	case forStepUp:
		err, next = x.prove(ctx, cookie(r, sessionCookie), a), "/sign-in/step-up?next="+url.QueryEscape(row.Next)
	case forEmail:
		err, next = x.setEmail(ctx, cookie(r, sessionCookie), a, row), row.Next
	default:
		err = x.enter(w, r, a, auth.Low, false)
	}
	if err == nil {
		x.setCookie(w, attemptCookie, "", "/sign-in")
	}
	return afterTrust(w, r, err, next, "/account")
}

// showStepUp offers what the account has, and to those who have nothing a way
// to add it. It never sends anybody on by itself: a page that wants still more
// than the session can have would send them back for ever.
func (x *Identity) showStepUp(w http.ResponseWriter, r *http.Request) error {
	return x.stepUpPage(w, r, httpx.LocalPath(r.URL.Query().Get("next")), nil)
}

func (x *Identity) stepUpPage(w http.ResponseWriter, r *http.Request, next string, wrong []web.FieldError) error {
	s, err := x.session(r.Context(), cookie(r, sessionCookie))
	if err != nil {
		return err
	}
	keys, err := x.store.passkeys(r.Context(), s.Account)
	if err != nil {
		return err
	}
	hasApp, err := x.hasApp(r.Context(), s.Account)
	if err != nil {
		return err
	}
	parts := []web.Component{web.Paragraph{Text: x.t(r, "identity.step_up_why")}}
	if s.Level >= auth.Substantial {
		parts = []web.Component{web.Paragraph{Text: x.t(r, "identity.step_up_done", "level", s.Level)}, web.Button{Text: x.t(r, "identity.continue"), Href: next}}
	} else {
		if len(keys) > 0 {
			parts = append(parts, x.passkey(r, "get", next, x.t(r, "identity.use_passkey")))
		}
		if hasApp {
			parts = append(parts, x.appForm(r, "/sign-in/step-up/app", next, wrong))
		}
	}
	more, err := x.addWays(r, s, next)
	if err != nil {
		return err
	}
	parts = append(parts, more...)
	return x.d.Pages.Show(w, r, web.Page{Title: x.t(r, "identity.step_up"), Section: "sign-in", Errors: wrong}, parts...)
}

// addWays offers to make a passkey or to set up an app, after a code where one
// is needed. Who has one already and cannot use it has to come in person.
func (x *Identity) addWays(r *http.Request, s sessionRow, next string) ([]web.Component, error) {
	trusted, err := x.trusted(r.Context(), s)
	if err != nil {
		return nil, err
	}
	strong, err := x.store.strong(r.Context(), s.Account)
	if err != nil {
		return nil, err
	}
	hasApp, err := x.hasApp(r.Context(), s.Account)
	if err != nil {
		return nil, err
	}
	carry := []web.Hidden{{Name: "next", Value: next}}
	switch {
	case !trusted && strong:
		return []web.Component{web.Details{SummaryText: x.t(r, "identity.lost"), Text: x.t(r, "identity.lost_text")}}, nil
	case !trusted:
		return []web.Component{web.Heading{Text: x.t(r, "identity.add_way")}, web.Paragraph{Text: x.t(r, "identity.add_way_code")},
			web.Form{Action: "/sign-in/step-up", Hidden: carry, Body: []web.Component{
				web.Button{Text: x.t(r, "identity.send_code"), Classes: "govuk-button--secondary", PreventDoubleClick: web.On}}}}, nil
	}
	parts := []web.Component{web.Heading{Text: x.t(r, "identity.add_passkey")}, web.Paragraph{Text: x.t(r, "identity.add_passkey_text")},
		x.passkey(r, "create", next, x.t(r, "identity.add_passkey_button")),
		web.Markup(`<noscript><p class="govuk-body">` + template.HTMLEscapeString(x.t(r, "identity.passkey_needs_script")) + `</p></noscript>`)}
	if hasApp {
		return parts, nil
	}
	return append(parts, web.Heading{Text: x.t(r, "identity.add_app")}, web.Paragraph{Text: x.t(r, "identity.add_app_text")},
		web.Form{Action: "/sign-in/app", Hidden: carry, Body: []web.Component{
			web.Button{Text: x.t(r, "identity.add_app_button"), Classes: "govuk-button--secondary", PreventDoubleClick: web.On}}}), nil
}

func (x *Identity) startStepUp(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "identity.bad_form")
	}
	a, err := x.byID(r.Context(), auth.From(r.Context()).Account)
	if err != nil {
		return err
	}
	token, err := x.askStepUp(r.Context(), a, httpx.LocalPath(r.PostForm.Get("next")))
	return x.toCode(w, r, token, err)
}

func (x *Identity) signOut(w http.ResponseWriter, r *http.Request) error {
	next := "/"
	if p := auth.From(r.Context()); p.IsOfficer() {
		next = "/desk/sign-in"
	}
	if token := cookie(r, sessionCookie); token != "" {
		if err := x.end(r.Context(), token); err != nil {
			return err
		}
	}
	x.setCookie(w, sessionCookie, "", "/")
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}
