package services

import (
	"slices"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Stopped gives the first reason for which the applicant cannot use the
// service, nil when there is none. A rule that lacks evidence does not stop:
// the decision tables look again.
func (s *Service) Stopped(st State) *Eligibility {
	if len(s.Eligible) == 0 {
		return nil
	}
	sc := s.scope(st, i18n.VI)
	for i := range s.Eligible {
		if sc.truth(s.Eligible[i].When) {
			return &s.Eligible[i]
		}
	}
	return nil
}

// settle removes answers that are not on the path: of pages and fields whose
// when is false under the answers that remain. It ends because an answer that
// is gone does not come back.
func (sc *scope) settle() {
	for range len(sc.s.fields) + 1 {
		if !sc.sweep() {
			return
		}
	}
}

func (sc *scope) sweep() (removed bool) {
	for i := range sc.s.Definition.Pages {
		p := &sc.s.Definition.Pages[i]
		onPath := sc.truth(p.When)
		for j := range p.Fields {
			f := sc.s.fields[p.Fields[j].ID]
			if sc.answer(f) == nil || onPath && sc.truth(f.field.When) {
				continue
			}
			sc.set(f, nil)
			removed = true
		}
	}
	return removed
}

func (s *Service) settled(st State) *scope {
	sc := s.scope(st, i18n.VI)
	sc.settle()
	return sc
}

// Pages gives the pages on the person's path, in order, worked out anew from
// the answers. A page on which nothing would be shown is left out.
func (s *Service) Pages(st State) []Page {
	sc := s.settled(st)
	out := make([]Page, 0, len(s.Definition.Pages))
	for _, p := range s.Definition.Pages {
		if sc.truth(p.When) && sc.hasContent(p) {
			out = append(out, p)
		}
	}
	return out
}

func (sc *scope) hasContent(p Page) bool {
	for _, f := range p.Fields {
		if sc.truth(f.When) {
			return true
		}
	}
	for _, k := range p.Known {
		if sc.truth(k.When) && !empty(sc.value(k.Value)) {
			return true
		}
	}
	return len(p.Fields) == 0 && len(p.Known) == 0
}

// VisibleFields gives the fields of p that are asked now. Their Options are
// resolved: from the code list, and without those whose when is false.
func (s *Service) VisibleFields(p Page, st State) []Field {
	sc := s.settled(st)
	return sc.visible(p.Fields)
}

// ActionFields gives the fields of an action's form as VisibleFields does.
func (s *Service) ActionFields(a Action, st State) []Field {
	return s.scope(st, i18n.VI).visible(a.Form)
}

func (sc *scope) visible(fields []Field) []Field {
	out := make([]Field, 0, len(fields))
	for _, f := range fields {
		if !sc.truth(f.When) {
			continue
		}
		f.Options = sc.choices(f)
		out = append(out, f)
	}
	return out
}

// choices gives the options that may be chosen now.
func (sc *scope) choices(f Field) []Option {
	all := f.Options
	if f.OptionsFrom != "" {
		all = sc.s.options(f.OptionsFrom)
	}
	if !slices.ContainsFunc(all, func(o Option) bool { return o.When != "" }) {
		return all
	}
	out := make([]Option, 0, len(all))
	for _, o := range all {
		if sc.truth(o.When) {
			out = append(out, o)
		}
	}
	return out
}

// KnownFacts gives what is known on p, without what is empty.
func (s *Service) KnownFacts(p Page, st State) []Fact {
	sc := s.settled(st)
	out := make([]Fact, 0, len(p.Known))
	for _, k := range p.Known {
		if !sc.truth(k.When) {
			continue
		}
		raw := sc.value(k.Value)
		if empty(raw) {
			continue
		}
		out = append(out, Fact{Known: k, Raw: raw, Value: s.format(k.Format, raw), Source: s.EvidenceByID(k.Source)})
	}
	return out
}

// Prefills gives suggestions for the visible fields of p that have no answer
// yet, by field id. The person may change them.
func (s *Service) Prefills(p Page, st State) map[string]any {
	sc := s.settled(st)
	out := map[string]any{}
	for _, f := range p.Fields {
		info := s.fields[f.ID]
		if f.Prefill == "" || info == nil || sc.answer(info) != nil || !sc.truth(f.When) {
			continue
		}
		if v := sc.value(f.Prefill); !empty(v) {
			out[f.ID] = v
		}
	}
	return out
}

// Prune gives the answers that count: those of fields on the path, flat by
// field id. What was typed on a path that was left is not among them.
func (s *Service) Prune(st State) map[string]any {
	sc := s.settled(st)
	out := make(map[string]any, len(s.fields))
	for id, f := range s.fields {
		if v := sc.answer(f); v != nil {
			out[id] = v
		}
	}
	return out
}

// Complete checks all answers on the path as if they were typed now and gives
// the fields that still need attention, in the order of the form. None means
// that the application may be submitted.
func (s *Service) Complete(st State) []FieldRef {
	sc := s.settled(st)
	var out []FieldRef
	for _, p := range s.Definition.Pages {
		if !sc.truth(p.When) {
			continue
		}
		for j := range p.Fields {
			f := s.fields[p.Fields[j].ID]
			if !sc.truth(f.field.When) {
				continue
			}
			if _, fe := sc.check(*f.field, sc.answer(f)); fe != nil {
				out = append(out, FieldRef{Page: p.ID, Field: f.field.ID, Message: fe.Message})
			}
		}
	}
	return out
}

// EvidenceByID finds evidence, nil when there is none of that id.
func (s *Service) EvidenceByID(id string) *Evidence {
	for i := range s.Definition.Evidence {
		if s.Definition.Evidence[i].ID == id {
			return &s.Definition.Evidence[i]
		}
	}
	return nil
}

// empty says whether there is nothing to show.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case []string:
		return len(v) == 0
	}
	return false
}
