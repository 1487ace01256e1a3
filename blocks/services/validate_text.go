package services

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"

	"github.com/dinh-gov/dinh/kernel/text"
)

// Limits where the definition names none; in runes after NFC.
const (
	defaultText     = 200
	defaultTextarea = 4000
	defaultName     = 100
	maxEmail        = 254
	maxLocal        = 64 // bytes before the @ (RFC 5321 §4.5.3.1)
)

func (sc *scope) checkText(f Field, v any) (any, *FieldError) {
	raw, ok := v.(string)
	if !ok {
		return nil, sc.fail(f, "enter")
	}
	limit, multi := defaultText, f.Type == TypeTextarea
	if multi {
		limit = defaultTextarea
	}
	s := text.Tidy(raw, multi)
	if s == "" {
		return nil, nil
	}
	if fe := sc.tooLong(f, s, limit); fe != nil {
		return nil, fe
	}
	if f.Pattern != "" && !sc.s.patterns[f.Pattern].MatchString(s) {
		return nil, sc.fail(f, "pattern")
	}
	return s, nil
}

func (sc *scope) tooLong(f Field, s string, limit int) *FieldError {
	if f.MaxLength > 0 {
		limit = f.MaxLength
	}
	if n := text.Len(s); n > limit {
		return sc.fail(f, "too_long", "max", limit, "count", n)
	}
	return nil
}

// checkName accepts a full name as civil status writes it: at least two
// syllables of Vietnamese letters, or of the few more that the languages of
// other peoples of Vietnam use (f, j, w, z, and ' or - within a syllable).
func (sc *scope) checkName(f Field, v any) (any, *FieldError) {
	raw, ok := v.(string)
	if !ok {
		return nil, sc.fail(f, "enter")
	}
	s := strings.ReplaceAll(text.Tidy(raw, false), "’", "'")
	if s == "" {
		return nil, nil
	}
	if fe := sc.tooLong(f, s, defaultName); fe != nil {
		return nil, fe
	}
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			return nil, sc.fail(f, "name_digit", "char", string(r))
		case r == ' ' || r == '-' || r == '\'':
		case !nameLetter(r):
			return nil, sc.fail(f, "name_char", "char", string(r))
		}
	}
	if !text.Letters(s) {
		return nil, sc.fail(f, "name_form")
	}
	if len(strings.Fields(s)) < 2 {
		return nil, sc.fail(f, "name_short")
	}
	if s == strings.ToLower(s) || s == strings.ToUpper(s) {
		s = text.Title(s)
	}
	if f.Pattern != "" && !sc.s.patterns[f.Pattern].MatchString(s) {
		return nil, sc.fail(f, "pattern")
	}
	return s, nil
}

func nameLetter(r rune) bool {
	return text.Vietnamese(string(r)) || strings.ContainsRune("fjwzFJWZ", r)
}

func (sc *scope) checkEmail(f Field, v any) (any, *FieldError) {
	raw, _ := v.(string)
	s := text.Tidy(raw, false) // pasted addresses bring characters that nobody sees
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > maxEmail {
		return nil, sc.fail(f, "email")
	}
	local, domain, _ := strings.Cut(s, "@")
	domain = strings.ToLower(domain)
	if !domainForm.MatchString(domain) || !localForm.MatchString(local) || len(local) > maxLocal {
		return nil, sc.fail(f, "email")
	}
	return local + "@" + domain, nil
}

var (
	// Mail servers at home deliver to ASCII names alone.
	localForm  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+$")
	domainForm = regexp.MustCompile(`^([\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}]{2,}$`)
	// The prefixes that Vietnamese mobile networks have used since 2018.
	mobileForm = regexp.MustCompile(`^0[35789][0-9]{8}$`)
)

// checkPhone accepts a Vietnamese mobile number with or without the country
// code and gives it as +84….
func (sc *scope) checkPhone(f Field, v any) (any, *FieldError) {
	raw, _ := v.(string)
	s := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-()", r) || isBlank(r) {
			return -1
		}
		return r
	}, raw)
	switch {
	case strings.HasPrefix(s, "+84"):
		s = "0" + strings.TrimPrefix(s[3:], "0")
	case strings.HasPrefix(s, "0084"):
		s = "0" + strings.TrimPrefix(s[4:], "0")
	case strings.HasPrefix(s, "84") && len(s) == 11:
		s = "0" + s[2:]
	}
	if strings.Trim(s, "0123456789") != "" {
		return nil, sc.fail(f, "phone_char")
	}
	if !mobileForm.MatchString(s) {
		if len(s) != 10 {
			return nil, sc.fail(f, "phone_length", "count", len(s))
		}
		return nil, sc.fail(f, "phone_prefix")
	}
	return "+84" + s[1:], nil
}
