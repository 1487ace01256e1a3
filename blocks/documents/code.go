package documents

import (
	"crypto/rand"
	"strings"
)

// alphabet has no letters that are read as others; 31 is a prime, so a weighted
// sum finds every wrong letter and every swap of neighbours.
const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXY"

// newCode makes a code of 11 random letters and a check letter, in groups of
// four: 54 bits, so that codes cannot be found by trying.
func newCode() string {
	var raw [64]byte
	letters := make([]byte, 0, 12)
	for len(letters) < 11 {
		_, _ = rand.Read(raw[:]) // never fails
		for _, b := range raw {
			if b < 248 && len(letters) < 11 { // 248 = 8·31: no letter is likelier than another
				letters = append(letters, alphabet[b%31])
			}
		}
	}
	letters = append(letters, check(letters))
	return string(letters[:4]) + "-" + string(letters[4:8]) + "-" + string(letters[8:])
}

func check(letters []byte) byte {
	sum := 0
	for i, l := range letters {
		sum += (i + 2) * strings.IndexByte(alphabet, l)
	}
	return alphabet[sum%31]
}

// tidyCode reads a code as people type it; ok is false when a letter is wrong.
func tidyCode(s string) (code string, ok bool) {
	letters := make([]byte, 0, 12)
	for _, r := range strings.ToUpper(s) {
		switch {
		case r == ' ' || r == '-' || r == '–' || r == '.':
		case r < 128 && strings.IndexByte(alphabet, byte(r)) >= 0 && len(letters) < 12:
			letters = append(letters, byte(r))
		default:
			return "", false
		}
	}
	if len(letters) != 12 || check(letters[:11]) != letters[11] {
		return "", false
	}
	return string(letters[:4]) + "-" + string(letters[4:8]) + "-" + string(letters[8:]), true
}
