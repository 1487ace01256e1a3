package forms

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"strconv"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// posted is what came in for one page.
type posted struct {
	page    string
	values  url.Values
	files   map[string]upload // by field id
	version int               // the application's version that the person saw; 0 skips the check
}

// verdict is what became of a posted page.
type verdict struct {
	wrong    []services.FieldError
	conflict bool // another window saved this page meanwhile; nothing was written
	again    bool // the answers ask for more on the same page
}

// save takes the answers of one page of the caller's application. Nothing is
// half-written: with a wrong answer only good uploads are kept, so that nobody
// has to send a file twice.
// Errors: forms.not_found, forms.page_closed.
func (x *Forms) save(ctx context.Context, w *work, in posted) (verdict, error) {
	s, _, ok := find(w.steps(), in.page)
	if !ok || !s.open || w.State == Submitted || w.waiting() {
		return verdict{}, errs.New(errs.Conflict, "forms.page_closed")
	}
	shown := w.shown(s.page)
	st := w.withoutRemoved(s.page, in)
	answers, wrong := w.def.Validate(s.page, services.Input{Values: in.values, Files: pending(in.files)}, st)
	wrong = spoilt(in.files, wrong)
	if err := x.keepFiles(ctx, w, in.files, answers); err != nil {
		return verdict{}, err
	}
	v := verdict{wrong: wrong}
	if unasked(wrong, shown) {
		v.wrong, v.again = nil, true
	}
	write := kept{page: s.page, answers: answers, complete: len(wrong) == 0, partly: v.again}
	var freed []string
	err := x.change(ctx, w.ID, func(ctx context.Context, now *work) error {
		v.conflict, freed = false, nil
		now.correction = w.correction
		if now.State == Submitted && w.correction == nil {
			return errs.New(errs.Conflict, "forms.already_sent")
		}
		if in.version > 0 && (now.savedAt(in.page) > in.version || in.version > now.version) {
			v.conflict = true
			return nil
		}
		err := x.put(ctx, now, write)
		freed = now.freed
		return err
	})
	if err == nil {
		x.drop(ctx, w.subject, freed)
	}
	return v, err
}

// shown are the fields of p that the person could see when they sent it.
func (w *work) shown(p services.Page) map[string]bool {
	out := map[string]bool{}
	for _, f := range w.def.VisibleFields(p, w.state()) {
		out[f.ID] = true
	}
	for id := range w.def.Reveals(p) {
		out[id] = true
	}
	return out
}

// unasked says that all that is wrong is about fields nobody has seen yet:
// they appear, and are not called wrong.
func unasked(wrong []services.FieldError, shown map[string]bool) bool {
	for _, e := range wrong {
		if shown[e.Field] {
			return false
		}
	}
	return len(wrong) > 0
}

// withoutRemoved is the state without uploads that the person took back.
func (w *work) withoutRemoved(p services.Page, in posted) services.State {
	st := w.state()
	for _, f := range p.Fields {
		if f.Type == services.TypeFile && in.values.Get(f.ID+removeSuffix) != "" {
			st.Answers = cloned(st.Answers)
			delete(st.Answers, f.ID)
		}
	}
	return st
}

// removeSuffix after a field's id names the box that takes an upload back.
const removeSuffix = "-remove"

// savedAt is the version in which a page was last completed.
func (w *work) savedAt(page string) int {
	if w.correction != nil {
		return w.content.MendedPages[page]
	}
	return w.content.Pages[page]
}

// kept is what is written of a posted page.
type kept struct {
	page     services.Page
	answers  map[string]any
	complete bool // the page is done
	partly   bool // not done, but all that is there is right
}

// put writes the answers of a page, in the transaction of ctx.
func (x *Forms) put(ctx context.Context, w *work, k kept) error {
	for _, f := range k.page.Fields {
		v, given := k.answers[f.ID]
		if !k.complete && !k.partly && (f.Type != services.TypeFile || !given) {
			continue
		}
		if f.Type == services.TypeFile {
			if err := x.holdFile(ctx, w, f.ID, v); err != nil {
				return err
			}
		}
		w.answer(f, v, given)
	}
	if w.correction == nil {
		w.content.Sources = cloned(w.content.Sources)
		for _, f := range k.page.Fields {
			w.source(f, x.provenance(w, k.page, f))
		}
	}
	if !k.complete {
		return nil
	}
	if w.correction != nil {
		w.content.MendedPages = cloned(w.content.MendedPages)
		w.content.MendedPages[k.page.ID] = w.version + 1
		w.State = Correcting
		return nil
	}
	w.content.Pages = cloned(w.content.Pages)
	w.content.Pages[k.page.ID] = w.version + 1
	return nil
}

