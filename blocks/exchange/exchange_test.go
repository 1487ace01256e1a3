package exchange_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
	"golang.org/x/mod/sumdb/note"
)

const (
	person  = "001199000001"
	purpose = "birth-registration"
	basis   = "Luật Hộ tịch 2014, Điều 13"
)

var (
	civil      = exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MOJ", Subsystem: "civil-status"}
	population = exchange.ServiceID{SubsystemID: exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MPS", Subsystem: "population"}, Service: "population"}
)

// register is a provider that knows one person.
type register struct {
	mu     sync.Mutex
	calls  []exchange.Delivery
	reply  exchange.Reply
	err    error
	before func()
}

func (r *register) Serve(_ context.Context, d exchange.Delivery) (exchange.Reply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, d)
	if r.before != nil {
		r.before()
	}
	return r.reply, r.err
}

func (r *register) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls)
}

const records = `{"records":[{"id":"r1","version":3,"valid_from":"2020-01-01","secret":"x","data":{
	"number":"001199000001","name":"Nguyễn Thị An","religion":"none","address":{"ward":"Hoàn Kiếm","street":"Hàng Bạc"}}}],"total":1,"debug":"name"}`

// world is an exchange with two members and a provider.
type world struct {
	*exchange.Exchange
	db       *db.DB
	keys     *keys.Keys
	ledger   *ledger.Ledger
	vkey     string
	clock    *clock.Fake
	provider *register
	deps     exchange.Deps
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, dbtest.New(t, sets()...))
}

func sets() []dbtest.Set {
	return []dbtest.Set{{Name: "keys", FS: keys.Migrations()}, {Name: "ledger", FS: ledger.Migrations()}, {Name: "exchange", FS: exchange.Migrations()}}
}

func newWorldOn(t testing.TB, d *db.DB) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{db: d, clock: clock.New(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))}
	w.provider = &register{reply: exchange.Reply{Body: []byte(records), Subjects: []string{person}}}
	var err error
	w.keys, err = keys.Open(ctx, keys.Deps{DB: w.db, Clock: w.clock, Master: [32]byte{1}, Instance: "VN"})
	ok(t, err)
	skey, vkey, err := ledger.NewKey("test.dinh/ledger")
	ok(t, err)
	signer, err := note.NewSigner(skey)
	ok(t, err)
	w.vkey = vkey
	w.ledger, err = ledger.New(ledger.Deps{DB: w.db, Clock: w.clock, Origin: "test.dinh/ledger", Signer: signer})
	ok(t, err)
	w.deps = exchange.Deps{DB: w.db, Clock: w.clock, Keys: w.keys, Ledger: w.ledger, Instance: "VN"}
	w.Exchange = w.another(t)
	for _, m := range []exchange.Member{
		{Class: "GOV", Code: "MOJ", Name: i18n.Text{VI: "Bộ Tư pháp", EN: "Ministry of Justice"}, Subsystems: []exchange.Subsystem{{Code: "civil-status"}, {Code: "notary"}}},
		{Class: "GOV", Code: "MPS", Name: i18n.Text{VI: "Bộ Công an", EN: "Ministry of Public Security"}, Subsystems: []exchange.Subsystem{{Code: "population"}}},
		{Class: "COM", Code: "bank", Name: i18n.Text{VI: "Ngân hàng", EN: "Bank"}, Subsystems: []exchange.Subsystem{{Code: "loans"}}},
	} {
		ok(t, w.AddMember(ctx, m))
	}
	return w
}

// another is a second process on the same database.
func (w *world) another(t testing.TB) *exchange.Exchange {
	t.Helper()
	x, err := exchange.New(w.deps)
	ok(t, err)
	ok(t, x.RegisterProvider(exchange.ServiceInfo{
		ID: population, Title: i18n.Text{VI: "Dân cư", EN: "Population"},
		OpenAPI: []byte(`{"openapi":"3.0.3","servers":[{"url":"https://secret.internal:8443/v1"}],"paths":{"/records":{}}}`),
	}, w.provider))
	return x
}

func (w *world) grant(t testing.TB, change ...func(*exchange.Grant)) exchange.Grant {
	t.Helper()
	g := exchange.Grant{
		Client: civil, Service: population, Operations: []string{"read", "search"}, Fields: []string{"name", "number", "address.ward"},
		Purpose: purpose, LegalBasis: basis,
	}
	for _, c := range change {
		c(&g)
	}
	g, err := w.AddGrant(t.Context(), g)
	ok(t, err)
	return g
}

