package documents_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/documents"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/keys"
)

func Example() {
	if err := example(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// genuine
	// revoked
}

func example(ctx context.Context) error {
	d, err := db.Open(ctx, "sqlite::memory:")
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Migrate(ctx, "keys", keys.Migrations()); err != nil {
		return err
	}
	if err := d.Migrate(ctx, "documents", documents.Migrations()); err != nil {
		return err
	}
	c := clock.New(time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC))
	k, err := keys.Open(ctx, keys.Deps{DB: d, Clock: c, Master: [32]byte{1}, Instance: "VN"})
	if err != nil {
		return err
	}
	if _, err := k.Ensure(ctx, "GOV/MOJ", keys.Document, keys.Name{CommonName: "Bộ Tư pháp"}); err != nil {
		return err
	}
	x, err := documents.New(documents.Deps{DB: d, Clock: c, Keys: k, Log: slog.New(slog.DiscardHandler), Origin: "https://dinh.example.vn"})
	if err != nil {
		return err
	}
	doc, err := x.Issue(ctx, documents.NewDocument{Key: "case-1/1", Type: "birth-certificate", Title: text("Giấy khai sinh", "Birth certificate"),
		Signer: "GOV/MOJ", SignerName: text("Bộ Tư pháp", "Ministry of Justice"), Owners: []string{"001185000123"}})
	if err != nil {
		return err
	}
	_, file, err := x.PDF(as("001185000123"), doc.ID)
	if err != nil {
		return err
	}
	result, err := x.VerifyFile(ctx, file)
	if err != nil {
		return err
	}
	fmt.Println(result.Verdict)
	if err := x.Revoke(ctx, doc.ID, "issued in error"); err != nil {
		return err
	}
	result, err = x.VerifyFile(ctx, file)
	fmt.Println(result.Verdict)
	return err
}

// BenchmarkIssueTogether is how cases issue: many at once, which share commits.
func BenchmarkIssueTogether(b *testing.B) {
	x := open(b)
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		n := birth("")
		for pb.Next() {
			n.Key = fmt.Sprintf("%p/%d", pb, time.Now().UnixNano())
			if _, err := x.Issue(context.Background(), n); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
