package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/link"
)

// r1Routes are X-Road's addresses on the shared listener.
func (x *Exchange) r1Routes() []httpx.Route {
	var out []httpx.Route
	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
		out = append(out, httpx.Route{
			Method: m, Path: "/r1/", Access: auth.Client(), Body: maxBody, CrossOrigin: true, AsSent: true, Handle: x.serveR1,
		})
	}
	return append(out, httpx.Route{Method: "GET", Path: "/listClients", Access: auth.Public(), Anonymous: true, Handle: x.serveListClients})
}

// R1Handler is X-Road's edge for a listener of its own (see CaptureListener). It
// authenticates by API key itself and answers every error in X-Road's form; paths
// reach it as they were sent, not cleaned by a mux. The subsystems named in plain
// may come without a key: X-Road's connection type HTTP, for a network that
// nobody else can reach.
func (x *Exchange) R1Handler(plain ...SubsystemID) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		switch {
		case strings.HasPrefix(r.URL.EscapedPath(), "/r1/"):
			p, found, aerr := x.AuthenticateClient(r)
			if aerr == nil && !found {
				p, found = x.takenAtItsWord(r, plain)
			}
			if aerr == nil && !found {
				aerr = x.stranger(r)
			}
			if other := x.aside(r); aerr != nil && other != nil {
				err = other(w, r) // it says in its own words that nobody is there
				break
			}
			if aerr != nil {
				x.writeFault(w, r, aerr, &ask{Call: Call{Client: claimed(r)}})
				return
			}
			r = r.WithContext(auth.With(r.Context(), p)) // a copy: net/http must know the body of its own again
			r.Body = httpx.PatientBody(w, r)
			if x.maxBody > 0 {
				r.Body = http.MaxBytesReader(w, r.Body, x.maxBody)
			}
			err = x.serveR1(w, r)
		case r.URL.Path == "/listClients" && r.Method == http.MethodGet:
			err = x.serveListClients(w, r)
		default:
			http.NotFound(w, r)
		}
		if err != nil {
			x.writeFault(w, r, err, &ask{})
		}
	})
}

// claimed is the client a request says it is; zero when it does not say it well.
func claimed(r *http.Request) SubsystemID {
	values := r.Header.Values("X-Road-Client")
	if len(values) == 0 {
		return SubsystemID{}
	}
	s, err := parseEncodedSubsystem(values[len(values)-1])
	if err != nil {
		return SubsystemID{}
	}
	return s
}

// serveR1 answers one request in X-Road's form. It writes all errors itself.
func (x *Exchange) serveR1(w http.ResponseWriter, r *http.Request) error {
	if other := x.aside(r); other != nil {
		return other(w, r)
	}
	a, err := x.readR1(r)
	if err != nil {
		x.writeFault(w, r, err, a)
		return nil
	}
	if async, push := prefersAsync(r.Header); async && !a.isMeta() && x.mayWait(r.Context(), a) {
		return x.serveLater(w, r, a, push)
	}
	got, err := x.do(r.Context(), a)
	if err != nil {
		x.writeFault(w, r, err, a)
		return nil
	}
	x.writeAnswer(w, r, a, got)
	return nil
}

// writeAnswer hands an answer over. One that streams ends well only when it is
// proven; else the connection breaks off, so that nobody takes a part for the
// whole.
func (x *Exchange) writeAnswer(w http.ResponseWriter, r *http.Request, a *ask, got Answer) {
	if got.Stream != nil {
		defer got.Stream.Close()
	}
	h := w.Header()
	for _, l := range got.Headers {
		h.Add(l.Name, l.Value)
	}
	if got.ContentType != "" {
		h.Set("Content-Type", got.ContentType)
	}
	x.xroadHeaders(w, a)
	if n := len(got.Events); n > 0 {
		const most = 16 // of many people's events; all of them are in the log, under the message's id
		h.Set("X-Dinh-Event", strings.Join(got.Events[:min(n, most)], ","))
		h.Set("X-Dinh-Events", strconv.Itoa(n))
	}
	if got.Length >= 0 && r.Method != http.MethodHead {
		h.Set("Content-Length", strconv.FormatInt(got.Length, 10))
	}
	w.WriteHeader(got.Status)
	switch {
	case got.Stream != nil:
		if err := httpx.CopyPatiently(w, got.Stream); err != nil {
			x.log.WarnContext(r.Context(), "exchange: an answer was broken off", "request", a.requestID, "code", errs.CodeOf(err), "error", err)
			panic(http.ErrAbortHandler)
		}
	case r.Method != http.MethodHead:
		_, _ = w.Write(got.Body) // a client that went away has its event all the same
	}
}

