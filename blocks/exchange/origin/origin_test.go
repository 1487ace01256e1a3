package origin_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/origin"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// raw is a server that answers byte for byte: answer is what it does on each
// connection for each request that it read.
func raw(t *testing.T, answer func(c net.Conn, r *http.Request) (more bool)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				br := bufio.NewReader(c)
				for {
					r, err := http.ReadRequest(br)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					if !answer(c, r) {
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/"
}

// says answers always the same.
func says(text string) func(net.Conn, *http.Request) bool {
	return func(c net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(c, strings.ReplaceAll(text, "\n", "\r\n"))
		return false
	}
}

func client(t testing.TB, c origin.Config) *origin.Client {
	t.Helper()
	c.Local = true
	o, err := origin.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// ask gives the whole body or the first error.
func ask(t testing.TB, o *origin.Client, method, url string) (string, error) {
	t.Helper()
	return send(t, o, method, url, http.NoBody)
}

func send(t testing.TB, o *origin.Client, method, url string, body io.Reader) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := o.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}

// long is a question that is sent while its answer is awaited.
func long() io.Reader { return bytes.NewReader(make([]byte, 100<<10)) }

func short() origin.Timeouts {
	return origin.Timeouts{Connect: 2 * time.Second, Header: 150 * time.Millisecond, Idle: 150 * time.Millisecond, Total: 3 * time.Second}
}

func TestWhatGoesWrongHasItsCode(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	_ = closed.Close()
	wait := make(chan struct{})
	t.Cleanup(func() { close(wait) })
	silent := func(first string) func(net.Conn, *http.Request) bool {
		return func(c net.Conn, _ *http.Request) bool {
			_, _ = io.WriteString(c, first)
			<-wait
			return false
		}
	}
	tests := []struct {
		name, url, body, code string
	}{
		{"nobody there", nobody, "", "exchange.provider_unreachable"},
		{"no such name", "http://nowhere.invalid/", "", "exchange.provider_unreachable"},
		{"whole", raw(t, says("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello")), "hello", ""},
		{"whole, until closed", raw(t, says("HTTP/1.1 200 OK\n\nhello")), "hello", ""},
		{"whole, in chunks", raw(t, says("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n")), "hello", ""},
		{"whole after an interim answer", raw(t, says("HTTP/1.1 103 Early Hints\n\nHTTP/1.1 200 OK\nContent-Length: 5\n\nhello")), "hello", ""},
		{"empty", raw(t, says("HTTP/1.1 204 No Content\n\n")), "", ""},
		{"shorter than it says", raw(t, says("HTTP/1.1 200 OK\nContent-Length: 9\n\nhello")), "", "exchange.provider_short"},
		{"longer than it says", raw(t, says("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello, world")), "", "exchange.provider_long"},
		{"a body where there is none", raw(t, says("HTTP/1.1 204 No Content\n\nhello")), "", "exchange.provider_long"},
		{"chunks break off", raw(t, says("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhel")), "", "exchange.provider_broken"},
		{"hangs up without a word", raw(t, says("")), "", "exchange.provider_broken"},
		{"hangs up in the head", raw(t, says("HTTP/1.1 200 OK\nContent-")), "", "exchange.provider_broken"},
		{"no HTTP", raw(t, says("SSH-2.0-OpenSSH_9.9\n\n")), "", "exchange.provider_broken"},
		{"two lengths", raw(t, says("HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6\n\nhello")), "", "exchange.provider_broken"},
		{"a head without end", raw(t, says("HTTP/1.1 200 OK\nX: "+strings.Repeat("x", 300<<10)+"\n\n")), "", "exchange.provider_broken"},
		{"silence", raw(t, silent("")), "", "exchange.provider_timeout"},
		{"silence in the head", raw(t, silent("HTTP/1.1 200 OK\r\n")), "", "exchange.provider_timeout"},
		{"silence in the body", raw(t, silent("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel")), "", "exchange.provider_timeout"},
		{"plain where TLS is spoken", "https" + strings.TrimPrefix(raw(t, says("")), "http"), "", "exchange.provider_tls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for method, body := range map[string]io.Reader{"GET": http.NoBody, "POST": strings.NewReader("short"), "PUT": long()} {
				got, err := send(t, client(t, origin.Config{Timeouts: short()}), method, tt.url, body)
				if tt.code == "" && (err != nil || got != tt.body) {
					t.Errorf("%s: got %q, %v", method, got, err)
				}
				if tt.code != "" && (errs.CodeOf(err) != tt.code || errs.KindOf(err) != errs.Unavailable) {
					t.Errorf("%s: got %q, %v; want %s", method, got, err, tt.code)
				}
			}
		})
	}
}

