package identity_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

func TestRegister(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.browser()
	b.post("/register", "number", "001 195 100 101", "name", "nguyen  thi MAI", "born-day", "12", "born-month", "3", "born-year", "1995").leads("/sign-in/code")
	s := h.codes.last(t)
	if s.to.Email != "mai.nguyen@vidu.example" || len(s.code) != 6 || strings.Contains(s.key, mother) {
		t.Fatalf("the code went out as %+v", s)
	}
	b.post("/sign-in/code", "code", s.code[:3]+" "+s.code[3:]).leads("/account")
	if p := b.who(); p.Number != mother || p.Name != "Nguyễn Thị Mai" || p.Level != auth.Low || p.IsOfficer() {
		t.Errorf("signed in as %+v", p)
	}
	b.get("/account").want(200, "Nguyễn Thị Mai", "/sign-in/step-up", "mai.nguyen@vidu.example")
	b.get("/sign-in/step-up?next=/account").want(200, `data-passkey="create"`, "/api/identity/passkeys/register/begin")
}

// Whatever is wrong, the answer is the one of all being right.
func TestRegisterTellsNothing(t *testing.T) {
	t.Parallel()
	h := build(t)
	right := []string{"number", mother, "name", "Nguyễn Thị Mai", "born-day", "12", "born-month", "3", "born-year", "1995"}
	read := func(kv []string) string {
		b := h.browser()
		a := b.post("/register", kv...).leads("/sign-in/code")
		return fmt.Sprint(a.status, a.to, len(a.header.Get("Set-Cookie")), b.get("/sign-in/code").body)
	}
	want := read(right)
	if h.codes.count() != 1 {
		t.Fatal("the right answer sent no code")
	}
	for i, wrong := range map[int]string{1: hung, 3: "Nguyễn Thị Mận", 5: "13"} {
		kv := append([]string{}, right...)
		kv[i] = wrong
		if got := read(kv); got != want {
			t.Errorf("a wrong %s looks different", kv[i-1])
		}
	}
	if got := read([]string{"number", none, "name", "Không Ai", "born-day", "1", "born-month", "1", "born-year", "1990"}); got != want {
		t.Error("an unknown number looks different")
	}
	if got := read([]string{"number", dung, "name", "Phạm Tiến Dũng", "born-day", "30", "born-month", "1", "born-year", "1977"}); got != want {
		t.Error("a person without an address looks different")
	}
	if h.codes.count() != 1 {
		t.Error("a wrong answer sent a code")
	}
	h.browser().post("/register", "number", "12", "born-day", "31", "born-month", "2", "born-year", "1990").want(422, "12 chữ số", "ngày sinh có thật")
}

// Somebody else's tries shut nobody out who sits elsewhere, until very many
// addresses have tried.
func TestTriesElsewhereShutNobodyOut(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.registered(mother)
	home := h.address
	h.from("198.51.100.66")
	for n := range 8 {
		b := h.browser()
		want := http.StatusSeeOther
		if n >= 5 {
			want = http.StatusTooManyRequests
		}
		b.post("/sign-in", "number", mother).want(want)
		for range 3 {
			b.post("/sign-in/code", "code", "123456").want(422)
		}
	}
	h.from(home)
	owned := h.browser().signInByCode(mother)
	for n := range 40 {
		h.from(fmt.Sprintf("203.0.113.%d", n))
		h.browser().post("/sign-in", "number", mother)
	}
	h.from(home)
	h.browser().post("/sign-in", "number", mother).want(http.StatusTooManyRequests)
	// Where she signed in before, she signs in; a cookie of somebody else's account,
	// or one that nobody sealed, is none.
	owned.signInByCode(mother)
	for range 2 {
		owned.post("/sign-out").leads("/")
		owned.signInByCode(mother)
	}
	other := h.registered(hung)
	other.post("/sign-out").leads("/")
	other.post("/sign-in", "number", mother).want(http.StatusTooManyRequests)
	forged := h.browser()
	forged.plant("dinh_device", strings.SplitN(owned.cookie("dinh_device", "/"), ".", 2)[0]+".x", "/")
	forged.post("/sign-in", "number", mother).want(http.StatusTooManyRequests)
}

