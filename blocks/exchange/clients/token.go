package clients

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/keys"
)

const (
	tokenLife    = 10 * time.Minute
	maxAssertion = 5 * time.Minute
	skew         = 30 * time.Second
	maxToken     = 8 << 10
	tokenType    = "at+jwt" // RFC 9068
	tokenPath    = "/oauth/token"
	tokenOwner   = "instance/client-tokens"
)

// claims of an access token.
type claims struct {
	jwt.Claims
	ClientID     string       `json:"client_id"`
	Confirmation confirmation `json:"cnf"`
}

type confirmation struct {
	Thumbprint string `json:"jkt"` // of the key it was given for (RFC 7638)
}

// Grant is an access token with its life.
type Grant struct {
	Token     string
	ExpiresIn time.Duration
}

// Exchange changes an assertion for an access token. Every refusal is
// errs.Unauthenticated "clients.assertion_refused"; its cause says why, for the log
// and not for whoever tries.
func (c *Clients) Exchange(ctx context.Context, assertion string) (Grant, error) {
	refused := func(why string) error {
		return errs.New(errs.Unauthenticated, "clients.assertion_refused").Wrap(errors.New(why))
	}
	if len(assertion) > maxToken {
		return Grant{}, refused("too long")
	}
	t, err := jwt.ParseSigned(assertion, algorithms())
	if err != nil || len(t.Headers) != 1 {
		return Grant{}, refused("not a signed token")
	}
	var said jwt.Claims
	if err := t.UnsafeClaimsWithoutVerification(&said); err != nil {
		return Grant{}, refused("claims")
	}
	all, err := c.exchange.ClientKeys(ctx)
	if err != nil {
		return Grant{}, err
	}
	now := c.clock.Now()
	for _, k := range all {
		if k.Kind != exchange.KeyJWK || k.Subsystem.String() != said.Subject || !k.Holds(now) {
			continue
		}
		var key jose.JSONWebKey
		if err := json.Unmarshal([]byte(k.Public), &key); err != nil {
			return Grant{}, err
		}
		var proven jwt.Claims
		if kid := t.Headers[0].KeyID; kid != "" && kid != key.KeyID && kid != k.ID || t.Claims(key.Key, &proven) != nil {
			continue
		}
		if why := c.wrong(proven, now); why != "" {
			return Grant{}, refused(why)
		}
		first, err := c.store.use(ctx, assertionID(proven), proven.Expiry.Time().Add(skew), now)
		if err != nil {
			return Grant{}, err
		}
		if !first {
			return Grant{}, refused("used before")
		}
		return c.issue(ctx, k, key.KeyID)
	}
	return Grant{}, refused("no such key")
}

// assertionID names an assertion without keeping it.
func assertionID(c jwt.Claims) string {
	sum := sha256.Sum256([]byte(c.Subject + "\x00" + c.ID))
	return hex.EncodeToString(sum[:])
}

// wrong says what is wrong with the claims of an assertion; "" for nothing.
func (c *Clients) wrong(a jwt.Claims, now time.Time) string {
	switch {
	case a.Issuer != a.Subject:
		return "iss is not sub"
	case !a.Audience.Contains(c.origin) && !a.Audience.Contains(c.origin+tokenPath):
		return "aud"
	case a.Expiry == nil || !now.Before(a.Expiry.Time().Add(skew)):
		return "past"
	case a.Expiry.Time().After(now.Add(maxAssertion + skew)):
		return "exp too far"
	case a.NotBefore != nil && a.NotBefore.Time().After(now.Add(skew)):
		return "not yet"
	case a.IssuedAt != nil && a.IssuedAt.Time().After(now.Add(skew)):
		return "iat in the future"
	case a.ID == "" || len(a.ID) > 256:
		return "jti"
	}
	return ""
}

// issue makes the access token of a key.
func (c *Clients) issue(ctx context.Context, k exchange.ClientKey, thumbprint string) (Grant, error) {
	own, err := c.keys.Ensure(ctx, tokenOwner, keys.Sign, keys.Name{CommonName: "Access tokens"})
	if err != nil {
		return Grant{}, err
	}
	private, err := c.keys.CryptoSigner(ctx, own.ID)
	if err != nil {
		return Grant{}, err
	}
	opts := (&jose.SignerOptions{}).WithType(tokenType).WithHeader("kid", own.ID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: cryptosigner.Opaque(private)}, opts)
	if err != nil {
		return Grant{}, err
	}
	now := c.clock.Now()
	end := now.Add(tokenLife)
	if !k.Until.IsZero() && k.Until.Before(end) {
		end = k.Until
	}
	name := k.Subsystem.String()
	text, err := jwt.Signed(signer).Claims(claims{
		Claims: jwt.Claims{
			Issuer: c.origin, Subject: name, Audience: jwt.Audience{c.origin}, Expiry: jwt.NewNumericDate(end),
			IssuedAt: jwt.NewNumericDate(now), ID: id.New(now),
		},
		ClientID: name, Confirmation: confirmation{thumbprint},
	}).Serialize()
	return Grant{text, end.Sub(now)}, err
}

// Bound implements exchange.Tokens. A token that is false, past or another house's
// is errs.Unauthenticated "clients.token_refused".
func (c *Clients) Bound(ctx context.Context, token string) (thumbprint string, err error) {
	refused := errs.New(errs.Unauthenticated, "clients.token_refused")
	if len(token) > maxToken {
		return "", refused
	}
	t, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(t.Headers) != 1 {
		return "", refused.Wrap(err)
	}
	own, err := c.keys.Key(ctx, t.Headers[0].KeyID)
	if errs.KindOf(err) == errs.NotFound || err == nil && (own.Owner != tokenOwner || own.Use != keys.Sign) {
		return "", refused.Wrap(err)
	}
	if err != nil {
		return "", err
	}
	var said claims
	if err := t.Claims(own.Public, &said); err != nil {
		return "", refused.Wrap(err)
	}
	if said.Issuer != c.origin || !said.Audience.Contains(c.origin) || said.Expiry == nil || !c.clock.Now().Before(said.Expiry.Time()) ||
		said.Confirmation.Thumbprint == "" {
		return "", refused
	}
	return said.Confirmation.Thumbprint, nil
}
