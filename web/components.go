package web

import (
	"fmt"
	"html/template"
	"strings"
)

// Button sends a form, or looks like it and leads somewhere when Href is set.
type Button struct {
	Text               string
	HTML               template.HTML
	ID, Name, Value    string
	Type               string // "submit" unless set
	Href               string
	Disabled           bool
	Classes            string // "govuk-button--secondary", "govuk-button--warning"
	IsStart            bool   // the big first step of a service
	PreventDoubleClick Switch
	Attributes         Attrs
}

// Template implements [Component].
func (Button) Template() string { return "button" }

type buttonView struct {
	Button
	Class string
	Attrs Attrs
}

func (b Button) view(*env) any {
	start := ""
	if b.IsStart {
		start = "govuk-button--start"
	}
	v := buttonView{Button: b, Class: join("govuk-button", b.Classes, start)}
	v.Attrs = b.Attributes.with("data-module", "govuk-button", "id", b.ID)
	if b.Href == "" {
		v.Attrs = v.Attrs.with("name", b.Name, "value", b.Value, "data-prevent-double-click", b.PreventDoubleClick.Text())
		if b.Disabled {
			v.Attrs["disabled"], v.Attrs["aria-disabled"] = "", "true"
		}
	}
	return v
}

// BackLink leads to the page before.
type BackLink struct {
	Text       string // "Back" in the reader's language unless set
	HTML       template.HTML
	Href       string
	Classes    string
	Attributes Attrs
}

// Template implements [Component].
func (BackLink) Template() string { return "back-link" }

func (b BackLink) view(e *env) any {
	b.Text, b.Href = first(b.Text, e.t("web.back")), first(b.Href, "#")
	return b
}

// Crumb is one step of [Breadcrumbs]; without Href it is the page itself.
type Crumb struct {
	Text       string
	HTML       template.HTML
	Href       string
	Attributes Attrs
}

// Breadcrumbs show where a page stands.
type Breadcrumbs struct {
	Items            []Crumb
	LabelText        string
	Classes          string
	CollapseOnMobile bool
	Attributes       Attrs
}

// Template implements [Component].
func (Breadcrumbs) Template() string { return "breadcrumbs" }

func (b Breadcrumbs) view(e *env) any {
	b.LabelText = first(b.LabelText, e.t("web.breadcrumbs"))
	return b
}

// Details hides what only some people need.
type Details struct {
	SummaryText string
	SummaryHTML template.HTML
	Text        string
	HTML        template.HTML
	Body        []Component
	ID          string
	Open        bool
	Classes     string
	Attributes  Attrs
}

// Template implements [Component].
func (Details) Template() string { return "details" }

// ErrorLink is one line of an [ErrorSummary], leading to the wrong field.
type ErrorLink struct {
	Text       string
	HTML       template.HTML
	Href       string // "#id-of-the-field"
	Attributes Attrs
}

// ErrorSummary lists everything that is wrong on a page, at its top.
type ErrorSummary struct {
	TitleText        string
	TitleHTML        template.HTML
	DescriptionText  string
	DescriptionHTML  template.HTML
	ErrorList        []ErrorLink
	DisableAutoFocus Switch
	Classes          string
	Attributes       Attrs
}

// Template implements [Component].
func (ErrorSummary) Template() string { return "error-summary" }

// InsetText sets a passage apart.
type InsetText struct {
	Text       string
	HTML       template.HTML
	Body       []Component
	ID         string
	Classes    string
	Attributes Attrs
}

// Template implements [Component].
func (InsetText) Template() string { return "inset-text" }

// NotificationBanner tells something that is not about the page's own task.
type NotificationBanner struct {
	Text              string
	HTML              template.HTML
	Body              []Component
	TitleText         string
	TitleHTML         template.HTML
	TitleHeadingLevel string // "2" unless set
	TitleID           string
	Type              string // "success", or empty
	Role              string
	DisableAutoFocus  Switch
	Classes           string
	Attributes        Attrs
}

// Template implements [Component].
func (NotificationBanner) Template() string { return "notification-banner" }

func (n NotificationBanner) view(e *env) any {
	success := n.Type == "success"
	role, title := "region", "web.banner.important"
	if success {
		role, title = "alert", "web.banner.success"
		n.Classes = join("govuk-notification-banner--success", n.Classes)
	}
	n.Role, n.TitleText = first(n.Role, role), first(n.TitleText, e.t(title))
	n.TitleID = first(n.TitleID, "govuk-notification-banner-title")
	n.TitleHeadingLevel = first(n.TitleHeadingLevel, "2")
	n.Text = strings.TrimSpace(n.Text)
	return n
}

