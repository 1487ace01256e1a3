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
