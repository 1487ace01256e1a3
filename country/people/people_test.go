package people_test

import (
	"fmt"
	"io/fs"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/country/people"
)

var today = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

type register struct {
	Key      string         `yaml:"key"`
	Subjects []string       `yaml:"subjects"`
	Schema   map[string]any `yaml:"schema"`

	compiled *jsonschema.Schema
}

func readRegister(t testing.TB, id string) register {
	t.Helper()
	data, err := fs.ReadFile(country.Registers(), id+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var r register
	if err := yaml.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(id+".json", r.Schema); err != nil {
		t.Fatal(err)
	}
	if r.compiled, err = c.Compile(id + ".json"); err != nil {
		t.Fatal(err)
	}
	return r
}

// codes gives the values of every code list.
func codes(t testing.TB) map[string]map[string]bool {
	t.Helper()
	data, err := country.Codes()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Lists []struct {
			ID      string
			Options []struct{ Value string }
		}
	}
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]bool{}
	for _, l := range doc.Lists {
		out[l.ID] = map[string]bool{}
		for _, o := range l.Options {
			out[l.ID][o.Value] = true
		}
	}
	return out
}

func all(w *people.World, register string) []map[string]any {
	return slices.Collect(w.Records(register))
}

func TestRecordsFitTheirRegisters(t *testing.T) {
	w := people.Generate(1, 4000, today)
	numbers := map[string]bool{}
	for r := range w.Records("population") {
		numbers[r["number"].(string)] = true
	}
	for _, id := range w.Registers() {
		reg, seen, n := readRegister(t, id), map[string]bool{}, 0
		for r := range w.Records(id) {
			n++
			if err := reg.compiled.Validate(r); err != nil {
				t.Fatalf("%s: %v\n%v", id, err, r)
			}
			key := r[reg.Key].(string)
			if seen[key] {
				t.Errorf("%s: key %s stands twice", id, key)
			}
			seen[key] = true
			for _, f := range reg.Subjects {
				if s, ok := r[f].(string); ok && !numbers[s] {
					t.Errorf("%s %s: %s %s is not in the population", id, key, f, s)
				}
			}
			for k, v := range r {
				if s, ok := v.(string); ok && !norm.NFC.IsNormalString(s) {
					t.Errorf("%s %s: %s is not composed", id, key, k)
				}
			}
		}
		if n == 0 || n != w.Count(id) {
			t.Errorf("%s: %d records, Count says %d", id, n, w.Count(id))
		}
	}
}

func TestCodesAreKnown(t *testing.T) {
	w, lists := people.Generate(2, 3000, today), codes(t)
	check := func(list string, v any) {
		if s, ok := v.(string); ok && !lists[list][s] {
			t.Errorf("%q is not in the code list %s", s, list)
		}
	}
	for r := range w.Records("population") {
		check("ethnicities", r["ethnicity"])
		check("nationalities", r["nationality"])
		check("marital-statuses", r["marital_status"])
		address := r["address"].(map[string]any)
		check("provinces", address["province"])
		check("communes", address["commune"])
	}
	for r := range w.Records("residence") {
		check("relations", r["relation"])
		check("residence-kinds", r["kind"])
	}
	for r := range w.Records("health-cards") {
		check("clinics", r["clinic"])
	}
	for _, id := range []string{"birth-notices", "fitness-certificates"} {
		for r := range w.Records(id) {
			check("facilities", r["facility"])
		}
	}
	for r := range w.Records("driving-licences") {
		check("licence-classes", r["class"])
		check("licence-statuses", r["status"])
	}
}

func TestSameSeedSameWorld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, n := rapid.Int64().Draw(t, "seed"), rapid.IntRange(0, 300).Draw(t, "n")
		a, b := people.Generate(seed, n, today), people.Generate(seed, n, today)
		for _, id := range a.Registers() {
			if !reflect.DeepEqual(all(a, id), all(b, id)) {
				t.Fatalf("%s differs", id)
			}
		}
		if !reflect.DeepEqual(a.Samples(), b.Samples()) || !reflect.DeepEqual(a.Officers(), b.Officers()) {
			t.Fatal("samples or officers differ")
		}
		if a.Count("population") < n {
			t.Fatalf("%d people, asked for %d", a.Count("population"), n)
		}
	})
}

func TestLivesArePlausible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		on := today.AddDate(0, 0, rapid.IntRange(-500, 2000).Draw(t, "day"))
		w := people.Generate(rapid.Int64().Draw(t, "seed"), 400, on)
		born := map[string]string{}
		for r := range w.Records("population") {
			number, birth := r["number"].(string), r["birth_date"].(string)
			born[number] = birth
			if age := years(birth, w.Today()); age < 0 || age > 100 {
				t.Fatalf("%v is %d years old", r["full_name"], age)
			}
			if !numberFits(number, r["sex"].(string), birth) {
				t.Fatalf("number %s does not fit %v born %s", number, r["sex"], birth)
			}
		}
		for r := range w.Records("births") {
			if a := years(born[r["mother"].(string)], r["birth_date"].(string)); a < 18 || a > 46 {
				t.Fatalf("a mother of %d years", a)
			}
			if r["registered_on"].(string) < r["birth_date"].(string) || r["registered_on"].(string) > w.Today() {
				t.Fatalf("born %v, registered %v", r["birth_date"], r["registered_on"])
			}
		}
		for r := range w.Records("marriages") {
			day := r["registered_on"].(string)
			if years(born[r["husband"].(string)], day) < 20 || years(born[r["wife"].(string)], day) < 18 || day > w.Today() {
				t.Fatalf("married too early or in the future: %v", r)
			}
		}
		for r := range w.Records("driving-licences") {
			if years(r["birth_date"].(string), r["issued_on"].(string)) < 18 || r["issued_on"].(string) > w.Today() {
				t.Fatalf("a driver too young or a licence of tomorrow: %v", r)
			}
		}
		for r := range w.Records("birth-notices") {
			if r["birth_date"].(string) > w.Today() || r["issued_on"].(string) > w.Today() {
				t.Fatalf("a birth in the future: %v", r)
			}
		}
	})
}

