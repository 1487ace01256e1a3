package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"runtime/pprof"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/cmd/dinh/bench/pair"
)

func benchExchangeCommand() *cobra.Command {
	var o pair.Options
	c := &cobra.Command{
		Use:   "exchange",
		Short: "Measure exchanges through two gateways beside a bare two-hop proxy and a direct call",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o.Log = cmd.ErrOrStderr()
			if o.Binary, err = os.Executable(); err != nil {
				return err
			}
			return pair.Run(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := c.Flags()
	f.IntVar(&o.Clients, "clients", 64, "clients at once, each with one request under way")
	f.DurationVar(&o.Span, "span", 0, "length of each measurement (default 6s)")
	f.IntVar(&o.Rounds, "rounds", 2, "measurements of each way, in turn")
	f.StringVar(&o.Folder, "out", "build/bench", "folder for the figures as JSON")
	return c
}

func bareProxyCommand() *cobra.Command {
	var b pair.Bare
	c := &cobra.Command{
		Use: "bare-proxy", Short: "One hop of a reverse proxy that does nothing else", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.Serve(cmd.Context()) },
	}
	f := c.Flags()
	f.StringVar(&b.Listen, "listen", "", "address")
	f.StringVar(&b.To, "to", "", "address of the next hop")
	f.StringVar(&b.Cert, "cert", "", "certificate, PEM")
	f.StringVar(&b.Key, "key", "", "its key, PEM")
	f.StringVar(&b.Roots, "roots", "", "roots, PEM")
	f.BoolVar(&b.TLSIn, "tls-in", false, "listen in mutual TLS")
	f.BoolVar(&b.TLSOut, "tls-out", false, "speak to the next hop in mutual TLS")
	return c
}

func benchGatewayCommand() *cobra.Command {
	var h house
	var at doors
	c := &cobra.Command{Use: "gateway", Hidden: true, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if p := os.Getenv("DINH_PROFILE"); p != "" {
			f, _ := os.Create(p + at.link[len(at.link)-5:])
			pprof.StartCPUProfile(f)
			defer pprof.StopCPUProfile()
		}
		conf, err := h.config(cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		return at.serve(cmd.Context(), conf, func(ctx context.Context, c app.Config) (*app.App, error) {
			a, err := app.OpenGateway(ctx, c)
			if err != nil {
				return nil, err
			}
			id, _ := exchange.ParseService("VN/COM/1234/TestService/mock1")
			return a, a.Exchange.RegisterProvider(exchange.ServiceInfo{ID: id}, tempProvider{os.Getenv("DINH_BENCH_TARGET"), &http.Transport{MaxIdleConnsPerHost: 4096}})
		}, func(*app.App) {})
	}}
	h.flags(c)
	at.flags(c)
	return c
}

type tempProvider struct {
	to string
	t  *http.Transport
}

func (tempProvider) Streams() {}

func (p tempProvider) Serve(ctx context.Context, d exchange.Delivery) (exchange.Reply, error) {
	var body io.Reader = bytes.NewReader(d.Body)
	if d.Stream != nil {
		body = d.Stream
	}
	r, err := http.NewRequestWithContext(ctx, d.Method, "http://"+p.to+"/mock1"+d.Path, body)
	if err != nil {
		return exchange.Reply{}, err
	}
	if d.Stream != nil {
		r.ContentLength = d.Length
	}
	for _, l := range d.Headers {
		r.Header.Add(l.Name, l.Value)
	}
	res, err := p.t.RoundTrip(r)
	if err != nil {
		return exchange.Reply{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return exchange.Reply{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"), Body: b}, err
}
