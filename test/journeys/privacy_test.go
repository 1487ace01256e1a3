package journeys

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
	"github.com/dinh-gov/dinh/kernel/text"
)

const privateChild = "Trần Phạm Tường Vân"

// secretsOf is everything about people that was in play: numbers, names and
// ways to reach them.
func secretsOf(t *testing.T, h *house) (numbers, words []string) {
	t.Helper()
	for rec := range h.world().Records("population") {
		numbers = append(numbers, fmt.Sprint(rec["number"]))
		for _, field := range []string{"full_name", "email", "phone"} {
			if v := fmt.Sprint(rec[field]); len(v) > 6 && rec[field] != nil {
				words = append(words, v)
			}
		}
	}
	found, err := h.Registers.Search(t.Context(), "population", privateChild, 10)
	if err != nil || len(found) != 1 {
		t.Fatalf("the child is in the register %d times: %v", len(found), err)
	}
	words = append(words, privateChild, "me@vidu.example", "lai@vidu.example", "0900000123", "0900000124", "900000123", "900000124")
	return append(numbers, fmt.Sprint(found[0].Data["number"])), words
}

// playAll plays whatever people and officers do, also what goes wrong.
func playAll(t *testing.T, h *house) {
	t.Helper()
	ctx, mother := t.Context(), h.browser(t, "mai")
	if _, err := mother.Apply(ctx, "birth", demo.BirthAnswers("Võ 123"), nil); err == nil {
		t.Error("a name with digits was taken")
	}
	page, err := mother.Get(ctx, "/applications")
	if err != nil {
		t.Fatal(err)
	}
	app, err := mother.Get(ctx, first(t, "draft", page.Links("/apply/")))
	if err != nil {
		t.Fatal(err)
	}
	birth, err := mother.Finish(ctx, app, demo.BirthAnswers(privateChild), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mother.Wait(ctx, "/applications/"+birth.ID, func(p *play.Page) bool { return len(documentPages(p)) >= 3 }); err != nil {
		t.Fatal(err)
	}
	driver := h.browser(t, "hung")
	licence, err := driver.Apply(ctx, "licence", demo.LicenceAnswers(), map[string]play.Upload{"photo.portrait": demo.Portrait()})
	if err != nil {
		t.Fatal(err)
	}
	if err := payFor(t, driver, licence, "4444333322221111"); err != nil {
		t.Fatal(err)
	}
	officer := h.browser(t, "licence-1")
	if err := demo.Decide(ctx, officer, licence.Code, "return", url.Values{"_message": {"Gọi 0900000124 cho anh Hùng."}, "_fields": {"photo.portrait"}}); err != nil {
		t.Fatal(err)
	}
	h.walk(t, mother, "/", "/account", "/my-data", "/my-data/children", "/my-data/readers", "/my-documents", "/messages", "/applications")
	h.walk(t, driver, "/my-data", "/messages", "/applications/"+licence.ID)
	h.walk(t, officer, "/desk", "/desk/search?q="+licence.Code, "/desk/figures")
	h.walk(t, h.browser(t, "register-mps"), "/desk/registers", "/desk/registers/population", "/desk/registers/population/import")
	strange(t, h)
}

// strange is what people do wrong and software tells the log about.
func strange(t *testing.T, h *house) {
	t.Helper()
	mai, _ := h.world().Sample("mai")
	nobody, officer := h.caller(t, ""), h.caller(t, "register-mps")
	nobody.post(t, "/sign-in", url.Values{"number": {mai.Number}})
	nobody.post(t, "/sign-in/code", url.Values{"code": {"000000"}})
	nobody.post(t, "/register", url.Values{"number": {mai.Number}, "name": {mai.Name}, "born-day": {"1"}, "born-month": {"1"}, "born-year": {"1990"}})
	nobody.json(t, http.MethodPost, "/api/identity/passkeys/login/finish", `{"id":"`+mai.Number+`"}`)
	officer.json(t, http.MethodPost, "/api/registers/population/records", `{"reason":"thử","data":{"number":"`+mai.Number+`","full_name":"`+mai.Name+`"}}`)
	officer.json(t, http.MethodPost, "/api/registers/population/records", `{"reason":"`+mai.Name+`","data":{"`+mai.Number+`":1}}`)
	officer.json(t, http.MethodPost, "/api/registers/population/records", `{"`+mai.Number+`":1}`)
	officer.do(t, request{method: http.MethodPost, path: "/api/registers/population/import?reason=thu", kind: "text/csv", body: strings.NewReader("number,full_name\n" + mai.Number + "," + mai.Name + "\n")})
	h.caller(t, "protection").json(t, http.MethodPost, "/api/transparency/inspections", `{"number":"`+mai.Number+`","reason":"Khiếu nại của người dân"}`)
	// A register that cannot write: the cause of an internal error is logged.
	_, err := h.Registers.Create(t.Context(), registers.Change{Register: "population", Data: map[string]any{"number": mai.Number, "full_name": mai.Name}, Actor: "x", Reason: "x"})
	if err == nil {
		t.Error("a person was made twice")
	}
}

// walk opens pages and what they link to, as somebody who looks around.
func (h *house) walk(t *testing.T, b *play.Browser, pages ...string) {
	t.Helper()
	seen := map[string]bool{}
	for _, path := range pages {
		page, err := b.Get(t.Context(), path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for i, link := range page.Links("/") {
			if i == 40 || seen[link] || strings.HasPrefix(link, "/static") || strings.Contains(link, "lang=") || strings.HasSuffix(link, "/receipt") {
				continue
			}
			seen[link] = true
			if next, err := b.Get(t.Context(), link); err != nil {
				t.Errorf("%s leads to %s: %v", path, link, err)
			} else if next.Status >= 400 {
				t.Errorf("%s leads to %s: %d", path, link, next.Status)
			}
		}
	}
}

// payFor pays the fee of an application.
func payFor(t *testing.T, b *play.Browser, a play.Application, card string) error {
	t.Helper()
	page, err := b.Wait(t.Context(), "/applications/"+a.ID, func(p *play.Page) bool { return len(p.Ways("/pay/")) > 0 })
	if err != nil {
		return err
	}
	return demo.Pay(t.Context(), b, page.Ways("/pay/")[0], card)
}

// TestNobodyIsNamed plays whole journeys and then reads what the house left
// behind for its operators: the log, the addresses, the figures and the ledger.
func TestNobodyIsNamed(t *testing.T) {
	t.Parallel()
	h := own(t)
	playAll(t, h)
	h.settle(t)
	numbers, words := secretsOf(t, h)
	if _, err := h.Ledger.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	metrics, err := h.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	public := h.caller(t, "")
	left := map[string]string{
		"log": h.log.String(), "addresses": h.urls.String(), "figures": fmt.Sprint(metrics),
		"ledger": public.get(t, "/ledger/checkpoint").Body + public.get(t, "/ledger/tile/entries/000").Body + h.entries(t, public),
	}
	if len(left["log"]) < 1000 || len(left["ledger"]) < 1000 {
		t.Errorf("the log has %d bytes, the ledger %d: nothing was looked at", len(left["log"]), len(left["ledger"]))
	}
	for where, said := range left {
		plain, err := url.QueryUnescape(said)
		if err != nil {
			plain = said
		}
		for _, secret := range numbers {
			if at := mention(plain, secret); at >= 0 {
				t.Errorf("the %s names somebody by number:\n%s", where, around(plain, at))
				break
			}
		}
		folded := text.Fold(plain)
		for _, secret := range words {
			if at := mention(folded, text.Fold(secret)); at >= 0 {
				t.Errorf("the %s says %q:\n%s", where, secret, around(folded, at))
				break
			}
		}
	}
	personal := regexp.MustCompile(`[^0-9a-f-]0\d{11}\b`)
	for _, line := range strings.Split(h.urls.String(), "\n") {
		if personal.MatchString(line) {
			t.Errorf("an address carries a personal number: %s", line)
		}
	}
}

// entries is what the public reads of the ledger's leaves.
func (h *house) entries(t *testing.T, c *caller) string {
	t.Helper()
	size := strings.Split(c.get(t, "/ledger/checkpoint").Body, "\n")[1]
	return c.get(t, "/ledger/tile/0/000.p/"+size).Body + c.get(t, "/ledger/tile/entries/000.p/"+size).Body
}

// mention finds a secret where it stands for itself: digits within longer
// digits are other numbers.
func mention(s, secret string) int {
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for from := 0; ; {
		at := strings.Index(s[from:], secret)
		if at < 0 {
			return -1
		}
		at += from
		if !digit(at-1) && !digit(at+len(secret)) {
			return at
		}
		from = at + 1
	}
}

func around(s string, at int) string { return s[max(0, at-150):min(len(s), at+150)] }
