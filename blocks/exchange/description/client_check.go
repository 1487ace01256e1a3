package description

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Checker holds requests and answers to a document. It is safe for concurrent use.
type Checker struct{ places []place }

// place is one path of the document.
type place struct {
	pattern *regexp.Regexp
	names   []string // of its parameters
	routes  map[string]*routers.Route
}

// Checker makes a checker for the document. Paths begin behind the service code,
// whatever its servers say; the more exact path comes first.
func (d *Description) Checker() (*Checker, error) {
	c := &Checker{}
	for _, path := range d.doc.Paths.InMatchingOrder() {
		p := place{routes: map[string]*routers.Route{}}
		expression, rest := "^", path
		for at := parameter.FindStringIndex(rest); at != nil; at = parameter.FindStringIndex(rest) {
			expression += regexp.QuoteMeta(rest[:at[0]]) + "([^/]*)"
			p.names = append(p.names, rest[at[0]+1:at[1]-1])
			rest = rest[at[1]:]
		}
		var err error
		if p.pattern, err = regexp.Compile(expression + regexp.QuoteMeta(rest) + "$"); err != nil {
			return nil, err
		}
		item := d.doc.Paths.Value(path)
		for method, operation := range item.Operations() {
			p.routes[method] = &routers.Route{Spec: d.doc, Path: path, PathItem: item, Method: method, Operation: operation}
		}
		c.places = append(c.places, p)
	}
	return c, nil
}

// find gives the operation for a path without its encoding; nil when there is none.
func (c *Checker) find(method, path string) (*routers.Route, map[string]string) {
	for _, p := range c.places {
		values := p.pattern.FindStringSubmatch(path)
		if values == nil || p.routes[method] == nil {
			continue
		}
		params := map[string]string{}
		for i, name := range p.names {
			params[name] = values[i+1]
		}
		return p.routes[method], params
	}
	return nil, nil
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
	route, params := c.find(m.Method, r.URL.Path)
	if route == nil {
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
