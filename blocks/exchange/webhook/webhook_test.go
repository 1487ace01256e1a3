package webhook_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/webhook"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

const civil = "VN/GOV/MOJ/civil-status"

type members struct{}

// Members knows one.
func (members) Members(context.Context) ([]exchange.Member, error) {
	return []exchange.Member{{Class: "GOV", Code: "MOJ", Subsystems: []exchange.Subsystem{{Code: "civil-status"}}}}, nil
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, inside bool) (*webhook.Webhooks, exchange.SubsystemID) {
	t.Helper()
	s, err := exchange.ParseSubsystem(civil)
	ok(t, err)
	return webhook.New(webhook.Deps{
		DB: dbtest.New(t, dbtest.Set{Name: "exchange_webhook", FS: webhook.Migrations()}), Clock: clock.New(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)),
		Members: members{}, Instance: "VN", Inside: inside,
	}), s
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	w, s := open(t, false)
	for url, fits := range map[string]bool{
		"https://hooks.gov.vn/a?b=c": true, "https://1.2.3.4:8443/": true,
		"http://hooks.gov.vn/": false, "https://": false, "": false, "ftp://x": false, "https://user:secret@x/": false,
		"https://x/#a": false, "https://x/ a": false, "//x/a": false, "https://x/" + strings.Repeat("a", 2000): false, "https://x\r\n/": false,
	} {
		err := w.Set(t.Context(), webhook.Hook{Subsystem: s, URL: url})
		if fits && err != nil || !fits && errs.CodeOf(err) != "webhook.bad_url" {
			t.Errorf("%q: %v", url, err)
		}
	}
	s.Subsystem = "none"
	if err := w.Set(t.Context(), webhook.Hook{Subsystem: s, URL: "https://x/"}); errs.CodeOf(err) != "webhook.unknown_subsystem" {
		t.Error(err)
	}
}

// A name on the public network may point at this machine or its neighbours.
func TestNothingGoesInside(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a message came in") }))
	t.Cleanup(srv.Close)
	w, _ := open(t, false)
	port := srv.URL[strings.LastIndex(srv.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "[fe80::1]", "[fd00::1]", "0.0.0.0"} {
		err := w.Send(t.Context(), webhook.Message{URL: "https://" + host + port + "/", ID: "1", ContentType: "application/json"})
		if errs.CodeOf(err) != "webhook.not_delivered" || !strings.Contains(err.Error(), "not on the public network") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestAnswersOfReceivers(t *testing.T) {
	t.Parallel()
	w, _ := open(t, true)
	status := 200
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("a redirect was followed")
		}
		rw.Header().Set("Location", "/elsewhere")
		rw.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	for s, fine := range map[int]bool{200: true, 202: true, 204: true, 302: false, 307: false, 400: false, 410: false, 500: false} {
		status = s
		err := w.Send(t.Context(), webhook.Message{URL: srv.URL + "/a?secret=s3cr3t", ID: "1", ContentType: "application/json"})
		if (err == nil) != fine {
			t.Errorf("%d: %v", s, err)
		}
	}
	srv.Close()
	if err := w.Send(t.Context(), webhook.Message{URL: srv.URL + "/a?secret=s3cr3t", ID: "1"}); err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("error %v", err)
	}
}

func TestOfficers(t *testing.T) {
	t.Parallel()
	w, _ := open(t, false)
	who := auth.Principal{}
	catalog, err := i18n.New(httpx.Messages(), exchange.Messages(), webhook.Messages())
	ok(t, err)
	srv := httptest.NewServer(httpx.NewServer(httpx.Config{
		Routes: w.Routes(), Catalog: catalog, Clock: clock.System(), Log: slog.New(slog.DiscardHandler),
		Authenticate: func(*http.Request) (auth.Principal, error) { return who, nil },
	}).Handler())
	t.Cleanup(srv.Close)
	do := func(method, body string, status int, holds string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+"/api/exchange/webhooks", strings.NewReader(body))
		ok(t, err)
		r.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(r)
		ok(t, err)
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		ok(t, err)
		if res.StatusCode != status || !strings.Contains(string(got), holds) {
			t.Fatalf("%s %s: %d %s", method, body, res.StatusCode, got)
		}
	}
	set := `{"subsystem":"` + civil + `","url":"https://hooks.gov.vn/"}`
	do("PUT", set, 401, "")
	officer := func(member string) auth.Principal {
		return auth.Principal{Officer: "o-1", Member: member, Roles: []string{exchange.RoleGrants}, Level: auth.Substantial}
	}
	who = officer("GOV/MPS")
	do("PUT", set, 403, "webhook.not_yours")
	who = officer("GOV/MOJ")
	do("PUT", set, 204, "")
	do("GET", "", 200, `"set_by":"o-1"`)
	who = officer("GOV/MPS")
	do("GET", "", 200, `{"webhooks":[]}`)
	do("DELETE", `{"subsystem":"`+civil+`"}`, 403, "webhook.not_yours")
	who = auth.Principal{Account: "p", Officer: "p", Roles: []string{auth.RoleOperator}, Level: auth.Substantial}
	do("DELETE", `{"subsystem":"`+civil+`"}`, 204, "")
	do("GET", "", 200, `{"webhooks":[]}`)
	who = auth.Principal{Subsystem: civil, Member: "GOV/MOJ"}
	do("PUT", set, 403, "")
}
