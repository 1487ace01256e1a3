package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

// house holds the flags that every verb on a running house's data takes.
type house struct {
	data, database, files, origin, smtp, mailFrom, proxy, tsa, tsaCA, instance string
	witnesses, witnessOf                                                       []string

	demo             bool
	people, cast     int
	seed             int64
	workers          int
	rate             float64
	verbose, jsonLog bool
	node             app.Federation
	registrars       string
	directoryLife    string
}

func (h *house) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&h.data, "data", env("DINH_DATA", "var/data"), "folder for the database, keys and files (DINH_DATA)")
	f.StringVar(&h.database, "database", env("DINH_DATABASE", ""), "postgres://… instead of SQLite in the data folder (DINH_DATABASE)")
	f.StringVar(&h.files, "files", env("DINH_FILES", ""), "s3://key:secret@host:port/bucket for uploads and documents instead of the data folder (DINH_FILES)")
	f.StringVar(&h.origin, "origin", env("DINH_ORIGIN", ""), "public address, as people type it; default: the one it was served under last, at first http://localhost:8080 (DINH_ORIGIN)")
	f.StringVar(&h.smtp, "smtp", env("DINH_SMTP", ""), "mail server, smtp://user:password@host:587 (DINH_SMTP)")
	f.StringVar(&h.mailFrom, "mail-from", env("DINH_MAIL_FROM", ""), "sender of e-mails (DINH_MAIL_FROM)")
	f.BoolVar(&h.demo, "demo", false, "made-up people who sign in with one press; never in production")
	f.IntVar(&h.people, "people", 2000, "with --demo: how many people an empty house is filled with")
	f.Int64Var(&h.seed, "seed", 1, "with --demo: the same seed gives the same people")
	f.IntVar(&h.cast, "cast", 0, "with --demo: this many more mothers and drivers to sign in as, for load and fault tests")
	f.IntVar(&h.workers, "workers", 16, "background jobs at once")
	f.Float64Var(&h.rate, "rate", 0, "requests a second that one client may make; 0 is no limit")
	f.StringVar(&h.tsa, "tsa", env("DINH_TSA", ""), "timestamping authority (RFC 3161) that dates the ledger, https://…; default: the house's own (DINH_TSA)")
	f.StringVar(&h.tsaCA, "tsa-ca", env("DINH_TSA_CA", ""), "file with the authority's root certificates, PEM (DINH_TSA_CA)")
	f.StringArrayVar(&h.witnesses, "witness", strings.Fields(env("DINH_WITNESS", "")), "address=verifier key of a witness that cosigns the ledger; may be repeated (DINH_WITNESS, with spaces between)")
	f.StringArrayVar(&h.witnessOf, "witness-of", strings.Fields(env("DINH_WITNESS_OF", "")), "name=verifier key of a log that this house cosigns; may be repeated (DINH_WITNESS_OF, with spaces between)")
	f.StringVar(&h.proxy, "proxy-header", env("DINH_PROXY_HEADER", ""), "behind a proxy: the header in which it names the client, such as X-Forwarded-For (DINH_PROXY_HEADER)")
	f.StringVar(&h.node.Node, "node", env("DINH_NODE", ""), "this node's id in the member directory, such as GOV/MPS/node1 (DINH_NODE)")
	f.StringVar(&h.node.Central, "central", env("DINH_CENTRAL", ""), "address of the central node, which publishes the directory; without it this house does (DINH_CENTRAL)")
	f.StringVar(&h.node.Address, "node-address", env("DINH_NODE_ADDRESS", ""), "host:port of this node's link as others call it, where this house publishes the directory (DINH_NODE_ADDRESS)")
	f.DurationVar(&h.node.HardLimit, "directory-limit", 0, "how long after its expiry the member directory is still used; 0 is for ever, with an alarm")
	f.StringVar(&h.registrars, "registrars", env("DINH_REGISTRARS", ""), "member whose registrars decide who joins the exchange; default: the country's first (DINH_REGISTRARS)")
	f.StringVar(&h.directoryLife, "directory-life", env("DINH_DIRECTORY_LIFE", "72h"), "where this house publishes the directory: how long a version is good for, and new keys are announced before they are used; the same for every command (DINH_DIRECTORY_LIFE)")
	f.StringSliceVar(&h.node.Trust, "trust", strings.Fields(env("DINH_TRUST", "")), "verifier key of the directory; name the next one too before it changes (DINH_TRUST, with spaces between)")
	f.StringVar(&h.node.Certificate, "node-cert", env("DINH_NODE_CERT", ""), "this node's certificate for other nodes, PEM; default: that of its membership (DINH_NODE_CERT)")
	f.StringVar(&h.node.Key, "node-key", env("DINH_NODE_KEY", ""), "the certificate's key, PEM (DINH_NODE_KEY)")
	f.StringVar(&h.instance, "instance", env("DINH_INSTANCE", ""), "name of the X-Road instance, such as VN-TEST; default: the country's; set it before anything is kept, it stands in every identifier (DINH_INSTANCE)")
	f.BoolVar(&h.verbose, "verbose", false, "log every request")
	f.BoolVar(&h.jsonLog, "log-json", false, "log as JSON")
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

