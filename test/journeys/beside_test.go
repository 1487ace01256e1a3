package journeys

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/clients"
	"github.com/dinh-gov/dinh/blocks/exchange/pubsub"
)

// TestEventsAndLateAnswersInTheHouse goes once through what stands beside X-Road's
// protocol, as app joined it, on the shared listener.
func TestEventsAndLateAnswersInTheHouse(t *testing.T) {
	h := shared(t)
	yen, _ := h.world().Sample("yen")
	civil := exchange.SubsystemID{Instance: h.Instance, Class: "GOV", Member: "MOJ", Subsystem: "civil-status"}
	secret, _, err := h.Exchange.NewClientKey(t.Context(), civil, "events", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	c := h.caller(t, "")
	c.key = secret
	send := func(method, path, body string, headers ...string) answer {
		t.Helper()
		r := request{method: method, path: path, kind: "application/json", body: strings.NewReader(body), headers: map[string]string{}}
		for i := 0; i < len(headers); i += 2 {
			r.headers[headers[i]] = headers[i+1]
		}
		return c.do(t, r)
	}
	room := "/r1/" + civil.String()
	mine := []string{"X-GovStack-Client", civil.String()}
	if a := send("POST", room+"/api/v1/eventType", `{"eventType":"office","schema":{"type":"object","required":["open"]}}`, mine...); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := send("POST", room+"/pub/v1/office", `{"eventType":"office","event":{}}`, mine...); a.Status != http.StatusBadRequest || !strings.Contains(a.Body, "/ (required)") || strings.Contains(a.Body, "⟦") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := send("POST", room+"/pub/v1/office", `{"eventType":"office","event":{"open":true}}`, mine...); a.Status != http.StatusCreated {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := send("DELETE", room+"/api/v1/eventType/office", "", mine...); a.Status != http.StatusNoContent {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	service := "VN/GOV/MPS/population/population"
	late := []string{"X-Road-Client", civil.String(), "Prefer", "respond-async", "X-Dinh-Purpose", "birth-registration"}
	if a := send("POST", "/r1/"+service+"/search", `{"where":{"number":"`+yen.Number+`"}}`, append(late, "X-Dinh-Purpose", "curiosity")...); a.Status < 400 || a.Header.Get("Location") != "" {
		t.Errorf("a late call without a grant: %d %s", a.Status, a.Body)
	}
	a := send("POST", "/r1/"+service+"/search", `{"where":{"number":"`+yen.Number+`"}}`, late...)
	if a.Status != http.StatusAccepted {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	at := a.Header.Get("Location")
	for a.Status == http.StatusAccepted && t.Context().Err() == nil {
		a = c.get(t, at)
		runtime.Gosched()
	}
	if a.Status != http.StatusOK || !strings.Contains(a.Body, `"records"`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if again := c.get(t, at); again.Status != http.StatusOK || again.Body != a.Body {
		t.Errorf("again: %d %s", again.Status, again.Body)
	}
	if a := send("DELETE", at, ""); a.Status != http.StatusNoContent {
		t.Errorf("acknowledged: %d %s", a.Status, a.Body)
	}
	if a := c.get(t, at); a.Status != http.StatusGone || strings.Contains(a.Body, "⟦") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// TestThePersonSeesWhoWasTold publishes a birth, has another ministry fetch it,
// and looks at the page of the person that it is about.
func TestThePersonSeesWhoWasTold(t *testing.T) {
	h := shared(t)
	yen, _ := h.world().Sample("yen")
	parse := func(s string) exchange.SubsystemID {
		t.Helper()
		id, err := exchange.ParseSubsystem(s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	room, reader := parse("VN/GOV/MOJ/civil-status"), parse("VN/GOV/MPS/population")
	callers := map[exchange.SubsystemID]*caller{}
	for _, s := range []exchange.SubsystemID{room, reader} {
		secret, _, err := h.Exchange.NewClientKey(t.Context(), s, "told", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		callers[s] = h.caller(t, "")
		callers[s].key = secret
	}
	want := func(who exchange.SubsystemID, method, path, body string, status int) {
		t.Helper()
		a := callers[who].do(t, request{
			method: method, path: "/r1/" + room.String() + path, kind: "application/json", body: strings.NewReader(body),
			headers: map[string]string{"X-GovStack-Client": who.String(), "X-Dinh-Purpose": "birth-registration"},
		})
		if a.Status != status {
			t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
		}
	}
	want(room, "POST", "/api/v1/eventType", `{"eventType":"newName","subject":"$.number","title":{"vi":"Thay đổi họ tên","en":"Changes of name"},
		"schema":{"type":"object","properties":{"number":{"type":"string","title":"Số định danh"},"name":{"type":"string","title":"Họ và tên"}}}}`, http.StatusOK)
	_, err := h.Exchange.AddGrant(t.Context(), exchange.Grant{
		Client: reader, Service: pubsub.Service(room, "newName"), Operations: []string{exchange.OpSubscribe}, Fields: []string{"number", "name"},
		Purpose: "birth-registration", LegalBasis: "Luật Hộ tịch 2014, Điều 58",
	})
	if err != nil {
		t.Fatal(err)
	}
	want(reader, "POST", "/api/v1/subs/newName", `{"eventType":"newName","delivery":"PULL"}`, http.StatusOK)
	want(room, "POST", "/pub/v1/newName", `{"eventType":"newName","event":{"number":"`+yen.Number+`","name":"Yến"}}`, http.StatusCreated)
	want(reader, "GET", "/pull/v1/newName", "", http.StatusOK)
	events, err := h.Exchange.Events(t.Context(), h.Keys.Pseudonym(yen.Number), "", 1)
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	page := h.caller(t, "yen").in("vi").get(t, "/my-data/"+events[0].ID)
	for _, words := range []string{"Thay đổi họ tên", "được thông báo", "Số định danh", "Bộ Công an"} {
		if !strings.Contains(page.Body, words) && !strings.Contains(strings.ToLower(page.Body), strings.ToLower(words)) {
			t.Errorf("the person's page does not say %q:\n%d %.2000s", words, page.Status, said(page))
		}
	}
	want(room, "DELETE", "/api/v1/eventType/newName", "", http.StatusNoContent)
}

// TestXRoadClientsByCertificate opens X-Road's door over TLS as the command does,
// has a key certified, and revokes it.
func TestXRoadClientsByCertificate(t *testing.T) {
	h := shared(t)
	civil := exchange.SubsystemID{Instance: h.Instance, Class: "GOV", Member: "MOJ", Subsystem: "civil-status"}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, private)
	if err != nil {
		t.Fatal(err)
	}
	k, _, err := h.Clients.Register(t.Context(), clients.Registration{
		Subsystem: civil, Label: "box", Host: "box.moj.example", CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
	})
	if err != nil {
		t.Fatal(err)
	}
	secured, err := h.XRoadTLS(t.Context(), []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.ServeXRoad(ctx, tls.NewListener(inner, secured)) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	pool := x509.NewCertPool()
	pool.AddCert(h.Keys.CA())
	block, _ := pem.Decode([]byte(k.Public))
	ask := func(certs ...tls.Certificate) string {
		t.Helper()
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certs, MinVersion: tls.VersionTLS12}}}
		defer c.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+inner.Addr().String()+"/r1/VN/GOV/MPS/population/population/records/none", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Road-Client", civil.String())
		res, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.Header.Get("X-Road-Error")
	}
	mine := tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: private}
	const strange = "server.clientproxy.ssl_authentication_failed"
	if with, without := ask(mine), ask(); with == strange || without != strange {
		t.Errorf("with a certificate %q, without %q", with, without)
	}
	if err := h.Exchange.RevokeClientKey(t.Context(), k.ID); err != nil {
		t.Fatal(err)
	}
	if got := ask(mine); got != strange {
		t.Errorf("with a revoked key: %q", got)
	}
}
