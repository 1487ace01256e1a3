package cases_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/calendar"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/event"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/keys"
)

var errCrash = errors.New("the process died here")

// world stands for everything outside: it carries out each key once, as real
// registers, payments, documents and messages do, and can die at a call.
type world struct {
	t       testing.TB
	mu      sync.Mutex
	done    map[string]string // key → what was carried out
	order   []string          // what was carried out, in order
	calls   int
	dieAt   int    // the call that fails; 0 none
	dieHow  string // before, after, panic
	refuse  error  // every register entry answers this
	notices []cases.Notice
	fetched []cases.Fetch
	entries map[string]cases.Entry // by write id
	papers  map[string]cases.Document
}

// call runs one effect under its key. What joins the transaction counts from
// the commit on.
func (w *world) call(ctx context.Context, key, what string, data any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	dies := w.calls == w.dieAt
	if dies && w.dieHow == "before" {
		return errCrash
	}
	text, err := json.Marshal(data)
	if err != nil {
		w.t.Error(err)
	}
	value := what + " " + string(text)
	carry := func() {
		if was, ok := w.done[key]; ok {
			if was != value {
				w.t.Errorf("key %s asked for something else:\n%s\n%s", key, was, value)
			}
			return
		}
		w.done[key] = value
		w.order = append(w.order, what)
	}
	if db.InTx(ctx) {
		db.AfterCommit(ctx, func() { w.mu.Lock(); defer w.mu.Unlock(); carry() })
	} else {
		carry()
	}
	if dies && w.dieHow == "panic" {
		panic("the process died here")
	}
	if dies {
		return errCrash
	}
	return nil
}

type exchangeFake struct{ *world }

func (x exchangeFake) Fetch(_ context.Context, f cases.Fetch) (any, error) {
	x.fetched = append(x.fetched, f)
	return map[string]any{"id": "x1"}, nil
}

func (x exchangeFake) Enter(ctx context.Context, e cases.Entry) (map[string]any, error) {
	if x.refuse != nil {
		return nil, x.refuse
	}
	if err := x.call(ctx, e.Key, "write "+e.Write.ID, e.Data); err != nil {
		return nil, err
	}
	out := maps.Clone(e.Data)
	out["id"] = e.Record
	if e.Record == "" {
		out["id"] = "rec-" + e.Write.ID
	}
	if e.Write.ID == "population" {
		out["number"] = "001226000123"
	}
	x.entries[e.Write.ID] = e
	return out, nil
}

type paymentsFake struct{ *world }

func (p paymentsFake) CreateBill(ctx context.Context, b cases.Bill) (string, error) {
	return "bill-" + b.Reference, p.call(ctx, b.Key, "bill", b)
}

func (p paymentsFake) Refund(ctx context.Context, r cases.Refund) error {
	return p.call(ctx, r.Key, "refund", r)
}

type documentsFake struct{ *world }

func (d documentsFake) Issue(ctx context.Context, n cases.Document) (cases.Issued, error) {
	d.papers[n.Output.ID] = n
	return cases.Issued{ID: "doc-" + n.Output.ID, Code: "CODE-" + n.Output.ID}, d.call(ctx, n.Key, "issue "+n.Output.ID, n.Output)
}

type notifyFake struct{ *world }

func (f notifyFake) Send(ctx context.Context, n cases.Notice) error {
	db.AfterCommit(ctx, func() { f.notices = append(f.notices, n) })
	return f.call(ctx, n.Key, "notify", n.Subject)
}

// definitions are the country's, by hash.
type definitions map[string]*services.Service

func (d definitions) Get(_ context.Context, hash string) (*services.Service, error) {
	if s, ok := d[hash]; ok {
		return s, nil
	}
	return nil, errs.New(errs.NotFound, "services.definition_not_found")
}

