package exchange_test

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// edge is the X-Road listener of a world, with a key of the civil-status system.
type edge struct {
	*world
	address, key string
	keyID        string
}

func newEdge(t *testing.T, v exchange.Vocabulary) *edge {
	t.Helper()
	w := newWorld(t)
	w.deps.Vocabulary = v
	w.Exchange = w.another(t)
	secret, k, err := w.NewClientKey(t.Context(), civil, "test", time.Time{})
	ok(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	srv := &http.Server{Handler: w.R1Handler(), ConnContext: exchange.CaptureContext, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(exchange.CaptureListener(l)) }()
	t.Cleanup(func() { _ = srv.Close() })
	return &edge{world: w, address: l.Addr().String(), key: secret, keyID: k.ID}
}

const servicePath = "/r1/VN/GOV/MPS/population/population"

// send writes a request byte for byte and reads the answer.
func (e *edge) send(t *testing.T, conn net.Conn, raw string) (*http.Response, string) {
	t.Helper()
	raw = strings.ReplaceAll(strings.ReplaceAll(raw, "\n", "\r\n"), "KEY", e.key)
	_, err := io.WriteString(conn, raw)
	ok(t, err)
	method, _, _ := strings.Cut(raw, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	ok(t, err)
	body, err := io.ReadAll(res.Body)
	ok(t, err)
	return res, string(body)
}

func (e *edge) once(t *testing.T, raw string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", e.address)
	ok(t, err)
	defer conn.Close()
	return e.send(t, conn, raw)
}

const common = "Host: ss\nAuthorization: Bearer KEY\nX-Road-Client: VN/GOV/MOJ/civil-status\n"

// The hash covers the header lines in the order and case they were sent in, on a
// connection that carries several requests, chunked ones too.
func TestR1HashOfRawHeaders(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	e.grant(t)
	conn, err := net.Dial("tcp", e.address)
	ok(t, err)
	defer conn.Close()
	body := `{"where":{"number":"001199000001"}}`
	want := func(res *http.Response, in exchange.HashInput) {
		t.Helper()
		in.RequestID = res.Header.Get("X-Road-Request-Id")
		if got := res.Header.Get("X-Road-Request-Hash"); res.StatusCode != 200 || got != exchange.RequestHash(in) {
			t.Errorf("status %d, hash %s, want %s", res.StatusCode, got, exchange.RequestHash(in))
		}
	}
	key := exchange.HeaderLine{Name: "Authorization", Value: "Bearer " + e.key}
	client := exchange.HeaderLine{Name: "X-Road-Client", Value: "VN/GOV/MOJ/civil-status"}
	res, _ := e.send(t, conn, "POST "+servicePath+"/search HTTP/1.1\n"+common+"x-ROAD-id: DEV-1\nAccept:application/json\nTransfer-Encoding: chunked\n\n"+
		fmt.Sprintf("%x\n%s\n0\n\n", len(body), body))
	want(res, exchange.HashInput{Method: "POST", Target: servicePath + "/search", Body: []byte(body),
		Headers: []exchange.HeaderLine{key, client, {Name: "x-ROAD-id", Value: "DEV-1"}, {Name: "Accept", Value: "application/json"}}})
	res, _ = e.send(t, conn, "GET "+servicePath+"/records/r%C3%A91?b=2&a=1 HTTP/1.1\nzeta: 1\n"+common+"alpha: 2\n\n")
	want(res, exchange.HashInput{Method: "GET", Target: servicePath + "/records/r%C3%A91?b=2&a=1", GeneratedID: res.Header.Get("X-Road-Id"),
		Headers: []exchange.HeaderLine{{Name: "zeta", Value: "1"}, key, client, {Name: "alpha", Value: "2"}}})
	if res.Header.Get("X-Road-Service") != "VN/GOV/MPS/population/population" || res.Header.Get("X-Road-Error") != "" {
		t.Errorf("headers = %v", res.Header)
	}
	for _, d := range e.provider.calls {
		if strings.Contains(fmt.Sprint(d), e.key) {
			t.Error("the provider got the API key")
		}
	}
}

func TestR1Errors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, request string
		status        int
		code          string // of 7.8
	}{
		{"no key", "GET " + servicePath + " HTTP/1.1\nHost: ss\nX-Road-Client: VN/GOV/MOJ/civil-status\n\n", 500, "server.clientproxy.ssl_authentication_failed"},
		{"false key", "GET " + servicePath + " HTTP/1.1\nHost: ss\nX-Api-Key: dinh_x\nX-Road-Client: VN/GOV/MOJ/civil-status\n\n", 500, "server.clientproxy.ssl_authentication_failed"},
		{"somebody else's name", "GET " + servicePath + " HTTP/1.1\nHost: ss\nX-Api-Key: KEY\nX-Road-Client: VN/COM/bank/loans\n\n", 500, "server.clientproxy.ssl_authentication_failed"},
		{"sister subsystem", "GET " + servicePath + " HTTP/1.1\nHost: ss\nX-Api-Key: KEY\nX-Road-Client: VN/GOV/MOJ/notary\n\n", 500, "server.clientproxy.ssl_authentication_failed"},
		{"last client wins", "GET " + servicePath + " HTTP/1.1\n" + common + "X-Road-Client: VN/COM/bank/loans\n\n", 500, "server.clientproxy.ssl_authentication_failed"},
		{"no client", "GET " + servicePath + " HTTP/1.1\nHost: ss\nX-Api-Key: KEY\n\n", 500, "server.clientproxy.invalid_client_identifier"},
		{"bad client", "GET " + servicePath + " HTTP/1.1\nHost: ss\nX-Api-Key: KEY\nX-Road-Client: VN/GOV\n\n", 500, "server.clientproxy.internal_error"},
		{"no grant on an operation", "POST " + servicePath + "/records HTTP/1.1\n" + common + "Content-Length: 2\n\n{}", 500, "server.serverproxy.access_denied"},
		{"no such provider", "GET /r1/VN/GOV/ghost/a/b HTTP/1.1\n" + common + "\n", 500, "server.clientproxy.unknown_member"},
		{"no such provider's methods", "GET /r1/VN/GOV/ghost/a/listMethods HTTP/1.1\n" + common + "\n", 500, "server.clientproxy.unknown_member"},
		{"no such service", "GET /r1/VN/GOV/MPS/population/ghosts HTTP/1.1\n" + common + "\n", 500, "server.serverproxy.unknown_service"},
		{"traversal", "GET " + servicePath + "/%2e%2e/x HTTP/1.1\n" + common + "\n", 400, "client.bad_request"},
		{"plain traversal", "GET " + servicePath + "/../x HTTP/1.1\n" + common + "\n", 400, "client.bad_request"},
		{"double slash", "GET " + servicePath + "//x HTTP/1.1\n" + common + "\n", 400, "client.bad_request"},
		{"short", "GET /r1/VN/GOV/MPS HTTP/1.1\n" + common + "\n", 500, "server.clientproxy.internal_error"},
		{"security server", "GET " + servicePath + " HTTP/1.1\n" + common + "X-Road-Security-Server: a/b\n\n", 500, "server.clientproxy.internal_error"},
		{"field", "GET " + servicePath + "/records/1 HTTP/1.1\n" + common + "X-Dinh-Fields: religion\n\n", 500, "server.serverproxy.access_denied"},
		{"openapi without code", "GET /r1/VN/GOV/MPS/population/getOpenAPI HTTP/1.1\n" + common + "\n", 500, "server.serverproxy.invalid_request"},
	}
	for _, v := range []exchange.Vocabulary{exchange.V77, exchange.V78} {
		e := newEdge(t, v)
		e.grant(t)
		for _, tt := range tests {
			t.Run(string(v)+"/"+tt.name, func(t *testing.T) {
				res, body := e.once(t, tt.request)
				var f struct{ Type, Message, Detail string }
				ok(t, json.Unmarshal([]byte(body), &f))
				if want := v.Code(tt.code); res.StatusCode != tt.status || f.Type != want || res.Header.Get("X-Road-Error") != want || f.Message == "" || f.Detail == "" {
					t.Errorf("status %d, X-Road-Error %q, body %s; want %d %s", res.StatusCode, res.Header.Get("X-Road-Error"), body, tt.status, want)
				}
				res, body = e.once(t, strings.Replace(tt.request, "Host: ss\n", "Host: ss\nAccept: image/png, text/*;q=0\n", 1))
				var x struct {
					XMLName xml.Name `xml:"error"`
					Type    string   `xml:"type"`
				}
				ok(t, xml.Unmarshal([]byte(body), &x))
				if x.Type != v.Code(tt.code) || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/xml") {
					t.Errorf("XML %s, %s", body, res.Header.Get("Content-Type"))
				}
			})
		}
		if e.provider.count() != 0 {
			t.Errorf("the provider was asked %d times", e.provider.count())
		}
	}
}

