package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/pubsub"
	"github.com/dinh-gov/dinh/blocks/portal"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/kernel/calendar"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
)

// names says what people call members, services, purposes and fields.
type names struct {
	members     []country.Member
	purposes    []country.Purpose
	events      []country.LifeEvent
	registers   []*registers.Definition
	application func(id string) (i18n.Text, bool)
	told        *pubsub.Pubsub
}

func readCountry() (instance string, n *names, err error) {
	n = &names{}
	if instance, n.members, err = country.Members(); err != nil {
		return "", nil, err
	}
	if n.purposes, err = country.Purposes(); err != nil {
		return "", nil, err
	}
	if n.events, err = country.LifeEvents(); err != nil {
		return "", nil, err
	}
	n.registers, err = readRegisters()
	return instance, n, err
}

func readCalendar() (*calendar.Calendar, error) {
	text, err := country.Calendar()
	if err != nil {
		return nil, err
	}
	return calendar.Parse(text)
}

func readRegisters() ([]*registers.Definition, error) { return registers.Load(country.Registers()) }

func readCodes() (services.Codes, error) {
	text, err := country.Codes()
	if err != nil {
		return nil, err
	}
	return services.LoadCodes(country.CodesFile, text)
}

// openCountry brings the country's members, grants, register services and
// public services into the house. Doing it again changes only what changed.
func (a *App) openCountry(ctx context.Context) error {
	for _, m := range a.names.members {
		if err := a.addMember(ctx, m); err != nil {
			return err
		}
	}
	return errors.Join(a.offerRegisters(), a.grant(ctx), a.publish(ctx), a.Broker.Check())
}

// offerRegisters puts the registers on the exchange of this process.
func (a *App) offerRegisters() error {
	all := a.names.registers
	if a.Registers != nil { // a demonstration may keep more than the country's
		all = a.Registers.Definitions()
	}
	for _, d := range all {
		id, err := exchange.ParseService(a.Instance + "/" + d.Member + "/" + d.Subsystem + "/" + d.ServiceCode())
		if err != nil {
			return err
		}
		doc, err := d.OpenAPI()
		if err != nil {
			return err
		}
		info := exchange.ServiceInfo{ID: id, Title: d.Title, OpenAPI: doc, Endpoints: []exchange.Endpoint{
			{Method: "GET", Path: "/records/*", Operation: "read"}, {Method: "POST", Path: "/search", Operation: "search"},
			{Method: "POST", Path: "/records", Operation: "create"}, {Method: "PATCH", Path: "/records/*", Operation: "amend"},
		}, Fields: d.Fields(), Label: d.Label, PublicStatistics: d.PublicStatistics}
		if err := a.Exchange.RegisterProvider(info, registerProvider{registers: a.Registers, register: d.ID}); err != nil {
			return err
		}
	}
	return nil
}

// addMember lets a member in, with the key it signs documents with.
func (a *App) addMember(ctx context.Context, m country.Member) error {
	subs := make([]exchange.Subsystem, len(m.Subsystems))
	for i, s := range m.Subsystems {
		subs[i] = exchange.Subsystem{Code: s.Code, Name: s.Name}
	}
	if err := a.Exchange.AddMember(ctx, exchange.Member{Class: m.Class, Code: m.Code, Name: m.Name, Subsystems: subs}); err != nil {
		return err
	}
	_, err := a.Keys.Ensure(ctx, m.ID(), keys.Document, keys.Name{CommonName: m.SignsAs.VI, Organization: m.Name.VI, Unit: m.ID()})
	return err
}

