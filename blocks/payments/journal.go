package payments

import (
	"context"

	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/money"
)

// entry moves an amount from one account to another.
type entry struct {
	debit, credit string
	amount        money.Amount
}

// book writes a balanced entry into the journal of the bill's member, once for
// a key. It joins the transaction of ctx, so that a movement and its entry are
// one.
func (p *Payments) book(ctx context.Context, key, text string, b Bill, e entry) error {
	now := p.d.Clock.Now()
	return p.store.insertEntry(ctx, journalEntry{
		ID: id.New(now), Key: key, At: now, Text: text, Reference: b.Reference,
		Lines: []journalLine{
			{Account: b.Member + "/" + e.debit, Currency: e.amount.Currency, Debit: e.amount.Minor},
			{Account: b.Member + "/" + e.credit, Currency: e.amount.Currency, Credit: e.amount.Minor},
		},
	})
}

// Balance is one account of the journal.
type Balance struct {
	Account  string
	Currency string
	Debit    int64
	Credit   int64
}

// Balances lists all accounts.
func (p *Payments) Balances(ctx context.Context) ([]Balance, error) { return p.store.balances(ctx) }

// Balanced says whether, in every currency and in every single entry, debits
// equal credits, and whether the books agree with bills and refunds: it
// returns the differences in minor units by what they are of, empty when all
// is right.
func (p *Payments) Balanced(ctx context.Context) (map[string]int64, error) {
	return p.store.differences(ctx)
}
