package registers

import (
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (r *Registers) pages() []httpx.Route {
	return []httpx.Route{
		{Method: "GET", Path: "/desk/registers", Access: auth.AnyOfficer(), Page: true, Handle: r.showRegisters},
		{Method: "GET", Path: "/desk/registers/{register}", Access: auth.AnyOfficer(), Page: true, Handle: r.showRegister},
		{Method: "POST", Path: "/desk/registers/{register}", Access: auth.AnyOfficer(), Page: true, Handle: r.searchRegister},
		{Method: "GET", Path: "/desk/registers/{register}/records/{id}", Access: auth.AnyOfficer(), Page: true, Handle: r.showRecord},
		{Method: "POST", Path: "/desk/registers/{register}/records/{id}", Access: auth.AnyOfficer(), Page: true, Handle: r.saveRecord},
		{Method: "GET", Path: "/desk/registers/{register}/import", Access: auth.AnyOfficer(), Page: true, Handle: r.showImport},
		{Method: "POST", Path: "/desk/registers/{register}/import", Access: auth.AnyOfficer(), Page: true, Body: maxImport, Timeout: -1, Handle: r.saveImport},
	}
}

func (r *Registers) t(req *http.Request, key string, kv ...any) string {
	return r.d.Pages.T(i18n.LangFrom(req.Context()), key, kv...)
}

// show renders a page of this block: its body is a list of components.
func (r *Registers) show(w http.ResponseWriter, req *http.Request, p web.Page, body web.Group) error {
	p.Section, p.Officer, p.Wide = "registers", true, true
	return r.d.Pages.Show(w, req, p, body...)
}

func (r *Registers) showRegisters(w http.ResponseWriter, req *http.Request) error {
	lang := i18n.LangFrom(req.Context())
	table := web.Table{Head: []web.Cell{{Text: r.t(req, "registers.register")}, {Text: r.t(req, "registers.what")}, {Text: r.t(req, "registers.records"), Format: "numeric"}}}
	for _, def := range r.order {
		if mayHandle(req.Context(), def) != nil {
			continue
		}
		n, err := r.Count(req.Context(), def.ID)
		if err != nil {
			return err
		}
		table.Rows = append(table.Rows, []web.Cell{
			{Body: []web.Component{web.Link{Text: def.Title.In(lang), Href: "/desk/registers/" + def.ID}}},
			{Text: def.Description.In(lang)}, {Text: i18n.FormatInt(lang, int64(n)), Format: "numeric"},
		})
	}
	body := web.Group{table}
	if len(table.Rows) == 0 {
		body = web.Group{web.EmptyState{Title: r.t(req, "registers.none"), Text: r.t(req, "registers.none_text")}}
	}
	return r.show(w, req, web.Page{Title: r.t(req, "registers.title")}, body)
}

func (r *Registers) showRegister(w http.ResponseWriter, req *http.Request) error {
	return r.registerPage(w, req, "", nil)
}

// searchRegister is a post: what is searched for are people, and no history or
// log of addresses is to hold them.
func (r *Registers) searchRegister(w http.ResponseWriter, req *http.Request) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	if err := req.ParseForm(); err != nil {
		return errs.New(errs.Invalid, "registers.bad_body", "detail", err.Error())
	}
	q := strings.TrimSpace(req.PostForm.Get("q"))
	if q == "" {
		return r.registerPage(w, req, q, nil, web.FieldError{Field: "q", Text: r.t(req, "error.registers.search_empty")})
	}
	found, err := r.searchByHand(req.Context(), def, q, 50, def.columns())
	if err != nil {
		return err
	}
	result := web.Group{web.EmptyState{Title: r.t(req, "registers.not_found"), Text: r.t(req, "registers.not_found_text")}}
	if len(found) > 0 {
		result = web.Group{r.table(req, def, found)}
	}
	return r.registerPage(w, req, q, result)
}

func (r *Registers) registerPage(w http.ResponseWriter, req *http.Request, q string, result web.Group, wrong ...web.FieldError) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	lang := i18n.LangFrom(req.Context())
	body := web.Group{
		web.Paragraph{Text: def.Description.In(lang)},
		web.Form{Action: "/desk/registers/" + def.ID, Body: []web.Component{
			web.Input{Name: "q", Value: q, Type: "search", Label: web.Label{Text: r.t(req, "registers.search")}, Hint: &web.Hint{Text: r.t(req, "registers.search_hint")}, Classes: "govuk-input--width-20", ErrorMessage: web.ErrorFor(wrong, "q")},
			web.Button{Text: r.t(req, "registers.search_button"), Classes: "govuk-button--secondary"},
		}},
	}
	body = append(append(body, result...),
		web.Paragraph{Text: r.t(req, "registers.import_hint")},
		web.Link{Text: r.t(req, "registers.import_link"), Href: "/desk/registers/" + def.ID + "/import"})
	return r.show(w, req, web.Page{Title: def.Title.In(lang), BackLink: &web.BackLink{Href: "/desk/registers"}, Errors: wrong}, body)
}

