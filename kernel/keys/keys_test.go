package keys_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
)

var justice = keys.Name{
	CommonName:   "Bộ Tư pháp",
	Organization: "Bộ Tư pháp nước Cộng hoà xã hội chủ nghĩa Việt Nam",
	Locality:     "Hà Nội",
	Identifier:   "NTRVN-0100109106",
}

type store struct {
	*keys.Keys
	db    *db.DB
	clock *clock.Fake
}

func newStore(t testing.TB) *store {
	t.Helper()
	s := &store{
		db:    dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}),
		clock: clock.New(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)),
	}
	s.Keys = s.process(t)
	return s
}

func master() (m [32]byte) {
	copy(m[:], "a master key for tests, 32 bytes")
	return m
}

// process is another process on the same database.
func (s *store) process(t testing.TB) *keys.Keys {
	t.Helper()
	k, err := keys.Open(t.Context(), keys.Deps{DB: s.db, Clock: s.clock, Master: master(), Instance: "Việt Nam"})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (s *store) ensure(t testing.TB, use keys.Use) keys.Key {
	t.Helper()
	key, err := s.Ensure(t.Context(), "GOV/MOJ", use, justice)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func code(t testing.TB, err error, kind errs.Kind, code string) {
	t.Helper()
	if !errors.Is(err, kind) || errs.CodeOf(err) != code {
		t.Errorf("got error %v, want %s (%s)", err, code, kind)
	}
}

func TestAuthority(t *testing.T) {
	s := newStore(t)
	ca := s.CA()
	if !ca.IsCA || !ca.MaxPathLenZero || ca.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
		t.Errorf("the authority may do the wrong things: CA %v, path %v, usage %b", ca.IsCA, ca.MaxPathLenZero, ca.KeyUsage)
	}
	if ca.Subject.CommonName != "CA gốc Việt Nam" || ca.NotAfter.Year() != 2036 {
		t.Errorf("authority %q until %v", ca.Subject.CommonName, ca.NotAfter)
	}
	if err := ca.CheckSignatureFrom(ca); err != nil {
		t.Error(err)
	}
	if again := s.process(t).CA(); !again.Equal(ca) {
		t.Error("the second opening made another authority")
	}
}

// Any number of processes that open a fresh database at once agree on one authority.
func TestAuthorityUnderRaces(t *testing.T) {
	d := dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()})
	s := &store{db: d, clock: clock.New(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))}
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			ca := s.process(t).CA()
			mu.Lock()
			defer mu.Unlock()
			seen[ca.SerialNumber.String()] = true
		})
	}
	wg.Wait()
	if len(seen) != 1 {
		t.Errorf("%d authorities", len(seen))
	}
}

func TestOpenRefusesAnotherMaster(t *testing.T) {
	s := newStore(t)
	other := master()
	other[0]++
	_, err := keys.Open(t.Context(), keys.Deps{DB: s.db, Clock: s.clock, Master: other, Instance: "Việt Nam"})
	code(t, err, errs.Internal, "keys.wrong_master")
	if err == nil || !strings.Contains(err.Error(), keys.MasterEnv) {
		t.Errorf("the error does not say what to do: %v", err)
	}
	if _, err := keys.Open(t.Context(), keys.Deps{DB: s.db, Clock: s.clock, Instance: "x"}); err == nil {
		t.Error("a master key of zeroes is taken")
	}
}

