package identity

import (
	"net/http"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// contactParts shows where messages go and in which language, to be changed.
func (x *Identity) contactParts(r *http.Request, a account, wrong []web.FieldError) ([]web.Component, error) {
	now, err := x.contactOf(r.Context(), a)
	if err != nil {
		return nil, err
	}
	lang, email := string(a.Lang), now.Email
	if lang == "" {
		lang = string(i18n.VI)
	}
	if len(wrong) > 0 {
		lang, email = r.PostFormValue("lang"), r.PostFormValue("email")
	}
	return []web.Component{web.Heading{Text: x.t(r, "identity.contact")}, web.Form{Action: "/account/contact", Body: []web.Component{
		web.Radios{Name: "lang", Value: lang, Classes: "govuk-radios--inline", Fieldset: &web.Fieldset{Legend: web.Legend{Text: x.t(r, "identity.contact_lang")}}, Items: []web.Choice{
			{Value: string(i18n.VI), Text: "Tiếng Việt"}, {Value: string(i18n.EN), Text: "English"},
		}},
		web.Input{Name: "email", Type: "email", InputMode: "email", Autocomplete: "email", Spellcheck: web.Off, Value: email,
			Label: web.Label{Text: x.t(r, "identity.email")}, Hint: web.HintText(x.t(r, "identity.email_hint")), ErrorMessage: web.ErrorFor(wrong, "email")},
		web.Button{Text: x.t(r, "identity.save"), Classes: "govuk-button--secondary", PreventDoubleClick: web.On},
	}}}, nil
}

// changeContact keeps the language at once; a new address has to answer a code
// first.
func (x *Identity) changeContact(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "identity.bad_form")
	}
	ctx := r.Context()
	a, err := x.byID(ctx, auth.From(ctx).Account)
	if err != nil {
		return err
	}
	if lang, ok := i18n.Parse(r.PostForm.Get("lang")); ok && lang != a.Lang {
		if err := x.setLang(ctx, a.ID, lang); err != nil {
			return err
		}
	}
	now, err := x.contactOf(ctx, a)
	if err != nil {
		return err
	}
	email, ok := tidyEmail(r.PostForm.Get("email"))
	if !ok {
		return x.accountPage(w, r, []web.FieldError{{Field: "email", Text: x.t(r, "error.identity.email_wrong")}})
	}
	if email == now.Email {
		http.Redirect(w, r, "/account", http.StatusSeeOther)
		return nil
	}
	token, err := x.askEmail(ctx, cookie(r, sessionCookie), email)
	switch errs.CodeOf(err) {
	case "identity.fresh_code_needed":
		return afterTrust(w, r, err, "/account", "/account")
	case "identity.demo_contact":
		return x.accountPage(w, r, []web.FieldError{{Field: "email", Text: x.t(r, "error.identity.demo_contact")}})
	}
	return x.toCode(w, r, token, err)
}
