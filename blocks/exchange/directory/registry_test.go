package directory_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

func TestApplicationFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, err)
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	ok(t, err)
	csrOf := func(key any, tmpl x509.CertificateRequest) string {
		der, err := x509.CreateCertificateRequest(rand.Reader, &tmpl, key)
		ok(t, err)
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	}
	_, foreign := newCSR(t, "vcb.example.vn", "evil.example.vn")
	_, good := newCSR(t, "vcb.example.vn")
	block, _ := pem.Decode([]byte(good))
	block.Bytes[len(block.Bytes)-3] ^= 1
	for _, c := range []struct {
		name  string
		spoil func(a *directory.Application)
		field string
	}{
		{"class", func(a *directory.Application) { a.Class = "gov" }, "class"},
		{"code", func(a *directory.Application) { a.Code = "vcb" }, "code"},
		{"code with a slash", func(a *directory.Application) { a.Code = "V/B" }, "code"},
		{"letters that look the same", func(a *directory.Application) { a.Code = "VСB" }, "code"},
		{"name", func(a *directory.Application) { a.Name.EN = " " }, "name.en"},
		{"long name", func(a *directory.Application) { a.Name.VI = strings.Repeat("ờ", 201) }, "name.vi"},
		{"e-mail", func(a *directory.Application) { a.Email = "Ops <ops@example.vn>" }, "email"},
		{"no subsystem", func(a *directory.Application) { a.Subsystems = nil }, "subsystems"},
		{"subsystem twice", func(a *directory.Application) { a.Subsystems = append(a.Subsystems, a.Subsystems[0]) }, "subsystems[1].code"},
		{"subsystem code", func(a *directory.Application) { a.Subsystems[0].Code = "Loans" }, "subsystems[0].code"},
		{"subsystem name", func(a *directory.Application) { a.Subsystems[0].Name = i18n.Text{} }, "subsystems[0].name"},
		{"node", func(a *directory.Application) { a.Node = "../x" }, "node"},
		{"address", func(a *directory.Application) { a.Address = "vcb.example.vn" }, "address"},
		{"address port", func(a *directory.Application) { a.Address = "vcb.example.vn:0" }, "address"},
		{"ledger key", func(a *directory.Application) { a.LedgerKey = "x" }, "ledger_key"},
		{"key", func(a *directory.Application) { a.Key = "AAAA" }, "key"},
		{"no CSR", func(a *directory.Application) { a.CSR = "x" }, "csr"},
		{"CSR of another host", func(a *directory.Application) { a.CSR = foreign }, "csr"},
		{"CSR with a broken signature", func(a *directory.Application) { a.CSR = string(pem.EncodeToMemory(block)) }, "csr"},
		{"CSR with an RSA key", func(a *directory.Application) { a.CSR = csrOf(rsaKey, x509.CertificateRequest{}) }, "csr"},
		{"CSR with a small curve", func(a *directory.Application) { a.CSR = csrOf(small, x509.CertificateRequest{}) }, "csr"},
		{"CSR that names a mailbox", func(a *directory.Application) {
			a.CSR = csrOf(newApplicant(t, "X").node, x509.CertificateRequest{EmailAddresses: []string{"a@b.vn"}})
		}, "csr"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newApplicant(t, "VCB").Application
			c.spoil(&a)
			_, _, err := w.registry.Ask(t.Context(), a, "10.0.0.1")
			wantCode(t, err, "directory.bad_application")
			e, _ := errs.As(err)
			if len(e.Fields) != 1 || e.Fields[0].Name != c.field {
				t.Errorf("fields %+v, want %s", e.Fields, c.field)
			}
		})
	}
	// A CSR without any name will do: the certificate says what the registrars saw.
	a := newApplicant(t, "ACB")
	a.CSR = csrOf(a.node, x509.CertificateRequest{})
	_, _, err = w.registry.Ask(t.Context(), a.Application, "10.0.0.1")
	ok(t, err)
}

