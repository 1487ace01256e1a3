package cases

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/event"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/text"
)

// QueueCount is one queue of the officer's member and how its open cases stand.
type QueueCount struct {
	Queue    string      // "" for cases that wait for the applicant or the machine
	Services []i18n.Text // titles of the services with cases in it
	Open, Unassigned,
	Overdue, DueToday,
	Stopped int // Stopped: the clock stands still
}

// Queues lists the queues with open cases of services in which the caller has a
// part.
func (c *Cases) Queues(ctx context.Context) ([]QueueCount, error) {
	all, err := c.Figures(ctx)
	return slices.DeleteFunc(all, func(q QueueCount) bool { return q.Queue == "" }), err
}

// Figures counts the open cases of those queues, and those of the caller's
// member that are in no queue.
func (c *Cases) Figures(ctx context.Context) ([]QueueCount, error) {
	p := auth.From(ctx)
	if !p.IsOfficer() {
		return nil, errs.New(errs.Forbidden, "cases.not_allowed")
	}
	now := c.d.Clock.Now().In(c.d.Calendar.Zone())
	tomorrow := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location())
	counts, err := c.store.counts(ctx, p.Member, now.UnixMicro(), tomorrow.UnixMicro())
	if err != nil {
		return nil, err
	}
	served, err := c.store.served(ctx, p.Member)
	if err != nil {
		return nil, err
	}
	mine := map[string]bool{"": true} // in no queue: a number, nothing to open
	for _, s := range served {
		def, err := c.d.Services.Get(ctx, s.hash)
		if err != nil {
			return nil, err
		}
		mine[s.queue] = mine[s.queue] || serves(def, p)
		for i := range counts {
			if counts[i].Queue == s.queue {
				counts[i].Services = append(counts[i].Services, def.Title)
			}
		}
	}
	return slices.DeleteFunc(counts, func(q QueueCount) bool { return !mine[q.Queue] }), nil
}

// Which cases of a queue to list.
const (
	OnlyUnclaimed = "unclaimed"
	OnlyMine      = "mine"
)

// QueueQuery asks for a page of a queue.
type QueueQuery struct {
	Queue string
	Only  string // "" all, OnlyUnclaimed or OnlyMine
	Page  int    // 0 is the first, of PageSize cases
}

// PageSize is how many cases a list holds at most.
const PageSize = 50

const urgentFirst = ` ORDER BY CASE WHEN due=0 THEN 1 ELSE 0 END, due, opened, id LIMIT `

// Queue lists open cases of one queue, the most urgent first.
func (c *Cases) Queue(ctx context.Context, q QueueQuery) ([]Case, error) {
	p := auth.From(ctx)
	if !p.IsOfficer() {
		return nil, errs.New(errs.Forbidden, "cases.not_allowed")
	}
	only, args := "", []any{p.Member, q.Queue, PageSize, max(q.Page, 0) * PageSize}
	switch q.Only {
	case OnlyUnclaimed:
		only = ` AND assignee=''`
	case OnlyMine:
		only, args = ` AND assignee=$5`, append(args, p.Officer)
	}
	return c.served(ctx, p, `member=$1 AND queue=$2 AND final=''`+only+urgentFirst+`$3 OFFSET $4`, args...)
}

// Next claims the most urgent case of a queue that nobody has claimed and that
// the caller may handle, and returns its id; "" when there is none.
func (c *Cases) Next(ctx context.Context, queue string) (string, error) {
	list, err := c.Queue(ctx, QueueQuery{Queue: queue, Only: OnlyUnclaimed})
	if err != nil {
		return "", err
	}
	for _, k := range list {
		err := c.Claim(ctx, k.ID)
		switch errs.KindOf(err) {
		case "":
			return k.ID, nil
		case errs.Conflict, errs.Forbidden: // somebody was faster, or it is the officer's own
			continue
		}
		return "", err
	}
	return "", nil
}

// Mine lists up to 50 open cases that the caller has claimed.
func (c *Cases) Mine(ctx context.Context) ([]Case, error) {
	p := auth.From(ctx)
	if !p.IsOfficer() {
		return nil, errs.New(errs.Forbidden, "cases.not_allowed")
	}
	return c.served(ctx, p, `assignee=$1 AND member=$2 AND final=''`+urgentFirst+`$3`, p.Officer, p.Member, PageSize)
}

