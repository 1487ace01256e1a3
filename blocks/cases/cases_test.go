package cases_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
)

const atOnceEffects = "write population, write birth, write notice, write residence, write health_card, " +
	"issue birth_certificate, issue residence_confirmation, issue child_health_card, notify"

func TestBirthByItself(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["birth"], atOnce))
	k := h.state(id, "done")
	wantOrder(t, h.world.order, atOnceEffects)
	if k.Final != "approved" || k.Status != 10 || !k.Due.IsZero() || len(k.Content.Documents) != 3 {
		t.Errorf("final %q status %d due %v documents %v", k.Final, k.Status, k.Due, k.Content.Documents)
	}
	if got := h.world.entries["birth"].Subject; got != "001195012345" {
		t.Errorf("the entry is about %q", got)
	}
	if o := k.Content.Outcomes["registration"]; len(o.Explain(i18n.VI)) == 0 || len(o.Rows) == 0 {
		t.Errorf("the decision does not explain itself: %+v", o)
	}
	slices.Sort(h.facts)
	wantOrder(t, h.facts, "cases.decided approved, cases.opened")
	if !strings.HasSuffix(k.Code, "-261124-0001") {
		t.Errorf("code %s", k.Code)
	}
	for _, m := range k.Timeline {
		if m.Title.VI == "" || m.Title.EN == "" {
			t.Errorf("a moment without words: %+v", m)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	h := open(t)
	s := example(t, h.defs["birth"], toReview)
	first := must[string](t)(h.Open(t.Context(), s))
	second := must[string](t)(h.Open(t.Context(), s))
	h.drain()
	if first != second || len(h.world.order) != 1 {
		t.Errorf("codes %s %s, done %v", first, second, h.world.order)
	}
	s.Application = "another"
	if third := must[string](t)(h.Open(t.Context(), s)); !strings.HasSuffix(third, "-0002") {
		t.Errorf("third code %s", third)
	}
}

func TestBirthApproved(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["birth"], toReview))
	k := h.state(id, "review")
	if k.Queue != "civil-status" || len(k.Offers) != 3 {
		t.Fatalf("queue %q offers %v", k.Queue, k.Offers)
	}
	h.clock.Advance(24 * time.Hour)
	h.act(h.registrar(), cases.Input{Case: id, Action: "approve", Version: k.Version, Form: services.Input{Values: url.Values{"note": {"Đã xem giấy tờ thay thế"}}}})
	k = h.state(id, "done")
	if got := k.Content.State.Answers["approve.note"]; got != "Đã xem giấy tờ thay thế" {
		t.Errorf("note %v", got)
	}
	wantOrder(t, h.world.order, "notify, write population, write birth, write residence, write health_card, issue birth_certificate, issue residence_confirmation, issue child_health_card, notify")
}

func TestBirthReturnedAndCorrected(t *testing.T) {
	h := open(t)
	s := example(t, h.defs["birth"], toReview)
	id := h.submit(s)
	if err := h.Claim(h.registrar(), id); err != nil {
		t.Fatal(err)
	}
	in := cases.Input{Case: id, Action: "return", Fields: []string{"child.full_name"}, Message: "Họ của bé viết sai dấu."}
	h.act(h.registrar(), in)
	k := h.state(id, "correction")
	if k.Assignee != "lan" || !k.Paused || !k.Due.IsZero() || k.Content.Correction == nil || k.Queue != "" {
		t.Errorf("returned: %+v %+v", k.Case, k.Content.Correction)
	}
	if body := h.world.notices[len(h.world.notices)-1].Body.VI; !strings.Contains(body, in.Message) {
		t.Errorf("the applicant was not told what to correct: %s", body)
	}
	answers := map[string]any{"child.full_name": "Trần Mai Ánh", "child.sex": "male"}
	if err := h.Resubmit(t.Context(), s.Application, answers); err != nil {
		t.Fatal(err)
	}
	h.drain()
	k = h.state(id, "review")
	if a := k.Content.State.Answers; a["child.full_name"] != "Trần Mai Ánh" || a["child.sex"] != "female" {
		t.Errorf("only the named field may change: %v", a)
	}
	if p := k.Content.Sources["child.full_name"]; p.Source != "typed" || k.Content.Correction != nil || k.Assignee != "lan" {
		t.Errorf("source %+v, correction %v, assignee %q", p, k.Content.Correction, k.Assignee)
	}
	wantCode(t, h.Resubmit(t.Context(), s.Application, answers), "cases.not_returned")
	wantCode(t, h.try(h.as("minh", "GOV/MOJ", "registrar"), cases.Input{Case: id, Action: "approve"}), "cases.claimed_by_other")
}

