package pubsub_test

import (
	"context"
	"encoding/json"
	"errors"
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

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/pubsub"
	"github.com/dinh-gov/dinh/blocks/exchange/webhook"
	"github.com/dinh-gov/dinh/kernel/job"
)

// Who may not, what is wrong, and which answer it gets.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.birthType(t, police)
	w.do(t, room, "POST", base+"/api/v1/eventType", `{"eventType":"office","schema":{"type":"object"}}`).want(t, 200)
	w.receiver(t, police)
	const typ = base + "/api/v1/eventType"
	subscribe := `{"eventType":"newBirth","delivery":"PULL"}`
	for _, c := range []struct {
		name, who, method, path, body string
		headers                       []string
		status                        int
		code                          string
	}{
		{"nobody", "", "GET", typ, "", []string{"X-GovStack-Client", room}, 401, "exchange.client_key_revoked"},
		{"another's name", police, "GET", typ, "", []string{"X-GovStack-Client", room}, 403, "pubsub.client_mismatch"},
		{"no name", room, "GET", typ, "", []string{"X-GovStack-Client", ""}, 400, "pubsub.client_missing"},
		{"half a name", room, "GET", typ, "", []string{"X-GovStack-Client", "VN/GOV"}, 400, "pubsub.client_missing"},
		{"another's room", police, "POST", typ, `{"eventType":"x","schema":{}}`, nil, 403, "pubsub.not_your_room"},
		{"another's publication", police, "POST", base + "/pub/v1/newBirth", birth, nil, 403, "pubsub.not_your_room"},
		{"another's removal", police, "DELETE", typ + "/newBirth", "", nil, 403, "pubsub.not_your_room"},
		{"the list for a stranger", bank, "GET", typ, "", nil, 204, ""},
		{"the list for who has a grant", police, "GET", typ, "", nil, 200, `["newBirth"]`},
		{"the type for a stranger", bank, "GET", typ + "/newBirth", "", nil, 204, ""},
		{"the type for who has a grant", police, "GET", typ + "/newBirth", "", nil, 200, "draft-07"},
		{"the same type again", room, "POST", typ, `{"eventType":"newBirth","schema":{}}`, nil, 409, "pubsub.type_exists"},
		{"a bad name", room, "POST", typ, `{"eventType":"a b","schema":{}}`, nil, 400, "pubsub.bad_name"},
		{"no schema", room, "POST", typ, `{"eventType":"a"}`, nil, 400, "pubsub.bad_schema"},
		{"a false schema", room, "POST", typ, `{"eventType":"a","schema":{"type":"nothing"}}`, nil, 400, "pubsub.bad_schema"},
		{"a schema from elsewhere", room, "POST", typ, `{"eventType":"a","schema":{"$ref":"file:///etc/passwd"}}`, nil, 400, "pubsub.bad_schema"},
		{"a schema from the network", room, "POST", typ, `{"eventType":"a","schema":{"$ref":"http://127.0.0.1/x"}}`, nil, 400, "pubsub.bad_schema"},
		{"a bad path", room, "POST", typ, `{"eventType":"a","schema":{},"subject":"child.number"}`, nil, 400, "pubsub.bad_subject_path"},
		{"about people without a title", room, "POST", typ, `{"eventType":"a","schema":{},"subject":"$.a","title":{"vi":"x"}}`, nil, 400, "pubsub.title_missing"},
		{"an unknown member", room, "POST", typ, `{"eventType":"a","schema":{},"secret":1}`, nil, 400, "httpx.json_fields"},
		{"not JSON", room, "POST", base + "/pub/v1/newBirth", `{`, nil, 400, "httpx.json_syntax"},
		{"another type in the body", room, "POST", base + "/pub/v1/newBirth", `{"eventType":"x","event":{}}`, nil, 400, "pubsub.type_mismatch"},
		{"no such type", room, "POST", base + "/pub/v1/x", `{"eventType":"x","event":{}}`, nil, 404, "pubsub.no_type"},
		{"against the schema", room, "POST", base + "/pub/v1/newBirth", `{"eventType":"newBirth","event":{"place":1,"child":{"number":"` + person + `"}}}`, nil, 400, "/place (type)"},
		{"a list", room, "POST", base + "/pub/v1/newBirth", `{"eventType":"newBirth","event":[]}`, nil, 400, "pubsub.not_an_object"},
		{"about nobody", room, "POST", base + "/pub/v1/newBirth", `{"eventType":"newBirth","event":{"place":"x","child":{"number":" "}}}`, nil, 400, "pubsub.subject_missing"},
		{"too large", room, "POST", base + "/pub/v1/newBirth", `{"eventType":"newBirth","event":{"place":"` + strings.Repeat("x", 300<<10) + `"}}`, nil, 413, "pubsub.event_too_large"},
		{"much too large", room, "POST", base + "/pub/v1/newBirth", strings.Repeat(" ", 600<<10) + birth, nil, 413, "httpx.body_too_large"},
		{"no grant", bank, "POST", base + "/api/v1/subs/newBirth", subscribe, []string{"X-Dinh-Purpose", purpose}, 403, "exchange.no_grant"},
		{"no grant on what is not there", bank, "POST", base + "/api/v1/subs/x", subscribe, nil, 403, "exchange.no_grant"},
		{"no purpose", police, "POST", base + "/api/v1/subs/newBirth", subscribe, nil, 400, "exchange.purpose_missing"},
		{"another purpose", police, "POST", base + "/api/v1/subs/newBirth", subscribe, []string{"X-Dinh-Purpose", "curiosity"}, 403, "exchange.purpose_not_granted"},
		{"for somebody else", police, "POST", base + "/api/v1/subs/newBirth", `{"eventType":"newBirth","subscriberId":{"instanceId":"VN","memberClass":"COM","memberCode":"bank","applicationCode":"loans"}}`, []string{"X-Dinh-Purpose", purpose}, 400, "pubsub.not_you"},
		{"by pigeon", police, "POST", base + "/api/v1/subs/newBirth", `{"eventType":"newBirth","delivery":"PIGEON"}`, []string{"X-Dinh-Purpose", purpose}, 400, "pubsub.bad_delivery"},
		{"for ever", police, "POST", base + "/api/v1/subs/newBirth", `{"eventType":"newBirth","options":{"TTL":99999999999}}`, []string{"X-Dinh-Purpose", purpose}, 400, "pubsub.bad_ttl"},
		{"TTL in words", police, "POST", base + "/api/v1/subs/newBirth", `{"eventType":"newBirth","options":{"TTL":"day"}}`, []string{"X-Dinh-Purpose", purpose}, 400, "httpx.json_type"},
		{"another method", room, "PUT", typ, "", nil, 405, ""},
		{"no such event", room, "GET", base + "/pub/v1/newBirth/x", "", nil, 404, "pubsub.no_event"},
		{"no subscription to change", police, "PATCH", base + "/api/v1/subs/newBirth", subscribe, nil, 404, "pubsub.no_subscription"},
		{"pushed, not pulled", police, "POST", base + "/api/v1/subs/newBirth", `{"eventType":"newBirth"}`, []string{"X-Dinh-Purpose", purpose}, 200, ""},
		{"a pull of what is pushed", police, "GET", base + "/pull/v1/newBirth", "", nil, 409, "pubsub.not_pull"},
		{"an acknowledgement of it", police, "DELETE", base + "/pull/v1/newBirth/x", "", nil, 409, "pubsub.not_pull"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.do(t, c.who, c.method, c.path, c.body, c.headers...)
			got.want(t, c.status, c.code)
			if strings.Contains(got.body, "pubsub.") && (strings.Contains(got.body, person) || strings.Contains(got.body, `"detail":"pubsub`)) {
				t.Errorf("answer %s", got.body)
			}
		})
	}
	ok(t, w.exchange.RevokeClientKey(t.Context(), w.keyIDs[police]))
	w.do(t, police, "GET", typ, "").want(t, 401, "exchange.client_key_revoked")
}

