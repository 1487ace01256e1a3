package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/dinh-gov/dinh/kernel/telemetry"
)

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	log := telemetry.NewLogger(&b, slog.LevelInfo, true)
	ctx := telemetry.WithRequest(context.Background(), "r1")
	log.DebugContext(ctx, "quiet")
	log.With("Phone", "0901").WithGroup("g").InfoContext(ctx, "said", "n", 1, "password", "hunter2",
		slog.Group("who", "email", "lan@example.vn", "kind", "person"))
	log.InfoContext(ctx, "own", "request", "r2")
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("log: %s", &b)
	}
	for _, secret := range []string{"0901", "hunter2", "lan@example.vn"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%s in the log: %s", secret, &b)
		}
	}
	var m struct {
		Phone string
		G     struct {
			N        int
			Password string
			Request  string
			Who      map[string]string
		}
	}
	if err := json.Unmarshal([]byte(lines[0]), &m); err != nil {
		t.Fatal(err)
	}
	if m.Phone != "[hidden]" || m.G.N != 1 || m.G.Password != "[hidden]" || m.G.Request != "r1" || m.G.Who["kind"] != "person" {
		t.Errorf("line: %s", lines[0])
	}
	if strings.Count(lines[1], `"request"`) != 1 || !strings.Contains(lines[1], `"r2"`) {
		t.Errorf("line: %s", lines[1])
	}
}

func TestTextLoggerAndLevel(t *testing.T) {
	var b bytes.Buffer
	level := new(slog.LevelVar)
	log := telemetry.NewLogger(&b, level, false)
	level.Set(slog.LevelError)
	log.Warn("no")
	log.Error("yes", "k", "v")
	if s := b.String(); strings.Contains(s, "no") || !strings.Contains(s, "msg=yes k=v") {
		t.Errorf("log: %s", s)
	}
}

func TestRegistry(t *testing.T) {
	families, err := telemetry.NewRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	if !names["go_goroutines"] || !names["process_open_fds"] || !names["go_build_info"] {
		t.Errorf("figures: %v", names)
	}
}

func TestTracingCarriesTheCallersTrace(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	tr := telemetry.NewTracing(noop.NewTracerProvider())
	ctx, end := tr.Serve(context.Background(), http.Header{"Traceparent": {parent}})
	defer end("GET /", 200)
	if got := trace.SpanContextFromContext(ctx).TraceID().String(); got != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("trace %s", got)
	}
	out := http.Header{}
	tr.Inject(ctx, propagation.HeaderCarrier(out))
	if out.Get("Traceparent") != parent {
		t.Errorf("passed on %q", out.Get("Traceparent"))
	}
	var b bytes.Buffer
	telemetry.NewLogger(&b, slog.LevelInfo, true).InfoContext(ctx, "x")
	if !strings.Contains(b.String(), `"trace":"0af7651916cd43dd8448eb211c80319c"`) {
		t.Errorf("log: %s", &b)
	}
}

func TestNoTracing(t *testing.T) {
	tr := telemetry.NewTracing(nil)
	out := http.Header{}
	ctx := tr.Begin(context.Background(), "work", telemetry.Asking, propagation.HeaderCarrier(out))
	tr.End(ctx, true)
	tr.Inject(ctx, propagation.HeaderCarrier(out))
	if tr.On() || len(out) > 0 {
		t.Error("something is traced")
	}
}
