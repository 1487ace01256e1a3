package forms

import (
	"net/http"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// largestForm is what one page may send, uploads included.
const largestForm = 2*largestUpload + 1<<20

// uploadTime is how long a slow line may take for a page with uploads.
const uploadTime = 3 * time.Minute

func (x *Forms) pages() []httpx.Route {
	page := func(method, path string, h httpx.Handler) httpx.Route {
		return httpx.Route{Method: method, Path: path, Access: auth.Person(auth.Low), Page: true, Handle: h}
	}
	form := page("POST", "/apply/{app}/p/{page}", x.postForm)
	form.Body, form.Timeout = largestForm, uploadTime
	return []httpx.Route{
		page("GET", "/services/{id}/start", x.showStart),
		page("POST", "/services/{id}/start", x.postStart),
		page("GET", "/apply/{app}", x.showTasks),
		page("POST", "/apply/{app}/evidence", x.postEvidence),
		page("GET", "/apply/{app}/p/{page}", x.showForm),
		form,
		page("GET", "/apply/{app}/files/{field}", x.showFile),
		page("GET", "/apply/{app}/check", x.showCheck),
		page("POST", "/apply/{app}/submit", x.postSubmit),
		page("POST", "/apply/{app}/resubmit", x.postResubmit),
		page("GET", "/apply/{app}/done", x.showDone),
		page("GET", "/apply/{app}/discard", x.showDiscard),
		page("POST", "/apply/{app}/discard", x.postDiscard),
	}
}

// speaker says messages of this block in the reader's language.
type speaker struct {
	pages *web.Renderer
	lang  i18n.Lang
}

func (x *Forms) speaker(req *http.Request) speaker {
	return speaker{x.d.Pages, i18n.LangFrom(req.Context())}
}

func (s speaker) t(key string, kv ...any) string { return s.pages.T(s.lang, "forms."+key, kv...) }

// say is a text of the definition in the reader's language.
func (s speaker) say(t i18n.Text) string { return t.In(s.lang) }

func see(w http.ResponseWriter, req *http.Request, path string) error {
	http.Redirect(w, req, path, http.StatusSeeOther)
	return nil
}

// showStart is where people arrive who had to sign in first: nothing begins,
// and no register is asked, before they press start.
func (x *Forms) showStart(w http.ResponseWriter, req *http.Request) error {
	def, p, err := x.mayStart(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	s := x.speaker(req)
	var asks []string
	for _, e := range def.Definition.Evidence {
		asks = append(asks, s.say(e.Title))
	}
	parts := []web.Component{web.Paragraph{Text: s.t("start.signed_in", "name", p.Name), Classes: "govuk-body-l"}}
	if len(asks) > 0 {
		parts = append(parts, web.Paragraph{Text: s.t("start.asks")}, web.List{Items: asks, Classes: "govuk-list--bullet"},
			web.Paragraph{Text: s.t("start.logged")})
	}
	parts = append(parts, web.Form{Action: "/services/" + def.ID + "/start", Body: []web.Component{
		web.Button{Text: s.t("start.button"), IsStart: true, PreventDoubleClick: web.On},
	}})
	return x.d.Pages.Show(w, req, web.Page{Title: s.say(def.Title), Section: "applications",
		BackLink: &web.BackLink{Href: "/services/" + def.ID}}, parts...)
}

func (x *Forms) postStart(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "forms.bad_form").Wrap(err)
	}
	a, existed, err := x.Start(req.Context(), req.PathValue("id"), req.PostForm.Get("again") == "yes")
	if err != nil {
		return err
	}
	to := "/apply/" + a.ID
	if existed {
		to += "?begun=before"
	}
	return see(w, req, to)
}

// postEvidence asks once more the registers that did not answer.
func (x *Forms) postEvidence(w http.ResponseWriter, req *http.Request) error {
	app := req.PathValue("app")
	if err := req.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "forms.bad_form").Wrap(err)
	}
	age := missingOnly
	if req.PostForm.Get("all") == "yes" {
		age = time.Nanosecond // whoever was stopped has put things right at the register
	}
	if _, err := x.gather(req.Context(), app, age); err != nil {
		return err
	}
	return see(w, req, "/apply/"+app)
}

func (x *Forms) showDiscard(w http.ResponseWriter, req *http.Request) error {
	a, err := x.inHand(req.Context(), req.PathValue("app"))
	if err != nil {
		return err
	}
	root := "/apply/" + a.ID
	if a.State != Draft {
		return see(w, req, "/applications/"+a.ID)
	}
	s := x.speaker(req)
	return x.d.Pages.Show(w, req, web.Page{Title: s.t("discard.title"), Section: "applications", BackLink: &web.BackLink{Href: root}},
		web.Paragraph{Text: s.t("discard.text", "service", s.say(a.Title)), Classes: "govuk-body-l"},
		web.Form{Action: root + "/discard", Body: []web.Component{
			web.Button{Text: s.t("discard.button"), Classes: "govuk-button--warning", PreventDoubleClick: web.On},
		}},
		web.Link{Text: s.t("discard.keep"), Href: root})
}

func (x *Forms) postDiscard(w http.ResponseWriter, req *http.Request) error {
	err := x.Discard(req.Context(), req.PathValue("app"))
	if errs.CodeOf(err) == "forms.already_sent" {
		return see(w, req, "/applications/"+req.PathValue("app"))
	}
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return err
	}
	return see(w, req, "/applications")
}
