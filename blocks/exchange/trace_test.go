package exchange_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/link"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

const (
	theirTrace  = "0af7651916cd43dd8448eb211c80319c"
	theirSpan   = "b7ad6b7169203331"
	traceparent = "00-" + theirTrace + "-" + theirSpan
)

// traced are two nodes whose spans are kept, and a client that has a trace.
type traced struct {
	*twoNodes
	asked, answered *tracetest.SpanRecorder
	url, key        string
	got             http.Header // what the service saw
}

func newTraced(t *testing.T, on bool) *traced {
	t.Helper()
	w := &traced{twoNodes: newTwoNodes(t), asked: tracetest.NewSpanRecorder(), answered: tracetest.NewSpanRecorder()}
	if on {
		w.asking.deps.Tracing = telemetry.NewTracing(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(w.asked)))
		w.answering.deps.Tracing = telemetry.NewTracing(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(w.answered)))
	}
	w.answering.Exchange = w.answering.another(t)
	from := link.Peer{Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "moj"}}}
	w.asking.deps.Carrier = carrierFunc(func(_ context.Context, _, _ string, m link.Message) (link.Message, error) {
		return w.answering.Handle(context.Background(), from, m), nil
	})
	w.asking.Exchange = w.asking.another(t)
	w.answering.behind(t, func(rw http.ResponseWriter, r *http.Request) {
		w.got = r.Header.Clone()
		_, _ = rw.Write([]byte(`{}`))
	})
	srv := httptest.NewServer(w.asking.R1Handler())
	t.Cleanup(srv.Close)
	w.url = srv.URL
	var err error
	w.key, _, err = w.asking.NewClientKey(t.Context(), civil, "test", time.Time{})
	ok(t, err)
	return w
}

// ask asks for a person's address and gives the answer's head.
func (w *traced) ask(t *testing.T, service exchange.ServiceID, flags string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/r1/"+service.String()+"/of/"+person, nil)
	ok(t, err)
	for name, value := range map[string]string{
		"X-Road-Client": civil.String(), "X-Api-Key": w.key, "X-Road-Id": "about-" + person, "X-Road-UserId": "EE" + person,
		"Traceparent": traceparent + "-" + flags, "Tracestate": "their=own",
	} {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	ok(t, err)
	_ = res.Body.Close()
	return res
}

func TestOneTraceThroughTwoNodes(t *testing.T) {
	t.Parallel()
	w := newTraced(t, true)
	res := w.ask(t, addresses, "01")
	if res.StatusCode != http.StatusOK || len(w.asked.Ended()) != 1 || len(w.answered.Ended()) != 1 {
		t.Fatalf("%s, %d and %d spans", res.Status, len(w.asked.Ended()), len(w.answered.Ended()))
	}
	asked, answered := w.asked.Ended()[0], w.answered.Ended()[0]
	for _, s := range []sdktrace.ReadOnlySpan{asked, answered} {
		if s.SpanContext().TraceID().String() != theirTrace {
			t.Errorf("%s is a part of %s", s.Name(), s.SpanContext().TraceID())
		}
	}
	if asked.Parent().SpanID().String() != theirSpan || answered.Parent().SpanID() != asked.SpanContext().SpanID() {
		t.Errorf("the spans hang on %s and %s", asked.Parent().SpanID(), answered.Parent().SpanID())
	}
	want := "00-" + theirTrace + "-" + answered.SpanContext().SpanID().String() + "-01"
	if got := w.got.Values("Traceparent"); len(got) != 1 || got[0] != want || w.got.Get("Tracestate") != "their=own" {
		t.Errorf("the service gets %q %q, want %q", got, w.got.Values("Tracestate"), want)
	}
	for side, s := range map[string]sdktrace.ReadOnlySpan{"Client": asked, "Producer": answered} {
		said := attribute.NewSet(s.Attributes()...)
		for name, value := range map[string]any{
			"securityServerType": side, "clientMemberCode": "MOJ", "clientSubsystemCode": "civil-status", "serviceMemberCode": "MPS",
			"serviceCode": addresses.Service, "xRequestId": res.Header.Get("X-Road-Request-Id"), "restMethod": "GET", "statusCode": int64(200), "succeeded": true,
		} {
			if got, _ := said.Value(attribute.Key(name)); got.AsInterface() != value {
				t.Errorf("%s: %s is %v, want %v", side, name, got.AsInterface(), value)
			}
		}
	}
}

func TestSpansHoldNobody(t *testing.T) {
	t.Parallel()
	w := newTraced(t, true)
	w.ask(t, addresses, "01")
	nothing := addresses
	nothing.Service = "nothing"
	w.ask(t, nothing, "01")
	all := append(w.asked.Ended(), w.answered.Ended()...)
	if len(all) != 4 {
		t.Fatalf("%d spans", len(all))
	}
	failed := 0
	for _, s := range all {
		if said := fmt.Sprint(s.Name(), s.Attributes(), s.Status(), s.Events()); strings.Contains(said, person) || strings.Contains(said, "about") {
			t.Error("somebody is in a span:", said)
		}
		if s.Status().Code == codes.Error {
			failed++
		}
	}
	if failed != 2 {
		t.Errorf("%d spans are of failures, want 2", failed)
	}
}

func TestTraceparentPassesUntraced(t *testing.T) {
	t.Parallel()
	w := newTraced(t, false)
	w.ask(t, addresses, "01")
	if got := w.got.Values("Traceparent"); len(got) != 1 || got[0] != traceparent+"-01" || w.got.Get("Tracestate") != "their=own" {
		t.Errorf("who traces nothing passes on %q", got)
	}
	w = newTraced(t, true)
	w.ask(t, addresses, "00")
	if got := w.got.Get("Traceparent"); !strings.HasPrefix(got, "00-"+theirTrace) || !strings.HasSuffix(got, "-00") || len(w.asked.Ended()) != 0 {
		t.Errorf("what its client does not record became %q and %d spans", got, len(w.asked.Ended()))
	}
}
