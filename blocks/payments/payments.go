package payments

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/event"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/money"
	"github.com/dinh-gov/dinh/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations gives the block's tables.
func Migrations() fs.FS { return migrations }

// Messages gives the block's words in both languages.
func Messages() fs.FS { return messages }

// Deps is what payments stands on.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Keys     Pseudonyms
	Bus      *event.Bus
	Jobs     *job.Queue
	Log      *slog.Logger
	Provider Provider      // nil: the sandbox
	Pages    *web.Renderer // nil: no pages
}

// Pseudonyms turn a personal number into what tables may hold.
type Pseudonyms interface{ Pseudonym(value string) string }

// Provider takes card payments. All three calls may be repeated.
type Provider interface {
	// Start opens a payment with the provider and returns the address of its
	// page. ref is ours, and unique.
	Start(ctx context.Context, ref string, o Order) (page string, err error)
	// Status asks how a payment stands; errs.NotFound when Start never got there.
	Status(ctx context.Context, ref string) (ProviderStatus, error)
	// Refund gives back part of a payment, once for a key.
	Refund(ctx context.Context, ref, key string, amount money.Amount) error
	// Name is kept with each payment.
	Name() string
}

// Order is what the provider needs to know. It names no person.
type Order struct {
	Title  i18n.Text
	Amount money.Amount
	Return string // local path the person comes back to
}

// ProviderStatus is the provider's word on a payment.
type ProviderStatus struct {
	State  string // started, paid, failed
	Reason string // declined, expired_card, cancelled, provider_error, session_over
}

// BillState is where a bill stands.
type BillState string

// The states of a bill.
const (
	Open         BillState = "open"
	Paid         BillState = "paid"
	PartRefunded BillState = "part_refunded"
	Refunded     BillState = "refunded"
	Cancelled    BillState = "cancelled"
)

// NewBill asks for a bill.
type NewBill struct {
	Key       string // the same key gives the same bill
	Number    string // personal number of who owes
	Member    string // whose money it becomes
	Title     i18n.Text
	Label     i18n.Text // what the fee is
	Reference string    // dossier code
	Amount    money.Amount
	Return    string // local path to come back to
}

// Bill is money that somebody is asked for.
type Bill struct {
	ID        string
	Subject   string
	Member    string
	Title     i18n.Text
	Label     i18n.Text
	Reference string
	Amount    money.Amount
	Refunded  money.Amount
	State     BillState
	Return    string
	Created   time.Time
	Settled   time.Time
}

// NewRefund asks to give back a bill's money.
type NewRefund struct {
	Key    string
	Bill   string
	Amount money.Amount // zero: all that was paid and not given back yet
	Reason string
}

// Refund is money given back.
type Refund struct {
	ID, Bill string
	Amount   money.Amount
	State    string // pending, done
}

// Payments is the block.
type Payments struct {
	d        Deps
	store    store
	provider Provider
	sandbox  *sandbox // nil with another provider
}

// New builds the block.
func New(d Deps) *Payments {
	p := &Payments{d: d, store: store{db: d.DB}, provider: d.Provider}
	if p.provider == nil {
		p.sandbox = &sandbox{store: p.store, clock: d.Clock}
		p.provider = p.sandbox
	}
	d.Jobs.Handle(jobSettle, func(ctx context.Context, _ job.Job) error { return p.SettleAll(ctx) })
	d.Jobs.Every(jobSettle, time.Minute)
	d.Jobs.Handle(jobReturn, p.giveBack)
	return p
}

const (
	// jobSettle asks the provider about payments whose person never came back.
	jobSettle = "payments.settle"
	// jobReturn gives back what was paid beyond a bill.
	jobReturn = "payments.return"
)

