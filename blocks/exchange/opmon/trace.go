package opmon

import "go.opentelemetry.io/otel/attribute"

// Attributes are what a span says of an exchange, under X-Road's names. Traces go
// to whoever collects them, so what a client may have written itself stays here:
// the message's id, the user, and the words of a fault. xRequestId leads to them.
func (r *Record) Attributes() []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, 26)
	for _, f := range []struct{ name, value string }{
		{"securityServerType", r.SecurityServerType}, {"xRequestId", r.XRequestID},
		{"clientXRoadInstance", r.ClientXRoadInstance}, {"clientMemberClass", r.ClientMemberClass},
		{"clientMemberCode", r.ClientMemberCode}, {"clientSubsystemCode", r.ClientSubsystemCode},
		{"serviceXRoadInstance", r.ServiceXRoadInstance}, {"serviceMemberClass", r.ServiceMemberClass},
		{"serviceMemberCode", r.ServiceMemberCode}, {"serviceSubsystemCode", r.ServiceSubsystemCode},
		{"serviceCode", r.ServiceCode}, {"serviceType", r.ServiceType}, {"restMethod", r.RestMethod}, {"restPath", r.RestPath},
		{"messageProtocolVersion", r.MessageProtocol}, {"xRoadVersion", r.XRoadVersion}, {"faultCode", r.FaultCode},
	} {
		if f.value != "" {
			out = append(out, attribute.String(f.name, f.value))
		}
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"requestInTs", r.RequestInTs}, {"requestOutTs", r.RequestOutTs}, {"responseInTs", r.ResponseInTs}, {"responseOutTs", r.ResponseOutTs},
		{"statusCode", int64(r.StatusCode)},
	} {
		if f.value != 0 {
			out = append(out, attribute.Int64(f.name, f.value))
		}
	}
	return append(out, attribute.Int64("requestSize", r.RequestSize), attribute.Int64("responseSize", r.ResponseSize), attribute.Bool("succeeded", r.Succeeded))
}
