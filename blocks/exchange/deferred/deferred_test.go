package deferred_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/deferred"
	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/blocks/exchange/webhook"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

const (
	person  = "001199000001"
	purpose = "birth-registration"
	civil   = "VN/GOV/MOJ/civil-status"
	bank    = "VN/COM/bank/loans"
	service = "VN/GOV/MPS/population/population"
)

// register is a provider that can fail.
type register struct {
	mu    sync.Mutex
	err   error
	calls []string // message ids
}

// Serve knows one person.
func (r *register) Serve(_ context.Context, d exchange.Delivery) (exchange.Reply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, d.MessageID)
	return exchange.Reply{Body: []byte(`{"records":[{"id":"r1","data":{"name":"An","secret":"x"}}],"total":1}`), Subjects: []string{person}}, r.err
}

func (r *register) fails(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

type world struct {
	db       *db.DB
	keys     *keys.Keys
	exchange *exchange.Exchange
	hooks    *webhook.Webhooks
	jobs     *job.Queue
	clock    *clock.Fake
	register *register
	catalog  *i18n.Catalog
	url      string
	grant    string
	secrets  map[string]string
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sub(t testing.TB, s string) exchange.SubsystemID {
	t.Helper()
	id, err := exchange.ParseSubsystem(s)
	ok(t, err)
	return id
}

func newWorld(t testing.TB) *world {
	t.Helper()
	d := dbtest.New(t, []dbtest.Set{
		{Name: "job", FS: job.Migrations()}, {Name: "keys", FS: keys.Migrations()}, {Name: "ledger", FS: ledger.Migrations()},
		{Name: "exchange", FS: exchange.Migrations()}, {Name: "exchange_webhook", FS: webhook.Migrations()},
		{Name: "exchange_deferred", FS: deferred.Migrations()},
	}...)
	w := &world{db: d, clock: clock.New(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)), register: &register{}, secrets: map[string]string{}}
	ctx := t.Context()
	var err error
	w.keys, err = keys.Open(ctx, keys.Deps{DB: d, Clock: w.clock, Master: [32]byte{1}, Instance: "VN"})
	ok(t, err)
	skey, _, err := ledger.NewKey("test.dinh/ledger")
	ok(t, err)
	signer, err := note.NewSigner(skey)
	ok(t, err)
	l, err := ledger.New(ledger.Deps{DB: d, Clock: w.clock, Origin: "test.dinh/ledger", Signer: signer})
	ok(t, err)
	w.catalog, err = i18n.New(httpx.Messages(), exchange.Messages(), webhook.Messages(), deferred.Messages())
	ok(t, err)
	w.exchange, err = exchange.New(exchange.Deps{DB: d, Clock: w.clock, Keys: w.keys, Ledger: l, Instance: "VN", Catalog: w.catalog})
	ok(t, err)
	for _, m := range []exchange.Member{
		{Class: "GOV", Code: "MOJ", Name: i18n.Text{VI: "Bộ Tư pháp", EN: "Justice"}, Subsystems: []exchange.Subsystem{{Code: "civil-status"}}},
		{Class: "GOV", Code: "MPS", Name: i18n.Text{VI: "Bộ Công an", EN: "Security"}, Subsystems: []exchange.Subsystem{{Code: "population"}}},
		{Class: "COM", Code: "bank", Name: i18n.Text{VI: "Ngân hàng", EN: "Bank"}, Subsystems: []exchange.Subsystem{{Code: "loans"}}},
	} {
		ok(t, w.exchange.AddMember(ctx, m))
	}
	id, err := exchange.ParseService(service)
	ok(t, err)
	ok(t, w.exchange.RegisterProvider(exchange.ServiceInfo{ID: id, Title: i18n.Text{VI: "Dân cư", EN: "Population"}}, w.register))
	g, err := w.exchange.AddGrant(ctx, exchange.Grant{
		Client: sub(t, civil), Service: id, Operations: []string{"read"}, Fields: []string{"name"}, Purpose: purpose, LegalBasis: "Luật Hộ tịch",
	})
	ok(t, err)
	w.grant = g.ID
	w.hooks = webhook.New(webhook.Deps{DB: d, Clock: w.clock, Members: w.exchange, Instance: "VN", Inside: true})
	var late *deferred.Deferred
	w.jobs, late = w.process(t, w.exchange)
	w.exchange.Join(exchange.Beside{Route: late.Route, Client: late.Client, Later: late})
	srv := httptest.NewServer(w.exchange.R1Handler())
	t.Cleanup(srv.Close)
	w.url = srv.URL
	for _, s := range []string{civil, bank} {
		w.secrets[s], _, err = w.exchange.NewClientKey(ctx, sub(t, s), "test", time.Time{})
		ok(t, err)
	}
	return w
}

func (w *world) process(t testing.TB, x deferred.Exchange) (*job.Queue, *deferred.Deferred) {
	t.Helper()
	q := job.New(job.Deps{DB: w.db, Clock: w.clock, LeaseFor: 30 * time.Second, Log: slog.New(slog.DiscardHandler)})
	late, err := deferred.New(deferred.Deps{DB: w.db, Clock: w.clock, Exchange: x, Keys: w.keys, Webhooks: w.hooks, Jobs: q, Catalog: w.catalog})
	ok(t, err)
	return q, late
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) get(t testing.TB, who, path string, headers ...string) answer {
	t.Helper()
	return w.do(t, "GET", who, path, headers...)
}

func (w *world) do(t testing.TB, method, who, path string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, nil)
	ok(t, err)
	r.Header.Set("Authorization", "Bearer "+w.secrets[who])
	r.Header.Set("X-Road-Client", who)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	ok(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ok(t, err)
	return answer{res.StatusCode, res.Header, string(body)}
}

// ask makes a deferred call and gives where its answer will be.
func (w *world) ask(t testing.TB, headers ...string) string {
	t.Helper()
	got := w.get(t, civil, "/r1/"+service+"/records/r1", append([]string{"Prefer", "respond-async"}, headers...)...)
	if got.status != 202 || got.header.Get("Location") == "" || got.header.Get("Preference-Applied") != "respond-async" || got.header.Get("X-Road-Id") == "" {
		t.Fatalf("answer %+v", got)
	}
	return got.header.Get("Location")
}

func (w *world) want(t testing.TB, who, path string, status int, holds string) answer {
	t.Helper()
	got := w.get(t, who, path)
	if got.status != status || !strings.Contains(got.body, holds) {
		t.Fatalf("%d %s, want %d with %s", got.status, got.body, status, holds)
	}
	return got
}

func (w *world) events(t testing.TB) []exchange.Event {
	t.Helper()
	es, err := w.exchange.Events(t.Context(), w.keys.Pseudonym(person), "", 100)
	ok(t, err)
	return es
}

func TestAnAnswerIsKeptUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.ask(t, "X-Road-Id", "m-1")
	if again := w.ask(t, "X-Road-Id", "m-1"); again != at {
		t.Errorf("the same call became another one: %s, %s", at, again)
	}
	if got := w.get(t, civil, "/r1/"+service+"/records/r2", "Prefer", "respond-async", "X-Road-Id", "m-1"); got.status != 409 {
		t.Errorf("another call under the same id: %+v", got)
	}
	w.want(t, civil, at, 202, "waiting")
	w.want(t, bank, at, 404, "deferred.none")
	w.want(t, bank, strings.Replace(at, civil, bank, 1), 404, "deferred.none")
	if got := w.do(t, "DELETE", civil, at); got.status != 409 {
		t.Errorf("acknowledged before it was there: %+v", got)
	}
	if len(w.register.calls) != 0 {
		t.Error("called before its time")
	}
	ok(t, w.jobs.Drain(t.Context()))
	w.breaksOff(t, at)
	got := w.want(t, civil, at, 200, `"name":"An"`)
	if strings.Contains(got.body, "secret") || got.header.Get("X-Road-Id") != "m-1" || got.header.Get("X-Road-Request-Hash") == "" {
		t.Errorf("answer %+v", got)
	}
	if es := w.events(t); len(es) != 1 || es[0].Outcome != "answered" || es[0].Purpose != purpose || es[0].MessageID != "m-1" {
		t.Errorf("events %+v", es)
	}
	if es, err := w.exchange.Evidence(t.Context(), "m-1"); err != nil || len(es) != 1 {
		t.Errorf("evidence %v %v", es, err)
	}
	if again := w.want(t, civil, at, 200, `"name":"An"`); again.header.Get("X-Road-Id") != "m-1" || again.body != got.body {
		t.Errorf("again, another answer: %+v", again)
	}
	if got := w.do(t, "DELETE", bank, at); got.status != 404 {
		t.Errorf("somebody else acknowledged: %+v", got)
	}
	for range 2 {
		if got := w.do(t, "DELETE", civil, at); got.status != 204 {
			t.Errorf("acknowledged: %+v", got)
		}
	}
	w.want(t, civil, at, 410, "deferred.gone")
	w.nothingKept(t)
}

