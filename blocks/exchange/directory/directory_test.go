package directory_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if errs.CodeOf(err) != code {
		t.Fatalf("error %v, want %s", err, code)
	}
}

func start() time.Time { return time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC) }

func sets() []dbtest.Set {
	return []dbtest.Set{{Name: "exchange_directory", FS: directory.Migrations()}}
}

// pair is a signer of directories with its verifier key.
type pair struct {
	note.Signer
	vkey string
}

func newPair(t testing.TB) pair {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, "directory.example.vn/directory")
	ok(t, err)
	s, err := note.NewSigner(skey)
	ok(t, err)
	return pair{s, vkey}
}

func key(t testing.TB, from time.Time) directory.Key {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	return directory.Key{ID: directory.Thumbprint(public), Public: base64.StdEncoding.EncodeToString(public), From: from}
}

func document(t testing.TB, version int64) directory.Document {
	t.Helper()
	return directory.Document{
		Instance: "VN", Version: version, Issued: start(), Expires: start().Add(72 * time.Hour),
		Nodes: []directory.Node{{ID: "GOV/MPS/node1", Address: "mps.example.vn:5500", Certificates: []directory.Certificate{
			{Fingerprint: strings.Repeat("ab", 32), Serial: "4f", From: start(), Until: start().AddDate(0, 3, 0)},
		}}},
		Members: []directory.Member{{
			Class: "GOV", Code: "MPS", Name: i18n.Text{VI: "Bộ Công an", EN: "Ministry of Public Security"}, Node: "GOV/MPS/node1",
			Subsystems: []directory.Subsystem{{Code: "population", Name: i18n.Text{VI: "Dân cư", EN: "Population"}}},
			Keys:       []directory.Key{key(t, start())},
		}},
	}
}

func signed(t testing.TB, d directory.Document, by ...note.Signer) []byte {
	t.Helper()
	text, err := directory.Sign(d, by...)
	ok(t, err)
	return text
}

func TestOpen(t *testing.T) {
	t.Parallel()
	ours, other := newPair(t), newPair(t)
	trust := directory.Trust{Instance: "VN", Keys: []string{ours.vkey}}
	good := signed(t, document(t, 7), ours)
	foreign := document(t, 7)
	foreign.Instance = "LA"
	plain, err := note.Sign(&note.Note{Text: "a checkpoint\n1\n"}, ours)
	ok(t, err)
	for _, c := range []struct {
		name   string
		signed []byte
		seen   int64
		code   string
	}{
		{"good", good, 0, ""},
		{"seen before", good, 7, ""},
		{"signed by two", signed(t, document(t, 7), ours, other), 0, ""},
		{"older than seen", good, 8, "directory.older"},
		{"wrong key", signed(t, document(t, 7), other), 0, "directory.not_signed"},
		{"a word changed", []byte(strings.Replace(string(good), "mps.example.vn", "bad.example.vn", 1)), 0, "directory.not_signed"},
		{"no signature", []byte(strings.Split(string(good), "\n\n")[0] + "\n"), 0, "directory.not_signed"},
		{"nothing", nil, 0, "directory.not_signed"},
		{"another text of the same key", plain, 0, "directory.not_readable"},
		{"another instance", signed(t, foreign, ours), 0, "directory.other_instance"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := directory.Open(c.signed, trust, c.seen)
			if c.code != "" {
				wantCode(t, err, c.code)
				return
			}
			ok(t, err)
			if d.Version != 7 || len(d.Members) != 1 || d.Members[0].Name.VI != "Bộ Công an" {
				t.Errorf("%+v", d)
			}
		})
	}
}

