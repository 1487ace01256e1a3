package services

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed schema/service.schema.json
var schemaFS embed.FS

const schemaFile = "schema/service.schema.json"

// Schema gives the JSON Schema of a definition, for editors.
func Schema() []byte {
	data, err := schemaFS.ReadFile(schemaFile)
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	return data
}

type schema struct {
	compiled *jsonschema.Schema
	printer  *message.Printer
}

func compileSchema() (*schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", schemaFile, err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaFile, doc); err != nil {
		return nil, fmt.Errorf("%s: %w", schemaFile, err)
	}
	compiled, err := c.Compile(schemaFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", schemaFile, err)
	}
	return &schema{compiled, message.NewPrinter(language.English)}, nil
}

// check gives one problem for every leaf of what the schema refuses.
func (s *schema) check(file string, doc map[string]any, lines map[string]int) []*Problem {
	err := s.compiled.Validate(doc)
	if err == nil {
		return nil
	}
	ve, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return []*Problem{{File: file, Message: err.Error()}}
	}
	var out []*Problem
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) > 0 {
			for _, c := range e.Causes {
				walk(c)
			}
			return
		}
		at := pathOf(e.InstanceLocation)
		out = append(out, &Problem{File: file, Line: nearest(lines, at), Path: at, Message: s.explain(e)})
	}
	walk(ve)
	slices.SortStableFunc(out, func(a, b *Problem) int { return a.Line - b.Line })
	return out
}

// explain says what to change rather than which keyword failed.
func (s *schema) explain(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return "add " + quoteAll(k.Missing)
	case *kind.AdditionalProperties:
		return "remove " + quoteAll(k.Properties) + s.known(e) + " (or correct the spelling)"
	case *kind.Enum:
		return fmt.Sprintf("is %v; use one of %s", k.Got, listOf(k.Want))
	case *kind.Type:
		return fmt.Sprintf("is of type %s; write a %s", k.Got, strings.Join(k.Want, " or "))
	case *kind.Pattern:
		return fmt.Sprintf("is %q; it must match %s", k.Got, k.Want)
	case *kind.MinLength:
		return "is empty; write something or remove the key"
	case *kind.MinItems:
		return fmt.Sprintf("has %d entries; give at least %d or remove the key", k.Got, k.Want)
	case *kind.MinProperties:
		return "is empty; write something or remove the key"
	}
	return e.ErrorKind.LocalizedString(s.printer)
}

// known lists what may stand at the place where something unknown stands.
func (s *schema) known(e *jsonschema.ValidationError) string {
	sch := s.compiled
	for _, t := range e.InstanceLocation {
		for sch != nil && sch.Ref != nil {
			sch = sch.Ref
		}
		switch {
		case sch == nil:
			return ""
		case sch.Properties[t] != nil:
			sch = sch.Properties[t]
		default:
			items, _ := sch.Items2020, t
			sch = items
		}
	}
	for sch != nil && sch.Ref != nil {
		sch = sch.Ref
	}
	if sch == nil || len(sch.Properties) == 0 {
		return ""
	}
	names := make([]string, 0, len(sch.Properties))
	for n := range sch.Properties {
		names = append(names, n)
	}
	slices.Sort(names)
	return "; known here: " + strings.Join(names, ", ")
}

func quoteAll(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = `"` + n + `"`
	}
	return strings.Join(q, ", ")
}

func listOf(want []any) string {
	parts := make([]string, len(want))
	for i, w := range want {
		parts[i] = fmt.Sprint(w)
	}
	return strings.Join(parts, ", ")
}