func TestReturnSaysWhatIsWrong(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["birth"], toReview))
	for name, c := range map[string]struct {
		in   cases.Input
		want string
	}{
		"nothing":      {cases.Input{Action: "return"}, "message cases.message_missing, fields cases.fields_missing"},
		"not asked":    {cases.Input{Action: "return", Message: "x", Fields: []string{"data.mother"}}, "fields cases.field_unknown"},
		"too long":     {cases.Input{Action: "return", Message: strings.Repeat("ề", cases.MaxMessage+1), Fields: []string{"child.full_name"}}, "message cases.message_too_long"},
		"no reason":    {cases.Input{Action: "refuse"}, "reason cases.reason_missing"},
		"wrong reason": {cases.Input{Action: "refuse", Reason: "mood"}, "reason cases.reason_missing"},
		"long note":    {cases.Input{Action: "approve", Form: services.Input{Values: url.Values{"note": {strings.Repeat("a", 501)}}}}, "note cases.field_wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.Case = id
			err := h.try(h.registrar(), c.in)
			wantCode(t, err, "cases.action_incomplete")
			e, _ := errs.As(err)
			var got []string
			for _, f := range e.Fields {
				got = append(got, f.Name+" "+f.Code)
			}
			wantOrder(t, got, c.want)
		})
	}
	if k := h.state(id, "review"); k.Content.Correction != nil {
		t.Error("a refused return left its mark")
	}
}

func TestBirthRefused(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["birth"], toReview))
	h.act(h.registrar(), cases.Input{Case: id, Action: "refuse", Reason: "not_competent", Message: "Nộp tại phường nơi cư trú."})
	k := h.state(id, "refused")
	if k.Final != "refused" || k.Status != 9 {
		t.Errorf("%+v", k.Case)
	}
	n := h.world.notices[len(h.world.notices)-1]
	if !strings.Contains(n.Body.VI, "Không thuộc thẩm quyền giải quyết") || !strings.Contains(n.Body.EN, "Another office is competent") || !strings.Contains(n.Body.VI, "Luật Hộ tịch 2014, Điều 13") {
		t.Errorf("the reason is not in the message:\n%s\n%s", n.Body.VI, n.Body.EN)
	}
	wantCode(t, h.try(h.registrar(), cases.Input{Case: id, Action: "approve"}), "cases.not_allowed")
	wantCode(t, h.Claim(h.registrar(), id), "cases.not_allowed")
}

func TestLicencePaidAndApproved(t *testing.T) {
	h := open(t)
	s := example(t, h.defs["licence"], fit)
	id := h.submit(s)
	k := h.state(id, "payment")
	if k.Bill == "" || k.Queue != "" {
		t.Fatalf("%+v", k.Case)
	}
	h.pay(id)
	h.state(id, "review")
	h.pay(id) // the same news again changes nothing
	h.state(id, "review")
	h.clock.Set(submitted.AddDate(0, 0, 3))
	h.act(h.police(), cases.Input{Case: id, Action: "approve"})
	h.state(id, "done")
	wantOrder(t, h.world.order, "bill, notify, write renewal, issue driving_licence, notify")
	e := h.world.entries["renewal"]
	if e.Record != "l1" || e.Data["issued_on"] != "2026-11-27" {
		t.Errorf("the licence is issued on the day it is issued: record %q, %v", e.Record, e.Data)
	}
}

