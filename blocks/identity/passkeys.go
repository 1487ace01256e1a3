package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/dinh-gov/dinh/kernel/auth"
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
	if x.d.Clock.Now().After(expires) {
		return "", s, errs.New(errs.Invalid, "identity.ceremony_over")
	}
	return account, s, json.Unmarshal([]byte(data), &s)
}

// beginPasskey asks the caller's device for a new passkey. The session must be
// substantial already or have answered a code just now.
func (x *Identity) beginPasskey(ctx context.Context, session string) (*protocol.CredentialCreation, string, error) {
	s, err := x.store.session(ctx, hashed(session))
	if err != nil {
		return nil, "", err
	}
	if s.Level < auth.Substantial && x.d.Clock.Now().Sub(s.Proved) > freshProof {
		return nil, "", errs.New(errs.Forbidden, "identity.fresh_code_needed")
	}
	a, err := x.byID(ctx, s.Account)
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
// there, and the person answered a code.
func (x *Identity) finishPasskey(ctx context.Context, session, token, name string, answer *protocol.ParsedCredentialCreationData) error {
	owner, data, err := x.finish(ctx, token)
	if err != nil {
		return err
	}
	s, err := x.store.session(ctx, hashed(session))
	if err != nil {
		return err
	}
	if s.Account != owner {
		return errs.New(errs.Forbidden, "identity.other_account")
	}
	a, err := x.byID(ctx, owner)
	if err != nil {
		return err
	}
	u, err := x.user(ctx, a)
	if err != nil {
		return err
	}
	c, err := x.webauthn.CreateCredential(u, data, answer)
	if err != nil {
		return errs.New(errs.Invalid, "identity.passkey_refused").Wrap(err)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	now := x.d.Clock.Now()
	if err := x.store.insertPasskey(ctx, passkeyRow{ID: credentialID(c.ID), Account: a.ID, Name: name, Created: now, Credential: string(text)}); err != nil {
		return err
	}
	x.cache.forget(a.ID)
	return x.store.raise(ctx, s.Hash, auth.Substantial, now)
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
	find := func(_, handle []byte) (webauthn.User, error) {
		if owner, err = x.byID(ctx, string(handle)); err != nil {
			return nil, err
		}
		return x.user(ctx, owner)
	}
	c, err := x.webauthn.ValidateDiscoverableLogin(find, data, answer)
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
	return owner, x.store.usePasskey(ctx, credentialID(c.ID), string(text), x.d.Clock.Now())
}

// acting opens the seal on whom a session acts for.
func (x *Identity) acting(ctx context.Context, a account, s sessionRow) (string, error) {
	sealed, err := base64.StdEncoding.DecodeString(s.Acting)
	if err != nil {
		return "", err
	}
	plain, err := x.d.Keys.Unseal(ctx, a.Subject, sealed, []byte(s.ID))
	return string(plain), err
}

// ActFor lets the caller's session act for one of their children, named by
// pseudonym, or for themselves again when child is empty. Error: identity.not_your_child.
func (x *Identity) ActFor(ctx context.Context, session, child string) error {
	s, err := x.store.session(ctx, hashed(session))
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
		raw, err := x.d.Keys.Seal(ctx, a.Subject, []byte(number), []byte(s.ID))
		if err != nil {
			return err
		}
		sealed = base64.StdEncoding.EncodeToString(raw)
	}
	x.cache.forget(a.ID)
	return x.store.act(ctx, s.Hash, sealed)
}
