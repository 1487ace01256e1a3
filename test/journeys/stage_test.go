package journeys

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/country/people"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

const (
	seed       = 1
	population = 300
	cast       = 40
)

// house is a running house that remembers what it was asked and what it wrote
// into its log.
type house struct {
	*app.App
	Base string
	log  *record
	urls *record
	end  func() error

	mothers, drivers atomic.Int32 // of the cast, who have played already
}

// shifted is the machine's clock, moved ahead.
type shifted struct{ by atomic.Int64 }

// Now implements clock.Clock.
func (s *shifted) Now() time.Time { return time.Now().Add(time.Duration(s.by.Load())) }

// record is text that several goroutines add to.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

// String is all that was written so far.
func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// openHouse starts a house of its own, on PostgreSQL when DINH_TEST_PG names a server.
func openHouse(ctx context.Context, change ...func(*app.Config)) (h *house, err error) {
	dir, err := os.MkdirTemp("", "dinh-journeys-")
	if err != nil {
		return nil, err
	}
	database, drop, err := freshDatabase(ctx)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, drop(), os.RemoveAll(dir))
	}
	h = &house{Base: fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port), log: &record{}, urls: &record{}}
	config := app.Config{
		Data: dir, Database: database, Origin: h.Base, Demo: true, People: population, Cast: cast, Seed: seed,
		Log: telemetry.NewLogger(h.log, slog.LevelDebug, true),
	}
	for _, c := range change {
		c(&config)
	}
	h.App, err = app.Open(ctx, config)
	if err != nil {
		return nil, errors.Join(err, l.Close(), drop(), os.RemoveAll(dir))
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- h.Run(running) }()
	door := h.Handler()
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(h.urls, r.Method, r.URL.String(), r.Referer())
		door.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(l) }() // ends with Close
	h.end = func() error {
		err := server.Close()
		stop()
		err = errors.Join(err, <-done)
		h.Close()
		return errors.Join(err, drop(), os.RemoveAll(dir))
	}
	return h, nil
}

// freshDatabase makes an empty database on the server of DINH_TEST_PG. Without
// one the name is empty, and the house uses SQLite in its folder.
func freshDatabase(ctx context.Context) (dsn string, drop func() error, err error) {
	server := os.Getenv("DINH_TEST_PG")
	if server == "" {
		return "", func() error { return nil }, nil
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, err
	}
	name := "dinh_journeys_" + strings.ToLower(rand.Text())
	if err := onServer(ctx, server, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	u.Path = "/" + name
	return u.String(), func() error {
		return onServer(context.WithoutCancel(ctx), server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}, nil
}

func onServer(ctx context.Context, server, statement string) error {
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}

// TestMain gives all tests one house to share; it is opened by the first test
// that asks for it.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := theStage.close(); err != nil {
		fmt.Fprintln(os.Stderr, "closing the house:", err)
		code = 1
	}
	os.Exit(code)
}

type stage struct {
	once  sync.Once
	house *house
	err   error
}

var theStage = &stage{}

func (s *stage) close() error {
	if s.house == nil {
		return nil
	}
	return s.house.end()
}

// shared is the house of all tests. What a test does there it does as people
// of its own: see who.
func shared(t *testing.T) *house {
	t.Helper()
	theStage.once.Do(func() { theStage.house, theStage.err = openHouse(context.Background()) })
	if theStage.err != nil {
		t.Fatal(theStage.err)
	}
	return theStage.house
}

// own is a house for one test alone, which may spoil it.
func own(t *testing.T, change ...func(*app.Config)) *house {
	t.Helper()
	h, err := openHouse(t.Context(), change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.end(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// browser is a fresh browser; sample "" stays nobody.
func (h *house) browser(t *testing.T, sample string) *play.Browser {
	t.Helper()
	b := play.NewBrowser(h.Base)
	t.Cleanup(b.Close)
	if sample != "" {
		if err := b.SignIn(t.Context(), sample); err != nil {
			t.Fatalf("signing in as %s: %v", sample, err)
		}
	}
	return b
}

// mother is somebody with a newborn who has not played yet.
func (h *house) mother() string { return fmt.Sprintf("mother-%04d", h.mothers.Add(1)) }

// driver is somebody whose licence is due who has not played yet.
func (h *house) driver() string { return fmt.Sprintf("driver-%04d", h.drivers.Add(1)) }

// world is the sample country that the house was seeded with.
func (h *house) world() *people.World {
	return people.Generate(seed, population, h.Config.Clock.Now().In(h.Calendar.Zone()))
}

// settle waits until the house has no work left that is due.
func (h *house) settle(t *testing.T) {
	t.Helper()
	if err := h.Jobs.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// one is the single value of a query.
func (h *house) one(t *testing.T, query string, args ...any) string {
	t.Helper()
	var v any
	err := h.DB.Read(t.Context(), func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, query, args...).Scan(&v)
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return fmt.Sprint(v)
}

// until waits for what the house does by itself, as its workers come to it.
func (h *house) until(t *testing.T, what string, ready func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-ctx.Done():
			t.Errorf("in vain: %s", what)
			return
		case <-tick.C:
		}
	}
}
