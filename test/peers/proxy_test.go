package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// provider is the machine behind the exchange: with what X-Road's own tests put
// there, and with what shows how questions arrive.
type provider struct {
	url  string
	gone atomic.Bool // the description of the service lost is no longer there
}

const pets = `openapi: 3.0.3
info: {title: Pets, version: "1"}
servers: [{url: "https://internal.example:8443/v1"}, {url: "https://{host}/v2", variables: {host: {default: a}}}]
paths:
  /pets:
    get: {responses: {"200": {description: All of them}}}
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {responses: {"200": {description: One of them}}}
`

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pets.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-yaml")
		_, _ = io.WriteString(w, pets)
	})
	mux.HandleFunc("GET /lost.yaml", func(w http.ResponseWriter, r *http.Request) {
		if p.gone.Load() {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, pets)
	})
	mux.HandleFunc("POST /mock1", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"message": "Hello, world from POST service!"}`)
	})
	mux.HandleFunc("GET /restapi/api/members", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `[{"name": "MTÜ Nordic Institute for Interoperability Solutions"}]`)
	})
	mux.HandleFunc("/restapi/echo/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"verb": r.Method, "target": r.RequestURI, "headers": r.Header, "body": string(body)})
	})
	mux.HandleFunc("/restapi/refusal", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, `{"title": "no coffee"}`)
	})
	mux.HandleFunc("/restapi/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/mock1", http.StatusFound)
	})
	mux.HandleFunc("/restapi/bytes", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write([]byte{0, 1, 2, 0xff})
	})
	mux.HandleFunc("/restapi/impostor", func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"X-Road-Id", "X-Road-Client", "X-Road-Request-Id", "X-Road-Request-Hash"} {
			w.Header().Set(name, "impostor")
		}
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "hello")
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

// TestProxyRest replays X-Road's scenario test-proxy-rest, as facts and, where
// hurl is installed, in hurl's words.
func TestProxyRest(t *testing.T) {
	h := dev(t, "")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.xroad+"/r1/"+testService+"/mock1", strings.NewReader(`{"data": 1.0, "service": "random"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Road-Client", testClient)
	got := send(t, req)
	var said struct{ Message string }
	if err := json.Unmarshal([]byte(got.body), &said); err != nil || got.status != http.StatusOK || said.Message != "Hello, world from POST service!" {
		t.Errorf("%v: %v", err, got)
	}
	t.Run("hurl", func(t *testing.T) {
		hurl := program(t, "hurl", "the scenario is replayed in Go all the same")
		file := filepath.Join(t.TempDir(), "proxy.hurl")
		text := "POST {{ss1}}/r1/" + testService + "/mock1\nContent-Type: application/json\nX-Road-Client: " + testClient +
			"\n\n{\"data\": 1.0}\n\nHTTP 200\n\n[Asserts]\njsonpath \"$.message\" == \"Hello, world from POST service!\"\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), hurl, "--test", "--variable", "ss1="+h.xroad, file).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// echoed is a question as it arrived.
type echoed struct {
	Verb, Target string
	Headers      http.Header
	Body         string
}

// TestProxyPassesOn sends what a client may send and looks at what arrives, and
// at what comes back.
func TestProxyPassesOn(t *testing.T) {
	h := dev(t, "")
	const api = "/r1/" + testService + "/restapi"
	got := h.get(t, api+"/api/members", testClient)
	if got.status != http.StatusOK || !strings.Contains(got.body, `"MTÜ Nordic Institute for Interoperability Solutions"`) {
		t.Error(got)
	}
	for _, verb := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		body := ""
		if verb == "POST" || verb == "PUT" || verb == "PATCH" {
			body = `{"a": "ü"}`
		}
		const tail = "/echo/a%20b/%C3%BC;v=1?b=2&a=1&a=%2F;c"
		got := h.wire(t, verb, api+tail, body, "X-Road-Client: "+testClient, "X-Road-Id: id-"+verb, "X-Road-UserId: EE12345678901", "X-Road-Issue: case 7",
			"X-Road-Represented-Party: COM/99", "X-Road-Security-Server: DEV/COM/1234/ss1", "Accept: application/json", "X-Own: kept", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)))
		var e echoed
		if err := json.Unmarshal([]byte(got.body), &e); err != nil || got.status != http.StatusOK {
			t.Errorf("%s: %v %v", verb, err, got)
			continue
		}
		if e.Verb != verb || e.Target != "/restapi"+tail || e.Body != body {
			t.Errorf("%s arrived as %+v", verb, e)
		}
		for name, want := range map[string]string{
			"X-Road-Client": testClient, "X-Road-Id": "id-" + verb, "X-Road-Userid": "EE12345678901", "X-Road-Issue": "case 7",
			"X-Road-Represented-Party": "COM/99", "Accept": "application/json", "X-Own": "kept",
		} {
			if e.Headers.Get(name) != want {
				t.Errorf("%s: %s arrived as %q", verb, name, e.Headers.Get(name))
			}
		}
		if e.Headers.Get("Authorization") != "" || e.Headers.Get("Connection") == "close" {
			t.Errorf("%s: headers of one hop arrived: %v", verb, e.Headers)
		}
		h.hasXRoadHeaders(t, got, testService+"/restapi")
		if got.header.Get("X-Road-Id") != "id-"+verb {
			t.Errorf("X-Road-Id %q came back", got.header.Get("X-Road-Id"))
		}
	}
	if got := h.wire(t, "PUT", api+"/echo/twice", "", "X-Road-Client: "+testClient, "X-Road-Id: id-twice"); got.status != http.StatusOK {
		t.Errorf("a change: %v", got)
	}
	if got := h.wire(t, "PUT", api+"/echo/twice", "", "X-Road-Client: "+testClient, "X-Road-Id: id-twice"); got.header.Get("X-Road-Error") != "client.invalid_request" || !strings.Contains(got.body, "X-Road-Id") {
		t.Errorf("a change under an id that was used: %v", got)
	}
	if got := h.wire(t, "HEAD", api+"/impostor", "", "X-Road-Client: "+testClient); got.status != http.StatusOK || got.body != "" {
		t.Errorf("HEAD: %v", got)
	}
	got = h.get(t, api+"/refusal", testClient)
	if got.status != http.StatusTeapot || got.body != `{"title": "no coffee"}` || got.header.Get("X-Road-Error") != "" || got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("the service's own refusal: %v", got)
	}
	h.hasXRoadHeaders(t, got, testService+"/restapi")
	got = h.wire(t, "GET", api+"/moved", "", "X-Road-Client: "+testClient)
	if got.status != http.StatusFound || got.header.Get("X-Road-Error") != "" {
		t.Errorf("a redirect was followed: %v", got)
	}
	if got = h.get(t, api+"/bytes", testClient); got.body != string([]byte{0, 1, 2, 0xff}) || got.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("bytes: %v", got)
	}
	got = h.get(t, api+"/impostor", testClient)
	h.hasXRoadHeaders(t, got, testService+"/restapi")
	if got.header.Get("ETag") != `"v1"` || !regexp.MustCompile(`^DEV-`).MatchString(got.header.Get("X-Road-Id")) || !uuid.MatchString(strings.TrimPrefix(got.header.Get("X-Road-Id"), "DEV-")) {
		t.Errorf("the provider's headers: %v", got.header)
	}
	large := bytes.Repeat([]byte("x"), 3<<20)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, h.xroad+api+"/echo/large", bytes.NewReader(large))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Road-Client", testClient)
	req.Header.Set("Content-Type", "text/plain")
	if got := send(t, req); got.status != http.StatusOK || !strings.Contains(got.body, string(large[:1<<20])) {
		t.Errorf("a large body: %d %.200s", got.status, got.body)
	}
}

// hasXRoadHeaders checks the headers of every answer that is no error of the
// exchange.
func (h house) hasXRoadHeaders(t *testing.T, got answer, service string) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Road-Client": "^" + testClient + "$", "X-Road-Service": "^" + service + "$", "X-Road-Id": ".", "X-Road-Request-Id": uuid.String(),
		"X-Road-Request-Hash": `^[A-Za-z0-9+/]{86}==$`, "X-Road-Error": "^$",
	} {
		if values := got.header.Values(name); len(values) > 1 || !regexp.MustCompile(want).MatchString(got.header.Get(name)) {
			t.Errorf("%s is %q", name, values)
		}
	}
}