func TestLicenceRefusedIsRefunded(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["licence"], fit))
	h.pay(id)
	h.act(h.police(), cases.Input{Case: id, Action: "refuse", Reason: "photo_not_usable"})
	h.state(id, "refused")
	wantOrder(t, h.world.order, "bill, notify, refund, notify")
}

func TestWithdraw(t *testing.T) {
	h := open(t)
	s := example(t, h.defs["licence"], fit)
	must[string](t)(h.Open(t.Context(), s))
	wantCode(t, h.Withdraw(t.Context(), s.Application), "cases.cannot_withdraw")
	h.drain()
	if err := h.Withdraw(t.Context(), s.Application); err != nil {
		t.Fatal(err)
	}
	h.drain()
	k := h.state(h.id(s.Application), "withdrawn")
	if k.Final != "withdrawn" {
		t.Errorf("final %q", k.Final)
	}
	wantOrder(t, h.world.order, "bill, notify, refund, notify")
	wantCode(t, h.Withdraw(t.Context(), s.Application), "cases.cannot_withdraw")
	wantCode(t, h.Withdraw(t.Context(), "nobody's"), "cases.not_found")
	h.pay(h.id(s.Application)) // a late payment moves nothing
	h.state(h.id(s.Application), "withdrawn")
}

// TestNotHalfWay: nobody takes a case out of a state whose steps are not done.
func TestNotHalfWay(t *testing.T) {
	h := open(t)
	h.world.dieAt, h.world.dieHow = 1, "before"
	s := example(t, h.defs["licence"], fit)
	id := h.submit(s)
	wantCode(t, h.Withdraw(t.Context(), s.Application), "cases.still_working")
	h.later()
	h.state(id, "payment")
	wantCode(t, h.Withdraw(t.Context(), s.Application), "")
}

// TestClock walks a licence through payment and correction: neither time
// counts against the office.
func TestClock(t *testing.T) {
	h := open(t)
	s := example(t, h.defs["licence"], fit)
	id := h.submit(s)
	k := h.state(id, "payment")
	if !k.Paused || !k.Due.IsZero() {
		t.Fatalf("waiting for the fee: paused %v due %v", k.Paused, k.Due)
	}
	h.clock.Set(time.Date(2026, 11, 26, 10, 0, 0, 0, i18n.Zone())) // two working days later
	h.pay(id)
	k = h.state(id, "review")
	// Five working days from Tuesday 24 November are 1 December; two were spent waiting.
	if got := dueDate(h, k); got != "2026-12-03" || k.Paused {
		t.Fatalf("due %s", got)
	}
	h.act(h.police(), cases.Input{Case: id, Action: "return", Fields: []string{"photo.portrait"}, Message: "Ảnh bị mờ."})
	if k = h.state(id, "correction"); !k.Due.IsZero() || !k.Paused {
		t.Fatalf("waiting for a correction: due %v", k.Due)
	}
	h.clock.Set(time.Date(2026, 11, 30, 10, 0, 0, 0, i18n.Zone())) // Monday, two more working days
	photo := map[string]any{"name": "moi.jpg", "type": "image/jpeg", "size": 1000, "hash": "ff", "width": 800, "height": 1000}
	if err := h.Resubmit(t.Context(), s.Application, map[string]any{"photo.portrait": photo}); err != nil {
		t.Fatal(err)
	}
	h.drain()
	k = h.state(id, "review")
	if got := dueDate(h, k); got != "2026-12-07" {
		t.Fatalf("due %s", got)
	}
	if got := k.Content.State.Case["due_on"]; got != "2026-12-07" {
		t.Errorf("due_on %v", got)
	}
	counts := must[[]cases.QueueCount](t)(h.Queues(h.police()))
	if len(counts) != 1 || counts[0].Open != 1 || counts[0].Overdue+counts[0].DueToday+counts[0].Stopped != 0 || len(counts[0].Services) != 1 {
		t.Errorf("counts %+v", counts)
	}
	h.clock.Set(time.Date(2026, 12, 7, 23, 0, 0, 0, i18n.Zone()))
	if c := must[[]cases.QueueCount](t)(h.Queues(h.police())); c[0].DueToday != 1 || c[0].Overdue != 0 {
		t.Errorf("on the last day: %+v", c)
	}
	h.clock.Set(time.Date(2026, 12, 8, 0, 0, 1, 0, i18n.Zone()))
	if c := must[[]cases.QueueCount](t)(h.Queues(h.police())); c[0].DueToday != 0 || c[0].Overdue != 1 {
		t.Errorf("a second too late: %+v", c)
	}
	h.act(h.police(), cases.Input{Case: id, Action: "approve"})
	if k = h.state(id, "done"); !k.Due.IsZero() {
		t.Errorf("a decided case is due %v", k.Due)
	}
}

