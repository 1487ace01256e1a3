package identity

import (
	"context"
	"crypto/subtle"
	"strings"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// What one person and one address may try. The counts by person stand in the
// database, so that neither a restart nor a second process gives more of them;
// they are kept for numbers without an account too, so that the refusal says
// nothing. Most are for a person from one address, so that somebody else's tries
// do not shut the person out; the larger ones are from all addresses together.
// An address may be a whole office, hence its own larger numbers.
const (
	codesPerHour  = 5  // from one address
	codesPerDay   = 10 // from one address
	codesInAll    = 30 // a day
	guessesPerDay = 20 // wrong codes from one address; then codes rest there until the next day, passkeys go on
	guessesInAll  = 60 // a day: of a million codes

	startsPerAddress   = 120 // an hour: numbers typed to sign in or to register
	guessesPerAddress  = 300 // an hour: wrong codes
	passkeysPerAddress = 1200

	maxAddresses = 50_000
)

func tooMany() error { return errs.New(errs.TooMany, "identity.too_many_tries") }

// limits counts tries by address within the last hour, in memory: it is the
// wall before the database.
type limits struct {
	clock clock.Clock
	mu    sync.Mutex
	tries map[string]window
}

// window is an hour's count.
type window struct {
	since time.Time
	count int
}

func newLimits(c clock.Clock) *limits { return &limits{clock: c, tries: map[string]window{}} }

// allow notes one try and says whether it is within the limit. What is refused
// does not count: who waits an hour may come again.
func (l *limits) allow(key string, perHour int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	l.sweep(now)
	w := l.tries[key]
	if now.Sub(w.since) >= time.Hour {
		w = window{since: now}
	}
	if w.count >= perHour {
		return tooMany()
	}
	w.count++
	l.tries[key] = w
	return nil
}

// sweep makes room: first of what is over, and under a flood of addresses of
// any.
func (l *limits) sweep(now time.Time) {
	if len(l.tries) < maxAddresses {
		return
	}
	for k, w := range l.tries {
		if now.Sub(w.since) >= time.Hour {
			delete(l.tries, k)
		}
	}
	for k := range l.tries {
		if len(l.tries) < maxAddresses*9/10 {
			return
		}
		delete(l.tries, k)
	}
}

// seat is where somebody sits who wants in: their address as a pseudonym, and
// what their browser kept of an earlier sign-in.
type seat struct{ address, device string }

// seeker is who tries to be a subject. from is their address, the session of
// somebody who is in already, or the device on which the subject signed in
// before: that one is known, and what others try does not count for it.
type seeker struct {
	subject, from string
	known         bool
}

// seeker is the one who sits here and wants to be an account's person.
func (x *Identity) seeker(s seat, subject, account string) seeker {
	if x.knows(s.device, account) {
		return seeker{subject, "device/" + hashed(s.device)[:16], true}
	}
	return seeker{subject, s.address, false}
}

// newDevice is what the browser keeps of a sign-in: a number and a seal over it
// and the account, which only this house can make. It lets nobody in.
func (x *Identity) newDevice(account string) string {
	n := id.Token(16)
	return n + "." + x.d.Keys.Pseudonym("device:"+account+":"+n)
}

func (x *Identity) knows(device, account string) bool {
	n, seal, ok := strings.Cut(device, ".")
	return ok && account != "" && subtle.ConstantTimeCompare([]byte(seal), []byte(x.d.Keys.Pseudonym("device:"+account+":"+n))) == 1
}

type bound struct {
	key    string
	within time.Duration
	most   int
}

func (s seeker) guesses() []bound {
	out := []bound{{s.here("guess"), 24 * time.Hour, guessesPerDay}}
	if !s.known {
		out = append(out, bound{s.all("guess"), 24 * time.Hour, guessesInAll})
	}
	return out
}

func (s seeker) codes() []bound {
	out := []bound{{s.here("hour"), time.Hour, codesPerHour}, {s.here("day"), 24 * time.Hour, codesPerDay}}
	if !s.known {
		out = append(out, bound{s.all("day"), 24 * time.Hour, codesInAll})
	}
	return out
}

func (s seeker) here(kind string) string { return kind + "/" + s.subject + "/" + s.from }
func (s seeker) all(kind string) string  { return kind + "/" + s.subject }

// takeCode counts one more code for a seeker, in the transaction of ctx, and
// refuses it when there were too many codes or wrong answers.
func (x *Identity) takeCode(ctx context.Context, s seeker) error {
	now := x.d.Clock.Now()
	for _, b := range s.guesses() {
		guesses, err := x.store.count(ctx, b.key, now)
		if err != nil {
			return err
		}
		if guesses >= b.most {
			return tooMany()
		}
	}
	for _, b := range s.codes() {
		n, err := x.store.take(ctx, b.key, endOf(now, b.within))
		if err != nil {
			return err
		}
		if n > b.most {
			return tooMany()
		}
	}
	return nil
}

// guess counts one more answer to an attempt before it is looked at, so that
// many at once are not more than many in a row.
func (x *Identity) guess(ctx context.Context, row attemptRow, s seeker) (allowed bool, err error) {
	now := x.d.Clock.Now()
	err = x.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		if allowed, err = x.store.tried(ctx, row.Hash); err != nil || !allowed || row.Subject == "" {
			return err
		}
		for _, b := range s.guesses() {
			n, err := x.store.take(ctx, b.key, endOf(now, b.within))
			if err != nil {
				return err
			}
			allowed = allowed && n <= b.most
		}
		return nil
	})
	return allowed, err
}

func endOf(now time.Time, within time.Duration) time.Time { return now.Truncate(within).Add(within) }
