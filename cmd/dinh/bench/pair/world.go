package pair

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// node is one gateway of the world.
type node struct {
	id, data          string
	cert, key         string // PEM files
	xroad, link, http string // addresses
	process           *exec.Cmd
}

// world is two gateways, a target behind the second, and a directory that knows
// both.
type world struct {
	folder string
	binary string
	log    io.Writer
	roots  string // PEM file
	verify string // verifier key of the directory

	asking, answering *node
	client            exchange.SubsystemID
	service           exchange.ServiceID
	secret            string // API key of the client
	target, central   net.Listener
	stops             []func()
}

func newWorld(ctx context.Context, folder, binary string, log io.Writer) (w *world, err error) {
	w = &world{
		folder: folder, binary: binary, log: log, roots: filepath.Join(folder, "ca.pem"),
		client: exchange.SubsystemID{Instance: "VN", Class: "COM", Member: "4321", Subsystem: "TestClient"},
	}
	w.service = exchange.ServiceID{SubsystemID: exchange.SubsystemID{Instance: "VN", Class: "COM", Member: "1234", Subsystem: "TestService"}, Service: "mock1"}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.target, err = serve(targetHandler(), &w.stops); err != nil {
		return nil, err
	}
	ca, err := newAuthority(w.roots)
	if err != nil {
		return nil, err
	}
	signer, verify, err := note.GenerateKey(rand.Reader, "bench/directory")
	if err != nil {
		return nil, err
	}
	w.verify = verify
	doc := directory.Document{Instance: "VN", Version: 1, Issued: time.Now(), Expires: time.Now().Add(24 * time.Hour), Authorities: []string{string(ca.pem)}}
	for _, n := range []struct {
		at  **node
		id  string
		sub exchange.SubsystemID
	}{{&w.asking, "COM/4321/gateway", w.client}, {&w.answering, "COM/1234/gateway", w.service.SubsystemID}} {
		made, member, err := w.prepare(ctx, ca, n.id, n.sub)
		if err != nil {
			return nil, err
		}
		*n.at = made
		doc.Nodes = append(doc.Nodes, member.node)
		doc.Members = append(doc.Members, member.Member)
	}
	s, err := note.NewSigner(signer)
	if err != nil {
		return nil, err
	}
	signed, err := directory.Sign(doc, s)
	if err != nil {
		return nil, err
	}
	w.central, err = serve(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(signed) }), &w.stops)
	if err != nil {
		return nil, err
	}
	return w, w.startGateways(ctx)
}

func targetHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"message":"Hello, world from POST service!"}`)
	})
}

func serve(h http.Handler, stops *[]func()) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	*stops = append(*stops, func() { _ = s.Close() })
	return l, nil
}

type joined struct {
	directory.Member
	node directory.Node
}

// prepare makes a gateway's data: its member with a signing key, and what it
// needs for the one exchange of the benchmark.
func (w *world) prepare(ctx context.Context, ca *authority, id string, sub exchange.SubsystemID) (*node, joined, error) {
	n := &node{id: id, data: filepath.Join(w.folder, strings.ReplaceAll(id, "/", "-"))}
	n.cert, n.key = n.data+".crt", n.data+".key"
	leaf, err := ca.issue(id, n.cert, n.key)
	if err != nil {
		return nil, joined{}, err
	}
	for _, a := range []*string{&n.xroad, &n.link, &n.http} {
		if *a, err = freeAddress(); err != nil {
			return nil, joined{}, err
		}
	}
	g, err := app.OpenGateway(ctx, app.Config{Data: n.data, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, joined{}, err
	}
	defer g.Close()
	m := exchange.Member{Class: sub.Class, Code: sub.Member, Name: i18n.Text{VI: sub.Member, EN: sub.Member}, Subsystems: []exchange.Subsystem{{Code: sub.Subsystem}}}
	if err := g.Exchange.AddMember(ctx, m); err != nil {
		return nil, joined{}, err
	}
	key, err := g.Keys.Current(ctx, m.ID().String(), keys.Sign)
	if err != nil {
		return nil, joined{}, err
	}
	public, ok := key.Public.(ed25519.PublicKey)
	if !ok {
		return nil, joined{}, errors.New("bench: a member's key is not Ed25519")
	}
	if sub == w.client {
		w.secret, _, err = g.Exchange.NewClientKey(ctx, w.client, "bench", time.Time{})
	} else {
		err = w.offer(ctx, g)
	}
	name := i18n.Text{VI: sub.Subsystem, EN: sub.Subsystem}
	return n, joined{
		Member: directory.Member{
			Class: sub.Class, Code: sub.Member, Name: m.Name, Node: id, Subsystems: []directory.Subsystem{{Code: sub.Subsystem, Name: name}},
			Keys: []directory.Key{{ID: key.ID, Public: base64.StdEncoding.EncodeToString(public), From: time.Now().Add(-time.Hour)}},
		},
		node: directory.Node{ID: id, Address: n.link, Certificates: []directory.Certificate{{
			Fingerprint: directory.Fingerprint(leaf), Serial: leaf.SerialNumber.Text(16), From: leaf.NotBefore, Until: leaf.NotAfter,
		}}},
	}, err
}

// offer grants the client what it will ask for.
func (w *world) offer(ctx context.Context, g *app.App) error {
	client := exchange.Member{Class: w.client.Class, Code: w.client.Member, Name: i18n.Text{VI: "x", EN: "x"}, Subsystems: []exchange.Subsystem{{Code: w.client.Subsystem}}}
	if err := g.Exchange.AddMember(ctx, client); err != nil {
		return err
	}
	_, err := g.Exchange.AddGrant(ctx, exchange.Grant{
		Client: w.client, Service: w.service, Operations: []string{exchange.OpRead, exchange.OpCreate}, Fields: []string{exchange.AllFields},
		Purpose: "birth-registration", LegalBasis: "benchmark",
	})
	return err
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (w *world) startGateways(ctx context.Context) error {
	for _, n := range []*node{w.asking, w.answering} {
		if err := w.start(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// start runs a gateway and waits until it answers.
func (w *world) start(ctx context.Context, n *node) error {
	origin := "http://localhost" + n.http[strings.LastIndex(n.http, ":"):]
	n.process = exec.Command(w.binary, "bench", "gateway", "--data", n.data, "--node", n.id, "--central", "http://"+w.central.Addr().String(), "--trust", w.verify, //nolint:gosec // our own binary
		"--node-cert", n.cert, "--node-key", n.key, "--xroad", n.xroad, "--link", n.link, "--listen", n.http, "--origin", origin)
	n.process.Env = append(os.Environ(), "DINH_BENCH_TARGET="+w.target.Addr().String())
	n.process.Stderr = w.log
	if err := n.process.Start(); err != nil {
		return err
	}
	w.stops = append(w.stops, n.stop)
	return await(ctx, "http://"+n.http+"/healthz")
}

func (n *node) stop() {
	if n.process == nil {
		return
	}
	_ = n.process.Process.Signal(syscall.SIGTERM)
	_ = n.process.Wait()
	n.process = nil
}

func await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("bench: %s did not answer", url)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (w *world) close() {
	for i := len(w.stops) - 1; i >= 0; i-- {
		w.stops[i]()
	}
}

// authority issues the certificates of both kinds of hops.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(file string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	a := &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	return a, os.WriteFile(file, a.pem, 0o600)
}

func (a *authority) issue(name, certFile, keyFile string) (*x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"localhost"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