// TestSlowOffice: what was in time on the day of the submission stays in time.
func TestSlowOffice(t *testing.T) {
	h := open(t)
	s := example(t, h.defs["licence"], fit)
	id := h.submit(s)
	h.pay(id)
	h.act(h.police(), cases.Input{Case: id, Action: "return", Fields: []string{"contact.phone"}, Message: "Thiếu một số."})
	h.clock.Set(time.Date(2027, 3, 1, 9, 0, 0, 0, i18n.Zone())) // the licence ran out in December
	if err := h.Resubmit(t.Context(), s.Application, map[string]any{"contact.phone": "0900000202"}); err != nil {
		t.Fatal(err)
	}
	h.drain()
	k := h.state(id, "review")
	if got := k.Content.State.Decisions["recommendation"].(map[string]any)["outcome"]; got != "approve" {
		t.Errorf("recommendation %v", got)
	}
}

func TestFourEyes(t *testing.T) {
	h := open(t)
	def := h.variant("birth.yaml", "          to: registering\n          form:", "          to: registering\n          four_eyes: [return]\n          form:")
	s := example(t, def, toReview)
	id := h.submit(s)
	h.act(h.registrar(), cases.Input{Case: id, Action: "return", Fields: []string{"child.full_name"}, Message: "x"})
	if err := h.Resubmit(t.Context(), s.Application, map[string]any{"child.full_name": "Trần Mai Ánh"}); err != nil {
		t.Fatal(err)
	}
	h.drain()
	k := must[*cases.Full](t)(h.Get(h.registrar(), id))
	for _, o := range k.Offers {
		if want := map[string]string{"approve": "cases.four_eyes"}[o.ID]; o.Barred != want {
			t.Errorf("%s is barred by %q", o.ID, o.Barred)
		}
	}
	wantCode(t, h.try(h.registrar(), cases.Input{Case: id, Action: "approve"}), "cases.four_eyes")
	// The same person under another officer's account is the same person.
	same := auth.Principal{Officer: "lan2", Member: "GOV/MOJ", Roles: []string{"registrar"}, Number: "001180000001"}
	h2 := open(t)
	def2 := h2.variant("birth.yaml", "          to: registering\n          form:", "          to: registering\n          four_eyes: [return]\n          form:")
	id2 := h2.submit(example(t, def2, toReview))
	first := same
	first.Officer = "lan1"
	h2.act(auth.With(t.Context(), first), cases.Input{Case: id2, Action: "return", Fields: []string{"child.full_name"}, Message: "x"})
	if err := h2.Resubmit(t.Context(), s.Application, map[string]any{"child.full_name": "Trần Mai Ánh"}); err != nil {
		t.Fatal(err)
	}
	h2.drain()
	wantCode(t, h2.try(auth.With(t.Context(), same), cases.Input{Case: id2, Action: "approve"}), "cases.four_eyes")
	other := h.as("minh", "GOV/MOJ", "registrar")
	h.act(other, cases.Input{Case: id, Action: "approve"})
	h.state(id, "done")
}

