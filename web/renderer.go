package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Config is what a [Renderer] stands on. Catalog is required and must include
// [Messages].
type Config struct {
	Catalog *i18n.Catalog
	Assets  fs.FS  // the static files; nil: those built into the binary
	Product string // the name in the header; "Đình" unless set
	Demo    bool   // says on every page that people and papers are made up
	// CitizenNav and OfficerNav are the main navigation; nil: the usual one.
	CitizenNav, OfficerNav []NavItem
	// Members names the organisations that officers work for, by id; one that
	// is not there is shown by its id.
	Members map[string]i18n.Text
	Footer  []NavItem // nil: help, services, verify, about, accessibility
}

// NavItem is one place of the main navigation.
type NavItem struct {
	Section string // active when the page's Section is the same
	Key     string // message key of its name
	Path    string
	Roles   []string // officers: shown to these roles only; none: to all
}

// Renderer turns components and templates into pages. Register everything
// before the first page is shown; then it is safe for all requests at once.
type Renderer struct {
	config Config
	assets *assets
	envs   map[i18n.Lang]*env
	bases  map[i18n.Lang]*template.Template // never executed, so that pages may clone it
	pages  map[string]map[i18n.Lang]*template.Template
}

// New makes a renderer. It fails with [ErrNoAssets] when the styles were not
// built.
func New(c Config) (*Renderer, error) {
	if c.Assets == nil {
		sub, err := fs.Sub(staticFiles, "static")
		if err != nil {
			return nil, err
		}
		c.Assets = sub
	}
	c.Product = first(c.Product, "Đình")
	if c.CitizenNav == nil {
		c.CitizenNav = citizenNav()
	}
	if c.OfficerNav == nil {
		c.OfficerNav = officerNav()
	}
	if c.Footer == nil {
		c.Footer = footerNav()
	}
	a, err := loadAssets(c.Assets)
	if err != nil {
		return nil, err
	}
	r := &Renderer{config: c, assets: a, envs: map[i18n.Lang]*env{}, bases: map[i18n.Lang]*template.Template{},
		pages: map[string]map[i18n.Lang]*template.Template{}}
	for _, l := range i18n.Langs {
		e, err := newEnv(l, c.Catalog, a.url)
		if err != nil {
			return nil, err
		}
		base := template.New("page").Funcs(e.funcs())
		if err := parseFiles(base, files, "layout"); err != nil {
			return nil, err
		}
		r.envs[l], r.bases[l] = e, base
	}
	return r, r.Add("web", files, "pages/*.html")
}

// Add registers the page templates of a block that match pattern. Each file
// defines "content", whose dot is Page.Data, and is called name/file without
// ".html". Files that begin with "_" hold templates shared by the others.
func (r *Renderer) Add(name string, fsys fs.FS, pattern string) error {
	found, err := fs.Glob(fsys, pattern)
	if err != nil {
		return fmt.Errorf("web: pattern %q of %s: %w", pattern, name, err)
	}
	if len(found) == 0 {
		return fmt.Errorf("web: %s has no templates %q; check the embed directive", name, pattern)
	}
	var shared, pages []string
	for _, f := range found {
		if strings.HasPrefix(path.Base(f), "_") {
			shared = append(shared, f)
		} else {
			pages = append(pages, f)
		}
	}
	for _, f := range pages {
		full := name + "/" + baseName(f)
		if r.pages[full] != nil {
			return fmt.Errorf("web: page %s is registered twice", full)
		}
		r.pages[full] = map[i18n.Lang]*template.Template{}
		for l, base := range r.bases {
			t, err := base.Clone()
			if err != nil {
				return err
			}
			for _, src := range append(shared, f) {
				if err := parseFile(t, fsys, src); err != nil {
					return fmt.Errorf("web: page %s: %w", full, err)
				}
			}
			if t.Lookup("content") == nil {
				return fmt.Errorf(`web: page %s: wrap the page in {{define "content"}}…{{end}}`, full)
			}
			r.pages[full][l] = t
		}
	}
	return nil
}

