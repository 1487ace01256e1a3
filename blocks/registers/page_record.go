package registers

import (
	"net/http"
	"net/url"
	"sort"
	"strconv"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// draft is what an officer typed and could not save: the form comes back with
// it, and with what is wrong.
type draft struct {
	form    url.Values // nil: nothing was typed
	version int        // that the form was made from
	status  int        // of the page; see web.Page
	wrong   []web.FieldError
}

func (r *Registers) showRecord(w http.ResponseWriter, req *http.Request) error {
	return r.recordPage(w, req, draft{})
}

func (r *Registers) recordPage(w http.ResponseWriter, req *http.Request, d draft) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	rec, err := r.readByHand(req.Context(), def, req.PathValue("id"))
	if err != nil {
		return err
	}
	versions, err := r.History(req.Context(), def.ID, rec.ID)
	if err != nil {
		return err
	}
	if d.form == nil {
		d.version = rec.Version
	}
	lang := i18n.LangFrom(req.Context())
	body := web.Group{
		r.facts(def, rec.Data, lang),
		web.Details{SummaryText: r.t(req, "registers.amend"), Open: len(d.wrong) > 0, Body: []web.Component{
			web.Form{Action: req.URL.Path, Hidden: []web.Hidden{{Name: "version", Value: strconv.Itoa(d.version)}}, Body: r.inputs(req, def, rec, d)},
		}},
		web.Heading{Text: r.t(req, "registers.history")},
		r.timeline(req, versions),
	}
	return r.show(w, req, web.Page{Title: def.Title.In(lang), BackLink: &web.BackLink{Href: "/desk/registers/" + def.ID}, Status: d.status, Errors: d.wrong}, body)
}

// inputs are the controls of the form: what was typed, else what the record says.
func (r *Registers) inputs(req *http.Request, def *Definition, rec Record, d draft) []web.Component {
	lang := i18n.LangFrom(req.Context())
	var out []web.Component
	for _, f := range def.fields {
		v := value(rec.Data, f)
		if d.form != nil {
			v = d.form.Get(f)
		}
		out = append(out, r.control(def, web.Input{Name: f, Value: v, ErrorMessage: web.ErrorFor(d.wrong, f)}, lang))
	}
	return append(out,
		web.Input{Name: "reason", Value: d.form.Get("reason"), Label: web.Label{Text: r.t(req, "registers.reason")}, Hint: &web.Hint{Text: r.t(req, "registers.reason_hint")}, ErrorMessage: web.ErrorFor(d.wrong, "reason")},
		web.Button{Text: r.t(req, "registers.save")})
}

// saveRecord amends the record with the fields that the officer changed.
func (r *Registers) saveRecord(w http.ResponseWriter, req *http.Request) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	if err := req.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "registers.bad_body", "detail", err.Error())
	}
	rec, err := r.Read(req.Context(), def.ID, req.PathValue("id"))
	if err != nil {
		return err
	}
	version, err := strconv.Atoi(req.PostForm.Get("version"))
	if err != nil || version != rec.Version {
		return r.overtaken(w, req, def, version)
	}
	patch, wrong := r.patch(req, def, rec)
	if len(wrong) == 0 {
		_, err = r.amendByHand(req.Context(), def, Change{
			Register: def.ID, ID: rec.ID, Version: version, Data: patch, Actor: auth.From(req.Context()).Officer, Reason: req.PostForm.Get("reason"),
		})
		if err == nil {
			http.Redirect(w, req, req.URL.Path, http.StatusSeeOther)
			return nil
		}
		if errs.CodeOf(err) == "registers.changed_meanwhile" {
			return r.overtaken(w, req, def, version)
		}
		e, ok := errs.As(err)
		if !ok || e.Kind != errs.Invalid {
			return err
		}
		if len(e.Fields) == 0 {
			e = e.With(errs.Field{Code: e.Code, Args: e.Args})
		}
		for _, f := range e.Fields {
			wrong = append(wrong, r.wrong(req, def, f))
		}
	}
	sort.SliceStable(wrong, func(i, j int) bool { return wrong[i].Field < wrong[j].Field })
	return r.recordPage(w, req, draft{form: req.PostForm, version: version, wrong: wrong})
}

