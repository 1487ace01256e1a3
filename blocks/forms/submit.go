package forms

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// errSent ends a transaction that has nothing left to do.
var errSent = errors.New("forms: sent already")

func incomplete() error { return errs.New(errs.Conflict, "forms.incomplete") }

// submit sends the caller's draft: it becomes a case in the same transaction.
// Sending twice gives the same code. The caller has the person's declaration.
// Errors: forms.incomplete, forms.facts_changed (registers know better by now:
// show the answers again), forms.not_found.
func (x *Forms) submit(ctx context.Context, id string, lang i18n.Lang) (code string, err error) {
	w, err := x.open(ctx, id)
	if err != nil || w.State != Draft {
		return w.codeOrNone(), err
	}
	if w.waiting() || !w.ready() || w.def.Stopped(w.state()) != nil {
		return "", incomplete()
	}
	if w.stale(x.d.Clock.Now()) {
		changed, err := x.gather(ctx, id, evidenceLasts)
		if err != nil {
			return "", err
		}
		if changed {
			return "", errs.New(errs.Conflict, "forms.facts_changed")
		}
	}
	err = x.change(ctx, id, func(ctx context.Context, w *work) error {
		if w.State != Draft { // the other window was faster
			code = w.Code
			return errSent
		}
		if w.waiting() || !w.ready() || w.def.Stopped(w.state()) != nil {
			return incomplete()
		}
		now := x.d.Clock.Now()
		w.content.Consented, w.content.ConsentIn = now.UTC(), lang
		w.content.Answers = w.def.Prune(w.state())
		if code, err = x.d.Cases.Open(ctx, w.submission(lang)); err != nil {
			return err
		}
		w.State, w.Code, w.draftKey, w.Submitted = Submitted, code, w.ID, now
		return nil
	})
	if errors.Is(err, errSent) {
		err = nil
	}
	return code, err
}

func (w *work) codeOrNone() string {
	if w == nil {
		return ""
	}
	return w.Code
}

func (w *work) submission(lang i18n.Lang) Submission {
	s := Submission{
		Application: w.ID, Service: w.Service, DefHash: w.DefHash, Number: w.number(), Name: w.name(), OnBehalf: w.onBehalf(),
		Lang: lang, Channel: "online", State: w.state(), Sources: map[string]Provenance{},
	}
	for field, p := range w.content.Sources {
		if s.State.Answers[field] != nil {
			s.Sources[field] = p
		}
	}
	for _, e := range w.silent() {
		s.Unavailable = append(s.Unavailable, e.ID)
	}
	return s
}

// resubmit sends back what was mended. Sending twice does it once.
// Errors: forms.incomplete, forms.not_found and what cases says.
func (x *Forms) resubmit(ctx context.Context, id string) error {
	w, err := x.inHand(ctx, id)
	if err != nil || w.State != Correcting {
		return err
	}
	if !w.ready() {
		return incomplete()
	}
	correction := w.correction
	var old []string
	err = x.change(ctx, id, func(ctx context.Context, w *work) error {
		if len(w.content.MendedPages) == 0 { // the other window was faster
			return errSent
		}
		w.correction = correction
		answers := w.def.Prune(w.state())
		for field, v := range w.content.Mended {
			if v == nil {
				answers[field] = nil // taken back, which leaving it out would not say
			}
		}
		if err := x.d.Cases.Resubmit(ctx, id, answers); err != nil {
			return err
		}
		if old, err = x.moveFiles(ctx, w); err != nil {
			return err
		}
		now := x.d.Clock.Now()
		w.remember(now.UTC())
		w.content.Answers = w.def.Prune(w.state())
		w.content.Mended, w.content.MendedPages, w.content.Resent = nil, nil, now.UTC()
		w.State = Submitted
		return nil
	})
	if errors.Is(err, errSent) {
		return nil
	}
	if err == nil {
		x.drop(ctx, w.subject, old)
	}
	return err
}

// remember notes that what was mended comes from the applicant now.
func (w *work) remember(now time.Time) {
	w.content.Sources = cloned(w.content.Sources)
	for field, v := range w.content.Mended {
		if v == nil {
			delete(w.content.Sources, field)
			continue
		}
		if reflect.DeepEqual(plain(v), plain(w.content.Answers[field])) {
			continue
		}
		from := Provenance{Source: Typed, At: now}
		if was := w.content.Sources[field]; was.Evidence != "" {
			from.Source, from.Evidence = Changed, was.Evidence
		}
		w.content.Sources[field] = from
	}
}

// moveFiles lets the files of the correction take the place of those that were
// sent, and gives the ones that nobody needs any more.
func (x *Forms) moveFiles(ctx context.Context, w *work) (old []string, err error) {
	for field, v := range w.content.Mended {
		f, _, ok := w.def.FieldByID(field)
		if !ok || f.Type != services.TypeFile {
			continue
		}
		if before := hashOf(w.content.Answers[field]); before != "" {
			old = append(old, before)
		}
		if err := x.store.release(ctx, w.ID, field+mendedSuffix); err != nil {
			return nil, err
		}
		if hash := hashOf(v); hash == "" {
			err = x.store.release(ctx, w.ID, field)
		} else {
			_, err = x.store.hold(ctx, stored{w.ID, field, w.subject, hash})
		}
		if err != nil {
			return nil, err
		}
	}
	return old, nil
}
