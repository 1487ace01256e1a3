package i18n

import (
	"context"
	"strconv"
	"strings"
)

// Lang is a language the house speaks.
type Lang string

// The languages. VI is the default.
const (
	VI Lang = "vi"
	EN Lang = "en"
)

// Langs lists the languages, the default first. Not to be changed.
var Langs = []Lang{VI, EN}

// Parse reads a language or a tag that begins with one ("vi", "en-GB"), in any
// case. False when the house does not speak it.
func Parse(s string) (Lang, bool) {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, "-_"); i >= 0 {
		s = s[:i]
	}
	for _, l := range Langs {
		if strings.EqualFold(s, string(l)) {
			return l, true
		}
	}
	return "", false
}

// Accept chooses from an Accept-Language header the spoken language with the
// highest weight, the first of equals. False when none of ours is wanted.
func Accept(header string) (Lang, bool) {
	var best Lang
	bestQ := 0.0
	for n := 0; header != "" && n < maxRanges; n++ {
		var part string
		part, header, _ = strings.Cut(header, ",")
		tag, params, _ := strings.Cut(part, ";")
		l, ok := Parse(tag)
		if !ok {
			continue
		}
		if q := weight(params); q > bestQ {
			best, bestQ = l, q
		}
	}
	return best, bestQ > 0
}

// maxRanges bounds the work a hostile header can ask for.
const maxRanges = 32

func weight(params string) float64 {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

type langKey struct{}

// WithLang says which language the reader of this request wants.
func WithLang(ctx context.Context, l Lang) context.Context {
	return context.WithValue(ctx, langKey{}, l)
}

// LangFrom gives the reader's language, VI when nobody said.
func LangFrom(ctx context.Context) Lang {
	if l, ok := ctx.Value(langKey{}).(Lang); ok {
		return l
	}
	return VI
}

// Text is a text of data in both languages.
type Text struct {
	VI string `json:"vi" yaml:"vi"`
	EN string `json:"en" yaml:"en"`
}

// In gives the text in l, or in the other language when l's is empty.
func (t Text) In(l Lang) string {
	if l == EN && t.EN != "" || t.VI == "" {
		return t.EN
	}
	return t.VI
}

// IsZero says whether the text is empty in both languages.
func (t Text) IsZero() bool { return t == Text{} }