func TestDocumentCertificate(t *testing.T) {
	s := newStore(t)
	cert := s.ensure(t, keys.Document).Certificate
	roots := x509.NewCertPool()
	roots.AddCert(s.CA())
	_, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: s.clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		t.Error(err)
	}
	if cert.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment || cert.IsCA {
		t.Errorf("usage %b, CA %v", cert.KeyUsage, cert.IsCA)
	}
	if !slices.ContainsFunc(cert.UnknownExtKeyUsage, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}.Equal) || len(cert.ExtKeyUsage) > 0 {
		t.Errorf("extended usage %v %v, want only document signing", cert.UnknownExtKeyUsage, cert.ExtKeyUsage)
	}
	if cert.Subject.CommonName != justice.CommonName || cert.Subject.Organization[0] != justice.Organization || cert.Subject.Country[0] != "VN" {
		t.Errorf("subject %v", cert.Subject)
	}
	found := false
	for _, a := range cert.Subject.Names {
		found = found || a.Type.Equal(asn1.ObjectIdentifier{2, 5, 4, 97}) && a.Value == justice.Identifier
	}
	if !found {
		t.Errorf("no organizationIdentifier in %v", cert.Subject.Names)
	}
	if n := cert.SerialNumber.BitLen(); n < 120 || n > 127 || cert.SerialNumber.Sign() <= 0 {
		t.Errorf("serial number of %d bits", n)
	}
}

func TestLongNamesAreCutAtAWord(t *testing.T) {
	s := newStore(t)
	long := "Trung tâm Phục vụ hành chính công, Văn phòng Uỷ ban nhân dân tỉnh Thừa Thiên Huế"
	key, err := s.Ensure(t.Context(), "GOV/HUE", keys.Document, keys.Name{Organization: long})
	if err != nil {
		t.Fatal(err)
	}
	got := key.Certificate.Subject.Organization[0]
	stem := strings.TrimSuffix(got, "…")
	if utf8.RuneCountInString(got) > 64 || stem == got || !strings.HasPrefix(long, stem+" ") {
		t.Errorf("%q", got)
	}
}

func TestSignatures(t *testing.T) {
	s := newStore(t)
	msg := []byte("yêu cầu")
	digest := sha256.Sum256(msg)
	for _, use := range []keys.Use{keys.Sign, keys.Token, keys.Document, keys.TLS} {
		key := s.ensure(t, use)
		sig, err := s.Sign(t.Context(), key.ID, msg)
		if err != nil {
			t.Fatal(err)
		}
		cs, err := s.CryptoSigner(t.Context(), key.ID)
		if err != nil {
			t.Fatal(err)
		}
		switch public := key.Public.(type) {
		case ed25519.PublicKey:
			other, err := cs.Sign(rand.Reader, msg, crypto.Hash(0))
			if err != nil || key.Alg != keys.EdDSA || !ed25519.Verify(public, msg, sig) || !bytes.Equal(sig, other) {
				t.Errorf("%s: %s signature does not verify, %v", use, key.Alg, err)
			}
		case *ecdsa.PublicKey:
			other, err := cs.Sign(rand.Reader, digest[:], crypto.SHA256)
			if err != nil || key.Alg != keys.ES256 || !ecdsa.VerifyASN1(public, digest[:], sig) || !ecdsa.VerifyASN1(public, digest[:], other) {
				t.Errorf("%s: %s signature does not verify, %v", use, key.Alg, err)
			}
		}
		if _, leaks := cs.(*ecdsa.PrivateKey); leaks {
			t.Errorf("%s: CryptoSigner hands out the private key", use)
		}
		if (key.Certificate != nil) != (use == keys.Document || use == keys.TLS) {
			t.Errorf("%s: certificate %v", use, key.Certificate)
		}
	}
	_, err := s.Sign(t.Context(), "nobody's", msg)
	code(t, err, errs.NotFound, "keys.no_key")
}

func TestEnsureIsIdempotentUnderRaces(t *testing.T) {
	s := newStore(t)
	processes := []*keys.Keys{s.Keys, s.process(t), s.process(t)}
	ids := make([]string, 24)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			key, err := processes[i%3].Ensure(t.Context(), "GOV/MPS", keys.Sign, justice)
			if err != nil {
				t.Error(err)
			}
			ids[i] = key.ID
		})
	}
	wg.Wait()
	if got := slices.Compact(slices.Sorted(slices.Values(ids))); len(got) != 1 {
		t.Errorf("%d different keys", len(got))
	}
}

