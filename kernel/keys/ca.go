package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	caYears       = 10
	documentYears = 3
	tlsDays       = 397
	renewBefore   = 30 * 24 * time.Hour
	clockSkew     = 5 * time.Minute // a verifier's clock may be behind ours
	maxNameRunes  = 64              // X.520 upper bound of the parts of a name
)

// oidDocumentSigning is id-kp-documentSigning of RFC 9336.
func oidDocumentSigning() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}
}

// oidOrganizationIdentifier is X.520 organizationIdentifier, which European seals carry.
func oidOrganizationIdentifier() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{2, 5, 4, 97}
}

// oidTimeStamping is id-kp-timeStamping of RFC 5280.
func oidTimeStamping() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
}

// oidExtKeyUsage is id-ce-extKeyUsage.
func oidExtKeyUsage() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 5, 29, 37} }

// generate makes a private key for a use.
func generate(use Use) (crypto.Signer, string, error) {
	if use == Sign {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, EdDSA, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return private, ES256, err
}

// distinguished turns a name into the subject of a certificate.
func distinguished(n Name) pkix.Name {
	country := n.Country
	if country == "" {
		country = "VN"
	}
	cn := n.CommonName
	if cn == "" {
		cn = n.Organization
	}
	out := pkix.Name{CommonName: fit(cn), Country: []string{country}}
	if n.Organization != "" {
		out.Organization = []string{fit(n.Organization)}
	}
	if n.Unit != "" {
		out.OrganizationalUnit = []string{fit(n.Unit)}
	}
	if n.Locality != "" {
		out.Locality = []string{fit(n.Locality)}
	}
	if n.Identifier != "" {
		out.ExtraNames = []pkix.AttributeTypeAndValue{{Type: oidOrganizationIdentifier(), Value: n.Identifier}}
	}
	return out
}

// fit shortens a name to what certificates allow, at a word; names of offices can be long.
func fit(s string) string {
	if utf8.RuneCountInString(s) <= maxNameRunes {
		return s
	}
	cut := string([]rune(s)[:maxNameRunes-1])
	if i := strings.LastIndexByte(cut, ' '); i > 0 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;–-") + "…"
}

// serial is 127 random bits, as RFC 5280 wants them: positive, unguessable, without collisions.
func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] = b[0]&0x7f | 0x40 // positive, and of full length
	return new(big.Int).SetBytes(b[:])
}

// caTemplate is the instance's self-signed root. It may certify keys, and no further authorities.
func caTemplate(instance string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               distinguished(Name{CommonName: "CA gốc " + instance, Organization: instance}),
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.AddDate(caYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
}

// leafTemplate is the certificate of a member's key.
func leafTemplate(use Use, n Name, now time.Time) (*x509.Certificate, error) {
	if n.CommonName == "" && n.Organization == "" {
		return nil, fmt.Errorf("keys: a certificate needs a common name or an organisation")
	}
	t := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               distinguished(n),
		NotBefore:             now.Add(-clockSkew),
		BasicConstraintsValid: true,
	}
	switch use {
	case Document:
		// contentCommitment (non-repudiation) is what makes it a signature on paper's terms.
		t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
		t.UnknownExtKeyUsage = []asn1.ObjectIdentifier{oidDocumentSigning()}
		t.NotAfter = now.AddDate(documentYears, 0, 0)
	case Time:
		// RFC 3161 §2.3: timeStamping is the one purpose, and critical.
		purposes, err := asn1.Marshal([]asn1.ObjectIdentifier{oidTimeStamping()})
		if err != nil {
			return nil, err
		}
		t.KeyUsage = x509.KeyUsageDigitalSignature
		t.ExtraExtensions = []pkix.Extension{{Id: oidExtKeyUsage(), Critical: true, Value: purposes}}
		t.NotAfter = now.AddDate(documentYears, 0, 0)
	case TLS:
		t.KeyUsage = x509.KeyUsageDigitalSignature
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		t.NotAfter = now.AddDate(0, 0, tlsDays)
		for _, host := range n.Hosts {
			if ip := net.ParseIP(host); ip != nil {
				t.IPAddresses = append(t.IPAddresses, ip)
			} else {
				t.DNSNames = append(t.DNSNames, host)
			}
		}
	case useOCSP:
		t.KeyUsage = x509.KeyUsageDigitalSignature
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
		t.ExtraExtensions = []pkix.Extension{{Id: oidNoCheck(), Value: asn1.NullBytes}}
		t.NotAfter = now.AddDate(0, 0, responderDays)
	default:
		return nil, fmt.Errorf("keys: a key for %q has no certificate", use)
	}
	return t, nil
}

// certifyOwn certifies a key of the keystore; a nil authority signs itself.
func certifyOwn(t *x509.Certificate, private crypto.Signer, ca *signer) ([]byte, error) {
	if ca == nil {
		ca = &signer{key: Key{Certificate: t}, private: private}
	}
	return certify(t, private.Public(), ca)
}

// certify signs a template for a key with the authority.
func certify(t *x509.Certificate, public crypto.PublicKey, ca *signer) ([]byte, error) {
	parent := ca.key.Certificate
	if t.NotAfter.After(parent.NotAfter) {
		t.NotAfter = parent.NotAfter // a certificate beyond its issuer's end verifies nowhere
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, public, ca.private)
	if err != nil {
		return nil, fmt.Errorf("keys: certify %q: %w", t.Subject.CommonName, err)
	}
	return der, nil
}
