package play

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// Browser keeps cookies and follows redirects, as one person's browser does.
type Browser struct {
	base string
	http *http.Client
	Lang string // "vi" or "en"; sent as Accept-Language
}

// NewBrowser opens a fresh browser on the house at base (http://127.0.0.1:8080).
func NewBrowser(base string) *Browser {
	jar, _ := cookiejar.New(nil) // fails only with options
	return &Browser{base: strings.TrimSuffix(base, "/"), Lang: "vi", http: &http.Client{Jar: jar, Timeout: 60 * time.Second, Transport: transport()}}
}

// Close gives back the browser's connections.
func (b *Browser) Close() { b.http.CloseIdleConnections() }

func transport() http.RoundTripper {
	return &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second, DisableCompression: true}
}

// Page is what the browser shows.
type Page struct {
	Path   string // where it ended up, with the query
	Status int
	Body   []byte
	root   *html.Node
}

// StatusError is a page that was not expected.
type StatusError struct {
	Method, Path string
	Status       int
	Heading      string
	Errors       []string // the page's error summary
}

// Error says which page it was and what stood on it.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: status %d: %s %s", e.Method, e.Path, e.Status, e.Heading, strings.Join(e.Errors, "; "))
}

// Get opens a page. A status of 400 and above is a *StatusError; the page
// comes back with it.
func (b *Browser) Get(ctx context.Context, path string) (*Page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.absolute(path), nil)
	if err != nil {
		return nil, err
	}
	return b.do(req)
}

func (b *Browser) absolute(path string) string {
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		return path
	}
	return b.base + path
}

func (b *Browser) do(req *http.Request) (*Page, error) {
	req.Header.Set("Accept-Language", b.Lang)
	req.Header.Set("Accept", "text/html,*/*;q=0.1")
	res, err := b.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	p := &Page{Path: res.Request.URL.RequestURI(), Status: res.StatusCode, Body: body}
	if res.StatusCode >= 400 {
		return p, &StatusError{Method: req.Method, Path: req.URL.Path, Status: res.StatusCode, Heading: p.Heading(), Errors: p.Errors()}
	}
	return p, nil
}

// Upload is a file to send with a form.
type Upload struct {
	Name, Type string
	Data       []byte
}

// Submit sends a form as it stands, with values and files put in.
func (b *Browser) Submit(ctx context.Context, f *Form, values url.Values, files map[string]Upload) (*Page, error) {
	all := url.Values{}
	for k, v := range f.Values {
		all[k] = v
	}
	for k, v := range values {
		all[k] = v
	}
	if f.Method == "get" {
		return b.Get(ctx, f.Action+"?"+all.Encode())
	}
	body, kind, err := encode(f, all, files)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.absolute(f.Action), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Origin", b.base)
	return b.do(req)
}

func encode(f *Form, all url.Values, files map[string]Upload) (io.Reader, string, error) {
	if !f.Multipart {
		return strings.NewReader(all.Encode()), "application/x-www-form-urlencoded", nil
	}
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for k, vs := range all {
		for _, v := range vs {
			if err := w.WriteField(k, v); err != nil {
				return nil, "", err
			}
		}
	}
	for name, up := range files {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename=%q`, name, up.Name))
		h.Set("Content-Type", up.Type)
		part, err := w.CreatePart(h)
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(up.Data); err != nil {
			return nil, "", err
		}
	}
	return &buf, w.FormDataContentType(), w.Close()
}
