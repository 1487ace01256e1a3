package ledger_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// stamper answers with the digest it was asked about, or not at all.
type stamper struct {
	dead  error
	asked int
}

func (s *stamper) Stamp(_ context.Context, digest [32]byte) ([]byte, error) {
	s.asked++
	return digest[:], s.dead
}

func TestTimestamps(t *testing.T) {
	t.Parallel()
	l, by, ctx := newLog(t), &stamper{}, t.Context()
	signer, err := note.NewSigner(l.skey)
	if err != nil {
		t.Fatal(err)
	}
	dated, err := ledger.New(ledger.Deps{DB: l.db, Clock: l.clock, Origin: origin, Signer: signer, Stamper: by})
	if err != nil {
		t.Fatal(err)
	}
	age := func(want float64) {
		t.Helper()
		if got := testutil.ToFloat64(dated.Figures()); got != want {
			t.Errorf("the last timestamp is %v s old, want %v", got, want)
		}
	}
	stamp := func(size int64) {
		t.Helper()
		if n, err := dated.Stamp(ctx); err != nil || n != size {
			t.Fatalf("Stamp = %d, %v", n, err)
		}
	}
	stamp(0) // nothing to date
	age(-1)
	seal := func(from, to int) {
		t.Helper()
		l.fill(t, from, to)
		if _, err := dated.Seal(ctx); err != nil {
			t.Fatal(err)
		}
	}
	seal(0, 3)
	if _, err := dated.Timestamp(ctx, 0); errs.CodeOf(err) != "ledger.not_dated" {
		t.Errorf("before any timestamp: %v", err)
	}
	stamp(3)
	stamp(3)
	if by.asked != 1 {
		t.Errorf("the authority was asked %d times for one checkpoint", by.asked)
	}
	l.clock.Advance(time.Minute)
	age(60)

	by.dead = errors.New("no route")
	seal(3, 5) // the log goes on
	if _, err := dated.Stamp(ctx); !errors.Is(err, by.dead) {
		t.Errorf("with a dead authority: %v", err)
	}
	age(60)
	if d, err := dated.Timestamp(ctx, 0); err != nil || d.Size != 3 {
		t.Errorf("the newest dated checkpoint: %+v, %v", d, err)
	}
	by.dead = nil
	stamp(5)
	age(0)
	for size, want := range map[int64]int64{0: 5, 3: 3, 5: 5} {
		d, err := dated.Timestamp(ctx, size)
		digest := sha256.Sum256(d.Checkpoint)
		tree, openErr := ledger.OpenCheckpoint(d.Checkpoint, l.vkey)
		if err != nil || openErr != nil || d.Size != want || tree.N != want || string(d.Reply) != string(digest[:]) {
			t.Errorf("size %d: %+v, %v, %v", size, d, err, openErr)
		}
	}
	if _, err := dated.Timestamp(ctx, 4); errs.CodeOf(err) != "ledger.not_dated" {
		t.Errorf("a size that was never sealed: %v", err)
	}
	if n, err := l.Stamp(ctx); err != nil || n != 0 { // a log without an authority dates nothing
		t.Errorf("without an authority: %d, %v", n, err)
	}
}
