package exchange_test

import (
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
)

func at(endpoints ...string) func(*exchange.Grant) {
	return func(g *exchange.Grant) {
		for _, e := range endpoints {
			method, path, _ := strings.Cut(e, " ")
			g.Endpoints = append(g.Endpoints, exchange.Endpoint{Method: method, Path: path})
		}
	}
}

func TestGrantedEndpoints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		granted      []string
		method, path string
		opens        bool
	}{
		{"the one", []string{"POST /search"}, "POST", "/search", true},
		{"one of two", []string{"GET /records/*", "POST /search"}, "POST", "/search", true},
		{"any method", []string{"* /search"}, "POST", "/search", true},
		{"within a segment", []string{"GET /records/*"}, "GET", "/records/r1", true},
		{"not across segments", []string{"GET /records/*"}, "GET", "/records/r1/history", false},
		{"across segments", []string{"GET /records/**"}, "GET", "/records/r1/history", true},
		{"other path", []string{"GET /records/*"}, "GET", "/people/r1", false},
		{"other method of the same operation", []string{"GET /records/*"}, "HEAD", "/records/r1", false},
		{"no path is the root", []string{"GET /"}, "GET", "", true},
		{"spelled with an escape", []string{"GET /records/a"}, "GET", "/records/%61", false},
		{"trailing slash", []string{"GET /records"}, "GET", "/records/", false},
		{"longer than the pattern", []string{"POST /search"}, "POST", "/x/search", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.grant(t, at(tt.granted...))
			_, err := w.Call(t.Context(), search(func(c *exchange.Call) {
				c.Method, c.Path = tt.method, tt.path
				if tt.method != "POST" {
					c.Body = nil
				}
			}))
			if tt.opens {
				ok(t, err)
				return
			}
			wantCode(t, err, "exchange.endpoint_not_granted")
			if h := w.history(t); w.provider.count() != 0 || h[0].Outcome != exchange.OutcomeRefused || h[0].Reason != "exchange.endpoint_not_granted" {
				t.Errorf("the provider was asked %d times, event %+v", w.provider.count(), h[0])
			}
			if errs.KindOf(err) != errs.Forbidden {
				t.Errorf("kind %v", errs.KindOf(err))
			}
		})
	}
}

// Grants add up, but each opens its own endpoints with its own fields only.
func TestGrantedEndpointsAddUp(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.grant(t, at("POST /search"), func(g *exchange.Grant) { g.Fields, g.Match = []string{"name"}, []string{"number"} })
	w.grant(t, at("GET /records/*"), func(g *exchange.Grant) { g.Fields = []string{"address.ward"} })
	for path, fields := range map[string]string{"/search": "name", "/records/r1": "address.ward"} {
		got, err := w.Call(ctx, search(func(c *exchange.Call) {
			if c.Path = path; path != "/search" {
				c.Method, c.Body = "GET", nil
			}
		}))
		ok(t, err)
		if strings.Join(got.Fields, ",") != fields {
			t.Errorf("%s gives %v", path, got.Fields)
		}
	}
}

func TestGrantedEndpointsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tt := range map[string]struct {
		change func(*exchange.Grant)
		code   string
	}{
		"method":    {at("PROPFIND /a"), "exchange.bad_granted_endpoint"},
		"no method": {at(" /a"), "exchange.bad_granted_endpoint"},
		"path":      {at("GET a"), "exchange.bad_granted_endpoint"},
		"long":      {at("GET /" + strings.Repeat("a", 600)), "exchange.bad_granted_endpoint"},
		"operation": {func(g *exchange.Grant) {
			g.Endpoints = []exchange.Endpoint{{Method: "GET", Path: "/a", Operation: "search"}}
		}, "exchange.bad_granted_endpoint"},
		"many":   {at(strings.Split(strings.Repeat("GET /a\n", 101)[:101*7-1], "\n")...), "exchange.too_many_endpoints"},
		"events": {func(g *exchange.Grant) { at("GET /a")(g); g.Operations = []string{"subscribe"} }, "exchange.endpoints_subscribe"},
	} {
		g := exchange.Grant{Client: civil, Service: population, Operations: []string{"read"}, Fields: []string{"*"}, Purpose: "p", LegalBasis: "l"}
		tt.change(&g)
		_, err := w.AddGrant(t.Context(), g)
		if e, _ := errs.As(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Code != tt.code || e.Fields[0].Name != "endpoints" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAllowedMethodsListGrantedEndpoints(t *testing.T) {
	t.Parallel()
	offered := []exchange.Endpoint{{Method: "GET", Path: "/pets/*"}, {Method: "POST", Path: "/pets", Operation: "create"}, {Method: "*", Path: "/shops/**"}}
	tests := []struct {
		name   string
		grants [][]string
		want   string
	}{
		{"all of it", [][]string{nil}, "GET /pets/*, POST /pets, /shops/**"},
		{"one grant on all of it", [][]string{{"GET /pets/1"}, nil}, "GET /pets/*, POST /pets, /shops/**"},
		{"the same", [][]string{{"GET /pets/*"}}, "GET /pets/*"},
		{"wider", [][]string{{"* /**"}}, "GET /pets/*, POST /pets, /shops/**"},
		{"narrower", [][]string{{"GET /pets/1"}}, "GET /pets/1"},
		{"narrower in its method", [][]string{{"GET /shops/**"}}, "GET /shops/**"},
		{"each in one half", [][]string{{"* /pets/1"}}, "GET /pets/1"},
		{"each in the other half", [][]string{{"GET /**"}}, "GET /pets/*, GET /shops/**"},
		{"two grants", [][]string{{"GET /pets/*"}, {"POST /pets", "GET /pets/*"}}, "GET /pets/*, POST /pets"},
		{"none there", [][]string{{"GET /birds"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, err := w.PublishService(t.Context(), published("http://127.0.0.1:1/", func(s *exchange.PublishedService) { s.Endpoints = offered }), "o")
			ok(t, err)
			for _, endpoints := range tt.grants {
				w.grant(t, at(endpoints...), func(g *exchange.Grant) { g.Service, g.Fields = addresses, []string{"*"} })
			}
			got, err := w.AllowedOf(t.Context(), addresses.SubsystemID, civil)
			ok(t, err)
			var have []string
			for _, e := range got[0].Endpoints {
				have = append(have, e.String())
			}
			if len(got) != 1 || strings.Join(have, ", ") != tt.want {
				t.Errorf("%v, want %s", have, tt.want)
			}
		})
	}
}

func TestR1EndpointNotGranted(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	e.grant(t, at("GET /records/*"))
	if res, body := e.once(t, "GET "+servicePath+"/records/1 HTTP/1.1\n"+common+"\n"); res.StatusCode != 200 {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	res, body := e.once(t, "GET "+servicePath+"/people HTTP/1.1\n"+common+"\n")
	if res.StatusCode != 500 || res.Header.Get("X-Road-Error") != "server.serverproxy.access_denied" || !strings.Contains(body, "(endpoint not granted)") {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
	}
	res, body = e.once(t, "GET /r1/VN/GOV/MPS/population/allowedMethods HTTP/1.1\n"+common+"\n")
	if res.StatusCode != 200 || !strings.Contains(body, `"endpoint_list":[{"method":"GET","path":"/records/*"}]`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
