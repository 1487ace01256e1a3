package web

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
)

// Choice is one radio button, checkbox or divider.
type Choice struct {
	ID          string
	Name        string // checkboxes only: a name of its own
	Value       string
	Text        string
	HTML        template.HTML
	Label       Label // only its classes and attributes
	Hint        *Hint
	Divider     string // text between choices, such as "or"; nothing else is used
	Checked     Switch // decided by the group's value unless set
	Disabled    bool
	Conditional *Reveal // asked only when this is chosen
	Behaviour   string  // checkboxes: "exclusive" unticks the others
	Attributes  Attrs
}

// Reveal is what shows under a choice once it is made.
type Reveal struct {
	Body []Component
	HTML template.HTML
}

// Radios ask for one of several choices.
type Radios struct {
	IDPrefix     string // Name unless set
	Name         string
	Value        string // the chosen value
	Fieldset     *Fieldset
	Hint         *Hint
	ErrorMessage *ErrorMessage
	FormGroup    FormGroup
	Items        []Choice
	Classes      string // "govuk-radios--inline", "govuk-radios--small"
	Attributes   Attrs
}

// Template implements [Component].
func (Radios) Template() string { return "choices" }

func (r Radios) view(e *env) any {
	c := choices{
		kind: "radios", prefix: first(r.IDPrefix, r.Name), name: r.Name, hint: r.Hint, err: r.ErrorMessage,
		group: r.FormGroup, fieldset: r.Fieldset, items: r.Items,
		Classes: r.Classes, Attributes: r.Attributes,
		chosen: func(v string) bool { return r.Value != "" && v == r.Value },
	}
	return c.view(e)
}

// Checkboxes ask for any number of choices.
type Checkboxes struct {
	IDPrefix     string // Name unless set
	Name         string
	Values       []string // the chosen values
	DescribedBy  string
	Fieldset     *Fieldset
	Hint         *Hint
	ErrorMessage *ErrorMessage
	FormGroup    FormGroup
	Items        []Choice
	Classes      string
	Attributes   Attrs
}

// Template implements [Component].
func (Checkboxes) Template() string { return "choices" }

func (c Checkboxes) view(e *env) any {
	return choices{
		kind: "checkboxes", prefix: first(c.IDPrefix, c.Name), name: c.Name, hint: c.Hint, err: c.ErrorMessage,
		describedBy: c.DescribedBy, group: c.FormGroup, fieldset: c.Fieldset, items: c.Items,
		Classes: c.Classes, Attributes: c.Attributes,
		chosen: func(v string) bool { return slices.Contains(c.Values, v) },
	}.view(e)
}

// choices is the shared shape of radios and checkboxes.
type choices struct {
	kind, prefix, name, describedBy string
	hint                            *Hint
	err                             *ErrorMessage
	group                           FormGroup
	fieldset                        *Fieldset
	items                           []Choice
	chosen                          func(string) bool

	Group         group
	Kind          string // "radios" or "checkboxes", the class prefix
	Hint          *Hint
	Error         *ErrorMessage
	Before, After *Extra
	Classes       string
	Attributes    Attrs
	Items         []choiceView
	Fieldset      *Fieldset
}

type choiceView struct {
	Divider       string
	Attrs         Attrs
	Label         Label
	Hint          *Hint
	Reveal        template.HTML
	RevealID      string
	ConditionalID string
	Checked       bool
}

func (c choices) view(e *env) any {
	c.Kind, c.Group, c.Before, c.After = c.kind, c.group.frame(c.err != nil), c.group.BeforeInputs, c.group.AfterInputs
	ids := c.describedBy
	if c.fieldset != nil && c.fieldset.DescribedBy != "" {
		ids = c.fieldset.DescribedBy
	}
	c.Hint, c.Error, ids = described(c.prefix, c.hint, c.err, ids)
	if c.fieldset != nil {
		f := *c.fieldset
		f.DescribedBy, f.Role, f.Body, f.HTML = ids, "", nil, ""
		c.Fieldset = &f
	} else {
		c.describedBy = ids
	}
	for i, item := range c.items {
		if !hole(item) {
			c.Items = append(c.Items, c.item(e, i+1, item))
		}
	}
	if c.Fieldset != nil {
		inner := c
		inner.Fieldset = nil
		c.Fieldset.HTML = e.execute("choices-inner", inner)
	}
	return c
}