func search(change ...func(*exchange.Call)) exchange.Call {
	c := exchange.Call{
		Client: civil, Service: population, Method: "POST", Path: "/search", Body: []byte(`{"where":{"number":"` + person + `"}}`),
		Purpose: purpose, Subjects: []string{person}, Application: "birth-registration", Issue: "HS-1", UserID: "officer-1",
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if got := errs.CodeOf(err); err == nil || got != code {
		t.Fatalf("error = %v, want code %s", err, code)
	}
}

func (w *world) history(t testing.TB) []exchange.Event {
	t.Helper()
	es, err := w.Events(t.Context(), w.keys.Pseudonym(person), "", 100)
	ok(t, err)
	return es
}

func TestCallAnswersWithTraceAndProof(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.grant(t)
	got, err := w.Call(ctx, search())
	ok(t, err)
	const want = `{"records":[{"data":{"address":{"ward":"Hoàn Kiếm"},"name":"Nguyễn Thị An","number":"001199000001"},"id":"r1"}],"total":1}`
	if string(got.Body) != want {
		t.Errorf("body = %s\nwant   %s", got.Body, want)
	}
	events := w.history(t)
	if len(events) != 1 || len(got.Events) != 1 || events[0].ID != got.Events[0] {
		t.Fatalf("events %v, answer says %v", events, got.Events)
	}
	e := events[0]
	if e.Outcome != "answered" || e.Purpose != purpose || e.LegalBasis != basis || e.Records != 1 ||
		strings.Join(e.Fields, ",") != "name,number,address.ward" || e.Application != "birth-registration" {
		t.Errorf("event = %+v", e)
	}

	stored, key, canonical, err := w.Event(ctx, e.ID)
	ok(t, err)
	if strings.Contains(string(canonical), person) || strings.Contains(string(canonical), "Nguyễn") {
		t.Errorf("personal data in the canonical event: %s", canonical)
	}
	if back, err := exchange.ParseCanonical(canonical); err != nil || back.ID != stored.ID {
		t.Errorf("ParseCanonical = %+v, %v", back, err)
	}
	for range 3 {
		_, err = w.ledger.Seal(ctx)
		ok(t, err)
	}
	proof, err := w.ledger.Proof(ctx, e.ID)
	ok(t, err)
	ok(t, ledger.VerifyProof(proof, ledger.Commit(key, canonical), w.vkey))

	ev, err := w.Evidence(ctx, got.MessageID)
	ok(t, err)
	if len(ev) != 1 || ev[0].RequestHash != got.RequestHash || !strings.Contains(ev[0].Answer.Base, `"signature";req;key="dinh": :`+ev[0].Request.Signature) {
		t.Errorf("evidence = %+v", ev)
	}
	if strings.Contains(fmt.Sprint(ev), "Nguyễn") {
		t.Error("the evidence holds the answer's body")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	none := func(*exchange.Grant) {}
	tests := []struct {
		name  string
		grant func(*exchange.Grant)
		call  func(*exchange.Call)
		code  string
	}{
		{"another member", none, func(c *exchange.Call) { c.Client = exchange.SubsystemID{"VN", "COM", "bank", "loans"} }, "exchange.no_grant"},
		{"another subsystem of the same member", none, func(c *exchange.Call) { c.Client.Subsystem = "notary" }, "exchange.no_grant"},
		{"unknown client", none, func(c *exchange.Call) { c.Client.Member = "XXX" }, "exchange.unknown_client"},
		{"unknown service of a member", none, func(c *exchange.Call) { c.Service.Service = "ghosts" }, "exchange.no_grant"},
		{"unknown owner", none, func(c *exchange.Call) { c.Service.Member = "ghosts" }, "exchange.unknown_service"},
		{"no purpose", none, func(c *exchange.Call) { c.Purpose = "" }, "exchange.purpose_missing"},
		{"other purpose", none, func(c *exchange.Call) { c.Purpose = "curiosity" }, "exchange.purpose_not_granted"},
		{"other basis", none, func(c *exchange.Call) { c.LegalBasis = "none" }, "exchange.legal_basis_not_granted"},
		{"field", none, func(c *exchange.Call) { c.Fields = []string{"name", "religion"} }, "exchange.field_not_granted"},
		{"parent of a granted field", none, func(c *exchange.Call) { c.Fields = []string{"address"} }, "exchange.field_not_granted"},
		{"match on a hidden field", none, func(c *exchange.Call) { c.Body = []byte(`{"where":{"religion":"none"}}`) }, "exchange.field_not_granted"},
		{"where in capitals", none, func(c *exchange.Call) { c.Body = []byte(`{"Where":{"religion":"none"}}`) }, "exchange.bad_body"},
		{"where twice", none, func(c *exchange.Call) { c.Body = []byte(`{"where":{"name":"a"},"where":{"religion":"none"}}`) }, "exchange.bad_body"},
		{"create", none, func(c *exchange.Call) { c.Path = "/records" }, "exchange.operation_not_granted"},
		{"write a hidden field", func(g *exchange.Grant) { g.Operations = []string{"amend"} },
			func(c *exchange.Call) {
				c.Method, c.Path, c.Body = "PATCH", "/records/1", []byte(`{"data":{"address":{"street":"x"}}}`)
			}, "exchange.field_not_granted"},
		{"not yet", func(g *exchange.Grant) { g.From = now.Add(time.Hour) }, func(*exchange.Call) {}, "exchange.grant_not_yet"},
		{"past", func(g *exchange.Grant) { g.From, g.Until = now.Add(-2*time.Hour), now }, func(*exchange.Call) {}, "exchange.grant_expired"},
		{"traversal", none, func(c *exchange.Call) { c.Path = "/%252e%252e/search" }, "exchange.bad_path"},
		{"header injection", none, func(c *exchange.Call) { c.Issue = "a\r\nx: b" }, "exchange.bad_text"},
		{"method", none, func(c *exchange.Call) { c.Method = "PROPFIND" }, "exchange.bad_method"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.grant(t, tt.grant)
			got, err := w.Call(t.Context(), search(tt.call))
			wantCode(t, err, tt.code)
			if len(got.Body) != 0 || w.provider.count() != 0 {
				t.Errorf("refused, but the provider was asked %d times and the body is %q", w.provider.count(), got.Body)
			}
			es := w.history(t)
			if len(es) != 1 || es[0].Outcome != "refused" || es[0].Reason != tt.code {
				t.Errorf("events = %+v, want one refused for %s", es, tt.code)
			}
		})
	}
	t.Run("names the fields", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.grant(t)
		_, err := w.Call(t.Context(), search(func(c *exchange.Call) { c.Fields = []string{"religion", "name", "address.street"} }))
		e, _ := errs.As(err)
		if e == nil || e.Args["fields"] != "address.street, religion" {
			t.Errorf("error = %v, args %v", err, e.Args)
		}
	})
}

