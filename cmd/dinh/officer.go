package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/identity"
)

func officerCommand() *cobra.Command {
	c := &cobra.Command{Use: "officer", Short: "Officers: who works for which member, in which roles"}
	c.AddCommand(officerAdd())
	c.AddCommand(verb("list", "List officers", cobra.NoArgs, func(ctx context.Context, cmd *cobra.Command, a *app.App, _ []string) error {
		all, err := a.Identity.Officers(ctx)
		if err != nil {
			return say(a, err)
		}
		w := table(cmd)
		if len(all) == 0 {
			fmt.Fprintln(w, "no officers yet; add one with dinh officer add --help")
			return w.Flush()
		}
		fmt.Fprintln(w, "OFFICER\tNAME\tMEMBER\tROLES\tE-MAIL")
		for _, o := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", o.ID, o.Name, o.Member, strings.Join(o.Roles, ", "), o.Email)
		}
		return w.Flush()
	}))
	c.AddCommand(verb("roles", "List the roles that count in this house, and where", cobra.NoArgs, func(ctx context.Context, cmd *cobra.Command, a *app.App, _ []string) error {
		roles, err := a.Roles(ctx)
		if err != nil {
			return say(a, err)
		}
		w := table(cmd)
		fmt.Fprintln(w, "ROLE\tCOUNTS FOR")
		for _, r := range roles {
			fmt.Fprintf(w, "%s\t%s\n", r.ID, r.Where)
		}
		return w.Flush()
	}))
	c.AddCommand(verb("remove OFFICER", "End an officer's sessions and take away how they sign in; what they did stays", cobra.ExactArgs(1),
		func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
			id, n, err := a.RemoveOfficer(ctx, args[0])
			if err != nil {
				return say(a, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s can no longer sign in. Open cases put back into their queues: %d. Waiting until every open house knows …\n", id, n)
			select { // whatever they claimed in the last seconds of a session goes back too
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(identity.KnownWithin + time.Second):
			}
			n, err = a.Cases.Release(ctx, id)
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "done; %d more\n", n)
			}
			return say(a, err)
		}))
	return c
}

func officerAdd() *cobra.Command {
	var o identity.Officer
	c := verb("add OFFICER", "Add an officer, or change their name, member, roles or address", cobra.ExactArgs(1),
		func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
			o.ID = args[0]
			changed, released, err := a.AddOfficer(ctx, o)
			if err != nil {
				return say(a, err)
			}
			if changed {
				fmt.Fprintf(cmd.OutOrStdout(), "%s was there already and is changed. Open cases put back into their queues: %d.\n", o.ID, released)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s of %s signs in at %s/desk/sign-in with a code sent to %s, and adds a passkey there.\n", o.ID, o.Member, a.Config.Origin, o.Email)
			return nil
		})
	c.Example = `  dinh officer add lan.tran --name "Trần Thị Lan" --member GOV/MOJ --role registrar --email lan.tran@moj.example.vn`
	c.Flags().StringVar(&o.Name, "name", "", "full name, as citizens read it (required)")
	c.Flags().StringVar(&o.Member, "member", "", "whom they work for, such as GOV/MOJ; see dinh member list (required)")
	c.Flags().StringSliceVar(&o.Roles, "role", nil, "what they may do; repeat it for more, see dinh officer roles (required)")
	c.Flags().StringVar(&o.Email, "email", "", "work address, to which codes for signing in go (required)")
	c.Flags().StringVar(&o.Number, "number", "", "personal number, so that nobody decides about themselves")
	c.PreRunE = func(cmd *cobra.Command, _ []string) error {
		var missing []string
		for _, name := range []string{"name", "member", "role", "email"} {
			if cmd.Flag(name).Value.String() == "" || cmd.Flag(name).Value.String() == "[]" {
				missing = append(missing, "--"+name)
			}
		}
		if len(missing) > 0 {
			return errors.New("an officer needs " + strings.Join(missing, ", ") + " too; see dinh officer add --help")
		}
		return nil
	}
	return c
}

func accountCommand() *cobra.Command {
	c := &cobra.Command{Use: "account", Short: "Citizens' accounts"}
	reset := verb("reset NUMBER", "Remove somebody's passkeys and authenticator app, after they showed who they are in person", cobra.ExactArgs(1),
		func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
			if err := a.Identity.ResetWays(ctx, args[0]); err != nil {
				return say(a, err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "Removed, and all sessions ended. They sign in with a code by e-mail and make a new passkey; a message tells them so.")
			return nil
		})
	c.AddCommand(reset)
	return c
}
