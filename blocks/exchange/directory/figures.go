package directory

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Figures measures what operators want an alarm for.
func (d *Directory) Figures() prometheus.Collector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("dinh_directory_"+name, help, labels, nil)
	}
	return &figures{
		d:        d,
		version:  describe("version", "Version of the member directory in use; 0 before the first."),
		age:      describe("age_seconds", "Time since the member directory in use was issued."),
		expires:  describe("expires_seconds", "Time until the member directory in use expires; below 0 it has expired."),
		failures: describe("refresh_failures_total", "Times that the source of the member directory did not give a good answer."),
		node:     describe("certificate_expires_seconds", "Time until the last good certificate of a node ends; below 0 it has ended.", "node"),
	}
}

type figures struct {
	d                                     *Directory
	version, age, expires, failures, node *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (f *figures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.version, f.age, f.expires, f.failures, f.node} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(ch chan<- prometheus.Metric) {
	doc, now := &f.d.now.Load().doc, f.d.clock.Now()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(f.version, float64(doc.Version))
	ch <- prometheus.MustNewConstMetric(f.failures, prometheus.CounterValue, float64(f.d.failures.Load()))
	if doc.Version == 0 {
		return
	}
	gauge(f.age, now.Sub(doc.Issued).Seconds())
	gauge(f.expires, until(now, doc.Expires))
	for _, n := range doc.Nodes {
		if last := lastUntil(n); !last.IsZero() {
			gauge(f.node, until(now, last), n.ID)
		}
	}
}

func until(now, t time.Time) float64 { return t.Sub(now).Seconds() }
