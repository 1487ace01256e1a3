package journeys

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"
)

// caller sends requests exactly as told and follows no redirects: for what no
// browser would do.
type caller struct {
	h    *house
	http *http.Client
	key  string // an API key, sent with every request
	lang string
}

// answer is what came back.
type answer struct {
	Status   int
	Location string
	Type     string
	Header   http.Header
	Body     string
}

// caller is somebody at the door; sample "" is nobody.
func (h *house) caller(t *testing.T, sample string) *caller {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{h: h, lang: "en", http: &http.Client{
		Jar: jar, Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(c.http.CloseIdleConnections)
	if sample != "" {
		if a := c.post(t, "/sign-in/demo", url.Values{"sample": {sample}}); a.Status != http.StatusSeeOther {
			t.Fatalf("signing in as %s: %d", sample, a.Status)
		}
	}
	return c
}

// request is one request; the zero values ask for what a browser sends.
type request struct {
	method, path string
	body         io.Reader
	kind         string
	origin       string
	idempotency  string // its key
	headers      map[string]string
}

func (c *caller) do(t *testing.T, q request) answer {
	t.Helper()
	if q.method == "" {
		q.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(t.Context(), q.method, c.h.Base+q.path, q.body)
	if err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	req.Header.Set("Accept-Language", c.lang)
	if q.kind != "" {
		req.Header.Set("Content-Type", q.kind)
	}
	if q.idempotency != "" {
		req.Header.Set("Idempotency-Key", q.idempotency)
	}
	for name, v := range q.headers {
		req.Header.Set(name, v)
	}
	if q.origin != "" {
		req.Header.Set("Origin", q.origin)
		req.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		t.Errorf("%s %s: %v", q.method, q.path, err)
		return answer{}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Errorf("%s %s: reading the answer: %v", q.method, q.path, err)
	}
	return answer{Status: res.StatusCode, Location: res.Header.Get("Location"), Type: res.Header.Get("Content-Type"), Header: res.Header, Body: string(body)}
}

func (c *caller) get(t *testing.T, path string) answer {
	t.Helper()
	return c.do(t, request{path: path})
}

func (c *caller) post(t *testing.T, path string, values url.Values) answer {
	t.Helper()
	return c.do(t, request{method: http.MethodPost, path: path, kind: "application/x-www-form-urlencoded", body: strings.NewReader(values.Encode())})
}

func (c *caller) json(t *testing.T, method, path, body string) answer {
	t.Helper()
	return c.do(t, request{method: method, path: path, kind: "application/json", body: strings.NewReader(body)})
}

// part is a file of a form.
type part struct {
	field, name, kind string
	data              []byte
}

func (c *caller) upload(t *testing.T, path string, values url.Values, files ...part) answer {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, all := range values {
		for _, v := range all {
			if err := w.WriteField(name, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range files {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", multipart.FileContentDisposition(f.field, f.name))
		h.Set("Content-Type", f.kind)
		p, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return c.do(t, request{method: http.MethodPost, path: path, kind: w.FormDataContentType(), body: &b})
}