// readR1 reads a request. What it could read is in the ask also when it fails,
// for the words of the fault.
func (x *Exchange) readR1(r *http.Request) (*ask, error) {
	p := auth.From(r.Context())
	a := &ask{requestID: newRequestID(x), keyID: p.Session, purposeFromGrant: true}
	a.Method, a.Query = r.Method, r.URL.RawQuery
	var err error
	if a.Service, a.Path, err = parseR1(r.URL.EscapedPath()); err != nil {
		return a, err
	}
	clients := r.Header.Values("X-Road-Client")
	if len(clients) == 0 {
		return a, errs.New(errs.Invalid, "exchange.bad_subsystem", "id", "")
	}
	if a.Client, err = parseEncodedSubsystem(clients[len(clients)-1]); err != nil {
		return a, err
	}
	if p.Subsystem != a.Client.String() {
		return a, errs.New(errs.Forbidden, "exchange.client_mismatch", "client", a.Client.String())
	}
	if err := a.readHeaders(r.Header); err != nil {
		return a, err
	}
	if a.MessageID == "" {
		a.generatedID = x.instance + "-" + newRequestID(x)
		a.MessageID = a.generatedID
	}
	a.headers = headerLines(r)
	a.passed = passedOn(a.headers)
	a.ContentType = r.Header.Get("Content-Type")
	return a, a.readBody(r.Body, r.ContentLength)
}

// readBody holds a short body and leaves a long one to stream.
func (a *ask) readBody(body io.ReadCloser, length int64) error {
	if length > link.MaxHeld {
		a.stream, a.length = body, length
		return nil
	}
	var first []byte
	var err error
	whole := true
	switch {
	case length == 0:
	case length > 0:
		first = make([]byte, length)
		_, err = io.ReadFull(body, first)
	default:
		first, whole, err = held(body, link.MaxHeld)
	}
	if err != nil {
		if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return errs.New(errs.TooLarge, "exchange.body_too_large", "max", large.Limit)
		}
		return errs.New(errs.Invalid, "exchange.bad_body").Wrap(err)
	}
	if whole {
		a.Body = first
		return nil
	}
	a.stream, a.length = closing{io.MultiReader(bytes.NewReader(first), body), body}, length
	return nil
}

func newRequestID(x *Exchange) string { return id.New(x.clock.Now()) }

// readHeaders takes what X-Road's and our own headers say.
func (a *ask) readHeaders(h http.Header) error {
	a.MessageID, a.UserID, a.Issue = h.Get("X-Road-Id"), h.Get("X-Road-UserId"), h.Get("X-Road-Issue")
	a.Represented = h.Get("X-Road-Represented-Party")
	a.Purpose, a.LegalBasis = unescape(h.Get("X-Dinh-Purpose")), unescape(h.Get("X-Dinh-Legal-Basis"))
	a.Application = unescape(h.Get("X-Dinh-Application"))
	a.purposeFromGrant = a.Purpose == ""
	if n := strings.Count(a.Represented, "/"); n > 1 {
		return errs.New(errs.Invalid, "exchange.bad_text", "name", "X-Road-Represented-Party")
	}
	if s := h.Get("X-Road-Security-Server"); s != "" && strings.Count(s, "/") != 3 {
		return errs.New(errs.Invalid, "exchange.bad_text", "name", "X-Road-Security-Server")
	} else if s != "" {
		_, a.server, _ = strings.Cut(unescape(s), "/") // the instance is the client's own
	}
	for _, line := range h.Values("X-Dinh-Fields") {
		for f := range strings.SplitSeq(line, ",") {
			if f = strings.TrimSpace(f); f != "" {
				a.Fields = append(a.Fields, f)
			}
		}
	}
	return nil
}

