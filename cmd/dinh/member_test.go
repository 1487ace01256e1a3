package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

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
	s := &http.Server{Handler: a.Handler()}
	go func() { _ = s.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = s.Close(); a.Close() })
	return data, base
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
