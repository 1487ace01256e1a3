package people

import (
	"fmt"
	"strings"
)

// employers are made up.
func employers() []weighted {
	return []weighted{
		{"Công ty TNHH May Thí Dụ", 6}, {"Công ty cổ phần Phần mềm Minh Họa", 5}, {"Trường Trung học cơ sở Thí Dụ", 4},
		{"Bệnh viện Đa khoa Thí Dụ", 3}, {"Công ty TNHH Vận tải Ví Dụ", 5}, {"Công ty cổ phần Thực phẩm Ví Dụ", 4},
	}
}

func occupations() []string {
	return []string{"Nhân viên văn phòng", "Công nhân kỹ thuật", "Kế toán", "Kỹ sư", "Giáo viên", "Nhân viên kinh doanh"}
}

// work is where somebody is employed.
type work struct {
	employer, occupation string
	salary               int // dong a month
	months               int // paid in all
}

// insured records who pays social insurance, and from what.
func (b *builder) insured(i int, w work) {
	p := &b.w.people[i]
	no := fmt.Sprintf("%s%08d", b.w.places[p.home.place].province, b.count("BHXH"+b.w.places[p.home.place].province, 50_000_001))
	status, paid := "paying", date(b.w.today.year(), int(b.w.today.time().Month()), 1)-1
	if b.d.chance(4) && !b.set[i] {
		status, paid = "paused", paid-day(b.d.between(60, 900))
	}
	b.record("social-insurance", map[string]any{
		"book_number": no, "insured": p.number, "insured_name": p.name(), "employer": w.employer, "occupation": w.occupation,
		"salary": w.salary, "since": (paid - day(min(w.months, 240)*30)).String(), "months": w.months, "paid_until": paid.String(), "status": status,
	})
}

// land records a home's parcel: the head holds it, and who is married to them.
func (b *builder) land(h *household, urban bool, area int, mortgaged bool) {
	head, c := &b.w.people[h.head], b.w.places[h.place]
	use := "rural"
	if urban {
		use = "urban"
	}
	r := map[string]any{
		"certificate_no": fmt.Sprintf("AA %08d", b.count("AA", 10_000_001)), "holder": head.number, "holder_name": head.name(),
		"parcel": fmt.Sprintf("Tờ %d, thửa %d", b.d.between(1, 90), b.d.between(1, 600)), "area": area, "use": use,
		"place": h.street + ", " + c.name + ", " + provinceName(c.province), "issued_on": h.since.String(), "mortgaged": mortgaged,
	}
	if head.spouse != nobody {
		r["co_holder"] = b.w.people[head.spouse].number
	}
	b.record("land-rights", r)
}

// papers gives everybody else work and homes. It comes after all other chances,
// so that it changes none of them.
func (b *builder) papers() {
	jobs := employers()
	job := newUrn(len(jobs), func(i int) int { return jobs[i].weight })
	seen := map[*household]bool{}
	for i := range b.w.people {
		p := &b.w.people[i]
		if b.lent[i] {
			seen[p.home] = true
			continue
		}
		age := p.born.ageOn(b.w.today)
		if age >= 20 && age < 62 && b.d.chance(62) {
			b.insured(i, work{jobs[job.draw(b.d)].value, pick(b.d, occupations()), b.d.between(50, 320) * 100_000, b.d.between(3, (age-18)*12)})
		}
		if h := p.home; !seen[h] && !h.temporary {
			seen[h] = true
			if b.d.chance(60) {
				b.land(h, strings.HasPrefix(b.w.places[h.place].name, "Phường"), b.d.between(40, 400), b.d.chance(15))
			}
		}
	}
}

// castBorrowers are people whom a bank asks for papers.
func (b *builder) castBorrowers() {
	h := b.castHome("00166", "Số 18, đường Trung Kính")
	minh := b.castPerson(who{number: "001088100501", family: "Nguyễn", middle: "Hải", given: "Minh", born: date(1988, 9, 15)}, h, "head")
	nga := b.castPerson(who{number: "001190100502", family: "Lý", middle: "Thanh", given: "Nga", female: true, born: date(1990, 1, 22)}, h, "spouse")
	b.marry(minh, nga, date(2016, 11, 12))
	b.insured(minh, work{"Công ty cổ phần Phần mềm Minh Họa", "Kỹ sư", 24_500_000, 134})
	b.land(h, true, 64, false)
	b.sample("minh", minh, "Người vay vốn, đủ cả năm giấy tờ trên hệ thống", "Borrower with all five papers on record")

	h = b.castHome("20242", "Số 9, đường Bạch Đằng")
	h.temporary = true
	quynh := b.castPerson(who{number: "048195100503", family: "Đinh", middle: "Diễm", given: "Quỳnh", female: true, born: date(1995, 4, 30)}, h, "head")
	b.insured(quynh, work{"Trường Trung học cơ sở Thí Dụ", "Giáo viên", 9_800_000, 61})
	b.sample("quynh", quynh, "Người vay vốn độc thân, chưa có đất: hai giấy tờ không có bản ghi", "Single borrower without land: two of the papers find no record")
	for _, i := range []int{minh, nga, quynh} {
		b.lent[i] = true
	}
}
