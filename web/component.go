package web

import (
	"html/template"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Component is something a page shows: a struct whose template is
// components/<Template()>.html. Anything with such a template in the package
// can be printed with {{render .}}.
type Component interface {
	// Template names the component's template, e.g. "button".
	Template() string
}

// viewer is a component whose template needs derived values (ids, combined
// aria-describedby, defaults in the reader's language).
type viewer interface {
	view(e *env) any
}

// Group shows components one after another; it has no markup of its own.
type Group []Component

// Template implements [Component].
func (Group) Template() string { return "group" }

// Markup is trusted HTML shown as it is. Never build it from what people typed.
type Markup template.HTML

// Template implements [Component].
func (Markup) Template() string { return "markup" }

// Paragraph is body text.
type Paragraph struct {
	Text    string
	HTML    template.HTML
	Classes string // e.g. "govuk-body-l" instead of the usual size
}

// Template implements [Component].
func (Paragraph) Template() string { return "paragraph" }

// Switch is a yes/no that may also be left to the component's own rule.
type Switch int8

// The three positions of a [Switch].
const (
	Unset Switch = iota
	On
	Off
)

// Text is "true", "false" or nothing, as data attributes want it.
func (s Switch) Text() string {
	switch s {
	case On:
		return "true"
	case Off:
		return "false"
	default:
		return ""
	}
}

// Attrs are extra attributes of an element, by name. An empty value prints the
// name alone. Names that HTML could misread are left out.
type Attrs map[string]string

// HTML prints the attributes in name order, each with a space before it.
func (a Attrs) HTML() template.HTMLAttr {
	if len(a) == 0 {
		return ""
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if !validAttrName(name) {
			continue
		}
		b.WriteByte(' ')
		b.WriteString(name)
		if v := a[name]; v != "" {
			b.WriteString(`="`)
			b.WriteString(template.HTMLEscapeString(v))
			b.WriteByte('"')
		}
	}
	return template.HTMLAttr(b.String()) //nolint:gosec // names are checked, values escaped
}

// with returns a copy of a with more attributes; empty values are left out.
func (a Attrs) with(kv ...string) Attrs {
	out := make(Attrs, len(a)+len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			out[kv[i]] = kv[i+1]
		}
	}
	maps.Copy(out, a)
	return out
}

func validAttrName(s string) bool {
	if s == "" || strings.HasPrefix(strings.ToLower(s), "on") {
		return false // event handlers would be refused by the page's policy anyway
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_:.@", r):
		default:
			return false
		}
	}
	return true
}

// i18nAttrs are the data-i18n.* attributes that govuk-frontend's scripts read.
func i18nAttrs(key, message string, plural map[string]string) Attrs {
	a := Attrs{}
	for rule, m := range plural {
		a["data-i18n."+key+"."+rule] = m
	}
	if len(plural) == 0 && message != "" {
		a["data-i18n."+key] = message
	}
	return a
}

func merge(sets ...Attrs) Attrs {
	out := Attrs{}
	for _, s := range sets {
		maps.Copy(out, s)
	}
	return out
}

// hole says whether a list's entry is the zero value. Such entries are left
// out, so that a page may fill a list by conditions and keep its numbering.
func hole(v any) bool { return reflect.ValueOf(v).IsZero() }

// join puts non-empty words together with spaces: classes, ids.
func join(words ...string) string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
