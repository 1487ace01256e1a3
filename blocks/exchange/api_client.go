package exchange

import (
	"net/http"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// AuthenticateClient finds the subsystem that a request's API key belongs to
// (Authorization: Bearer dinh_…, or X-Api-Key). found is false when the request
// brings no such key, for the next authenticator to try. A key that is unknown,
// revoked or past is errs.Unauthenticated "exchange.client_key_revoked". In the
// principal, Session is the key's id.
func (x *Exchange) AuthenticateClient(r *http.Request) (p auth.Principal, found bool, err error) {
	secret := r.Header.Get("X-Api-Key")
	if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		secret = strings.TrimSpace(rest)
	}
	if !strings.HasPrefix(secret, "dinh_") {
		return auth.Principal{}, false, nil
	}
	hash, now := hashSecret(secret), x.clock.Now()
	rules, err := x.current(r.Context())
	if err != nil {
		return auth.Principal{}, false, err
	}
	k := rules.keys[hash]
	if k == nil { // perhaps made by another process a moment ago
		if rules, err = x.freshen(r.Context()); err != nil {
			return auth.Principal{}, false, err
		}
		k = rules.keys[hash]
	}
	if k == nil || !k.activeAt(now) {
		return auth.Principal{}, false, errs.New(errs.Unauthenticated, "exchange.client_key_revoked")
	}
	return auth.Principal{Subsystem: k.Subsystem.String(), Member: k.Subsystem.Owner().String(), Session: k.ID}, true, nil
}
