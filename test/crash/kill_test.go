package crash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
)

const (
	people    = 3000
	childName = "Hương Sa Ngọc Lam" // nobody in the generated country is called so
)

// TestKill lets mothers and drivers apply while the house is killed again and
// again with SIGKILL. People do what people do: when a page does not answer,
// they try again. DINH_CRASH_KILLS says how often (default 2, so that `make
// test` stays quick; `make check` asks for 200).
func TestKill(t *testing.T) {
	kills := 2
	if n, err := strconv.Atoi(os.Getenv("DINH_CRASH_KILLS")); err == nil {
		kills = n
	}
	h := newHouse(t, kills)
	h.start()
	defer h.stop()
	w := &workload{house: h, confirmed: map[string]string{}}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { w.people(t, i, stop) })
	}
	began := time.Now()
	for n := range kills {
		time.Sleep(time.Duration(50+rand.IntN(350)) * time.Millisecond) // the moment of death is the point of the test
		h.kill()
		h.start()
		if (n+1)%20 == 0 {
			t.Logf("%d kills, %d applications confirmed, %s", n+1, w.count(), time.Since(began).Round(time.Second))
		}
	}
	close(stop)
	wg.Wait()
	t.Logf("everybody is through after %s", time.Since(began).Round(time.Second))
	h.settle()
	h.stop()
	t.Logf("the house is quiet after %s", time.Since(began).Round(time.Second))
	w.audit(t, h)
}

// house is the binary as a process on one data folder and one port.
type house struct {
	t       testing.TB
	binary  string
	data    string
	base    string
	mail    *mailServer
	cast    int
	mu      sync.Mutex
	process *exec.Cmd
	log     *os.File
}

func newHouse(t testing.TB, kills int) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{t: t, binary: filepath.Join(dir, "dinh"), data: filepath.Join(dir, "data"), mail: newMailServer(t), cast: min(100+10*kills, 900)}
	build := exec.Command("go", "build", "-o", h.binary, "../../cmd/dinh")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.base = fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if h.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) start() {
	h.mu.Lock()
	defer h.mu.Unlock()
	cmd := exec.Command(h.binary, "serve", "--demo", "--data", h.data, "--origin", h.base, "--listen", strings.TrimPrefix(h.base, "http://"),
		"--people", strconv.Itoa(people), "--cast", strconv.Itoa(h.cast), "--smtp", "smtp://"+h.mail.addr+"?tls=none", "--mail-from", "dinh@dinh.example")
	cmd.Stdout, cmd.Stderr = h.log, h.log
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.process = cmd
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		res, err := http.Get(h.base + "/healthz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
	}
	h.t.Fatalf("the house did not start; see its log:\n%s", h.tail())
}

func (h *house) tail() string {
	text, _ := os.ReadFile(h.log.Name())
	return string(text[max(0, len(text)-4000):])
}

func (h *house) kill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.process.Process.Kill()
	_ = h.process.Wait()
}

func (h *house) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.process == nil {
		return
	}
	_ = h.process.Process.Signal(syscall.SIGTERM)
	_ = h.process.Wait()
	h.process = nil
}

// settle waits until the last effects of the last start are done: a dead
// worker's jobs come back when their lease of ten seconds ends.
func (h *house) settle() {
	a := play.NewBrowser(h.base)
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Second) {
		before := h.mail.count()
		time.Sleep(12 * time.Second)
		if _, err := a.Get(context.Background(), "/healthz"); err == nil && h.mail.count() == before {
			return
		}
	}
}

// open looks into the data folder when nobody serves it.
func (h *house) open(t testing.TB) *app.App {
	t.Helper()
	a, err := app.Open(context.Background(), app.Config{Data: h.data, Origin: h.base, Demo: true, People: people, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// workload is what the people did and were told.
type workload struct {
	house     *house
	mu        sync.Mutex
	confirmed map[string]string // dossier code → sample
	next      atomic.Int64
}

func (w *workload) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.confirmed)
}

// people lets one sample person after another apply until told to stop.
func (w *workload) people(t testing.TB, worker int, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		n := int(w.next.Add(1))
		if n > w.house.cast {
			return
		}
		sample, service, answers, files := fmt.Sprintf("mother-%04d", n), "birth", play.Answers(nil), map[string]play.Upload(nil)
		if worker%4 == 0 {
			sample, service, answers = fmt.Sprintf("driver-%04d", n), "licence", demo.LicenceAnswers()
			files = map[string]play.Upload{"photo.portrait": demo.Portrait()}
		}
		w.apply(t, sample, service, answers, files)
	}
}

// apply keeps trying until the house has confirmed, as a patient person would.
func (w *workload) apply(t testing.TB, sample, service string, answers play.Answers, files map[string]play.Upload) {
	b := play.NewBrowser(w.house.base)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var a play.Application
	err := patiently(ctx, func() (err error) {
		var status *play.StatusError
		if err = b.SignIn(ctx, sample); errors.As(err, &status) && status.Status == http.StatusNotFound {
			return nil // the country has no more drivers
		}
		if err != nil {
			return err
		}
		if service == "birth" {
			name, err := b.Name(ctx)
			if err != nil {
				return err
			}
			answers = demo.BirthAnswers(demo.Child(name, childName))
		}
		a, err = b.Resume(ctx, service, answers, files)
		return err
	})
	if err != nil {
		t.Errorf("%s never got through: %v", sample, err)
		return
	}
	if a.Code == "" {
		return
	}
	w.mu.Lock()
	w.confirmed[a.Code] = sample
	w.mu.Unlock()
	if service != "licence" {
		return
	}
	err = patiently(ctx, func() error {
		page, err := b.Get(ctx, "/applications/"+a.ID)
		if err != nil {
			return err
		}
		links := page.Ways("/pay/")
		switch {
		case len(links) > 0:
			return demo.Pay(ctx, b, links[0], "4444333322221111")
		case strings.Contains(page.Text(), "Đã thanh toán"):
			return nil // the answer to an earlier try was lost, the payment was not
		}
		return errNotYet
	})
	if err != nil {
		t.Errorf("%s, %s, could not pay: %v", sample, a.Code, err)
	}
}

var errNotYet = errors.New("no bill yet")

// patiently tries again while the house is away.
func patiently(ctx context.Context, do func() error) error {
	var err error
	for ctx.Err() == nil {
		if err = do(); err == nil {
			return nil
		}
		var wrong *play.WrongAnswers
		if errors.As(err, &wrong) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(40 * time.Millisecond):
		}
	}
	return err
}

// mailServer is a real SMTP server that outlives the house and counts every
// message by its Message-ID.
type mailServer struct {
	addr string
	mu   sync.Mutex
	ids  map[string]int
}

func newMailServer(t testing.TB) *mailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailServer{addr: l.Addr().String(), ids: map[string]int{}}
	s := smtp.NewServer(m)
	s.Domain, s.ErrorLog = "localhost", log.New(io.Discard, "", 0) // a killed client breaks off; that is the point
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return m
}

func (m *mailServer) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, c := range m.ids {
		n += c
	}
	return n
}

// NewSession implements smtp.Backend.
func (m *mailServer) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{m}, nil }

type mailSession struct{ m *mailServer }

func (mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (mailSession) Reset()                               {}
func (mailSession) Logout() error                        { return nil }

// Data takes a message.
func (s mailSession) Data(r io.Reader) error {
	id := ""
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if v, ok := strings.CutPrefix(sc.Text(), "Message-ID:"); ok && id == "" {
			id = strings.TrimSpace(v)
		}
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.ids[id]++
	return sc.Err()
}
