package journeys

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
)

// life is that of the directory in these tests: short, so that keys change within
// one of them.
const life = 6 * time.Second

// node is a house or a gateway as a process of its own, with what its operator
// keeps in its environment.
type node struct {
	id, data, binary            string
	origin, xroad, link, listen string
	figures                     string // address of /metrics
	env                         []string
	log                         record
	process                     *exec.Cmd
}

// build compiles the command once.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "dinh")
	c := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", binary, "../../cmd/dinh")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

func newNode(t *testing.T, binary, id string) *node {
	t.Helper()
	n := &node{id: id, data: t.TempDir(), binary: binary}
	for _, a := range []*string{&n.listen, &n.xroad, &n.link, &n.figures} {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		*a = l.Addr().String()
		must(t, l.Close())
	}
	n.origin = "http://localhost" + n.listen[strings.LastIndex(n.listen, ":"):]
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "DINH_") {
			n.env = append(n.env, e)
		}
	}
	n.set("DINH_DATA", n.data, "DINH_ORIGIN", n.origin, "DINH_NODE", id, "DINH_XROAD", n.xroad, "DINH_LINK", n.link, "DINH_LISTEN", n.listen, "DINH_METRICS", n.figures)
	t.Cleanup(func() {
		n.end(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("%s says:\n%.8000s", id, n.log.String())
		}
	})
	return n
}

func (n *node) set(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		n.env = append(n.env, pairs[i]+"="+pairs[i+1])
	}
}

// start serves, and waits until the node answers.
func (n *node) start(t *testing.T, args ...string) {
	t.Helper()
	n.process = exec.Command(n.binary, args...) //nolint:gosec // our own binary
	n.process.Env, n.process.Stdout, n.process.Stderr = n.env, &n.log, &n.log
	must(t, n.process.Start())
	until(t, n.id+" to start", func() bool {
		res, err := http.Get(n.origin + "/healthz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, n.log.String)
}

// kill ends the node at once, whatever it is doing.
func (n *node) kill() { n.end(syscall.SIGKILL) }

func (n *node) end(s syscall.Signal) {
	if n.process == nil {
		return
	}
	_ = n.process.Process.Signal(s)
	_ = n.process.Wait()
	n.process = nil
}

// does runs a command at the node's machine, beside the running process.
func (n *node) does(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), n.binary, args...) //nolint:gosec // our own binary
	c.Env = n.env
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: dinh %s: %v\n%s", n.id, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (n *node) get(t *testing.T, path string) string {
	t.Helper()
	return fetch(t, n.origin+path)
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s", url, res.Status, text)
	}
	return strings.TrimSpace(string(text))
}

// open looks into the node's data beside the running process.
func (n *node) open(t *testing.T, how func(context.Context, app.Config) (*app.App, error)) *app.App {
	t.Helper()
	a, err := how(t.Context(), app.Config{Data: n.data, Origin: n.origin, Federation: &app.Federation{Node: n.id, Central: "http://localhost:1", Trust: []string{n.value("DINH_TRUST")}}, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	return a
}

func (n *node) value(name string) string {
	for _, e := range n.env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

func (n *node) seat(t *testing.T) directory.Seat {
	t.Helper()
	a := n.open(t, app.OpenMembership)
	defer a.Close()
	s, err := a.Membership.Seat(t.Context())
	must(t, err)
	return s
}

// authority is the certificate of the node's authority.
func (n *node) authority(t *testing.T) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(n.get(t, "/ca.pem")))
	c, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	return c
}

// shake says whether a node's link takes a certificate: one that it refuses ends
// the connection, one that it takes is waited for.
func shake(t *testing.T, address string, shown tls.Certificate) error {
	t.Helper()
	c := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"dinh-link/1"}, InsecureSkipVerify: true, Certificates: []tls.Certificate{shown}} //nolint:gosec // the other side's look is tested
	conn, err := (&tls.Dialer{Config: c}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	must(t, conn.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
	if _, err = conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// until asks until it is so, for half a minute at most.
func until(t *testing.T, what string, so func() bool, last func() string) {
	t.Helper()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !so(); <-tick.C {
		if time.Now().After(deadline) {
			if last == nil {
				last = func() string { return "" }
			}
			t.Fatalf("waited half a minute for %s: %s", what, last())
		}
	}
}