func TestProofOfControl(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	a, other := newApplicant(t, "VCB"), newApplicant(t, "ACB")
	r, secret, err := w.registry.Ask(ctx, a.Application, "10.0.0.1")
	ok(t, err)
	wantCode(t, w.registry.Prove(ctx, secret, a.prove(t, "x")), "directory.challenge_past") // none was given
	first, err := w.registry.Challenge(ctx, secret)
	ok(t, err)
	second, err := w.registry.Challenge(ctx, secret)
	ok(t, err)

	wantCode(t, w.registry.Prove(ctx, secret, a.prove(t, first.Text)), "directory.bad_proof") // replaced
	wantCode(t, w.registry.Prove(ctx, secret, other.prove(t, second.Text)), "directory.bad_proof")
	for name, p := range map[string]directory.Proof{
		"signature":      {Signature: other.prove(t, second.Text).Signature, NodeSignature: a.prove(t, second.Text).NodeSignature},
		"node_signature": {Signature: a.prove(t, second.Text).Signature, NodeSignature: other.prove(t, second.Text).NodeSignature},
	} {
		err := w.registry.Prove(ctx, secret, p)
		wantCode(t, err, "directory.bad_proof")
		if e, _ := errs.As(err); len(e.Fields) != 1 || e.Fields[0].Name != name {
			t.Errorf("%s: fields %+v", name, e.Fields)
		}
	}
	_, err = w.registry.Approve(ctx, who("lan"), r.ID)
	wantCode(t, err, "directory.not_proved")

	w.clock.Set(second.Until)
	wantCode(t, w.registry.Prove(ctx, secret, a.prove(t, second.Text)), "directory.challenge_past")
	third, err := w.registry.Challenge(ctx, secret)
	ok(t, err)
	proof := a.prove(t, third.Text)
	ok(t, w.registry.Prove(ctx, secret, proof))
	wantCode(t, w.registry.Prove(ctx, secret, proof), "directory.not_waiting") // replayed
	_, err = w.registry.Challenge(ctx, secret)
	wantCode(t, err, "directory.not_waiting")

	// The same proof opens no other request.
	r2, secret2, err := w.registry.Ask(ctx, a.Application, "10.0.0.1")
	ok(t, err)
	_, err = w.registry.Challenge(ctx, secret2)
	ok(t, err)
	wantCode(t, w.registry.Prove(ctx, secret2, proof), "directory.bad_proof")
	if r2.ID == r.ID {
		t.Error("two requests, one id")
	}
	_, err = w.registry.Follow(ctx, "guess")
	wantCode(t, err, "directory.no_such_request")
}

