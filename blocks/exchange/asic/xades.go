package asic

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// seal is the node's signature over the files: XAdES baseline B-T (ETSI EN
// 319 132-1), ECDSA P-256 with SHA-256, exclusive canonicalisation.
type seal struct {
	at          time.Time
	certificate []byte // of the signing key, DER
	authority   []byte // its issuer
	value       []byte // r ‖ s, 32 bytes each, as XML signatures have it
	token       []byte // RFC 3161 timestamp of the signature
}

const (
	dsNS    = `xmlns:ds="http://www.w3.org/2000/09/xmldsig#"`
	xadesNS = `xmlns:xades="http://uri.etsi.org/01903/v1.3.2#"`
	c14n    = "http://www.w3.org/2001/10/xml-exc-c14n#"
	sha     = "http://www.w3.org/2001/04/xmlenc#sha256"
	halfLen = 32
)

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func digest64(b []byte) string {
	sum := sha256.Sum256(b)
	return b64(sum[:])
}

// canonical is the exclusive canonical form of an element that stands alone.
// Under ancestors that declare no more than its own prefixes it is the same, so
// it is put into the document as it is.
func canonical(element string) ([]byte, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(element); err != nil {
		return nil, fmt.Errorf("asic: %w", err)
	}
	return dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(doc.Root())
}

// properties are what is signed besides the files: when, and with which certificates.
func (s seal) properties(files []file) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, `<xades:SignedProperties %s %s Id="seal-properties"><xades:SignedSignatureProperties>`, xadesNS, dsNS)
	fmt.Fprintf(&b, `<xades:SigningTime>%s</xades:SigningTime>`, s.at.UTC().Format(time.RFC3339))
	b.WriteString(`<xades:SigningCertificateV2>`)
	for _, c := range [][]byte{s.certificate, s.authority} {
		fmt.Fprintf(&b, `<xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm="%s"/><ds:DigestValue>%s</ds:DigestValue></xades:CertDigest></xades:Cert>`, sha, digest64(c))
	}
	b.WriteString(`</xades:SigningCertificateV2>`)
	b.WriteString(`</xades:SignedSignatureProperties><xades:SignedDataObjectProperties>`)
	for i, f := range files {
		fmt.Fprintf(&b, `<xades:DataObjectFormat ObjectReference="#seal-file-%d"><xades:MimeType>%s</xades:MimeType></xades:DataObjectFormat>`, i, f.mime)
	}
	b.WriteString(`</xades:SignedDataObjectProperties></xades:SignedProperties>`)
	return canonical(b.String())
}

