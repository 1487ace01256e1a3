package pubsub_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/blocks/exchange/pubsub"
	"github.com/dinh-gov/dinh/blocks/exchange/webhook"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

const (
	person  = "001199000001"
	purpose = "child-allowance"
	room    = "VN/GOV/MOJ/civil-status"
	police  = "VN/GOV/MPS/population"
	bank    = "VN/COM/bank/loans"
	base    = "/r1/" + room
)

// world is an exchange with events beside it, behind real HTTP.
type world struct {
	db       *db.DB
	keys     *keys.Keys
	exchange *exchange.Exchange
	hooks    *webhook.Webhooks
	pubsub   *pubsub.Pubsub
	jobs     *job.Queue
	clock    *clock.Fake
	catalog  *i18n.Catalog
	url      string
	secrets  map[string]string
	keyIDs   map[string]string
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
		{Name: "exchange_pubsub", FS: pubsub.Migrations()},
	}...)
	w := &world{db: d, clock: clock.New(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)), secrets: map[string]string{}, keyIDs: map[string]string{}}
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
	w.exchange, err = exchange.New(exchange.Deps{DB: d, Clock: w.clock, Keys: w.keys, Ledger: l, Instance: "VN"})
	ok(t, err)
	for _, m := range []exchange.Member{
		{Class: "GOV", Code: "MOJ", Name: i18n.Text{VI: "Bộ Tư pháp", EN: "Justice"}, Subsystems: []exchange.Subsystem{{Code: "civil-status"}}},
		{Class: "GOV", Code: "MPS", Name: i18n.Text{VI: "Bộ Công an", EN: "Security"}, Subsystems: []exchange.Subsystem{{Code: "population"}}},
		{Class: "COM", Code: "bank", Name: i18n.Text{VI: "Ngân hàng", EN: "Bank"}, Subsystems: []exchange.Subsystem{{Code: "loans"}}},
	} {
		ok(t, w.exchange.AddMember(ctx, m))
	}
	w.catalog, err = i18n.New(httpx.Messages(), exchange.Messages(), webhook.Messages(), pubsub.Messages())
	ok(t, err)
	w.hooks = webhook.New(webhook.Deps{DB: d, Clock: w.clock, Members: w.exchange, Instance: "VN", Inside: true})
	w.jobs, w.pubsub = w.process(t)
	w.exchange.Join(exchange.Beside{Route: w.pubsub.Route})
	srv := httptest.NewServer(w.exchange.R1Handler())
	t.Cleanup(srv.Close)
	w.url = srv.URL
	for _, s := range []string{room, police, bank} {
		secret, k, err := w.exchange.NewClientKey(ctx, sub(t, s), "test", time.Time{})
		ok(t, err)
		w.secrets[s], w.keyIDs[s] = secret, k.ID
	}
	return w
}

// process is the work of one process on the database.
func (w *world) process(t testing.TB) (*job.Queue, *pubsub.Pubsub) {
	t.Helper()
	q := job.New(job.Deps{DB: w.db, Clock: w.clock, LeaseFor: 30 * time.Second, Log: slog.New(slog.DiscardHandler)})
	p, err := pubsub.New(pubsub.Deps{DB: w.db, Clock: w.clock, Exchange: w.exchange, Keys: w.keys, Webhooks: w.hooks, Jobs: q, Catalog: w.catalog})
	ok(t, err)
	return q, p
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(t testing.TB, who, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	ok(t, err)
	r.Header.Set("Content-Type", "application/json")
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+w.secrets[who])
		r.Header.Set("X-GovStack-Client", who)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	ok(t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	ok(t, err)
	return answer{res.StatusCode, res.Header, string(got)}
}

func (a answer) want(t testing.TB, status int, holds ...string) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	for _, h := range holds {
		if !strings.Contains(a.body, h) {
			t.Fatalf("%s\nlacks %s", a.body, h)
		}
	}
	return a
}

const birthSchema = `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","required":["place","child"],
	"properties":{"place":{"type":"string"},"at":{"type":"string","format":"date-time"},
	"child":{"type":"object","required":["number"],"properties":{"number":{"type":"string","title":"Số định danh"},"name":{"type":"string"}}}}}`

const birth = `{"eventType":"newBirth","event":{"place":"Huế","child":{"number":"` + person + `","name":"An"}}}`