// Services that are called like GovStack's paths go on being X-Road's.
func TestXRoadClientsKeepTheirPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.do(t, room, "GET", base+"/api/v1/subs", "", "X-GovStack-Client", "", "X-Road-Client", room)
	if got.want(t, 400); got.body != "" && strings.Contains(got.body, "pubsub.client_missing") && got.header.Get("X-Road-Error") != "" {
		t.Fatal("both")
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.url+base+"/api/v1/subs", nil)
	ok(t, err)
	r.Header.Set("Authorization", "Bearer "+w.secrets[room])
	r.Header.Set("X-Road-Client", room)
	res, err := http.DefaultClient.Do(r)
	ok(t, err)
	_ = res.Body.Close()
	if res.Header.Get("X-Road-Error") == "" {
		t.Errorf("an X-Road request was taken for GovStack's: %d %v", res.StatusCode, res.Header)
	}
	for path, mine := range map[string]bool{
		base + "/api/v1/eventType": true, base + "/api/v1/eventType/x": true, base + "/pull/v1/x/y": true, base + "/pub/v1/x": true,
		base + "/api/v1/subs/": false, base + "/api/v1/other": false, base + "/api/v2/subs": false, base + "/pub/v1": false,
		base + "/pub/v1/x/y/z": false, base + "/api/v1/subs/a%2Fb": false, "/r2" + base: false, base + "/api/v1/eventType/%00": false,
		"//r1" + base: false, base + "/api/v1/..": false,
	} {
		r := httptest.NewRequest("GET", "http://x"+path, nil)
		if h := w.pubsub.Route(r); (h != nil) != mine {
			t.Errorf("%s: taken %v, want %v", path, h != nil, mine)
		}
	}
}

