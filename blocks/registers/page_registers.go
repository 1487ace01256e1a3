package registers

import (
	"net/http"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

const shownAtOnce = 50 // records that a search at the desk shows

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
	found, err := r.searchByHand(req.Context(), def, q, shownAtOnce, def.columns())
	if e, ok := errs.As(err); ok && len(e.Fields) > 0 {
		return r.registerPage(w, req, q, nil, r.wrong(req, def, e.Fields[0]))
	}
	if err != nil {
		return err
	}
	result := web.Group{web.EmptyState{Title: r.t(req, "registers.not_found"), Text: r.t(req, "registers.not_found_text")}}
	if len(found) > 0 {
		result = web.Group{r.table(req, def, found)}
	}
	if len(found) == shownAtOnce { // whoever is not shown would seem not to exist
		result = append(web.Group{web.InsetText{Text: r.t(req, "registers.search_more", "n", shownAtOnce)}}, result...)
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
