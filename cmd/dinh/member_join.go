package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange/directory"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

// seat holds the flags of verbs on this machine's own membership.
type seat struct{ data, database, central, origin, instance string }

func (s *seat) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.data, "data", env("DINH_DATA", "var/data"), "folder of this node's database and keys (DINH_DATA)")
	f.StringVar(&s.database, "database", env("DINH_DATABASE", ""), "postgres://… instead of SQLite in the data folder (DINH_DATABASE)")
	f.StringVar(&s.central, "central", env("DINH_CENTRAL", ""), "address of the central node, such as https://directory.example.vn (DINH_CENTRAL)")
	f.StringVar(&s.instance, "instance", env("DINH_INSTANCE", ""), "name of the X-Road instance; default: the country's (DINH_INSTANCE)")
	f.StringVar(&s.origin, "origin", env("DINH_ORIGIN", ""), "public address of this node's pages, which names its log; default: the one it was served under last (DINH_ORIGIN)")
}

// seatVerb makes a command about this machine's own membership.
func seatVerb(use, short string, do func(ctx context.Context, out io.Writer, a *app.App, s *seat) error) *cobra.Command {
	var s seat
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if s.central == "" {
			return fmt.Errorf("name the central node with --central, as in %s --central https://directory.example.vn", cmd.CommandPath())
		}
		origin, err := originOf(s.origin, s.data)
		if err != nil {
			return err
		}
		a, err := app.OpenMembership(cmd.Context(), app.Config{
			Data: s.data, Database: s.database, Origin: origin, Instance: s.instance, Federation: &app.Federation{Central: s.central}, Log: telemetry.NewLogger(cmd.ErrOrStderr(), slog.LevelWarn, false),
		})
		if err != nil {
			return err
		}
		defer a.Close()
		return say(a, do(i18n.WithLang(cmd.Context(), i18n.EN), cmd.OutOrStdout(), a, &s))
	}}
	s.flags(c)
	return c
}

func memberRequest() *cobra.Command {
	var want directory.Application
	var systems []string
	c := seatVerb("request", "Make keys and ask the central node for membership", func(ctx context.Context, out io.Writer, a *app.App, s *seat) error {
		for _, line := range systems {
			system, err := parseSystem(line)
			if err != nil {
				return err
			}
			want.Subsystems = append(want.Subsystems, system)
		}
		if a.OriginKnown() {
			want.LedgerKey = a.VKey
		}
		got, err := a.Membership.Request(ctx, want)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has asked to join as %s.\n\nFollow the request at %s/directory/follow/%s\nKeep this address: it alone opens the request, for everybody who has it.\n\n",
			got.Application.Name.VI, got.Application.Member(), strings.TrimSuffix(s.central, "/"), got.Secret)
		if err := a.Membership.Prove(ctx); err != nil {
			fmt.Fprintln(out, "The keys are not proved yet. Try again with dinh member prove.")
			return err
		}
		fmt.Fprintln(out, "Control of both keys is shown. Two registrars decide now; dinh member status tells.")
		return nil
	})
	c.Long = `Makes a signing key for the organisation and a TLS key for its node, here, in
the data folder; private keys never leave it. Sends the public halves with the
organisation's names to the central node, and shows at once that this machine
holds both keys. Two registrars then decide.`
	c.Example = `  dinh member request --central https://directory.example.vn --class COM --code VCB \
      --name "Ngân hàng Ngoại thương" --name-en "Bank for Foreign Trade" --email van-hanh@vcb.example.vn \
      --system "loans; Hệ thống cho vay; Loan system" --address exchange.vcb.example.vn:5500`
	f := c.Flags()
	f.StringVar(&want.Class, "class", "", "GOV for the state, COM for a company, NGO for an association (required)")
	f.StringVar(&want.Code, "code", "", "short code in capital letters, such as VCB (required)")
	f.StringVar(&want.Name.VI, "name", "", "legal name in Vietnamese (required)")
	f.StringVar(&want.Name.EN, "name-en", "", "name in English (required)")
	f.StringVar(&want.Email, "email", "", "mailbox of the office that runs the node; not published (required)")
	f.StringArrayVar(&systems, "system", nil, `a system, as "code; tên tiếng Việt; name in English"; repeat it for more (required)`)
	f.StringVar(&want.Address, "address", "", "host:port at which other nodes reach this one (required)")
	f.StringVar(&want.Node, "node-name", "node1", "short name of this node")
	for _, name := range []string{"class", "code", "name", "name-en", "email", "system", "address"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // a flag that is not there
		}
	}
	return c
}

func parseSystem(line string) (directory.Subsystem, error) {
	parts := strings.SplitN(line, ";", 3)
	if len(parts) != 3 {
		return directory.Subsystem{}, fmt.Errorf(`--system %q: write "code; tên tiếng Việt; name in English"`, line)
	}
	return directory.Subsystem{Code: strings.TrimSpace(parts[0]), Name: i18n.Text{VI: strings.TrimSpace(parts[1]), EN: strings.TrimSpace(parts[2])}}, nil
}