// SettleAll settles the bills that have a payment begun and not ended yet, the
// oldest first. It runs every minute. A provider's page is open for a day at
// most, so none stays for ever.
func (p *Payments) SettleAll(ctx context.Context) error {
	bills, err := p.store.unsettled(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, bill := range bills {
		if _, _, err := p.Settle(ctx, bill); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// CreateBill makes a bill and books it, in the transaction of ctx. A key that
// was used before returns its bill unchanged.
// Errors: payments.amount_not_positive, payments.key_missing.
func (p *Payments) CreateBill(ctx context.Context, n NewBill) (Bill, error) {
	switch {
	case n.Key == "":
		return Bill{}, errs.New(errs.Invalid, "payments.key_missing")
	case n.Amount.Minor <= 0 || n.Amount.Currency == "":
		return Bill{}, errs.New(errs.Invalid, "payments.amount_not_positive")
	}
	var bill Bill
	err := p.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) (err error) {
		now := p.d.Clock.Now()
		bill = Bill{
			ID: id.New(now), Subject: p.d.Keys.Pseudonym(n.Number), Member: n.Member, Title: n.Title, Label: n.Label, Reference: n.Reference,
			Amount: n.Amount, Refunded: money.Amount{Currency: n.Amount.Currency}, State: Open, Return: n.Return, Created: now,
		}
		made, err := p.store.insertBill(ctx, n.Key, bill)
		if err != nil {
			return err
		}
		if !made {
			bill, err = p.store.billBy(ctx, "bill_key", n.Key)
			return err
		}
		return p.book(ctx, "bill/"+bill.ID, "bill", bill, entry{debit: "receivable", credit: "revenue", amount: bill.Amount})
	})
	return bill, err
}

// Bill gives the caller (the person of ctx) their own bill; anybody else's is
// not found.
func (p *Payments) Bill(ctx context.Context, billID string) (Bill, error) {
	bill, err := p.store.billBy(ctx, "id", billID)
	if err != nil {
		return Bill{}, err
	}
	if who := auth.From(ctx); !who.IsPerson() || p.d.Keys.Pseudonym(who.Number) != bill.Subject {
		return Bill{}, errs.New(errs.NotFound, "payments.bill_not_found")
	}
	return bill, nil
}

// Find gives a bill to other blocks, which check themselves who may see it.
func (p *Payments) Find(ctx context.Context, billID string) (Bill, error) {
	return p.store.billBy(ctx, "id", billID)
}

// Bills lists up to 50 bills of the person with this number, newest first.
func (p *Payments) Bills(ctx context.Context, number string) ([]Bill, error) {
	return p.store.bills(ctx, p.d.Keys.Pseudonym(number))
}

// Start opens a payment of the caller's own bill and returns the address of
// the provider's page.
// Errors: payments.bill_not_found, payments.bill_settled.
func (p *Payments) Start(ctx context.Context, billID string) (page string, err error) {
	bill, err := p.Bill(ctx, billID)
	if err != nil {
		return "", err
	}
	if bill.State != Open {
		return "", errs.New(errs.Conflict, "payments.bill_settled")
	}
	now := p.d.Clock.Now()
	pay := payment{ID: id.New(now), Bill: bill.ID, Provider: p.provider.Name(), Ref: id.Token(18), State: "started", Created: now}
	err = p.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error { return p.store.insertPayment(ctx, pay) })
	if err != nil {
		return "", err
	}
	return p.provider.Start(ctx, pay.Ref, Order{Title: bill.Title, Amount: bill.Amount, Return: "/pay/" + bill.ID + "/done"})
}

// Settle asks the provider how the bill's payments stand and books what is
// new. It returns the bill and the reason of the last failure, if the bill is
// still open. It may be called at any time and any number of times.
func (p *Payments) Settle(ctx context.Context, billID string) (Bill, string, error) {
	bill, err := p.store.billBy(ctx, "id", billID)
	if err != nil {
		return bill, "", err
	}
	pays, err := p.store.payments(ctx, billID)
	if err != nil {
		return bill, "", err
	}
	reason := ""
	for _, pay := range pays {
		if pay.State != "started" {
			reason = pay.Reason
			continue
		}
		status, err := p.provider.Status(ctx, pay.Ref)
		if errs.KindOf(err) == errs.NotFound {
			status, err = p.neverBegan(pay), nil
		}
		if err != nil {
			return bill, reason, err
		}
		switch status.State {
		case "paid":
			if bill, err = p.paid(ctx, billID, pay); err != nil {
				return bill, reason, err
			}
		case "failed":
			reason = status.Reason
			if err := p.failed(ctx, bill, pay, status.Reason); err != nil {
				return bill, reason, err
			}
		}
	}
	if bill.State != Open {
		reason = ""
	}
	return bill, reason, nil
}

// neverBegan judges a payment that the provider does not know: the machine died
// between our note and the call. It may still be on its way, so only an old one
// has failed.
func (p *Payments) neverBegan(pay payment) ProviderStatus {
	if p.d.Clock.Now().Sub(pay.Created) < time.Hour {
		return ProviderStatus{State: "started"}
	}
	return ProviderStatus{State: "failed", Reason: "cancelled"}
}

// paid books a payment once. A payment of a bill that is settled by now (two
// windows, or cancelled in between) is a surplus.
func (p *Payments) paid(ctx context.Context, billID string, pay payment) (bill Bill, err error) {
	err = p.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		if bill, err = p.store.billBy(ctx, "id", billID); err != nil {
			return err
		}
		now, state := p.d.Clock.Now(), "paid"
		if bill.State != Open {
			state = stateSurplus
		}
		moved, err := p.store.movePayment(ctx, pay.ID, state, "", now)
		if err != nil || !moved {
			return err
		}
		if bill.State != Open {
			return p.keepSurplus(ctx, bill, pay)
		}
		bill.State, bill.Settled = Paid, now
		if err := p.store.updateBill(ctx, bill); err != nil {
			return err
		}
		if err := p.book(ctx, "paid/"+pay.ID, "payment", bill, entry{debit: "provider", credit: "receivable", amount: bill.Amount}); err != nil {
			return err
		}
		return p.d.Bus.Publish(ctx, EventPaid, bill.ID, p.fact(bill, bill.Amount, ""))
	})
	return bill, err
}

