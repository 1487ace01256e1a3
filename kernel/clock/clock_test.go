package clock_test

import (
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
)

func TestFake(t *testing.T) {
	start := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	c := clock.New(start)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() { c.Advance(time.Second) })
	}
	wg.Wait()
	if want := start.Add(100 * time.Second); !c.Now().Equal(want) {
		t.Fatalf("stands at %v, want %v", c.Now(), want)
	}
	c.Set(start)
	if !c.Now().Equal(start) {
		t.Fatalf("stands at %v after Set, want %v", c.Now(), start)
	}
}

func TestSystemMovesForward(t *testing.T) {
	c := clock.System()
	if a, b := c.Now(), c.Now(); b.Before(a) {
		t.Fatalf("%v came after %v", a, b)
	}
}
