package registers

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
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
		say(at, "pattern", map[string]any{"example": example(k.Want)})
	case *kind.Type:
		say(at, "type", map[string]any{"type": strings.Join(k.Want, ", ")})
	case *kind.Format:
		if k.Want == "date" {
			say(at, "date", nil)
			return
		}
		say(at, "format", map[string]any{"format": k.Want})
	case *kind.Minimum:
		say(at, "least", map[string]any{"limit": k.Want.RatString()})
	case *kind.Maximum:
		say(at, "most", map[string]any{"limit": k.Want.RatString()})
	case *kind.MinLength:
		say(at, "short", map[string]any{"limit": k.Want})
	case *kind.MaxLength:
		say(at, "long", map[string]any{"limit": k.Want, "got": k.Got})
	default:
		say(at, "wrong", nil)
	}
}

// example makes a value that a pattern takes, for people who do not read
// patterns: “CS-12345-6789-012345”. A pattern that cannot be read is shown as it is.
func example(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return pattern
	}
	var b strings.Builder
	next := 0
	spell(re, &b, &next)
	return b.String()
}

// spell writes the shortest value that re takes. Digits count up, so that they
// are seen to be places.
func spell(re *syntax.Regexp, b *strings.Builder, digit *int) {
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		takes := func(r rune) bool {
			for i := 0; i < len(re.Rune); i += 2 {
				if re.Rune[i] <= r && r <= re.Rune[i+1] {
					return true
				}
			}
			return false
		}
		*digit = (*digit + 1) % 10
		wanted := []rune{'0' + rune(*digit), '0', '1', 'A', 'a'}
		if i := slices.IndexFunc(wanted, takes); i >= 0 {
			b.WriteRune(wanted[i])
		} else if len(re.Rune) > 0 {
			b.WriteRune(re.Rune[0])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
	case syntax.OpCapture, syntax.OpPlus:
		spell(re.Sub[0], b, digit)
	case syntax.OpRepeat:
		for range re.Min {
			spell(re.Sub[0], b, digit)
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			spell(sub, b, digit)
		}
	case syntax.OpAlternate:
		spell(re.Sub[0], b, digit)
	}
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