// A document that would let two be taken for one another is not even signed.
func TestDocumentsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	by := newPair(t)
	for name, spoil := range map[string]func(d *directory.Document){
		"no version":         func(d *directory.Document) { d.Version = 0 },
		"expires too soon":   func(d *directory.Document) { d.Expires = d.Issued },
		"no authority":       func(d *directory.Document) { d.Authorities = []string{"x"} },
		"node twice":         func(d *directory.Document) { d.Nodes = append(d.Nodes, d.Nodes[0]) },
		"node without port":  func(d *directory.Document) { d.Nodes[0].Address = "mps.example.vn" },
		"bad node id":        func(d *directory.Document) { d.Nodes[0].ID = "MPS" },
		"bad ledger key":     func(d *directory.Document) { d.Nodes[0].LedgerKey = "x" },
		"short fingerprint":  func(d *directory.Document) { d.Nodes[0].Certificates[0].Fingerprint = "ab" },
		"unknown node":       func(d *directory.Document) { d.Members[0].Node = "GOV/MOJ/node1" },
		"suspended, served":  func(d *directory.Document) { d.Members[0].Status = directory.Suspended },
		"unknown status":     func(d *directory.Document) { d.Members[0].Status = "?" },
		"bad class":          func(d *directory.Document) { d.Members[0].Class = "XXX" },
		"bad code":           func(d *directory.Document) { d.Members[0].Code = "a/b" },
		"no name":            func(d *directory.Document) { d.Members[0].Name = i18n.Text{} },
		"member twice":       func(d *directory.Document) { d.Members = append(d.Members, d.Members[0]) },
		"subsystem twice":    func(d *directory.Document) { m := &d.Members[0]; m.Subsystems = append(m.Subsystems, m.Subsystems[0]) },
		"id of another key":  func(d *directory.Document) { d.Members[0].Keys[0].ID = "x" },
		"key not in base64":  func(d *directory.Document) { d.Members[0].Keys[0].Public = "!" },
		"key without start":  func(d *directory.Document) { d.Members[0].Keys[0].From = time.Time{} },
		"key of two members": func(d *directory.Document) { m := d.Members[0]; m.Code = "MOJ"; d.Members = append(d.Members, m) },
		"certificate of two": func(d *directory.Document) { n := d.Nodes[0]; n.ID = "GOV/MPS/node2"; d.Nodes = append(d.Nodes, n) },
	} {
		d := document(t, 1)
		spoil(&d)
		if _, err := directory.Sign(d, by); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	by := newPair(f)
	trust := directory.Trust{Instance: "VN", Keys: []string{by.vkey}}
	f.Add(signed(f, document(f, 1), by))
	f.Add([]byte("dinh-directory/1\n{}\n\n— x y\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := directory.Open(b, trust, 0)
		if err == nil && d.Version < 1 {
			t.Error("opened without a version")
		}
		// What is signed is trusted; what it says still has to make sense.
		text := strings.Map(func(r rune) rune {
			if r < 0x20 || r == 0x7f || r == 0xfffd {
				return -1
			}
			return r
		}, string(b))
		whole, err := note.Sign(&note.Note{Text: "dinh-directory/1\n" + text + "\n"}, by)
		if err != nil {
			return
		}
		if d, err := directory.Open(whole, trust, 0); err == nil {
			if _, err := directory.Sign(d, by); err != nil {
				t.Errorf("read, and cannot be signed again: %v", err)
			}
		}
	})
}

// central publishes whatever text it holds.
type central struct {
	text  atomic.Pointer[[]byte]
	asked atomic.Int64
	*httptest.Server
}

