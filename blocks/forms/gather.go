package forms

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// evidenceLasts is how long an answer of a register is taken for fresh.
const evidenceLasts = 24 * time.Hour

// missingOnly asks only what was not answered yet.
const missingOnly = time.Duration(0)

// gates let one request at a time ask registers for an application, so that
// two windows do not ask twice.
type gates struct {
	mu   sync.Mutex
	held map[string]*gate
}

type gate struct {
	mu      sync.Mutex
	waiting int
}

func (g *gates) lock(id string) (unlock func()) {
	g.mu.Lock()
	if g.held == nil {
		g.held = map[string]*gate{}
	}
	one := g.held[id]
	if one == nil {
		one = &gate{}
		g.held[id] = one
	}
	one.waiting++
	g.mu.Unlock()
	one.mu.Lock()
	return func() {
		one.mu.Unlock()
		g.mu.Lock()
		if one.waiting--; one.waiting == 0 {
			delete(g.held, id)
		}
		g.mu.Unlock()
	}
}

// settle waits until nobody asks registers for the application.
func (g *gates) settle(id string) { g.lock(id)() }

// waiting says that a register which the service cannot do without has not
// answered yet.
func (w *work) waiting() bool {
	return !w.content.Introduced || len(w.waitsFor()) > 0
}

// waitsFor are the registers that must answer first.
func (w *work) waitsFor() []services.Evidence {
	var out []services.Evidence
	for _, e := range w.def.Definition.Evidence {
		a, known := w.content.Evidence[e.ID]
		if e.Missing != "officer" && (!known || a.State == unavailable) {
			out = append(out, e)
		}
	}
	return out
}

// silent are the registers that did not answer and that the officer will ask.
func (w *work) silent() []services.Evidence {
	var out []services.Evidence
	for _, e := range w.def.Definition.Evidence {
		if e.Missing == "officer" && w.content.Evidence[e.ID].State == unavailable {
			out = append(out, e)
		}
	}
	return out
}

// stale says that something a register answered is too old to be sent.
func (w *work) stale(now time.Time) bool {
	for _, a := range w.content.Evidence {
		if a.State != unavailable && now.Sub(a.At) > evidenceLasts {
			return true
		}
	}
	return false
}

// gather asks the registers for what the caller's draft does not know, and
// again for what is older than maxAge (missingOnly: never). changed says that
// something known became something else. No transaction is open meanwhile.
func (x *Forms) gather(ctx context.Context, id string, maxAge time.Duration) (changed bool, err error) {
	defer x.gates.lock(id)()
	w, err := x.open(ctx, id)
	if err != nil || w.State != Draft {
		return false, err
	}
	before := maps.Clone(w.content.Data)
	w.content.Data, w.content.Evidence = cloned(w.content.Data), cloned(w.content.Evidence)
	if err := x.introduce(ctx, w); err != nil {
		return false, err
	}
	if w.content.Introduced {
		for _, round := range w.def.Stages() {
			if err := x.askRound(ctx, w, round, maxAge); err != nil {
				return false, err
			}
		}
	}
	found := w.content
	err = x.change(ctx, id, func(_ context.Context, now *work) error {
		if now.State != Draft {
			return errs.New(errs.Conflict, "forms.already_sent")
		}
		now.content.Applicant, now.content.Introduced = found.Applicant, found.Introduced
		now.content.Data, now.content.Evidence = found.Data, found.Evidence
		return nil
	})
	return !reflect.DeepEqual(plain(before), plain(found.Data)), err
}

func cloned[V any](m map[string]V) map[string]V {
	out := make(map[string]V, len(m))
	maps.Copy(out, m)
	return out
}

// introduce finds out who the applicant is. A directory that is down leaves
// the draft waiting; one that does not know the person, what the session says.
func (x *Forms) introduce(ctx context.Context, w *work) error {
	if w.content.Introduced {
		return nil
	}
	if x.d.People == nil {
		w.content.Introduced = true
		return nil
	}
	p, err := x.d.People.Person(ctx, w.number())
	switch {
	case err == nil:
		w.content.Applicant = cloned(w.content.Applicant)
		w.content.Applicant["birth_date"] = p.BirthDate
		if p.Name != "" {
			w.content.Applicant["name"] = p.Name
		}
	case ctx.Err() != nil:
		return err
	case errs.KindOf(err) != errs.NotFound:
		x.d.Log.LogAttrs(ctx, slog.LevelWarn, "applicant not introduced",
			slog.String("service", w.Service), slog.String("application", w.ID), slog.String("code", errs.CodeOf(err)))
		return nil
	}
	w.content.Introduced = true
	return nil
}

// askRound asks everything of one round at once.
func (x *Forms) askRound(ctx context.Context, w *work, round []services.Evidence, maxAge time.Duration) error {
	type reply struct {
		records []services.Record
		err     error
		at      time.Time
		sent    bool
	}
	replies := make([]reply, len(round))
	st := w.state()
	var wg sync.WaitGroup
	for i, e := range round {
		if !w.due(e, x.d.Clock.Now(), maxAge) {
			continue
		}
		where, arises, err := w.def.EvidenceRequest(e, st)
		if err != nil {
			return err
		}
		if !arises {
			w.content.Evidence[e.ID] = asked{State: notNeeded, At: x.d.Clock.Now()}
			delete(w.content.Data, e.ID)
			continue
		}
		f := Fetch{Owner: w.def.Owner, Evidence: e, Where: where, Subject: w.about(where), Service: w.Service, Issue: w.ID}
		replies[i].sent = true
		wg.Go(func() {
			r := &replies[i]
			r.records, r.err = x.d.Evidence.Fetch(ctx, f)
			r.at = x.d.Clock.Now()
		})
	}
	wg.Wait()
	for i, e := range round {
		r := replies[i]
		switch {
		case !r.sent:
		case r.err == nil:
			w.content.Data[e.ID] = services.EvidenceValue(e, r.records)
			w.content.Evidence[e.ID] = asked{State: answered, At: r.at}
		case ctx.Err() != nil || errors.Is(r.err, context.Canceled):
			return r.err
		default:
			x.d.Log.LogAttrs(ctx, slog.LevelWarn, "evidence not available",
				slog.String("service", w.Service), slog.String("application", w.ID), slog.String("evidence", e.ID),
				slog.String("code", errs.CodeOf(r.err))) // not the text: it may speak of a person
			w.content.Evidence[e.ID] = asked{State: unavailable, At: r.at}
		}
	}
	return nil
}

// due says whether a question is to be asked. A later round waits for what an
// earlier one must bring, since its questions may hang on it.
func (w *work) due(e services.Evidence, now time.Time, maxAge time.Duration) bool {
	for _, earlier := range w.def.Stages() {
		for _, o := range earlier {
			if o.ID == e.ID {
				a, known := w.content.Evidence[e.ID]
				return !known || a.State == unavailable || a.State == notNeeded || maxAge > 0 && now.Sub(a.At) > maxAge
			}
		}
		for _, o := range earlier {
			if a, known := w.content.Evidence[o.ID]; o.Missing != "officer" && (!known || a.State == unavailable) {
				return false
			}
		}
	}
	return false
}

// about is the personal number of whom a question is about.
func (w *work) about(where map[string]string) string {
	if behalf := w.onBehalf(); behalf != "" {
		for _, v := range where {
			if v == behalf {
				return behalf
			}
		}
	}
	return w.number()
}
