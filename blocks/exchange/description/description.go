package description

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// MaxDocument is the size of the largest document, in bytes.
const MaxDocument = 4 << 20

// Description is what a document says.
type Description struct {
	Title     string
	Server    string // the first address of its servers, if it is a whole one; else empty
	Endpoints []Endpoint

	doc *openapi3.T
}

// Endpoint is an operation of the document. Path is X-Road's glob: /pets/{id}
// becomes /pets/*.
type Endpoint struct {
	Method    string
	Path      string
	Operation string // what "x-dinh-operation" of the operation says: read, search, create or amend
}

// Read reads a document and checks it. The error says where and what is wrong,
// in the words of the OpenAPI specification.
func Read(ctx context.Context, text []byte) (d *Description, err error) {
	defer func() {
		// The reader of documents is somebody else's; one that it stumbles over is
		// not valid.
		if recover() != nil {
			d, err = nil, errors.New("the document cannot be read")
		}
	}()
	if len(text) > MaxDocument {
		return nil, fmt.Errorf("the document is larger than %d bytes", MaxDocument)
	}
	if _, err := Anonymise(text); err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(ctx, openapi3.DisableExamplesValidation()); err != nil {
		return nil, err
	}
	d = &Description{doc: doc}
	if doc.Info != nil {
		d.Title = doc.Info.Title
	}
	if len(doc.Servers) > 0 && strings.Contains(doc.Servers[0].URL, "://") && !strings.Contains(doc.Servers[0].URL, "{") {
		d.Server = doc.Servers[0].URL
	}
	if d.Endpoints, err = endpoints(doc); err != nil {
		return nil, err
	}
	return d, nil
}

var parameter = regexp.MustCompile(`\{[^{}/]*\}`)

// endpoints lists the operations; the more exact path comes first, for the first
// that fits decides.
func endpoints(doc *openapi3.T) ([]Endpoint, error) {
	var out []Endpoint
	for _, path := range doc.Paths.InMatchingOrder() {
		operations := doc.Paths.Value(path).Operations()
		methods := make([]string, 0, len(operations))
		for m := range operations {
			methods = append(methods, m)
		}
		slices.Sort(methods)
		glob := parameter.ReplaceAllLiteralString(strings.NewReplacer(`\`, `\\`, `*`, `\*`).Replace(path), "*")
		for _, m := range methods {
			e := Endpoint{Method: m, Path: glob}
			if said, ok := operations[m].Extensions["x-dinh-operation"]; ok {
				e.Operation, _ = said.(string)
				if !slices.Contains([]string{"read", "search", "create", "amend"}, e.Operation) {
					return nil, fmt.Errorf("invalid paths: %s %s: x-dinh-operation must be read, search, create or amend", m, path)
				}
			}
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("invalid paths: the document describes no operation")
	}
	return out, nil
}
