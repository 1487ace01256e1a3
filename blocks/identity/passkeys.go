package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"regexp"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// user is an account as WebAuthn sees it. Its handle is the account's id,
// which says nothing about the person.
type user struct {
	account
	credentials []webauthn.Credential
}

// WebAuthnID implements webauthn.User.
func (u user) WebAuthnID() []byte { return []byte(u.ID) }

// WebAuthnName implements webauthn.User.
func (u user) WebAuthnName() string { return u.Name }

// WebAuthnDisplayName implements webauthn.User.
func (u user) WebAuthnDisplayName() string { return u.Name }

// WebAuthnCredentials implements webauthn.User.
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

func (x *Identity) user(ctx context.Context, a account) (user, error) {
	rows, err := x.store.passkeys(ctx, a.ID)
	if err != nil {
		return user{}, err
	}
	u := user{account: a}
	for _, r := range rows {
		var c webauthn.Credential
		if err := json.Unmarshal([]byte(r.Credential), &c); err != nil {
			return u, err
		}
		u.credentials = append(u.credentials, c)
	}
	return u, nil
}

func credentialID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// ceremony keeps what WebAuthn must remember between question and answer, and
// returns the token that finds it again.
func (x *Identity) ceremony(ctx context.Context, account string, s *webauthn.SessionData) (string, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	token := id.Token(24)
	return token, x.store.insertCeremony(ctx, hashed(token), account, string(data), x.d.Clock.Now().Add(ceremonyLife))
}

func (x *Identity) finish(ctx context.Context, token string) (account string, s webauthn.SessionData, err error) {
	account, data, expires, err := x.store.takeCeremony(ctx, hashed(token))
	if err != nil {
		return "", s, err
	}
	if !x.d.Clock.Now().Before(expires) {
		return "", s, errs.New(errs.Invalid, "identity.ceremony_over")
	}
	return account, s, json.Unmarshal([]byte(data), &s)
}

