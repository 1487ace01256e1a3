package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// verb makes a command that works on a house that is there: a mistyped folder
// must not look like an empty house, nor become one.
func verb(use, short string, args cobra.PositionalArgs, do func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error) *cobra.Command {
	var h house
	c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		if err := h.exists(); err != nil {
			return err
		}
		a, err := h.open(cmd.Context(), cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		defer a.Close()
		return do(cmd.Context(), cmd, a, args)
	}}
	h.flags(c)
	return c
}

func table(cmd *cobra.Command) *tabwriter.Writer {
	return tabwriter.NewWriter(cmd.OutOrStdout(), 2, 4, 2, ' ', 0)
}

// say turns a coded error into words.
func say(a *app.App, err error) error {
	if err == nil {
		return nil
	}
	return errors.New(app.Explain(a.Catalog, i18n.EN, err))
}

func jobsCommand() *cobra.Command {
	c := &cobra.Command{Use: "jobs", Short: "Background work that could not be done"}
	c.AddCommand(onExchange("dead", "List dead jobs", cobra.NoArgs, func(ctx context.Context, cmd *cobra.Command, a *app.App, _ []string) error {
		dead, err := a.Jobs.Dead(ctx, 100)
		if err != nil {
			return err
		}
		w := table(cmd)
		for _, j := range dead {
			fmt.Fprintf(w, "%s\t%s\t%d attempts\t%s\n", j.ID, j.Kind, j.Attempt, j.Error)
		}
		if len(dead) == 0 {
			fmt.Fprintln(w, "no dead jobs")
		}
		return w.Flush()
	}))
	c.AddCommand(onExchange("retry JOB", "Try a dead job again", cobra.ExactArgs(1), func(ctx context.Context, _ *cobra.Command, a *app.App, args []string) error {
		return say(a, a.Jobs.Retry(ctx, args[0]))
	}))
	return c
}

func backupCommand() *cobra.Command {
	return onExchange("backup FILE", "Copy the database into a new file while the house is open", cobra.ExactArgs(1), func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
		if err := a.DB.Backup(ctx, args[0]); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s holds the database. Keep it with master.key and files/ of the data folder.\n", args[0])
		return nil
	})
}

func importCommand() *cobra.Command {
	var reason string
	c := verb("import REGISTER FILE.csv", "Import records from CSV; refused rows are listed and touch no others", cobra.ExactArgs(2),
		func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
			f, err := os.Open(args[1])
			if err != nil {
				return err
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				return err
			}
			bar := progress(cmd.ErrOrStderr())
			report, err := a.Registers.Import(ctx, args[0], f, registers.ImportOptions{
				Actor: "operator", Reason: reason, Progress: func(_, _ int, bytes int64) { bar("import", int(bytes), int(info.Size())) },
			})
			if err != nil {
				return say(a, err)
			}
			for _, r := range report.Refused {
				kv := []any{}
				for k, v := range r.Args {
					kv = append(kv, k, v)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "line %d: %s\n", r.Line, a.Catalog.T(i18n.EN, "error."+r.Code, kv...))
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d created, %d amended, %d unchanged, %d refused\n", report.Created, report.Amended, report.Unchanged, report.Rejected)
			return nil
		})
	c.Flags().StringVar(&reason, "reason", "", "why; kept with every version (required)")
	c.PreRunE = func(*cobra.Command, []string) error {
		if strings.TrimSpace(reason) == "" {
			return errors.New(`say why with --reason "…": it is kept with every version of a record`)
		}
		return nil
	}
	return c
}

func verifyCommand() *cobra.Command {
	var key string
	c := &cobra.Command{Use: "verify", Short: "Check a receipt with mathematics alone: no house, no network"}
	receipt := &cobra.Command{
		Use: "receipt FILE", Short: "Check that an access event stands in the ledger, unaltered", Args: cobra.ExactArgs(1),
		Example: "  dinh verify receipt bien-nhan.dinh-receipt --key \"$(curl -s https://…/ledger/verifier-key)\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			if key != "" {
				if _, err := note.NewVerifier(key); err != nil {
					return errors.New("--key is no verifier key, so nothing was checked: copy it whole from /ledger/verifier-key")
				}
			}
			e, err := transparency.VerifyReceipt(text, key)
			if transparency.IsNoReceipt(err) {
				return errors.New("nothing was checked: " + app.ExplainPlain(err))
			}
			if err != nil {
				return errors.New("the receipt does not hold: " + app.ExplainPlain(err))
			}
			w := table(cmd)
			verdict := "✓ the receipt holds"
			if key == "" {
				verdict = "? the receipt agrees with itself"
			}
			fmt.Fprintf(w, "%s\nwhen\t%s\nwho\t%s\nasked\t%s\nfields\t%s\npurpose\t%s\nlegal basis\t%s\nin\t%s\n",
				verdict, e.At.Format(time.RFC3339), e.Client, e.Service, strings.Join(e.Fields, ", "), e.Purpose, e.LegalBasis, e.Application)
			if err := w.Flush(); err != nil {
				return err
			}
			if key == "" {
				return errors.New("whose log it is was not checked, for the key came from the receipt itself: pass --key with the one that the house publishes at /ledger/verifier-key")
			}
			return nil
		},
	}
	receipt.Flags().StringVar(&key, "key", "", "the log's verifier key, as published at /ledger/verifier-key")
	c.AddCommand(receipt)
	return c
}
