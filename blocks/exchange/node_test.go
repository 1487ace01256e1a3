package exchange_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/link"
)

// twoNodes are two houses: GOV/MOJ asks from one, GOV/MPS answers on the other.
type twoNodes struct {
	asking, answering *world
	carrier           *link.Dialer
	stop              func()
}

// both is a directory over the keystores of both houses.
type both struct {
	mu    sync.Mutex
	homes map[exchange.SubsystemID]exchange.Node
	keys  map[string]signer
}

type signer struct {
	member exchange.MemberID
	public ed25519.PublicKey
}

func (b *both) NodeOf(s exchange.SubsystemID) (exchange.Node, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, ok := b.homes[s]
	return n, ok
}

func (b *both) Key(id string, _ time.Time) (exchange.MemberID, ed25519.PublicKey, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.keys[id]
	return s.member, s.public, ok
}

func (b *both) Members() []exchange.Member {
	return []exchange.Member{{Class: "NGO", Code: "elsewhere", Name: i18n.Text{VI: "Nơi khác", EN: "Elsewhere"}}}
}

func (b *both) NodeBy(c *x509.Certificate) (string, bool) { return c.Subject.CommonName, true }

func (b *both) know(t testing.TB, w *world, m exchange.MemberID) {
	t.Helper()
	k, err := w.keys.Current(t.Context(), m.String(), keys.Sign)
	ok(t, err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys[k.ID] = signer{m, k.Public.(ed25519.PublicKey)}
}

func newTwoNodes(t testing.TB) *twoNodes {
	t.Helper()
	n := &twoNodes{asking: newWorld(t), answering: newWorld(t)}
	l, err := net.Listen("tcp", "localhost:0")
	ok(t, err)
	dir := &both{homes: map[exchange.SubsystemID]exchange.Node{
		civil:                  {ID: "moj", Addresses: []string{"localhost:1"}},
		population.SubsystemID: {ID: "mps", Addresses: []string{"localhost:1", l.Addr().String()}},
	}, keys: map[string]signer{}}
	dir.know(t, n.asking, civil.Owner())
	dir.know(t, n.answering, population.Owner())
	pool, issue := certificates(t)
	mine := issue("moj")
	n.carrier = &link.Dialer{TLS: func(string) *tls.Config {
		return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{mine}, ServerName: "localhost"}
	}}
	for node, w := range map[string]*world{"moj": n.asking, "mps": n.answering} {
		w.deps.Directory, w.deps.Carrier, w.deps.Node = dir, n.carrier, node
		w.Exchange = w.another(t)
	}
	own := issue("mps")
	s := &link.Server{
		TLS: func() *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
		},
		Handler: n.answering.Handle, Log: slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	n.stop = sync.OnceFunc(func() {
		n.carrier.Close()
		cancel()
		ok(t, <-done)
	})
	t.Cleanup(n.stop)
	return n
}

func certificates(t testing.TB) (*x509.CertPool, func(name string) tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	ok(t, err)
	cert, err := x509.ParseCertificate(der)
	ok(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool, func(name string) tls.Certificate {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ok(t, err)
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, cert, own.Public(), key)
		ok(t, err)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: own}
	}
}

func TestBetweenNodes(t *testing.T) {
	t.Parallel()
	n := newTwoNodes(t)
	n.answering.grant(t)
	got, err := n.asking.Call(t.Context(), search())
	ok(t, err)
	if !strings.Contains(string(got.Body), "Nguyễn Thị An") || strings.Contains(string(got.Body), "religion") {
		t.Errorf("answer %s", got.Body)
	}
	if n.asking.provider.count() != 0 || n.answering.provider.count() != 1 {
		t.Error("the wrong node answered")
	}
	mine, err := n.asking.Evidence(t.Context(), got.MessageID)
	ok(t, err)
	theirs, err := n.answering.Evidence(t.Context(), got.MessageID)
	ok(t, err)
	if len(mine) != 1 || len(theirs) != 1 || mine[0].Request != theirs[0].Request && mine[0].Request.Base != theirs[0].Request.Base ||
		mine[0].Answer.Signature != theirs[0].Answer.Signature || mine[0].RequestHash != theirs[0].RequestHash {
		t.Errorf("the evidence of both sides differs:\n%+v\n%+v", mine, theirs)
	}
	all, err := n.asking.AllMembers(t.Context())
	ok(t, err)
	if name, known := n.asking.MemberName(t.Context(), "NGO/elsewhere"); len(all) != 4 || !known || name.EN != "Elsewhere" {
		t.Errorf("members of other nodes are not known: %+v", all)
	}
	if len(got.Events) != 1 {
		t.Fatalf("events %v", got.Events)
	}
	e, _, _, err := n.answering.Event(t.Context(), got.Events[0])
	ok(t, err)
	if e.Purpose != purpose || e.Subject != n.answering.keys.Pseudonym(person) {
		t.Errorf("event %+v", e)
	}
}

