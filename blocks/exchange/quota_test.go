package exchange_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
)

func quota(perMinute, burst int) func(*exchange.Grant) {
	return func(g *exchange.Grant) { g.Quota = exchange.Quota{PerMinute: perMinute, Burst: burst} }
}

func TestQuota(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.grant(t, quota(6, 2))
	spent := func(seconds int64) {
		t.Helper()
		asked := w.provider.count()
		_, err := w.Call(ctx, search())
		e, _ := errs.As(err)
		if e == nil || e.Kind != errs.TooMany || e.Code != "exchange.quota_spent" || e.Args["seconds"] != seconds {
			t.Fatalf("beyond the quota: %v", err)
		}
		if w.provider.count() != asked || w.history(t)[0].Reason != "exchange.quota_spent" || w.history(t)[0].Outcome != exchange.OutcomeRefused {
			t.Error("the provider was asked, or nobody can see that it was not")
		}
	}
	works := func(times int) {
		t.Helper()
		for range times {
			_, err := w.Call(ctx, search())
			ok(t, err)
		}
	}
	works(2)
	spent(10)
	w.clock.Advance(4 * time.Second)
	spent(6)
	w.clock.Advance(6 * time.Second)
	works(1)
	spent(10)
	w.clock.Advance(time.Hour)
	works(2) // no more than the burst after a long rest
	spent(10)

	// What is refused for another reason costs nothing.
	w.clock.Advance(time.Hour)
	for range 3 {
		c := search()
		c.Purpose = "marketing"
		_, err := w.Call(ctx, c)
		wantCode(t, err, "exchange.purpose_not_granted")
	}
	works(2)

	// A second grant for the same purpose adds its own; one without a quota has no end.
	w.clock.Advance(time.Hour)
	w.grant(t, quota(60, 0))
	works(62)
	spent(1)
	w.grant(t)
	works(5)
	all, err := w.Grants(ctx)
	ok(t, err)
	if all[0].Quota != (exchange.Quota{PerMinute: 6, Burst: 2}) {
		t.Errorf("kept as %+v", all[0].Quota)
	}
}

func TestQuotaIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, q := range []exchange.Quota{{PerMinute: -1}, {Burst: 5}, {PerMinute: 5, Burst: -1}} {
		g := exchange.Grant{Client: civil, Service: population, Operations: []string{"search"}, Fields: []string{"*"}, Purpose: "p", LegalBasis: "l", Quota: q}
		_, err := w.AddGrant(t.Context(), g)
		if e, _ := errs.As(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Code != "exchange.bad_quota" {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestR1Quota(t *testing.T) {
	t.Parallel()
	e := newEdge(t, exchange.V78)
	e.grant(t, quota(1, 0))
	get := "GET " + servicePath + "/records/1 HTTP/1.1\n" + common + "\n"
	if res, body := e.once(t, get); res.StatusCode != 200 {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	res, body := e.once(t, get)
	if res.StatusCode != 500 || res.Header.Get("X-Road-Error") != "server.serverproxy.access_denied" || res.Header.Get("Retry-After") == "" || !strings.Contains(body, "quota spent; try again in") {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
	}
}
