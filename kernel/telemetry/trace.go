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

// Start begins a span for a piece of work; name is a fixed phrase, never data.
// Call end with the work's error, or nil. Only its being an error is kept.
func (t Tracing) Start(ctx context.Context, name string) (_ context.Context, end func(error)) {
	if t.tracer == nil {
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, name)
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Serve begins the span of an incoming request, as a part of the caller's
// trace when its W3C traceparent header names one. Call end with the route's
// pattern and the status.
func (t Tracing) Serve(ctx context.Context, h http.Header) (_ context.Context, end func(route string, status int)) {
	if t.tracer == nil {
		return ctx, func(string, int) {}
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(h))
	ctx, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return ctx, func(route string, status int) {
		span.SetName(route)
		span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Inject writes the span of ctx into the headers of an outgoing request.
func (t Tracing) Inject(ctx context.Context, h http.Header) {
	if t.tracer != nil {
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
	}
}
