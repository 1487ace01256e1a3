package keys

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// Revocations says whether a certificate is still good: nil if it is, or if the source is silent and
// the grace for that has not run out. Otherwise errs.Forbidden "keys.revoked" (or never issued), or
// errs.Unavailable "keys.revocation_unknown".
type Revocations interface {
	Check(ctx context.Context, cert, issuer *x509.Certificate) error
}

// PeerCheck decides whether the other end of a TLS connection is who its authority says, now.
type PeerCheck struct {
	Roots       *x509.CertPool // the authorities that are believed
	Revocations Revocations
	Clock       clock.Clock
	// Usage is what the peer is in this connection: x509.ExtKeyUsageServerAuth for whoever dials,
	// x509.ExtKeyUsageClientAuth for whoever listens.
	Usage x509.ExtKeyUsage
}

// checkTimeout is more than a source of revocations may take in a handshake.
const checkTimeout = 10 * time.Second

// VerifyConnection is for tls.Config.VerifyConnection, which also sees resumed connections, as
// VerifyPeerCertificate does not. Names stay tls.Config's business. Errors: errs.Forbidden
// "keys.peer_untrusted", and those of Revocations.
func (p PeerCheck) VerifyConnection(s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return errs.New(errs.Forbidden, "keys.peer_untrusted")
	}
	leaf, between := s.PeerCertificates[0], x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: p.Roots, Intermediates: between, CurrentTime: p.Clock.Now(), KeyUsages: []x509.ExtKeyUsage{p.Usage}})
	if err != nil {
		return errs.New(errs.Forbidden, "keys.peer_untrusted").Wrap(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	chain := chains[0]
	for i := range len(chain) - 1 { // the root vouches for itself
		if err := p.Revocations.Check(ctx, chain[i], chain[i+1]); err != nil {
			return err
		}
	}
	if len(chain) == 1 { // the authority itself never talks
		return errs.New(errs.Forbidden, "keys.peer_untrusted")
	}
	return nil
}
