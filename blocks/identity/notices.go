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

// ResetWays takes all passkeys and the app of a person away and ends their
// sessions, so that a code by e-mail lets them begin anew. It is for somebody
// who has shown who they are in person. Error: identity.no_account.
func (x *Identity) ResetWays(ctx context.Context, number string) error {
	a, err := x.bySubject(ctx, x.d.Keys.Pseudonym(number))
	if gone(err) {
		return errs.New(errs.NotFound, "identity.no_account")
	}
	if err != nil {
		return err
	}
	return x.changeAndTell(ctx, a, WaysRemoved, func(ctx context.Context) error {
		db.AfterCommit(ctx, func() { x.cache.forget(a.ID) })
		return x.store.removeWays(ctx, a.ID)
	})
}
