package web

import (
	"html/template"
	"time"
)

// Filter narrows a list. It is a form that asks by GET, so that a filtered
// list has an address.
type Filter struct {
	Action    string
	Heading   string
	Selected  []FilterGroup
	ClearHref string
	Body      []Component // the controls
	Submit    string
	Hidden    []Hidden
}

// FilterGroup is what is chosen of one control.
type FilterGroup struct {
	Heading string
	Items   []NavLink // leads to the list without it
}

// Template implements [Component].
func (Filter) Template() string { return "filter" }

func (f Filter) view(e *env) any {
	f.Heading, f.Submit = first(f.Heading, e.t("web.filter")), first(f.Submit, e.t("web.filter.apply"))
	return f
}

// IdentityBar says whose case this is, on top of every page about it.
type IdentityBar struct {
	Title     string
	Reference string // the case's code
	Detail    string // the service
	Tags      []Component
	Facts     []Row
	Actions   []Component
}

// Template implements [Component].
func (IdentityBar) Template() string { return "identity-bar" }

// NavLink is one link of a navigation. Count, when set, is shown beside it.
type NavLink struct {
	Text   string
	Href   string
	Active bool
	Count  string
}

// SideNavigation leads through a section of many pages.
type SideNavigation struct {
	Label    string
	Items    []NavLink
	Sections []NavSection
}

// NavSection is a titled part of a [SideNavigation].
type NavSection struct {
	Heading string
	Items   []NavLink
}

// Template implements [Component].
func (SideNavigation) Template() string { return "side-navigation" }

func (s SideNavigation) view(e *env) any {
	s.Label = first(s.Label, e.t("web.side_navigation"))
	if len(s.Items) > 0 {
		s.Sections = append([]NavSection{{Items: s.Items}}, s.Sections...)
	}
	return s
}

// SubNavigation leads through the views of one thing.
type SubNavigation struct {
	Label string
	Items []NavLink
}

// Template implements [Component].
func (SubNavigation) Template() string { return "sub-navigation" }

func (s SubNavigation) view(e *env) any {
	s.Label = first(s.Label, e.t("web.sub_navigation"))
	return s
}

// MessageList is a conversation, oldest first.
type MessageList struct {
	ID    string
	Label string
	Items []Message
}

// Message is one turn of a [MessageList].
type Message struct {
	ID   string
	From string
	Mine bool // written by the reader's side
	At   time.Time
	Text string // line breaks are kept
	HTML template.HTML
	Body []Component
}

// Template implements [Component].
func (MessageList) Template() string { return "message-list" }

func (m MessageList) view(e *env) any {
	m.ID, m.Label = first(m.ID, "messages"), first(m.Label, e.t("web.messages"))
	return m
}
