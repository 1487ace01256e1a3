package forms

import (
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

// asking is a field as an input; file says that it, or what it reveals, takes
// a file.
type asking struct {
	component web.Component
	file      bool
}

// fields gives the inputs of the page. A field that an option of another one
// reveals stands under that option.
func (v *formView) fields() []asking {
	p := v.step.page
	reveals := v.a.def.Reveals(p)
	on := map[string]bool{}
	for _, f := range p.Fields {
		on[f.ID] = true
	}
	var out []asking
	for _, f := range v.a.def.VisibleFields(p, v.seen()) {
		if r, ok := reveals[f.ID]; ok && on[r.Field] {
			continue // its option shows it
		}
		c, file := v.ask(f, reveals)
		out = append(out, asking{c, file})
	}
	return out
}

// seen is the state with what the page's inputs hold, so that a page that
// comes back with errors shows what belongs to the answers just given.
func (v *formView) seen() services.State {
	st := v.a.state()
	if len(v.wrong) == 0 && !v.conflict {
		return st
	}
	answers, _ := v.a.def.Validate(v.step.page, services.Input{Values: v.values}, st)
	st.Answers = cloned(st.Answers)
	for _, f := range v.step.page.Fields {
		if a, ok := answers[f.ID]; ok {
			st.Answers[f.ID] = a
		} else if f.Type != services.TypeFile {
			delete(st.Answers, f.ID)
		}
	}
	return st
}

// ask is the input of one field.
func (v *formView) ask(f services.Field, reveals map[string]services.Reveal) (web.Component, bool) {
	value, msg := v.values.Get(f.ID), web.ErrorText(v.say(messageOf(v.wrong, f.ID)))
	label := web.Label{Text: v.label(f), Classes: "govuk-label--s"}
	hint := web.HintText(v.hint(f))
	switch f.Type {
	case services.TypeTextarea:
		if f.MaxLength > 0 {
			return web.CharacterCount{ID: f.ID, Name: f.ID, Value: value, MaxLength: strconv.Itoa(f.MaxLength), Threshold: "75",
				Label: label, Hint: hint, ErrorMessage: msg}, false
		}
		return web.Textarea{ID: f.ID, Name: f.ID, Value: value, Label: label, Hint: hint, ErrorMessage: msg, Autocomplete: f.Autocomplete}, false
	case services.TypeDate:
		return v.date(f, hint, msg), false
	case services.TypeYesNo, services.TypeRadios:
		return v.radios(f, reveals)
	case services.TypeSelect:
		return v.choose(f, label, hint, msg), false
	case services.TypeCheckboxes:
		return v.boxes(f, hint, msg), false
	case services.TypeDeclaration:
		return web.Checkboxes{IDPrefix: f.ID, Name: f.ID, Values: v.values[f.ID], ErrorMessage: msg, Hint: hint,
			Items: []web.Choice{{Value: "yes", Text: v.say(f.Label)}}}, false
	case services.TypeFile:
		return v.upload(f, label, hint, msg), true
	}
	return v.line(f, web.Input{ID: f.ID, Name: f.ID, Value: value, Label: label, Hint: hint, ErrorMessage: msg, Autocomplete: f.Autocomplete}), false
}

func (v *formView) label(f services.Field) string {
	if f.Optional {
		return v.t("field.optional", "label", v.say(f.Label))
	}
	return v.say(f.Label)
}

// hint is the definition's, and where a suggested answer comes from.
func (v *formView) hint(f services.Field) string {
	hint := v.say(f.Hint)
	if f.Prefill == "" || f.Source == "" || v.a.correction != nil {
		return hint
	}
	if from := v.a.content.Sources[f.ID]; from.Source == Typed || from.Source == Changed {
		return hint
	}
	e := v.a.def.EvidenceByID(f.Source)
	if e == nil || v.a.content.Evidence[e.ID].State != answered || !v.prefilled(f) {
		return hint
	}
	told := v.t("field.prefilled", "source", v.say(e.Title), "when", i18n.FormatTime(v.lang, v.a.content.Evidence[e.ID].At))
	if hint == "" {
		return told
	}
	return hint + " " + told
}

func (v *formView) prefilled(f services.Field) bool {
	if v.a.content.Sources[f.ID].Source == Obtained {
		return true
	}
	return len(v.wrong) == 0 && v.a.savedAt(v.step.page.ID) == 0 && v.values.Get(f.ID) != ""
}

// line is a field of one line: the right keyboard, the right width.
func (v *formView) line(f services.Field, in web.Input) web.Input {
	switch f.Type {
	case services.TypeName:
		in.Spellcheck, in.Autocapitalize = web.Off, "words"
	case services.TypeNumber:
		in.InputMode, in.Spellcheck, in.Classes = "decimal", web.Off, "govuk-input--width-10"
	case services.TypeEmail:
		in.Type, in.Spellcheck, in.Autocapitalize = "email", web.Off, "none"
		in.Autocomplete = or(in.Autocomplete, "email")
	case services.TypePhone:
		in.Type, in.Classes = "tel", "govuk-input--width-20"
		in.Autocomplete = or(in.Autocomplete, "tel")
	default:
		if f.MaxLength > 0 && f.MaxLength <= 20 {
			in.Classes = "govuk-input--width-20"
		}
	}
	return in
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (v *formView) group(f services.Field) *web.Fieldset {
	return &web.Fieldset{Legend: web.Legend{Text: v.label(f), Classes: "govuk-fieldset__legend--s"}}
}

func (v *formView) date(f services.Field, hint *web.Hint, msg *web.ErrorMessage) web.Component {
	d := web.DateInput{ID: f.ID, NamePrefix: f.ID, Fieldset: v.group(f), Hint: hint, ErrorMessage: msg, Values: map[string]string{}}
	for _, part := range []string{"day", "month", "year"} {
		d.Values[f.ID+"-"+part] = v.values.Get(f.ID + "-" + part)
	}
	d.Day, d.Month, d.Year = &web.DatePart{}, &web.DatePart{}, &web.DatePart{}
	if f.Autocomplete == "bday" {
		d.Day.Autocomplete, d.Month.Autocomplete, d.Year.Autocomplete = "bday-day", "bday-month", "bday-year"
	}
	for _, e := range v.wrong {
		if e.Field != f.ID {
			continue
		}
		for _, part := range e.Parts {
			map[string]*web.DatePart{"day": d.Day, "month": d.Month, "year": d.Year}[part].Error = web.On
		}
	}
	return d
}

func (v *formView) radios(f services.Field, reveals map[string]services.Reveal) (web.Component, bool) {
	r := web.Radios{IDPrefix: f.ID, Name: f.ID, Value: v.values.Get(f.ID), Fieldset: v.group(f), Hint: web.HintText(v.hint(f)),
		ErrorMessage: web.ErrorText(v.say(messageOf(v.wrong, f.ID)))}
	if f.Type == services.TypeYesNo {
		f.Options = []services.Option{{Value: "yes", Label: v.both("field.yes")}, {Value: "no", Label: v.both("field.no")}}
	}
	file, conditional := false, false
	for _, o := range f.Options {
		c := web.Choice{Value: o.Value, Text: v.say(o.Label), Hint: web.HintText(v.say(o.Hint))}
		for _, inner := range v.revealed(f, o.Value, reveals) {
			body, isFile := v.ask(inner, reveals)
			if c.Conditional == nil {
				c.Conditional = &web.Reveal{}
			}
			c.Conditional.Body = append(c.Conditional.Body, body)
			file, conditional = file || isFile, true
		}
		r.Items = append(r.Items, c)
	}
	if f.Type == services.TypeYesNo && !conditional {
		r.Classes = "govuk-radios--inline"
	}
	return r, file
}

// revealed are the fields that an option of f shows, their own options worked
// out as if it were chosen.
func (v *formView) revealed(f services.Field, option string, reveals map[string]services.Reveal) []services.Field {
	any := false
	for _, r := range reveals {
		any = any || r.Field == f.ID && r.Option == option
	}
	if !any {
		return nil
	}
	st := v.seen()
	st.Answers = cloned(st.Answers)
	st.Answers[f.ID] = option
	if f.Type == services.TypeYesNo {
		st.Answers[f.ID] = option == "yes"
	}
	var out []services.Field
	for _, inner := range v.a.def.VisibleFields(v.step.page, st) {
		if r, ok := reveals[inner.ID]; ok && r.Field == f.ID && r.Option == option {
			out = append(out, inner)
		}
	}
	return out
}

func (v *formView) both(key string) i18n.Text {
	return i18n.Text{VI: v.pages.T(i18n.VI, "forms."+key), EN: v.pages.T(i18n.EN, "forms."+key)}
}

func (v *formView) choose(f services.Field, label web.Label, hint *web.Hint, msg *web.ErrorMessage) web.Component {
	c := web.Select{ID: f.ID, Name: f.ID, Value: v.values.Get(f.ID), Label: label, Hint: hint, ErrorMessage: msg,
		Items: []web.Option{{Value: "", Text: v.t("field.choose")}}}
	for _, o := range f.Options {
		c.Items = append(c.Items, web.Option{Value: o.Value, Text: v.say(o.Label)})
	}
	return c
}

func (v *formView) boxes(f services.Field, hint *web.Hint, msg *web.ErrorMessage) web.Component {
	c := web.Checkboxes{IDPrefix: f.ID, Name: f.ID, Values: v.values[f.ID], Fieldset: v.group(f), Hint: hint, ErrorMessage: msg}
	for _, o := range f.Options {
		c.Items = append(c.Items, web.Choice{Value: o.Value, Text: v.say(o.Label), Hint: web.HintText(v.say(o.Hint))})
	}
	return c
}

// upload asks for a file, and shows the one that is there.
func (v *formView) upload(f services.Field, label web.Label, hint *web.Hint, msg *web.ErrorMessage) web.Component {
	in := web.FileUpload{ID: f.ID, Name: f.ID, Label: label, Hint: hint, ErrorMessage: msg, JavaScript: true}
	if len(f.Accept) > 0 {
		in.Attributes = web.Attrs{"accept": strings.Join(f.Accept, ",")}
	}
	m, _ := v.a.state().Answers[f.ID].(map[string]any)
	name, _ := m["name"].(string)
	if name == "" {
		return in
	}
	in.Label.Text = v.t("file.another", "label", v.say(f.Label))
	there := web.Group{web.SummaryList{Rows: []web.Row{{
		Key: web.Term{Text: v.say(f.Label)},
		Value: web.Term{Body: []web.Component{web.Link{Text: name, Href: v.a.root() + "/files/" + f.ID},
			web.Paragraph{Text: v.t("file.kept"), Classes: "govuk-hint"}}},
	}}}}
	if f.Optional {
		there = append(there, web.Checkboxes{IDPrefix: f.ID + removeSuffix, Name: f.ID + removeSuffix, Classes: "govuk-checkboxes--small",
			Items: []web.Choice{{Value: "yes", Text: v.t("file.remove", "name", name)}}})
	}
	return append(there, in)
}
