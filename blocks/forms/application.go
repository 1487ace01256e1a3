package forms

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
)

// content is the sealed part of an application.
type content struct {
	Applicant   map[string]any        `json:"applicant"` // number, name, birth_date, on_behalf
	Introduced  bool                  `json:"introduced,omitempty"`
	Mandate     string                `json:"mandate,omitempty"`
	Data        map[string]any        `json:"data,omitempty"`     // by evidence id
	Evidence    map[string]asked      `json:"evidence,omitempty"` // by evidence id
	Answers     map[string]any        `json:"answers,omitempty"`  // flat, by field id
	Sources     map[string]Provenance `json:"sources,omitempty"`  // by field id
	Pages       map[string]int        `json:"pages,omitempty"`    // page → version of the application in which it was last completed
	Mended      map[string]any        `json:"mended,omitempty"`   // answers given while correcting
	MendedPages map[string]int        `json:"mended_pages,omitempty"`
	Consented   time.Time             `json:"consented,omitzero"`
	ConsentIn   i18n.Lang             `json:"consent_in,omitempty"` // the language in which the declaration was read
	Resent      time.Time             `json:"resent,omitzero"`
}

// asked is what became of one question to a register.
type asked struct {
	State string    `json:"state"`
	At    time.Time `json:"at"`
}

// What became of a question: it brought an answer (records or none), it did
// not arise, or nobody answered.
const (
	answered    = "answered"
	notNeeded   = "not_needed"
	unavailable = "unavailable"
)

// work is an application in hand.
type work struct {
	row
	def        *services.Service
	content    content
	today      string
	correction *Correction // what may be mended now; nil unless correcting
	freed      []string    // files that this change gave up
}

// state is what expressions see.
func (w *work) state() services.State {
	answers := w.content.Answers
	if w.correction != nil && len(w.content.Mended) > 0 {
		answers = maps.Clone(answers)
		maps.Copy(answers, w.content.Mended)
	}
	return services.State{Applicant: w.content.Applicant, Data: w.content.Data, Answers: answers, Today: w.today}
}

func (w *work) number() string   { s, _ := w.content.Applicant["number"].(string); return s }
func (w *work) name() string     { s, _ := w.content.Applicant["name"].(string); return s }
func (w *work) onBehalf() string { s, _ := w.content.Applicant["on_behalf"].(string); return s }

