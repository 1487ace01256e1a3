package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/blocks/exchange"
)

// Papers are those that the bank asks for, by requirement.
func Papers() []string { return []string{"identity", "residence", "marital-status", "income", "land"} }

// AskForPapers makes a request for a loan's papers as the officer signed in, and
// gives its code.
func AskForPapers(ctx context.Context, officer *play.Browser, reference string) (string, error) {
	desk, err := officer.Get(ctx, "/desk/papers")
	if err != nil {
		return "", err
	}
	form := desk.Form("/desk/papers")
	if form == nil {
		return "", errors.New("the bank's officer cannot ask for papers: " + desk.Heading())
	}
	page, err := officer.Submit(ctx, form, url.Values{"reference": {reference}}, nil)
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(page.Path, "/desk/papers/"), nil
}

// Agree looks at the preview of a request and agrees to every paper but those
// refused. It gives the preview and what the person is told then.
func Agree(ctx context.Context, person *play.Browser, code string, refused ...string) (preview, done *play.Page, err error) {
	if preview, err = person.Get(ctx, "/papers/"+code+"/preview"); err != nil {
		return preview, nil, err
	}
	form := preview.Form("/papers/" + code + "/preview")
	if form == nil {
		return preview, nil, errors.New("there is nothing to agree to: " + preview.Heading())
	}
	choices := url.Values{}
	for _, p := range Papers() {
		choices.Set(p, "yes")
		if slices.Contains(refused, p) {
			choices.Set(p, "no")
		}
	}
	done, err = person.Submit(ctx, form, choices, nil)
	return preview, done, err
}

// Extracts lets the officer signed in fetch what was agreed to.
func Extracts(ctx context.Context, officer *play.Browser, code string) (*play.Page, error) {
	return officer.Submit(ctx, &play.Form{Action: "/desk/papers/" + code, Method: "post"}, nil, nil)
}

// Withdraw takes back all that the person signed in agreed to in a request.
func Withdraw(ctx context.Context, person *play.Browser, code string) (*play.Page, error) {
	page, err := person.Get(ctx, "/papers/"+code)
	if err != nil {
		return page, err
	}
	form := page.Form("/papers/" + code + "/withdraw")
	if form == nil {
		return page, errors.New("there is nothing to withdraw: " + page.Text())
	}
	return person.Submit(ctx, form, nil, nil)
}

// BankAsks is the question of a bank's own system, past all pages.
func BankAsks(number, code string) exchange.Call {
	return exchange.Call{
		Client:  exchange.SubsystemID{Instance: "VN", Class: "COM", Member: "MINHHOA", Subsystem: "loans"},
		Service: exchange.ServiceID{SubsystemID: exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "VSS", Subsystem: "social-insurance"}, Service: "social-insurance"},
		Method:  "POST", Path: "/search", Body: []byte(`{"where":{"insured":"` + number + `"}}`), Purpose: "loan-assessment", Issue: code, Application: "loan",
	}
}

func (s *show) loan(ctx context.Context) error {
	s.t.act("A bank asks for five papers")
	officer, person := play.NewBrowser(s.stage.Base), play.NewBrowser(s.stage.Base)
	if err := errors.Join(officer.SignIn(ctx, s.officer("evidence-officer", 0)), person.SignIn(ctx, "minh")); err != nil {
		return err
	}
	code, err := AskForPapers(ctx, officer, "HV-2026-0117")
	if err != nil {
		return err
	}
	s.t.say("bank", "asks for five papers and sends the customer a link: %s", code)
	_, err = Extracts(ctx, officer, code)
	s.t.check(refusedWith(err, 409), "before the customer answers, the officer gets nothing")
	_, err = s.stage.App.Exchange.Call(ctx, BankAsks(s.number("minh"), code))
	s.t.check(is(err, "exchange.consent_missing"), "nor does the bank's own system, past the pages")
	preview, _, err := Agree(ctx, person, code)
	if err != nil {
		return err
	}
	s.t.say("customer", "sees %d papers exactly as the bank would, and agrees to each", len(cards(preview)))
	asked := time.Now()
	page, err := Extracts(ctx, officer, code)
	if err != nil {
		return err
	}
	s.t.say("bank", "five extracts on one screen after %d ms", time.Since(asked).Milliseconds())
	s.t.check(same(preview, page), "the bank sees what the preview showed, and no more")
	links := page.Links("/desk/papers/" + code + "/receipts/")
	if _, err := Withdraw(ctx, person, code); err != nil {
		return err
	}
	s.t.say("customer", "withdraws")
	page, err = Extracts(ctx, officer, code)
	if err == nil && (strings.Count(page.Text(), "đã rút lại sự đồng ý") != len(Papers()) || strings.Contains(page.Text(), "24.500.000")) {
		err = errors.New(page.Text())
	}
	s.t.check(err, "the very next request brings nothing, and the screen says why")
	_, err = s.stage.App.Exchange.Call(ctx, BankAsks(s.number("minh"), code))
	s.t.check(is(err, "exchange.consent_withdrawn"), "nor does the bank's own system get anything")
	if err := s.tracked(ctx, person, code); err != nil {
		return err
	}
	s.t.check(s.bankReceipts(ctx, officer, links), "the bank has %d receipts that verify", len(links))
	return nil
}

