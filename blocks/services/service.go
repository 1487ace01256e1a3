package services

import (
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/rules"
)

// Service is a definition with all its expressions compiled. It never changes
// once loaded, so it may be shared by all requests; callers must not write to
// the definition inside.
type Service struct {
	Definition
	Hash string // of the YAML and the code lists it uses; 64 hex digits
	YAML []byte // as the team wrote it
	File string // where it was read from; "" when it came out of the store

	codes     Codes // only the lists that the definition names
	words     *i18n.Catalog
	env       *rules.Env
	programs  map[string]*rules.Program // by the expression's text
	decisions map[string]*rules.Decision
	templates map[string][]piece // by a message's text
	patterns  map[string]matcher
	fields    map[string]*fieldInfo // by id, pages' fields only
	stages    [][]Evidence
	reveals   map[string]Reveal // by the revealed field's id
	lines     map[string]int    // path in the YAML → line
}

// State is all that an expression can see. Answers may be flat by field id
// ("child.full_name") or nested; both read the same.
type State struct {
	Applicant map[string]any // number, name, birth_date, on_behalf
	Data      map[string]any // by evidence id: nil, a record, or a list of records
	Answers   map[string]any
	Decisions map[string]any // by decision id: map of out columns
	Results   map[string]any // by step id
	Case      map[string]any // see Definition; an i18n.Text speaks the reader's language
	Today     string         // YYYY-MM-DD
}

// FieldRef points at a field that needs the person's attention, and says why.
type FieldRef struct {
	Page, Field string
	Message     i18n.Text
}

// FieldError is one wrong answer. Parts names the inputs of a date that are
// wrong (day, month, year); empty means the field as a whole.
type FieldError struct {
	Field   string
	Parts   []string
	Message i18n.Text
}

// Fact is something known, ready to be shown with where it came from.
type Fact struct {
	Known  Known
	Value  i18n.Text // formatted
	Raw    any
	Source *Evidence // nil when the fact is about the applicant
}

// Reveal says that choosing an option of a field on the same page shows
// another field, which a page can do at once, without a round trip.
type Reveal struct {
	Field  string // the radios or yesno field
	Option string // its value; "yes" or "no" for yesno
}

// Reveals gives, by the id of the revealed field, what reveals it on p. Show
// such a field under the option even while VisibleFields leaves it out:
// Validate ignores what is typed there unless the option is chosen.
func (s *Service) Reveals(p Page) map[string]Reveal {
	out := map[string]Reveal{}
	for _, f := range p.Fields {
		if r, ok := s.reveals[f.ID]; ok {
			out[f.ID] = r
		}
	}
	return out
}

// Page finds a page by its id.
func (s *Service) Page(id string) (Page, bool) {
	for _, p := range s.Definition.Pages {
		if p.ID == id {
			return p, true
		}
	}
	return Page{}, false
}