func TestSignInTellsNothing(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.registered(mother)
	for n := range 7 {
		known, unknown := h.browser(), h.browser()
		a, b := known.post("/sign-in", "number", mother, "next", "/person"), unknown.post("/sign-in", "number", none, "next", "/person")
		if n == 5 {
			a.want(http.StatusTooManyRequests)
		}
		if n == 4 { // the registration took one of Mai's codes
			b.want(http.StatusSeeOther)
			continue
		}
		if a.status != b.status || a.to != b.to || known.get("/sign-in/code").body != unknown.get("/sign-in/code").body {
			t.Errorf("try %d: %d %s and %d %s", n, a.status, a.to, b.status, b.to)
		}
	}
	h.clock.Advance(time.Hour)
	h.browser().signInByCode(mother)
}

func TestCodes(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.registered(mother)
	b := h.browser()
	ask := func() string {
		h.clock.Advance(15 * time.Minute)
		b.post("/sign-in", "number", mother).leads("/sign-in/code")
		return h.codes.last(t).code
	}
	wrong := func(code string) string { return fmt.Sprintf("%06d", (atoi(code)+1)%1_000_000) }

	code := ask()
	h.clock.Advance(10 * time.Minute)
	b.post("/sign-in/code", "code", code).want(422, "hết hạn")

	code = ask()
	for range 5 {
		b.post("/sign-in/code", "code", wrong(code)).want(422)
	}
	b.post("/sign-in/code", "code", code).want(422, "hết hạn hoặc đã thử quá nhiều")

	code = ask()
	h.browser().post("/sign-in/code", "code", code).want(422) // another browser
	token := b.cookie("dinh_attempt", "/sign-in/code")
	b.post("/sign-in/code", "code", code).leads("/")
	again := h.browser()
	again.plant("dinh_attempt", token, "/sign-in")
	again.post("/sign-in/code", "code", code).want(422)
	if p := again.who(); !p.IsNobody() {
		t.Errorf("a code worked twice: %+v", p)
	}
}

func atoi(s string) (n int) { fmt.Sscanf(s, "%d", &n); return n }

// Guessing ends for the day, for whoever is guessed at and in a new process too.
func TestGuessing(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.registered(mother)
	for _, number := range []string{mother, none} {
		for range 4 {
			h.clock.Advance(20 * time.Minute)
			b := h.browser()
			b.post("/sign-in", "number", number).leads("/sign-in/code")
			for range 5 {
				b.post("/sign-in/code", "code", "").want(422, "6 chữ số") // no try
				b.post("/sign-in/code", "code", "123456").want(422)
			}
		}
	}
	h.clock.Advance(2 * time.Hour)
	h.start()
	for _, number := range []string{mother, none} {
		h.browser().post("/sign-in", "number", number).want(http.StatusTooManyRequests)
	}
	h.clock.Advance(24 * time.Hour)
	h.browser().signInByCode(mother)
}

func TestManyAnswersAtOnce(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.registered(mother)
	b := h.browser()
	b.post("/sign-in", "number", mother).leads("/sign-in/code")
	code := h.codes.last(t).code
	var in sync.Map
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			c := h.browser()
			c.plant("dinh_attempt", b.cookie("dinh_attempt", "/sign-in/code"), "/sign-in")
			if c.post("/sign-in/code", "code", code).status == http.StatusSeeOther {
				in.Store(i, true)
			}
		})
	}
	all.Wait()
	n := 0
	in.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("one code opened %d sessions", n)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.browser()
	for i := range 120 {
		b.post("/sign-in", "number", fmt.Sprintf("0010900%05d", i)).leads("/sign-in/code")
	}
	b.post("/sign-in", "number", none).want(http.StatusTooManyRequests)
	b.post("/register", "number", mother, "name", "x", "born-day", "1", "born-month", "1", "born-year", "1990").want(http.StatusTooManyRequests)
	h.from("192.0.2.2")
	b.post("/sign-in", "number", none).leads("/sign-in/code")
	h.from("192.0.2.1")
	h.clock.Advance(time.Hour)
	b.post("/sign-in", "number", none).leads("/sign-in/code")
}