// columns are the fields that a list of records shows.
func (d *Definition) columns() []string {
	if len(d.Search) == 0 {
		return []string{d.Key}
	}
	return d.Search
}

func (r *Registers) table(req *http.Request, def *Definition, found []Record) web.Table {
	lang := i18n.LangFrom(req.Context())
	columns := def.columns()
	t := web.Table{}
	for _, f := range columns {
		t.Head = append(t.Head, web.Cell{Text: def.Label(f).In(lang)})
	}
	t.Head = append(t.Head, web.Cell{Text: r.t(req, "registers.updated")})
	for _, rec := range found {
		var row []web.Cell
		for i, f := range columns {
			if i == 0 {
				row = append(row, web.Cell{Body: []web.Component{web.Link{Text: value(rec.Data, f), Href: "/desk/registers/" + def.ID + "/records/" + rec.ID}}})
				continue
			}
			row = append(row, web.Cell{Text: r.words(def, f, value(rec.Data, f), lang)})
		}
		t.Rows = append(t.Rows, append(row, web.Cell{Text: i18n.FormatTime(lang, rec.UpdatedAt)}))
	}
	return t
}

func (r *Registers) showRecord(w http.ResponseWriter, req *http.Request) error {
	return r.recordPage(w, req, nil, nil)
}

func (r *Registers) recordPage(w http.ResponseWriter, req *http.Request, form url.Values, wrong []web.FieldError) error {
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
	lang := i18n.LangFrom(req.Context())
	var inputs []web.Component
	for _, f := range def.fields {
		v := value(rec.Data, f)
		if form != nil {
			v = form.Get(f)
		}
		inputs = append(inputs, r.control(def, web.Input{Name: f, Value: v, ErrorMessage: web.ErrorFor(wrong, f)}, lang))
	}
	inputs = append(inputs,
		web.Input{Name: "reason", Value: form.Get("reason"), Label: web.Label{Text: r.t(req, "registers.reason")}, Hint: &web.Hint{Text: r.t(req, "registers.reason_hint")}, ErrorMessage: web.ErrorFor(wrong, "reason")},
		web.Button{Text: r.t(req, "registers.save")})
	body := web.Group{
		r.facts(def, rec.Data, lang),
		web.Details{SummaryText: r.t(req, "registers.amend"), Open: len(wrong) > 0, Body: []web.Component{web.Form{Action: req.URL.Path, Hidden: []web.Hidden{{Name: "version", Value: strconv.Itoa(rec.Version)}}, Body: inputs}}},
		web.Heading{Text: r.t(req, "registers.history")},
		r.timeline(req, versions),
	}
	return r.show(w, req, web.Page{Title: def.Title.In(lang), BackLink: &web.BackLink{Href: "/desk/registers/" + def.ID}, Errors: wrong}, body)
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

// words says a value as people do: dates written out, codes by their names.
func (r *Registers) words(def *Definition, field, v string, lang i18n.Lang) string {
	if _, err := time.Parse(time.DateOnly, v); err == nil {
		return i18n.FormatDate(lang, v)
	}
	switch def.kind(field) {
	case "boolean":
		return r.yesno(lang, v == "true")
	case "integer":
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return i18n.FormatInt(lang, n)
		}
	}
	if list := def.CodeList(field); list != "" && r.d.Codes != nil {
		if t, ok := r.d.Codes(list, v); ok {
			return t.In(lang)
		}
	}
	return v
}

func (r *Registers) yesno(lang i18n.Lang, yes bool) string {
	if yes {
		return r.d.Pages.T(lang, "registers.yes")
	}
	return r.d.Pages.T(lang, "registers.no")
}

// control turns a text field into a list where the schema lists what may stand
// there.
func (r *Registers) control(def *Definition, in web.Input, lang i18n.Lang) web.Component {
	in.Label = web.Label{Text: def.Label(in.Name).In(lang)}
	allowed := def.Allowed(in.Name)
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
	patch, wrong := r.patch(req, def, rec)
	version, err := strconv.Atoi(req.PostForm.Get("version"))
	if err != nil || version < 1 { // 0 would amend whatever is there by now
		return errs.New(errs.Conflict, "registers.changed_meanwhile", "version", rec.Version)
	}
	if len(wrong) == 0 {
		_, err = r.amendByHand(req.Context(), def, Change{
			Register: def.ID, ID: rec.ID, Version: version, Data: patch, Actor: auth.From(req.Context()).Officer, Reason: req.PostForm.Get("reason"),
		})
		if err == nil {
			http.Redirect(w, req, req.URL.Path, http.StatusSeeOther)
			return nil
		}
		e, ok := errs.As(err)
		if !ok || len(e.Fields) == 0 {
			return err
		}
		for _, f := range e.Fields {
			wrong = append(wrong, r.wrong(req, f))
		}
	}
	sort.SliceStable(wrong, func(i, j int) bool { return wrong[i].Field < wrong[j].Field })
	return r.recordPage(w, req, req.PostForm, wrong)
}

