package exchange

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Quota is how much one grant may be used: PerMinute calls in the long run, and
// Burst at once after a rest. The zero Quota is no limit. Each process of a node
// counts for itself.
type Quota struct {
	PerMinute int `json:"per_minute"`
	Burst     int `json:"burst"` // 0: as many as PerMinute
}

func (q Quota) valid() bool {
	return q == Quota{} || q.PerMinute > 0 && q.Burst >= 0
}

// buckets holds a token bucket for every grant with a quota. Grants never
// change, so a bucket is made once.
type buckets struct {
	mu  sync.Mutex
	all map[string]*rate.Limiter // by the grant's id
}

func (b *buckets) of(g *Grant) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.all[g.ID]
	if l == nil {
		burst := g.Quota.Burst
		if burst == 0 {
			burst = g.Quota.PerMinute
		}
		l = rate.NewLimiter(rate.Limit(float64(g.Quota.PerMinute)/60), burst)
		if b.all == nil {
			b.all = map[string]*rate.Limiter{}
		}
		b.all[g.ID] = l
	}
	return l
}

// spend takes one call from the quotas of the grants that a decision rests on:
// they add up, and one without a quota has no end. The error is errs.TooMany
// "exchange.quota_spent", with the whole seconds to wait as "seconds".
func (b *buckets) spend(a *ask, d decision, now time.Time) error {
	least := time.Duration(math.MaxInt64)
	for _, g := range d.grants {
		if g.Quota == (Quota{}) {
			return nil
		}
		r := b.of(g).ReserveN(now, 1)
		wait := r.DelayFrom(now)
		if wait == 0 {
			return nil
		}
		r.CancelAt(now)
		least = min(least, wait)
	}
	seconds := int64(math.Ceil(least.Seconds()))
	return errs.New(errs.TooMany, "exchange.quota_spent", "client", a.Client.String(), "service", a.Service.String(), "seconds", seconds)
}
