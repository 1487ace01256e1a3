package web

import (
	"html/template"
	"strconv"
	"strings"
)

// Affix is the fixed text before or after what is typed, e.g. "₫".
type Affix struct {
	Text       string
	HTML       template.HTML
	Classes    string
	Attributes Attrs
}

func (a *Affix) shown() bool { return a != nil && (a.Text != "" || a.HTML != "") }

// InputWrapper adjusts the box around an input with affixes.
type InputWrapper struct {
	Classes    string
	Attributes Attrs
}

// Input is one line of text.
type Input struct {
	ID             string // Name unless set
	Name           string
	Type           string // "text" unless set
	InputMode      string // "numeric", "email", "tel": which keyboard a phone shows
	Value          string
	Disabled       bool
	DescribedBy    string
	Label          Label
	Hint           *Hint
	ErrorMessage   *ErrorMessage
	Prefix, Suffix *Affix
	FormGroup      FormGroup
	InputWrapper   InputWrapper
	Classes        string // width: "govuk-input--width-10"
	Autocomplete   string // WCAG 1.3.5 token
	Autocapitalize string
	Pattern        string
	Spellcheck     Switch
	Attributes     Attrs
}

// Template implements [Component].
func (Input) Template() string { return "input" }

type inputView struct {
	field
	Wrapped        bool
	Wrapper        InputWrapper
	Prefix, Suffix *Affix
	Attrs          Attrs
	Value          string
	HasValue       bool
}

func (i Input) view(*env) any {
	f := parts{i.ID, i.Name, i.DescribedBy, i.Label, i.Hint, i.ErrorMessage, i.FormGroup}.field()
	v := inputView{field: f, Wrapper: i.InputWrapper}
	if i.Prefix.shown() {
		v.Prefix = i.Prefix
	}
	if i.Suffix.shown() {
		v.Suffix = i.Suffix
	}
	v.Wrapped = v.Prefix != nil || v.Suffix != nil || f.Before.shown() || f.After.shown()
	failed := ""
	if i.ErrorMessage != nil {
		failed = "govuk-input--error"
	}
	attrs := i.Attributes.with(
		"class", join("govuk-input", i.Classes, failed), "type", first(i.Type, "text"),
		"spellcheck", i.Spellcheck.Text(), "aria-describedby", f.DescribedBy, "autocomplete", i.Autocomplete,
		"autocapitalize", i.Autocapitalize, "pattern", i.Pattern, "inputmode", i.InputMode, "value", i.Value)
	attrs["id"], attrs["name"] = f.ID, i.Name
	if i.Disabled {
		attrs["disabled"] = ""
	}
	v.Attrs = attrs
	return v
}

// Textarea is several lines of text.
type Textarea struct {
	ID, Name     string
	Value        string
	Rows         int // 5 unless set
	Disabled     bool
	DescribedBy  string
	Label        Label
	Hint         *Hint
	ErrorMessage *ErrorMessage
	FormGroup    FormGroup
	Classes      string
	Autocomplete string
	Spellcheck   Switch
	Attributes   Attrs
}

// Template implements [Component].
func (Textarea) Template() string { return "textarea" }

type textareaView struct {
	field
	Area Textarea
}

func (t Textarea) view(*env) any {
	if t.Rows == 0 {
		t.Rows = 5
	}
	f := parts{t.ID, t.Name, t.DescribedBy, t.Label, t.Hint, t.ErrorMessage, t.FormGroup}.field()
	return textareaView{field: f, Area: t}
}

// Plural is a message by plural rule ("one", "other").
type Plural map[string]string

// CharacterCount is a textarea that says how much may still be written.
type CharacterCount struct {
	ID, Name                string
	Value                   string
	Rows                    int
	MaxLength, MaxWords     string // one of them; a number
	Threshold               string // per cent after which the count shows
	CountType               string
	Label                   Label
	Hint                    *Hint
	ErrorMessage            *ErrorMessage
	FormGroup               FormGroup
	Classes                 string
	Spellcheck              Switch
	CountMessage            Hint // only its classes
	TextareaDescriptionText string
	CharactersUnderLimit    Plural
	CharactersAtLimit       string
	CharactersOverLimit     Plural
	WordsUnderLimit         Plural
	WordsAtLimit            string
	WordsOverLimit          Plural
	Attributes              Attrs
}

// Template implements [Component].
func (CharacterCount) Template() string { return "textarea" }

func (c CharacterCount) view(e *env) any {
	id := first(c.ID, c.Name)
	kind, limit := c.CountType, first(c.MaxWords, c.MaxLength)
	if kind == "" && c.MaxWords != "" {
		kind = "words"
	}
	text := ""
	if limit != "" {
		unit := "web.count.characters"
		if kind == "words" {
			unit = "web.count.words"
		}
		text = strings.ReplaceAll(first(c.TextareaDescriptionText, e.t(unit)), "%{count}", limit)
	}
	info := Hint{Text: text, ID: id + "-info", Classes: join("govuk-character-count__message", c.CountMessage.Classes)}
	after := e.html(info)
	if c.FormGroup.AfterInput != nil {
		after += content(c.FormGroup.AfterInput.HTML, c.FormGroup.AfterInput.Text)
	}
	return Textarea{
		ID: id, Name: c.Name, Value: c.Value, Rows: c.Rows, DescribedBy: id + "-info", Spellcheck: c.Spellcheck,
		Label: c.Label, Hint: c.Hint, ErrorMessage: c.ErrorMessage, Attributes: c.Attributes,
		Classes: join("govuk-js-character-count", c.Classes),
		FormGroup: FormGroup{
			Classes: join("govuk-character-count", c.FormGroup.Classes), BeforeInput: c.FormGroup.BeforeInput,
			AfterInput: &Extra{HTML: after}, Attributes: merge(c.script(e, kind, limit), c.FormGroup.Attributes),
		},
	}.view(e)
}

