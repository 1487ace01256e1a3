package services

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Input is what a posted page holds. Files are stored already; of them only
// what the store found is here.
type Input struct {
	Values url.Values
	Files  map[string]File // by field id
}

// File is an uploaded file as it was stored.
type File struct {
	Name   string // as the person's device called it
	Type   string // sniffed, never the sender's claim
	Size   int64
	Hash   string
	Width  int // pictures only
	Height int
}

// Answer gives the file as the answer of a field.
func (f File) Answer() map[string]any {
	m := map[string]any{"name": f.Name, "type": f.Type, "size": f.Size, "hash": f.Hash}
	if f.Width > 0 {
		m["width"], m["height"] = int64(f.Width), int64(f.Height)
	}
	return m
}

// Validate reads what was posted for p. It gives the good answers, flat by
// field id and in their stored form (NFC, dates YYYY-MM-DD, yesno a bool,
// checkboxes a []string, numbers int64 or float64), and every wrong field with
// what to do about it. Fields that this very post makes invisible are neither.
// A file that is not posted again keeps its answer from st.
func (s *Service) Validate(p Page, in Input, st State) (map[string]any, []FieldError) {
	sc := s.settled(st)
	answers := map[string]any{}
	var wrong []FieldError
	for _, given := range p.Fields {
		f := s.fields[given.ID]
		if f == nil {
			continue
		}
		if !sc.truth(f.field.When) {
			sc.set(f, nil)
			continue
		}
		v, fe := sc.read(*f.field, in, sc.answer(f))
		sc.set(f, v)
		if fe != nil {
			wrong = append(wrong, *fe)
		} else if v != nil {
			answers[f.field.ID] = v
		}
	}
	return answers, wrong
}

// ValidateAction reads an officer's form of a. Inputs are named by the field
// ids; answers come back as <action>.<field>, where State.Answers wants them.
func (s *Service) ValidateAction(a Action, in Input, st State) (map[string]any, []FieldError) {
	sc := s.scope(st, i18n.VI)
	answers := map[string]any{}
	var wrong []FieldError
	for _, f := range a.Form {
		at := append([]string{a.ID}, strings.Split(f.ID, ".")...)
		fillNull(sc.answers, at)
		if !sc.truth(f.When) {
			continue
		}
		v, fe := sc.read(f, in, getPath(sc.answers, at))
		setPath(sc.answers, at, v)
		if fe != nil {
			wrong = append(wrong, *fe)
		} else if v != nil {
			answers[a.ID+"."+f.ID] = v
		}
	}
	return answers, wrong
}

// read parses and checks one posted field.
func (sc *scope) read(f Field, in Input, old any) (any, *FieldError) {
	raw, fe := sc.parse(f, in, old)
	if fe != nil {
		return nil, fe
	}
	v, fe := sc.check(f, raw)
	if fe != nil {
		return nil, fe
	}
	return v, nil
}

// parse goes from inputs to a value that check understands.
func (sc *scope) parse(f Field, in Input, old any) (any, *FieldError) {
	switch f.Type {
	case TypeDate:
		return sc.parseDate(f, in.Values)
	case TypeFile:
		if file, ok := in.Files[f.ID]; ok {
			return file.Answer(), nil
		}
		return old, nil
	case TypeCheckboxes:
		var chosen []any
		for _, v := range in.Values[f.ID] {
			if v != "" && v != "_unchecked" {
				chosen = append(chosen, v)
			}
		}
		if chosen == nil {
			return nil, nil
		}
		return chosen, nil
	}
	return in.Values.Get(f.ID), nil
}

// check judges a value, typed or stored, and gives its stored form.
func (sc *scope) check(f Field, v any) (any, *FieldError) {
	if s, ok := v.(string); ok {
		v = strings.TrimFunc(s, isBlank)
	}
	if empty(v) || v == false && f.Type == TypeDeclaration {
		if f.Optional {
			return nil, nil
		}
		return nil, sc.missing(f)
	}
	v, fe := sc.checkType(f, v)
	if fe != nil {
		return nil, fe
	}
	if v == nil { // nothing but invisible characters
		return nil, sc.missing(f)
	}
	for _, rule := range f.Validate {
		sc.vars["value"] = plainCopy(v)
		refused := sc.truth(rule.When)
		sc.vars["value"] = nil
		if refused {
			return nil, &FieldError{Field: f.ID, Message: rule.Message}
		}
	}
	return v, nil
}

func (sc *scope) checkType(f Field, v any) (any, *FieldError) {
	switch f.Type {
	case TypeText, TypeTextarea:
		return sc.checkText(f, v)
	case TypeName:
		return sc.checkName(f, v)
	case TypeDate:
		return sc.checkDate(f, v)
	case TypeNumber:
		return sc.checkNumber(f, v)
	case TypeYesNo:
		return sc.checkYesNo(f, v)
	case TypeDeclaration:
		if b, ok := truthOf(v); ok && b {
			return true, nil
		}
		return nil, sc.missing(f)
	case TypeRadios, TypeSelect:
		return sc.checkChoice(f, v)
	case TypeCheckboxes:
		return sc.checkChoices(f, v)
	case TypeEmail:
		return sc.checkEmail(f, v)
	case TypePhone:
		return sc.checkPhone(f, v)
	case TypeFile:
		return sc.checkFile(f, v)
	}
	return nil, sc.fail(f, "not_allowed")
}

// missing says what to do about an empty answer, by the kind of the field.
func (sc *scope) missing(f Field) *FieldError {
	switch f.Type {
	case TypeDeclaration:
		return sc.fail(f, "declare")
	case TypeFile:
		return sc.fail(f, "upload")
	case TypeRadios, TypeSelect, TypeCheckboxes, TypeYesNo:
		if isQuestion(f.Label) {
			return sc.fail(f, "answer")
		}
		return sc.fail(f, "choose")
	}
	if isQuestion(f.Label) {
		return sc.fail(f, "answer")
	}
	return sc.fail(f, "enter")
}

// fail makes the message services.field.<key> in both languages. Besides kv it
// may hold {name}, the label as it begins a sentence, and {label}, the label
// within one.
func (sc *scope) fail(f Field, key string, kv ...any) *FieldError {
	name := i18n.Text{VI: bare(f.Label.VI), EN: bare(f.Label.EN)}
	label := i18n.Text{VI: inline(name.VI), EN: inline(name.EN)}
	kv = append(kv, "name", name, "label", label)
	key = "services.field." + key
	return &FieldError{Field: f.ID, Message: i18n.Text{
		VI: sc.s.words.T(i18n.VI, key, kv...),
		EN: sc.s.words.T(i18n.EN, key, kv...),
	}}
}

func isQuestion(t i18n.Text) bool {
	return strings.HasSuffix(strings.TrimSpace(t.VI), "?") || strings.HasSuffix(strings.TrimSpace(t.EN), "?")
}

// bare drops what a label ends with and a sentence does not.
func bare(label string) string { return strings.TrimRight(strings.TrimSpace(label), ".:") }

// inline makes the first letter small, except in abbreviations (CCCD, UBND)
// and where the label is a single letter.
func inline(label string) string {
	first, n := utf8.DecodeRuneInString(label)
	second, _ := utf8.DecodeRuneInString(label[n:])
	if !unicode.IsUpper(first) || unicode.IsUpper(second) || unicode.IsDigit(second) {
		return label
	}
	return string(unicode.ToLower(first)) + label[n:]
}

// isBlank holds for what separates or hides: spaces, zero-width characters.
func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }
