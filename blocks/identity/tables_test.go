package identity_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/dinh-gov/dinh/kernel/db"
)

func readFile(name string) ([]byte, error) { return os.ReadFile(name) }

// number reads one figure of a table.
func (h *place) number(query string) (n int64) {
	h.t.Helper()
	if err := h.db.Read(h.t.Context(), func(ctx context.Context, q db.Querier) error { return q.QueryRowContext(ctx, query).Scan(&n) }); err != nil {
		h.t.Fatal(err)
	}
	return n
}

// everything is what stands in the block's tables.
func (h *place) everything() string {
	h.t.Helper()
	var b strings.Builder
	err := h.db.Read(h.t.Context(), func(ctx context.Context, q db.Querier) error {
		for _, table := range []string{"account", "passkey", "session", "attempt", "ceremony", "sample", "limit", "authenticator"} {
			rows, err := q.QueryContext(ctx, `SELECT * FROM identity_`+table)
			if err != nil {
				return err
			}
			defer rows.Close()
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			for rows.Next() {
				row := make([]any, len(columns))
				for i := range row {
					row[i] = new(any)
				}
				if err := rows.Scan(row...); err != nil {
					return err
				}
				for i := range row {
					fmt.Fprintln(&b, *row[i].(*any))
				}
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return b.String()
}