func TestRevocationHoldsOnTheNextRequest(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	g := w.grant(t)
	other := w.another(t)
	for _, x := range []*exchange.Exchange{w.Exchange, other} { // both have the rules in memory
		_, err := x.Call(ctx, search())
		ok(t, err)
	}
	ok(t, w.RevokeGrant(ctx, g.ID, "officer-2", "purpose ended"))
	for i, x := range []*exchange.Exchange{w.Exchange, other} {
		got, err := x.Call(ctx, search())
		wantCode(t, err, "exchange.grant_revoked")
		if len(got.Body) > 0 {
			t.Errorf("process %d handed over data after the revocation", i)
		}
	}
	wantCode(t, w.RevokeGrant(ctx, "nope", "o", "r"), "exchange.no_such_grant")

	w.clock.Advance(time.Minute)
	w.grant(t) // a new grant is seen by the process that did not make it
	_, err := other.Call(ctx, search())
	ok(t, err)
}

// A grant revoked by another process while the provider is at work: the data are
// not handed over.
func TestRevocationDuringACall(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	g := w.grant(t)
	other := w.another(t)
	_, err := w.Call(ctx, search())
	ok(t, err)
	w.provider.before = func() { ok(t, other.RevokeGrant(ctx, g.ID, "o", "r")) }
	got, err := w.Call(ctx, search())
	wantCode(t, err, "exchange.grant_revoked")
	if len(got.Body) > 0 || w.history(t)[0].Outcome != "refused" {
		t.Errorf("body %q, last event %+v", got.Body, w.history(t)[0])
	}
}

func TestProviderFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		reply exchange.Reply
		err   error
		code  string // "" for an answer
	}{
		{"down", exchange.Reply{}, errors.New("connection lost: 001199000001"), "exchange.provider_failed"},
		{"own refusal", exchange.Reply{}, errs.New(errs.NotFound, "registers.no_record"), "registers.no_record"},
		{"not JSON", exchange.Reply{Body: []byte("<html>religion</html>")}, nil, "exchange.answer_unreadable"},
		{"status out of range", exchange.Reply{Status: 42}, nil, "exchange.answer_unreadable"},
		{"error document", exchange.Reply{Status: 409, Body: []byte(`{"title":"conflict","record":{"religion":"x"}}`)}, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.grant(t)
			w.provider.reply, w.provider.err = tt.reply, tt.err
			got, err := w.Call(t.Context(), search())
			if tt.code != "" {
				wantCode(t, err, tt.code)
			} else {
				ok(t, err)
			}
			if strings.Contains(string(got.Body), "religion") {
				t.Errorf("leaked %s", got.Body)
			}
			if es := w.history(t); len(es) != 1 || es[0].Outcome != "failed" {
				t.Errorf("events = %+v", es)
			}
		})
	}
}

type brokenLedger struct{}

func (brokenLedger) AppendBatch(context.Context, []ledger.Leaf) error { return errors.New("disk full") }

// No event, no answer: when the trace cannot be written nothing is handed over
// and nothing is half-written.
func TestNoEventNoAnswer(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.grant(t)
	w.deps.Ledger = brokenLedger{}
	x := w.another(t)
	got, err := x.Call(ctx, search())
	wantCode(t, err, "exchange.not_recorded")
	if len(got.Body) > 0 {
		t.Errorf("handed over %s", got.Body)
	}
	n, err := w.CountEvents(ctx, "")
	ok(t, err)
	if n != 0 {
		t.Errorf("%d events of a transaction that failed", n)
	}
	err = w.db.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		_, err := w.Call(ctx, search())
		return err
	})
	wantCode(t, err, "exchange.in_transaction")
}

// A change repeated with its message id reaches the provider with the same id.
func TestChangesAndManySubjects(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.grant(t, func(g *exchange.Grant) { g.Operations, g.Fields = []string{"create"}, []string{"*"} })
	w.provider.reply = exchange.Reply{Status: 201, Body: []byte(`{"id":"r9","version":1,"data":{"name":"An"}}`), Subjects: []string{person, "002", person}}
	c := search(func(c *exchange.Call) {
		c.Path, c.Body, c.MessageID = "/records", []byte(`{"data":{"name":"An"}}`), "case/1/0"
	})
	for range 2 {
		got, err := w.Call(ctx, c)
		ok(t, err)
		if got.Status != 201 || len(got.Events) != 2 || got.MessageID != "case/1/0" {
			t.Fatalf("answer = %+v", got)
		}
	}
	ev, err := w.Evidence(ctx, "case/1/0")
	ok(t, err)
	if len(ev) != 2 || w.provider.calls[0].MessageID != w.provider.calls[1].MessageID {
		t.Errorf("%d evidence", len(ev))
	}
}

