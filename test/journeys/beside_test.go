package journeys

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
)

// TestEventsAndLateAnswersInTheHouse goes once through what stands beside X-Road's
// protocol, as app joined it, on the shared listener.
func TestEventsAndLateAnswersInTheHouse(t *testing.T) {
	h := shared(t)
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
	services := h.Exchange.Services()
	if len(services) == 0 {
		t.Fatal("no services")
	}
	a := send("GET", "/r1/"+services[0].ID.String()+"/records/none", "", "X-Road-Client", civil.String(), "Prefer", "respond-async", "X-Dinh-Purpose", "curiosity")
	if a.Status < 400 || a.Header.Get("X-Road-Error") == "" {
		t.Errorf("a late call without a grant: %d %s", a.Status, a.Body)
	}
}