func (p *Payments) failed(ctx context.Context, bill Bill, pay payment, reason string) error {
	return p.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		moved, err := p.store.movePayment(ctx, pay.ID, "failed", reason, p.d.Clock.Now())
		if err != nil || !moved || bill.State != Open { // of a settled bill nobody needs to hear
			return err
		}
		return p.d.Bus.Publish(ctx, EventFailed, bill.ID, p.fact(bill, bill.Amount, reason))
	})
}

func (p *Payments) fact(b Bill, amount money.Amount, reason string) Fact {
	return Fact{Bill: b.ID, Reference: b.Reference, Member: b.Member, Minor: amount.Minor, Currency: amount.Currency, Reason: reason}
}

// Cancel closes an open bill and books it back; a bill that is settled stays
// as it is.
func (p *Payments) Cancel(ctx context.Context, billID string) error {
	return p.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		bill, err := p.store.billBy(ctx, "id", billID)
		if err != nil || bill.State != Open {
			return err
		}
		bill.State, bill.Settled = Cancelled, p.d.Clock.Now()
		if err := p.store.updateBill(ctx, bill); err != nil {
			return err
		}
		return p.book(ctx, "cancel/"+bill.ID, "cancel", bill, entry{debit: "revenue", credit: "receivable", amount: bill.Amount})
	})
}

// Refund gives money back: it is booked first, then sent to the provider, and
// both happen once for a key. Refunding an unpaid bill cancels it.
// Errors: payments.refund_above_paid, payments.bill_not_found.
func (p *Payments) Refund(ctx context.Context, n NewRefund) (Refund, error) {
	if n.Key == "" {
		return Refund{}, errs.New(errs.Invalid, "payments.key_missing")
	}
	bill, err := p.store.billBy(ctx, "id", n.Bill)
	if err != nil {
		return Refund{}, err
	}
	if bill.State == Cancelled {
		return Refund{Bill: bill.ID, Amount: money.Amount{Currency: bill.Amount.Currency}, State: "done"}, nil
	}
	if bill.State == Open {
		return Refund{Bill: bill.ID, Amount: money.Amount{Currency: bill.Amount.Currency}, State: "done"}, p.Cancel(ctx, bill.ID)
	}
	var r Refund
	var ref string
	err = p.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		r, ref, err = p.reserve(ctx, n)
		return err
	})
	if err != nil || r.State == "done" {
		return r, err
	}
	if err := p.provider.Refund(ctx, ref, n.Key, r.Amount); err != nil {
		return r, err
	}
	err = p.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		moved, err := p.store.finishRefund(ctx, r.ID)
		if err != nil || !moved {
			return err
		}
		return p.d.Bus.Publish(ctx, EventRefunded, r.Bill, p.fact(bill, r.Amount, n.Reason))
	})
	r.State = "done"
	return r, err
}

// reserve books a refund, or finds the one with this key.
func (p *Payments) reserve(ctx context.Context, n NewRefund) (Refund, string, error) {
	if r, ref, err := p.store.refund(ctx, n.Key); err == nil || errs.KindOf(err) != errs.NotFound {
		return r, ref, err
	}
	bill, err := p.store.billBy(ctx, "id", n.Bill)
	if err != nil {
		return Refund{}, "", err
	}
	left := bill.Amount.Minor - bill.Refunded.Minor
	amount := n.Amount
	if amount.Minor == 0 {
		amount = money.Amount{Minor: left, Currency: bill.Amount.Currency}
	}
	if bill.State == Cancelled || amount.Currency != bill.Amount.Currency || amount.Minor < 0 || amount.Minor > left {
		return Refund{}, "", errs.New(errs.Invalid, "payments.refund_above_paid")
	}
	if amount.Minor == 0 {
		return Refund{Bill: bill.ID, Amount: amount, State: "done"}, "", nil
	}
	pay, err := p.store.paidPayment(ctx, bill.ID)
	if err != nil {
		return Refund{}, "", err
	}
	now := p.d.Clock.Now()
	r := Refund{ID: id.New(now), Bill: bill.ID, Amount: amount, State: "pending"}
	if err := p.store.insertRefund(ctx, n, r, pay, now); err != nil {
		return Refund{}, "", err
	}
	bill.Refunded.Minor += amount.Minor
	bill.State = PartRefunded
	if bill.Refunded.Minor == bill.Amount.Minor {
		bill.State = Refunded
	}
	if err := p.store.updateBill(ctx, bill); err != nil {
		return Refund{}, "", err
	}
	return r, pay.Ref, p.book(ctx, "refund/"+r.ID, "refund", bill, entry{debit: "revenue", credit: "provider", amount: amount})
}
