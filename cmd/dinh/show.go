package main

import (
	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/cmd/dinh/demo"
)

func demoCommand() *cobra.Command {
	var people int
	var database string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Play three services from start to finish on a house of its own, then check everything",
		Long: `Starts a house in a temporary folder, plays "A child is born" and the licence
renewal over HTTP as mother, driver and officer, then checks: registers,
documents, receipts, journal, messages. Ends with an error if anything is off.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.Run(cmd.Context(), cmd.OutOrStdout(), demo.Options{People: people, Database: database, Log: cmd.ErrOrStderr(), Progress: progress(cmd.ErrOrStderr())})
		},
	}
	c.Flags().IntVar(&people, "people", 500, "made-up people in the house")
	c.Flags().StringVar(&database, "database", "", "postgres://… instead of SQLite")
	return c
}
