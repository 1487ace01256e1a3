package forms

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// showForm is one page of the form.
func (x *Forms) showForm(w http.ResponseWriter, req *http.Request) error {
	a, s, at, err := x.pageInHand(w, req)
	if err != nil || at < 0 {
		return err
	}
	steps := a.steps()
	v := formView{speaker: x.speaker(req), a: a, step: s, at: at, all: len(steps), values: a.inputs(s.page)}
	if at > 0 {
		v.back = back(a, steps, at)
	}
	return x.d.Pages.Show(w, req, v.page())
}

// pageInHand finds the page that was asked for. at is -1 when the person was
// led elsewhere: to the first page that is not done, or to where the
// application stands.
func (x *Forms) pageInHand(w http.ResponseWriter, req *http.Request) (*work, step, int, error) {
	a, err := x.inHand(req.Context(), req.PathValue("app"))
	if err != nil {
		return nil, step{}, -1, err
	}
	if a.State == Submitted || a.State == Draft && (a.waiting() || a.stopped() != nil) {
		return a, step{}, -1, see(w, req, a.root())
	}
	steps := a.steps()
	s, at, ok := find(steps, req.PathValue("page"))
	if ok && s.open {
		return a, s, at, nil
	}
	if _, known := a.def.Page(req.PathValue("page")); !known {
		return a, step{}, -1, notFound()
	}
	return a, step{}, -1, see(w, req, a.onward(steps))
}

// onward is where the person goes next.
func (w *work) onward(steps []step) string {
	if p, left := todo(steps); left {
		return w.root() + "/p/" + p.ID
	}
	if len(w.def.Complete(w.state())) > 0 {
		return w.root()
	}
	return w.root() + "/check"
}

// back is the page before, skipping those that cannot be opened.
func back(a *work, steps []step, at int) string {
	for i := at - 1; i >= 0; i-- {
		if steps[i].open {
			return a.root() + "/p/" + steps[i].page.ID
		}
	}
	return ""
}

// postForm takes the answers of one page.
func (x *Forms) postForm(w http.ResponseWriter, req *http.Request) error {
	a, s, at, err := x.pageInHand(w, req)
	if err != nil || at < 0 {
		return err
	}
	in, err := x.read(w, req, s.page)
	if err != nil {
		return err
	}
	verdict, err := x.save(req.Context(), a, in)
	switch errs.CodeOf(err) {
	case "forms.page_closed", "forms.already_sent": // another window went on
		return see(w, req, a.root())
	}
	if err != nil {
		return err
	}
	now, err := x.inHand(req.Context(), a.ID)
	if err != nil {
		return err
	}
	steps := now.steps()
	if !verdict.conflict && len(verdict.wrong) == 0 {
		if verdict.again {
			return see(w, req, now.root()+"/p/"+in.page)
		}
		return see(w, req, now.onward(steps))
	}
	if s, at, _ = find(steps, in.page); s.page.ID == "" {
		return see(w, req, now.onward(steps))
	}
	v := formView{speaker: x.speaker(req), a: now, step: s, at: at, all: len(steps), values: in.values, wrong: verdict.wrong,
		conflict: verdict.conflict, back: back(now, steps, at)}
	return x.d.Pages.Show(w, req, v.page())
}

// formView is a page of the form as one reader sees it.
type formView struct {
	speaker
	a        *work
	step     step
	at, all  int
	values   url.Values
	wrong    []services.FieldError
	conflict bool
	back     string
}

