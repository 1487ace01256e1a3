package documents

import (
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func (x *Documents) pages() []httpx.Route {
	return []httpx.Route{
		{Method: "GET", Path: "/my-documents", Access: auth.Person(auth.Low), Page: true, Handle: x.showList},
		{Method: "GET", Path: "/my-documents/{id}", Access: auth.Person(auth.Low), Page: true, Handle: x.showDocument},
		{Method: "GET", Path: "/my-documents/{id}/file.pdf", Access: auth.Person(auth.Low), Page: true, Handle: x.download},
		{Method: "GET", Path: "/verify", Access: auth.Public(), Page: true, Handle: x.showVerify},
		{Method: "POST", Path: "/verify", Access: auth.Public(), Page: true, Body: maxUpload + 1<<20, Handle: x.verify},
		{Method: "GET", Path: "/verify/{code}", Access: auth.Public(), Page: true, Handle: x.showCode},
	}
}

func (x *Documents) t(r *http.Request, key string, kv ...any) string {
	return x.d.Pages.T(i18n.LangFrom(r.Context()), key, kv...)
}

func (x *Documents) showList(w http.ResponseWriter, r *http.Request) error {
	docs, err := x.List(r.Context())
	if err != nil {
		return err
	}
	lang := i18n.LangFrom(r.Context())
	page := web.Page{Title: x.t(r, "documents.title"), Section: "documents"}
	if len(docs) == 0 {
		return x.d.Pages.Show(w, r, page, web.EmptyState{Title: x.t(r, "documents.none"), Text: x.t(r, "documents.none_text"), Action: &web.Button{Text: x.t(r, "documents.services"), Href: "/services", Classes: "govuk-button--secondary"}})
	}
	var cards web.Documents
	for _, d := range docs {
		cards = append(cards, web.DocumentCard{
			Title: d.Title.In(lang), Kind: x.t(r, "documents.electronic"), Code: d.Code, Href: "/my-documents/" + d.ID, Issuer: d.SignerName.In(lang), IssuedOn: d.IssuedAt.In(i18n.Zone()).Format("2006-01-02"), ValidUntil: d.ValidUntil, Status: x.tag(r, d),
		})
	}
	return x.d.Pages.Show(w, r, page, cards)
}

func (x *Documents) tag(r *http.Request, d Document) *web.Tag {
	state := d.State(x.today())
	colour := map[string]string{"issued": "green", "expired": "yellow", "revoked": "red"}[state]
	t := web.Coloured(colour, x.t(r, "documents.state."+state))
	return &t
}

func (x *Documents) facts(r *http.Request, d Document) web.SummaryList {
	lang := i18n.LangFrom(r.Context())
	row := func(key, value string) web.Row {
		return web.Row{Key: web.Term{Text: x.t(r, key)}, Value: web.Term{Text: value}}
	}
	list := web.SummaryList{Rows: []web.Row{
		row("documents.kind", d.Title.In(lang)), row("documents.issuer", d.SignerName.In(lang)), row("documents.issued", i18n.FormatTime(lang, d.IssuedAt)), row("documents.code", d.Code),
	}}
	if d.ValidUntil != "" {
		list.Rows = append(list.Rows, row("documents.valid_until", i18n.FormatDate(lang, d.ValidUntil)))
	}
	if !d.RevokedAt.IsZero() {
		list.Rows = append(list.Rows, row("documents.revoked_at", i18n.FormatTime(lang, d.RevokedAt)))
	}
	return list
}

func (x *Documents) showDocument(w http.ResponseWriter, r *http.Request) error {
	d, err := x.Mine(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	said, err := x.said(r.Context(), d.ID)
	if err != nil {
		return err
	}
	lang := i18n.LangFrom(r.Context())
	var content web.SummaryList
	for _, l := range said.Lines {
		if v := l.Value.In(lang); v != "" {
			content.Rows = append(content.Rows, web.Fact(l.Label.In(lang), v))
		}
	}
	parts := []web.Component{*x.tag(r, d), x.facts(r, d)}
	if len(content.Rows) > 0 {
		parts = append(parts, web.Heading{Text: x.t(r, "documents.says")}, content)
	}
	return x.d.Pages.Show(w, r, web.Page{Title: d.Title.In(lang), Section: "documents", BackLink: &web.BackLink{Href: "/my-documents"}}, append(parts,
		web.Button{Text: x.t(r, "documents.download"), Href: "/my-documents/" + d.ID + "/file.pdf"},
		web.InsetText{Text: x.t(r, "documents.share", "address", x.d.Origin+"/verify/"+d.Code)},
		web.Details{SummaryText: x.t(r, "documents.how"), Text: x.t(r, "documents.how_text")})...)
}

func (x *Documents) download(w http.ResponseWriter, r *http.Request) error {
	d, file, err := x.PDF(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", `attachment; filename="`+d.Type+"-"+d.Code+`.pdf"`)
	h.Set("Content-Length", strconv.Itoa(len(file)))
	h.Set("Cache-Control", "no-store")
	_, err = w.Write(file)
	return err
}

func (x *Documents) showVerify(w http.ResponseWriter, r *http.Request) error {
	return x.verifyPage(w, r, nil)
}

func (x *Documents) verifyPage(w http.ResponseWriter, r *http.Request, wrong []web.FieldError) error {
	return x.d.Pages.Show(w, r, web.Page{Title: x.t(r, "documents.verify"), Section: "verify", Errors: wrong, Indexed: true},
		web.Paragraph{Text: x.t(r, "documents.verify_text"), Classes: "govuk-body-l"},
		web.Form{Action: "/verify", Files: true, Body: []web.Component{
			web.Input{Name: "code", Label: web.Label{Text: x.t(r, "documents.code"), Classes: "govuk-label--s"}, Hint: web.HintText(x.t(r, "documents.code_hint")), Value: r.FormValue("code"), Autocapitalize: "characters", Spellcheck: web.Off, Classes: "govuk-input--width-20", ErrorMessage: web.ErrorFor(wrong, "code")},
			web.FileUpload{Name: "file", JavaScript: true, Label: web.Label{Text: x.t(r, "documents.or_file"), Classes: "govuk-label--s"}, Hint: web.HintText(x.t(r, "documents.file_hint")), ErrorMessage: web.ErrorFor(wrong, "file")},
			web.Button{Text: x.t(r, "documents.check")},
		}},
		web.Paragraph{Text: x.t(r, "documents.receipts"), Classes: "govuk-hint"},
		web.Link{Text: x.t(r, "documents.receipts_link"), Href: "/verify/receipt"})
}

// verify takes a code or a file; a file is read, judged and forgotten.
func (x *Documents) verify(w http.ResponseWriter, r *http.Request) error {
	file, _, err := r.FormFile("file")
	if err != nil {
		code, ok := tidyCode(r.FormValue("code"))
		if !ok {
			return x.verifyPage(w, r, []web.FieldError{{Field: "code", Text: x.t(r, "error.documents.code_mistyped")}})
		}
		http.Redirect(w, r, "/verify/"+url.PathEscape(code), http.StatusSeeOther)
		return nil
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxUpload+1))
	if err != nil {
		return err
	}
	if len(data) == 0 || len(data) > maxUpload {
		return x.verifyPage(w, r, []web.FieldError{{Field: "file", Text: x.t(r, "documents.file_size")}})
	}
	result, err := x.VerifyFile(r.Context(), data)
	if err != nil {
		return err
	}
	return x.resultPage(w, r, result)
}

func (x *Documents) showCode(w http.ResponseWriter, r *http.Request) error {
	d, err := x.ByCode(r.Context(), r.PathValue("code"))
	switch errs.CodeOf(err) {
	case "documents.code_mistyped":
		return x.verifyPage(w, r, []web.FieldError{{Field: "code", Text: x.t(r, "error.documents.code_mistyped")}})
	case "documents.code_unknown":
		return x.verifyPage(w, r, []web.FieldError{{Field: "code", Text: x.t(r, "error.documents.code_unknown")}})
	}
	if err != nil {
		return err
	}
	verdict := map[string]string{"issued": "genuine_code", "expired": "expired", "revoked": "revoked"}[d.State(x.today())]
	return x.resultPage(w, r, Result{Verdict: verdict, Document: d})
}

func (x *Documents) resultPage(w http.ResponseWriter, r *http.Request, result Result) error {
	good := result.Verdict == "genuine" || result.Verdict == "genuine_code"
	variant := "error"
	switch {
	case good:
		variant = "success"
	case result.Verdict == "expired":
		variant = "warning"
	}
	yes := "no"
	if good {
		yes = "yes"
	}
	parts := []web.Component{
		web.Markup(`<div data-verified="` + yes + `">`),
		web.Alert{Variant: variant, Title: x.t(r, "documents.verdict."+result.Verdict), Text: x.t(r, "documents.verdict_text."+result.Verdict)},
		web.Markup(`</div>`),
	}
	if result.Document.ID != "" {
		parts = append(parts, x.facts(r, result.Document))
	}
	parts = append(parts, web.Link{Text: x.t(r, "documents.another"), Href: "/verify"})
	return x.d.Pages.Show(w, r, web.Page{Title: x.t(r, "documents.verify_result"), Section: "verify"}, parts...)
}