// However a receiver fails, events of a subscription with FIFO arrive in the order
// of their publication, each at least once.
func TestFIFO(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		w.birthType(t, police)
		defer w.do(t, room, "DELETE", base+"/api/v1/eventType/newBirth", "")
		var mu sync.Mutex
		var arrived []int64
		failures := rapid.SliceOfN(rapid.Bool(), 0, 12).Draw(rt, "failures")
		srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			var item pubsub.EventItem
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			if len(failures) > 0 {
				fail := failures[0]
				failures = failures[1:]
				if fail {
					rw.WriteHeader(500)
					return
				}
			}
			_ = json.Unmarshal(body, &item)
			arrived = append(arrived, item.Sequence)
		}))
		defer srv.Close()
		ok(t, w.hooks.Set(t.Context(), webhook.Hook{Subsystem: sub(t, police), URL: srv.URL}))
		w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","options":{"FIFO":true,"TTL":86400}}`, "X-Dinh-Purpose", purpose).want(t, 200)
		n := rapid.IntRange(1, 8).Draw(rt, "events")
		for range n {
			w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201)
			if rapid.Bool().Draw(rt, "work") {
				w.drain(t)
			}
		}
		for range 14 {
			w.drain(t)
			w.clock.Advance(time.Hour)
		}
		if !slices.IsSorted(arrived) || len(slices.Compact(slices.Clone(arrived))) != n {
			rt.Fatalf("%d events arrived as %v", n, arrived)
		}
	})
}

// What is handed over spends the quota of its grant; what is beyond it waits, in
// order and for as long as it takes.
func TestDeliveriesSpendTheQuota(t *testing.T) {
	t.Parallel()
	for _, fifo := range []string{"false", "true"} {
		w := newWorld(t)
		w.birthType(t)
		_, err := w.exchange.AddGrant(t.Context(), exchange.Grant{
			Client: sub(t, police), Service: pubsub.Service(sub(t, room), "newBirth"), Operations: []string{exchange.OpSubscribe},
			Fields: []string{"place"}, Purpose: purpose, LegalBasis: "Luật Hộ tịch", Quota: exchange.Quota{PerMinute: 1},
		})
		ok(t, err)
		rc := w.receiver(t, police)
		w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","options":{"FIFO":`+fifo+`,"TTL":86400}}`, "X-Dinh-Purpose", purpose).want(t, 200)
		for range 30 {
			w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201)
		}
		for minute := range 30 {
			w.drain(t)
			if n := len(rc.all()); fifo == "true" && n != minute+1 || n > minute+1 {
				t.Fatalf("FIFO %s: %d events after %d minutes at one a minute", fifo, n, minute)
			}
			w.clock.Advance(time.Minute)
		}
		for range 60 {
			w.drain(t)
			w.clock.Advance(time.Minute)
		}
		if n := len(rc.all()); n != 30 {
			t.Errorf("FIFO %s: %d of 30 events arrived", fifo, n)
		}
		if es := w.events(t); len(es) != 30 {
			t.Errorf("FIFO %s: %d access events", fifo, len(es))
		}
	}
}

