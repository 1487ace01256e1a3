package exchange_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/origin"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// A service that refuses a long upload at its beginning is heard at once, and the
// rest is not sent. Whoever sends slowly hears it too.
func TestARefusalDoesNotWaitForTheUpload(t *testing.T) {
	t.Parallel()
	const size, first = 50 << 20, 64 << 10
	const problem = `{"code":"too_big","detail":"at most 1 MB","name":"An","status":413,"title":"Too large","type":"about:blank"}`
	service := population
	service.Service = "files"
	for _, stalls := range []bool{false, true} {
		for _, nodes := range []int{1, 2} {
			name := fmt.Sprintf("stalls %v, %d nodes", stalls, nodes)
			var asking, answering *world
			if nodes == 1 {
				asking = newWorld(t)
				answering = asking
			} else {
				n := newTwoNodes(t)
				asking, answering = n.asking, n.answering
			}
			refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := io.CopyN(io.Discard, r.Body, first)
				if err != nil {
					t.Errorf("%s: the provider read: %v", name, err)
				}
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				_, _ = io.WriteString(w, problem)
			}))
			t.Cleanup(refusing.Close)
			provider, err := exchange.NewHTTPProvider(refusing.URL, origin.Config{Local: true})
			ok(t, err)
			t.Cleanup(provider.Close)
			ok(t, answering.RegisterProvider(exchange.ServiceInfo{ID: service}, provider))
			_, err = answering.AddGrant(t.Context(), exchange.Grant{
				Client: civil, Service: service, Operations: []string{"create"}, Fields: []string{"*"}, Purpose: purpose, LegalBasis: basis,
			})
			ok(t, err)
			key, _, err := asking.NewClientKey(t.Context(), civil, "test", time.Time{})
			ok(t, err)
			srv := httptest.NewServer(asking.R1Handler())
			t.Cleanup(srv.Close)

			ctx, cancel := context.WithCancel(t.Context())
			var sent atomic.Int64
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+"/r1/"+service.String(), readerFunc(func(p []byte) (int, error) {
				left := size - sent.Load()
				if stalls && left <= size-(1<<20) { // more than is held back on the way
					<-ctx.Done()
					return 0, ctx.Err()
				}
				n := min(left, int64(len(p)), first)
				if n == 0 {
					return 0, io.EOF
				}
				clear(p[:n])
				sent.Add(n)
				return int(n), nil
			}))
			ok(t, err)
			r.ContentLength = size
			r.Header.Set("X-Road-Client", civil.String())
			r.Header.Set("X-Road-Id", "early")
			r.Header.Set("X-Api-Key", key)
			began := time.Now()
			res, err := http.DefaultClient.Do(r)
			ok(t, err)
			body, err := io.ReadAll(res.Body)
			ok(t, err)
			ok(t, res.Body.Close())
			const want = `{"code":"too_big","detail":"at most 1 MB","status":413,"title":"Too large","type":"about:blank"}`
			if res.StatusCode != 413 || string(body) != want || res.Header.Get("X-Road-Id") != "early" {
				t.Errorf("%s: %d %v %s", name, res.StatusCode, res.Header, body)
			}
			if n := sent.Load(); n > size-(10<<20) {
				t.Errorf("%s: %d bytes were sent", name, n)
			}
			if waited := time.Since(began); waited > httpx.Patience/3 {
				t.Errorf("%s: the answer took %v", name, waited)
			}
			cancel()
			found, err := answering.SearchLog(officer(t.Context(), "GOV/MPS", auth.RoleOperator), exchange.LogQuery{MessageID: "early"}, "testing the upload")
			ok(t, err)
			if len(found) != 1 || found[0].Outcome != exchange.OutcomeFailed || found[0].Reason != "exchange.answered_early" {
				t.Errorf("%s: events %+v", name, found)
			}
			if ev, err := answering.Evidence(t.Context(), "early"); err != nil || len(ev) != 0 {
				t.Errorf("%s: evidence of what nobody signed: %+v, %v", name, ev, err)
			}
			for _, o := range asking.operations(t).Records {
				if o.FaultCode != "server.serverproxy.service_failed" || strings.Contains(o.FaultString, "1 MB") {
					t.Errorf("%s: record %+v", name, o)
				}
			}
		}
	}
}
