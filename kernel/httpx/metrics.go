package httpx

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dinh-gov/dinh/kernel/errs"
)

type metrics struct{ took *prometheus.HistogramVec }

func newMetrics(reg prometheus.Registerer) *metrics {
	if reg == nil {
		return nil
	}
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "dinh_http_request_duration_seconds",
		Help:    "Time to answer, by the route's pattern and the status.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"route", "status"})
	if err := reg.Register(took); err != nil {
		var had prometheus.AlreadyRegisteredError
		if !errors.As(err, &had) {
			panic("httpx: Config.Metrics: " + err.Error())
		}
		took = had.ExistingCollector.(*prometheus.HistogramVec)
	}
	return &metrics{took}
}

func (m *metrics) observe(x *exchange, took time.Duration) {
	if x.traced != nil {
		x.traced(x.pattern(), x.status)
	}
	if m == nil {
		return
	}
	m.took.WithLabelValues(x.pattern(), strconv.Itoa(x.status)).Observe(took.Seconds())
}

func (x *exchange) pattern() string {
	if x.route == nil {
		return noRoute
	}
	return x.route.Pattern()
}

// noRoute stands for the path of a request that met no route. The path itself
// may be anything that anybody types.
const noRoute = "none"

// Metrics answers with what g has measured, for a route such as /metrics.
func Metrics(g prometheus.Gatherer) Handler {
	h := promhttp.HandlerFor(g, promhttp.HandlerOpts{DisableCompression: true})
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// Check is one thing that must work for the house to be open.
type Check struct {
	Name string // "database"; shown to the caller
	Run  func(context.Context) error
}

// Health answers 200 {"status":"ok"} when every check passes, and otherwise a
// 503 that names the failing ones; why they fail is for the log alone.
func Health(checks ...Check) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var failing []string
		var causes []error
		for _, c := range checks {
			if err := c.Run(r.Context()); err != nil {
				failing = append(failing, c.Name)
				causes = append(causes, err)
			}
		}
		w.Header().Set("Cache-Control", "no-store")
		if len(failing) > 0 {
			return errs.New(errs.Unavailable, "httpx.unhealthy", "failing", strings.Join(failing, ", ")).
				Wrap(errors.Join(causes...))
		}
		return WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	}
}