// grant adds the country's grants that are not there yet. One that somebody
// revoked stays revoked.
func (a *App) grant(ctx context.Context) error {
	wanted, err := country.Grants()
	if err != nil {
		return err
	}
	have, err := a.Exchange.Grants(ctx)
	if err != nil {
		return err
	}
	for _, g := range wanted {
		if slices.ContainsFunc(have, func(h exchange.Grant) bool { return h.ID == g.ID }) {
			continue
		}
		client, err := exchange.ParseSubsystem(a.Instance + "/" + g.Client)
		if err != nil {
			return err
		}
		service, err := exchange.ParseService(a.Instance + "/" + g.Service)
		if err != nil {
			return err
		}
		until, err := time.ParseInLocation(time.DateOnly, g.Until, a.Calendar.Zone())
		if err != nil {
			return err
		}
		_, err = a.Exchange.AddGrant(ctx, exchange.Grant{
			ID: g.ID, Client: client, Service: service, Operations: g.Operations, Fields: g.Fields, Match: g.Match, Consent: g.Consent, Purpose: g.Purpose, LegalBasis: g.LegalBasis,
			Until: until.AddDate(0, 0, 1), Quota: exchange.Quota(g.Quota), GrantedBy: "country",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *App) publish(ctx context.Context) error {
	found, err := a.Services.Loader().Load(country.Services())
	if err != nil {
		return err
	}
	for _, s := range found {
		if err := a.Services.Publish(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) serviceTitle(id string) (i18n.Text, bool) {
	if id == "identity" {
		return i18n.Text{VI: "Đăng nhập và xác thực", EN: "Signing in"}, true
	}
	s, err := a.Services.Live(context.Background(), id)
	if err != nil {
		return i18n.Text{}, false
	}
	return s.Title, true
}

// MemberName implements transparency.Names: of a member or one of its systems,
// with or without the instance before it.
func (n *names) MemberName(id string) (i18n.Text, bool) {
	for _, m := range n.members {
		for _, form := range []string{m.ID(), "VN/" + m.ID()} {
			if id == form {
				return m.Name, true
			}
			for _, s := range m.Subsystems {
				if id == form+"/"+s.Code {
					return i18n.Text{VI: m.Name.VI + " · " + s.Name.VI, EN: m.Name.EN + " · " + s.Name.EN}, true
				}
			}
		}
	}
	return i18n.Text{}, false
}

// signer is what a member is called on the documents it signs.
func (n *names) signer(id string) (i18n.Text, bool) {
	for _, m := range n.members {
		if m.ID() == id {
			return m.SignsAs, true
		}
	}
	return i18n.Text{}, false
}

func (n *names) lifeEvents() []portal.LifeEvent {
	out := make([]portal.LifeEvent, len(n.events))
	for i, e := range n.events {
		out[i] = portal.LifeEvent{ID: e.ID, Icon: e.Icon, Title: e.Title, Summary: e.Summary, Services: e.Services}
	}
	return out
}

func (n *names) register(service string) *registers.Definition {
	for _, d := range n.registers {
		if id := d.Member + "/" + d.Subsystem + "/" + d.ServiceCode(); service == id || service == "VN/"+id {
			return d
		}
	}
	return nil
}

// ServiceTitle implements transparency.Names.
func (n *names) ServiceTitle(service string) (i18n.Text, bool) {
	if d := n.register(service); d != nil {
		return d.Title, true
	}
	if n.told != nil {
		if title, ok := n.told.ServiceTitle(context.Background(), service); ok {
			return title, true
		}
	}
	if n.application == nil {
		return i18n.Text{}, false
	}
	return n.application(service[strings.LastIndexByte(service, '/')+1:])
}

func (n *names) purposeTitles() map[string]i18n.Text {
	out := make(map[string]i18n.Text, len(n.purposes))
	for _, p := range n.purposes {
		out[p.ID] = p.Title
	}
	return out
}

// PurposeTitle implements transparency.Names.
func (n *names) PurposeTitle(id string) (i18n.Text, bool) {
	for _, p := range n.purposes {
		if p.ID == id {
			return p.Title, true
		}
	}
	return i18n.Text{}, false
}

// ApplicationTitle implements transparency.Names.
func (n *names) ApplicationTitle(id string) (i18n.Text, bool) {
	if n.application == nil {
		return i18n.Text{}, false
	}
	return n.application(id)
}

// FieldLabel implements transparency.Names.
func (n *names) FieldLabel(service, field string) (i18n.Text, bool) {
	if d := n.register(service); d != nil {
		return d.Label(field), true
	}
	if field == wholeCase {
		return i18n.Text{VI: "Toàn bộ hồ sơ", EN: "The whole application"}, true
	}
	if n.told != nil {
		return n.told.FieldLabel(context.Background(), service, field)
	}
	return i18n.Text{}, false
}

func originName(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return "dinh"
	}
	return u.Host
}

func verifierKey(origin string, key keys.Key) (string, error) {
	public, ok := key.Public.(ed25519.PublicKey)
	if !ok {
		return "", fmt.Errorf("app: the key %s cannot sign the log: it is not an Ed25519 key", key.ID)
	}
	return ledger.VerifierKey(origin, public)
}
