package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/keys"
)

func certificateCommand() *cobra.Command {
	c := &cobra.Command{Use: "certificate", Short: "Certificates of nodes: issue them, list them, take them back"}
	c.AddCommand(certificateIssue(), certificateRevoke())
	c.AddCommand(onExchange("list", "List every certificate that the house's authority issued", cobra.NoArgs, func(ctx context.Context, cmd *cobra.Command, a *app.App, _ []string) error {
		all, err := a.Keys.Issued(ctx)
		if err != nil {
			return say(a, err)
		}
		w := table(cmd)
		fmt.Fprintln(w, "NUMBER\tOWNER\tNAME\tUNTIL\tREVOKED")
		for _, c := range all {
			revoked := ""
			if !c.Revoked.IsZero() {
				revoked = fmt.Sprintf("%s, %s", c.Revoked.Format(time.DateOnly), reasonName(c.Reason))
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Serial, c.Owner, c.Certificate.Subject.CommonName, c.Certificate.NotAfter.Format(time.DateOnly), revoked)
		}
		return w.Flush()
	}))
	return c
}

func certificateIssue() *cobra.Command {
	var name keys.Name
	var owner string
	c := onExchange("issue REQUEST", "Certify a node's key, for 90 days, from the request that the node made with it", cobra.ExactArgs(1),
		func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
			if err := knowsOrigin(a); err != nil {
				return err
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			if block, _ := pem.Decode(text); block != nil {
				text = block.Bytes
			}
			issued, err := a.Keys.IssueNode(ctx, owner, text, name)
			if err != nil {
				return say(a, err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "Number %s, until %s; in the directory it is %s.\n", issued.Serial, issued.Certificate.NotAfter.Format(time.DateOnly), directory.Fingerprint(issued.Certificate))
			return pem.Encode(cmd.OutOrStdout(), &pem.Block{Type: "CERTIFICATE", Bytes: issued.Certificate.Raw})
		})
	c.Long = `The key stays where it is. On the node:

  openssl ecparam -name prime256v1 -genkey -noout -out node.key
  openssl req -new -key node.key -subj /CN=node -out node.csr

Of the request the key alone counts; names and hosts are those given here.`
	c.Example = `  dinh certificate issue node.csr --owner GOV/MPS/node1 --name "Bộ Công an" --host exchange.mps.example.vn > node.pem`
	c.Flags().StringVar(&owner, "owner", "", "the node's id in the directory, such as GOV/MPS/node1 (required)")
	c.Flags().StringVar(&name.CommonName, "name", "", "whose node it is, as people read it (required)")
	c.Flags().StringSliceVar(&name.Hosts, "host", nil, "DNS name or IP address of the node; repeat it for more (required)")
	for _, flag := range []string{"owner", "name", "host"} {
		_ = c.MarkFlagRequired(flag)
	}
	return c
}

// reasons are the reasons for a revocation, as RFC 5280 calls them.
func reasons() map[string]keys.Reason {
	return map[string]keys.Reason{
		"unspecified": keys.Unspecified, "keyCompromise": keys.KeyCompromise, "affiliationChanged": keys.AffiliationChanged,
		"superseded": keys.Superseded, "cessationOfOperation": keys.Cessation, "privilegeWithdrawn": keys.PrivilegeWithdrawn,
	}
}

func reasonName(r keys.Reason) string {
	for name, reason := range reasons() {
		if reason == r {
			return name
		}
	}
	return fmt.Sprint(int(r))
}

func certificateRevoke() *cobra.Command {
	var why string
	known := strings.Join(slices.Sorted(maps.Keys(reasons())), ", ")
	c := onExchange("revoke NUMBER", "Take a certificate back for good", cobra.ExactArgs(1),
		func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error {
			reason, ok := reasons()[why]
			if !ok {
				return errors.New("--reason is one of " + known)
			}
			if err := a.Keys.Revoke(ctx, strings.ToLower(args[0]), reason); err != nil {
				return say(a, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Revoked. This house takes no more from it; %s/ca.crl says so now, /ocsp within half a minute, and the other nodes end their open links with it within another.\n", a.Config.Origin)
			return nil
		})
	c.Flags().StringVar(&why, "reason", "unspecified", known)
	return c
}
