package identity

import (
	"context"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// changeAndTell does a change and tells its person in the same transaction. The
// address is read first: the register that may know it must not be asked within.
func (x *Identity) changeAndTell(ctx context.Context, a account, n Notice, change func(context.Context) error) error {
	to, err := x.contactOf(ctx, a)
	if err != nil {
		return err
	}
	return x.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		if err := change(ctx); err != nil {
			return err
		}
		if to.Email == "" {
			return nil
		}
		return x.d.Codes.SendNotice(ctx, to, "notice/"+id.New(x.d.Clock.Now()), n)
	})
}

// ResetWays takes all passkeys, the app and a chosen address of a person away
// and ends their sessions, so that a code to the register's address lets them
// begin anew. It is for somebody who has shown who they are in person; all
// addresses that the account had are told. Error: identity.no_account.
func (x *Identity) ResetWays(ctx context.Context, number string) error {
	a, err := x.bySubject(ctx, x.d.Keys.Pseudonym(without(number)))
	if gone(err) || err == nil && a.Kind != kindPerson {
		return errs.New(errs.NotFound, "identity.no_account")
	}
	if err != nil {
		return err
	}
	chosen := a.Chosen
	a.Chosen = ""
	to, err := x.contactOf(ctx, a)
	if err != nil {
		return err
	}
	return x.changeAndTell(ctx, a, WaysRemoved, func(ctx context.Context) error {
		db.AfterCommit(ctx, func() { x.cache.forget(a.ID) })
		if err := x.amend(ctx, a.ID, func(c *content) { c.Chosen = "" }); err != nil {
			return err
		}
		if chosen != "" {
			to.Email = chosen
			if err := x.d.Codes.SendNotice(ctx, to, "notice/"+id.New(x.d.Clock.Now()), WaysRemoved); err != nil {
				return err
			}
		}
		return x.store.removeWays(ctx, a.ID)
	})
}
