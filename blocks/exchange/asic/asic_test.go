package asic_test

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/asic"
	"github.com/dinh-gov/dinh/kernel/errs"
)

func TestContainerHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(t, message)
	w.sealLedger(t)
	h := w.handed(t, message)
	for name, h := range map[string]exchange.Exhibit{"plain": h, "batch": w.batched(t, h)} {
		for _, kind := range []string{asic.Request, asic.Response} {
			c, err := w.Make(t.Context(), h, kind)
			ok(t, err)
			r, err := asic.Verify(c.Data, w.trust())
			ok(t, err)
			checks := 6
			if kind == asic.Response {
				checks = 7
			}
			if !r.Holds() || len(r.Checks) != checks || !r.Pinned || !r.Stamped.Equal(w.clock.Now()) || r.MessageID != message || len(r.Request) < 6 {
				t.Errorf("%s, %s: %+v", name, kind, r)
			}
			if name == "batch" && !strings.Contains(r.Checks[4].Said, "in a batch") {
				t.Errorf("%s: %s", name, r.Checks[4].Said)
			}
			if bytes.Contains(c.Data, []byte(person)) || bytes.Contains(c.Data, []byte(w.keys.Pseudonym(person))) {
				t.Error("a container says whose data were exchanged")
			}
			if r, err := asic.Verify(c.Data, asic.Trust{}); err != nil || !r.Holds() || r.Pinned {
				t.Errorf("without roots: %+v %v", r, err)
			}
		}
	}
	// Long after every certificate's end it still says the same.
	c, err := w.Make(t.Context(), h, asic.Response)
	ok(t, err)
	w.clock.Advance(30 * 365 * 24 * time.Hour)
	if r, err := asic.Verify(c.Data, w.trust()); err != nil || !r.Holds() {
		t.Errorf("thirty years on: %+v %v", r, err)
	}
}

func TestMakeIsDeterministic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(t, message)
	w.sealLedger(t)
	h := w.handed(t, message)
	first, err := w.Make(t.Context(), h, asic.Response)
	ok(t, err)
	// The timestamp alone is another's work: given the same, all is the same.
	d := w.deps
	d.Stamper = &replay{w.stamper, nil}
	m, err := asic.New(d)
	ok(t, err)
	second, err := m.Make(t.Context(), h, asic.Response)
	ok(t, err)
	third, err := m.Make(t.Context(), h, asic.Response)
	ok(t, err)
	if !bytes.Equal(second.Data, third.Data) || bytes.Equal(first.Data, second.Data) {
		t.Error("the same evidence makes other bytes, or timestamps have no nonce")
	}
}

func TestMimetypeIsFirstAndPlain(t *testing.T) {
	t.Parallel()
	data := newWorld(t).container(t, asic.Response)
	// EN 319 162-1 A.1: whoever looks at byte 38 sees what it is.
	if string(data[30:38]) != "mimetype" || string(data[38:38+31]) != "application/vnd.etsi.asic-e+zip" || data[28] != 0 || data[29] != 0 {
		t.Errorf("begins %q", data[:70])
	}
	var names []string
	for _, f := range open(t, data) {
		names = append(names, f.name)
	}
	if got := strings.Join(names, " "); !strings.HasPrefix(got, "mimetype request.txt answer.txt evidence.json ledger/") || !strings.HasSuffix(got, ".tlog-proof META-INF/manifest.xml META-INF/signatures.xml") {
		t.Error(got)
	}
}

type entry struct {
	name string
	data []byte
}

func open(t testing.TB, container []byte) []entry {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(container), int64(len(container)))
	ok(t, err)
	var out []entry
	for _, f := range r.File {
		in, err := f.Open()
		ok(t, err)
		data, err := io.ReadAll(in)
		ok(t, err)
		out = append(out, entry{f.Name, data})
	}
	return out
}

func repack(t testing.TB, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		to, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Store})
		ok(t, err)
		_, err = to.Write(e.data)
		ok(t, err)
	}
	ok(t, z.Close())
	return b.Bytes()
}

// TestAnyFlippedByteIsSeen changes every byte of the container, also those of the
// archive around the files.
func TestAnyFlippedByteIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := w.container(t, asic.Response)
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 1 << (i % 8)
		r, err := asic.Verify(bad, w.trust())
		if err == nil && r.Holds() {
			t.Fatalf("byte %d of %d flipped and nobody sees: …%q…", i, len(data), data[max(i-20, 0):min(i+20, len(data))])
		}
	}
}