func TestRefusalsBetweenNodes(t *testing.T) {
	t.Parallel()
	n := newTwoNodes(t)
	g := n.answering.grant(t)
	for _, tt := range []struct {
		name, code string
		change     func(*exchange.Call)
	}{
		{"field", "exchange.field_not_granted", func(c *exchange.Call) { c.Fields = []string{"religion"} }},
		{"purpose", "exchange.purpose_not_granted", func(c *exchange.Call) { c.Purpose = "curiosity" }},
		{"no purpose", "exchange.purpose_missing", func(c *exchange.Call) { c.Purpose = "" }},
		{"service", "exchange.unknown_service", func(c *exchange.Call) { c.Service.Service = "nothing" }},
		{"provider", "population.no_record", func(*exchange.Call) {
			n.answering.provider.err = errs.New(errs.NotFound, "population.no_record", "number", "1")
		}},
		{"revoked", "exchange.grant_revoked", func(*exchange.Call) { ok(t, n.answering.RevokeGrant(t.Context(), g.ID, "officer", "no longer needed")) }},
	} {
		_, err := n.asking.Call(t.Context(), search(tt.change))
		code := errs.CodeOf(err)
		if code == "exchange.no_grant" && tt.name == "service" {
			code = tt.code // without a grant it is not told what there is
		}
		if code != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
	// A client of another node, and a member's name that is not the signer's.
	_, err := n.asking.Call(t.Context(), search(func(c *exchange.Call) { c.Client.Subsystem = "notary" }))
	if errs.CodeOf(err) != "exchange.unknown_client" {
		t.Errorf("a client that is not at home there: %v", err)
	}
	n.stop()
	_, err = n.asking.Call(t.Context(), search())
	if errs.CodeOf(err) != "exchange.node_unreachable" && errs.CodeOf(err) != "exchange.node_lost" {
		t.Errorf("node down: %v", err)
	}
}

// mirror streams back what it gets.
type mirror struct{ length int64 }

func (mirror) Streams() {}

func (m mirror) Serve(_ context.Context, d exchange.Delivery) (exchange.Reply, error) {
	if d.Method == "POST" && d.Stream == nil {
		d.Stream = io.NopCloser(bytes.NewReader(d.Body))
	}
	if d.Stream == nil {
		return exchange.Reply{ContentType: "text/plain", Stream: io.NopCloser(io.LimitReader(zeros{}, m.length)), Length: m.length}, nil
	}
	h := sha256.New()
	n, err := io.Copy(h, d.Stream)
	if err != nil {
		return exchange.Reply{}, err
	}
	return exchange.Reply{ContentType: "text/plain", Body: fmt.Appendf(nil, "%d %x", n, h.Sum(nil))}, nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestStreamsHereAndBetweenNodes(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	n := newTwoNodes(t)
	service := population
	service.Service = "files"
	for _, w := range []*world{n.asking, n.answering} {
		ok(t, w.RegisterProvider(exchange.ServiceInfo{ID: service}, mirror{size}))
		_, err := w.AddGrant(t.Context(), exchange.Grant{
			Client: civil, Service: service, Operations: []string{"read", "create"}, Fields: []string{"*"}, Purpose: purpose, LegalBasis: basis,
		})
		ok(t, err)
	}
	alone := newWorld(t)
	ok(t, alone.RegisterProvider(exchange.ServiceInfo{ID: service}, mirror{size}))
	_, err := alone.AddGrant(t.Context(), exchange.Grant{
		Client: civil, Service: service, Operations: []string{"read", "create"}, Fields: []string{"*"}, Purpose: purpose, LegalBasis: basis,
	})
	ok(t, err)
	body := make([]byte, size)
	want := fmt.Sprintf("%d %x", size, sha256.Sum256(body))
	for name, w := range map[string]*world{"one node": alone, "two nodes": n.asking} {
		up := exchange.Call{Client: civil, Service: service, Method: "POST", Body: body, ContentType: "text/plain", Purpose: purpose}
		got, err := w.Call(t.Context(), up)
		if err != nil || string(got.Body) != want {
			t.Errorf("%s: up: %.80s, %v", name, got.Body, err)
		}
		got, err = w.Call(t.Context(), exchange.Call{Client: civil, Service: service, Purpose: purpose})
		if err != nil || len(got.Body) != size || !bytes.Equal(got.Body, body) {
			t.Errorf("%s: down: %d bytes, %v", name, len(got.Body), err)
		}
		ev, err := w.Evidence(t.Context(), got.MessageID)
		ok(t, err)
		if len(ev) != 1 || ev[0].Answer.Signature == "" {
			t.Errorf("%s: evidence %+v", name, ev)
		}
	}
}

func TestPeersCannotForge(t *testing.T) {
	t.Parallel()
	n := newTwoNodes(t)
	n.answering.grant(t)
	var captured link.Message
	n.asking.deps.Carrier = carrierFunc(func(_ context.Context, _, _ string, m link.Message) (link.Message, error) {
		captured = m
		return link.Message{}, link.ErrUnreachable
	})
	x := n.asking.another(t)
	_, err := x.Call(t.Context(), search())
	if errs.CodeOf(err) != "exchange.node_unreachable" {
		t.Fatal(err)
	}
	peer := func(name string) link.Peer {
		return link.Peer{Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: name}}}
	}
	asked := n.answering.provider.count()
	for name, try := range map[string]func() link.Message{
		"another node": func() link.Message { return n.answering.Handle(t.Context(), peer("mps"), captured) },
		"another body": func() link.Message {
			m := captured
			m.Body = []byte(`{"where":{"number":"2"}}`)
			return n.answering.Handle(t.Context(), peer("moj"), m)
		},
		"another head": func() link.Message {
			m := captured
			m.Head = bytes.Replace(m.Head, []byte("officer-1"), []byte("officer-2"), 1)
			return n.answering.Handle(t.Context(), peer("moj"), m)
		},
		"another person": func() link.Message {
			m := captured
			m.Head = bytes.Replace(m.Head, []byte(person), []byte("001199000002"), 1)
			if bytes.Equal(m.Head, captured.Head) {
				t.Error("nobody is named")
			}
			return n.answering.Handle(t.Context(), peer("moj"), m)
		},
		"nothing at all": func() link.Message { return n.answering.Handle(t.Context(), peer("moj"), link.Message{}) },
	} {
		m := try()
		if !strings.Contains(string(m.Head), "fault") {
			t.Errorf("%s was answered: %q", name, m.Body)
		}
	}
	n.answering.clock.Advance(time.Hour)
	if m := n.answering.Handle(t.Context(), peer("moj"), captured); !strings.Contains(string(m.Body), "signature_stale") {
		t.Errorf("an old message was answered: %q", m.Body)
	}
	if n.answering.provider.count() != asked {
		t.Error("the provider was asked")
	}
	n.answering.clock.Advance(-time.Hour)
	if m := n.answering.Handle(t.Context(), peer("moj"), captured); strings.Contains(string(m.Head), "fault") {
		t.Errorf("the true message was refused: %s", m.Body)
	}
	// The same read again, at once and as late as its signature counts.
	for _, later := range []time.Duration{0, time.Minute, 4 * time.Minute} {
		n.answering.clock.Advance(later)
		if m := n.answering.Handle(t.Context(), peer("moj"), captured); !strings.Contains(string(m.Body), "exchange.replayed") {
			t.Errorf("a replayed message was answered: %q", m.Body)
		}
	}
	if n.answering.provider.count() != asked+1 {
		t.Errorf("the provider was asked %d times", n.answering.provider.count()-asked)
	}
	// What is signed names nobody, and nobody can be found in it by trial.
	ev, err := n.answering.Evidence(t.Context(), headerOf(t, captured))
	ok(t, err)
	if len(ev) != 1 || !strings.Contains(ev[0].Request.Base, `"x-dinh-subjects-digest": sha-256=:`) || strings.Contains(ev[0].Request.Base, person) {
		t.Errorf("evidence %+v", ev)
	}
	for _, guess := range []string{person, person + "\n", "\n" + person + "\n"} {
		if sum := sha256.Sum256([]byte(guess)); strings.Contains(ev[0].Request.Base, base64.StdEncoding.EncodeToString(sum[:])) {
			t.Error("the person can be guessed")
		}
	}
}

