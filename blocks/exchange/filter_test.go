package exchange_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/errs"
)

const (
	hanoi = `{"number":"001199000001","name":"An","religion":"none","home":{"ward":"Hoàn Kiếm"},"code":1}`
	hue   = `{"number":"046199000002","name":"Bình","religion":"none","home":{"ward":"Phú Hội"},"code":2}`
)

// only narrows a grant to records: "field=a|b".
func only(filters ...string) func(*exchange.Grant) {
	return func(g *exchange.Grant) {
		g.Filter = map[string][]string{}
		for _, f := range filters {
			name, values, _ := strings.Cut(f, "=")
			g.Filter[name] = strings.Split(values, "|")
		}
	}
}

func fields(names ...string) func(*exchange.Grant) {
	return func(g *exchange.Grant) { g.Fields, g.Match = names, []string{"number"} }
}

func TestFilterShapes(t *testing.T) {
	t.Parallel()
	inHue := only("home.ward=Phú Hội")
	both := `{"records":[{"id":"a","secret":1,"data":` + hanoi + `},{"id":"b","secret":1,"data":` + hue + `}],"total":2,"count":2,"more":true,"facets":{"Hoàn Kiếm":1}}`
	tests := []struct {
		name           string
		filter, fields func(*exchange.Grant)
		body, want     string // want "": not granted
		records        int
	}{
		{"a register's list", inHue, fields("name"), both, `{"records":[{"data":{"name":"Bình"},"id":"b"}]}`, 1},
		{"a register's list, all fields", inHue, fields("*"), both, `{"records":[{"id":"b","secret":1,"data":` + hue + `}]}`, 1},
		{"nobody of a list", only("home.ward=Khác"), fields("*"), both, `{"records":[]}`, 0},
		{"one record", inHue, fields("name"), `{"id":"b","data":` + hue + `}`, `{"data":{"name":"Bình"},"id":"b"}`, 1},
		{"one record of others", inHue, fields("name"), `{"id":"a","data":` + hanoi + `}`, "", 0},
		{"one record of others, all fields", inHue, fields("*"), `{"id":"a","data":` + hanoi + `}`, "", 0},
		{"bare list", inHue, fields("name"), `[` + hanoi + `,` + hue + `]`, `[{"name":"Bình"}]`, 1},
		{"bare list, all fields", inHue, fields("*"), `[` + hanoi + `,` + hue + `,1,null,"x"]`, `[` + hue + `]`, 1},
		{"bare records", inHue, fields("*"), `{"records":[` + hanoi + `,` + hue + `]}`, `{"records":[` + hue + `]}`, 1},
		{"bare object", inHue, fields("home"), hue, `{"home":{"ward":"Phú Hội"}}`, 1},
		{"bare object of others", inHue, fields("*"), hanoi, "", 0},
		{"several values", only("home.ward=Phú Hội|Hoàn Kiếm"), fields("name"), `[` + hanoi + `,` + hue + `]`, `[{"name":"An"},{"name":"Bình"}]`, 2},
		{"all filters must fit", only("home.ward=Phú Hội", "code=1"), fields("*"), hue, "", 0},
		{"a number as text", only("code=2"), fields("name"), `[` + hanoi + `,` + hue + `]`, `[{"name":"Bình"}]`, 1},
		{"a truth", only("ok=true"), fields("*"), `[{"ok":true},{"ok":false},{"ok":null},{}]`, `[{"ok":true}]`, 1},
		{"null is no value", only("a=null"), fields("*"), `[{"a":null},{"a":"null"}]`, `[{"a":"null"}]`, 1},
		{"an object is no value", only("home=x"), fields("*"), hue, "", 0},
		{"every one of a list", only("at=a|b"), fields("*"), `[{"at":["a","b"]},{"at":["a","c"]},{"at":[]}]`, `[{"at":["a","b"]}]`, 1},
		{"every one of a list of objects", only("at.p=a"), fields("*"), `[{"at":[{"p":"a"},{"p":"a"}]},{"at":[{"p":"a"},{"p":"b"}]},{"at":[{"p":"a"},{}]}]`, `[{"at":[{"p":"a"},{"p":"a"}]}]`, 1},
		{"said twice", only("p=a"), fields("*"), `[{"p":"b","p":"a"}]`, `[]`, 0},
		{"no JSON", inHue, fields("*"), `name;ward`, "", 0},
		{"nothing", inHue, fields("*"), ``, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.provider.reply = exchange.Reply{Body: []byte(tt.body), Headers: []exchange.HeaderLine{{Name: "X-Total-Count", Value: "2"}}}
			w.grant(t, tt.fields, tt.filter)
			got, err := w.Call(t.Context(), search())
			h := w.history(t)
			if tt.want == "" {
				wantCode(t, err, "exchange.record_not_granted")
				if len(got.Body) > 0 || h[0].Outcome != exchange.OutcomeFailed || h[0].Reason != "exchange.record_not_granted" {
					t.Errorf("body %s, event %+v", got.Body, h[0])
				}
				return
			}
			ok(t, err)
			if string(got.Body) != tt.want || len(got.Headers) > 0 {
				t.Errorf("%s %v\nwant %s", got.Body, got.Headers, tt.want)
			}
			if h[0].Records != tt.records {
				t.Errorf("%d records in the event, want %d", h[0].Records, tt.records)
			}
		})
	}
}

