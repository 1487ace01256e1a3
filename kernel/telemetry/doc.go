// Package telemetry makes what operators look at: the log, the figures, the
// traces.
//
// NewLogger writes log/slog lines that carry the request they belong to and
// never the value of an attribute whose name says that it is secret or
// personal. NewRegistry is a Prometheus registry with the process's own
// figures. Traces use the OpenTelemetry API with a provider that the program
// hands in, or go to a collector by OTLP (Export); without either they cost
// nothing. Nothing here is global, but where the OpenTelemetry SDK complains.
package telemetry
