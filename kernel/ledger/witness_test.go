package ledger_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

const witnessName = "court.test/witness"

// witness is a witness behind a real server; its key is always the same.
type witness struct {
	*ledger.Witness
	url string
}

func newWitness(t testing.TB, l *log, d *db.DB, known ...ledger.Watched) witness {
	t.Helper()
	w, err := ledger.NewWitness(ledger.WitnessDeps{
		DB: d, Clock: l.clock, Name: witnessName, Key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)), Logs: known,
	})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := i18n.New(httpx.Messages(), ledger.Messages())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(httpx.NewServer(httpx.Config{Routes: w.Routes(), Catalog: catalog, Clock: l.clock, Log: slog.New(slog.DiscardHandler)}).Handler())
	t.Cleanup(srv.Close)
	return witness{w, srv.URL + "/witness"}
}

// add sends a request and gives status, type and body of the answer.
func (w witness) add(t testing.TB, body string) (int, string, string) {
	t.Helper()
	res, err := http.Post(w.url+"/add-checkpoint", "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), string(answer)
}

// asks is a request for the newest checkpoint of a log.
func (l *log) asks(t testing.TB, old int64) string {
	t.Helper()
	signed, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	size, err := l.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "old %d\n", old)
	if old <= size {
		p, err := l.Consistency(t.Context(), old, size)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range p {
			b.WriteString(h.String() + "\n")
		}
	}
	return b.String() + "\n" + string(signed)
}

// grow appends and seals under a witness's eyes.
func (l *log) grow(t testing.TB, from, to int) { l.fill(t, from, to); l.seal(t, to-from) }

// satisfied lets Tessera judge a checkpoint's cosignatures.
func satisfied(t testing.TB, w witness, signed []byte) bool {
	t.Helper()
	at, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	judge, err := tessera.NewWitness(w.VKey(), at)
	if err != nil {
		t.Fatal(err)
	}
	return tessera.NewWitnessGroup(1, judge).Satisfied(signed)
}