type house struct {
	opened []string // officer and dossier code
	*cases.Cases
	t        testing.TB
	world    *world
	defs     definitions
	db       *db.DB
	queue    *job.Queue
	bus      *event.Bus
	clock    *clock.Fake
	calendar *calendar.Calendar
	facts    []string
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// submitted is a Tuesday, 09:00 in Vietnam.
var submitted = time.Date(2026, 11, 24, 9, 0, 0, 0, i18n.Zone())

func open(t testing.TB) *house {
	t.Helper()
	d := dbtest.New(t, dbtest.Set{Name: "job", FS: job.Migrations()}, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "cases", FS: cases.Migrations()})
	h := &house{t: t, db: d, clock: clock.New(submitted), defs: definitions{}}
	h.world = &world{t: t, done: map[string]string{}, entries: map[string]cases.Entry{}, papers: map[string]cases.Document{}}
	h.calendar = must[*calendar.Calendar](t)(calendar.Parse(must[[]byte](t)(country.Calendar())))
	h.queue = job.New(job.Deps{DB: d, Clock: h.clock, Log: slog.New(slog.DiscardHandler)})
	h.bus = event.New(h.queue, h.clock)
	for _, s := range must[[]*services.Service](t)(loader(t).Load(country.Services())) {
		h.defs[s.Hash], h.defs[s.ID] = s, s
	}
	sealer := must[*keys.Keys](t)(keys.Open(t.Context(), keys.Deps{DB: d, Clock: h.clock, Master: [32]byte{1}, Instance: "VN"}))
	h.Cases = cases.New(cases.Deps{
		DB: d, Clock: h.clock, Calendar: h.calendar, Keys: sealer, Jobs: h.queue, Bus: h.bus, Services: h.defs,
		Exchange: exchangeFake{h.world}, Payments: paymentsFake{h.world}, Documents: documentsFake{h.world}, Notify: notifyFake{h.world}, Log: slog.New(slog.DiscardHandler),
		Opened: func(_ context.Context, o cases.Opening) error {
			h.opened = append(h.opened, o.Officer+" "+o.Case)
			return nil
		},
	})
	for _, typ := range []string{cases.EventOpened, cases.EventDecided} {
		h.bus.Subscribe(typ, "test", func(_ context.Context, e event.Event) error {
			var f cases.Fact
			if err := json.Unmarshal(e.Data, &f); err != nil {
				return err
			}
			h.facts = append(h.facts, strings.TrimSpace(e.Type+" "+f.Final))
			return nil
		})
	}
	return h
}

func loader(t testing.TB) *services.Loader {
	codes := must[services.Codes](t)(services.LoadCodes(country.CodesFile, must[[]byte](t)(country.Codes())))
	return must[*services.Loader](t)(services.NewLoader(codes))
}

// variant adds a definition that differs from the country's in one place.
func (h *house) variant(file, old, with string) *services.Service {
	h.t.Helper()
	text := string(must[[]byte](h.t)(fs.ReadFile(country.Services(), file)))
	if !strings.Contains(text, old) {
		h.t.Fatalf("%s has no %q", file, old)
	}
	s := must[*services.Service](h.t)(loader(h.t).Parse(file, []byte(strings.Replace(text, old, with, 1))))
	h.defs[s.Hash] = s
	return s
}

// example is what an applicant sends: the world of one of the definition's own
// author tests.
func example(t testing.TB, def *services.Service, name string) cases.Submission {
	t.Helper()
	for _, x := range def.Tests {
		if !strings.HasPrefix(x.Name, name) {
			continue
		}
		st := services.State{Applicant: x.Given.Applicant, Data: x.Given.Data, Answers: x.Given.Answers, Today: "2026-11-24", Decisions: map[string]any{}, Results: map[string]any{}}
		st.Answers = def.Prune(st)
		sources := map[string]cases.Provenance{}
		for f := range st.Answers {
			sources[f] = cases.Provenance{Source: "typed", At: submitted}
		}
		return cases.Submission{
			Application: "app-" + def.ID, DefHash: def.Hash, Number: x.Given.Applicant["number"].(string), Name: x.Given.Applicant["name"].(string),
			Lang: i18n.VI, Channel: "online", State: st, Sources: sources,
		}
	}
	t.Fatalf("%s has no test %q", def.ID, name)
	return cases.Submission{}
}

