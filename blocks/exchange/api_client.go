package exchange

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// Tokens reads access tokens; see the package clients.
type Tokens interface {
	// Bound gives the thumbprint (RFC 7638) of the key that a token of the type at+jwt
	// was given for. One that is false or past is errs.Unauthenticated.
	Bound(ctx context.Context, token string) (thumbprint string, err error)
}

// AuthenticateClient finds the subsystem behind a request: by its API key
// (Authorization: Bearer dinh_…, or X-Api-Key), by the access token that its
// registered key was changed for, or by the certificate of its TLS connection.
// found is false when the request brings none of them, for the next authenticator
// to try. What is unknown, revoked or past is errs.Unauthenticated
// "exchange.client_key_revoked". In the principal, Session is the key's id.
func (x *Exchange) AuthenticateClient(r *http.Request) (p auth.Principal, found bool, err error) {
	hash, err := x.credential(r)
	if hash == "" || err != nil {
		return auth.Principal{}, false, err
	}
	now := x.clock.Now()
	rules, err := x.current(r.Context())
	if err != nil {
		return auth.Principal{}, false, err
	}
	k := rules.keys[hash]
	if k == nil || !k.activeAt(now) { // perhaps changed by another process a moment ago
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

// credential is what the key of a request is found by; "" when it brings none. A
// header counts before the connection: who sends one means it.
func (x *Exchange) credential(r *http.Request) (string, error) {
	secret := r.Header.Get("X-Api-Key")
	if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		secret = strings.TrimSpace(rest)
	}
	if strings.HasPrefix(secret, "dinh_") {
		return hashSecret(secret), nil
	}
	if x.tokens != nil && isAccessToken(secret) {
		thumbprint, err := x.tokens.Bound(r.Context(), secret)
		return KeyJWK + ":" + thumbprint, err
	}
	if state := connection(r); state != nil && len(state.VerifiedChains) > 0 {
		return KeyCertificate + ":" + CertificateThumbprint(state.PeerCertificates[0].Raw), nil
	}
	return "", nil
}

// connection is the TLS state of the connection of a request; nil without TLS.
// Under a CaptureListener net/http does not see it.
func connection(r *http.Request) *tls.ConnectionState {
	if r.TLS != nil {
		return r.TLS
	}
	if c, ok := r.Context().Value(captureKey{}).(*captureConn); ok {
		if secured, ok := c.Conn.(*tls.Conn); ok {
			state := secured.ConnectionState()
			return &state
		}
	}
	return nil
}

// CertificateThumbprint is what KeyCertificate is found by: SHA-256 over the DER
// form, in hexadecimal.
func CertificateThumbprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// Confirm asks the database whether the key that a client came with still holds:
// AuthenticateClient trusts the rules in memory, and whatever answers outside Call
// must not give out anything after another process revoked the key.
// errs.Unauthenticated "exchange.client_key_revoked".
func (x *Exchange) Confirm(ctx context.Context, p auth.Principal) error {
	return x.confirmKey(ctx, p.Session)
}

// confirmKey is Confirm for a key's id; without one the client is believed.
func (x *Exchange) confirmKey(ctx context.Context, keyID string) error {
	if keyID == "" {
		return nil
	}
	r, err := x.freshen(ctx)
	if err != nil {
		return unavailable("exchange.rules_unreadable", err)
	}
	if k := r.keysByID[keyID]; k == nil || !k.activeAt(x.clock.Now()) {
		return errs.New(errs.Unauthenticated, "exchange.client_key_revoked")
	}
	return nil
}

// isAccessToken says whether a credential is a token for this door: a JWT of the
// type that RFC 9068 gives. It believes nothing that the token says.
func isAccessToken(credential string) bool {
	head, _, ok := strings.Cut(credential[strings.LastIndex(credential, " ")+1:], ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	var h struct {
		Type string `json:"typ"`
	}
	return ok && err == nil && json.Unmarshal(raw, &h) == nil && strings.EqualFold(h.Type, "at+jwt")
}

// takenAtItsWord lets in a request that names one of these subsystems and brings
// no key.
func (x *Exchange) takenAtItsWord(r *http.Request, plain []SubsystemID) (auth.Principal, bool) {
	s := claimed(r)
	if len(r.Header.Values("X-Road-Client")) == 0 {
		s = x.claimedAside(r)
	}
	if s.IsZero() || !slices.Contains(plain, s) {
		return auth.Principal{}, false
	}
	return auth.Principal{Subsystem: s.String(), Member: s.Owner().String()}, true
}

// stranger says what is wrong with a request that brings no key, in the order in
// which X-Road looks: the client must be named well, be known, and prove itself.
func (x *Exchange) stranger(r *http.Request) error {
	values := r.Header.Values("X-Road-Client")
	if len(values) == 0 {
		return errs.New(errs.Invalid, "exchange.bad_subsystem", "id", "")
	}
	s, err := parseEncodedSubsystem(values[len(values)-1])
	if err != nil {
		return err
	}
	rules, err := x.current(r.Context())
	if err != nil {
		return unavailable("exchange.rules_unreadable", err)
	}
	if !rules.subsystems[s] {
		if x.directory != nil {
			x.directory.NodeOf(s) // perhaps it was let in a moment ago: then the directory asks soon
		}
		return errs.New(errs.Forbidden, "exchange.unknown_client", "client", s.String())
	}
	return errs.New(errs.Unauthenticated, "exchange.client_key_revoked")
}
