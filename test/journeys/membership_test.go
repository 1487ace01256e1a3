package journeys

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// An organisation joins a running house from its own data folder, is let in by two
// officers, and runs a gateway that knows everybody and shows its certificate.
func TestAnOrganisationJoins(t *testing.T) {
	ctx := t.Context()
	central := shared(t)
	for id, name := range map[string]string{"members-1": "Trần Thị Lan", "members-2": "Lê Minh"} {
		_, _, err := central.AddOfficer(ctx, identity.Officer{ID: id, Name: name, Member: "GOV/MPS", Roles: []string{directory.RoleRegistrar}, Email: id + "@mps.example.vn"})
		must(t, err)
	}
	must(t, central.Registry.TakeOwn(ctx))
	must(t, central.Registry.Publish(ctx))

	there := app.Config{
		Data: t.TempDir(), Log: slog.New(slog.DiscardHandler),
		Federation: &app.Federation{Node: "COM/BANK/node1", Central: central.Base, Trust: []string{strings.TrimSpace(central.caller(t, "").get(t, "/directory/verifier-key").Body)}},
	}
	member, err := app.OpenMembership(ctx, there)
	must(t, err)
	_, err = member.Membership.Request(ctx, directory.Application{
		Class: "COM", Code: "BANK", Name: i18n.Text{VI: "Ngân hàng Thử", EN: "Test Bank"}, Email: "ops@bank.example.vn",
		Subsystems: []directory.Subsystem{{Code: "loans", Name: i18n.Text{VI: "Cho vay", EN: "Loans"}}}, Node: "node1", Address: "127.0.0.1:5500",
	})
	must(t, err)
	must(t, member.Membership.Prove(ctx))
	decide(t, central, "COM/BANK", "members-1", "members-2")
	must(t, member.Membership.Tend(ctx))
	certificate, err := member.Membership.Certificate(ctx)
	must(t, err)
	member.Close()

	gateway, err := app.OpenGateway(ctx, there)
	must(t, err)
	defer gateway.Close()
	must(t, gateway.Directory.Refresh(ctx))
	if n, ok := gateway.Directory.NodeOf("VN/GOV/MPS/population"); !ok || n.ID != "GOV/MPS/node1" {
		t.Errorf("the gateway finds the register at %+v", n)
	}
	if n, ok := gateway.Directory.NodeBy(certificate.Leaf); !ok || n.ID != "COM/BANK/node1" {
		t.Errorf("the certificate is of %+v", n)
	}
	mine, err := gateway.Membership.Current(ctx, "COM/BANK", keys.Sign)
	must(t, err)
	if who, _, valid := gateway.Directory.Key(mine.ID, time.Now()); who != "COM/BANK" || !valid {
		t.Error("it signs with a key that is not listed")
	}

	registrar, err := central.Registrar(ctx, "members-1")
	must(t, err)
	_, err = central.Registry.Propose(ctx, registrar, directory.Remove, "COM/BANK", "thử xong")
	must(t, err)
	decide(t, central, "COM/BANK", "members-2")
	must(t, gateway.Directory.Refresh(ctx))
	if _, ok := gateway.Directory.NodeBy(certificate.Leaf); ok {
		t.Error("a removed member's certificate still counts")
	}
	revoked := false
	issued, err := central.Keys.Issued(ctx)
	must(t, err)
	for _, c := range issued {
		revoked = revoked || c.Owner == "COM/BANK/node1" && !c.Revoked.IsZero()
	}
	if !revoked {
		t.Error("the authority did not revoke the certificate")
	}
	if a := central.caller(t, "").get(t, "/directory/join"); a.Status != http.StatusOK {
		t.Error(a.Status)
	}
}

// decide has officers approve what waits for a member.
func decide(t *testing.T, central *house, member string, officers ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for _, officer := range officers {
		p, err := central.Registrar(ctx, officer)
		must(t, err)
		all, err := central.Registry.Requests(ctx, p)
		must(t, err)
		for _, r := range all {
			if r.Member == member && r.State == directory.Proved {
				_, err := central.Registry.Approve(ctx, p, r.ID)
				must(t, err)
			}
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
