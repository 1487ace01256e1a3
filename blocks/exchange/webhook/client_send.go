package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// sender posts messages.
type sender struct{ http *http.Client }

const patience = 10 * time.Second // of one delivery, from the first packet to the answer's head

func newSender(inside bool) *sender {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !inside {
		dialer.Control = outside
	}
	return &sender{&http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// outside refuses addresses within this machine or its network, after the name
// was resolved: a public name may point there.
func outside(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !public(to.Addr().Unmap()) {
		return errInside
	}
	return nil
}

var errInside = errors.New("webhook: the address is not on the public network")

func public(a netip.Addr) bool {
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10) // RFC 6598
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}

// Send posts a message. Any answer but 2xx, and none, is errs.Unavailable
// "webhook.not_delivered"; the caller sends it again later.
func (w *Webhooks) Send(ctx context.Context, m Message) error {
	failed := errs.New(errs.Unavailable, "webhook.not_delivered")
	if !w.fit(m.URL) {
		return failed
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return failed.Wrap(err)
	}
	for name, value := range m.Headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", m.ContentType)
	r.Header.Set("Content-Digest", httpsig.ContentDigest(m.Body))
	r.Header.Set("Idempotency-Key", quoted(m.ID))
	r.Header.Set("Signature-Input", m.SignatureInput)
	r.Header.Set("Signature", m.Signature)
	r.Header.Set("User-Agent", "dinh")
	res, err := w.sender.http.Do(r)
	if err != nil {
		return failed.Wrap(unaddressed(err))
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // what it says does not matter, the connection is used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return failed.Wrap(errors.New("webhook: the receiver answered " + strconv.Itoa(res.StatusCode)))
	}
	return nil
}

// unaddressed takes the address out of an error, which may hold a secret of the
// receiver in its query.
func unaddressed(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}
