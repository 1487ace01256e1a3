package app

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
	"github.com/dinh-gov/dinh/kernel/link"
)

// central is a node whose authority certifies the others and whose directory names them.
type central struct {
	*App
	doc    directory.Document
	signer note.Signer
	trust  string
}

// openCentral serves the node at the address that its certificates name.
func openCentral(t *testing.T, c clock.Clock) *central {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	a, err := OpenGateway(t.Context(), Config{Data: t.TempDir(), Clock: c, Origin: "http://localhost:" + port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: a.Handler(), ReadHeaderTimeout: time.Minute}}
	srv.Start()
	t.Cleanup(srv.Close)
	skey, vkey, err := ledger.NewKey("central.test/directory")
	if err != nil {
		t.Fatal(err)
	}
	d := &central{App: a, trust: vkey}
	if d.signer, err = note.NewSigner(skey); err != nil {
		t.Fatal(err)
	}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Keys.CA().Raw})
	d.doc = directory.Document{Instance: a.Instance, Version: 1, Issued: c.Now(), Expires: c.Now().Add(24 * time.Hour), Authorities: []string{string(root)}}
	return d
}

// join certifies a node and names it.
func (d *central) join(t *testing.T, id string) (keys.Certificate, crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Keys.IssueNode(t.Context(), id, csr, keys.Name{CommonName: id, Hosts: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	d.doc.Nodes = append(d.doc.Nodes, directory.Node{ID: id, Address: "localhost:1", Certificates: []directory.Certificate{{
		Fingerprint: directory.Fingerprint(c.Certificate), Serial: c.Serial, From: c.Certificate.NotBefore, Until: c.Certificate.NotAfter,
	}}})
	return c, key
}

// gateway opens a node that joined and has the directory as it stands.
func (d *central) gateway(t *testing.T, id string, c keys.Certificate, key crypto.Signer) *App {
	t.Helper()
	signed, err := directory.Sign(d.doc, d.signer)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := OpenGateway(t.Context(), Config{Data: dir, Clock: d.Config.Clock, Log: slog.New(slog.DiscardHandler), Federation: &Federation{
		Node: id, Central: d.Config.Origin, Trust: []string{d.trust},
		Certificate: write("node.pem", "CERTIFICATE", c.Certificate.Raw), Key: write("node.key", "PRIVATE KEY", private),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if err := a.Directory.Accept(t.Context(), signed); err != nil {
		t.Fatal(err)
	}
	return a
}

// A link that is open ends when the certificate of either end is revoked, although
// the directory names it still and its last good answer would hold for an hour.
func TestOpenLinksEndWithTheirCertificate(t *testing.T) {
	t.Parallel()
	for _, falls := range []string{"GOV/A/n", "GOV/B/n"} {
		t.Run(falls, func(t *testing.T) {
			t.Parallel()
			now := clock.New(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
			d := openCentral(t, now)
			certA, keyA := d.join(t, "GOV/A/n")
			certB, keyB := d.join(t, "GOV/B/n")
			a, b := d.gateway(t, "GOV/A/n", certA, keyA), d.gateway(t, "GOV/B/n", certB, keyB)
			l, err := net.Listen("tcp", "localhost:0")
			if err != nil {
				t.Fatal(err)
			}
			came := make(chan struct{})
			s := &link.Server{TLS: func() *tls.Config { return b.linkTLS("") }, Times: link.Times{Check: time.Millisecond}, Log: b.Config.Log,
				Handler: func(ctx context.Context, _ link.Peer, m link.Message) link.Message {
					came <- struct{}{}
					<-ctx.Done()
					return m
				}}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- s.Serve(ctx, l) }()
			t.Cleanup(func() { cancel(); <-done })
			a.links.Times.Check = time.Millisecond
			lost := make(chan error, 1)
			go func() {
				_, err := a.links.Ask(t.Context(), "GOV/B/n", l.Addr().String(), link.Message{})
				lost <- err
			}()
			<-came
			serial := map[string]string{"GOV/A/n": certA.Serial, "GOV/B/n": certB.Serial}[falls]
			if err := d.Keys.Revoke(t.Context(), serial, keys.KeyCompromise); err != nil {
				t.Fatal(err)
			}
			now.Advance(revocationFresh)
			if err := <-lost; !errors.Is(err, link.ErrLost) {
				t.Errorf("who waited got %v", err)
			}
			if _, err := a.links.Ask(t.Context(), "GOV/B/n", l.Addr().String(), link.Message{}); !errors.Is(err, link.ErrUnreachable) {
				t.Errorf("asked again: %v", err)
			}
		})
	}
}

// A node that is revoked is refused, although the directory names it still.
func TestRevokedNodesAreRefused(t *testing.T) {
	t.Parallel()
	now := clock.New(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	d := openCentral(t, now)
	mine, key := d.join(t, "GOV/A/n")
	other, _ := d.join(t, "GOV/B/n")
	a := d.gateway(t, "GOV/A/n", mine, key)
	shown := tls.ConnectionState{PeerCertificates: []*x509.Certificate{other.Certificate}}
	for _, node := range []string{"", "GOV/B/n"} {
		if err := a.checkNode(shown, node); err != nil {
			t.Error(err)
		}
	}
	if err := a.checkNode(shown, "GOV/C/n"); err == nil {
		t.Error("one node passes for another")
	}
	if err := d.Keys.Revoke(t.Context(), other.Serial, keys.KeyCompromise); err != nil {
		t.Fatal(err)
	}
	now.Advance(2 * time.Hour) // the answer of before has ended
	if err := a.checkNode(shown, "GOV/B/n"); errs.CodeOf(err) != "keys.revoked" {
		t.Errorf("a revoked node passes: %v", err)
	}
}