// breaksOff fetches the first bytes of an answer and goes away.
func (w *world) breaksOff(t testing.TB, path string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	ok(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+w.secrets[civil]+"\r\n\r\n")
	ok(t, err)
	first := make([]byte, 12)
	_, err = io.ReadFull(c, first)
	ok(t, err)
	if string(first) != "HTTP/1.1 200" {
		t.Errorf("%s", first)
	}
}

// nothingKept checks that no answer is in the database any more.
func (w *world) nothingKept(t testing.TB) {
	t.Helper()
	ok(t, w.db.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
		var n int
		err := q.QueryRowContext(ctx, `SELECT coalesce(max(length(content)), 0) FROM exchange_deferred`).Scan(&n)
		if n > 0 {
			t.Error("the content is still there")
		}
		return err
	}))
}

// Another grant of the same pair does not let out what waits under one that ended.
func TestAnAnswerWaitsUnderItsOwnGrant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, err := exchange.ParseService(service)
	ok(t, err)
	other, err := w.exchange.AddGrant(t.Context(), exchange.Grant{
		Client: sub(t, civil), Service: id, Operations: []string{"search"}, Fields: []string{"name"}, Purpose: "statistics", LegalBasis: "Luật",
	})
	ok(t, err)
	at := w.ask(t, "X-Dinh-Purpose", purpose)
	ok(t, w.jobs.Drain(t.Context()))
	ok(t, w.exchange.RevokeGrant(t.Context(), other.ID, "officer", "no longer needed"))
	w.want(t, civil, at, 200, "An")
	_, err = w.exchange.AddGrant(t.Context(), exchange.Grant{
		Client: sub(t, civil), Service: id, Operations: []string{"read"}, Fields: []string{"name"}, Purpose: "statistics", LegalBasis: "Luật",
	})
	ok(t, err)
	ok(t, w.exchange.RevokeGrant(t.Context(), w.grant, "officer", "no longer needed"))
	w.want(t, civil, at, 403, "exchange.grant_revoked")
	w.nothingKept(t)
}

