package payments_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/blocks/payments"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/event"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/money"
)

type plainNames struct{}

func (plainNames) Pseudonym(v string) string { return "p-" + v }

// provider is a hand-written card provider whose outcome the test chooses.
type provider struct {
	mu       sync.Mutex
	state    map[string]payments.ProviderStatus
	amount   map[string]int64 // by ref
	refunded map[string]int64 // by key
	fail     error
}

func (p *provider) Name() string { return "test" }

func (p *provider) Start(_ context.Context, ref string, o payments.Order) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.amount[ref] = o.Amount.Minor
	p.state[ref] = payments.ProviderStatus{State: "started"}
	return "/card/" + ref, nil
}

func (p *provider) Status(_ context.Context, ref string) (payments.ProviderStatus, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.state[ref]
	if !ok {
		return s, errs.New(errs.NotFound, "payments.payment_not_found")
	}
	return s, p.fail
}

func (p *provider) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.state)
}

func (p *provider) Refund(_ context.Context, _, key string, a money.Amount) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	p.refunded[key] = a.Minor
	return nil
}

// holds is what the provider's statement ends with: all that people paid, less
// all that it gave back.
func (p *provider) holds() (minor int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ref, s := range p.state {
		if s.State == "paid" {
			minor += p.amount[ref]
		}
	}
	for _, back := range p.refunded {
		minor -= back
	}
	return minor
}

// surplus is what the provider gave back of payments that nobody owed.
func (p *provider) surplus() (minor int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, back := range p.refunded {
		if strings.HasPrefix(key, "twice/") {
			minor += back
		}
	}
	return minor
}

func (p *provider) all(state, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ref, s := range p.state {
		if s.State == "started" {
			p.state[ref] = payments.ProviderStatus{State: state, Reason: reason}
		}
	}
}

type house struct {
	*payments.Payments
	provider *provider
	clock    *clock.Fake
	queue    *job.Queue
	events   []string
}

func open(t testing.TB) *house { t.Helper(); return openWith(t, func(*payments.Deps) {}) }

func withSandbox(d *payments.Deps) { d.Provider = nil }

func openWith(t testing.TB, change func(*payments.Deps)) *house {
	t.Helper()
	d := dbtest.New(t, dbtest.Set{Name: "payments", FS: payments.Migrations()}, dbtest.Set{Name: "job", FS: job.Migrations()})
	h := &house{provider: &provider{state: map[string]payments.ProviderStatus{}, amount: map[string]int64{}, refunded: map[string]int64{}}, clock: clock.New(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))}
	h.queue = job.New(job.Deps{DB: d, Clock: h.clock, Log: slog.New(slog.DiscardHandler)})
	bus := event.New(h.queue, h.clock)
	for _, e := range []string{payments.EventPaid, payments.EventFailed, payments.EventRefunded} {
		bus.Subscribe(e, "test", func(_ context.Context, ev event.Event) error { h.events = append(h.events, ev.Type); return nil })
	}
	deps := payments.Deps{DB: d, Clock: h.clock, Keys: plainNames{}, Bus: bus, Jobs: h.queue, Provider: h.provider}
	change(&deps)
	h.Payments = payments.New(deps)
	return h
}

func bill(key string) payments.NewBill {
	return payments.NewBill{Key: key, Number: "001", Member: "GOV/MPS", Title: i18n.Text{VI: "Đổi bằng", EN: "Renew"}, Label: i18n.Text{VI: "Lệ phí", EN: "Fee"},
		Reference: "H1", Amount: money.Amount{Minor: 115000, Currency: "VND"}, Return: "/applications/1"}
}

func as(number string) context.Context {
	return auth.With(context.Background(), auth.Principal{Account: "a", Number: number, Level: auth.Low})
}

func balanced(t rapid.TB, h *house) {
	t.Helper()
	if off, err := h.Balanced(context.Background()); err != nil || len(off) != 0 {
		t.Errorf("the books are off: %v %v", off, err)
	}
}