// open gives the caller their own application. Anybody else's does not exist.
// Errors: forms.not_found, auth.step_up, forms.other_role.
func (x *Forms) open(ctx context.Context, id string) (*work, error) {
	r, err := x.store.one(ctx, id)
	if err != nil {
		return nil, err
	}
	p := auth.From(ctx)
	if !p.IsPerson() || x.d.Keys.Pseudonym(p.Number) != r.subject || r.State == Discarded {
		return nil, notFound()
	}
	w, err := x.unpack(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := assured(w.def, p); err != nil {
		return nil, err
	}
	if r.State == Draft && w.onBehalf() != p.OnBehalf {
		return nil, errs.New(errs.Forbidden, "forms.other_role")
	}
	return w, nil
}

// assured checks that the caller is known well enough for the service.
func assured(def *services.Service, p auth.Principal) error {
	needed := auth.Low
	if def.Applicant.Assurance != "" {
		l, err := auth.ParseLevel(def.Applicant.Assurance)
		if err != nil {
			return err
		}
		needed = max(l, auth.Low)
	}
	if p.Level < needed {
		return errs.New(errs.Forbidden, "auth.step_up", "needed", needed)
	}
	return nil
}

// inHand is open, and asks whether the application was returned.
func (x *Forms) inHand(ctx context.Context, id string) (*work, error) {
	w, err := x.open(ctx, id)
	if err != nil || w.State == Draft {
		return w, err
	}
	w.correction, err = x.d.Cases.Correction(ctx, id)
	if err != nil {
		return nil, err
	}
	w.State = Submitted
	if w.correction != nil {
		w.State = Correcting
	}
	return w, nil
}

func (x *Forms) unpack(ctx context.Context, r row) (*work, error) {
	def, err := x.d.Services.Get(ctx, r.DefHash)
	if err != nil {
		return nil, err
	}
	sealed, err := base64.StdEncoding.DecodeString(r.sealed)
	if err != nil {
		return nil, fmt.Errorf("forms: content of %s: %w", r.ID, err)
	}
	plain, err := x.d.Keys.Unseal(ctx, r.subject, sealed, []byte(r.ID))
	if err != nil {
		return nil, err
	}
	w := &work{row: r, def: def, today: x.today()}
	w.Title = def.Title
	if err := json.Unmarshal(plain, &w.content); err != nil {
		return nil, fmt.Errorf("forms: content of %s: %w", r.ID, err)
	}
	return w, nil
}

func (x *Forms) today() string { return x.d.Clock.Now().In(i18n.Zone()).Format(time.DateOnly) }

func (x *Forms) seal(ctx context.Context, w *work) error {
	plain, err := json.Marshal(w.content)
	if err != nil {
		return fmt.Errorf("forms: content of %s: %w", w.ID, err)
	}
	sealed, err := x.d.Keys.Seal(ctx, w.subject, plain, []byte(w.ID))
	if err != nil {
		return err
	}
	w.sealed = base64.StdEncoding.EncodeToString(sealed)
	return nil
}

// change lets fn change the caller's application and writes it, in one
// transaction. fn sees it as it is now, may run twice and asks nobody outside.
func (x *Forms) change(ctx context.Context, id string, fn func(context.Context, *work) error) error {
	return x.store.write(ctx, func(ctx context.Context) error {
		w, err := x.open(ctx, id)
		if err != nil {
			return err
		}
		if err := fn(ctx, w); err != nil {
			return err
		}
		w.Updated = x.d.Clock.Now()
		if err := x.seal(ctx, w); err != nil {
			return err
		}
		return x.store.update(ctx, w.row)
	})
}

// Start begins an application of the live service for the person of ctx, or
// finds the draft they have already (existed). With again a draft is thrown
// away first. Registers are asked before it returns, see Waiting.
// Errors: services.not_found, auth.step_up, forms.not_on_behalf.
func (x *Forms) Start(ctx context.Context, service string, again bool) (a Application, existed bool, err error) {
	def, p, err := x.mayStart(ctx, service)
	if err != nil {
		return Application{}, false, err
	}
	w, err := x.newDraft(ctx, def, p)
	if err != nil {
		return Application{}, false, err
	}
	old, err := x.store.draft(ctx, w.draftKey)
	if err == nil {
		if existed, err = x.keepsDraft(ctx, old.ID, again); err != nil {
			return Application{}, false, err
		}
		if existed {
			old.Title = def.Title
			return old.Application, true, nil
		}
	} else if errs.KindOf(err) != errs.NotFound {
		return Application{}, false, err
	}
	made, err := x.store.insert(ctx, w.row)
	if err != nil {
		return Application{}, false, err
	}
	if !made { // two windows pressed start
		if w.row, err = x.store.draft(ctx, w.draftKey); err != nil {
			return Application{}, false, err
		}
	}
	_, err = x.gather(ctx, w.ID, missingOnly)
	w.Title = def.Title
	return w.Application, !made, err
}

// keepsDraft decides about a draft that is there when its person starts again:
// one that led nowhere is no use to anybody.
func (x *Forms) keepsDraft(ctx context.Context, id string, again bool) (bool, error) {
	w, err := x.open(ctx, id)
	if err != nil {
		return false, err
	}
	if !again && (w.waiting() || w.def.Stopped(w.state()) == nil) {
		return true, nil
	}
	return false, x.Discard(ctx, id)
}

// mayStart finds the live service and checks that the caller may use it.
func (x *Forms) mayStart(ctx context.Context, service string) (*services.Service, auth.Principal, error) {
	p := auth.From(ctx)
	def, err := x.d.Services.Live(ctx, service)
	if err != nil {
		return nil, p, err
	}
	if err := auth.Person(auth.Low).Of(p); err != nil {
		return nil, p, err
	}
	if def.Pack != nil { // it has no form; see the evidence broker
		return nil, p, errs.New(errs.NotFound, "services.not_found")
	}
	if p.OnBehalf != "" && len(def.Applicant.OnBehalf) == 0 {
		return nil, p, errs.New(errs.Forbidden, "forms.not_on_behalf")
	}
	return def, p, assured(def, p)
}

func (x *Forms) newDraft(ctx context.Context, def *services.Service, p auth.Principal) (*work, error) {
	now := x.d.Clock.Now()
	w := &work{def: def, today: x.today()}
	w.Application = Application{ID: id.New(now), Service: def.ID, DefHash: def.Hash, State: Draft, Created: now, Updated: now}
	w.subject, w.version = x.d.Keys.Pseudonym(p.Number), 1
	if p.OnBehalf != "" {
		w.behalf = x.d.Keys.Pseudonym(p.OnBehalf)
	}
	w.draftKey = w.subject + "/" + def.ID + "/" + w.behalf
	w.content = content{
		Applicant: map[string]any{"number": p.Number, "name": p.Name, "birth_date": "", "on_behalf": p.OnBehalf},
		Mandate:   p.Mandate,
	}
	return w, x.seal(ctx, w)
}

// Drafts gives what the person of ctx has begun in their present role (for
// themselves, or for whom they act), newest first. What was returned for
// correction is not among them: cases knows.
func (x *Forms) Drafts(ctx context.Context) ([]Application, error) {
	behalf := ""
	if p := auth.From(ctx); p.OnBehalf != "" {
		behalf = x.d.Keys.Pseudonym(p.OnBehalf)
	}
	return x.listed(ctx, func(r row) bool { return r.State == Draft && r.behalf == behalf })
}

// Applications gives all that the person of ctx has begun or sent, newest
// first, at most 100.
func (x *Forms) Applications(ctx context.Context) ([]Application, error) {
	return x.listed(ctx, func(row) bool { return true })
}

func (x *Forms) listed(ctx context.Context, want func(row) bool) ([]Application, error) {
	p := auth.From(ctx)
	if !p.IsPerson() {
		return nil, errs.New(errs.Unauthenticated, "auth.sign_in")
	}
	rows, err := x.store.list(ctx, x.d.Keys.Pseudonym(p.Number))
	if err != nil {
		return nil, err
	}
	out := make([]Application, 0, len(rows))
	for _, r := range rows {
		if !want(r) {
			continue
		}
		def, err := x.d.Services.Get(ctx, r.DefHash)
		if err != nil {
			return nil, err
		}
		r.Title = def.Title
		out = append(out, r.Application)
	}
	return out, nil
}

// Application gives the person of ctx their own application. Errors:
// forms.not_found, auth.step_up, forms.other_role.
func (x *Forms) Application(ctx context.Context, id string) (Application, error) {
	w, err := x.inHand(ctx, id)
	if err != nil {
		return Application{}, err
	}
	return w.Application, nil
}

// Discard throws away the caller's draft with its files. Discarding twice does
// nothing. Errors: forms.not_found, forms.already_sent.
func (x *Forms) Discard(ctx context.Context, id string) error {
	var files []string
	var subject string
	err := x.change(ctx, id, func(ctx context.Context, w *work) (err error) {
		if w.State != Draft {
			return errs.New(errs.Conflict, "forms.already_sent")
		}
		if files, err = x.store.held(ctx, id); err != nil {
			return err
		}
		subject = w.subject
		w.State, w.draftKey, w.content = Discarded, id, content{}
		return x.store.release(ctx, id, "")
	})
	if err != nil {
		return err
	}
	x.drop(ctx, subject, files)
	return nil
}