// script is what govuk-frontend's counter reads from the group.
func (c CharacterCount) script(e *env, kind, limit string) Attrs {
	a := Attrs{}.with("data-module", "govuk-character-count", "data-maxlength", c.MaxLength,
		"data-maxwords", c.MaxWords, "data-threshold", c.Threshold, "data-count-type", kind)
	if limit == "" && c.TextareaDescriptionText != "" {
		a["data-i18n.textarea-description.other"] = c.TextareaDescriptionText
	}
	return merge(a,
		i18nAttrs("characters-under-limit", "", e.plural(c.CharactersUnderLimit, "web.count.characters_left")),
		i18nAttrs("characters-at-limit", first(c.CharactersAtLimit, e.script("web.count.characters_none")), nil),
		i18nAttrs("characters-over-limit", "", e.plural(c.CharactersOverLimit, "web.count.characters_over")),
		i18nAttrs("words-under-limit", "", e.plural(c.WordsUnderLimit, "web.count.words_left")),
		i18nAttrs("words-at-limit", first(c.WordsAtLimit, e.script("web.count.words_none")), nil),
		i18nAttrs("words-over-limit", "", e.plural(c.WordsOverLimit, "web.count.words_over")))
}

// PasswordInput is a secret with a button that shows it.
type PasswordInput struct {
	ID, Name             string
	Value                string
	Disabled             bool
	DescribedBy          string
	Label                Label
	Hint                 *Hint
	ErrorMessage         *ErrorMessage
	FormGroup            FormGroup
	Classes              string
	Autocomplete         string // "current-password" unless set
	Button               Button // only its classes
	ShowPassword         string
	HidePassword         string
	ShowPasswordLabel    string
	HidePasswordLabel    string
	PasswordShownNotice  string
	PasswordHiddenNotice string
	Attributes           Attrs
}

// Template implements [Component].
func (PasswordInput) Template() string { return "input" }

func (p PasswordInput) view(e *env) any {
	id := first(p.ID, p.Name)
	toggle := e.html(Button{
		Type: "button", Text: first(p.ShowPassword, e.t("web.password.show")),
		Classes:    join("govuk-button--secondary govuk-password-input__toggle govuk-js-password-input-toggle", p.Button.Classes),
		Attributes: Attrs{"aria-controls": id, "aria-label": first(p.ShowPasswordLabel, e.t("web.password.show_label")), "hidden": ""},
	})
	if p.FormGroup.AfterInput != nil {
		toggle += content(p.FormGroup.AfterInput.HTML, p.FormGroup.AfterInput.Text)
	}
	script := merge(Attrs{"data-module": "govuk-password-input"},
		i18nAttrs("show-password", first(p.ShowPassword, e.script("web.password.show")), nil),
		i18nAttrs("hide-password", first(p.HidePassword, e.script("web.password.hide")), nil),
		i18nAttrs("show-password-aria-label", first(p.ShowPasswordLabel, e.script("web.password.show_label")), nil),
		i18nAttrs("hide-password-aria-label", first(p.HidePasswordLabel, e.script("web.password.hide_label")), nil),
		i18nAttrs("password-shown-announcement", first(p.PasswordShownNotice, e.script("web.password.shown")), nil),
		i18nAttrs("password-hidden-announcement", first(p.PasswordHiddenNotice, e.script("web.password.hidden")), nil))
	return Input{
		ID: id, Name: p.Name, Type: "password", Value: p.Value, Disabled: p.Disabled, DescribedBy: p.DescribedBy,
		Label: p.Label, Hint: p.Hint, ErrorMessage: p.ErrorMessage, Attributes: p.Attributes,
		Spellcheck: Off, Autocapitalize: "none", Autocomplete: first(p.Autocomplete, "current-password"),
		Classes:      join("govuk-password-input__input govuk-js-password-input-input", p.Classes),
		InputWrapper: InputWrapper{Classes: "govuk-password-input__wrapper"},
		FormGroup: FormGroup{
			Classes: join("govuk-password-input", p.FormGroup.Classes), BeforeInput: p.FormGroup.BeforeInput,
			AfterInput: &Extra{HTML: toggle}, Attributes: merge(script, p.FormGroup.Attributes),
		},
	}.view(e)
}

// content prefers HTML to text, as every component does.
func content(h template.HTML, text string) template.HTML {
	if h != "" {
		return h
	}
	return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
}

// Limit writes a number for MaxLength and MaxWords.
func Limit(n int) string { return strconv.Itoa(n) }