// Where systems come without a key they fetch their answers without one.
func TestAtTheDoorWithoutKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	srv := httptest.NewServer(w.exchange.R1Handler(sub(t, civil)))
	t.Cleanup(srv.Close)
	at := w.ask(t)
	ok(t, w.jobs.Drain(t.Context()))
	for address, want := range map[string]int{at: 200, strings.Replace(at, civil, bank, 1): 401} {
		for _, named := range []bool{false, true} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+address, nil)
			ok(t, err)
			if named && want == 200 {
				r.Header.Set("X-Road-Client", civil)
			}
			res, err := http.DefaultClient.Do(r)
			ok(t, err)
			ok(t, res.Body.Close())
			if res.StatusCode != want {
				t.Errorf("%s named %v: %d, want %d", address, named, res.StatusCode, want)
			}
		}
	}
}

func TestRefusalsDoNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, got := range map[string]answer{
		"no grant":    w.get(t, bank, "/r1/"+service+"/records/r1", "Prefer", "respond-async"),
		"purpose":     w.get(t, civil, "/r1/"+service+"/records/r1", "Prefer", "respond-async", "X-Dinh-Purpose", "curiosity"),
		"field":       w.get(t, civil, "/r1/"+service+"/records/r1", "Prefer", "respond-async", "X-Dinh-Fields", "secret"),
		"no webhook":  w.get(t, civil, "/r1/"+service+"/records/r1", "Prefer", "respond-async; push"),
		"a false key": w.get(t, "VN/GOV/MPS/population", "/r1/"+service+"/records/r1", "Prefer", "respond-async"),
	} {
		if got.status < 400 || got.header.Get("Location") != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := w.get(t, civil, "/r1/"+service+"/records/r1", "Prefer", "return=minimal"); got.status != 200 {
		t.Errorf("another preference: %+v", got)
	}
}

func TestAGrantIsAskedAgain(t *testing.T) {
	t.Parallel()
	for _, called := range []bool{false, true} {
		w := newWorld(t)
		at := w.ask(t)
		if called {
			ok(t, w.jobs.Drain(t.Context()))
		}
		ok(t, w.exchange.RevokeGrant(t.Context(), w.grant, "officer", "no longer needed"))
		ok(t, w.jobs.Drain(t.Context()))
		w.want(t, civil, at, 403, "exchange.grant_revoked")
		if !called && len(w.register.calls) != 0 {
			t.Error("the provider was asked without a grant")
		}
	}
}