func (h *house) config(errOut io.Writer) (app.Config, error) {
	if h.people < 0 || h.cast < 0 {
		return app.Config{}, errors.New("--people and --cast count people: write 0 or more")
	}
	level := slog.LevelWarn
	if h.verbose {
		level = slog.LevelInfo
	}
	c := app.Config{
		Data: h.data, Database: h.database, Demo: h.demo, People: h.people, Seed: h.seed, Cast: h.cast, Workers: h.workers, MaxRate: h.rate, Proxy: h.proxy, Registrars: h.registrars,
		Log: telemetry.NewLogger(errOut, level, h.jsonLog), Progress: progress(errOut),
		Instance: h.instance,
	}
	var err error
	if c.Origin, err = originOf(h.origin, h.data); err != nil {
		return c, err
	}
	if c.DirectoryLife, err = time.ParseDuration(h.directoryLife); err != nil {
		return c, errors.New("--directory-life is a time such as 72h or 30m")
	}
	if h.node.Node != "" {
		c.Federation = &h.node
	}
	if h.files != "" {
		if c.Files, err = app.ParseFiles(h.files); err != nil {
			return c, err
		}
	}
	if h.tsa == "" && h.tsaCA != "" {
		return c, errors.New("--tsa-ca belongs to an authority: name it with --tsa")
	}
	if h.tsa != "" {
		if c.Timestamps, err = app.ParseTimestamps(h.tsa, h.tsaCA); err != nil {
			return c, err
		}
	}
	if c.Witnesses, err = each(h.witnesses, app.ParseWitness); err != nil {
		return c, err
	}
	if c.WitnessOf, err = each(h.witnessOf, app.ParseWatched); err != nil {
		return c, err
	}
	if h.smtp == "" {
		return c, nil
	}
	c.Mail, err = app.ParseMail(h.smtp, h.mailFrom)
	return c, err
}

// originOf is the address that was named, or that the house was served under last.
func originOf(named, data string) (string, error) {
	if named != "" {
		return named, nil
	}
	return app.LastOrigin(data)
}

// knowsOrigin refuses to write certificates that send others to this machine's own
// localhost to ask about them.
func knowsOrigin(a *app.App) error {
	if a.OriginKnown() {
		return nil
	}
	return errors.New("certificates say where to ask about them, and this house does not know its public address: name it with --origin https://…, as dinh serve is given it (DINH_ORIGIN); a house that was served once remembers it")
}

// knowsMembers refuses to go by a directory that cannot be read.
func knowsMembers(a *app.App) error {
	if a.Listing() == nil || !a.Listing().Untrusted() {
		return nil
	}
	return errors.New("the member directory that is kept here was signed by another node than the one named: pass --node, --central and --trust as dinh gateway or dinh serve is given them (DINH_NODE, DINH_CENTRAL, DINH_TRUST)")
}

// each reads all values of a flag.
func each[T any](texts []string, parse func(string) (T, error)) (all []T, err error) {
	for _, text := range texts {
		v, err := parse(text)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// exists says where to look when there is no house in the data folder.
func (h *house) exists() error {
	if h.database != "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(h.data, "dinh.db")); err != nil {
		return fmt.Errorf("no house in %s: name its folder with --data; dinh serve makes a new one", h.data)
	}
	return nil
}

// open builds the house for an operator's verb. Such verbs send no mail, so
// none has to be configured.
func (h *house) open(ctx context.Context, errOut io.Writer) (*app.App, error) {
	c, err := h.config(errOut)
	if err != nil {
		return nil, err
	}
	if c.Mail.Host == "" && !c.Demo {
		c.Mail.Host, c.Mail.Port, c.Mail.From = "localhost", 25, "nobody@localhost.invalid"
	}
	c.Command = true
	return app.Open(ctx, c)
}

// progress draws a bar on a terminal and nothing into a file.
func progress(w io.Writer) func(what string, done, total int) {
	f, ok := w.(*os.File)
	if !ok {
		return func(string, int, int) {}
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(string, int, int) {}
	}
	start := time.Now()
	return func(what string, done, total int) {
		const width = 32
		filled := width
		if total > 0 {
			filled = width * done / total
		}
		fmt.Fprintf(w, "\r%-8s %s%s %d/%d  %s ", what, repeat("█", filled), repeat("░", width-filled), done, total, time.Since(start).Round(100*time.Millisecond))
		if done >= total {
			fmt.Fprintln(w)
		}
	}
}

func repeat(s string, n int) string {
	out := ""
	for range n {
		out += s
	}
	return out
}
