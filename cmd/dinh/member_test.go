package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/blocks/identity"
)

// central is a house that publishes the directory, with two registrars.
func central(t *testing.T) (data, base string) {
	t.Helper()
	data = t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	base = "http://localhost:" + port
	c := app.Config{Data: data, Origin: base, Log: slog.New(slog.DiscardHandler)}
	c.Mail.Host, c.Mail.Port, c.Mail.From = "localhost", 25, "nobody@localhost.invalid"
	a, err := app.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"lan.tran", "minh.le"} {
		o := identity.Officer{ID: id, Name: "Trần Lê Minh Lan", Member: "GOV/MPS", Roles: []string{directory.RoleRegistrar}, Email: id + "@mps.example.vn"}
		if _, _, err := a.AddOfficer(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Registry.TakeOwn(t.Context()); err != nil {
		t.Fatal(err)
	}
	served(t, a, l)
	return data, base
}

// served has the house answer until the test ends; it is there when served returns.
func served(t *testing.T, a *app.App, l net.Listener) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		a.Close()
	})
	res, err := http.Get("http://" + l.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

// told runs a command and gives what it says, its refusal too.
func told(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	c := command()
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	if err := c.ExecuteContext(context.WithoutCancel(t.Context())); err != nil {
		out.WriteString("dinh: " + err.Error())
	}
	return out.String()
}

// An organisation joins, changes keys and is seen out, by commands alone.
func TestMemberCommands(t *testing.T) {
	at, base := central(t)
	here := []string{"--data", t.TempDir(), "--central", base}
	mine := func(verb string, args ...string) string {
		return told(t, append(append([]string{"member", verb}, here...), args...)...)
	}
	theirs := func(verb string, args ...string) string {
		return told(t, append([]string{"member", verb, "--data", at}, args...)...)
	}
	request := []string{"--class", "COM", "--code", "VCB", "--name", "Ngân hàng", "--name-en", "Bank", "--email", "ops@vcb.example.vn", "--system", "loans; Cho vay; Loans", "--address", "vcb.example.vn:5500"}
	says := func(what, got, want string) {
		t.Helper()
		if !strings.Contains(got, want) {
			t.Fatalf("%s says %q, want %q in it", what, got, want)
		}
	}
	says("status before", mine("status"), "has not asked for membership yet")
	says("request without a system", told(t, "member", "request", "--central", base), "required flag")
	says("wrong request", mine("request", append(request, "--code", "vcb")...), "capital letters")
	says("request", mine("request", request...), "Control of both keys is shown")
	says("request again", mine("request", request...), "has asked for the membership of COM/VCB already")
	says("status", mine("status"), "0 of 2 have approved")
	says("renew before", mine("renew"), "no member yet")

	list := theirs("requests", "--as", "lan.tran")
	id := regexp.MustCompile(`(\S+)\s+COM/VCB`).FindStringSubmatch(list)
	if id == nil {
		t.Fatal(list)
	}
	says("a stranger", theirs("approve", id[1], "--as", "nobody"), "Only registrars")
	says("first yes", theirs("approve", id[1], "--as", "lan.tran"), "Another registrar has to approve")
	says("same again", theirs("approve", id[1], "--as", "lan.tran"), "somebody else")
	says("second yes", theirs("approve", id[1], "--as", "minh.le"), "decided by two registrars")
	says("status after", mine("status"), "dinh gateway --node COM/VCB/node1")
	says("list", theirs("list"), "COM/VCB")
	says("rotate", mine("rotate"), "is announced")
	says("renew", mine("renew"), "The next certificate is here")
	says("status between", mine("status"), "Changes to the key")
	says("compromised", mine("rotate", "--compromised"), "is revoked")

	says("suspend without a reason", theirs("suspend", "COM/VCB", "--as", "lan.tran"), "Give the reason")
	says("suspend", theirs("suspend", "COM/VCB", "--as", "lan.tran", "--reason", "vi phạm"), "Another registrar has to approve")
	id = regexp.MustCompile(`(\S+)\s+COM/VCB\s+suspend`).FindStringSubmatch(theirs("requests", "--as", "lan.tran"))
	says("refuse", theirs("refuse", id[1], "--as", "minh.le", "--reason", "nhầm"), "refused")
	says("remove", theirs("remove", "COM/VCB", "--as", "minh.le", "--reason", "giải thể"), "Another registrar has to approve")
	id = regexp.MustCompile(`(\S+)\s+COM/VCB\s+remove`).FindStringSubmatch(theirs("requests", "--as", "lan.tran"))
	says("removed", theirs("approve", id[1], "--as", "lan.tran"), "decided by two registrars")
	says("list after", theirs("list"), "removed")
	says("renew after", mine("renew"), "not signed by a key of the member")
}

// A command that writes certificates goes by the address that the house was served
// under, or asks for it: never by a localhost that nobody named.
func TestCertificatesNameTheHouse(t *testing.T) {
	c := app.Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	open := func() *app.App {
		a, err := app.OpenGateway(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	open().Close()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	csr := filepath.Join(t.TempDir(), "node.csr")
	if err := os.WriteFile(csr, der, 0o600); err != nil {
		t.Fatal(err)
	}
	issue := func(args ...string) string {
		return told(t, append([]string{"certificate", "issue", csr, "--data", c.Data, "--owner", "GOV/A/n", "--name", "A", "--host", "a.vn"}, args...)...)
	}
	names := func(said string) []string {
		t.Helper()
		block, _ := pem.Decode([]byte(said[max(0, strings.Index(said, "-----BEGIN")):]))
		if block == nil {
			t.Fatal(said)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return cert.OCSPServer
	}
	if got := issue(); !strings.Contains(got, "name it with --origin") {
		t.Errorf("a house that nobody knows: %s", got)
	}
	if got := names(issue("--origin", "https://b.example.vn")); !slices.Equal(got, []string{"https://b.example.vn/ocsp"}) {
		t.Error(got)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Origin = "https://exchange.example.vn"
	served(t, open(), l)
	if got := names(issue()); !slices.Equal(got, []string{"https://exchange.example.vn/ocsp"}) {
		t.Error(got)
	}
}

// Beside a gateway, a command that needs no directory says nothing about it, and one
// that does says what it has to be told.
func TestCommandsAndTheDirectory(t *testing.T) {
	_, base := central(t)
	c := app.Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler), Federation: &app.Federation{Node: "COM/VCB/node1", Central: base, Trust: []string{fetched(t, base+"/directory/verifier-key")}}}
	a, err := app.OpenGateway(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if a.Directory.Version() == 0 {
		t.Fatal("the gateway has no directory")
	}
	a.Close()
	for _, given := range [][]string{nil, {"--node", "COM/VCB/node1", "--central", base}} {
		for _, args := range [][]string{{"grant", "list"}, {"jobs", "dead"}, {"publish", "list"}} {
			if got := told(t, append(append(args, "--data", c.Data), given...)...); strings.Contains(got, "directory") {
				t.Errorf("dinh %s says %s", strings.Join(args, " "), got)
			}
		}
		if got := told(t, append([]string{"member", "list", "--data", c.Data}, given...)...); !strings.HasPrefix(got, "dinh: ") || !strings.Contains(got, "--trust") {
			t.Errorf("dinh member list says %s", got)
		}
	}
	if got := told(t, "member", "list", "--data", c.Data, "--node", "COM/VCB/node1", "--central", base, "--trust", c.Federation.Trust[0]); !strings.Contains(got, "GOV/MPS") {
		t.Errorf("with all it needs: %s", got)
	}
}

func fetched(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// A gateway that runs already knows its own member, and a client of it, soon after the
// registrars have decided: long before its next look at the directory.
func TestAGatewayLearnsThatItWasLetIn(t *testing.T) {
	at, base := central(t)
	data := t.TempDir()
	mine := func(verb string, args ...string) string {
		t.Helper()
		return told(t, append([]string{"member", verb, "--data", data, "--central", base}, args...)...)
	}
	mine("request", "--class", "COM", "--code", "VCB", "--name", "Ngân hàng", "--name-en", "Bank", "--email", "ops@vcb.example.vn", "--system", "loans; Cho vay; Loans", "--address", "vcb.example.vn:5500")
	g, err := app.OpenGateway(t.Context(), app.Config{Data: data, Origin: "http://localhost:1", Log: slog.New(slog.DiscardHandler), Federation: &app.Federation{
		Node: "COM/VCB/node1", Central: base, Trust: []string{fetched(t, base+"/directory/verifier-key")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served(t, g, l)
	request := regexp.MustCompile(`(\S+)\s+COM/VCB\s+join\s+proved`).FindStringSubmatch(told(t, "member", "requests", "--as", "lan.tran", "--data", at))
	if request == nil {
		t.Fatal("the registrars see no request")
	}
	for _, by := range []string{"lan.tran", "minh.le"} {
		told(t, "member", "approve", request[1], "--as", by, "--data", at)
	}
	if got := mine("status"); !strings.Contains(got, "Member. Signs with") {
		t.Fatal(got)
	}
	look, late := time.NewTicker(50*time.Millisecond), time.NewTimer(15*time.Second)
	defer look.Stop()
	for known := false; !known; {
		select {
		case <-look.C:
			all, err := g.Exchange.Members(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			known = len(all) == 1
		case <-late.C:
			t.Fatal("it does not know its own member")
		}
	}
}
