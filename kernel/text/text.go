package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// NFC composes s. Text is stored in this form only; bytes that are not UTF-8
// become U+FFFD, so the result is always valid.
func NFC(s string) string {
	return norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))
}

// Len counts the characters a person sees being limited: runes after NFC.
// "Nguyễn" is 6, however it was typed.
func Len(s string) int { return utf8.RuneCountInString(NFC(s)) }

// Fold makes the key under which s is searched and compared: marks dropped,
// đ made d, lower case, runs of space made one and trimmed at both ends.
// Fold(Fold(s)) == Fold(s). It is a key, never something to show.
func Fold(s string) string {
	if key, ok := foldASCII(s); ok {
		return key
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range norm.NFD.String(strings.ToValidUTF8(s, "\uFFFD")) {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		r = unicode.ToLower(r)
		if r == 'đ' {
			r = 'd'
		}
		b.WriteRune(r)
	}
	return norm.NFC.String(b.String())
}

// foldASCII is the common case without normalisation tables.
func foldASCII(s string) (string, bool) {
	clean := true // already its own key
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			return "", false
		case c >= 'A' && c <= 'Z', c >= '\t' && c <= '\r':
			clean = false
		case c == ' ':
			clean = clean && i > 0 && i < len(s)-1 && s[i-1] != ' '
		}
	}
	if clean {
		return s, true
	}
	return strings.ToLower(strings.Join(strings.Fields(s), " ")), true
}

// Title writes a name the way identity papers read it aloud: the first letter
// of every word large, the others small. "NGUYỄN THỊ ÁNH" is "Nguyễn Thị Ánh".
func Title(s string) string {
	var b strings.Builder
	start := true
	for _, r := range NFC(s) {
		letter := unicode.IsLetter(r) || unicode.IsMark(r) || r == '\'' || r == '’'
		if letter && start {
			b.WriteRune(unicode.ToTitle(r))
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
		start = !letter
	}
	return b.String()
}

// vietnamese holds the base letters; marks are checked apart.
const vietnamese = "abcdđeghiklmnopqrstuvxy"

// Vietnamese says whether every letter of s is one of the 29 letters of the
// Vietnamese alphabet, with any of the five tones, and s has a letter at all.
// Spaces, digits and punctuation are not looked at: see Letters.
func Vietnamese(s string) bool {
	seen := false
	var base rune
	for _, r := range norm.NFD.String(strings.ToValidUTF8(s, "\uFFFD")) {
		r = unicode.ToLower(r)
		switch {
		case unicode.IsLetter(r):
			if !strings.ContainsRune(vietnamese, r) {
				return false
			}
			seen, base = true, r
		case unicode.Is(unicode.Mn, r):
			if !carries(base, r) {
				return false
			}
		default:
			base = 0
		}
	}
	return seen
}

// carries says whether the base letter may carry the combining mark.
func carries(base, mark rune) bool {
	switch mark {
	case 0x300, 0x301, 0x303, 0x309, 0x323: // huyền, sắc, ngã, hỏi, nặng
		return strings.ContainsRune("aeiouy", base)
	case 0x302: // circumflex
		return strings.ContainsRune("aeo", base)
	case 0x306: // breve
		return base == 'a'
	case 0x31B: // horn
		return base == 'o' || base == 'u'
	}
	return false
}

// Letters says whether s is made of letters of any script alone, with single
// spaces, hyphens or apostrophes between them: what a person's name may hold.
func Letters(s string) bool {
	joint := true // a joint may not stand first, last or beside another
	for _, r := range NFC(s) {
		switch {
		case unicode.IsLetter(r):
			joint = false
		case unicode.IsMark(r):
			if joint {
				return false
			}
		case r == ' ' || r == '-' || r == '\'' || r == '’':
			if joint {
				return false
			}
			joint = true
		default:
			return false
		}
	}
	return !joint
}
