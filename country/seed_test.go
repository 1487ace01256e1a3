package country_test

import (
	"context"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/country/people"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
)

// The generated people go into the real registers, and what the registers
// count from then on meets none of them.
func TestGeneratedPeopleSeedTheRegisters(t *testing.T) {
	ctx, now := context.Background(), time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	defs, err := registers.Load(country.Registers())
	if err != nil {
		t.Fatal(err)
	}
	r, err := registers.New(registers.Deps{
		DB: dbtest.New(t, dbtest.Set{Name: "registers", FS: registers.Migrations()}), Clock: clock.New(now),
		Log: slog.New(slog.DiscardHandler), Definitions: defs,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := people.Generate(1, 300, now)
	for _, id := range w.Registers() {
		var changes []registers.Change
		for data := range w.Records(id) {
			changes = append(changes, registers.Change{Register: id, Data: data, Actor: "seed", Reason: "seed"})
		}
		if err := r.CreateMany(ctx, id, changes); err != nil {
			t.Fatal(err)
		}
	}

	mai, _ := w.Sample("mai")
	found, err := r.Find(ctx, "birth-notices", map[string]string{"mother": mai.Number, "status": "open"}, 10)
	if err != nil || len(found) != 1 {
		t.Fatalf("mai's open notices: %d, %v", len(found), err)
	}
	address := map[string]any{"province": "01", "commune": "00166", "street": "Số 12", "text": "Số 12, Phường Cầu Giấy, Thành phố Hà Nội"}
	for id, c := range map[string]struct {
		data        map[string]any
		field, want string
	}{
		"population": {map[string]any{
			"full_name": "Trần Mai Anh", "birth_date": "2026-11-10", "sex": "female", "ethnicity": "kinh", "nationality": "VN",
			"hometown": "Xã Gia Lâm, Thành phố Hà Nội", "address": address, "marital_status": "single", "status": "alive", "mother": mai.Number,
		}, "number", `^001326000001$`},
		"births": {map[string]any{
			"registered_on": "2026-11-24", "office": "00166", "child": "001326000001", "child_name": "Trần Mai Anh", "birth_date": "2026-11-10",
			"sex": "female", "ethnicity": "kinh", "nationality": "VN", "birth_place": "Bệnh viện Phụ sản Hà Nội", "hometown": "Xã Gia Lâm, Thành phố Hà Nội",
			"mother": mai.Number, "mother_name": mai.Name, "mother_birth_date": "1995-03-12",
		}, "registration_no", `^KS-00166-2026-00001$`},
		"health-cards": {map[string]any{
			"holder": "001326000001", "holder_name": "Trần Mai Anh", "birth_date": "2026-11-10", "sex": "female", "group": "TE", "benefit_level": "1",
			"province": "01", "clinic": "01207", "valid_from": "2026-11-10", "valid_until": "2032-11-10", "status": "active",
		}, "card_number", `^TE1010000000001$`},
	} {
		rec, err := r.Create(ctx, registers.Change{Register: id, Data: c.data, Actor: "test", Reason: "test"})
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if got, _ := rec.Data[c.field].(string); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s: %s is %s, want %s", id, c.field, got, c.want)
		}
	}
}
