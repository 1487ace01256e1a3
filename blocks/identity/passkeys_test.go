package identity_test

import (
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
)

const finishLogin = "/api/identity/passkeys/login/finish"

func TestPasskey(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother)
	b.get("/strong").leads("/sign-in/step-up?next=%2Fstrong")
	b.addPasskey()
	b.get("/strong").want(200)
	b.post("/sign-out").leads("/")
	b.signInByPasskey("/strong?x=1").want(200, `"next":"/strong?x=1"`) // nobody typed a number
	if p := b.who(); p.Number != mother || p.Level != auth.Substantial {
		t.Errorf("signed in as %+v", p)
	}
	b.get("/account").want(200, "dùng lần cuối")
	b.signInByPasskey("/desk/judge").want(200, `"next":"/"`)
	b.signInByPasskey("//evil.example/").want(200, `"next":"/"`)
	// A session that is strong already adds a second one, and is never sent in circles.
	b.get("/sign-in/step-up?next=/strong").want(200, `data-passkey="create"`, `href="/strong"`)
	b.key = newKey()
	b.addPasskey()
	b.signInByPasskey("/").want(200)
}

func TestPasskeyNeedsAFreshCode(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother)
	h.clock.Advance(10*time.Minute + time.Second)
	b.json("/api/identity/passkeys/register/begin", "{}").want(http.StatusForbidden, "identity.fresh_code_needed")
	b.get("/sign-in/step-up?next=/strong").want(200, "một mã mới").lacks(`data-passkey="create"`)
	b.post("/sign-in/step-up", "next", "/strong").leads("/sign-in/code")
	b.get("/sign-in/code").want(200, "m•••@v•••.example")
	b.post("/sign-in/code", "code", h.codes.last(t).code).leads("/sign-in/step-up?next=%2Fstrong")
	if b.who().Level != auth.Low {
		t.Error("a code alone made the session strong")
	}
	b.addPasskey().get("/strong").want(200)
}

func TestPasskeyRefusals(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother).addPasskey()
	b.post("/sign-out").leads("/")
	refuse := func(what string, status int, answer string) {
		t.Helper()
		b.json(finishLogin, answer).want(status)
		if p := b.who(); !p.IsNobody() {
			t.Errorf("%s signed in as %+v", what, p)
		}
	}
	late := b.assertion()
	h.clock.Advance(5 * time.Minute)
	refuse("an answer too late", 400, late)

	good := b.assertion()
	b.json(finishLogin, good).want(200)
	b.post("/sign-out").leads("/")
	refuse("the same answer again", 400, good)

	first := b.assertion()
	b.assertion()
	refuse("an answer to another question", 401, first)

	own := b.origin
	b.origin = "http://phishing.example"
	elsewhere := b.assertion()
	b.origin = own
	refuse("an answer from another site", 401, elsewhere)

	b.device.Options.UserNotVerified = true
	refuse("a device that did not check who holds it", 401, b.assertion())
	b.device.Options.UserNotVerified = false

	handle := b.device.Options.UserHandle
	for _, odd := range []string{"", "\x00\xff", "00000000-0000-7000-8000-000000000000"} {
		b.device.Options.UserHandle = []byte(odd)
		refuse("a made-up handle", 401, b.assertion())
	}
	b.device.Options.UserHandle = handle

	key := b.key
	b.key = newKey()
	refuse("a key that nobody registered", 401, b.assertion())
	b.key.ID = key.ID
	refuse("a false signature", 401, b.assertion())
	b.key = key

	b.key.Counter = 0
	refuse("a copy that counts behind", 401, b.assertion())
	for _, odd := range []string{"", "{}", "null", "[]", `{"id":"x"}`, "\xff"} {
		b.assertion()
		refuse("nonsense", 400, odd)
	}
}

