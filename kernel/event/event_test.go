package event_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/event"
	"github.com/dinh-gov/dinh/kernel/job"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryoneHearsOnceTheFactIsTrue(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, dbtest.Set{Name: "job", FS: job.Migrations()})
	c := clock.New(time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC))
	q := job.New(job.Deps{DB: d, Clock: c})
	bus := event.New(q, c)
	heard := map[string][]event.Event{}
	for _, name := range []string{"cases", "measure"} {
		bus.Subscribe("payments.paid", name, func(_ context.Context, e event.Event) error {
			heard[name] = append(heard[name], e)
			if name == "measure" && len(heard[name]) == 1 {
				return errors.New("not yet")
			}
			return nil
		})
	}
	bus.Subscribe("payments.refunded", "cases", func(context.Context, event.Event) error {
		t.Error("heard of another type")
		return nil
	})
	publish := func(fail error) error {
		return d.Write(t.Context(), func(ctx context.Context, _ db.Querier) error {
			if err := bus.Publish(ctx, "payments.paid", "bill-1", map[string]int{"amount": 135000}); err != nil {
				return err
			}
			return fail
		})
	}
	if err := publish(errors.New("boom")); err == nil {
		t.Fatal("the failure was lost")
	}
	must(t, q.Drain(t.Context()))
	if len(heard) != 0 {
		t.Fatalf("heard of a fact that never became true: %v", heard)
	}
	must(t, publish(nil))
	must(t, q.Drain(t.Context()))
	c.Advance(2 * time.Second)
	must(t, q.Drain(t.Context()))
	if len(heard["cases"]) != 1 || len(heard["measure"]) != 2 {
		t.Fatalf("cases heard %d times, measure %d; want 1 and, after a failure, 2", len(heard["cases"]), len(heard["measure"]))
	}
	e, again := heard["cases"][0], heard["measure"][1]
	var data map[string]int
	must(t, json.Unmarshal(e.Data, &data))
	if e.ID == "" || e.ID != again.ID || e.Type != "payments.paid" || e.Subject != "bill-1" || data["amount"] != 135000 || !e.At.Equal(again.At) {
		t.Fatalf("heard %+v and %+v", e, again)
	}
}

func TestPublishNeedsATransaction(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, dbtest.Set{Name: "job", FS: job.Migrations()})
	bus := event.New(job.New(job.Deps{DB: d}), clock.System())
	if err := bus.Publish(t.Context(), "payments.paid", "x", nil); err == nil {
		t.Fatal("published outside a transaction")
	}
	err := d.Write(t.Context(), func(ctx context.Context, _ db.Querier) error {
		return bus.Publish(ctx, "payments.paid", "x", make(chan int))
	})
	if err == nil {
		t.Fatal("a channel became JSON")
	}
}