func TestEnsureRefuses(t *testing.T) {
	s := newStore(t)
	_, err := s.Ensure(t.Context(), "GOV/MOJ", "lock", justice)
	code(t, err, errs.Invalid, "keys.unknown_use")
	_, err = s.Ensure(t.Context(), "GOV/MOJ", keys.Document, keys.Name{})
	code(t, err, errs.Invalid, "keys.name_missing")
	_, err = s.Ensure(t.Context(), "GOV/MOJ", "ca", justice)
	code(t, err, errs.Invalid, "keys.unknown_use")
	_, err = s.Current(t.Context(), "GOV/MOJ", keys.Sign)
	code(t, err, errs.NotFound, "keys.no_key")
	_, err = s.Rotate(t.Context(), "GOV/MOJ", keys.Sign)
	code(t, err, errs.NotFound, "keys.no_key")
}

func TestRotate(t *testing.T) {
	s := newStore(t)
	old := s.ensure(t, keys.Document)
	other := s.process(t)
	if _, err := other.Current(t.Context(), "GOV/MOJ", keys.Document); err != nil {
		t.Fatal(err)
	}
	fresh, err := s.Rotate(t.Context(), "GOV/MOJ", keys.Document)
	if err != nil {
		t.Fatal(err)
	}
	if fresh.ID == old.ID || fresh.Certificate.Subject.String() != old.Certificate.Subject.String() {
		t.Errorf("rotated from %s %v to %s %v", old.ID, old.Certificate.Subject, fresh.ID, fresh.Certificate.Subject)
	}
	if cur := s.ensure(t, keys.Document); cur.ID != fresh.ID {
		t.Error("the old key is still current")
	}
	was, err := s.Key(t.Context(), old.ID)
	if err != nil || !was.Retired {
		t.Errorf("the old key: retired %v, %v", was.Retired, err)
	}
	s.clock.Advance(time.Minute) // other processes notice when their memory has run out
	if cur, err := other.Current(t.Context(), "GOV/MOJ", keys.Document); err != nil || cur.ID != fresh.ID {
		t.Errorf("another process signs with %s, %v", cur.ID, err)
	}
}