func TestTwoRegistrars(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	a := newApplicant(t, "VCB")
	id, secret := w.proved(t, a)
	for _, stranger := range []string{"", "citizen", "clerk", "elsewhere", "system"} {
		_, err := w.registry.Approve(ctx, who(stranger), id)
		wantCode(t, err, "directory.no_registrar")
		_, err = w.registry.Refuse(ctx, who(stranger), id, "no")
		wantCode(t, err, "directory.no_registrar")
	}
	before := w.directory.Version()
	r, err := w.registry.Approve(ctx, who("lan"), id)
	ok(t, err)
	if r.State != directory.Proved || w.directory.Version() != before {
		t.Errorf("one voice is not enough: %s", r.State)
	}
	_, err = w.registry.Approve(ctx, who("lan"), id)
	wantCode(t, err, "directory.same_registrar")

	r, err = w.registry.Approve(ctx, who("operator"), id)
	ok(t, err)
	if r.State != directory.Approved || w.directory.Version() != before+1 {
		t.Fatalf("state %s, version %d", r.State, w.directory.Version())
	}
	_, err = w.registry.Approve(ctx, who("minh"), id)
	wantCode(t, err, "directory.not_proved")

	n, found := w.directory.NodeOf("VN/COM/VCB/loans")
	if !found || n.ID != "COM/VCB/node1" || n.Address != a.Address || len(n.Certificates) != 1 {
		t.Errorf("node %+v", n)
	}
	r, err = w.registry.Follow(ctx, secret)
	ok(t, err)
	block, _ := pem.Decode([]byte(r.Certificate))
	if block == nil {
		t.Fatal("no certificate")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	ok(t, err)
	if _, err := c.Verify(x509.VerifyOptions{Roots: w.directory.Authorities(), CurrentTime: w.clock.Now(), DNSName: "vcb.example.vn"}); err != nil {
		t.Error(err)
	}
	if by, found := w.directory.NodeBy(c); !found || by.ID != n.ID {
		t.Error("its certificate does not name the node")
	}
	if name := w.authority.names[len(w.authority.names)-1]; name.CommonName != "COM/VCB/node1" || len(name.Hosts) != 1 {
		t.Errorf("certified as %+v", name)
	}
	public, err := base64.StdEncoding.DecodeString(a.Key)
	ok(t, err)
	if member, _, valid := w.directory.Key(directory.Thumbprint(public), w.clock.Now()); member != "COM/VCB" || !valid {
		t.Error("its key is not listed")
	}
	_, _, err = w.registry.Ask(ctx, newApplicant(t, "VCB").Application, "10.0.0.1")
	wantCode(t, err, "directory.member_exists")
	thief := newApplicant(t, "ACB")
	thief.Key = a.Key
	_, _, err = w.registry.Ask(ctx, thief.Application, "10.0.0.1")
	wantCode(t, err, "directory.key_taken")
}

// One person with two officers' ids has one voice.
func TestOnePersonIsOneVoice(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	id, _ := w.proved(t, newApplicant(t, "VCB"))
	_, err := w.registry.Approve(ctx, who("lan-again"), id)
	ok(t, err)
	_, err = w.registry.Approve(ctx, who("lan-too"), id)
	wantCode(t, err, "directory.same_registrar")
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	id, secret := w.proved(t, newApplicant(t, "VCB"))
	_, err := w.registry.Approve(ctx, who("lan"), id)
	ok(t, err)
	_, err = w.registry.Refuse(ctx, who("lan"), id, " ")
	wantCode(t, err, "directory.reason_missing")
	_, err = w.registry.Refuse(ctx, who("lan"), id, "giấy phép đã hết hạn") // whoever said yes may think again
	ok(t, err)
	r, err := w.registry.Follow(ctx, secret)
	ok(t, err)
	if r.State != directory.Refused || r.Reason != "giấy phép đã hết hạn" || r.Certificate != "" {
		t.Errorf("%+v", r)
	}
	_, err = w.registry.Approve(ctx, who("minh"), id)
	wantCode(t, err, "directory.not_proved")
	if _, found := w.directory.Member("COM/VCB"); found {
		t.Error("a refused member is listed")
	}
}

func TestSuspendAndReturn(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	a := w.admitted(t, "VCB")
	public, err := base64.StdEncoding.DecodeString(a.Key)
	ok(t, err)
	joined := w.clock.Now()
	node, _ := w.directory.NodeOf("VN/COM/VCB/loans")
	w.clock.Advance(time.Hour)

	_, err = w.registry.Propose(ctx, who("lan"), directory.Suspend, "COM/VCB", "")
	wantCode(t, err, "directory.reason_missing")
	_, err = w.registry.Propose(ctx, who("lan"), directory.Suspend, "COM/XXX", "x")
	wantCode(t, err, "directory.no_such_member")
	_, err = w.registry.Propose(ctx, who("lan"), "join", "COM/VCB", "x")
	wantCode(t, err, "directory.no_such_measure")
	_, err = w.registry.Propose(ctx, who("lan"), directory.Suspend, "GOV/MPS", "x")
	wantCode(t, err, "directory.own_member")
	_, err = w.registry.Propose(ctx, who("clerk"), directory.Suspend, "COM/VCB", "x")
	wantCode(t, err, "directory.no_registrar")
	r, err := w.registry.Propose(ctx, who("lan"), directory.Suspend, "COM/VCB", "vi phạm")
	ok(t, err)
	_, err = w.registry.Propose(ctx, who("minh"), directory.Suspend, "COM/VCB", "again")
	wantCode(t, err, "directory.proposed")
	_, err = w.registry.Approve(ctx, who("lan"), r.ID)
	wantCode(t, err, "directory.same_registrar")
	if _, found := w.directory.NodeOf("VN/COM/VCB/loans"); !found {
		t.Error("suspended by one")
	}
	_, err = w.registry.Approve(ctx, who("minh"), r.ID)
	ok(t, err)

	m, _ := w.directory.Member("COM/VCB")
	if _, found := w.directory.NodeOf("VN/COM/VCB/loans"); found || m.Status != directory.Suspended {
		t.Errorf("still served: %+v", m)
	}
	id := directory.Thumbprint(public)
	if _, _, valid := w.directory.Key(id, joined); !valid {
		t.Error("what it signed before must go on verifying")
	}
	if _, _, valid := w.directory.Key(id, w.clock.Now()); valid || m.Keys[0].RevokedAt.IsZero() {
		t.Error("its key still counts")
	}
	if w.authority.revoked[node.Certificates[0].Serial] != directory.Suspend {
		t.Errorf("revoked %v, want %s", w.authority.revoked, node.Certificates[0].Serial)
	}
	_, err = w.registry.Renew(ctx, w.renewal(t, a, directory.Renewal{}))
	wantCode(t, err, "directory.not_by_member")

	// It comes back as it came, with new keys.
	_, _, err = w.registry.Ask(ctx, a.Application, "10.0.0.1")
	wantCode(t, err, "directory.key_taken")
	w.admitted(t, "VCB")
	if m, _ := w.directory.Member("COM/VCB"); m.Status != "" || len(m.Keys) != 2 {
		t.Errorf("came back as %+v", m)
	}
	r, err = w.registry.Propose(ctx, who("lan"), directory.Remove, "COM/VCB", "giải thể")
	ok(t, err)
	_, err = w.registry.Approve(ctx, who("minh"), r.ID)
	ok(t, err)
	if m, _ := w.directory.Member("COM/VCB"); m.Status != directory.Removed || len(m.Subsystems) != 0 || len(m.Keys) != 2 {
		t.Errorf("removed as %+v", m)
	}
	_, err = w.registry.Propose(ctx, who("lan"), directory.Remove, "COM/VCB", "again")
	wantCode(t, err, "directory.not_active")
}

// renewal signs a wish for the next certificate; what over says wins.
func (w *world) renewal(t testing.TB, a *applicant, over directory.Renewal) directory.Renewal {
	t.Helper()
	r := over
	if r.Node == "" {
		r.Node = a.NodeID()
	}
	if r.CSR == "" {
		_, r.CSR = newCSR(t, a.Hosts()...)
	}
	if r.At.IsZero() {
		r.At = w.clock.Now()
	}
	r.Key = directory.Thumbprint(a.key.Public().(ed25519.PublicKey))
	r.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(a.key, []byte(directory.RenewalText("VN", r))))
	return r
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	a, b := w.admitted(t, "VCB"), w.admitted(t, "ACB")
	_, foreign := newCSR(t, "acb.example.vn")
	_, err := w.registry.Renew(ctx, w.renewal(t, a, directory.Renewal{CSR: foreign}))
	wantCode(t, err, "directory.bad_csr")
	_, err = w.registry.Renew(ctx, w.renewal(t, a, directory.Renewal{Node: b.NodeID()}))
	wantCode(t, err, "directory.not_by_member")
	_, err = w.registry.Renew(ctx, w.renewal(t, a, directory.Renewal{Node: "GOV/MPS/central"}))
	wantCode(t, err, "directory.not_by_member")
	_, err = w.registry.Renew(ctx, w.renewal(t, a, directory.Renewal{At: w.clock.Now().Add(-time.Hour)}))
	wantCode(t, err, "directory.signed_when")
	tampered := w.renewal(t, a, directory.Renewal{})
	_, tampered.CSR = newCSR(t, a.Hosts()...)
	_, err = w.registry.Renew(ctx, tampered)
	wantCode(t, err, "directory.not_by_member")
	_, err = w.registry.Renew(ctx, w.renewal(t, a, directory.Renewal{CSR: b.CSR}))
	wantCode(t, err, "directory.bad_csr")

	good := w.renewal(t, a, directory.Renewal{})
	first, err := w.registry.Renew(ctx, good)
	ok(t, err)
	if !first.From.Equal(w.clock.Now().Add(lifetime)) {
		t.Errorf("used from %v", first.From)
	}
	again, err := w.registry.Renew(ctx, good) // the answer was lost on the way
	ok(t, err)
	if again != first {
		t.Error("asked twice, certified twice")
	}
	_, err = w.registry.Renew(ctx, w.renewal(t, a, directory.Renewal{}))
	wantCode(t, err, "directory.rotation_running")

	// Without any certificate that holds, the next one is used at once.
	w.clock.Advance(2 * nodeDays * 24 * time.Hour)
	late, err := w.registry.Renew(ctx, w.renewal(t, a, directory.Renewal{}))
	ok(t, err)
	if !late.From.Equal(w.clock.Now()) {
		t.Errorf("used from %v", late.From)
	}
}

