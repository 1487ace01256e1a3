package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

const (
	crlLife       = 24 * time.Hour // until its next update
	crlRenew      = 12 * time.Hour // when the next one is made without need
	ocspLife      = time.Hour
	responderDays = 90
	maxOCSP       = 4 << 10 // a request for one certificate has 100 bytes
	maxAnswers    = 4096
)

// oidNoCheck is id-pkix-ocsp-nocheck of RFC 6960: nobody asks a responder about itself.
func oidNoCheck() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5} }

// answers are OCSP answers that are given again for a while.
type answers struct {
	mu    sync.Mutex
	known map[answerKey]answer
	epoch uint64 // counts revocations: what was read before one is not kept after it
}

type answerKey struct {
	hash   crypto.Hash
	serial string
}

type answer struct {
	der   []byte
	until time.Time
}

func (a *answers) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known, a.epoch = nil, a.epoch+1
}

func (a *answers) get(at answerKey, now time.Time) ([]byte, uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if kept := a.known[at]; now.Before(kept.until) {
		return kept.der, a.epoch
	}
	return nil, a.epoch
}

func (a *answers) put(at answerKey, kept answer, epoch uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.epoch != epoch {
		return
	}
	if a.known == nil || len(a.known) >= maxAnswers {
		a.known = make(map[answerKey]answer)
	}
	a.known[at] = kept
}

// CRL is the list of revoked certificates (RFC 5280, DER). It is renewed with every revocation, and
// in time before it ends.
func (k *Keys) CRL(ctx context.Context) (der []byte, err error) {
	after := k.clock.Now().Add(-crlRenew).UnixMicro()
	err = k.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		der, err = latestCRL(ctx, q, after)
		return err
	})
	if err != nil || der != nil {
		return der, err
	}
	err = k.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		if der, err = latestCRL(ctx, q, after); err != nil || der != nil { // another process was first
			return err
		}
		der, err = k.renewCRL(ctx, q)
		return err
	})
	return der, err
}

// OCSP answers a request after RFC 6960, both in DER, with a responder's certificate of its own. What
// cannot be read or is about another authority gets the answer that says so; the error is ours alone.
// What was revoked by another process is noticed within half a minute.
func (k *Keys) OCSP(ctx context.Context, request []byte) ([]byte, error) {
	if len(request) > maxOCSP {
		return ocsp.MalformedRequestErrorResponse, nil
	}
	req, err := ocsp.ParseRequest(request)
	if err != nil || req.SerialNumber == nil || !req.HashAlgorithm.Available() {
		return ocsp.MalformedRequestErrorResponse, nil
	}
	if !k.isIssuer(req) {
		return ocsp.UnauthorizedErrorResponse, nil
	}
	at, now := answerKey{req.HashAlgorithm, serialText(req.SerialNumber)}, k.clock.Now()
	kept, epoch := k.answers.get(at, now)
	if kept != nil {
		return kept, nil
	}
	t := ocsp.Response{
		Status: ocsp.Good, SerialNumber: req.SerialNumber, IssuerHash: req.HashAlgorithm,
		ThisUpdate: now.Add(-clockSkew), NextUpdate: now.Add(ocspLife),
	}
	var about Certificate
	err = k.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		about, err = readIssued(ctx, q, at.serial)
		return err
	})
	switch {
	case errs.CodeOf(err) == "keys.unknown_serial":
		t.Status = ocsp.Unknown
	case err != nil:
		return nil, err
	case !about.Revoked.IsZero():
		t.Status, t.RevokedAt, t.RevocationReason = ocsp.Revoked, about.Revoked, int(about.Reason)
	}
	der, err := k.signOCSP(ctx, t)
	if err == nil && t.Status != ocsp.Unknown { // there is no end of unknown ones
		k.answers.put(at, answer{der, now.Add(cacheFor)}, epoch)
	}
	return der, err
}

func (k *Keys) signOCSP(ctx context.Context, t ocsp.Response) ([]byte, error) {
	responder, err := k.Ensure(ctx, "", useOCSP, Name{CommonName: "OCSP " + k.instance, Organization: k.instance})
	if err != nil {
		return nil, err
	}
	s, err := k.lookup(ctx, responder.ID, false)
	if err != nil {
		return nil, err
	}
	t.Certificate = responder.Certificate
	return ocsp.CreateResponse(k.CA(), responder.Certificate, t, s.private)
}

// isIssuer says whether a request is about certificates of this authority.
func (k *Keys) isIssuer(req *ocsp.Request) bool {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(k.CA().RawSubjectPublicKeyInfo, &info); err != nil {
		return false
	}
	hash := func(data []byte) []byte {
		h := req.HashAlgorithm.New()
		h.Write(data)
		return h.Sum(nil)
	}
	return bytes.Equal(req.IssuerNameHash, hash(k.CA().RawSubject)) && bytes.Equal(req.IssuerKeyHash, hash(info.Key.RightAlign()))
}

// Check makes the keystore of an authority the Revocations of its own certificates.
func (k *Keys) Check(ctx context.Context, cert, issuer *x509.Certificate) error {
	if !issuer.Equal(k.CA()) {
		return errs.New(errs.Unavailable, "keys.revocation_unknown")
	}
	return k.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		good, err := stands(ctx, q, serialText(cert.SerialNumber))
		if err == nil && !good {
			err = errs.New(errs.Forbidden, "keys.revoked")
		}
		return err
	})
}
