package opmon

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// maxServices bounds how many services have figures of their own.
const maxServices = 500

// Figures are the Prometheus series of a process. Labels are sides, outcomes and
// services that exist.
type Figures struct {
	requests *prometheus.CounterVec
	whole    *prometheus.HistogramVec
	provider *prometheus.HistogramVec
	sizes    *prometheus.HistogramVec

	mu    sync.Mutex
	named map[string]bool
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
		named: map[string]bool{},
	}
}

// Observe counts an exchange. service must be one that exists, or empty.
func (f *Figures) Observe(r *Record, outcome, service string) {
	f.requests.WithLabelValues(r.SecurityServerType, outcome, f.label(service)).Inc()
	f.whole.WithLabelValues(r.SecurityServerType, outcome).Observe(float64(r.ResponseOutTs-r.RequestInTs) / 1000)
	if r.RequestOutTs > 0 && r.ResponseInTs > 0 {
		f.provider.WithLabelValues(r.SecurityServerType).Observe(float64(r.ResponseInTs-r.RequestOutTs) / 1000)
	}
	f.sizes.WithLabelValues(r.SecurityServerType, "request").Observe(float64(r.RequestSize))
	f.sizes.WithLabelValues(r.SecurityServerType, "response").Observe(float64(r.ResponseSize))
}

func (f *Figures) label(service string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if service == "" || !f.named[service] && len(f.named) >= maxServices {
		return "other"
	}
	f.named[service] = true
	return service
}

func (f *Figures) all() []prometheus.Collector {
	return []prometheus.Collector{f.requests, f.whole, f.provider, f.sizes}
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
