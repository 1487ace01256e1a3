package pair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Options bound the benchmark. Zero values are its defaults.
type Options struct {
	Clients int           // at once, 256
	Span    time.Duration // of each measurement, 6 s
	Rounds  int           // of measurements in turn, 2
	Folder  string        // where the JSON goes, build/bench
	Binary  string        // this program
	Log     io.Writer
}

// Figures are what the benchmark prints and writes. Rates are of the best
// round, each way's own, so that a pause of the machine harms none.
type Figures struct {
	Signed         float64 `json:"signed_per_s"`
	Bare           float64 `json:"bare_proxy_per_s"`
	Direct         float64 `json:"direct_per_s"`
	Ratio          float64 `json:"ratio_to_bare_proxy"`
	AddedP50       float64 `json:"added_p50_ms"`
	AddedP99       float64 `json:"added_p99_ms"`
	CPU            float64 `json:"cpu_us_per_exchange"`
	BareCPU        float64 `json:"bare_cpu_us_per_request"`
	GatewayMB      float64 `json:"gateway_mb"`
	Failed         int64   `json:"failed"`
	RatioGatling   float64 `json:"ratio_gatling_mix"`
	SignedGatling  float64 `json:"signed_gatling_per_s"`
	BareGatling    float64 `json:"bare_gatling_per_s"`
	RatioFew       float64 `json:"ratio_64_clients"`
	SignedFew      float64 `json:"signed_64_clients_per_s"`
	BareFew        float64 `json:"bare_64_clients_per_s"`
	RatioEmpty     float64 `json:"ratio_30_bytes"`
	SignedEmpty    float64 `json:"signed_30_bytes_per_s"`
	BareEmpty      float64 `json:"bare_30_bytes_per_s"`
	BareAddedP50   float64 `json:"bare_added_p50_ms"`
	BareAddedP99   float64 `json:"bare_added_p99_ms"`
	ConcurrentSeen int     `json:"concurrent"`
}

// The mixes of the reference: X-Road's own performance plan sends 1 kB and
// 10 kB; Estonia's Gatling script 30 % 2 kB, 60 % 10 kB, 9 % 100 kB, 0.9 % 2 MB
// and 0.1 % 10 MB.
func halves() mix { return mix{"1 kB and 10 kB", []int{1_000, 10_000}} }

func tiny() mix { return mix{"30 bytes", []int{30}} }

func gatling() mix {
	sizes := make([]int, 0, 1000)
	for i := range 1000 {
		switch n := i * 617 % 1000; { // spread, the same in every run
		case n < 300:
			sizes = append(sizes, 2_000)
		case n < 900:
			sizes = append(sizes, 10_000)
		case n < 990:
			sizes = append(sizes, 100_000)
		case n < 999:
			sizes = append(sizes, 2_000_000)
		default:
			sizes = append(sizes, 10_000_000)
		}
	}
	return mix{"Gatling", sizes}
}

