package link_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/kernel/link"
)

// authority issues certificates for the nodes of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	ok(t, err)
	cert, err := x509.ParseCertificate(der)
	ok(t, err)
	a := &authority{cert, key, x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

func (a *authority) issue(t testing.TB, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
	ok(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair starts a server and gives a dialer, which shows a new certificate on every
// connection, and the address.
func pair(t testing.TB, h link.Handler, times link.Times) (*link.Dialer, string) {
	t.Helper()
	a := newAuthority(t)
	l, err := net.Listen("tcp", "localhost:0")
	ok(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	own := a.issue(t, "answering")
	s := &link.Server{
		TLS: func() *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert}
		},
		Handler: h, Log: slog.New(slog.DiscardHandler), Times: times,
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	d := &link.Dialer{Times: times, TLS: func(string) *tls.Config {
		return &tls.Config{RootCAs: a.pool, Certificates: []tls.Certificate{a.issue(t, "asking")}, ServerName: "localhost"}
	}}
	t.Cleanup(func() {
		d.Close()
		cancel()
		ok(t, <-done)
	})
	return d, l.Addr().String()
}

// echo answers with what came, and a streamed body with a streamed body.
func echo(_ context.Context, from link.Peer, m link.Message) link.Message {
	if from.Certificate.Subject.CommonName != "asking" {
		return link.Message{Head: []byte("who are you?")}
	}
	return m
}

func TestManyMessagesShareOneConnection(t *testing.T) {
	t.Parallel()
	d, addr := pair(t, echo, link.Times{})
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			want := fmt.Sprint("message ", i)
			got, err := d.Ask(t.Context(), "n", addr, link.Message{Head: []byte(want), Body: bytes.Repeat([]byte{byte(i)}, i*100)})
			if err != nil || string(got.Head) != want || len(got.Body) != i*100 {
				t.Errorf("%d: %q, %d bytes, %v", i, got.Head, len(got.Body), err)
			}
		})
	}
	wg.Wait()
}

// pattern is a long body that nobody has to hold.
type pattern struct{ left int }

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := min(len(b), p.left)
	for i := range b[:n] {
		b[i] = byte(p.left - i)
	}
	p.left -= n
	return n, nil
}

func (p *pattern) Close() error { return nil }

