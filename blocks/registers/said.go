package registers

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/text"
)

const (
	maxReason    = 1000         // characters
	earliestFrom = "1900-01-01" // no change is valid from before
	earliestDate = "1800-01-01" // no date of a record is before; earlier ones are slips of the year
)

// prepare checks what comes with a change and completes it.
func (r *Registers) prepare(def *Definition, c *Change) (err error) {
	if c.Reason, err = reason(c.Reason); err != nil {
		return err
	}
	if c.ValidFrom, err = r.validFrom(c.ValidFrom); err != nil {
		return err
	}
	return def.legible(c.Data)
}

// reason is why somebody changes something, without what nobody sees: a reason
// of zero-width spaces explains nothing to those who read the history.
func reason(s string) (string, error) {
	if s = strings.ReplaceAll(s, "\r\n", "\n"); hasControl(s) {
		return "", errs.New(errs.Invalid, "registers.reason_control").With(errs.NewField("reason", "registers.reason_control"))
	}
	s = strings.TrimSpace(text.NFC(visible(s)))
	if blank(s) {
		return "", errs.New(errs.Invalid, "registers.reason_missing").With(errs.NewField("reason", "registers.reason_missing"))
	}
	if n := text.Len(s); n > maxReason {
		args := []any{"limit", maxReason, "got", n}
		return "", errs.New(errs.Invalid, "registers.reason_long", args...).With(errs.NewField("reason", "registers.reason_long", args...))
	}
	return s, nil
}

// validFrom is today unless said. More than a year ahead, or before anybody
// alive was born, is a slip of the year.
func (r *Registers) validFrom(day string) (string, error) {
	now := r.d.Clock.Now().UTC()
	if day == "" {
		return now.Format(time.DateOnly), nil
	}
	latest := now.AddDate(1, 0, 0).Format(time.DateOnly)
	if _, err := time.Parse(time.DateOnly, day); err != nil || day < earliestFrom || day > latest {
		args := []any{"earliest", earliestFrom, "latest", latest}
		return "", errs.New(errs.Invalid, "registers.valid_from", args...).With(errs.NewField("valid_from", "registers.valid_from", args...))
	}
	return day, nil
}

// legible refuses values that look like others or like nothing. It looks at
// what a change says, not at the whole record: what an older version holds must
// not stand in the way of a change elsewhere in it.
func (d *Definition) legible(data map[string]any) error {
	var wrong []errs.Field
	if f := firstText("", data, hasInvisible); f != "" {
		wrong = append(wrong, errs.NewField(f, "registers.field_invisible", "field", f))
	}
	for _, f := range d.dates {
		v := value(data, f)
		if _, err := time.Parse(time.DateOnly, v); err == nil && v < earliestDate {
			wrong = append(wrong, errs.NewField(f, "registers.field_early", "field", f, "limit", earliestDate[:4]))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return errs.New(errs.Invalid, "registers.invalid", "register", d.ID).With(wrong...)
}

// searchable refuses words that no record can hold; without words at all every
// record would be found.
func searchable(query string) error {
	code := ""
	switch {
	case hasControl(query), strings.ContainsRune(query, utf8.RuneError):
		code = "registers.search_control"
	case query != "" && text.Fold(visible(query)) == "":
		code = "registers.search_empty"
	default:
		return nil
	}
	return errs.New(errs.Invalid, code).With(errs.NewField("q", code))
}

// firstText names the first field with a text that bad holds for; "" when there
// is none.
func firstText(at string, v any, bad func(string) bool) string {
	switch v := v.(type) {
	case string:
		if bad(v) {
			return at
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if f := firstText(join(at, k), v[k], bad); f != "" {
				return f
			}
		}
	case []any:
		for _, e := range v {
			if f := firstText(at, e, bad); f != "" {
				return f
			}
		}
	}
	return ""
}

// hasControl holds for what nobody can write by hand and no database keeps.
func hasControl(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\t'
	})
}

// formats are characters that nobody sees but that turn or break the text
// around them: marks of direction, zero-width spaces, soft hyphens.
func formats(r rune) bool { return unicode.Is(unicode.Cf, r) }

func hasInvisible(s string) bool { return strings.ContainsFunc(s, formats) }

// visible is s without the characters that nobody sees. They come along when
// people copy from a page or a spreadsheet, who then cannot find them.
func visible(s string) string {
	if !hasInvisible(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if formats(r) {
			return -1
		}
		return r
	}, s)
}

// blank holds when nothing of s would be seen on paper.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) && r != '\u2800' &&
			!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
	})
}
