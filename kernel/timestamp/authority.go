package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/keys"
)

// Policy is the policy under which this authority gives timestamps: any, after
// ETSI EN 319 421 without qualification. Who needs another one asks a qualified
// authority through Client.
func policy() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{0, 4, 0, 2023, 1, 1} }

// maxRequest is more than any request has to say.
const maxRequest = 16 << 10

// Keys makes and holds the authority's key.
type Keys interface {
	Ensure(ctx context.Context, owner string, use keys.Use, name keys.Name) (keys.Key, error)
	CryptoSigner(ctx context.Context, kid string) (crypto.Signer, error)
}

// Authority is a timestamping authority with a key of the instance.
type Authority struct {
	keys  Keys
	clock clock.Clock
	owner string
	name  keys.Name
}

// NewAuthority makes the authority of an owner, whose key is made when it is
// first needed and renewed before it ends.
func NewAuthority(k Keys, c clock.Clock, owner string, name keys.Name) *Authority {
	return &Authority{keys: k, clock: c, owner: owner, name: name}
}

// Answer gives the answer to a request, both in DER. What cannot be read or is
// not served gets a rejection, which is an answer too; the error is ours alone.
func (a *Authority) Answer(ctx context.Context, request []byte) ([]byte, error) {
	req, err := timestamp.ParseRequest(request)
	if err != nil {
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadDataFormat)
	}
	switch req.HashAlgorithm {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512:
	default:
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadAlgorithm)
	}
	switch {
	case len(req.HashedMessage) != req.HashAlgorithm.Size():
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadDataFormat)
	case len(req.TSAPolicyOID) > 0 && !req.TSAPolicyOID.Equal(policy()):
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.UnacceptedPolicy)
	case len(req.Extensions) > 0:
		return timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.UnacceptedExtension)
	}
	key, err := a.keys.Ensure(ctx, a.owner, keys.Time, a.name)
	if err != nil {
		return nil, err
	}
	signer, err := a.keys.CryptoSigner(ctx, key.ID)
	if err != nil {
		return nil, err
	}
	t := timestamp.Timestamp{
		HashAlgorithm: req.HashAlgorithm, HashedMessage: req.HashedMessage, Nonce: req.Nonce, Policy: policy(),
		Time: a.clock.Now().UTC(), Accuracy: time.Second, AddTSACertificate: req.Certificates,
	}
	return t.CreateResponseWithOpts(key.Certificate, signer, crypto.SHA256)
}

// Stamp is Answer for a SHA-256 digest of our own.
func (a *Authority) Stamp(ctx context.Context, digest [32]byte) ([]byte, error) {
	q, err := newQuery(digest)
	if err != nil {
		return nil, err
	}
	return a.Answer(ctx, q.request)
}

// Routes serves the authority to everybody, as RFC 3161 §3.4 has it.
func (a *Authority) Routes() []httpx.Route {
	return []httpx.Route{{Method: http.MethodPost, Path: "/tsa", Access: auth.Public(), Anonymous: true, CrossOrigin: true, Body: maxRequest, Handle: a.post}}
}

func (a *Authority) post(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("Content-Type") != "application/timestamp-query" {
		return errs.New(errs.Invalid, "timestamp.content_type")
	}
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	reply, err := a.Answer(r.Context(), request)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.Header().Set("Content-Length", strconv.Itoa(len(reply)))
	_, _ = w.Write(reply) // a reader who went away is not ours to answer
	return nil
}

// Verify checks that an answer grants a timestamp for this SHA-256 digest, signed
// by a certificate for timestamping that leads to roots, and gives its time.
// Error: timestamp.false.
func Verify(reply []byte, digest [32]byte, roots *x509.CertPool) (time.Time, error) {
	token, err := Token(reply)
	if err != nil {
		return time.Time{}, err
	}
	return VerifyToken(token, digest, roots)
}

// Token takes the timestamp itself out of an answer, in DER, as signatures carry
// it. Error: timestamp.false.
func Token(reply []byte) ([]byte, error) {
	t, err := timestamp.ParseResponse(reply)
	if err != nil {
		return nil, unreadable().Wrap(err)
	}
	return t.RawToken, nil
}

// VerifyToken is Verify for what Token gave.
func VerifyToken(token []byte, digest [32]byte, roots *x509.CertPool) (time.Time, error) {
	t, err := timestamp.Parse(token) // checks the signature
	if err != nil {
		return time.Time{}, unreadable().Wrap(err)
	}
	if t.HashAlgorithm != crypto.SHA256 || !bytes.Equal(t.HashedMessage, digest[:]) {
		return time.Time{}, untrue("it is for something else")
	}
	p7, err := pkcs7.Parse(token)
	if err != nil {
		return time.Time{}, unreadable().Wrap(err)
	}
	// The signer's own certificate must lead to a root: a good certificate that
	// lies beside it proves nothing.
	signer := p7.GetOnlySigner()
	if signer == nil {
		return time.Time{}, untrue("it holds no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range t.Certificates {
		between.AddCert(c)
	}
	_, err = signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: t.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return time.Time{}, untrue("its certificate leads to no trusted authority").Wrap(err)
	}
	return t.Time, nil
}

func unreadable() *errs.Error { return untrue("the answer cannot be read or is not signed rightly") }

func untrue(why string) *errs.Error { return errs.New(errs.Invalid, "timestamp.false", "why", why) }
