package payments

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/money"
)

type store struct{ db *db.DB }

// payment is one attempt to pay a bill.
type payment struct {
	ID, Bill, Provider, Ref, State, Reason string
	Created                                time.Time
}

func encode(t i18n.Text) string {
	b, _ := json.Marshal(t) // two strings always marshal
	return string(b)
}

const billColumns = `id, subject, member, title, label, reference, amount, currency, refunded, state, return_path, created, settled`

func scanBill(scan func(...any) error) (Bill, error) {
	var b Bill
	var title, label string
	var created, settled int64
	err := scan(&b.ID, &b.Subject, &b.Member, &title, &label, &b.Reference, &b.Amount.Minor, &b.Amount.Currency, &b.Refunded.Minor, &b.State, &b.Return, &created, &settled)
	if err != nil {
		return b, err
	}
	b.Refunded.Currency, b.Created = b.Amount.Currency, time.UnixMicro(created)
	if settled > 0 {
		b.Settled = time.UnixMicro(settled)
	}
	return b, errors.Join(json.Unmarshal([]byte(title), &b.Title), json.Unmarshal([]byte(label), &b.Label))
}

// insertBill says whether the bill was made; false means that its key exists.
func (s store) insertBill(ctx context.Context, key string, b Bill) (made bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, `INSERT INTO payments_bill (id, bill_key, subject, member, title, label, reference, amount, currency, refunded, state, return_path, created, settled)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,0,$10,$11,$12,0) ON CONFLICT (bill_key) DO NOTHING`,
			b.ID, key, b.Subject, b.Member, encode(b.Title), encode(b.Label), b.Reference, b.Amount.Minor, b.Amount.Currency, string(b.State), b.Return, b.Created.UnixMicro())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		made = n == 1
		return err
	})
	return made, err
}

func (s store) billBy(ctx context.Context, column, value string) (b Bill, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		b, err = scanBill(q.QueryRowContext(ctx, `SELECT `+billColumns+` FROM payments_bill WHERE `+column+`=$1`, value).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Bill{}, errs.New(errs.NotFound, "payments.bill_not_found")
	}
	return b, err
}

func (s store) bills(ctx context.Context, subject string) ([]Bill, error) {
	return db.List(ctx, s.db, scanBill, `SELECT `+billColumns+` FROM payments_bill WHERE subject=$1 ORDER BY created DESC LIMIT 50`, subject)
}

func (s store) updateBill(ctx context.Context, b Bill) error {
	return s.exec(ctx, `UPDATE payments_bill SET state=$1, refunded=$2, settled=$3 WHERE id=$4`, string(b.State), b.Refunded.Minor, micros(b.Settled), b.ID)
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func (s store) exec(ctx context.Context, query string, args ...any) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, query, args...)
		return err
	})
}

// moved runs an update that only the first caller may succeed with.
func (s store) moved(ctx context.Context, query string, args ...any) (ok bool, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		ok = n == 1
		return err
	})
	return ok, err
}

func (s store) insertPayment(ctx context.Context, p payment) error {
	return s.exec(ctx, `INSERT INTO payments_payment (id, bill, provider, provider_ref, state, reason, created, settled) VALUES ($1,$2,$3,$4,$5,'',$6,0)`,
		p.ID, p.Bill, p.Provider, p.Ref, p.State, p.Created.UnixMicro())
}

func (s store) movePayment(ctx context.Context, id, state, reason string, at time.Time) (bool, error) {
	return s.moved(ctx, `UPDATE payments_payment SET state=$1, reason=$2, settled=$3 WHERE id=$4 AND state='started'`, state, reason, at.UnixMicro(), id)
}

// returnPayment ends a surplus, once.
func (s store) returnPayment(ctx context.Context, id string) (bool, error) {
	return s.moved(ctx, `UPDATE payments_payment SET state='returned' WHERE id=$1 AND state='surplus'`, id)
}

func (s store) payments(ctx context.Context, bill string) ([]payment, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (p payment, err error) {
		var created int64
		err = scan(&p.ID, &p.Bill, &p.Provider, &p.Ref, &p.State, &p.Reason, &created)
		p.Created = time.UnixMicro(created)
		return p, err
	}, `SELECT id, bill, provider, provider_ref, state, reason, created FROM payments_payment WHERE bill=$1 ORDER BY created, id`, bill)
}

