package journeys

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/app"
	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// agreed is a request that a borrower has answered, refusing some papers.
func agreed(t *testing.T, h *house, sample string, refused ...string) (code string, bank, person *play.Browser) {
	t.Helper()
	bank, person = h.browser(t, "loans-1"), h.browser(t, sample)
	code, err := demo.AskForPapers(t.Context(), bank, "HV-"+sample)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := demo.Agree(t.Context(), person, code, refused...); err != nil {
		t.Fatal(err)
	}
	return code, bank, person
}

// extracts are what the bank's officer sees, by the title of the paper.
func extracts(t *testing.T, bank *play.Browser, code string) map[string]string {
	t.Helper()
	page, err := demo.Extracts(t.Context(), bank, code)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for title, facts := range page.Cards() {
		out[title] = strings.Join(facts, "\n")
	}
	return out
}

func status(err error) int {
	var e *play.StatusError
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// number is the personal number of a sample.
func (h *house) number(sample string) string {
	p, _ := h.world().Sample(sample)
	return p.Number
}

// TestOneOfFivePapersIsRefused: what the borrower refuses is not asked of the
// register at all, by nobody, not even past the pages.
func TestOneOfFivePapersIsRefused(t *testing.T) {
	t.Parallel()
	h := shared(t)
	code, bank, person := agreed(t, h, "minh", "income")
	got := extracts(t, bank, code)
	if len(got) != 5 {
		t.Fatalf("%d papers", len(got))
	}
	for title, want := range map[string]string{
		"Trích lục thông tin dân cư": "Nguyễn Hải Minh", "Xác nhận thông tin về cư trú": "Trung Kính", "Trích lục kết hôn": "Lý Thanh Nga",
		"Trích lục quyền sử dụng đất": "64", "Quá trình đóng bảo hiểm xã hội": "không đồng ý",
	} {
		if !strings.Contains(got[title], want) {
			t.Errorf("%s: %q", title, got[title])
		}
	}
	for _, facts := range got {
		if strings.Contains(facts, "24.500.000") || strings.Contains(facts, h.number("minh")) {
			t.Errorf("more than was agreed to: %s", facts)
		}
	}
	if _, err := h.Exchange.Call(t.Context(), demo.BankAsks(h.number("minh"), code)); errs.CodeOf(err) != "exchange.consent_missing" {
		t.Errorf("past the pages: %v", err)
	}
	page, err := person.Get(t.Context(), "/papers/"+code)
	if err != nil || !strings.Contains(page.Text(), "Từ chối") {
		t.Errorf("the borrower does not see what they refused: %v", err)
	}
	events, err := h.Exchange.Events(t.Context(), h.Keys.Pseudonym(h.number("minh")), "", 200)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Issue == code && strings.Contains(e.Service, "social-insurance") && strings.Contains(e.Client, "MINHHOA") && e.Outcome == exchange.OutcomeAnswered {
			t.Errorf("the bank was answered: %+v", e)
		}
	}
}

// TestAllPapersAreRefused by one button.
func TestAllPapersAreRefused(t *testing.T) {
	t.Parallel()
	h := shared(t)
	bank, person := h.browser(t, "loans-1"), h.browser(t, "quynh")
	page, err := person.Get(t.Context(), "/services/loan")
	if err != nil {
		t.Fatal(err)
	}
	if page, err = person.Submit(t.Context(), page.Form("/papers/services/loan/start"), nil, nil); err != nil { // begun by the borrower
		t.Fatal(err)
	}
	code := last(page.Path)
	if page, err = person.Get(t.Context(), "/papers/"+code+"/preview"); err != nil {
		t.Fatal(err)
	}
	forms := page.Forms()
	if page, err = person.Submit(t.Context(), forms[len(forms)-1], nil, nil); err != nil || strings.Count(page.Text(), "Từ chối") != 5 {
		t.Fatalf("%v: %s", err, page.Text())
	}
	if page, err = bank.Get(t.Context(), "/desk/papers/"+code); err != nil || page.Form("/desk/papers/"+code) != nil {
		t.Errorf("the bank can still fetch: %v", err)
	}
	for _, facts := range extracts(t, bank, code) {
		if !strings.Contains(facts, "không đồng ý") {
			t.Error(facts)
		}
	}
}

