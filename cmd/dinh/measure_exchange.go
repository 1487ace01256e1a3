package main

import (
	"os"

	"github.com/spf13/cobra"

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
	f.IntVar(&o.Clients, "clients", 256, "clients at once, each with one request under way")
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
