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

// Gateway is one node of a World, run as a process of its own.
type Gateway struct {
	ID, Data          string
	Database          string // postgres://…; empty: SQLite in Data
	XRoad, Link, HTTP string // addresses
	Namespace         string // of the network that it runs in; empty: this one

	cert, key string // PEM files
	process   *exec.Cmd
}

// Setting is what differs between worlds. The zero value of each member but
// Folder and Binary is a sensible default.
type Setting struct {
	Folder, Binary string
	Log            io.Writer    // what the gateways say
	Target         http.Handler // what answers behind the second gateway; nil: a greeting
	// Each is asked before a gateway's data are made, and may choose its database,
	// network and addresses.
	Each func(*Gateway)
	Host string // address on which target and directory listen; 127.0.0.1
	// Twins runs the answering node as two processes on one database, which must
	// then be PostgreSQL.
	Twins bool
	// Publish may change what is published as the service.
	Publish func(*exchange.PublishedService)
}

// World is two gateways, a target behind the second, and a directory that knows
// both.
type World struct {
	Setting
	Asking, Answering *Gateway
	Twin              *Gateway // with Twins: the answering node's second process
	Client            exchange.SubsystemID
	Service           exchange.ServiceID
	Secret            string // API key of the client

	roots           string // PEM file
	verify          string // verifier key of the directory
	target, central net.Listener
	stops           []func()
}

// New makes a world and starts it.
func New(ctx context.Context, s Setting) (w *World, err error) {
	if s.Host == "" {
		s.Host = "127.0.0.1"
	}
	if s.Target == nil {
		s.Target = Greeting()
	}
	w = &World{
		Setting: s, roots: filepath.Join(s.Folder, "ca.pem"),
		Client: exchange.SubsystemID{Instance: "VN", Class: "COM", Member: "4321", Subsystem: "TestClient"},
	}
	w.Service = exchange.ServiceID{SubsystemID: exchange.SubsystemID{Instance: "VN", Class: "COM", Member: "1234", Subsystem: "TestService"}, Service: "mock1"}
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	if w.target, err = w.serve(w.Target); err != nil {
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
		at  **Gateway
		id  string
		sub exchange.SubsystemID
	}{{&w.Asking, "COM/4321/gateway", w.Client}, {&w.Answering, "COM/1234/gateway", w.Service.SubsystemID}} {
		made, member, err := w.prepare(ctx, ca, n.id, n.sub)
		if err != nil {
			return nil, err
		}
		*n.at = made
		doc.Nodes = append(doc.Nodes, member.node)
		doc.Members = append(doc.Members, member.Member)
	}
	signing, err := note.NewSigner(signer)
	if err != nil {
		return nil, err
	}
	signed, err := directory.Sign(doc, signing)
	if err != nil {
		return nil, err
	}
	w.central, err = w.serve(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(signed) }))
	if err != nil {
		return nil, err
	}
	err = errors.Join(w.Start(ctx, w.Asking), w.Start(ctx, w.Answering))
	if w.Twin != nil {
		err = errors.Join(err, w.Start(ctx, w.Twin))
	}
	return w, err
}

