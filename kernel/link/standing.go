package link

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// errFallen is a peer whose certificate held in the handshake and holds no longer.
var errFallen = errors.New("link: the other node's certificate holds no longer")

// standing is whether the node at the other end of a connection still is who it
// was in the handshake: a certificate may be revoked while the connection is open.
type standing struct {
	conn   *tls.Conn
	verify func(tls.ConnectionState) error // as in the handshake; nil: its word holds
	every  time.Duration
	log    *slog.Logger // nil: who asks is told anyway

	mu     sync.Mutex
	looked time.Time
}

func newStanding(conn *tls.Conn, verify func(tls.ConnectionState) error, times Times) *standing {
	return &standing{conn: conn, verify: verify, every: times.Check, looked: time.Now()}
}

// telling notes in a log why a connection is ended.
func (s *standing) telling(log *slog.Logger) *standing {
	s.log = log
	return s
}

// still looks again when the last look is older than Times.Check, and ends the
// connection of a peer that has fallen.
func (s *standing) still() error {
	if s.verify == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.looked) < s.every {
		return nil
	}
	if err := s.verify(s.conn.ConnectionState()); err != nil {
		if s.log != nil {
			s.log.Warn("link: a connection is ended: the other node's certificate holds no longer", "from", s.conn.RemoteAddr().String(), "error", err)
		}
		_ = s.conn.Close()
		return fmt.Errorf("%w: %w", errFallen, err)
	}
	s.looked = time.Now()
	return nil
}

// guard ends a shared connection whose peer has lost its standing. It has a
// goroutine to itself: who is asked about a certificate may take its time.
func (s *shared) guard(st *standing) {
	t := time.NewTicker(s.times.Check)
	defer t.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-t.C:
		}
		if err := st.still(); err != nil {
			s.close(fmt.Errorf("%w: %w", ErrLost, err))
			return
		}
	}
}
