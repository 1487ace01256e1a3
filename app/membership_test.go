package app

import (
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/clock"
)

// A house for itself lists its members and its one node; its next certificate is
// listed weeks before it is shown, so that every other node knows it by then.
func TestOwnListing(t *testing.T) {
	t.Parallel()
	ctx, at := t.Context(), clock.New(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))
	c := Config{Data: t.TempDir(), Clock: at, Origin: "https://dinh.example.vn"}
	c.Mail.Host, c.Mail.Port, c.Mail.From = "localhost", 25, "nobody@localhost.invalid"
	a, err := Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	shown := func() (fingerprint string, until time.Time) {
		t.Helper()
		if err := a.Registry.TakeOwn(ctx); err != nil {
			t.Fatal(err)
		}
		if err := a.Registry.Publish(ctx); err != nil {
			t.Fatal(err)
		}
		s, err := a.nodeCertificate(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := a.Listing().NodeBy(s.Leaf); !ok || n.ID != "GOV/MPS/node1" {
			t.Fatalf("it shows a certificate that the directory does not name: %+v", n)
		}
		return directory.Fingerprint(s.Leaf), s.Leaf.NotAfter
	}
	first, end := shown()
	n, ok := a.Listing().NodeOf("VN/GOV/MOJ/civil-status")
	if !ok || n.Address != "dinh.example.vn:443" || len(n.Certificates) != 1 || len(a.Listing().Members()) < 4 {
		t.Errorf("%+v, %d members", n, len(a.Listing().Members()))
	}
	at.Set(end.Add(-29 * 24 * time.Hour))
	if now, _ := shown(); now != first {
		t.Error("it shows a certificate of which nobody has heard")
	}
	if n, _ := a.Listing().Node(n.ID); len(n.Certificates) != 2 {
		t.Errorf("the next certificate is not listed: %+v", n.Certificates)
	}
	at.Set(end.Add(-6 * 24 * time.Hour))
	if now, until := shown(); now == first || !until.After(end) {
		t.Error("it shows a certificate that ends")
	}
}