func TestR1KeyRevoked(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	e.grant(t)
	get := "GET " + servicePath + "/records/1 HTTP/1.1\n" + common + "\n"
	if res, body := e.once(t, get); res.StatusCode != 200 || strings.Contains(body, "religion") {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	ok(t, e.another(t).RevokeClientKey(t.Context(), e.keyID)) // by another process
	if res, body := e.once(t, get); res.StatusCode != 500 || strings.Contains(body, "Nguyễn") {
		t.Errorf("after the revocation: %d %s", res.StatusCode, body)
	}
}

func TestR1ServiceErrorPassesThrough(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	e.grant(t)
	e.provider.err = errs.New(errs.NotFound, "registers.no_record")
	res, body := e.once(t, "GET "+servicePath+"/records/1 HTTP/1.1\n"+common+"\n")
	if res.StatusCode != 404 || res.Header.Get("X-Road-Error") != "" || !strings.Contains(body, "registers.no_record") {
		t.Errorf("%d %q %s", res.StatusCode, res.Header.Get("X-Road-Error"), body)
	}
}

func TestMetaservices(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	const base = "GET /r1/VN/GOV/MPS/population/"
	_, body := e.once(t, base+"listMethods HTTP/1.1\n"+common+"\n")
	const want = `{"service":[{"xroad_instance":"VN","member_class":"GOV","member_code":"MPS","subsystem_code":"population","object_type":"SERVICE","service_code":"population","service_type":"OPENAPI"}]}`
	if strings.TrimSpace(body) != want {
		t.Errorf("listMethods = %s", body)
	}
	res, body := e.once(t, base+"allowedMethods HTTP/1.1\n"+common+"\n")
	if strings.TrimSpace(body) != `{"service":[]}` || res.Header.Get("X-Road-Request-Hash") == "" {
		t.Errorf("allowedMethods without a grant = %s", body)
	}
	e.grant(t)
	if _, body = e.once(t, base+"allowedMethods HTTP/1.1\n"+common+"\n"); strings.TrimSpace(body) != want {
		t.Errorf("allowedMethods = %s", body)
	}
	res, body = e.once(t, base+"getOpenAPI?SERVICECODE=population HTTP/1.1\n"+common+"\n")
	if res.Header.Get("Content-Type") != "application/json" || strings.Contains(body, "secret.internal") || !strings.Contains(body, `"url":"/v1"`) {
		t.Errorf("getOpenAPI = %s", body)
	}
	_, body = e.once(t, "GET /listClients HTTP/1.1\nHost: ss\nAccept: application/json;q=0\n\n")
	var list struct {
		Member []struct{ ID map[string]string }
	}
	ok(t, json.Unmarshal([]byte(body), &list))
	if len(list.Member) != 7 || list.Member[0].ID["object_type"] != "MEMBER" {
		t.Errorf("listClients = %s", body)
	}
	_, body = e.once(t, "GET /listClients?xRoadInstance=EE HTTP/1.1\nHost: ss\n\n")
	if !strings.Contains(body, "<clientList") || strings.Contains(body, "<member") {
		t.Errorf("listClients of another instance = %s", body)
	}
}

// Every route has an entry in openapi.yaml and every entry a route.
func TestRoutesStandInTheContract(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("openapi.yaml")
	ok(t, err)
	contract, err := openapi3.NewLoader().LoadFromData(raw)
	ok(t, err)
	ok(t, contract.Validate(t.Context()))
	var doc struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	ok(t, yaml.Unmarshal(raw, &doc))
	var have, want []string
	for path, ops := range doc.Paths {
		for m := range ops {
			if m != "parameters" {
				want = append(want, strings.ToUpper(m)+" "+regexp.MustCompile(`^/r1/.*`).ReplaceAllString(path, "/r1/"))
			}
		}
	}
	w := newWorld(t)
	for _, r := range w.Routes() {
		have = append(have, r.Pattern())
		if r.Access.IsZero() {
			t.Errorf("%s lets nobody in", r.Pattern())
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("routes   %v\ncontract %v", have, want)
	}
}

// An officer grants and revokes only for the own member.
func TestGrantRoutesWrongPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mux := http.NewServeMux()
	for _, r := range w.Routes() {
		mux.HandleFunc(r.Pattern(), func(rw http.ResponseWriter, req *http.Request) {
			err := r.Access.Check(req.Context())
			if err == nil {
				err = r.Handle(rw, req)
			}
			if err != nil {
				http.Error(rw, errs.CodeOf(err), 400)
			}
		})
	}
	const body = `{"client":"VN/GOV/MOJ/civil-status","service":"VN/GOV/MPS/population/population","operations":["read"],"fields":["name"],"purpose":"p","legal_basis":"b"}`
	call := func(p auth.Principal, method, path, body string) string {
		rec := newRecorder()
		req, err := http.NewRequestWithContext(auth.With(context.Background(), p), method, path, strings.NewReader(body))
		ok(t, err)
		req.Header.Set("Content-Type", "application/json")
		mux.ServeHTTP(rec, req)
		return fmt.Sprintf("%d %s", rec.status, rec.body.String())
	}
	owner := auth.Principal{Level: auth.Substantial, Officer: "o1", Member: "GOV/MPS", Roles: []string{exchange.RoleGrants}}
	stranger := auth.Principal{Level: auth.Substantial, Officer: "o2", Member: "GOV/MOJ", Roles: []string{exchange.RoleGrants}}
	for _, p := range []auth.Principal{{}, {Level: auth.Substantial, Officer: "o3", Member: "GOV/MPS"}, {Number: person}, stranger} {
		if got := call(p, "POST", "/api/exchange/grants", body); !strings.HasPrefix(got, "400") {
			t.Errorf("%+v granted: %s", p, got)
		}
	}
	got := call(owner, "POST", "/api/exchange/grants", body)
	var g exchange.Grant
	if !strings.HasPrefix(got, "201") || json.Unmarshal([]byte(got[4:]), &g) != nil || g.GrantedBy != "o1" {
		t.Fatalf("owner: %s", got)
	}
	if got := call(stranger, "POST", "/api/exchange/grants/"+g.ID+"/revoke", `{"reason":"x"}`); !strings.Contains(got, "no_such_grant") {
		t.Errorf("stranger revoked: %s", got)
	}
	if got := call(owner, "POST", "/api/exchange/grants/"+g.ID+"/revoke", `{"reason":"x"}`); !strings.HasPrefix(got, "204") {
		t.Errorf("owner: %s", got)
	}
}

type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (r *recorder) Header() http.Header  { return r.header }
func (r *recorder) WriteHeader(code int) { r.status = code }
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = 200
	}
	return r.body.Write(b)
}

