package registers

import (
	"regexp"
	"testing"
)

// What is said of a pattern is true of it.
func TestPatternsAreSaidToPeople(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"^[0-9]{12}$": "123456789012", "^0[0-9]{9}$": "0123456789", "^CS-[0-9]{5}-[0-9]{4}$": "CS-12345-6789", "^[A-Z]{2}$": "AB",
		"^[A-Z]{2}[1-5][0-9]{3}$": "AB3456", "^[a-z][a-z-]*$": "abc", "^([01][0-9]|2[0-3]):[0-5][0-9]$": "12:34", "^[0-9]{4,6}$": "1234", "^(": "^(",
		"^[^a-z]{2}$": "12", "^[^ ]+$": "1",
	} {
		if got := example(pattern); got != want {
			t.Errorf("%s is shown as %q, want %q", pattern, got, want)
		}
		if re, err := regexp.Compile(pattern); err == nil && !re.MatchString(want) {
			t.Errorf("%s does not take its example %q", pattern, want)
		}
		if digits, chars := barred(pattern); digits || chars != "" {
			t.Errorf("%s is said to bar digits (%v) and %q", pattern, digits, chars)
		}
	}
	for pattern, want := range map[string]struct {
		digits bool
		chars  string
	}{
		"^[^0-9<>{}@/]+$": {true, "/ < > @ { }"}, `^[^\d]*$`: {true, ""}, "^[^<>]+$": {false, "< >"}, "^[^0-9:]+$": {true, ":"},
		"^[^0-4]+$": {false, ""}, "^[^0-9\n]+$": {false, ""}, "[^<>]+": {false, ""}, "^[^!-~]+$": {false, ""},
	} {
		if digits, chars := barred(pattern); digits != want.digits || chars != want.chars {
			t.Errorf("%s bars digits (%v) and %q", pattern, digits, chars)
		}
	}
}
