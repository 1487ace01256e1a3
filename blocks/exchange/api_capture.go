package exchange

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// CaptureListener wraps a listener so that requests over it keep their header
// lines as they were sent, which X-Road-Request-Hash covers and net/http throws
// away. Give the server's ConnContext CaptureContext. For TLS wrap the TLS
// listener, not the one beneath it. Only HTTP/1.1 is understood, which is all
// that X-Road speaks.
func CaptureListener(l net.Listener) net.Listener { return captureListener{l} }

// CaptureContext puts the connection's captured headers within reach of its
// requests; it is made for http.Server.ConnContext.
func CaptureContext(ctx context.Context, c net.Conn) context.Context {
	if cc, ok := c.(*captureConn); ok {
		return context.WithValue(ctx, captureKey{}, cc)
	}
	return ctx
}

type captureKey struct{}

type captureListener struct{ net.Listener }

// Accept waits for the next connection and watches it.
func (l captureListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &captureConn{Conn: c}, nil
}

// captureConn follows the requests that pass over a connection closely enough to
// find their header blocks. It never changes what net/http reads; when it loses
// the thread it gives up and the hash falls back to the canonical order.
type captureConn struct {
	net.Conn
	mu     sync.Mutex
	state  captureState
	blocks []headerBlock
}

// Read passes bytes on and follows them.
func (c *captureConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.mu.Lock()
		c.state.feed(p[:n], func(block headerBlock) {
			if len(c.blocks) < maxBlocks {
				c.blocks = append(c.blocks, block)
			}
		})
		c.mu.Unlock()
	}
	return n, err
}

const (
	maxBlock  = 64 << 10
	maxBlocks = 64 // pipelined requests that are not answered yet
)

// take gives the block whose request line is this one. Earlier ones belong to
// requests that never reached a handler.
func (c *captureConn) take(line string) (lines []HeaderLine, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.blocks) > 0 {
		b := c.blocks[0]
		c.blocks = c.blocks[1:]
		if b.first == line {
			return b.lines, true
		}
	}
	return nil, false
}

// capturedHeaders gives a request's header lines as they were sent; false when
// they were not captured.
func capturedHeaders(r *http.Request) ([]HeaderLine, bool) {
	c, ok := r.Context().Value(captureKey{}).(*captureConn)
	if !ok || r.ProtoMajor != 1 {
		return nil, false
	}
	return c.take(r.Method + " " + r.RequestURI + " " + r.Proto)
}

// headerBlock is a request's line and its header lines.
type headerBlock struct {
	first string
	lines []HeaderLine
}

// splitHeaders splits a header block. Folded lines are joined as net/http joins
// them.
func splitHeaders(block []byte) (b headerBlock, ok bool) {
	first, rest, _ := strings.Cut(string(block), "\n")
	b = headerBlock{strings.TrimRight(first, "\r"), make([]HeaderLine, 0, bytes.Count(block, []byte("\n")))}
	for {
		var l string
		l, rest, ok = strings.Cut(rest, "\n")
		if l = strings.TrimRight(l, "\r"); l == "" {
			return b, ok
		}
		if l[0] == ' ' || l[0] == '\t' {
			if len(b.lines) == 0 {
				return b, false
			}
			b.lines[len(b.lines)-1].Value += " " + strings.Trim(l, " \t")
			continue
		}
		name, value, found := strings.Cut(l, ":")
		if !found {
			return b, false
		}
		b.lines = append(b.lines, HeaderLine{name, strings.Trim(value, " \t")})
	}
}

// captureState is the thread through a stream of requests.
type captureState struct {
	buf     []byte // the header block or chunk line so far
	skip    int64  // bytes of body still to come
	chunked bool   // within a chunked body
	trailer bool   // behind its last chunk
	crlf    bool   // the line end behind a chunk's data comes next
	lost    bool
}

func (s *captureState) feed(p []byte, emit func(headerBlock)) {
	for len(p) > 0 && !s.lost {
		if s.skip > 0 {
			n := min(s.skip, int64(len(p)))
			s.skip -= n
			p = p[n:]
			continue
		}
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.grow(p)
			return
		}
		s.grow(p[:i+1])
		p = p[i+1:]
		if s.chunked {
			s.chunkLine()
		} else {
			s.headerLine(emit)
		}
	}
}

func (s *captureState) grow(p []byte) {
	if len(s.buf)+len(p) > maxBlock {
		s.lost, s.buf = true, nil
		return
	}
	s.buf = append(s.buf, p...)
}

// headerLine looks whether the block is complete.
func (s *captureState) headerLine(emit func(headerBlock)) {
	switch {
	case s.lost:
		return
	case string(s.buf) == "\r\n" || string(s.buf) == "\n":
		s.buf = s.buf[:0] // empty lines before a request are allowed
		return
	case !bytes.HasSuffix(s.buf, []byte("\n\r\n")) && !bytes.HasSuffix(s.buf, []byte("\n\n")):
		return
	}
	block, ok := splitHeaders(s.buf)
	s.buf = s.buf[:0]
	if !ok {
		s.lost = true
		return
	}
	for _, l := range block.lines {
		switch {
		case strings.EqualFold(l.Name, "Transfer-Encoding"):
			s.chunked = true
		case strings.EqualFold(l.Name, "Upgrade"):
			s.lost = true
		case strings.EqualFold(l.Name, "Content-Length"):
			n, err := strconv.ParseInt(l.Value, 10, 63)
			if err != nil || n < 0 {
				s.lost = true
				return
			}
			s.skip = n
		}
	}
	if s.chunked {
		s.skip = 0
	}
	emit(block)
	s.lost = s.lost || !strings.HasSuffix(block.first, " HTTP/1.1") // others frame their bodies by other rules
}

// chunkLine reads a chunk's length, the line end behind its data, or a trailer.
func (s *captureState) chunkLine() {
	if s.lost {
		return
	}
	line := strings.TrimRight(string(s.buf), "\r\n")
	s.buf = s.buf[:0]
	switch {
	case s.trailer:
		if line == "" {
			s.chunked, s.trailer = false, false
		}
	case s.crlf:
		s.crlf = false
		s.lost = line != ""
	default:
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 63)
		switch {
		case err != nil || n < 0:
			s.lost = true
		case n == 0:
			s.trailer = true
		default:
			s.skip, s.crlf = n, true
		}
	}
}
