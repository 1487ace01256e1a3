package web

import (
	"slices"
	"strings"
)

// FileUpload asks for a file.
type FileUpload struct {
	ID, Name          string
	Disabled          bool
	Multiple          bool
	JavaScript        bool // a drop zone where scripts run
	DescribedBy       string
	Label             Label
	Hint              *Hint
	ErrorMessage      *ErrorMessage
	FormGroup         FormGroup
	Classes           string
	WrapperClasses    string
	WrapperAttributes Attrs
	ChooseFilesButton string
	NoFileChosen      string
	MultipleFiles     Plural
	DropInstruction   string
	EnteredDropZone   string
	LeftDropZone      string
	Attributes        Attrs
}

// Template implements [Component].
func (FileUpload) Template() string { return "file-upload" }

type fileView struct {
	field
	File    FileUpload
	Wrapper Attrs
}

func (u FileUpload) view(e *env) any {
	f := parts{u.ID, u.Name, u.DescribedBy, u.Label, u.Hint, u.ErrorMessage, u.FormGroup}.field()
	script := merge(
		i18nAttrs("choose-files-button", first(u.ChooseFilesButton, e.script("web.file.choose")), nil),
		i18nAttrs("no-file-chosen", first(u.NoFileChosen, e.script("web.file.none")), nil),
		i18nAttrs("multiple-files-chosen", "", e.plural(u.MultipleFiles, "web.file.many")),
		i18nAttrs("drop-instruction", first(u.DropInstruction, e.script("web.file.drop")), nil),
		i18nAttrs("entered-drop-zone", first(u.EnteredDropZone, e.script("web.file.entered")), nil),
		i18nAttrs("left-drop-zone", first(u.LeftDropZone, e.script("web.file.left")), nil),
		u.WrapperAttributes)
	return fileView{field: f, File: u, Wrapper: script}
}

// DatePart is one of the boxes of a [DateInput].
type DatePart struct {
	ID           string
	Name         string // "day", "month", "year" mean the usual boxes
	Label        string
	Value        string
	Classes      string
	InputMode    string
	Autocomplete string
	Pattern      string
	Omit         bool   // leaves out a usual box
	Error        Switch // marks this box; none marked means all are, when the date has an error
	Attributes   Attrs
}

// DateInput asks for a date in three boxes: nobody has to fight a calendar.
type DateInput struct {
	ID               string
	NamePrefix       string // "birth" gives birth-day, birth-month, birth-year
	Items            []DatePart
	Day, Month, Year *DatePart         // adjust one of the usual boxes
	Values           map[string]string // by name, e.g. "birth-day"
	Fieldset         *Fieldset
	Hint             *Hint
	ErrorMessage     *ErrorMessage
	FormGroup        FormGroup
	Classes          string
	Attributes       Attrs
}

// Template implements [Component].
func (DateInput) Template() string { return "date-input" }

// DateValues splits YYYY-MM-DD for [DateInput.Values].
func DateValues(prefix, iso string) map[string]string {
	p := strings.SplitN(iso, "-", 3)
	if len(p) != 3 {
		return nil
	}
	if prefix != "" {
		prefix += "-"
	}
	return map[string]string{
		prefix + "year": p[0], prefix + "month": strings.TrimLeft(p[1], "0"), prefix + "day": strings.TrimLeft(p[2], "0"),
	}
}

type dateView struct {
	Group         group
	Date          DateInput
	Hint          *Hint
	Error         *ErrorMessage
	Before, After *Extra
	Boxes         []Input
	Fieldset      *Fieldset
}

func (d DateInput) view(e *env) any {
	ids := ""
	if d.Fieldset != nil {
		ids = d.Fieldset.DescribedBy
	}
	v := dateView{Group: d.FormGroup.frame(d.ErrorMessage != nil), Date: d, Before: d.FormGroup.BeforeInputs, After: d.FormGroup.AfterInputs}
	v.Hint, v.Error, ids = described(d.ID, d.Hint, d.ErrorMessage, ids)
	parts := slices.DeleteFunc(slices.Clone(d.parts()), func(p DatePart) bool { return hole(p) })
	marked := slices.ContainsFunc(parts, DatePart.marked)
	for _, p := range parts {
		v.Boxes = append(v.Boxes, d.box(e, p, marked))
	}
	if d.Fieldset != nil {
		f := *d.Fieldset
		// role=group: screen readers otherwise skip the description of a
		// fieldset made of text boxes.
		f.Role, f.DescribedBy, f.Body = "group", ids, nil
		f.HTML = e.execute("date-input-inner", v)
		v.Fieldset = &f
	}
	return v
}

func (p DatePart) marked() bool {
	return p.Error == On || strings.Contains(p.Classes, "govuk-input--error")
}

// usual answers which of the three usual boxes p is, if any, and the value set
// for that box.
func (d DateInput) usual(p DatePart) (name, value string) {
	for _, u := range []struct {
		name string
		own  *DatePart
	}{{"day", d.Day}, {"month", d.Month}, {"year", d.Year}} {
		if p.Name == "" || p.Name != u.name && (u.own == nil || p.Name != u.own.Name) {
			continue
		}
		if u.own != nil {
			value = u.own.Value
		}
		return u.name, value
	}
	return "", ""
}

func (d DateInput) parts() []DatePart {
	if len(d.Items) > 0 {
		return d.Items
	}
	usual := []DatePart{{Name: "day"}, {Name: "month"}, {Name: "year"}}
	for i, own := range []*DatePart{d.Day, d.Month, d.Year} {
		if own != nil {
			own := *own
			own.Name = first(own.Name, usual[i].Name)
			usual[i] = own
		}
	}
	return slices.DeleteFunc(usual, func(p DatePart) bool { return p.Omit })
}

func (d DateInput) box(e *env, p DatePart, anyMarked bool) Input {
	usual, set := d.usual(p)
	width, classes := "2", ""
	if usual == "year" {
		width = "4"
	}
	if !strings.Contains(p.Classes, "govuk-input--error") && (p.marked() || p.Error != Off && d.ErrorMessage != nil && !anyMarked) {
		classes = "govuk-input--error"
	}
	if !strings.Contains(p.Classes, "govuk-input--width-") {
		classes = join(classes, "govuk-input--width-"+width)
	}
	name := p.Name
	if d.NamePrefix != "" {
		name = d.NamePrefix + "-" + p.Name
	}
	label := p.Label
	switch {
	case label != "":
	case usual != "" && p.Name == usual:
		label = e.t("web.date." + usual)
	case p.Name != "":
		label = strings.ToUpper(p.Name[:1]) + strings.ToLower(p.Name[1:])
	}
	value := first(p.Value, set, d.Values[name])
	return Input{
		Label: Label{Text: label, Classes: "govuk-date-input__label"}, ID: first(p.ID, d.ID+"-"+p.Name),
		Classes: join("govuk-date-input__input", classes, p.Classes), Name: name, Value: value,
		InputMode: first(p.InputMode, "numeric"), Autocomplete: p.Autocomplete, Pattern: p.Pattern, Attributes: p.Attributes,
	}
}
