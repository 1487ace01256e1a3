package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/clients"
	"github.com/dinh-gov/dinh/blocks/exchange/deferred"
	"github.com/dinh-gov/dinh/blocks/exchange/pubsub"
	"github.com/dinh-gov/dinh/blocks/exchange/webhook"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// openBeside builds what stands beside X-Road's protocol: events, answers that
// nobody waits for, and clients without a node.
func (a *App) openBeside(context.Context) (err error) {
	c := a.Config
	a.Webhooks = webhook.New(webhook.Deps{DB: a.DB, Clock: c.Clock, Members: a.Exchange, Instance: a.Instance, Inside: c.Demo})
	a.Events, err = pubsub.New(pubsub.Deps{
		DB: a.DB, Clock: c.Clock, Exchange: a.Exchange, Keys: a.Keys, Webhooks: a.Webhooks, Jobs: a.Jobs, Catalog: a.Catalog, Log: c.Log,
	})
	if err != nil {
		return err
	}
	a.names.told = a.Events
	a.Deferred, err = deferred.New(deferred.Deps{
		DB: a.DB, Clock: c.Clock, Exchange: a.Exchange, Keys: a.Keys, Webhooks: a.Webhooks, Jobs: a.Jobs, Catalog: a.Catalog, Log: c.Log,
	})
	if err != nil {
		return err
	}
	a.Clients, err = clients.New(clients.Deps{
		DB: a.DB, Clock: c.Clock, Exchange: a.Exchange, Keys: a.Keys, Origin: c.Origin, Catalog: a.Catalog, Log: c.Log,
	})
	if err != nil {
		return err
	}
	a.Exchange.Join(exchange.Beside{Later: a.Deferred, Tokens: a.Clients, Client: a.Deferred.Client, Route: func(r *http.Request) httpx.Handler {
		if h := a.Events.Route(r); h != nil {
			return h
		}
		return a.Deferred.Route(r)
	}})
	return nil
}

// XRoadTLS is for tls.NewListener beneath ServeXRoad: with a certificate of this
// house for hosts, and with clients that may show theirs. The exchange decides what
// a certificate opens.
func (a *App) XRoadTLS(ctx context.Context, hosts []string) (*tls.Config, error) {
	owner := "instance/" + a.Instance + "/xroad"
	if _, err := a.Keys.Ensure(ctx, owner, keys.TLS, keys.Name{CommonName: a.Instance + " X-Road", Hosts: hosts}); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.Keys.CA())
	check := keys.PeerCheck{Roots: pool, Revocations: a.Keys, Clock: a.Config.Clock, Usage: x509.ExtKeyUsageClientAuth}
	return &tls.Config{
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return nil
			}
			return check.VerifyConnection(s)
		},
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			// Asked at each handshake, so that a renewed certificate needs no restart.
			k, err := a.Keys.Ensure(h.Context(), owner, keys.TLS, keys.Name{CommonName: a.Instance + " X-Road", Hosts: hosts})
			if err != nil {
				return nil, err
			}
			cert, err := a.Keys.TLSCertificate(h.Context(), k.ID)
			return &cert, err
		},
	}, nil
}
