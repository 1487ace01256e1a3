package exchange

import (
	"crypto/sha512"
	"encoding/base64"
	"strings"
)

// HeaderLine is one header as it stood on the wire.
type HeaderLine struct{ Name, Value string }

// unhashed are the headers that X-Road leaves out of the hash: those of one hop,
// and those it sets itself.
func unhashed(name string) bool {
	switch strings.ToLower(name) {
	case "transfer-encoding", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
		"upgrade", "connection", "user-agent", "host", "content-length", "server", "expect",
		"x-road-request-id", "x-road-request-hash":
		return true
	}
	return false
}

// HashInput is what an X-Road-Request-Hash is computed over.
type HashInput struct {
	Method      string
	Target      string       // path and query as sent, still percent-encoded
	Headers     []HeaderLine // in the order and case in which they were sent
	RequestID   string       // appended as x-road-request-id
	GeneratedID string       // appended as x-road-id when the client sent none
	Body        []byte       // empty: no body

	body *sums // instead of Body, when it was seen already
}

// RequestHash is the value of X-Road-Request-Hash: SHA-512 in base64 over the
// request line and headers and, if there is a body, over that hash and the
// body's.
func RequestHash(in HashInput) string {
	buf := make([]byte, 0, 512)
	line := func(parts ...string) {
		for _, p := range parts {
			buf = append(buf, p...)
		}
		buf = append(buf, '\r', '\n')
	}
	line(in.Method)
	line(in.Target)
	for _, h := range in.Headers {
		if !unhashed(h.Name) {
			line(h.Name, ":", h.Value)
		}
	}
	line("x-road-request-id:", in.RequestID)
	if in.GeneratedID != "" {
		line("x-road-id:", in.GeneratedID)
	}
	sum := sha512.Sum512(buf)
	body := in.body
	if body == nil {
		seen := sumsOf(in.Body)
		body = &seen
	}
	if body.size > 0 {
		sum = sha512.Sum512(append(sum[:], body.sha512[:]...))
	}
	return base64.StdEncoding.EncodeToString(sum[:])
}
