package exchange

import (
	"hash/maphash"
	"strconv"
	"testing"
	"time"
)

// A question is known for as long as its signature counts, and then forgotten.
func TestArrivalsAreForgottenInTime(t *testing.T) {
	t.Parallel()
	s := arrivals{seed: maphash.MakeSeed(), spans: map[int64]map[uint64]struct{}{}}
	m, start := MemberID{"GOV", "MOJ"}, time.Unix(1_700_000_000, 0)
	for second := range int64(3600) {
		now := start.Add(time.Duration(second) * time.Second)
		if !s.first(m, strconv.FormatInt(second, 10), now.Unix(), now) {
			t.Fatalf("a new question was known in second %d", second)
		}
		if old := second - int64(clockSkew/time.Second); old >= 0 && s.first(m, strconv.FormatInt(old, 10), start.Unix()+old, now) {
			t.Fatalf("second %d was forgotten while its signature counts", old)
		}
	}
	if most := int(int64(clockSkew/time.Second)/arrivalSpan) + 2; len(s.spans) > most {
		t.Errorf("%d spans are kept, of %d that count", len(s.spans), most)
	}
	if !s.first(MemberID{"GOV", "MPS"}, "3599", start.Unix()+3599, start.Add(time.Hour)) {
		t.Error("another member's question was taken for this one")
	}
}

func BenchmarkArrivals(b *testing.B) {
	s := arrivals{seed: maphash.MakeSeed(), spans: map[int64]map[uint64]struct{}{}}
	now := time.Unix(1_700_000_000, 0)
	ids := make([]string, b.N)
	for i := range ids {
		ids[i] = "01a20c91-a000-7000-8030-" + strconv.Itoa(1e11+i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, id := range ids {
		s.first(MemberID{"GOV", "MOJ"}, id, now.Unix(), now)
	}
}