func memberProve() *cobra.Command {
	return seatVerb("prove", "Show the central node that this machine holds both keys", func(ctx context.Context, out io.Writer, a *app.App, _ *seat) error {
		if err := a.Membership.Prove(ctx); err != nil {
			return err
		}
		fmt.Fprintln(out, "Control of both keys is shown. Two registrars decide now; dinh member status tells.")
		return nil
	})
}

func memberStatus() *cobra.Command {
	return seatVerb("status", "See how this node's membership stands; fetch its certificate once it is let in", func(ctx context.Context, out io.Writer, a *app.App, s *seat) error {
		r, asked := a.Membership.Status(ctx)
		now, err := a.Membership.Seat(ctx)
		if err != nil {
			return err
		}
		id := now.Application.NodeID()
		fmt.Fprintf(out, "%s  %s\n", now.Application.Member(), now.Application.Name.VI)
		switch now.State {
		case directory.Asked:
			fmt.Fprintln(out, "Waits for the proof that this machine holds its keys: dinh member prove.")
		case directory.Proved:
			fmt.Fprintf(out, "Two registrars decide; %d of 2 have approved.\n", len(r.Votes))
		case directory.Refused:
			fmt.Fprintf(out, "Refused: %s\nPut it right and ask again with dinh member request.\n", now.Reason)
		case directory.Ended:
			fmt.Fprintf(out, "No member any more: %s\nIts keys are revoked. Put it right and ask again with dinh member request.\n", now.Reason)
		case directory.Lapsed:
			fmt.Fprintln(out, "Nobody proved the keys in time. Ask again with dinh member request.")
		case directory.Approved:
			fmt.Fprintf(out, "Member. Signs with %s.\n", now.Key)
			if c, err := a.Membership.Certificate(ctx); err == nil {
				fmt.Fprintf(out, "The certificate of %s is good until %s; a running node renews it by itself.\n", id, c.Leaf.NotAfter.Format(time.DateOnly))
			}
			if now.NextKey != "" {
				fmt.Fprintf(out, "Changes to the key %s on %s.\n", now.NextKey, now.NextKeyFrom.Local().Format(time.DateTime))
			}
			if now.NextCertificate != "" {
				fmt.Fprintf(out, "Changes to its next certificate on %s.\n", now.NextTLSFrom.Local().Format(time.DateTime))
			}
			fmt.Fprintf(out, "\nRun it with: dinh gateway --node %s --central %s --link :PORT --trust KEY\nKEY is the line at %s/directory/verifier-key; compare it with the one that the operator gave you.\n", id, s.central, strings.TrimSuffix(s.central, "/"))
		}
		if asked != nil {
			fmt.Fprintln(out, "\nThis is what was known last; the central node could not be asked:")
		}
		return asked
	})
}

func memberRenew() *cobra.Command {
	return seatVerb("renew", "Get the node's next certificate now; a running node does so by itself", func(ctx context.Context, out io.Writer, a *app.App, _ *seat) error {
		r, err := a.Membership.Renew(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "The next certificate is here. The node uses it from %s on, when every other node knows it.\n", r.From.Local().Format(time.DateTime))
		return nil
	})
}

func memberRotate() *cobra.Command {
	var compromised bool
	c := seatVerb("rotate", "Change to a new signing key without a gap", func(ctx context.Context, out io.Writer, a *app.App, _ *seat) error {
		r, err := a.Membership.Rotate(ctx, compromised)
		if err != nil {
			return err
		}
		if compromised {
			fmt.Fprintf(out, "The old key is revoked, the new one %s is in use. Other nodes know it once they have the next version of the directory.\n", r.Key)
			return nil
		}
		fmt.Fprintf(out, "The new key %s is announced. It is used from %s on, when every other node knows it; the old one counts until %s.\n",
			r.Key, r.From.Local().Format(time.DateTime), r.OldUntil.Local().Format(time.DateTime))
		return nil
	})
	c.Flags().BoolVar(&compromised, "compromised", false, "others may hold the present key: revoke it and use the new one at once")
	return c
}

// decided is what a registrar's verb answers.
func decided(out io.Writer, r directory.Request) error {
	switch r.State {
	case directory.Approved:
		fmt.Fprintf(out, "%s: decided by two registrars. It takes effect with the directory's next version, which is published now.\n", r.Member)
	case directory.Refused:
		fmt.Fprintf(out, "%s: refused.\n", r.Member)
	case directory.Proved:
		fmt.Fprintf(out, "%s: noted. Another registrar has to approve: dinh member approve %s --as OFFICER\n", r.Member, r.ID)
	default:
		return errors.New("the request is in a state that nobody expected: " + r.State)
	}
	return nil
}
