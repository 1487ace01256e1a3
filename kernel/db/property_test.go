package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/kernel/db"
)

// A step is what a transaction function does, in a tree: inserts, nested writes
// and how it ends.
type step struct {
	id     string
	nested []step
	ends   string // "ok", "error", "panic", "conflict"
	caught bool   // the parent goes on when this one fails
}

var errBoom = errors.New("boom")

func drawStep(t *rapid.T, name string, depth int) step {
	s := step{
		id:     name,
		ends:   rapid.SampledFrom([]string{"ok", "ok", "ok", "error", "panic", "conflict"}).Draw(t, name+" ends"),
		caught: rapid.Bool().Draw(t, name+" caught"),
	}
	if depth < 3 {
		for i := range rapid.IntRange(0, 2).Draw(t, name+" nests") {
			s.nested = append(s.nested, drawStep(t, fmt.Sprintf("%s.%d", name, i), depth+1))
		}
	}
	return s
}

// keeps tells what the step leaves in the database, or that it fails.
func (s step) keeps() (ids []string, ok bool) {
	ids = []string{s.id}
	for _, n := range s.nested {
		sub, ok := n.keeps()
		if !ok {
			return nil, false // each step inserts first, so none can be swallowed
		}
		ids = append(ids, sub...)
	}
	if s.ends != "ok" {
		return nil, false
	}
	return ids, true
}

func (s step) run(d *db.DB) func(context.Context, db.Querier) error {
	return func(ctx context.Context, q db.Querier) error {
		if err := insert(ctx, q, s.id); err != nil {
			return err
		}
		for _, n := range s.nested {
			if err := n.join(ctx, d); err != nil && !n.caught {
				return err
			}
		}
		switch s.ends {
		case "error":
			return errBoom
		case "panic":
			panic(errBoom)
		case "conflict":
			return insert(ctx, q, "taken")
		}
		return nil
	}
}

// join nests the step; a caught one has its panic caught as well.
func (s step) join(ctx context.Context, d *db.DB) (err error) {
	if s.caught {
		defer func() {
			if p := recover(); p != nil {
				err = errBoom
			}
		}()
	}
	return d.Write(ctx, s.run(d))
}

func TestExactlyTheSuccessfulAreVisible(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, d *db.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			clean := func(ctx context.Context, q db.Querier) error {
				if _, err := q.ExecContext(ctx, "DELETE FROM db_entry"); err != nil {
					return err
				}
				return insert(ctx, q, "taken")
			}
			if err := d.Write(t.Context(), clean); err != nil {
				rt.Fatal(err)
			}
			var steps []step // all drawn before any runs: a draw may end the attempt
			for i := range rapid.IntRange(1, 12).Draw(rt, "callers") {
				steps = append(steps, drawStep(rt, fmt.Sprintf("%02d", i), 0))
			}
			want := []string{"taken"}
			var wg sync.WaitGroup
			for _, s := range steps {
				kept, ok := s.keeps()
				want = append(want, kept...)
				wg.Go(func() {
					after := false
					err := d.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
						db.AfterCommit(ctx, func() { after = true })
						return s.run(d)(ctx, q)
					})
					if (err == nil) != ok || after != ok {
						rt.Errorf("%+v: err %v, after commit ran %v, want success %v", s, err, after, ok)
					}
				})
			}
			wg.Wait()
			slices.Sort(want)
			got := ids(t, d)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				rt.Fatalf("database holds %v, want %v", got, want)
			}
		})
	})
}