func TestPassingFailuresAreTriedAgainUnderOneID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register.fails(errs.New(errs.Unavailable, "registers.away"))
	at := w.ask(t, "X-Road-Id", "m-2")
	ok(t, w.jobs.Drain(t.Context()))
	w.want(t, civil, at, 202, "waiting")
	w.register.fails(nil)
	w.clock.Advance(10 * time.Second)
	ok(t, w.jobs.Drain(t.Context()))
	w.want(t, civil, at, 200, "An")
	if len(w.register.calls) != 2 || w.register.calls[0] != "m-2" || w.register.calls[1] != "m-2" {
		t.Errorf("calls %v", w.register.calls)
	}
	w.register.fails(errs.New(errs.Unavailable, "registers.away"))
	at = w.ask(t)
	for range 12 {
		ok(t, w.jobs.Drain(t.Context()))
		w.clock.Advance(20 * time.Minute)
	}
	w.want(t, civil, at, 503, "exchange.provider_failed")
}

func TestAnswersAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.ask(t)
	ok(t, w.jobs.Drain(t.Context()))
	w.clock.Advance(24 * time.Hour)
	w.want(t, civil, at, 410, "deferred.gone")
	ok(t, w.jobs.Drain(t.Context()))
	w.nothingKept(t)
}

func TestPushIsSignedByWhoAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	var got []deferred.Pushed
	var header http.Header
	var body []byte
	status := 500
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var p deferred.Pushed
		body, _ = io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &p)
		got, header = append(got, p), r.Header.Clone()
		rw.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	ok(t, w.hooks.Set(t.Context(), webhook.Hook{Subsystem: sub(t, civil), URL: srv.URL + "/answers"}))
	at := w.ask(t, "Prefer", "respond-async; push", "X-Road-Id", "m-3")
	ok(t, w.jobs.Drain(t.Context()))
	mu.Lock()
	status = 200
	mu.Unlock()
	w.clock.Advance(10 * time.Second)
	ok(t, w.jobs.Drain(t.Context()))
	if len(got) != 2 || got[0].ID != got[1].ID || got[1].MessageID != "m-3" || got[1].Status != 200 || !strings.Contains(string(got[1].Body), "An") {
		t.Fatalf("pushed %+v", got)
	}
	ok(t, httpsig.VerifyContentDigest(header.Get("Content-Digest"), body))
	sig, err := httpsig.Parse("dinh", header.Get("Signature-Input"), header.Get("Signature"))
	ok(t, err)
	text, whole := sig.Base(func(c httpsig.Component) (string, bool) {
		switch c.Name {
		case "@method":
			return "POST", true
		case "@target-uri":
			return srv.URL + "/answers", true
		}
		return header.Get(c.Name), true
	})
	key, err := w.keys.Key(t.Context(), sig.Params.KeyID)
	ok(t, err)
	if !whole || key.Owner != "GOV/MPS" || !ed25519.Verify(key.Public.(ed25519.PublicKey), text, sig.Signature) {
		t.Error("the signature does not hold")
	}
	w.want(t, civil, at, 410, "deferred.gone")
	if es := w.events(t); len(es) != 1 {
		t.Errorf("%d access events for one answer", len(es))
	}
}

// dying is an exchange whose process ends right after the provider answered.
type dying struct {
	*exchange.Exchange
	die func()
}

// Call makes the call, and dies.
func (d dying) Call(ctx context.Context, c exchange.Call) (exchange.Answer, error) {
	a, err := d.Exchange.Call(ctx, c)
	d.die()
	return a, errors.Join(err, context.Canceled)
}

func TestADeadWorkerLosesNoCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.ask(t, "X-Road-Id", "m-4")
	ctx, kill := context.WithCancel(t.Context())
	q, _ := w.process(t, dying{w.exchange, kill})
	_ = q.Drain(ctx) // ends with its process
	w.want(t, civil, at, 202, "waiting")
	w.clock.Advance(31 * time.Second)
	ok(t, w.jobs.Drain(t.Context()))
	w.want(t, civil, at, 200, "An")
	if len(w.register.calls) != 2 || w.register.calls[1] != "m-4" {
		t.Errorf("calls %v", w.register.calls)
	}
}

// An answer that needs a consent does not wait here until the consent has ended.
func TestWhatNeedsConsentIsAnsweredNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, err := exchange.ParseService(service)
	ok(t, err)
	_, err = w.exchange.AddGrant(t.Context(), exchange.Grant{
		Client: sub(t, civil), Service: id, Operations: []string{"search"}, Fields: []string{"name"}, Match: []string{"number"}, Purpose: "loan", LegalBasis: "Luật",
		Consent: true,
	})
	ok(t, err)
	got := w.get(t, civil, "/r1/"+service+"/records/r1", "Prefer", "respond-async", "X-Dinh-Purpose", purpose)
	if got.status != 200 || got.header.Get("Preference-Applied") != "" || !strings.Contains(got.body, "An") {
		t.Errorf("answer %+v", got)
	}
}