func TestWhoMayHandle(t *testing.T) {
	h := open(t)
	s := example(t, h.defs["birth"], toReview)
	s.OnBehalf = "001226999999"
	id := h.submit(s)
	approve := cases.Input{Case: id, Action: "approve"}
	for name, c := range map[string]struct {
		p    auth.Principal
		code string
	}{
		"nobody":         {auth.Principal{}, "cases.not_found"},
		"the applicant":  {auth.Principal{Number: s.Number, Level: auth.High}, "cases.not_found"},
		"another member": {auth.Principal{Officer: "x", Member: "GOV/MPS", Roles: []string{"registrar"}}, "cases.not_found"},
		"their own case": {auth.Principal{Officer: "x", Member: "GOV/MOJ", Roles: []string{"registrar"}, Number: s.Number}, "cases.own_case"},
		"for themselves": {auth.Principal{Officer: "x", Member: "GOV/MOJ", Roles: []string{"registrar"}, Number: s.OnBehalf}, "cases.own_case"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := auth.With(t.Context(), c.p)
			_, err := h.Get(ctx, id)
			wantCode(t, err, c.code)
			wantCode(t, h.try(ctx, approve), c.code)
			wantCode(t, h.Claim(ctx, id), c.code)
			wantCode(t, h.Unclaim(ctx, id), c.code)
		})
	}
	typist := h.as("x", "GOV/MOJ", "typist")
	wantCode(t, h.try(typist, approve), "cases.not_allowed")
	wantCode(t, h.Claim(typist, id), "cases.not_allowed")
	_, err := h.Get(typist, id)
	wantCode(t, err, "cases.not_allowed")
	found := slices.Concat(must[[]cases.Case](t)(h.Search(typist, h.get(id).Code)), must[[]cases.Case](t)(h.Queue(typist, cases.QueueQuery{Queue: h.get(id).Queue})))
	if queues := must[[]cases.QueueCount](t)(h.Queues(typist)); len(found) != 0 || len(queues) != 0 {
		t.Errorf("a typist sees %v in %v", found, queues)
	}
	wantCode(t, h.try(h.registrar(), cases.Input{Case: id, Action: "withdraw"}), "cases.not_allowed")
	h.state(id, "review")
}

func TestClaim(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["birth"], toReview))
	lan, minh := h.registrar(), h.as("minh", "GOV/MOJ", "registrar")
	wantCode(t, h.Claim(lan, id), "")
	wantCode(t, h.Claim(lan, id), "") // again is fine
	wantCode(t, h.Claim(minh, id), "cases.claimed_by_other")
	wantCode(t, h.Unclaim(minh, id), "cases.claimed_by_other")
	wantCode(t, h.try(minh, cases.Input{Case: id, Action: "approve"}), "cases.claimed_by_other")
	if mine := must[[]cases.Case](t)(h.Mine(lan)); len(mine) != 1 || mine[0].ID != id {
		t.Errorf("mine %v", mine)
	}
	wantCode(t, h.Unclaim(lan, id), "")
	wantCode(t, h.Claim(minh, id), "")
}

func TestConflict(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["birth"], toReview))
	seen := h.get(id).Version
	if err := h.Claim(h.registrar(), id); err != nil {
		t.Fatal(err)
	}
	err := h.try(h.registrar(), cases.Input{Case: id, Action: "approve", Version: seen})
	wantCode(t, err, "cases.changed_meanwhile")
	if errs.KindOf(err) != errs.Conflict {
		t.Errorf("kind %s", errs.KindOf(err))
	}
	h.state(id, "review")
}