// One person's passkeys are no other's to make, use or remove.
func TestOthersPasskeys(t *testing.T) {
	t.Parallel()
	h := build(t)
	victim, thief := h.registered(mother).addPasskey(), h.registered(hung).addPasskey()
	id := base64.RawURLEncoding.EncodeToString(victim.key.ID)

	thief.post("/account/passkeys/" + id + "/remove").want(http.StatusNotFound)
	for _, odd := range []string{"x", "%ff", "%00", id + "A"} {
		thief.post("/account/passkeys/" + odd + "/remove").want(http.StatusNotFound)
	}
	victim.signInByPasskey("/").want(200)

	// The thief's key under the victim's handle.
	handle := thief.device.Options.UserHandle
	thief.device.Options.UserHandle = victim.device.Options.UserHandle
	thief.signInByPasskey("/").want(http.StatusUnauthorized)
	thief.device.Options.UserHandle = handle
	if thief.who().Number != hung {
		t.Error("the thief became somebody else")
	}

	// What the victim began, the thief cannot finish for themselves.
	victim.key = newKey()
	answer := victim.creation()
	thief.plant("dinh_ceremony", victim.cookie("dinh_ceremony", "/api/identity"), "/api/identity")
	thief.json("/api/identity/passkeys/register/finish", answer).want(http.StatusForbidden)

	// A key that is somebody's is not made anybody else's.
	thief.key.ID = must[[]byte](t)(base64.RawURLEncoding.DecodeString(id))
	thief.json("/api/identity/passkeys/register/finish", thief.creation()).want(http.StatusConflict)

	h.browser().json("/api/identity/passkeys/register/begin", "{}").want(http.StatusUnauthorized)
}

func TestRemovedPasskey(t *testing.T) {
	t.Parallel()
	h := build(t)
	b := h.registered(mother).addPasskey()
	id := base64.RawURLEncoding.EncodeToString(b.key.ID)
	weak := h.browser().signInByCode(mother)
	h.clock.Advance(11 * time.Minute)
	weak.post("/account/passkeys/" + id + "/remove").leads("/sign-in/step-up?next=%2Faccount")
	if err := h.block.RemovePasskey(t.Context(), weak.session(), id); errs.CodeOf(err) != "identity.fresh_code_needed" {
		t.Errorf("a weak session removed a passkey: %v", err)
	}
	b.post("/account/passkeys/" + id + "/remove").leads("/account")
	b.post("/sign-out").leads("/")
	b.signInByPasskey("/").want(http.StatusUnauthorized)
}

func TestStepUpInAnothersSession(t *testing.T) {
	t.Parallel()
	h := build(t)
	victim, thief := h.registered(mother), h.registered(hung)
	h.clock.Advance(11 * time.Minute)
	thief.post("/sign-in/step-up", "next", "/strong").leads("/sign-in/code")
	victim.plant("dinh_attempt", thief.cookie("dinh_attempt", "/sign-in/code"), "/sign-in")
	victim.post("/sign-in/code", "code", h.codes.last(t).code).want(http.StatusForbidden)
	victim.json("/api/identity/passkeys/register/begin", "{}").want(http.StatusForbidden)
}

func TestOfficersPasskey(t *testing.T) {
	t.Parallel()
	h := build(t)
	if err := h.block.AddOfficer(t.Context(), identity.Officer{ID: "judge-1", Name: "Lê Thị Lan", Member: "GOV/MOJ", Roles: []string{"judge"}, Email: "lan@moj.example"}); err != nil {
		t.Fatal(err)
	}
	b := h.browser()
	b.post("/desk/sign-in", "officer", "judge-1").leads("/sign-in/code")
	b.post("/sign-in/code", "code", h.codes.last(t).code).leads("/desk")
	b.addPasskey()
	b.signInByPasskey("/desk/judge").want(200, `"next":"/desk/judge"`)
	b.signInByPasskey("/person").want(200, `"next":"/desk"`)
	if p := b.who(); p.Officer != "judge-1" || p.Level != auth.Substantial {
		t.Errorf("signed in as %+v", p)
	}
}
