package people

import "fmt"

// child lets a child be born. A registered one becomes a person; of one whose
// birth nobody has registered yet there is only the hospital's notice.
func (b *builder) child(mother, father int, born day, registered bool) int {
	p := b.person(b.d.chance(48), born)
	return b.birth(p, mother, father, registered)
}

// birth is child for a person who has a name already.
func (b *builder) birth(p person, mother, father int, registered bool) int {
	m := b.w.people[mother]
	hospital := b.hospital(m.home, true)
	p.birthPlace = hospital.name + ", " + provinceName(hospital.province)
	p.mother, p.father, p.family, p.ethnicity, p.hometown = mother, father, m.family, m.ethnicity, m.hometown
	if father >= 0 {
		f := b.w.people[father]
		p.family, p.ethnicity, p.hometown = f.family, f.ethnicity, f.hometown
	}
	if !registered {
		b.notice(&p, hospital, "")
		return nobody
	}
	child := b.add(p, m.home, b.relationOfChild(mother))
	no := b.registerBirth(child, p.born+day(b.d.between(3, 45)))
	if p.born > b.w.today.plus(-3) {
		b.notice(&p, hospital, no)
	}
	return child
}

func (b *builder) relationOfChild(mother int) string {
	if b.w.people[mother].relation == "head" || b.w.people[mother].relation == "spouse" {
		return "child"
	}
	return "grandchild"
}

// hospital gives where people of a home go: babies to the first of the
// province, drivers to the last.
func (b *builder) hospital(h *household, baby bool) facility {
	province := b.w.places[h.place].province
	found := b.hospitals[0]
	for _, f := range b.hospitals {
		if f.province != province {
			continue
		}
		if found = f; baby {
			break
		}
	}
	return found
}

func (b *builder) registerBirth(child int, on day) string {
	p := &b.w.people[child]
	m := &b.w.people[p.mother]
	on = min(on, b.w.today)
	office := b.w.places[p.home.place].code
	// What is counted from today on begins at 1 and does not come up here.
	prefix := fmt.Sprintf("KS-%s-%d-", office, on.year())
	no := fmt.Sprintf("%s%05d", prefix, b.count(prefix, 50_001))
	r := map[string]any{
		"registration_no": no, "registered_on": on.String(), "office": office, "child": p.number, "child_name": p.name(),
		"birth_date": p.born.String(), "sex": p.sex(), "ethnicity": p.ethnicity, "nationality": "VN", "birth_place": p.birthPlace,
		"hometown": p.hometown, "mother": m.number, "mother_name": m.name(), "mother_birth_date": m.born.String(), "late": on-p.born > 60,
	}
	if p.father >= 0 {
		f := &b.w.people[p.father]
		r["father"], r["father_name"], r["father_birth_date"] = f.number, f.name(), f.born.String()
	}
	b.record("births", r)
	return no
}

// notice is the hospital's; registration is empty while nobody used it.
func (b *builder) notice(p *person, hospital facility, registration string) {
	m := &b.w.people[p.mother]
	prefix := fmt.Sprintf("CS-%s-%d-", hospital.code, p.born.year())
	r := map[string]any{
		"code": fmt.Sprintf("%s%06d", prefix, b.count(prefix, 1)), "mother": m.number, "mother_name": m.name(),
		"birth_date": p.born.String(), "birth_time": fmt.Sprintf("%02d:%02d", b.d.below(24), b.d.below(60)), "sex": p.sex(),
		"weight_grams": b.d.between(2400, 4100), "facility": hospital.code, "facility_name": hospital.name,
		"birth_place":   hospital.name + ", " + provinceName(hospital.province),
		"children_born": 1, "issued_on": min(p.born+day(b.d.between(0, 3)), b.w.today).String(), "status": "open",
	}
	if registration != "" {
		r["status"], r["birth_registration"] = "registered", registration
	}
	b.record("birth-notices", r)
}

// card gives nearly everybody a health card, and every child under six.
func (b *builder) card(i int) {
	p := &b.w.people[i]
	age := p.born.ageOn(b.w.today)
	if age >= 6 && !b.d.chance(94) {
		return
	}
	c := b.w.places[p.home.place]
	group, level := "GD", "4"
	from := date(b.w.today.year(), 1, 1)
	until := date(b.w.today.year(), 12, 31)
	switch {
	case age < 6:
		group, level, from, until = "TE", "1", p.born, childCardEnd(p.born)
	case age < 18:
		group = "HS"
	case age >= 60:
		group, level = "HT", "3"
	case b.d.chance(60):
		group = "DN"
	}
	prefix := group + level + c.province
	b.record("health-cards", map[string]any{
		"card_number": fmt.Sprintf("%s%010d", prefix, b.count(prefix, 5_000_000_001)), "holder": p.number, "holder_name": p.name(),
		"birth_date": p.born.String(), "sex": p.sex(), "group": group, "benefit_level": level, "province": c.province,
		"clinic": c.clinic, "valid_from": from.String(), "valid_until": until.String(), "status": "active",
	})
}

// childCardEnd is 72 months of age, or the following 30 September.
func childCardEnd(born day) day {
	return max(born.plus(6), date(born.year()+6, 9, 30))
}
