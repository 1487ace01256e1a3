package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
)

const (
	sourceTimeout = 5 * time.Second
	maxOCSPReply  = 64 << 10
	maxCRL        = 16 << 20
)

// Source is where a verifier learns of revocations, and how it bears with silence.
type Source struct {
	Clock clock.Clock
	HTTP  *http.Client // nil: one with a limit of five seconds
	// URL is asked in place of the address in the certificate.
	URL string
	// Grace is how long a source may be silent before nobody passes any more; within it certificates
	// pass that are not known to be revoked. 0: nobody passes.
	Grace time.Duration
	// Unnamed lets certificates pass that name no responder, where there is none in URL: whoever sets it
	// has another way to take them back.
	Unnamed bool
	// Alarm is told of each failure, also of those that are borne with.
	Alarm func(error)
}

func (s Source) get(ctx context.Context, req *http.Request, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	client := s.HTTP
	if client == nil {
		client = &http.Client{}
	}
	res, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("keys: %s answers with status %d", req.URL.Host, res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("keys: %s answers without end", req.URL.Host)
	}
	return body, err
}

// OCSPSource asks the responder of each certificate's authority.
type OCSPSource struct {
	Source
	grace grace

	mu    sync.Mutex
	known map[string]*ocsp.Response // by issuer and serial number
}

// NewOCSPSource is a Revocations that remembers each answer until it ends, and that of a revocation
// for ever.
func NewOCSPSource(s Source) *OCSPSource {
	return &OCSPSource{Source: s, grace: grace{length: s.Grace, alarm: s.Alarm}, known: make(map[string]*ocsp.Response)}
}

// Check implements Revocations.
func (s *OCSPSource) Check(ctx context.Context, cert, issuer *x509.Certificate) error {
	at, now, url := string(issuer.RawSubjectPublicKeyInfo)+cert.SerialNumber.String(), s.Clock.Now(), s.URL
	s.mu.Lock()
	known := s.known[at]
	s.mu.Unlock()
	switch {
	case known != nil && known.Status == ocsp.Revoked:
		return errs.New(errs.Forbidden, "keys.revoked")
	case known != nil && now.Before(known.NextUpdate):
		return nil
	}
	if url == "" && len(cert.OCSPServer) > 0 {
		url = cert.OCSPServer[0]
	}
	if url == "" && s.Unnamed {
		return nil
	}
	if s.grace.resting(url, now) {
		return s.grace.failed(url, now, nil)
	}
	got, err := s.ask(ctx, url, cert, issuer)
	if err != nil {
		return s.grace.failed(url, now, fmt.Errorf("keys: ask %q about certificate %s: %w", url, serialText(cert.SerialNumber), err))
	}
	s.grace.answered(url)
	if got.Status == ocsp.Unknown { // not of this authority's making
		return errs.New(errs.Forbidden, "keys.revoked").Wrap(fmt.Errorf("keys: the authority does not know certificate %s", serialText(cert.SerialNumber)))
	}
	s.mu.Lock()
	if len(s.known) >= maxAnswers {
		s.known = make(map[string]*ocsp.Response)
	}
	s.known[at] = got
	s.mu.Unlock()
	if got.Status == ocsp.Revoked {
		return errs.New(errs.Forbidden, "keys.revoked")
	}
	return nil
}

func (s *OCSPSource) ask(ctx context.Context, url string, cert, issuer *x509.Certificate) (*ocsp.Response, error) {
	question, err := ocsp.CreateRequest(cert, issuer, &ocsp.RequestOptions{Hash: crypto.SHA256})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/ocsp-request")
	reply, err := s.get(ctx, req, maxOCSPReply)
	if err != nil {
		return nil, err
	}
	got, err := ocsp.ParseResponseForCert(reply, cert, issuer)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	// The library checks that the issuer certified the responder, and not what for: any other holder
	// of a certificate could answer.
	if r := got.Certificate; r != nil && !r.Equal(issuer) &&
		(!slices.Contains(r.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) || now.Before(r.NotBefore) || now.After(r.NotAfter)) {
		return nil, fmt.Errorf("keys: %q answers for the authority without being its responder", r.Subject.CommonName)
	}
	if got.ThisUpdate.After(now.Add(clockSkew)) || !now.Before(got.NextUpdate) {
		return nil, fmt.Errorf("keys: the answer is of another time (%s to %s)", got.ThisUpdate, got.NextUpdate)
	}
	return got, nil
}

// CRLSource reads the list of one authority.
type CRLSource struct {
	Source
	issuer *x509.Certificate
	grace  grace

	mu   sync.Mutex
	list *x509.RevocationList
}

// NewCRLSource is a Revocations for certificates of one authority, whose list Source.URL names. A
// list is used until its next update is due, and for what it says is revoked also after that.
func NewCRLSource(s Source, issuer *x509.Certificate) *CRLSource {
	return &CRLSource{Source: s, issuer: issuer, grace: grace{length: s.Grace, alarm: s.Alarm}}
}

// Check implements Revocations.
func (s *CRLSource) Check(ctx context.Context, cert, issuer *x509.Certificate) error {
	if !issuer.Equal(s.issuer) {
		return errs.New(errs.Unavailable, "keys.revocation_unknown")
	}
	s.mu.Lock() // also while asking: all wait for the same list
	defer s.mu.Unlock()
	now, silent := s.Clock.Now(), error(nil)
	if s.list == nil || !now.Before(s.list.NextUpdate) {
		if s.grace.resting(s.URL, now) {
			silent = s.grace.failed(s.URL, now, nil)
		} else if list, err := s.fetch(ctx, now); err != nil {
			silent = s.grace.failed(s.URL, now, fmt.Errorf("keys: read the revocation list at %q: %w", s.URL, err))
		} else {
			s.grace.answered(s.URL)
			s.list = list
		}
	}
	if s.list != nil && slices.ContainsFunc(s.list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(cert.SerialNumber) == 0 }) {
		return errs.New(errs.Forbidden, "keys.revoked")
	}
	return silent
}

func (s *CRLSource) fetch(ctx context.Context, now time.Time) (*x509.RevocationList, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, err
	}
	der, err := s.get(ctx, req, maxCRL)
	if err != nil {
		return nil, err
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	if err := list.CheckSignatureFrom(s.issuer); err != nil {
		return nil, err
	}
	switch {
	case list.ThisUpdate.After(now.Add(clockSkew)) || !now.Before(list.NextUpdate):
		return nil, fmt.Errorf("keys: the list is of another time (%s to %s)", list.ThisUpdate, list.NextUpdate)
	case list.Number == nil, s.list != nil && list.Number.Cmp(s.list.Number) < 0:
		return nil, fmt.Errorf("keys: the list is older than one that was seen before")
	}
	return list, nil
}