// account is one account of the member's books.
func account(t rapid.TB, h *house, name string) (b payments.Balance) {
	t.Helper()
	all, err := h.Balances(context.Background())
	if err != nil {
		t.Error(err)
	}
	for _, a := range all {
		if a.Account == "GOV/MPS/"+name {
			b = a
		}
	}
	return b
}

// reconciled compares the books with the provider's statement, when every
// payment is settled.
func reconciled(t rapid.TB, h *house) {
	t.Helper()
	if a := account(t, h, "provider"); a.Debit-a.Credit != h.provider.holds() {
		t.Errorf("the books say that the provider holds %d, its statement %d", a.Debit-a.Credit, h.provider.holds())
	}
	if a := account(t, h, "surplus"); a.Debit != h.provider.surplus() {
		t.Errorf("the books say that %d was given back, the provider %d", a.Debit, h.provider.surplus())
	}
}

func TestPayAndRefundOnce(t *testing.T) {
	t.Parallel()
	h, ctx := open(t), as("001")
	first, err := h.CreateBill(ctx, bill("k"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.CreateBill(ctx, bill("k")); err != nil || again.ID != first.ID {
		t.Errorf("the same key gave %v, %v", again.ID, err)
	}
	if page, err := h.Start(ctx, first.ID); err != nil || !strings.HasPrefix(page, "/card/") {
		t.Fatal(page, err)
	}
	h.provider.all("paid", "")
	for range 3 {
		if b, _, err := h.Settle(ctx, first.ID); err != nil || b.State != payments.Paid {
			t.Fatal(b.State, err)
		}
	}
	balanced(t, h)
	for range 3 {
		if r, err := h.Refund(ctx, payments.NewRefund{Key: "r", Bill: first.ID, Reason: "refused"}); err != nil || r.Amount.Minor != 115000 {
			t.Fatal(r, err)
		}
	}
	if len(h.provider.refunded) != 1 {
		t.Errorf("the provider was asked for %v", h.provider.refunded)
	}
	if _, err := h.Refund(ctx, payments.NewRefund{Key: "other", Bill: first.ID, Amount: money.Amount{Minor: 1, Currency: "VND"}}); errs.CodeOf(err) != "payments.refund_above_paid" {
		t.Errorf("a refund above what is left: %v", err)
	}
	balanced(t, h)
	if err := h.queue.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(h.events) != "[payments.paid payments.refunded]" {
		t.Errorf("events: %v", h.events)
	}
}

func TestFailuresLeaveTheBillOpen(t *testing.T) {
	t.Parallel()
	h, ctx := open(t), as("001")
	b, _ := h.CreateBill(ctx, bill("k"))
	if _, err := h.Start(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	h.provider.all("failed", "declined")
	got, reason, err := h.Settle(ctx, b.ID)
	if err != nil || got.State != payments.Open || reason != "declined" {
		t.Errorf("%v %q %v", got.State, reason, err)
	}
	h.provider.fail = errs.New(errs.Unavailable, "payments.provider_down")
	if _, err := h.Start(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Settle(ctx, b.ID); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("a provider that is down: %v", err)
	}
	h.provider.fail = nil
	h.provider.all("paid", "")
	h.clock.Advance(time.Minute)
	if err := h.SettleAll(ctx); err != nil {
		t.Fatal(err)
	}
	if got, _ := h.Find(ctx, b.ID); got.State != payments.Paid {
		t.Errorf("nobody came back and the payment was forgotten: %v", got.State)
	}
	balanced(t, h)
}

// TestAPaymentThatNeverReachedTheProvider stands for a machine that died between
// noting the payment and calling the provider.
func TestAPaymentThatNeverReachedTheProvider(t *testing.T) {
	t.Parallel()
	h, ctx := open(t), as("001")
	b, _ := h.CreateBill(ctx, bill("k"))
	if _, err := h.Start(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	h.provider.forget()
	if got, _, err := h.Settle(ctx, b.ID); err != nil || got.State != payments.Open {
		t.Fatal(got.State, err)
	}
	if _, err := h.Start(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	h.provider.all("paid", "")
	if got, _, err := h.Settle(ctx, b.ID); err != nil || got.State != payments.Paid {
		t.Errorf("the second try: %v %v", got.State, err)
	}
	balanced(t, h)
}

// The sandbox's page closes after a day; until then a payment is settled however
// late it comes.
func TestThePaymentPageCloses(t *testing.T) {
	t.Parallel()
	h, ctx := openWith(t, withSandbox), as("001")
	b, err := h.CreateBill(ctx, bill("k1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Start(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		wait   time.Duration
		reason string
	}{{24*time.Hour - time.Second, ""}, {time.Second, "session_over"}} {
		h.clock.Advance(step.wait)
		if err := h.SettleAll(ctx); err != nil {
			t.Fatal(err)
		}
		if got, reason, err := h.Settle(ctx, b.ID); err != nil || got.State != payments.Open || reason != step.reason {
			t.Errorf("after %s: %s, %q, %v", step.wait, got.State, reason, err)
		}
	}
	if _, err := h.Start(ctx, b.ID); err != nil {
		t.Errorf("a new payment: %v", err)
	}
	balanced(t, h)
}

// Days later the provider may still tell of a payment.
func TestALatePaymentIsSettled(t *testing.T) {
	t.Parallel()
	h, ctx := open(t), as("001")
	b, err := h.CreateBill(ctx, bill("k1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Start(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(100 * time.Hour)
	h.provider.all("paid", "")
	if err := h.SettleAll(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Bill(ctx, b.ID); err != nil || got.State != payments.Paid {
		t.Errorf("%s, %v", got.State, err)
	}
	balanced(t, h)
}

func TestACancelledBillIsRefundedAlready(t *testing.T) {
	t.Parallel()
	h, ctx := open(t), as("001")
	b, _ := h.CreateBill(ctx, bill("k"))
	for range 2 {
		if _, err := h.Refund(ctx, payments.NewRefund{Key: "r", Bill: b.ID}); err != nil {
			t.Error(err)
		}
	}
	balanced(t, h)
}

func TestTwoWindowsPayOnce(t *testing.T) {
	t.Parallel()
	h, ctx := open(t), as("001")
	b, _ := h.CreateBill(ctx, bill("k"))
	for range 2 {
		if _, err := h.Start(ctx, b.ID); err != nil {
			t.Fatal(err)
		}
	}
	h.provider.all("paid", "")
	for range 2 {
		if _, _, err := h.Settle(ctx, b.ID); err != nil {
			t.Fatal(err)
		}
	}
	balanced(t, h)
	reconciled(t, h)
	if a := account(t, h, "surplus"); a.Credit != 115000 || a.Debit != 0 {
		t.Errorf("before the second payment is given back the books have %+v", a)
	}
	if err := h.queue.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	balanced(t, h)
	reconciled(t, h)
	if a := account(t, h, "surplus"); a.Credit != 115000 || a.Debit != 115000 {
		t.Errorf("after the second payment was given back the books have %+v", a)
	}
	if got, _ := h.Find(ctx, b.ID); got.State != payments.Paid {
		t.Errorf("%v", got.State)
	}
	if len(h.provider.refunded) != 1 {
		t.Errorf("the second payment was given back %d times: %v", len(h.provider.refunded), h.provider.refunded)
	}
}

// A provider that is down keeps the surplus, and so do the books, until it is
// back; then the money is given back once, however often the work is repeated.
func TestASurplusWaitsForTheProvider(t *testing.T) {
	t.Parallel()
	h, ctx := open(t), as("001")
	b, _ := h.CreateBill(ctx, bill("k"))
	if _, err := h.Start(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	if err := h.Cancel(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	h.provider.all("paid", "")
	if got, _, err := h.Settle(ctx, b.ID); err != nil || got.State != payments.Cancelled {
		t.Fatal(got.State, err)
	}
	h.provider.fail = errs.New(errs.Unavailable, "payments.provider_down")
	for _, want := range []int64{0, 115000, 115000} {
		if err := h.queue.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		balanced(t, h)
		reconciled(t, h)
		if a := account(t, h, "surplus"); a.Credit != 115000 || a.Debit != want {
			t.Errorf("the books have %+v, want %d given back", a, want)
		}
		h.provider.fail = nil
		h.clock.Advance(time.Hour)
	}
}

func TestOthersBillsDoNotExist(t *testing.T) {
	t.Parallel()
	h := open(t)
	b, _ := h.CreateBill(as("001"), bill("k"))
	for name, ctx := range map[string]context.Context{"nobody": context.Background(), "somebody else": as("002"),
		"an officer": auth.With(context.Background(), auth.Principal{Officer: "o", Number: "001", Member: "GOV/MPS"})} {
		if _, err := h.Bill(ctx, b.ID); errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s sees the bill: %v", name, err)
		}
		if _, err := h.Start(ctx, b.ID); errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s pays the bill: %v", name, err)
		}
	}
}

func TestBadBills(t *testing.T) {
	t.Parallel()
	h := open(t)
	for code, change := range map[string]func(*payments.NewBill){
		"payments.key_missing":         func(b *payments.NewBill) { b.Key = "" },
		"payments.amount_not_positive": func(b *payments.NewBill) { b.Amount.Minor = 0 },
	} {
		b := bill("x")
		change(&b)
		if _, err := h.CreateBill(as("001"), b); errs.CodeOf(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// TestTheBooksAlwaysBalance does anything in any order, paying twice too; when
// every payment is settled, the books and the provider's statement agree.
func TestTheBooksAlwaysBalance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h, ctx := open(t), as("001")
		var bills []string
		for i := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			if len(bills) == 0 || rapid.IntRange(0, 3).Draw(rt, "new") == 0 {
				n := bill(fmt.Sprint("k", i))
				n.Amount.Minor = rapid.Int64Range(1, 1_000_000).Draw(rt, "amount")
				b, err := h.CreateBill(ctx, n)
				if err != nil {
					rt.Fatal(err)
				}
				bills = append(bills, b.ID)
				continue
			}
			id := rapid.SampledFrom(bills).Draw(rt, "bill")
			switch rapid.IntRange(0, 7).Draw(rt, "what") {
			case 0:
				_, _ = h.Start(ctx, id)
			case 1:
				h.provider.all("paid", "")
			case 2:
				h.provider.all("failed", "declined")
			case 3:
				_, _, _ = h.Settle(ctx, id)
			case 4:
				_, _ = h.Refund(ctx, payments.NewRefund{Key: fmt.Sprint("r", rapid.IntRange(0, 9).Draw(rt, "key"), id), Bill: id, Amount: money.Amount{Minor: rapid.Int64Range(0, 500_000).Draw(rt, "back"), Currency: "VND"}})
			case 5:
				_ = h.Cancel(ctx, id)
			case 6: // two windows
				_, _ = h.Start(ctx, id)
				_, _ = h.Start(ctx, id)
				h.provider.all("paid", "")
			case 7:
				_ = h.queue.Drain(ctx)
			}
			if off, err := h.Balanced(ctx); err != nil || len(off) != 0 {
				rt.Fatalf("after step %d: %v %v", i, off, err)
			}
		}
		if err := h.SettleAll(ctx); err != nil {
			rt.Fatal(err)
		}
		reconciled(rt, h)
		for range 2 {
			if err := h.queue.Drain(ctx); err != nil {
				rt.Fatal(err)
			}
		}
		reconciled(rt, h)
		balanced(rt, h)
		if a := account(rt, h, "surplus"); a.Debit != a.Credit {
			rt.Fatalf("not all of the surplus was given back: %+v", a)
		}
	})
}
