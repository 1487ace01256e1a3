package exchange

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/blocks/exchange/opmon"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
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
	fresh            bool   // the rules were checked to be the newest since it came
	server           string // the one node that may answer, as the client wishes; "": any
	revision         int64  // of the published service it is meant for; 0: of none

	stream  io.ReadCloser // the body when it is too long to be held: then Body is nil
	length  int64         // of stream; -1: not known before its end
	sums    sums          // of the body, once it was seen
	request Proof         // by the client's member, once the body was seen
	blind   string        // hides the subjects in what is signed

	sentAt, gotAt time.Time // when it went on, and when the answer came
	late          chan *ask // of a stream on its way to another node: hash, sums and request follow
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
	for _, s := range a.Subjects {
		if len(s) > maxText || strings.ContainsAny(s, "\r\n\x00") {
			return errs.New(errs.Invalid, "exchange.bad_text", "name", "subject", "max", maxText)
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
	_, err := url.QueryUnescape(q)
	return err == nil
}

// operationOf tells what a method on a path does: by the service's endpoints if
// it lists any, else by the method.
func operationOf(o *offered, method, path string) (string, error) {
	op := ""
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
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
	return "/r1/" + s.encoded()
}

// pathID writes identifiers as X-Road does in addresses and headers: every
// segment percent-encoded on its own.
func pathID(segs ...string) string {
	for i, s := range segs {
		segs[i] = url.PathEscape(s)
	}
	return strings.Join(segs, "/")
}

func (s SubsystemID) encoded() string {
	if plainName(s.Instance) && plainName(s.Class) && plainName(s.Member) && plainName(s.Subsystem) {
		return s.String()
	}
	return pathID(s.Instance, s.Class, s.Member, s.Subsystem)
}

func (s ServiceID) encoded() string { return s.SubsystemID.encoded() + "/" + url.PathEscape(s.Service) }

// requestComponents are what the asker's signature covers.
func (a *ask) requestComponents() []httpsig.Component {
	path, query := servicePath(a.Service)+a.Path, "?"+a.Query
	c := make([]httpsig.Component, 0, 16)
	c = append(c,
		httpsig.Component{Name: "@method", Value: a.Method},
		httpsig.Component{Name: "@path", Value: path},
		httpsig.Component{Name: "@query", Value: query},
		httpsig.Component{Name: "content-digest", Value: a.sums.contentDigest()})
	for _, h := range a.signedHeaders() {
		if h.Value != "" {
			c = append(c, httpsig.Component{Name: h.Name, Value: httpsig.HeaderValue(h.Value)})
		}
	}
	if len(a.Subjects) > 0 {
		c = append(c, httpsig.Component{Name: "x-dinh-subjects-digest", Value: a.subjectsDigest()})
	}
	return c
}

// subjectsDigest covers the people whom the client named, each on a line, behind a
// line that nobody can guess and that goes to the answering node alone: evidence
// must not tell by trial whom a question was about.
func (a *ask) subjectsDigest() string {
	h := sha256.New()
	io.WriteString(h, a.blind+"\n")
	for _, s := range a.Subjects {
		io.WriteString(h, s+"\n")
	}
	return "sha-256=:" + base64.StdEncoding.EncodeToString(h.Sum(nil)) + ":"
}

func (a *ask) signedHeaders() [12]HeaderLine {
	return [12]HeaderLine{
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
				lines = append(lines, HeaderLine{h.Name, httpsig.HeaderValue(h.Value)})
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
func (a *ask) answerComponents(r answered, requestSignature string) []httpsig.Component {
	c := append(make([]httpsig.Component, 0, 9),
		httpsig.Component{Name: "@status", Value: strconv.Itoa(r.status)},
		httpsig.Component{Name: "content-digest", Value: r.sums.contentDigest()})
	if r.contentType != "" {
		c = append(c, httpsig.Component{Name: "content-type", Value: httpsig.HeaderValue(r.contentType)})
	}
	if len(r.headers) > 0 {
		c = append(c, httpsig.Component{Name: "x-dinh-headers-digest", Value: headersDigest(r.headers)})
	}
	return append(c,
		httpsig.Component{Name: "x-road-id", Value: httpsig.HeaderValue(a.MessageID)},
		httpsig.Component{Name: "x-road-service", Value: a.Service.encoded()},
		httpsig.Component{Name: "x-road-request-id", Value: a.requestID},
		httpsig.Component{Name: "x-road-request-hash", Value: a.hash},
		httpsig.Component{Name: "signature", Req: true, Key: signatureLabel, Value: requestSignature})
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

func (x *Exchange) params(keyID string, now time.Time) httpsig.Params {
	return httpsig.Params{Created: now.Unix(), KeyID: keyID, Tag: signatureTag}
}

// Call asks a question for a subsystem of this instance and gives the answer
// when its events are durable. The caller vouches that it speaks for the client.
//
// It must not be called inside db.Write: the answer would be used before its
// event is durable (errs.Internal "exchange.in_transaction"). A create or amend
// whose trace could not be written has happened and is answered with
// errs.Unavailable "exchange.not_recorded"; repeat it with the same MessageID,
// by which the provider recognises it.
//
// Refusals: errs.Forbidden exchange.no_grant, grant_revoked, grant_not_yet,
// grant_expired, operation_not_granted, endpoint_not_granted, purpose_not_granted,
// legal_basis_not_granted, field_not_granted, no_endpoint, unknown_client;
// errs.TooMany exchange.quota_spent;
// errs.NotFound exchange.unknown_service; errs.Invalid exchange.purpose_missing
// and bad_…; errs.NotFound exchange.record_not_granted; errs.Unavailable exchange.provider_failed, answer_unreadable,
// not_recorded, and for services of another node node_unreachable, node_lost;
// errs.Conflict exchange.delivered_before; and the provider's own refusals.
func (x *Exchange) Call(ctx context.Context, c Call) (Answer, error) {
	got, err := x.do(ctx, &ask{Call: c})
	if err != nil || got.Stream == nil {
		return got, err
	}
	defer got.Stream.Close()
	body, whole, err := held(got.Stream, maxBody)
	if err != nil || !whole {
		return Answer{}, unavailable("exchange.answer_unreadable", err)
	}
	got.Body, got.Stream = body, nil
	return got, nil
}

// do takes a call to its service and back, and leaves its operational record.
func (x *Exchange) do(ctx context.Context, a *ask) (Answer, error) {
	in := x.clock.Now()
	ctx = x.traced(ctx, a, opmon.Client)
	got, err := x.take(ctx, a)
	return x.watch(ctx, watching{a, opmon.Client, in}, got, err), err
}

// take takes a call to its service, here or on another node, and back.
func (x *Exchange) take(ctx context.Context, a *ask) (Answer, error) {
	if inTransaction(ctx) {
		return Answer{}, errs.New(errs.Internal, "exchange.in_transaction")
	}
	x.identify(a, x.clock.Now())
	if err := a.prepare(); err != nil {
		return Answer{}, x.refuse(ctx, a, err)
	}
	node, ok := x.elsewhere(a.Service.SubsystemID)
	if serving := cmp.Or(node.ID, x.node); a.server != "" && serving != "" && a.server != serving {
		return Answer{}, x.refuse(ctx, a, errs.New(errs.Invalid, "exchange.other_server", "server", clip(a.server), "service", a.Service.String()))
	}
	if ok {
		if err := x.confirmKey(ctx, a.keyID); err != nil { // its own node would not know
			return Answer{}, x.refuse(ctx, a, err)
		}
		return x.askNode(ctx, a, node)
	}
	out, err := x.answer(ctx, &inbound{ask: a, prove: func(ctx context.Context, s sums) error {
		if err := x.signRequest(ctx, a, s); err != nil {
			return err
		}
		return x.verify(ctx, a.Client.Owner(), a.request, a.requestComponents())
	}})
	if err != nil {
		return Answer{}, err
	}
	return out.Answer, nil
}

// identify gives the call its ids, and what hides its subjects.
func (x *Exchange) identify(a *ask, now time.Time) {
	if a.requestID == "" {
		a.requestID = id.New(now)
	}
	if a.MessageID == "" {
		a.MessageID = x.instance + "-" + id.New(now)
		a.generatedID = a.MessageID
	}
	if len(a.Subjects) > 0 && a.blind == "" {
		a.blind = id.Token(32)
	}
}

// signRequest closes a question: what was sent is known to its last byte.
func (x *Exchange) signRequest(ctx context.Context, a *ask, s sums) error {
	a.sums = s
	a.hash = a.requestHash()
	// Whoever hangs up waits these milliseconds too: the proof is read afterwards.
	err := x.seal(context.WithoutCancel(ctx), &x.requests, &sealing{owner: a.Client.Owner(), components: a.requestComponents, proof: &a.request})
	if err != nil {
		return unavailable("exchange.cannot_sign", err)
	}
	return nil
}

func unavailable(code string, cause error) error {
	return errs.New(errs.Unavailable, code).Wrap(cause)
}
