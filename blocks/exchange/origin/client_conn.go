package origin

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// conn counts an answer's bytes as they arrive. net/http would take what follows
// an answer's announced length for the head of the next one: the answer to
// another person's question. Here it goes no further, and ends the connection.
type conn struct {
	net.Conn
	surplus atomic.Bool

	mu     sync.Mutex
	state  state
	method string
	head   []byte
	left   int64 // of the body
}

type state int

const (
	atRest  state = iota // between two questions: nothing may come
	inHead               // of an answer
	inBody               // of a length that the head gave
	unknown              // an answer that says its end itself
)

var errSurplus = errors.New("origin: more came than was announced")

func newConn(c net.Conn) *conn { return &conn{Conn: c, state: atRest} }

// begin says that a question is on its way.
func (c *conn) begin(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state, c.method, c.head, c.left = inHead, method, c.head[:0], 0
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if c.surplus.Load() {
		return 0, errSurplus
	}
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	c.mu.Lock()
	fits := c.take(p[:n])
	c.mu.Unlock()
	if fits == n {
		return n, err
	}
	c.surplus.Store(true)
	if fits == 0 {
		return 0, errSurplus
	}
	return fits, nil
}

// take gives how many bytes of p belong to the answer.
func (c *conn) take(p []byte) int {
	at := 0
	for at < len(p) {
		switch c.state {
		case atRest:
			return at
		case unknown:
			return len(p)
		case inBody:
			n := min(c.left, int64(len(p)-at))
			c.left -= n
			at += int(n)
			if c.left == 0 {
				c.state = atRest
			}
		case inHead:
			before := len(c.head)
			c.head = append(c.head, p[at:]...)
			end := endOfHead(c.head, before)
			switch {
			case end < 0 && len(c.head) > maxHead:
				c.state = unknown // net/http refuses it
			case end < 0:
				return len(p)
			default:
				at += end - before
				c.readHead(c.head[:end])
				c.head = c.head[:0]
			}
		}
	}
	return at
}

// endOfHead gives where the empty line ends; -1 when it has not come. from is
// how much was looked at before.
func endOfHead(head []byte, from int) int {
	for i := max(from-2, 0); i < len(head); i++ {
		n := bytes.IndexByte(head[i:], '\n')
		if n < 0 {
			return -1
		}
		i += n
		switch rest := head[i+1:]; {
		case bytes.HasPrefix(rest, []byte("\n")):
			return i + 2
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return i + 3
		}
	}
	return -1
}

// readHead sees what comes after a head. What net/http would refuse need not be
// understood here.
func (c *conn) readHead(head []byte) {
	status, rest, _ := strings.Cut(string(head), "\n")
	code := 0
	if _, after, ok := strings.Cut(status, " "); ok && len(after) >= 3 {
		code, _ = strconv.Atoi(after[:3])
	}
	switch {
	case code >= 100 && code < 200 && code != 101:
		return // the final head is still to come
	case c.method == "HEAD", code == 204, code == 304:
		c.state = atRest
		return
	}
	c.state = unknown
	for line := range strings.SplitSeq(rest, "\n") {
		name, value, _ := strings.Cut(line, ":")
		switch {
		case strings.EqualFold(name, "Transfer-Encoding"):
			c.state = unknown
			return
		case strings.EqualFold(name, "Content-Length"):
			if n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 63); err == nil && n >= 0 {
				c.left, c.state = n, inBody
			}
		}
	}
	if c.state == inBody && c.left == 0 {
		c.state = atRest
	}
}
