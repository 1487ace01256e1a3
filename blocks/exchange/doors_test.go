package exchange_test

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// houseDoor is the shared listener of a house with the routes of the exchange alone.
func (e *edge) houseDoor(t *testing.T) *edge {
	t.Helper()
	words, err := i18n.New(httpx.Messages(), exchange.Messages())
	ok(t, err)
	srv := httptest.NewServer(httpx.NewServer(httpx.Config{
		Routes: e.Routes(), Catalog: words, Log: slog.New(slog.DiscardHandler), Authenticate: func(r *http.Request) (auth.Principal, error) {
			p, _, err := e.AuthenticateClient(r)
			return p, err
		},
	}))
	t.Cleanup(srv.Close)
	other := *e
	other.address = srv.Listener.Addr().(*net.TCPAddr).String()
	return &other
}

// An address that some server would read as another one is refused in the same
// words at both doors, and led nowhere.
func TestBothDoorsRefuseTraversal(t *testing.T) {
	t.Parallel()
	own := newEdge(t, exchange.V78)
	own.grant(t)
	shared := own.houseDoor(t)
	for _, path := range []string{
		servicePath + "//", servicePath + "//records/1", servicePath + "/records//1", servicePath + "/..", servicePath + "/../", servicePath + "/../x",
		servicePath + "/records/../1", servicePath + "/.", servicePath + "/./records", servicePath + "/%2e%2e/x", servicePath + "/.%2e/x", servicePath + "/%252e%252e/x",
		servicePath + "/a%2fb", servicePath + "/a%5cb", servicePath + "/..;/x", servicePath + "/%c0%ae%c0%ae/x", servicePath + "/a%00b", servicePath + "/a%0d%0ab",
		"/r1//VN/GOV/MPS/population/population/records/1", "/r1/VN//MPS/population/population", "/r1/VN/GOV/../GOV/MPS/population/population", "/r1/../r1" + strings.TrimPrefix(servicePath, "/r1"),
		"/r1/../api/exchange/members", "/r1//api", "/r1/./" + strings.TrimPrefix(servicePath, "/r1/"),
	} {
		for _, method := range []string{"GET", "POST", "HEAD", "DELETE", "TRACE"} {
			raw := method + " " + path + " HTTP/1.1\n" + common + "Content-Length: 0\n\n"
			want, wantBody := own.once(t, raw)
			got, body := shared.once(t, raw)
			if got.StatusCode != want.StatusCode || got.StatusCode < 400 || got.Header.Get("Location") != "" ||
				got.Header.Get("X-Road-Error") != want.Header.Get("X-Road-Error") || want.Header.Get("X-Road-Error") == "" ||
				got.Header.Get("Content-Type") != want.Header.Get("Content-Type") || withoutDetail(body) != withoutDetail(wantBody) {
				t.Errorf("%s %s: %d %v %s\nwant %d %v %s", method, path, got.StatusCode, got.Header, body, want.StatusCode, want.Header, wantBody)
			}
		}
	}
	if n := own.provider.count(); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// withoutDetail cuts what is new in every fault.
func withoutDetail(body string) string {
	before, _, _ := strings.Cut(body, `"detail"`)
	return before
}

// Every method of X-Road's protocol reaches the service, at both doors.
func TestEveryMethodPasses(t *testing.T) {
	t.Parallel()
	own := newEdge(t, exchange.V78)
	own.grant(t, func(g *exchange.Grant) {
		g.Operations, g.Fields = []string{"read", "create", "amend"}, []string{"*"}
	})
	for name, door := range map[string]*edge{"own": own, "shared": own.houseDoor(t)} {
		for _, method := range []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"} {
			res, body := door.once(t, method+" "+servicePath+"/records/1 HTTP/1.1\n"+common+"X-Road-Id: "+name+method+"\nContent-Length: 0\n\n")
			if res.StatusCode != 200 || res.Header.Get("X-Road-Id") != name+method {
				t.Errorf("%s: %s: %d %v %s", name, method, res.StatusCode, res.Header, body)
			}
			own.provider.mu.Lock()
			if d := own.provider.calls[len(own.provider.calls)-1]; d.Method != method || d.MessageID != name+method {
				t.Errorf("%s: %s arrived as %s", name, method, d.Method)
			}
			own.provider.mu.Unlock()
		}
	}
}
