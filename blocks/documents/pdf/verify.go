package pdf

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"time"
)

// What Verify may find wrong.
var (
	// ErrForeign: the file was not printed here, or nothing is left that shows it.
	ErrForeign = errors.New("pdf: the file carries no signature of this house")
	// ErrChanged: the file carries a signature that does not fit its content.
	ErrChanged = errors.New("pdf: the file was changed after it was signed")
	// ErrSigner: the signature fits, but no authority of ours stands behind it.
	ErrSigner = errors.New("pdf: the signer was not certified by this authority")
)

// Signature is what a file says about its signature. It is proven only if
// Verify returned no error.
type Signature struct {
	CheckURL    string    // with the code
	At          time.Time // as the signer says
	Certificate *x509.Certificate
}

var (
	sigShape = regexp.MustCompile(`/ByteRange\[0 (\d{10}) (\d{10}) (\d{10})\]/Contents<`)
	sigURL   = regexp.MustCompile(`/ContactInfo\(([!-'*-\[\]-~]{1,300})\)`)
	sigTime  = regexp.MustCompile(`/M\(D:(\d{14})\+07'00'\)`)
)

// Verify checks a file against the authority. Nothing in the file may differ
// from what was signed, not even in places that a viewer does not show. With
// ErrChanged the Signature tells what the file claims to be.
func Verify(data []byte, authority *x509.Certificate) (Signature, error) {
	var s Signature
	at := bytes.LastIndex(data, []byte("/Type/Sig/"))
	if at < 0 {
		return s, ErrForeign
	}
	tail := data[at:]
	m := sigShape.FindSubmatchIndex(tail)
	if m == nil {
		return s, ErrForeign
	}
	head := tail[:m[0]]
	if u := sigURL.FindSubmatch(head); u != nil {
		s.CheckURL = string(u[1])
	}
	if t := sigTime.FindSubmatch(head); t != nil {
		if when, err := time.ParseInLocation("20060102150405", string(t[1]), zone()); err == nil {
			s.At = when
		}
	}
	number := func(i int) int {
		n, err := strconv.Atoi(string(tail[m[2*i]:m[2*i+1]]))
		if err != nil {
			return -1
		}
		return n
	}
	from, to, rest := number(1), number(2), number(3)
	if from != at+m[1]-1 || to <= from+2 || to > len(data) || to+rest != len(data) || data[to-1] != '>' {
		return s, ErrChanged
	}
	cms, ok := contents(data[from+1 : to-1])
	if !ok {
		return s, ErrChanged
	}
	h := sha256.New()
	h.Write(data[:from])
	h.Write(data[to:])
	signed, err := open(cms)
	if err != nil || !signed.holds([32]byte(h.Sum(nil))) {
		return s, ErrChanged
	}
	s.Certificate = signed.cert
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	_, err = signed.cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: s.At, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil || !signed.authority.Equal(authority) {
		return s, ErrSigner
	}
	return s, nil
}

// contents decodes the signature, in lower case and filled up with zeroes.
func contents(text []byte) ([]byte, bool) {
	raw := make([]byte, len(text)/2)
	if _, err := hex.Decode(raw, text); err != nil || !bytes.Equal(text, bytes.ToLower(text)) {
		return nil, false
	}
	if len(raw) < 4 || raw[0] != 0x30 || raw[1] != 0x82 {
		return nil, false
	}
	n := 4 + int(raw[2])<<8 + int(raw[3])
	if n > len(raw) {
		return nil, false
	}
	for _, b := range raw[n:] {
		if b != 0 {
			return nil, false
		}
	}
	return raw[:n], true
}

// zone is the one legal time of Viet Nam; it has no summer time.
func zone() *time.Location { return time.FixedZone("+07", 7*3600) }
