package services

import (
	"fmt"
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Preview describes a service page by page, as a person in st would meet it.
type Preview struct {
	Title, Summary string
	Stopped        string // why the person cannot apply; "" when they can
	Pages          []PreviewPage
}

// PreviewPage is one page, on the person's path or not.
type PreviewPage struct {
	ID, Title, Intro string
	When             string // expression; "" is always
	OnPath           bool
	Facts            []PreviewFact
	Fields           []PreviewField
}

// PreviewFact is a fact with its source.
type PreviewFact struct{ Label, Value, Source string }

// PreviewField is a question.
type PreviewField struct {
	ID, Type, Label, Hint string
	When                  string
	Visible, Optional     bool
	Options               []string
	Suggestion            string // what would be filled in already
}

// Preview shows the service in lang to somebody in st. Facts that st does not
// know appear with their expression in brackets.
func (s *Service) Preview(st State, lang i18n.Lang) Preview {
	out := Preview{Title: s.Title.In(lang), Summary: s.Summary.In(lang)}
	if stop := s.Stopped(st); stop != nil {
		out.Stopped = stop.Title.In(lang) + ": " + stop.Message.In(lang)
	}
	onPath := map[string]bool{}
	for _, p := range s.Pages(st) {
		onPath[p.ID] = true
	}
	sc := s.settled(st)
	for _, p := range s.Definition.Pages {
		pp := PreviewPage{ID: p.ID, Title: p.Title.In(lang), Intro: p.Intro.In(lang), When: p.When, OnPath: onPath[p.ID]}
		for _, k := range p.Known {
			pp.Facts = append(pp.Facts, s.previewFact(sc, k, lang))
		}
		suggestions := s.Prefills(p, st)
		for _, f := range p.Fields {
			pf := PreviewField{ID: f.ID, Type: string(f.Type), Label: f.Label.In(lang), Hint: f.Hint.In(lang),
				When: f.When, Visible: sc.truth(f.When), Optional: f.Optional}
			for _, o := range sc.choices(f) {
				pf.Options = append(pf.Options, o.Label.In(lang))
			}
			if v, ok := suggestions[f.ID]; ok {
				pf.Suggestion = s.AnswerText(f, v).In(lang)
			}
			pp.Fields = append(pp.Fields, pf)
		}
		out.Pages = append(out.Pages, pp)
	}
	return out
}

func (s *Service) previewFact(sc *scope, k Known, lang i18n.Lang) PreviewFact {
	f := PreviewFact{Label: k.Label.In(lang), Source: k.Source, Value: "[" + k.Value + "]"}
	if e := s.EvidenceByID(k.Source); e != nil {
		f.Source = e.Title.In(lang)
	}
	if v := sc.value(k.Value); !empty(v) {
		f.Value = s.format(k.Format, v).In(lang)
	}
	return f
}

// String writes the preview for a terminal.
func (p Preview) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", p.Title, p.Summary)
	if p.Stopped != "" {
		fmt.Fprintf(&b, "\n! %s\n", p.Stopped)
	}
	n := 0
	for _, page := range p.Pages {
		mark := "   -"
		if page.OnPath {
			n++
			mark = fmt.Sprintf("%3d.", n)
		}
		fmt.Fprintf(&b, "\n%s %s (%s)\n", mark, page.Title, page.ID)
		if page.When != "" {
			fmt.Fprintf(&b, "       when %s\n", page.When)
		}
		for _, f := range page.Facts {
			fmt.Fprintf(&b, "     = %s: %s  ← %s\n", f.Label, f.Value, f.Source)
		}
		for _, f := range page.Fields {
			f.write(&b)
		}
	}
	return b.String()
}

func (f PreviewField) write(b *strings.Builder) {
	mark := "?"
	if !f.Visible {
		mark = "-"
	}
	fmt.Fprintf(b, "     %s %s [%s]", mark, f.Label, f.Type)
	if f.Optional {
		b.WriteString(" (optional)")
	}
	if f.When != "" {
		fmt.Fprintf(b, " when %s", f.When)
	}
	b.WriteByte('\n')
	for _, o := range f.Options {
		fmt.Fprintf(b, "         ( ) %s\n", o)
	}
	if f.Suggestion != "" {
		fmt.Fprintf(b, "         = %s\n", f.Suggestion)
	}
}