func TestWorkingCaseIsLeftAlone(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["birth"], toReview))
	if err := h.try(h.registrar(), cases.Input{Case: id, Action: "approve"}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, h.try(h.registrar(), cases.Input{Case: id, Action: "refuse", Reason: "not_competent"}), "cases.still_working")
	h.drain()
	h.state(id, "done")
}

func TestQueueAndNext(t *testing.T) {
	h := open(t)
	s := example(t, h.defs["birth"], toReview)
	var ids []string
	for i := range 3 {
		s.Application = fmt.Sprint("app-", i)
		ids = append(ids, h.submit(s))
		h.clock.Advance(time.Minute)
	}
	lan, minh := h.registrar(), h.as("minh", "GOV/MOJ", "registrar")
	list := func(q cases.QueueQuery) (out []string) {
		q.Queue = "civil-status"
		for _, k := range must[[]cases.Case](t)(h.Queue(lan, q)) {
			out = append(out, k.ID)
		}
		return out
	}
	wantOrder(t, list(cases.QueueQuery{}), strings.Join(ids, ", "))
	if got := must[string](t)(h.Next(lan, "civil-status")); got != ids[0] {
		t.Errorf("next %s", got)
	}
	if got := must[string](t)(h.Next(minh, "civil-status")); got != ids[1] {
		t.Errorf("next %s", got)
	}
	wantOrder(t, list(cases.QueueQuery{Only: cases.OnlyMine}), ids[0])
	wantOrder(t, list(cases.QueueQuery{Only: cases.OnlyUnclaimed}), ids[2])
	wantOrder(t, list(cases.QueueQuery{Page: 1}), "")
	// An officer is never given their own case.
	own := auth.With(t.Context(), auth.Principal{Officer: "mai", Member: "GOV/MOJ", Roles: []string{"registrar"}, Number: s.Number})
	if got := must[string](t)(h.Next(own, "civil-status")); got != "" {
		t.Errorf("got her own case %s", got)
	}
	if got := must[string](t)(h.Next(h.police(), "civil-status")); got != "" {
		t.Errorf("another member's officer got %s", got)
	}
	c := must[[]cases.QueueCount](t)(h.Queues(lan))
	if len(c) != 1 || c[0].Open != 3 || c[0].Unassigned != 1 {
		t.Errorf("counts %+v", c)
	}
}

func TestSearch(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["birth"], toReview))
	k := h.get(id)
	for _, q := range []string{"nguyen thi", "NGUYỄN", "mai", k.Code, strings.ToLower(k.Code[:8])} {
		if got := must[[]cases.Case](t)(h.Search(h.registrar(), q)); len(got) != 1 {
			t.Errorf("%q finds %v", q, got)
		}
	}
	for _, q := range []string{"", "%", "_", "trần"} {
		if got := must[[]cases.Case](t)(h.Search(h.registrar(), q)); len(got) != 0 {
			t.Errorf("%q finds %v", q, got)
		}
	}
	if got := must[[]cases.Case](t)(h.Search(h.police(), "mai")); len(got) != 0 {
		t.Errorf("another member finds %v", got)
	}
	list := must[[]cases.Case](t)(h.Search(h.registrar(), "mai"))
	if err := h.Names(h.registrar(), list); err != nil || list[0].Applicant != "Nguyễn Thị Mai" {
		t.Errorf("%v %v", list, err)
	}
}

