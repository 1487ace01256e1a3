package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

// Stage is a running house in a temporary folder.
type Stage struct {
	App  *app.App
	Base string // http://127.0.0.1:port
	end  func() error
}

// Options say how a stage is set.
type Options struct {
	People, Cast int
	Database     string // postgres://…; empty: SQLite in the folder
	Log          io.Writer
	Progress     func(what string, done, total int)
}

// Open starts a house on a free port of the loopback interface.
func Open(ctx context.Context, o Options) (*Stage, error) {
	dir, err := os.MkdirTemp("", "dinh-demo-")
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	base := fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port) // passkeys need a name, not an address
	log := slog.New(slog.DiscardHandler)
	if o.Log != nil {
		log = telemetry.NewLogger(o.Log, slog.LevelWarn, false)
	}
	a, err := app.Open(ctx, app.Config{Data: dir, Database: o.Database, Origin: base, Demo: true, People: o.People, Cast: o.Cast, Seed: 1, Log: log, Progress: o.Progress})
	if err != nil {
		return nil, errors.Join(err, l.Close(), os.RemoveAll(dir))
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- a.Serve(serving, l) }()
	return &Stage{App: a, Base: base, end: func() error {
		stop()
		err := <-done
		a.Close()
		return errors.Join(err, os.RemoveAll(dir))
	}}, nil
}

// Close stops the house and removes its folder.
func (s *Stage) Close() error { return s.end() }

// timeline prints what happens, with the time since the beginning.
type timeline struct {
	w     io.Writer
	start time.Time
	bad   int
}

func (t *timeline) act(title string) { fmt.Fprintf(t.w, "\n%s\n", title) }

func (t *timeline) say(who, format string, args ...any) {
	fmt.Fprintf(t.w, "  %7s  %-9s %s\n", fmt.Sprintf("%.2fs", time.Since(t.start).Seconds()), who, fmt.Sprintf(format, args...))
}

// check prints one checked truth.
func (t *timeline) check(err error, format string, args ...any) {
	mark, what := "✓", fmt.Sprintf(format, args...)
	if err != nil {
		t.bad++
		mark, what = "✗", what+": "+err.Error()
	}
	fmt.Fprintf(t.w, "  %s %s\n", mark, what)
}
