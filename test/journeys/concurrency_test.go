package journeys

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
)

// atOnce does the same n times at the same moment, as windows of one person or
// several people do.
func atOnce(n int, do func(i int)) {
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-gate
			do(i)
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
}

// unpaid is a driver with an application that waits for the fee.
func unpaid(t *testing.T, h *house) (*play.Browser, play.Application) {
	t.Helper()
	b := h.browser(t, h.driver())
	a, err := b.Apply(t.Context(), "licence", demo.LicenceAnswers(), map[string]play.Upload{"photo.portrait": demo.Portrait()})
	if err != nil {
		t.Fatal(err)
	}
	return b, a
}

func deskPath(t *testing.T, b *play.Browser, code string) string {
	t.Helper()
	page, err := b.Wait(t.Context(), "/desk/search?q="+code, func(p *play.Page) bool { return len(p.Links("/desk/cases/")) > 0 })
	if err != nil {
		t.Fatal(err)
	}
	return page.Links("/desk/cases/")[0]
}

// TestSubmittingInTwoWindows sends one application from five windows at once.
func TestSubmittingInTwoWindows(t *testing.T) {
	t.Parallel()
	h := shared(t)
	b := h.browser(t, h.mother())
	page, err := b.Begin(t.Context(), "birth")
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Split(strings.Split(page.Path, "?")[0], "/")[2]
	answers := demo.BirthAnswers(demo.Child(nameOf(t, b), "Châu"+strings.Repeat(" An", int(h.mothers.Load()))))
	for page.Form("/apply/"+id+"/submit") == nil {
		if f := page.Form("/apply/" + id + "/p/"); f != nil {
			page, err = b.Submit(t.Context(), f, f.Fill(answers), nil)
		} else if links := append(page.Links("/apply/"+id+"/p/"), page.Links("/apply/"+id+"/check")...); len(links) > 0 {
			page, err = b.Get(t.Context(), links[0])
		} else {
			t.Fatalf("no way on: %s", page.Text())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	form := page.Form("/apply/" + id + "/submit")
	values := url.Values{}
	for _, i := range form.Inputs {
		if i.Type == "checkbox" {
			values.Set(i.Name, i.Value)
		}
	}
	codes := make([]string, 5)
	atOnce(len(codes), func(i int) {
		done, err := b.Submit(t.Context(), form, values, nil)
		if err != nil {
			t.Errorf("window %d: %v", i, err)
			return
		}
		codes[i] = done.Path
	})
	for i, c := range codes {
		if c != codes[0] {
			t.Errorf("window %d ended at %s, the first at %s", i, c, codes[0])
		}
	}
	if n := h.one(t, `SELECT count(*) FROM cases_case WHERE application = $1`, id); n != "1" {
		t.Errorf("there are %s cases of one application", n)
	}
	done, err := b.Wait(t.Context(), "/applications/"+id, func(p *play.Page) bool { return len(documentPages(p)) >= 3 })
	if err != nil {
		t.Fatal(err)
	}
	if n := len(documentPages(done)); n != 3 {
		t.Errorf("%d documents of one birth", n)
	}
	h.settle(t)
	born, err := h.Registers.Search(t.Context(), "births", answers["child.full_name"], 50)
	born = slices.DeleteFunc(born, func(r registers.Record) bool { return r.Data["child_name"] != answers["child.full_name"] })
	if err != nil || len(born) != 1 {
		t.Errorf("the child was born %d times: %v", len(born), err)
	}
}

func nameOf(t *testing.T, b *play.Browser) string {
	t.Helper()
	name, err := b.Name(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestBeginningTwice presses the start button in three windows.
func TestBeginningTwice(t *testing.T) {
	t.Parallel()
	h := shared(t)
	b := h.browser(t, h.driver())
	atOnce(3, func(i int) {
		if _, err := b.Begin(t.Context(), "licence"); err != nil {
			t.Errorf("window %d: %v", i, err)
		}
	})
	page, err := b.Get(t.Context(), "/applications")
	if err != nil || len(page.Links("/apply/")) != 1 {
		t.Errorf("%v: %d drafts: %v", err, len(page.Links("/apply/")), page.Links("/apply/"))
	}
}

// TestPayingTwice enters the card in five windows: two payments begun, each
// confirmed more than once.
func TestPayingTwice(t *testing.T) {
	t.Parallel()
	h := shared(t)
	b, a := unpaid(t, h)
	page, err := b.Wait(t.Context(), "/applications/"+a.ID, func(p *play.Page) bool { return len(p.Ways("/pay/")) > 0 })
	if err != nil {
		t.Fatal(err)
	}
	bill := last(page.Ways("/pay/")[0])
	cards := make([]*play.Form, 5)
	atOnce(len(cards), func(i int) {
		p, err := b.Submit(t.Context(), &play.Form{Action: "/pay/" + bill, Method: "post"}, nil, nil)
		if err != nil {
			t.Errorf("window %d: %v", i, err)
			return
		}
		cards[i] = p.Form("/sandbox-card/")
	})
	for _, f := range append(cards, cards...) {
		if f == nil {
			t.Fatal("no card page")
		}
	}
	cards = append(cards, cards...)
	atOnce(len(cards), func(i int) {
		if _, err := b.Submit(t.Context(), cards[i], url.Values{"number": {"4444333322221111"}, "expiry": {"12/99"}, "code": {"123"}, "name": {"A"}}, nil); err != nil {
			t.Errorf("window %d: %v", i, err)
		}
	})
	if err := h.Payments.SettleAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.settle(t)
	found, err := h.Payments.Find(t.Context(), bill)
	if err != nil || found.State != "paid" {
		t.Fatalf("the bill is %s: %v", found.State, err)
	}
	kept := func() string {
		return h.one(t, `SELECT (SELECT coalesce(sum(amount), 0) FROM payments_sandbox WHERE state = 'paid' AND ref IN (SELECT provider_ref FROM payments_payment WHERE bill = $1))
			- (SELECT coalesce(sum(amount), 0) FROM payments_sandbox_refund WHERE ref IN (SELECT provider_ref FROM payments_payment WHERE bill = $2))`, bill, bill)
	}
	h.until(t, "the provider keeps the fee once", func() bool { return kept() == fmt.Sprint(found.Amount.Minor) })
	if off, err := h.Payments.Balanced(t.Context()); err != nil || len(off) > 0 {
		t.Errorf("the journal is off by %v: %v", off, err)
	}
	heard := func() string {
		return h.one(t, `SELECT count(*) FROM cases_event e JOIN cases_case c ON c.id = e.case_id WHERE c.application = $1 AND e.kind = 'paid'`, a.ID)
	}
	h.until(t, "the case hears of the payment", func() bool { return heard() != "0" })
	h.settle(t)
	if n := heard(); n != "1" {
		t.Errorf("the case heard of %s payments", n)
	}
}

// TestTwoOfficersAtOnce lets two officers take the same case, and then one of
// them decide it in three windows at once.
func TestTwoOfficersAtOnce(t *testing.T) {
	t.Parallel()
	h := shared(t)
	b, a := unpaid(t, h)
	if err := payFor(t, b, a, "4444333322221111"); err != nil {
		t.Fatal(err)
	}
	h.settle(t)
	desks := []*caller{h.caller(t, "licence-1"), h.caller(t, "licence-2")}
	path := deskPath(t, h.browser(t, "licence-1"), a.Code)
	statuses := make([]int, 2)
	atOnce(2, func(i int) { statuses[i] = desks[i].post(t, path+"/claim", nil).Status })
	holder := 0
	switch {
	case statuses[0] == http.StatusSeeOther && statuses[1] == http.StatusConflict:
	case statuses[1] == http.StatusSeeOther && statuses[0] == http.StatusConflict:
		holder = 1
	default:
		t.Fatalf("claiming at once: %v, want one 303 and one 409", statuses)
	}
	form := desks[holder].get(t, path+"/do/approve")
	version := (&play.Page{Body: []byte(form.Body)}).Form(path + "/do/approve")
	if version == nil {
		t.Fatalf("no form to approve: %d", form.Status)
	}
	won := make([]int, 5)
	atOnce(len(won), func(i int) { won[i] = desks[(holder+i)%2].post(t, path+"/do/approve", version.Values).Status })
	yes := 0
	for _, s := range won {
		switch s {
		case http.StatusSeeOther:
			yes++
		case http.StatusConflict, http.StatusForbidden:
		default:
			t.Errorf("deciding at once: status %d", s)
		}
	}
	if yes != 1 {
		t.Errorf("the case was decided %d times: %v", yes, won)
	}
	done, err := b.Wait(t.Context(), "/applications/"+a.ID, func(p *play.Page) bool { return len(documentPages(p)) > 0 })
	if err != nil {
		t.Fatal(err)
	}
	h.settle(t)
	if n := len(documentPages(done)); n != 1 {
		t.Errorf("%d licences were issued", n)
	}
	if n := h.one(t, `SELECT count(*) FROM documents_document WHERE reference = $1`, a.Code); n != "1" {
		t.Errorf("%s licences were issued", n)
	}
}

// TestSendingACorrectionTwice answers an officer's return from four windows,
// and withdraws at the same time in a fifth.
func TestSendingACorrectionTwice(t *testing.T) {
	t.Parallel()
	h := shared(t)
	b, a := unpaid(t, h)
	if err := payFor(t, b, a, "4444333322221111"); err != nil {
		t.Fatal(err)
	}
	officer := h.browser(t, "licence-2")
	if err := demo.Decide(t.Context(), officer, a.Code, "return", url.Values{"_message": {"Ảnh bị tối."}, "_fields": {"photo.portrait"}}); err != nil {
		t.Fatal(err)
	}
	page, err := b.Wait(t.Context(), "/applications/"+a.ID, func(p *play.Page) bool { return len(p.Ways("/apply/"+a.ID)) > 0 })
	if err != nil {
		t.Fatal(err)
	}
	if page, err = b.Get(t.Context(), page.Ways("/apply/" + a.ID)[0]); err != nil {
		t.Fatal(err)
	}
	root := "/apply/" + a.ID
	for page.Form(root+"/resubmit") == nil {
		switch f, links := page.Form(root+"/p/"), append(page.Links(root+"/p/"), page.Links(root+"/check")...); {
		case f != nil:
			page, err = b.Submit(t.Context(), f, f.Fill(demo.LicenceAnswers()), map[string]play.Upload{"photo.portrait": demo.Portrait()})
		case len(links) > 0:
			page, err = b.Get(t.Context(), links[0])
		default:
			t.Fatalf("no way on: %s", page.Text())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	form := page.Form(root + "/resubmit")
	values := url.Values{}
	for _, i := range form.Inputs {
		if i.Type == "checkbox" {
			values.Set(i.Name, i.Value)
		}
	}
	atOnce(4, func(i int) {
		if _, err := b.Submit(t.Context(), form, values, nil); err != nil {
			t.Errorf("window %d: %v", i, err)
		}
	})
	h.settle(t)
	if n := h.one(t, `SELECT count(*) FROM cases_event e JOIN cases_case c ON c.id = e.case_id WHERE c.application = $1 AND e.action = 'corrected'`, a.ID); n != "1" {
		t.Errorf("the correction arrived %s times", n)
	}
	if err := demo.Decide(t.Context(), officer, a.Code, "approve", nil); err != nil {
		t.Error(err)
	}
}
