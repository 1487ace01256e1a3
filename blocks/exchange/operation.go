package exchange

import (
	"cmp"
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