// answer sets one answer, or takes it away. What is mended stays apart until
// it is sent, null meaning that there is no answer any more.
func (w *work) answer(f services.Field, v any, given bool) {
	if w.correction != nil {
		w.content.Mended = cloned(w.content.Mended)
		w.content.Mended[f.ID] = v
		return
	}
	w.content.Answers = cloned(w.content.Answers)
	if given {
		w.content.Answers[f.ID] = v
	} else {
		delete(w.content.Answers, f.ID)
	}
}

func (w *work) source(f services.Field, p Provenance) {
	old, had := w.content.Sources[f.ID]
	switch {
	case w.content.Answers[f.ID] == nil:
		delete(w.content.Sources, f.ID)
	case !had || old.Source != p.Source || old.Evidence != p.Evidence:
		w.content.Sources[f.ID] = p
	}
}

// provenance compares an answer with what was suggested for it.
func (x *Forms) provenance(w *work, p services.Page, f services.Field) Provenance {
	out := Provenance{Source: Typed, At: x.d.Clock.Now().UTC()}
	if f.Prefill == "" {
		return out
	}
	st := w.state()
	answer := st.Answers[f.ID]
	st.Answers = cloned(st.Answers)
	delete(st.Answers, f.ID)
	suggested, ok := w.def.Prefills(p, st)[f.ID]
	if !ok {
		return out
	}
	out.Source, out.Evidence = Changed, f.Source
	p.Fields = []services.Field{f}
	tidy, _ := w.def.Validate(p, services.Input{Values: typed(f, suggested)}, st)
	if reflect.DeepEqual(plain(tidy[f.ID]), plain(answer)) || reflect.DeepEqual(plain(suggested), plain(answer)) {
		out.Source = Obtained
	}
	return out
}

// typed gives an answer as its inputs would hold it.
func typed(f services.Field, v any) url.Values {
	out := url.Values{}
	if v == nil {
		return out
	}
	switch f.Type {
	case services.TypeDate:
		s, _ := v.(string)
		var y, m, d int
		if n, _ := fmt.Sscanf(s, "%d-%d-%d", &y, &m, &d); n == 3 {
			out.Set(f.ID+"-day", strconv.Itoa(d))
			out.Set(f.ID+"-month", strconv.Itoa(m))
			out.Set(f.ID+"-year", strconv.Itoa(y))
		}
	case services.TypeYesNo:
		out.Set(f.ID, "no")
		if v == true {
			out.Set(f.ID, "yes")
		}
	case services.TypeDeclaration:
		if v == true {
			out.Set(f.ID, "yes")
		}
	case services.TypeCheckboxes:
		list, _ := plain(v).([]any)
		for _, o := range list {
			out.Add(f.ID, fmt.Sprint(o))
		}
	case services.TypeNumber:
		out.Set(f.ID, fmt.Sprint(v))
		if n, ok := plain(v).(float64); ok {
			out.Set(f.ID, strconv.FormatFloat(n, 'f', -1, 64))
		}
	case services.TypeFile:
	default:
		out.Set(f.ID, fmt.Sprint(v))
	}
	return out
}

// inputs gives what the inputs of p hold: the answers, else what is suggested.
func (w *work) inputs(p services.Page) url.Values {
	st := w.state()
	suggested := w.def.Prefills(p, st)
	out := url.Values{}
	for _, f := range p.Fields {
		v := st.Answers[f.ID]
		if v == nil && w.savedAt(p.ID) == 0 {
			v = suggested[f.ID]
		}
		maps.Copy(out, typed(f, v))
	}
	return out
}

// plain gives a value as it is after it was stored, for comparing.
func plain(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var out any
	if json.Unmarshal(b, &out) != nil {
		return v
	}
	return out
}

// spoilt adds what is wrong with uploads that could not even be read. Such a
// field has no other error.
func spoilt(files map[string]upload, wrong []services.FieldError) []services.FieldError {
	out := wrong[:0:0]
	for _, e := range wrong {
		if u, ok := files[e.Field]; ok && !u.fault.IsZero() {
			e.Message = u.fault
		}
		out = append(out, e)
	}
	for field, u := range files {
		if !u.fault.IsZero() && messageOf(out, field).IsZero() {
			out = append(out, services.FieldError{Field: field, Message: u.fault})
		}
	}
	return out
}

func messageOf(wrong []services.FieldError, field string) i18n.Text {
	for _, e := range wrong {
		if e.Field == field {
			return e.Message
		}
	}
	return i18n.Text{}
}
