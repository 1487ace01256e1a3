package registers

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (r *Registers) showImport(w http.ResponseWriter, req *http.Request) error {
	return r.importPage(w, req, nil, nil)
}

func (r *Registers) importPage(w http.ResponseWriter, req *http.Request, report *Report, wrong []web.FieldError) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	lang := i18n.LangFrom(req.Context())
	why := ""
	if len(wrong) > 0 {
		why = req.PostForm.Get("reason")
	}
	var body web.Group
	if report != nil {
		body = append(body, r.reportParts(req, def, *report)...)
	}
	body = append(body,
		web.Paragraph{Text: r.t(req, "registers.import_text")},
		web.Details{SummaryText: r.t(req, "registers.import_columns"), Body: []web.Component{web.Paragraph{Text: r.t(req, "registers.import_columns_text", "key", def.Key)}, r.importColumns(req, def)}},
		web.Form{Action: req.URL.Path, Files: true, Body: []web.Component{
			web.FileUpload{Name: "file", Label: web.Label{Text: r.t(req, "registers.import_file")}, ErrorMessage: web.ErrorFor(wrong, "file")},
			web.Input{Name: "reason", Value: why, Label: web.Label{Text: r.t(req, "registers.reason")}, Hint: &web.Hint{Text: r.t(req, "registers.reason_hint")}, ErrorMessage: web.ErrorFor(wrong, "reason")},
			web.Button{Text: r.t(req, "registers.import_button")},
		}})
	return r.show(w, req, web.Page{Title: r.t(req, "registers.import_title", "register", def.Title.In(lang)), BackLink: &web.BackLink{Href: "/desk/registers/" + def.ID}, Errors: wrong}, body)
}

// importColumns says what the first line of a file may name, and what each
// column means.
func (r *Registers) importColumns(req *http.Request, def *Definition) web.Table {
	lang := i18n.LangFrom(req.Context())
	t := web.Table{Head: []web.Cell{{Text: r.t(req, "registers.column_name")}, {Text: r.t(req, "registers.column_meaning")}, {Text: r.t(req, "registers.column_required")}}}
	for _, f := range def.fields {
		t.Rows = append(t.Rows, []web.Cell{{Text: f}, {Text: def.Label(f).In(lang)}, {Text: r.yesno(lang, def.requires(f))}})
	}
	return t
}

func (r *Registers) reportParts(req *http.Request, def *Definition, report Report) web.Group {
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
		e := r.wrong(req, def, errs.Field{Name: f.Field, Code: f.Code, Args: f.Args})
		t.Rows = append(t.Rows, []web.Cell{{Text: strconv.Itoa(f.Line), Format: "numeric"}, {Text: e.Field}, {Text: e.Text}})
	}
	return append(parts, t)
}

func (r *Registers) saveImport(w http.ResponseWriter, req *http.Request) error {
	def, err := r.mine(req)
	if err != nil {
		return err
	}
	file, _, err := req.FormFile("file")
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		return err
	}
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
		done := &report
		if report.Created+report.Amended+report.Unchanged+report.Rejected == 0 {
			done = nil // four noughts say nothing
		}
		return r.importPage(w, req, done, []web.FieldError{r.wrong(req, def, f)})
	}
	if err != nil {
		return err
	}
	return r.importPage(w, req, &report, nil)
}
