package pdf

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// Object identifiers, encoded.
const (
	oidData        = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
	oidSignedData  = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
	oidContentType = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03"
	oidDigest      = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04"
	oidSigningCert = "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x2f"
	oidSHA256      = "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
	oidECDSASHA256 = "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
)

// der encodes one value of what its parts are.
func der(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := make([]byte, 0, n+6)
	out = append(out, tag)
	switch {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	case n < 0x10000:
		out = append(out, 0x82, byte(n>>8), byte(n))
	default:
		out = append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func derInt(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return der(0x02, b)
}

// attributes are what is signed: the digest of the file, and which certificate
// signs it, so that no other can be put in its place. In DER a set is sorted.
func attributes(digest [32]byte, cert *x509.Certificate) []byte {
	hash := sha256.Sum256(cert.Raw)
	id := der(0x30, der(0x04, hash[:])) // SHA-256 is the default and left out
	attrs := [][]byte{
		der(0x30, []byte(oidContentType), der(0x31, []byte(oidData))),
		der(0x30, []byte(oidDigest), der(0x31, der(0x04, digest[:]))),
		der(0x30, []byte(oidSigningCert), der(0x31, der(0x30, der(0x30, id)))),
	}
	slices.SortFunc(attrs, bytes.Compare)
	return slices.Concat(attrs...)
}

// envelope is the CMS SignedData of a signature: always the same bytes for the
// same values, which is what verification relies on.
func envelope(cert, authority *x509.Certificate, attrs, signature []byte) []byte {
	sha := der(0x30, []byte(oidSHA256))
	signer := der(0x30,
		der(0x02, []byte{1}),
		der(0x30, cert.RawIssuer, derInt(cert.SerialNumber)),
		sha,
		der(0xa0, attrs),
		der(0x30, []byte(oidECDSASHA256)),
		der(0x04, signature),
	)
	data := der(0x30,
		der(0x02, []byte{1}),
		der(0x31, sha),
		der(0x30, []byte(oidData)),
		der(0xa0, cert.Raw, authority.Raw),
		der(0x31, signer),
	)
	return der(0x30, []byte(oidSignedData), der(0xa0, data))
}

// sign makes the CMS of a digest.
func (s Signer) sign(digest [32]byte) ([]byte, error) {
	attrs := attributes(digest, s.Certificate)
	sum := sha256.Sum256(der(0x31, attrs))
	signature, err := s.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("pdf: sign: %w", err)
	}
	return envelope(s.Certificate, s.Authority, attrs, signature), nil
}

// room is how many bytes of CMS to leave place for.
func (s Signer) room() int {
	return len(s.Certificate.Raw) + len(s.Authority.Raw) + len(s.Certificate.RawIssuer) + 480
}

var errEnvelope = errors.New("pdf: the signature is not of the form this house writes")

// sealed is a CMS that was read back.
type sealed struct {
	cert, authority *x509.Certificate
	attrs, value    []byte
}

// open reads a CMS of the form that envelope writes, and no other: a reader that
// forgives nothing has nothing to be fooled with.
func open(cms []byte) (sealed, error) {
	var outer struct {
		Type asn1.ObjectIdentifier
		Data struct {
			Version int
			Digests asn1.RawValue
			Content asn1.RawValue
			Certs   asn1.RawValue `asn1:"tag:0"`
			Signers asn1.RawValue
		} `asn1:"explicit,tag:0"`
	}
	var signer struct {
		Version   int
		ID        asn1.RawValue
		Digest    asn1.RawValue
		Attrs     asn1.RawValue `asn1:"tag:0"`
		Algorithm asn1.RawValue
		Signature []byte
	}
	if rest, err := asn1.Unmarshal(cms, &outer); err != nil || len(rest) > 0 {
		return sealed{}, errEnvelope
	}
	certs, err := x509.ParseCertificates(outer.Data.Certs.Bytes)
	if err != nil || len(certs) != 2 {
		return sealed{}, errEnvelope
	}
	if rest, err := asn1.Unmarshal(outer.Data.Signers.Bytes, &signer); err != nil || len(rest) > 0 {
		return sealed{}, errEnvelope
	}
	s := sealed{cert: certs[0], authority: certs[1], attrs: signer.Attrs.Bytes, value: signer.Signature}
	if !bytes.Equal(envelope(s.cert, s.authority, s.attrs, s.value), cms) {
		return sealed{}, errEnvelope
	}
	return s, nil
}

// holds says whether the signature is that of its certificate's key over the
// digest.
func (s sealed) holds(digest [32]byte) bool {
	key, ok := s.cert.PublicKey.(*ecdsa.PublicKey)
	sum := sha256.Sum256(der(0x31, s.attrs))
	return ok && bytes.Equal(s.attrs, attributes(digest, s.cert)) && ecdsa.VerifyASN1(key, sum[:], s.value)
}