// rotation signs the announcement of a new key.
func (w *world) rotation(t testing.TB, a *applicant, next ed25519.PrivateKey, compromised bool) directory.Rotation {
	t.Helper()
	r := directory.Rotation{Member: a.Member(), Public: base64.StdEncoding.EncodeToString(next.Public().(ed25519.PublicKey)), At: w.clock.Now(), Compromised: compromised, Key: directory.Thumbprint(a.key.Public().(ed25519.PublicKey))}
	text := []byte(directory.RotationText("VN", r))
	r.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(a.key, text))
	r.NewSignature = base64.StdEncoding.EncodeToString(ed25519.Sign(next, text))
	return r
}

// Through a rotation, a follower that fetches as seldom as it may without expiring
// accepts every message of a member that changes keys when it is told to.
func TestRotationWithoutAGap(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	a := w.admitted(t, "VCB")
	follower, err := directory.New(ctx, directory.Deps{DB: dbtest.New(t, sets()...), Clock: w.clock, Source: w.server.URL, Trust: w.trust()})
	ok(t, err)
	ok(t, follower.Refresh(ctx))
	w.clock.Advance(time.Minute)

	_, next, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	r := w.rotation(t, a, next, false)
	told, err := w.registry.Rotate(ctx, r)
	ok(t, err)
	again, err := w.registry.Rotate(ctx, r)
	ok(t, err)
	if again.Key != told.Key || !again.From.Equal(told.From) || !again.OldUntil.Equal(told.OldUntil) {
		t.Errorf("told %+v, then %+v", told, again)
	}
	_, third, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	_, err = w.registry.Rotate(ctx, w.rotation(t, a, third, false))
	wantCode(t, err, "directory.rotation_running")

	oldKey, newKey := r.Key, told.Key
	end := told.OldUntil.Add(lifetime)
	switches := 0
	for last := oldKey; w.clock.Now().Before(end); w.clock.Advance(time.Hour) {
		now := w.clock.Now()
		ok(t, w.registry.Publish(ctx))
		if doc := follower; doc.Expired(now.Add(time.Hour)) { // fetches at the last moment
			ok(t, follower.Refresh(ctx))
		}
		using := oldKey
		if !now.Before(told.From) {
			using = newKey
		}
		if using != last {
			switches++
		}
		last = using
		if _, public, valid := follower.Key(using, now); public == nil || !valid {
			t.Fatalf("at %v the follower (version %d of %d) refuses %s", now.Sub(start()), follower.Version(), w.directory.Version(), using)
		}
		if sent := now.Add(-30 * time.Minute); sent.After(told.From) { // on the way when keys changed
			if _, _, valid := w.directory.Key(oldKey, sent); valid != sent.Before(told.OldUntil) {
				t.Fatalf("old key at %v: %v", sent.Sub(start()), valid)
			}
		}
	}
	if switches != 1 {
		t.Errorf("%d switches", switches)
	}
	if _, _, valid := follower.Key(oldKey, w.clock.Now()); valid {
		t.Error("the old key counts for ever")
	}
}

