package app

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
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

// A node that is revoked is refused, although the directory names it still.
func TestRevokedNodesAreRefused(t *testing.T) {
	t.Parallel()
	now := clock.New(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	d := openCentral(t, now)
	mine, key := d.join(t, "GOV/A/n")
	other, _ := d.join(t, "GOV/B/n")
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
	a, err := OpenGateway(t.Context(), Config{Data: dir, Clock: now, Federation: &Federation{
		Node: "GOV/A/n", Central: d.Config.Origin, Trust: []string{d.trust},
		Certificate: write("node.pem", "CERTIFICATE", mine.Certificate.Raw), Key: write("node.key", "PRIVATE KEY", private),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if err := a.Directory.Accept(t.Context(), signed); err != nil {
		t.Fatal(err)
	}
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
