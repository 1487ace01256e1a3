package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// env is what components need in one language: words and templates.
type env struct {
	lang       i18n.Lang
	catalog    *i18n.Catalog
	components *template.Template
	asset      func(string) string
}

func newEnv(lang i18n.Lang, catalog *i18n.Catalog, asset func(string) string) (*env, error) {
	e := &env{lang: lang, catalog: catalog, asset: asset}
	e.components = template.New("components").Funcs(e.funcs())
	err := parseFiles(e.components, files, "components")
	return e, err
}

// parseFiles adds every dir/*.html of fsys under its name without ".html".
func parseFiles(t *template.Template, fsys fs.FS, dir string) error {
	names, err := fs.Glob(fsys, path.Join(dir, "*.html"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := parseFile(t, fsys, name); err != nil {
			return err
		}
	}
	return nil
}

func parseFile(t *template.Template, fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	if _, err := t.New(baseName(name)).Parse(string(src)); err != nil {
		return fmt.Errorf("web: %s: %w", name, err)
	}
	return nil
}

func baseName(name string) string { return strings.TrimSuffix(path.Base(name), ".html") }

func (e *env) t(key string, kv ...any) string { return e.catalog.T(e.lang, key, kv...) }

// script is a text that govuk-frontend's scripts already know in English.
func (e *env) script(key string) string {
	if e.lang == i18n.EN {
		return ""
	}
	return e.t(key)
}

// plural is script for messages that govuk-frontend chooses by number.
// Vietnamese has one form.
func (e *env) plural(own Plural, key string) Plural {
	if len(own) > 0 || e.lang == i18n.EN {
		return own
	}
	return Plural{"other": e.t(key)}
}

// html renders a component. A component whose template fails is a mistake of
// the program, not of the page: it surfaces as a panic that Render turns into
// an error.
func (e *env) html(c Component) template.HTML {
	if isNil(c) {
		return ""
	}
	if m, ok := c.(Markup); ok {
		return template.HTML(m)
	}
	var data any = c
	if v, ok := c.(viewer); ok {
		data = v.view(e)
	}
	return e.execute(c.Template(), data)
}

func (e *env) execute(name string, data any) template.HTML {
	var b bytes.Buffer
	if err := e.components.ExecuteTemplate(&b, name, data); err != nil {
		panic(renderError{fmt.Errorf("web: component %s: %w", name, err)})
	}
	return template.HTML(b.String()) //nolint:gosec // made by html/template
}

type renderError struct{ error }

func (e *env) funcs() template.FuncMap {
	return template.FuncMap{
		"t":       e.t,
		"lang":    func() string { return string(e.lang) },
		"text":    func(t i18n.Text) string { return t.In(e.lang) },
		"date":    e.date,
		"day":     e.day,
		"money":   func(a moneyFormat) string { return a.Format(e.lang) },
		"number":  e.number,
		"render":  e.render,
		"content": content,
		"body":    e.body,
		"cls":     cls,
		"asset":   e.asset,
		"raw":     func(m Markup) template.HTML { return template.HTML(m) },
		// A parser drops the first line break in a textarea.
		"leadingNewline": func(s string) string {
			if strings.HasPrefix(s, "\n") || strings.HasPrefix(s, "\r") {
				return "\n" + s
			}
			return s
		},
		"datetime": e.datetime,
		"iso":      iso,
	}
}

type moneyFormat interface{ Format(i18n.Lang) string }

// render prints one component or a slice of them.
func (e *env) render(v any) (template.HTML, error) {
	if isNil(v) {
		return "", nil
	}
	switch v := v.(type) {
	case Component:
		return e.html(v), nil
	case template.HTML:
		return v, nil
	}
	s := reflect.ValueOf(v)
	if s.Kind() != reflect.Slice {
		return "", fmt.Errorf("render: %T is no component and no slice of them", v)
	}
	var b strings.Builder
	for i := range s.Len() {
		h, err := e.render(s.Index(i).Interface())
		if err != nil {
			return "", err
		}
		b.WriteString(string(h))
		b.WriteByte('\n')
	}
	return template.HTML(b.String()), nil //nolint:gosec // made by html/template
}

// body prefers components to HTML to text.
func (e *env) body(parts []Component, h template.HTML, text string) template.HTML {
	if len(parts) > 0 {
		return e.html(Group(parts))
	}
	return content(h, text)
}

func cls(classes string) string {
	if classes == "" {
		return ""
	}
	return " " + classes
}

func (e *env) number(n any) (string, error) {
	v := reflect.ValueOf(n)
	if !v.CanInt() {
		return "", fmt.Errorf("number: %T is no whole number", n)
	}
	return i18n.FormatInt(e.lang, v.Int()), nil
}

// date writes a date, given as YYYY-MM-DD or a time.
func (e *env) date(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return i18n.FormatDate(e.lang, v), nil
	case time.Time:
		if v.IsZero() {
			return "", nil
		}
		return i18n.FormatDate(e.lang, v.In(i18n.Zone()).Format(time.DateOnly)), nil
	}
	return "", fmt.Errorf("date: %T is neither YYYY-MM-DD nor a time", v)
}

func (e *env) datetime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return i18n.FormatTime(e.lang, t)
}

// day writes a date with its weekday left out and its month as a word in both
// languages, for headings.
func (e *env) day(t time.Time) string {
	d := t.In(i18n.Zone())
	if e.lang == i18n.EN {
		return d.Format("2 January 2006")
	}
	return d.Format("2") + " tháng " + d.Format("1") + ", " + d.Format("2006")
}

// iso is a time as the datetime attribute wants it.
func iso(t time.Time) string { return t.In(i18n.Zone()).Format(time.RFC3339) }

func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}