func TestCompromisedKey(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	a, b := w.admitted(t, "VCB"), w.admitted(t, "ACB")
	_, next, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	stolen := w.rotation(t, b, next, true)
	stolen.Member = a.Member()
	_, err = w.registry.Rotate(ctx, stolen)
	if err == nil {
		t.Fatal("another member's keys were changed")
	}
	_, err = w.registry.Rotate(ctx, w.rotation(t, a, b.key, true))
	wantCode(t, err, "directory.key_taken")

	signedAt := w.clock.Now()
	w.clock.Advance(time.Minute)
	r := w.rotation(t, a, next, true)
	told, err := w.registry.Rotate(ctx, r)
	ok(t, err)
	now := w.clock.Now()
	if _, _, valid := w.directory.Key(r.Key, now); valid {
		t.Error("the old key still counts")
	}
	if _, _, valid := w.directory.Key(r.Key, signedAt); !valid {
		t.Error("what it signed before no longer verifies")
	}
	if _, _, valid := w.directory.Key(told.Key, now); !valid {
		t.Error("the new key does not count yet")
	}
	_, third, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	_, err = w.registry.Rotate(ctx, w.rotation(t, a, third, false)) // by the revoked key
	wantCode(t, err, "directory.not_by_member")
}

// A version is issued when something changed, and before half of its life is over.
func TestVersions(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	for _, c := range []struct {
		after time.Duration
		want  int64
	}{{0, 1}, {time.Hour, 1}, {lifetime/2 - time.Hour - 1, 1}, {1, 2}, {lifetime * 3, 3}} {
		w.clock.Advance(c.after)
		ok(t, w.registry.Publish(ctx))
		if got := w.directory.Version(); got != c.want {
			t.Errorf("after %v: version %d, want %d", c.after, got, c.want)
		}
	}
	w.ownKey = key(t, w.clock.Now()) // the house rotated a key of its own
	ok(t, w.registry.TakeOwn(ctx))
	ok(t, w.registry.Publish(ctx))
	m, _ := w.directory.Member("GOV/MPS")
	if w.directory.Version() != 4 || len(m.Keys) != 2 || m.Keys[0].Until.IsZero() || !m.Keys[1].Until.IsZero() {
		t.Errorf("version %d, keys %+v", w.directory.Version(), m.Keys)
	}
}

