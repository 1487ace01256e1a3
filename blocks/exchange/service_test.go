package exchange_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/origin"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
)

var addresses = exchange.ServiceID{SubsystemID: population.SubsystemID, Service: "addresses"}

const addressesDoc = `openapi: 3.0.3
info: {title: Addresses, version: "1"}
servers: [{url: "https://internal.example:8443/v1"}]
paths:
  /of/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get:
      responses:
        "200":
          description: An address
          content: {application/json: {schema: {type: object, required: [ward], properties: {ward: {type: string}}}}}
  /new:
    post:
      requestBody: {required: true, content: {application/json: {schema: {type: object, required: [ward], properties: {ward: {type: string}}}}}}
      responses: {"201": {description: Made, content: {application/json: {schema: {type: object}}}}}
`

func published(url string, change ...func(*exchange.PublishedService)) exchange.PublishedService {
	s := exchange.PublishedService{ID: addresses, Title: i18n.Text{VI: "Địa chỉ", EN: "Addresses"}, URL: url, Local: true}
	for _, c := range change {
		c(&s)
	}
	return s
}

func described(s *exchange.PublishedService) { s.Description = addressesDoc }
func checked(s *exchange.PublishedService)   { s.Description, s.Checked = addressesDoc, true }

// behind publishes a service that h answers, with a grant on all of it.
func (w *world) behind(t testing.TB, h http.HandlerFunc, change ...func(*exchange.PublishedService)) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	_, err := w.PublishService(t.Context(), published(srv.URL+"/v1", change...), "officer-1")
	ok(t, err)
	w.grant(t, func(g *exchange.Grant) {
		g.Service, g.Fields, g.Operations = addresses, []string{"*"}, []string{"read", "search", "create", "amend"}
	})
	return srv
}

func address(method, path string) exchange.Call {
	return exchange.Call{Client: civil, Service: addresses, Method: method, Path: path, Purpose: purpose, Subjects: []string{person}, UserID: "officer-1"}
}

func TestPublishedServiceIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got *http.Request
	w.behind(t, func(rw http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"ward":"Hoàn Kiếm"}`)
	}, described)
	c := address("GET", "/of/7")
	c.Query = "a=1&b=%C3%A1"
	a, err := w.Call(t.Context(), c)
	ok(t, err)
	if string(a.Body) != `{"ward":"Hoàn Kiếm"}` || a.Status != 200 || len(a.Events) != 1 {
		t.Errorf("%+v", a)
	}
	if got.URL.RequestURI() != "/v1/of/7?a=1&b=%C3%A1" || got.Header.Get("X-Road-Client") != "VN/GOV/MOJ/civil-status" ||
		got.Header.Get("X-Road-Service") != "VN/GOV/MPS/population/addresses" || got.Header.Get("X-Road-Id") != a.MessageID ||
		got.Header.Get("X-Dinh-Purpose") != purpose || got.Header.Get("X-Dinh-Legal-Basis") == "" {
		t.Errorf("%s %v", got.URL.RequestURI(), got.Header)
	}
	// What the document does not describe is no endpoint.
	_, err = w.Call(t.Context(), address("GET", "/other"))
	wantCode(t, err, "exchange.no_endpoint")
}

// Under a grant of all fields an answer passes to the last byte, whatever it is.
func TestAnswersPassAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer := ""
	w.behind(t, func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, answer) })
	for body, records := range map[string]int{
		"": 0, " \n": 0, "hello\n": 1, "\x00\xff\n\t": 1, " [1, 2]\n": 2, `{"records":"none"}`: 1, "{\"records\":[{},{}]}\n": 2, `{"a":1}` + "\n": 1, "[1,": 1,
	} {
		answer = body
		a, err := w.Call(t.Context(), address("GET", "/of/7"))
		ok(t, err)
		h := w.history(t)
		if string(a.Body) != body || h[0].Records != records {
			t.Errorf("%q came as %q with %d records, want %d", body, a.Body, h[0].Records, records)
		}
	}
}

// All that was published, changed or disabled in one process holds on the next
// request in another.
func TestEveryProcessKnowsOnItsNextRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.another(t)
	_, err := other.Call(t.Context(), address("GET", "/of/7"))
	wantCode(t, err, "exchange.no_grant")
	says := func(text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, text) }
	}
	w.behind(t, says(`{"n":1}`))
	a, err := other.Call(t.Context(), address("GET", "/of/7"))
	ok(t, err)
	if string(a.Body) != `{"n":1}` {
		t.Errorf("%s", a.Body)
	}
	moved := httptest.NewServer(says(`{"n":2}`))
	t.Cleanup(moved.Close)
	_, err = w.PublishService(t.Context(), published(moved.URL), "officer-1")
	ok(t, err)
	// A question that was on its way to the old address is not answered from there.
	a, err = other.Call(t.Context(), address("GET", "/of/7"))
	if errs.CodeOf(err) == "exchange.rules_changing" {
		a, err = other.Call(t.Context(), address("GET", "/of/7"))
	}
	ok(t, err)
	if string(a.Body) != `{"n":2}` {
		t.Errorf("%s", a.Body)
	}
	ok(t, w.DisableService(t.Context(), addresses, "officer-1", "Bảo trì đến 18 giờ"))
	for _, method := range []string{"GET", "POST"} {
		_, err = other.Call(t.Context(), address(method, "/of/7"))
		wantCode(t, err, "exchange.service_disabled")
	}
	ok(t, w.EnableService(t.Context(), addresses))
	a, err = other.Call(t.Context(), address("POST", "/of/7"))
	ok(t, err)
	if string(a.Body) != `{"n":2}` {
		t.Errorf("%s", a.Body)
	}
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(gone.Close)
	tests := []struct {
		name   string
		change func(*exchange.PublishedService)
		code   string
		field  string
	}{
		{"another instance", func(s *exchange.PublishedService) { s.ID.Instance = "EE" }, "exchange.other_instance", ""},
		{"a subsystem that is none", func(s *exchange.PublishedService) { s.ID.Subsystem = "x" }, "exchange.unknown_client", ""},
		{"one that a process serves", func(s *exchange.PublishedService) { s.ID = population }, "exchange.service_exists", ""},
		{"no title", func(s *exchange.PublishedService) { s.Title.EN = "" }, "exchange.bad_publication", "title"},
		{"no such type", func(s *exchange.PublishedService) { s.Type = "WSDL" }, "exchange.bad_publication", "type"},
		{"no address", func(s *exchange.PublishedService) { s.URL = "" }, "exchange.bad_publication", "url"},
		{"a file", func(s *exchange.PublishedService) { s.URL = "file:///etc/passwd" }, "exchange.bad_publication", "url"},
		{"a password in it", func(s *exchange.PublishedService) { s.URL = "http://a:b@c/" }, "exchange.bad_publication", "url"},
		{"a query in it", func(s *exchange.PublishedService) { s.URL = "http://c/?a" }, "exchange.bad_publication", "url"},
		{"OPENAPI without a document", func(s *exchange.PublishedService) { s.Type = "OPENAPI" }, "exchange.bad_publication", "description"},
		{"REST with one", func(s *exchange.PublishedService) { s.Type, s.Description = "REST", "x" }, "exchange.bad_publication", "description"},
		{"nothing to check", func(s *exchange.PublishedService) { s.Checked = true }, "exchange.bad_publication", "checked"},
		{"negative patience", func(s *exchange.PublishedService) { s.Timeouts.Idle = -1 }, "exchange.bad_publication", "timeouts"},
		{"roots that are none", func(s *exchange.PublishedService) { s.TLS.Roots = "x" }, "exchange.bad_publication", "tls.roots"},
		{"a pin that is none", func(s *exchange.PublishedService) { s.TLS.Pins = []string{"x"} }, "exchange.bad_publication", "tls.pins"},
		{"an endpoint that is none", func(s *exchange.PublishedService) { s.Endpoints = []exchange.Endpoint{{Method: "LOOK", Path: "/"}} }, "exchange.bad_publication", "endpoints"},
		{"a document that is not valid", func(s *exchange.PublishedService) { s.Description = "openapi: 3.0.0" }, "exchange.description_invalid", ""},
		{"a document that is not there", func(s *exchange.PublishedService) { s.DescriptionURL = gone.URL + "/x.yaml" }, "exchange.description_unread", ""},
		{"a document nobody serves", func(s *exchange.PublishedService) { s.DescriptionURL = "http://127.0.0.1:1/x" }, "exchange.description_unread", ""},
		{"a document on our machine", func(s *exchange.PublishedService) { s.DescriptionURL, s.Local = gone.URL, false }, "exchange.description_unread", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.PublishService(t.Context(), published("https://provider.example/v1", tt.change), "o")
			wantCode(t, err, tt.code)
			e, _ := errs.As(err)
			if tt.field != "" && !slices.ContainsFunc(e.Fields, func(f errs.Field) bool { return f.Name == tt.field }) {
				t.Errorf("%v does not name %s", err, tt.field)
			}
		})
	}
	all, err := w.PublishedServices(t.Context())
	ok(t, err)
	if len(all) != 0 {
		t.Errorf("half published: %+v", all)
	}
	wantCode(t, w.DisableService(t.Context(), addresses, "o", "x"), "exchange.unknown_service")
	wantCode(t, w.DisableService(t.Context(), addresses, "o", " "), "exchange.disable_reason")
	_, err = w.ServiceHealth(t.Context(), addresses)
	wantCode(t, err, "exchange.unknown_service")
}

// With a description the service is held to it, in both directions.
func TestCheckedService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer, asked := `{"ward":"Hoàn Kiếm"}`, 0
	w.behind(t, func(rw http.ResponseWriter, r *http.Request) {
		asked++
		rw.Header().Set("Content-Type", "application/json")
		if r.Method == "POST" {
			rw.WriteHeader(http.StatusCreated)
		}
		_, _ = io.WriteString(rw, answer)
	}, checked)
	_, err := w.Call(t.Context(), address("GET", "/of/7"))
	ok(t, err)
	made := address("POST", "/new")
	made.Body = []byte(`{"ward":"Ba Đình"}`)
	_, err = w.Call(t.Context(), made)
	ok(t, err)
	before := asked
	_, err = w.Call(t.Context(), address("GET", "/of/seven"))
	wantCode(t, err, "exchange.request_invalid")
	made.Body, made.MessageID = []byte(`{"ward":5}`), ""
	_, err = w.Call(t.Context(), made)
	wantCode(t, err, "exchange.request_invalid")
	if e, _ := errs.As(err); e.Args["where"] != "body /ward" || asked != before {
		t.Errorf("%+v, asked %d times", e, asked-before)
	}
	answer = `{"secret":"` + person + `"}`
	_, err = w.Call(t.Context(), address("GET", "/of/7"))
	if !strings.Contains(fmt.Sprint(err), "answer_invalid") || strings.Contains(fmt.Sprintf("%v %+v", err, err), person) {
		t.Errorf("%v", err)
	}
}

func TestHeadersOfAProvider(t *testing.T) {
	t.Parallel()
	var got http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		h := rw.Header()
		h["Connection"], h["Keep-Alive"], h["X-Hop"] = []string{"X-Hop"}, []string{"timeout=5"}, []string{"1"}
		h["X-Road-Error"], h["X-Road-Id"], h["X-Dinh-Subject"] = []string{"fake"}, []string{"fake"}, []string{person}
		h["Etag"], h["Set-Cookie"] = []string{`"1"`}, []string{"a=1", "b=2"}
		rw.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(rw, "short")
	}))
	t.Cleanup(srv.Close)
	p, err := exchange.NewHTTPProvider(srv.URL+"/", origin.Config{Local: true})
	ok(t, err)
	t.Cleanup(p.Close)
	line := func(n, v string) exchange.HeaderLine { return exchange.HeaderLine{Name: n, Value: v} }
	reply, err := p.Serve(t.Context(), exchange.Delivery{
		Service: addresses, Client: civil, Method: "PUT", Path: "/x", Body: []byte("{}"), ContentType: "application/json", MessageID: "m-1", Purpose: "khai sinh", UserID: "u",
		Headers: []exchange.HeaderLine{
			line("accept", "text/plain"), line("Accept", "application/json"), line("X-ROAD-CLIENT", "VN/COM/evil/x"), line("x-dinh-purpose", "anything"), line("X-Road-Issue", "lie"),
			line("X-Api-Key", "dinh_secret"), line("Authorization", "bearer dinh_secret"), line("Cookie", "dinh_session=secret"), line("Host", "evil"),
			line("Connection", "close, x-custom-hop"), line("X-Custom-Hop", "1"), line("TE", "trailers"), line("Content-Length", "99"), line("Expect", "100-continue"),
			line("Accept-Encoding", "gzip"), line("If-None-Match", `"0"`), line("X-Road-Represented-Party", "COM/1"),
		},
	})
	ok(t, err)
	want := http.Header{
		"Accept": {"text/plain", "application/json"}, "X-Road-Client": {"VN/GOV/MOJ/civil-status"}, "X-Road-Service": {addresses.String()}, "X-Road-Id": {"m-1"},
		"X-Road-Userid": {"u"}, "X-Dinh-Purpose": {"khai sinh"}, "Content-Type": {"application/json"}, "Accept-Encoding": {"identity"}, "User-Agent": {"dinh"},
		"If-None-Match": {`"0"`}, "X-Road-Represented-Party": {"COM/1"}, "Content-Length": {"2"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("went out\n%v, want\n%v", got, want)
	}
	var back []string
	for _, h := range reply.Headers {
		if h.Name != "Date" {
			back = append(back, h.Name+": "+h.Value)
		}
	}
	if strings.Join(back, "|") != `Etag: "1"|Set-Cookie: a=1|Set-Cookie: b=2` || reply.Status != 418 || string(reply.Body) != "short" || !slices.Equal(reply.Subjects, []string{person}) {
		t.Errorf("came back %q, %+v", back, reply)
	}
	// A key for the service itself goes there.
	_, err = p.Serve(t.Context(), exchange.Delivery{Service: addresses, Client: civil, Method: "GET", Headers: []exchange.HeaderLine{line("X-Api-Key", "theirs"), line("Authorization", "Basic x")}})
	ok(t, err)
	if got.Get("X-Api-Key") != "theirs" || got.Get("Authorization") != "Basic x" {
		t.Errorf("%v", got)
	}
}

// Long bodies flow in both directions, of known and unknown length.
func TestProviderStreams(t *testing.T) {
	const size = 100 << 20
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		rw.Header().Set("X-Got", fmt.Sprint(n))
		switch r.URL.Path {
		case "/known":
			rw.Header().Set("Content-Length", fmt.Sprint(size))
		case "/just":
			_, _ = rw.Write(make([]byte, 64<<10))
			return
		}
		chunk := make([]byte, 32<<10)
		for range size / len(chunk) {
			if _, err := rw.Write(chunk); err != nil {
				return
			}
		}
	}))
	t.Cleanup(srv.Close)
	p, err := exchange.NewHTTPProvider(srv.URL, origin.Config{Local: true})
	ok(t, err)
	t.Cleanup(p.Close)
	for path, length := range map[string]int64{"/known": size, "/unknown": -1} {
		reply, err := p.Serve(t.Context(), exchange.Delivery{Method: "POST", Path: path, Client: civil, Service: addresses, Stream: io.NopCloser(io.LimitReader(bottomless{}, size)), Length: length})
		ok(t, err)
		if reply.Body != nil || reply.Stream == nil || reply.Length != length || !slices.Contains(reply.Headers, exchange.HeaderLine{Name: "X-Got", Value: fmt.Sprint(size)}) {
			t.Fatalf("%+v", reply)
		}
		most, got, buf := uint64(0), 0, make([]byte, 256<<10)
		var m runtime.MemStats
		for {
			n, err := reply.Stream.Read(buf)
			got += n
			if got%(8<<20) < n {
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
			if err == io.EOF {
				break
			}
			ok(t, err)
		}
		ok(t, reply.Stream.Close())
		t.Logf("%s: at most %d kB on the heap", path, most>>10)
		if got != size || most > 64<<20 {
			t.Errorf("%s: %d bytes, heap %d MB", path, got, most>>20)
		}
	}
	reply, err := p.Serve(t.Context(), exchange.Delivery{Method: "GET", Path: "/just", Client: civil, Service: addresses})
	if err != nil || len(reply.Body) != 64<<10 || reply.Stream != nil {
		t.Errorf("%d %v %v", len(reply.Body), reply.Stream, err)
	}
}

type bottomless struct{}

func (bottomless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A service that wants to know who asks is shown the owner's certificate.
func TestClientCertificateByReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deps.Certificate = func(ctx context.Context, m exchange.MemberID) (tls.Certificate, error) {
		k, err := w.keys.Current(ctx, m.String(), keys.TLS)
		if err != nil {
			return tls.Certificate{}, err
		}
		return w.keys.TLSCertificate(ctx, k.ID)
	}
	w.Exchange = w.another(t)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(rw, `{"unit":%q}`, r.TLS.PeerCertificates[0].Subject.OrganizationalUnit)
	}))
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	_, err := w.PublishService(t.Context(), published(srv.URL, func(s *exchange.PublishedService) {
		s.TLS = exchange.ServiceTLS{Roots: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})), ClientCertificate: true}
	}), "o")
	ok(t, err)
	w.grant(t, func(g *exchange.Grant) { g.Service, g.Fields = addresses, []string{"*"} })
	a, err := w.Call(t.Context(), address("GET", ""))
	ok(t, err)
	if string(a.Body) != `{"unit":["GOV/MPS"]}` {
		t.Errorf("%s", a.Body)
	}
	h, err := w.ServiceHealth(t.Context(), addresses)
	if err != nil || !h.Reachable {
		t.Errorf("%+v %v", h, err)
	}
}

// What fails behind the exchange reaches X-Road clients in X-Road's words.
func TestR1FaultsOfServices(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	var mu sync.Mutex
	behave := ""
	srv := e.behind(t, func(rw http.ResponseWriter, r *http.Request) {
		c, b, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		mu.Lock()
		now := behave
		mu.Unlock()
		_, _ = b.WriteString(strings.ReplaceAll(now, "\n", "\r\n"))
		_ = b.Flush()
		if now == "" {
			_, _ = c.Read(make([]byte, 1)) // until we lose patience
		}
	}, func(s *exchange.PublishedService) { s.Timeouts.Header = 100 })
	get := func() (int, string, string) {
		res, body := e.once(t, "GET /r1/VN/GOV/MPS/population/addresses/of/7 HTTP/1.1\n"+common+"\n")
		return res.StatusCode, res.Header.Get("X-Road-Error"), body
	}
	const at = "server.serverproxy."
	for _, tt := range []struct{ behave, code, says string }{
		{"", at + "service_failed.network_error", "too long"},
		{"HTTP/1.1 200 OK\n", at + "service_failed.io_error", "broke off"},
		{"HTTP/1.1 200 OK\nContent-Length: 99\n\n{}", at + "service_failed.io_error", "less than"},
		{"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}{}", at + "service_failed.http_error", "more than"},
	} {
		mu.Lock()
		behave = tt.behave
		mu.Unlock()
		if status, code, body := get(); status != 500 || code != tt.code || !strings.Contains(body, tt.says) {
			t.Errorf("%q: %d %s %s", tt.behave, status, code, body)
		}
	}
	srv.Close()
	if status, code, _ := get(); status != 500 || code != at+"network_error" {
		t.Errorf("nobody there: %d %s", status, code)
	}
	ok(t, e.DisableService(t.Context(), addresses, "o", "Bảo trì"))
	if status, code, body := get(); status != 500 || code != at+"service_disabled" || !strings.Contains(body, "is disabled: Bảo trì") {
		t.Errorf("disabled: %d %s %s", status, code, body)
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	_, err := e.PublishService(t.Context(), published(secure.URL), "o")
	ok(t, err)
	ok(t, e.EnableService(t.Context(), addresses))
	if status, code, _ := get(); status != 500 || code != at+"service_failed.ssl_authentication_failed" {
		t.Errorf("no trust: %d %s", status, code)
	}
	if !strings.Contains(exchange.V77.Code(at+"service_failed.ssl_authentication_failed"), "Server.ServerProxy.ServiceFailed.SslAuthenticationFailed") {
		t.Error(exchange.V77.Code(at + "service_failed.ssl_authentication_failed"))
	}
}

// getOpenAPI asks the origin afresh, and says what it said when it fails.
func TestGetOpenAPIAfresh(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	status, doc := 200, addressesDoc
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, doc)
	}))
	t.Cleanup(srv.Close)
	url := srv.URL + "/addresses.yaml"
	_, err := e.PublishService(t.Context(), published("", func(s *exchange.PublishedService) { s.DescriptionURL = url }), "o")
	ok(t, err)
	get := func() (string, string) {
		res, body := e.once(t, "GET /r1/VN/GOV/MPS/population/getOpenAPI?serviceCode=addresses HTTP/1.1\n"+common+"\n")
		return res.Header.Get("Content-Type"), body
	}
	if kind, body := get(); kind != "application/x-yaml" || strings.Contains(body, "internal.example") || !strings.Contains(body, "/of/{id}") {
		t.Errorf("%s %s", kind, body)
	}
	doc = strings.Replace(addressesDoc, "title: Addresses", "title: Renamed", 1)
	if _, body := get(); !strings.Contains(body, "Renamed") {
		t.Errorf("not afresh: %s", body)
	}
	message := func() (out struct{ Type, Message string }) {
		_, body := get()
		ok(t, json.Unmarshal([]byte(body), &out))
		return out
	}
	status = 404
	if f := message(); f.Type != "server.serverproxy.internal_error" || f.Message != "Failed reading service description from "+url+". Status: 404 Reason: Not Found" {
		t.Errorf("%+v", f)
	}
	srv.Close()
	if f := message(); !strings.HasPrefix(f.Message, "Failed reading service description from "+url+". Status: ") {
		t.Errorf("%+v", f)
	}
	_, body := e.once(t, "GET /r1/VN/GOV/MPS/population/listMethods HTTP/1.1\n"+common+"\n")
	if !strings.Contains(body, `"service_code":"addresses","service_type":"OPENAPI","endpoint_list":[{"method":"GET","path":"/of/*"},{"method":"POST","path":"/new"}]`) &&
		!strings.Contains(body, `"service_code":"addresses","service_type":"OPENAPI","endpoint_list":[{"method":"POST","path":"/new"},{"method":"GET","path":"/of/*"}]`) {
		t.Errorf("listMethods: %s", body)
	}
}

// door calls a route of the exchange as somebody.
func (w *world) door(t *testing.T, p auth.Principal, method, path, body string) string {
	t.Helper()
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
	rec := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(auth.With(t.Context(), p), method, path, bytes.NewReader([]byte(body)))
	mux.ServeHTTP(rec, req)
	return fmt.Sprintf("%d %s", rec.Code, strings.TrimSpace(rec.Body.String()))
}

func grantsOfficer(member string) auth.Principal {
	return auth.Principal{Level: auth.Substantial, Officer: "o1", Member: member, Roles: []string{exchange.RoleGrants}}
}

func TestServiceRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	const api = "/api/exchange/services"
	publication := func(local bool) string {
		return fmt.Sprintf(`{"id":%q,"title":{"vi":"Địa chỉ","en":"Addresses"},"url":%q,"local":%t}`, addresses, srv.URL, local)
	}
	named := fmt.Sprintf(`{"service":%q}`, addresses)
	owner, stranger := grantsOfficer("GOV/MPS"), grantsOfficer("GOV/MOJ")
	operator := auth.Principal{Level: auth.Substantial, Officer: "root", Roles: []string{auth.RoleOperator}}
	wrong := []auth.Principal{{}, {Number: person, Level: auth.High}, {Level: auth.Substantial, Officer: "o3", Member: "GOV/MPS"}, stranger, {Subsystem: civil.String(), Member: "GOV/MPS", Roles: []string{exchange.RoleGrants}}}
	want := func(got, start, holds string) {
		t.Helper()
		if !strings.HasPrefix(got, start) || !strings.Contains(got, holds) {
			t.Errorf("got %s, want %s … %s", got, start, holds)
		}
	}
	want(w.door(t, owner, "POST", api+"/publish", publication(true)), "400", "exchange.local_service")
	want(w.door(t, operator, "POST", api+"/publish", publication(true)), "200", `"changed_by":"root"`)
	want(w.door(t, owner, "POST", api+"/health", named), "200", `"reachable":true,"status":404`)
	for _, p := range wrong {
		for path, body := range map[string]string{"/publish": publication(false), "/disable": fmt.Sprintf(`{"service":%q,"reason":"x"}`, addresses), "/enable": named, "/health": named} {
			if got := w.door(t, p, "POST", api+path, body); !strings.HasPrefix(got, "400") {
				t.Errorf("%+v: %s: %s", p, path, got)
			}
		}
		if got := w.door(t, p, "GET", api+"/published", ""); strings.Contains(got, "addresses") {
			t.Errorf("%+v sees %s", p, got)
		}
	}
	want(w.door(t, owner, "GET", api+"/published", ""), "200", srv.URL)
	want(w.door(t, auth.Principal{}, "GET", api, ""), "200", `"id":"VN/GOV/MPS/population/addresses"`)
	if got := w.door(t, auth.Principal{}, "GET", api, ""); strings.Contains(got, srv.URL) {
		t.Errorf("everybody sees where the machine stands: %s", got)
	}
	want(w.door(t, owner, "POST", api+"/disable", fmt.Sprintf(`{"service":%q,"reason":"Bảo trì"}`, addresses)), "204", "")
	want(w.door(t, auth.Principal{}, "GET", api, ""), "200", `"disabled":true`)
	want(w.door(t, owner, "POST", api+"/enable", named), "204", "")
	// Whoever takes it over from the operator takes it off this machine.
	want(w.door(t, owner, "POST", api+"/publish", publication(false)), "200", `"local":false`)
	want(w.door(t, owner, "POST", api+"/health", named), "200", `"problem":"exchange.provider_unreachable"`)
}

// cpu is the processor time of this process so far, the server's share with it:
// what a busy machine cannot blur.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	ok(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkProvider puts the provider beside a bare client on the same target.
func BenchmarkProvider(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 2<<10)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(body) }))
	b.Cleanup(srv.Close)
	p, err := exchange.NewHTTPProvider(srv.URL, origin.Config{Local: true})
	ok(b, err)
	b.Cleanup(p.Close)
	bare := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	side := func(n int, ask func() (int, error)) time.Duration {
		start := time.Now()
		done := make(chan error, 16)
		for range cap(done) {
			go func() {
				for range n / cap(done) {
					if got, err := ask(); err != nil || got != len(body) {
						done <- fmt.Errorf("%d bytes, %w", got, err)
						return
					}
				}
				done <- nil
			}()
		}
		for range cap(done) {
			ok(b, <-done)
		}
		return time.Since(start)
	}
	plain := func() (int, error) {
		res, err := bare.Get(srv.URL + "/x?y=1")
		if err != nil {
			return 0, err
		}
		got, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		return len(got), err
	}
	ours := func() (int, error) {
		r, err := p.Serve(context.Background(), exchange.Delivery{Service: addresses, Client: civil, Method: "GET", Path: "/x", Query: "y=1", MessageID: "m", Purpose: "p", LegalBasis: "b"})
		return len(r.Body), err
	}
	side(160, plain) // opens the connections
	side(160, ours)
	b.ResetTimer()
	var tookPlain, tookOurs, cpuPlain, cpuOurs time.Duration
	const rounds = 10 // in turn, so that a busy machine is unfair to neither
	n := max(b.N, 1600) / rounds
	for range rounds {
		start := cpu(b)
		tookPlain += side(n, plain)
		middle := cpu(b)
		tookOurs += side(n, ours)
		cpuPlain, cpuOurs = cpuPlain+middle-start, cpuOurs+cpu(b)-middle
	}
	b.ReportMetric(float64(cpuPlain.Microseconds())/float64(n*rounds), "bare-cpu-us")
	b.ReportMetric(float64(cpuOurs.Microseconds())/float64(n*rounds), "provider-cpu-us")
	b.ReportMetric(float64(n*rounds)/tookPlain.Seconds(), "bare/s")
	b.ReportMetric(float64(n*rounds)/tookOurs.Seconds(), "provider/s")
	b.ReportMetric(tookPlain.Seconds()/tookOurs.Seconds(), "ratio")
}

// No spelling of a path gets past an endpoint's wildcard to another place, and
// what passes arrives as it was sent.
func TestTraversalPastWildcards(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	var mu sync.Mutex
	var reached []string
	e.behind(t, func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		reached = append(reached, r.RequestURI)
		_, _ = io.WriteString(rw, "{}")
	}, func(s *exchange.PublishedService) {
		s.Endpoints = []exchange.Endpoint{{Method: "GET", Path: "/public/*"}, {Method: "GET", Path: "/tree/**"}}
	})
	get := func(path string) int {
		res, _ := e.once(t, "GET /r1/VN/GOV/MPS/population/addresses"+path+" HTTP/1.1\n"+common+"\n")
		return res.StatusCode
	}
	up := []string{
		"..", "%2e%2e", "%2E%2e", ".%2e", "%2e.", "%252e%252e", "%25252e%25252e", "..%3b", "..;", "..;a=b", "%2e%2e%3bx", "..%20", "..%09", "..%00", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae",
		"%ef%bc%8e%ef%bc%8e", "%e2%80%a5", "..%e2%80%8b", `..\`, "..%5c", "..%255c",
	}
	var bad []string
	for _, u := range up {
		bad = append(bad, "/public/"+u+"/secret", "/tree/a/"+u+"/"+u+"/secret", "/public/"+u, "/"+u+"/secret")
	}
	for _, s := range []string{"%2f", "%2F", "%252f", "%25252F", "%5c", "%255C", `\`, "%c0%af", "%e0%80%af", "%ef%bc%8f", "%e2%88%95/../"} {
		bad = append(bad, "/public/a"+s+"secret", "/public/.."+s+"secret", "/public"+s+".."+s+"secret")
	}
	bad = append(bad, "//public/a", "/public//a", "/public/./a", "/public/a/b", "/secret", "/publicity", "/Public/a", "/public/%", "/public/%zz", "/public/%u002e%u002e/secret", "/public/a%0d%0aX:1", "/tree/a//b")
	for _, path := range bad {
		if status := get(path); status != 400 && status != 500 {
			t.Errorf("%s: status %d", path, status)
		}
	}
	if len(reached) != 0 {
		t.Errorf("reached: %q", reached)
	}
	good := []string{"/public/a", "/public/H%C3%A0%20N%E1%BB%99i", "/public/a..b", "/public/...", "/tree/a/b/c", "/public/a;v=1", "/public/a:b@c", "/tree/.well-known/x?next=%2f..%2f"}
	for i, path := range good {
		if status := get(path); status != 200 || len(reached) != i+1 || reached[i] != "/v1"+path {
			t.Errorf("%s: status %d, reached %q", path, status, reached)
		}
	}
}

// A hundred megabytes go through the whole exchange and come back, with flat
// memory: client, exchange and service stand in this one process.
func TestLongBodiesThroughTheExchange(t *testing.T) {
	e := newEdge(t, exchange.V78)
	const size = 100 << 20
	got := int64(-1)
	e.behind(t, func(rw http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err == nil {
			got = n
		}
		rw.Header().Set("Content-Type", "application/octet-stream")
		_, _ = io.Copy(rw, io.LimitReader(bottomless{}, size))
	})
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+e.address+"/r1/VN/GOV/MPS/population/addresses/big", io.LimitReader(bottomless{}, size))
	ok(t, err)
	r.ContentLength = size
	r.Header.Set("Authorization", "Bearer "+e.key)
	r.Header.Set("X-Road-Client", "VN/GOV/MOJ/civil-status")
	runtime.GC()
	res, err := http.DefaultClient.Do(r)
	ok(t, err)
	defer res.Body.Close()
	most, back, buf := uint64(0), 0, make([]byte, 256<<10)
	var m runtime.MemStats
	for {
		n, err := res.Body.Read(buf)
		back += n
		if back%(8<<20) < n {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		if err == io.EOF {
			break
		}
		ok(t, err)
	}
	t.Logf("status %d, at most %d kB on the heap", res.StatusCode, most>>10)
	if res.StatusCode != 200 || got != size || back != size || most > 64<<20 {
		t.Errorf("status %d, %d bytes there, %d back, heap %d MB", res.StatusCode, got, back, most>>20)
	}
}