// Run measures, prints and writes.
func Run(ctx context.Context, out io.Writer, o Options) error {
	o = o.complete()
	folder, err := os.MkdirTemp("", "dinh-pair-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	w, err := New(ctx, Setting{Folder: folder, Binary: o.Binary, Log: o.Log})
	if err != nil {
		return err
	}
	defer w.Close()
	bare, err := w.startBare(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Two gateways and two hops of a bare proxy, each in a process of its own; %d clients, %s a measurement.\n", o.Clients, o.Span)
	f, err := measure(ctx, w, bare, o, out)
	if err != nil {
		return err
	}
	return report(out, f, o.Folder)
}

func (o Options) complete() Options {
	if o.Clients == 0 {
		o.Clients = 256
	}
	if o.Span == 0 {
		o.Span = 6 * time.Second
	}
	if o.Rounds == 0 {
		o.Rounds = 2
	}
	if o.Folder == "" {
		o.Folder = "build/bench"
	}
	return o
}

// bareHops are the two processes of the bare proxy.
type bareHops struct {
	address   string
	processes []int
}

func (w *World) startBare(ctx context.Context) (*bareHops, error) {
	inner, err := freeAddress()
	if err != nil {
		return nil, err
	}
	outer, err := freeAddress()
	if err != nil {
		return nil, err
	}
	b := &bareHops{address: outer}
	for _, args := range [][]string{
		{"--listen", inner, "--to", w.target.Addr().String(), "--tls-in", "--cert", w.Answering.cert, "--key", w.Answering.key},
		{"--listen", outer, "--to", inner, "--tls-out", "--cert", w.Asking.cert, "--key", w.Asking.key},
	} {
		p := exec.Command(w.Binary, append([]string{"bench", "bare-proxy", "--roots", w.roots}, args...)...) //nolint:gosec // our own binary
		p.Stderr = io.Discard                                                                                // of a ReverseProxy: clients that hang up at the end of a span
		if err := p.Start(); err != nil {
			return nil, err
		}
		w.stops = append(w.stops, (&Gateway{process: p}).Stop)
		b.processes = append(b.processes, p.Process.Pid)
	}
	return b, await(ctx, "http://"+outer+"/")
}

func (w *World) ways(b *bareHops) (direct, bare, signed way) {
	const path = "/mock1"
	direct = way{name: "direct", address: w.target.Addr().String(), path: path}
	bare = way{name: "bare", address: b.address, path: path}
	signed = way{name: "signed", address: w.Asking.XRoad, path: w.Path(), headers: fmt.Sprintf(
		"X-Road-Client: %s\r\nAuthorization: Bearer %s\r\n", w.Client, w.Secret)}
	return direct, bare, signed
}

func measure(ctx context.Context, w *World, b *bareHops, o Options, out io.Writer) (f Figures, err error) {
	direct, bare, signed := w.ways(b)
	gateways := []int{w.Asking.PID(), w.Answering.PID()}
	f.Direct = closed(ctx, direct, halves(), o.Clients, o.Span/2).perSecond()
	cost := func(pids []int, way way, m mix, clients int) (perSecond, cpu float64) {
		before := cpuOf(pids)
		r := closed(ctx, way, m, clients, o.Span)
		if r.failed > 0 {
			f.Failed += r.failed
			err = errors.Join(err, fmt.Errorf("%s, %s: %d failed: %w", way.name, m.name, r.failed, r.firstError))
		}
		fmt.Fprintf(out, "  %-8s %-16s %4d clients %9.0f /s\n", way.name, m.name, clients, r.perSecond())
		return r.perSecond(), float64((cpuOf(pids) - before).Microseconds()) / float64(max(r.done, 1))
	}
	closed(ctx, signed, halves(), o.Clients, time.Second) // both have their connections before anything counts
	closed(ctx, bare, halves(), o.Clients, time.Second)
	latencies(ctx, &f, direct, bare, signed)
	for _, m := range []struct {
		mix                 mix
		clients             int
		signed, bare, ratio *float64
	}{
		{halves(), o.Clients, &f.Signed, &f.Bare, &f.Ratio}, {halves(), 64, &f.SignedFew, &f.BareFew, &f.RatioFew},
		{tiny(), o.Clients, &f.SignedEmpty, &f.BareEmpty, &f.RatioEmpty},
		{gatling(), o.Clients, &f.SignedGatling, &f.BareGatling, &f.RatioGatling},
	} {
		for range o.Rounds {
			per, cpu := cost(b.processes, bare, m.mix, m.clients)
			if per > *m.bare {
				*m.bare = per
				if m.bare == &f.Bare {
					f.BareCPU = cpu
				}
			}
			if per, cpu = cost(gateways, signed, m.mix, m.clients); per > *m.signed {
				*m.signed = per
				if m.signed == &f.Signed {
					f.CPU = cpu
				}
			}
		}
		*m.ratio = *m.signed / *m.bare
	}
	many := closed(ctx, signed, halves(), 1000, o.Span)
	f.Failed += many.failed
	f.ConcurrentSeen = 1000
	if many.failed > 0 {
		err = errors.Join(err, fmt.Errorf("1000 at once: %d failed: %w", many.failed, many.firstError))
	}
	for _, pid := range gateways {
		f.GatewayMB = max(f.GatewayMB, peakMB(pid))
	}
	return f, err
}

// latencies are taken at 200 requests a second, the same on all three ways.
func latencies(ctx context.Context, f *Figures, direct, bare, signed way) {
	const rate, span = 200, 10 * time.Second
	ms := func(r result, p float64) float64 { return float64(r.percentile(p).Microseconds()) / 1000 }
	d := open(ctx, direct, halves(), rate, span)
	b := open(ctx, bare, halves(), rate, span)
	s := open(ctx, signed, halves(), rate, span)
	f.Failed += s.failed
	f.AddedP50, f.AddedP99 = ms(s, .5)-ms(d, .5), ms(s, .99)-ms(d, .99)
	f.BareAddedP50, f.BareAddedP99 = ms(b, .5)-ms(d, .5), ms(b, .99)-ms(d, .99)
}

// cpuOf is the processor time that processes have used.
func cpuOf(pids []int) (sum time.Duration) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		for _, i := range []int{11, 12} { // utime, stime
			n, err := strconv.ParseInt(fields[i], 10, 64)
			if err == nil {
				sum += time.Duration(n) * tick
			}
		}
	}
	return sum
}

// peakMB is the most memory that a process ever held.
func peakMB(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

func report(out io.Writer, f Figures, folder string) error {
	t := tabwriter.NewWriter(out, 2, 4, 2, ' ', 0)
	row := func(title, format string, v float64, aim string) {
		fmt.Fprintf(t, "%s\t"+format+"\t%s\n", title, v, aim)
	}
	fmt.Fprintln(t)
	row("signed, authorised, recorded exchanges", "%.0f /s", f.Signed, "1 kB and 10 kB in turn")
	row("bare two-hop proxy with mutual TLS", "%.0f /s", f.Bare, "")
	row("direct calls", "%.0f /s", f.Direct, "")
	row("ratio to the bare proxy", "%.2f", f.Ratio, "aim: 1 or more")
	row("… with 64 clients", "%.2f", f.RatioFew, fmt.Sprintf("%.0f /s beside %.0f /s", f.SignedFew, f.BareFew))
	row("… with 30 bytes", "%.2f", f.RatioEmpty, fmt.Sprintf("%.0f /s beside %.0f /s", f.SignedEmpty, f.BareEmpty))
	row("… with the Gatling mix", "%.2f", f.RatioGatling, fmt.Sprintf("%.0f /s beside %.0f /s", f.SignedGatling, f.BareGatling))
	row("added at 200/s, median", "%.2f ms", f.AddedP50, fmt.Sprintf("bare proxy: %.2f ms", f.BareAddedP50))
	row("added at 200/s, 99 of 100", "%.2f ms", f.AddedP99, fmt.Sprintf("aim: under 5 ms; bare proxy: %.2f ms", f.BareAddedP99))
	row("processor time for an exchange", "%.0f µs", f.CPU, "both gateways")
	row("processor time for a bare request", "%.0f µs", f.BareCPU, "both hops")
	row("memory of a gateway at 1,000 at once", "%.0f MB", f.GatewayMB, "aim: under 200 MB")
	if err := t.Flush(); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", b)
	return os.WriteFile(filepath.Join(folder, "exchange.json"), append(b, '\n'), 0o644)
}