// A rotation that is rolled back has not happened, in memory neither.
func TestRotateRolledBack(t *testing.T) {
	s := newStore(t)
	old := s.ensure(t, keys.Sign)
	boom := errors.New("boom")
	err := s.db.Write(t.Context(), func(ctx context.Context, _ db.Querier) error {
		if _, err := s.Rotate(ctx, "GOV/MOJ", keys.Sign); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if cur := s.ensure(t, keys.Sign); cur.ID != old.ID {
		t.Error("a rotation that was rolled back is in effect")
	}
}

func TestEnsureRenewsWhatEnds(t *testing.T) {
	s := newStore(t)
	old := s.ensure(t, keys.TLS)
	s.clock.Set(old.NotAfter.Add(-31 * 24 * time.Hour))
	if key := s.ensure(t, keys.TLS); key.ID != old.ID {
		t.Error("renewed too early")
	}
	s.clock.Set(old.NotAfter.Add(-29 * 24 * time.Hour))
	key := s.ensure(t, keys.TLS)
	if key.ID == old.ID || !key.NotAfter.After(old.NotAfter) {
		t.Errorf("not renewed: until %v", key.NotAfter)
	}
}

// No certificate outlives its authority.
func TestCertificatesEndWithTheAuthority(t *testing.T) {
	s := newStore(t)
	s.clock.Set(s.CA().NotAfter.AddDate(-1, 0, 0))
	if key := s.ensure(t, keys.Document); key.Certificate.NotAfter.After(s.CA().NotAfter) {
		t.Errorf("until %v, the authority until %v", key.NotAfter, s.CA().NotAfter)
	}
}

func TestTLS(t *testing.T) {
	s := newStore(t)
	roots := x509.NewCertPool()
	roots.AddCert(s.CA())
	config := func(owner, host string) *tls.Config {
		key, err := s.Ensure(t.Context(), owner, keys.TLS, keys.Name{Organization: owner, Hosts: []string{host, "127.0.0.1"}})
		if err != nil {
			t.Fatal(err)
		}
		cert, err := s.TLSCertificate(t.Context(), key.ID)
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots, ClientCAs: roots,
			ClientAuth: tls.RequireAndVerifyClientCert, ServerName: "moj.test", Time: s.clock.Now}
	}
	a, b := net.Pipe()
	server, client := tls.Server(a, config("GOV/MOJ", "moj.test")), tls.Client(b, config("COM/BANK", "bank.test"))
	defer server.Close()
	defer client.Close()
	go func() { _, _ = server.Write([]byte("xin chào")); server.Close() }()
	got, err := io.ReadAll(client)
	if err != nil || string(got) != "xin chào" {
		t.Errorf("read %q, %v", got, err)
	}
	_, err = s.TLSCertificate(t.Context(), s.ensure(t, keys.Sign).ID)
	code(t, err, errs.Invalid, "keys.no_certificate")
}

func TestJWKS(t *testing.T) {
	s := newStore(t)
	old := s.ensure(t, keys.Token)
	s.clock.Advance(time.Second)
	fresh, err := s.Rotate(t.Context(), "GOV/MOJ", keys.Token)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{old.ID: keys.ES256, fresh.ID: keys.ES256, s.ensure(t, keys.Sign).ID: keys.EdDSA, s.ensure(t, keys.Document).ID: keys.ES256}
	s.ensure(t, keys.TLS)
	text, err := s.JWKS(t.Context(), "GOV/MOJ")
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != len(want) {
		t.Errorf("%d keys, want %d", len(set.Keys), len(want))
	}
	for _, jwk := range set.Keys {
		if !jwk.Valid() || !jwk.IsPublic() || jwk.Use != "sig" || want[jwk.KeyID] != jwk.Algorithm {
			t.Errorf("key %s %s %s, public %v", jwk.KeyID, jwk.Algorithm, jwk.Use, jwk.IsPublic())
		}
	}
	if text, err := s.JWKS(t.Context(), "nobody"); err != nil || string(text) != `{"keys":[]}` {
		t.Errorf("nobody's keys: %s, %v", text, err)
	}
}

// What lies in the tables opens nothing: no private key in the clear, no name of a subject.
func TestNothingInTheClear(t *testing.T) {
	s := newStore(t)
	s.ensure(t, keys.Sign)
	if _, err := s.Seal(t.Context(), "079203001234", []byte("secret"), nil); err != nil {
		t.Fatal(err)
	}
	err := s.db.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
		var subject string
		if err := q.QueryRowContext(ctx, `SELECT subject FROM keys_subject`).Scan(&subject); err != nil {
			return err
		}
		if strings.Contains(subject, "079203001234") {
			t.Errorf("the number of a person is in the table: %s", subject)
		}
		rows, err := q.QueryContext(ctx, `SELECT private FROM keys_key`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var private []byte
			if err := rows.Scan(&private); err != nil {
				return err
			}
			if _, err := x509.ParsePKCS8PrivateKey(private); err == nil {
				t.Error("a private key is in the clear")
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A wrapped key put into another's row is refused.
func TestSwappedRows(t *testing.T) {
	s := newStore(t)
	a := s.ensure(t, keys.Sign)
	b, err := s.Ensure(t.Context(), "COM/BANK", keys.Sign, justice)
	if err != nil {
		t.Fatal(err)
	}
	err = s.db.Write(t.Context(), func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, `UPDATE keys_key SET private = (SELECT private FROM keys_key WHERE kid = $1) WHERE kid = $2`, a.ID, b.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.process(t).Sign(t.Context(), b.ID, []byte("x"))
	code(t, err, errs.Internal, "keys.wrong_master")
}

func BenchmarkSign(b *testing.B) {
	s := newStore(b)
	key := s.ensure(b, keys.Sign)
	msg := make([]byte, 512)
	for b.Loop() {
		if _, err := s.Sign(b.Context(), key.ID, msg); err != nil {
			b.Fatal(err)
		}
	}
}
