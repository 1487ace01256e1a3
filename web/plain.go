package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Link is a link that stands alone.
type Link struct {
	Text    string
	Href    string
	Hidden  string // words for screen readers only, after the text: what the link is about
	Classes string
	Lang    string // when the text is not in the page's language
}

// Template implements [Component].
func (Link) Template() string { return "link" }

// ErrorFor gives the error message of one field, nil when it has none.
func ErrorFor(wrong []FieldError, field string) *ErrorMessage {
	for _, e := range wrong {
		if e.Field == field {
			return &ErrorMessage{Text: e.Text}
		}
	}
	return nil
}

// T is a message of the catalogue in the reader's language.
func (r *Renderer) T(lang i18n.Lang, key string, kv ...any) string {
	return r.config.Catalog.T(lang, key, kv...)
}

// Plain is the body of a page that needs no template of its own.
type Plain struct {
	Title   string // the page's heading; empty when a part says it
	Caption string // small words above the heading
	Lead    string // one larger sentence below it
	Parts   []Component
	Aside   []Component // beside the parts on a wide screen, below on a narrow one
}

// Show shows a page made of components: p.Title as its heading, then the parts.
func (r *Renderer) Show(w http.ResponseWriter, req *http.Request, p Page, parts ...Component) error {
	body, ok := p.Data.(Plain)
	if !ok {
		body = Plain{Title: p.Title}
	}
	if body.Parts == nil {
		body.Parts = parts
	}
	p.Data = body
	return r.Page(w, req, "web/parts", p)
}

// Pre is text whose lines stay as they are.
type Pre struct {
	Text string
	Code bool // something to copy, not to read
}

// Template implements [Component].
func (Pre) Template() string { return "pre" }

// InboxList is a list of messages to open, the newest first.
type InboxList []InboxItem

// InboxItem is one message of an [InboxList].
type InboxItem struct {
	Subject, Href, Preview string
	At                     time.Time
	Unread                 bool
}

// Template implements [Component].
func (InboxList) Template() string { return "inbox-list" }

// Personas are people to try a demonstration as, side by side.
type Personas []Component

// Template implements [Component].
func (Personas) Template() string { return "personas" }

// Persona is one of them: who it is, what they are good for, and the button.
type Persona struct {
	Name, Text, Action, Button string
	Hidden                     []Hidden
}

// Template implements [Component].
func (Persona) Template() string { return "persona" }

// Initials stand for a picture: the first letters of the first and last word.
func (p Persona) Initials() string {
	words := strings.Fields(p.Name)
	if len(words) == 0 {
		return ""
	}
	out := string([]rune(words[0])[:1])
	if len(words) > 1 {
		out += string([]rune(words[len(words)-1])[:1])
	}
	return out
}