// birthType creates newBirth in the room and grants it to who.
func (w *world) birthType(t testing.TB, grantees ...string) (grants []string) {
	t.Helper()
	w.do(t, room, "POST", base+"/api/v1/eventType", `{"eventType":"newBirth","subject":"$.child.number","title":{"vi":"Khai sinh mới","en":"New births"},"schema":`+birthSchema+`}`).want(t, 200)
	for _, who := range grantees {
		g, err := w.exchange.AddGrant(t.Context(), exchange.Grant{
			Client: sub(t, who), Service: pubsub.Service(sub(t, room), "newBirth"), Operations: []string{exchange.OpSubscribe},
			Fields: []string{"place", "child.number"}, Purpose: purpose, LegalBasis: "Luật Hộ tịch",
		})
		ok(t, err)
		grants = append(grants, g.ID)
	}
	return grants
}

// receiver is a subscriber's webhook.
type receiver struct {
	mu     sync.Mutex
	url    string
	status int
	got    []received
}

type received struct {
	header http.Header
	body   []byte
	item   pubsub.EventItem
}

func (w *world) receiver(t testing.TB, who string) *receiver {
	t.Helper()
	rc := &receiver{status: 204}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rc.mu.Lock()
		defer rc.mu.Unlock()
		in := received{header: r.Header.Clone(), body: body}
		_ = json.Unmarshal(body, &in.item)
		rc.got = append(rc.got, in)
		rw.WriteHeader(rc.status)
	}))
	t.Cleanup(srv.Close)
	rc.url = srv.URL + "/events"
	ok(t, w.hooks.Set(t.Context(), webhook.Hook{Subsystem: sub(t, who), URL: rc.url}))
	return rc
}

func (rc *receiver) answers(status int) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.status = status
}

func (rc *receiver) all() []received {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return slices.Clone(rc.got)
}

func (w *world) drain(t testing.TB) {
	t.Helper()
	ok(t, w.jobs.Drain(t.Context()))
}

func (w *world) events(t testing.TB) []exchange.Event {
	t.Helper()
	es, err := w.exchange.Events(t.Context(), w.keys.Pseudonym(person), "", 100)
	ok(t, err)
	return es
}

// verify checks a delivery as its receiver would.
func (w *world) verify(t testing.TB, got received, url string) {
	t.Helper()
	ok(t, httpsig.VerifyContentDigest(got.header.Get("Content-Digest"), got.body))
	sig, err := httpsig.Parse("dinh", got.header.Get("Signature-Input"), got.header.Get("Signature"))
	ok(t, err)
	text, whole := sig.Base(func(c httpsig.Component) (string, bool) {
		switch c.Name {
		case "@method":
			return "POST", true
		case "@target-uri":
			return url, true
		}
		return got.header.Get(c.Name), got.header.Get(c.Name) != ""
	})
	key, err := w.keys.Key(t.Context(), sig.Params.KeyID)
	ok(t, err)
	if !whole || key.Owner != "GOV/MOJ" || !ed25519.Verify(key.Public.(ed25519.PublicKey), text, sig.Signature) || len(sig.Components) != 5 {
		t.Fatalf("the signature does not hold: %s by %s", got.header, key.Owner)
	}
}

func TestPushReachesTheSubscriberSignedAndTraced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.birthType(t, police)
	rc := w.receiver(t, police)
	w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth"}`, "X-Dinh-Purpose", purpose).
		want(t, 200, `"delivery":"PUSH"`, `"TTL":3600`, `"FIFO":false`, `"applicationCode":"population"`)
	id := w.do(t, room, "POST", base+"/pub/v1/newBirth", birth, "X-Road-Id", "m-1").want(t, 201).body
	if again := w.do(t, room, "POST", base+"/pub/v1/newBirth", birth, "X-Road-Id", "m-1").want(t, 201).body; again != id {
		t.Errorf("a repeated publication became another event: %s, %s", id, again)
	}
	if len(w.events(t)) != 0 {
		t.Error("an access event before anything left")
	}
	w.drain(t)
	got := rc.all()
	if len(got) != 1 || got[0].header.Get("Idempotency-Key") != `"`+got[0].item.ID+`"` || !strings.Contains(id, got[0].item.ID) {
		t.Fatalf("delivered %v", got)
	}
	if string(got[0].item.Event) != `{"child":{"number":"`+person+`"},"place":"Huế"}` {
		t.Errorf("the event kept %s: the grant has no name", got[0].item.Event)
	}
	w.verify(t, got[0], rc.url)
	es := w.events(t)
	if len(es) != 1 || es[0].Client != police || es[0].Operation != "subscribe" || es[0].Purpose != purpose || es[0].Outcome != "answered" ||
		strings.Join(es[0].Fields, ",") != "place,child.number" {
		t.Errorf("access events %+v", es)
	}
	evidence, err := w.exchange.Evidence(t.Context(), got[0].item.ID)
	if ok(t, err); len(evidence) != 1 || evidence[0].Answer.Signature == "" {
		t.Errorf("evidence %+v", evidence)
	}
	w.drain(t)
	if len(rc.all()) != 1 {
		t.Error("delivered twice")
	}
}

