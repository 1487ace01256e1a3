package clients

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"embed"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations holds the table, for db.Migrate under the name "exchange_clients".
func Migrations() fs.FS { return migrations }

// Messages holds the texts of the errors in every language.
func Messages() fs.FS { return messages }

// Exchange keeps the keys of clients. exchange.Exchange is one.
type Exchange interface {
	ClientKeys(ctx context.Context) ([]exchange.ClientKey, error)
	AddPublicKey(ctx context.Context, k exchange.ClientKey, thumbprint string) (exchange.ClientKey, error)
	NewClientKey(ctx context.Context, s exchange.SubsystemID, label string, until time.Time) (secret string, k exchange.ClientKey, err error)
	RevokeClientKey(ctx context.Context, keyID string) error
}

// Keystore signs tokens. kernel/keys is one.
type Keystore interface {
	Ensure(ctx context.Context, owner string, use keys.Use, name keys.Name) (keys.Key, error)
	Key(ctx context.Context, kid string) (keys.Key, error)
	CryptoSigner(ctx context.Context, kid string) (crypto.Signer, error)
	CA() *x509.Certificate
	IssueNode(ctx context.Context, owner string, csr []byte, name keys.Name) (keys.Certificate, error)
}

// Deps is what clients stand on; all but Log are needed.
type Deps struct {
	DB       exchange.Database
	Clock    clock.Clock
	Exchange Exchange
	Keys     Keystore
	Origin   string // of this house: "https://exchange.gov.vn"
	Catalog  *i18n.Catalog
	Log      *slog.Logger
}

// Clients gives access tokens and reads them. It is safe for concurrent use, also
// by several processes on one database.
type Clients struct {
	store    store
	clock    clock.Clock
	exchange Exchange
	keys     Keystore
	origin   string
	catalog  *i18n.Catalog
	log      *slog.Logger
}

// New returns clients over a table that exists already.
func New(d Deps) (*Clients, error) {
	if d.DB == nil || d.Clock == nil || d.Exchange == nil || d.Keys == nil || d.Origin == "" || d.Catalog == nil {
		return nil, errors.New("clients: Deps needs all but Log")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Clients{store{d.DB}, d.Clock, d.Exchange, d.Keys, strings.TrimSuffix(d.Origin, "/"), d.Catalog, d.Log}, nil
}

func algorithms() []jose.SignatureAlgorithm { return []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256} }

// readJWK reads a public key that may be registered: Ed25519, or ECDSA on P-256.
// errs.Invalid "clients.bad_jwk", "clients.private_jwk".
func readJWK(raw []byte) (public, thumbprint string, err error) {
	bad := errs.New(errs.Invalid, "clients.bad_jwk")
	var k jose.JSONWebKey
	if len(raw) > 8<<10 {
		return "", "", bad
	}
	if err := json.Unmarshal(raw, &k); err != nil {
		return "", "", bad.Wrap(err)
	}
	if k.Valid() && !k.IsPublic() {
		return "", "", errs.New(errs.Invalid, "clients.private_jwk")
	}
	alg := ""
	switch key := k.Key.(type) {
	case ed25519.PublicKey:
		alg = string(jose.EdDSA)
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			alg = string(jose.ES256)
		}
	}
	if alg == "" || !k.Valid() || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != alg {
		return "", "", bad
	}
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", "", bad.Wrap(err)
	}
	thumbprint = base64.RawURLEncoding.EncodeToString(sum)
	text, err := json.Marshal(jose.JSONWebKey{Key: k.Key, KeyID: thumbprint, Algorithm: alg, Use: "sig"})
	return string(text), thumbprint, err
}

