package exchange_test

import (
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange"
)

// What a record's envelope says is granted like its data, but for the id.
func TestTheEnvelopeIsGrantedToo(t *testing.T) {
	t.Parallel()
	const whole = `{"id":"r1","version":3,"valid_from":"2020-01-01","updated_at":"2021-02-03T04:05:06Z","data":{"name":"An","valid_from":"1999-09-09"}}`
	fields := func(f ...string) func(*exchange.Grant) { return func(g *exchange.Grant) { g.Fields = f } }
	amends := func(g *exchange.Grant) { g.Operations = append(g.Operations, "amend") }
	for name, tt := range map[string]struct {
		grant []func(*exchange.Grant)
		asked []string
		want  string
	}{
		"data only":       {[]func(*exchange.Grant){fields("name")}, nil, `{"data":{"name":"An"},"id":"r1"}`},
		"a field's name":  {[]func(*exchange.Grant){fields("name", "valid_from")}, nil, `{"data":{"name":"An","valid_from":"1999-09-09"},"id":"r1"}`},
		"since when":      {[]func(*exchange.Grant){fields("name", "@valid_from")}, nil, `{"data":{"name":"An"},"id":"r1","valid_from":"2020-01-01"}`},
		"changed when":    {[]func(*exchange.Grant){fields("@updated_at", "@version")}, nil, `{"data":{},"id":"r1","updated_at":"2021-02-03T04:05:06Z","version":3}`},
		"asked for less":  {[]func(*exchange.Grant){fields("name", "@version")}, []string{"name"}, `{"data":{"name":"An"},"id":"r1"}`},
		"who may amend":   {[]func(*exchange.Grant){fields("name"), amends}, nil, `{"data":{"name":"An"},"id":"r1","version":3}`},
		"amend, and less": {[]func(*exchange.Grant){fields("name", "number"), amends}, []string{"name"}, `{"data":{"name":"An"},"id":"r1","version":3}`},
		"everything":      {[]func(*exchange.Grant){fields("*")}, nil, whole},
		"filtered": {[]func(*exchange.Grant){fields("name"), func(g *exchange.Grant) { g.Filter = map[string][]string{"name": {"An"}} }}, nil,
			`{"data":{"name":"An"},"id":"r1"}`},
	} {
		w := newWorld(t)
		w.grant(t, tt.grant...)
		w.provider.reply = exchange.Reply{Body: []byte(whole), Subjects: []string{person}}
		got, err := w.Call(t.Context(), read(tt.asked...))
		ok(t, err)
		if string(got.Body) != tt.want {
			t.Errorf("%s: %s, want %s", name, got.Body, tt.want)
		}
	}
	w := newWorld(t)
	w.grant(t, fields("name"))
	_, err := w.Call(t.Context(), read("@version"))
	wantCode(t, err, "exchange.field_not_granted")
}

func read(fields ...string) exchange.Call {
	return search(func(c *exchange.Call) { c.Method, c.Path, c.Body, c.Fields = "GET", "/records/r1", nil, fields })
}

// A provider's error passes whole under a grant of every field, to the last byte;
// under any other one only what it says about the request does.
func TestErrorsOfAProvider(t *testing.T) {
	t.Parallel()
	all := func(g *exchange.Grant) { g.Fields = []string{"*"} }
	for name, tt := range map[string]struct {
		status            int
		contentType, body string
		limited           string
	}{
		"problem":      {422, "application/problem+json", ` {"type":"about:blank","title":"no", "status":422,"detail":"d","code":"c","instance":"/p/001199000001","name":"An","errors":[{"name":"An"}]}`, `{"code":"c","detail":"d","status":422,"title":"no","type":"about:blank"}`},
		"X-Road":       {500, "application/json", `{"type":"Server.Down","message":"m","detail":{"name":"An"}}`, `{"message":"m","type":"Server.Down"}`},
		"a record":     {409, "application/json", `{"id":"r1","version":3,"data":{"name":"An"}}`, `{}`},
		"records":      {400, "application/json", `[{"name":"An"}]`, ""},
		"a page":       {503, "text/html", "<h1>An is\x00 down</h1>\n", ""},
		"nothing":      {404, "", "", ""},
		"null":         {404, "application/json", "null", ""},
		"a plain name": {404, "application/json", `"An"`, ""},
	} {
		for _, whole := range []bool{true, false} {
			w := newWorld(t)
			if whole {
				w.grant(t, all)
			} else {
				w.grant(t)
			}
			w.provider.reply = exchange.Reply{Status: tt.status, ContentType: tt.contentType, Body: []byte(tt.body)}
			got, err := w.Call(t.Context(), search())
			ok(t, err)
			want, contentType := tt.limited, tt.contentType
			if whole {
				want = tt.body
			} else if !strings.Contains(contentType, "json") {
				contentType = ""
			}
			if string(got.Body) != want || got.Status != tt.status || got.ContentType != contentType {
				t.Errorf("%s, whole %v: %d %q %q, want %q", name, whole, got.Status, got.ContentType, got.Body, want)
			}
		}
	}
}
