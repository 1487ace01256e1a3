package journeys

import (
	"bufio"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// TestXRoadDoor speaks to the door for X-Road clients as a client of another
// language would, with header names of its own case and order, and computes
// the request hash as the protocol's code does.
func TestXRoadDoor(t *testing.T) {
	h := shared(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.ServeXRoad(ctx, l) }()
	client, err := exchange.ParseSubsystem("VN/GOV/MOJ/civil-status")
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := h.Exchange.NewClientKey(ctx, client, "a test", h.Config.Clock.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	mai, _ := h.world().Sample("mai")
	body := fmt.Sprintf(`{"where":{"number":%q}}`, mai.Number)
	line := "POST /r1/VN/GOV/MPS/population/population/search HTTP/1.1\r\n"
	hashed := []string{"x-ROAD-client:VN/GOV/MOJ/civil-status", "accept:application/json", "X-Purpose:birth-registration", "AUTHORIZATION:Bearer " + secret, "content-TYPE:application/json"}
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 { // the second on the same connection
		fmt.Fprintf(c, "%sHost: x\r\nUser-Agent: test\r\nContent-Length: %d\r\n%s\r\n\r\n%s", line, len(body), strings.ReplaceAll(strings.Join(hashed, "\r\n"), ":", ": "), body)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(answer), mai.Name) {
			t.Fatalf("status %d: %.300s %v", res.StatusCode, answer, err)
		}
		head := "POST\r\n/r1/VN/GOV/MPS/population/population/search\r\n" + strings.Join(hashed, "\r\n") + "\r\nx-road-request-id:" + res.Header.Get("X-Road-Request-Id") + "\r\nx-road-id:" + res.Header.Get("X-Road-Id") + "\r\n"
		first, second := sha512.Sum512([]byte(head)), sha512.Sum512([]byte(body))
		both := sha512.Sum512(append(first[:], second[:]...))
		if want, got := base64.StdEncoding.EncodeToString(both[:]), res.Header.Get("X-Road-Request-Hash"); got != want {
			t.Errorf("X-Road-Request-Hash %s, want %s", got, want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestXRoadRefusalsHaveWords sends what a register cannot read or has not got.
func TestXRoadRefusalsHaveWords(t *testing.T) {
	h := shared(t)
	client, err := exchange.ParseSubsystem("VN/GOV/MOJ/civil-status")
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := h.Exchange.NewClientKey(t.Context(), client, "another test", h.Config.Clock.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for body, words := range map[string]string{
		`{"number":"001195100101"}`:     `unknown field`,
		`{"where":{}}`:                  "detail",
		`{"where":{"number":"1"},`:      "detail",
		`{"where":{"full_name":"Mai"}}`: "full_name",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.Base+"/r1/VN/GOV/MPS/population/population/search", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]string{"Authorization": "Bearer " + secret, "X-Road-Client": client.String(), "Content-Type": "application/json", "X-Dinh-Purpose": "birth-registration", "Accept-Language": "en"} {
			req.Header.Set(name, v)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode < 400 || res.StatusCode > 499 || !strings.Contains(string(text), words) || strings.Contains(string(text), `"detail":""`) || strings.Contains(string(text), "⟦") {
			t.Errorf("%s: %d %s %v", body, res.StatusCode, text, err)
		}
	}
}

// TestGrantsNameWhatIsThere refuses rights that would give nothing.
func TestGrantsNameWhatIsThere(t *testing.T) {
	h := shared(t)
	client, err := exchange.ParseSubsystem("VN/GOV/MOJ/civil-status")
	if err != nil {
		t.Fatal(err)
	}
	service, err := exchange.ParseService("VN/GOV/MPS/population/population")
	if err != nil {
		t.Fatal(err)
	}
	right := exchange.Grant{Client: client, Service: service, Operations: []string{"search"}, Fields: []string{"address", "full_name"}, Match: []string{"number"}, Purpose: "birth-registration", LegalBasis: "Luật Hộ tịch 2014"}
	for code, change := range map[string]func(*exchange.Grant){
		"exchange.unknown_field":   func(g *exchange.Grant) { g.Fields = []string{"full_nam"} },
		"exchange.unknown_purpose": func(g *exchange.Grant) { g.Purpose = "nonsense" },
	} {
		g := right
		change(&g)
		_, err := h.Exchange.AddGrant(t.Context(), g)
		if e, ok := errs.As(err); !ok || len(e.Fields) != 1 || e.Fields[0].Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
	g, err := h.Exchange.AddGrant(t.Context(), right)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Exchange.RevokeGrant(t.Context(), g.ID, "test", "over"); err != nil {
		t.Error(err)
	}
}
