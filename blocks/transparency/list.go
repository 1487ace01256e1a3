package transparency

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

const (
	usualLimit = 25
	maxLimit   = 100
	batch      = 500 // events read at once
	maxBatches = 20  // read for one page of a filtered list; the reader may go on from there
)

// Query narrows a list of accesses. Zero means everything.
type Query struct {
	Who     string // a member, "VN/GOV/MOJ"
	Purpose string // a purpose's id
	From    string // YYYY-MM-DD in Vietnam, the first day
	Until   string // YYYY-MM-DD, the last day
	Before  string // an event's id: only older ones
	Limit   int    // 25 unless set, at most 100
}

// List is one page of accesses, the newest first.
type List struct {
	Events   []exchange.Event
	Next     string   // Before of the page that follows; empty at the end
	Total    int64    // all accesses of the person, unfiltered
	Who      []string // members that appear among the latest 500, sorted
	Purposes []string // their purposes, sorted
}

// List gives the accesses to the data of the person of ctx or, with the
// reference of a child (see Family), of that child, which is written down first.
// Errors: transparency.not_a_person, transparency.no_such_child,
// transparency.bad_date.
func (t *Transparency) List(ctx context.Context, child string, q Query) (List, error) {
	w, err := t.whose(ctx, child)
	if err != nil {
		return List{}, err
	}
	from, until, err := q.span()
	if err != nil {
		return List{}, err
	}
	if err := t.noteReading(ctx, w, ""); err != nil {
		return List{}, err
	}
	return t.list(ctx, w.subject, q, span{from, until})
}

// Entry gives one access to the data of the person of ctx or of a child of
// theirs; anybody else's is errs.NotFound "transparency.no_event".
func (t *Transparency) Entry(ctx context.Context, child, eventID string) (exchange.Event, error) {
	w, err := t.whose(ctx, child)
	if err != nil {
		return exchange.Event{}, err
	}
	e, err := t.entry(ctx, w, eventID)
	if err != nil {
		return exchange.Event{}, err
	}
	return e, t.noteReading(ctx, w, e.ID)
}

// Receipt gives the receipt of an access as a file, under the rules of Entry.
// Further errors: errs.Unavailable "ledger.not_sealed_yet" for the second after
// the access.
func (t *Transparency) Receipt(ctx context.Context, child, eventID string) ([]byte, error) {
	if _, err := t.Entry(ctx, child, eventID); err != nil {
		return nil, err
	}
	return t.makeReceipt(ctx, eventID)
}

// ReceiptForClient gives the receipt of an access to whoever speaks for the
// subsystem that made it; the caller vouches for that. Errors are those of
// Receipt: an access of another does not exist.
func (t *Transparency) ReceiptForClient(ctx context.Context, eventID string, client exchange.SubsystemID) ([]byte, error) {
	e, _, _, err := t.d.Events.Event(ctx, eventID)
	if errs.KindOf(err) == errs.NotFound || err == nil && e.Client != client.String() {
		return nil, errs.New(errs.NotFound, "transparency.no_event")
	}
	if err != nil {
		return nil, err
	}
	return t.makeReceipt(ctx, eventID)
}

func (t *Transparency) entry(ctx context.Context, w whose, eventID string) (exchange.Event, error) {
	e, _, _, err := t.d.Events.Event(ctx, eventID)
	if errs.KindOf(err) == errs.NotFound || err == nil && e.Subject != w.subject {
		return exchange.Event{}, errs.New(errs.NotFound, "transparency.no_event")
	}
	return e, err
}

// span is a stretch of time, until not in it; zero ends are open.
type span struct{ from, until time.Time }

func (s span) holds(at time.Time) bool {
	return (s.from.IsZero() || !at.Before(s.from)) && (s.until.IsZero() || at.Before(s.until))
}

func (q Query) span() (from, until time.Time, err error) {
	if from, err = day(q.From, "from", 0); err != nil {
		return from, until, err
	}
	until, err = day(q.Until, "until", 1)
	return from, until, err
}

func day(date, field string, add int) (time.Time, error) {
	if date == "" {
		return time.Time{}, nil
	}
	d, err := time.ParseInLocation(time.DateOnly, date, i18n.Zone())
	if err != nil {
		return time.Time{}, errs.New(errs.Invalid, "transparency.bad_date").Wrap(err).With(errs.NewField(field, "transparency.bad_date"))
	}
	return d.AddDate(0, 0, add), nil
}

func (q Query) matches(e exchange.Event) bool {
	return (q.Who == "" || memberOf(e.Client) == q.Who) && (q.Purpose == "" || e.Purpose == q.Purpose)
}

func (t *Transparency) list(ctx context.Context, subject string, q Query, s span) (List, error) {
	var out List
	var err error
	if out.Total, err = t.d.Events.CountEvents(ctx, subject); err != nil {
		return List{}, err
	}
	latest, err := t.d.Events.Events(ctx, subject, "", batch)
	if err != nil {
		return List{}, err
	}
	for _, e := range latest {
		out.Who, out.Purposes = append(out.Who, memberOf(e.Client)), append(out.Purposes, e.Purpose)
	}
	out.Who, out.Purposes = distinct(out.Who), distinct(out.Purposes)
	if q.Limit <= 0 {
		q.Limit = usualLimit
	}
	q.Limit = min(q.Limit, maxLimit)
	before := q.start(s.until)
	if before != "" {
		if latest, err = t.d.Events.Events(ctx, subject, before, batch); err != nil {
			return List{}, err
		}
	}
	for range maxBatches {
		for _, e := range latest {
			before = e.ID
			switch {
			case !s.from.IsZero() && e.At.Before(s.from.Add(-clockSkew)):
				return out, nil
			case !s.holds(e.At) || !q.matches(e):
			case len(out.Events) == q.Limit:
				out.Next = out.Events[q.Limit-1].ID
				return out, nil
			default:
				out.Events = append(out.Events, e)
			}
		}
		if len(latest) < batch {
			return out, nil
		}
		if latest, err = t.d.Events.Events(ctx, subject, before, batch); err != nil {
			return List{}, err
		}
	}
	out.Next = before
	return out, nil
}

// clockSkew is how far the time in an event's id may be from the event's own.
const clockSkew = time.Minute

// start is where reading begins: ids hold their time, so a list that ends in the
// past need not walk there.
func (q Query) start(until time.Time) string {
	if until.IsZero() {
		return q.Before
	}
	var b [6]byte
	ms := max(until.Add(clockSkew).UnixMilli(), 0)
	for i := range b {
		b[5-i] = byte(ms >> (8 * i))
	}
	first := hex.EncodeToString(b[:])
	first = first[:8] + "-" + first[8:]
	if q.Before != "" && q.Before < first {
		return q.Before
	}
	return first
}

// memberOf is the member of a subsystem: "VN/GOV/MOJ" of "VN/GOV/MOJ/civil-status".
func memberOf(client string) string {
	parts := strings.SplitN(client, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/")
}

func distinct(all []string) []string {
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" })
}
