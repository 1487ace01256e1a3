package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
	"github.com/dinh-gov/dinh/kernel/db"
)

// Options bound the benchmark. Zero values are its defaults.
type Options struct {
	People  int    // in the house, 10,000
	Births  int    // applications, 1,500
	Workers int    // mothers at once, 32
	Folder  string // where the JSON goes, build/bench
	Profile string // file for a processor profile of the births; empty leaves it out
	Binary  string // for the start and memory figures; empty leaves them out
	Log     io.Writer
}

// Figure is one line of the table.
type Figure struct {
	Key, Title, Unit string
	Value            float64
	Aim              string // what it stands beside
}

// Run measures, prints and writes.
func Run(ctx context.Context, out io.Writer, o Options) error {
	o = o.complete()
	fmt.Fprintf(out, "A house with %d people; %d births by %d mothers at once; then pages, group commit, start and memory.\n", o.People, o.Births, o.Workers)
	s, err := demo.Open(ctx, demo.Options{People: o.People, Cast: o.Births + 1, Log: o.Log})
	if err != nil {
		return err
	}
	figures, err := measure(ctx, s, o)
	if closeErr := s.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if o.Binary != "" {
		more, err := outside(ctx, o)
		if err != nil {
			return err
		}
		figures = append(figures, more...)
	}
	print(out, figures)
	return write(filepath.Join(o.Folder, "house.json"), figures)
}

func (o Options) complete() Options {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.People, 10000)
	set(&o.Births, 1500)
	set(&o.Workers, 32)
	if o.Folder == "" {
		o.Folder = filepath.Join("build", "bench")
	}
	return o
}

func measure(ctx context.Context, s *demo.Stage, o Options) ([]Figure, error) {
	stop, err := profile(o.Profile)
	if err != nil {
		return nil, err
	}
	births, err := births(ctx, s, o)
	stop()
	if err != nil {
		return nil, err
	}
	pages, err := pages(ctx, s, o)
	if err != nil {
		return nil, err
	}
	commits, err := groupCommit(ctx)
	if err != nil {
		return nil, err
	}
	return append(append(births, pages...), commits), nil
}

func profile(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil // a profile cut short says so when it is read
}

// births lets all mothers apply and waits until every child is registered,
// every document signed and every message handed over.
func births(ctx context.Context, s *demo.Stage, o Options) ([]Figure, error) {
	before, err := s.App.Registers.Count(ctx, "births")
	if err != nil {
		return nil, err
	}
	start, cpu := time.Now(), cpuTime()
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	var first atomic.Pointer[error]
	for range o.Workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				n := next.Add(1)
				if n > int64(o.Births) {
					return
				}
				if err := apply(ctx, s, fmt.Sprintf("mother-%04d", n+1)); err != nil {
					failed.Add(1)
					first.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	submitted := time.Since(start)
	if err := quiet(ctx, s); err != nil {
		return nil, err
	}
	took := time.Since(start)
	after, err := s.App.Registers.Count(ctx, "births")
	if err != nil {
		return nil, err
	}
	done := after - before
	if done != o.Births {
		why := error(nil)
		if p := first.Load(); p != nil {
			why = *p
		}
		return nil, fmt.Errorf("%d of %d children were registered, %d applications failed: %w", done, o.Births, failed.Load(), why)
	}
	used := cpuTime() - cpu
	return []Figure{
		{"cpu_ms_per_birth", "processor time of one birth, the browsers' included", "ms", used.Seconds() * 1000 / float64(done), "two cores give 2,000 a second"},
		{"births_per_s", "complete births", "/s", float64(done) / took.Seconds(), "aim: 100 on two cores"},
		{"submissions_per_s", "applications handed in", "/s", float64(done) / submitted.Seconds(), "the people's part alone"},
	}, nil
}

// cpuTime is what this process has used of the processors so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// quiet waits until nothing is left to do.
func quiet(ctx context.Context, s *demo.Stage) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		stats, err := s.App.Jobs.Stats(ctx)
		if err != nil {
			return err
		}
		if stats.Dead > 0 {
			return fmt.Errorf("%d jobs were given up", stats.Dead)
		}
		pending, err := s.App.Ledger.Pending(ctx)
		if err != nil {
			return err
		}
		if stats.Waiting+stats.Running <= periodic && pending == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// periodic is how many rows of the queue are there without work.
const periodic = 0

// pages asks for the pages that people open most, at a steady pace, and looks
// at how long the slow ones take.
func pages(ctx context.Context, s *demo.Stage, o Options) ([]Figure, error) {
	b := play.NewBrowser(s.Base)
	if err := b.SignIn(ctx, "mother-0002"); err != nil {
		return nil, err
	}
	paths := []string{"/", "/services", "/services/birth", "/applications", "/my-documents", "/messages", "/my-data"}
	var all []time.Duration
	for i := range 1400 {
		t := time.Now()
		if _, err := b.Get(ctx, paths[i%len(paths)]); err != nil {
			return nil, err
		}
		all = append(all, time.Since(t))
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	at := func(p float64) float64 { return float64(all[int(p*float64(len(all)-1))].Microseconds()) / 1000 }
	return []Figure{
		{"page_p50_ms", "a page, median", "ms", at(0.50), ""},
		{"page_p99_ms", "a page, 99th percentile", "ms", at(0.99), "aim: under 50"},
	}, nil
}

// groupCommit writes small durable transactions into a file from 64 callers.
func groupCommit(ctx context.Context) (Figure, error) {
	dir, err := os.MkdirTemp("", "dinh-bench-")
	if err != nil {
		return Figure{}, err
	}
	defer os.RemoveAll(dir)
	d, err := db.Open(ctx, "sqlite://"+filepath.ToSlash(dir)+"/b.db")
	if err != nil {
		return Figure{}, err
	}
	defer d.Close()
	exec := func(query string, args ...any) error {
		return d.Write(ctx, func(ctx context.Context, q db.Querier) error {
			_, err := q.ExecContext(ctx, query, args...)
			return err
		})
	}
	if err := exec(`CREATE TABLE t (n BIGINT PRIMARY KEY)`); err != nil {
		return Figure{}, err
	}
	const total = 60000
	var next atomic.Int64
	var wg sync.WaitGroup
	var first atomic.Pointer[error]
	start := time.Now()
	for range 64 {
		wg.Go(func() {
			for n := next.Add(1); n <= total; n = next.Add(1) {
				if err := exec(`INSERT INTO t (n) VALUES ($1)`, n); err != nil {
					first.CompareAndSwap(nil, &err)
					return
				}
			}
		})
	}
	wg.Wait()
	if p := first.Load(); p != nil {
		return Figure{}, *p
	}
	return Figure{"group_commit_tx_per_s", "durable transactions, 64 callers", "/s", total / time.Since(start).Seconds(), "fsync at every commit"}, nil
}

func print(out io.Writer, figures []Figure) {
	w := tabwriter.NewWriter(out, 2, 4, 2, ' ', 0)
	fmt.Fprintln(w)
	for _, f := range figures {
		fmt.Fprintf(w, "  %s\t%s %s\t%s\n", f.Title, number(f.Value), f.Unit, f.Aim)
	}
	_ = w.Flush() // a terminal that is gone needs no table
}

func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func write(file string, figures []Figure) error {
	values := map[string]float64{}
	for _, f := range figures {
		values[f.Key] = f.Value
	}
	text, err := json.MarshalIndent(values, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