// TestUnansweredPapers: no choice is no consent, and the page says so.
func TestUnansweredPapers(t *testing.T) {
	t.Parallel()
	h := shared(t)
	bank, person := h.browser(t, "loans-1"), h.browser(t, "quynh")
	code, err := demo.AskForPapers(t.Context(), bank, "")
	if err != nil {
		t.Fatal(err)
	}
	page, err := person.Get(t.Context(), "/papers/"+code+"/preview")
	if err != nil {
		t.Fatal(err)
	}
	page, err = person.Submit(t.Context(), page.Form("/papers/"+code+"/preview"), url.Values{"land": {"yes"}}, nil)
	if status(err) != 422 || len(page.Errors()) != 4 {
		t.Errorf("%v %v", err, page.Errors())
	}
	if _, err := demo.Extracts(t.Context(), bank, code); status(err) != 409 {
		t.Errorf("before an answer the bank's officer gets %v", err)
	}
	if page, err = bank.Get(t.Context(), "/desk/papers/"+code); err != nil || strings.Contains(page.Text(), "Đinh Diễm Quỳnh") || page.Form("/desk/papers/"+code) != nil {
		t.Errorf("before an answer the bank knows who it is: %v", err)
	}
	// To agree without having seen: as a form that somebody made up.
	fresh, err := demo.AskForPapers(t.Context(), bank, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = person.Submit(t.Context(), &play.Form{Action: "/papers/" + fresh + "/preview", Method: "post", Values: url.Values{"income": {"yes"}}}, nil, nil)
	if status(err) != 409 {
		t.Errorf("agreed to what was not shown: %v", err)
	}
}

// TestStrangersAndPapers: other people, other banks and officers without the
// role find nothing.
func TestStrangersAndPapers(t *testing.T) {
	t.Parallel()
	h := shared(t)
	code, bank, _ := agreed(t, h, "minh")
	page, err := demo.Extracts(t.Context(), bank, code)
	if err != nil {
		t.Fatal(err)
	}
	receipts := page.Links("/desk/papers/" + code + "/receipts/")
	other := h.browser(t, "loans-2")
	for _, path := range []string{"/desk/papers/" + code, receipts[0]} {
		if _, err := other.Get(t.Context(), path); status(err) != 404 {
			t.Errorf("another bank: %s: %v", path, err)
		}
	}
	if _, err := demo.Extracts(t.Context(), other, code); status(err) != 404 {
		t.Errorf("another bank fetches: %v", err)
	}
	_, err = other.Submit(t.Context(), &play.Form{Action: "/desk/papers", Method: "post", Values: url.Values{"service": {"loan"}}}, nil, nil)
	if status(err) != 403 {
		t.Errorf("another bank asks in the bank's name: %v", err)
	}
	if _, err := h.browser(t, "register-vss").Get(t.Context(), "/desk/papers"); status(err) != 403 {
		t.Errorf("an officer without the role: %v", err)
	}
	for _, path := range []string{"/papers/" + code, "/papers/" + code + "/preview"} {
		if _, err := h.browser(t, "quynh").Get(t.Context(), path); status(err) != 404 {
			t.Errorf("another borrower: %s: %v", path, err)
		}
	}
	// Another bank's own system, with the borrower's number and the code.
	call := demo.BankAsks(h.number("minh"), code)
	call.Client.Member = "VIDU"
	if _, err := h.Exchange.Call(t.Context(), call); errs.CodeOf(err) != "exchange.no_grant" {
		t.Errorf("another bank past the pages: %v", err)
	}
	// An access of somebody else has no receipt here.
	events, err := h.Exchange.Events(t.Context(), h.Keys.Pseudonym(h.number("minh")), "", 200)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(events, func(e exchange.Event) bool { return strings.Contains(e.Client, "/portal") })
	if _, err := bank.Get(t.Context(), "/desk/papers/"+code+"/receipts/"+events[i].ID); status(err) != 404 {
		t.Errorf("the receipt of an access that is not the bank's: %v", err)
	}
}

// TestConsentForPapersEnds in each of its ways; what the bank asks next is
// refused, says why, and stands in the borrower's data log.
func TestConsentForPapersEnds(t *testing.T) {
	t.Parallel()
	later := &shifted{}
	h := own(t, func(c *app.Config) { c.Clock = later })
	for name, c := range map[string]struct {
		end  func(ctx context.Context, code string, person *play.Browser) error
		code string
		says string
	}{
		"withdrawn": {func(ctx context.Context, code string, person *play.Browser) error {
			_, err := demo.Withdraw(ctx, person, code)
			return err
		}, "exchange.consent_withdrawn", "đã rút lại"},
		"ended": {func(context.Context, string, *play.Browser) error {
			later.by.Store(int64(31 * 24 * time.Hour))
			return nil
		}, "exchange.consent_ended", "đã hết hạn"},
		"spent": {func(ctx context.Context, _ string, _ *play.Browser) error {
			return h.exec(ctx, `UPDATE transparency_consent SET used = times WHERE withdrawn_at = 0`)
		}, "exchange.consent_spent", "đã dùng hết"},
	} {
		code, bank, person := agreed(t, h, "minh")
		for title, facts := range extracts(t, bank, code) {
			if !strings.Contains(facts, "Mã thông điệp") {
				t.Errorf("%s: before: %s: %s", name, title, facts)
			}
		}
		if err := c.end(t.Context(), code, person); err != nil {
			t.Fatal(name, err)
		}
		if err := errors.Join(bank.SignIn(t.Context(), "loans-1"), person.SignIn(t.Context(), "minh")); err != nil { // a month is longer than a session
			t.Fatal(err)
		}
		for title, facts := range extracts(t, bank, code) {
			if !strings.Contains(facts, c.says) || strings.Count(facts, "\n") != 1 {
				t.Errorf("%s: %s: %s", name, title, facts)
			}
		}
		if _, err := h.Exchange.Call(t.Context(), demo.BankAsks(h.number("minh"), code)); errs.CodeOf(err) != c.code {
			t.Errorf("%s: past the pages: %v", name, err)
		}
		events, err := h.Exchange.Events(t.Context(), h.Keys.Pseudonym(h.number("minh")), "", 200)
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for _, e := range events {
			if e.Issue == code && e.Reason == c.code && e.Outcome == exchange.OutcomeRefused {
				refused++
			}
		}
		if refused != 6 {
			t.Errorf("%s: the borrower sees %d refusals", name, refused)
		}
		log, err := person.Get(t.Context(), "/my-data")
		if err != nil || !strings.Contains(log.Text(), "Ngân hàng Minh Họa") || !strings.Contains(log.Text(), "Thẩm định khoản vay") {
			t.Errorf("%s: the data log does not name the bank: %v", name, err)
		}
	}
}

func (h *house) exec(ctx context.Context, query string) error {
	return h.DB.Write(ctx, func(ctx context.Context, q db.Querier) error {
		_, err := q.ExecContext(ctx, query)
		return err
	})
}

// TestABanksOwnSystemNeedsTheConsent, too: through X-Road's door with a key, in
// the words that X-Road clients know.
func TestABanksOwnSystemNeedsTheConsent(t *testing.T) {
	t.Parallel()
	h := shared(t)
	code, _, person := agreed(t, h, "quynh")
	secret, _, err := h.Exchange.NewClientKey(t.Context(), demo.BankAsks("", "").Client, "a test", h.Config.Clock.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(who, issue string) (int, string) {
		body := strings.NewReader(string(demo.BankAsks(h.number(who), "").Body))
		req, err := http.NewRequestWithContext(t.Context(), "POST", h.Base+"/r1/VN/GOV/VSS/social-insurance/social-insurance/search", body)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range map[string]string{
			"X-Road-Client": "VN/COM/MINHHOA/loans", "X-Road-Issue": issue, "X-Dinh-Purpose": "loan-assessment",
			"Authorization": "Bearer " + secret, "Content-Type": "application/json",
		} {
			req.Header.Set(k, v)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(answer)
	}
	refused := func(why string, status int, answer string) {
		t.Helper()
		if status != 500 || !strings.Contains(answer, `"server.serverproxy.access_denied"`) || strings.Contains(answer, "Trường") {
			t.Errorf("%s: %d %s", why, status, answer)
		}
	}
	if status, answer := ask("quynh", code); status != 200 || !strings.Contains(answer, "9800000") || strings.Contains(answer, h.number("quynh")) {
		t.Errorf("agreed to: %d %s", status, answer)
	}
	status, answer := ask("quynh", "GT-OTHER")
	refused("under another request", status, answer)
	status, answer = ask("minh", code)
	refused("about somebody else", status, answer)
	if _, err := demo.Withdraw(t.Context(), person, code); err != nil {
		t.Fatal(err)
	}
	status, answer = ask("quynh", code)
	refused("withdrawn", status, answer)
}
