package app

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

// OpenGateway builds the exchange alone: what stands between a member's systems
// and the other members, with its rights, evidence, ledger and catalogue, and
// without registers, people and services.
func OpenGateway(ctx context.Context, c Config) (*App, error) {
	if c.Federation != nil && c.Federation.Central == "" {
		return nil, errors.New("a gateway publishes no directory: name the central node with --central")
	}
	return open(ctx, c, func(a *App) []step { return append(a.exchangeSteps(), step{"server", a.openGatewayServer}) })
}

// OpenExchange builds the exchange alone for a command on data that may be a
// house's or a gateway's; nothing of the country is put into them. It knows what
// the registers have, so that no grant names what is not there.
func OpenExchange(ctx context.Context, c Config) (*App, error) {
	return open(ctx, c, func(a *App) []step {
		offer := func(context.Context) error { return a.offerRegisters() }
		return append(a.exchangeSteps(), step{"registers", offer}, step{"directory", func(ctx context.Context) (err error) {
			if a.listing == nil {
				a.listing, err = a.openListing(ctx)
			}
			return err
		}})
	})
}

func (a *App) exchangeSteps() []step {
	return []step{
		{"database", a.openDatabase},
		{"kernel", a.openKernel},
		{"pages", a.openPages},
		{"membership", a.openMembership},
		{"federation", a.openFederation},
		{"exchange", a.openExchange},
		{"events, late answers, clients", a.openBeside},
	}
}

// ServeMetrics tells the figures of this process to whoever reaches l, until ctx
// ends: a gateway has no operators who could sign in at /metrics.
func (a *App) ServeMetrics(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{}))
	return a.serveDoor(ctx, l, mux)
}

func (a *App) openGatewayServer(context.Context) error {
	blocks := []httpx.Block{a.Pages, a.Ledger, a.Authority, a.Keys, a.Witness, a.Exchange, a.Catalogue, a.Evidence, a.Webhooks, a.Clients}
	if a.Directory != nil {
		blocks = append(blocks, a.Directory)
	}
	return a.listenWith(blocks, func(r *http.Request) (auth.Principal, error) {
		p, _, err := a.Exchange.AuthenticateClient(r)
		return p, err
	})
}
