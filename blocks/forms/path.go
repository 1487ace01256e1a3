package forms

import (
	"slices"

	"github.com/dinh-gov/dinh/blocks/services"
)

// step is one page on the person's way.
type step struct {
	page services.Page // while correcting: with only the fields that may be changed
	done bool
	open bool // may be opened now: everything before it is done
	held bool // locked while other fields are corrected
}

// steps works out the way from the answers. While correcting only pages with
// fields to mend are open.
func (w *work) steps() []step {
	st := w.state()
	missing := map[string]bool{}
	wanting := map[string]bool{}
	for _, f := range w.def.Complete(st) {
		missing[f.Page], wanting[f.Field] = true, true
	}
	pages := w.def.Pages(st)
	out := make([]step, 0, len(pages))
	open := true
	for _, p := range pages {
		s := step{page: p}
		if w.correction != nil {
			s.page.Fields = w.mendable(p, wanting)
			s.held = len(s.page.Fields) == 0
			s.open = !s.held
			s.done = w.content.MendedPages[p.ID] > 0 && !missing[p.ID]
			out = append(out, s)
			continue
		}
		s.open = open
		s.done = w.content.Pages[p.ID] > 0 && !missing[p.ID]
		open = open && s.done
		out = append(out, s)
	}
	return out
}

// mendable are the fields of p that the officer named, and those that a new
// answer made necessary.
func (w *work) mendable(p services.Page, wanting map[string]bool) []services.Field {
	var out []services.Field
	reveals := w.def.Reveals(p)
	for _, f := range p.Fields {
		named := slices.Contains(w.correction.Fields, f.ID)
		revealed := slices.Contains(w.correction.Fields, reveals[f.ID].Field)
		_, mended := w.content.Mended[f.ID]
		if named || revealed || mended || wanting[f.ID] {
			out = append(out, f)
		}
	}
	return out
}

// todo gives the first page that is not done; false when all are.
func todo(steps []step) (services.Page, bool) {
	for _, s := range steps {
		if s.open && !s.done {
			return s.page, true
		}
	}
	return services.Page{}, false
}

func find(steps []step, page string) (step, int, bool) {
	i := slices.IndexFunc(steps, func(s step) bool { return s.page.ID == page })
	if i < 0 {
		return step{}, 0, false
	}
	return steps[i], i, true
}

// ready says that nothing is left to answer.
func (w *work) ready() bool {
	if _, left := todo(w.steps()); left {
		return false
	}
	return len(w.def.Complete(w.state())) == 0
}
