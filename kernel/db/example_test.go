package db_test

import (
	"context"
	"fmt"

	"github.com/dinh-gov/dinh/kernel/db"
)

func Example() {
	ctx := context.Background()
	d, err := db.Open(ctx, "sqlite::memory:")
	if err != nil {
		panic(err)
	}
	defer d.Close()
	err = d.Write(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := q.ExecContext(ctx, "CREATE TABLE place (id TEXT PRIMARY KEY, name TEXT NOT NULL)"); err != nil {
			return err
		}
		db.AfterCommit(ctx, func() { fmt.Println("durable") })
		_, err := q.ExecContext(ctx, "INSERT INTO place (id, name) VALUES ($1, $2)", "48", "Đà Nẵng")
		return err
	})
	if err != nil {
		panic(err)
	}
	err = d.Read(ctx, func(ctx context.Context, q db.Querier) error {
		var name string
		if err := q.QueryRowContext(ctx, "SELECT name FROM place WHERE id = $1", "48").Scan(&name); err != nil {
			return err
		}
		fmt.Println(name)
		return nil
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// durable
	// Đà Nẵng
}
