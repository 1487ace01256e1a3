package registers

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// validate checks data against the schema and names every wrong field.
func (d *Definition) validate(data map[string]any) error {
	if f := firstText("", data, hasControl); f != "" {
		return errs.New(errs.Invalid, "registers.invalid", "register", d.ID).With(errs.Field{Name: f, Code: "registers.field_control", Args: map[string]any{"field": f}})
	}
	err := d.compiled.Validate(plain(data))
	var ve *jsonschema.ValidationError
	if err == nil {
		return nil
	}
	if !errors.As(err, &ve) {
		return err
	}
	var fields []errs.Field
	collect(ve, &fields)
	// One sentence per field: where the kind of a value is wrong, its pattern says no more.
	slices.SortStableFunc(fields, func(a, b errs.Field) int { return strings.Compare(a.Name, b.Name) })
	fields = slices.CompactFunc(fields, func(a, b errs.Field) bool { return a.Name == b.Name })
	return errs.New(errs.Invalid, "registers.invalid", "register", d.ID).With(fields...)
}

func collect(e *jsonschema.ValidationError, out *[]errs.Field) {
	if len(e.Causes) > 0 {
		for _, c := range e.Causes {
			collect(c, out)
		}
		return
	}
	at := strings.Join(e.InstanceLocation, ".")
	say := func(name, code string, args map[string]any) {
		if args == nil {
			args = map[string]any{}
		}
		args["field"] = name
		*out = append(*out, errs.Field{Name: name, Code: "registers.field_" + code, Args: args})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, m := range k.Missing {
			say(join(at, m), "missing", nil)
		}
	case *kind.AdditionalProperties:
		for _, p := range k.Properties {
			say(join(at, p), "unknown", nil)
		}
	case *kind.Enum:
		say(at, "not_listed", map[string]any{"allowed": list(k.Want)})
	case *kind.Pattern:
		code, args := unlike(k)
		say(at, code, args)
	case *kind.Type:
		say(at, typeCode(k.Want), map[string]any{"type": strings.Join(k.Want, ", ")})
	case *kind.Format:
		say(at, formatCode(k.Want), map[string]any{"format": k.Want})
	case *kind.Minimum:
		say(at, "least", map[string]any{"limit": k.Want.RatString()})
	case *kind.Maximum:
		say(at, "most", map[string]any{"limit": k.Want.RatString()})
	case *kind.MinLength:
		say(at, "short", map[string]any{"limit": k.Want})
	case *kind.MaxLength:
		say(at, "long", map[string]any{"limit": k.Want, "got": k.Got})
	case *kind.MinItems:
		say(at, "few", map[string]any{"limit": k.Want})
	case *kind.UniqueItems:
		say(at, "twice", nil)
	default:
		say(at, "wrong", nil)
	}
}

// typeCode is the code of a value of the wrong JSON type, after "field_": each
// type is called by its name in the reader's language.
func typeCode(types []string) string {
	if len(types) == 1 && slices.Contains([]string{"string", "integer", "number", "boolean", "array", "object"}, types[0]) {
		return "type_" + types[0]
	}
	return "type"
}

// formatCode is the code of a value that breaks a format, after "field_".
func formatCode(format string) string {
	switch format {
	case "date", "email", "time", "uri":
		return format
	case "date-time":
		return "date_time"
	}
	return "format"
}

// unlike is the code of a value that a pattern does not take, after "field_".
// A pattern that only shuts characters out is said by them, others by example.
func unlike(k *kind.Pattern) (code string, args map[string]any) {
	if k.Got == "" {
		return "missing", nil
	}
	digits, chars := barred(k.Want)
	switch {
	case digits && chars != "":
		return "barred_and_digits", map[string]any{"chars": chars}
	case digits:
		return "barred_digits", nil
	case chars != "":
		return "barred", map[string]any{"chars": chars}
	}
	return "pattern", map[string]any{"example": example(k.Want)}
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func list(values []any) string {
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, ", ")
}

// whole is the field that a wrong value stands in: of a list ("classes.2"), the
// list, for that is what people fill in.
func whole(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return name
	}
	if _, err := strconv.Atoi(name[i+1:]); err != nil {
		return name
	}
	return whole(name[:i])
}

// choices lists the values that the schema lets a field have, or each value of
// a list; nil when it lists none.
func (d *Definition) choices(field string) []string {
	node := d.property(field)
	if items, ok := node["items"].(map[string]any); ok {
		node = resolve(d.Schema, items)
	}
	values, _ := node["enum"].([]any)
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// requires says whether every record has to have a field. A number that the
// register gives itself is not asked for.
func (d *Definition) requires(field string) bool {
	if d.Assign != nil && d.Assign.Field == field {
		return false
	}
	node := d.Schema
	for _, part := range strings.Split(field, ".") {
		required, _ := node["required"].([]any)
		if !slices.Contains(required, any(part)) {
			return false
		}
		props, _ := node["properties"].(map[string]any)
		child, _ := props[part].(map[string]any)
		node = resolve(d.Schema, child)
	}
	return true
}
