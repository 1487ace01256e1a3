package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/country/people"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

func serveCommand() *cobra.Command {
	var h house
	var at doors
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve citizens, officers and other systems",
		Example: `  dinh serve --demo --data var/demo
  dinh serve --origin https://dichvucong.example.vn --smtp smtp://mail.example.vn:587 --mail-from khong-tra-loi@example.vn`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), &h, at, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	h.flags(c)
	at.flags(c)
	c.Flags().StringSliceVar(&at.govstack, "govstack", nil, "with --demo and --govstack-data: addresses for GovStack's test suites")
	c.Flags().StringVar(&at.govstackFile, "govstack-data", "", "with --demo: file that says who GovStack's names are here")
	return c
}

// doors are the addresses that a node listens on; all but house may be empty.
type doors struct {
	house, xroad, link string
	metrics, otlp      string
	names              []string // of this node on xroad, which then speaks TLS
	plain              []string // who may come to xroad without a key
	codes              string   // spelling of error codes there
	govstack           []string
	govstackFile       string
}

func (d *doors) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&d.xroad, "xroad", env("DINH_XROAD", ""), "address for X-Road clients (/r1/…), such as 10.0.0.5:8081; on it the request hash covers the request as it was sent (DINH_XROAD)")
	f.StringSliceVar(&d.names, "xroad-tls", nil, "names and addresses of this node for X-Road clients: with them --xroad speaks TLS, and a registered client certificate stands for an API key")
	f.StringSliceVar(&d.plain, "xroad-plain", nil, "system that may come to --xroad without a key, such as VN/GOV/MOJ/civil-status (X-Road's connection type HTTP); only where nobody else reaches that address")
	f.StringVar(&d.codes, "error-codes", env("DINH_ERROR_CODES", "7.8"), "spelling of error codes for X-Road clients: 7.8 (server.serverproxy.access_denied) or 7.7 (Server.ServerProxy.AccessDenied) (DINH_ERROR_CODES)")
	f.StringVar(&d.metrics, "metrics", env("DINH_METRICS", ""), "address at which Prometheus reads /metrics without signing in, such as 127.0.0.1:9464; let nobody else reach it (DINH_METRICS)")
	f.StringVar(&d.otlp, "otlp", "", "address of an OpenTelemetry collector for traces, such as http://127.0.0.1:4318; nothing is traced without (OTEL_EXPORTER_OTLP_ENDPOINT; OpenTelemetry's other variables count too)")
	f.StringVar(&d.link, "link", env("DINH_LINK", ""), "address for other nodes, such as :5500 (DINH_LINK)")
	f.StringVar(&d.house, "listen", env("DINH_LISTEN", ""), "address to listen on; default: the origin's port on all interfaces, or loopback with --demo (DINH_LISTEN)")
}

func serve(ctx context.Context, h *house, at doors, out, errOut io.Writer) error {
	started := time.Now()
	c, err := h.config(errOut)
	if err != nil {
		return err
	}
	return at.serve(ctx, c, app.Open, func(a *app.App) {
		fmt.Fprintf(out, "Đình is ready at %s (%s)\n", a.Config.Origin, time.Since(started).Round(time.Millisecond))
		if h.demo {
			welcome(out, a, h)
		}
	})
}