func newCentral(t testing.TB) *central {
	t.Helper()
	c := &central{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Add(1)
		text := c.text.Load()
		if text == nil {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, string(*text))
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *central) say(text []byte) { c.text.Store(&text) }

// The life of a follower: no source, a first version, a source that lies, a source
// that is gone, expiry, a restart, the hard limit.
func TestFollower(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	ours, other := newPair(t), newPair(t)
	c, at, database := newCentral(t), clock.New(start()), dbtest.New(t, sets()...)
	deps := directory.Deps{DB: database, Clock: at, Source: c.URL, HardLimit: 30 * 24 * time.Hour, Trust: directory.Trust{Instance: "VN", Keys: []string{ours.vkey}}}
	d, err := directory.New(ctx, deps)
	ok(t, err)

	wantCode(t, d.Refresh(ctx), "directory.no_source")
	if _, found := d.NodeOf("VN/GOV/MPS/population"); found || d.Version() != 0 || d.Expired(at.Now()) || d.Authorities() == nil {
		t.Error("a directory that knows nothing answers nothing")
	}

	first := document(t, 3)
	c.say(signed(t, first, ours))
	ok(t, d.Refresh(ctx))
	n, found := d.NodeOf("VN/GOV/MPS/population")
	if !found || n.Address != "mps.example.vn:5500" {
		t.Errorf("node %+v %v", n, found)
	}
	for _, unknown := range []string{"VN/GOV/MPS/other", "LA/GOV/MPS/population", "GOV/MPS/population", ""} {
		if _, found := d.NodeOf(unknown); found {
			t.Errorf("%q is served", unknown)
		}
	}

	for code, text := range map[string][]byte{
		"directory.not_signed": signed(t, document(t, 4), other),
		"directory.older":      signed(t, document(t, 2), ours),
		"directory.two_faces":  signed(t, document(t, 3), ours), // other keys in it
	} {
		c.say(text)
		wantCode(t, d.Refresh(ctx), code)
		if d.Version() != 3 {
			t.Errorf("%s: version %d", code, d.Version())
		}
	}

	c.Close()
	at.Set(first.Expires.Add(time.Hour))
	wantCode(t, d.Refresh(ctx), "directory.no_source")
	d, err = directory.New(ctx, deps) // starts without its source
	ok(t, err)
	if _, found := d.NodeOf("VN/GOV/MPS/population"); !found || !d.Expired(at.Now()) || d.Stopped() {
		t.Error("an expired directory goes on answering")
	}
	at.Set(first.Expires.Add(deps.HardLimit + time.Hour))
	if _, found := d.NodeOf("VN/GOV/MPS/population"); found || !d.Stopped() {
		t.Error("past the hard limit nothing is answered")
	}
	if _, public, _ := d.Key(first.Members[0].Keys[0].ID, start()); public != nil {
		t.Error("past the hard limit no key is known")
	}
}

func TestKeyValidity(t *testing.T) {
	t.Parallel()
	ctx, by := t.Context(), newPair(t)
	d, err := directory.New(ctx, directory.Deps{DB: dbtest.New(t, sets()...), Clock: clock.New(start()), Trust: directory.Trust{Instance: "VN", Keys: []string{by.vkey}}})
	ok(t, err)
	doc := document(t, 1)
	ended, revoked := key(t, start()), key(t, start())
	ended.Until, revoked.RevokedAt = start().Add(time.Hour), start().Add(2*time.Hour)
	doc.Members[0].Keys = append(doc.Members[0].Keys, ended, revoked)
	ok(t, d.Accept(ctx, signed(t, doc, by)))
	for _, c := range []struct {
		key   directory.Key
		after time.Duration
		want  bool
	}{
		{doc.Members[0].Keys[0], -time.Second, false}, {doc.Members[0].Keys[0], 0, true}, {doc.Members[0].Keys[0], 1e6 * time.Hour, true},
		{ended, time.Hour - 1, true}, {ended, time.Hour, false}, {revoked, time.Hour, true}, {revoked, 2 * time.Hour, false},
	} {
		member, public, valid := d.Key(c.key.ID, start().Add(c.after))
		if member != "GOV/MPS" || public == nil || valid != c.want {
			t.Errorf("%s after %v: %q %v, want %v", c.key.ID, c.after, member, valid, c.want)
		}
	}
}

// Whoever comes with a key that is not known yet makes the follower ask.
func TestAMissAsksTheSource(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	by, c := newPair(t), newCentral(t)
	d, err := directory.New(ctx, directory.Deps{DB: dbtest.New(t, sets()...), Clock: clock.New(start()), Source: c.URL, Trust: directory.Trust{Instance: "VN", Keys: []string{by.vkey}}})
	ok(t, err)
	d.SetPause(time.Millisecond)
	doc := document(t, 1)
	c.say(signed(t, doc, by))
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, time.Hour) }()
	wait := func(id string) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, public, _ := d.Key(id, start()); public != nil {
				return
			}
			select {
			case <-tick.C:
			case <-t.Context().Done():
				t.Fatal("never heard of it")
			}
		}
	}
	wait(doc.Members[0].Keys[0].ID)
	next := document(t, 2)
	c.say(signed(t, next, by))
	wait(next.Members[0].Keys[0].ID)
	cancel()
	ok(t, <-done)
}