// overtaken shows the form again after somebody else saved the record. What the
// officer typed stays; a field they did not touch shows what stands there now,
// or saving would quietly undo the other's work. seen is the version that the
// form was made from.
func (r *Registers) overtaken(w http.ResponseWriter, req *http.Request, def *Definition, seen int) error {
	rec, err := r.Read(req.Context(), def.ID, req.PathValue("id"))
	if err != nil {
		return err
	}
	versions, err := r.History(req.Context(), def.ID, rec.ID)
	if err != nil {
		return err
	}
	before := rec.Data
	for _, v := range versions {
		if v.Version == seen {
			before = v.Data
		}
	}
	lang := i18n.LangFrom(req.Context())
	d := draft{form: req.PostForm, version: rec.Version, status: http.StatusConflict, wrong: []web.FieldError{{Text: r.t(req, "registers.overtaken", "version", rec.Version)}}}
	for _, f := range def.fields {
		was, now, typed := value(before, f), value(rec.Data, f), d.form.Get(f)
		switch {
		case !d.form.Has(f) || visible(typed) == visible(was):
			d.form.Set(f, now)
		case now != was && typed != now:
			said := r.words(def, f, now, lang)
			if now == "" {
				said = r.t(req, "registers.nothing")
			}
			d.wrong = append(d.wrong, web.FieldError{Field: f, Text: r.t(req, "registers.overtaken_field", "field", def.Label(f).In(lang), "now", said)})
		}
	}
	return r.recordPage(w, req, d)
}

// patch is what the form changes. Characters that nobody sees are no change.
func (r *Registers) patch(req *http.Request, def *Definition, rec Record) (map[string]any, []web.FieldError) {
	patch := map[string]any{}
	var wrong []web.FieldError
	for _, f := range def.fields {
		typed := visible(req.PostForm.Get(f))
		if typed == visible(value(rec.Data, f)) || !req.PostForm.Has(f) {
			continue
		}
		if typed == "" {
			patch = with(patch, f, nil)
			continue
		}
		v, problem := def.cell(f, typed)
		if hasControl(typed) { // there is no file here that could be saved differently
			problem = "registers.field_control"
		}
		if problem != "" {
			wrong = append(wrong, r.wrong(req, def, errs.NewField(f, problem, "field", f, "type", def.kind(f))))
			continue
		}
		patch = with(patch, f, v)
	}
	return patch, wrong
}

// control turns a text field into a list where the schema lists what may stand
// there.
func (r *Registers) control(def *Definition, in web.Input, lang i18n.Lang) web.Component {
	in.Label = web.Label{Text: def.Label(in.Name).In(lang)}
	allowed := def.Allowed(in.Name)
	if def.kind(in.Name) == "boolean" {
		allowed = []string{"true", "false"}
	}
	switch {
	case in.Name == def.Key:
		in.Attributes = web.Attrs{"readonly": ""}
		return in
	case len(allowed) == 0:
		return in
	}
	s := web.Select{Name: in.Name, Value: in.Value, Label: in.Label, ErrorMessage: in.ErrorMessage, Items: []web.Option{{Text: r.d.Pages.T(lang, "registers.nothing")}}}
	for _, a := range allowed {
		s.Items = append(s.Items, web.Option{Value: a, Text: r.words(def, in.Name, a, lang)})
	}
	return s
}

func (r *Registers) facts(def *Definition, data map[string]any, lang i18n.Lang) web.SummaryList {
	var list web.SummaryList
	for _, f := range def.fields {
		if v := value(data, f); v != "" {
			list.Rows = append(list.Rows, web.Fact(def.Label(f).In(lang), r.words(def, f, v, lang)))
		}
	}
	return list
}

func (r *Registers) timeline(req *http.Request, versions []Version) web.Timeline {
	var t web.Timeline
	for _, v := range versions {
		t.Items = append(t.Items, web.Moment{
			Title: r.t(req, "registers.version", "n", v.Version), By: v.Actor, At: v.At,
			Text: r.t(req, "registers.version_text", "reason", v.Reason, "from", i18n.FormatDate(i18n.LangFrom(req.Context()), v.ValidFrom)),
		})
	}
	return t
}
