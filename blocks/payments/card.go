package payments

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// card is what a person types on the sandbox's page. It lives for one request.
type card struct{ number, expiry, code, name string }

var (
	expiryForm = regexp.MustCompile(`^(\d\d?)/(?:20)?(\d\d)$|^(\d\d)(\d\d)$`)
	codeForm   = regexp.MustCompile(`^\d{3,4}$`)
)

// wrong lists every field that cannot be right, in the order of the page, so
// that all can be mended at once.
func (c card) wrong(now time.Time) []errs.Field {
	var out []errs.Field
	add := func(field, code string) { out = append(out, errs.NewField(field, code)) }
	if strings.TrimSpace(c.number) == "" {
		add("number", "payments.card_number_missing")
	} else if _, known := outcome(c.number); !known {
		add("number", "payments.not_a_test_card")
	}
	switch last, ok := c.lastMonth(); {
	case !ok:
		add("expiry", "payments.card_expiry_wrong")
	case !now.UTC().Before(last.AddDate(0, 1, 0)): // a card is good to the end of its month
		add("expiry", "payments.card_expiry_past")
	}
	if !codeForm.MatchString(strings.TrimSpace(c.code)) {
		add("code", "payments.card_code_wrong")
	}
	if !strings.ContainsFunc(c.name, unicode.IsLetter) {
		add("name", "payments.card_name_missing")
	}
	return out
}

// lastMonth reads 12/30, 12 / 30, 1230 and, as some browsers fill it in,
// 12/2030: the month in which the card is good for the last time.
func (c card) lastMonth() (time.Time, bool) {
	m := expiryForm.FindStringSubmatch(strings.Join(strings.Fields(c.expiry), ""))
	if m == nil {
		return time.Time{}, false
	}
	month, _ := strconv.Atoi(m[1] + m[3]) // two digits at most, and one of the two forms is empty
	year, _ := strconv.Atoi(m[2] + m[4])
	return time.Date(2000+year, time.Month(month), 1, 0, 0, 0, 0, time.UTC), month >= 1 && month <= 12
}

// outcome is what happens to a card with this number; the test cards are those
// that people know from other sandboxes.
func outcome(number string) (st ProviderStatus, known bool) {
	st.State = "failed"
	switch strings.NewReplacer(" ", "", "\u00a0", "", "-", "").Replace(number) {
	case "4444333322221111", "4242424242424242":
		st.State = "paid"
	case "4000000000000002":
		st.Reason = "declined"
	case "4000000000000069":
		st.Reason = "expired_card"
	case "4000000000000119":
		st.Reason = "provider_error"
	default:
		return st, false
	}
	return st, true
}
