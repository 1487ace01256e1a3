package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// An authenticator app and the house share a secret and show the same six
// digits for thirty seconds (RFC 6238: SHA-1, the only hash that all apps
// know). It is the way to substantial for browsers without scripts.
const (
	appPeriod  = 30
	appSecret  = 20 // bytes, RFC 4226 §4 R6
	appPending = 30 * time.Minute
)

var appCode = hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// beginApp makes the secret of a new app, which counts only once the app has
// shown a code. Errors: identity.fresh_code_needed, identity.app_known.
func (x *Identity) beginApp(ctx context.Context, session string) error {
	a, err := x.trustedAccount(ctx, session)
	if err != nil {
		return err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Đình", AccountName: a.Name, SecretSize: appSecret, Period: appPeriod})
	if err != nil {
		return err
	}
	sealed, err := x.sealFor(ctx, a, key.Secret(), "app/"+a.ID)
	if err != nil {
		return err
	}
	made, err := x.store.putApp(ctx, appRow{Account: a.ID, Secret: sealed, Created: x.d.Clock.Now()})
	if err == nil && !made {
		err = errs.New(errs.Conflict, "identity.app_known")
	}
	return err
}

// pendingApp is the key of an app that waits for its first code, for the
// person's eyes alone. Error: identity.no_app.
func (x *Identity) pendingApp(ctx context.Context, session string) (*otp.Key, error) {
	a, err := x.trustedAccount(ctx, session)
	if err != nil {
		return nil, err
	}
	_, secret, err := x.app(ctx, a, false)
	if err != nil {
		return nil, err
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		return nil, err
	}
	return totp.Generate(totp.GenerateOpts{Issuer: "Đình", AccountName: a.Name, Secret: raw, Period: appPeriod})
}

// answerApp checks a code of the caller's app, the first one or a later one,
// and raises the session, which goes on under the token that it returns. Each
// code counts once. Errors: identity.app_code_wrong, identity.too_many_tries.
func (x *Identity) answerApp(ctx context.Context, session, code string, confirmed bool) (renewed string, err error) {
	s, err := x.session(ctx, session)
	if err != nil {
		return "", err
	}
	if !confirmed {
		if err := x.mustTrust(ctx, s); err != nil {
			return "", err
		}
	}
	a, err := x.byID(ctx, s.Account)
	if err != nil {
		return "", err
	}
	row, secret, err := x.app(ctx, a, confirmed)
	if err != nil {
		return "", err
	}
	now := x.d.Clock.Now()
	tries, err := x.store.take(ctx, "app/"+a.Subject, endOf(now, 24*time.Hour))
	if err != nil {
		return "", err
	}
	if tries > guessesPerDay {
		return "", tooMany()
	}
	wrong := errs.New(errs.Invalid, "identity.app_code_wrong").With(errs.Field{Name: "code", Code: "identity.app_code_wrong"})
	step, err := stepOf(secret, without(code), now)
	if err != nil {
		return "", err
	}
	if step <= row.Step {
		return "", wrong
	}
	count := func(ctx context.Context) error {
		if !confirmed {
			if err := x.mustMatch(ctx, s); err != nil {
				return err
			}
		}
		fresh, err := x.store.useApp(ctx, a.ID, row.Secret, step, now)
		if err != nil {
			return err
		}
		if !fresh { // used or removed meanwhile
			return wrong
		}
		if err := x.store.forgive(ctx, "app/"+a.Subject); err != nil {
			return err
		}
		renewed, err = x.raise(ctx, s, now)
		return err
	}
	if confirmed {
		err = x.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error { return count(ctx) })
	} else {
		err = x.changeAndTell(ctx, a, AppAdded, count)
	}
	return renewed, err
}

// RemoveApp takes the authenticator app away from the account of a session,
// which must be trusted. Errors: identity.fresh_code_needed, identity.no_app.
func (x *Identity) RemoveApp(ctx context.Context, session string) error {
	a, err := x.trustedAccount(ctx, session)
	if err != nil {
		return err
	}
	remove := func(ctx context.Context) error { return x.store.removeApp(ctx, a.ID) }
	there, err := x.hasApp(ctx, a.ID)
	if err != nil {
		return err
	}
	if !there { // one that never showed a code is no news
		return remove(ctx)
	}
	return x.changeAndTell(ctx, a, AppRemoved, remove)
}

// app reads the account's app and opens its secret.
func (x *Identity) app(ctx context.Context, a account, confirmed bool) (appRow, string, error) {
	row, err := x.store.app(ctx, a.ID)
	if err != nil {
		return row, "", err
	}
	switch {
	case confirmed && !row.Confirmed:
		return row, "", errs.New(errs.NotFound, "identity.no_app")
	case !confirmed && row.Confirmed:
		return row, "", errs.New(errs.Conflict, "identity.app_known")
	case !confirmed && x.d.Clock.Now().Sub(row.Created) >= appPending:
		return row, "", errs.New(errs.NotFound, "identity.no_app")
	}
	secret, err := x.unsealFor(ctx, a, row.Secret, "app/"+a.ID)
	return row, secret, err
}

// stepOf finds the time step whose code this is: the present one, or the one
// before or after, for clocks that differ (RFC 6238 §5.2). 0 is none.
func stepOf(secret, code string, now time.Time) (step int64, err error) {
	present := now.Unix() / appPeriod
	for s := present - 1; s <= present+1; s++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), appCode)
		if err != nil {
			return 0, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step = s
		}
	}
	return step, nil
}

// trustedAccount is the account of a session that may change how its person
// signs in.
func (x *Identity) trustedAccount(ctx context.Context, session string) (account, error) {
	s, err := x.session(ctx, session)
	if err != nil {
		return account{}, err
	}
	if err := x.mustTrust(ctx, s); err != nil {
		return account{}, err
	}
	return x.byID(ctx, s.Account)
}

// mustMatch refuses a session at low once the account has a stronger proof: what
// was begun before the proof was there must not be finished after it. It reads in
// the transaction of ctx. Error: identity.fresh_code_needed.
func (x *Identity) mustMatch(ctx context.Context, s sessionRow) error {
	if s.Level >= auth.Substantial {
		return nil
	}
	strong, err := x.store.strong(ctx, s.Account)
	if err == nil && strong {
		err = errs.New(errs.Forbidden, "identity.fresh_code_needed")
	}
	return err
}

func (x *Identity) mustTrust(ctx context.Context, s sessionRow) error {
	ok, err := x.trusted(ctx, s)
	if err == nil && !ok {
		err = errs.New(errs.Forbidden, "identity.fresh_code_needed")
	}
	return err
}

// raise makes a session substantial, in the transaction of ctx, and gives it a
// new token.
func (x *Identity) raise(ctx context.Context, s sessionRow, now time.Time) (renewed string, err error) {
	if err := x.store.raise(ctx, s.Hash, max(s.Level, auth.Substantial), now); err != nil {
		return "", err
	}
	db.AfterCommit(ctx, func() { x.cache.forget(s.Account) })
	renewed = id.Token(32)
	return renewed, x.store.rename(ctx, s.Hash, hashed(renewed))
}
