package peers

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// hashed is what an independent program computes a request hash from.
type hashed struct {
	Verb      string      `json:"verb"`
	Target    string      `json:"target"`
	Headers   [][2]string `json:"headers"`
	RequestID string      `json:"request_id"`
	MadeUpID  string      `json:"made_up_id,omitempty"`
	Body      string      `json:"body,omitempty"`
}

func independentHash(t *testing.T, in hashed) string {
	t.Helper()
	python := program(t, "python3", "the request hash is computed by another language")
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "requesthash.py")
	cmd.Stdin = bytes.NewReader(append(text, '\n'))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestHashVectors holds the independent program itself to the two vectors that
// X-Road's construction gives.
func TestHashVectors(t *testing.T) {
	const id = "7f1c2d3e-0000-4000-8000-0123456789ab"
	client, message := [2]string{"X-Road-Client", "DEV/COM/4321/TestClient"}, [2]string{"X-Road-Id", "DEV-1"}
	for want, in := range map[string]hashed{
		"tW6QnB1Ln4TJKEAd3iGjr144ccYcL/K+YhX/MQRtMdtwTOgqhaazNhwwWy0HvWHUuD8he84Xv5SXvWc9wAZkLw==": {
			Verb: "GET", Target: "/r1/DEV/COM/1234/TestService/pets?limit=5", RequestID: id,
			Headers: [][2]string{client, {"Accept", "application/json"}, message},
		},
		"Nx5qVarv8JG0UY7CCw2JACbE254Emx1iSuWj0arEqhKStl78D54m39N7VJWZ7raZVtTe0mzjRgdLSqzLPmgb5Q==": {
			Verb: "POST", Target: "/r1/DEV/COM/1234/TestService/mock1", RequestID: id,
			Headers: [][2]string{{"Content-Type", "application/json"}, client, message}, Body: base64.StdEncoding.EncodeToString([]byte(`{"data": 1.0}`)),
		},
	} {
		if got := independentHash(t, in); got != want {
			t.Errorf("%s %s: %s, want %s", in.Verb, in.Target, got, want)
		}
	}
}

// wire sends a request byte for byte as written and reads the answer.
func (h house) wire(t *testing.T, verb, target, body string, lines ...string) answer {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.xroad, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: ss1\r\nConnection: close\r\nUser-Agent: peer\r\n%s\r\n\r\n%s", verb, target, strings.Join(lines, "\r\n"), body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: verb})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// TestRequestHash sends requests in orders and spellings of their own and lets
// another program compute the hash that must come back.
func TestRequestHash(t *testing.T) {
	h := dev(t, "")
	const search = "/r1/DEV/GOV/MPS/population/population/search"
	body := `{"where": {"number": "001099000001"}}`
	sized := fmt.Sprintf("Content-Length: %d", len(body))
	for name, tt := range map[string]struct {
		verb, target, body, sent string
		lines                    []string
	}{
		"a body":               {"POST", search, body, body, []string{sized, "content-TYPE: application/json", "x-road-CLIENT: " + testClient, "X-Road-Id: peer-1"}},
		"an id made up":        {"POST", search, body, body, []string{"zeta: last first", "X-Road-Client: " + testClient, sized, "Accept: */*", "Content-Type: application/json"}},
		"in pieces":            {"POST", search, body, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body), []string{"Transfer-Encoding: chunked", "X-Road-Client: " + testClient, "TE: trailers", "Content-Type: application/json"}},
		"no body":              {"GET", "/r1/DEV/COM/1234/TestService/listMethods", "", "", []string{"X-Road-Client: " + testClient, "X-Road-Issue: 12/ 3", "Content-Length: 0", "alpha: "}},
		"a query":              {"GET", "/r1/DEV/COM/1234/TestService/allowedMethods?b=%20&a=1&b", "", "", []string{"X-Road-UserId: EE1", "X-Road-Client: DEV/COM/9/x", "X-Road-Client: " + testClient, "x-road-request-id: mine"}},
		"a refusal of its own": {"POST", search, `{"where":{}}`, `{"where":{}}`, []string{"X-Road-Client: " + testClient, "Content-Length: 12"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := h.wire(t, tt.verb, tt.target, tt.sent, tt.lines...)
			in := hashed{Verb: tt.verb, Target: tt.target, RequestID: got.header.Get("X-Road-Request-Id"), Body: base64.StdEncoding.EncodeToString([]byte(tt.body))}
			for _, l := range tt.lines {
				name, value, _ := strings.Cut(l, ":")
				in.Headers = append(in.Headers, [2]string{name, strings.TrimSpace(value)})
				if strings.EqualFold(name, "X-Road-Id") {
					in.MadeUpID = "-"
				}
			}
			if in.MadeUpID == "" {
				in.MadeUpID = got.header.Get("X-Road-Id")
			} else {
				in.MadeUpID = ""
			}
			if want := independentHash(t, in); got.header.Get("X-Road-Request-Hash") != want {
				t.Errorf("status %d, hash %q, want %s\n%s", got.status, got.header.Get("X-Road-Request-Hash"), want, got.body)
			}
		})
	}
}