// Panel confirms that something is done, or stops for a warning (interruption).
type Panel struct {
	TitleText    string
	TitleHTML    template.HTML
	HeadingLevel string // "1" unless set
	Text         string
	HTML         template.HTML
	Body         []Component
	Actions      *PanelActions // only with Classes "govuk-panel--interruption"
	Classes      string
	Attributes   Attrs
}

// PanelActions are the ways on from an interruption.
type PanelActions struct {
	Items      []PanelAction
	Classes    string
	Attributes Attrs
}

// PanelAction is a button, or a link when Href is set and Type is not "button".
type PanelAction struct {
	Text       string
	Type       string
	Href       string
	Classes    string
	Attributes Attrs
}

// Link says whether the action is a plain link.
func (a PanelAction) Link() bool { return a.Href != "" && a.Type != "button" }

// Button is the action as a button.
func (a PanelAction) Button() Button {
	return Button{Text: a.Text, Type: first(a.Type, "button"), Href: a.Href, Attributes: a.Attributes,
		Classes: join("govuk-button--inverse", a.Classes)}
}

// Template implements [Component].
func (Panel) Template() string { return "panel" }

func (p Panel) view(*env) any {
	p.HeadingLevel = first(p.HeadingLevel, "1")
	if !strings.Contains(p.Classes, "govuk-panel--interruption") {
		p.Actions = nil
		p.Classes = join("govuk-panel--confirmation", p.Classes)
	}
	return p
}

// Tag is a short status word.
type Tag struct {
	Text       string
	HTML       template.HTML
	Classes    string // "govuk-tag--green"
	Attributes Attrs
}

// Template implements [Component].
func (Tag) Template() string { return "tag" }

// Coloured is a tag of a colour: grey, green, teal, blue, purple, magenta, red, orange, yellow.
func Coloured(colour, text string) Tag {
	t := Tag{Text: text}
	if colour != "" {
		t.Classes = "govuk-tag--" + colour
	}
	return t
}

// PhaseBanner says that a service is still being tried out.
type PhaseBanner struct {
	Tag        Tag
	Text       string
	HTML       template.HTML
	Classes    string
	Attributes Attrs
}

// Template implements [Component].
func (PhaseBanner) Template() string { return "phase-banner" }

func (p PhaseBanner) view(*env) any {
	p.Tag.Classes = join("govuk-phase-banner__content__tag", p.Tag.Classes)
	p.Tag.Attributes = nil
	return p
}

// WarningText warns of a consequence.
type WarningText struct {
	Text             string
	HTML             template.HTML
	IconFallbackText string
	Classes          string
	Attributes       Attrs
}

// Template implements [Component].
func (WarningText) Template() string { return "warning-text" }

func (w WarningText) view(e *env) any {
	w.IconFallbackText = first(w.IconFallbackText, e.t("web.warning"))
	return w
}

// SkipLink jumps over the header for people who use a keyboard.
type SkipLink struct {
	Text       string
	HTML       template.HTML
	Href       string // "#content" unless set
	Classes    string
	Attributes Attrs
}

// Template implements [Component].
func (SkipLink) Template() string { return "skip-link" }

func (s SkipLink) view(*env) any {
	s.Href = first(s.Href, "#content")
	return s
}

// Tabs show one of several panels; without scripts all follow one another.
type Tabs struct {
	ID, IDPrefix string
	Title        string // "Contents" in the reader's language unless set
	Items        []Tab
	Classes      string
	Attributes   Attrs
}

// Tab is one panel of [Tabs] with its name.
type Tab struct {
	ID         string
	Label      string
	Panel      TabPanel
	Attributes Attrs
}

// TabPanel is what a tab shows.
type TabPanel struct {
	Text       string
	HTML       template.HTML
	Body       []Component
	Attributes Attrs
}

// Template implements [Component].
func (Tabs) Template() string { return "tabs" }

func (t Tabs) view(e *env) any {
	t.Title = first(t.Title, e.t("web.contents"))
	items := make([]Tab, 0, len(t.Items))
	for i, item := range t.Items {
		if hole(item) {
			continue
		}
		item.ID = first(item.ID, fmt.Sprintf("%s-%d", t.IDPrefix, i+1))
		items = append(items, item)
	}
	t.Items = items
	return t
}
