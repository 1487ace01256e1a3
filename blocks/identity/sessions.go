package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// KnownWithin is how soon every process knows that a session or an officer ended.
const KnownWithin = 5 * time.Second

const (
	sessionIdle   = 30 * time.Minute
	sessionLife   = 12 * time.Hour
	seenEvery     = time.Minute // how often a session's last use is written
	cacheFor      = KnownWithin
	maxCached     = 50_000
	codeLife      = 10 * time.Minute
	codeTries     = 5
	freshProof    = 10 * time.Minute // how long a code allows a passkey to be added
	ceremonyLife  = 5 * time.Minute
	sweepEvery    = 10 * time.Minute
	sessionCookie = "dinh_session"
	attemptCookie = "dinh_attempt"
	ceremonyCook  = "dinh_ceremony"
	deviceCookie  = "dinh_device" // see newDevice
	deviceLife    = 365 * 24 * time.Hour
)

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// opening is a session to be begun.
type opening struct {
	account account
	level   auth.Level
	device  string
	demo    bool
	before  string // token of the session that the browser had
}

// open begins a session, ends the one that the browser had, and returns the
// new token, which only the browser keeps: nobody can plant a session on
// somebody else. Who only proves more of themselves still acts for the same
// child.
func (x *Identity) open(ctx context.Context, o opening) (token string, err error) {
	x.sweep(ctx)
	now := x.d.Clock.Now()
	token = id.Token(32)
	row := sessionRow{
		Hash: hashed(token), ID: id.New(now), Account: o.account.ID, Level: o.level, Demo: o.demo, Proved: now, Created: now, Seen: now, Device: o.device,
	}
	if o.before != "" {
		if row.Acting, err = x.stillActing(ctx, o, row.ID); err != nil {
			return "", err
		}
		if err := x.end(ctx, o.before); err != nil {
			return "", err
		}
	}
	return token, x.store.insertSession(ctx, row)
}

func (x *Identity) stillActing(ctx context.Context, o opening, sessionID string) (string, error) {
	before, err := x.session(ctx, o.before)
	if errs.KindOf(err) == errs.Unauthenticated || err == nil && (before.Account != o.account.ID || before.Acting == "") {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	child, err := x.acting(ctx, o.account, before)
	if err != nil {
		return "", err
	}
	return x.sealFor(ctx, o.account, child, sessionID)
}

// end ends a session at once.
func (x *Identity) end(ctx context.Context, token string) error {
	defer x.cache.drop(hashed(token))
	return x.store.endSession(ctx, hashed(token))
}

// session finds the session of a token while it is alive.
func (x *Identity) session(ctx context.Context, token string) (sessionRow, error) {
	s, err := x.store.session(ctx, hashed(token))
	if err != nil {
		return s, err
	}
	now := x.d.Clock.Now()
	if now.Sub(s.Seen) >= sessionIdle || now.Sub(s.Created) >= sessionLife {
		return s, errs.New(errs.Unauthenticated, "identity.session_over")
	}
	return s, nil
}

// trusted says whether a session may change how its person signs in: it is
// substantial or, for somebody who has neither passkey nor app, has answered a
// code just now. So a mailbox alone never takes a stronger proof away.
func (x *Identity) trusted(ctx context.Context, s sessionRow) (bool, error) {
	if s.Level >= auth.Substantial || x.d.Clock.Now().Sub(s.Proved) > freshProof {
		return s.Level >= auth.Substantial, nil
	}
	strong, err := x.store.strong(ctx, s.Account)
	return err == nil && !strong, err
}

// principal finds who a token belongs to. It writes at most once a minute.
func (x *Identity) principal(ctx context.Context, token string) (auth.Principal, error) {
	now := x.d.Clock.Now()
	hash := hashed(token)
	c, ok := x.cache.get(hash, now)
	if !ok {
		epoch := x.cache.epoch()
		var err error
		if c, err = x.load(ctx, token, now); err != nil {
			return auth.Principal{}, err
		}
		x.cache.put(hash, c, epoch)
	}
	x.touch(ctx, hash, c.seen, now)
	return c.principal, nil
}

// load reads a session and its account. Who was signed in and is nobody now
// must still reach the public pages, so it is the kind Unauthenticated.
func (x *Identity) load(ctx context.Context, token string, now time.Time) (cached, error) {
	s, err := x.session(ctx, token)
	if err != nil {
		return cached{}, err
	}
	a, err := x.byID(ctx, s.Account)
	if gone(err) {
		return cached{}, errs.New(errs.Unauthenticated, "identity.session_over").Wrap(err)
	}
	if err != nil {
		return cached{}, err
	}
	p := auth.Principal{Account: a.ID, Session: s.ID, Number: a.Number, Name: a.Name, Level: s.Level, Demo: s.Demo}
	if a.Kind == kindOfficer {
		p.Officer, p.Member, p.Roles = a.Officer, a.Member, a.Roles
	}
	if s.Acting != "" {
		if p.OnBehalf, err = x.acting(ctx, a, s); err != nil {
			return cached{}, err
		}
		p.Mandate = "parent"
	}
	return cached{principal: p, account: a.ID, seen: s.Seen, created: s.Created, loaded: now}, nil
}

// touch notes that a session is in use. A page is not refused because that
// could not be written.
func (x *Identity) touch(ctx context.Context, hash string, seen, now time.Time) {
	if now.Sub(seen) < seenEvery {
		return
	}
	x.cache.seen(hash, now)
	if err := x.store.seeSession(ctx, hash, now); err != nil && ctx.Err() == nil {
		x.d.Log.LogAttrs(ctx, slog.LevelWarn, "identity: the use of a session was not noted", slog.Any("error", err))
	}
}

// sweep clears the tables of what is over, now and then.
func (x *Identity) sweep(ctx context.Context) {
	now := x.d.Clock.Now()
	last := x.swept.Load()
	if now.Sub(db.FromMicros(last)) < sweepEvery || !x.swept.CompareAndSwap(last, db.Micros(now)) {
		return
	}
	if err := x.store.sweep(ctx, now); err != nil && ctx.Err() == nil {
		x.d.Log.LogAttrs(ctx, slog.LevelWarn, "identity: what is over was not cleared", slog.Any("error", err))
	}
}

// cache keeps who is behind the tokens of the last seconds, so that a page
// costs no look-up. What changes a session takes it out.
type cache struct {
	mu   sync.Mutex
	rows map[string]cached
	n    uint64 // counts what was taken out: what was read before is not put in after
}

type cached struct {
	principal    auth.Principal
	account      string
	seen, loaded time.Time
	created      time.Time
}

func newCache() *cache { return &cache{rows: map[string]cached{}} }

func (c *cache) get(hash string, now time.Time) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	row, ok := c.rows[hash]
	return row, ok && now.Sub(row.loaded) < cacheFor && now.Sub(row.seen) < sessionIdle && now.Sub(row.created) < sessionLife
}

func (c *cache) epoch() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *cache) put(hash string, row cached, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.n {
		return
	}
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
	c.n++
	delete(c.rows, hash)
}

// forget takes out all sessions of an account.
func (c *cache) forget(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	for hash, row := range c.rows {
		if row.account == account {
			delete(c.rows, hash)
		}
	}
}