// unsettled lists bills with a payment that is not settled: also bills that
// are, for a person may have paid in two windows.
func (s store) unsettled(ctx context.Context) ([]string, error) {
	return db.List(ctx, s.db, db.Value[string], `SELECT bill FROM payments_payment WHERE state='started' GROUP BY bill ORDER BY MIN(created) LIMIT 500`)
}

// paidPayment finds the payment that settled the bill: the first one paid.
func (s store) paidPayment(ctx context.Context, bill string) (payment, error) {
	all, err := s.payments(ctx, bill)
	if err != nil {
		return payment{}, err
	}
	var best payment
	for _, p := range all {
		if p.State == "paid" && best.ID == "" {
			best = p
		}
	}
	if best.ID == "" {
		return payment{}, errs.New(errs.Conflict, "payments.refund_above_paid")
	}
	return best, nil
}

func (s store) insertRefund(ctx context.Context, n NewRefund, r Refund, p payment, at time.Time) error {
	return s.exec(ctx, `INSERT INTO payments_refund (id, refund_key, bill, payment, amount, reason, state, created) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)`,
		r.ID, n.Key, r.Bill, p.ID, r.Amount.Minor, n.Reason, r.State, at.UnixMicro())
}

// refund finds a refund by its key, with the provider's reference of the
// payment that it gives back.
func (s store) refund(ctx context.Context, key string) (r Refund, ref string, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT f.id, f.bill, f.amount, b.currency, f.state, p.provider_ref FROM payments_refund f
			JOIN payments_payment p ON p.id=f.payment JOIN payments_bill b ON b.id=f.bill WHERE f.refund_key=$1`, key).
			Scan(&r.ID, &r.Bill, &r.Amount.Minor, &r.Amount.Currency, &r.State, &ref)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Refund{}, "", errs.New(errs.NotFound, "payments.refund_not_found")
	}
	return r, ref, err
}

func (s store) finishRefund(ctx context.Context, id string) (bool, error) {
	return s.moved(ctx, `UPDATE payments_refund SET state='done' WHERE id=$1 AND state='pending'`, id)
}

type sandboxRow struct {
	Ref, State, Reason, Return string
	Amount                     money.Amount
	Title                      i18n.Text
	Refunded                   int64
	Ends                       int64 // when its page closes, in microseconds; 0: never
}

func (s store) sandboxStart(ctx context.Context, ref string, o Order, ends time.Time) error {
	return s.exec(ctx, `INSERT INTO payments_sandbox (ref, state, reason, amount, currency, title, return_path, refunded, ends) VALUES ($1,'started','',$2,$3,$4,$5,0,$6) ON CONFLICT (ref) DO NOTHING`,
		ref, o.Amount.Minor, o.Amount.Currency, encode(o.Title), o.Return, db.Micros(ends))
}

func (s store) sandboxRow(ctx context.Context, ref string) (r sandboxRow, err error) {
	var title string
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT ref, state, reason, amount, currency, title, return_path, refunded, ends FROM payments_sandbox WHERE ref=$1`, ref).
			Scan(&r.Ref, &r.State, &r.Reason, &r.Amount.Minor, &r.Amount.Currency, &title, &r.Return, &r.Refunded, &r.Ends)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return r, errs.New(errs.NotFound, "payments.payment_not_found")
	}
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(title), &r.Title)
}

func (s store) sandboxMove(ctx context.Context, ref string, st ProviderStatus) error {
	ok, err := s.moved(ctx, `UPDATE payments_sandbox SET state=$1, reason=$2 WHERE ref=$3 AND state='started'`, st.State, st.Reason, ref)
	if err == nil && !ok {
		return errs.New(errs.Conflict, "payments.bill_settled")
	}
	return err
}

func (s store) sandboxRefund(ctx context.Context, ref, key string, minor int64) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		first, err := s.moved(ctx, `INSERT INTO payments_sandbox_refund (refund_key, ref, amount) VALUES ($1,$2,$3) ON CONFLICT (refund_key) DO NOTHING`, key, ref, minor)
		if err != nil || !first {
			return err
		}
		ok, err := s.moved(ctx, `UPDATE payments_sandbox SET refunded=refunded+$1 WHERE ref=$2 AND state='paid' AND refunded+$1<=amount`, minor, ref)
		if err == nil && !ok {
			return errs.New(errs.Invalid, "payments.refund_above_paid")
		}
		return err
	})
}
