package payments

import (
	"context"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
)

type journalEntry struct {
	ID, Key, Text, Reference string
	At                       time.Time
	Lines                    []journalLine
}

type journalLine struct {
	Account, Currency string
	Debit, Credit     int64
}

// insertEntry writes an entry once for its key.
func (s store) insertEntry(ctx context.Context, e journalEntry) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		first, err := s.moved(ctx, `INSERT INTO payments_journal (id, entry_key, at, text, reference) VALUES ($1,$2,$3,$4,$5) ON CONFLICT (entry_key) DO NOTHING`,
			e.ID, e.Key, e.At.UnixMicro(), e.Text, e.Reference)
		if err != nil || !first {
			return err
		}
		for i, l := range e.Lines {
			if _, err := q.ExecContext(ctx, `INSERT INTO payments_line (journal, line, account, currency, debit, credit) VALUES ($1,$2,$3,$4,$5,$6)`,
				e.ID, i, l.Account, l.Currency, l.Debit, l.Credit); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s store) balances(ctx context.Context) ([]Balance, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (b Balance, err error) {
		err = scan(&b.Account, &b.Currency, &b.Debit, &b.Credit)
		return b, err
	}, `SELECT account, currency, SUM(debit), SUM(credit) FROM payments_line GROUP BY account, currency ORDER BY account, currency`)
}

// differences asks what must be zero; each query names one truth of the books.
func (s store) differences(ctx context.Context) (map[string]int64, error) {
	truths := map[string]string{
		"debits less credits":        `SELECT COALESCE(SUM(debit),0)-COALESCE(SUM(credit),0) FROM payments_line`,
		"unbalanced entries":         `SELECT COUNT(*) FROM (SELECT journal FROM payments_line GROUP BY journal, currency HAVING SUM(debit)<>SUM(credit)) x`,
		"entries without lines":      `SELECT COUNT(*) FROM payments_journal WHERE id NOT IN (SELECT journal FROM payments_line)`,
		"receivable less open bills": `SELECT (SELECT COALESCE(SUM(debit)-SUM(credit),0) FROM payments_line WHERE account LIKE '%/receivable') - (SELECT COALESCE(SUM(amount),0) FROM payments_bill WHERE state='open')`,
		"provider less what was paid and not returned": `SELECT (SELECT COALESCE(SUM(debit)-SUM(credit),0) FROM payments_line WHERE account LIKE '%/provider') - (SELECT COALESCE(SUM(amount-refunded),0) FROM payments_bill WHERE state IN ('paid','part_refunded','refunded'))
			- (SELECT COALESCE(SUM(b.amount),0) FROM payments_payment p JOIN payments_bill b ON b.id=p.bill WHERE p.state='surplus')`,
		"surplus less payments to give back": `SELECT (SELECT COALESCE(SUM(credit)-SUM(debit),0) FROM payments_line WHERE account LIKE '%/surplus') - (SELECT COALESCE(SUM(b.amount),0) FROM payments_payment p JOIN payments_bill b ON b.id=p.bill WHERE p.state='surplus')`,
		"refunds less refunded on bills":     `SELECT (SELECT COALESCE(SUM(amount),0) FROM payments_refund) - (SELECT COALESCE(SUM(refunded),0) FROM payments_bill)`,
	}
	out := map[string]int64{}
	err := s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		for what, query := range truths {
			var n int64
			if err := q.QueryRowContext(ctx, query).Scan(&n); err != nil {
				return err
			}
			if n != 0 {
				out[what] = n
			}
		}
		return nil
	})
	return out, err
}
