package people

import (
	"fmt"
	"strings"
	"time"
)

// nobody stands where a person has no mother, father or spouse on record.
const nobody = -1

// builder makes one world.
type builder struct {
	w         *World
	d         *dice
	families  []weighted
	minority  []weighted
	hospitals []facility
	streets   []string
	surname   urn
	people    urn
	place     urn
	given     map[bool][]string // by female
	middle    map[bool][]string
	taken     map[string]bool // personal numbers
	counted   map[string]int  // by prefix
	set       map[int]bool    // people whose licences are told by hand
	lent      map[int]bool    // people whose work and home are told by hand
	phones    int
}

// Generate makes a world of at least n people as of today. Same arguments, same
// world. The samples and officers are part of it, so the smallest world has a
// few dozen people.
func Generate(seed int64, n int, today time.Time) *World {
	b := newBuilder(seed, dayOf(today))
	b.cast()
	for len(b.w.people) < n {
		b.home()
	}
	for i := range b.w.people {
		b.card(i)
		if !b.set[i] {
			b.driver(i)
		}
	}
	b.papers()
	return b.w
}

func newBuilder(seed int64, today day) *builder {
	b := &builder{
		w: &World{today: today, places: communes(), registry: map[string][]map[string]any{}},
		d: &dice{state: uint64(seed)}, families: families(), minority: ethnicities(), hospitals: facilities(), streets: streets(),
		given:  map[bool][]string{true: givenNames(true), false: givenNames(false)},
		middle: map[bool][]string{true: middleNames(true), false: middleNames(false)},
		taken:  map[string]bool{}, counted: map[string]int{}, set: map[int]bool{}, lent: map[int]bool{},
	}
	b.surname = newUrn(len(b.families), func(i int) int { return b.families[i].weight })
	b.people = newUrn(len(b.minority), func(i int) int { return b.minority[i].weight })
	b.place = newUrn(len(b.w.places), func(i int) int { return b.w.places[i].weight })
	return b
}

// count gives the next of a series of numbers, beginning at from.
func (b *builder) count(prefix string, from int) int {
	b.counted[prefix]++
	return from + b.counted[prefix] - 1
}

// number makes a personal number: province of birth, century and sex, year, and
// six digits from the upper nine tenths, so that those counted later are free.
func (b *builder) number(province string, p *person) string {
	century := (p.born.year()/100 - 19) * 2
	if p.female {
		century++
	}
	for {
		s := fmt.Sprintf("0%s%d%02d%06d", province, century, p.born.year()%100, b.d.between(100_000, 999_999))
		if !b.taken[s] {
			b.taken[s] = true
			return s
		}
	}
}

// add completes p and gives its index.
func (b *builder) add(p person, h *household, relation string) int {
	c := b.w.places[h.place]
	p.home, p.relation = h, relation
	if p.number == "" {
		p.number = b.number(c.province, &p)
	}
	b.taken[p.number] = true
	if p.hometown == "" {
		p.hometown = c.name + ", " + provinceName(c.province)
	}
	if p.birthPlace == "" {
		p.birthPlace = p.hometown
	}
	if p.born.ageOn(b.w.today) >= 16 {
		b.reachable(&p)
	}
	b.w.people = append(b.w.people, p)
	return len(b.w.people) - 1
}

func (b *builder) reachable(p *person) {
	if p.phone == "" && b.phones < 1_000_000 && b.d.chance(97) {
		p.phone = fmt.Sprintf("0900%06d", b.phones)
		b.phones++
	}
	if p.email == "" && b.d.chance(60) {
		p.email = mailbox(p.given, p.family, len(b.w.people))
	}
}

func (b *builder) person(female bool, born day) person {
	p := person{
		family: b.families[b.surname.draw(b.d)].value, middle: pick(b.d, b.middle[female]), given: pick(b.d, b.given[female]),
		female: female, born: born, ethnicity: "kinh", mother: nobody, father: nobody, spouse: nobody, marital: "single",
	}
	for p.middle == p.given {
		p.given = pick(b.d, b.given[female])
	}
	if b.d.chance(8) {
		p.ethnicity = b.minority[b.people.draw(b.d)].value
	}
	if b.d.chance(35) { // born elsewhere
		c := b.w.places[b.place.draw(b.d)]
		p.hometown = c.name + ", " + provinceName(c.province)
	}
	return p
}

// aged is a birthday of somebody who is from to to years old today.
func (b *builder) aged(from, to int) day {
	return b.w.today.plus(-b.d.between(from, to)) - day(b.d.below(365))
}

