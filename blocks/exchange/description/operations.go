package description

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Operation is one thing a service does, in the words of its document.
type Operation struct {
	Method, Path string // Path as the document writes it: /pets/{id}
	Title, Text  string
	Deprecated   bool
	Parameters   []Parameter
	Request      *Content // nil: no body
	Answers      []Answer // by status
}

// Parameter is a part of the address or a header line of a request.
type Parameter struct {
	Name, In, Type, Text string // In is path, query, header or cookie
	Required             bool
	Example              string // what the document gives, or one made from the type
}

// Answer is what may come back.
type Answer struct {
	Status  string // "200", "4XX", "default"
	Text    string
	Content *Content // nil: no body
}

// Content is a body. Example is what the document gives, or one made from its
// types: never what the service really holds.
type Content struct {
	Media   string
	Fields  []Field
	Example string
}

// Field is one value of a body. Name is dotted; [] stands for each entry of a list.
type Field struct {
	Name, Type, Text string
	Required         bool
	Values           []string // when nothing else may stand there
}

// The bounds of what is read of somebody else's document.
const (
	maxDepth  = 8
	maxFields = 300
	maxText   = 2000
	maxSample = 16 << 10
	maxVisits = 3000 // parts of a schema that are looked at: they may go in circles
)

// Operations lists what the document describes, in the order of its paths.
func (d *Description) Operations() []Operation {
	var out []Operation
	for _, path := range d.doc.Paths.InMatchingOrder() {
		item := d.doc.Paths.Value(path)
		operations := item.Operations()
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"} {
			if o := operations[method]; o != nil {
				out = append(out, operation(method, path, item, o))
			}
		}
	}
	return out
}

func operation(method, path string, item *openapi3.PathItem, o *openapi3.Operation) Operation {
	out := Operation{Method: method, Path: path, Title: short(o.Summary), Text: short(o.Description), Deprecated: o.Deprecated}
	own := map[string]bool{}
	for _, p := range slices.Concat(o.Parameters, item.Parameters) { // those of the operation win
		if p == nil || p.Value == nil || own[p.Value.In+" "+p.Value.Name] {
			continue
		}
		own[p.Value.In+" "+p.Value.Name] = true
		schema := p.Value.Schema
		example := p.Value.Example
		if example == nil {
			example = newSampler().sample(schema, 0)
		}
		out.Parameters = append(out.Parameters, Parameter{
			Name: p.Value.Name, In: p.Value.In, Type: typeOf(schema), Text: short(p.Value.Description), Required: p.Value.Required, Example: plain(example),
		})
	}
	if o.RequestBody != nil && o.RequestBody.Value != nil {
		out.Request = content(o.RequestBody.Value.Content)
	}
	if o.Responses != nil {
		for status, r := range o.Responses.Map() {
			if r == nil || r.Value == nil {
				continue
			}
			a := Answer{Status: status, Content: content(r.Value.Content)}
			if r.Value.Description != nil {
				a.Text = short(*r.Value.Description)
			}
			out.Answers = append(out.Answers, a)
		}
	}
	slices.SortFunc(out.Answers, func(a, b Answer) int { return strings.Compare(a.Status, b.Status) })
	return out
}

// content reads the body's description, that of JSON before any other.
func content(c openapi3.Content) *Content {
	media := ""
	for m := range c {
		better := strings.Contains(m, "json") && !strings.Contains(media, "json")
		same := strings.Contains(m, "json") == strings.Contains(media, "json")
		if media == "" || better || same && m < media {
			media = m
		}
	}
	t := c[media]
	if t == nil {
		return nil
	}
	out := &Content{Media: media}
	(&walker{out: &out.Fields, left: maxVisits}).walk(t.Schema, "", false)
	example := t.Example
	for _, name := range sorted(t.Examples) {
		if e := t.Examples[name]; example == nil && e != nil && e.Value != nil {
			example = e.Value.Value
		}
	}
	if example == nil {
		example = newSampler().sample(t.Schema, 0)
	}
	out.Example = pretty(example)
	return out
}

