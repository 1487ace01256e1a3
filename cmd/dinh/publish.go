package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// publication holds what the flags of dinh publish say.
type publication struct {
	service, openAPI, roots string
	s                       exchange.PublishedService
}

func publishCommand() *cobra.Command {
	var p publication
	c := onExchange("publish", "Put an HTTP service that you have on the exchange", cobra.NoArgs, func(ctx context.Context, cmd *cobra.Command, a *app.App, _ []string) error {
		return p.publish(ctx, cmd, a)
	})
	c.Long = `Any HTTP service can answer behind the exchange: the path and query of a
question are appended to its address, and it learns from X-Road-Client who asks
and from X-Dinh-Purpose why. Nobody may use it before a grant says so.

With an OpenAPI document the exchange knows what the service does: only the
operations in it can be called and granted, the catalogue shows them, and with
--check no request and no answer passes that does not fit. The document is
checked first; errors say where they are. Write "x-dinh-operation: read" (or
search, create, amend) at an operation whose method would say something else.

Publishing again changes the service; all processes know with their next request.`
	c.Example = `  dinh publish --service VN/GOV/MPS/population/addresses --url https://addresses.mps.example/v1 \
      --title-vi "Địa chỉ cư trú" --title-en "Addresses"
  dinh publish --service VN/GOV/MPS/population/addresses --openapi addresses.yaml --check
  dinh publish --service VN/GOV/MPS/population/addresses --url http://10.0.0.7:8080 --openapi http://10.0.0.7:8080/openapi.json
  dinh publish list
  dinh publish disable VN/GOV/MPS/population/addresses "Bảo trì đến 18 giờ"`
	f := c.Flags()
	f.StringVar(&p.service, "service", "", "the service's identifier: instance/class/member/subsystem/service (required)")
	f.StringVar(&p.s.URL, "url", "", "its address; default: the first server in the OpenAPI document")
	f.StringVar(&p.openAPI, "openapi", "", "its OpenAPI 3 document: a file, or an address that is asked afresh for getOpenAPI")
	f.StringVar(&p.s.Title.VI, "title-vi", "", "its name in Vietnamese; default: the document's title")
	f.StringVar(&p.s.Title.EN, "title-en", "", "its name in English; default: the document's title")
	f.BoolVar(&p.s.Checked, "check", false, "hold every request and answer to the document")
	f.BoolVar(&p.s.PublicStatistics, "public-statistics", false, "let everybody see how often it is used")
	f.StringVar(&p.roots, "roots", "", "file with the only root certificates that its certificate may lead to, PEM")
	f.StringSliceVar(&p.s.TLS.Pins, "pin", nil, "base64 SHA-256 of its public key: only this one is taken, whoever certified it")
	f.StringVar(&p.s.TLS.Name, "tls-name", "", "the name in its certificate, when it is not the address's")
	f.BoolVar(&p.s.TLS.ClientCertificate, "client-certificate", false, "show it the owner's TLS certificate")
	f.Int64Var(&p.s.Timeouts.Header, "timeout-ms", 0, "how long it may take to begin its answer; 0 is 30 s")
	c.AddCommand(
		onExchange("list", "List published services", cobra.NoArgs, listPublished),
		onExchange("disable SERVICE REASON", "Take a service out of use; clients read the reason", cobra.ExactArgs(2), func(ctx context.Context, _ *cobra.Command, a *app.App, args []string) error {
			id, err := exchange.ParseService(args[0])
			if err != nil {
				return say(a, err)
			}
			return say(a, a.Exchange.DisableService(ctx, id, "operator", args[1]))
		}),
		onExchange("enable SERVICE", "Put a service into use again", cobra.ExactArgs(1), func(ctx context.Context, _ *cobra.Command, a *app.App, args []string) error {
			id, err := exchange.ParseService(args[0])
			if err != nil {
				return say(a, err)
			}
			return say(a, a.Exchange.EnableService(ctx, id))
		}))
	return c
}

// onExchange makes a command that needs the exchange alone, so that it works on
// the data of a house and of a gateway.
func onExchange(use, short string, args cobra.PositionalArgs, do func(ctx context.Context, cmd *cobra.Command, a *app.App, args []string) error) *cobra.Command {
	var h house
	c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		if err := h.exists(); err != nil {
			return err
		}
		conf, err := h.config(cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		conf.Command = true
		if f := conf.Federation; f != nil && f.Central != "" && len(f.Trust) == 0 {
			conf.Federation = nil // it cannot read the directory; what needs it says so
		}
		a, err := app.OpenExchange(cmd.Context(), conf)
		if err != nil {
			return err
		}
		defer a.Close()
		return do(cmd.Context(), cmd, a, args)
	}}
	h.flags(c)
	return c
}

func (p *publication) publish(ctx context.Context, cmd *cobra.Command, a *app.App) error {
	id, err := exchange.ParseService(p.service)
	if err != nil {
		return fmt.Errorf("--service: %w", say(a, err))
	}
	p.s.ID = id
	if p.s.Title.EN == "" || p.s.Title.VI == "" { // one language is better than none
		p.s.Title = i18n.Text{VI: p.s.Title.VI + p.s.Title.EN, EN: p.s.Title.EN + p.s.Title.VI}
	}
	if p.roots != "" {
		text, err := os.ReadFile(p.roots)
		if err != nil {
			return fmt.Errorf("--roots: %w", err)
		}
		p.s.TLS.Roots = string(text)
	}
	switch {
	case strings.Contains(p.openAPI, "://"):
		p.s.DescriptionURL = p.openAPI
	case p.openAPI != "":
		text, err := os.ReadFile(p.openAPI)
		if err != nil {
			return fmt.Errorf("--openapi: %w", err)
		}
		p.s.Description = string(text)
	}
	p.s.Local = true // who may run dinh here may; officers may not
	s, err := a.Exchange.PublishService(ctx, p.s, "operator")
	if err != nil {
		return say(a, err)
	}
	w := table(cmd)
	fmt.Fprintf(w, "%s\t%s\t%s\n", s.ID, s.Type, s.URL)
	for _, e := range s.Endpoints {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", e.Method, e.Path, e.Operation)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	health, err := a.Exchange.ServiceHealth(ctx, s.ID)
	if err != nil {
		return say(a, err)
	}
	if health.Reachable {
		fmt.Fprintf(cmd.OutOrStdout(), "\nIt is on the exchange and answers. Nobody may use it yet: see dinh grant add.\n")
	} else {
		fmt.Fprintf(cmd.OutOrStdout(), "\nIt is on the exchange, but does not answer now: %s\n", a.Catalog.T(i18n.EN, "error."+health.Problem))
	}
	return nil
}

func listPublished(ctx context.Context, cmd *cobra.Command, a *app.App, _ []string) error {
	all, err := a.Exchange.PublishedServices(ctx)
	if err != nil {
		return say(a, err)
	}
	w := table(cmd)
	fmt.Fprintln(w, "SERVICE\tTYPE\tADDRESS\tCHECKED\tSTATE")
	for i := range all {
		state := "in use"
		if !all[i].DisabledAt.IsZero() {
			state = "disabled: " + all[i].DisabledReason
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%t\t%s\n", all[i].ID, all[i].Type, all[i].URL, all[i].Checked, state)
	}
	return w.Flush()
}
