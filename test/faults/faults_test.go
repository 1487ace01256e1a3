package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/cmd/dinh/bench/pair"
)

// needed skips a test that was not asked for.
func needed(t *testing.T) string {
	t.Helper()
	if os.Getenv("DINH_FAULTS") == "" {
		t.Skip("faults are tested with make faults")
	}
	binary, err := filepath.Abs("../../build/dinh")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatal("build/dinh is missing: make build")
	}
	return binary
}

// service counts what reaches it, by message id.
type service struct {
	mu   sync.Mutex
	seen map[string]int
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // what did not come whole was not delivered
	}
	s.mu.Lock()
	s.seen[r.Header.Get("X-Road-Id")]++
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"message":"done"}`)
}

// load is clients that ask one thing after the other, each under an id of its
// own, and repeat it under the same id until they know how it went.
type load struct {
	w        *pair.World
	ids      atomic.Int64
	answered sync.Map // id → event
	lost     atomic.Int64
	refused  atomic.Int64
	errors   sync.Map // words of the last error of a kind
}

func (l *load) run(ctx context.Context, clients int) {
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			c := &http.Client{Timeout: 20 * time.Second}
			for ctx.Err() == nil {
				l.one(ctx, c)
			}
		})
	}
	wg.Wait()
}

// one asks until it is answered, or told that it was delivered before.
func (l *load) one(ctx context.Context, c *http.Client) {
	id := fmt.Sprintf("faults-%d", l.ids.Add(1))
	for ctx.Err() == nil {
		known, err := l.ask(ctx, c, id)
		if known {
			return
		}
		if err != nil {
			words, _, _ := strings.Cut(err.Error(), " tcp ")
			l.errors.Store(words, id)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(20+rand.IntN(80)) * time.Millisecond):
		}
	}
	l.lost.Add(1) // the test ended before it was known
}

func (l *load) ask(ctx context.Context, c *http.Client, id string) (known bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+l.w.Asking.XRoad+l.w.Path(), bytes.NewReader(make([]byte, 200+rand.IntN(3000))))
	if err != nil {
		return false, err
	}
	r.Header.Set("X-Road-Client", l.w.Client.String())
	r.Header.Set("X-Road-Id", id)
	r.Header.Set("Authorization", "Bearer "+l.w.Secret)
	res, err := c.Do(r)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return false, err
	case res.StatusCode == http.StatusOK:
		l.answered.Store(id, res.Header.Get("X-Dinh-Event"))
		return true, nil
	case strings.Contains(string(body), "delivered before"):
		l.refused.Add(1)
		return true, nil
	}
	said, _, _ := strings.Cut(string(body), `,"detail"`)
	return false, errors.New(said)
}

// audit opens both sides' data and looks for what every answered client must
// find there.
func (l *load) audit(t *testing.T, s *service) {
	t.Helper()
	ctx := context.Background()
	asking, err := l.w.Asking.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer asking.Close()
	answering, err := l.w.Answering.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer answering.Close()
	for waiting := int64(1); waiting > 0; { // the lease of a process that has ended lasts ten seconds
		_, err := answering.Ledger.Seal(ctx)
		if err == nil {
			waiting, err = answering.Ledger.Pending(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		wait(t.Context(), 20*time.Millisecond)
	}
	n := 0
	l.answered.Range(func(id, event any) bool {
		n++
		l.auditOne(t, id.(string), event.(string), asking, answering)
		return !t.Failed()
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, times := range s.seen {
		if times > 1 {
			t.Errorf("%s was delivered %d times", id, times)
		}
	}
	if n < 100 {
		t.Errorf("only %d were answered: the test says nothing", n)
	}
	t.Logf("%d answered, each with evidence on both sides and a receipt; %d told that they were delivered before; %d delivered; %d still unknown at the end",
		n, l.refused.Load(), len(s.seen), l.lost.Load())
	l.errors.Range(func(words, id any) bool { t.Logf("  seen on the way: %s (%s)", words, id); return true })
}

func (l *load) auditOne(t *testing.T, id, event string, asking, answering *app.App) {
	t.Helper()
	ctx := context.Background()
	for side, a := range map[string]*app.App{"asking": asking, "answering": answering} {
		found := false
		all, err := a.Exchange.Evidence(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			found = found || e.Request.Signature != "" && e.Answer.Signature != ""
		}
		if !found {
			t.Errorf("%s was answered; the %s side has no evidence of it (%d pieces)", id, side, len(all))
		}
	}
	if _, _, _, err := answering.Exchange.Event(ctx, event); err != nil {
		t.Errorf("%s: its event: %v", id, err)
	}
	if _, err := answering.Ledger.Proof(ctx, event); err != nil {
		t.Errorf("%s: its receipt: %v", id, err)
	}
}

// play holds a world under load while breaks do their work, then asks whether it
// runs by itself again, and audits.
func play(t *testing.T, set pair.Setting, breaks func(ctx context.Context, w *pair.World)) {
	t.Helper()
	s := &service{seen: map[string]int{}}
	set.Folder, set.Target = t.TempDir(), s
	logs, err := os.Create(filepath.Join(set.Folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	set.Log = logs
	w, err := pair.New(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	l := &load{w: w}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); l.run(ctx, 16) }()
	breaks(ctx, w)
	if !l.recovers(ctx) {
		t.Error("nothing is answered any more, after half a minute without any fault")
	}
	cancel()
	<-done
	w.Asking.Stop()
	w.Answering.Stop()
	if w.Twin != nil {
		w.Twin.Stop()
	}
	l.audit(t, s)
}

// recovers waits for fresh answers.
func (l *load) recovers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c := &http.Client{Timeout: 5 * time.Second}
	for i := 0; ctx.Err() == nil; i++ {
		id := fmt.Sprintf("recovered-%d", i)
		if _, err := l.ask(ctx, c, id); err == nil {
			if _, ok := l.answered.Load(id); ok {
				return true
			}
		}
		wait(ctx, 100*time.Millisecond)
	}
	return false
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func TestEitherGatewayIsKilled(t *testing.T) {
	binary := needed(t)
	play(t, pair.Setting{Binary: binary}, func(ctx context.Context, w *pair.World) {
		for i := range 10 {
			wait(ctx, time.Duration(400+rand.IntN(1200))*time.Millisecond)
			g := w.Answering
			if i%2 == 1 {
				g = w.Asking
			}
			g.Kill()
			if err := w.Start(ctx, g); err != nil {
				t.Error(err)
				return
			}
		}
		wait(ctx, time.Second)
	})
}

func TestTheDatabaseIsKilled(t *testing.T) {
	binary := needed(t)
	pg := startPostgres(t)
	play(t, pair.Setting{Binary: binary, Each: func(g *pair.Gateway) {
		g.Database = pg.database(t, strings.ToLower(strings.NewReplacer("/", "_").Replace(g.ID)))
	}},
		func(ctx context.Context, _ *pair.World) {
			for range 4 {
				wait(ctx, 1500*time.Millisecond)
				pg.kill(t)
				wait(ctx, 500*time.Millisecond)
				pg.start(t)
			}
			wait(ctx, 2*time.Second)
		})
}

func TestTheNetworkGoesAway(t *testing.T) {
	binary := needed(t)
	n := newNetwork(t)
	play(t, pair.Setting{Binary: binary, Host: n.hostAddress, Each: n.place}, func(ctx context.Context, _ *pair.World) {
		for range 3 {
			wait(ctx, 2*time.Second)
			n.run("ip", "netns", "exec", n.space("b"), "ip", "link", "set", n.name("vb"), "down")
			wait(ctx, 3*time.Second)
			n.run("ip", "netns", "exec", n.space("b"), "ip", "link", "set", n.name("vb"), "up")
		}
		wait(ctx, 9*time.Second) // a connection that the silence killed is given up after six
	})
}

// network is two namespaces, one for each gateway, on a bridge of their own.
type network struct {
	t           *testing.T
	tag         string
	hostAddress string
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	n := &network{t: t, tag: fmt.Sprint(os.Getpid() % 10000), hostAddress: "10.213.77.1"}
	if out, err := exec.Command("ip", "netns", "add", n.space("a")).CombinedOutput(); err != nil {
		t.Skipf("this machine makes no network namespaces: %s", out)
	}
	t.Cleanup(func() {
		for _, args := range [][]string{{"netns", "del", n.space("a")}, {"netns", "del", n.space("b")}, {"link", "del", n.name("br")}} {
			_ = exec.Command("ip", args...).Run()
		}
	})
	n.run("ip", "netns", "add", n.space("b"))
	n.run("ip", "link", "add", n.name("br"), "type", "bridge")
	n.run("ip", "addr", "add", n.hostAddress+"/24", "dev", n.name("br"))
	n.run("ip", "link", "set", n.name("br"), "up")
	for i, s := range []string{"a", "b"} {
		inner, outer := n.name("v"+s), n.name("w"+s)
		n.run("ip", "link", "add", inner, "type", "veth", "peer", "name", outer)
		n.run("ip", "link", "set", outer, "master", n.name("br"))
		n.run("ip", "link", "set", outer, "up")
		n.run("ip", "link", "set", inner, "netns", n.space(s))
		n.run("ip", "netns", "exec", n.space(s), "ip", "addr", "add", fmt.Sprintf("10.213.77.%d/24", i+2), "dev", inner)
		n.run("ip", "netns", "exec", n.space(s), "ip", "link", "set", inner, "up")
		n.run("ip", "netns", "exec", n.space(s), "ip", "link", "set", "lo", "up")
	}
	return n
}

func (n *network) space(s string) string { return "dinh" + n.tag + s }

func (n *network) name(s string) string { return s + n.tag }

func (n *network) run(args ...string) {
	n.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil { //nolint:gosec // fixed words
		n.t.Errorf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// place puts a gateway into its namespace.
func (n *network) place(g *pair.Gateway) {
	s, host := "a", "10.213.77.2"
	if strings.Contains(g.ID, "1234") {
		s, host = "b", "10.213.77.3"
	}
	g.Namespace = n.space(s)
	for _, a := range []*string{&g.XRoad, &g.Link, &g.HTTP} {
		*a = host + (*a)[strings.LastIndex(*a, ":"):]
	}
}

// Two processes of the answering node on one PostgreSQL: one is killed, again
// and again, and the other goes on.
func TestOneOfTwoProcessesIsKilled(t *testing.T) {
	binary := needed(t)
	pg := startPostgres(t)
	play(t, pair.Setting{Binary: binary, Twins: true, Each: func(g *pair.Gateway) {
		g.Database = pg.database(t, strings.ToLower(strings.ReplaceAll(g.ID, "/", "_")))
	}},
		func(ctx context.Context, w *pair.World) {
			for i := range 6 {
				wait(ctx, 1500*time.Millisecond)
				g := w.Answering
				if i%2 == 1 {
					g = w.Twin
				}
				g.Kill()
				if err := w.Start(ctx, g); err != nil {
					t.Error(err)
					return
				}
			}
			wait(ctx, time.Second)
		})
}
