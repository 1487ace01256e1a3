package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

const (
	nodeDays   = 90
	maxCSR     = 16 << 10
	minRSABits = 3072
	maxRSABits = 8192 // beyond it a signature costs the verifier more than it gives
)

// Certificate is one that the instance's authority issued.
type Certificate struct {
	Serial      string // hexadecimal, lower case: what Revoke takes
	KeyID       string // RFC 7638 thumbprint of the key
	Owner       string
	Certificate *x509.Certificate
	Revoked     time.Time // zero: not revoked
	Reason      Reason
}

// Reason is why a certificate was revoked: a CRLReason of RFC 5280.
type Reason int

// The reasons that can be given. Holding a certificate back for a while is not one of them: what was
// revoked stays so.
const (
	Unspecified        Reason = 0
	KeyCompromise      Reason = 1
	AffiliationChanged Reason = 3
	Superseded         Reason = 4
	Cessation          Reason = 5
	PrivilegeWithdrawn Reason = 9
)

func (r Reason) known() bool {
	switch r {
	case Unspecified, KeyCompromise, AffiliationChanged, Superseded, Cessation, PrivilegeWithdrawn:
		return true
	}
	return false
}

// IssueNode certifies a key that lives elsewhere, for TLS between nodes as client and as server, for
// 90 days. Of the request (PKCS #10, DER) it takes the key alone, once the signature shows that the
// sender holds it; names and hosts are those that were approved. Errors are errs.Invalid
// "keys.csr_malformed", "keys.csr_key", "keys.host_invalid", "keys.name_missing", and errs.Conflict
// "keys.key_taken" for a key that is another's, ours or compromised.
func (k *Keys) IssueNode(ctx context.Context, owner string, csr []byte, name Name) (Certificate, error) {
	public, err := readCSR(csr)
	if err != nil {
		return Certificate{}, err
	}
	kid, err := thumbprint(public)
	if err != nil {
		return Certificate{}, err
	}
	if len(name.Hosts) == 0 {
		return Certificate{}, errs.New(errs.Invalid, "keys.host_invalid", "host", "")
	}
	for _, host := range name.Hosts {
		if !validHost(host) {
			return Certificate{}, errs.New(errs.Invalid, "keys.host_invalid", "host", host)
		}
	}
	template, err := leafTemplate(TLS, name, k.clock.Now())
	if err != nil {
		return Certificate{}, errs.New(errs.Invalid, "keys.name_missing", "owner", owner, "use", string(TLS)).Wrap(err)
	}
	template.NotAfter = k.clock.Now().AddDate(0, 0, nodeDays)
	k.addSources(template)
	der, err := certify(template, public, k.ca)
	if err != nil {
		return Certificate{}, err
	}
	rec, err := newIssued(kid, owner, der)
	if err != nil {
		return Certificate{}, err
	}
	err = k.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		taken, err := keyTaken(ctx, q, kid, owner)
		if err != nil {
			return err
		}
		if taken {
			return errs.New(errs.Conflict, "keys.key_taken")
		}
		return insertIssued(ctx, q, rec)
	})
	return rec, err
}

// addSources writes into a certificate where its revocation is asked about.
func (k *Keys) addSources(t *x509.Certificate) {
	if k.address != "" {
		t.OCSPServer = []string{k.address + "/ocsp"}
		t.CRLDistributionPoints = []string{k.address + "/ca.crl"}
	}
}

// readCSR gives the key of a request whose sender holds it, and nothing else that it asks for.
func readCSR(der []byte) (crypto.PublicKey, error) {
	if len(der) > maxCSR {
		return nil, errs.New(errs.Invalid, "keys.csr_malformed")
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, errs.New(errs.Invalid, "keys.csr_malformed").Wrap(err)
	}
	if why := weakKey(csr.PublicKey); why != "" { // before the signature, whose cost grows with the key
		return nil, errs.New(errs.Invalid, "keys.csr_key").Wrap(fmt.Errorf("keys: %s", why))
	}
	switch csr.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1:
		return nil, errs.New(errs.Invalid, "keys.csr_malformed").Wrap(fmt.Errorf("keys: request signed with %s", csr.SignatureAlgorithm))
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, errs.New(errs.Invalid, "keys.csr_malformed").Wrap(err)
	}
	return csr.PublicKey, nil
}

