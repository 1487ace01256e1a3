package web

import "html/template"

// Label names a form control.
type Label struct {
	Text          string
	HTML          template.HTML
	For           string // filled by the control it belongs to
	Classes       string
	IsPageHeading bool // the label is the page's h1
	Attributes    Attrs
}

// Template implements [Component].
func (Label) Template() string { return "label" }

// Hint is the grey help under a label.
type Hint struct {
	Text       string
	HTML       template.HTML
	ID         string
	Classes    string
	Attributes Attrs
}

// Template implements [Component].
func (Hint) Template() string { return "hint" }

// HintText is a hint with only text, or none when the text is empty.
func HintText(s string) *Hint {
	if s == "" {
		return nil
	}
	return &Hint{Text: s}
}

// ErrorMessage says what is wrong with one answer and how to mend it.
type ErrorMessage struct {
	Text               string
	HTML               template.HTML
	ID                 string
	Classes            string
	VisuallyHiddenText string // "Error" in the reader's language unless set
	NoPrefix           bool   // no hidden "Error:" before the message
	Attributes         Attrs
}

// Template implements [Component].
func (ErrorMessage) Template() string { return "error-message" }

func (m ErrorMessage) view(e *env) any {
	m.VisuallyHiddenText = first(m.VisuallyHiddenText, e.t("web.error"))
	if m.NoPrefix {
		m.VisuallyHiddenText = ""
	}
	return m
}

// ErrorText is an error message with only text, or none when it is empty.
func ErrorText(s string) *ErrorMessage {
	if s == "" {
		return nil
	}
	return &ErrorMessage{Text: s}
}

// Legend is the question that a group of controls answers.
type Legend struct {
	Text          string
	HTML          template.HTML
	Classes       string
	IsPageHeading bool
}

// Fieldset groups controls that answer one question.
type Fieldset struct {
	Legend      Legend
	Classes     string
	Role        string
	DescribedBy string
	Body        []Component
	HTML        template.HTML
	Attributes  Attrs
}

// Template implements [Component].
func (Fieldset) Template() string { return "fieldset" }

// Question is a fieldset with a legend that is the page's heading.
func Question(text string) *Fieldset {
	return &Fieldset{Legend: Legend{Text: text, IsPageHeading: true, Classes: "govuk-fieldset__legend--l"}}
}

// Extra is content put before or after a control.
type Extra struct {
	Text string
	HTML template.HTML
}

func (x *Extra) shown() bool { return x != nil && (x.Text != "" || x.HTML != "") }

// FormGroup adjusts the box around one control.
type FormGroup struct {
	Classes      string
	Attributes   Attrs
	BeforeInput  *Extra // for a single control
	AfterInput   *Extra
	BeforeInputs *Extra // for groups: radios, checkboxes, dates
	AfterInputs  *Extra
}

// group is the form-group frame shared by the templates of all controls.
type group struct {
	Classes string
	Attrs   Attrs
	Error   bool
}

func (f FormGroup) frame(failed bool) group {
	return group{Classes: f.Classes, Attrs: f.Attributes, Error: failed}
}

// field is what the single controls' templates share.
type field struct {
	Group         group
	ID            string
	Label         Label
	Hint          *Hint
	Error         *ErrorMessage
	DescribedBy   string
	Before, After *Extra
}

// parts says where a control's label, hint and message come from.
type parts struct {
	id, name, describedBy string
	label                 Label
	hint                  *Hint
	err                   *ErrorMessage
	group                 FormGroup
}

func (p parts) field() field {
	f := field{
		Group: p.group.frame(p.err != nil), ID: first(p.id, p.name), Label: p.label,
		DescribedBy: p.describedBy, Before: p.group.BeforeInput, After: p.group.AfterInput,
	}
	f.Label.For = f.ID
	f.Hint, f.Error, f.DescribedBy = described(f.ID, p.hint, p.err, p.describedBy)
	return f
}

// described gives hint and message their ids and lists them for aria-describedby.
func described(id string, hint *Hint, msg *ErrorMessage, ids string) (*Hint, *ErrorMessage, string) {
	if hint != nil {
		h := *hint
		h.ID = id + "-hint"
		hint, ids = &h, join(ids, h.ID)
	}
	if msg != nil {
		m := *msg
		m.ID = id + "-error"
		msg, ids = &m, join(ids, m.ID)
	}
	return hint, msg, ids
}