func (v *formView) page() web.Page {
	p := v.step.page
	title := v.say(p.Title)
	page := web.Page{Title: title, Section: "applications", BackLink: &web.BackLink{Href: v.a.root()}}
	if v.back != "" {
		page.BackLink.Href = v.back
	}
	for _, e := range v.wrong {
		page.Errors = append(page.Errors, web.FieldError{Field: v.target(e), Text: v.say(e.Message)})
	}
	if v.conflict {
		page.Status = http.StatusConflict
		page.Flash = &web.Alert{Variant: "warning", Title: v.t("conflict.title"), Text: v.t("conflict.text")}
	}
	body := web.Plain{Title: title, Lead: v.say(p.Intro), Caption: v.t("page.step", "n", v.at+1, "all", v.all)}
	if v.a.correction != nil {
		body.Caption, body.Lead = v.t("mend.caption"), ""
		body.Parts = append(body.Parts, correctionAlert(v.speaker, v.a))
	}
	full, _ := v.a.def.Page(p.ID)
	body.Parts = append(body.Parts, v.silent(full)...)
	body.Parts = append(body.Parts, v.known(full)...)
	form := web.Form{Action: v.a.root() + "/p/" + p.ID, Hidden: []web.Hidden{{Name: versionInput, Value: strconv.Itoa(v.a.version)}}}
	fields := v.fields()
	for _, f := range fields {
		form.Files = form.Files || f.file
		form.Body = append(form.Body, f.component)
	}
	button := v.t("page.continue")
	if len(fields) == 0 {
		button = v.t("page.confirm")
	}
	form.Body = append(form.Body, web.Button{Text: button, PreventDoubleClick: web.On})
	body.Parts = append(body.Parts, form, web.Link{Text: v.t("page.later"), Href: v.a.root()})
	page.Data = body
	return page
}

// versionInput carries which version of the application a page showed.
const versionInput = "version"

// target is the id of the input that an error leads to.
func (v *formView) target(e services.FieldError) string {
	f, _, ok := v.a.def.FieldByID(e.Field)
	if !ok || f.Type != services.TypeDate {
		return e.Field
	}
	if len(e.Parts) > 0 {
		return e.Field + "-" + e.Parts[0]
	}
	return e.Field + "-day"
}

// known shows what registers say, one card a source. While correcting it also
// shows the answers of the page that stay as they are.
func (v *formView) known(p services.Page) []web.Component {
	parts := factCards(v.speaker, v.a, v.a.def.KnownFacts(p, v.a.state()))
	if v.a.correction == nil {
		return parts
	}
	var rows []web.Row
	st := v.a.state()
	for _, f := range v.a.def.VisibleFields(p, st) {
		open := slices.ContainsFunc(v.step.page.Fields, func(o services.Field) bool { return o.ID == f.ID })
		if answer := st.Answers[f.ID]; !open && answer != nil {
			rows = append(rows, web.Fact(v.say(f.Label), v.say(v.a.def.AnswerText(f, answer))))
		}
	}
	if len(rows) > 0 {
		parts = append(parts, web.SummaryList{Card: &web.Card{Title: &web.CardTitle{Text: v.t("mend.stays")}}, Rows: rows})
	}
	return parts
}

// factCards groups facts by their source, in the order of their first fact.
func factCards(s speaker, a *work, facts []services.Fact) []web.Component {
	var order []string
	rows := map[string][]web.Row{}
	titles := map[string]string{}
	for _, f := range facts {
		id, title := "", s.t("known.you")
		if f.Source != nil {
			id = f.Source.ID
			title = s.t("known.from", "source", s.say(f.Source.Title), "when", i18n.FormatTime(s.lang, a.content.Evidence[id].At))
		}
		if rows[id] == nil {
			order = append(order, id)
			titles[id] = title
		}
		rows[id] = append(rows[id], web.Fact(s.say(f.Known.Label), s.say(f.Value)))
	}
	var out []web.Component
	for _, id := range order {
		out = append(out, web.SummaryList{Rows: rows[id],
			Card: &web.Card{Title: &web.CardTitle{Text: titles[id]}, Classes: "dinh-known"}})
	}
	return out
}

// silent says which facts of p are missing because a register did not answer.
func (v *formView) silent(p services.Page) []web.Component {
	var here []services.Evidence
	for _, e := range v.a.silent() {
		if slices.ContainsFunc(p.Known, func(k services.Known) bool { return k.Source == e.ID }) {
			here = append(here, e)
		}
	}
	return silentAlert(v.speaker, here)
}
