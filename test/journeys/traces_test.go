package journeys

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes traces by OTLP over HTTP, as an operator's would.
type collector struct {
	*httptest.Server
	mu  sync.Mutex
	all []*tracepb.ResourceSpans
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		got := &tracepb.TracesData{} // the same on the wire as the request that it comes in
		if err == nil {
			err = proto.Unmarshal(body, got)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all = append(c.all, got.ResourceSpans...)
	}))
	t.Cleanup(c.Close)
	return c
}

// told is a span, and the attributes of it and of whoever sent it.
type told struct {
	*tracepb.Span
	said map[string]string
}

// of gives a trace's spans by their names.
func (c *collector) of(trace string) map[string]told {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]told{}
	for _, r := range c.all {
		for _, scope := range r.ScopeSpans {
			for _, s := range scope.Spans {
				if string(s.TraceId) != trace {
					continue
				}
				said := map[string]string{}
				for _, a := range append(r.Resource.Attributes, s.Attributes...) {
					said[a.Key] = a.Value.GetStringValue()
				}
				out[s.Name] = told{s, said}
			}
		}
	}
	return out
}

func unhex(t *testing.T, s string) string {
	t.Helper()
	b, err := hex.DecodeString(s)
	must(t, err)
	return string(b)
}

// traced asks once, and finds one trace at the operator's collector: through the
// asking gateway and the answering one to the service.
func (w *three) traced(t *testing.T) {
	t.Helper()
	a := w.answered(t, parcels)
	named := strings.Split(w.traceparent.Load().(string), "-") // version, trace, span, flags
	if len(named) != 4 {
		t.Fatalf("the service is told of no trace: %q", named)
	}
	trace, span := unhex(t, named[1]), unhex(t, named[2])
	var all map[string]told
	until(t, "the trace", func() bool { all = w.traces.of(trace); return len(all) == 2 }, nil)
	asked, answered := all["exchange Client"], all["exchange Producer"]
	if asked.Span == nil || answered.Span == nil {
		t.Fatalf("spans %v", all)
	}
	if string(answered.SpanId) != span || string(answered.ParentSpanId) != string(asked.SpanId) || len(asked.ParentSpanId) != 0 {
		t.Error("the spans do not hang together")
	}
	for name, want := range map[string][2]string{
		"service.name": {w.asker.id, w.provider.id}, "securityServerType": {"Client", "Producer"}, "clientMemberCode": {"VCB", "VCB"}, "serviceCode": {"tracking", "tracking"},
	} {
		if got := [2]string{asked.said[name], answered.said[name]}; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if id := asked.said["xRequestId"]; id == "" || id != answered.said["xRequestId"] || strings.Contains(asked.String()+answered.String(), a.id) {
		t.Errorf("request %q and %q: %v", id, answered.said["xRequestId"], asked)
	}
	for n, want := range map[*node]string{
		w.asker:    `dinh_exchange_requests_total{outcome="answered",service="` + parcels + `",side="Client"}`,
		w.provider: `dinh_exchange_requests_total{outcome="answered",service="` + parcels + `",side="Producer"}`,
	} {
		if got := fetch(t, "http://"+n.figures+"/metrics"); !strings.Contains(got, want) || !strings.Contains(got, "dinh_exchange_duration_seconds_bucket") {
			t.Errorf("%s has no figure %s", n.id, want)
		}
	}
}