func (b *builder) household() *household {
	h := &household{place: b.place.draw(b.d), temporary: b.d.chance(8), head: len(b.w.people), since: b.w.today - day(b.d.between(200, 9000))}
	c := b.w.places[h.place]
	h.code = fmt.Sprintf("HK-%s-%06d", c.code, b.count("HK"+c.code, 1))
	h.street = fmt.Sprintf("Số %d, đường %s", b.d.between(1, 320), pick(b.d, b.streets))
	if strings.HasPrefix(c.name, "Xã") {
		h.street = fmt.Sprintf("Thôn %d", b.d.between(1, 14))
	}
	return h
}

// home fills one household.
func (b *builder) home() {
	h := b.household()
	switch r := b.d.below(100); {
	case r < 64:
		b.couple(h, 23, 60, b.d.between(0, 3))
	case r < 76:
		b.couple(h, 45, 84, 0)
	case r < 86:
		p := b.person(b.d.chance(50), b.aged(18, 80))
		b.add(p, h, "head")
	case r < 92:
		b.singleMother(h)
	default:
		husband, _ := b.couple(h, 25, 50, b.d.between(1, 3))
		b.grandmother(h, husband)
	}
}

func (b *builder) singleMother(h *household) {
	m := b.add(b.person(true, b.aged(21, 48)), h, "head")
	// Children of more than 23 years have left home.
	from := max(b.w.people[m].born.plus(19), b.w.today.plus(-23))
	to := min(b.w.people[m].born.plus(42), b.w.today)
	b.child(m, nobody, from+day(b.d.below(max(1, int(to-from)))), true)
}

func (b *builder) grandmother(h *household, son int) {
	p := b.person(true, b.w.people[son].born.plus(-b.d.between(19, 34)))
	p.marital = "widowed"
	g := b.add(p, h, "parent")
	b.w.people[son].mother = g
}

// couple marries two people of these ages (his) and gives them children.
func (b *builder) couple(h *household, from, to, children int) (husband, wife int) {
	man := b.person(false, b.aged(from, to))
	woman := b.person(true, min(man.born+day(b.d.between(-400, 2200)), b.w.today.plus(-21)))
	if man.ethnicity != "kinh" && b.d.chance(80) {
		woman.ethnicity = man.ethnicity
	}
	husband, wife = b.add(man, h, "head"), b.add(woman, h, "spouse")
	earliest := max(man.born.plus(21), woman.born.plus(19))
	wed := min(earliest+day(b.d.below(3000)), b.w.today-30)
	b.marry(husband, wife, max(wed, earliest))
	b.offspring(husband, wife, max(wed, earliest), children)
	return husband, wife
}

func (b *builder) offspring(husband, wife int, wed day, children int) {
	mother := b.w.people[wife].born
	last := wed
	for born := wed + day(b.d.between(290, 1100)); children > 0 && born < b.w.today-60 && mother.ageOn(born) < 43; children-- {
		if born.ageOn(b.w.today) < 24 { // older ones have left home
			b.child(wife, husband, born, true)
		}
		last = born
		born += day(b.d.between(430, 1800))
	}
	age := mother.ageOn(b.w.today)
	if age < 41 && b.w.today-last > 380 && b.d.chance(5) {
		b.child(wife, husband, b.w.today-day(b.d.between(2, 55)), false)
	}
}

// marry records a marriage.
func (b *builder) marry(husband, wife int, on day) string {
	h, w := &b.w.people[husband], &b.w.people[wife]
	h.spouse, w.spouse, h.marital, w.marital = wife, husband, "married", "married"
	office := b.w.places[w.home.place].code
	no := fmt.Sprintf("KH-%s-%d", office, on.year())
	no = fmt.Sprintf("%s-%04d", no, b.count(no, 1))
	b.record("marriages", map[string]any{
		"certificate_no": no, "registered_on": on.String(), "office": office, "status": "valid",
		"husband": h.number, "husband_name": h.name(), "husband_family_name": h.family, "husband_birth_date": h.born.String(),
		"husband_ethnicity": h.ethnicity, "husband_nationality": "VN", "husband_hometown": h.hometown,
		"wife": w.number, "wife_name": w.name(), "wife_birth_date": w.born.String(), "wife_ethnicity": w.ethnicity, "wife_nationality": "VN",
	})
	return no
}

func (b *builder) record(register string, r map[string]any) {
	b.w.registry[register] = append(b.w.registry[register], r)
}
