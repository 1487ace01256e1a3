package db

import "context"

// Scan is the Scan of a row.
type Scan = func(dest ...any) error

// Value reads a row of one column.
func Value[T any](scan Scan) (v T, err error) {
	err = scan(&v)
	return v, err
}

// Rows gives every row of a query as read makes it of them. Without rows it is nil.
func Rows[T any](ctx context.Context, q Querier, read func(Scan) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := read(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// List is Rows in a Read of its own; nothing is left over of a run that had to
// be repeated.
func List[T any](ctx context.Context, d *DB, read func(Scan) (T, error), query string, args ...any) (all []T, err error) {
	err = d.Read(ctx, func(ctx context.Context, q Querier) error {
		all, err = Rows(ctx, q, read, query, args...)
		return err
	})
	return all, err
}