// TestWitnessAnswers checks the statuses of c2sp.org/tlog-witness, in an order that a log lives through.
func TestWitnessAnswers(t *testing.T) {
	l, stranger, impostor := newLog(t), newLog(t), newLog(t)
	w := newWitness(t, l, l.db, ledger.Watched{Origin: origin, VKey: l.vkey})
	l.grow(t, 0, 5)
	impostor.grow(t, 0, 5) // the same origin under another key
	stranger.grow(t, 0, 5)
	unknown := strings.ReplaceAll(stranger.asks(t, 0), origin, "other.test/ledger")
	valid := l.asks(t, 0)
	check := func(name, body string, status int, kind, answer string) {
		t.Helper()
		code, ctype, got := w.add(t, body)
		if code != status || (kind != "" && ctype != kind) || (answer != "" && got != answer) {
			t.Errorf("%s: %d %s %q; want %d %s %q", name, code, ctype, got, status, kind, answer)
		}
	}
	const size = "text/x.tlog.size"
	check("unknown log", unknown, 404, "", "")
	check("another's key", impostor.asks(t, 0), 403, "", "")
	check("empty", "", 400, "", "")
	check("no old line", strings.Replace(valid, "old", "new", 1), 400, "", "")
	check("leading zero", strings.Replace(valid, "old 0", "old 00", 1), 400, "", "")
	check("64 hashes", strings.Replace(valid, "\n\n", "\n"+strings.Repeat("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 64)+"\n", 1), 400, "", "")
	check("proof that is no hash", strings.Replace(valid, "\n\n", "\nxyz\n\n", 1), 400, "", "")
	check("old above the checkpoint", l.asks(t, 9), 400, "", "")
	check("old of a log never seen", l.asks(t, 3), 409, size, "0\n")
	check("proof from nothing", strings.Replace(valid, "\n\n", "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n", 1), 422, "", "")
	check("first", valid, 200, "text/plain; charset=utf-8", "")
	check("first again", valid, 409, size, "5\n")
	check("the same", l.asks(t, 5), 200, "", "")
	l.grow(t, 5, 300)
	grown := l.asks(t, 5)
	check("wrong proof", strings.Replace(grown, "\n", "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 1), 422, "", "")
	check("grown", grown, 200, "", "")
	check("grown again", grown, 409, size, "300\n")
	// What it knows survives it, and another process.
	w = newWitness(t, l, l.db, ledger.Watched{Origin: origin, VKey: l.vkey})
	check("after a restart", grown, 409, size, "300\n")
	check("after a restart", l.asks(t, 300), 200, "", "")
	if n, err := w.Size(t.Context(), origin); n != 300 || err != nil {
		t.Errorf("Size = %d, %v", n, err)
	}
}

// A log that shows others another history gets no cosignature for it, whatever it sends along.
func TestWitnessRefusesASplitView(t *testing.T) {
	l := newLog(t)
	w := newWitness(t, l, l.db, ledger.Watched{Origin: origin, VKey: l.vkey})
	l.grow(t, 0, 40)
	if code, _, answer := w.add(t, l.asks(t, 0)); code != 200 {
		t.Fatal(code, answer)
	}
	// The same key, another history: entry 0 is missing.
	other := newLog(t)
	other.skey, other.vkey = l.skey, l.vkey
	other.Ledger = other.process(t)
	other.grow(t, 1, 41)
	if code, ctype, _ := w.add(t, other.asks(t, 40)); code != 409 || ctype == "text/x.tlog.size" {
		t.Errorf("a second tree of 40 entries: %d %s", code, ctype)
	}
	other.grow(t, 41, 101)
	if code, _, _ := w.add(t, other.asks(t, 40)); code != 422 {
		t.Errorf("a second tree of 100 entries: %d", code)
	}
	if code, ctype, size := w.add(t, other.asks(t, 0)); code != 409 || ctype != "text/x.tlog.size" || size != "40\n" {
		t.Errorf("as if for the first time: %d %s %q", code, ctype, size)
	}
	// The true one goes on being cosigned.
	l.grow(t, 40, 90)
	if code, _, answer := w.add(t, l.asks(t, 40)); code != 200 {
		t.Error(code, answer)
	}
	if got := testutil.CollectAndCount(w.Figures()); got != 4 { // cosigned, split_view, wrong_proof, stale
		t.Errorf("%d figures", got)
	}
}

// Of many requests at once that all start from what the witness knows, it grants those of one tree, in
// two processes too, and what it knows never shrinks.
func TestWitnessUnderRaces(t *testing.T) {
	l := newLog(t)
	known := ledger.Watched{Origin: origin, VKey: l.vkey}
	two := []witness{newWitness(t, l, l.db, known), newWitness(t, l, l.db, known)}
	l.grow(t, 0, 10)
	if code, _, answer := two[0].add(t, l.asks(t, 0)); code != 200 {
		t.Fatal(code, answer)
	}
	var bodies []string
	for size := 11; size <= 26; size++ {
		l.grow(t, size-1, size)
		bodies = append(bodies, l.asks(t, 10))
	}
	var granted atomic.Int64
	var wg sync.WaitGroup
	for i, body := range bodies {
		wg.Go(func() {
			if _, err := two[i%2].Cosign(t.Context(), []byte(body)); err == nil {
				granted.Store(int64(11 + i))
			} else if errs.CodeOf(err) != "ledger.witness_stale" {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, err := two[0].Size(t.Context(), origin); err != nil || n < 11 || n != granted.Load() {
		t.Errorf("it knows %d, granted %d, %v", n, granted.Load(), err)
	}
}

// A Tessera log has our witness cosign, and publishes only because the cosignature satisfies its policy.
func TestTesseraIsWitnessed(t *testing.T) {
	l := newLog(t)
	const theirs = "tessera.test/log"
	skey, vkey, err := ledger.NewKey(theirs)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	w := newWitness(t, l, l.db, ledger.Watched{Origin: theirs, VKey: vkey})
	at, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := tessera.NewWitness(w.VKey(), at)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	driver, err := posix.New(ctx, posix.Config{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	log, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().WithCheckpointSigner(signer).
		WithBatching(1, 10*time.Millisecond).WithCheckpointInterval(100*time.Millisecond).WithWitnesses(tessera.NewWitnessGroup(1, ours), nil))
	if err != nil {
		t.Fatal(err)
	}
	await := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 10*time.Millisecond)
	for i := range 5 { // each grows the log from where the witness left it
		_, signed, err := await.Await(ctx, log.Add(ctx, tessera.NewEntry(fmt.Appendf(nil, "entry %d", i))))
		if err != nil {
			t.Fatal(err)
		}
		if tree, err := ledger.OpenCosigned(signed, vkey, []string{w.VKey()}, 1); err != nil || tree.N != int64(i+1) {
			t.Errorf("%v, %v\n%s", tree, err, signed)
		}
	}
	if err := shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// Our log gathers cosignatures, which Tessera's policy accepts, and goes on when a witness is away.
func TestGatherCosignatures(t *testing.T) {
	l, ctx := newLog(t), t.Context()
	court := newLog(t) // a database of its own
	w := newWitness(t, l, court.db, ledger.Watched{Origin: origin, VKey: l.vkey})
	away := httptest.NewServer(nil)
	away.Close()
	_, absent, err := ledger.NewKey("away.test/witness")
	if err != nil {
		t.Fatal(err)
	}
	l.witnesses = []ledger.WitnessAt{{URL: w.url, VKey: w.VKey()}, {URL: away.URL, VKey: absent}}
	l.Ledger = l.process(t)
	gather := func(want int) {
		t.Helper()
		if n, err := l.GatherCosignatures(ctx); n != want || (err == nil) != (n == 2) {
			t.Fatalf("GatherCosignatures = %d, %v", n, err)
		}
	}
	if n, err := l.GatherCosignatures(ctx); n != 0 || err != nil {
		t.Fatalf("of an empty log: %d, %v", n, err)
	}
	for i, size := range []int{1, 40, 300} {
		l.grow(t, []int{0, 1, 40}[i], size)
		signed, err := l.Checkpoint(ctx)
		if err != nil || satisfied(t, w, signed) {
			t.Fatal("cosigned before anybody asked", err)
		}
		gather(1)
		gather(1) // asks nobody twice
		if signed, err = l.Checkpoint(ctx); err != nil || !satisfied(t, w, signed) {
			t.Fatalf("not cosigned: %v\n%s", err, signed)
		}
		if _, err := ledger.OpenCosigned(signed, l.vkey, []string{w.VKey(), absent, w.VKey()}, 1); err != nil {
			t.Error(err)
		}
		_, err = ledger.OpenCosigned(signed, l.vkey, []string{w.VKey(), absent, w.VKey()}, 2)
		code(t, err, errs.Invalid, "ledger.too_few_witnesses")
	}
	l.grow(t, 300, 310) // nobody has seen these
	receipt, err := l.Proof(ctx, leafID(7))
	if err != nil || !strings.Contains(string(receipt), "— "+witnessName) {
		t.Errorf("the receipt carries no cosignature: %v\n%s", err, receipt)
	}
	l.proves(t, 7)
	l.proves(t, 305)
	if signed, err := l.Cosigned(ctx); err != nil || !satisfied(t, w, signed) || !strings.Contains(string(signed), "\n300\n") {
		t.Errorf("%v\n%s", err, signed)
	}
	// An answer that was lost: the witness is ahead of what we know.
	l.tamper(t, `DELETE FROM ledger_cosignature WHERE size >= 40`)
	gather(1)
	// A log that was put back to an older state is found out, by the witness and by what it kept itself.
	for _, lost := range []string{`DELETE FROM ledger_checkpoint WHERE size > 40`, `DELETE FROM ledger_cosignature WHERE size > 40`} {
		l.tamper(t, lost)
		if n, err := l.GatherCosignatures(ctx); n != 0 || err == nil || !strings.Contains(err.Error(), "older state") {
			t.Errorf("after %s: %d, %v", lost, n, err)
		}
	}
	if got := testutil.CollectAndCount(l.Figures()); got != 3 {
		t.Errorf("%d figures", got)
	}
}

func TestWitnessKeysAreChecked(t *testing.T) {
	l := newLog(t)
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	for name, d := range map[string]ledger.WitnessDeps{
		"no key":       {DB: l.db, Clock: l.clock, Name: witnessName},
		"a bad name":   {DB: l.db, Clock: l.clock, Name: "a b", Key: key},
		"a bad log":    {DB: l.db, Clock: l.clock, Name: witnessName, Key: key, Logs: []ledger.Watched{{Origin: origin, VKey: "x"}}},
		"a bad origin": {DB: l.db, Clock: l.clock, Name: witnessName, Key: key, Logs: []ledger.Watched{{VKey: l.vkey}}},
	} {
		if _, err := ledger.NewWitness(d); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Whatever is sent, a witness answers with a coded refusal and cosigns nothing.
func FuzzCosign(f *testing.F) {
	l := newLog(f)
	w := newWitness(f, l, l.db, ledger.Watched{Origin: "fuzz.test/log", VKey: l.vkey})
	l.grow(f, 0, 3)
	l.grow(f, 3, 9)
	f.Add([]byte(l.asks(f, 3)))
	f.Add([]byte("old 0\n\nfuzz.test/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— fuzz.test/log AAAAAAAA\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if line, err := w.Cosign(t.Context(), body); errs.CodeOf(err) == "" {
			t.Errorf("%q: %v", line, err)
		}
	})
}
