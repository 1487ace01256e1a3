package origin

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
)

// Trust says whom a client takes for the origin, and who it is itself. The zero
// Trust is the machine's own roots and no client certificate.
type Trust struct {
	Roots  string   // PEM: only certificates that lead to these; empty: the machine's
	Pins   []string // base64 SHA-256 of a public key (SPKI): only these; then no root is asked
	Name   string   // the name in the certificate, when it is not the address's
	Client func() (*tls.Certificate, error)
}

// Errors of a Trust that cannot be.
var (
	ErrRoots = errors.New("origin: the roots hold no certificate in PEM")
	ErrPin   = errors.New("origin: a pin is the base64 of a SHA-256 sum: 44 characters")
)

// Check says what is wrong with a trust: ErrRoots or ErrPin.
func (t Trust) Check() error {
	_, err := t.config()
	return err
}

func (t Trust) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.Name, NextProtos: []string{"http/1.1"}, ClientSessionCache: tls.NewLRUClientSessionCache(64)}
	if t.Roots != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(t.Roots)) {
			return nil, ErrRoots
		}
	}
	if len(t.Pins) > 0 {
		var pins [][]byte
		for _, p := range t.Pins {
			sum, err := base64.StdEncoding.DecodeString(p)
			if err != nil || len(sum) != sha256.Size {
				return nil, fmt.Errorf("%w: %.60q", ErrPin, p)
			}
			pins = append(pins, sum)
		}
		// The key itself is known, so neither name nor issuer can add anything.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(s tls.ConnectionState) error { return pinned(s, pins) }
	}
	if t.Client != nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.Client() }
	}
	return c, nil
}

func pinned(s tls.ConnectionState, pins [][]byte) error {
	if len(s.PeerCertificates) > 0 {
		sum := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
		for _, p := range pins {
			if subtle.ConstantTimeCompare(sum[:], p) == 1 {
				return nil
			}
		}
	}
	return errors.New("origin: the certificate's key is not the one pinned")
}
