package app

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/notify"
	"github.com/dinh-gov/dinh/kernel/blob"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/ledger"
	"github.com/dinh-gov/dinh/kernel/telemetry"
	"github.com/dinh-gov/dinh/kernel/timestamp"
)

// Config is everything that differs between installations. The zero value of
// each member is a sensible default.
type Config struct {
	Data     string         // folder for database, keys and files; created if missing
	Database string         // sqlite:///… or postgres://…; empty: dinh.db in Data
	Files    *blob.S3Config // bucket for uploads and documents; nil: files/ in Data
	// Timestamps is an authority of somebody else that dates the ledger; nil: the
	// house's own, whose clock proves less.
	Timestamps *timestamp.Client
	// Witnesses cosign the ledger; WitnessOf are the logs that the house cosigns.
	Witnesses []ledger.WitnessAt
	WitnessOf []ledger.Watched
	Origin    string // public address, https://…; empty: http://localhost:8080, see LastOrigin
	Demo      bool   // sample people sign in without a passkey; the banner says so
	People    int    // with Demo: how many people an empty database is seeded with
	Seed      int64
	Cast      int               // with Demo: more sample people, see App.Cast
	Mail      notify.MailConfig // empty host: with Demo the built-in mailbox
	Workers   int               // background jobs at once; 0: 16
	MaxRate   float64           // requests a second per client; 0: no limit
	Proxy     string            // header in which a proxy in front names the client; empty: no proxy
	Instance  string            // name of the X-Road instance; empty: the country's
	// ErrorCodes is how codes are spelt for X-Road clients; empty: as of 7.8.
	ErrorCodes exchange.Vocabulary
	Plain      []string     // subsystems that may come to ServeXRoad without a key
	GovStack   string       // with Demo: the file that says who GovStack's names are here, see ServeGovStack
	Clock      clock.Clock  // nil: the machine's
	Log        *slog.Logger // nil: slog's default
	Tracing    telemetry.Tracing
	Progress   func(what string, done, total int)
	Federation *Federation // nil: a house for itself
	Registrars string      // member whose registrars decide who joins; empty: the country's first
	// DirectoryLife is how long a version of the directory is good for, where this
	// house publishes it; 0: three days. New keys are announced so long before they
	// are used.
	DirectoryLife time.Duration
	// Command says that the house is opened for one command and not to be served:
	// a member directory that cannot be read is told by what needs it.
	Command bool

	guessed bool // nobody named the origin
}

// originFile is where a data folder keeps the address that its house is served under.
const originFile = "origin"

// LastOrigin is the address that the house of a data folder was served under last;
// empty when it never was. Commands go by it, so that what they write into
// certificates is what others can ask.
func LastOrigin(data string) (string, error) {
	text, err := os.ReadFile(filepath.Join(data, originFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// keepOrigin remembers the address for LastOrigin.
func (c *Config) keepOrigin() error {
	if last, err := LastOrigin(c.Data); err == nil && last == c.Origin {
		return nil
	}
	at := filepath.Join(c.Data, originFile)
	if err := os.WriteFile(at+".new", []byte(c.Origin+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(at+".new", at)
}

// OriginKnown says whether somebody named the address of this house, now or when it
// was served last.
func (a *App) OriginKnown() bool { return !a.Config.guessed }

// shortestLife leaves a node time to ask for the next version, and to change keys.
const shortestLife = 6 * time.Second

func (c *Config) complete() error {
	if c.Data == "" {
		return errors.New("app: choose a data folder, for example --data var/data")
	}
	abs, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	c.Data = abs
	if c.Database == "" {
		c.Database = "sqlite://" + filepath.ToSlash(filepath.Join(abs, "dinh.db"))
	}
	if c.Origin == "" {
		c.Origin, c.guessed = "http://localhost:8080", true
	}
	u, err := url.Parse(c.Origin)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("app: origin %q: write the public address, such as https://dichvucong.example.vn", c.Origin)
	}
	if net.ParseIP(u.Hostname()) != nil {
		return fmt.Errorf("app: origin %q: passkeys need a name, not a number: write http://localhost:PORT to try things out, or the public name", c.Origin)
	}
	c.Origin = strings.TrimSuffix(c.Origin, "/")
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.DirectoryLife != 0 && c.DirectoryLife < shortestLife {
		return fmt.Errorf("app: a directory that is good for %s is past before everybody has it: write %s or more", c.DirectoryLife, shortestLife)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Progress == nil {
		c.Progress = func(string, int, int) {}
	}
	return nil
}

// clientKey tells clients apart; nil is by the address of the connection.
func (c *Config) clientKey() func(*http.Request) string {
	if c.Proxy == "" {
		return nil
	}
	return httpx.ClientBehind(c.Proxy)
}

// ParseMail reads smtp://user:password@host:port or smtps://…; from is the
// sender's address. ?tls=none sends in the clear, for a server on this machine.
func ParseMail(server, from string) (notify.MailConfig, error) {
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return notify.MailConfig{}, errors.New("mail: write the server as smtp://user:password@host:587 or smtps://…")
	}
	cfg := notify.MailConfig{Host: u.Hostname(), Port: 587, From: from, FromName: "Đình", User: u.User.Username(), TLS: u.Query().Get("tls")}
	cfg.Password, _ = u.User.Password()
	if u.Scheme == "smtps" {
		cfg.TLS, cfg.Port = "implicit", 465
	}
	if p := u.Port(); p != "" {
		if cfg.Port, err = strconv.Atoi(p); err != nil {
			return notify.MailConfig{}, fmt.Errorf("mail: port %q is not a number", p)
		}
	}
	return cfg, nil
}

// ParseFiles reads where uploads and documents are kept:
// s3://key:secret@host:port/bucket, with ?region=… where the store wants one
// and ?tls=off for plain HTTP on the same machine.
func ParseFiles(store string) (*blob.S3Config, error) {
	u, err := url.Parse(store)
	if err != nil || u.Scheme != "s3" || u.Host == "" || strings.Trim(u.Path, "/") == "" || strings.Contains(strings.Trim(u.Path, "/"), "/") {
		return nil, errors.New("files: write the store as s3://key:secret@host:port/bucket")
	}
	c := &blob.S3Config{Endpoint: u.Host, Bucket: strings.Trim(u.Path, "/"), Region: u.Query().Get("region"), AccessKey: u.User.Username()}
	c.SecretKey, _ = u.User.Password()
	switch tls := u.Query().Get("tls"); tls {
	case "":
	case "off":
		c.Insecure = true
	default:
		return nil, fmt.Errorf("files: tls=%s: leave it out for TLS, or write tls=off", tls)
	}
	if c.AccessKey == "" || c.SecretKey == "" {
		return nil, errors.New("files: name the key and the secret too: s3://key:secret@host:port/bucket")
	}
	return c, nil
}

// ParseTimestamps names the timestamping authority at an address, and the file
// with the certificates (PEM) that its own must lead to.
func ParseTimestamps(address, roots string) (*timestamp.Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("tsa: write the authority's address, such as https://tsa.example.vn")
	}
	if roots == "" {
		return nil, errors.New("tsa: name the file with the authority's root certificates (PEM) with --tsa-ca")
	}
	text, err := os.ReadFile(roots)
	if err != nil {
		return nil, fmt.Errorf("tsa: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("tsa: %s holds no certificate in PEM", roots)
	}
	return &timestamp.Client{URL: address, Roots: pool}, nil
}