func years(from, to string) int {
	n := int(to[0]-from[0])*1000 + int(to[1])*100 - int(from[1])*100 + int(to[2])*10 - int(from[2])*10 + int(to[3]) - int(from[3])
	if to[5:] < from[5:] {
		n--
	}
	return n
}

// numberFits holds for 0PP, century and sex, year, and six digits of the part
// that registers do not count in.
func numberFits(number, sex, birth string) bool {
	digit := map[string]string{"19male": "0", "19female": "1", "20male": "2", "20female": "3"}[birth[:2]+sex]
	return number[0] == '0' && number[3:4] == digit && number[4:6] == birth[2:4] && number[6] != '0'
}

func TestReachesNobodyReal(t *testing.T) {
	phone := regexp.MustCompile(`^0900[0-9]{6}$`)
	w, mails, phones := people.Generate(3, 3000, today), map[string]bool{}, map[string]bool{}
	for r := range w.Records("population") {
		if m, ok := r["email"].(string); ok {
			if !strings.HasSuffix(m, "@vidu.example") || mails[m] || strings.Trim(m, "abcdefghijklmnopqrstuvwxyz0123456789.@") != "" {
				t.Errorf("e-mail %s", m)
			}
			mails[m] = true
		}
		if p, ok := r["phone"].(string); ok {
			if !phone.MatchString(p) || phones[p] {
				t.Errorf("phone %s", p)
			}
			phones[p] = true
		}
	}
}

func TestSamplesTellTheirStories(t *testing.T) {
	w := people.Generate(9, 0, today)
	find := func(register, field, number string) []map[string]any {
		var out []map[string]any
		for r := range w.Records(register) {
			if r[field] == number {
				out = append(out, r)
			}
		}
		return out
	}
	sample := func(id string) string {
		s, ok := w.Sample(id)
		if !ok {
			t.Fatalf("no sample %s", id)
		}
		return s.Number
	}
	open := func(id string) (dates []string) {
		for _, r := range find("birth-notices", "mother", sample(id)) {
			if r["status"] == "open" {
				dates = append(dates, r["birth_date"].(string))
			}
		}
		return dates
	}
	if got := open("mai"); !slices.Equal(got, []string{"2026-11-10"}) {
		t.Errorf("mai: open notices %v", got)
	}
	if len(find("marriages", "wife", sample("mai"))) != 1 || len(find("births", "mother", sample("mai"))) != 1 {
		t.Error("mai: needs a marriage and an older child")
	}
	if len(open("lan")) != 1 || len(find("marriages", "wife", sample("lan"))) != 0 {
		t.Error("lan: needs a notice and no marriage")
	}
	if got := open("hoa"); !slices.Equal(got, []string{"2026-09-10"}) {
		t.Errorf("hoa: open notices %v", got)
	}
	if r := find("residence", "number", sample("thu")); len(r) != 1 || r[0]["kind"] != "temporary" {
		t.Errorf("thu: residence %v", r)
	}
	for id, want := range map[string]string{"hung": "2026-12-15", "tuan": "2026-12-04", "son": "2026-10-10"} {
		if r := find("driving-licences", "holder", sample(id)); len(r) != 1 || r[0]["expires_on"] != want {
			t.Errorf("%s: licences %v", id, r)
		}
	}
	if len(find("fitness-certificates", "holder", sample("hung"))) != 1 || len(find("fitness-certificates", "holder", sample("tuan"))) != 0 {
		t.Error("hung has a fitness certificate, tuan has none")
	}
	if other := people.Generate(10, 500, today).Samples(); !reflect.DeepEqual(other, w.Samples()) {
		t.Error("samples change with the seed")
	}
	roles := map[string]int{}
	for _, o := range w.Officers() {
		roles[o.Roles[0]]++
		if len(find("population", "number", o.Number)) != 1 {
			t.Errorf("officer %s is nobody", o.ID)
		}
	}
	want := map[string]int{"registrar": 2, "licence-officer": 2, "register-officer": 5, "evidence-officer": 2, "data-protection-officer": 1, "grants-officer": 2}
	if !reflect.DeepEqual(roles, want) {
		t.Errorf("officers: %v", roles)
	}
}

func TestStreamsMayStopAndBeChanged(t *testing.T) {
	w := people.Generate(4, 100, today)
	for _, id := range w.Registers() {
		for r := range w.Records(id) {
			clear(r)
			break
		}
		for r := range w.Records(id) {
			if len(r) == 0 {
				t.Errorf("%s: a reader changed the world", id)
			}
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				w := people.Generate(1, n, today)
				for _, id := range w.Registers() {
					for range w.Records(id) {
						continue
					}
				}
			}
		})
	}
}
