package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// WriteJSON answers with v. It encodes before it writes, so that a value which
// cannot be encoded is an error and not half an answer.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	return writeJSON(w, status, "application/json", v)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // nosniff and the type make the escapes needless
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("httpx: encoding %T: %w", v, err)
	}
	w.Header()["Content-Type"] = []string{contentType}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a caller who has gone needs no answer
	return nil
}

// ReadJSON decodes the body of r into v: one JSON value, in UTF-8, without
// fields that v does not have. What is wrong comes back as errs.Invalid
// (httpx.body_missing, httpx.not_json, httpx.json_*), naming the field where
// there is one, or errs.TooLarge.
func ReadJSON(r *http.Request, v any) error {
	if ct := r.Header.Get("Content-Type"); ct != "" && !isJSON(ct) {
		return errs.New(errs.Invalid, codeMediaType)
	}
	if r.Body == nil {
		return errs.New(errs.Invalid, "httpx.body_missing")
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return readError(err)
	}
	return decodeJSON(data, v)
}

func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// readError: the limit and a lost caller are not faults of ours.
func readError(err error) error {
	if n := normal(err); errs.KindOf(n) != errs.Internal {
		return n
	}
	return errs.New(errs.Invalid, "httpx.body_cut").Wrap(err)
}

func decodeJSON(data []byte, v any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return errs.New(errs.Invalid, "httpx.body_missing")
	}
	if !utf8.Valid(data) {
		return errs.New(errs.Invalid, "httpx.json_utf8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return jsonError(err, len(data))
	}
	if _, err := dec.Token(); err != io.EOF {
		return errs.New(errs.Invalid, "httpx.json_trailing")
	}
	return nil
}

func jsonError(err error, length int) error {
	if _, ok := errors.AsType[*json.InvalidUnmarshalError](err); ok {
		return err // the programmer's mistake, not the caller's
	}
	if e, ok := errs.As(err); ok {
		return e // a type of ours that says what is wrong with its text
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errs.New(errs.Invalid, "httpx.json_syntax", "position", length)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errs.New(errs.Invalid, "httpx.json_syntax", "position", syntax.Offset)
	}
	if typ, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		name := typ.Field
		if name == "" {
			name = "$" // the value as a whole
		}
		return errs.New(errs.Invalid, "httpx.json_fields").
			With(errs.NewField(name, "httpx.json_type", "want", wanted(typ.Type)))
	}
	// encoding/json gives the unknown field only in its text.
	if quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return errs.New(errs.Invalid, "httpx.json_fields").
			With(errs.NewField(strings.Trim(quoted, `"`), "httpx.json_unknown_field"))
	}
	return errs.New(errs.Invalid, "httpx.json_value").Wrap(err)
}

// wanted names a Go type as a writer of JSON knows it.
func wanted(t reflect.Type) i18n.Text {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return i18n.Text{VI: "giá trị khác", EN: "another value"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return i18n.Text{VI: "true hoặc false", EN: "true or false"}
	case reflect.String:
		return i18n.Text{VI: "một chuỗi ký tự", EN: "a string"}
	case reflect.Float32, reflect.Float64:
		return i18n.Text{VI: "một số", EN: "a number"}
	case reflect.Slice, reflect.Array:
		return i18n.Text{VI: "một danh sách", EN: "a list"}
	case reflect.Struct, reflect.Map:
		return i18n.Text{VI: "một đối tượng", EN: "an object"}
	}
	return i18n.Text{VI: "một số nguyên trong giới hạn cho phép", EN: "a whole number within range"}
}