func TestLongBodiesStreamBothWaysInFlatMemory(t *testing.T) {
	const size = 100 << 20
	d, addr := pair(t, func(_ context.Context, _ link.Peer, m link.Message) link.Message {
		h := sha256.New()
		n, err := io.Copy(h, m.Stream)
		tail, terr := m.Tail()
		if err != nil || terr != nil || n != size || !bytes.Equal(tail, h.Sum(nil)) {
			return link.Message{Head: fmt.Appendf(nil, "%d %v %v", n, err, terr)}
		}
		back := sha256.New()
		return link.Message{Head: []byte("ok"), Stream: io.NopCloser(io.TeeReader(&pattern{size}, back)), Tail: func() ([]byte, error) { return back.Sum(nil), nil }}
	}, link.Times{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	h := sha256.New()
	got, err := d.Ask(t.Context(), "n", addr, link.Message{
		Head: []byte("up"), Stream: io.NopCloser(io.TeeReader(&pattern{size}, h)), Tail: func() ([]byte, error) { return h.Sum(nil), nil },
	})
	ok(t, err)
	if string(got.Head) != "ok" || got.Stream == nil {
		t.Fatalf("answer %q", got.Head)
	}
	back := sha256.New()
	n, err := io.Copy(back, got.Stream)
	ok(t, err)
	tail, err := got.Tail()
	ok(t, err)
	runtime.ReadMemStats(&after)
	if n != size || !bytes.Equal(tail, back.Sum(nil)) {
		t.Errorf("%d bytes came back; the tail fits: %t", n, bytes.Equal(tail, back.Sum(nil)))
	}
	if grown := int64(after.Sys) - int64(before.Sys); grown > 64<<20 {
		t.Errorf("200 MB in flight took %d MB of memory", grown>>20)
	}
}

func TestALongAnswerToASmallMessageIsFetched(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	d, addr := pair(t, func(context.Context, link.Peer, link.Message) link.Message {
		return link.Message{Head: []byte("long"), Stream: &pattern{size}, Tail: func() ([]byte, error) { return []byte("end"), nil }}
	}, link.Times{})
	for range 3 { // the second and third over a used connection
		m, err := d.Ask(t.Context(), "n", addr, link.Message{Head: []byte("small")})
		ok(t, err)
		n, err := io.Copy(io.Discard, m.Stream)
		ok(t, err)
		tail, err := m.Tail()
		ok(t, err)
		if n != size || string(tail) != "end" {
			t.Errorf("%d bytes, tail %q", n, tail)
		}
	}
}

// A connection that is old makes way for one with the node's next certificate, and
// no message is lost on the way, long answers neither.
func TestAnOldConnectionMakesWay(t *testing.T) {
	t.Parallel()
	const size = 600 << 10
	var mu sync.Mutex
	seen := map[string]bool{}
	d, addr := pair(t, func(_ context.Context, from link.Peer, m link.Message) link.Message {
		mu.Lock()
		seen[from.Certificate.SerialNumber.String()] = true
		mu.Unlock()
		if len(m.Head) == 1 {
			return m
		}
		return link.Message{Stream: &pattern{size}, Tail: func() ([]byte, error) { return nil, nil }}
	}, link.Times{})
	d.Age = func() time.Duration { return time.Millisecond }
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 25 {
				if m, err := d.Ask(t.Context(), "n", addr, link.Message{Head: []byte("x")}); err != nil || string(m.Head) != "x" {
					t.Errorf("%q, %v", m.Head, err)
				}
				if n%5 > 0 {
					continue
				}
				m, err := d.Ask(t.Context(), "n", addr, link.Message{Head: []byte("long")})
				if err != nil {
					t.Error(err)
					continue
				}
				if got, err := io.Copy(io.Discard, m.Stream); err != nil || got != size {
					t.Errorf("%d bytes, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	if len(seen) < 3 {
		t.Errorf("%d certificates were shown", len(seen))
	}
}

type failing struct{ after int }

func (f *failing) Read(b []byte) (int, error) {
	if f.after == 0 {
		return 0, errors.New("the disk broke")
	}
	n := min(len(b), f.after)
	f.after -= n
	return n, nil
}

func (f *failing) Close() error { return nil }

func TestABodyThatBreaksIsNeverTakenForWhole(t *testing.T) {
	t.Parallel()
	seen := make(chan error, 1)
	d, addr := pair(t, func(_ context.Context, _ link.Peer, m link.Message) link.Message {
		_, err := io.Copy(io.Discard, m.Stream)
		seen <- err
		return link.Message{Head: []byte("noted")}
	}, link.Times{})
	_, err := d.Ask(t.Context(), "n", addr, link.Message{Stream: &failing{1 << 20}, Tail: func() ([]byte, error) { return nil, nil }})
	if e, is := errors.AsType[*link.AbortedError](<-seen); !is || e.Why != "the disk broke" {
		t.Errorf("the handler saw %v", e)
	}
	ok(t, err)
	d, addr = pair(t, func(context.Context, link.Peer, link.Message) link.Message {
		return link.Message{Stream: &failing{1 << 20}, Tail: func() ([]byte, error) { return nil, nil }}
	}, link.Times{})
	m, err := d.Ask(t.Context(), "n", addr, link.Message{})
	ok(t, err)
	if _, err := io.Copy(io.Discard, m.Stream); err == nil {
		t.Error("a broken answer was taken for whole")
	}
	if _, err := m.Tail(); err == nil {
		t.Error("a broken answer had a tail")
	}
}

func TestAnAnswerBeforeTheBodyEndsStopsTheBody(t *testing.T) {
	t.Parallel()
	d, addr := pair(t, func(_ context.Context, _ link.Peer, m link.Message) link.Message {
		_ = m.Stream.Close()
		return link.Message{Head: []byte("no")}
	}, link.Times{})
	body := &pattern{1 << 40}
	m, err := d.Ask(t.Context(), "n", addr, link.Message{Stream: body, Tail: func() ([]byte, error) { return nil, nil }})
	ok(t, err)
	if string(m.Head) != "no" {
		t.Errorf("answer %q", m.Head)
	}
}

func TestStrangersAndSilenceAreGivenUp(t *testing.T) {
	t.Parallel()
	d, addr := pair(t, echo, link.Times{})
	stranger := newAuthority(t)
	cert := stranger.issue(t, "asking")
	roots := d.TLS("n").RootCAs
	s := &link.Dialer{TLS: func(string) *tls.Config {
		return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}, ServerName: "localhost"}
	}}
	defer s.Close()
	if m, err := s.Ask(t.Context(), "n", addr, link.Message{Head: []byte("x")}); !errors.Is(err, link.ErrUnreachable) {
		t.Errorf("a stranger was answered %q, %v", m.Head, err)
	}
	if _, err := d.Ask(t.Context(), "n", "localhost:1", link.Message{}); !errors.Is(err, link.ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
	block := make(chan struct{})
	d, addr = pair(t, func(ctx context.Context, _ link.Peer, m link.Message) link.Message {
		<-block
		return m
	}, link.Times{})
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := d.Ask(ctx, "n", addr, link.Message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("who hangs up gets %v", err)
	}
	close(block)
}

func TestSlowAnswersHoldUpNobody(t *testing.T) {
	t.Parallel()
	block := make(chan struct{})
	d, addr := pair(t, func(ctx context.Context, _ link.Peer, m link.Message) link.Message {
		if string(m.Head) == "slow" {
			select {
			case <-block:
			case <-ctx.Done():
			}
		}
		return m
	}, link.Times{})
	const many = 4300 // more than are answered at once
	var busy, answered atomic.Int64
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			switch _, err := d.Ask(t.Context(), "n", addr, link.Message{Head: []byte("slow")}); {
			case err == nil:
				answered.Add(1)
			case errors.Is(err, link.ErrUnreachable):
				busy.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	for busy.Load() < many-4096 && !t.Failed() {
		runtime.Gosched()
	}
	close(block)
	wg.Wait()
	for range 5000 { // those who have answered answer again
		if _, err := d.Ask(t.Context(), "n", addr, link.Message{Head: []byte("quick")}); err != nil {
			t.Fatal(err)
		}
	}
	if answered.Load() != 4096 {
		t.Errorf("%d were answered, %d sent back", answered.Load(), busy.Load())
	}
}

func TestOversizeIsRefusedBeforeItLeaves(t *testing.T) {
	t.Parallel()
	d, addr := pair(t, echo, link.Times{})
	for _, m := range []link.Message{{Body: make([]byte, link.MaxHeld+1)}, {Head: make([]byte, 1<<20)}} {
		if _, err := d.Ask(t.Context(), "n", addr, m); err == nil {
			t.Error("an oversize message left")
		}
	}
}

func BenchmarkAsk(b *testing.B) {
	for _, size := range []int{100, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			d, addr := pair(b, echo, link.Times{})
			body := make([]byte, size)
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := d.Ask(context.Background(), "n", addr, link.Message{Head: body[:100], Body: body}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
