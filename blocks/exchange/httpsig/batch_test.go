package httpsig

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/kernel/errs"
)

func batchKey() (ed25519.PublicKey, func([]byte) ([]byte, error)) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	return private.Public().(ed25519.PublicKey), func(m []byte) ([]byte, error) { return ed25519.Sign(private, m), nil }
}

func batchBases(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, "\"@method\": POST\n\"@signature-params\": (\"@method\");nonce=\"%d\"", i)
	}
	return out
}

// Every size up to a few full trees against the reference implementation of
// Certificate Transparency's hashes and proofs in the Go project.
func TestBatchIsATreeOfRFC6962(t *testing.T) {
	t.Parallel()
	public, sign := batchKey()
	for n := 2; n <= 70; n++ {
		bases := batchBases(n)
		var stored []tlog.Hash
		read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(indexes))
			for i, x := range indexes {
				out[i] = stored[x]
			}
			return out, nil
		})
		for i, b := range bases {
			hashes, err := tlog.StoredHashes(int64(i), b, read)
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, hashes...)
		}
		root, err := tlog.TreeHash(int64(n), read)
		if err != nil {
			t.Fatal(err)
		}
		var signed string
		sigs, err := SignBatch(bases, func(m []byte) ([]byte, error) { signed = string(m); return sign(m) })
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("dinh-batch-v1\n%d\n%s\n", n, base64.StdEncoding.EncodeToString(root[:])); signed != want {
			t.Fatalf("size %d: signed %q, want %q", n, signed, want)
		}
		for i, sig := range sigs {
			path, err := tlog.ProveRecord(int64(n), int64(i), read)
			if err != nil {
				t.Fatal(err)
			}
			var want []byte
			for _, h := range path {
				want = append(want, h[:]...)
			}
			if !bytes.Equal(sig[batchHead:], want) {
				t.Fatalf("size %d, leaf %d: another path than tlog's", n, i)
			}
			if !Verify(public, bases[i], sig) {
				t.Fatalf("size %d, leaf %d does not verify", n, i)
			}
		}
	}
}

func TestBatchHoldsForItsBasesAlone(t *testing.T) {
	t.Parallel()
	public, sign := batchKey()
	rapid.Check(t, func(t *rapid.T) {
		bases := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 200), 1, 130).Draw(t, "bases")
		sigs, err := SignBatch(bases, sign)
		if err != nil || len(sigs) != len(bases) {
			t.Fatalf("%d signatures of %d, %v", len(sigs), len(bases), err)
		}
		i := rapid.IntRange(0, len(bases)-1).Draw(t, "which")
		if !Verify(public, bases[i], sigs[i]) {
			t.Fatal("does not verify")
		}
		bad := slices.Clone(sigs[i])
		at := rapid.IntRange(0, len(bad)-1).Draw(t, "at")
		bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if Verify(public, bases[i], bad) {
			t.Fatalf("byte %d changed and it still verifies", at)
		}
		if Verify(public, append(slices.Clone(bases[i]), 0), sigs[i]) {
			t.Fatal("another base verifies")
		}
		if Verify(public, bases[i], append(slices.Clone(sigs[i]), make([]byte, 32)...)) ||
			Verify(public, bases[i], sigs[i][:len(sigs[i])-1]) {
			t.Fatal("another length verifies")
		}
	})
}

func TestBatchEdges(t *testing.T) {
	t.Parallel()
	public, sign := batchKey()
	none, err := SignBatch(nil, func([]byte) ([]byte, error) { t.Error("signed nothing"); return nil, nil })
	if none != nil || err != nil {
		t.Errorf("no bases gave %v, %v", none, err)
	}
	if one, err := SignBatch(batchBases(1), sign); err != nil || len(one) != 1 || len(one[0]) != ed25519.SignatureSize {
		t.Errorf("one base gave %v, %v, want a plain signature", one, err)
	}
	broken := errors.New("no key")
	if _, err := SignBatch(batchBases(3), func([]byte) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("sign's error became %v", err)
	}
	if _, err := SignBatch(batchBases(3), func([]byte) ([]byte, error) { return []byte{1}, nil }); errs.CodeOf(err) != "exchange.cannot_sign" {
		t.Errorf("a short signature gave %v", err)
	}
	// The text of a batch, offered as a message signed in the plain form.
	var text []byte
	sigs, err := SignBatch(batchBases(2), func(m []byte) ([]byte, error) { text = m; return sign(m) })
	if err != nil {
		t.Fatal(err)
	}
	if Verify(public, text, sigs[0][:ed25519.SignatureSize]) {
		t.Error("a batch's own text passes as a message")
	}
	if Verify(nil, batchBases(2)[0], sigs[0]) {
		t.Error("verifies without a key")
	}
}

func FuzzVerifySignature(f *testing.F) {
	public, sign := batchKey()
	bases := batchBases(5)
	sigs, err := SignBatch(bases, sign)
	if err != nil {
		f.Fatal(err)
	}
	for i := range sigs {
		f.Add(bases[i], sigs[i])
	}
	plain, _ := sign(bases[0])
	f.Add(bases[0], plain)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, base, sig []byte) {
		if !Verify(public, base, sig) {
			return
		}
		for i := range bases {
			if bytes.Equal(base, bases[i]) && (bytes.Equal(sig, sigs[i]) || bytes.Equal(sig, plain)) {
				return
			}
		}
		t.Fatalf("verifies what was never signed: %q %x", base, sig)
	})
}

func BenchmarkSignBatch(b *testing.B) {
	_, sign := batchKey()
	for _, n := range []int{1, 8, 64, 256} {
		bases := batchBases(n)
		for i := range bases {
			bases[i] = append(bases[i], bytes.Repeat([]byte("x"), 900)...)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := SignBatch(bases, sign); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/message")
		})
	}
}

func BenchmarkVerifySignature(b *testing.B) {
	public, sign := batchKey()
	for _, n := range []int{1, 64} {
		bases := batchBases(n)
		sigs, err := SignBatch(bases, sign)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !Verify(public, bases[n/2], sigs[n/2]) {
					b.Fatal("false")
				}
			}
		})
	}
}
