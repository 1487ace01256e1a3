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
	return isOne(name, "transfer-encoding", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
		"upgrade", "connection", "user-agent", "host", "content-length", "server", "expect",
		"x-road-request-id", "x-road-request-hash")
}

// isOne says whether a header's name is one of these, in any case.
func isOne(name string, of ...string) bool {
	for _, n := range of {
		if len(n) == len(name) && strings.EqualFold(n, name) {
			return true
		}
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

// passedOn are the header lines of a client that a service, and the node that it
// stands behind, may see: not those of one hop, and nobody's secret for our doors.
func passedOn(lines []HeaderLine) []HeaderLine {
	return between(lines, func(l HeaderLine) bool { return isOne(l.Name, "content-type") || secret(l.Name, l.Value) })
}

// ofTheAnswer are the headers that an answer may bring: not those of one hop, and
// none that speak for the exchange.
func ofTheAnswer(lines []HeaderLine) []HeaderLine {
	return between(lines, func(l HeaderLine) bool {
		const prefix = len("x-road-")
		return isOne(l.Name, "content-type") || len(l.Name) >= prefix && isOne(l.Name[:prefix], "x-road-", "x-dinh-")
	})
}

// between leaves out what X-Road passes in neither direction, what a Connection
// header declares to be of one hop, and what drop says.
func between(lines []HeaderLine, drop func(HeaderLine) bool) []HeaderLine {
	var declared []string
	for _, l := range lines {
		if strings.EqualFold(l.Name, "Connection") {
			for name := range strings.SplitSeq(l.Value, ",") {
				declared = append(declared, strings.TrimSpace(name))
			}
		}
	}
	out := make([]HeaderLine, 0, len(lines))
	for _, l := range lines {
		if !unhashed(l.Name) && !isOne(l.Name, "proxy-connection") && !isOne(l.Name, declared...) && !drop(l) {
			out = append(out, l)
		}
	}
	return out
}

// secret says whether a header lets somebody in here: an API key, an access
// token or a session of this house. A service's own credentials pass.
func secret(name, value string) bool {
	switch {
	case isOne(name, "x-api-key"):
		return strings.HasPrefix(strings.TrimSpace(value), "dinh_")
	case isOne(name, "authorization"):
		scheme, rest, _ := strings.Cut(value, " ")
		return strings.EqualFold(scheme, "Bearer") && strings.HasPrefix(strings.TrimSpace(rest), "dinh_") || isAccessToken(value)
	case isOne(name, "cookie"):
		return strings.Contains(value, "dinh_")
	}
	return false
}
