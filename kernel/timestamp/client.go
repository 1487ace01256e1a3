package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"

	"github.com/dinh-gov/dinh/kernel/errs"
)

const (
	maxReply   = 64 << 10
	askTimeout = 10 * time.Second
)

// query is a request for a digest, and what its answer has to repeat.
type query struct {
	request []byte
	nonce   *big.Int
}

func newQuery(digest [32]byte) (query, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return query{}, err
	}
	r := timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Certificates: true, Nonce: nonce}
	request, err := r.Marshal()
	return query{request: request, nonce: nonce}, err
}

// Client asks an authority at an address.
type Client struct {
	URL   string
	Roots *x509.CertPool // whom its certificate must lead to
	HTTP  *http.Client   // nil: one with a limit of ten seconds
}

// Stamp asks for a timestamp of a SHA-256 digest and gives the checked answer in
// DER. Errors: timestamp.unreachable (repeat later), timestamp.refused,
// timestamp.false.
func (c Client) Stamp(ctx context.Context, digest [32]byte) ([]byte, error) {
	q, err := newQuery(digest)
	if err != nil {
		return nil, err
	}
	reply, err := c.ask(ctx, q.request)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "timestamp.unreachable", "url", c.URL).Wrap(err)
	}
	t, err := timestamp.ParseResponse(reply)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "timestamp.refused", "url", c.URL).Wrap(err)
	}
	if t.Nonce == nil || t.Nonce.Cmp(q.nonce) != 0 {
		return nil, untrue("it answers another request")
	}
	_, err = Verify(reply, digest, c.Roots)
	return reply, err
}

func (c Client) ask(ctx context.Context, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	client := c.HTTP
	if client == nil {
		client = &http.Client{}
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	reply, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err == nil && len(reply) > maxReply {
		err = errors.New("the answer is longer than any timestamp")
	}
	return reply, err
}
