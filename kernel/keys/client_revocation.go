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
	freshTimeout  = time.Second // where what is known would do
	maxOCSPReply  = 64 << 10
	maxCRL        = 16 << 20
)

// Source is where a verifier learns of revocations, and how it bears with silence.
type Source struct {
	Clock clock.Clock
	HTTP  *http.Client // nil: one with a limit of five seconds
	// URL is asked in place of the address in the certificate.
	URL string
	// Fresh is after which a source is asked again although its last answer holds
	// still, which goes on holding while the source is silent. 0: when it has ended.
	Fresh time.Duration
	// Grace is how long a source may be silent before nobody passes any more; within it certificates
	// pass that are not known to be revoked. 0: nobody passes.
	Grace time.Duration
	// Unnamed lets certificates pass that name no responder, where there is none in URL: whoever sets it
	// has another way to take them back.
	Unnamed bool
	// Alarm is told of each failure, also of those that are borne with.
	Alarm func(error)
}

// ends is when an answer that was given at a time and ends at another is asked for again.
func (s Source) ends(given, end time.Time) time.Time {
	if soon := given.Add(s.Fresh); s.Fresh > 0 && soon.Before(end) {
		return soon
	}
	return end
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
	known map[string]told // by issuer and serial number
}

// told is an answer and when it was given.
type told struct {
	*ocsp.Response
	at time.Time
}

// NewOCSPSource is a Revocations that remembers each answer until it ends, or is not fresh any more, and
// that of a revocation for ever.
func NewOCSPSource(s Source) *OCSPSource {
	return &OCSPSource{Source: s, grace: grace{length: s.Grace, alarm: s.Alarm}, known: make(map[string]told)}
}

// Check implements Revocations.
func (s *OCSPSource) Check(ctx context.Context, cert, issuer *x509.Certificate) error {
	at, now, url := string(issuer.RawSubjectPublicKeyInfo)+cert.SerialNumber.String(), s.Clock.Now(), s.URL
	s.mu.Lock()
	known, ok := s.known[at]
	s.mu.Unlock()
	holds := ok && now.Before(known.NextUpdate)
	switch {
	case ok && known.Status == ocsp.Revoked:
		return errs.New(errs.Forbidden, "keys.revoked")
	case holds && now.Before(s.ends(known.at, known.NextUpdate)):
		return nil
	}
	if url == "" && len(cert.OCSPServer) > 0 {
		url = cert.OCSPServer[0]
	}
	if url == "" && s.Unnamed {
		return nil
	}
	bear := func(cause error) error {
		if err := s.grace.failed(url, now, cause); !holds {
			return err
		}
		return nil
	}
	if s.grace.resting(url, now) {
		return bear(nil)
	}
	if holds {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, freshTimeout)
		defer cancel()
	}
	got, err := s.ask(ctx, url, cert, issuer)
	if err != nil {
		return bear(fmt.Errorf("keys: ask %q about certificate %s: %w", url, serialText(cert.SerialNumber), err))
	}
	s.grace.answered(url)
	if got.Status == ocsp.Unknown { // not of this authority's making
		return errs.New(errs.Forbidden, "keys.revoked").Wrap(fmt.Errorf("keys: the authority does not know certificate %s", serialText(cert.SerialNumber)))
	}
	s.mu.Lock()
	if len(s.known) >= maxAnswers {
		s.known = make(map[string]told)
	}
	s.known[at] = told{got, now}
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
	read time.Time
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
	holds := s.list != nil && now.Before(s.list.NextUpdate)
	if !holds || !now.Before(s.ends(s.read, s.list.NextUpdate)) {
		if holds {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, freshTimeout)
			defer cancel()
		}
		if s.grace.resting(s.URL, now) {
			silent = s.grace.failed(s.URL, now, nil)
		} else if list, err := s.fetch(ctx, now); err != nil {
			silent = s.grace.failed(s.URL, now, fmt.Errorf("keys: read the revocation list at %q: %w", s.URL, err))
		} else {
			s.grace.answered(s.URL)
			s.list, s.read = list, now
		}
	}
	if holds {
		silent = nil
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
