package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
)

func gatewayCommand() *cobra.Command {
	var h house
	var at doors
	c := &cobra.Command{
		Use:   "gateway",
		Short: "Stand between a member's systems and the other members",
		Long: `A gateway is the exchange alone: X-Road clients ask through it, services that
you have already answer behind it, and every question has a grant, a signature
and a trace. It keeps its own database and ledger, and needs nothing else.

Your systems ask at --xroad, other nodes at --link. Who takes part, and with
which keys, stands in the directory that the central node publishes.

From an empty folder to the first exchange; docs/guides/join-the-exchange.md
tells it in full:

  dinh member request …    make keys, ask for membership; two registrars decide
  dinh member status       fetch the certificate
  dinh gateway …           this: run it for good; it renews its certificate itself
  dinh member key …        a key for a system of yours that asks
  dinh publish …           a service of yours that answers
  dinh grant add …         who may use it; dinh grant revoke ends it at once

These commands work beside the running gateway, on the same --data. Put what they
all need into the environment: DINH_DATA, DINH_ORIGIN, DINH_NODE, DINH_CENTRAL,
DINH_TRUST.`,
		Example: `  dinh gateway --data /var/lib/dinh --origin https://exchange.vcb.example.vn --node COM/VCB/node1 \
      --central https://directory.example.vn --trust VN/directory+5f… --xroad 10.0.0.5:8081 --link :5500`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			started := time.Now()
			if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
				debug.SetGCPercent(400) // a gateway holds nothing for long, and stays small all the same:
				debug.SetMemoryLimit(110 << 20)
			}
			conf, err := h.config(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return at.serve(cmd.Context(), conf, app.OpenGateway, func(a *app.App) {
				fmt.Fprintf(cmd.OutOrStdout(), "The gateway is ready: systems at %s, other nodes at %s, pages at %s (%s)\n",
					orNobody(at.xroad), orNobody(at.link), a.Config.Origin, time.Since(started).Round(time.Millisecond))
			})
		},
	}
	h.flags(c)
	at.flags(c)
	return c
}

func orNobody(address string) string {
	if address == "" {
		return "no address"
	}
	return address
}