// A request that nobody proves is closed after two hours and forgotten a day later.
func TestRequestsLapse(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	_, secret, err := w.registry.Ask(ctx, newApplicant(t, "VCB").Application, "10.0.0.1")
	ok(t, err)
	kept, _ := w.proved(t, newApplicant(t, "ACB"))
	for _, c := range []struct {
		after time.Duration
		state string
	}{{2 * time.Hour, directory.Asked}, {time.Microsecond, directory.Lapsed}, {24 * time.Hour, directory.Lapsed}} {
		w.clock.Advance(c.after)
		ok(t, w.registry.Tidy(ctx))
		r, err := w.registry.Follow(ctx, secret)
		ok(t, err)
		if r.State != c.state {
			t.Errorf("after %v: %s, want %s", c.after, r.State, c.state)
		}
	}
	_, err = w.registry.Challenge(ctx, secret)
	wantCode(t, err, "directory.not_waiting")
	w.clock.Advance(time.Second)
	ok(t, w.registry.Tidy(ctx))
	_, err = w.registry.Follow(ctx, secret)
	wantCode(t, err, "directory.no_such_request")
	if r, err := w.registry.Request(ctx, who("lan"), kept); err != nil || r.State != directory.Proved {
		t.Errorf("what registrars owe an answer was closed: %+v %v", r, err)
	}
}

