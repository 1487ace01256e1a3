package identity_test

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// withApp sets up an authenticator app and returns its secret.
func (b *browser) withApp() string {
	b.t.Helper()
	b.post("/sign-in/app", "next", "/strong").leads("/sign-in/app?next=%2Fstrong")
	page := b.get("/sign-in/app?next=/strong").want(200, "data:image/png;base64,")
	found := regexp.MustCompile(`translate="no">([A-Z2-7 ]+)<`).FindStringSubmatch(page.body)
	if found == nil {
		b.t.Fatal("no key on the page")
	}
	secret := strings.ReplaceAll(found[1], " ", "")
	b.post("/sign-in/app/confirm", "code", b.shown(secret), "next", "/strong").leads("/strong")
	return secret
}

// shown is what the app shows now.
func (b *browser) shown(secret string) string {
	code, err := totp.GenerateCode(secret, b.clock.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	return code
}

func TestAuthenticatorApp(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother)
	secret := b.withApp()
	if p := b.who(); p.Number != mother || p.Level != auth.Substantial {
		t.Errorf("after the app: %+v", p)
	}
	b.get("/account").want(200, `action="/account/app/remove"`)
	b.post("/sign-out").leads("/")

	h.clock.Advance(20 * time.Minute)
	b.signInByCode(mother)
	if b.who().Level != auth.Low {
		t.Error("a code alone made the session strong")
	}
	b.get("/sign-in/step-up?next=/strong").want(200, `action="/sign-in/step-up/app"`).lacks(`action="/sign-in/app"`)
	b.post("/sign-in/step-up/app", "code", "000 00x", "next", "/strong").want(422, "đợi mã tiếp theo")
	code := b.shown(secret)
	before := b.cookie("dinh_session", "/")
	b.post("/sign-in/step-up/app", "code", code[:3]+" "+code[3:], "next", "/strong").leads("/strong")
	b.get("/strong").want(200)
	if b.cookie("dinh_session", "/") == before {
		t.Error("the session kept its token when it was raised")
	}
	// The same code does not count twice, nor does an older one.
	again := h.browser().signInByCode(mother)
	again.post("/sign-in/step-up/app", "code", code, "next", "/strong").want(422)
	h.clock.Advance(30 * time.Second)
	again.post("/sign-in/step-up/app", "code", code, "next", "/strong").want(422)
	again.post("/sign-in/step-up/app", "code", again.shown(secret), "next", "//evil.example/").leads("/")

	again.post("/sign-in/app", "next", "/").want(http.StatusConflict)
	again.post("/account/app/remove").leads("/account")
	again.get("/account").lacks("/account/app/remove")
	h.clock.Advance(30 * time.Second)
	b.post("/sign-in/step-up/app", "code", b.shown(secret), "next", "/strong").leads("/sign-in/step-up?next=%2Fstrong")
	if strings.Contains(h.everything(), secret) {
		t.Error("the secret stands open in the tables")
	}
}

func TestAuthenticatorAppRefusals(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother)
	b.get("/sign-in/app?next=/strong").leads("/sign-in/step-up?next=%2Fstrong") // none begun
	b.post("/sign-in/app", "next", "/strong").want(http.StatusSeeOther)
	h.clock.Advance(10*time.Minute + time.Second)
	for _, path := range []string{"/sign-in/app", "/sign-in/app/confirm"} { // the e-mailed code is no longer fresh
		b.post(path, "next", "/strong", "code", "123456").leads("/sign-in/step-up?next=%2Fstrong")
	}
	b.get("/sign-in/app").leads("/sign-in/step-up?next=%2F")
	b.get("/sign-in/step-up?next=/strong").want(200).lacks(`action="/sign-in/app"`, "/sign-in/step-up/app")
	if n := h.number(`SELECT COUNT(*) FROM identity_authenticator WHERE confirmed=1`); n != 0 {
		t.Errorf("%d apps count that never showed a code", n)
	}
	b = h.browser().signInByCode(mother)
	secret := b.withApp()
	b.post("/sign-out").leads("/")
	b = h.browser().signInByCode(mother)
	for range 20 {
		b.post("/sign-in/step-up/app", "code", "x", "next", "/strong").want(422)
	}
	h.clock.Advance(time.Minute)
	b.post("/sign-in/step-up/app", "code", b.shown(secret), "next", "/strong").want(http.StatusTooManyRequests)
	h.clock.Advance(24 * time.Hour)
	b = h.browser().signInByCode(mother)
	b.post("/sign-in/step-up/app", "code", b.shown(secret), "next", "/strong").leads("/strong")
}

