package transparency

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
)

// ReaderKind says in which right somebody read another person's list.
type ReaderKind string

// The kinds of readers.
const (
	ReaderParent    ReaderKind = "parent"
	ReaderInspector ReaderKind = "inspector"
)

// Reading is one look of somebody else into a person's list of accesses.
type Reading struct {
	ID     string
	At     time.Time
	Kind   ReaderKind
	Reader string // an officer's id, or a parent's pseudonym
	Member string // the officer's member, "GOV/MPS"
	Event  string // the one event that was opened; empty: the list
	Reason string // the officer's words
}

// whose is the list that is being read.
type whose struct {
	subject string
	child   *Child // nil: the reader's own
	ref     string // of the child
	reader  string // the reader's pseudonym
}

// Ref is how a child is called in addresses: it says nothing to others and is
// good for this parent only.
type Ref struct {
	Child
	Ref string
}

// Family lists the children under age whose lists the person of ctx may read. To know
// them takes a look into the registers, which is an access of its own; it is
// remembered for five minutes.
func (t *Transparency) Family(ctx context.Context) ([]Ref, error) {
	who, err := person(ctx)
	if err != nil || t.d.Children == nil {
		return nil, err
	}
	children, err := t.childrenOf(ctx, who.Number)
	if err != nil {
		return nil, err
	}
	out := make([]Ref, len(children))
	for i, c := range children {
		out[i] = Ref{Child: c, Ref: t.refOf(who.Number, c)}
	}
	return out, nil
}

func (t *Transparency) refOf(parent string, c Child) string {
	return t.d.Keys.Pseudonym("transparency\x00child\x00" + parent + "\x00" + c.Number)[:20]
}

const (
	familyFor = 5 * time.Minute
	families  = 10_000 // remembered at most
)

func (t *Transparency) childrenOf(ctx context.Context, number string) ([]Child, error) {
	parent, now := t.d.Keys.Pseudonym(number), t.d.Clock.Now()
	t.mu.Lock()
	f, ok := t.kids[parent]
	t.mu.Unlock()
	if ok && now.Before(f.until) {
		return f.children, nil
	}
	all, err := t.d.Children.Children(ctx, number)
	if err != nil {
		return nil, err
	}
	children := slices.DeleteFunc(slices.Clone(all), func(c Child) bool { return !underAge(c.BirthDate, now) })
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kids) >= families {
		clear(t.kids)
	}
	t.kids[parent] = family{children: children, until: now.Add(familyFor)}
	return children, nil
}

const ageOfMajority = 18

func underAge(birth string, now time.Time) bool {
	b, err := time.ParseInLocation(time.DateOnly, birth, i18n.Zone())
	return err == nil && now.Before(b.AddDate(ageOfMajority, 0, 0))
}

func person(ctx context.Context) (auth.Principal, error) {
	who := auth.From(ctx)
	if !who.IsPerson() {
		return who, errs.New(errs.Forbidden, "transparency.not_a_person")
	}
	return who, nil
}

// whose decides whose list the person of ctx may read.
func (t *Transparency) whose(ctx context.Context, ref string) (whose, error) {
	who, err := person(ctx)
	if err != nil {
		return whose{}, err
	}
	w := whose{subject: t.d.Keys.Pseudonym(who.Number), ref: ref}
	w.reader = w.subject
	if ref == "" {
		return w, nil
	}
	family, err := t.Family(ctx)
	if err != nil {
		return whose{}, err
	}
	for _, c := range family {
		if c.Ref == ref {
			w.subject, w.child = t.d.Keys.Pseudonym(c.Number), &c.Child
			return w, nil
		}
	}
	return whose{}, errs.New(errs.NotFound, "transparency.no_such_child")
}

// noteReading writes down that somebody reads a list that is not their own. What
// cannot be written down is not shown.
func (t *Transparency) noteReading(ctx context.Context, w whose, eventID string) error {
	if w.child == nil {
		return nil
	}
	now := t.d.Clock.Now()
	return t.store.insertReading(ctx, w.subject, Reading{ID: id.New(now), At: now, Kind: ReaderParent, Reader: w.reader, Event: eventID})
}

// Readers lists who else looked into the list of the person of ctx, the newest
// first, at most 100.
func (t *Transparency) Readers(ctx context.Context) ([]Reading, error) {
	w, err := t.whose(ctx, "")
	if err != nil {
		return nil, err
	}
	return t.store.readings(ctx, w.subject, maxLimit)
}

// Inspection is an officer's look into somebody's list.
type Inspection struct {
	Number string // the person's number
	Reason string // shown to the person
	Query  Query
}

// Inspect gives somebody's list to a data protection officer (RoleInspector) and
// writes it down first: the person sees the officer's member and reason. Errors:
// auth.wrong_role, transparency.reason_missing, transparency.number_missing.
func (t *Transparency) Inspect(ctx context.Context, in Inspection) (List, error) {
	who := auth.From(ctx)
	if err := auth.Officer(RoleInspector).Check(ctx); err != nil {
		return List{}, err
	}
	in.Number, in.Reason = strings.TrimSpace(in.Number), strings.TrimSpace(in.Reason)
	switch {
	case in.Number == "":
		return List{}, errs.New(errs.Invalid, "transparency.number_missing").With(errs.NewField("number", "transparency.number_missing"))
	case len(in.Reason) < minReason || len(in.Reason) > maxReason:
		return List{}, errs.New(errs.Invalid, "transparency.reason_missing").With(errs.NewField("reason", "transparency.reason_missing"))
	}
	from, until, err := in.Query.span()
	if err != nil {
		return List{}, err
	}
	now, subject := t.d.Clock.Now(), t.d.Keys.Pseudonym(in.Number)
	err = t.store.insertReading(ctx, subject, Reading{
		ID: id.New(now), At: now, Kind: ReaderInspector, Reader: who.Officer, Member: who.Member, Reason: in.Reason,
	})
	if err != nil {
		return List{}, err
	}
	return t.list(ctx, subject, in.Query, span{from, until})
}

const (
	minReason = 10
	maxReason = 1000
)