// walker collects the values that a schema names.
type walker struct {
	out         *[]Field
	depth, left int
}

func (w *walker) walk(ref *openapi3.SchemaRef, name string, required bool) {
	w.left--
	if ref == nil || ref.Value == nil || w.depth > maxDepth || w.left < 0 || len(*w.out) >= maxFields {
		return
	}
	s := ref.Value
	w.depth++
	defer func() { w.depth-- }()
	if name != "" && (len(s.Properties) == 0 || s.Description != "") && !s.Type.Is("array") {
		f := Field{Name: name, Type: typeOf(ref), Text: short(s.Description), Required: required}
		for _, v := range s.Enum {
			f.Values = append(f.Values, plain(v))
		}
		*w.out = append(*w.out, f)
	}
	for _, part := range slices.Concat(s.AllOf, s.OneOf, s.AnyOf) {
		w.walk(part, name, required)
	}
	if s.Type.Is("array") {
		w.walk(s.Items, name+"[]", required)
	}
	for _, p := range sorted(s.Properties) {
		full := p
		if name != "" {
			full = name + "." + p
		}
		w.walk(s.Properties[p], full, slices.Contains(s.Required, p))
	}
}

func typeOf(ref *openapi3.SchemaRef) string {
	if ref == nil || ref.Value == nil {
		return ""
	}
	s := ref.Value
	t := strings.Join(s.Type.Slice(), " | ")
	if s.Format != "" {
		t += " (" + s.Format + ")"
	}
	return short(t)
}

// sampler makes values that fit a type well enough to be read.
type sampler struct{ left int }

func newSampler() *sampler { return &sampler{left: maxVisits} }

func (m *sampler) sample(ref *openapi3.SchemaRef, depth int) any {
	m.left--
	if ref == nil || ref.Value == nil || depth > maxDepth || m.left < 0 {
		return nil
	}
	s := ref.Value
	switch {
	case s.Example != nil:
		return s.Example
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.OneOf) > 0:
		return m.sample(s.OneOf[0], depth+1)
	case len(s.AnyOf) > 0:
		return m.sample(s.AnyOf[0], depth+1)
	}
	if s.Type.Is("array") {
		return []any{m.sample(s.Items, depth+1)}
	}
	if len(s.Properties) > 0 || len(s.AllOf) > 0 {
		out := map[string]any{}
		for _, part := range s.AllOf {
			if more, ok := m.sample(part, depth+1).(map[string]any); ok {
				maps.Copy(out, more)
			}
		}
		for _, name := range sorted(s.Properties) {
			if len(out) >= maxFields {
				break
			}
			out[name] = m.sample(s.Properties[name], depth+1)
		}
		return out
	}
	return scalar(s)
}

func scalar(s *openapi3.Schema) any {
	switch {
	case s.Type.Is("integer"), s.Type.Is("number"):
		if s.Min != nil {
			return *s.Min
		}
		return 1
	case s.Type.Is("boolean"):
		return true
	case s.Type.Is("object"):
		return map[string]any{}
	}
	switch s.Format {
	case "date":
		return "2026-01-31"
	case "date-time":
		return "2026-01-31T08:00:00Z"
	case "email":
		return "ten@example.vn"
	case "uuid":
		return "01900000-0000-7000-8000-000000000000"
	case "uri":
		return "https://example.vn/"
	}
	return "…"
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// plain is a value on one line.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return short(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return short(string(b))
}

func pretty(v any) string {
	if s, ok := v.(string); ok {
		return cut(s, maxSample)
	}
	if v == nil {
		return ""
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if enc.Encode(v) != nil {
		return ""
	}
	return cut(strings.TrimSpace(b.String()), maxSample)
}

func short(s string) string { return cut(s, maxText) }

func cut(s string, most int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
