package people

import (
	"fmt"
	"slices"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// who is a person told by hand.
type who struct {
	number, family, middle, given string
	female                        bool
	born                          day
}

// cast puts the samples and the officers on the stage, before anybody else, so
// that the seed does not change them.
func (b *builder) cast() {
	b.castMothers()
	b.castDrivers()
	b.castOfficers()
	b.castBorrowers()
}

func (b *builder) castHome(place, street string) *household {
	i := slices.IndexFunc(b.w.places, func(c commune) bool { return c.code == place })
	h := &household{place: i, street: street, head: len(b.w.people), since: date(2020, 5, 4)}
	h.code = fmt.Sprintf("HK-%s-%06d", place, b.count("HK"+place, 1))
	return h
}

func (b *builder) castPerson(x who, h *household, relation string) int {
	p := person{
		number: x.number, family: x.family, middle: x.middle, given: x.given, female: x.female, born: x.born,
		ethnicity: "kinh", mother: nobody, father: nobody, spouse: nobody, marital: "single",
		phone: fmt.Sprintf("0900%06d", b.phones), email: latin(x.given) + "." + latin(x.family) + "@vidu.example",
	}
	b.phones++
	i := b.add(p, h, relation)
	b.set[i] = true
	return i
}

func (b *builder) sample(id string, i int, vi, en string) {
	p := &b.w.people[i]
	b.w.samples = append(b.w.samples, Sample{ID: id, Number: p.number, Name: p.name(), Label: i18n.Text{VI: vi, EN: en}})
}

// newborn leaves a notice that is so many days old and not used yet.
func (b *builder) newborn(mother int, female bool, daysAgo int) {
	p := person{female: female, born: b.w.today - day(daysAgo), mother: mother}
	b.notice(&p, b.hospital(b.w.people[mother].home, true), "")
}

func (b *builder) castMothers() {
	h := b.castHome("00166", "Số 12, đường Xuân Thủy")
	bao := b.castPerson(who{number: "001093100201", family: "Trần", middle: "Quốc", given: "Bảo", born: date(1993, 8, 2)}, h, "head")
	mai := b.castPerson(who{number: "001195100101", family: "Nguyễn", middle: "Thị", given: "Mai", female: true, born: date(1995, 3, 12)}, h, "spouse")
	b.marry(bao, mai, date(2020, 6, 18))
	b.birth(person{number: "001222100102", middle: "Minh", given: "Khôi", born: date(2022, 9, 9), spouse: nobody, marital: "single"}, mai, bao, true)
	b.newborn(mai, true, 14)
	b.sample("mai", mai, "Mẹ mới sinh con, đủ dữ liệu: khai sinh được duyệt tự động; đã có một con 4 tuổi", "New mother with everything on record: approved at once; also has an older child")

	h = b.castHome("20242", "Số 45, đường Lê Duẩn")
	lan := b.castPerson(who{number: "048197100103", family: "Lê", middle: "Thị", given: "Lan", female: true, born: date(1997, 11, 25)}, h, "head")
	b.newborn(lan, false, 20)
	b.sample("lan", lan, "Mẹ chưa đăng ký kết hôn: hồ sơ chuyển công chức hộ tịch", "Mother without a marriage record: a registrar decides")

	h = b.castHome("31135", "Số 7, đường Nguyễn Trãi")
	tam := b.castPerson(who{number: "092088100202", family: "Phạm", middle: "Minh", given: "Tâm", born: date(1988, 1, 30)}, h, "head")
	hoa := b.castPerson(who{number: "092190100104", family: "Võ", middle: "Thị", given: "Hoa", female: true, born: date(1990, 7, 7)}, h, "spouse")
	b.marry(tam, hoa, date(2019, 2, 14))
	b.newborn(hoa, true, 75)
	b.sample("hoa", hoa, "Mẹ đăng ký khai sinh muộn (75 ngày): công chức xác minh", "Mother who registers late (75 days): a registrar checks")

	h = b.castHome("27442", "Số 210, đường Lê Lợi")
	h.temporary = true
	dung := b.castPerson(who{number: "079092100203", family: "Đỗ", middle: "Anh", given: "Dũng", born: date(1992, 4, 1)}, h, "head")
	thu := b.castPerson(who{number: "079194100105", family: "Vũ", middle: "Minh", given: "Thư", female: true, born: date(1994, 10, 20)}, h, "spouse")
	b.marry(dung, thu, date(2023, 10, 2))
	b.newborn(thu, false, 9)
	b.sample("thu", thu, "Mẹ chỉ có đăng ký tạm trú: công chức xem xét nơi cư trú của bé", "Mother with temporary residence only: a registrar looks at the residence")
}

func (b *builder) castDrivers() {
	today := b.w.today
	drive := func(x who, place, street, class string, expires day) int {
		i := b.castPerson(x, b.castHome(place, street), "head")
		issued := expires.plus(-lasts(class))
		b.licence(i, licence{class: class, classes: []any{"A1", class}, first: issued, issued: issued, expires: expires, points: 12, status: "valid"})
		return i
	}
	hung := drive(who{number: "079085100301", family: "Trần", middle: "Văn", given: "Hùng", born: date(1985, 5, 20)}, "27073", "Số 8, đường Phan Đình Phùng", "B", today+21)
	b.fitness(hung, "B", "fit", today-25)
	b.sample("hung", hung, "Lái xe hạng B sắp hết hạn, đã khám sức khỏe", "Class B driver whose licence is about to expire, with a fitness certificate")

	tuan := drive(who{number: "001079100302", family: "Hoàng", middle: "Anh", given: "Tuấn", born: date(1979, 12, 3)}, "00331", "Số 31, đường Trần Hưng Đạo", "C", today+10)
	b.sample("tuan", tuan, "Lái xe hạng C sắp hết hạn, chưa có giấy khám trên hệ thống", "Class C driver whose licence is about to expire, without a fitness certificate on record")

	yen := drive(who{number: "048188100303", family: "Phan", middle: "Hải", given: "Yến", female: true, born: date(1988, 2, 17)}, "20263", "Số 66, đường Ngô Quyền", "B", today+40)
	b.fitness(yen, "B", "fit_with_conditions", today-8)
	b.sample("yen", yen, "Lái xe hạng B, đủ sức khỏe nhưng phải đeo kính", "Class B driver, fit with glasses")

	son := drive(who{number: "080075100304", family: "Đỗ", middle: "Hồng", given: "Sơn", born: date(1975, 6, 6)}, "27694", "Số 5, đường Hùng Vương", "B", today-45)
	b.sample("son", son, "Giấy phép quá hạn 45 ngày: phải sát hạch lại lý thuyết", "Licence expired 45 days ago: the theory test is needed")
}

func (b *builder) castOfficers() {
	h := b.castHome("00004", "Số 1, đường Hùng Vương")
	for _, o := range []struct {
		id, number, family, middle, given string
		female                            bool
		born                              day
		member, role, vi, en              string
	}{
		{"registrar-1", "001186100401", "Nguyễn", "Thu", "Trang", true, date(1986, 3, 3), "GOV/MOJ", "registrar", "Công chức hộ tịch", "Registrar"},
		{"registrar-2", "001080100402", "Phạm", "Đức", "Long", false, date(1980, 8, 18), "GOV/MOJ", "registrar", "Công chức hộ tịch thứ hai", "Second registrar"},
		{"licence-1", "079083100403", "Lê", "Quang", "Vinh", false, date(1983, 1, 11), "GOV/MPS", "licence-officer", "Cán bộ cấp giấy phép lái xe", "Licence officer"},
		{"licence-2", "079189100404", "Bùi", "Thanh", "Hà", true, date(1989, 9, 29), "GOV/MPS", "licence-officer", "Cán bộ cấp giấy phép lái xe thứ hai", "Second licence officer"},
		{"register-mps", "001077100405", "Đặng", "Minh", "Quân", false, date(1977, 4, 14), "GOV/MPS", "register-officer", "Cán bộ quản lý dữ liệu Bộ Công an", "Register officer, Public Security"},
		{"register-moj", "001182100406", "Trịnh", "Phương", "Thảo", true, date(1982, 6, 2), "GOV/MOJ", "register-officer", "Cán bộ quản lý dữ liệu Bộ Tư pháp", "Register officer, Justice"},
		{"register-moh", "001179100407", "Hồ", "Kim", "Ngân", true, date(1979, 10, 10), "GOV/MOH", "register-officer", "Cán bộ quản lý dữ liệu Bộ Y tế", "Register officer, Health"},
		{"register-vss", "001090100408", "Tô", "Gia", "Huy", false, date(1990, 12, 24), "GOV/VSS", "register-officer", "Cán bộ quản lý dữ liệu Bảo hiểm xã hội", "Register officer, Social Security"},
		{"register-mae", "001181100410", "Chu", "Hoài", "An", true, date(1981, 7, 19), "GOV/MAE", "register-officer", "Cán bộ quản lý dữ liệu đất đai", "Register officer, Land"},
		{"loans-1", "001192100411", "Mạc", "Ngọc", "Diệp", true, date(1992, 2, 8), "COM/MINHHOA", "evidence-officer", "Nhân viên tín dụng, Ngân hàng Minh Họa", "Loan officer, Minh Hoa Bank"},
		{"loans-2", "001089100412", "Cao", "Xuân", "Bách", false, date(1989, 11, 3), "COM/VIDU", "evidence-officer", "Nhân viên tín dụng, Ngân hàng Ví Dụ", "Loan officer, Vi Du Bank"},
		{"protection", "001184100409", "Lương", "Bảo", "Châu", true, date(1984, 5, 5), "GOV/MOJ", "data-protection-officer", "Cán bộ bảo vệ dữ liệu cá nhân", "Data protection officer"},
		{"grants-mps", "001078100410", "Ngô", "Hải", "Nam", false, date(1978, 7, 7), "GOV/MPS", "grants-officer", "Cán bộ cấp quyền khai thác, Bộ Công an", "Grants officer, Public Security"},
		{"grants-moj", "001187100411", "Vũ", "Minh", "Hằng", true, date(1987, 11, 15), "GOV/MOJ", "grants-officer", "Cán bộ xin quyền khai thác, Bộ Tư pháp", "Grants officer, Justice"},
	} {
		relation := "other"
		if len(b.w.people) == h.head {
			relation = "head"
		}
		i := b.castPerson(who{number: o.number, family: o.family, middle: o.middle, given: o.given, female: o.female, born: o.born}, h, relation)
		p := &b.w.people[i]
		b.w.officers = append(b.w.officers, Officer{
			ID: o.id, Name: p.name(), Number: p.number, Member: o.member, Roles: []string{o.role}, Email: p.email, Label: i18n.Text{VI: o.vi, EN: o.en},
		})
	}
}
