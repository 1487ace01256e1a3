package db_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dinh-gov/dinh/kernel/db"
)

// BenchmarkGroupCommit measures durable single-insert transactions on a file.
func BenchmarkGroupCommit(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 512} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			d, _ := openFile(b)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range callers {
				wg.Go(func() {
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							return
						}
						if err := d.Write(context.Background(), put(fmt.Sprintf("%012d", n))); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
			if got := len(ids(b, d)); got != b.N {
				b.Fatalf("%d transactions left %d rows", b.N, got)
			}
		})
	}
}

// BenchmarkRead measures one-row reads by primary key on a file.
func BenchmarkRead(b *testing.B) {
	d, _ := openFile(b)
	if err := d.Write(b.Context(), put("a")); err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			err := d.Read(context.Background(), func(ctx context.Context, q db.Querier) error {
				var n int
				return q.QueryRowContext(ctx, "SELECT n FROM db_entry WHERE id = $1", "a").Scan(&n)
			})
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}

// BenchmarkFresh measures a migrated database for one test.
func BenchmarkFresh(b *testing.B) {
	for b.Loop() {
		if err := open(b).Close(); err != nil {
			b.Fatal(err)
		}
	}
}
