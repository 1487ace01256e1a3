package pdf

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"sort"
	"strconv"
)

// Identity signs: an ECDSA key with its certificate and that of its issuer.
type Identity struct {
	Signer      crypto.Signer
	Certificate *x509.Certificate
	Issuer      *x509.Certificate
}

var (
	oidData        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidDigest      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCert = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidSHA256      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidECDSA       = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

// The parts of CMS SignedData (RFC 5652) that PAdES uses.
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version          int
	DigestAlgorithms []pkix.AlgorithmIdentifier `asn1:"set"`
	Content          struct{ Type asn1.ObjectIdentifier }
	Certificates     asn1.RawValue `asn1:"optional,tag:0"`
	SignerInfos      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version         int
	Issuer          issuerAndSerial
	DigestAlgorithm pkix.AlgorithmIdentifier
	Attributes      asn1.RawValue `asn1:"tag:0"`
	Algorithm       pkix.AlgorithmIdentifier
	Signature       []byte
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue `asn1:"set"`
}

// signCMS makes a detached CAdES-BES signature over a SHA-256 digest.
func signCMS(digest []byte, who Identity) ([]byte, error) {
	attributes, err := signedAttributes(digest, who.Certificate)
	if err != nil {
		return nil, err
	}
	set, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true, Bytes: attributes})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(set)
	signature, err := who.Signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("pdf: sign: %w", err)
	}
	sha := pkix.AlgorithmIdentifier{Algorithm: oidSHA256}
	sd := signedData{Version: 1, DigestAlgorithms: []pkix.AlgorithmIdentifier{sha}}
	sd.Content.Type = oidData
	certs := append([]byte(nil), who.Certificate.Raw...)
	if who.Issuer != nil {
		certs = append(certs, who.Issuer.Raw...)
	}
	sd.Certificates = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: certs}
	sd.SignerInfos = []signerInfo{{
		Version: 1, Issuer: issuerAndSerial{Issuer: asn1.RawValue{FullBytes: who.Certificate.RawIssuer}, Serial: who.Certificate.SerialNumber}, DigestAlgorithm: sha,
		Attributes: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: attributes},
		Algorithm:  pkix.AlgorithmIdentifier{Algorithm: oidECDSA}, Signature: signature,
	}}
	inner, err := asn1.Marshal(sd)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{Type: oidSignedData, Content: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner}})
}

// signedAttributes encodes content type, digest and the hash of the signing
// certificate (RFC 5035), in DER order.
func signedAttributes(digest []byte, cert *x509.Certificate) ([]byte, error) {
	hash := sha256.Sum256(cert.Raw)
	type essCert struct{ Hash []byte }
	type signingCert struct{ Certs []essCert }
	var encoded [][]byte
	for _, a := range []struct {
		oid   asn1.ObjectIdentifier
		value any
	}{{oidContentType, oidData}, {oidDigest, digest}, {oidSigningCert, signingCert{[]essCert{{hash[:]}}}}} {
		value, err := asn1.Marshal(a.value)
		if err != nil {
			return nil, err
		}
		b, err := asn1.Marshal(attribute{Type: a.oid, Values: asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true, Bytes: value}})
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, b)
	}
	sort.Slice(encoded, func(i, j int) bool { return bytes.Compare(encoded[i], encoded[j]) < 0 })
	return bytes.Join(encoded, nil), nil
}

// Verified is what a signature says.
type Verified struct {
	Certificate *x509.Certificate
	Whole       bool // the signature covers the whole file
}

// Reasons for which a file does not verify.
var (
	ErrNoSignature = errors.New("pdf: the file has no signature")
	ErrAltered     = errors.New("pdf: the file was changed after it was signed")
	ErrBroken      = errors.New("pdf: the signature cannot be read")
	ErrUntrusted   = errors.New("pdf: the signature is not by a member of this house")
)

var byteRange = regexp.MustCompile(`/ByteRange\s*\[\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]`)

// Verify checks the last signature of a file against an authority.
func Verify(data []byte, authority *x509.Certificate) (Verified, error) {
	all := byteRange.FindAllSubmatch(data, -1)
	if len(all) == 0 {
		return Verified{}, ErrNoSignature
	}
	var r [4]int
	for i := range r {
		n, err := strconv.Atoi(string(all[len(all)-1][i+1]))
		if err != nil {
			return Verified{}, ErrBroken
		}
		r[i] = n
	}
	if r[0] != 0 || r[1] <= 0 || r[2] < r[1]+2 || r[2] > len(data) || r[3] < 0 || r[2]+r[3] > len(data) {
		return Verified{}, ErrBroken
	}
	gap := data[r[1]:r[2]]
	if gap[0] != '<' || gap[len(gap)-1] != '>' {
		return Verified{}, ErrBroken
	}
	cms := make([]byte, hex.DecodedLen(len(gap)-2))
	if _, err := hex.Decode(cms, gap[1:len(gap)-1]); err != nil {
		return Verified{}, ErrBroken
	}
	h := sha256.New()
	h.Write(data[:r[1]])
	h.Write(data[r[2] : r[2]+r[3]])
	cert, err := verifyCMS(cms, h.Sum(nil), authority)
	return Verified{Certificate: cert, Whole: r[2]+r[3] == len(data)}, err
}

func verifyCMS(cms, digest []byte, authority *x509.Certificate) (*x509.Certificate, error) {
	var ci contentInfo
	rest, err := asn1.Unmarshal(cms, &ci)
	if err != nil || len(bytes.Trim(rest, "\x00")) > 0 || !ci.Type.Equal(oidSignedData) {
		return nil, ErrBroken
	}
	var sd signedData
	if _, err := asn1.Unmarshal(ci.Content.Bytes, &sd); err != nil || len(sd.SignerInfos) != 1 {
		return nil, ErrBroken
	}
	certs, err := x509.ParseCertificates(sd.Certificates.Bytes)
	if err != nil || len(certs) == 0 {
		return nil, ErrBroken
	}
	si := sd.SignerInfos[0]
	cert := certs[0]
	if cert.SerialNumber.Cmp(si.Issuer.Serial) != 0 || !si.Algorithm.Algorithm.Equal(oidECDSA) {
		return nil, ErrBroken
	}
	if err := checkAttributes(si.Attributes.Bytes, digest, cert); err != nil {
		return nil, err
	}
	set, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true, Bytes: si.Attributes.Bytes})
	if err != nil {
		return nil, ErrBroken
	}
	sum := sha256.Sum256(set)
	public, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok || !ecdsa.VerifyASN1(public, sum[:], si.Signature) {
		return nil, ErrAltered
	}
	if cert.CheckSignatureFrom(authority) != nil {
		return nil, ErrUntrusted
	}
	return cert, nil
}

// checkAttributes wants the digest of this file and the hash of this certificate.
func checkAttributes(der, digest []byte, cert *x509.Certificate) error {
	seen := map[string][]byte{}
	for len(der) > 0 {
		var a attribute
		rest, err := asn1.Unmarshal(der, &a)
		if err != nil {
			return ErrBroken
		}
		seen[a.Type.String()] = a.Values.Bytes
		der = rest
	}
	var got []byte
	if _, err := asn1.Unmarshal(seen[oidDigest.String()], &got); err != nil {
		return ErrBroken
	}
	if !bytes.Equal(got, digest) {
		return ErrAltered
	}
	hash := sha256.Sum256(cert.Raw)
	if !bytes.Contains(seen[oidSigningCert.String()], hash[:]) {
		return ErrBroken
	}
	return nil
}
