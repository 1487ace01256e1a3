package cases

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/text"
)

// Open takes a submitted application into a case, in the transaction of ctx,
// and returns the case's dossier code. An application that has a case already
// keeps it: its code is returned.
func (c *Cases) Open(ctx context.Context, s Submission) (code string, err error) {
	def, err := c.d.Services.Get(ctx, s.DefHash)
	if err != nil {
		return "", err
	}
	err = c.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		if existing, err := c.store.one(ctx, "application", s.Application); err == nil {
			code = existing.Code
			return nil
		} else if errs.KindOf(err) != errs.NotFound {
			return err
		}
		now := c.d.Clock.Now()
		if code, err = c.dossierCode(ctx, def, now); err != nil {
			return err
		}
		w := &work{def: def, content: Content{
			Number: s.Number, Name: s.Name, OnBehalf: s.OnBehalf, Lang: s.Lang, Channel: s.Channel, State: s.State, Sources: s.Sources,
		}}
		w.content.State.Case = caseVars(code, c.d.Calendar.DateOf(now))
		w.row.Case = Case{
			ID: id.New(now), Code: code, Application: s.Application, Service: def.ID, DefHash: s.DefHash, Member: def.Owner.Member,
			Subject: c.d.Keys.Pseudonym(s.Number), Applicant: s.Name, Opened: now, Updated: now, State: def.Workflow.Start,
		}
		w.applicant = text.Fold(s.Name) + " " + text.Fold(code)
		w.row.Version = 0
		if err := c.insert(ctx, w); err != nil {
			return err
		}
		if err := c.d.Bus.Publish(ctx, EventOpened, w.ID, Fact{Case: w.ID, Service: w.Service, State: w.State, Status: 1}); err != nil {
			return err
		}
		w.row.Version = 1
		return c.enter(ctx, w, def.Workflow.Start)
	})
	return code, err
}

// insert writes the case as it stands before it enters its first state.
func (c *Cases) insert(ctx context.Context, w *work) error {
	if err := c.seal(ctx, w); err != nil {
		return err
	}
	w.Status = 1
	if err := c.store.insert(ctx, w.row); err != nil {
		return err
	}
	w.note(moment{Moment: Moment{At: w.Opened, Kind: "opened", ActorKind: "applicant", Public: true, Title: words("cases.event.opened", "")}})
	return nil
}

// dossierCode is {agency}-{yymmdd}-{daily sequence}, as Vietnamese offices
// write it.
func (c *Cases) dossierCode(ctx context.Context, def *services.Service, now time.Time) (string, error) {
	day := now.In(c.d.Calendar.Zone()).Format("060102")
	n, err := c.store.next(ctx, def.Dossier, day)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s-%s-%04d", def.Dossier, day, n), nil
}

// Resubmit brings back a case that was returned for correction: only the
// fields that the officer named may have changed. It joins the transaction of
// ctx. Errors: cases.not_returned, cases.still_working.
func (c *Cases) Resubmit(ctx context.Context, application string, answers map[string]any) error {
	return c.change(ctx, "application", application, func(ctx context.Context, w *work) error {
		st, _ := w.def.StateByID(w.State)
		to, ok := st.On["corrected"]
		if !ok || w.content.Correction == nil {
			return errs.New(errs.Conflict, "cases.not_returned")
		}
		if w.Pending {
			return errs.New(errs.Conflict, "cases.still_working")
		}
		c.mend(w, answers)
		w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "action", ActorKind: "applicant", Public: true, Title: words("cases.event.corrected", "")}, action: "corrected"})
		return c.enter(ctx, w, to)
	})
}

// mend takes over the answers to the fields that were to be corrected, and
// notes that they come from the applicant now.
func (c *Cases) mend(w *work, answers map[string]any) {
	mended := maps.Clone(w.content.State.Answers)
	sources := maps.Clone(w.content.Sources)
	if sources == nil {
		sources = map[string]Provenance{}
	}
	for _, field := range w.content.Correction.Fields {
		v, ok := answers[field]
		if !ok || reflect.DeepEqual(v, mended[field]) {
			continue
		}
		mended[field] = v
		from := Provenance{Source: "typed", At: c.d.Clock.Now()}
		if was := sources[field]; was.Evidence != "" {
			from.Source, from.Evidence = "changed", was.Evidence
		}
		sources[field] = from
	}
	w.content.State.Answers, w.content.Sources, w.content.Correction = mended, sources, nil
}