// Who may not see a record cannot tell it from one that is not there, in whichever
// way the provider says so.
func TestFilteredRecordIsAsNone(t *testing.T) {
	t.Parallel()
	replies := map[string]struct {
		reply exchange.Reply
		err   error
	}{
		"there":        {reply: exchange.Reply{Body: []byte(hanoi), Subjects: []string{person}}},
		"as a table":   {reply: exchange.Reply{Body: []byte("a;b"), ContentType: "text/csv"}},
		"status 404":   {reply: exchange.Reply{Status: 404, Body: []byte(`{"title":"none"}`)}},
		"status 403":   {reply: exchange.Reply{Status: 403}},
		"status 410":   {reply: exchange.Reply{Status: 410}},
		"not modified": {reply: exchange.Reply{Status: 304}},
		"refusal":      {err: errs.New(errs.NotFound, "registers.no_record")},
		"forbidden":    {err: errs.New(errs.Forbidden, "registers.sealed")},
	}
	var first *exchange.Event
	for name, reply := range replies {
		w := newWorld(t)
		w.provider.reply, w.provider.err = reply.reply, reply.err
		w.grant(t, fields("*"), only("home.ward=Phú Hội"))
		_, err := w.Call(t.Context(), search(func(c *exchange.Call) { c.Method, c.Path, c.Body = "GET", "/records/a", nil }))
		wantCode(t, err, "exchange.record_not_granted")
		if errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s: kind %v", name, errs.KindOf(err))
		}
		h := w.history(t)
		if first == nil {
			first = &h[0]
		}
		if len(h) != 1 || h[0].Outcome != first.Outcome || h[0].Records != first.Records || h[0].Reason != first.Reason {
			t.Errorf("%s: events %+v", name, h)
		}
	}
	w := newWorld(t)
	w.grant(t, fields("*"), only("home.ward=Phú Hội"))
	w.provider.reply = exchange.Reply{Status: 422, Body: []byte(`{"title":"no such word","data":"An"}`)}
	got, err := w.Call(t.Context(), search())
	ok(t, err)
	if got.Status != 422 || string(got.Body) != `{"title":"no such word"}` {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

// People whose records stay here have not been looked at; the others have.
func TestFilteredPeopleLeaveNoEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.provider.reply = exchange.Reply{Body: []byte(`[` + hanoi + `,` + hue + `]`), Subjects: []string{person, "046199000002", "079199000003"}}
	w.grant(t, fields("name"), only("code=2"))
	got, err := w.Call(t.Context(), search(func(c *exchange.Call) { c.Subjects, c.Body = nil, []byte(`{"where":{"name":"a"}}`) }))
	ok(t, err)
	if string(got.Body) != `[{"name":"Bình"}]` || len(got.Events) != 2 || len(w.history(t)) != 0 {
		t.Errorf("%s, %d events, %d of the one who was removed", got.Body, len(got.Events), len(w.history(t)))
	}
}

// Several grants: each record has the fields of those that let it out.
func TestFiltersAddUpByWholeGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.provider.reply = exchange.Reply{Body: []byte(`{"records":[{"id":"a","data":` + hanoi + `},{"id":"b","data":` + hue + `}]}`)}
	w.grant(t, fields("name"))
	g := w.grant(t, fields("religion", "code"), only("code=2"))
	ask := func(change ...func(*exchange.Call)) string {
		t.Helper()
		got, err := w.Call(t.Context(), search(change...))
		ok(t, err)
		return string(got.Body)
	}
	if got := ask(); got != `{"records":[{"data":{"name":"An"},"id":"a"},{"data":{"code":2,"name":"Bình","religion":"none"},"id":"b"}]}` {
		t.Error(got)
	}
	if got := ask(func(c *exchange.Call) { c.Fields = []string{"religion"} }); got != `{"records":[{"data":{},"id":"a"},{"data":{"religion":"none"},"id":"b"}]}` {
		t.Error(got)
	}
	// A search by what one grant opens finds only records of that grant.
	if got := ask(func(c *exchange.Call) { c.Body = []byte(`{"where":{"religion":"none"}}`) }); got != `{"records":[{"data":{"code":2,"religion":"none"},"id":"b"}]}` {
		t.Error(got)
	}
	_, err := w.Call(t.Context(), search(func(c *exchange.Call) { c.Body = []byte(`{"where":{"religion":"none","name":"An"}}`) }))
	wantCode(t, err, "exchange.field_not_granted")

	// The wider grant ends while the provider is at work.
	w2 := newWorld(t)
	w2.provider.reply = w.provider.reply
	wide := w2.grant(t, fields("name"))
	w2.grant(t, fields("name"), func(n *exchange.Grant) { n.Filter = g.Filter })
	w2.provider.before = func() { ok(t, w2.another(t).RevokeGrant(t.Context(), wide.ID, "o", "r")) }
	_, err = w2.Call(t.Context(), search())
	wantCode(t, err, "exchange.grant_revoked")
	w2.provider.before = nil
	got, err := w2.Call(t.Context(), search())
	ok(t, err)
	if string(got.Body) != `{"records":[{"data":{"name":"Bình"},"id":"b"}]}` {
		t.Errorf("%s", got.Body)
	}
}

func TestFiltersAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tt := range map[string]struct {
		change func(*exchange.Grant)
		code   string
	}{
		"field":     {only("a b=1"), "exchange.bad_filter"},
		"all":       {only("*=1"), "exchange.bad_filter"},
		"no value":  {func(g *exchange.Grant) { g.Filter = map[string][]string{"a": nil} }, "exchange.bad_filter"},
		"empty":     {only("a="), "exchange.bad_filter"},
		"control":   {only("a=x\x00"), "exchange.bad_filter"},
		"long":      {only("a=" + strings.Repeat("x", 600)), "exchange.bad_filter"},
		"many":      {only("a=" + strings.Repeat("x|", 300) + "x"), "exchange.bad_filter"},
		"a change":  {func(g *exchange.Grant) { only("a=1")(g); g.Operations = []string{"read", "amend"} }, "exchange.filter_changes"},
		"an intake": {func(g *exchange.Grant) { only("a=1")(g); g.Operations = []string{"create"} }, "exchange.filter_changes"},
	} {
		g := exchange.Grant{Client: civil, Service: population, Operations: []string{"read"}, Fields: []string{"*"}, Purpose: "p", LegalBasis: "l"}
		tt.change(&g)
		_, err := w.AddGrant(t.Context(), g)
		if e, _ := errs.As(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Code != tt.code || e.Fields[0].Name != "filter" {
			t.Errorf("%s: %v", name, err)
		}
	}
	g := w.grant(t, only("home.ward=Phú Hội|Khác", "code=1"))
	all, err := w.Grants(t.Context())
	ok(t, err)
	if len(all[0].Filter) != 2 || strings.Join(all[0].Filter["home.ward"], "|") != "Phú Hội|Khác" || all[0].ID != g.ID {
		t.Errorf("kept as %v", all[0].Filter)
	}
}

// Under a filter a long answer is held and looked into, also under all fields.
func TestFilterHoldsStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := strings.Repeat("x", 2<<20)
	w.behind(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/list" {
			_, _ = rw.Write([]byte(`[{"p":"a","t":"` + long + `"},{"p":"b","t":"` + long + `"}]`))
			return
		}
		_, _ = rw.Write([]byte(`{"p":"b","t":"` + long + `"}`))
	})
	all, err := w.Grants(t.Context())
	ok(t, err)
	ok(t, w.RevokeGrant(t.Context(), all[0].ID, "o", "r"))
	w.grant(t, fields("*"), only("p=a"), func(g *exchange.Grant) { g.Service, g.Operations = addresses, []string{"read"} })
	got, err := w.Call(t.Context(), address("GET", "/list"))
	ok(t, err)
	if string(got.Body) != `[{"p":"a","t":"`+long+`"}]` {
		t.Errorf("%d bytes", len(got.Body))
	}
	for _, method := range []string{"GET", "HEAD"} {
		_, err = w.Call(t.Context(), address(method, "/one"))
		wantCode(t, err, "exchange.record_not_granted")
	}
}

func TestFilterOfHandedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(t, fields("name"), only("code=2"), func(g *exchange.Grant) { g.Operations = []string{"subscribe"} })
	hand := func(body string) (exchange.Handed, error) {
		return w.HandOver(t.Context(), exchange.Handover{
			Client: civil, Service: population, Operation: exchange.OpSubscribe, Purpose: purpose, Personal: true, MessageID: "e1",
			Subjects: []string{person}, Body: json.RawMessage(body), Components: func(b []byte) []httpsig.Component {
				return []httpsig.Component{{Name: "content-digest", Value: httpsig.ContentDigest(b)}}
			},
		}, func(_ context.Context, _ []string) error { return nil })
	}
	got, err := hand(hue)
	ok(t, err)
	if string(got.Body) != `{"name":"Bình"}` {
		t.Errorf("%s", got.Body)
	}
	events := len(w.history(t))
	_, err = hand(hanoi)
	wantCode(t, err, "exchange.record_not_granted")
	if errs.KindOf(err) != errs.Forbidden || len(w.history(t)) != events {
		t.Errorf("kind %v, %d events before, %d after", errs.KindOf(err), events, len(w.history(t)))
	}
}

func TestR1RecordNotGranted(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	e.grant(t, fields("*"), only("code=2"))
	for _, reply := range []exchange.Reply{{Body: []byte(hanoi)}, {Status: 404}} {
		e.provider.reply = reply
		res, body := e.once(t, "GET "+servicePath+"/records/1 HTTP/1.1\n"+common+"\n")
		if res.StatusCode != 500 || res.Header.Get("X-Road-Error") != "server.serverproxy.access_denied" || !strings.Contains(body, "(record not granted)") {
			t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
		}
	}
}
