package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/money"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		a      money.Amount
		vi, en string
	}{
		{money.VND(135000), "135.000\u00a0₫", "₫135,000"},
		{money.VND(0), "0\u00a0₫", "₫0"},
		{money.VND(999), "999\u00a0₫", "₫999"},
		{money.VND(-1234567), "-1.234.567\u00a0₫", "-₫1,234,567"},
		{money.VND(math.MinInt64), "-9.223.372.036.854.775.808\u00a0₫", "-₫9,223,372,036,854,775,808"},
		{money.Amount{Minor: 5, Currency: "USD"}, "0,05\u00a0US$", "US$0.05"},
		{money.Amount{Minor: 123456, Currency: "EUR"}, "1.234,56\u00a0€", "€1,234.56"},
		{money.Amount{Minor: 100, Currency: "THB"}, "1,00\u00a0THB", "1.00\u00a0THB"},
		{money.Amount{}, "0", "0"},
	} {
		if got := c.a.Format(i18n.VI); got != c.vi {
			t.Errorf("%v in Vietnamese: %q, want %q", c.a, got, c.vi)
		}
		if got := c.a.Format(i18n.EN); got != c.en {
			t.Errorf("%v in English: %q, want %q", c.a, got, c.en)
		}
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]int64{
		"135000": 135000, "135.000": 135000, "135,000 ₫": 135000, "135 000 đ": 135000,
		"1.234.567 VND": 1234567, "0": 0, "-5": -5, "8000 đồng": 8000, "8000VNĐ": 8000, "1\u00a0000": 1000,
	} {
		if got, err := money.Parse(in); err != nil || got != money.VND(want) {
			t.Errorf("Parse(%q) = %v, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "đ", "1.5", "1.00", "1.2345", "1,000.000", ".000", "1e3", "--1", "９", "99999999999999999999", "1000.000"} {
		if got, err := money.Parse(in); errs.CodeOf(err) != "money.bad_amount" {
			t.Errorf("Parse(%q) = %v, %v; want money.bad_amount", in, got, err)
		}
	}
}

func TestCurrencies(t *testing.T) {
	dollars, err := money.New(100, "USD")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := money.VND(1).Add(dollars); !errors.Is(err, errs.Invalid) || errs.CodeOf(err) != "money.currency_mismatch" {
		t.Errorf("đồng + dollars: %v", err)
	}
	if _, err := money.VND(1).Cmp(dollars); errs.CodeOf(err) != "money.currency_mismatch" {
		t.Errorf("đồng <=> dollars: %v", err)
	}
	if _, err := money.New(1, "XXX"); errs.CodeOf(err) != "money.bad_currency" {
		t.Errorf("New XXX: %v", err)
	}
	if got, err := money.Sum(money.VND(8000), money.VND(2000)); err != nil || got != money.VND(10000) {
		t.Errorf("Sum = %v, %v", got, err)
	}
	if got, err := money.Sum(); err != nil || got != (money.Amount{}) {
		t.Errorf("Sum() = %v, %v", got, err)
	}
}

// Whatever the numbers, the answer is the mathematical one or an overflow.
func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		check := func(op string, got money.Amount, err error, want *big.Int) {
			switch {
			case want.IsInt64() && (err != nil || got != money.VND(want.Int64())):
				t.Fatalf("%d %s %d = %v, %v; want %v", a, op, b, got, err, want)
			case !want.IsInt64() && errs.CodeOf(err) != "money.overflow":
				t.Fatalf("%d %s %d = %v, %v; want an overflow", a, op, b, got, err)
			}
		}
		x, y := big.NewInt(a), big.NewInt(b)
		sum, err := money.VND(a).Add(money.VND(b))
		check("+", sum, err, new(big.Int).Add(x, y))
		diff, err := money.VND(a).Sub(money.VND(b))
		check("-", diff, err, new(big.Int).Sub(x, y))
		product, err := money.VND(a).Mul(b)
		check("*", product, err, new(big.Int).Mul(x, y))
		neg, err := money.VND(a).Neg()
		check("neg", neg, err, new(big.Int).Neg(x))
		if back, err := money.Parse(money.VND(a).Format(i18n.VI)); err != nil || back != money.VND(a) {
			t.Fatalf("Parse(Format(%d)) = %v, %v", a, back, err)
		}
	})
}

func TestJSON(t *testing.T) {
	b, err := json.Marshal(money.VND(8000))
	if err != nil || string(b) != `{"minor":8000,"currency":"VND"}` {
		t.Fatalf("%s, %v", b, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"135.000\u00a0₫", "135.000 ₫", "-1", "1 000", ".", "đ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := money.Parse(s)
		if err != nil {
			return
		}
		if back, err := money.Parse(a.Format(i18n.VI)); err != nil || back != a {
			t.Fatalf("Parse(%q) = %v, but it formats as %q and reads back %v, %v", s, a, a.Format(i18n.VI), back, err)
		}
	})
}
