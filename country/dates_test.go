package country_test

import (
	"testing"

	"github.com/dinh-gov/dinh/blocks/services"
)

func writeData(t *testing.T, service, write string, st services.State) map[string]any {
	t.Helper()
	for _, s := range loadServices(t) {
		if s.ID != service {
			continue
		}
		w, ok := s.WriteByID(write)
		if !ok {
			t.Fatalf("%s has no write %s", service, write)
		}
		data, _, err := s.WriteData(w, st)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	t.Fatalf("no service %s", service)
	return nil
}

// A child's card lasts until 72 months of age, or the following 30 September.
func TestChildCardEnds(t *testing.T) {
	for born, want := range map[string]string{
		"2026-11-10": "2032-11-10", "2026-09-30": "2032-09-30", "2026-10-01": "2032-10-01", "2026-01-31": "2032-09-30",
		"2024-02-29": "2030-09-30", "2023-12-31": "2029-12-31", "2027-12-01": "2033-12-01",
	} {
		got := writeData(t, "birth", "health_card", services.State{
			Today: "2026-11-24", Answers: map[string]any{"child.full_name": "Trần Mai Anh", "insurance.clinic": "01207"},
			Data:    map[string]any{"mother": map[string]any{"address": map[string]any{"province": "01", "commune": "00166"}}},
			Results: map[string]any{"population": map[string]any{"number": "001326000001", "birth_date": born, "sex": "female"}},
		})
		if got["valid_until"] != want {
			t.Errorf("born %s: valid until %v, want %s", born, got["valid_until"], want)
		}
	}
}

// A renewed licence lasts ten or five years, to the same day.
func TestRenewedLicenceEnds(t *testing.T) {
	for _, c := range []struct{ class, today, want string }{
		{"B", "2026-11-24", "2036-11-24"}, {"C1", "2027-03-01", "2037-03-01"}, {"B", "2028-02-29", "2038-02-28"}, {"B", "2024-01-01", "2034-01-01"},
		{"C", "2026-11-24", "2031-11-24"}, {"D2", "2027-12-31", "2032-12-31"}, {"CE", "2028-02-29", "2033-02-28"}, {"C", "2028-01-15", "2033-01-15"},
	} {
		got := writeData(t, "licence", "renewal", services.State{
			Today: c.today, Data: map[string]any{"licence": map[string]any{"id": "l1", "class": c.class, "renewals": int64(1)}},
		})
		if got["expires_on"] != c.want {
			t.Errorf("class %s renewed on %s: until %v, want %s", c.class, c.today, got["expires_on"], c.want)
		}
		if got["renewals"] != int64(2) {
			t.Errorf("renewals: %v", got["renewals"])
		}
	}
}
