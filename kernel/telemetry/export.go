package telemetry

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Export makes a Tracing that sends its spans to a collector, by OTLP over HTTP.
// The collector stands at address, or where OpenTelemetry's own variables
// (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) say; with
// neither, nothing is traced. Those variables settle the rest too: headers,
// certificates, sampling, and OTEL_SERVICE_NAME in place of service.
//
// Call stop at the end: it sends what is left. A collector that is away costs
// spans, a line in log, and nothing else.
func Export(ctx context.Context, address, service string, log *slog.Logger) (_ Tracing, stop func(context.Context) error, err error) {
	if off(address) {
		return Tracing{}, func(context.Context) error { return nil }, nil
	}
	var opts []otlptracehttp.Option
	if address != "" {
		opts = append(opts, otlptracehttp.WithEndpointURL(strings.TrimSuffix(address, "/")+"/v1/traces"))
	}
	// The SDK tells of spans that it could not send in this one place of the process.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("telemetry: spans are lost", "error", err) }))
	to, err := otlptracehttp.New(ctx, opts...)
	if err != nil {
		return Tracing{}, nil, err
	}
	// Later ones win; neither the command line nor whose machine it is goes along.
	who, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service)), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return Tracing{}, nil, errors.Join(err, to.Shutdown(ctx))
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(to), sdktrace.WithResource(who))
	return NewTracing(provider), provider.Shutdown, nil
}

func off(address string) bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return true
	}
	return cmp.Or(address, os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")) == ""
}