func (r *Registers) wrong(req *http.Request, f errs.Field) web.FieldError {
	kv := []any{}
	for k, v := range f.Args {
		kv = append(kv, k, v)
	}
	return web.FieldError{Field: f.Name, Text: r.t(req, "error."+f.Code, kv...)}
}

func (r *Registers) patch(req *http.Request, def *Definition, rec Record) (map[string]any, []web.FieldError) {
	patch := map[string]any{}
	var wrong []web.FieldError
	for _, f := range def.fields {
		now := req.PostForm.Get(f)
		if now == value(rec.Data, f) || !req.PostForm.Has(f) {
			continue
		}
		if now == "" {
			patch = with(patch, f, nil)
			continue
		}
		v, problem := def.cell(f, now)
		if problem != "" {
			wrong = append(wrong, r.wrong(req, errs.Field{Name: f, Code: problem, Args: map[string]any{"field": f, "type": def.kind(f)}}))
			continue
		}
		patch = with(patch, f, v)
	}
	return patch, wrong
}

func (r *Registers) showImport(w http.ResponseWriter, req *http.Request) error {
	return r.importPage(w, req, nil, nil)
}

func (r *Registers) importPage(w http.ResponseWriter, req *http.Request, report *Report, wrong []web.FieldError) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	lang := i18n.LangFrom(req.Context())
	var body web.Group
	if report != nil {
		body = append(body, r.reportParts(req, *report)...)
	}
	body = append(body,
		web.Paragraph{Text: r.t(req, "registers.import_text")},
		web.Details{SummaryText: r.t(req, "registers.import_columns"), Body: []web.Component{web.List{Items: def.fields}}},
		web.Form{Action: req.URL.Path, Files: true, Body: []web.Component{
			web.FileUpload{Name: "file", Label: web.Label{Text: r.t(req, "registers.import_file")}, ErrorMessage: web.ErrorFor(wrong, "file")},
			web.Input{Name: "reason", Label: web.Label{Text: r.t(req, "registers.reason")}, Hint: &web.Hint{Text: r.t(req, "registers.reason_hint")}, ErrorMessage: web.ErrorFor(wrong, "reason")},
			web.Button{Text: r.t(req, "registers.import_button")},
		}})
	return r.show(w, req, web.Page{Title: r.t(req, "registers.import_title", "register", def.Title.In(lang)), BackLink: &web.BackLink{Href: "/desk/registers/" + def.ID}, Errors: wrong}, body)
}

func (r *Registers) reportParts(req *http.Request, report Report) web.Group {
	lang := i18n.LangFrom(req.Context())
	parts := web.Group{web.StatTiles{
		{Value: i18n.FormatInt(lang, int64(report.Created)), Label: r.t(req, "registers.created")},
		{Value: i18n.FormatInt(lang, int64(report.Amended)), Label: r.t(req, "registers.amended")},
		{Value: i18n.FormatInt(lang, int64(report.Unchanged)), Label: r.t(req, "registers.unchanged")},
		{Value: i18n.FormatInt(lang, int64(report.Rejected)), Label: r.t(req, "registers.refused")},
	}}
	if len(report.Refused) == 0 {
		return parts
	}
	t := web.Table{Caption: r.t(req, "registers.refused_rows"), Head: []web.Cell{{Text: r.t(req, "registers.line"), Format: "numeric"}, {Text: r.t(req, "registers.field")}, {Text: r.t(req, "registers.why")}}}
	for _, f := range report.Refused {
		e := r.wrong(req, errs.Field{Name: f.Field, Code: f.Code, Args: f.Args})
		t.Rows = append(t.Rows, []web.Cell{{Text: strconv.Itoa(f.Line), Format: "numeric"}, {Text: f.Field}, {Text: e.Text}})
	}
	return append(parts, t)
}

func (r *Registers) saveImport(w http.ResponseWriter, req *http.Request) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	file, _, err := req.FormFile("file")
	if err != nil {
		return r.importPage(w, req, nil, []web.FieldError{{Field: "file", Text: r.t(req, "registers.file_missing")}})
	}
	defer file.Close()
	report, err := r.Import(req.Context(), def.ID, file, ImportOptions{Actor: auth.From(req.Context()).Officer, Reason: req.FormValue("reason")})
	if e, ok := errs.As(err); ok && e.Kind == errs.Invalid {
		f := errs.Field{Name: "file", Code: e.Code, Args: e.Args}
		if len(e.Fields) > 0 {
			f = e.Fields[0]
		}
		return r.importPage(w, req, &report, []web.FieldError{r.wrong(req, f)})
	}
	if err != nil {
		return err
	}
	return r.importPage(w, req, &report, nil)
}
