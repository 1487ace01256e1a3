package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/cmd/dinh/bench"
)

func benchCommand() *cobra.Command {
	var o bench.Options
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure the whole house: births per second, pages, group commit, memory, start",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = cmd.ErrOrStderr()
			if self, err := os.Executable(); err == nil {
				o.Binary = self
			}
			return bench.Run(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	c.Flags().IntVar(&o.People, "people", 10000, "made-up people in the house")
	c.Flags().IntVar(&o.Births, "births", 1500, "births to register")
	c.Flags().IntVar(&o.Workers, "at-once", 32, "mothers at once")
	c.Flags().StringVar(&o.Profile, "profile", "", "file for a processor profile of the births (go tool pprof)")
	c.Flags().StringVar(&o.Folder, "out", "build/bench", "folder for the figures as JSON")
	c.AddCommand(benchExchangeCommand(), bareProxyCommand())
	return c
}
