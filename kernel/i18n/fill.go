package i18n

import (
	"fmt"
	"strconv"
	"strings"
)

// Fill replaces each {name} in text by its value from kv: pairs of a name and
// a value, or one map[string]any. A name without a value stays as it is, so
// that the gap is seen. A Text among the values speaks Vietnamese; Catalog.T
// gives it the reader's language.
func Fill(text string, kv ...any) string { return fill(VI, text, kv) }

func fill(l Lang, text string, kv []any) string {
	if len(kv) == 0 || !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 32)
	for {
		before, name, after, ok := nextHole(text)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		if v, found := lookup(kv, name); found {
			b.WriteString(show(l, v))
		} else {
			b.WriteString("{" + name + "}")
		}
		text = after
	}
}

// nextHole cuts text at its first {name}. Braces around anything else are
// plain characters.
func nextHole(text string) (before, name, after string, ok bool) {
	from := 0
	for {
		i := strings.IndexByte(text[from:], '{')
		if i < 0 {
			return text, "", "", false
		}
		i += from
		j := i + 1
		for j < len(text) && isNameByte(text[j], j == i+1) {
			j++
		}
		if j > i+1 && j < len(text) && text[j] == '}' {
			return text[:i], text[i+1 : j], text[j+1:], true
		}
		from = i + 1
	}
}

func isNameByte(c byte, first bool) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || !first && c >= '0' && c <= '9'
}

func lookup(kv []any, name string) (any, bool) {
	if m, ok := kv[0].(map[string]any); ok && len(kv) == 1 {
		v, ok := m[name]
		return v, ok
	}
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i] == name {
			return kv[i+1], true
		}
	}
	return nil, false
}

// show writes a value for a reader of l. Integers are written bare: a year is
// not a quantity. Who means a quantity passes FormatInt's answer.
func show(l Lang, v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case interface{ In(Lang) string }:
		return v.In(l)
	case interface{ Format(Lang) string }:
		return v.Format(l)
	}
	return fmt.Sprint(v)
}

// holes lists the distinct placeholder names of text.
func holes(text string) map[string]bool {
	set := map[string]bool{}
	for {
		_, name, after, ok := nextHole(text)
		if !ok {
			return set
		}
		set[name] = true
		text = after
	}
}