// TestAnyFlippedByteOfAFileIsSeen changes bytes all over every file, with the
// archive's checksums put right, so that only signatures can tell. It leaves out
// the timestamp's own envelope, where CMS signs neither version nor the list of
// algorithms: two dozen characters that say nothing.
func TestAnyFlippedByteOfAFileIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := w.container(t, asic.Response)
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	ok(t, err)
	for _, f := range r.File {
		start, err := f.DataOffset()
		ok(t, err)
		end := start + int64(f.CompressedSize64)
		token := bytes.Index(data[start:end], []byte("<xades:EncapsulatedTimeStamp>"))
		for i := start; i < end; i += 5 {
			bad := bytes.Clone(data)
			bad[i] ^= 1 << (i % 7)
			sum := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(bad[start:end]))
			old := binary.LittleEndian.AppendUint32(nil, f.CRC32)
			copy(bad[start-int64(len(f.Name))-16:], sum)
			central := bytes.LastIndex(bad, []byte(f.Name)) - 30
			if !bytes.Equal(bad[central:central+4], old) {
				t.Fatal("the central directory is not where it was thought")
			}
			copy(bad[central:], sum)
			if got, err := asic.Verify(bad, w.trust()); err == nil && got.Holds() && (token < 0 || int(i-start) < token) {
				t.Errorf("byte %d of %s flipped and nobody sees: …%q…", i-start, f.Name, data[max(i-20, start):min(i+20, end)])
			}
		}
	}
}

// TestSaysWhatDoesNotHold tampers with the parts and names the check that sees it.
func TestSaysWhatDoesNotHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := w.container(t, asic.Response)
	other := newWorld(t)
	change := func(name, old, new string) []byte {
		t.Helper()
		entries := open(t, data)
		for i, e := range entries {
			if e.name == name {
				entries[i].data = bytes.Replace(e.data, []byte(old), []byte(new), 1)
				if bytes.Equal(e.data, entries[i].data) {
					t.Fatalf("%s does not hold %q", name, old)
				}
			}
		}
		return repack(t, entries)
	}
	for name, c := range map[string]struct {
		data  []byte
		false string // the checks that fail
	}{
		"packed again":       {repack(t, open(t, data)), "container"},
		"another purpose":    {change("request.txt", "birth-registration", "credit-assessment"), "container seal request"},
		"another status":     {change("answer.txt", `"@status": 200`, `"@status": 404`), "container seal answer"},
		"another member":     {change("evidence.json", `"member": "GOV/MOJ"`, `"member": "GOV/MOH"`), "container seal request"},
		"another message":    {change("evidence.json", message, "VN-m-2"), "container seal request"},
		"a longer manifest":  {change("META-INF/manifest.xml", "text/plain", "text/html"), "container"},
		"a seal's time":      {change("META-INF/signatures.xml", "2026-11-24T08:00:00Z", "2025-11-24T08:00:00Z"), "container seal"},
		"a false ledger key": {change("evidence.json", w.vkey, other.vkey), "container seal ledger"},
	} {
		r, err := asic.Verify(c.data, w.trust())
		ok(t, err)
		var failed []string
		for _, check := range r.Checks {
			if !check.OK {
				failed = append(failed, check.Name)
			}
		}
		if got := strings.Join(failed, " "); got != c.false || r.Holds() {
			t.Errorf("%s: false are %q, want %q", name, got, c.false)
		}
	}
	if r, err := asic.Verify(data, other.trust()); err != nil || r.Holds() || r.Checks[2].OK || r.Checks[3].OK {
		t.Errorf("an authority that nobody trusts: %+v %v", r, err)
	}
	for name, bad := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "half": data[:len(data)/2], "no evidence": repack(t, open(t, data)[:2]), "empty": repack(t, nil)} {
		if _, err := asic.Verify(bad, w.trust()); errs.CodeOf(err) != "asic.not_a_container" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSealsAreTheNodesAlone: a member has a certificate for documents of the same
// authority, and must not be able to seal evidence with it.
func TestSealsAreTheNodesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(t, message)
	h := w.handed(t, message)
	d := w.deps
	d.Keys = memberSeals{w.keys, w.keys}
	m, err := asic.New(d)
	ok(t, err)
	c, err := m.Make(t.Context(), h, asic.Request)
	ok(t, err)
	r, err := asic.Verify(c.Data, w.trust())
	if err != nil || r.Holds() || r.Checks[3].Name != "authority" || r.Checks[3].OK {
		t.Errorf("%+v %v", r, err)
	}
}

func TestAnswersBelongToTheirRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(t, "VN-m-1")
	w.ask(t, "VN-m-2")
	first, second := w.handed(t, "VN-m-1"), w.handed(t, "VN-m-2")
	first.Answer, first.AnswerKey = second.Answer, second.AnswerKey
	c, err := w.Make(t.Context(), first, asic.Response)
	ok(t, err)
	if r, err := asic.Verify(c.Data, w.trust()); err != nil || r.Holds() || !strings.Contains(r.Checks[5].Said, "another request") {
		t.Errorf("%+v %v", r, err)
	}
}

func TestMakeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.provider.err = errors.New("down")
	w.ask(t, message)
	h := w.handed(t, message)
	if _, err := w.Make(t.Context(), h, asic.Response); errs.CodeOf(err) != "asic.no_answer" {
		t.Errorf("no answer: %v", err)
	}
	w.stamper.err = errors.New("down")
	if _, err := w.Make(t.Context(), h, asic.Request); errs.CodeOf(err) != "asic.not_stamped" {
		t.Errorf("no timestamp: %v", err)
	}
	h.RequestKey = nil
	if _, err := w.Make(t.Context(), h, asic.Request); errs.CodeOf(err) != "asic.no_key" {
		t.Errorf("no key: %v", err)
	}
}

// TestTimestampsOfAnother takes a timestamp by somebody else's authority, which
// then may date and nothing more.
func TestTimestampsOfAnother(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	w.stamper.Authority = other.stamper.Authority
	data := w.container(t, asic.Response)
	trust := w.trust()
	trust.Timestamps = other.trust().Authorities
	if r, err := asic.Verify(data, trust); err != nil || !r.Holds() {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := asic.Verify(data, w.trust()); err != nil || r.Holds() {
		t.Errorf("a timestamp that nobody trusts: %+v %v", r, err)
	}
	trust = other.trust()
	trust.Timestamps = w.trust().Authorities
	if r, err := asic.Verify(data, trust); err != nil || r.Holds() {
		t.Errorf("a timestamping authority vouches for a node: %+v %v", r, err)
	}
}

// kept is a container of the first version, and whom its readers trust.
func kept(t testing.TB) ([]byte, asic.Trust) {
	t.Helper()
	data, err := os.ReadFile("testdata/2026.asice")
	ok(t, err)
	text, err := os.ReadFile("testdata/2026.pem")
	ok(t, err)
	block, _ := pem.Decode(text)
	ca, err := x509.ParseCertificate(block.Bytes)
	ok(t, err)
	return data, asic.Trust{Authorities: []*x509.Certificate{ca}}
}

// TestContainersHoldForever keeps the promise to everybody who downloaded one.
func TestContainersHoldForever(t *testing.T) {
	t.Parallel()
	data, trust := kept(t)
	r, err := asic.Verify(data, trust)
	if err != nil || !r.Holds() || r.MessageID != message {
		t.Errorf("an old container does not hold any more: %+v, %v", r, err)
	}
}

func FuzzVerify(f *testing.F) {
	data, trust := kept(f)
	f.Add(data)
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Add(repack(f, open(f, data)))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := asic.Verify(in, trust)
		if err == nil && r.Holds() && !bytes.Equal(in, data) {
			t.Fatal("another container holds")
		}
		_, _ = asic.Verify(in, asic.Trust{})
	})
}

// FuzzVerifyParts reaches the parsers behind the archive, whose checksums a
// changed byte would else not pass.
func FuzzVerifyParts(f *testing.F) {
	data, trust := kept(f)
	entries := open(f, data)
	for i, e := range entries {
		f.Add(i, e.data)
	}
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		changed := append([]entry{}, entries...)
		i := int(uint(which) % uint(len(entries)))
		changed[i].data = data
		r, err := asic.Verify(repack(t, changed), trust)
		if err == nil && r.Holds() {
			t.Fatal("a container packed by other hands holds")
		}
	})
}
