package text

import (
	"strings"
	"unicode"
)

// Tidy composes what somebody typed and drops what nobody sees: control and format characters.
// On one line, runs of space become one; across lines, line ends become \n and
// lines lose trailing space.
func Tidy(s string, multi bool) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(NFC(s))
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && multi:
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	if !multi {
		return NFC(strings.Join(strings.Fields(s), " "))
	}
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return NFC(strings.Trim(strings.Join(lines, "\n"), "\n "))
}