// A system that may come without a key is let in at its word, nobody else is,
// and a key that does come is looked at.
func TestR1Plain(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	e.grant(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	srv := &http.Server{Handler: e.R1Handler(civil), ConnContext: exchange.CaptureContext, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(exchange.CaptureListener(l)) }()
	t.Cleanup(func() { _ = srv.Close() })
	e.address = l.Addr().String()
	get := "GET " + servicePath + "/records/1 HTTP/1.1\nHost: ss\n"
	for name, tt := range map[string]struct {
		lines, code string
	}{
		"at its word":        {"X-Road-Client: VN/GOV/MOJ/civil-status\n", ""},
		"another":            {"X-Road-Client: VN/COM/bank/loans\n", "server.clientproxy.ssl_authentication_failed"},
		"the last one":       {"X-Road-Client: VN/GOV/MOJ/civil-status\nX-Road-Client: VN/COM/bank/loans\n", "server.clientproxy.ssl_authentication_failed"},
		"with a wrong key":   {"X-Api-Key: dinh_wrong\nX-Road-Client: VN/GOV/MOJ/civil-status\n", "server.clientproxy.ssl_authentication_failed"},
		"somebody else's":    {"X-Api-Key: KEY\nX-Road-Client: VN/COM/bank/loans\n", "server.clientproxy.ssl_authentication_failed"},
		"with its own key":   {"X-Api-Key: KEY\nX-Road-Client: VN/GOV/MOJ/civil-status\n", ""},
		"no client":          {"", "server.clientproxy.invalid_client_identifier"},
		"nobody that exists": {"X-Road-Client: VN/GOV/MOJ/ghost\n", "server.clientproxy.unknown_member"},
	} {
		if res, body := e.once(t, get+tt.lines+"\n"); res.Header.Get("X-Road-Error") != tt.code || (tt.code == "") != (res.StatusCode == 200) {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
}