// headerOf gives the message id that a captured message carries.
func headerOf(t testing.TB, m link.Message) string {
	t.Helper()
	at := bytes.Index(m.Head, []byte("VN-"))
	if at < 0 {
		t.Fatal("no message id")
	}
	return string(m.Head[at : at+len("VN-")+36])
}

// A read whose answer was lost on the way is asked again, and is no replay.
func TestALostReadIsAskedAnew(t *testing.T) {
	t.Parallel()
	n := newTwoNodes(t)
	n.answering.grant(t)
	lost := false
	n.asking.deps.Carrier = carrierFunc(func(ctx context.Context, node, address string, m link.Message) (link.Message, error) {
		back, err := n.carrier.Ask(ctx, node, address, m)
		if err == nil && !lost {
			lost = true
			return link.Message{}, link.ErrLost
		}
		return back, err
	})
	x := n.asking.another(t)
	got, err := x.Call(t.Context(), read())
	if err != nil || !strings.Contains(string(got.Body), "Nguyễn Thị An") || n.answering.provider.count() != 2 {
		t.Fatalf("%s %v, asked %d times", got.Body, err, n.answering.provider.count())
	}
	mine, err := n.asking.Evidence(t.Context(), got.MessageID)
	ok(t, err)
	theirs, err := n.answering.Evidence(t.Context(), got.MessageID)
	ok(t, err)
	if len(mine) != 1 || len(theirs) != 2 || mine[0].RequestID != got.RequestID || theirs[1].Request.Base != mine[0].Request.Base {
		t.Errorf("evidence\n%+v\n%+v", mine, theirs)
	}
}

