package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/job"
)

// maxMoves stops a definition that goes round in circles without waiting.
const maxMoves = 50

// work is a case in the machine's hands: what was read, and what has to be
// written with the next step.
type work struct {
	row
	content Content
	def     *services.Service
	history []moment
	running bool // by the machine itself, which need not be woken
}

func (w *work) note(m moment) { w.history = append(w.history, m) }

// runJob moves one case as far as it goes. A step that cannot be done now is
// tried again by the queue; one that can never be done marks the case stuck.
func (c *Cases) runJob(ctx context.Context, j job.Job) error {
	var p runPayload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return job.Permanent(err)
	}
	err := c.run(ctx, p.Case)
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Forbidden, errs.NotFound, errs.Gone:
		if markErr := c.markStuck(ctx, p.Case, errs.CodeOf(err)); markErr != nil {
			return markErr
		}
		return job.Permanent(err)
	default:
		return err
	}
}

func (c *Cases) run(ctx context.Context, id string) error {
	for range maxMoves {
		w, err := c.load(ctx, "id", id)
		if err != nil {
			return err
		}
		if !w.Pending || w.Stuck != "" {
			return nil // a stuck case waits for Resume, whatever wakes the machine
		}
		w.running = true // a crash leaves this job in the queue, so nobody has to be woken
		done, err := c.advance(ctx, w)
		if err != nil || done {
			return err
		}
	}
	return errs.New(errs.Invalid, "cases.endless", "case", id)
}

// advance carries out what is left of the current state and leaves it. The
// effects themselves do a key once, so progress is written once per state:
// after a crash the state begins again and every effect answers as before.
func (c *Cases) advance(ctx context.Context, w *work) (done bool, err error) {
	st, ok := w.def.StateByID(w.State)
	if !ok {
		return false, errs.New(errs.Invalid, "cases.unknown_state", "state", w.State)
	}
	local, err := c.outward(ctx, w, st)
	if err != nil {
		return false, err
	}
	err = c.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		again := w.copy() // Write may run this more than once
		for _, i := range local {
			if err := c.inward(ctx, again, st, i); err != nil {
				return err
			}
		}
		to, moves, err := again.def.NextState(st.ID, c.present(again))
		if err != nil {
			return err
		}
		if moves {
			return c.enter(ctx, again, to)
		}
		again.Pending, again.Step = false, len(st.Steps)
		done = true
		return c.save(ctx, again)
	})
	return done, err
}

// outward does the steps that leave this database's transaction (registers,
// signed documents, refunds) and returns the indexes of the others, which are
// written together with the move. A step after a local one may need its
// outcome, so decisions are taken here too; they change nothing outside.
func (c *Cases) outward(ctx context.Context, w *work, st services.WorkflowState) (local []int, err error) {
	for i := range st.Steps {
		step := st.Steps[i]
		runs, err := w.def.StepRuns(step, c.present(w))
		if err != nil {
			return nil, err
		}
		if !runs {
			continue
		}
		if step.Notify != "" || step.Bill {
			local = append(local, i)
			continue
		}
		if err := c.effect(ctx, w, st, i); err != nil {
			return nil, err
		}
	}
	return local, nil
}

// present is what expressions see when the case is acted on today. What the
// applicant was asked, what the tables decide and what it costs stays with the
// day of the submission, which is State.Today as it is kept: a slow office must
// not turn a timely application into a late one.
func (c *Cases) present(w *work) services.State {
	st := w.content.State
	st.Today = c.d.Calendar.DateOf(c.d.Clock.Now())
	return st
}

// enter puts the case into a state, in the transaction of ctx.
func (c *Cases) enter(ctx context.Context, w *work, to string) error {
	st, ok := w.def.StateByID(to)
	if !ok {
		return errs.New(errs.Invalid, "cases.unknown_state", "state", to)
	}
	now := c.d.Clock.Now()
	w.State, w.Step, w.Visit, w.Stuck = to, 0, w.Visit+1, ""
	w.Pending = len(st.Steps) > 0 || len(st.Next) > 0
	w.Queue, w.Final = st.Queue, st.Final
	if err := c.tick(w, st.Status, now); err != nil {
		return err
	}
	w.note(moment{Moment: Moment{At: now, Kind: "moved", ActorKind: "system", Public: true, Title: st.Title}})
	if err := c.save(ctx, w); err != nil {
		return err
	}
	fact := Fact{Case: w.ID, Service: w.Service, State: to, Status: st.Status, Final: st.Final}
	if err := c.d.Bus.Publish(ctx, EventMoved, w.ID, fact); err != nil {
		return err
	}
	if st.Final == "" {
		return nil
	}
	return c.d.Bus.Publish(ctx, EventDecided, w.ID, fact)
}

// wake asks the machine to run the case, in the transaction of ctx.
func (c *Cases) wake(ctx context.Context, w *work) error {
	if !w.Pending || w.running || w.Stuck != "" {
		return nil
	}
	return c.d.Jobs.Enqueue(ctx, jobRun, runPayload{Case: w.ID}, job.Key(fmt.Sprintf("%s/%d", w.ID, w.Visit)))
}

func (c *Cases) markStuck(ctx context.Context, id, code string) error {
	return c.change(ctx, "id", id, func(ctx context.Context, w *work) error {
		if !w.Pending || w.Stuck != "" {
			return nil // somebody has moved or marked it meanwhile
		}
		w.Stuck = code
		w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "stuck", ActorKind: "system", Title: words("cases.event.stuck", code)}})
		return c.save(ctx, w)
	})
}

// Resume lets the machine try again what a stuck case could not do, once the
// cause is mended. Officers of the owning member and operators may call it, and
// tools that run without a caller. Errors: cases.not_found, cases.own_case,
// cases.not_stuck.
func (c *Cases) Resume(ctx context.Context, id string) error {
	p := auth.From(ctx)
	return c.change(ctx, "id", id, func(ctx context.Context, w *work) error {
		if !p.IsNobody() && !p.HasRole(auth.RoleOperator) {
			if err := c.mayHandle(w, p); err != nil {
				return err
			}
		}
		if w.Stuck == "" {
			return errs.New(errs.Conflict, "cases.not_stuck")
		}
		w.Stuck = ""
		w.note(moment{Moment: Moment{At: c.d.Clock.Now(), Kind: "resumed", ActorKind: "officer", Actor: p.Name, Title: words("cases.event.resumed", "")}, actor: c.person(p)})
		return c.save(ctx, w) // which wakes the machine
	})
}

// tick starts, pauses, resumes or ends the case's clock as the dossier status
// says: 5, 6 and 8 stop it, 9 and 10 end it.
func (c *Cases) tick(w *work, status int, now time.Time) error {
	k, err := parseClock(w.clock)
	if err != nil {
		return err
	}
	w.Status = status
	if w.def.Clock == nil {
		return nil
	}
	k.move(status, w.def.Clock.WorkingDays, now)
	if w.Due = k.due(c.d.Calendar); !w.Due.IsZero() {
		vars := maps.Clone(w.content.State.Case)
		vars["due_on"] = c.d.Calendar.DateOf(w.Due)
		w.content.State.Case = vars
	}
	w.clock, err = k.text()
	return err
}
