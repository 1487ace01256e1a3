package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dinh-gov/dinh/app/play"
)

// outside starts the binary itself on a folder that is seeded already, and
// looks at how soon it answers and how much memory it holds after use.
func outside(ctx context.Context, o Options) ([]Figure, error) {
	dir, err := os.MkdirTemp("", "dinh-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var ready time.Duration
	var resident float64
	for _, again := range []bool{false, true} { // the first start seeds
		if ready, resident, err = start(ctx, o, dir, again); err != nil {
			return nil, err
		}
	}
	return []Figure{
		{"ready_s", "ready after start", "s", ready.Seconds(), "aim: under 1"},
		{"resident_mb", fmt.Sprintf("resident memory, %d people, after 700 pages", o.People), "MB", resident, "aim: under 150"},
	}, nil
}

func start(ctx context.Context, o Options, dir string, use bool) (time.Duration, float64, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	base := fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port) // passkeys need a name, not an address
	if err := l.Close(); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	cmd := exec.CommandContext(ctx, o.Binary, "serve", "--demo", "--data", dir, "--origin", base, "--listen", strings.TrimPrefix(base, "http://"), "--people", strconv.Itoa(o.People))
	cmd.Stderr = o.Log
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Signal(syscall.SIGTERM) }()
	ready, err := answers(ctx, base, began)
	if err != nil || !use {
		return ready, 0, err
	}
	b := play.NewBrowser(base)
	if err := b.SignIn(ctx, "mai"); err != nil {
		return 0, 0, err
	}
	for i := range 700 {
		if _, err := b.Get(ctx, []string{"/", "/services", "/services/birth", "/applications", "/my-documents", "/messages", "/my-data"}[i%7]); err != nil {
			return 0, 0, err
		}
	}
	rss, err := memory(cmd.Process.Pid)
	return ready, rss, err
}

func answers(ctx context.Context, base string, began time.Time) (time.Duration, error) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for time.Since(began) < 2*time.Minute {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
		if err != nil {
			return 0, err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return time.Since(began), nil
			}
		}
		<-tick.C
	}
	return 0, fmt.Errorf("%s did not answer within two minutes", base)
}

// memory reads the resident set of a process in MB, as Linux accounts it.
func memory(pid int) (float64, error) {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		if rest, ok := strings.CutPrefix(sc.Text(), "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kb / 1000, err
		}
	}
	return 0, fmt.Errorf("no VmRSS of %d", pid)
}
