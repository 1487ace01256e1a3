package exchange

import (
	"sync"
	"time"
)

// gatherer hands what waits to work, as much at once as has come together while
// the last batch was worked on. What comes alone goes at once; when several come
// together, pause lets more gather before the next batch, which is what shares
// the price of a signature and of a durable write among many.
type gatherer[T any] struct {
	pause time.Duration
	most  int
	work  func([]T)

	mu      sync.Mutex
	waiting []T
	busy    bool
}

func (g *gatherer[T]) put(v T) {
	g.mu.Lock()
	g.waiting = append(g.waiting, v)
	start := !g.busy
	g.busy = true
	g.mu.Unlock()
	if start {
		go g.run()
	}
}

// run works until nothing waits. Once several came together it keeps the pace,
// so that the first of the next crowd does not pay alone.
func (g *gatherer[T]) run() {
	crowded := false
	for {
		batch := g.take()
		if batch == nil {
			return
		}
		if crowded = crowded || len(batch) > 1; !crowded || g.pause == 0 {
			g.work(batch)
			continue
		}
		rest := time.NewTimer(g.pause)
		g.work(batch)
		<-rest.C
	}
}

func (g *gatherer[T]) take() []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), g.most)
	if n == 0 {
		g.busy = false
		return nil
	}
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	if len(g.waiting) == 0 {
		g.waiting = nil
	}
	return batch
}
