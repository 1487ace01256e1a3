package people

import "strings"

// families are surnames by how common they are, in thousandths.
func families() []weighted {
	return []weighted{
		{"Nguyễn", 384}, {"Trần", 121}, {"Lê", 95}, {"Phạm", 70}, {"Hoàng", 28}, {"Huỳnh", 23}, {"Phan", 45},
		{"Vũ", 22}, {"Võ", 17}, {"Đặng", 21}, {"Bùi", 20}, {"Đỗ", 14}, {"Hồ", 13}, {"Ngô", 13}, {"Dương", 10}, {"Lý", 5},
		{"Đinh", 9}, {"Đoàn", 8}, {"Trương", 12}, {"Mai", 6}, {"Lâm", 6}, {"Trịnh", 7}, {"Đào", 7}, {"Cao", 6},
		{"Hà", 6}, {"Lương", 5}, {"Tạ", 4}, {"Châu", 3}, {"Tô", 3}, {"Kiều", 2}, {"Quách", 2}, {"Thái", 3},
	}
}

func middleNames(female bool) []string {
	if female {
		return []string{"Thị", "Thị", "Thị", "Thị", "Ngọc", "Thu", "Thanh", "Minh", "Phương", "Bảo", "Khánh", "Thùy", "Hoài", "Mỹ", "Kim", "Như"}
	}
	return []string{"Văn", "Văn", "Văn", "Hữu", "Đức", "Minh", "Quốc", "Anh", "Gia", "Thành", "Xuân", "Công", "Đình", "Ngọc", "Quang", "Hoàng", "Bảo", "Tuấn"}
}

func givenNames(female bool) []string {
	if female {
		return []string{
			"Anh", "Chi", "Dung", "Giang", "Hà", "Hạnh", "Hiền", "Hoa", "Hồng", "Huệ", "Hương", "Lan", "Liên", "Linh", "Loan", "Ly",
			"Mai", "My", "Nga", "Ngân", "Ngọc", "Nguyệt", "Nhung", "Oanh", "Phượng", "Quyên", "Quỳnh", "Tâm", "Thảo", "Thắm", "Thoa",
			"Thu", "Thủy", "Thư", "Trang", "Trinh", "Tú", "Tuyết", "Uyên", "Vân", "Vy", "Xuân", "Yến", "Nhi", "Diệp", "Hân", "Trâm",
		}
	}
	return []string{
		"An", "Bình", "Bảo", "Chiến", "Cường", "Dũng", "Duy", "Đạt", "Đông", "Giang", "Hải", "Hiếu", "Hòa", "Hoàng", "Hùng", "Huy",
		"Hưng", "Khang", "Khánh", "Khoa", "Khôi", "Kiên", "Lâm", "Long", "Lộc", "Mạnh", "Nam", "Nghĩa", "Nhân", "Phong", "Phúc",
		"Phước", "Quân", "Quang", "Quyết", "Sơn", "Tài", "Tâm", "Thái", "Thắng", "Thành", "Thiện", "Thịnh", "Tiến", "Toàn", "Trí",
		"Trung", "Tuấn", "Tùng", "Vinh", "Việt",
	}
}

// ethnicities other than Kinh, by how many people belong to them.
func ethnicities() []weighted {
	return []weighted{
		{"tay", 19}, {"thai", 19}, {"muong", 15}, {"hmong", 14}, {"khmer", 13}, {"nung", 11}, {"hoa", 8}, {"dao", 9}, {"gia-rai", 5}, {"e-de", 4}, {"cham", 2},
	}
}

// mailbox is a made-up address in a reserved domain.
func mailbox(given, family string, n int) string {
	return latin(given) + "." + latin(family) + itoa(n) + "@vidu.example"
}

// latin is enough of folding for the names of this package.
func latin(s string) string {
	const from = "àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ"
	const to = "aaaaaaaaaaaaaaaaaeeeeeeeeeeeiiiiiooooooooooooooooouuuuuuuuuuuyyyyyd"
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		i := 0
		for _, f := range from {
			if f == r {
				r = rune(to[i])
				break
			}
			i++
		}
		b.WriteRune(r)
	}
	return b.String()
}
