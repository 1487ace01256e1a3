package exchange

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dinh-gov/dinh/blocks/exchange/opmon"
	"github.com/dinh-gov/dinh/kernel/errs"
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

// observe keeps the operational record of an exchange and counts it.
func (x *Exchange) observe(o Operation) {
	if o.ResponseOut.IsZero() {
		o.ResponseOut = x.clock.Now()
	}
	outcome := o.outcome()
	if o.Metaservice { // as PR-OPMON has it: nothing went on
		o.RequestOut, o.ResponseIn = o.RequestIn, o.ResponseOut
	}
	r := opmon.Record{
		MonitoringDataTs: o.ResponseOut.Unix(), SecurityServerType: cmp.Or(o.Side, opmon.Client), MessageProtocol: "1", XRoadVersion: string(x.vocabulary),
		RequestInTs: millis(o.RequestIn), RequestOutTs: millis(o.RequestOut), ResponseInTs: millis(o.ResponseIn), ResponseOutTs: millis(o.ResponseOut),
		ClientXRoadInstance: field(o.Client.Instance), ClientMemberClass: field(o.Client.Class), ClientMemberCode: field(o.Client.Member), ClientSubsystemCode: field(o.Client.Subsystem),
		ServiceXRoadInstance: field(o.Service.Instance), ServiceMemberClass: field(o.Service.Class), ServiceMemberCode: field(o.Service.Member),
		ServiceSubsystemCode: field(o.Service.Subsystem), ServiceCode: field(o.Service.Service),
		RestMethod: clip(o.Method), MessageID: field(o.MessageID), RequestSize: o.RequestSize, ResponseSize: o.ResponseSize,
		Succeeded: o.Err == nil && o.Status < 400, StatusCode: o.Status,
	}
	if o.UserID != "" {
		r.MessageUserID = x.keys.Pseudonym(o.UserID)
	}
	service := ""
	if known := x.offer(o.Service); known != nil {
		service, r.ServiceType, r.RestPath = o.Service.String(), known.info.Type, known.pattern(o.Method, o.Path)
		if r.ServiceType == TypeOpenAPI {
			r.ServiceType = "OPENAPI3"
		}
	}
	if o.Err != nil {
		if f, own := faultOf(o.Err, &ask{Call: Call{Client: o.Client, Service: o.Service}}); own {
			r.FaultCode, r.FaultString = x.vocabulary.Code(f.code), f.message
			if errs.CodeOf(o.Err) == "exchange.request_invalid" { // may name what the client sent
				r.FaultString = "Invalid request"
			}
		} else {
			r.FaultCode = errs.CodeOf(o.Err)
		}
	}
	x.records.Add(r)
	x.figures.Observe(&r, outcome, service)
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
		Side: w.side, Client: w.Client, Service: w.Service, Method: w.Method, Path: w.Path, MessageID: w.MessageID, UserID: w.UserID,
		RequestIn: w.in, RequestOut: w.sentAt, ResponseIn: w.gotAt, RequestSize: max(int64(len(w.Body)), w.length, w.sums.size), ResponseSize: max(0, got.Length),
		Status: got.Status, Err: err,
	}
}

// watch keeps the record of a call that has ended. When the answer streams, it has
// not: then the record is kept at the stream's end, and says how much of it passed
// and what broke it off.
func (x *Exchange) watch(ctx context.Context, w watching, got Answer, err error) Answer {
	if got.Stream == nil {
		x.observe(w.ended(got, err))
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
		x.observe(w.ended(passed, why))
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
