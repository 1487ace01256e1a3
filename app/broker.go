package app

import (
	"context"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/broker"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

func (a *App) openBroker(context.Context) error {
	a.consents.transparency = a.Transparency
	text, err := country.Requirements()
	if err != nil {
		return err
	}
	requirements, err := broker.Load(country.RequirementsFile, text)
	if err != nil {
		return err
	}
	a.Broker, err = broker.New(broker.Deps{
		DB: a.DB, Clock: a.Config.Clock, Keys: a.Keys, Exchange: a.Exchange, Consents: brokerConsents{a.Transparency},
		Packs: packs{a.Services, a.Instance}, Words: brokerWords{a.names, a.Registers}, Receipts: a.Transparency, Pages: a.Pages, Origin: strings.TrimSuffix(a.Config.Origin, "/"), Instance: a.Instance,
		Preview:      exchange.SubsystemID{Instance: a.Instance, Class: "GOV", Member: "MPS", Subsystem: "portal"},
		Requirements: requirements,
	})
	return err
}

// permissions asks transparency, which is built after the exchange.
type permissions struct{ transparency *transparency.Transparency }

// Consented implements exchange.Consents.
func (p *permissions) Consented(ctx context.Context, u exchange.ConsentUse) (exchange.ConsentState, error) {
	if p.transparency == nil {
		return exchange.ConsentMissing, nil
	}
	return p.transparency.Consented(ctx, u)
}

// Use implements exchange.Consents.
func (p *permissions) Use(ctx context.Context, u exchange.ConsentUse) (exchange.ConsentState, error) {
	if p.transparency == nil {
		return exchange.ConsentMissing, nil
	}
	return p.transparency.Use(ctx, u)
}

// brokerConsents keeps what people agree to.
type brokerConsents struct{ transparency *transparency.Transparency }

// Give implements broker.Consents.
func (b brokerConsents) Give(ctx context.Context, c broker.Consent) (string, error) {
	given, err := b.transparency.Give(ctx, transparency.NewConsent{
		Purpose: c.Purpose, To: c.To, Service: c.Service, Fields: c.Fields, Until: c.Until, Times: c.Times, Keep: c.Keep, Request: c.Request,
	})
	return given.ID, err
}

// Withdraw implements broker.Consents.
func (b brokerConsents) Withdraw(ctx context.Context, id string) error {
	return b.transparency.Withdraw(ctx, id)
}

// State implements broker.Consents.
func (b brokerConsents) State(ctx context.Context, number, id string) (exchange.ConsentState, int, error) {
	c, err := b.transparency.ConsentOf(ctx, number, id)
	if err != nil {
		return "", 0, err
	}
	return b.transparency.Standing(c), c.Used, nil
}

// packs are the live services with a pack.
type packs struct {
	services *services.Services
	instance string
}

// Pack implements broker.Packs.
func (p packs) Pack(ctx context.Context, service string) (broker.Pack, error) {
	s, err := p.services.Live(ctx, service)
	if errs.KindOf(err) == errs.NotFound || err == nil && s.Pack == nil {
		return broker.Pack{}, errs.New(errs.NotFound, "broker.no_pack")
	}
	if err != nil {
		return broker.Pack{}, err
	}
	return p.of(s)
}

func (p packs) of(s *services.Service) (broker.Pack, error) {
	client, err := exchange.ParseSubsystem(p.instance + "/" + s.Owner.Member + "/" + s.Owner.Subsystem)
	return broker.Pack{
		Service: s.ID, Title: s.Title, Client: client, Papers: s.Pack.Papers, Purpose: s.Pack.Purpose, Legal: s.Pack.Legal,
		Days: s.Pack.Days, Times: s.Pack.Times, Keep: s.Pack.Keep,
	}, err
}

// PacksOf implements broker.Packs.
func (p packs) PacksOf(ctx context.Context, member string) ([]broker.Pack, error) {
	all, err := p.services.All(ctx)
	if err != nil {
		return nil, err
	}
	var out []broker.Pack
	for _, s := range all {
		if s.Pack == nil || s.Owner.Member != member || s.Status != services.Live {
			continue
		}
		pack, err := p.of(s)
		if err != nil {
			return nil, err
		}
		out = append(out, pack)
	}
	return out, nil
}

// brokerWords says what registers hold as people do.
type brokerWords struct {
	*names
	registers *registers.Registers
}

// Value implements broker.Words.
func (w brokerWords) Value(service, field string, data map[string]any, lang i18n.Lang) string {
	d := w.register(service)
	if d == nil {
		return ""
	}
	said, err := w.registers.Say(d.ID, field, data, lang)
	if err != nil {
		return ""
	}
	return said
}
