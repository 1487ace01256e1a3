package origin

import (
	"net"
	"testing"
	"time"
)

// Connections that rested for long are let go, the others are not.
func TestTidy(t *testing.T) {
	t.Parallel()
	ls := &lines{}
	var far []net.Conn
	for range 2 {
		a, b := net.Pipe()
		far = append(far, b)
		ls.push(&line{Conn: a})
	}
	ls.idle[0].rested = time.Now().Add(-idleFor)
	ls.tidy()
	if len(ls.idle) != 1 || !ls.tidying {
		t.Errorf("%d rest, tidying %v", len(ls.idle), ls.tidying)
	}
	if _, err := far[0].Write([]byte("x")); err == nil {
		t.Error("a connection that rested too long is open")
	}
	ls.close(time.Now())
	if ls.tidy(); len(ls.idle) != 0 || ls.tidying {
		t.Errorf("%d rest, tidying %v", len(ls.idle), ls.tidying)
	}
}

// FuzzTake: however an answer is cut into pieces, the same bytes belong to it.
func FuzzTake(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world"), uint8(7))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\nx"), uint8(1))
	f.Add([]byte("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\r\n\r\n"), uint8(3))
	f.Fuzz(func(t *testing.T, answer []byte, piece uint8) {
		whole := newConn(nil)
		whole.begin("GET")
		want := whole.take(answer)
		cut := newConn(nil)
		cut.begin("GET")
		got, step := 0, int(piece)%16+1
		for i := 0; i < len(answer); i += step {
			p := answer[i:min(i+step, len(answer))]
			n := cut.take(p)
			got += n
			if n < len(p) {
				break
			}
		}
		if got != want || want > len(answer) {
			t.Fatalf("%d bytes in pieces of %d, %d at once", got, step, want)
		}
	})
}
