package payments_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/payments"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/money"
	"github.com/dinh-gov/dinh/web"
)

// site is the block with its pages, seen by the person 001.
type site struct {
	*house
	catalog *i18n.Catalog
	url     string
}

func serve(t *testing.T) *site {
	t.Helper()
	catalog, err := i18n.New(payments.Messages(), web.Messages(), httpx.Messages())
	if err != nil {
		t.Fatal(err)
	}
	pages, err := web.New(web.Config{Catalog: catalog})
	if err != nil {
		t.Skip("run make assets: ", err)
	}
	s := &site{catalog: catalog, house: openWith(t, func(d *payments.Deps) { d.Provider, d.Pages = nil, pages })}
	who := func(*http.Request) (auth.Principal, error) { return auth.From(as("001")), nil }
	server := httptest.NewServer(httpx.NewServer(httpx.Config{Routes: s.Routes(), Catalog: catalog, Errors: pages.Error, Log: slog.New(slog.DiscardHandler), Clock: s.clock, Authenticate: who}).Handler())
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// call posts values, or gets the page when there are none.
func (s *site) call(t *testing.T, lang i18n.Lang, path string, values url.Values) (int, string) {
	t.Helper()
	method := http.MethodGet
	if values != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept-Language", string(lang))
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// cards opens n payments of one bill and gives their card pages.
func (s *site) cards(t *testing.T, n int) (payments.Bill, []string) {
	t.Helper()
	b, err := s.CreateBill(as("001"), bill("k"))
	if err != nil {
		t.Fatal(err)
	}
	var pages []string
	for range n {
		page, err := s.Start(as("001"), b.ID)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page)
	}
	return b, pages
}

func goodCard() url.Values {
	return url.Values{"number": {"4444 3333 2222 1111"}, "expiry": {"12/30"}, "code": {"987"}, "name": {"NGUYEN VAN A"}}
}

// The clock stands in November 2026.
func TestWrongCards(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b, pages := s.cards(t, 1)
	const missing, unknown, form, past, code, name = "card_number_missing", "not_a_test_card", "card_expiry_wrong", "card_expiry_past", "card_code_wrong", "card_name_missing"
	for _, c := range []struct {
		number, expiry, code, name string
		wrong                      []string // field, message, field, message…
	}{
		{"", "", "", "", []string{"number", missing, "expiry", form, "code", code, "name", name}},
		{" ", "99/99", "12", " ", []string{"number", missing, "expiry", form, "code", code, "name", name}},
		{"4444333322221112", "10/26", "12345", "\u200b", []string{"number", unknown, "expiry", past, "code", code, "name", name}},
		{"4444333322221111x", "12/30", "123", "A", []string{"number", unknown}},
		{"thẻ của tôi", "12/30", "123", "A", []string{"number", unknown}},
		{"4444333322221111", "13/30", "123", "A", []string{"expiry", form}},
		{"4444333322221111", "00/30", "123", "A", []string{"expiry", form}},
		{"4444333322221111", "1330", "123", "A", []string{"expiry", form}},
		{"4444333322221111", "12/3", "123", "A", []string{"expiry", form}},
		{"4444333322221111", "12-30", "123", "A", []string{"expiry", form}},
		{"4444333322221111", "12/1930", "123", "A", []string{"expiry", form}},
		{"4444333322221111", "12/25", "123", "A", []string{"expiry", past}},
		{"4444333322221111", "10 / 2026", "123", "A", []string{"expiry", past}},
		{"4444333322221111", "12/30", "12a", "A", []string{"code", code}},
		{"4444333322221111", "12/30", "", "A", []string{"code", code}},
		{"4444333322221111", "12/30", "123", "123", []string{"name", name}},
		{"4000000000000002", "12/30", "123", "", []string{"name", name}},
	} {
		values := url.Values{"number": {c.number}, "expiry": {c.expiry}, "code": {c.code}, "name": {c.name}}
		for _, lang := range i18n.Langs {
			status, body := s.call(t, lang, pages[0], values)
			if status != http.StatusUnprocessableEntity {
				t.Errorf("%v: status %d", values, status)
			}
			for i, field := range []string{"number", "expiry", "code", "name"} {
				said, at := "", slices.Index(c.wrong, field)
				if at >= 0 {
					said = s.catalog.T(lang, "error.payments."+c.wrong[at+1])
				}
				if by := strings.Contains(body, `id="`+field+`-error"`); by != (at >= 0) || strings.Contains(body, `href="#`+field+`"`) != by || by && strings.Count(body, said) != 2 {
					t.Errorf("%s, %v: of field %d, %s, the page should say %q by the field and on top", lang, values, i, field, said)
				}
			}
		}
	}
	if got, reason, err := s.Settle(as("001"), b.ID); err != nil || got.State != payments.Open || reason != "" {
		t.Errorf("after cards that were refused the bill is %s, %q, %v", got.State, reason, err)
	}
}

func TestACardPageKeepsWhatMayBeKept(t *testing.T) {
	t.Parallel()
	s := serve(t)
	_, pages := s.cards(t, 1)
	values := goodCard()
	values.Set("expiry", "12/25")
	_, body := s.call(t, i18n.EN, pages[0], values)
	for text, kept := range map[string]bool{`value="12/25"`: true, `value="NGUYEN VAN A"`: true, "987": false, `value="4444`: false} {
		if strings.Contains(body, text) != kept {
			t.Errorf("the page has %s: %v, want %v", text, !kept, kept)
		}
	}
}

func TestRightCards(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ field, value string }{
		{"expiry", "12/30"}, {"expiry", "12 / 30"}, {"expiry", "1230"}, {"expiry", "12/2030"}, {"expiry", "1/30"}, {"expiry", "11/26"}, // this month
		{"number", "4242-4242-4242-4242"}, {"code", "1234"}, {"name", "Ánh"},
	} {
		s := serve(t)
		b, pages := s.cards(t, 1)
		values := goodCard()
		values.Set(c.field, c.value)
		if status, _ := s.call(t, i18n.VI, pages[0], values); status != http.StatusSeeOther {
			t.Errorf("%s %q: status %d", c.field, c.value, status)
		}
		if got, _, err := s.Settle(as("001"), b.ID); err != nil || got.State != payments.Paid {
			t.Errorf("%s %q: the bill is %s, %v", c.field, c.value, got.State, err)
		}
	}
}

