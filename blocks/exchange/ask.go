package exchange

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

const (
	signatureLabel = "dinh"
	signatureTag   = "dinh-exchange"
	maxText        = 512  // of every free text that is signed and stored
	maxSubjects    = 1000 // people one answer may be about
	maxBody        = 10 << 20
)

// ask is a call on its way.
type ask struct {
	Call
	operation        string
	requestID        string
	hash             string       // X-Road-Request-Hash
	purposeFromGrant bool         // at /r1: no purpose given, take that of the one fitting grant
	keyID            string       // the API key it came with; must still hold when the answer leaves
	headers          []HeaderLine // as they came, for the hash
	passed           []HeaderLine // of them, what the provider may see
	generatedID      string
	revision         int64 // of the published service it is meant for; 0: of none

	stream  io.ReadCloser // the body when it is too long to be held: then Body is nil
	length  int64         // of stream; -1: not known before its end
	sums    sums          // of the body, once it was seen
	request Proof         // by the client's member, once the body was seen
	late    chan *ask     // of a stream on its way to another node: hash, sums and request follow
}

// adopt takes what became known while the body was on its way; false when the
// other node answered before its end.
func (a *ask) adopt() bool {
	if a.late == nil {
		return true
	}
	select {
	case c := <-a.late:
		a.hash, a.sums, a.request, a.late = c.hash, c.sums, c.request, nil
		return true
	default:
		return false
	}
}

// prepare checks a call's form and fills what follows from it.
func (a *ask) prepare() error {
	var err error
	if _, err = ParseSubsystem(a.Client.String()); err != nil {
		return err
	}
	if _, err = ParseService(a.Service.String()); err != nil {
		return err
	}
	if a.Path, err = CleanPath(a.Path); err != nil {
		return err
	}
	if len(a.Query) > maxPath || !validQuery(a.Query) {
		return errs.New(errs.Invalid, "exchange.bad_query")
	}
	if len(a.Body) > maxBody {
		return errs.New(errs.TooLarge, "exchange.body_too_large", "max", maxBody)
	}
	if len(a.Subjects) > maxSubjects {
		return errs.New(errs.Invalid, "exchange.too_many_subjects", "max", maxSubjects)
	}
	for _, t := range []struct{ name, text string }{
		{"purpose", a.Purpose}, {"legal_basis", a.LegalBasis}, {"message_id", a.MessageID}, {"issue", a.Issue},
		{"user_id", a.UserID}, {"application", a.Application}, {"represented", a.Represented}, {"content_type", a.ContentType},
	} {
		if len(t.text) > maxText || strings.ContainsAny(t.text, "\r\n\x00") {
			return errs.New(errs.Invalid, "exchange.bad_text", "name", t.name, "max", maxText)
		}
	}
	for _, f := range a.Fields {
		if !validField(f) {
			return errs.New(errs.Invalid, "exchange.bad_field", "field", clip(f))
		}
	}
	if len(a.Body) > 0 && a.ContentType == "" {
		a.ContentType = "application/json"
	}
	a.Method = cmp.Or(a.Method, "GET")
	a.operation, err = operationOf(nil, a.Method, a.Path)
	return err
}

// settleOperation says what the call does, by the endpoints of its service.
func (a *ask) settleOperation(o *offered) (err error) {
	op, err := operationOf(o, a.Method, a.Path)
	if err == nil {
		a.operation = op
	}
	return err
}

// validQuery refuses what could end a header line or start another part.
func validQuery(q string) bool {
	for i := range len(q) {
		if q[i] <= ' ' || q[i] > '~' || q[i] == '#' {
			return false
		}
	}
	_, err := url.ParseQuery(q)
	return err == nil
}

// operationOf tells what a method on a path does: by the service's endpoints if
// it lists any, else by the method.
func operationOf(o *offered, method, path string) (string, error) {
	op := ""
	switch method {
	case "GET", "HEAD", "OPTIONS":
		op = OpRead
	case "POST":
		op = OpCreate
		if strings.HasSuffix(path, "/search") {
			op = OpSearch
		}
	case "PUT", "PATCH", "DELETE":
		op = OpAmend
	default:
		return "", errs.New(errs.Invalid, "exchange.bad_method", "method", clip(method))
	}
	if o == nil || len(o.info.Endpoints) == 0 {
		return op, nil
	}
	for _, e := range o.info.Endpoints {
		if (e.Method == method || e.Method == "*") && matchPath(e.Path, path) {
			return cmp.Or(e.Operation, op), nil
		}
	}
	return "", errs.New(errs.Forbidden, "exchange.no_endpoint", "method", method, "service", o.info.ID.String())
}

