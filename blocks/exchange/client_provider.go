package exchange

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/description"
	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/blocks/exchange/origin"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// maxHeld is the longest answer that a provider hands over in one piece; longer
// ones flow.
const maxHeld = 64 << 10

// HTTPProvider serves what an HTTP service answers. Path and query of a delivery
// are appended to its address; redirects are answers. The service learns from
// X-Road-Client, X-Road-Service and X-Road-Id who asks for what under which
// message id, and from X-Dinh-Purpose and X-Dinh-Legal-Basis why it may: these
// are the exchange's word, whatever the client sent. It may name the people an
// answer is about in X-Dinh-Subject lines, which go no further.
type HTTPProvider struct {
	base    string
	client  *origin.Client
	checker func(context.Context) (*description.Checker, error) // nil: nothing is checked
}

// NewHTTPProvider makes a provider for the service at an address, http or https.
func NewHTTPProvider(address string, c origin.Config) (*HTTPProvider, error) {
	if !validAddress(address) {
		return nil, errs.New(errs.Invalid, "exchange.bad_address")
	}
	client, err := origin.New(c)
	if err != nil {
		return nil, err
	}
	return &HTTPProvider{base: address, client: client}, nil
}

// Close lets the provider's idle connections go.
func (p *HTTPProvider) Close() { p.client.Close() }

// Streams implements StreamProvider.
func (p *HTTPProvider) Streams() {}

// Serve implements Provider. Besides the errors of package origin it gives
// errs.Invalid exchange.request_invalid, errs.TooLarge exchange.request_unchecked
// and errs.Unavailable exchange.answer_invalid when the service is held to its
// description.
func (p *HTTPProvider) Serve(ctx context.Context, d Delivery) (Reply, error) {
	check, err := p.check(ctx)
	if err != nil {
		return Reply{}, err
	}
	r, err := p.request(ctx, d)
	if err != nil {
		return Reply{}, err
	}
	if err := check.request(ctx, d, r.Header); err != nil {
		return Reply{}, err
	}
	res, err := p.client.Do(r)
	if err != nil {
		return Reply{}, err
	}
	reply, err := replyOf(res)
	if err != nil {
		return Reply{}, err
	}
	return check.answer(ctx, reply, res.Header)
}

// Health asks for the service's address and gives what it answered. Any answer
// means that it is there.
func (p *HTTPProvider) Health(ctx context.Context) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, p.base, http.NoBody)
	if err != nil {
		return 0, errs.New(errs.Invalid, "exchange.bad_address").Wrap(err)
	}
	r.Header.Set("User-Agent", "dinh")
	res, err := p.client.Do(r)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

func (p *HTTPProvider) request(ctx context.Context, d Delivery) (*http.Request, error) {
	target := p.base
	if d.Path != "" {
		target = strings.TrimSuffix(target, "/") + d.Path
	}
	if d.Query != "" {
		target += "?" + d.Query
	}
	var body io.Reader
	switch {
	case d.Stream != nil:
		body = d.Stream
	case len(d.Body) > 0:
		body = bytes.NewReader(d.Body)
	}
	r, err := http.NewRequestWithContext(ctx, d.Method, target, body)
	if err != nil {
		return nil, errs.New(errs.Invalid, "exchange.bad_path").Wrap(err)
	}
	if d.Stream != nil {
		r.ContentLength = d.Length
	}
	r.Header = outgoing(d)
	return r, nil
}

// outgoing are the headers that go to the service.
func outgoing(d Delivery) http.Header {
	h := make(http.Header, len(d.Headers)+10)
	values := make([]string, 0, len(d.Headers)+10) // of all headers, in one piece
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	for _, l := range passedOn(d.Headers) { // they may come from another node
		if name := http.CanonicalHeaderKey(l.Name); h[name] == nil {
			set(name, l.Value)
		} else {
			h[name] = append(h[name], l.Value)
		}
	}
	for _, own := range []HeaderLine{
		{"Content-Type", d.ContentType}, {"X-Road-Client", d.Client.encoded()}, {"X-Road-Service", d.Service.encoded()}, {"X-Road-Id", httpsig.HeaderValue(d.MessageID)},
		{"X-Road-Userid", httpsig.HeaderValue(d.UserID)}, {"X-Road-Issue", httpsig.HeaderValue(d.Issue)},
		{"X-Dinh-Purpose", httpsig.HeaderValue(d.Purpose)}, {"X-Dinh-Legal-Basis", httpsig.HeaderValue(d.LegalBasis)},
	} {
		if own.Value != "" {
			set(own.Name, own.Value)
		} else if own.Name != "Content-Type" {
			delete(h, own.Name)
		}
	}
	// What comes back is filtered and signed as it is, so it has to be readable.
	set("Accept-Encoding", "identity")
	set("User-Agent", "dinh")
	return h
}