type carrierFunc func(context.Context, string, string, link.Message) (link.Message, error)

func (f carrierFunc) Ask(ctx context.Context, node, address string, m link.Message) (link.Message, error) {
	return f(ctx, node, address, m)
}

func FuzzHandle(f *testing.F) {
	n := newTwoNodes(f)
	n.answering.grant(f)
	n.asking.deps.Carrier = carrierFunc(func(_ context.Context, _, _ string, m link.Message) (link.Message, error) {
		f.Add(m.Head, m.Body)
		return link.Message{}, errors.New("not today")
	})
	_, _ = n.asking.another(f).Call(f.Context(), search())
	from := link.Peer{Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "moj"}}}
	f.Fuzz(func(t *testing.T, head, body []byte) {
		if m := n.answering.Handle(t.Context(), from, link.Message{Head: head, Body: body}); len(m.Head) == 0 {
			t.Error("no answer")
		}
	})
}

func BenchmarkNodes(b *testing.B) {
	n := newTwoNodes(b)
	n.answering.grant(b)
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := n.asking.Call(context.Background(), search()); err != nil {
				b.Error(err)
			}
		}
	})
}

func TestAClientMayWishForItsNode(t *testing.T) {
	t.Parallel()
	n := newTwoNodes(t)
	n.answering.grant(t)
	secret, _, err := n.asking.NewClientKey(t.Context(), civil, "test", time.Time{})
	ok(t, err)
	srv := httptest.NewServer(n.asking.R1Handler())
	t.Cleanup(srv.Close)
	for server, status := range map[string]int{"": 200, "VN/mps": 500, "VN/GOV/MOJ/moj": 500} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+servicePath+"/search", strings.NewReader(`{}`))
		ok(t, err)
		r.Header.Set("X-Road-Client", civil.String())
		r.Header.Set("X-Api-Key", secret)
		if server != "" {
			r.Header.Set("X-Road-Security-Server", server)
		}
		res, err := http.DefaultClient.Do(r)
		ok(t, err)
		_ = res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%q: %s %s", server, res.Status, res.Header.Get("X-Road-Error"))
		}
		if server == "VN/GOV/MOJ/moj" && res.Header.Get("X-Road-Error") != "server.clientproxy.invalid_security_server" {
			t.Errorf("%q: %s", server, res.Header.Get("X-Road-Error"))
		}
	}
}

