package keys

import (
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// askAgain is how long a source that failed is left alone.
const askAgain = 10 * time.Second

// grace bears with a source that is silent, for a while.
type grace struct {
	length time.Duration
	alarm  func(error)

	mu     sync.Mutex
	silent map[string]silence // by source
}

type silence struct{ since, asked time.Time }

// resting says whether a source failed so lately that it is not asked again.
func (g *grace) resting(source string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.silent[source]
	return ok && now.Before(s.asked.Add(askAgain))
}

func (g *grace) answered(source string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.silent, source)
}

// failed raises the alarm and bears with the source, or not any more. A nil cause is one that was
// told before.
func (g *grace) failed(source string, now time.Time, cause error) error {
	g.mu.Lock()
	s, ok := g.silent[source]
	if !ok {
		s.since = now
	}
	if cause != nil {
		s.asked = now
	}
	if g.silent == nil {
		g.silent = make(map[string]silence)
	}
	g.silent[source] = s
	g.mu.Unlock()
	if cause != nil && g.alarm != nil {
		g.alarm(cause)
	}
	if now.Sub(s.since) < g.length {
		return nil
	}
	return errs.New(errs.Unavailable, "keys.revocation_unknown").Wrap(cause)
}
