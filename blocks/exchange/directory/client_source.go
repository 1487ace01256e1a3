package directory

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// source is the central node, as a follower sees it. Its answer is believed for
// its signature alone, so plain HTTP is as good as HTTPS.
type source struct {
	url  string
	http *http.Client
}

func newSource(address string) (*source, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("directory: source %q: write the central node's address, such as https://directory.example.vn", address)
	}
	return &source{url: strings.TrimSuffix(address, "/") + "/directory", http: &http.Client{Timeout: 30 * time.Second}}, nil
}

// fetch gives the signed directory, or nil when the source has none newer than
// the one with that tag.
func (s *source) fetch(ctx context.Context, etag string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("If-None-Match", etag)
	res, err := s.http.Do(req)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "directory.no_source").Wrap(err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusNotModified:
		return nil, nil
	case http.StatusOK:
	default:
		return nil, errs.New(errs.Unavailable, "directory.no_source").Wrap(fmt.Errorf("%s answered %s", s.url, res.Status))
	}
	signed, err := io.ReadAll(io.LimitReader(res.Body, MaxSigned+1))
	if err != nil {
		return nil, errs.New(errs.Unavailable, "directory.no_source").Wrap(err)
	}
	return signed, nil
}
