package description

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// Checker holds requests and answers to a document. It is safe for concurrent use.
type Checker struct{ router routers.Router }

// Checker makes a checker for the document.
func (d *Description) Checker() (*Checker, error) {
	doc := *d.doc
	doc.Servers = nil // paths begin behind the service code
	router, err := legacy.NewRouter(&doc, openapi3.DisableExamplesValidation())
	if err != nil {
		return nil, err
	}
	return &Checker{router}, nil
}

// Message is a request, or an answer when Status is set.
type Message struct {
	Method, Path, Query string // Path percent-encoded
	Header              http.Header
	Status              int
	Body                []byte
	WithoutBody         bool // the body is not at hand: only the rest is checked
}

// Violation says where a message leaves the document.
type Violation struct {
	Where  string // "body /owner/name", "parameter limit in query", "address"
	Reason string // empty for answers
}

// Error implements error; it names neither values nor the names within a body.
func (v *Violation) Error() string { return "description: the message does not fit the document" }

// Request checks a request. The error is a *Violation.
func (c *Checker) Request(ctx context.Context, m Message) error {
	in, err := c.input(ctx, m)
	if err != nil {
		return err
	}
	in.Options.ExcludeRequestBody = m.WithoutBody
	if err := guarded(func() error { return openapi3filter.ValidateRequest(ctx, in) }); err != nil {
		return violation(err)
	}
	return nil
}

// Answer checks the answer to a request. The error is a *Violation without a
// reason: reasons may tell what an answer holds.
func (c *Checker) Answer(ctx context.Context, request, answer Message) error {
	in, err := c.input(ctx, request)
	if err != nil {
		return &Violation{Where: "address"}
	}
	in.Options.ExcludeResponseBody = answer.WithoutBody
	in.Options.IncludeResponseStatus = answer.Status < 300
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: answer.Status, Header: answer.Header, Options: in.Options}
	out.SetBodyBytes(answer.Body)
	if guarded(func() error { return openapi3filter.ValidateResponse(ctx, out) }) != nil {
		return &Violation{Where: fmt.Sprintf("answer %d of %s %s", answer.Status, request.Method, in.Route.Path)}
	}
	return nil
}

func (c *Checker) input(ctx context.Context, m Message) (*openapi3filter.RequestValidationInput, error) {
	target := m.Path
	if target == "" {
		target = "/"
	}
	if m.Query != "" {
		target += "?" + m.Query
	}
	r, err := http.NewRequestWithContext(ctx, m.Method, "http://service"+target, bytes.NewReader(m.Body))
	if err != nil {
		return nil, &Violation{Where: "address", Reason: "it cannot be read"}
	}
	r.Header = m.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if len(m.Body) == 0 {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(nil)), 0
	}
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		return nil, &Violation{Where: "address", Reason: "the document describes no such operation"}
	}
	return &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{
		SkipSettingDefaults: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, // who asks is the exchange's matter
	}}, nil
}

// guarded turns a stumble of the library over a message into a violation.
func guarded(check func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = &Violation{Where: "message", Reason: "it cannot be read"}
		}
	}()
	return check()
}

func violation(err error) *Violation {
	out := &Violation{Where: "request", Reason: "it does not fit the description"}
	if v, ok := errors.AsType[*Violation](err); ok {
		return v
	}
	if e, ok := errors.AsType[*openapi3filter.RequestError](err); ok {
		switch {
		case e.Parameter != nil:
			out.Where = "parameter " + e.Parameter.Name + " in " + e.Parameter.In
		case e.RequestBody != nil:
			out.Where = "body"
		}
		if e.Reason != "" && e.Err == nil {
			out.Reason = e.Reason
		}
	}
	if e, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		if at := e.JSONPointer(); len(at) > 0 {
			out.Where += " /" + strings.Join(at, "/")
		}
		out.Reason = e.Reason
	}
	return out
}