// beginPasskey asks the caller's device for a new passkey. The session must be
// substantial already or have answered a code just now.
func (x *Identity) beginPasskey(ctx context.Context, session string) (*protocol.CredentialCreation, string, error) {
	a, err := x.trustedAccount(ctx, session)
	if err != nil {
		return nil, "", err
	}
	u, err := x.user(ctx, a)
	if err != nil {
		return nil, "", err
	}
	options, data, err := x.webauthn.BeginRegistration(u, webauthn.WithExclusions(webauthn.Credentials(u.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, "", err
	}
	token, err := x.ceremony(ctx, a.ID, data)
	return options, token, err
}

// finishPasskey keeps the new passkey and raises the session: the device is
// there, and the person answered a code. The session goes on under the new
// token that it returns.
func (x *Identity) finishPasskey(ctx context.Context, session, token, name string, answer *protocol.ParsedCredentialCreationData) (renewed string, err error) {
	owner, data, err := x.finish(ctx, token)
	if err != nil {
		return "", err
	}
	a, err := x.byID(ctx, owner)
	if gone(err) {
		return "", errs.New(errs.Invalid, "identity.ceremony_over")
	}
	if err != nil {
		return "", err
	}
	s, err := x.own(ctx, session, a)
	if err != nil {
		return "", err
	}
	u, err := x.user(ctx, a)
	if err != nil {
		return "", err
	}
	c, err := x.webauthn.CreateCredential(u, data, answer)
	if err != nil {
		return "", errs.New(errs.Invalid, "identity.passkey_refused").Wrap(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	now := x.d.Clock.Now()
	err = x.changeAndTell(ctx, a, PasskeyAdded, func(ctx context.Context) error {
		if err := x.mustMatch(ctx, s); err != nil {
			return err
		}
		if err := x.store.insertPasskey(ctx, passkeyRow{ID: credentialID(c.ID), Account: a.ID, Name: name, Created: now, Credential: string(text)}); err != nil {
			return err
		}
		renewed, err = x.raise(ctx, s, now)
		return err
	})
	return renewed, err
}

// beginLogin asks any device for a passkey of this house.
func (x *Identity) beginLogin(ctx context.Context) (*protocol.CredentialAssertion, string, error) {
	options, data, err := x.webauthn.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, "", err
	}
	token, err := x.ceremony(ctx, "", data)
	return options, token, err
}

// finishLogin says whose passkey answered.
func (x *Identity) finishLogin(ctx context.Context, token string, answer *protocol.ParsedCredentialAssertionData) (account, error) {
	_, data, err := x.finish(ctx, token)
	if err != nil {
		return account{}, err
	}
	var owner account
	var broken error // ours, not the device's
	find := func(_, handle []byte) (webauthn.User, error) {
		if !validID.Match(handle) {
			return nil, errs.New(errs.NotFound, "identity.no_account")
		}
		u, err := x.owner(ctx, string(handle))
		if err != nil && !gone(err) {
			broken = err
		}
		owner = u.account
		return u, err
	}
	c, err := x.webauthn.ValidateDiscoverableLogin(find, data, answer)
	if broken != nil {
		return account{}, broken
	}
	if err != nil {
		return account{}, errs.New(errs.Unauthenticated, "identity.passkey_refused").Wrap(err)
	}
	if c.Authenticator.CloneWarning {
		return account{}, errs.New(errs.Unauthenticated, "identity.passkey_cloned")
	}
	text, err := json.Marshal(c)
	if err != nil {
		return account{}, err
	}
	there, err := x.store.usePasskey(ctx, credentialID(c.ID), string(text), x.d.Clock.Now())
	if err == nil && !there { // removed meanwhile
		err = errs.New(errs.Unauthenticated, "identity.passkey_refused")
	}
	return owner, err
}

// validID is the shape of an account's id, which is the handle in its passkeys.
var validID = regexp.MustCompile(`^[0-9a-f-]{36}$`)

func (x *Identity) owner(ctx context.Context, accountID string) (user, error) {
	a, err := x.byID(ctx, accountID)
	if err != nil {
		return user{}, err
	}
	return x.user(ctx, a)
}

// RemovePasskey takes a passkey away from the account of a session, which must
// be trusted: else a code alone could lock out a stronger proof.
// Errors: identity.fresh_code_needed, identity.no_passkey.
func (x *Identity) RemovePasskey(ctx context.Context, session, passkey string) error {
	a, err := x.trustedAccount(ctx, session)
	if err != nil {
		return err
	}
	if raw, err := base64.RawURLEncoding.DecodeString(passkey); err != nil || credentialID(raw) != passkey {
		return errs.New(errs.NotFound, "identity.no_passkey")
	}
	return x.changeAndTell(ctx, a, PasskeyRemoved, func(ctx context.Context) error { return x.store.removePasskey(ctx, passkey, a.ID) })
}

// acting opens the seal on whom a session acts for.
func (x *Identity) acting(ctx context.Context, a account, s sessionRow) (string, error) {
	return x.unsealFor(ctx, a, s.Acting, s.ID)
}

// ActFor lets the caller's session act for one of their children, named by
// pseudonym, or for themselves again when child is empty. Error: identity.not_your_child.
func (x *Identity) ActFor(ctx context.Context, session, child string) error {
	s, err := x.session(ctx, session)
	if err != nil {
		return err
	}
	a, err := x.byID(ctx, s.Account)
	if err != nil {
		return err
	}
	sealed := ""
	if child != "" {
		children, err := x.ChildrenOf(ctx, a.Number)
		if err != nil {
			return err
		}
		number := ""
		for _, c := range children {
			if x.d.Keys.Pseudonym(c.Number) == child {
				number = c.Number
			}
		}
		if number == "" {
			return errs.New(errs.Forbidden, "identity.not_your_child")
		}
		if sealed, err = x.sealFor(ctx, a, number, s.ID); err != nil {
			return err
		}
	}
	defer x.cache.forget(a.ID)
	return x.store.act(ctx, s.Hash, sealed)
}
