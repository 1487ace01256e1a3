package exchange_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/opmon"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
)

// slow streams an answer that takes a minute, and may break off.
type slow struct {
	length, breaks int64 // breaks: after so many bytes; 0 never
	clocks         []*clock.Fake
}

func (slow) Streams() {}

func (s slow) Serve(context.Context, exchange.Delivery) (exchange.Reply, error) {
	body := io.LimitReader(zeros{}, s.length)
	if s.breaks > 0 {
		body = io.MultiReader(io.LimitReader(zeros{}, s.breaks), broken{})
	}
	late := sync.OnceFunc(func() {
		for _, c := range s.clocks {
			c.Advance(time.Minute)
		}
	})
	return exchange.Reply{ContentType: "text/plain", Stream: io.NopCloser(readerFunc(func(p []byte) (int, error) {
		late()
		return body.Read(p)
	})), Length: -1}, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// operations are the records of a node, the oldest first.
func (w *world) operations(t *testing.T) (page struct{ Records []opmon.Record }) {
	t.Helper()
	got := w.door(t, auth.Principal{Level: auth.Substantial, Officer: "root", Roles: []string{auth.RoleOperator}}, "GET", "/api/exchange/operations", "")
	_, body, _ := strings.Cut(got, " ")
	ok(t, json.Unmarshal([]byte(body), &page))
	return page
}

// The record of a long answer says how long it took, how much of it passed, and
// what broke it off.
func TestTheRecordOfAStreamIsKeptAtItsEnd(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		size             int64
		breaks, takes    int64
		asking, producer string // fault codes
	}{
		"whole":           {8 << 20, 0, 8 << 20, "", ""},
		"broken":          {8 << 20, 1 << 20, 8 << 20, "server.clientproxy.network_error", "server.serverproxy.service_failed.io_error"},
		"the client left": {128 << 20, 0, 1 << 20, "server.clientproxy.io_error", "server.clientproxy.io_error"},
	} {
		for _, nodes := range []int{1, 2} {
			service := population
			service.Service = "files"
			var asking, answering *world
			stop := func() {}
			if nodes == 1 {
				asking = newWorld(t)
				answering = asking
			} else {
				n := newTwoNodes(t)
				asking, answering, stop = n.asking, n.answering, n.stop
			}
			ok(t, answering.RegisterProvider(exchange.ServiceInfo{ID: service}, slow{tt.size, tt.breaks, []*clock.Fake{asking.clock, answering.clock}[:nodes]}))
			_, err := answering.AddGrant(t.Context(), exchange.Grant{
				Client: civil, Service: service, Operations: []string{"read"}, Fields: []string{"*"}, Purpose: purpose, LegalBasis: basis,
			})
			ok(t, err)
			srv := httptest.NewServer(asking.R1Handler())
			key, _, err := asking.NewClientKey(t.Context(), civil, "test", time.Time{})
			ok(t, err)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/r1/"+service.String(), nil)
			ok(t, err)
			r.Header.Set("X-Road-Client", civil.String())
			r.Header.Set("X-Api-Key", key)
			res, err := http.DefaultClient.Do(r)
			ok(t, err)
			_, _ = io.CopyN(io.Discard, res.Body, tt.takes)
			if tt.takes == tt.size && tt.breaks == 0 {
				_, err = io.Copy(io.Discard, res.Body)
				ok(t, err)
			}
			ok(t, res.Body.Close())
			srv.Close()
			stop() // both wait for who is still at work
			for side, w := range map[string]*world{opmon.Client: asking, opmon.Producer: answering} {
				if side == opmon.Producer && nodes == 1 {
					continue
				}
				fault := map[string]string{opmon.Client: tt.asking, opmon.Producer: tt.producer}[side]
				if nodes == 1 && name == "broken" {
					fault = tt.producer
				}
				all := w.operations(t).Records
				if len(all) != 1 {
					t.Fatalf("%s, %d nodes, %s: %d records", name, nodes, side, len(all))
				}
				o := all[0]
				if o.SecurityServerType != side || o.FaultCode != fault || o.Succeeded != (fault == "") || o.StatusCode != 200 || o.ResponseOutTs-o.RequestInTs != 60_000 {
					t.Errorf("%s, %d nodes, %s: %+v, want %q", name, nodes, side, o, fault)
				}
				if name == "whole" && o.ResponseSize != tt.size || name != "whole" && (o.ResponseSize == 0 && name != "broken" || o.ResponseSize >= tt.size) {
					t.Errorf("%s, %d nodes, %s: %d bytes passed", name, nodes, side, o.ResponseSize)
				}
			}
		}
	}
}