// Greeting is a service that reads what it gets and answers as X-Road's own
// example does.
func Greeting() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"message":"Hello, world from POST service!"}`)
	})
}

func (w *World) serve(h http.Handler) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(w.Host, "0"))
	if err != nil {
		return nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	w.stops = append(w.stops, func() { _ = s.Close() })
	return l, nil
}

type joined struct {
	directory.Member
	node directory.Node
}

// prepare makes a gateway's data: its member with a signing key, and what it
// needs for the one exchange of the benchmark.
func (w *World) prepare(ctx context.Context, ca *authority, id string, sub exchange.SubsystemID) (*Gateway, joined, error) {
	n := &Gateway{ID: id, Data: filepath.Join(w.Folder, strings.ReplaceAll(id, "/", "-"))}
	n.cert, n.key = n.Data+".crt", n.Data+".key"
	leaf, err := ca.issue(id, n.cert, n.key)
	if err != nil {
		return nil, joined{}, err
	}
	for _, a := range []*string{&n.XRoad, &n.Link, &n.HTTP} {
		if *a, err = freeAddress(); err != nil {
			return nil, joined{}, err
		}
	}
	if w.Each != nil {
		w.Each(n)
	}
	address := n.Link
	if w.Twins && sub != w.Client {
		twin := *n
		for _, a := range []*string{&twin.XRoad, &twin.Link, &twin.HTTP} {
			if *a, err = freeAddress(); err != nil {
				return nil, joined{}, err
			}
		}
		w.Twin, address = &twin, address+","+twin.Link
	}
	g, err := n.Open(ctx)
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
	if sub == w.Client {
		w.Secret, _, err = g.Exchange.NewClientKey(ctx, w.Client, "bench", time.Time{})
	} else {
		err = w.offer(ctx, g)
	}
	name := i18n.Text{VI: sub.Subsystem, EN: sub.Subsystem}
	return n, joined{
		Member: directory.Member{
			Class: sub.Class, Code: sub.Member, Name: m.Name, Node: id, Subsystems: []directory.Subsystem{{Code: sub.Subsystem, Name: name}},
			Keys: []directory.Key{{ID: key.ID, Public: base64.StdEncoding.EncodeToString(public), From: time.Now().Add(-time.Hour)}},
		},
		node: directory.Node{ID: id, Address: address, Certificates: []directory.Certificate{{
			Fingerprint: directory.Fingerprint(leaf), Serial: leaf.SerialNumber.Text(16), From: leaf.NotBefore, Until: leaf.NotAfter,
		}}},
	}, err
}

// Open opens a gateway's data while its process does not run.
func (n *Gateway) Open(ctx context.Context) (*app.App, error) {
	return app.OpenGateway(ctx, app.Config{Data: n.Data, Database: n.Database, Log: slog.New(slog.DiscardHandler)})
}

// offer publishes the service, and grants the client what it will ask for.
func (w *World) offer(ctx context.Context, g *app.App) error {
	client := exchange.Member{Class: w.Client.Class, Code: w.Client.Member, Name: i18n.Text{VI: "x", EN: "x"}, Subsystems: []exchange.Subsystem{{Code: w.Client.Subsystem}}}
	if err := g.Exchange.AddMember(ctx, client); err != nil {
		return err
	}
	service := exchange.PublishedService{
		ID: w.Service, Title: i18n.Text{VI: "Thử", EN: "Test"}, URL: "http://" + w.target.Addr().String() + "/" + w.Service.Service, Local: true,
	}
	if w.Publish != nil {
		w.Publish(&service)
	}
	if _, err := g.Exchange.PublishService(ctx, service, "operator"); err != nil {
		return err
	}
	_, err := g.Exchange.AddGrant(ctx, exchange.Grant{
		Client: w.Client, Service: w.Service, Operations: []string{exchange.OpRead, exchange.OpCreate}, Fields: []string{exchange.AllFields},
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

// Start runs a gateway and waits until it answers.
func (w *World) Start(ctx context.Context, n *Gateway) error {
	origin := "http://localhost" + n.HTTP[strings.LastIndex(n.HTTP, ":"):]
	args := []string{
		w.Binary, "gateway", "--data", n.Data, "--node", n.ID, "--central", "http://" + w.central.Addr().String(), "--trust", w.verify,
		"--node-cert", n.cert, "--node-key", n.key, "--xroad", n.XRoad, "--link", n.Link, "--listen", n.HTTP, "--origin", origin,
	}
	if n.Database != "" {
		args = append(args, "--database", n.Database)
	}
	if n.Namespace != "" {
		args = append([]string{"ip", "netns", "exec", n.Namespace}, args...)
	}
	n.process = exec.Command(args[0], args[1:]...) //nolint:gosec // our own binary
	n.process.Stderr = w.Log
	if err := n.process.Start(); err != nil {
		return err
	}
	w.stops = append(w.stops, n.Stop)
	return await(ctx, "http://"+n.HTTP+"/healthz")
}

// Stop ends a gateway in good order.
func (n *Gateway) Stop() { n.end(syscall.SIGTERM) }

// Kill ends a gateway at once, whatever it is doing.
func (n *Gateway) Kill() { n.end(syscall.SIGKILL) }

// PID is the process that runs it; 0: none.
func (n *Gateway) PID() int {
	if n.process == nil {
		return 0
	}
	return n.process.Process.Pid
}

func (n *Gateway) end(s syscall.Signal) {
	if n.process == nil {
		return
	}
	_ = n.process.Process.Signal(s)
	_ = n.process.Wait()
	n.process = nil
}

// Path is the service's address at the asking gateway.
func (w *World) Path() string { return "/r1/" + w.Service.String() }

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

// Close ends everything.
func (w *World) Close() {
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