func TestConcurrentCalls(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.grant(t)
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for range 10 {
				if _, err := w.Call(ctx, search()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	g.Wait()
	n, err := w.CountEvents(ctx, w.keys.Pseudonym(person))
	ok(t, err)
	if n != 80 {
		t.Errorf("%d events, want 80", n)
	}
	seen, before := 0, ""
	for {
		page, err := w.Events(ctx, w.keys.Pseudonym(person), before, 30)
		ok(t, err)
		if len(page) == 0 {
			break
		}
		seen, before = seen+len(page), page[len(page)-1].ID
	}
	if seen != 80 {
		t.Errorf("paging saw %d", seen)
	}
}

// forger signs with the bank's key whatever member is asked for.
type forger struct{ exchange.Signer }

func (f forger) KeyID(ctx context.Context, _ exchange.MemberID) (string, error) {
	return f.Signer.KeyID(ctx, exchange.MemberID{Class: "COM", Code: "bank"})
}

func TestAnotherMembersKeyIsRefused(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.grant(t)
	w.deps.Signer = forger{exchange.MemberKeys(w.keys)}
	x := w.another(t)
	_, err := x.Call(ctx, search())
	wantCode(t, err, "exchange.wrong_key")
	if w.provider.count() != 0 {
		t.Error("the provider was asked")
	}
}

func TestGrantChecksAndNames(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	_, err := w.AddGrant(ctx, exchange.Grant{Client: civil, Service: population, Operations: []string{"dance"}, Fields: []string{"a..b"}})
	e, _ := errs.As(err)
	if e == nil || e.Code != "exchange.bad_grant" || len(e.Fields) != 4 {
		t.Errorf("AddGrant = %v", err)
	}
	g := w.grant(t, func(g *exchange.Grant) { g.ID = "seed-1" })
	ok(t, w.RevokeGrant(ctx, g.ID, "o", "first"))
	w.grant(t, func(g *exchange.Grant) { g.ID = "seed-1" }) // seeding again gives nothing back
	all, err := w.Grants(ctx)
	ok(t, err)
	if len(all) != 1 || all[0].RevokedAt.IsZero() || all[0].Reason != "first" {
		t.Errorf("grants = %+v", all)
	}
	for _, s := range []string{"GOV/MOJ", civil.String(), population.String()} {
		if n, found := w.MemberName(ctx, s); !found || n.IsZero() {
			t.Errorf("MemberName(%s) = %v, %v", s, n, found)
		}
	}
	members, err := w.Members(ctx)
	ok(t, err)
	if len(members) != 3 || len(members[1].Subsystems) != 2 {
		t.Errorf("members = %+v", members)
	}
	k, err := w.keys.Current(ctx, "GOV/MOJ", keys.TLS)
	ok(t, err)
	ok(t, k.Certificate.CheckSignatureFrom(w.keys.CA()))
}

func TestCanonicalIsStable(t *testing.T) {
	t.Parallel()
	e := exchange.Event{ID: "1", At: time.UnixMicro(5).UTC(), Client: "c", Fields: []string{"a"}, Records: 2, Outcome: "answered"}
	const want = `{"v":1,"id":"1","at":5,"subject":"","client":"c","service":"","operation":"","purpose":"","legal_basis":"","application":"","issue":"","message_id":"","user_id":"","represented":"","fields":["a"],"records":2,"outcome":"answered","reason":"","request_digest":"","answer_digest":""}`
	if got := string(e.Canonical()); got != want {
		t.Errorf("Canonical = %s\nwant %s", got, want)
	}
	if _, err := exchange.ParseCanonical([]byte(strings.Replace(want, `"v":1`, `"v": 1`, 1))); err == nil {
		t.Error("another spelling was taken")
	}
	if !json.Valid(e.Canonical()) {
		t.Error("not JSON")
	}
}

func BenchmarkCall(b *testing.B) {
	d, err := db.Open(b.Context(), "sqlite://"+b.TempDir()+"/x.db")
	ok(b, err)
	b.Cleanup(func() { _ = d.Close() })
	for _, s := range sets() {
		ok(b, d.Migrate(b.Context(), s.Name, s.FS))
	}
	w := newWorldOn(b, d)
	w.grant(b)
	w.provider.calls = make([]exchange.Delivery, 0, 1<<20)
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			if _, err := w.Call(b.Context(), search()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := w.Call(context.Background(), search()); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// A change under an id that its client chose reaches a service once; who chose
// none asks for something new each time, and pays for no mark.
func TestChangesAreDeliveredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var heard atomic.Int64
	w.behind(t, func(http.ResponseWriter, *http.Request) { heard.Add(1) })
	c := address("POST", "/new")
	for range 2 {
		_, err := w.Call(t.Context(), c)
		ok(t, err)
	}
	if n := w.marks(t); n != 0 || heard.Load() != 2 {
		t.Errorf("without an id: %d marks, heard %d times", n, heard.Load())
	}
	c.MessageID = "m-1"
	_, err := w.Call(t.Context(), c)
	ok(t, err)
	_, err = w.Call(t.Context(), c)
	wantCode(t, err, "exchange.delivered_before")
	if n := w.marks(t); n != 1 || heard.Load() != 3 {
		t.Errorf("with an id: %d marks, heard %d times", n, heard.Load())
	}
}

func (w *world) marks(t testing.TB) (n int) {
	t.Helper()
	ok(t, w.db.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT COUNT(*) FROM exchange_mark`).Scan(&n)
	}))
	return n
}
