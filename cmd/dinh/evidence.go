package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange/asic"
)

// maxEvidence is more than any container has.
const maxEvidence = 16 << 20

func evidenceCommand() *cobra.Command {
	c := &cobra.Command{Use: "evidence", Short: "What proves an exchange to third parties"}
	var authorities, dating []string
	verify := &cobra.Command{
		Use: "verify FILE", Short: "Check a container of evidence with mathematics alone: no house, no network", Args: cobra.ExactArgs(1),
		Long: `Checks a container (.asice) that /asic gave: that no byte was changed since it
was sealed, who signed the request and the answer, that they belong together,
since when all this has been so, and that the accesses stand in the ledger.

Name the authority that you trust with --ca: the house publishes its own at
/ca.pem. If its timestamps are by somebody else, name theirs with --tsa-ca.
Ends with 1 when anything is false.`,
		Example: "  dinh evidence verify VN-1-response-5k.asice --ca ca.pem",
		RunE: func(cmd *cobra.Command, args []string) error {
			var trust asic.Trust
			var err error
			if trust.Authorities, err = certificates(authorities); err != nil {
				return err
			}
			if trust.Timestamps, err = certificates(dating); err != nil {
				return err
			}
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			data, err := io.ReadAll(io.LimitReader(file, maxEvidence))
			if err != nil {
				return err
			}
			r, err := asic.Verify(data, trust)
			if err != nil {
				return errors.New("nothing was checked: " + app.ExplainPlain(err))
			}
			if err := printEvidence(cmd.OutOrStdout(), r); err != nil {
				return err
			}
			switch {
			case !r.Holds():
				return errors.New("the evidence does not hold")
			case !r.Pinned:
				return errors.New("whose authority it is was not checked, for its certificate came from the container itself: pass --ca with the one that the house publishes at /ca.pem")
			}
			return nil
		},
	}
	verify.Flags().StringArrayVar(&authorities, "ca", nil, "certificates of the authorities you trust, PEM; may be repeated")
	verify.Flags().StringArrayVar(&dating, "tsa-ca", nil, "certificates of those you trust to date things and nothing more, PEM")
	c.AddCommand(verify)
	return c
}

// printEvidence says in lines what was asked, what holds and what does not.
func printEvidence(out io.Writer, r asic.Report) error {
	w := tabwriter.NewWriter(out, 2, 4, 2, ' ', 0)
	switch {
	case !r.Holds():
		fmt.Fprintln(w, "✗ the evidence does not hold")
	case r.Pinned:
		fmt.Fprintln(w, "✓ the evidence holds")
	default:
		fmt.Fprintln(w, "? the evidence agrees with itself")
	}
	fmt.Fprintf(w, "\nmessage\t%s\nrecorded\t%s\n", plain(r.MessageID), r.Recorded.UTC().Format(time.RFC3339))
	for _, l := range r.Request {
		fmt.Fprintf(w, "%s\t%s\n", label(l.Name), plain(l.Value))
	}
	for _, l := range r.Answer {
		fmt.Fprintf(w, "answer: %s\t%s\n", label(l.Name), plain(l.Value))
	}
	fmt.Fprintln(w)
	for _, c := range r.Checks {
		mark := "✓"
		if !c.OK {
			mark = "✗"
		}
		fmt.Fprintf(w, "%s %s\t%s\n", mark, c.Name, plain(c.Said))
	}
	if !r.Pinned {
		fmt.Fprintf(w, "\nauthority\tthe container's own, SHA-256 %s\n", r.Authority)
	}
	return w.Flush()
}

// label is what people call a line of a signed text.
func label(name string) string {
	return map[string]string{
		"x-road-client": "asked by", "@method": "method", "@path": "address", "@query": "query", "content-digest": "body's digest", "x-dinh-purpose": "purpose",
		"x-dinh-legal-basis": "legal basis", "x-dinh-fields": "fields", "x-dinh-application": "application", "x-road-issue": "issue", "x-road-service": "given by", "@status": "status",
	}[name]
}

// plain takes out what could move a terminal's cursor: the file may be anybody's.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return '·'
		}
		return r
	}, s)
}

func certificates(files []string) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		before := len(out)
		for block, rest := pem.Decode(bytes.TrimSpace(text)); block != nil; block, rest = pem.Decode(rest) {
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			out = append(out, c)
		}
		if len(out) == before {
			return nil, fmt.Errorf("%s holds no certificate in PEM, so nothing was checked", name)
		}
	}
	return out, nil
}
