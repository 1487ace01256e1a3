package journeys

import (
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
)

func grantOf(t *testing.T, h *house, id string) exchange.Grant {
	t.Helper()
	all, err := h.Exchange.Grants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		if g.ID == id {
			return g
		}
	}
	t.Fatalf("no grant %s", id)
	return exchange.Grant{}
}

// TestRevokedGrantsClose takes a grant away in the middle of the day. The next
// question is not answered, the form says so in words that a mother
// understands, nothing of the register is shown; a new grant opens it again.
func TestRevokedGrantsClose(t *testing.T) {
	t.Parallel()
	h := own(t)
	for _, lang := range []string{"vi", "en"} {
		for _, c := range []struct{ grant, sample, service, hidden string }{
			{"civil-status-population-read", "mai", "birth", "Xuân Thủy"},
			{"licences-licences-read", "hung", "licence", "12/12"},
		} {
			grant := grantOf(t, h, c.grant)
			if lang == "en" { // the second round takes away what the first gave, from others
				grant = newest(t, h, grant)
				c.sample = map[string]string{"mai": "thu", "hung": "yen"}[c.sample]
			}
			if err := h.Exchange.RevokeGrant(t.Context(), grant.ID, "test", "thử"); err != nil {
				t.Fatal(err)
			}
			b := h.browser(t, c.sample)
			b.Lang = lang
			page, err := b.Begin(t.Context(), c.service)
			if err != nil {
				t.Fatalf("%s: %v", c.grant, err)
			}
			said := page.Text()
			if strings.Contains(said, "⟦") || strings.Contains(said, "exchange.") || page.Status >= 500 {
				t.Errorf("%s: not in words: %s", c.grant, said)
			}
			words := map[string]string{"vi": "Chưa lấy được thông tin cần thiết", "en": "We could not fetch what we need"}
			if !strings.Contains(said, words[lang]) || strings.Contains(said, c.hidden) {
				t.Errorf("%s: the form does not say that a register did not answer, or shows what it holds: %s", c.grant, said)
			}
			if f := page.Form("/apply/"); f == nil || !strings.HasSuffix(f.Action, "/evidence") {
				t.Fatalf("%s: there is no way to try again: %s", c.grant, said)
			}
			again := grant
			again.ID = ""
			if _, err := h.Exchange.AddGrant(t.Context(), again); err != nil {
				t.Fatal(err)
			}
			page, err = b.Submit(t.Context(), page.Form("/apply/"), nil, nil)
			if err != nil {
				t.Fatalf("%s: after a new grant: %v", c.grant, err)
			}
			if f := page.Form("/apply/"); f != nil && strings.HasSuffix(f.Action, "/evidence") {
				t.Errorf("%s: a new grant does not help: %s", c.grant, page.Text())
			}
		}
	}
	if _, err := h.browser(t, "mai").Resume(t.Context(), "birth", demo.BirthAnswers("Trần Nguyễn An Khang"), nil); err != nil {
		t.Error(err)
	}
}

// newest is the grant that stands now for what g allowed.
func newest(t *testing.T, h *house, g exchange.Grant) exchange.Grant {
	t.Helper()
	all, err := h.Exchange.Grants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range all {
		if other.ID != g.ID && other.Client == g.Client && other.Service == g.Service && other.Purpose == g.Purpose && strings.Join(other.Operations, ",") == strings.Join(g.Operations, ",") {
			return other
		}
	}
	t.Fatal("no new grant")
	return exchange.Grant{}
}