func TestSessionsLast(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother)
	for range 23 { // in use, it lasts
		h.clock.Advance(29 * time.Minute)
		if b.who().Number != mother {
			t.Fatal("a session in use ended")
		}
	}
	h.clock.Advance(29 * time.Minute)
	h.clock.Advance(29 * time.Minute)
	if p := b.who(); !p.IsNobody() {
		t.Error("a session lived for more than twelve hours")
	}
	b.get("/person").leads("/sign-in?next=%2Fperson")
	b.get("/sign-in").want(200) // a dead session locks nobody out
	h.clock.Advance(time.Hour)
	b.signInByCode(mother)
	h.clock.Advance(30 * time.Minute)
	if p := b.who(); !p.IsNobody() {
		t.Error("a session lived for half an hour without use")
	}
}

// Being seen is written once a minute, not once a page.
func TestSeldomWritten(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother)
	seen := func() (at int64) { return h.number(`SELECT MAX(seen) FROM identity_session`) }
	first := seen()
	for range 11 {
		h.clock.Advance(5 * time.Second)
		b.who()
	}
	if seen() != first {
		t.Error("a page within the minute wrote")
	}
	h.clock.Advance(6 * time.Second)
	b.who()
	if seen() == first {
		t.Error("after a minute nothing was written")
	}
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother)
	token := b.session()
	b.who() // in the cache
	b.post("/sign-out").leads("/")
	if b.session() != "" {
		t.Error("the browser kept its cookie")
	}
	b.plant("dinh_session", token, "/")
	if p := b.who(); !p.IsNobody() {
		t.Error("the token still works")
	}
}

// A token from before somebody signed in says nothing after it.
func TestFixation(t *testing.T) {
	t.Parallel()
	h := build(t)
	thief := h.registered(hung)
	victim := h.browser()
	h.registered(mother)
	planted := thief.session()
	victim.plant("dinh_session", planted, "/")
	victim.signInByCode(mother)
	if victim.session() == planted {
		t.Fatal("the planted token was kept")
	}
	if p := thief.who(); !p.IsNobody() {
		t.Errorf("the thief is %+v", p)
	}
	weak := victim.session()
	victim.addPasskey()
	if victim.session() == weak || victim.who().Level != auth.Substantial {
		t.Error("a stronger session goes on under the weak one's token")
	}
	victim.plant("dinh_session", weak, "/")
	if p := victim.who(); !p.IsNobody() {
		t.Error("the weak token still works")
	}
}

func TestCookie(t *testing.T) {
	t.Parallel()
	h := build(t, func(h *place) { h.origin = "https://dichvucong.example.vn"; h.demo = true })
	if err := h.block.AddSample(t.Context(), identity.Sample{ID: "mai", Number: mother, Name: "Nguyễn Thị Mai"}); err != nil {
		t.Fatal(err)
	}
	a := h.browser().post("/sign-in/demo", "sample", "mai").want(http.StatusSeeOther)
	for _, want := range []string{"dinh_session=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"} {
		if !strings.Contains(a.header.Get("Set-Cookie"), want) {
			t.Errorf("the cookie lacks %s: %s", want, strings.SplitN(a.header.Get("Set-Cookie"), ";", 2)[1])
		}
	}
}

func TestOthersSessions(t *testing.T) {
	t.Parallel()
	h := build(t)
	first, other := h.registered(mother), h.registered(hung)
	second := h.browser().signInByCode(mother)
	second.get("/account").want(200, "Linux · Firefox", "Đăng xuất các thiết bị khác")
	first.who()
	second.post("/account/sessions/end").leads("/account")
	if !first.who().IsNobody() || second.who().Number != mother {
		t.Error("signing out the other devices did not")
	}
	if other.who().Number != hung {
		t.Error("somebody else was signed out")
	}
}

