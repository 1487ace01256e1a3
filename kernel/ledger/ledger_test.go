package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

const origin = "dinh.test/ledger"

// log is a ledger with what a test needs around it.
type log struct {
	*ledger.Ledger
	db    *db.DB
	clock *clock.Fake
	skey  string
	vkey  string

	witnesses []ledger.WitnessAt
}

func newLog(t testing.TB) *log {
	t.Helper()
	skey, vkey, err := ledger.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	l := &log{
		db:    dbtest.New(t, dbtest.Set{Name: "ledger", FS: ledger.Migrations()}),
		clock: clock.New(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)),
		skey:  skey, vkey: vkey,
	}
	l.Ledger = l.process(t)
	return l
}

// process is another process on the same database.
func (l *log) process(t testing.TB) *ledger.Ledger {
	t.Helper()
	signer, err := note.NewSigner(l.skey)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ledger.New(ledger.Deps{DB: l.db, Clock: l.clock, Origin: origin, Signer: signer, Witnesses: l.witnesses})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func leafID(i int) string { return fmt.Sprintf("event-%06d", i) }
func leafData(i int) []byte {
	return ledger.Commit([]byte("khoá"), fmt.Appendf(nil, "sự kiện %d", i))
}

// fill appends the leaves from…to-1 in one transaction.
func (l *log) fill(t testing.TB, from, to int) {
	t.Helper()
	err := l.db.Write(t.Context(), func(ctx context.Context, _ db.Querier) error {
		for i := from; i < to; i++ {
			if err := l.Append(ctx, leafID(i), leafData(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (l *log) seal(t testing.TB, want int) {
	t.Helper()
	n, err := l.Seal(t.Context())
	if err != nil || n != want {
		t.Fatalf("Seal = %d, %v; want %d leaves sealed", n, err, want)
	}
}

// tamper changes the tables behind the ledger's back.
func (l *log) tamper(t testing.TB, query string, args ...any) {
	t.Helper()
	err := l.db.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (l *log) proves(t testing.TB, i int) {
	t.Helper()
	p, err := l.Proof(t.Context(), leafID(i))
	if err != nil {
		t.Fatalf("proof of leaf %d: %v", i, err)
	}
	if err := ledger.VerifyProof(p, leafData(i), l.vkey); err != nil {
		t.Fatalf("leaf %d: %v\n%s", i, err, p)
	}
}

func (l *log) tree(t testing.TB) tlog.Tree {
	t.Helper()
	cp, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tree, err := ledger.OpenCheckpoint(cp, l.vkey)
	if err != nil {
		t.Fatalf("own checkpoint: %v\n%s", err, cp)
	}
	return tree
}

func code(t testing.TB, err error, kind errs.Kind, code string) {
	t.Helper()
	if !errors.Is(err, kind) || errs.CodeOf(err) != code {
		t.Errorf("got error %v, want %s (%s)", err, code, kind)
	}
}

// Every size from 1 to 300 through the database, sealed one leaf at a time so that every partial tile
// is written and read: the newest leaves and a moving sample prove (proof_test.go does all of them
// in memory), and the tree of every earlier size is consistent.
func TestEverySize(t *testing.T) {
	l := newLog(t)
	trees := []tlog.Tree{l.tree(t)}
	for size := 1; size <= 300; size++ {
		l.fill(t, size-1, size)
		l.seal(t, 1)
		tree := l.tree(t)
		if tree.N != int64(size) {
			t.Fatalf("checkpoint of size %d after %d leaves", tree.N, size)
		}
		for _, i := range []int{size - 1, max(0, size-2), 0, size / 2, (size * 37) % size, (size * 7919 / 3) % size} {
			l.proves(t, i)
		}
		for i, older := range trees {
			if i%7 != size%7 && i != size-1 {
				continue
			}
			p, err := l.Consistency(t.Context(), older.N, tree.N)
			if err != nil {
				t.Fatal(err)
			}
			if err := ledger.CheckConsistency(p, older, tree); err != nil {
				t.Fatalf("from %d to %d: %v", older.N, tree.N, err)
			}
		}
		trees = append(trees, tree)
	}
	for i := range 300 {
		l.proves(t, i)
	}
}

// The tree does not depend on how leaves were divided into batches, nor on who sealed them.
func TestBatchesDoNotShowInTheTree(t *testing.T) {
	one, many := newLog(t), newLog(t)
	one.fill(t, 0, 1000)
	one.seal(t, 1000)
	at := 0
	for _, n := range []int{1, 255, 1, 256, 300, 187} {
		many.fill(t, at, at+n)
		at += n
		many.clock.Advance(time.Minute) // the lease of the process before has run out
		many.Ledger = many.process(t)   // and this one knows no edge
		many.seal(t, n)
	}
	if one.tree(t) != many.tree(t) {
		t.Errorf("one batch: %v\nsix batches: %v", one.tree(t), many.tree(t))
	}
}

func TestSealTakesFullBatches(t *testing.T) {
	l := newLog(t)
	l.fill(t, 0, ledger.MaxBatch+10)
	l.seal(t, ledger.MaxBatch)
	l.seal(t, 10)
	l.seal(t, 0)
	if n, err := l.Pending(t.Context()); n != 0 || err != nil {
		t.Errorf("Pending = %d, %v", n, err)
	}
	if n, err := l.Size(t.Context()); n != ledger.MaxBatch+10 || err != nil {
		t.Errorf("Size = %d, %v", n, err)
	}
	for _, i := range []int{0, 255, 256, ledger.MaxBatch - 1, ledger.MaxBatch, ledger.MaxBatch + 9} {
		l.proves(t, i)
	}
}

func TestAppendIsIdempotent(t *testing.T) {
	l := newLog(t)
	for range 3 {
		l.fill(t, 0, 2)
	}
	l.seal(t, 2)
	l.fill(t, 0, 3) // two are sealed already
	l.seal(t, 1)
	if tree := l.tree(t); tree.N != 3 {
		t.Errorf("size %d, want 3", tree.N)
	}
	code(t, l.Append(t.Context(), leafID(1), []byte("other")), errs.Conflict, "ledger.id_reused")
	l.fill(t, 9, 10)
	code(t, l.Append(t.Context(), leafID(9), []byte("other")), errs.Conflict, "ledger.id_reused")
}

func TestAppendBatch(t *testing.T) {
	l := newLog(t)
	batch := func(from, to int) (out []ledger.Leaf) {
		for i := from; i < to; i++ {
			out = append(out, ledger.Leaf{ID: leafID(i), Data: leafData(i)})
		}
		return out
	}
	for _, leaves := range [][]ledger.Leaf{nil, batch(0, 1), batch(0, 700), batch(0, 700), append(batch(690, 710), batch(700, 705)...)} {
		if err := l.AppendBatch(t.Context(), leaves); err != nil {
			t.Fatal(err)
		}
	}
	l.seal(t, 710)
	if err := l.AppendBatch(t.Context(), batch(705, 715)); err != nil { // half of them are sealed
		t.Fatal(err)
	}
	l.seal(t, 5)
	for _, i := range []int{0, 1, 255, 256, 511, 512, 699, 700, 709, 714} {
		l.proves(t, i)
	}
	// One leaf that is refused, wherever it stands, refuses them all.
	for _, c := range []struct {
		bad  ledger.Leaf
		kind errs.Kind
		code string
	}{
		{ledger.Leaf{Data: []byte("x")}, errs.Invalid, "ledger.id_missing"},
		{ledger.Leaf{ID: "x"}, errs.Invalid, "ledger.leaf_empty"},
		{ledger.Leaf{ID: "x", Data: make([]byte, ledger.MaxLeaf+1)}, errs.Invalid, "ledger.leaf_too_long"},
		{ledger.Leaf{ID: leafID(3), Data: []byte("other")}, errs.Conflict, "ledger.id_reused"},
		{ledger.Leaf{ID: leafID(801), Data: []byte("other")}, errs.Conflict, "ledger.id_reused"}, // in the batch itself
	} {
		code(t, l.AppendBatch(t.Context(), append(batch(800, 810), c.bad)), c.kind, c.code)
	}
	if n, err := l.Pending(t.Context()); n != 0 || err != nil {
		t.Errorf("Pending = %d, %v after refused batches", n, err)
	}
}

func TestAppendRefuses(t *testing.T) {
	l := newLog(t)
	code(t, l.Append(t.Context(), "", []byte("x")), errs.Invalid, "ledger.id_missing")
	code(t, l.Append(t.Context(), "a", nil), errs.Invalid, "ledger.leaf_empty")
	code(t, l.Append(t.Context(), "a", make([]byte, ledger.MaxLeaf+1)), errs.Invalid, "ledger.leaf_too_long")
	if err := l.Append(t.Context(), "a", make([]byte, ledger.MaxLeaf)); err != nil {
		t.Errorf("the longest leaf: %v", err)
	}
}

func TestAppendLivesAndDiesWithItsTransaction(t *testing.T) {
	l := newLog(t)
	boom := errors.New("boom")
	err := l.db.Write(t.Context(), func(ctx context.Context, _ db.Querier) error {
		if err := l.Append(ctx, "a", []byte("a")); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	l.seal(t, 0)
	_, err = l.Proof(t.Context(), "a")
	code(t, err, errs.NotFound, "ledger.unknown_id")
}

func TestProofBeforeTheSeal(t *testing.T) {
	l := newLog(t)
	l.fill(t, 0, 1)
	_, err := l.Proof(t.Context(), leafID(0))
	code(t, err, errs.Unavailable, "ledger.not_sealed_yet")
}

func TestEmptyLogHasACheckpoint(t *testing.T) {
	l := newLog(t)
	empty, _ := tlog.TreeHash(0, nil)
	if tree := l.tree(t); tree.N != 0 || tree.Hash != empty {
		t.Errorf("empty log: %v", tree)
	}
}

func TestConsistencyRefusesSizesThatAreNot(t *testing.T) {
	l := newLog(t)
	l.fill(t, 0, 5)
	l.seal(t, 5)
	for _, c := range [][2]int64{{-1, 3}, {4, 3}, {1, 6}} {
		_, err := l.Consistency(t.Context(), c[0], c[1])
		code(t, err, errs.Invalid, "ledger.size_out_of_range")
	}
}

func TestConsistencyShowsAnotherHistory(t *testing.T) {
	a, b := newLog(t), newLog(t)
	a.fill(t, 0, 7)
	a.seal(t, 7)
	older := a.tree(t)
	b.fill(t, 1, 12) // the same length, other leaves
	b.seal(t, 11)
	p, err := b.Consistency(t.Context(), older.N, b.tree(t).N)
	if err != nil {
		t.Fatal(err)
	}
	code(t, ledger.CheckConsistency(p, older, b.tree(t)), errs.Invalid, "ledger.not_consistent")
}

// Only the holder of the lease seals; another takes over when the lease has run out.
func TestLease(t *testing.T) {
	l := newLog(t)
	other := l.process(t)
	l.fill(t, 0, 1)
	l.seal(t, 1)
	l.fill(t, 1, 2)
	if n, err := other.Seal(t.Context()); n != 0 || err != nil {
		t.Fatalf("a second process sealed %d under another's lease, %v", n, err)
	}
	l.clock.Advance(time.Minute)
	if n, err := other.Seal(t.Context()); n != 1 || err != nil {
		t.Fatalf("after the lease: %d, %v", n, err)
	}
	l.fill(t, 2, 3)
	l.seal(t, 0)
	l.clock.Advance(time.Minute)
	l.seal(t, 1) // with an edge in memory that is out of date
	if tree := l.tree(t); tree.N != 3 {
		t.Errorf("size %d, want 3", tree.N)
	}
	for i := range 3 {
		l.proves(t, i)
	}
}

// Appends and seals from many goroutines and two processes: every leaf is sealed exactly once.
func TestManyAtOnce(t *testing.T) {
	l := newLog(t)
	other := l.process(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 25 {
				if err := l.Append(t.Context(), leafID(g*25+i), leafData(g*25+i)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 5 {
				for _, p := range []*ledger.Ledger{l.Ledger, other} {
					if _, err := p.Seal(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	l.clock.Advance(time.Minute)
	if _, err := l.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tree := l.tree(t); tree.N != 200 {
		t.Fatalf("size %d, want 200", tree.N)
	}
	for i := range 200 {
		l.proves(t, i)
	}
}

// A tile changed behind the ledger's back is found before anything is signed over it.
func TestSealRefusesDamagedTiles(t *testing.T) {
	l := newLog(t)
	l.fill(t, 0, 3)
	l.seal(t, 3)
	before := l.tree(t)
	l.tamper(t, `UPDATE ledger_tile SET hashes = $1 WHERE level = 0`, make([]byte, 96))
	l.clock.Advance(time.Minute)
	l.fill(t, 3, 4)
	if n, err := l.process(t).Seal(t.Context()); err == nil {
		t.Errorf("sealed %d leaves over a damaged tile", n)
	}
	if after := l.tree(t); after != before {
		t.Errorf("checkpoint went from %v to %v", before, after)
	}
}

func TestNewRefusesTheWrongSigner(t *testing.T) {
	l := newLog(t)
	signer, err := note.NewSigner(l.skey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.New(ledger.Deps{DB: l.db, Clock: l.clock, Origin: "other.test/ledger", Signer: signer}); err == nil {
		t.Error("a signer of another origin was taken")
	}
}

func TestRunSealsWhatIsAppended(t *testing.T) {
	l := newLog(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx, time.Millisecond) }()
	l.fill(t, 0, 10)
	for l.tree(t).N < 10 {
		if ctx.Err() != nil {
			t.Fatal("never sealed")
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("Run = %v", err)
	}
}

// Run ends at once, whatever it waits for.
func TestRunEndsWithItsContext(t *testing.T) {
	l := newLog(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := l.Run(ctx, time.Hour); err != nil {
		t.Errorf("Run = %v", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	l := newLog(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		i := int(time.Now().UnixNano())
		for pb.Next() {
			i++
			if err := l.Append(b.Context(), fmt.Sprint(i), leafData(1)); err != nil {
				b.Error(err)
			}
		}
	})
}

// Many leaves in one transaction, one by one and in batches.
func BenchmarkAppendBatch(b *testing.B) {
	for _, batch := range []int{1, 16, 64, 256, 1000} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			l := newLog(b)
			const each = 1000
			at := 0
			for b.Loop() {
				leaves := make([]ledger.Leaf, each)
				for i := range leaves {
					leaves[i] = ledger.Leaf{ID: leafID(at), Data: leafData(1)}
					at++
				}
				err := l.db.Write(b.Context(), func(ctx context.Context, _ db.Querier) error {
					for some := range slices.Chunk(leaves, batch) {
						if err := l.AppendBatch(ctx, some); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(at)/b.Elapsed().Seconds(), "leaves/s")
		})
	}
}

func BenchmarkSealBatch(b *testing.B) {
	l := newLog(b)
	at := 0
	for b.Loop() {
		b.StopTimer()
		l.fill(b, at, at+ledger.MaxBatch)
		at += ledger.MaxBatch
		b.StartTimer()
		l.seal(b, ledger.MaxBatch)
	}
}

func BenchmarkProof(b *testing.B) {
	l := newLog(b)
	for i := range 5 {
		l.fill(b, i*ledger.MaxBatch, (i+1)*ledger.MaxBatch)
		l.seal(b, ledger.MaxBatch)
	}
	i := 0
	for b.Loop() {
		i = (i + 7919) % (5 * ledger.MaxBatch)
		if _, err := l.Proof(b.Context(), leafID(i)); err != nil {
			b.Fatal(err)
		}
	}
}
