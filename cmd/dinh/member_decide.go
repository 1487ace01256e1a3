package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/auth"
)

// registrarVerb makes a command by which a registrar decides on the central
// node's own data.
func registrarVerb(use, short string, args cobra.PositionalArgs, do func(ctx context.Context, cmd *cobra.Command, by registrarAt, args []string) error) *cobra.Command {
	var officer string
	c := verb(use, short, args, func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
		if a.Registry == nil {
			return fmt.Errorf("this house is no central node: the registrars of %s decide", a.Config.Federation.Central)
		}
		if err := knowsMembers(a); err != nil {
			return err
		}
		p, err := a.Registrar(ctx, officer)
		if err != nil {
			return say(a, err)
		}
		return say(a, do(ctx, cmd, registrarAt{a, p}, args))
	})
	c.Flags().StringVar(&officer, "as", "", "the registrar's officer id, who answers for the decision; see dinh officer list (required)")
	if err := c.MarkFlagRequired("as"); err != nil {
		panic(err) // the flag stands one line above
	}
	return c
}

// registrarAt is a registrar at the central node.
type registrarAt struct {
	*app.App
	who auth.Principal
}

func memberRequests() *cobra.Command {
	return registrarVerb("requests", "List what waits for the registrars, and what they decided lately", cobra.NoArgs,
		func(ctx context.Context, cmd *cobra.Command, by registrarAt, _ []string) error {
			all, err := by.Registry.Requests(ctx, by.who)
			if err != nil {
				return err
			}
			w := table(cmd)
			if len(all) == 0 {
				fmt.Fprintln(w, "nothing waits")
				return w.Flush()
			}
			fmt.Fprintln(w, "REQUEST\tMEMBER\tWHAT\tSTATE\tVOICES\tASKED")
			for _, r := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", r.ID, r.Member, r.Kind, r.State, len(r.Votes), r.AskedAt.Format(time.DateOnly))
			}
			return w.Flush()
		})
}

func memberApprove() *cobra.Command {
	c := registrarVerb("approve REQUEST", "Say yes; the second yes, by somebody else, makes it so", cobra.ExactArgs(1),
		func(ctx context.Context, cmd *cobra.Command, by registrarAt, args []string) error {
			if err := knowsOrigin(by.App); err != nil {
				return err
			}
			r, err := by.Registry.Approve(ctx, by.who, args[0])
			if err != nil {
				return err
			}
			return decided(cmd.OutOrStdout(), r)
		})
	c.Example = "  dinh member requests --as lan.tran\n  dinh member approve 0190f7c2-… --as lan.tran"
	return c
}

func memberRefuse() *cobra.Command {
	var reason string
	c := registrarVerb("refuse REQUEST", "Say no, which is enough; whoever asked reads the reason", cobra.ExactArgs(1),
		func(ctx context.Context, cmd *cobra.Command, by registrarAt, args []string) error {
			r, err := by.Registry.Refuse(ctx, by.who, args[0], reason)
			if err != nil {
				return err
			}
			return decided(cmd.OutOrStdout(), r)
		})
	c.Flags().StringVar(&reason, "reason", "", "why (required)")
	return c
}

// memberMeasure makes the verbs suspend and remove.
func memberMeasure(kind string) *cobra.Command {
	short := map[string]string{
		directory.Suspend: "Propose that a member be suspended: listed, with all keys revoked",
		directory.Remove:  "Propose that a member leave the directory, with all keys revoked",
	}[kind]
	var reason string
	c := registrarVerb(kind+" MEMBER", short, cobra.ExactArgs(1), func(ctx context.Context, cmd *cobra.Command, by registrarAt, args []string) error {
		r, err := by.Registry.Propose(ctx, by.who, kind, args[0], reason)
		if err != nil {
			return err
		}
		return decided(cmd.OutOrStdout(), r)
	})
	c.Example = fmt.Sprintf("  dinh member %s COM/VCB --as lan.tran --reason \"…\"", kind)
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept (required)")
	return c
}
