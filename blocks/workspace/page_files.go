package workspace

import (
	"html/template"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/web"
)

// upload is a file that belongs to the case.
type upload struct {
	field services.Field
	kind  string // media type, as it was sniffed
	name  string
	size  int64
}

// uploads lists the files among the answers on the applicant's path.
func uploads(k *cases.Full) []upload {
	var out []upload
	for _, f := range cases.AskedFields(k.Def, k.Content.State) {
		value, _ := answer(k.Content.State.Answers, f.ID)
		file, ok := value.(map[string]any)
		if f.Type != services.TypeFile || !ok {
			continue
		}
		u := upload{field: f}
		u.name, _ = file["name"].(string)
		u.kind, _ = file["type"].(string)
		switch n := file["size"].(type) {
		case float64:
			u.size = int64(n)
		case int64:
			u.size = n
		}
		out = append(out, u)
	}
	return out
}

func filePath(id, field string) string { return casePath(id) + "/files/" + url.PathEscape(field) }

// inline are the types that a browser may show in our own page: the store has
// decoded and encoded pictures again, so they are what they say.
func inline(kind string) bool { return kind == "image/jpeg" || kind == "image/png" }

func (v view) files(k *cases.Full) []web.Component {
	out := []web.Component{web.Heading{Text: v.t("files.title")}}
	list := uploads(k)
	if len(list) == 0 {
		return append(out, web.InsetText{Text: v.t("files.none")})
	}
	for _, u := range list {
		href := filePath(k.ID, u.field.ID)
		body := []web.Component{web.Link{Text: u.name, Href: href}, web.Paragraph{Text: v.t("files.detail", "type", u.kind, "size", v.kilobytes(u.size)), Classes: "govuk-hint"}}
		if inline(u.kind) {
			body = append(body, picture(href, v.t("files.preview", "what", u.field.Label.In(v.lang))))
		}
		out = append(out, web.SummaryList{Card: &web.Card{Title: &web.CardTitle{Text: u.field.Label.In(v.lang), HeadingLevel: "3"}},
			Rows: []web.Row{{Key: web.Term{Text: v.t("files.file")}, Value: web.Term{Body: append(body, v.provenance(k, u.field))}}}})
	}
	return out
}

func (v view) kilobytes(n int64) string { return v.count(int((n + 1023) / 1024)) }

func picture(src, alt string) web.Component {
	return web.Markup(`<p><img class="dinh-preview" src="` + template.HTMLEscapeString(src) + `" alt="` + template.HTMLEscapeString(alt) + `" loading="lazy"></p>`)
}

func (v view) documents(k *cases.Full) []web.Component {
	out := []web.Component{web.Heading{Text: v.t("documents.title")}}
	if len(k.Content.Documents) == 0 {
		return append(out, web.InsetText{Text: v.t("documents.none")})
	}
	var cards web.Documents
	for _, d := range k.Content.Documents {
		cards = append(cards, web.DocumentCard{Kind: d.Title.In(v.lang), Title: k.Applicant, Number: d.Code, HeadingLevel: 3,
			Links: []web.Action{{Text: v.t("documents.verify"), Href: "/verify/" + url.PathEscape(d.Code), VisuallyHiddenText: d.Title.In(v.lang)}}})
	}
	return append(out, cards)
}

// showFile serves an uploaded file of a case that the officer may see: nothing
// else of the application, and nothing that could run.
func (x *Workspace) showFile(w http.ResponseWriter, req *http.Request) error {
	k, err := x.d.Cases.Get(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	found := false
	for _, u := range uploads(k) {
		found = found || u.field.ID == req.PathValue("field")
	}
	if !found {
		return errs.New(errs.NotFound, "workspace.no_file")
	}
	body, meta, err := x.d.Files.File(req.Context(), k.Application, req.PathValue("field"))
	if err != nil {
		return err
	}
	defer body.Close()
	h, kind, way := w.Header(), "application/octet-stream", "attachment"
	switch {
	case inline(meta.Type):
		kind, way = meta.Type, "inline"
	case meta.Type == "application/pdf":
		kind = meta.Type
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType(way, map[string]string{"filename": plainName(meta.Name)}))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, no-store")
	if meta.Size > 0 {
		h.Set("Content-Length", strconv.FormatInt(meta.Size, 10))
	}
	if req.Method == http.MethodHead {
		return nil
	}
	_, _ = io.Copy(w, body) // the status has gone out; a reader who left needs no answer
	return nil
}

// plainName keeps what a file may be called when it is saved.
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) || r == 0x7f || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return -1
		}
		return r
	}, name)
	if name == "" || strings.HasPrefix(name, ".") {
		return "file" + name
	}
	return name
}
