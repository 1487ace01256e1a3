package identity

import (
	"context"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"rsc.io/qr"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (x *Identity) hasApp(ctx context.Context, account string) (bool, error) {
	row, err := x.store.app(ctx, account)
	if errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	return row.Confirmed, err
}

// appForm asks for the code that the app shows.
func (x *Identity) appForm(r *http.Request, action, next string, wrong []web.FieldError) web.Component {
	return web.Form{Action: action, Hidden: []web.Hidden{{Name: "next", Value: next}}, Body: []web.Component{
		web.Input{Name: "code", Label: web.Label{Text: x.t(r, "identity.app_code")}, Hint: web.HintText(x.t(r, "identity.app_code_hint")), InputMode: "numeric", Autocomplete: "one-time-code",
			Spellcheck: web.Off, Classes: "govuk-input--width-10", ErrorMessage: web.ErrorFor(wrong, "code")},
		web.Button{Text: x.t(r, "identity.continue"), PreventDoubleClick: web.On},
	}}
}

// afterTrust goes on, or first to the page that makes the session trusted.
func afterTrust(w http.ResponseWriter, r *http.Request, err error, to, back string) error {
	switch {
	case errs.CodeOf(err) == "identity.fresh_code_needed":
		to = "/sign-in/step-up?next=" + url.QueryEscape(back)
	case err != nil:
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func (x *Identity) startApp(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "identity.bad_form")
	}
	next := httpx.LocalPath(r.PostForm.Get("next"))
	return afterTrust(w, r, x.beginApp(r.Context(), cookie(r, sessionCookie)), "/sign-in/app?next="+url.QueryEscape(next), next)
}

func (x *Identity) showApp(w http.ResponseWriter, r *http.Request) error {
	return x.appPage(w, r, httpx.LocalPath(r.URL.Query().Get("next")), nil)
}

// appPage shows the secret once more until the app has answered. No cache
// keeps it.
func (x *Identity) appPage(w http.ResponseWriter, r *http.Request, next string, wrong []web.FieldError) error {
	key, err := x.pendingApp(r.Context(), cookie(r, sessionCookie))
	if code := errs.CodeOf(err); code == "identity.fresh_code_needed" || code == "identity.no_app" || code == "identity.app_known" {
		http.Redirect(w, r, "/sign-in/step-up?next="+url.QueryEscape(next), http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	picture, err := qr.Encode(key.URL(), qr.M)
	if err != nil {
		return err
	}
	var b strings.Builder
	esc := template.HTMLEscapeString
	b.WriteString(`<ol class="govuk-list govuk-list--number govuk-list--spaced"><li>` + esc(x.t(r, "identity.app_step_scan")) +
		`<br><img class="dinh-app-key" src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(picture.PNG()) + `" width="240" height="240" alt="` + esc(x.t(r, "identity.app_picture")) + `"><br>` +
		esc(x.t(r, "identity.app_step_key")) + `<br><code class="dinh-app-key" translate="no">` + esc(inFours(key.Secret())) + `</code></li><li>` + esc(x.t(r, "identity.app_step_code")) + `</li></ol>`) // all escaped
	return x.d.Pages.Show(w, r, web.Page{Title: x.t(r, "identity.app_title"), Section: "sign-in", BackLink: &web.BackLink{Href: "/sign-in/step-up?next=" + url.QueryEscape(next)}, Errors: wrong},
		web.Markup(b.String()), x.appForm(r, "/sign-in/app/confirm", next, wrong))
}

// inFours makes a key easier to type.
func inFours(s string) string {
	var parts []string
	for ; len(s) > 4; s = s[4:] {
		parts = append(parts, s[:4])
	}
	return strings.Join(append(parts, s), " ")
}

func (x *Identity) confirmApp(w http.ResponseWriter, r *http.Request) error {
	return x.appAnswer(w, r, false, x.appPage)
}

func (x *Identity) stepUpByApp(w http.ResponseWriter, r *http.Request) error {
	return x.appAnswer(w, r, true, x.stepUpPage)
}

func (x *Identity) appAnswer(w http.ResponseWriter, r *http.Request, confirmed bool, again func(http.ResponseWriter, *http.Request, string, []web.FieldError) error) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "identity.bad_form")
	}
	next := httpx.LocalPath(r.PostForm.Get("next"))
	renewed, err := x.answerApp(r.Context(), cookie(r, sessionCookie), r.PostForm.Get("code"), confirmed)
	switch errs.CodeOf(err) {
	case "identity.app_code_wrong":
		return again(w, r, next, []web.FieldError{{Field: "code", Text: x.t(r, "error.identity.app_code_wrong")}})
	case "identity.no_app", "identity.app_known": // the other window was faster
		http.Redirect(w, r, "/sign-in/step-up?next="+url.QueryEscape(next), http.StatusSeeOther)
		return nil
	}
	if err == nil {
		x.setCookie(w, sessionCookie, renewed, "/")
	}
	return afterTrust(w, r, err, next, next)
}

// appParts shows the account's app, and how to take it away.
func (x *Identity) appParts(r *http.Request, account string) ([]web.Component, error) {
	row, err := x.store.app(r.Context(), account)
	if errs.KindOf(err) == errs.NotFound || err == nil && !row.Confirmed {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lang := i18n.LangFrom(r.Context())
	name := x.t(r, "identity.app")
	return []web.Component{
		web.SummaryList{
			Card: &web.Card{Title: &web.CardTitle{Text: name, HeadingLevel: "3"}},
			Rows: []web.Row{web.Fact(x.t(r, "identity.made"), i18n.FormatTime(lang, row.Created)), web.Fact(x.t(r, "identity.seen"), i18n.FormatTime(lang, row.Used))},
		},
		web.Form{Action: "/account/app/remove", Body: []web.Component{x.removeButton(r, name)}},
	}, nil
}

func (x *Identity) removeApp(w http.ResponseWriter, r *http.Request) error {
	return afterTrust(w, r, x.RemoveApp(r.Context(), cookie(r, sessionCookie)), "/account", "/account")
}

// removeButton says to those who only hear it what it removes.
func (x *Identity) removeButton(r *http.Request, what string) web.Component {
	return web.Button{HTML: template.HTML(template.HTMLEscapeString(x.t(r, "identity.remove")) + `<span class="govuk-visually-hidden"> ` + template.HTMLEscapeString(what) + `</span>`), // both escaped
		Classes: "govuk-button--secondary"}
}
