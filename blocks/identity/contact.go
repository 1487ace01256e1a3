package identity

import (
	"context"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// setLang keeps the language that a person wants to be written to in.
func (x *Identity) setLang(ctx context.Context, accountID string, lang i18n.Lang) error {
	return x.amend(ctx, accountID, func(c *content) { c.Lang = lang })
}

// askEmail begins a change of address: a code goes to the new one. The session
// must be one that may change how its person signs in, for later codes go to
// the new address. Errors: identity.fresh_code_needed, identity.demo_contact.
func (x *Identity) askEmail(ctx context.Context, session, email string) (token string, err error) {
	s, err := x.session(ctx, session)
	if err != nil {
		return "", err
	}
	if s.Demo {
		// A made-up person is everybody's; a real address must not be left there.
		return "", errs.New(errs.Forbidden, "identity.demo_contact")
	}
	if err := x.mustTrust(ctx, s); err != nil {
		return "", err
	}
	a, err := x.byID(ctx, s.Account)
	if err != nil {
		return "", err
	}
	if a.Kind != kindPerson {
		return "", errs.New(errs.Forbidden, "identity.other_account")
	}
	to := Contact{Subject: a.Subject, Name: a.Name, Email: email, Lang: i18n.LangFrom(ctx)}
	return x.ask(ctx, asking{account: &a, subject: a.Subject, seat: seat{address: inSession}, to: to, purpose: forEmail, next: "/account", data: email})
}

// setEmail keeps the address that a code has just proved, and tells the old one.
func (x *Identity) setEmail(ctx context.Context, session string, a account, row attemptRow) error {
	s, err := x.own(ctx, session, a)
	if err != nil {
		return err
	}
	email, err := x.unsealFor(ctx, a, row.Data, row.Hash)
	if err != nil {
		return err
	}
	return x.changeAndTell(ctx, a, EmailChanged, func(ctx context.Context) error {
		if err := x.mustMatch(ctx, s); err != nil {
			return err
		}
		return x.amend(ctx, a.ID, func(c *content) { c.Chosen = email })
	})
}