// FieldError is one wrong answer on a page.
type FieldError struct {
	Field string // the id of the control, without "#"; empty: not about one field
	Text  string // what is wrong and how to mend it, in the reader's language
}

// Page is one page to show.
type Page struct {
	Title       string // in the reader's language; also the browser's tab
	Data        any    // the dot of the template
	Status      int    // 200 unless set, or 422 when there are errors
	BackLink    *BackLink
	Breadcrumbs *Breadcrumbs
	Section     string       // where the page stands: home, applications, documents, messages, data, desk…
	Wide        bool         // uses the full width: tables, case work
	Hero        bool         // the page draws its own first band edge to edge, inside "content"
	Errors      []FieldError // shown on top of the page and in its title
	Officer     bool         // officers' navigation
	Flash       *Alert       // news of what was just done
	Indexed     bool         // search engines may keep it; personal pages never
}

// Page shows a page. It is rendered to memory first: when an error comes back
// nothing was written.
func (r *Renderer) Page(w http.ResponseWriter, req *http.Request, tmpl string, p Page) error {
	lang := i18n.LangFrom(req.Context())
	var b bytes.Buffer
	if err := r.execute(&b, lang, tmpl, r.view(req, lang, p)); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Add("Vary", "Cookie")
	h.Add("Vary", "Accept-Language")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
		if p.Indexed && auth.From(req.Context()).IsNobody() {
			h.Set("Cache-Control", "no-cache")
		}
	}
	w.WriteHeader(p.status())
	if req.Method != http.MethodHead {
		_, _ = b.WriteTo(w) // a reader who left needs no answer
	}
	return nil
}

func (p Page) status() int {
	switch {
	case p.Status != 0:
		return p.Status
	case len(p.Errors) > 0:
		return http.StatusUnprocessableEntity
	default:
		return http.StatusOK
	}
}

func (r *Renderer) execute(b *bytes.Buffer, lang i18n.Lang, tmpl string, v any) (err error) {
	t := r.pages[tmpl][lang]
	if t == nil {
		return fmt.Errorf("web: no page %q in %q", tmpl, lang)
	}
	defer func() {
		if p := recover(); p != nil {
			failed, ok := p.(renderError)
			if !ok {
				panic(p)
			}
			err = failed.error
		}
	}()
	if err := t.ExecuteTemplate(b, "layout", v); err != nil {
		return fmt.Errorf("web: page %s: %w", tmpl, err)
	}
	return nil
}

// HTML renders components alone, for a message or a test.
func (r *Renderer) HTML(lang i18n.Lang, parts ...Component) (h template.HTML, err error) {
	defer func() {
		if p := recover(); p != nil {
			failed, ok := p.(renderError)
			if !ok {
				panic(p)
			}
			err = failed.error
		}
	}()
	for _, c := range parts {
		h += r.envs[lang].html(c)
	}
	return h, nil
}

// Error shows an error as a page; it is the server's [httpx.ErrorPage].
func (r *Renderer) Error(w http.ResponseWriter, req *http.Request, status int, title, message string, e *errs.Error) {
	code := errs.CodeOf(e)
	err := r.Page(w, req, "web/error", Page{
		Title: title, Status: status,
		Data: errorView{Status: status, Title: title, Message: message, Code: code, Request: w.Header().Get("X-Request-Id")},
	})
	if err != nil {
		http.Error(w, title+"\n"+message, status)
	}
}

type errorView struct {
	Status               int
	Title, Message, Code string
	Request              string // what to tell the help desk
}

// Routes are the static files.
func (r *Renderer) Routes() []httpx.Route {
	return []httpx.Route{{
		Method: http.MethodGet, Path: "/static/{path...}", Access: auth.Public(), Anonymous: true,
		Handle: func(w http.ResponseWriter, req *http.Request) error {
			if !r.assets.serve(w, req) {
				return errs.New(errs.NotFound, "web.no_file")
			}
			return nil
		},
	}}
}