// A worker that dies between the delivery and its note is replaced; the receiver
// sees the same id again and can tell.
func TestADeadWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	for _, fifo := range []bool{false, true} {
		w := newWorld(t)
		w.birthType(t, police)
		rc := w.receiver(t, police)
		w.do(t, police, "POST", base+"/api/v1/subs/newBirth", fmt.Sprintf(`{"eventType":"newBirth","options":{"FIFO":%v}}`, fifo), "X-Dinh-Purpose", purpose).want(t, 200)
		for range 5 {
			w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201)
		}
		// A process whose webhooks deliver and then die with it, before anything is noted.
		ctx, kill := context.WithCancel(t.Context())
		dying := job.New(job.Deps{DB: w.db, Clock: w.clock, LeaseFor: 30 * time.Second, Log: slog.New(slog.DiscardHandler)})
		_, err := pubsub.New(pubsub.Deps{DB: w.db, Clock: w.clock, Exchange: w.exchange, Keys: w.keys, Webhooks: mortal{w.hooks, kill}, Jobs: dying, Catalog: w.catalog})
		ok(t, err)
		_ = dying.Drain(ctx) // ends with its process
		if n := len(rc.all()); n != 1 {
			t.Fatalf("%d deliveries before the death", n)
		}
		w.clock.Advance(31 * time.Second)
		w.drain(t)
		seen := map[string]int{}
		for _, r := range rc.all() {
			seen[r.item.ID]++
			if r.header.Get("Idempotency-Key") != `"`+r.item.ID+`"` {
				t.Error("a delivery without its id")
			}
		}
		if len(seen) != 5 || len(rc.all()) != 6 {
			t.Errorf("fifo %v: %d events in %d deliveries", fifo, len(seen), len(rc.all()))
		}
		if es := w.events(t); len(es) != 5 {
			t.Errorf("fifo %v: %d access events for 5 deliveries", fifo, len(es))
		}
	}
}

// mortal delivers once and takes its process down.
type mortal struct {
	*webhook.Webhooks
	die func()
}

// Send delivers, and dies.
func (m mortal) Send(ctx context.Context, msg webhook.Message) error {
	if err := m.Webhooks.Send(ctx, msg); err != nil {
		return err
	}
	m.die()
	return errors.Join(context.Canceled)
}

func TestAnotherWayMidway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.birthType(t, police)
	rc := w.receiver(t, police)
	w.do(t, police, "POST", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth"}`, "X-Dinh-Purpose", purpose).want(t, 200)
	w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201)
	w.do(t, police, "PATCH", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","delivery":"PULL"}`).want(t, 201)
	w.drain(t)
	if len(rc.all()) != 0 {
		t.Error("pushed what is to be pulled")
	}
	w.do(t, police, "GET", base+"/pull/v1/newBirth", "").want(t, 200)
	w.do(t, police, "PATCH", base+"/api/v1/subs/newBirth", `{"eventType":"newBirth","delivery":"PUSH","options":{"FIFO":true}}`).want(t, 201)
	w.drain(t)
	if len(rc.all()) != 1 {
		t.Error("what waited was not pushed")
	}
	w.do(t, room, "DELETE", base+"/api/v1/eventType/newBirth", "").want(t, 204)
	w.do(t, room, "DELETE", base+"/api/v1/eventType/newBirth", "").want(t, 404)
	w.do(t, police, "GET", base+"/api/v1/subs", "").want(t, 404)
}

func TestEventsAreSealedAtRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.birthType(t, police)
	w.do(t, room, "POST", base+"/pub/v1/newBirth", birth).want(t, 201)
	image, err := w.db.Image(t.Context())
	if err == nil && strings.Contains(string(image), person) {
		t.Error("a personal number lies in the database in the clear")
	}
}