func TestPushIsRepeatedUnderOneIDAndTracedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.birthType(t, police)
	rc := w.receiver(t, police)
	rc.answers(500)
	w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth"}`, "X-Dinh-Purpose", purpose).want(t, 200)
	w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201)
	w.drain(t)
	w.clock.Advance(10 * time.Second)
	w.drain(t)
	rc.answers(200)
	w.clock.Advance(time.Minute)
	w.drain(t)
	got := rc.all()
	if len(got) != 3 || got[0].item.ID != got[2].item.ID || !bytes.Equal(got[0].body, got[2].body) {
		t.Fatalf("%d deliveries", len(got))
	}
	w.verify(t, got[2], rc.url)
	if es := w.events(t); len(es) != 1 {
		t.Errorf("%d access events for one delivery", len(es))
	}
}

func TestDeadLettersCanBeSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.birthType(t, police)
	rc := w.receiver(t, police)
	rc.answers(503)
	w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","options":{"TTL":2000000}}`, "X-Dinh-Purpose", purpose).want(t, 200)
	w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201)
	for range 25 {
		w.drain(t)
		w.clock.Advance(2 * time.Hour)
	}
	dead, err := w.jobs.Dead(t.Context(), 10)
	if ok(t, err); len(dead) != 1 || strings.Contains(fmt.Sprint(dead[0]), person) {
		t.Fatalf("dead letters %v", dead)
	}
	rc.answers(200)
	before := len(rc.all())
	ok(t, w.jobs.Retry(t.Context(), dead[0].ID))
	w.drain(t)
	if len(rc.all()) != before+1 {
		t.Error("the dead letter was not sent again")
	}
}

func TestARevokedGrantStopsTheNextDelivery(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{"PUSH", "PULL"} {
		w := newWorld(t)
		grant := w.birthType(t, police)[0]
		rc := w.receiver(t, police)
		w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","delivery":"`+delivery+`"}`, "X-Dinh-Purpose", purpose).want(t, 200)
		w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201)
		ok(t, w.exchange.RevokeGrant(t.Context(), grant, "officer", "the law changed"))
		if delivery == "PULL" {
			w.do(t, police, "GET", base+"/pull/v1/newBirth", "").want(t, 403, "exchange.grant_revoked")
			w.do(t, police, "GET", base+"/pull/v1/newBirth", "").want(t, 404)
		}
		w.drain(t)
		if got := rc.all(); len(got) != 0 {
			t.Errorf("%s: delivered without a grant", delivery)
		}
		if es := w.events(t); len(es) != 1 || es[0].Outcome != "refused" || es[0].Reason != "exchange.grant_revoked" {
			t.Errorf("%s: access events %+v", delivery, es)
		}
	}
}

func TestNoEventNoDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.birthType(t, police)
	rc := w.receiver(t, police)
	w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth"}`, "X-Dinh-Purpose", purpose).want(t, 200)
	w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201)
	ok(t, w.db.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `ALTER TABLE exchange_event RENAME TO exchange_event_gone`)
		return err
	}))
	w.drain(t)
	if len(rc.all()) != 0 {
		t.Fatal("delivered without an access event")
	}
	ok(t, w.db.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `ALTER TABLE exchange_event_gone RENAME TO exchange_event`)
		return err
	}))
	w.clock.Advance(time.Minute)
	w.drain(t)
	if len(rc.all()) != 1 || len(w.events(t)) != 1 {
		t.Errorf("%d deliveries, %d events", len(rc.all()), len(w.events(t)))
	}
}

func TestPullAcknowledgeStopAndExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.birthType(t, police)
	w.do(t, police, "GET", base+"/pull/v1/newBirth", "").want(t, 404, "pubsub.no_subscription")
	w.do(t, police, "GET", base+"/api/v1/subs", "").want(t, 404)
	w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","delivery":"PULL","options":{"TTL":60,"FIFO":true}}`, "X-Dinh-Purpose", purpose).want(t, 200)
	w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth"}`, "X-Dinh-Purpose", purpose).want(t, 400, "pubsub.no_webhook")
	w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","delivery":"PULL"}`, "X-Dinh-Purpose", purpose).want(t, 409)
	w.do(t, police, "GET", base+"/api/v1/subs", "").want(t, 200, `[{"id":`)
	w.do(t, police, "GET", base+"/pull/v1/newBirth", "").want(t, 404, "pubsub.nothing_waits")
	var ids []string
	for range 3 {
		var out struct{ ID string }
		ok(t, json.Unmarshal([]byte(w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201).body), &out))
		ids = append(ids, out.ID)
	}
	w.do(t, police, "DELETE", base+"/pull/v1/newBirth/"+ids[1], "").want(t, 409, "pubsub.not_handed")
	first := w.do(t, police, "GET", base+"/pull/v1/newBirth", "").want(t, 200, ids[0], `"sequence":1`)
	if first.header.Get("Signature") == "" || first.header.Get("X-Road-Id") != ids[0] {
		t.Error("what is pulled is not signed")
	}
	w.do(t, police, "GET", base+"/pull/v1/newBirth", "").want(t, 200, ids[0])
	w.do(t, police, "DELETE", base+"/pull/v1/newBirth/"+ids[0], "").want(t, 204)
	w.do(t, police, "DELETE", base+"/pull/v1/newBirth/"+ids[0], "").want(t, 204)
	w.do(t, room, "DELETE", base+"/pub/v1/newBirth/"+ids[1], "").want(t, 204)
	w.do(t, room, "GET", base+"/pub/v1/newBirth/"+ids[1], "").want(t, 404)
	w.do(t, room, "GET", base+"/pub/v1/newBirth/"+ids[2], "").want(t, 200, person)
	w.do(t, police, "GET", base+"/pull/v1/newBirth", "").want(t, 200, ids[2], `"sequence":3`)
	if es := w.events(t); len(es) != 2 {
		t.Errorf("%d access events for two events handed over", len(es))
	}
	w.clock.Advance(time.Minute)
	w.do(t, police, "GET", base+"/pull/v1/newBirth", "").want(t, 404, "pubsub.nothing_waits")
	ok(t, w.pubsub.Tidy(t.Context()))
	if body := w.do(t, room, "GET", base+"/pub/v1/newBirth/"+ids[2], "").want(t, 200).body; strings.Contains(body, person) {
		t.Error("the content outlived its use")
	}
	w.do(t, police, "PATCH", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","options":{"FIFO":false}}`).want(t, 201, `"FIFO":false`, `"TTL":60`)
	w.do(t, police, "DELETE", base+"/api/v1/subs/newBirth", "").want(t, 204)
	w.do(t, police, "DELETE", base+"/api/v1/subs/newBirth", "").want(t, 404)
}

func TestWordsForThePersonConcerned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.birthType(t)
	service := room + "/events.newBirth"
	if title, found := w.pubsub.ServiceTitle(t.Context(), service); !found || title.EN != "New births" {
		t.Errorf("title %+v", title)
	}
	if label, found := w.pubsub.FieldLabel(t.Context(), service, "child.number"); !found || label.VI != "Số định danh" {
		t.Errorf("label %+v", label)
	}
	for _, none := range []string{room, room + "/newBirth", room + "/events.x", "x"} {
		if _, found := w.pubsub.ServiceTitle(t.Context(), none); found {
			t.Errorf("%s has a title", none)
		}
	}
	for _, none := range []string{"place", "child", "child.none", "none.number", "", "child.number.x"} {
		if label, found := w.pubsub.FieldLabel(t.Context(), service, none); found {
			t.Errorf("%s is called %v", none, label)
		}
	}
}
