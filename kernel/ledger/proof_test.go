package ledger

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// sample is a log in memory, on tlog's own bookkeeping rather than ours.
type sample struct {
	vkey   string
	leaves [][]byte
	hashes []tlog.Hash
	note   []byte
}

func (s *sample) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = s.hashes[x]
	}
	return out, nil
}

func newSample(t testing.TB, size int) *sample {
	t.Helper()
	skey, vkey, err := NewKey("dinh.test/ledger")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	s := &sample{vkey: vkey}
	for i := range size {
		leaf := Commit([]byte("k"), fmt.Append(nil, i))
		hs, err := tlog.StoredHashes(int64(i), leaf, s)
		if err != nil {
			t.Fatal(err)
		}
		s.leaves, s.hashes = append(s.leaves, leaf), append(s.hashes, hs...)
	}
	root, err := tlog.TreeHash(int64(size), s)
	if err != nil {
		t.Fatal(err)
	}
	l := &Ledger{origin: "dinh.test/ledger", signer: signer}
	cp, err := l.sign(tlog.Tree{N: int64(size), Hash: root})
	if err != nil {
		t.Fatal(err)
	}
	s.note = cp.note
	return s
}

func (s *sample) proof(t testing.TB, i int) []byte {
	t.Helper()
	path, err := tlog.ProveRecord(int64(len(s.leaves)), int64(i), s)
	if err != nil {
		t.Fatal(err)
	}
	return formatProof(proof{Index: int64(i), Path: path, Checkpoint: s.note})
}

// Our right edge gives the root that tlog's stored hashes give, at every size.
func TestEdgeAgreesWithStoredHashes(t *testing.T) {
	s := newSample(t, 0)
	e := (&edge{}).clone()
	for i := range 70_000 {
		h := tlog.RecordHash(fmt.Append(nil, i))
		hs, err := tlog.StoredHashesForRecordHash(int64(i), h, s)
		if err != nil {
			t.Fatal(err)
		}
		s.hashes = append(s.hashes, hs...)
		e.add(h)
		if i > 700 && i < 65_000 && i%997 != 0 {
			continue
		}
		want, err := tlog.TreeHash(int64(i+1), s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.root()
		if err != nil || got != want {
			t.Fatalf("size %d: root %v, %v; want %v", i+1, got, err, want)
		}
	}
	for k, data := range e.changed() {
		want, err := tlog.ReadTileData(tlog.Tile{H: tileHeight, L: k.level, N: k.n, W: len(data) / tlog.HashSize}, s)
		if err != nil || !bytes.Equal(data, want) {
			t.Fatalf("tile %v differs from tlog's, %v", k, err)
		}
	}
}

// Every size from 1 to 300, every leaf: the receipt made from our tiles proves the leaf under the
// root, at that index and at no other.
func TestEverySizeEveryIndex(t *testing.T) {
	e := (&edge{}).clone()
	var hashes []tlog.Hash
	for size := int64(1); size <= 300; size++ {
		hashes = append(hashes, tlog.RecordHash(fmt.Append(nil, size)))
		e.add(hashes[size-1])
		root, err := e.root()
		if err != nil {
			t.Fatal(err)
		}
		tiles := e.changed()
		reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			return readHashes(indexes, func(k tileKey) ([]byte, error) { return tiles[k], nil })
		})
		for i := range size {
			path, err := tlog.ProveRecord(size, i, reader)
			if err != nil {
				t.Fatalf("leaf %d of %d: %v", i, size, err)
			}
			p, err := parseProof(formatProof(proof{Index: i, Path: path, Checkpoint: []byte("x\n")}))
			if err != nil {
				t.Fatalf("leaf %d of %d: %v", i, size, err)
			}
			if err := tlog.CheckRecord(p.Path, size, root, p.Index, hashes[i]); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, size, err)
			}
			if wrong := (i + 1) % size; wrong != i && tlog.CheckRecord(p.Path, size, root, wrong, hashes[i]) == nil {
				t.Fatalf("leaf %d of %d also verifies at %d", i, size, wrong)
			}
		}
	}
}

