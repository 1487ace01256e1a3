package timestamp_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	stamps "github.com/digitorus/timestamp"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/timestamp"
)

var now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

type house struct {
	*timestamp.Authority
	roots *x509.CertPool
	ca    *x509.Certificate
	clock *clock.Fake
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{clock: clock.New(now)}
	k, err := keys.Open(t.Context(), keys.Deps{DB: dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}), Clock: h.clock, Master: [32]byte{1}, Instance: "VN"})
	if err != nil {
		t.Fatal(err)
	}
	h.ca, h.roots = k.CA(), x509.NewCertPool()
	h.roots.AddCert(h.ca)
	h.Authority = timestamp.NewAuthority(k, h.clock, "VN", keys.Name{CommonName: "Đình timestamps"})
	return h
}

// serve answers as the authority does over HTTP.
func (h *house) serve(t testing.TB, change func([]byte) []byte) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, _ := io.ReadAll(r.Body)
		reply, err := h.Answer(r.Context(), request)
		if err != nil {
			t.Error(err)
		}
		if change != nil {
			reply = change(reply)
		}
		_, _ = w.Write(reply)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestStampAndVerify(t *testing.T) {
	t.Parallel()
	h := open(t)
	digest := sha256.Sum256([]byte("a checkpoint"))
	client := timestamp.Client{URL: h.serve(t, nil), Roots: h.roots}
	for name, stamp := range map[string]func(context.Context, [32]byte) ([]byte, error){"here": h.Stamp, "over HTTP": client.Stamp} {
		reply, err := stamp(t.Context(), digest)
		if err != nil {
			t.Fatal(name, err)
		}
		if at, err := timestamp.Verify(reply, digest, h.roots); err != nil || !at.Equal(now) {
			t.Errorf("%s: %v, %v", name, at, err)
		}
		h.clock.Advance(20 * 365 * 24 * time.Hour) // long after the certificate's end it still says when
		if _, err := timestamp.Verify(reply, digest, h.roots); err != nil {
			t.Errorf("%s, twenty years on: %v", name, err)
		}
		h.clock.Advance(-20 * 365 * 24 * time.Hour)
		for what, err := range map[string]error{
			"another digest": second(timestamp.Verify(reply, sha256.Sum256([]byte("other")), h.roots)),
			"other roots":    second(timestamp.Verify(reply, digest, open(t).roots)),
			"a cut answer":   second(timestamp.Verify(reply[:len(reply)-9], digest, h.roots)),
			"nothing":        second(timestamp.Verify(nil, digest, h.roots)),
			"a changed byte": second(timestamp.Verify(append(bytes.Clone(reply[:len(reply)-1]), reply[len(reply)-1]^1), digest, h.roots)),
		} {
			if errs.CodeOf(err) != "timestamp.false" {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}

// TestSignerMustBeTrusted puts an authority's good certificate beside a forger's
// own: what counts is who signed.
func TestSignerMustBeTrusted(t *testing.T) {
	t.Parallel()
	h := open(t)
	digest := sha256.Sum256([]byte("a checkpoint"))
	good, err := h.Stamp(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	genuine, err := stamps.ParseResponse(good)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(50, 0, 0), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := pkcs7.Parse(genuine.RawToken)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := pkcs7.NewSignedData(inside.Content)
	if err != nil {
		t.Fatal(err)
	}
	forged.SetContentType(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4})
	forged.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := forged.AddSigner(own, key, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	forged.AddCertificate(inside.Certificates[0])
	token, err := forged.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if at, err := timestamp.VerifyToken(token, digest, h.roots); errs.CodeOf(err) != "timestamp.false" || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("a forger's timestamp: %v, %v", at, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestClientBelievesNobody(t *testing.T) {
	t.Parallel()
	h, ctx := open(t), t.Context()
	digest := sha256.Sum256([]byte("a checkpoint"))
	old, err := h.Stamp(ctx, digest)
	if err != nil {
		t.Fatal(err)
	}
	dead := httptest.NewServer(nil)
	dead.Close()
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	for name, c := range map[string]struct{ url, code string }{
		"an old answer":     {h.serve(t, func([]byte) []byte { return old }), "timestamp.false"},
		"another authority": {open(t).serve(t, nil), "timestamp.false"},
		"garbage":           {h.serve(t, func([]byte) []byte { return []byte("hello") }), "timestamp.refused"},
		"endless":           {h.serve(t, func([]byte) []byte { return make([]byte, 1<<20) }), "timestamp.unreachable"},
		"nobody there":      {dead.URL, "timestamp.unreachable"},
		"not found":         {missing.URL, "timestamp.unreachable"},
	} {
		if _, err := (timestamp.Client{URL: c.url, Roots: h.roots}).Stamp(ctx, digest); errs.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOpenSSL has openssl ask, read and check, as anybody without us would.
func TestOpenSSL(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	h, dir := open(t), t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, data []byte) {
		if err := os.WriteFile(at(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	write("data", []byte("what was there"))
	write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.ca.Raw}))
	for _, hash := range []string{"-sha256", "-sha384", "-sha512"} {
		run("ts", "-query", "-data", at("data"), hash, "-cert", "-out", at("q"))
		request, err := os.ReadFile(at("q"))
		if err != nil {
			t.Fatal(err)
		}
		reply, err := h.Answer(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		write("r", reply)
		if text := run("ts", "-reply", "-in", at("r"), "-text"); !strings.Contains(text, "Status: Granted.") || !strings.Contains(text, "Time stamp: Nov 24 08:00:00 2026 GMT") {
			t.Errorf("%s: %s", hash, text)
		}
		if text := run("ts", "-verify", "-queryfile", at("q"), "-in", at("r"), "-CAfile", at("ca.pem")); !strings.Contains(text, "Verification: OK") {
			t.Errorf("%s: %s", hash, text)
		}
	}
	run("ts", "-query", "-data", at("data"), "-sha1", "-out", at("q"))
	request, err := os.ReadFile(at("q"))
	if err != nil {
		t.Fatal(err)
	}
	for want, request := range map[string][]byte{"unrecognized or unsupported algorithm": request, "data submitted has the wrong format": []byte("hello")} {
		reply, err := h.Answer(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		write("r", reply)
		if text := run("ts", "-reply", "-in", at("r"), "-text"); !strings.Contains(text, "Status: Rejected.") || !strings.Contains(text, want) {
			t.Errorf("wanted %q: %s", want, text)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	h := open(f)
	f.Add([]byte("hello"))
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x01})
	f.Fuzz(func(t *testing.T, request []byte) {
		reply, err := h.Answer(context.Background(), request)
		if err != nil || len(reply) == 0 {
			t.Fatalf("%v", err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	h := open(f)
	digest := sha256.Sum256([]byte("x"))
	reply, err := h.Stamp(context.Background(), digest)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reply)
	f.Add([]byte("hello"))
	f.Fuzz(func(t *testing.T, data []byte) {
		at, err := timestamp.Verify(data, digest, h.roots)
		if err == nil && !at.Equal(now) {
			t.Fatalf("another time: %v", at)
		}
	})
}