// A mailbox alone takes away neither an app nor a passkey, and adds nothing
// beside them: the stronger proof has to be shown.
func TestACodeAloneChangesNoStrongerProof(t *testing.T) {
	t.Parallel()
	for name, give := range map[string]func(*browser){"an app": func(b *browser) { b.withApp() }, "a passkey": func(b *browser) { b.addPasskey() }} {
		h := build(t)
		give(h.registered(mother))
		b := h.browser().signInByCode(mother)
		for _, path := range []string{"/account/app/remove", "/sign-in/app", "/sign-in/app/confirm", "/account/contact", "/account/sessions/end"} {
			b.post(path, "code", "123456", "next", "/account", "email", "mole@vidu.example", "lang", "vi").leads("/sign-in/step-up?next=%2Faccount")
		}
		b.json("/api/identity/passkeys/register/begin", "{}").want(http.StatusForbidden, "identity.fresh_code_needed")
		b.get("/sign-in/step-up?next=/account").want(200, "Tôi không còn dùng được nữa").lacks(`data-passkey="create"`, `action="/sign-in/app"`, `action="/sign-in/step-up"`)
		if p := b.who(); p.Level != auth.Low {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// People are told of every change in how they sign in, at the address that was
// theirs before it.
func TestNotices(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother).addPasskey()
	b.post("/sign-in/app", "next", "/account").want(http.StatusSeeOther)
	b.withApp()
	b.post("/account/app/remove").leads("/account")
	b.post("/account/passkeys/" + base64.RawURLEncoding.EncodeToString(b.key.ID) + "/remove").leads("/account")
	b.post("/account/contact", "lang", "vi", "email", "mai.moi@vidu.example").leads("/sign-in/code")
	b.post("/sign-in/code", "code", h.codes.last(t).code).leads("/account")
	if err := h.block.ResetWays(t.Context(), mother); err != nil {
		t.Fatal(err)
	}
	const old, now = " mai.nguyen@vidu.example", " mai.moi@vidu.example"
	want := []string{"passkey_added" + old, "app_added" + old, "app_removed" + old, "passkey_removed" + old, "email_changed" + old, "ways_removed" + now, "ways_removed" + old}
	if got := h.codes.notices(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	if p := b.who(); !p.IsNobody() {
		t.Errorf("still signed in as %+v", p)
	}
	if err := h.block.ResetWays(t.Context(), none); errs.CodeOf(err) != "identity.no_account" {
		t.Errorf("nobody's ways: %v", err)
	}
}

// Who lost everything is let in by the house, and begins anew with a code.
func TestResetWays(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.registered(mother).withApp()
	b := h.browser().signInByCode(mother)
	b.post("/sign-in/app", "next", "/strong").leads("/sign-in/step-up?next=%2Fstrong")
	if err := h.block.ResetWays(t.Context(), mother); err != nil {
		t.Fatal(err)
	}
	b = h.browser().signInByCode(mother)
	b.withApp()
	b.get("/strong").want(200)
}

// What a session at low began before there was a stronger proof, it cannot
// finish after it.
func TestBegunBeforeTheStrongerProof(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.registered(mother)
	owner := h.browser().signInByCode(mother)
	mail, key := h.browser().signInByCode(mother), h.browser().signInByCode(mother)
	mail.post("/account/contact", "lang", "vi", "email", "mole@vidu.example").leads("/sign-in/code")
	code := h.codes.last(t).code
	answer := key.creation()
	owner.withApp()
	mail.post("/sign-in/code", "code", code).leads("/sign-in/step-up?next=%2Faccount")
	key.json("/api/identity/passkeys/register/finish", answer).want(http.StatusForbidden, "identity.fresh_code_needed")
	b := h.browser().signInByCode(mother)
	if to := h.codes.last(t).to.Email; to != "mai.nguyen@vidu.example" {
		t.Errorf("codes go to %s", to)
	}
	b.get("/sign-in/step-up?next=/").want(200).lacks(`data-passkey="get"`)
}
