package id

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestNewIsUUIDv7(t *testing.T) {
	at := time.Date(2026, 11, 22, 7, 16, 49, 123_456_789, time.UTC)
	u, err := uuid.Parse(New(at))
	if err != nil {
		t.Fatal(err)
	}
	if u.Version() != 7 || u.Variant() != uuid.RFC4122 {
		t.Fatalf("version %d variant %s, want 7 RFC4122", u.Version(), u.Variant())
	}
	sec, nsec := u.Time().UnixTime()
	if got := time.Unix(sec, nsec).UTC().UnixMilli(); got != at.UnixMilli() {
		t.Fatalf("carries %d ms, want %d", got, at.UnixMilli())
	}
}

func TestNewSortsByMaking(t *testing.T) {
	at := time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)
	sequence.Store(0) // the tie-breaker wraps after 65,536; start it where it cannot
	var ids []string
	for i := range 1000 {
		ids = append(ids, New(at.Add(time.Duration(i/10)*time.Microsecond)))
	}
	if !slices.IsSorted(ids) {
		t.Fatal("identifiers made one after another do not sort")
	}
}

func TestNewSortsByInstant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(0, 1<<60).Draw(t, "a")
		b := a + rapid.Int64Range(1000, 1<<60).Draw(t, "later")
		if x, y := New(time.Unix(0, a)), New(time.Unix(0, b)); x >= y {
			t.Fatalf("%s made for an earlier instant than %s but sorts after it", x, y)
		}
	})
}

func TestNewHoldsAnyInstant(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(-1, 0), time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if u, err := uuid.Parse(New(at)); err != nil || u.Version() != 7 {
			t.Errorf("New(%v) = %v, %v", at, u, err)
		}
	}
}

func TestToken(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := Token(16)
		if b, err := base64.RawURLEncoding.DecodeString(s); err != nil || len(b) != 16 || seen[s] {
			t.Fatalf("bad or repeated token %q", s)
		}
		seen[s] = true
	}
}
