package exchange

import (
	"context"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// Call asks a question for a subsystem of this instance and gives the answer
// when its events are durable. The caller vouches that it speaks for the client.
//
// It must not be called inside db.Write: the answer would be used before its
// event is durable (errs.Internal "exchange.in_transaction"). A create or amend
// whose trace could not be written has happened and is answered with
// errs.Unavailable "exchange.not_recorded"; repeat it with the same MessageID,
// by which the provider recognises it.
//
// Refusals: errs.Forbidden exchange.no_grant, grant_revoked, grant_not_yet,
// grant_expired, operation_not_granted, purpose_not_granted,
// legal_basis_not_granted, field_not_granted, no_endpoint, unknown_client;
// errs.TooMany exchange.quota_spent;
// errs.NotFound exchange.unknown_service; errs.Invalid exchange.purpose_missing
// and bad_…; errs.Unavailable exchange.provider_failed, answer_unreadable,
// not_recorded, and for services of another node node_unreachable, node_lost;
// errs.Conflict exchange.delivered_before; and the provider's own refusals.
func (x *Exchange) Call(ctx context.Context, c Call) (Answer, error) {
	got, err := x.do(ctx, &ask{Call: c})
	if err != nil || got.Stream == nil {
		return got, err
	}
	defer got.Stream.Close()
	body, whole, err := held(got.Stream, maxBody)
	if err != nil || !whole {
		return Answer{}, unavailable("exchange.answer_unreadable", err)
	}
	got.Body, got.Stream = body, nil
	return got, nil
}

// do takes a call to its service, here or on another node, and back.
func (x *Exchange) do(ctx context.Context, a *ask) (Answer, error) {
	if inTransaction(ctx) {
		return Answer{}, errs.New(errs.Internal, "exchange.in_transaction")
	}
	x.identify(a, x.clock.Now())
	if err := a.prepare(); err != nil {
		return Answer{}, x.refuse(ctx, a, err)
	}
	if node, ok := x.elsewhere(a.Service.SubsystemID); ok {
		return x.askNode(ctx, a, node)
	}
	out, err := x.answer(ctx, &inbound{ask: a, prove: func(ctx context.Context, s sums) error {
		if err := x.signRequest(ctx, a, s); err != nil {
			return err
		}
		return x.verify(ctx, a.Client.Owner(), a.request, a.requestComponents())
	}})
	if err != nil {
		return Answer{}, err
	}
	return out.Answer, nil
}

// identify gives the call its ids.
func (x *Exchange) identify(a *ask, now time.Time) {
	if a.requestID == "" {
		a.requestID = id.New(now)
	}
	if a.MessageID == "" {
		a.MessageID = x.instance + "-" + id.New(now)
		a.generatedID = a.MessageID
	}
}

// signRequest closes a question: what was sent is known to its last byte.
func (x *Exchange) signRequest(ctx context.Context, a *ask, s sums) error {
	a.sums = s
	a.hash = a.requestHash()
	err := x.seal(ctx, &x.requests, &sealing{owner: a.Client.Owner(), components: a.requestComponents, proof: &a.request})
	if err != nil {
		return unavailable("exchange.cannot_sign", err)
	}
	return nil
}

func unavailable(code string, cause error) error {
	return errs.New(errs.Unavailable, code).Wrap(cause)
}
