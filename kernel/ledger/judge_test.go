package ledger_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// serve puts the routes of the log on a server and returns Tessera's client of it.
func (l *log) serve(t *testing.T) (*client.HTTPFetcher, note.Verifier, string) {
	t.Helper()
	mux := http.NewServeMux()
	for _, route := range l.Routes() {
		mux.HandleFunc(route.Pattern(), func(w http.ResponseWriter, r *http.Request) {
			if err := route.Handle(w, r); err != nil {
				status := http.StatusInternalServerError
				if errors.Is(err, errs.NotFound) {
					status = http.StatusNotFound
				}
				http.Error(w, err.Error(), status)
			}
		})
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	root, err := url.Parse(srv.URL + l.Prefix() + "/")
	if err != nil {
		t.Fatal(err)
	}
	fetcher, err := client.NewHTTPFetcher(root, srv.Client())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(l.vkey)
	if err != nil {
		t.Fatal(err)
	}
	return fetcher, verifier, root.String()
}

// bundleHashes is how fsck reads entry bundles, in Tessera's own code.
func bundleHashes(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var out [][]byte
	for _, e := range b.Entries {
		out = append(out, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return out, nil
}

// Tessera's fsck computes root and tiles of the whole log anew from its entries, over HTTP.
func TestTesseraFsck(t *testing.T) {
	for _, size := range []int{1, 255, 256, 257, 700, 5000} {
		l := newLog(t)
		for at := 0; at < size; at += 400 {
			l.fill(t, at, min(size, at+400))
			l.seal(t, min(size, at+400)-at)
		}
		fetcher, verifier, _ := l.serve(t)
		if err := fsck.New(origin, verifier, fetcher, bundleHashes, fsck.Opts{N: 1}).Check(t.Context()); err != nil {
			t.Errorf("fsck of %d leaves: %v", size, err)
		}
	}
}

// fsck is a judge only if it can say no: one entry changed in the database. It has more workers than
// there are tiles, since each ends at its first finding and fsck would wait for it for ever.
func TestTesseraFsckFindsAChangedLeaf(t *testing.T) {
	l := newLog(t)
	l.fill(t, 0, 300)
	l.seal(t, 300)
	l.tamper(t, `UPDATE ledger_leaf SET leaf = $1 WHERE idx = 42`, []byte("another"))
	fetcher, verifier, _ := l.serve(t)
	if err := fsck.New(origin, verifier, fetcher, bundleHashes, fsck.Opts{N: 8}).Check(t.Context()); err == nil {
		t.Error("fsck accepts a log with a changed leaf")
	}
}

// Tessera's client builds its own proofs from our tiles; transparency-dev's verifier checks them.
func TestTesseraProofs(t *testing.T) {
	l := newLog(t)
	fetcher, verifier, _ := l.serve(t)
	var older struct {
		size uint64
		root []byte
	}
	at := 0
	for _, n := range []int{1, 6, 249, 1, 43, 400} {
		l.fill(t, at, at+n)
		l.seal(t, n)
		at += n
		cp, _, _, err := client.FetchCheckpoint(t.Context(), fetcher.ReadCheckpoint, verifier, origin)
		if err != nil {
			t.Fatal(err)
		}
		pb, err := client.NewProofBuilder(t.Context(), cp.Size, fetcher.ReadTile)
		if err != nil {
			t.Fatal(err)
		}
		for i := range cp.Size {
			path, err := pb.InclusionProof(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			leaf := rfc6962.DefaultHasher.HashLeaf(leafData(int(i)))
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, i, cp.Size, leaf, path, cp.Hash); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, cp.Size, err)
			}
		}
		if older.size > 0 {
			path, err := pb.ConsistencyProof(t.Context(), older.size, cp.Size)
			if err != nil {
				t.Fatal(err)
			}
			if err := proof.VerifyConsistency(rfc6962.DefaultHasher, older.size, cp.Size, path, older.root, cp.Hash); err != nil {
				t.Fatalf("from %d to %d: %v", older.size, cp.Size, err)
			}
			l.sameConsistency(t, older.size, cp.Size, path)
		}
		older.size, older.root = cp.Size, cp.Hash
	}
	bundle, err := client.GetEntryBundle(t.Context(), fetcher.ReadEntryBundle, 2, uint64(at))
	if err != nil || len(bundle.Entries) != at-512 || string(bundle.Entries[0]) != string(leafData(512)) {
		t.Errorf("third entry bundle has %d entries, %v", len(bundle.Entries), err)
	}
}

// sameConsistency compares our own consistency proof with the one that Tessera's client built.
func (l *log) sameConsistency(t *testing.T, older, newer uint64, want [][]byte) {
	t.Helper()
	got, err := l.Consistency(t.Context(), int64(older), int64(newer))
	if err != nil || len(got) != len(want) {
		t.Fatalf("consistency from %d to %d has %d hashes, want %d, %v", older, newer, len(got), len(want), err)
	}
	for i := range got {
		if string(got[i][:]) != string(want[i]) {
			t.Fatalf("consistency from %d to %d: hash %d differs", older, newer, i)
		}
	}
}

func TestHTTPAnswers(t *testing.T) {
	l := newLog(t)
	l.fill(t, 0, 300)
	l.seal(t, 300)
	_, _, root := l.serve(t)
	cases := []struct {
		path   string
		status int
		length int
		kind   string
		cache  string
	}{
		{"checkpoint", 200, 0, "text/plain; charset=utf-8", "no-cache"},
		{"tile/0/000", 200, 8192, "application/octet-stream", "public, max-age=31536000, immutable"},
		{"tile/0/001.p/44", 200, 44 * 32, "application/octet-stream", "public, max-age=31536000, immutable"},
		{"tile/0/001.p/7", 200, 7 * 32, "application/octet-stream", "public, max-age=31536000, immutable"},
		{"tile/1/000.p/1", 200, 32, "application/octet-stream", "public, max-age=31536000, immutable"},
		{"tile/entries/001.p/44", 200, 44 * 34, "application/octet-stream", "public, max-age=31536000, immutable"},
		{"tile/0/000.p/10", 200, 320, "application/octet-stream", "public, max-age=31536000, immutable"},
		{"tile/0/001", 404, 0, "", ""},
		{"tile/0/001.p/45", 404, 0, "", ""},
		{"tile/1/000", 404, 0, "", ""},
		{"tile/2/000.p/1", 404, 0, "", ""},
		{"tile/entries/001", 404, 0, "", ""},
		{"tile/entries/x999/x999/x999/x999/x999/999", 404, 0, "", ""},
		{"tile/0/1", 404, 0, "", ""},
	}
	for _, c := range cases {
		resp, err := http.Get(root + c.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d, %v", c.path, resp.StatusCode, c.status, err)
			continue
		}
		if c.status != 200 {
			continue
		}
		if c.length > 0 && len(body) != c.length {
			t.Errorf("%s: %d bytes, want %d", c.path, len(body), c.length)
		}
		if got := resp.Header.Get("Content-Type"); got != c.kind {
			t.Errorf("%s: Content-Type %q", c.path, got)
		}
		if got := resp.Header.Get("Cache-Control"); got != c.cache {
			t.Errorf("%s: Cache-Control %q", c.path, got)
		}
	}
	if !strings.HasSuffix(root, "/ledger/") {
		t.Errorf("the log is at %s, want the path of its origin", root)
	}
}
