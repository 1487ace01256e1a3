package journeys

import (
	"net/http"
	"strings"
	"testing"
)

// TestCatalogue reads what everybody may know of the exchange: all services, and
// for each who may use what and why.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	h := shared(t)
	nobody := h.caller(t, "")
	for lang, words := range map[string][]string{
		"vi": {"Dữ liệu Nhà nước chia sẻ", "Dân cư", "Bộ Công an"},
		"en": {"Data that the government shares", "Population", "Ministry of Public Security"},
	} {
		list := nobody.in(lang).get(t, "/exchange")
		for _, w := range words {
			if list.Status != http.StatusOK || !strings.Contains(list.Body, w) {
				t.Errorf("%s: %d, no %q", lang, list.Status, w)
			}
		}
		for _, s := range h.Exchange.Services() {
			path := "/exchange/services/" + s.ID.String()
			if !strings.Contains(list.Body, path) {
				t.Errorf("%s: the list does not lead to %s", lang, path)
			}
			page := nobody.in(lang).get(t, path)
			if page.Status != http.StatusOK || !strings.Contains(page.Body, "/r1/"+s.ID.String()) || strings.Contains(page.Body, "⟦") {
				t.Errorf("%s: %s: %d", lang, path, page.Status)
			}
			for _, what := range []string{"document", "try"} {
				page := nobody.in(lang).get(t, "/exchange/"+what+"/"+s.ID.String())
				if page.Status != http.StatusOK || !strings.Contains(page.Body, "GET /records/{id}") || strings.Contains(page.Body, "⟦") {
					t.Errorf("%s: %s of %s: %d", lang, what, s.ID, page.Status)
				}
			}
		}
	}
	population := nobody.in("vi").get(t, "/exchange/services/VN/GOV/MPS/population/population").Body
	for _, w := range []string{"Đăng ký khai sinh", "Luật Hộ tịch 2014, Điều 16", "31/12/2028", "Họ, chữ đệm và tên", "Tra cứu"} {
		if !strings.Contains(population, w) {
			t.Errorf("the population's page does not say %q", w)
		}
	}
	for _, odd := range []string{"VN/GOV/MPS/population/none", "x", "VN/GOV", "%00/%00/%00/%00/%00", "a/b/c/d/e/f/g"} {
		if a := nobody.get(t, "/exchange/services/"+odd); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d", odd, a.Status)
		}
	}
}
