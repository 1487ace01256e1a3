package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

const (
	sessionIdle   = 30 * time.Minute
	sessionLife   = 12 * time.Hour
	seenEvery     = time.Minute // how often a session's last use is written
	cacheFor      = 5 * time.Second
	maxCached     = 50_000
	codeLife      = 10 * time.Minute
	codeTries     = 5
	freshProof    = 10 * time.Minute // how long a code allows a passkey to be added
	ceremonyLife  = 5 * time.Minute
	codesPerHour  = 5  // to one account
	triesPerHour  = 30 // from one address
	sessionCookie = "dinh_session"
	attemptCookie = "dinh_attempt"
	ceremonyCook  = "dinh_ceremony"
)

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// open begins a session and returns its token, which only the browser keeps.
func (x *Identity) open(ctx context.Context, a account, level auth.Level, device string, demo bool) (token string, err error) {
	now := x.d.Clock.Now()
	token = id.Token(32)
	return token, x.store.insertSession(ctx, sessionRow{
		Hash: hashed(token), ID: id.New(now), Account: a.ID, Level: level, Demo: demo, Proved: now, Created: now, Seen: now, Device: device,
	})
}

// principal finds who a token belongs to. It writes at most once a minute.
func (x *Identity) principal(ctx context.Context, token string) (auth.Principal, error) {
	now := x.d.Clock.Now()
	hash := hashed(token)
	if c, ok := x.cache.get(hash, now); ok {
		return c.principal, x.touch(ctx, hash, c.seen, now)
	}
	s, err := x.store.session(ctx, hash)
	if err != nil {
		return auth.Principal{}, err
	}
	if now.Sub(s.Seen) > sessionIdle || now.Sub(s.Created) > sessionLife {
		return auth.Principal{}, errs.New(errs.Unauthenticated, "identity.session_over")
	}
	a, err := x.byID(ctx, s.Account)
	if err != nil {
		return auth.Principal{}, err
	}
	p := auth.Principal{Account: a.ID, Session: s.ID, Number: a.Number, Name: a.Name, Level: s.Level, Demo: s.Demo}
	if a.Kind == kindOfficer {
		p.Officer, p.Member, p.Roles = a.Officer, a.Member, a.Roles
	}
	if s.Acting != "" {
		child, err := x.acting(ctx, a, s)
		if err != nil {
			return auth.Principal{}, err
		}
		p.OnBehalf, p.Mandate = child, "parent"
	}
	x.cache.put(hash, cached{principal: p, account: a.ID, seen: s.Seen, loaded: now})
	return p, x.touch(ctx, hash, s.Seen, now)
}

func (x *Identity) touch(ctx context.Context, hash string, seen, now time.Time) error {
	if now.Sub(seen) < seenEvery {
		return nil
	}
	x.cache.seen(hash, now)
	return x.store.seeSession(ctx, hash, now)
}

// cache keeps who is behind the tokens of the last seconds, so that a page
// costs no look-up. What changes a session takes it out.
type cache struct {
	mu   sync.Mutex
	rows map[string]cached
}

type cached struct {
	principal    auth.Principal
	account      string
	seen, loaded time.Time
}

func newCache() *cache { return &cache{rows: map[string]cached{}} }

func (c *cache) get(hash string, now time.Time) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	row, ok := c.rows[hash]
	return row, ok && now.Sub(row.loaded) < cacheFor && now.Sub(row.seen) < sessionIdle
}

func (c *cache) put(hash string, row cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.rows) >= maxCached {
		clear(c.rows)
	}
	c.rows[hash] = row
}

func (c *cache) seen(hash string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if row, ok := c.rows[hash]; ok {
		row.seen = at
		c.rows[hash] = row
	}
}

// drop takes out one session.
func (c *cache) drop(hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.rows, hash)
}

// forget takes out all sessions of an account.
func (c *cache) forget(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for hash, row := range c.rows {
		if row.account == account {
			delete(c.rows, hash)
		}
	}
}

// limits counts tries by key within the last hour.
type limits struct {
	clock clock.Clock
	mu    sync.Mutex
	tries map[string][]time.Time
}

func newLimits(c clock.Clock) *limits { return &limits{clock: c, tries: map[string][]time.Time{}} }

// allow notes one try and says whether it is within the limit.
func (l *limits) allow(key string, perHour int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if len(l.tries) > maxCached {
		clear(l.tries)
	}
	recent := l.tries[key][:0]
	for _, t := range l.tries[key] {
		if now.Sub(t) < time.Hour {
			recent = append(recent, t)
		}
	}
	l.tries[key] = append(recent, now)
	if len(recent) >= perHour {
		return errs.New(errs.TooMany, "identity.too_many_tries")
	}
	return nil
}