// Withdraw ends a case at its applicant's wish, where the service allows it.
// The caller has made sure that it is their case. Errors: cases.not_found,
// cases.cannot_withdraw, cases.still_working.
func (c *Cases) Withdraw(ctx context.Context, application string) error {
	return c.change(ctx, "application", application, func(ctx context.Context, w *work) error {
		st, _ := w.def.StateByID(w.State)
		to := st.On["withdrawn"]
		for _, a := range st.Action {
			if a.Kind == services.Withdraw {
				to = a.To
			}
		}
		if to == "" {
			return errs.New(errs.Conflict, "cases.cannot_withdraw")
		}
		if w.Pending {
			return errs.New(errs.Conflict, "cases.still_working")
		}
		w.content.Correction = nil
		w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "action", ActorKind: "applicant", Public: true, Title: words("cases.event.withdrawn", "")}, action: "withdrawn"})
		return c.enter(ctx, w, to)
	})
}

// load reads a case with its definition and opens its seal.
func (c *Cases) load(ctx context.Context, column, value string) (*work, error) {
	r, err := c.store.one(ctx, column, value)
	if err != nil {
		return nil, err
	}
	w := &work{row: r}
	if w.def, err = c.d.Services.Get(ctx, r.DefHash); err != nil {
		return nil, err
	}
	sealed, err := base64.StdEncoding.DecodeString(r.sealed)
	if err != nil {
		return nil, fmt.Errorf("cases: content of %s: %w", r.ID, err)
	}
	plain, err := c.d.Keys.Unseal(ctx, r.Subject, sealed, []byte(r.ID))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(plain, &w.content); err != nil {
		return nil, fmt.Errorf("cases: content of %s: %w", r.ID, err)
	}
	w.Applicant = w.content.Name
	c.entitle(w.def, &w.row.Case)
	return w, nil
}

func (c *Cases) entitle(def *services.Service, k *Case) {
	k.Title = def.Title
	if st, ok := def.StateByID(k.State); ok {
		k.StateTitle = st.Title
	}
	k.Paused = paused(k.Status)
}

func (c *Cases) seal(ctx context.Context, w *work) error {
	plain, err := json.Marshal(w.content)
	if err != nil {
		return err
	}
	sealed, err := c.d.Keys.Seal(ctx, w.Subject, plain, []byte(w.ID))
	if err != nil {
		return err
	}
	w.sealed = base64.StdEncoding.EncodeToString(sealed)
	return nil
}

// save writes the case and its new history, and wakes the machine if there is
// something left to do. It joins the transaction of ctx.
func (c *Cases) save(ctx context.Context, w *work) error {
	w.Updated = c.d.Clock.Now()
	if err := c.seal(ctx, w); err != nil {
		return err
	}
	if err := c.store.update(ctx, w.row); err != nil {
		return err
	}
	w.row.Version++
	for _, m := range w.history {
		if m.Body != "" {
			sealed, err := c.d.Keys.Seal(ctx, w.Subject, []byte(m.Body), []byte(w.ID))
			if err != nil {
				return err
			}
			m.body = base64.StdEncoding.EncodeToString(sealed)
		}
		if err := c.store.append(ctx, w.ID, m); err != nil {
			return err
		}
	}
	w.history = nil
	return c.wake(ctx, w)
}

// change reads a case, lets fn change it and writes it, in one transaction
// (that of ctx if there is one).
func (c *Cases) change(ctx context.Context, column, value string, fn func(context.Context, *work) error) error {
	return c.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		w, err := c.load(ctx, column, value)
		if err != nil {
			return err
		}
		return fn(ctx, w)
	})
}

// copy lets a transaction function that may run twice begin from the same
// place each time.
func (w *work) copy() *work {
	again := *w
	again.history = slices.Clone(w.history)
	return &again
}

func caseVars(code, submitted string) map[string]any {
	return map[string]any{"code": code, "submitted_on": submitted}
}

// CorrectionOf says what an officer asked the applicant to mend, nil when
// nothing is. Who asks is the caller's matter; forms asks for the applicant.
func (c *Cases) CorrectionOf(ctx context.Context, application string) (*Correction, error) {
	w, err := c.load(ctx, "application", application)
	if errs.KindOf(err) == errs.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if st, _ := w.def.StateByID(w.State); st.On["corrected"] == "" || w.Pending {
		return nil, nil
	}
	return w.content.Correction, nil
}