func TestApplicantSees(t *testing.T) {
	h := open(t)
	s := example(t, h.defs["birth"], toReview)
	id := h.submit(s)
	if err := h.Claim(h.registrar(), id); err != nil {
		t.Fatal(err)
	}
	h.act(h.registrar(), cases.Input{Case: id, Action: "return", Fields: []string{"child.full_name"}, Message: "Sai dấu."})
	mine := auth.With(t.Context(), auth.Principal{Number: s.Number, Level: auth.Substantial})
	f := must[*cases.Full](t)(h.ByApplication(mine, s.Application))
	said := false
	for _, m := range f.Timeline {
		if m.Actor != "" || m.Kind == "claim" || m.Kind == "decision" {
			t.Errorf("the applicant sees %+v", m)
		}
		said = said || m.Body == "Sai dấu."
	}
	if !said || len(f.Offers) != 0 {
		t.Errorf("timeline %+v offers %v", f.Timeline, f.Offers)
	}
	_, err := h.ByApplication(auth.With(t.Context(), auth.Principal{Number: "001195000000", Level: auth.High}), s.Application)
	wantCode(t, err, "cases.not_found")
	if list := must[[]cases.Case](t)(h.ForPerson(t.Context(), s.Number)); len(list) != 1 {
		t.Errorf("for the person: %v", list)
	}
}

// TestExactlyOnce kills the machine at every call it makes, in every way, and
// lets it begin again: what is carried out is the same as without a death.
func TestExactlyOnce(t *testing.T) {
	whole := open(t)
	whole.submit(example(t, whole.defs["birth"], atOnce))
	want := slices.Clone(whole.world.order)
	slices.Sort(want)
	for _, how := range []string{"before", "after", "panic"} {
		for at := 1; at <= whole.world.calls; at++ {
			t.Run(fmt.Sprint(how, at), func(t *testing.T) {
				h := open(t)
				h.world.dieAt, h.world.dieHow = at, how
				id := h.submit(example(t, h.defs["birth"], atOnce))
				if h.get(id).State == "done" {
					t.Fatal("nothing died")
				}
				h.later()
				h.state(id, "done")
				got := slices.Clone(h.world.order)
				slices.Sort(got)
				wantOrder(t, got, strings.Join(want, ", "))
				if len(h.world.done) != len(want) || len(h.world.notices) != 1 {
					t.Errorf("%d keys, %d messages", len(h.world.done), len(h.world.notices))
				}
			})
		}
	}
}

// TestOnceWithMoney is the same for a bill and a refund.
func TestOnceWithMoney(t *testing.T) {
	for at := 1; at <= 4; at++ {
		for _, how := range []string{"before", "after", "panic"} {
			t.Run(fmt.Sprint(how, at), func(t *testing.T) {
				h := open(t)
				h.world.dieAt, h.world.dieHow = at, how
				id := h.submit(example(t, h.defs["licence"], fit))
				h.later()
				h.pay(id)
				if err := h.try(h.police(), cases.Input{Case: id, Action: "refuse", Reason: "not_fit"}); err != nil {
					t.Fatal(err)
				}
				h.later()
				h.state(id, "refused")
				wantOrder(t, h.world.order, "bill, notify, refund, notify")
			})
		}
	}
}

func TestStuckAndResume(t *testing.T) {
	h := open(t)
	h.world.refuse = errs.New(errs.Forbidden, "exchange.no_grant")
	s := example(t, h.defs["birth"], atOnce)
	id := h.submit(s)
	k := h.get(id)
	if k.Stuck != "exchange.no_grant" || !k.Pending || k.State != "registering" {
		t.Fatalf("%+v", k.Case)
	}
	stuck := 0
	for _, m := range k.Timeline {
		if m.Kind == "stuck" {
			stuck++
			if m.Public {
				t.Error("the applicant need not see a fault of ours")
			}
		}
	}
	if stuck != 1 {
		t.Errorf("marked %d times", stuck)
	}
	if err := h.Claim(h.registrar(), id); err != nil { // touching it does not set it going
		t.Fatal(err)
	}
	h.drain()
	if s := must[job.Stats](t)(h.queue.Stats(t.Context())); s.Waiting+s.Running != 0 {
		t.Errorf("jobs %+v", s)
	}
	wantCode(t, h.Withdraw(t.Context(), s.Application), "cases.cannot_withdraw")
	wantCode(t, h.Resume(h.police(), id), "cases.not_found")
	wantCode(t, h.Resume(auth.With(t.Context(), auth.Principal{Number: s.Number, Level: auth.High}), id), "cases.not_found")
	h.world.refuse = nil
	wantCode(t, h.Resume(h.registrar(), id), "")
	h.drain()
	h.state(id, "done")
	wantOrder(t, h.world.order, atOnceEffects)
	wantCode(t, h.Resume(h.registrar(), id), "cases.not_stuck")
}

