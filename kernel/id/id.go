package id

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"
	"time"
)

// sequence breaks ties between identifiers made at the same instant, so that
// even under a frozen test clock they sort in the order they were made (until
// 65,536 of them share an instant).
var sequence atomic.Uint32

// New returns a UUIDv7 for the instant t, in lower-case text of 36 characters.
// Of two identifiers made by one process, the one with the later t sorts later,
// down to a quarter of a microsecond; at equal t the order of making decides.
// An instant before 1970 or after 10889 counts as the nearest one it can hold.
func New(t time.Time) string {
	ms := t.UnixMilli()
	fraction := uint16(uint64(t.Nanosecond()%int(time.Millisecond)) * 4096 / uint64(time.Millisecond))
	if ms < 0 {
		ms, fraction = 0, 0
	}
	if ms >= 1<<48 {
		ms, fraction = 1<<48-1, 4095
	}
	var b [16]byte
	fill(b[8:])
	binary.BigEndian.PutUint64(b[:8], uint64(ms)<<16|0x7000|uint64(fraction))
	seq := uint16(sequence.Add(1))
	b[8] = 0x80 | byte(seq>>10)
	b[9] = byte(seq >> 2)
	b[10] = byte(seq<<6) | b[10]&0x3f
	return format(b)
}

// Token returns n random bytes as base64url text without padding. Sixteen bytes
// or more cannot be guessed; a shorter code needs a limit on attempts.
func Token(n int) string {
	b := make([]byte, n)
	fill(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func format(b [16]byte) string {
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

// fill never fails: crypto/rand ends the program when the system has no
// randomness to give.
func fill(b []byte) { _, _ = rand.Read(b) }