// A service that answers without being asked must not give its surplus to the
// next question on the connection.
func TestSurplusIsNobodysAnswer(t *testing.T) {
	t.Parallel()
	url := raw(t, func(c net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmineHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntheirs")
		return true
	})
	o := client(t, origin.Config{Timeouts: short()})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got, err := ask(t, o, "GET", url); got == "theirs" || err == nil {
					t.Errorf("got %q, %v", got, err)
				}
				if got, err := send(t, o, "PUT", url, long()); got == "theirs" || err == nil {
					t.Errorf("long: got %q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

// Between two questions an origin may hang up, or say what nobody asked for:
// neither harms the next question.
func TestRestingConnections(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(net.Conn){
		"hangs up": func(c net.Conn) { _ = c.Close() },
		"speaks":   func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ntheirs") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rest, rested := make(chan struct{}), make(chan struct{})
			url := raw(t, func(c net.Conn, _ *http.Request) bool {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
				<-rest
				after(c)
				rested <- struct{}{}
				return false
			})
			o := client(t, origin.Config{Timeouts: short()})
			for range 5 {
				if got, err := send(t, o, "POST", url, strings.NewReader("once")); got != "mine" || err != nil {
					t.Fatalf("got %q, %v", got, err)
				}
				rest <- struct{}{}
				<-rested
			}
		})
	}
}

// An origin that hangs up on a question may have heard it: only what reads is
// asked again.
func TestOnlyReadingIsRepeated(t *testing.T) {
	t.Parallel()
	var heard atomic.Int64
	url := raw(t, func(c net.Conn, r *http.Request) bool {
		if heard.Add(1)%2 == 0 {
			return false
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
		return true
	})
	o := client(t, origin.Config{Timeouts: short()})
	for i, q := range []struct {
		method string
		err    string
		heard  int64
	}{{"POST", "", 1}, {"POST", "exchange.provider_broken", 2}, {"POST", "", 3}, {"GET", "", 5}} {
		_, err := send(t, o, q.method, url, strings.NewReader("x"))
		if errs.CodeOf(err) != q.err || heard.Load() != q.heard {
			t.Errorf("%d: %v after %d", i, err, heard.Load())
		}
	}
}

// HEAD, empty answers and answers of any size use one connection again and again.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	var made atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		case "/chunks":
			for range 3 {
				_, _ = io.WriteString(w, "chunk")
				w.(http.Flusher).Flush()
			}
		default:
			_, _ = w.Write(bytes.Repeat([]byte("x"), 40_000))
		}
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			made.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	o := client(t, origin.Config{})
	for range 20 {
		for _, q := range [][2]string{{"GET", "/"}, {"HEAD", "/"}, {"GET", "/empty"}, {"GET", "/chunks"}, {"POST", "/"}} {
			if _, err := ask(t, o, q[0], srv.URL+q[1]); err != nil {
				t.Fatalf("%v: %v", q, err)
			}
		}
	}
	if n := made.Load(); n != 1 {
		t.Errorf("%d connections for 100 questions one after another", n)
	}
}

func TestRedirectsAreAnswers(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	t.Cleanup(srv.Close)
	r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client(t, origin.Config{}).Do(r)
	if err != nil || res.StatusCode != http.StatusFound {
		t.Fatalf("%v %v", res, err)
	}
	_ = res.Body.Close()
}

