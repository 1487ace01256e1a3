package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

func groupCommand() *cobra.Command {
	c := &cobra.Command{Use: "group", Short: "Groups of systems, to which grants are given as one"}
	c.AddCommand(groupAdd(), groupRemove(), groupList(), groupMembers())
	return c
}

func subsystems(args []string) ([]exchange.SubsystemID, error) {
	out := make([]exchange.SubsystemID, len(args))
	for i, s := range args {
		var err error
		if out[i], err = exchange.ParseSubsystem(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func groupAdd() *cobra.Command {
	var title i18n.Text
	c := onExchange("add GROUP [SUBSYSTEM…]", "Make a group, with both titles, or add systems to one; it holds from the next request on", cobra.MinimumNArgs(1),
		func(ctx context.Context, _ *cobra.Command, a *app.App, args []string) error {
			systems, err := subsystems(args[1:])
			if err != nil {
				return say(a, err)
			}
			if title.VI != "" || title.EN != "" || len(systems) == 0 {
				if _, err := a.Exchange.PutGroup(ctx, exchange.Group{ID: args[0], Title: title}, "operator"); err != nil {
					return say(a, err)
				}
			}
			_, err = a.Exchange.ChangeGroup(ctx, args[0], systems, nil, "operator")
			return say(a, err)
		})
	c.Example = `  dinh group add GOV/MOH/hospitals VN/GOV/MOH/bach-mai --vi "Bệnh viện" --en "Hospitals"`
	c.Flags().StringVar(&title.VI, "vi", "", "title in Vietnamese")
	c.Flags().StringVar(&title.EN, "en", "", "title in English")
	return c
}

func groupRemove() *cobra.Command {
	return onExchange("remove GROUP [SUBSYSTEM…]", "Take systems out of a group, or remove the group when none is named", cobra.MinimumNArgs(1),
		func(ctx context.Context, _ *cobra.Command, a *app.App, args []string) error {
			systems, err := subsystems(args[1:])
			if err == nil && len(systems) == 0 {
				return say(a, a.Exchange.RemoveGroup(ctx, args[0]))
			}
			if err == nil {
				_, err = a.Exchange.ChangeGroup(ctx, args[0], nil, systems, "operator")
			}
			return say(a, err)
		})
}

func groupList() *cobra.Command {
	return onExchange("list", "List groups", cobra.NoArgs, func(ctx context.Context, cmd *cobra.Command, a *app.App, _ []string) error {
		groups, err := a.Exchange.Groups(ctx)
		if err != nil {
			return say(a, err)
		}
		w := table(cmd)
		fmt.Fprintln(w, "GROUP\tTITLE\tSYSTEMS")
		for _, g := range groups {
			fmt.Fprintf(w, "%s\t%s\t%d\n", g.ID, g.Title.VI, len(g.Members))
		}
		return w.Flush()
	})
}

func groupMembers() *cobra.Command {
	return onExchange("members GROUP", "List the systems of a group", cobra.ExactArgs(1), func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
		groups, err := a.Exchange.Groups(ctx)
		if err != nil {
			return say(a, err)
		}
		for _, g := range groups {
			if g.ID != args[0] {
				continue
			}
			for _, s := range g.Members {
				fmt.Fprintln(cmd.OutOrStdout(), s)
			}
			return nil
		}
		return fmt.Errorf("there is no group %s; dinh group list shows them", args[0])
	})
}