// target is the request's path and query in X-Road's address form.
func (a *ask) target() string {
	t := servicePath(a.Service) + a.Path
	if a.Query != "" {
		t += "?" + a.Query
	}
	return t
}

func servicePath(s ServiceID) string {
	return "/r1/" + pathID(s.Instance, s.Class, s.Member, s.Subsystem, s.Service)
}

// pathID writes identifiers as X-Road does in addresses and headers: every
// segment percent-encoded on its own.
func pathID(segs ...string) string {
	for i, s := range segs {
		segs[i] = url.PathEscape(s)
	}
	return strings.Join(segs, "/")
}

func (s SubsystemID) encoded() string { return pathID(s.Instance, s.Class, s.Member, s.Subsystem) }

func (s ServiceID) encoded() string {
	return pathID(s.Instance, s.Class, s.Member, s.Subsystem, s.Service)
}

// requestComponents are what the asker's signature covers.
func (a *ask) requestComponents() []Component {
	path, query := servicePath(a.Service)+a.Path, "?"+a.Query
	c := make([]Component, 0, 16)
	c = append(c,
		Component{Name: "@method", Value: a.Method},
		Component{Name: "@path", Value: path},
		Component{Name: "@query", Value: query},
		Component{Name: "content-digest", Value: a.sums.contentDigest()})
	for _, h := range a.signedHeaders() {
		if h.Value != "" {
			c = append(c, Component{Name: h.Name, Value: headerValue(h.Value)})
		}
	}
	return c
}

func (a *ask) signedHeaders() []HeaderLine {
	return []HeaderLine{
		{"content-type", a.ContentType},
		{"x-road-client", a.Client.encoded()},
		{"x-road-id", a.MessageID},
		{"x-road-request-id", a.requestID},
		{"x-road-issue", a.Issue},
		{"x-road-userid", a.UserID},
		{"x-road-represented-party", a.Represented},
		{"x-dinh-purpose", a.Purpose},
		{"x-dinh-legal-basis", a.LegalBasis},
		{"x-dinh-application", a.Application},
		{"x-dinh-fields", strings.Join(a.Fields, ",")},
		{"x-road-request-hash", a.hash},
	}
}

// requestHash is the X-Road hash of the call: over the header lines it came
// with, or over those it is signed with when it was made in this process.
func (a *ask) requestHash() string {
	lines := a.headers
	if lines == nil {
		for _, h := range a.signedHeaders() {
			if h.Value != "" {
				lines = append(lines, HeaderLine{h.Name, headerValue(h.Value)})
			}
		}
	}
	return RequestHash(HashInput{
		Method: a.Method, Target: a.target(), Headers: lines, RequestID: a.requestID,
		GeneratedID: a.generatedID, body: &a.sums,
	})
}

// answered is a provider's answer after filtering.
type answered struct {
	status      int
	contentType string
	headers     []HeaderLine
	body        []byte
	stream      io.ReadCloser // instead of body
	length      int64
	sums        sums
	subjects    []string
	records     int
}

// answerComponents are what the provider's signature covers: the answer, and the
// request's signature, so that neither can be put beside another.
func (a *ask) answerComponents(r answered, requestSignature string) []Component {
	c := []Component{
		{Name: "@status", Value: strconv.Itoa(r.status)},
		{Name: "content-digest", Value: r.sums.contentDigest()},
	}
	if r.contentType != "" {
		c = append(c, Component{Name: "content-type", Value: headerValue(r.contentType)})
	}
	if len(r.headers) > 0 {
		c = append(c, Component{Name: "x-dinh-headers-digest", Value: headersDigest(r.headers)})
	}
	return append(c,
		Component{Name: "x-road-id", Value: headerValue(a.MessageID)},
		Component{Name: "x-road-service", Value: a.Service.encoded()},
		Component{Name: "x-road-request-id", Value: a.requestID},
		Component{Name: "x-road-request-hash", Value: a.hash},
		Component{Name: "signature", Req: true, Key: signatureLabel, Value: requestSignature})
}

// headersDigest covers the headers that an answer has besides its content type:
// each as "name:value" and a line end, in their order.
func headersDigest(lines []HeaderLine) string {
	h := sha256.New()
	for _, l := range lines {
		io.WriteString(h, l.Name+":"+l.Value+"\n")
	}
	return "sha-256=:" + base64.StdEncoding.EncodeToString(h.Sum(nil)) + ":"
}

func (x *Exchange) params(keyID string, now time.Time) SignatureParams {
	return SignatureParams{Created: now.Unix(), KeyID: keyID, Tag: signatureTag}
}
