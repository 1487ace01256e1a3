package peers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange"
)

// binary is the program under judgement, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dinh-peers")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "dinh")
	build := exec.Command("go", "build", "-o", path, "../../cmd/dinh")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// house is a dinh that runs as a process of its own.
type house struct {
	base  string // where people come in
	xroad string // where X-Road clients come in

	provider *provider // behind it, in dev
}

// plan is what a house is started with.
type plan struct {
	instance string
	prepare  func(t *testing.T, a *app.App) // before it starts, in its data folder
	flags    []string
	codes    string
}

// start seeds a house, prepares it and starts the binary on free ports.
func start(t *testing.T, p plan) house {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	h := house{base: "http://localhost:" + freePort(t), xroad: "http://127.0.0.1:" + freePort(t)}
	if p.prepare != nil {
		a, err := app.Open(t.Context(), app.Config{Data: data, Origin: h.base, Demo: true, People: 200, Seed: 1, Instance: p.instance})
		if err != nil {
			t.Fatal(err)
		}
		p.prepare(t, a)
		a.Close()
	}
	args := []string{
		"serve", "--demo", "--data", data, "--origin", h.base, "--listen", strings.TrimPrefix(h.base, "http://"), "--people", "200",
		"--xroad", strings.TrimPrefix(h.xroad, "http://"),
	}
	if p.instance != "" {
		args = append(args, "--instance", p.instance)
	}
	if p.codes != "" {
		args = append(args, "--error-codes", p.codes)
	}
	var log bytes.Buffer
	cmd := exec.Command(path, append(args, p.flags...)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the house ended: %v\n%s", err, log.String())
		case <-ctx.Done():
			t.Fatal("the house did not start")
		case <-tick.C:
		}
		if res, err := http.Get(h.base + "/healthz"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				tick.Stop()
				return h
			}
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// taken says whether a port that a suite insists on is somebody else's.
func taken(address string) bool {
	l, err := net.Listen("tcp", address)
	if err == nil {
		_ = l.Close()
	}
	return err != nil
}

// peer finds a checkout or a program's folder, or skips the test.
func peer(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("DINH_PEERS")
	if dir == "" {
		dir = filepath.Join("..", "..", "build", "peers")
	}
	at, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(at); err != nil {
		t.Skipf("%s is not there: `make peers` fetches it into build/peers, or DINH_PEERS names the folder that has it", name)
	}
	return at
}

// program finds a program, or skips the test.
func program(t *testing.T, name, why string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: %s", name, why)
	}
	return path
}

func subsystem(t *testing.T, s string) exchange.SubsystemID {
	t.Helper()
	id, err := exchange.ParseSubsystem(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func service(t *testing.T, s string) exchange.ServiceID {
	t.Helper()
	id, err := exchange.ParseService(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, req *http.Request) answer {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

// get asks as an X-Road client does: by name alone.
func (h house) get(t *testing.T, path, client string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.xroad+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if client != "" {
		req.Header.Set("X-Road-Client", client)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return send(t, req)
}