func weakKey(public crypto.PublicKey) string {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return ""
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() || key.Curve == elliptic.P384() {
			return ""
		}
		return "curve " + key.Curve.Params().Name
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n >= minRSABits && n <= maxRSABits && key.E >= 65537 {
			return ""
		}
		return fmt.Sprintf("RSA of %d bits, exponent %d", key.N.BitLen(), key.E)
	}
	return fmt.Sprintf("a %T", public)
}

// validHost takes an IP address or a DNS name in full; a wildcard would name hosts that nobody
// approved.
func validHost(host string) bool {
	if net.ParseIP(host) != nil {
		return true
	}
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range label {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// newIssued is the record of a certificate.
func newIssued(kid, owner string, der []byte) (Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Certificate{}, err
	}
	return Certificate{Serial: serialText(cert.SerialNumber), KeyID: kid, Owner: owner, Certificate: cert}, nil
}

func serialText(n *big.Int) string { return n.Text(16) }

// Issued lists every certificate that the authority issued, the newest first: those for keys here and
// those for keys elsewhere.
func (k *Keys) Issued(ctx context.Context) ([]Certificate, error) {
	return db.List(ctx, k.db, scanIssued, `SELECT `+issuedColumns+` FROM keys_issued ORDER BY not_before DESC, serial`)
}

// Revoke takes a certificate back for good; the next CRL and every OCSP answer from now on say so. A
// second time changes nothing. Errors: errs.NotFound "keys.unknown_serial", errs.Invalid
// "keys.unknown_reason".
func (k *Keys) Revoke(ctx context.Context, serial string, reason Reason) error {
	if !reason.known() {
		return errs.New(errs.Invalid, "keys.unknown_reason", "reason", int(reason))
	}
	return k.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := readIssued(ctx, q, serial); err != nil {
			return err
		}
		changed, err := revokeIssued(ctx, q, serial, reason, k.clock.Now().UnixMicro())
		if err != nil || !changed {
			return err
		}
		db.AfterCommit(ctx, k.answers.forget)
		_, err = k.renewCRL(ctx, q)
		return err
	})
}

// adopt records certificates that were issued before the table was there.
func (k *Keys) adopt(ctx context.Context) error {
	missing := func(ctx context.Context, q db.Querier) ([]Certificate, error) { return unrecorded(ctx, q) }
	var some []Certificate
	err := k.db.Read(ctx, func(ctx context.Context, q db.Querier) (err error) {
		some, err = missing(ctx, q)
		return err
	})
	if err != nil || len(some) == 0 {
		return err
	}
	return k.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		some, err := missing(ctx, q) // another process may have been first
		if err != nil {
			return err
		}
		for _, c := range some {
			if err := insertIssued(ctx, q, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// renewCRL writes the next list of what is revoked, in the transaction that changes it.
func (k *Keys) renewCRL(ctx context.Context, q db.Querier) ([]byte, error) {
	now := k.clock.Now()
	entries, err := revokedEntries(ctx, q, now.Add(-crlLife).UnixMicro())
	if err != nil {
		return nil, err
	}
	number, err := nextCRL(ctx, q)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(number), ThisUpdate: now.Add(-clockSkew), NextUpdate: now.Add(crlLife), RevokedCertificateEntries: entries,
	}, k.ca.key.Certificate, k.ca.private)
	if err != nil {
		return nil, fmt.Errorf("keys: revocation list %d: %w", number, err)
	}
	return der, insertCRL(ctx, q, number, now.UnixMicro(), der)
}