// Cancelling needs no card.
func TestCancelOnTheCardPage(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b, pages := s.cards(t, 1)
	if status, _ := s.call(t, i18n.VI, pages[0], url.Values{"cancel": {"yes"}}); status != http.StatusSeeOther {
		t.Errorf("status %d", status)
	}
	if got, reason, err := s.Settle(as("001"), b.ID); err != nil || got.State != payments.Open || reason != "cancelled" {
		t.Errorf("%s, %q, %v", got.State, reason, err)
	}
}

// TestTheDonePageTellsOfASurplus pays one bill in three windows, and another
// one after it was cancelled.
func TestTheDonePageTellsOfASurplus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		windows int
		cancel  bool
		message string
		amount  money.Amount
	}{
		{1, false, "", money.Amount{}},
		{2, false, "payments.twice.", money.Amount{Minor: 115000, Currency: "VND"}},
		{3, false, "payments.twice.", money.Amount{Minor: 230000, Currency: "VND"}},
		{1, true, "payments.late.", money.Amount{Minor: 115000, Currency: "VND"}},
	} {
		s := serve(t)
		b, pages := s.cards(t, c.windows)
		if c.cancel {
			if err := s.Cancel(as("001"), b.ID); err != nil {
				t.Fatal(err)
			}
		}
		for _, page := range pages {
			s.call(t, i18n.VI, page, goodCard())
		}
		for _, state := range []string{"surplus", "returned"} {
			for _, lang := range i18n.Langs {
				status, body := s.call(t, lang, "/pay/"+b.ID+"/done", nil)
				if status != http.StatusOK {
					t.Errorf("status %d", status)
				}
				for _, key := range []string{"payments.twice.surplus", "payments.twice.returned", "payments.late.surplus", "payments.late.returned"} {
					if said := strings.Contains(body, s.catalog.T(lang, key, "amount", c.amount.Format(lang))); said != (key == c.message+state) {
						t.Errorf("%+v, %s: the page says %s: %v", c, lang, key, said)
					}
				}
			}
			balanced(t, s.house)
			if err := s.queue.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.clock.Advance(time.Minute)
		}
	}
}