func TestRemoveOfficer(t *testing.T) {
	t.Parallel()
	h := build(t)
	o := identity.Officer{ID: "judge-1", Name: "Lê Thị Lan", Member: "GOV/MOJ", Roles: []string{"judge"}, Email: "lan@moj.example"}
	other := identity.Officer{ID: "clerk-1", Name: "Vũ Văn Tư", Member: "GOV/MOH", Roles: []string{"clerk"}, Email: "tu@moh.example"}
	for _, o := range []identity.Officer{o, other} {
		if err := h.block.AddOfficer(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	all, err := h.block.Officers(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != "clerk-1" || all[1].Email != o.Email {
		t.Fatalf("%+v %v", all, err)
	}
	b := h.browser()
	b.post("/desk/sign-in", "officer", "judge-1").leads("/sign-in/code")
	b.post("/sign-in/code", "code", h.codes.last(t).code).leads("/desk")
	b.addPasskey()
	key := b.assertion()
	if id, err := h.block.RemoveOfficer(t.Context(), " Judge-1"); err != nil || id != "judge-1" {
		t.Fatal(id, err)
	}
	if p := b.who(); !p.IsNobody() {
		t.Errorf("still signed in as %+v", p)
	}
	b.json(finishLogin, key).want(http.StatusUnauthorized)
	sent := h.codes.count()
	b.post("/desk/sign-in", "officer", "judge-1").leads("/sign-in/code")
	if h.codes.count() != sent {
		t.Error("a code went to somebody who left")
	}
	if _, err := h.block.RemoveOfficer(t.Context(), "judge-1"); errs.CodeOf(err) != "identity.no_officer" {
		t.Errorf("removed twice: %v", err)
	}
	for _, wrong := range []struct{ email, number, code string }{{"lan", "", "identity.email_wrong"}, {"", "12", "identity.number_wrong"}} {
		o.Email, o.Number = wrong.email, wrong.number
		if err := h.block.AddOfficer(t.Context(), o); errs.CodeOf(err) != wrong.code {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	if all, _ := h.block.Officers(t.Context()); len(all) != 1 {
		t.Errorf("%d officers are left", len(all))
	}
}

func TestOfficers(t *testing.T) {
	t.Parallel()
	h := build(t)
	add := func(o identity.Officer) {
		if err := h.block.AddOfficer(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	add(identity.Officer{ID: "Judge-1", Name: "Lê Thị Lan", Member: "GOV/MOJ", Roles: []string{"judge"}, Number: mother, Email: "Lan@moj.example"})
	if err := h.block.AddOfficer(t.Context(), identity.Officer{ID: "x", Name: "X", Member: "GOV/MOJ"}); errs.CodeOf(err) != "identity.officer_incomplete" {
		t.Errorf("an officer without a role: %v", err)
	}
	b := h.browser()
	b.get("/sign-in?next=/desk/judge").leads("/desk/sign-in?next=%2Fdesk%2Fjudge")
	b.get("/desk/sign-in?next=/desk/judge").want(200, `data-passkey="get"`)
	for _, typed := range []string{" judge-1 ", "lan@MOJ.example"} {
		b.post("/desk/sign-in", "officer", typed, "next", "/desk/judge").leads("/sign-in/code")
		b.post("/sign-in/code", "code", h.codes.last(t).code).leads("/desk/judge")
	}
	if p := b.who(); p.Officer != "Judge-1" || p.Member != "GOV/MOJ" || !p.HasRole("judge") || p.Number != mother || p.IsPerson() {
		t.Errorf("signed in as %+v", p)
	}
	b.get("/desk/judge").leads("/sign-in/step-up?next=%2Fdesk%2Fjudge") // a code alone opens no desk
	b.addPasskey().get("/desk/judge").want(200)
	b.get("/person").want(http.StatusForbidden) // the number is for conflicts of interest
	b.post("/account/act-for", "child", "").want(http.StatusForbidden)
	b.post("/account/contact", "lang", "en", "email", "x@y.example").want(http.StatusForbidden)
	b.get("/account").want(200, "Lê Thị Lan")
	h.registered(hung).get("/desk/any").want(http.StatusForbidden)
	if got := b.who(); got.Officer == "" {
		t.Error("no longer an officer")
	}
	add(identity.Officer{ID: "judge-1", Name: "Lê Thị Lan", Member: "GOV/MOJ", Roles: []string{"clerk"}, Email: "lan@moj.example"})
	b.get("/desk/judge").want(http.StatusForbidden)
	add(identity.Officer{ID: "judge-2", Name: "Một Người Khác", Member: "GOV/MOJ", Roles: []string{"judge"}, Email: "lan@moj.example"})
	sent := h.codes.count()
	h.browser().post("/desk/sign-in", "officer", "lan@moj.example").leads("/sign-in/code")
	h.browser().post("/desk/sign-in", "officer", "nobody").leads("/sign-in/code")
	if h.codes.count() != sent {
		t.Error("a shared address was taken for one officer")
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	if b := build(t).browser(); b.post("/sign-in/demo", "sample", "mai").status != http.StatusNotFound || b.get("/demo").status != http.StatusNotFound {
		t.Error("the demonstration's doors are there without a demonstration")
	}
	h := build(t, demonstration)
	for _, err := range []error{
		h.block.AddOfficer(t.Context(), identity.Officer{ID: "judge-1", Name: "Lê Thị Lan", Member: "GOV/MOJ", Roles: []string{"judge"}}),
		h.block.AddSample(t.Context(), identity.Sample{ID: "mai", Number: mother, Name: "Nguyễn Thị Mai", Label: i18n.Text{VI: "Mẹ trẻ", EN: "A young mother"}}),
		h.block.AddSample(t.Context(), identity.Sample{ID: "judge", Officer: "judge-1", Label: i18n.Text{VI: "Cán bộ hộ tịch", EN: "A registrar"}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b := h.browser()
	b.get("/demo").want(200, "Mẹ trẻ", "Cán bộ hộ tịch").lacks(mother)
	b.get("/sign-in?next=/person").want(200, "Mẹ trẻ").lacks("Cán bộ hộ tịch", mother)
	b.get("/desk/sign-in").want(200, "Cán bộ hộ tịch").lacks("Mẹ trẻ")
	b.post("/sign-in/demo", "sample", "mai", "next", "/person").leads("/person")
	if p := b.who(); !p.Demo || p.Number != mother || p.Level != auth.Substantial {
		t.Errorf("signed in as %+v", p)
	}
	b.post("/account/contact", "lang", "vi", "email", "real@visitor.example").want(422, "bản dùng thử")
	b.post("/sign-in/demo", "sample", "judge", "next", "https://evil.example/").leads("/desk")
	if p := b.who(); p.Officer != "judge-1" || p.IsPerson() {
		t.Errorf("signed in as %+v", p)
	}
	for _, odd := range []string{"", "nobody", "\x00", "\xff"} {
		b.post("/sign-in/demo", "sample", odd).want(http.StatusNotFound)
	}
}

func TestContact(t *testing.T) {
	t.Parallel()
	h := build(t)
	contact := func(number string) identity.Contact {
		return must[identity.Contact](t)(h.block.Contact(t.Context(), number))
	}
	if c := contact(hung); c.Email != "hung.le@vidu.example" || c.Name != "Lê Văn Hùng" || c.Lang != i18n.VI {
		t.Errorf("without an account: %+v", c)
	}
	if _, err := h.block.Contact(t.Context(), none); !errors.Is(err, errs.NotFound) {
		t.Errorf("of nobody: %v", err)
	}
	b := h.registered(mother)
	for _, odd := range []string{"", "x", "a@b", "a b@c.vn", "a@x.vn, b@x.vn", "a@x.vn\r\nBcc: b@x.vn", "<a@x.vn>"} {
		b.post("/account/contact", "lang", "vi", "email", odd).want(422, "đúng dạng")
	}
	b.post("/account/contact", "lang", "en", "email", "mai@moi.example").leads("/sign-in/code")
	if c := contact(mother); c.Lang != i18n.EN || c.Email != "mai.nguyen@vidu.example" {
		t.Errorf("before the code: %+v", c)
	}
	b.get("/sign-in/code").want(200, "m•••@m•••.example").lacks("mai@moi.example")
	s := h.codes.last(t)
	if s.to.Email != "mai@moi.example" {
		t.Errorf("the code went to %s", s.to.Email)
	}
	// In somebody else's session the code changes nothing.
	thief := h.registered(hung)
	thief.plant("dinh_attempt", b.cookie("dinh_attempt", "/sign-in/code"), "/sign-in")
	thief.get("/sign-in/code").want(200).lacks("•••")
	thief.post("/sign-in/code", "code", s.code).want(http.StatusForbidden)
	if c := contact(mother); c.Email != "mai.nguyen@vidu.example" {
		t.Error("a stranger moved Mai's mail")
	}
	b.post("/account/contact", "lang", "en", "email", "mai@moi.example").leads("/sign-in/code")
	b.post("/sign-in/code", "code", h.codes.last(t).code).leads("/account")
	if c := contact(mother); c.Email != "mai@moi.example" {
		t.Errorf("after the code: %+v", c)
	}
	h.clock.Advance(time.Hour)
	h.browser().signInByCode(mother)
	if s := h.codes.last(t); s.to.Email != "mai@moi.example" {
		t.Error("codes still go to the old address")
	}
	h.registered(mother) // what the register says does not undo the choice
	if c := contact(mother); c.Email != "mai@moi.example" {
		t.Errorf("after registering again: %+v", c)
	}
	old := h.browser().signInByCode(mother)
	h.clock.Advance(11 * time.Minute)
	old.post("/account/contact", "lang", "vi", "email", "thief@x.example").leads("/sign-in/step-up?next=%2Faccount")
}

func TestActingForAChild(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother)
	b.get("/account").want(200, "Trần Gia Bin").lacks("Trần Đã Lớn", bin)
	b.post("/account/act-for", "child", h.keys.Pseudonym(bin)).leads("/account")
	if p := b.who(); p.OnBehalf != bin || p.Mandate != "parent" || p.Number != mother {
		t.Errorf("acting: %+v", p)
	}
	b.addPasskey()
	if b.who().OnBehalf != bin {
		t.Error("a new passkey made her forget the child")
	}
	b.signInByPasskey("/account").want(200)
	if p := b.who(); p.OnBehalf != bin || p.Level != auth.Substantial {
		t.Errorf("stepping up made her forget the child: %+v", p)
	}
	for what, child := range map[string]string{"a grown child": lon, "a stranger": hung, "herself": mother} {
		b.post("/account/act-for", "child", h.keys.Pseudonym(child)).want(http.StatusForbidden)
		if b.who().OnBehalf != bin {
			t.Errorf("acting for %s", what)
		}
	}
	h.registered(hung).post("/account/act-for", "child", h.keys.Pseudonym(bin)).want(http.StatusForbidden)
	h.people.broke(errs.New(errs.Unavailable, "x.down"))
	b.get("/account").want(200, "Hiện chưa lấy được danh sách con")
	h.people.broke(nil)
	b.post("/account/act-for", "child", "").leads("/account")
	if b.who().OnBehalf != "" {
		t.Error("she cannot be herself again")
	}
}

// Nothing that names a person stands in a table or in the log.
func TestNothingPersonalIsKeptInTheOpen(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother)
	b.addPasskey()
	b.post("/account/act-for", "child", h.keys.Pseudonym(bin)).leads("/account")
	b.post("/account/contact", "lang", "vi", "email", "mai@moi.example").leads("/sign-in/code")
	if err := h.block.AddOfficer(t.Context(), identity.Officer{ID: "lan", Name: "Lê Thị Lan", Member: "GOV/MOJ", Roles: []string{"judge"}, Number: hung, Email: "lan@moj.example"}); err != nil {
		t.Fatal(err)
	}
	b.post("/sign-in/code", "code", "000000")
	all := h.everything() + h.log.String()
	for _, secret := range []string{mother, bin, hung, "Thị Mai", "Thị Lan", "mai@", "lan@", "@moi.example", "@vidu.example", "@moj.example", "1995-03-12", b.session(), b.cookie("dinh_attempt", "/sign-in")} {
		if secret == "" || strings.Contains(all, secret) {
			t.Errorf("%q stands in the open", secret)
		}
	}
	// Six digits may stand in a longer number by chance.
	if code := h.codes.last(t).code; regexp.MustCompile(`\b` + code + `\b`).MatchString(all) {
		t.Errorf("the code %s stands in the open", code)
	}
}

func TestWhoIsGoneIsNobody(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother)
	if err := h.keys.Destroy(t.Context(), h.keys.Pseudonym(mother)); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(10 * time.Second)
	b.get("/sign-in").want(200)
	b.get("/person").leads("/sign-in?next=%2Fperson")
	h.browser().post("/sign-in", "number", mother).leads("/sign-in/code")
}

func TestAccountsAtOnce(t *testing.T) {
	t.Parallel()
	h := build(t)
	var all sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		all.Go(func() {
			var err error
			if ids[i], err = h.block.EnsureAccount(t.Context(), hung, "Lê Văn Hùng"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatal("one person has two accounts")
		}
	}
	h.browser().signInByCode(hung)
	if _, err := h.block.EnsureAccount(t.Context(), "12", "X"); errs.CodeOf(err) != "identity.number_wrong" {
		t.Errorf("a wrong number: %v", err)
	}
}

func TestWhatIsOverIsSwept(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.registered(mother).json("/api/identity/passkeys/login/begin", "{}").want(200)
	h.browser().post("/sign-in", "number", none)
	h.clock.Advance(25 * time.Hour)
	h.browser().post("/sign-in", "number", hung)
	for table, want := range map[string]int64{"session": 0, "attempt": 1, "ceremony": 0, "limit": 3, "account": 1} {
		if n := h.number(`SELECT COUNT(*) FROM identity_` + table); n != want {
			t.Errorf("identity_%s keeps %d rows, want %d", table, n, want)
		}
	}
}

func TestDocumentedRoutes(t *testing.T) {
	t.Parallel()
	doc := string(must[[]byte](t)(readFile("openapi.yaml")))
	n := 0
	for _, r := range build(t).block.Routes() {
		if !r.Page {
			n++
			if !strings.Contains(doc, "  "+r.Path+":\n") {
				t.Errorf("%s is not in openapi.yaml", r.Path)
			}
		}
	}
	if n != strings.Count(doc, "operationId") {
		t.Errorf("%d routes, %d operations", n, strings.Count(doc, "operationId"))
	}
}

func TestSamplesAsJSON(t *testing.T) {
	t.Parallel()
	h := build(t, demonstration)
	if err := h.block.AddSample(t.Context(), identity.Sample{ID: "mai", Number: mother, Name: "Nguyễn Thị Mai", Label: i18n.Text{VI: "Mẹ", EN: "Mother"}}); err != nil {
		t.Fatal(err)
	}
	s := must[identity.Sample](t)(h.block.Sample(t.Context(), "mai"))
	if b, _ := json.Marshal(s.Label); s.Number != mother || s.Name != "Nguyễn Thị Mai" || string(b) != `{"vi":"Mẹ","en":"Mother"}` {
		t.Errorf("got %+v", s)
	}
}