// Any byte of the receipt or of the leaf, changed in any way: the receipt no longer verifies.
func TestAnyChangedByteFails(t *testing.T) {
	for _, size := range []int{1, 2, 7} {
		s := newSample(t, size)
		for i := range size {
			good := s.proof(t, i)
			if err := VerifyProof(good, s.leaves[i], s.vkey); err != nil {
				t.Fatal(err)
			}
			for at := range good {
				for _, flip := range flips(size) {
					bad := bytes.Clone(good)
					bad[at] ^= flip
					if VerifyProof(bad, s.leaves[i], s.vkey) == nil {
						t.Errorf("size %d, leaf %d: byte %d from %q to %q is not noticed", size, i, at, good[at], bad[at])
					}
				}
			}
			for at := range s.leaves[i] {
				bad := bytes.Clone(s.leaves[i])
				bad[at] ^= 1 << (at % 8)
				if VerifyProof(good, bad, s.vkey) == nil {
					t.Errorf("leaf %d: changed byte %d is not noticed", i, at)
				}
			}
			for at := range s.note {
				bad := bytes.Clone(s.note)
				bad[at] ^= 1 << (at % 8)
				if _, err := OpenCheckpoint(bad, s.vkey); err == nil {
					t.Errorf("checkpoint: changed byte %d is not noticed", at)
				}
			}
		}
	}
}

// flips is every change of a byte for the smallest logs, every bit for larger ones.
func flips(size int) (out []byte) {
	for f := 1; f < 256; f++ {
		if size == 1 || f&(f-1) == 0 {
			out = append(out, byte(f))
		}
	}
	return out
}

func TestAnyLostOrDoubledByteFails(t *testing.T) {
	s := newSample(t, 7)
	good := s.proof(t, 3)
	for at := range good {
		lost := append(bytes.Clone(good[:at]), good[at+1:]...)
		doubled := append(bytes.Clone(good[:at+1]), good[at:]...)
		for _, bad := range [][]byte{lost, doubled, good[:at]} {
			if VerifyProof(bad, s.leaves[3], s.vkey) == nil {
				t.Errorf("byte %d lost, doubled or the rest cut off is not noticed:\n%s", at, bad)
			}
		}
	}
}

func TestVerifyProofSaysWhatIsWrong(t *testing.T) {
	s, other := newSample(t, 9), newSample(t, 9)
	good := s.proof(t, 4)
	text := string(good)
	cases := []struct{ name, proof, leaf, vkey, code string }{
		{"other leaf", text, "x", s.vkey, "ledger.proof_wrong_leaf"},
		{"other log", text, "", other.vkey, "ledger.proof_wrong_log"},
		{"no key", text, "", "nothing", "ledger.key_malformed"},
		{"empty", "", "", s.vkey, "ledger.proof_malformed"},
		{"other version", strings.Replace(text, "@v1", "@v2", 1), "", s.vkey, "ledger.proof_malformed"},
		{"leading zero", strings.Replace(text, "index 4", "index 04", 1), "", s.vkey, "ledger.proof_malformed"},
		{"plus", strings.Replace(text, "index 4", "index +4", 1), "", s.vkey, "ledger.proof_malformed"},
		{"negative", strings.Replace(text, "index 4", "index -4", 1), "", s.vkey, "ledger.proof_malformed"},
		{"no index", strings.Replace(text, "index 4\n", "", 1), "", s.vkey, "ledger.proof_malformed"},
		{"index beyond", strings.Replace(text, "index 4", "index 9", 1), "", s.vkey, "ledger.proof_wrong_leaf"},
		{"bad extra", strings.Replace(text, "index", "extra ?\nindex", 1), "", s.vkey, "ledger.proof_malformed"},
		{"huge", text + strings.Repeat("x", maxProof), "", s.vkey, "ledger.proof_malformed"},
		{"unsigned", text[:strings.LastIndex(text, "\n\n")+2], "", s.vkey, "ledger.proof_wrong_log"},
	}
	for _, c := range cases {
		leaf := s.leaves[4]
		if c.leaf != "" {
			leaf = []byte(c.leaf)
		}
		if err := VerifyProof([]byte(c.proof), leaf, c.vkey); errs.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
	}
}