func refusedWith(err error, status int) error {
	var e *play.StatusError
	if errors.As(err, &e) && e.Status == status {
		return nil
	}
	return fmt.Errorf("not refused with %d: %v", status, err)
}

func is(err error, code string) error {
	if err != nil && strings.HasPrefix(err.Error(), code) {
		return nil
	}
	return fmt.Errorf("not %s but %v", code, err)
}

// cards are the facts under the title of each paper on a page, without where and
// when they came from.
func cards(p *play.Page) map[string]string {
	out := map[string]string{}
	for title, facts := range p.Cards() {
		var kept []string
		for _, f := range facts {
			if key, _, _ := strings.Cut(f, ": "); !slices.Contains([]string{"Thời điểm nhận", "Mã thông điệp", "Biên nhận"}, key) {
				kept = append(kept, f)
			}
		}
		out[title] = strings.Join(kept, "\n")
	}
	return out
}

func same(preview, extract *play.Page) error {
	seen, got := cards(preview), cards(extract)
	if len(seen) != len(Papers()) || len(got) != len(seen) {
		return fmt.Errorf("%d papers were shown, %d handed over", len(seen), len(got))
	}
	for title, facts := range seen {
		if got[title] != facts {
			return fmt.Errorf("%s: shown %q, handed over %q", title, facts, got[title])
		}
	}
	return nil
}

func (s *show) bankReceipts(ctx context.Context, officer *play.Browser, links []string) error {
	if len(links) < len(Papers()) {
		return fmt.Errorf("%d receipts for %d papers", len(links), len(Papers()))
	}
	for _, link := range links {
		file, err := officer.Get(ctx, link) // the customer's log waited until all were sealed
		if err != nil {
			return err
		}
		if err := independent(file.Body, s.stage.App.VKey); err != nil {
			return err
		}
	}
	return nil
}

// tracked checks that the customer sees everything that the bank did and tried.
func (s *show) tracked(ctx context.Context, person *play.Browser, code string) error {
	events, err := s.stage.App.Exchange.Events(ctx, s.stage.App.Keys.Pseudonym(s.number("minh")), "", 200)
	if err != nil {
		return err
	}
	outcomes, good := map[string]int{}, 0
	for _, e := range events {
		if e.Issue != code || !strings.HasPrefix(e.Client, "VN/COM/MINHHOA/") {
			continue
		}
		outcomes[e.Outcome]++
		path := "/my-data/" + e.ID + "/receipt"
		if _, err := person.Wait(ctx, "/my-data/"+e.ID, func(p *play.Page) bool { return len(p.Links(path)) > 0 }); err != nil {
			return err
		}
		file, err := person.Get(ctx, path)
		if err == nil {
			err = independent(file.Body, s.stage.App.VKey)
		}
		if err != nil {
			return err
		}
		good++
	}
	err = nil
	if outcomes[exchange.OutcomeAnswered] != len(Papers()) || outcomes[exchange.OutcomeRefused] != len(Papers())+2 {
		err = fmt.Errorf("%v", outcomes)
	}
	s.t.check(err, "the customer's data log has all %d looks and attempts, each with a receipt that verifies", good)
	return nil
}
