package people

import "fmt"

// licence is what a driver holds.
type licence struct {
	class      string // the highest
	classes    []any
	first      day
	issued     day
	expires    day // 0 for the classes that do not expire
	points     int
	status     string
	conditions string
}

// lasts gives the years a class is valid for, 0 for life.
func lasts(class string) int {
	switch class {
	case "A1", "A", "B1":
		return 0
	case "B", "C1":
		return 10
	}
	return 5
}

// minimumAge is the age from which a class may be driven.
func minimumAge(class string) int {
	switch class {
	case "C", "BE":
		return 21
	case "D1", "D2", "C1E", "CE":
		return 24
	case "D", "D1E", "D2E", "DE":
		return 27
	}
	return 18
}

// driver decides whether somebody drives, and what.
func (b *builder) driver(i int) {
	p := &b.w.people[i]
	age := p.born.ageOn(b.w.today)
	if age < 18 || age > 75 || !b.d.chance(58) {
		return
	}
	class := "A1"
	switch r := b.d.below(100); {
	case r < 52:
	case r < 56:
		class = "A"
	case r < 88:
		class = "B"
	case r < 92:
		class = "C1"
	case r < 96:
		class = "C"
	case r < 98:
		class = "D2"
	default:
		class = pick(b.d, []string{"D1", "D", "CE"})
	}
	if age < minimumAge(class)+1 {
		class = "A1"
	}
	b.licence(i, b.drawLicence(p, class))
}

func (b *builder) drawLicence(p *person, class string) licence {
	l := licence{class: class, classes: []any{class}, points: 12, status: "valid"}
	if class != "A1" && class != "A" && b.d.chance(70) {
		l.classes = []any{"A1", class}
	}
	from := max(p.born.plus(minimumAge(class)), date(1996, 1, 1))
	l.first = from + day(b.d.below(max(1, int(b.w.today-from))))
	l.issued = l.first
	if years := lasts(class); years > 0 {
		// Renewed as often as needed; some forgot the last time.
		l.expires = l.issued.plus(years)
		for l.expires < b.w.today-20 && !(l.expires > b.w.today-900 && b.d.chance(8)) {
			l.issued = l.expires - day(b.d.between(0, 20))
			l.expires = l.issued.plus(years)
		}
	}
	if b.d.chance(12) {
		l.points = b.d.between(4, 11)
	}
	switch {
	case b.d.below(200) == 0:
		l.status, l.points = "revoked", 0
	case b.d.below(150) == 0:
		l.status = "suspended"
	}
	return l
}

// licence records l for a person, with the examination that drivers near a
// renewal usually have.
func (b *builder) licence(i int, l licence) {
	p := &b.w.people[i]
	province := b.w.places[p.home.place].province
	prefix := fmt.Sprintf("%s%02d", province, l.first.year()%100)
	renewals := 0
	if years := lasts(l.class); years > 0 {
		renewals = (l.issued.year() - l.first.year()) / years
	}
	r := map[string]any{
		"licence_number": fmt.Sprintf("%s%08d", prefix, b.count("GPLX"+prefix, 10_000_001)), "holder": p.number, "holder_name": p.name(),
		"birth_date": p.born.String(), "class": l.class, "classes": l.classes, "first_issued_on": l.first.String(),
		"issued_on": l.issued.String(), "points": l.points, "renewals": renewals, "status": l.status,
	}
	if l.expires != 0 {
		r["expires_on"] = l.expires.String()
	}
	if l.conditions != "" {
		r["conditions"] = l.conditions
	}
	b.record("driving-licences", r)
	if b.set[i] || l.expires == 0 {
		return
	}
	near := l.expires < b.w.today+120
	if near && b.d.chance(70) || !near && b.d.chance(4) {
		result := "fit"
		switch x := b.d.below(100); {
		case x < 3:
			result = "unfit"
		case x < 11:
			result = "fit_with_conditions"
		}
		b.fitness(i, l.class, result, b.w.today-day(b.d.between(1, 300)))
	}
}

// fitness records a driver's examination; it is valid for twelve months.
func (b *builder) fitness(i int, class, result string, on day) {
	p := &b.w.people[i]
	f := b.hospital(p.home, false)
	prefix := fmt.Sprintf("SK-%s-%d-", f.code, on.year())
	r := map[string]any{
		"certificate_no": fmt.Sprintf("%s%06d", prefix, b.count(prefix, 1)), "holder": p.number, "holder_name": p.name(),
		"classes": []any{class}, "result": result, "examined_on": on.String(), "valid_until": on.plus(1).String(),
		"facility": f.code, "facility_name": f.name, "status": "current",
	}
	if result == "fit_with_conditions" {
		r["conditions"] = "Đeo kính khi lái xe"
	}
	b.record("fitness-certificates", r)
}