// However many say yes at once, a member is let in once, and never by one alone.
func TestApprovalsAtOnce(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	alone, _ := w.proved(t, newApplicant(t, "ACB"))
	both, _ := w.proved(t, newApplicant(t, "VCB"))
	var all sync.WaitGroup
	var yes atomic.Int64
	for i := range 16 {
		all.Add(2)
		go func() {
			defer all.Done()
			if _, err := w.registry.Approve(ctx, who([]string{"lan", "minh", "operator"}[i%3]), both); err == nil {
				yes.Add(1)
			}
		}()
		go func() {
			defer all.Done()
			_, _ = w.registry.Approve(ctx, who("lan"), alone) // refused all but once
		}()
	}
	all.Wait()
	m, found := w.directory.Member("COM/VCB")
	if n, _ := w.directory.Node(m.Node); !found || yes.Load() != 2 || len(m.Keys) != 1 || len(n.Certificates) != 1 {
		t.Errorf("%d yes, %+v, %+v", yes.Load(), m, n)
	}
	if _, found := w.directory.Member("COM/ACB"); found {
		t.Error("let in by one")
	}
}

func FuzzApplication(f *testing.F) {
	w := newWorld(f)
	seed, err := json.Marshal(newApplicant(f, "VCB").Application)
	ok(f, err)
	f.Add(seed)
	f.Add([]byte(`{"class":"COM","csr":"-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a directory.Application
		if json.Unmarshal(b, &a) != nil {
			return
		}
		r, _, err := w.registry.Ask(t.Context(), a, "10.0.0.1")
		if err != nil {
			if errs.KindOf(err) == errs.Internal {
				t.Errorf("%v", err)
			}
			return
		}
		if r.Member != r.Application.Member() || clock.New(r.AskedAt).Now().IsZero() {
			t.Errorf("%+v", r)
		}
	})
}

// A flood of requests that nobody proves displaces itself first, then the oldest; it
// shuts nobody out, and moves nothing that is proved.
func TestAFloodShutsNobodyOut(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	kept, _ := w.proved(t, newApplicant(t, "ACB"))
	_, early, err := w.registry.Ask(ctx, newApplicant(t, "BIDV").Application, "10.0.0.2")
	ok(t, err)
	flood := newApplicant(t, "FLOOD").Application // the same words again and again: nothing is unique before it is approved
	var secrets []string
	ask := func(client string) {
		t.Helper()
		w.clock.Advance(time.Millisecond)
		_, secret, err := w.registry.Ask(ctx, flood, client)
		ok(t, err)
		secrets = append(secrets, secret)
	}
	stands := func(secret string, want bool) {
		t.Helper()
		if _, err := w.registry.Follow(ctx, secret); (err == nil) != want {
			t.Errorf("it stands: %t, %v", err == nil, err)
		}
	}
	for range 12 {
		ask("10.0.0.3")
	}
	for i, s := range secrets {
		stands(s, i >= 2)
	}
	stands(early, true)
	for i := range 1989 { // with ten and one, two thousand
		ask(fmt.Sprint("10.1.", i/8, ".1"))
	}
	stands(early, true)
	ask("10.2.0.1")
	stands(early, false) // the oldest
	_, late := w.proved(t, newApplicant(t, "VCB"))
	stands(late, true)
	for range 20 {
		ask("10.3.0.1")
	}
	if r, err := w.registry.Request(ctx, who("lan"), kept); err != nil || r.State != directory.Proved {
		t.Errorf("what is proved was displaced: %+v %v", r, err)
	}
	stands(late, true)
}

// Who proves without end is stopped alone.
func TestProvedRequestsOfOneClientAreBounded(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	for i := range 50 {
		w.proved(t, newApplicant(t, fmt.Sprint("M", i)))
	}
	_, _, err := w.registry.Ask(ctx, newApplicant(t, "VCB").Application, "10.0.0.1")
	wantCode(t, err, "directory.too_many_requests")
	_, _, err = w.registry.Ask(ctx, newApplicant(t, "VCB").Application, "10.0.0.2")
	ok(t, err)
}
