package telemetry_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"go.opentelemetry.io/otel/propagation"

	"github.com/dinh-gov/dinh/kernel/telemetry"
)

func TestExport(t *testing.T) {
	got := make(chan *tracepb.TracesData, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		all := &tracepb.TracesData{} // the same on the wire as the request that it comes in
		if err == nil {
			err = proto.Unmarshal(body, all)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		got <- all
	}))
	defer collector.Close()
	for _, tt := range []struct {
		name, address, service string
		env                    map[string]string
	}{
		{"address", collector.URL, "dinh", nil},
		{"variables", "", "gateway", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_SERVICE_NAME": "gateway"}},
		{"nothing said", "", "", nil},
		{"disabled", collector.URL, "", map[string]string{"OTEL_SDK_DISABLED": "true"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			tr, stop, err := telemetry.Export(t.Context(), tt.address, "dinh", slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			if tr.On() != (tt.service != "") {
				t.Fatalf("on: %v", tr.On())
			}
			tr.End(tr.Begin(context.Background(), "work", telemetry.Asking, propagation.HeaderCarrier{}), false)
			if err := stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if tt.service == "" {
				return
			}
			from := (<-got).ResourceSpans[0]
			if name := from.ScopeSpans[0].Spans[0].Name; name != "work" {
				t.Errorf("span %q", name)
			}
			for _, a := range from.Resource.Attributes {
				if a.Key == "service.name" && a.Value.GetStringValue() != tt.service {
					t.Errorf("service %q", a.Value.GetStringValue())
				}
			}
		})
	}
}