// readCertificate reads a certificate that the instance's authority issued for
// clients of TLS. errs.Invalid "clients.bad_certificate".
func (c *Clients) readCertificate(text string) (*x509.Certificate, error) {
	bad := errs.New(errs.Invalid, "clients.bad_certificate")
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || strings.TrimSpace(string(rest)) != "" {
		return nil, bad
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, bad.Wrap(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(c.keys.CA())
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: c.clock.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil || cert.IsCA {
		return nil, bad.Wrap(err)
	}
	return cert, nil
}

// Registration is a key that somebody who speaks for a subsystem brings. Of JWK,
// CSR and Certificate one is given, or none for an API key.
type Registration struct {
	Subsystem   exchange.SubsystemID
	Label       string
	JWK         json.RawMessage
	CSR         string // PEM; a certificate of 90 days is issued for it
	Host        string // that the CSR's certificate is for
	Certificate string // PEM
	Until       time.Time
}

// certify has a request certified by the instance's authority. errs.Invalid
// "clients.bad_csr" and those of keys.IssueNode.
func (c *Clients) certify(ctx context.Context, in Registration) (string, error) {
	block, rest := pem.Decode([]byte(in.CSR))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || strings.TrimSpace(string(rest)) != "" {
		return "", errs.New(errs.Invalid, "clients.bad_csr")
	}
	name := in.Subsystem.String()
	issued, err := c.keys.IssueNode(ctx, name, block.Bytes, keys.Name{CommonName: name, Unit: in.Subsystem.Owner().String(), Hosts: []string{in.Host}})
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issued.Certificate.Raw})), nil
}

const (
	maxLabel = 200
	maxKeys  = 10 // of one subsystem that hold at once
)

// Register lets a key in, and gives the secret when it made one. The caller has
// checked that whoever registers it speaks for the subsystem. errs.Invalid
// "clients.bad_jwk", "clients.private_jwk", "clients.bad_certificate",
// "clients.bad_label", "clients.past"; errs.Conflict "clients.too_many_keys",
// "exchange.key_known"; errs.NotFound "exchange.unknown_client".
func (c *Clients) Register(ctx context.Context, in Registration) (k exchange.ClientKey, secret string, err error) {
	now := c.clock.Now()
	if len(in.Label) > maxLabel || strings.TrimSpace(in.Label) == "" {
		return k, "", errs.New(errs.Invalid, "clients.bad_label", "max", maxLabel)
	}
	if !in.Until.IsZero() && !in.Until.After(now) {
		return k, "", errs.New(errs.Invalid, "clients.past")
	}
	all, err := c.exchange.ClientKeys(ctx)
	if err != nil {
		return k, "", err
	}
	n := 0
	for _, other := range all {
		if other.Subsystem == in.Subsystem && other.Holds(now) {
			n++
		}
	}
	if n >= maxKeys {
		return k, "", errs.New(errs.Conflict, "clients.too_many_keys", "max", maxKeys)
	}
	return c.add(ctx, in)
}

// add lets in a key whose registration is otherwise in order.
func (c *Clients) add(ctx context.Context, in Registration) (k exchange.ClientKey, secret string, err error) {
	given := 0
	for _, there := range []bool{len(in.JWK) > 0, in.CSR != "", in.Certificate != ""} {
		if there {
			given++
		}
	}
	if given > 1 {
		return k, "", errs.New(errs.Invalid, "clients.one_key")
	}
	if in.CSR != "" {
		if in.Certificate, err = c.certify(ctx, in); err != nil {
			return k, "", err
		}
	}
	k = exchange.ClientKey{Subsystem: in.Subsystem, Label: in.Label, Until: in.Until}
	thumbprint := ""
	switch {
	case len(in.JWK) > 0:
		k.Kind = exchange.KeyJWK
		k.Public, thumbprint, err = readJWK(in.JWK)
	case in.Certificate != "":
		var cert *x509.Certificate
		if cert, err = c.readCertificate(in.Certificate); err == nil {
			k.Kind, k.Public = exchange.KeyCertificate, in.Certificate
			thumbprint = exchange.CertificateThumbprint(cert.Raw)
			if k.Until.IsZero() || cert.NotAfter.Before(k.Until) {
				k.Until = cert.NotAfter
			}
		}
	default:
		secret, k, err = c.exchange.NewClientKey(ctx, in.Subsystem, in.Label, in.Until)
		return k, secret, err
	}
	if err != nil {
		return k, "", err
	}
	k, err = c.exchange.AddPublicKey(ctx, k, thumbprint)
	return k, "", err
}
