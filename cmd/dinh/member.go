package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
)

func memberCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "member",
		Short: "Members of the exchange: joining, keys, and who decides",
		Long: `An organisation joins the exchange by itself. On its own machine:

  dinh member request   make keys and ask the central node for membership
  dinh member prove     show that this machine holds both keys (request does so too)
  dinh member status    see how the request stands; fetch the certificate
  dinh member renew     get the node's next certificate now; a running node does so by itself
  dinh member rotate    change to a new signing key without a gap
  dinh member key       make an API key for a system that asks through this node

Then dinh gateway runs the node, and dinh publish and dinh grant put services on it.

On the central node two different registrars decide:

  dinh member requests  what waits for a decision
  dinh member approve   say yes; the second yes lets the member in
  dinh member refuse    say no, with a reason
  dinh member suspend   propose that a member be suspended; a second registrar approves
  dinh member remove    propose that a member leave; a second registrar approves

On any node:

  dinh member list      who is a member, and whose certificate ends when`,
	}
	c.AddCommand(memberRequest(), memberProve(), memberStatus(), memberRenew(), memberRotate())
	c.AddCommand(memberRequests(), memberApprove(), memberRefuse(), memberMeasure(directory.Suspend), memberMeasure(directory.Remove), memberList(), memberKey())
	return c
}

func memberList() *cobra.Command {
	return onExchange("list", "List members, their systems, and whose certificate ends when", cobra.NoArgs, func(ctx context.Context, cmd *cobra.Command, a *app.App, _ []string) error {
		w := table(cmd)
		fmt.Fprintln(w, "MEMBER\tNAME\tSTATE\tNODE\tCERTIFICATE UNTIL\tSYSTEMS")
		if err := knowsMembers(a); err != nil {
			return err
		}
		dir := a.Listing()
		if dir.Version() == 0 {
			return errors.New("no directory is known yet: it is published, or fetched, when the house is served")
		}
		for _, m := range dir.Members() {
			var systems []string
			for _, s := range m.Subsystems {
				systems = append(systems, s.Code)
			}
			until := "–"
			if n, ok := dir.Node(m.Node); ok && len(n.Certificates) > 0 {
				until = n.Certificates[len(n.Certificates)-1].Until.Format(time.DateOnly)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", m.ID(), m.Name.VI, cmp.Or(m.Status, "active"), cmp.Or(m.Node, "–"), until, strings.Join(systems, ", "))
		}
		return w.Flush()
	})
}

func memberKey() *cobra.Command {
	var days int
	key := onExchange("key SUBSYSTEM LABEL", "Make an API key for a system, such as VN/GOV/MOJ/civil-status; it is shown once", cobra.ExactArgs(2),
		func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
			s, err := exchange.ParseSubsystem(args[0])
			if err != nil {
				return say(a, err)
			}
			secret, k, err := a.Exchange.NewClientKey(ctx, s, args[1], time.Now().AddDate(0, 0, days))
			if err != nil {
				return say(a, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n\nKey %s of %s, valid until %s. Send it as: Authorization: Bearer …\n", secret, k.ID, s, k.Until.Format(time.DateOnly))
			return nil
		})
	key.Flags().IntVar(&days, "days", 365, "how long the key is valid")
	return key
}
