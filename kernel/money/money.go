package money

import (
	"cmp"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Amount is a sum of money, comparable with == when both are of one currency.
type Amount struct {
	Minor    int64  `json:"minor" yaml:"minor"`       // đồng, cents, …
	Currency string `json:"currency" yaml:"currency"` // ISO 4217
}

// currency is how one currency is counted and written.
type currency struct {
	decimals int
	symbol   string
	after    bool // the symbol is a code, and follows the number in English too
}

func lookup(code string) (currency, bool) {
	switch code {
	case "VND":
		return currency{0, "₫", false}, true
	case "USD":
		return currency{2, "US$", false}, true
	case "EUR":
		return currency{2, "€", false}, true
	case "GBP":
		return currency{2, "£", false}, true
	case "JPY":
		return currency{0, "¥", false}, true
	case "KRW":
		return currency{0, "₩", false}, true
	case "CNY", "SGD", "AUD", "THB", "LAK", "KHR":
		return currency{2, code, true}, true
	}
	return currency{}, false
}

// VND is an amount of đồng.
func VND(dong int64) Amount { return Amount{Minor: dong, Currency: "VND"} }

// New makes an amount of a currency the house knows how to count.
func New(minor int64, code string) (Amount, error) {
	if _, ok := lookup(code); !ok {
		return Amount{}, errs.New(errs.Invalid, "money.bad_currency", "currency", code)
	}
	return Amount{Minor: minor, Currency: code}, nil
}

// IsZero says whether there is nothing to pay, in any currency.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// Sign is -1, 0 or 1.
func (a Amount) Sign() int { return cmp.Compare(a.Minor, 0) }

// Add gives a + b.
func (a Amount) Add(b Amount) (Amount, error) {
	code, err := common(a, b)
	if err != nil {
		return Amount{}, err
	}
	sum := a.Minor + b.Minor
	if (sum > a.Minor) != (b.Minor > 0) {
		return Amount{}, overflow(code)
	}
	return Amount{sum, code}, nil
}

// Sub gives a - b.
func (a Amount) Sub(b Amount) (Amount, error) {
	code, err := common(a, b)
	if err != nil {
		return Amount{}, err
	}
	diff := a.Minor - b.Minor
	if (diff < a.Minor) != (b.Minor > 0) {
		return Amount{}, overflow(code)
	}
	return Amount{diff, code}, nil
}

// Mul gives a × n: a fee for n copies.
func (a Amount) Mul(n int64) (Amount, error) {
	hi, lo := bits.Mul64(magnitude(a.Minor), magnitude(n))
	negative := (a.Minor < 0) != (n < 0)
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	if hi != 0 || lo > limit {
		return Amount{}, overflow(a.Currency)
	}
	product := int64(lo)
	if negative {
		product = -product
	}
	return Amount{product, a.Currency}, nil
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// Neg gives -a.
func (a Amount) Neg() (Amount, error) { return Amount{Currency: a.Currency}.Sub(a) }

// Cmp is -1 when a < b, 0 when equal, 1 when a > b.
func (a Amount) Cmp(b Amount) (int, error) {
	if _, err := common(a, b); err != nil {
		return 0, err
	}
	return cmp.Compare(a.Minor, b.Minor), nil
}

// Sum adds up; no amounts give the zero Amount.
func Sum(amounts ...Amount) (Amount, error) {
	var total Amount
	for _, a := range amounts {
		var err error
		if total, err = total.Add(a); err != nil {
			return Amount{}, err
		}
	}
	return total, nil
}

func common(a, b Amount) (string, error) {
	switch {
	case a.Currency == b.Currency:
		return a.Currency, nil
	case a == Amount{}:
		return b.Currency, nil
	case b == Amount{}:
		return a.Currency, nil
	}
	return "", errs.New(errs.Invalid, "money.currency_mismatch", "a", a.Currency, "b", b.Currency)
}

func overflow(code string) error {
	return errs.New(errs.Invalid, "money.overflow", "currency", code)
}

// Format writes the amount for people: "135.000 ₫" in Vietnamese, "₫135,000"
// in English, a minus sign in front when negative.
func (a Amount) Format(l i18n.Lang) string {
	c, known := lookup(a.Currency)
	if !known {
		c = currency{0, a.Currency, true}
	}
	number := a.number(l, c.decimals)
	sign := ""
	if a.Minor < 0 {
		sign = "-"
	}
	switch {
	case c.symbol == "": // the zero Amount
		return sign + number
	case l != i18n.EN || c.after:
		return sign + number + "\u00a0" + c.symbol // a line must not break there
	}
	return sign + c.symbol + number
}

// number writes the magnitude, grouped, with the currency's decimals.
func (a Amount) number(l i18n.Lang, decimals int) string {
	digits := strconv.FormatUint(magnitude(a.Minor), 10)
	if short := decimals + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	group, point := ".", ","
	if l == i18n.EN {
		group, point = ",", "."
	}
	whole, rest := digits[:len(digits)-decimals], digits[len(digits)-decimals:]
	var b strings.Builder
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteByte(whole[i])
	}
	if rest != "" {
		b.WriteString(point + rest)
	}
	return b.String()
}

// String is for logs and tests: "135000 VND", in minor units.
func (a Amount) String() string {
	return strings.TrimSpace(strconv.FormatInt(a.Minor, 10) + " " + a.Currency)
}

// Parse reads đồng as people type them: "135000", "135.000", "135,000 ₫",
// "135 000 đ", "135.000 VND". Groups must be whole thousands, so "1.5" is
// refused rather than guessed.
func Parse(s string) (Amount, error) {
	bad := func() (Amount, error) { return Amount{}, errs.New(errs.Invalid, "money.bad_amount") }
	s = strings.TrimSpace(s)
	for _, unit := range []string{"₫", "đồng", "đ", "VND", "VNĐ"} {
		if rest, ok := strings.CutSuffix(s, unit); ok {
			s = strings.TrimSpace(rest)
			break
		}
	}
	s, negative := strings.CutPrefix(s, "-")
	digits, ok := ungroup(s)
	if !ok {
		return bad()
	}
	if negative {
		digits = "-" + digits
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return bad()
	}
	return VND(n), nil
}

// ungroup takes out one kind of thousands separator and allows only digits.
func ungroup(s string) (string, bool) {
	s = strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(s)
	sep := strings.Trim(s, "0123456789")
	if sep != "" {
		sep = sep[:1]
		if !strings.Contains(". ,", sep) {
			return "", false
		}
		groups := strings.Split(s, sep)
		if len(groups[0]) == 0 || len(groups[0]) > 3 {
			return "", false
		}
		for _, g := range groups[1:] {
			if len(g) != 3 {
				return "", false
			}
		}
		s = strings.Join(groups, "")
	}
	return s, s != "" && strings.Trim(s, "0123456789") == ""
}
