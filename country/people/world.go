package people

import (
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// World is a generated country. It does not change once made and may be read
// by many at once.
type World struct {
	today    day
	people   []person
	places   []commune
	registry map[string][]map[string]any // by register, except population and residence
	samples  []Sample
	officers []Officer
}

// Sample is a person that is in every world, and what they are good for.
type Sample struct {
	ID     string // mai, lan …
	Number string
	Name   string
	Label  i18n.Text
}

// Officer is a public servant that is in every world.
type Officer struct {
	ID     string
	Name   string
	Number string // personal number: an officer is a person too
	Member string // GOV/MOJ
	Roles  []string
	Email  string
	Label  i18n.Text
}

// Samples lists the people for demonstrations.
func (w *World) Samples() []Sample { return slices.Clone(w.samples) }

// Sample finds one by its id.
func (w *World) Sample(id string) (Sample, bool) {
	i := slices.IndexFunc(w.samples, func(s Sample) bool { return s.ID == id })
	if i < 0 {
		return Sample{}, false
	}
	return w.samples[i], true
}

// Officers lists the public servants.
func (w *World) Officers() []Officer { return slices.Clone(w.officers) }

// Today is the day on which the world was made.
func (w *World) Today() string { return w.today.String() }

// Registers names the registers in the order in which they should be filled:
// people before what mentions them.
func (w *World) Registers() []string {
	return []string{"population", "residence", "marriages", "births", "birth-notices", "health-cards", "driving-licences", "fitness-certificates", "social-insurance", "land-rights"}
}

// Count says how many records a register has.
func (w *World) Count(register string) int {
	if register == "population" || register == "residence" {
		return len(w.people)
	}
	return len(w.registry[register])
}

// Records streams a register's records as maps that fit its schema. The
// receiver may keep and change them.
func (w *World) Records(register string) iter.Seq[map[string]any] {
	return func(yield func(map[string]any) bool) {
		switch register {
		case "population":
			for i := range w.people {
				if !yield(w.population(&w.people[i])) {
					return
				}
			}
		case "residence":
			for i := range w.people {
				if !yield(w.residence(&w.people[i])) {
					return
				}
			}
		default:
			for _, r := range w.registry[register] {
				if !yield(copied(r)) {
					return
				}
			}
		}
	}
}

func copied(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if l, ok := v.([]any); ok {
			v = slices.Clone(l)
		}
		out[k] = v
	}
	return out
}

// person is somebody before they become records. References are indexes into
// World.people, -1 for nobody.
type person struct {
	number                string
	family, middle, given string
	female                bool
	born                  day
	ethnicity             string
	birthPlace, hometown  string
	home                  *household
	relation              string
	mother, father        int
	spouse                int
	marital               string
	email, phone          string
}

// household is a home and those who share it.
type household struct {
	code      string
	place     int // index into World.places
	street    string
	head      int
	temporary bool
	since     day
}

func (p *person) name() string { return p.family + " " + p.middle + " " + p.given }

func (p *person) sex() string {
	if p.female {
		return "female"
	}
	return "male"
}

func (w *World) address(h *household) map[string]any {
	c := w.places[h.place]
	return map[string]any{
		"province": c.province, "commune": c.code, "street": h.street,
		"text": h.street + ", " + c.name + ", " + provinceName(c.province),
	}
}

func (w *World) population(p *person) map[string]any {
	r := map[string]any{
		"number": p.number, "full_name": p.name(), "family_name": p.family, "birth_date": p.born.String(), "sex": p.sex(),
		"ethnicity": p.ethnicity, "nationality": "VN", "birth_place": p.birthPlace, "hometown": p.hometown,
		"address": w.address(p.home), "marital_status": p.marital, "status": "alive",
	}
	for field, i := range map[string]int{"mother": p.mother, "father": p.father} {
		if i >= 0 {
			r[field] = w.people[i].number
		}
	}
	if p.email != "" {
		r["email"] = p.email
	}
	if p.phone != "" {
		r["phone"] = p.phone
	}
	return r
}

func (w *World) residence(p *person) map[string]any {
	head := &w.people[p.home.head]
	kind := "permanent"
	if p.home.temporary {
		kind = "temporary"
	}
	return map[string]any{
		"number": p.number, "full_name": p.name(), "birth_date": p.born.String(), "sex": p.sex(),
		"household": p.home.code, "head": head.number, "head_name": head.name(), "relation": p.relation,
		"kind": kind, "address": w.address(p.home), "since": max(p.home.since, p.born).String(),
	}
}

// day counts days since 1 January 1970.
type day int

func dayOf(t time.Time) day {
	y, m, d := t.Date()
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func date(y, m, d int) day { return dayOf(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)) }

func (d day) time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }
func (d day) String() string  { return d.time().Format(time.DateOnly) }
func (d day) year() int       { return d.time().Year() }

// plus moves by whole years, to the same day where there is one.
func (d day) plus(years int) day {
	y, m, dd := d.time().Date()
	if m == time.February && dd == 29 {
		dd = 28
	}
	return date(y+years, int(m), dd)
}

// ageOn is the age in whole years.
func (d day) ageOn(on day) int {
	n := on.year() - d.year()
	if d.plus(n) > on {
		n--
	}
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }
