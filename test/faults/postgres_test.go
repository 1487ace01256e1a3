package faults

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// postgres is a private cluster that may be killed.
type postgres struct {
	bin, dir string
	port     int
	as       []string
}

func startPostgres(t *testing.T) *postgres {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		t.Skip("PostgreSQL's binaries are not installed")
	}
	p := &postgres{bin: filepath.Dir(found[0])}
	if p.dir, err = os.MkdirTemp("/tmp", "dinh-faults-pg"); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		p.as = []string{"runuser", "-u", "postgres", "--"}
		if out, err := exec.Command("chown", "postgres", p.dir).CombinedOutput(); err != nil {
			t.Skipf("no user postgres: %s", out)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	_ = l.Close()
	p.port, _ = strconv.Atoi(port)
	p.run(t, "initdb", "-D", p.dir+"/data", "-U", "dinh", "-A", "trust", "-E", "UTF8", "--locale=C")
	p.start(t)
	t.Cleanup(func() {
		p.kill(t)
		_ = os.RemoveAll(p.dir)
	})
	return p
}

func (p *postgres) run(t *testing.T, name string, args ...string) {
	t.Helper()
	if err := p.try(name, args...); err != nil {
		t.Fatal(err)
	}
}

func (p *postgres) try(name string, args ...string) error {
	all := append(append(append([]string{}, p.as...), filepath.Join(p.bin, name)), args...)
	c := exec.Command(all[0], all[1:]...) //nolint:gosec // PostgreSQL's own programs
	c.Dir = p.dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

func (p *postgres) start(t *testing.T) {
	t.Helper()
	for try := 0; ; try++ { // backends of the killed server hold its memory until they notice
		err := p.try("pg_ctl", "-D", p.dir+"/data", "-w", "-s", "-l", p.dir+"/data/log", "-o",
			fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=%s -c max_connections=200", p.port, p.dir), "start")
		if err == nil {
			return
		}
		if try == 50 {
			t.Fatal(err)
		}
		wait(t.Context(), 200*time.Millisecond)
	}
}

// kill ends the server at once, as a power cut would.
func (p *postgres) kill(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(p.dir + "/data/postmaster.pid")
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.Split(string(text), "\n")[0])
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL) // the postmaster leads its group
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func (p *postgres) database(t *testing.T, name string) string {
	t.Helper()
	p.run(t, "createdb", "-h", "127.0.0.1", "-p", strconv.Itoa(p.port), "-U", "dinh", name)
	return fmt.Sprintf("postgres://dinh@127.0.0.1:%d/%s?sslmode=disable", p.port, name)
}
