package pair

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// way is one way to the target: where to connect, and how a request looks there.
type way struct {
	name    string
	address string
	path    string
	headers string // lines that end with CRLF
}

// mix is a row of payload sizes that clients send in turn.
type mix struct {
	name  string
	sizes []int
}

// requests are the bytes of every size of a mix, ready to be written.
func (w way) requests(m mix) [][]byte {
	made := map[int][]byte{}
	out := make([][]byte, len(m.sizes))
	for i, size := range m.sizes {
		if made[size] == nil {
			head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n", w.path, w.address, size, w.headers)
			made[size] = append([]byte(head), payload(size)...)
		}
		out[i] = made[size]
	}
	return out
}

// payload is a JSON document of that many bytes.
func payload(size int) []byte {
	const before, after = `{"data": 1.0, "service": "`, `"}`
	return []byte(before + string(bytes.Repeat([]byte("r"), max(0, size-len(before)-len(after)))) + after)
}

// result is what a load brought.
type result struct {
	done, failed int64
	took         time.Duration
	latencies    []time.Duration
	firstError   error
}

func (r result) perSecond() float64 { return float64(r.done) / r.took.Seconds() }

func (r result) percentile(p float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	slices.Sort(r.latencies)
	return r.latencies[min(len(r.latencies)-1, int(p*float64(len(r.latencies))))]
}

// closed keeps that many clients busy for a while, each with a connection of its
// own and one request at a time.
func closed(ctx context.Context, w way, m mix, clients int, span time.Duration) result {
	ctx, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	requests := w.requests(m)
	var done, failed atomic.Int64
	var first atomic.Pointer[error]
	var wg sync.WaitGroup
	start := time.Now()
	for i := range clients {
		wg.Go(func() {
			c := client{address: w.address}
			defer c.close()
			for n := i; ctx.Err() == nil; n++ {
				if err := c.ask(requests[n%len(requests)]); err != nil {
					first.CompareAndSwap(nil, &err)
					failed.Add(1)
					c.close()
					continue
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	r := result{done: done.Load(), failed: failed.Load(), took: time.Since(start)}
	if e := first.Load(); e != nil {
		r.firstError = *e
	}
	return r
}

// open sends at a steady rate whatever the answers do, and measures each from
// the instant it was due.
func open(ctx context.Context, w way, m mix, rate int, span time.Duration) result {
	requests := w.requests(m)
	total := int(span.Seconds() * float64(rate))
	free := make(chan *client, 256)
	for range cap(free) {
		free <- &client{address: w.address}
	}
	r := result{latencies: make([]time.Duration, total)}
	var failed atomic.Int64
	var first atomic.Pointer[error]
	var wg sync.WaitGroup
	start := time.Now()
	for i := range total {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(rate))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return r
		}
		wg.Go(func() {
			c := <-free
			if err := c.ask(requests[i%len(requests)]); err != nil {
				first.CompareAndSwap(nil, &err)
				failed.Add(1)
				c.close()
			}
			r.latencies[i] = time.Since(due)
			free <- c
		})
	}
	wg.Wait()
	r.took, r.failed, r.done = time.Since(start), failed.Load(), int64(total)-failed.Load()
	if e := first.Load(); e != nil {
		r.firstError = *e
	}
	for range cap(free) {
		(<-free).close()
	}
	return r
}

// client speaks just enough HTTP/1.1 to cost little beside what it measures.
type client struct {
	address string
	conn    net.Conn
	r       *bufio.Reader
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

func (c *client) ask(request []byte) error {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.address, 5*time.Second)
		if err != nil {
			return err
		}
		c.conn, c.r = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	if err := c.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	return c.read()
}

var errStatus = errors.New("the answer is not 200")

func (c *client) read() error {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	bad := !bytes.HasPrefix(line, []byte("HTTP/1.1 200"))
	status := string(line[:min(len(line), 40)])
	length := -1
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("an answer without a length")
	}
	if !bad {
		_, err = c.r.Discard(length)
		return err
	}
	body, err := io.ReadAll(io.LimitReader(c.r, int64(length)))
	return errors.Join(fmt.Errorf("%w: %q %.200s", errStatus, status, body), err)
}