// Search finds up to 50 cases of the caller's member by dossier code or
// applicant's name, without regard to case and marks.
func (c *Cases) Search(ctx context.Context, query string) ([]Case, error) {
	p := auth.From(ctx)
	if !p.IsOfficer() {
		return nil, errs.New(errs.Forbidden, "cases.not_allowed")
	}
	folded := text.Fold(query)
	if folded == "" {
		return nil, nil
	}
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(folded)
	return c.served(ctx, p, `member=$1 AND search LIKE $2 ESCAPE '\' ORDER BY opened DESC LIMIT $3`, p.Member, "%"+escaped+"%", PageSize)
}

// ForPerson lists up to 50 cases of the person with this number, newest first.
func (c *Cases) ForPerson(ctx context.Context, number string) ([]Case, error) {
	return c.headers(ctx, `subject=$1 ORDER BY opened DESC LIMIT $2`, c.d.Keys.Pseudonym(number), PageSize)
}

// served are headers of cases of services in which p has a part.
func (c *Cases) served(ctx context.Context, p auth.Principal, where string, args ...any) ([]Case, error) {
	rows, err := c.store.list(ctx, where, args...)
	if err != nil {
		return nil, err
	}
	return c.entitled(ctx, rows, func(def *services.Service) bool { return serves(def, p) })
}

func (c *Cases) headers(ctx context.Context, where string, args ...any) ([]Case, error) {
	rows, err := c.store.list(ctx, where, args...)
	if err != nil {
		return nil, err
	}
	return c.entitled(ctx, rows, func(*services.Service) bool { return true })
}

// entitled gives the headers of rows whose service is shown, with their titles.
func (c *Cases) entitled(ctx context.Context, rows []row, shown func(*services.Service) bool) ([]Case, error) {
	out := make([]Case, 0, len(rows))
	for _, r := range rows {
		def, err := c.d.Services.Get(ctx, r.DefHash)
		if err != nil {
			return nil, err
		}
		if shown(def) {
			out = append(out, r.Case)
			c.entitle(def, &out[len(out)-1])
		}
	}
	return out, nil
}

// Names fills the applicants' names of headers, for officers' lists.
func (c *Cases) Names(ctx context.Context, list []Case) error {
	for i := range list {
		w, err := c.load(ctx, "id", list[i].ID)
		if err != nil {
			return err
		}
		list[i].Applicant = w.content.Name
	}
	return nil
}

// Get gives an officer who has a part in the service a case with everything in
// it, and tells its people of that.
func (c *Cases) Get(ctx context.Context, id string) (*Full, error) {
	w, err := c.load(ctx, "id", id)
	if err != nil {
		return nil, err
	}
	if err := c.mayHandle(w, auth.From(ctx)); err != nil {
		return nil, err
	}
	if err := c.tell(ctx, w, auth.From(ctx)); err != nil {
		return nil, err
	}
	f, err := c.full(ctx, w)
	if err != nil {
		return nil, err
	}
	f.Offers, err = c.offers(ctx, w, auth.From(ctx))
	return f, err
}

// ByApplication gives the applicant (the principal of ctx) their own case.
// Anybody else's is not found.
func (c *Cases) ByApplication(ctx context.Context, application string) (*Full, error) {
	w, err := c.load(ctx, "application", application)
	if err != nil {
		return nil, err
	}
	p := auth.From(ctx)
	if !p.IsPerson() || c.d.Keys.Pseudonym(p.Number) != w.Subject {
		return nil, errs.New(errs.NotFound, "cases.not_found")
	}
	f, err := c.full(ctx, w)
	if err != nil {
		return nil, err
	}
	public := f.Timeline[:0]
	for _, m := range f.Timeline {
		if m.Public {
			m.Actor = "" // the office answers, not a named officer
			public = append(public, m)
		}
	}
	f.Timeline = public
	return f, nil
}

func (c *Cases) full(ctx context.Context, w *work) (*Full, error) {
	moments, err := c.store.moments(ctx, w.ID)
	if err != nil {
		return nil, err
	}
	f := &Full{Case: w.row.Case, Content: w.content, Def: w.def}
	for _, m := range moments {
		if m.body != "" {
			sealed, err := base64.StdEncoding.DecodeString(m.body)
			if err != nil {
				return nil, err
			}
			plain, err := c.d.Keys.Unseal(ctx, w.Subject, sealed, []byte(w.ID))
			if err != nil {
				return nil, err
			}
			m.Body = string(plain)
		}
		f.Timeline = append(f.Timeline, m.Moment)
	}
	return f, nil
}

func billOf(e event.Event) (string, error) {
	var f paidFact
	if err := json.Unmarshal(e.Data, &f); err != nil {
		return "", job.Permanent(err)
	}
	if f.Bill == "" {
		return e.Subject, nil
	}
	return f.Bill, nil
}