// headerLines are the request's header lines as they stood on the wire, if they
// were captured; else in the canonical order that the package comment gives.
// They serve the hash alone: the API key among them has 256 random bits, which a
// hash does not give away, and leaving it out would break the client's own sum.
func headerLines(r *http.Request) []HeaderLine {
	if lines, ok := capturedHeaders(r); ok {
		return lines
	}
	lines := []HeaderLine{}
	for name, values := range r.Header {
		for _, v := range values {
			lines = append(lines, HeaderLine{strings.ToLower(name), v})
		}
	}
	sort.SliceStable(lines, func(i, j int) bool { return lines[i].Name < lines[j].Name })
	return lines
}

// xroadHeaders puts X-Road's headers behind the answer's own.
func (x *Exchange) xroadHeaders(w http.ResponseWriter, a *ask) {
	h := w.Header()
	values := [...]string{httpsig.HeaderValue(a.MessageID), a.Client.encoded(), a.Service.encoded(), a.requestID, a.hash}
	for i, name := range [...]string{"X-Road-Id", "X-Road-Client", "X-Road-Service", "X-Road-Request-Id", "X-Road-Request-Hash"} {
		if name != "X-Road-Request-Hash" || a.hash != "" {
			h[name] = values[i : i+1 : i+1]
		}
	}
}

// writeFault answers an error: the exchange's own in X-Road's form, the
// service's as a problem document with its own status.
func (x *Exchange) writeFault(w http.ResponseWriter, r *http.Request, err error, a *ask) {
	f, own := faultOf(x.located(r.Context(), err, a), a)
	if _, _, said := early(err); said || !own {
		x.xroadHeaders(w, a)
		x.writeServiceProblem(w, r, err)
		return
	}
	detail := newRequestID(x)
	x.log.InfoContext(r.Context(), "exchange: fault", "type", f.code, "detail", detail, "code", errs.CodeOf(err), "error", err)
	contentType, asXML := wantsXML(r.Header.Values("Accept"))
	body, got := f.body(x.vocabulary, detail, asXML)
	if asXML && got != "application/json" {
		got = contentType
	}
	h := w.Header()
	h.Set("Content-Type", got+";charset=UTF-8")
	h.Set("X-Road-Error", x.vocabulary.Code(f.code))
	if wait := waitSeconds(err); wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(wait, 10))
	}
	if a.MessageID != "" {
		h.Set("X-Road-Id", httpsig.HeaderValue(a.MessageID))
	}
	if a.requestID != "" {
		h.Set("X-Road-Request-Id", a.requestID)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	status := http.StatusBadRequest
	if serverSide(f.code) {
		status = http.StatusInternalServerError
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// writeServiceProblem answers with the service's own refusal, in words where the
// exchange was given any.
func (x *Exchange) writeServiceProblem(w http.ResponseWriter, r *http.Request, err error) {
	doc := httpx.NewDocument(x.catalog, i18n.LangFrom(r.Context()), "", err)
	doc.Status = map[errs.Kind]int{
		errs.Invalid: 400, errs.Unauthenticated: 403, errs.Forbidden: 403, errs.NotFound: 404, errs.Conflict: 409,
		errs.Gone: 410, errs.TooLarge: 413, errs.TooMany: 429,
	}[errs.KindOf(err)]
	if doc.Status == 0 {
		doc.Status = http.StatusInternalServerError
	}
	status, said, ok := early(err)
	if ok {
		doc.Status = status
	}
	body, merr := json.Marshal(doc)
	if merr != nil {
		body = nil
	}
	if len(said) > len("{}") {
		body = said
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(doc.Status)
	_, _ = w.Write(body)
}

// unescape reads back what httpsig.HeaderValue wrote; text that is not percent-encoded
// stays as it is.
func unescape(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}
