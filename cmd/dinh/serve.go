package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/country/people"
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
	return c
}

// doors are the addresses that a node listens on; xroad and link may be empty.
type doors struct {
	house, xroad, link string
	names              []string // of this node on xroad, which then speaks TLS
}

func (d *doors) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&d.xroad, "xroad", env("DINH_XROAD", ""), "address for X-Road clients (/r1/…), such as 10.0.0.5:8081; on it the request hash covers the request as it was sent (DINH_XROAD)")
	f.StringSliceVar(&d.names, "xroad-tls", nil, "names and addresses of this node for X-Road clients: with them --xroad speaks TLS, and a registered client certificate stands for an API key")
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
	listeners := map[string]net.Listener{}
	for _, at := range []struct{ flag, address string }{{"--listen", d.house}, {"--xroad", d.xroad}, {"--link", d.link}} {
		if at.address == "" {
			continue
		}
		l, err := listen(ctx, at.address, at.flag)
		if err != nil {
			return err
		}
		listeners[at.flag] = l
	}
	a, err := open(ctx, c)
	if err != nil {
		return err
	}
	defer a.Close()
	if l := listeners["--xroad"]; l != nil && len(d.names) > 0 {
		secured, err := a.XRoadTLS(ctx, d.names)
		if err != nil {
			return err
		}
		listeners["--xroad"] = tls.NewListener(l, secured)
	}
	ready(a)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	serving := map[string]func(context.Context, net.Listener) error{"--listen": a.Serve, "--xroad": a.ServeXRoad, "--link": a.ServeLink}
	done := make(chan error, len(listeners))
	for flag, l := range listeners {
		go func() { defer cancel(); done <- serving[flag](ctx, l) }()
	}
	for range listeners {
		err = errors.Join(err, <-done)
	}
	return err
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
