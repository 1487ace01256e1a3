package payments

import (
	"context"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/money"
)

// sandbox is a card provider for trying things out. It behaves like a real
// one: its own page takes the card, it keeps its own books, and it answers
// questions about a payment whenever it is asked. Its page closes after a day.
// Nothing about a card is stored.
type sandbox struct {
	store store
	clock clock.Clock
}

const sandboxLife = 24 * time.Hour

// Name implements Provider.
func (*sandbox) Name() string { return "sandbox" }

// Start implements Provider.
func (s *sandbox) Start(ctx context.Context, ref string, o Order) (string, error) {
	return "/sandbox-card/" + ref, s.store.sandboxStart(ctx, ref, o, s.clock.Now().Add(sandboxLife))
}

// Status implements Provider.
func (s *sandbox) Status(ctx context.Context, ref string) (ProviderStatus, error) {
	row, err := s.row(ctx, ref)
	return ProviderStatus{State: row.State, Reason: row.Reason}, err
}

// row reads a payment, and ends it when its page has closed.
func (s *sandbox) row(ctx context.Context, ref string) (sandboxRow, error) {
	row, err := s.store.sandboxRow(ctx, ref)
	if err != nil || row.State != "started" || row.Ends == 0 || db.Micros(s.clock.Now()) < row.Ends {
		return row, err
	}
	err = s.store.sandboxMove(ctx, ref, ProviderStatus{State: "failed", Reason: "session_over"})
	if err != nil && errs.CodeOf(err) != "payments.bill_settled" {
		return row, err
	}
	return s.store.sandboxRow(ctx, ref)
}

// Refund implements Provider.
func (s *sandbox) Refund(ctx context.Context, ref, key string, amount money.Amount) error {
	return s.store.sandboxRefund(ctx, ref, key, amount.Minor)
}

// pay tries to pay with a card whose fields are right.
func (s *sandbox) pay(ctx context.Context, ref string, c card) error {
	status, known := outcome(c.number)
	if !known {
		return errs.New(errs.Invalid, "payments.not_a_test_card")
	}
	return s.store.sandboxMove(ctx, ref, status)
}
