package payments

import (
	"context"
	"encoding/json"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/money"
)

// A payment that nobody owed waits in one state and ends in the other.
const (
	stateSurplus  = "surplus"
	stateReturned = "returned"
)

// surplus is the work of giving such a payment back.
type surplus struct {
	Payment string       `json:"payment"`
	Bill    string       `json:"bill"`
	Ref     string       `json:"ref"`
	Amount  money.Amount `json:"amount"`
}

// keepSurplus books money that nobody owed and orders its return, in the
// transaction of ctx. It stands in an account of its own, for the provider's
// statement shows it too.
func (p *Payments) keepSurplus(ctx context.Context, b Bill, pay payment) error {
	if err := p.book(ctx, "surplus/"+pay.ID, "surplus", b, entry{debit: "provider", credit: "surplus", amount: b.Amount}); err != nil {
		return err
	}
	return p.d.Jobs.Enqueue(ctx, jobReturn, surplus{Payment: pay.ID, Bill: b.ID, Ref: pay.Ref, Amount: b.Amount}, job.Key("twice/"+pay.ID))
}

// giveBack returns a surplus. The provider does it once for a key; it is booked
// by whoever moves the payment, so after a crash in between it is booked too.
func (p *Payments) giveBack(ctx context.Context, j job.Job) error {
	var s surplus
	if err := json.Unmarshal(j.Payload, &s); err != nil {
		return job.Permanent(err)
	}
	if err := p.provider.Refund(ctx, s.Ref, "twice/"+s.Payment, s.Amount); err != nil {
		return err
	}
	return p.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		moved, err := p.store.returnPayment(ctx, s.Payment)
		if err != nil || !moved {
			return err
		}
		bill, err := p.store.billBy(ctx, "id", s.Bill)
		if err != nil {
			return err
		}
		return p.book(ctx, "returned/"+s.Payment, "surplus returned", bill, entry{debit: "surplus", credit: "provider", amount: s.Amount})
	})
}

// surplusOf sums what was paid beyond a bill: what is on its way back, and what
// was given back.
func (p *Payments) surplusOf(ctx context.Context, b Bill) (waiting, returned money.Amount, err error) {
	waiting.Currency, returned.Currency = b.Amount.Currency, b.Amount.Currency
	pays, err := p.store.payments(ctx, b.ID)
	for _, pay := range pays {
		switch pay.State {
		case stateSurplus:
			waiting.Minor += b.Amount.Minor
		case stateReturned:
			returned.Minor += b.Amount.Minor
		}
	}
	return waiting, returned, err
}