func (c choices) item(e *env, n int, item Choice) choiceView {
	if item.Divider != "" {
		return choiceView{Divider: item.Divider}
	}
	id := item.ID
	if id == "" {
		id = c.prefix
		if n > 1 {
			id += "-" + strconv.Itoa(n)
		}
	}
	v := choiceView{
		Checked: item.Checked == On || item.Checked == Unset && c.chosen(item.Value),
		Label: Label{Text: item.Text, HTML: item.HTML, For: id, Attributes: item.Label.Attributes,
			Classes: join("govuk-"+c.kind+"__label", item.Label.Classes)},
	}
	ids := ""
	if c.kind == "checkboxes" && c.Fieldset == nil {
		ids = c.describedBy
	}
	if h := item.Hint; h != nil && (h.Text != "" || h.HTML != "") {
		v.Hint = &Hint{Text: h.Text, HTML: h.HTML, ID: id + "-item-hint", Attributes: h.Attributes,
			Classes: join("govuk-"+c.kind+"__hint", h.Classes)}
		ids = join(ids, v.Hint.ID)
	}
	attrs := item.Attributes.with("class", "govuk-"+c.kind+"__input", "type", strings.TrimSuffix(c.singular(), "es"),
		"data-behaviour", item.Behaviour, "aria-describedby", ids)
	attrs["id"], attrs["name"], attrs["value"] = id, first(item.Name, c.name), item.Value
	if v.Checked {
		attrs["checked"] = ""
	}
	if item.Disabled {
		attrs["disabled"] = ""
	}
	if item.Conditional != nil {
		v.Reveal = item.Conditional.HTML
		if len(item.Conditional.Body) > 0 {
			v.Reveal = e.html(Group(item.Conditional.Body))
		}
	}
	if v.Reveal != "" {
		v.ConditionalID = "conditional-" + id
		attrs["data-aria-controls"] = v.ConditionalID
	}
	v.Attrs = attrs
	return v
}

func (c choices) singular() string {
	if c.kind == "radios" {
		return "radio"
	}
	return "checkbox"
}

// Option is one entry of a [Select].
type Option struct {
	Value      string
	NoValue    bool // the text is the value
	Text       string
	Selected   Switch
	Disabled   bool
	Attributes Attrs
}

// Select asks for one of a long list. Prefer radios for fewer than about seven.
type Select struct {
	ID, Name     string
	Value        string
	Items        []Option
	Disabled     bool
	DescribedBy  string
	Label        Label
	Hint         *Hint
	ErrorMessage *ErrorMessage
	FormGroup    FormGroup
	Classes      string
	Attributes   Attrs
}

// Template implements [Component].
func (Select) Template() string { return "select" }

type selectView struct {
	field
	Select Select
	Items  []optionView
}

type optionView struct {
	Option
	Attrs Attrs
}

func (s Select) view(*env) any {
	f := parts{s.ID, s.Name, s.DescribedBy, s.Label, s.Hint, s.ErrorMessage, s.FormGroup}.field()
	v := selectView{field: f, Select: s}
	for _, o := range s.Items {
		if hole(o) {
			continue
		}
		attrs := o.Attributes.with()
		effective := o.Value
		if o.NoValue {
			effective = o.Text
		} else {
			attrs["value"] = o.Value
		}
		if o.Selected == On || o.Selected == Unset && s.Value != "" && effective == s.Value {
			attrs["selected"] = ""
		}
		if o.Disabled {
			attrs["disabled"] = ""
		}
		v.Items = append(v.Items, optionView{o, attrs})
	}
	return v
}
