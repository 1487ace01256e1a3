package peers

import (
	"testing"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// The names that X-Road's own development environment and tests use.
const (
	testClient  = "DEV/COM/4321/TestClient"
	testService = "DEV/COM/1234/TestService"
	population  = "DEV/GOV/MPS/population/population"
)

// dev starts a house that is X-Road's development environment: the instance DEV
// with a client that comes without a key and a provider with HTTP services.
func dev(t *testing.T, codes string) house {
	t.Helper()
	p := newProvider(t)
	h := start(t, plan{
		instance: "DEV", codes: codes, flags: []string{"--xroad-plain", testClient},
		prepare: func(t *testing.T, a *app.App) {
			devMembers(t, a)
			_, err := a.Exchange.AddGrant(t.Context(), exchange.Grant{
				Client: subsystem(t, testClient), Service: service(t, population), Operations: []string{"search"}, Fields: []string{"full_name", "birth_date"},
				Match: []string{"number"}, Purpose: "identification", LegalBasis: "test",
			})
			if err != nil {
				t.Fatal(err)
			}
			publish(t, a, p)
		},
	})
	h.provider = p
	return h
}

// publish puts the provider's services on the exchange, and lets the client use
// all but one.
func publish(t *testing.T, a *app.App, p *provider) {
	t.Helper()
	for code, description := range map[string]string{"mock1": "", "restapi": "", "pets": p.url + "/pets.yaml", "lost": p.url + "/lost.yaml"} {
		id := service(t, testService+"/"+code)
		s := exchange.PublishedService{ID: id, Title: i18n.Text{VI: code, EN: code}, URL: p.url + "/" + code, DescriptionURL: description, Local: true}
		if _, err := a.Exchange.PublishService(t.Context(), s, "test"); err != nil {
			t.Fatal(err)
		}
		if code == "lost" {
			continue
		}
		_, err := a.Exchange.AddGrant(t.Context(), exchange.Grant{
			Client: subsystem(t, testClient), Service: id, Operations: []string{"read", "search", "create", "amend"}, Fields: []string{"*"}, Purpose: "identification", LegalBasis: "test",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	p.gone.Store(true)
}

func devMembers(t *testing.T, a *app.App) {
	t.Helper()
	for name, id := range map[string]exchange.SubsystemID{"Test client Ltd": subsystem(t, testClient), "Test service Ltd": subsystem(t, testService)} {
		err := a.Exchange.AddMember(t.Context(), exchange.Member{
			Class: id.Class, Code: id.Member, Name: i18n.Text{VI: name, EN: name},
			Subsystems: []exchange.Subsystem{{Code: id.Subsystem, Name: i18n.Text{VI: id.Subsystem, EN: id.Subsystem}}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
