package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// central speaks to the central node's API for a house that is or becomes a
// member.
type central struct{ source }

func newCentral(address string) (*central, error) {
	s, err := newSource(address)
	if err != nil {
		return nil, err
	}
	s.url = strings.TrimSuffix(s.url, "/directory") + "/api/directory"
	return &central{*s}, nil
}

func (c *central) ask(ctx context.Context, a Application) (out Receipt, err error) {
	return out, c.call(ctx, http.MethodPost, "/requests", a, &out)
}

func (c *central) follow(ctx context.Context, secret string) (out Request, err error) {
	return out, c.call(ctx, http.MethodGet, "/follow/"+url.PathEscape(secret), nil, &out)
}

func (c *central) challenge(ctx context.Context, secret string) (out Challenge, err error) {
	return out, c.call(ctx, http.MethodPost, "/follow/"+url.PathEscape(secret)+"/challenge", struct{}{}, &out)
}

func (c *central) prove(ctx context.Context, secret string, p Proof) error {
	return c.call(ctx, http.MethodPost, "/follow/"+url.PathEscape(secret)+"/proof", p, nil)
}

func (c *central) renew(ctx context.Context, r Renewal) (out Renewed, err error) {
	return out, c.call(ctx, http.MethodPost, "/renewals", r, &out)
}

func (c *central) rotate(ctx context.Context, r Rotation) (out Rotated, err error) {
	return out, c.call(ctx, http.MethodPost, "/rotations", r, &out)
}

// call sends JSON and reads JSON. A refusal keeps the words of the central node:
// errs "directory.refused_there".
func (c *central) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Language", string(i18n.LangFrom(ctx)))
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return errs.New(errs.Unavailable, "directory.no_source").Wrap(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return errs.New(errs.Unavailable, "directory.no_source").Wrap(err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return refusal(res.StatusCode, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

func refusal(status int, body []byte) error {
	kind := errs.Unavailable
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		kind = errs.Invalid
	case http.StatusForbidden:
		kind = errs.Forbidden
	case http.StatusNotFound:
		kind = errs.NotFound
	case http.StatusConflict:
		kind = errs.Conflict
	case http.StatusGone:
		kind = errs.Gone
	case http.StatusTooManyRequests:
		kind = errs.TooMany
	}
	var said httpx.Document
	if json.Unmarshal(body, &said) != nil || said.Detail == "" {
		said.Detail = http.StatusText(status)
	}
	for _, f := range said.Errors {
		said.Detail += "\n  " + f.Name + ": " + f.Detail
	}
	return errs.New(kind, "directory.refused_there", "detail", said.Detail)
}
