package httpsig

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Component is one covered part of a message: a derived one ("@method") or a
// header by its lower-case name, with its value as RFC 9421 §2 makes it.
type Component struct {
	Name  string
	Req   bool   // ;req — of the request that this message answers
	Key   string // ;key="…" — one member of a dictionary header
	Value string
}

// Params are the parameters of a signature. Empty ones are left out.
type Params struct {
	Created int64 // seconds since 1970
	Expires int64
	Nonce   string
	Alg     string
	KeyID   string
	Tag     string
}

// AppendIdentifier writes a component's name as it stands in the signature base.
func (c Component) AppendIdentifier(b []byte) []byte {
	b = append(append(append(b, '"'), c.Name...), '"')
	if c.Req {
		b = append(b, ";req"...)
	}
	if c.Key != "" {
		b = append(append(append(b, `;key="`...), c.Key...), '"')
	}
	return b
}

// appendParams writes the value of @signature-params and of Signature-Input.
func appendParams(b []byte, components []Component, p Params) []byte {
	b = append(b, '(')
	for i, c := range components {
		if i > 0 {
			b = append(b, ' ')
		}
		b = c.AppendIdentifier(b)
	}
	b = append(b, ')')
	number := func(name string, v int64) {
		if v != 0 {
			b = strconv.AppendInt(append(append(append(b, ';'), name...), '='), v, 10)
		}
	}
	text := func(name, v string) {
		if v != "" {
			b = appendString(append(append(append(b, ';'), name...), '='), v)
		}
	}
	number("created", p.Created)
	number("expires", p.Expires)
	text("nonce", p.Nonce)
	text("alg", p.Alg)
	text("keyid", p.KeyID)
	text("tag", p.Tag)
	return b
}

// Base is the text that is signed (RFC 9421 §2.5).
func Base(components []Component, p Params) []byte {
	size := 256
	for _, c := range components {
		size += 2*(len(c.Name)+len(c.Key)+16) + len(c.Value)
	}
	b := make([]byte, 0, size)
	for _, c := range components {
		b = append(c.AppendIdentifier(b), ": "...)
		b = append(append(b, c.Value...), '\n')
	}
	return appendParams(append(b, `"@signature-params": `...), components, p)
}

// Input is the value of the Signature-Input header for one label.
func Input(label string, components []Component, p Params) string {
	return string(appendParams([]byte(label+"="), components, p))
}

// Header is the value of the Signature header for one label.
func Header(label string, sig []byte) string {
	return label + "=:" + base64.StdEncoding.EncodeToString(sig) + ":"
}

// appendString quotes text as a structured-field string; what it cannot hold is
// replaced, so that the result always parses.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c > 0x7e:
			b = append(b, '?')
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// HeaderValue makes any text fit for a header: what is not printable ASCII is
// percent-encoded, and a percent sign too, so that it can be read back.
func HeaderValue(s string) string {
	const hexDigits = "0123456789ABCDEF"
	clean := true
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e || s[i] == '%' {
			clean = false
			break
		}
	}
	if clean {
		return strings.TrimSpace(s)
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '%' {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String())
}

// ContentDigest is the value of the Content-Digest header (RFC 9530), SHA-256.
func ContentDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// VerifyContentDigest checks a Content-Digest header against a body. Every known
// algorithm in it (sha-256, sha-512) must fit and there must be one. The error
// is errs.Invalid "exchange.bad_digest".
func VerifyContentDigest(header string, body []byte) error {
	bad := errs.New(errs.Invalid, "exchange.bad_digest")
	members, ok := parseDictionary(header)
	if !ok {
		return bad
	}
	known := false
	for _, m := range members {
		var want []byte
		switch m.key {
		case "sha-256":
			sum := sha256.Sum256(body)
			want = sum[:]
		case "sha-512":
			sum := sha512.Sum512(body)
			want = sum[:]
		default:
			continue
		}
		got, isBytes := m.value.([]byte)
		if !isBytes || subtle.ConstantTimeCompare(got, want) != 1 {
			return bad
		}
		known = true
	}
	if !known {
		return bad
	}
	return nil
}

// Parsed is one signature read from a message's headers.
type Parsed struct {
	Label      string
	Components []Component // without values: the verifier fills them from the message
	Params     Params
	Raw        string // the value of @signature-params, byte for byte
	Signature  []byte
}

// Base is the text that must have been signed. value gives each component's
// value from the message; false when the message has none.
func (p Parsed) Base(value func(Component) (string, bool)) ([]byte, bool) {
	var b bytes.Buffer
	for _, c := range p.Components {
		v, ok := value(c)
		if !ok {
			return nil, false
		}
		b.Write(c.AppendIdentifier(nil))
		b.WriteString(": " + v + "\n")
	}
	b.WriteString(`"@signature-params": ` + p.Raw)
	return b.Bytes(), true
}

// Parse reads the signature with this label from the two headers. It
// takes the parameters that Params knows and refuses others, repeated
// components, and anything not well formed: errs.Invalid
// "exchange.bad_signature".
func Parse(label, input, signature string) (Parsed, error) {
	bad := errs.New(errs.Invalid, "exchange.bad_signature")
	inputs, ok := parseDictionary(input)
	sigs, ok2 := parseDictionary(signature)
	if !ok || !ok2 {
		return Parsed{}, bad
	}
	out := Parsed{Label: label}
	for _, m := range sigs {
		if m.key == label {
			out.Signature, _ = m.value.([]byte)
		}
	}
	for _, m := range inputs {
		if m.key != label {
			continue
		}
		items, isList := m.value.([]sfItem)
		if !isList || !readParams(m.params, &out.Params) {
			return Parsed{}, bad
		}
		seen := map[string]bool{}
		for _, it := range items {
			c, ok := readComponent(it)
			id := string(c.AppendIdentifier(nil))
			if !ok || seen[id] {
				return Parsed{}, bad
			}
			seen[id] = true
			out.Components = append(out.Components, c)
		}
		out.Raw = m.raw
	}
	if out.Raw == "" || len(out.Signature) == 0 {
		return Parsed{}, bad
	}
	return out, nil
}

func readComponent(it sfItem) (Component, bool) {
	name, ok := it.value.(string)
	c := Component{Name: name}
	if !ok || name == "" || name != strings.ToLower(name) || name == "@signature-params" {
		return c, false
	}
	for _, p := range it.params {
		switch v := p.value.(type) {
		case bool:
			if p.key != "req" || !v {
				return c, false
			}
			c.Req = true
		case string:
			if p.key != "key" || v == "" || strings.ContainsAny(v, `"\`) {
				return c, false
			}
			c.Key = v
		default:
			return c, false
		}
	}
	return c, true
}

func readParams(params []sfParam, out *Params) bool {
	for _, p := range params {
		ok := false
		switch p.key {
		case "created":
			out.Created, ok = p.value.(int64)
		case "expires":
			out.Expires, ok = p.value.(int64)
		case "nonce":
			out.Nonce, ok = p.value.(string)
		case "alg":
			out.Alg, ok = p.value.(string)
		case "keyid":
			out.KeyID, ok = p.value.(string)
		case "tag":
			out.Tag, ok = p.value.(string)
		}
		if !ok {
			return false
		}
	}
	return true
}