// info is what the key signs.
func (s seal) info(files []file) ([]byte, error) {
	properties, err := s.properties(files)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<ds:SignedInfo %s><ds:CanonicalizationMethod Algorithm="%s"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>`, dsNS, c14n)
	for i, f := range files {
		fmt.Fprintf(&b, `<ds:Reference Id="seal-file-%d" URI="%s"><ds:DigestMethod Algorithm="%s"/><ds:DigestValue>%s</ds:DigestValue></ds:Reference>`, i, f.name, sha, digest64(f.data))
	}
	fmt.Fprintf(&b, `<ds:Reference Type="http://uri.etsi.org/01903#SignedProperties" URI="#seal-properties"><ds:Transforms><ds:Transform Algorithm="%s"/></ds:Transforms><ds:DigestMethod Algorithm="%s"/><ds:DigestValue>%s</ds:DigestValue></ds:Reference></ds:SignedInfo>`, c14n, sha, digest64(properties))
	return canonical(b.String())
}

// signatureValue is the element that the timestamp is for.
func (s seal) signatureValue() ([]byte, error) {
	return canonical(fmt.Sprintf(`<ds:SignatureValue %s Id="seal-value">%s</ds:SignatureValue>`, dsNS, b64(s.value)))
}

// stamped is the digest that the timestamp is for.
func (s seal) stamped() ([32]byte, error) {
	v, err := s.signatureValue()
	return sha256.Sum256(v), err
}

// document writes META-INF/signatures.xml.
func (s seal) document(files []file) ([]byte, error) {
	info, err := s.info(files)
	if err != nil {
		return nil, err
	}
	properties, err := s.properties(files)
	if err != nil {
		return nil, err
	}
	value, err := s.signatureValue()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	fmt.Fprintf(&b, "<asic:XAdESSignatures xmlns:asic=\"http://uri.etsi.org/02918/v1.2.1#\">\n<ds:Signature %s Id=\"seal\">%s\n%s\n", dsNS, info, value)
	fmt.Fprintf(&b, "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\n", b64(s.certificate), b64(s.authority))
	fmt.Fprintf(&b, "<ds:Object><xades:QualifyingProperties %s Target=\"#seal\">%s", xadesNS, properties)
	fmt.Fprintf(&b, "<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:SignatureTimeStamp><ds:CanonicalizationMethod Algorithm=\"%s\"/><xades:EncapsulatedTimeStamp>%s</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp></xades:UnsignedSignatureProperties></xades:UnsignedProperties>", c14n, b64(s.token))
	b.WriteString("</xades:QualifyingProperties></ds:Object>\n</ds:Signature>\n</asic:XAdESSignatures>\n")
	return b.Bytes(), nil
}

// sign fills in the value. Without a source of chance ECDSA is deterministic (RFC
// 6979), so the same files sealed at the same second have the same seal.
func (s *seal) sign(key crypto.Signer, files []file) error {
	info, err := s.info(files)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(info)
	der, err := key.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return err
	}
	s.value, err = fixedWidth(der)
	return err
}

// holds says whether the certificate's key made the value over the files.
func (s seal) holds(certificate *x509.Certificate, files []file) bool {
	public, ok := certificate.PublicKey.(*ecdsa.PublicKey)
	info, err := s.info(files)
	if !ok || err != nil || len(s.value) != 2*halfLen {
		return false
	}
	sum := sha256.Sum256(info)
	r, q := new(big.Int).SetBytes(s.value[:halfLen]), new(big.Int).SetBytes(s.value[halfLen:])
	return ecdsa.Verify(public, sum[:], r, q)
}

// fixedWidth turns an ASN.1 signature into r ‖ s (XML Signature 1.1, §6.4.3).
func fixedWidth(der []byte) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 || sig.R.BitLen() > 8*halfLen || sig.S.BitLen() > 8*halfLen {
		return nil, fmt.Errorf("asic: no P-256 signature: %w", err)
	}
	out := make([]byte, 2*halfLen)
	sig.R.FillBytes(out[:halfLen])
	sig.S.FillBytes(out[halfLen:])
	return out, nil
}

// readSeal takes the values out of a signatures.xml. That the rest of it is as
// we write it is found out by writing it again.
func readSeal(document []byte) (seal, bool) {
	var in struct {
		XMLName   xml.Name `xml:"XAdESSignatures"`
		Signature struct {
			Value        string   `xml:"SignatureValue"`
			Certificates []string `xml:"KeyInfo>X509Data>X509Certificate"`
			Properties   struct {
				At    string `xml:"SignedProperties>SignedSignatureProperties>SigningTime"`
				Token string `xml:"UnsignedProperties>UnsignedSignatureProperties>SignatureTimeStamp>EncapsulatedTimeStamp"`
			} `xml:"Object>QualifyingProperties"`
		} `xml:"Signature"`
	}
	if err := xml.Unmarshal(document, &in); err != nil || len(in.Signature.Certificates) != 2 {
		return seal{}, false
	}
	at, err := time.Parse(time.RFC3339, in.Signature.Properties.At)
	if err != nil {
		return seal{}, false
	}
	s := seal{at: at.UTC()}
	for _, v := range []struct {
		to   *[]byte
		text string
	}{{&s.value, in.Signature.Value}, {&s.certificate, in.Signature.Certificates[0]}, {&s.authority, in.Signature.Certificates[1]}, {&s.token, in.Signature.Properties.Token}} {
		if *v.to, err = base64.StdEncoding.DecodeString(v.text); err != nil {
			return seal{}, false
		}
	}
	return s, true
}