// The extra line belongs to the format; it is carried and not trusted.
func TestExtraLine(t *testing.T) {
	s := newSample(t, 3)
	p, err := parseProof(s.proof(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	p.Extra = []byte("biên nhận")
	text := formatProof(p)
	if err := VerifyProof(text, s.leaves[1], s.vkey); err != nil {
		t.Error(err)
	}
	again, err := parseProof(text)
	if err != nil || string(again.Extra) != "biên nhận" {
		t.Errorf("extra = %q, %v", again.Extra, err)
	}
}

// A witness adds a line; the receipt still verifies.
func TestCosignedCheckpoint(t *testing.T) {
	s := newSample(t, 3)
	wkey, _, err := NewKey("witness.test")
	if err != nil {
		t.Fatal(err)
	}
	witness, err := note.NewSigner(wkey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(s.vkey)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(s.note, note.VerifierList(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if s.note, err = note.Sign(n, witness); err != nil {
		t.Fatal(err)
	}
	if err := VerifyProof(s.proof(t, 2), s.leaves[2], s.vkey); err != nil {
		t.Error(err)
	}
}

func FuzzParseProof(f *testing.F) {
	s := newSample(f, 5)
	f.Add(s.proof(f, 0))
	f.Add(s.proof(f, 4))
	f.Add([]byte(proofHeader + "\nextra AA==\nindex 0\n\nx"))
	f.Add([]byte(proofHeader + "\nindex 9223372036854775807\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parseProof(data)
		if err == nil && !bytes.Equal(formatProof(p), data) {
			t.Errorf("two spellings of one proof:\n%q\n%q", data, formatProof(p))
		}
		if VerifyProof(data, []byte("nobody's leaf"), s.vkey) == nil {
			t.Errorf("a forged receipt verifies:\n%s", data)
		}
	})
}

func FuzzParseTilePath(f *testing.F) {
	for _, p := range []string{"tile/0/000", "tile/63/x001/x234/067.p/255", "tile/entries/x001/000", "tile/0/x000/001"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, ok := parseTilePath(path)
		if !ok {
			return
		}
		again := "tile/entries/"
		if !r.entries {
			again = fmt.Sprintf("tile/%d/", r.tile.level)
		}
		again += formatTileIndex(r.tile.n)
		if r.width < tileWidth {
			again += fmt.Sprintf(".p/%d", r.width)
		}
		if again != path {
			t.Errorf("%q and %q are one resource", path, again)
		}
	})
}

func TestParseTilePath(t *testing.T) {
	good := map[string]resource{
		"tile/0/000":                {tile: tileKey{0, 0}, width: 256},
		"tile/1/x001/x234/067":      {tile: tileKey{1, 1234067}, width: 256},
		"tile/63/001.p/1":           {tile: tileKey{63, 1}, width: 1},
		"tile/entries/x999/999":     {entries: true, tile: tileKey{0, 999999}, width: 256},
		"tile/entries/000.p/255":    {entries: true, width: 255},
		"tile/0/x001/x000/000.p/17": {tile: tileKey{0, 1000000}, width: 17},
	}
	for path, want := range good {
		if got, ok := parseTilePath(path); !ok || got != want {
			t.Errorf("%s = %+v, %v; want %+v", path, got, ok, want)
		}
	}
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/a/000",
		"tile/0/0", "tile/0/0000", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001", "tile/0/x001/x002",
		"tile/0/+01", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p",
		"tile/data/000", "tile/0/000/", "tile/0//000", "tile/0/x1/000", "tile/0/x999/x999/x999/x999/x999/x999/999",
	} {
		if got, ok := parseTilePath(path); ok {
			t.Errorf("%q is taken for %+v", path, got)
		}
	}
}
