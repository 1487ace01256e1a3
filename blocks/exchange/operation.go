package exchange

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dinh-gov/dinh/blocks/exchange/opmon"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

// Operation is what operational monitoring is told of one exchange: also of a
// refused one, and of a metaservice.
type Operation struct {
	Side    string // opmon.Client or opmon.Producer; "" is the client's
	Client  SubsystemID
	Service ServiceID
	Method  string
	Path    string // behind the service code; kept as the endpoint that it fits

	MessageID, UserID string // of the user only a pseudonym is kept
	RequestID         string // the same on both sides

	// When the request came in and went on to the provider, when the answer came
	// and left. Zero when it did not get that far; a metaservice needs the first
	// and the last only.
	RequestIn, RequestOut, ResponseIn, ResponseOut time.Time

	RequestSize, ResponseSize int64
	Status                    int   // of the answer
	Err                       error // why there is none
	Metaservice               bool
}

// outcome is one of those of events.
func (o Operation) outcome() string {
	switch {
	case o.Err != nil && o.RequestOut.IsZero():
		return OutcomeRefused
	case o.Err != nil || o.Status >= 400:
		return OutcomeFailed
	}
	return OutcomeAnswered
}

// Figures are the Prometheus series of the exchanges of this process.
func (x *Exchange) Figures() prometheus.Collector { return x.figures }

// traced begins the span of one side of an exchange, and names it to whoever the
// message goes to next. Who traces nothing passes on what the client named.
func (x *Exchange) traced(ctx context.Context, a *ask, side string) context.Context {
	if !x.tracing.On() {
		return ctx
	}
	kind := telemetry.Asking
	if side == opmon.Producer {
		kind = telemetry.Answering
	}
	ctx = x.tracing.Begin(ctx, "exchange "+side, kind, (*traceLines)(&a.passed))
	a.passed = slices.DeleteFunc(a.passed, func(l HeaderLine) bool {
		return strings.EqualFold(l.Name, "traceparent") || strings.EqualFold(l.Name, "tracestate")
	})
	x.tracing.Inject(ctx, (*traceLines)(&a.passed))
	return ctx
}

// traceLines are header lines that name a trace.
type traceLines []HeaderLine

// Get implements telemetry.Carrier.
func (t *traceLines) Get(name string) string {
	for _, l := range *t {
		if strings.EqualFold(l.Name, name) {
			return l.Value
		}
	}
	return ""
}

// Set implements telemetry.Carrier.
func (t *traceLines) Set(name, value string) { *t = append(*t, HeaderLine{name, value}) }

// Keys implements telemetry.Carrier; nobody who reads a trace asks for them.
func (t *traceLines) Keys() []string { return nil }

