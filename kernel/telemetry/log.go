package telemetry

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// NewLogger writes to w from level on, as JSON for machines or as text for
// people. A line logged with a request's context carries "request", the
// request's id, and "trace" when it is traced. Attributes named like a secret
// or a person's data (see redacted) keep their name and lose their value; that
// is a net below the rope, not a reason to log them.
func NewLogger(w io.Writer, level slog.Leveler, json bool) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(w, opts)
	if json {
		h = slog.NewJSONHandler(w, opts)
	}
	return slog.New(handler{h})
}

type requestKey struct{}

// WithRequest says to which request everything done with ctx belongs.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestFrom gives the id of the request that ctx belongs to, "" for none.
func RequestFrom(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// handler adds the request and hides secrets.
type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, rec slog.Record) error {
	named, secret := false, false
	rec.Attrs(func(a slog.Attr) bool {
		named = named || a.Key == "request"
		secret = secret || isSecret(a)
		return true
	})
	if secret {
		clean := slog.NewRecord(rec.Time, rec.Level, rec.Message, rec.PC)
		rec.Attrs(func(a slog.Attr) bool {
			clean.AddAttrs(redact(a))
			return true
		})
		rec = clean
	}
	if id := RequestFrom(ctx); id != "" && !named {
		rec.AddAttrs(slog.String("request", id))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		rec.AddAttrs(slog.String("trace", span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, rec)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if slices.ContainsFunc(attrs, isSecret) {
		attrs = slices.Clone(attrs)
		for i, a := range attrs {
			attrs[i] = redact(a)
		}
	}
	return handler{h.Handler.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

func isSecret(a slog.Attr) bool {
	if redacted(a.Key) {
		return true
	}
	return a.Value.Kind() == slog.KindGroup && slices.ContainsFunc(a.Value.Group(), isSecret)
}

func redact(a slog.Attr) slog.Attr {
	if redacted(a.Key) {
		return slog.String(a.Key, "[hidden]")
	}
	if a.Value.Kind() != slog.KindGroup {
		return a
	}
	inner := slices.Clone(a.Value.Group())
	for i, in := range inner {
		inner[i] = redact(in)
	}
	return slog.Attr{Key: a.Key, Value: slog.GroupValue(inner...)}
}

// redacted knows the names of what must not be read in a log.
func redacted(key string) bool {
	switch strings.ToLower(key) {
	case "password", "secret", "token", "authorization", "cookie", "code_verifier", "otp", "pin",
		"personal_number", "full_name", "birth_date", "phone", "email", "address":
		return true
	}
	return false
}
