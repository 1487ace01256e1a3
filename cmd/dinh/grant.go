package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
)

func grantCommand() *cobra.Command {
	c := &cobra.Command{Use: "grant", Short: "Who may read or write what, for which purpose, until when"}
	c.AddCommand(grantAdd(),
		onExchange("list", "List grants", cobra.NoArgs, listGrants),
		onExchange("revoke GRANT REASON", "Revoke a grant; it holds from the next request on", cobra.ExactArgs(2),
			func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
				if err := a.Exchange.RevokeGrant(ctx, args[0], "operator", args[1]); err != nil {
					return say(a, err)
				}
				fmt.Fprintln(cmd.OutOrStdout(), "Revoked. The next request is refused.")
				return nil
			}))
	return c
}

func listGrants(ctx context.Context, cmd *cobra.Command, a *app.App, _ []string) error {
	grants, err := a.Exchange.Grants(ctx)
	if err != nil {
		return say(a, err)
	}
	w := table(cmd)
	fmt.Fprintln(w, "GRANT\tCLIENT\tSERVICE\tMAY\tONLY\tPURPOSE\tQUOTA\tUNTIL\tSTATE")
	for _, g := range grants {
		state, quota, until := "valid", "none", "–"
		if !g.RevokedAt.IsZero() {
			state = "revoked"
		}
		if g.Quota.PerMinute > 0 {
			quota = fmt.Sprintf("%d a minute", g.Quota.PerMinute)
		}
		if !g.Until.IsZero() {
			until = g.Until.Format(time.DateOnly)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", g.ID, g.SubjectOf(), g.Service, strings.Join(g.Operations, ","), only(g), g.Purpose, quota, until, state)
	}
	return w.Flush()
}

// only says what a grant narrows down besides its fields.
func only(g exchange.Grant) string {
	var parts []string
	for _, e := range g.Endpoints {
		parts = append(parts, e.String())
	}
	for f, values := range g.Filter {
		parts = append(parts, f+"="+strings.Join(values, "|"))
	}
	slices.Sort(parts)
	return cmp.Or(strings.Join(parts, ", "), "–")
}

// narrow reads what a grant is narrowed to. What is wrong with it otherwise the
// exchange says.
func narrow(g *exchange.Grant, endpoints, filter []string) error {
	for _, e := range endpoints {
		method, path, ok := strings.Cut(e, " ")
		if !ok {
			return fmt.Errorf(`--at %q: write a method and a path, such as "GET /records/*"`, e)
		}
		g.Endpoints = append(g.Endpoints, exchange.Endpoint{Method: method, Path: path})
	}
	for _, f := range filter {
		name, values, ok := strings.Cut(f, "=")
		if !ok || g.Filter[name] != nil {
			return fmt.Errorf(`--only %q: write a field once, with its values, such as "province=01|02"`, f)
		}
		if g.Filter == nil {
			g.Filter = map[string][]string{}
		}
		g.Filter[name] = strings.Split(values, "|")
	}
	return nil
}

func grantAdd() *cobra.Command {
	var g exchange.Grant
	var client, service string
	var endpoints, filter []string
	var days int
	c := onExchange("add", "Let a system use a service for one purpose", cobra.NoArgs, func(ctx context.Context, cmd *cobra.Command, a *app.App, _ []string) (err error) {
		if client != "" || g.Group == "" {
			if g.Client, err = exchange.ParseSubsystem(client); err != nil {
				return fmt.Errorf("--client: %w", say(a, err))
			}
		}
		if err := narrow(&g, endpoints, filter); err != nil {
			return err
		}
		if g.Service, err = exchange.ParseService(service); err != nil {
			return fmt.Errorf("--service: %w", say(a, err))
		}
		if days < 0 {
			return fmt.Errorf("--days counts days: write 0 for a grant without an end")
		}
		if days > 0 {
			g.Until = a.Config.Clock.Now().AddDate(0, 0, days)
		}
		g.GrantedBy = "operator"
		made, err := a.Exchange.AddGrant(ctx, g)
		if errs.CodeOf(err) == "exchange.unknown_client" && a.Directory != nil { // perhaps let in a moment ago
			if err := a.Directory.Refresh(ctx); err != nil {
				return say(a, err)
			}
			made, err = a.Exchange.AddGrant(ctx, g)
		}
		if err != nil {
			return say(a, err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n%s may %s at %s from the next request on. Take it back with: dinh grant revoke %s REASON\n",
			made.ID, made.SubjectOf(), strings.Join(made.Operations, ", "), made.Service, made.ID)
		return nil
	})
	c.Long = `Grants are kept where the service is, by its owner. The client may be a system
of another node: it has to stand in the member directory.

Name the fields that it may see; "*" is all, and for services that answer with
anything but JSON the only choice.

A grant may be narrowed to addresses of the service (--at), with * within a
segment and ** across, and to records (--only). It may go to a group (--group)
of the service's owner or of the instance: see dinh group.`
	c.Example = `  dinh grant add --client VN/COM/VCB/loans --service VN/GOV/MPS/population/addresses --may read,search \
      --field name --field address --purpose loan-assessment --legal-basis "Luật Các tổ chức tín dụng 2024, Điều 13" --days 365`
	f := c.Flags()
	f.StringVar(&client, "client", "", "the system that asks: instance/class/member/subsystem (required without --group)")
	f.StringVar(&g.Group, "group", "", "instead of a system: whoever is in the group, each with the quota for itself")
	f.StringArrayVar(&endpoints, "at", nil, `only at this address, such as "GET /records/*" or "* /public/**"; repeat it for more`)
	f.StringArrayVar(&filter, "only", nil, `only records where a field has one of these values, such as "province=01|02"; repeat it for more fields`)
	f.StringVar(&service, "service", "", "the service: instance/class/member/subsystem/service (required)")
	f.StringSliceVar(&g.Operations, "may", nil, "read, search, create, amend, subscribe; several with commas between (required)")
	f.StringArrayVar(&g.Fields, "field", nil, `a field that may be read and written, or "*"; repeat it for more (required)`)
	f.StringArrayVar(&g.Match, "match", nil, "a field that a search may match on besides; repeat it for more")
	f.StringVar(&g.Purpose, "purpose", "", "what for, such as loan-assessment (required)")
	f.StringVar(&g.LegalBasis, "legal-basis", "", "the law that permits it, as people read it (required)")
	f.IntVar(&days, "days", 365, "how long it holds; 0 is without an end")
	f.IntVar(&g.Quota.PerMinute, "quota", 0, "requests a minute; 0 is no limit")
	for _, name := range []string{"service", "may", "field", "purpose", "legal-basis"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // a flag that is not there
		}
	}
	return c
}