const (
	atOnce   = "married mother, one notice"
	toReview = "no electronic notice"
	fit      = "a fit driver pays"
)

// submit opens a case and lets everything happen that happens by itself.
func (h *house) submit(s cases.Submission) string {
	h.t.Helper()
	code := must[string](h.t)(h.Open(h.t.Context(), s))
	h.drain()
	if code == "" {
		h.t.Fatal("no dossier code")
	}
	return h.id(s.Application)
}

func (h *house) id(application string) string {
	h.t.Helper()
	var id string
	err := h.db.Read(h.t.Context(), func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT id FROM cases_case WHERE application=$1`, application).Scan(&id)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) drain() {
	h.t.Helper()
	if err := h.queue.Drain(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// later drains until nothing waits, moving the clock past every backoff.
func (h *house) later() {
	h.t.Helper()
	for range 30 {
		h.drain()
		s := must[job.Stats](h.t)(h.queue.Stats(h.t.Context()))
		if s.Waiting+s.Running == 0 {
			return
		}
		h.clock.Advance(2 * time.Second)
	}
	h.t.Fatal("jobs are still waiting")
}

func (h *house) pay(id string) {
	h.t.Helper()
	bill := h.get(id).Bill
	err := h.db.Write(h.t.Context(), func(ctx context.Context, _ db.Querier) error {
		return h.bus.Publish(ctx, "payments.paid", bill, map[string]string{"bill": bill})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.drain()
}

// as gives a context of an officer.
func (h *house) as(officer, member string, roles ...string) context.Context {
	return auth.With(h.t.Context(), auth.Principal{Officer: officer, Name: "Cán bộ " + officer, Member: member, Roles: roles})
}

func (h *house) registrar() context.Context { return h.as("lan", "GOV/MOJ", "registrar") }
func (h *house) police() context.Context    { return h.as("hai", "GOV/MPS", "licence-officer") }

// get reads a case as an officer of its own member would.
func (h *house) get(id string) *cases.Full {
	h.t.Helper()
	var member string
	err := h.db.Read(h.t.Context(), func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT member FROM cases_case WHERE id=$1`, id).Scan(&member)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return must[*cases.Full](h.t)(h.Get(h.as("reader", member, "registrar", "licence-officer"), id))
}

// act does an action and everything that follows by itself.
// try acts on the case as it stands now, unless the input names a version.
func (h *house) try(ctx context.Context, in cases.Input) error {
	if in.Version == 0 && in.Case != "" {
		in.Version = h.get(in.Case).Version
	}
	return h.Act(ctx, in)
}

func (h *house) act(ctx context.Context, in cases.Input) {
	h.t.Helper()
	if err := h.try(ctx, in); err != nil {
		h.t.Fatalf("%s: %v", in.Action, err)
	}
	h.drain()
}

// state checks where the case stands.
func (h *house) state(id, state string) *cases.Full {
	h.t.Helper()
	k := h.get(id)
	if k.State != state || k.Pending || k.Stuck != "" {
		h.t.Fatalf("state %s (pending %v, stuck %q), want %s; done: %v", k.State, k.Pending, k.Stuck, state, h.world.order)
	}
	return k
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if errs.CodeOf(err) != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

func wantOrder(t testing.TB, got []string, want string) {
	t.Helper()
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("carried out: %s\nwant: %s", s, want)
	}
}

func dueDate(h *house, k *cases.Full) string {
	if k.Due.IsZero() {
		return ""
	}
	return h.calendar.DateOf(k.Due)
}

// rowsOf gives every row of a table as text.
func rowsOf(t testing.TB, h *house, table string) (out []string) {
	t.Helper()
	err := h.db.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
		rows, err := q.QueryContext(ctx, `SELECT * FROM `+table)
		if err != nil {
			return err
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			values := make([]any, len(names))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				return err
			}
			line := ""
			for _, v := range values {
				line += fmt.Sprint(*v.(*any), " ")
			}
			out = append(out, line)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal(table, " is empty")
	}
	return out
}