// Names that lead to this machine lead nowhere, unless the service may be here.
func TestOwnMachineIsClosed(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	o, err := origin.New(origin.Config{Timeouts: short()})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "169.254.169.254", "[::ffff:127.0.0.1]", "[fe80::1%25lo]", "2130706433", "224.0.0.1"} {
		if _, err := ask(t, o, "GET", "http://"+host+":"+port+"/"); errs.CodeOf(err) != "exchange.provider_unreachable" {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func secure(t *testing.T, change func(*tls.Config)) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 {
			_, _ = io.WriteString(w, "known")
		}
	}))
	srv.TLS = &tls.Config{}
	change(srv.TLS)
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func TestTrust(t *testing.T) {
	t.Parallel()
	srv := secure(t, func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert })
	strict := secure(t, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert; c.MaxVersion = tls.VersionTLS12 })
	old := secure(t, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
	roots := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	sum := sha256.Sum256(srv.Certificate().RawSubjectPublicKeyInfo)
	pin := base64.StdEncoding.EncodeToString(sum[:])
	other := base64.StdEncoding.EncodeToString(make([]byte, 32))
	mine := func() (*tls.Certificate, error) { return &srv.TLS.Certificates[0], nil }
	tests := []struct {
		name  string
		url   string
		trust origin.Trust
		body  string
		fails bool
	}{
		{"the machine's roots do not know it", srv.URL, origin.Trust{}, "", true},
		{"own roots", srv.URL, origin.Trust{Roots: roots}, "", false},
		{"own roots, another name", srv.URL, origin.Trust{Roots: roots, Name: "other.example"}, "", true},
		{"own roots, the name in it", srv.URL, origin.Trust{Roots: roots, Name: "example.com"}, "", false},
		{"pinned", srv.URL, origin.Trust{Pins: []string{other, pin}}, "", false},
		{"another key pinned", srv.URL, origin.Trust{Pins: []string{other}}, "", true},
		{"we show who we are", srv.URL, origin.Trust{Pins: []string{pin}, Client: mine}, "known", false},
		{"it wants to know us", strict.URL, origin.Trust{Pins: []string{pin}}, "", true},
		{"it gets to know us", strict.URL, origin.Trust{Pins: []string{pin}, Client: mine}, "known", false},
		{"our certificate is not there", srv.URL, origin.Trust{Pins: []string{pin}, Client: func() (*tls.Certificate, error) { return nil, errors.New("gone") }}, "", true},
		{"too old a TLS", old.URL, origin.Trust{Pins: []string{pin}}, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ask(t, client(t, origin.Config{Trust: tt.trust}), "GET", tt.url)
			if tt.fails != (errs.CodeOf(err) == "exchange.provider_tls") || got != tt.body {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	for want, bad := range map[error]origin.Trust{origin.ErrRoots: {Roots: "x"}, origin.ErrPin: {Pins: []string{"x"}}} {
		if err := bad.Check(); !errors.Is(err, want) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := x509.ParseCertificate(srv.Certificate().Raw); err != nil {
		t.Fatal(err)
	}
}

// A hundred megabytes there and back leave the memory as it was; the server and
// the measuring stand in the same process, so the bound is generous.
func TestLongBodiesFlow(t *testing.T) {
	const size = 100 << 20
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Got", fmt.Sprint(n))
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = io.Copy(w, io.LimitReader(zeros{}, size))
	}))
	t.Cleanup(srv.Close)
	r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL, io.LimitReader(zeros{}, size))
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = size
	res, err := client(t, origin.Config{}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var most uint64
	buf := make([]byte, 1<<20)
	var m runtime.MemStats
	got := 0
	for i := 0; ; i++ {
		n, err := res.Body.Read(buf)
		got += n
		if i%64 == 0 {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			break
		}
	}
	if got != size || res.Header.Get("X-Got") != fmt.Sprint(size) {
		t.Errorf("%d bytes came, %s went", got, res.Header.Get("X-Got"))
	}
	if most > 32<<20 {
		t.Errorf("the heap grew to %d MB", most>>20)
	}
	t.Logf("at most %d kB on the heap", most>>10)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A slow reader is not a slow service, and a body left unread is no leak.
func TestSlowReadersAndLeaks(t *testing.T) {
	gate := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			_, _ = io.Copy(io.Discard, r.Body)
			return
		}
		_, _ = io.Copy(w, io.LimitReader(zeros{}, 8<<20))
	}))
	t.Cleanup(srv.Close)
	o := client(t, origin.Config{Timeouts: short()})
	before := runtime.NumGoroutine()
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		r, _ := http.NewRequestWithContext(ctx, "GET", srv.URL, http.NoBody)
		res, err := o.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadFull(res.Body, make([]byte, 100))
		_ = res.Body.Close()
		cancel()
	}
	slow, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := o.Do(slow)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadFull(res.Body, make([]byte, 100))
	<-time.After(400 * time.Millisecond) // longer than the service may be silent
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n != 8<<20-100 {
		t.Fatalf("a slow reader: %d bytes, %v", n, err)
	}
	_ = res.Body.Close()
	pr, pw := io.Pipe()
	go func() {
		_, _ = pw.Write([]byte("one"))
		<-gate // longer than the service's patience would be
		_, _ = pw.Write([]byte("two"))
		_ = pw.Close()
	}()
	time.AfterFunc(400*time.Millisecond, func() { close(gate) })
	r, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL, pr)
	res, err = o.Do(r)
	if err != nil {
		t.Fatalf("a slow asker: %v", err)
	}
	_ = res.Body.Close()
	o.Close()
	srv.CloseClientConnections()
	deadline := time.After(5 * time.Second)
	for runtime.NumGoroutine() > before+3 {
		select {
		case <-deadline:
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// An asker that goes away is its own error, not the service's.
func TestAskerGoesAway(t *testing.T) {
	t.Parallel()
	wait := make(chan struct{})
	t.Cleanup(func() { close(wait) })
	ctx, cancel := context.WithCancel(t.Context())
	url := raw(t, func(net.Conn, *http.Request) bool { cancel(); <-wait; return false })
	r, _ := http.NewRequestWithContext(ctx, "GET", url, http.NoBody)
	_, err := client(t, origin.Config{}).Do(r)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
