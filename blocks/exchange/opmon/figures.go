package opmon

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// maxNames bounds how many services, and how many codes of faults, have figures of
// their own.
const maxNames = 500

// Figures are the Prometheus series of a process. Labels are sides, outcomes,
// codes of faults, and services that exist.
type Figures struct {
	requests *prometheus.CounterVec
	whole    *prometheus.HistogramVec
	provider *prometheus.HistogramVec
	sizes    *prometheus.HistogramVec
	faults   *prometheus.CounterVec

	services, codes names
}

// names are the first so many values that a label was given.
type names struct {
	mu   sync.Mutex
	seen map[string]bool
}

// of gives a name that is known, or that is new and may become so; else "other".
func (n *names) of(name string, isNew bool) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.seen[name]:
	case isNew && len(n.seen) < maxNames:
		n.seen[name] = true
	default:
		return "other"
	}
	return name
}

// NewFigures makes figures that stand at zero.
func NewFigures() *Figures {
	seconds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	return &Figures{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dinh_exchange_requests_total",
			Help: "Exchanges by side, outcome (answered, failed, refused) and service."}, []string{"side", "outcome", "service"}),
		whole: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dinh_exchange_duration_seconds", Buckets: seconds,
			Help: "From the request's arrival to the answer's departure."}, []string{"side", "outcome"}),
		provider: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dinh_exchange_provider_duration_seconds", Buckets: seconds,
			Help: "What of it was spent waiting for the service."}, []string{"side"}),
		sizes: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dinh_exchange_size_bytes", Buckets: prometheus.ExponentialBuckets(256, 8, 8),
			Help: "Bodies of requests and answers."}, []string{"side", "message"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dinh_exchange_faults_total",
			Help: "Exchanges that X-Road clients were told of an error for, by side and X-Road's code of it."}, []string{"side", "code"}),
		services: names{seen: map[string]bool{}}, codes: names{seen: map[string]bool{}},
	}
}

// Observe counts an exchange. A service that is not known to exist is counted under
// its name if it was once, and else with all others.
func (f *Figures) Observe(r *Record, outcome, service string, exists bool) {
	f.requests.WithLabelValues(r.SecurityServerType, outcome, f.services.of(service, exists)).Inc()
	f.whole.WithLabelValues(r.SecurityServerType, outcome).Observe(float64(r.ResponseOutTs-r.RequestInTs) / 1000)
	if r.RequestOutTs > 0 && r.ResponseInTs > 0 {
		f.provider.WithLabelValues(r.SecurityServerType).Observe(float64(r.ResponseInTs-r.RequestOutTs) / 1000)
	}
	f.sizes.WithLabelValues(r.SecurityServerType, "request").Observe(float64(r.RequestSize))
	f.sizes.WithLabelValues(r.SecurityServerType, "response").Observe(float64(r.ResponseSize))
}

// Fault counts an error of the exchange's own. Another node may have worded it.
func (f *Figures) Fault(r *Record) {
	f.faults.WithLabelValues(r.SecurityServerType, f.codes.of(r.FaultCode, true)).Inc()
}

func (f *Figures) all() []prometheus.Collector {
	return []prometheus.Collector{f.requests, f.whole, f.provider, f.sizes, f.faults}
}

// Describe implements prometheus.Collector.
func (f *Figures) Describe(c chan<- *prometheus.Desc) {
	for _, m := range f.all() {
		m.Describe(c)
	}
}

// Collect implements prometheus.Collector.
func (f *Figures) Collect(c chan<- prometheus.Metric) {
	for _, m := range f.all() {
		m.Collect(c)
	}
}
