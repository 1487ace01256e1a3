package transparency_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// sealedReceipt is a receipt out of a log with neighbours, so that its proof has
// a path.
func sealedReceipt(t testing.TB) (file []byte, vkey string) {
	t.Helper()
	w := newWorld(t)
	var event string
	for i := range 5 {
		if id := w.read(t, mother); i == 2 {
			event = id
		}
	}
	w.seal(t)
	file, err := w.Receipt(as(mother), "", event)
	ok(t, err)
	return file, w.vkey
}

func TestReceiptHolds(t *testing.T) {
	t.Parallel()
	file, vkey := sealedReceipt(t)
	for _, pin := range []string{vkey, ""} {
		e, err := transparency.VerifyReceipt(file, pin)
		ok(t, err)
		if e.Client != civil.String() || e.Purpose != "birth-registration" || e.Application != "birth" || len(e.Fields) != 2 {
			t.Errorf("the receipt tells %+v", e)
		}
	}
	if bytes.Contains(file, []byte(mother)) {
		t.Error("a receipt must not hold a personal number")
	}
}

// TestAnyFlippedByteIsSeen changes every byte of a receipt, each in three ways.
func TestAnyFlippedByteIsSeen(t *testing.T) {
	t.Parallel()
	file, vkey := sealedReceipt(t)
	for i := range file {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			bad := bytes.Clone(file)
			bad[i] ^= flip
			for _, pin := range []string{vkey, ""} {
				if _, err := transparency.VerifyReceipt(bad, pin); err == nil {
					t.Fatalf("byte %d flipped by %#x (pin %q) was not seen: …%q…", i, flip, pin, bad[max(i-20, 0):min(i+20, len(bad))])
				} else if k := errs.KindOf(err); k != errs.Invalid {
					t.Fatalf("byte %d: kind %s: %v", i, k, err)
				}
			}
		}
	}
}

func TestAnyEditIsSeen(t *testing.T) {
	t.Parallel()
	file, vkey := sealedReceipt(t)
	rapid.Check(t, func(r *rapid.T) {
		from := rapid.IntRange(0, len(file)).Draw(r, "from")
		to := min(from+rapid.IntRange(0, 40).Draw(r, "cut"), len(file))
		in := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(r, "in")
		edited := append(append(bytes.Clone(file[:from]), in...), file[to:]...)
		if _, err := transparency.VerifyReceipt(edited, vkey); (err == nil) != bytes.Equal(edited, file) {
			r.Fatalf("cut %d:%d, put %q: %v", from, to, in, err)
		}
	})
}

