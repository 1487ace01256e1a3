package registers

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// barred reads a pattern such as ^[^0-9<>]+$, which takes everything but some
// characters: whether digits are among them, and the others with spaces
// between. Both are empty for every other pattern.
func barred(pattern string) (digits bool, chars string) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || re.Op != syntax.OpConcat || len(re.Sub) != 3 || re.Sub[0].Op != syntax.OpBeginText || re.Sub[2].Op != syntax.OpEndText {
		return false, ""
	}
	many := re.Sub[1]
	if many.Op != syntax.OpPlus && many.Op != syntax.OpStar || many.Sub[0].Op != syntax.OpCharClass {
		return false, ""
	}
	var out []string
	found := 0
	for _, r := range missing(many.Sub[0].Rune) {
		switch {
		case r >= '0' && r <= '9':
			found++
		case unicode.IsSpace(r) || !unicode.IsPrint(r):
			return false, ""
		default:
			out = append(out, string(r))
		}
	}
	if found != 0 && found != 10 {
		return false, ""
	}
	return found == 10, strings.Join(out, " ")
}

// missing lists what stands between the ranges of a class that reaches to the
// end of Unicode; nothing when that is too much to read.
func missing(ranges []rune) []rune {
	if len(ranges) == 0 || ranges[len(ranges)-1] != unicode.MaxRune {
		return nil
	}
	var out []rune
	next := rune(0)
	for i := 0; i < len(ranges); i += 2 {
		if int(ranges[i]-next)+len(out) > 64 {
			return nil
		}
		for ; next < ranges[i]; next++ {
			out = append(out, next)
		}
		next = ranges[i+1] + 1
	}
	return out
}

// example makes a value that a pattern takes, for people who do not read
// patterns: “CS-12345-6789-012345”. A pattern that cannot be read is shown as it is.
func example(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return pattern
	}
	var b strings.Builder
	places := 0
	spell(re, &b, &places)
	return b.String()
}

// spell writes a short value that re takes. Digits and letters count up, so
// that they are seen to be places.
func spell(re *syntax.Regexp, b *strings.Builder, places *int) {
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteString(place(re.Rune, places))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
	case syntax.OpCapture, syntax.OpPlus:
		spell(re.Sub[0], b, places)
	case syntax.OpStar: // one alone would not show that there may be more
		if re.Sub[0].Op == syntax.OpCharClass {
			spell(re.Sub[0], b, places)
			spell(re.Sub[0], b, places)
		}
	case syntax.OpRepeat:
		for range re.Min {
			spell(re.Sub[0], b, places)
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			spell(sub, b, places)
		}
	case syntax.OpAlternate:
		spell(re.Sub[0], b, places)
	}
}

// place is one character of a class of characters.
func place(ranges []rune, places *int) string {
	takes := func(r rune) bool {
		for i := 0; i < len(ranges); i += 2 {
			if ranges[i] <= r && r <= ranges[i+1] {
				return true
			}
		}
		return false
	}
	n := rune(*places)
	*places++
	wanted := []rune{'0' + (n+1)%10, '0', '1', 'A' + n%26, 'A', 'a' + n%26, 'a'}
	if i := slices.IndexFunc(wanted, takes); i >= 0 {
		return string(wanted[i])
	}
	if len(ranges) == 0 {
		return ""
	}
	return string(ranges[0])
}
