package httpx

import (
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxClients bounds the limiter's memory whatever a flood of addresses does.
const maxClients = 100_000

// limiter keeps one token bucket a client. A bucket that has had time to fill
// up again says nothing, and is swept out.
type limiter struct {
	rate    rate.Limit
	burst   int
	full    time.Duration // how long an empty bucket takes to fill
	key     func(*http.Request) string
	mu      sync.Mutex
	clients map[string]*bucket
	swept   time.Time
}

type bucket struct {
	tokens *rate.Limiter
	seen   time.Time
}

func newLimiter(cfg Config) *limiter {
	if cfg.MaxRate <= 0 {
		return nil
	}
	l := &limiter{
		rate: rate.Limit(cfg.MaxRate), burst: cfg.MaxBurst,
		key: cfg.ClientKey, clients: map[string]*bucket{},
	}
	if l.burst <= 0 {
		l.burst = max(1, int(math.Ceil(2*cfg.MaxRate)))
	}
	if l.key == nil {
		l.key = clientAddress
	}
	l.full = time.Duration(float64(l.burst) / cfg.MaxRate * float64(time.Second))
	return l
}

// allow takes a token, or says how long until there is one.
func (l *limiter) allow(r *http.Request, now time.Time) (time.Duration, bool) {
	if l == nil {
		return 0, true
	}
	key := l.key(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	b := l.clients[key]
	if b == nil {
		b = &bucket{tokens: rate.NewLimiter(l.rate, l.burst)}
		l.clients[key] = b
	}
	b.seen = now
	res := b.tokens.ReserveN(now, 1)
	wait := res.DelayFrom(now)
	if wait > 0 {
		res.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// sweep forgets full buckets once per filling time, and under a flood of
// addresses any others until there is room.
func (l *limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < max(l.full, time.Second) && len(l.clients) < maxClients {
		return
	}
	if now.Sub(l.swept) >= min(l.full, time.Second) {
		for k, b := range l.clients {
			if now.Sub(b.seen) >= l.full {
				delete(l.clients, k)
			}
		}
		l.swept = now
	}
	for k := range l.clients {
		if len(l.clients) < maxClients {
			return
		}
		delete(l.clients, k)
	}
}

// ClientBehind tells clients apart by the last address in the header that the
// proxy in front writes, such as X-Forwarded-For; earlier ones are whatever the
// client claims. Without a valid one it is the connection's address. Only for a
// house that nobody reaches past the proxy.
func ClientBehind(header string) func(*http.Request) string {
	return func(r *http.Request) string {
		all := strings.Join(r.Header.Values(header), ",")
		last := strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
		if _, err := netip.ParseAddr(last); err != nil {
			return clientAddress(r)
		}
		return clientAddress(&http.Request{RemoteAddr: net.JoinHostPort(last, "0")})
	}
}

// clientAddress is the caller's address; of IPv6 the /64 that one subscriber
// has to spend.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap()
	if addr.Is6() {
		if p, err := addr.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// seconds rounds up for Retry-After.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}