// serve opens the doors before the house, so that a wrong address is told at
// once, and serves all of them until ctx ends.
func (d doors) serve(ctx context.Context, c app.Config, open func(context.Context, app.Config) (*app.App, error), ready func(*app.App)) error {
	if d.house == "" {
		d.house = listenAddress(c)
	}
	if d.link != "" && c.Federation == nil {
		return errors.New("--link is for other nodes: name this one with --node, and the directory with --central and --trust")
	}
	if len(d.govstack) > 0 && (!c.Demo || d.govstackFile == "") {
		return errors.New("--govstack is for GovStack's test suites: it needs --demo and --govstack-data")
	}
	c.Plain, c.ErrorCodes, c.GovStack = d.plain, exchange.Vocabulary(d.codes), d.govstackFile
	if !slices.Contains([]exchange.Vocabulary{"", exchange.V77, exchange.V78}, c.ErrorCodes) {
		return errors.New("--error-codes: write 7.7 or 7.8")
	}
	listeners, err := d.listen(ctx)
	if err != nil {
		return err
	}
	tracing, stop, err := telemetry.Export(ctx, d.otlp, "dinh", c.Log)
	if err != nil {
		return fmt.Errorf("--otlp: %w", err)
	}
	defer lastSpans(ctx, stop)
	c.Tracing = tracing
	a, err := open(ctx, c)
	if err != nil {
		return err
	}
	defer a.Close()
	for i, l := range listeners {
		if l.flag != "--xroad" || len(d.names) == 0 {
			continue
		}
		secured, err := a.XRoadTLS(ctx, d.names)
		if err != nil {
			return err
		}
		listeners[i].Listener = tls.NewListener(l.Listener, secured)
	}
	ready(a)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	serving := map[string]func(context.Context, net.Listener) error{"--listen": a.Serve, "--xroad": a.ServeXRoad, "--link": a.ServeLink, "--metrics": a.ServeMetrics, "--govstack": a.ServeGovStack}
	done := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { defer cancel(); done <- serving[l.flag](ctx, l.Listener) }()
	}
	for range listeners {
		err = errors.Join(err, <-done)
	}
	return err
}

// lastSpans gives the collector a moment for what it was not told yet.
func lastSpans(ctx context.Context, stop func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = stop(ctx) // the SDK has told the log
}

// door is where one address is listened on, by the flag that named it.
type door struct {
	flag string
	net.Listener
}

func (d doors) listen(ctx context.Context) (out []door, err error) {
	add := func(flag, address string) {
		if address == "" || err != nil {
			return
		}
		var l net.Listener
		if l, err = listen(ctx, address, flag); err == nil {
			out = append(out, door{flag, l})
		}
	}
	add("--listen", d.house)
	add("--xroad", d.xroad)
	add("--link", d.link)
	add("--metrics", d.metrics)
	for _, address := range d.govstack {
		add("--govstack", address)
	}
	return out, err
}

func listen(ctx context.Context, address, flag string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; choose another address with %s", address, err, flag)
	}
	return l, nil
}

func listenAddress(c app.Config) string {
	host, port := "", "8080"
	if u, err := url.Parse(c.Origin); err == nil && u.Port() != "" {
		port = u.Port()
	}
	if c.Demo {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// welcome tells somebody who tries things out where to go and as whom.
func welcome(out io.Writer, a *app.App, h *house) {
	o := a.Config.Origin
	fmt.Fprintf(out, `
  citizens   %s          officers  %s/desk
  try it as  %s/demo     mailbox   %s/dev/mail
  log key    %s/ledger/verifier-key

`, o, o, o, o, o)
	world := people.Generate(h.seed, h.people, time.Now())
	for _, s := range world.Samples() {
		fmt.Fprintf(out, "  %-5s  %-22s %s\n", s.ID, s.Name, s.Label.EN)
	}
	fmt.Fprintln(out)
	for _, s := range world.Officers() {
		fmt.Fprintf(out, "  %-22s %-22s %s\n", s.ID, s.Name, s.Label.EN)
	}
	fmt.Fprintln(out, "\nPeople and papers are made up. Stop with Ctrl+C.")
}

func seedCommand() *cobra.Command {
	var h house
	c := &cobra.Command{
		Use:     "seed",
		Short:   "Fill an empty house with generated people",
		Example: "  dinh seed --people 10000 --seed 1 --data var/demo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			started := time.Now()
			h.demo = true
			a, err := h.open(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer a.Close()
			for _, d := range a.Registers.Definitions() {
				n, err := a.Registers.Count(cmd.Context(), d.ID)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-22s %8d  %s\n", d.ID, n, d.Title.VI)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "done in %s\n", time.Since(started).Round(10*time.Millisecond))
			return nil
		},
	}
	h.flags(c)
	return c
}