// replyOf reads an answer as far as it is held.
func replyOf(res *http.Response) (Reply, error) {
	reply := Reply{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"), Subjects: res.Header.Values("X-Dinh-Subject")}
	reply.Headers = incoming(res.Header)
	if res.ContentLength > maxHeld && res.Body != http.NoBody && res.Request.Method != http.MethodHead {
		reply.Stream, reply.Length = res.Body, res.ContentLength
		return reply, nil
	}
	held, err := readHeld(res.Body, res.ContentLength)
	switch {
	case err != nil:
		_ = res.Body.Close()
		return Reply{}, err
	case len(held) > maxHeld:
		reply.Stream, reply.Length = &resumed{io.MultiReader(bytes.NewReader(held), res.Body), res.Body}, -1
		return reply, nil
	}
	reply.Body = held
	return reply, res.Body.Close()
}

// readHeld reads a body to its end, or one byte further than what is held.
// length is what was announced; negative: nothing was.
func readHeld(body io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		return io.ReadAll(io.LimitReader(body, maxHeld+1))
	}
	b := make([]byte, min(length, maxHeld)+1) // one more, to meet the end
	n, err := io.ReadFull(body, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // ReadFull's own: a body's say more
		err = nil
	}
	return b[:n], err
}

// resumed is a body of which the beginning was read.
type resumed struct {
	io.Reader
	io.Closer
}

// incoming are the headers of an answer in order of their names.
func incoming(h http.Header) []HeaderLine {
	var out []HeaderLine
	for name, values := range h {
		for _, v := range values {
			out = append(out, HeaderLine{name, v})
		}
	}
	slices.SortStableFunc(out, func(a, b HeaderLine) int { return strings.Compare(a.Name, b.Name) })
	return ofTheAnswer(out)
}

// heldTo is a description that a service is held to during one call; the zero one
// holds to nothing.
type heldTo struct {
	checker *description.Checker
	asked   description.Message
}

func (p *HTTPProvider) check(ctx context.Context) (*heldTo, error) {
	if p.checker == nil {
		return &heldTo{}, nil
	}
	c, err := p.checker(ctx)
	return &heldTo{checker: c}, err
}

func (c *heldTo) request(ctx context.Context, d Delivery, h http.Header) error {
	if c.checker == nil {
		return nil
	}
	c.asked = description.Message{Method: d.Method, Path: d.Path, Query: d.Query, Header: h, Body: d.Body, WithoutBody: d.Stream != nil}
	if d.Stream != nil && isJSONType(d.ContentType) {
		return errs.New(errs.TooLarge, "exchange.request_unchecked", "service", d.Service.String())
	}
	v, ok := errors.AsType[*description.Violation](c.checker.Request(ctx, c.asked))
	if !ok {
		return nil
	}
	return errs.New(errs.Invalid, "exchange.request_invalid", "where", clip(v.Where), "reason", clip(v.Reason))
}

// answer checks an answer, for which JSON is held whole.
func (c *heldTo) answer(ctx context.Context, r Reply, h http.Header) (Reply, error) {
	if c.checker == nil {
		return r, nil
	}
	bad := errs.New(errs.Unavailable, "exchange.answer_invalid")
	if r.Stream != nil && isJSONType(r.ContentType) {
		body, err := io.ReadAll(io.LimitReader(r.Stream, maxBody+1))
		_ = r.Stream.Close()
		if err != nil {
			return Reply{}, err
		}
		if len(body) > maxBody {
			return Reply{}, bad
		}
		r.Body, r.Stream, r.Length = body, nil, 0
	}
	err := c.checker.Answer(ctx, c.asked, description.Message{Status: r.Status, Header: h, Body: r.Body, WithoutBody: r.Stream != nil})
	if err == nil {
		return r, nil
	}
	if r.Stream != nil {
		_ = r.Stream.Close()
	}
	return Reply{}, bad
}

func isJSONType(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// unread is a description that its address did not give.
type unread struct{ status, reason string }

// Error implements error.
func (u *unread) Error() string {
	return "exchange: the description was not read: " + u.status + " " + u.reason
}

// fetchDescription reads a document from where its provider keeps it. The error
// is *unread.
func fetchDescription(ctx context.Context, address string, c origin.Config) (text []byte, contentType string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	client, err := origin.New(c)
	if err != nil {
		return nil, "", err
	}
	defer client.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, "", &unread{"none", "bad address"}
	}
	r.Header.Set("User-Agent", "dinh")
	res, err := client.Do(r)
	if err == nil && res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		_, reason, _ := strings.Cut(res.Status, " ")
		return nil, "", &unread{strconv.Itoa(res.StatusCode), printable(reason)}
	}
	if err == nil {
		defer res.Body.Close()
		text, err = io.ReadAll(io.LimitReader(res.Body, description.MaxDocument+1))
	}
	if err != nil {
		return nil, "", &unread{"none", strings.ReplaceAll(strings.TrimPrefix(errs.CodeOf(err), "exchange."), "_", " ")}
	}
	return text, res.Header.Get("Content-Type"), nil
}
