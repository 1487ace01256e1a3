package workspace

import (
	"maps"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/web"
)

// control is the input of one field of an action's form, with what was typed
// into it before or what an earlier action left.
func (v view) control(f form, q services.Field) web.Component {
	label := q.Label.In(v.lang)
	if q.Optional {
		label = v.t("do.optional", "label", label)
	}
	var hint *web.Hint
	if !q.Hint.IsZero() {
		hint = web.HintText(q.Hint.In(v.lang))
	}
	value, wrong := f.typed.Get(q.ID), web.ErrorFor(f.wrong, q.ID)
	set := &web.Fieldset{Legend: web.Legend{Text: label, Classes: "govuk-fieldset__legend--s"}}
	switch q.Type {
	case services.TypeYesNo:
		return web.Radios{Name: q.ID, Value: value, Fieldset: set, Hint: hint, ErrorMessage: wrong, Classes: "govuk-radios--inline",
			Items: []web.Choice{{Value: "yes", Text: v.t("do.yes")}, {Value: "no", Text: v.t("do.no")}}}
	case services.TypeRadios:
		return web.Radios{Name: q.ID, Value: value, Fieldset: set, Hint: hint, ErrorMessage: wrong, Items: v.choices(q)}
	case services.TypeCheckboxes:
		return web.Checkboxes{Name: q.ID, Values: f.typed[q.ID], Fieldset: set, Hint: hint, ErrorMessage: wrong, Items: v.choices(q)}
	case services.TypeDeclaration:
		return web.Checkboxes{Name: q.ID, Values: f.typed[q.ID], Hint: hint, ErrorMessage: wrong, Items: []web.Choice{{Value: "yes", Text: label}}}
	case services.TypeSelect:
		items := []web.Option{{Value: "", Text: v.t("do.choose")}}
		for _, o := range q.Options {
			items = append(items, web.Option{Value: o.Value, Text: o.Label.In(v.lang)})
		}
		return web.Select{ID: q.ID, Name: q.ID, Value: value, Label: web.Label{Text: label}, Hint: hint, ErrorMessage: wrong, Items: items}
	case services.TypeDate:
		values := map[string]string{}
		maps.Copy(values, web.DateValues(q.ID, value))
		for _, part := range []string{"-day", "-month", "-year"} {
			if f.typed.Has(q.ID + part) {
				values[q.ID+part] = f.typed.Get(q.ID + part)
			}
		}
		return web.DateInput{ID: q.ID, NamePrefix: q.ID, Values: values, Fieldset: set, Hint: hint, ErrorMessage: web.ErrorFor(f.wrong, q.ID+"-day")}
	case services.TypeTextarea:
		if q.MaxLength > 0 {
			return web.CharacterCount{ID: q.ID, Name: q.ID, Value: value, MaxLength: web.Limit(q.MaxLength), Label: web.Label{Text: label}, Hint: hint, ErrorMessage: wrong}
		}
		return web.Textarea{ID: q.ID, Name: q.ID, Value: value, Label: web.Label{Text: label}, Hint: hint, ErrorMessage: wrong}
	}
	in := web.Input{ID: q.ID, Name: q.ID, Value: value, Label: web.Label{Text: label}, Hint: hint, ErrorMessage: wrong}
	switch q.Type {
	case services.TypeNumber:
		in.InputMode, in.Classes = "numeric", "govuk-input--width-10"
	case services.TypeEmail:
		in.Type, in.Spellcheck = "email", web.Off
	case services.TypePhone:
		in.Type = "tel"
	}
	return in
}

func (v view) choices(q services.Field) []web.Choice {
	var out []web.Choice
	for _, o := range q.Options {
		c := web.Choice{Value: o.Value, Text: o.Label.In(v.lang)}
		if !o.Hint.IsZero() {
			c.Hint = web.HintText(o.Hint.In(v.lang))
		}
		out = append(out, c)
	}
	return out
}
