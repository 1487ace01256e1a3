package app

import (
	"context"
	"errors"
	"net/http"

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
	return open(ctx, c, func(a *App) []step {
		return []step{
			{"database", a.openDatabase},
			{"kernel", a.openKernel},
			{"pages", a.openPages},
			{"membership", a.openMembership},
			{"federation", a.openFederation},
			{"exchange", a.openExchange},
			{"events, late answers, clients", a.openBeside},
			{"server", a.openGatewayServer},
		}
	})
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