// What a long body says decides as what a short one says.
func TestLongBodiesAreJudged(t *testing.T) {
	t.Parallel()
	n := newTwoNodes(t)
	alone := newWorld(t)
	secret := func(w *world) string {
		w.grant(t, func(g *exchange.Grant) { g.Operations = []string{"search", "create"} })
		s, _, err := w.NewClientKey(t.Context(), civil, "test", time.Time{})
		ok(t, err)
		return s
	}
	n.answering.grant(t, func(g *exchange.Grant) { g.Operations = []string{"search", "create"} })
	for name, w := range map[string]*world{"one node": alone, "two nodes": n.asking} {
		srv := httptest.NewServer(w.R1Handler())
		t.Cleanup(srv.Close)
		key := secret(w)
		for path, body := range map[string]string{"/records": `{"data":{"religion":"x"}}`, "/search": `{"where":{"religion":"x"}}`} {
			for _, padding := range []int{0, 70_000} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+servicePath+path, strings.NewReader(body+strings.Repeat(" ", padding)))
				ok(t, err)
				r.Header.Set("X-Road-Client", civil.String())
				r.Header.Set("X-Api-Key", key)
				res, err := http.DefaultClient.Do(r)
				ok(t, err)
				_ = res.Body.Close()
				if res.Header.Get("X-Road-Error") != "server.serverproxy.access_denied" {
					t.Errorf("%s: %s with %d blanks: %s %s", name, path, padding, res.Status, res.Header.Get("X-Road-Error"))
				}
			}
		}
	}
	if alone.provider.count()+n.answering.provider.count() != 0 {
		t.Error("the register was asked")
	}
}

// Who hangs up in the middle of a long answer has left a trace on both sides.
func TestALongAnswerThatIsLeftIsSeen(t *testing.T) {
	t.Parallel()
	n := newTwoNodes(t)
	service := population
	service.Service = "files"
	grant := exchange.Grant{Client: civil, Service: service, Operations: []string{"read"}, Fields: []string{"*"}, Purpose: purpose, LegalBasis: basis}
	alone := newWorld(t)
	for _, w := range []*world{n.answering, alone} {
		ok(t, w.RegisterProvider(exchange.ServiceInfo{ID: service}, mirror{64 << 20}))
		_, err := w.AddGrant(t.Context(), grant)
		ok(t, err)
	}
	for name, w := range map[string]*world{"one node": alone, "two nodes": n.asking} {
		srv := httptest.NewServer(w.R1Handler())
		t.Cleanup(srv.Close)
		key, _, err := w.NewClientKey(t.Context(), civil, "test", time.Time{})
		ok(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/r1/"+service.String(), nil)
		ok(t, err)
		r.Header.Set("X-Road-Client", civil.String())
		r.Header.Set("X-Api-Key", key)
		r.Header.Set("X-Road-Id", "left-"+name[:3])
		res, err := http.DefaultClient.Do(r)
		ok(t, err)
		_, err = io.CopyN(io.Discard, res.Body, 1<<20)
		ok(t, err)
		event := res.Header.Get("X-Dinh-Event")
		cancel()
		_ = res.Body.Close()
		all, err := w.Evidence(t.Context(), "left-"+name[:3])
		ok(t, err)
		if len(all) != 1 || all[0].Request.Signature == "" {
			t.Errorf("%s: evidence %+v", name, all)
		}
		if name == "one node" {
			if _, _, _, err := w.Event(t.Context(), event); err != nil {
				t.Errorf("%s: event %q: %v", name, event, err)
			}
			continue
		}
		if count, err := n.answering.CountEvents(t.Context(), ""); err != nil || count != 1 {
			t.Errorf("%s: the answering node has %d events, %v", name, count, err)
		}
	}
}
