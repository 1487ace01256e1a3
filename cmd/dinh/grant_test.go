package main

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/app"
)

// Grants are made, listed and ended by commands, and none names what is not there.
func TestGrantCommands(t *testing.T) {
	at, _ := central(t)
	add := func(field, purpose string) string {
		return told(t, "grant", "add", "--data", at, "--client", "VN/GOV/MOJ/civil-status", "--service", "VN/GOV/MPS/population/population", "--may", "read",
			"--field", field, "--purpose", purpose, "--legal-basis", "Luật Hộ tịch 2014, Điều 58", "--days", "30", "--quota", "60")
	}
	for _, tt := range []struct{ field, purpose, want string }{
		{"shoe_size", "birth-registration", "shoe_size"}, {"full_name", "curiosity", "curiosity"},
	} {
		if got := add(tt.field, tt.purpose); !strings.Contains(got, "dinh: ") || !strings.Contains(got, tt.want) {
			t.Errorf("%q", got)
		}
	}
	made := add("full_name", "birth-registration")
	id := regexp.MustCompile(`grant revoke (\S+)`).FindStringSubmatch(made)
	if id == nil {
		t.Fatal(made)
	}
	if list := told(t, "grant", "list", "--data", at); !regexp.MustCompile(id[1] + `.*read\s+–\s+birth-registration\s+60 a minute.*valid`).MatchString(list) {
		t.Error(list)
	}
	if got := told(t, "grant", "revoke", id[1], "nhầm", "--data", at); !strings.Contains(got, "Revoked") {
		t.Error(got)
	}
	if list := told(t, "grant", "list", "--data", at); !regexp.MustCompile(id[1] + `.*revoked`).MatchString(list) {
		t.Error(list)
	}
}

// What an operator looks up on a gateway leaves nothing of the country there.
func TestCommandsLeaveAGatewayAlone(t *testing.T) {
	c := app.Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	a, err := app.OpenGateway(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	for _, args := range [][]string{{"grant", "list"}, {"member", "list"}, {"certificate", "list"}, {"jobs", "dead"}, {"publish", "list"}, {"group", "list"}, {"backup", t.TempDir() + "/copy.db"}} {
		if got := told(t, append(args, "--data", c.Data)...); strings.Contains(got, "panic") {
			t.Error(got)
		}
	}
	if a, err = app.OpenGateway(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if all, err := a.Exchange.Members(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("%d members, %v", len(all), err)
	}
}