// observe keeps the operational record of an exchange, counts it, and ends its span.
func (x *Exchange) observe(ctx context.Context, o Operation) {
	if o.ResponseOut.IsZero() {
		o.ResponseOut = x.clock.Now()
	}
	outcome := o.outcome()
	if o.Metaservice && o.RequestOut.IsZero() { // as PR-OPMON has it: nothing went on
		o.RequestOut, o.ResponseIn = o.RequestIn, o.ResponseOut
	}
	r := opmon.Record{
		MonitoringDataTs: o.ResponseOut.Unix(), SecurityServerType: cmp.Or(o.Side, opmon.Client), MessageProtocol: "1", XRoadVersion: string(x.vocabulary),
		RequestInTs: millis(o.RequestIn), RequestOutTs: millis(o.RequestOut), ResponseInTs: millis(o.ResponseIn), ResponseOutTs: millis(o.ResponseOut),
		ClientXRoadInstance: field(o.Client.Instance), ClientMemberClass: field(o.Client.Class), ClientMemberCode: field(o.Client.Member), ClientSubsystemCode: field(o.Client.Subsystem),
		ServiceXRoadInstance: field(o.Service.Instance), ServiceMemberClass: field(o.Service.Class), ServiceMemberCode: field(o.Service.Member),
		ServiceSubsystemCode: field(o.Service.Subsystem), ServiceCode: field(o.Service.Service),
		RestMethod: clip(o.Method), MessageID: field(o.MessageID), XRequestID: o.RequestID, RequestSize: o.RequestSize, ResponseSize: o.ResponseSize,
		Succeeded: o.Err == nil && o.Status < 400, StatusCode: o.Status,
	}
	if o.UserID != "" {
		r.MessageUserID = x.keys.Pseudonym(o.UserID)
	}
	known := x.offer(o.Service)
	if known != nil {
		r.ServiceType, r.RestPath = known.info.Type, known.pattern(o.Method, o.Path)
		if r.ServiceType == TypeOpenAPI {
			r.ServiceType = "OPENAPI3"
		}
	}
	if o.Err != nil {
		if f, own := faultOf(o.Err, &ask{Call: Call{Client: o.Client, Service: o.Service}}); own {
			r.FaultCode, r.FaultString = x.vocabulary.Code(f.code), f.message
			x.figures.Fault(&r)
			if errs.CodeOf(o.Err) == "exchange.request_invalid" { // may name what the client sent
				r.FaultString = "Invalid request"
			}
		} else {
			r.FaultCode = errs.CodeOf(o.Err)
		}
	}
	x.records.Add(r)
	// One of another node exists when its provider has signed an answer.
	exists := known != nil || o.Err == nil && !o.Metaservice
	x.figures.Observe(&r, outcome, o.Service.String(), exists)
	if x.tracing.On() {
		x.tracing.End(ctx, !r.Succeeded, r.Attributes()...)
	}
}

// watching is a call of which operational monitoring is told.
type watching struct {
	*ask
	side string
	in   time.Time
}

// ended is what is told: got and err as they were in the end.
func (w watching) ended(got Answer, err error) Operation {
	return Operation{
		Side: w.side, Client: w.Client, Service: w.Service, Method: w.Method, Path: w.Path, MessageID: w.MessageID, RequestID: w.requestID, UserID: w.UserID,
		RequestIn: w.in, RequestOut: w.sentAt, ResponseIn: w.gotAt, RequestSize: max(int64(len(w.Body)), w.length, w.sums.size), ResponseSize: max(0, got.Length),
		Status: got.Status, Err: err, Metaservice: w.isMeta(),
	}
}

// watch keeps the record of a call that has ended. When the answer streams, it has
// not: then the record is kept at the stream's end, and says how much of it passed
// and what broke it off.
func (x *Exchange) watch(ctx context.Context, w watching, got Answer, err error) Answer {
	if got.Stream == nil {
		x.observe(ctx, w.ended(got, err))
		return got
	}
	s := &watched{ReadCloser: got.Stream}
	s.end = func(why error) {
		s.end = nil
		switch _, coded := errs.As(why); {
		case why != nil && errors.Is(ctx.Err(), context.Canceled):
			why = errs.New(errs.Unavailable, "exchange.client_left").Wrap(why)
		case why != nil && !coded && x.atHomeElsewhere(w.Service.SubsystemID):
			why = unavailable("exchange.node_lost", why)
		case why != nil && !coded:
			why = unavailable("exchange.provider_broken", why)
		}
		passed := got
		passed.Length = s.passed
		x.observe(ctx, w.ended(passed, why))
	}
	got.Stream = s
	return got
}

// watched is an answer on its way to who asked for it.
type watched struct {
	io.ReadCloser
	passed int64
	end    func(why error) // nil once it was told
}

// Read passes the answer on and notices its end.
func (s *watched) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.passed += int64(n)
	if err != nil && s.end != nil {
		if errors.Is(err, io.EOF) {
			s.end(nil)
		} else {
			s.end(err)
		}
	}
	return n, err
}

// Close leaves the answer; before its end that is the client's doing.
func (s *watched) Close() error {
	if s.end != nil {
		s.end(errs.New(errs.Unavailable, "exchange.client_left"))
	}
	return s.ReadCloser.Close()
}

// pattern is the endpoint that a path fits; a path itself may name a person.
func (o *offered) pattern(method, path string) string {
	for _, e := range o.info.Endpoints {
		if (e.Method == method || e.Method == "*") && matchPath(e.Path, path) {
			return e.Path
		}
	}
	return ""
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
