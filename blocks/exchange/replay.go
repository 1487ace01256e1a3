package exchange

import (
	"hash/maphash"
	"sync"
	"time"
)

// arrivals remembers the signed questions that came from other nodes for as long as
// their signatures count, so that none is answered twice. It is the memory of one
// process: eight bytes a question, and no write to the database.
type arrivals struct {
	seed maphash.Seed

	mu    sync.Mutex
	spans map[int64]map[uint64]struct{} // by when they were signed
}

// arrivalSpan is how much is forgotten at once.
const arrivalSpan = int64(30) // seconds

// first says whether this question of the member has not come before. It was signed
// at created, which is not too old by the clock.
func (s *arrivals) first(m MemberID, requestID string, created int64, now time.Time) bool {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, part := range []string{m.Class, m.Code, requestID} {
		_, _ = h.WriteString(part)
		_ = h.WriteByte(0)
	}
	key, span := h.Sum64(), created/arrivalSpan
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.spans[span]
	if all == nil {
		oldest := now.Add(-clockSkew).Unix() / arrivalSpan
		for old := range s.spans {
			if old < oldest {
				delete(s.spans, old)
			}
		}
		all = map[uint64]struct{}{}
		s.spans[span] = all
	}
	if _, came := all[key]; came {
		return false
	}
	all[key] = struct{}{}
	return true
}