// TestWaiting: a register that is away is asked again, and nobody is alarmed.
func TestWaiting(t *testing.T) {
	h := open(t)
	h.world.refuse = errs.New(errs.Unavailable, "exchange.away")
	id := h.submit(example(t, h.defs["birth"], atOnce))
	if k := h.get(id); k.Stuck != "" || !k.Pending {
		t.Fatalf("%+v", k.Case)
	}
	h.world.refuse = nil
	h.later()
	h.state(id, "done")
}

// TestSealed: the tables hold no name and no number in the clear but the
// folded name that officers search by.
func TestSealed(t *testing.T) {
	h := open(t)
	s := example(t, h.defs["birth"], toReview)
	id := h.submit(s)
	h.act(h.registrar(), cases.Input{Case: id, Action: "return", Fields: []string{"child.full_name"}, Message: "Bí mật của bé"})
	for _, table := range []string{"cases_case", "cases_event"} {
		for _, line := range rowsOf(t, h, table) {
			for _, secret := range []string{s.Number, "Nguyễn Thị Mai", "Trần Mai Anh", "Bí mật"} {
				if strings.Contains(line, secret) {
					t.Errorf("%s holds %q in the clear: %s", table, secret, line)
				}
			}
		}
	}
}

// A case that somebody had who left goes back to the others; an action under no
// version, or another one than now, is nobody's.
func TestReleaseAndVersions(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["birth"], toReview))
	minh := h.as("minh", "GOV/MOJ", "registrar")
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(h.Claim(minh, id))
	wantCode(t, h.Claim(h.registrar(), id), "cases.claimed_by_other")
	for _, who := range []struct {
		officer string
		n       int
	}{{"", 0}, {"nobody", 0}, {"minh", 1}, {"minh", 0}} {
		n, err := h.Release(t.Context(), who.officer)
		ok(err)
		if n != who.n {
			t.Errorf("%q held %d cases, not %d", who.officer, n, who.n)
		}
	}
	ok(h.Claim(h.registrar(), id))
	now := h.get(id).Version
	for _, v := range []int{0, -1, now - 1, now + 1} {
		wantCode(t, h.Act(h.registrar(), cases.Input{Case: id, Action: "approve", Version: v}), "cases.changed_meanwhile")
	}
	wantCode(t, h.Act(h.registrar(), cases.Input{Case: id, Action: "return", Version: now, Fields: []string{"child.full_name"}, Message: "\u200b \u202e"}), "cases.action_incomplete")
}

// The people of a case are told of each officer who opens it, once a day, and
// before it is shown.
func TestOpeningIsTold(t *testing.T) {
	h := open(t)
	id := h.submit(example(t, h.defs["birth"], toReview))
	code := h.get(id).Code
	h.opened = nil
	look := func(who context.Context) {
		t.Helper()
		if _, err := h.Get(who, id); err != nil {
			t.Fatal(err)
		}
	}
	minh := h.as("minh", "GOV/MOJ", "registrar")
	look(minh)
	look(minh)
	if _, err := h.Get(h.police(), id); err == nil {
		t.Error("another member saw the case")
	}
	h.clock.Advance(24 * time.Hour)
	look(minh)
	look(h.registrar())
	if want := []string{"minh " + code, "minh " + code, "lan " + code}; !slices.Equal(h.opened, want) {
		t.Errorf("told %q, want %q", h.opened, want)
	}
}
