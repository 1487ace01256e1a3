package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Tracing starts spans. The zero Tracing starts none and costs nothing.
type Tracing struct{ tracer trace.Tracer }

// NewTracing traces through provider, the OpenTelemetry SDK's or another; nil
// traces nothing.
func NewTracing(provider trace.TracerProvider) Tracing {
	if provider == nil {
		return Tracing{}
	}
	return Tracing{provider.Tracer("github.com/dinh-gov/dinh")}
}

// On says whether anything is traced.
func (t Tracing) On() bool { return t.tracer != nil }

// Kind says on which side of a message a span's work is.
type Kind = trace.SpanKind

// Asking and Answering are the two sides of a message.
const (
	Asking    = trace.SpanKindClient
	Answering = trace.SpanKindServer
)

// Carrier is a message as far as its trace is concerned: it names one in W3C's
// traceparent and tracestate.
type Carrier = propagation.TextMapCarrier

// Begin begins a span: a part of the trace of ctx, or else of the one that the
// message that came names. name is a fixed phrase, never data.
func (t Tracing) Begin(ctx context.Context, name string, k Kind, came Carrier) context.Context {
	if t.tracer == nil {
		return ctx
	}
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = propagation.TraceContext{}.Extract(ctx, came)
	}
	ctx, _ = t.tracer.Start(ctx, name, trace.WithSpanKind(k))
	return ctx
}

// End ends the span that Begin began in ctx. Only its having failed is kept of an
// error, and nothing about people belongs into attrs.
func (t Tracing) End(ctx context.Context, failed bool, attrs ...attribute.KeyValue) {
	if t.tracer == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attrs...)
	if failed {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// Serve begins the span of an incoming request, as a part of the caller's
// trace when its W3C traceparent header names one. Call end with the route's
// pattern and the status.
func (t Tracing) Serve(ctx context.Context, h http.Header) (_ context.Context, end func(route string, status int)) {
	if t.tracer == nil {
		return ctx, func(string, int) {}
	}
	ctx = t.Begin(ctx, "request", Answering, propagation.HeaderCarrier(h))
	return ctx, func(route string, status int) {
		trace.SpanFromContext(ctx).SetName(route)
		t.End(ctx, status >= 500, attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
	}
}

// Inject names the span of ctx in a message that goes on.
func (t Tracing) Inject(ctx context.Context, m Carrier) {
	if t.tracer != nil {
		propagation.TraceContext{}.Inject(ctx, m)
	}
}
