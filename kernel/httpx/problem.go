package httpx

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// The codes of this package whose status is not their kind's.
const (
	codeMethod    = "httpx.method_not_allowed"
	codeMediaType = "httpx.not_json"
)

// Document is a problem as RFC 9457 writes it. Type is always about:blank: the
// machine's name of the problem is Code.
type Document struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Detail   string       `json:"detail"`
	Code     string       `json:"code"`
	Instance string       `json:"instance,omitempty"` // the request's id, to quote to support
	Errors   []FieldError `json:"errors,omitempty"`
}

// FieldError is one wrong field in a Document.
type FieldError struct {
	Name   string `json:"name"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Status gives the HTTP status of err: 200 for nil.
func Status(err error) int {
	err = normal(err)
	switch errs.CodeOf(err) {
	case codeMethod:
		return http.StatusMethodNotAllowed
	case codeMediaType:
		return http.StatusUnsupportedMediaType
	}
	switch errs.KindOf(err) {
	case "":
		return http.StatusOK
	case errs.Invalid:
		if e, ok := errs.As(err); ok && len(e.Fields) > 0 {
			return http.StatusUnprocessableEntity
		}
		return http.StatusBadRequest
	case errs.Unauthenticated:
		return http.StatusUnauthorized
	case errs.Forbidden:
		return http.StatusForbidden
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Conflict:
		return http.StatusConflict
	case errs.Gone:
		return http.StatusGone
	case errs.TooLarge:
		return http.StatusRequestEntityTooLarge
	case errs.TooMany:
		return http.StatusTooManyRequests
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// normal recognises the errors of the standard library that are not our fault.
func normal(err error) error {
	if err == nil || errs.KindOf(err) != errs.Internal {
		return err
	}
	if big, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(big.Limit).Wrap(err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errs.New(errs.Unavailable, string(errs.Unavailable)).Wrap(err)
	}
	return err
}

func tooLarge(limit int64) *errs.Error {
	return errs.New(errs.TooLarge, "httpx.body_too_large", "limit", size(limit))
}

// size is a number of bytes as people read it.
type size int64

// In writes the size for a reader of l.
func (n size) In(l i18n.Lang) string {
	unit, div := "byte", float64(1)
	switch {
	case n >= 1<<20:
		unit, div = "MB", 1<<20
	case n >= 1<<10:
		unit, div = "KB", 1<<10
	case l == i18n.EN && n != 1:
		unit = "bytes"
	}
	s := strings.TrimSuffix(strconv.FormatFloat(float64(n)/div, 'f', 1, 64), ".0")
	if l == i18n.VI {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s + " " + unit
}

// shown reduces err to what a reader may learn: itself when it is coded, else
// its kind without text.
func shown(err error) *errs.Error {
	if e, ok := errs.As(err); ok && errs.KindOf(e) == e.Kind {
		return e
	}
	return errs.New(errs.KindOf(err), errs.CodeOf(err))
}

// message words one code: "error.<code>", else the kind's sentence.
func message(c *i18n.Catalog, l i18n.Lang, e *errs.Error) string {
	if key := "error." + e.Code; c.Has(key) {
		return c.T(l, key, e.Args)
	}
	return c.T(l, "error.kind."+string(e.Kind), e.Args)
}

// title is the short name of the sort of problem.
func title(c *i18n.Catalog, l i18n.Lang, e *errs.Error) string {
	if key := "httpx.title." + e.Code; c.Has(key) {
		return c.T(l, key)
	}
	return c.T(l, "httpx.title."+string(e.Kind))
}

// NewDocument words err for a reader of l. The text of an unknown error and
// all causes stay out of it.
func NewDocument(c *i18n.Catalog, l i18n.Lang, instance string, err error) Document {
	err = normal(err)
	e := shown(err)
	d := Document{
		Type: "about:blank", Title: title(c, l, e), Status: Status(err),
		Detail: message(c, l, e), Code: e.Code, Instance: instance,
	}
	for _, f := range e.Fields {
		d.Errors = append(d.Errors, FieldError{
			Name: f.Name, Code: f.Code,
			Detail: message(c, l, &errs.Error{Kind: errs.Invalid, Code: f.Code, Args: f.Args}),
		})
	}
	return d
}

// Problem answers r with err as problem+json in the reader's language. Handlers
// of this server return their errors instead; it is for plain http.Handlers.
func Problem(w http.ResponseWriter, r *http.Request, c *i18n.Catalog, err error) error {
	ctx := r.Context()
	return writeDocument(w, NewDocument(c, i18n.LangFrom(ctx), RequestID(ctx), err), i18n.LangFrom(ctx))
}

func writeDocument(w http.ResponseWriter, d Document, l i18n.Lang) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Language", string(l))
	return writeJSON(w, d.Status, "application/problem+json", d)
}

// plainPage is the error page of a server that was given none.
func plainPage(w http.ResponseWriter, r *http.Request, status int, title, message string, err *errs.Error) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	lang := i18n.LangFrom(r.Context())
	page := `<!doctype html><html lang="` + cmp.Or(string(lang), string(i18n.VI)) + `"><meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width"><title>` + template.HTMLEscapeString(title) +
		`</title><main><h1>` + template.HTMLEscapeString(title) + `</h1><p>` + template.HTMLEscapeString(message) +
		`</p><p><small>` + RequestID(r.Context()) + `</small></p></main></html>`
	_, _ = w.Write([]byte(page)) // a reader who has gone needs no page
}