// TestErrorsSayWhatDoesNotHold changes one part after the other.
func TestErrorsSayWhatDoesNotHold(t *testing.T) {
	t.Parallel()
	file, vkey := sealedReceipt(t)
	other, otherKey := sealedReceipt(t)
	_, sameName, err := ledger.NewKey(origin)
	ok(t, err)
	part := func(f []byte, name string) string {
		for _, line := range strings.Split(string(f), "\n") {
			if strings.HasPrefix(line, `"`+name+`": `) {
				return strings.TrimSuffix(strings.TrimPrefix(line, `"`+name+`": `), ",")
			}
		}
		t.Fatalf("no part %q", name)
		return ""
	}
	swap := func(parts ...string) []byte {
		out := string(file)
		for i := 0; i < len(parts); i += 2 {
			out = strings.Replace(out, `"`+parts[i]+`": `+part(file, parts[i]), `"`+parts[i]+`": `+parts[i+1], 1)
		}
		return []byte(out)
	}
	var key string
	ok(t, json.Unmarshal([]byte(part(file, "key")), &key))
	raw, err := base64.StdEncoding.DecodeString(key)
	ok(t, err)
	forged := strings.Replace(part(file, "event"), "birth-registration", "credit", 1)
	forgedLeaf, err := json.Marshal(ledger.Commit(raw, []byte(forged)))
	ok(t, err)
	long := append(bytes.Repeat([]byte(" "), 300<<10), file...)
	for name, c := range map[string]struct {
		file []byte
		vkey string
		code string
	}{
		"nothing":               {nil, vkey, "transparency.receipt_not_json"},
		"a picture":             {[]byte("\x89PNG\r\n"), vkey, "transparency.receipt_not_json"},
		"too large":             {long, vkey, "transparency.receipt_too_large"},
		"other JSON":            {[]byte(`{"a":1}`), vkey, "transparency.receipt_wrong_format"},
		"JSON list":             {[]byte(`[]`), vkey, "transparency.receipt_wrong_format"},
		"later format":          {swap("format", `"dinh-receipt/v2"`), vkey, "transparency.receipt_wrong_format"},
		"CR LF":                 {bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")), vkey, "transparency.receipt_rewritten"},
		"twice a member":        {bytes.Replace(file, []byte(`"log": `), []byte(`"log": "a","log": `), 1), vkey, "transparency.receipt_rewritten"},
		"more members":          {bytes.Replace(file, []byte("{\n"), []byte("{\n\"x\": 1,\n"), 1), vkey, "transparency.receipt_rewritten"},
		"no event":              {swap("event", "{}"), vkey, "transparency.receipt_event_malformed"},
		"event changed":         {swap("event", forged), vkey, "transparency.receipt_event_altered"},
		"event and leaf":        {swap("event", forged, "leaf", string(forgedLeaf)), vkey, "transparency.receipt_not_in_log"},
		"key short":             {swap("key", `"AAAA"`), vkey, "transparency.receipt_key_malformed"},
		"other key":             {swap("key", part(other, "key")), vkey, "transparency.receipt_event_altered"},
		"other's proof":         {swap("proof", part(other, "proof")), vkey, "transparency.receipt_not_signed"},
		"no proof":              {swap("proof", `""`), vkey, "transparency.receipt_proof_malformed"},
		"of another log":        {other, vkey, "transparency.receipt_other_key"},
		"other's verifier":      {swap("verifier", part(other, "verifier")), "", "transparency.receipt_not_signed"},
		"verifier and pin":      {swap("verifier", part(other, "verifier")), otherKey, "transparency.receipt_not_signed"},
		"other name of the log": {swap("log", `"evil/ledger"`), vkey, "transparency.receipt_other_key"},
		"pinned to another key": {file, sameName, "transparency.receipt_other_key"},
		"pin is no key":         {file, "abc", "ledger.key_malformed"},
		"verifier is no key":    {swap("verifier", `"abc"`), "", "ledger.key_malformed"},
	} {
		_, err := transparency.VerifyReceipt(c.file, c.vkey)
		if got := errs.CodeOf(err); err == nil || got != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

// kept is a receipt of the first version and the key of its ledger.
func kept(t testing.TB) (file []byte, vkey string) {
	t.Helper()
	file, err := os.ReadFile("testdata/2026.dinh-receipt")
	ok(t, err)
	key, err := os.ReadFile("testdata/2026.vkey")
	ok(t, err)
	return file, strings.TrimSpace(string(key))
}

// TestReceiptsHoldForever keeps the promise to everybody who downloaded one.
func TestReceiptsHoldForever(t *testing.T) {
	t.Parallel()
	file, vkey := kept(t)
	if e, err := transparency.VerifyReceipt(file, vkey); err != nil || e.Issue != "KS-261124-0001" {
		t.Errorf("an old receipt does not hold any more: %+v, %v", e, err)
	}
}

func FuzzVerifyReceipt(f *testing.F) {
	file, vkey := kept(f)
	f.Add(file)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"format":"dinh-receipt/v1","event":null}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := transparency.VerifyReceipt(in, vkey)
		if err == nil && !bytes.Equal(in, file) {
			t.Fatalf("another receipt of this log holds: %q gives %+v", in, e)
		}
		if err != nil && (e.ID != "" || errs.KindOf(err) == errs.Internal) {
			t.Fatalf("%+v, %v", e, err)
		}
		_, _ = transparency.VerifyReceipt(in, "") // must not panic, whatever key it brings along
	})
}
