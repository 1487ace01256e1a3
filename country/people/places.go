package people

// commune is a place of the second tier; there is no district since July 2025.
type commune struct {
	code, name, province string
	clinic               string // its health station in the code list clinics
	weight               int    // how many families live here, relatively
}

type facility struct{ code, name, province string }

// provinceName gives the provinces in which the sample communes lie.
func provinceName(code string) string {
	switch code {
	case "01":
		return "Thành phố Hà Nội"
	case "04":
		return "Tỉnh Cao Bằng"
	case "08":
		return "Tỉnh Tuyên Quang"
	case "46":
		return "Thành phố Huế"
	case "48":
		return "Thành phố Đà Nẵng"
	case "51":
		return "Tỉnh Quảng Ngãi"
	case "75":
		return "Tỉnh Đồng Nai"
	case "79":
		return "Thành phố Hồ Chí Minh"
	case "80":
		return "Tỉnh Tây Ninh"
	case "82":
		return "Tỉnh Đồng Tháp"
	case "91":
		return "Tỉnh An Giang"
	case "92":
		return "Thành phố Cần Thơ"
	case "96":
		return "Tỉnh Cà Mau"
	}
	return ""
}

// communes are a sample of codes.yaml.
func communes() []commune { return append(northern(), southern()...) }

func northern() []commune {
	return []commune{
		{"00004", "Phường Ba Đình", "01", "01201", 5},
		{"00008", "Phường Ngọc Hà", "01", "01202", 5},
		{"00025", "Phường Giảng Võ", "01", "01203", 5},
		{"00070", "Phường Hoàn Kiếm", "01", "01204", 5},
		{"00103", "Phường Tây Hồ", "01", "01205", 5},
		{"00145", "Phường Long Biên", "01", "01206", 5},
		{"00166", "Phường Cầu Giấy", "01", "01207", 5},
		{"00235", "Phường Đống Đa", "01", "01208", 5},
		{"00256", "Phường Hai Bà Trưng", "01", "01209", 5},
		{"00331", "Phường Hoàng Mai", "01", "01210", 5},
		{"00367", "Phường Thanh Xuân", "01", "01211", 5},
		{"09556", "Phường Hà Đông", "01", "01212", 5},
		{"09574", "Phường Sơn Tây", "01", "01213", 5},
		{"00376", "Xã Sóc Sơn", "01", "01214", 5},
		{"00454", "Xã Đông Anh", "01", "01215", 5},
		{"00565", "Xã Gia Lâm", "01", "01216", 5},
		{"09832", "Xã Hoài Đức", "01", "01217", 5},
		{"09955", "Xã Thạch Thất", "01", "01218", 5},
		{"01273", "Phường Thục Phán", "04", "04201", 2},
		{"01477", "Xã Trùng Khánh", "04", "04202", 2},
		{"01654", "Xã Hòa An", "04", "04203", 2},
		{"02215", "Phường Minh Xuân", "08", "08201", 2},
		{"00694", "Phường Hà Giang 1", "08", "08202", 2},
		{"00721", "Xã Đồng Văn", "08", "08203", 2},
		{"19753", "Phường Phú Xuân", "46", "46201", 2},
		{"19777", "Phường Vỹ Dạ", "46", "46202", 2},
		{"19789", "Phường Thuận Hóa", "46", "46203", 2},
		{"19960", "Phường Phú Bài", "46", "46204", 2},
		{"20107", "Xã Phú Lộc", "46", "46205", 2},
		{"20197", "Phường Liên Chiểu", "48", "48201", 3},
		{"20209", "Phường Thanh Khê", "48", "48202", 3},
		{"20242", "Phường Hải Châu", "48", "48203", 3},
		{"20263", "Phường Sơn Trà", "48", "48204", 3},
		{"20285", "Phường Ngũ Hành Sơn", "48", "48205", 3},
		{"20410", "Phường Hội An", "48", "48206", 3},
		{"20341", "Phường Tam Kỳ", "48", "48207", 3},
		{"20320", "Xã Hòa Vang", "48", "48208", 3},
		{"21025", "Phường Cẩm Thành", "51", "51201", 2},
		{"23293", "Phường Kon Tum", "51", "51202", 2},
		{"21040", "Xã Bình Sơn", "51", "51203", 2},
	}
}

func southern() []commune {
	return []commune{
		{"26368", "Xã Long Thành", "75", "75201", 4},
		{"26248", "Xã Trảng Bom", "75", "75202", 4},
		{"26740", "Phường Sài Gòn", "79", "79201", 7},
		{"26743", "Phường Bến Thành", "79", "79202", 7},
		{"26737", "Phường Tân Định", "79", "79203", 7},
		{"26824", "Phường Thủ Đức", "79", "79204", 7},
		{"26884", "Phường Gò Vấp", "79", "79205", 7},
		{"26929", "Phường Bình Thạnh", "79", "79206", 7},
		{"27004", "Phường Tân Bình", "79", "79207", 7},
		{"27031", "Phường Tân Phú", "79", "79208", 7},
		{"27073", "Phường Phú Nhuận", "79", "79209", 7},
		{"27154", "Phường Bàn Cờ", "79", "79210", 7},
		{"27343", "Phường Chợ Lớn", "79", "79211", 7},
		{"27442", "Phường Bình Tân", "79", "79212", 7},
		{"25747", "Phường Thủ Dầu Một", "79", "79213", 7},
		{"25942", "Phường Dĩ An", "79", "79214", 7},
		{"26506", "Phường Vũng Tàu", "79", "79215", 7},
		{"27553", "Xã Củ Chi", "79", "79216", 7},
		{"27559", "Xã Hóc Môn", "79", "79217", 7},
		{"27655", "Xã Nhà Bè", "79", "79218", 7},
		{"25459", "Phường Tân Ninh", "80", "80201", 2},
		{"27694", "Phường Long An", "80", "80202", 2},
		{"27991", "Xã Bến Lức", "80", "80203", 2},
		{"28261", "Phường Mỹ Tho", "82", "82201", 2},
		{"29869", "Phường Cao Lãnh", "82", "82202", 2},
		{"29905", "Phường Sa Đéc", "82", "82203", 2},
		{"28360", "Xã Cái Bè", "82", "82204", 2},
		{"31078", "Đặc khu Phú Quốc", "91", "91201", 2},
		{"31018", "Xã An Minh", "91", "91202", 2},
		{"31135", "Phường Ninh Kiều", "92", "92201", 2},
		{"31168", "Phường Bình Thủy", "92", "92202", 2},
		{"31186", "Phường Cái Răng", "92", "92203", 2},
		{"31507", "Phường Sóc Trăng", "92", "92204", 2},
		{"31321", "Phường Vị Thanh", "92", "92205", 2},
		{"31299", "Xã Phong Điền", "92", "92206", 2},
		{"31825", "Phường Bạc Liêu", "96", "96201", 2},
		{"32002", "Phường An Xuyên", "96", "96202", 2},
		{"32191", "Xã Năm Căn", "96", "96203", 2},
	}
}

// facilities are the hospitals of codes.yaml; the first of a province delivers
// its babies, the last examines its drivers.
func facilities() []facility {
	return []facility{
		{"01101", "Bệnh viện Phụ sản Hà Nội", "01"},
		{"01102", "Bệnh viện Phụ sản Trung ương", "01"},
		{"01103", "Bệnh viện Bạch Mai", "01"},
		{"01104", "Bệnh viện Thanh Nhàn", "01"},
		{"01105", "Bệnh viện Đa khoa Hà Đông", "01"},
		{"04101", "Bệnh viện Đa khoa tỉnh Cao Bằng", "04"},
		{"08101", "Bệnh viện Đa khoa tỉnh Tuyên Quang", "08"},
		{"46101", "Bệnh viện Trung ương Huế", "46"},
		{"48101", "Bệnh viện Phụ sản - Nhi Đà Nẵng", "48"},
		{"48102", "Bệnh viện Đà Nẵng", "48"},
		{"51101", "Bệnh viện Sản - Nhi tỉnh Quảng Ngãi", "51"},
		{"75101", "Bệnh viện Đa khoa Đồng Nai", "75"},
		{"79101", "Bệnh viện Từ Dũ", "79"},
		{"79102", "Bệnh viện Hùng Vương", "79"},
		{"79103", "Bệnh viện Nhân dân Gia Định", "79"},
		{"79104", "Bệnh viện Lê Văn Thịnh", "79"},
		{"80101", "Bệnh viện Đa khoa Tây Ninh", "80"},
		{"82101", "Bệnh viện Phụ sản Tiền Giang", "82"},
		{"91101", "Trung tâm Y tế đặc khu Phú Quốc", "91"},
		{"92101", "Bệnh viện Phụ sản thành phố Cần Thơ", "92"},
		{"96101", "Bệnh viện Sản - Nhi tỉnh Cà Mau", "96"},
	}
}

// streets are names that nearly every town has.
func streets() []string {
	return []string{
		"Lê Lợi", "Trần Hưng Đạo", "Nguyễn Trãi", "Hai Bà Trưng", "Quang Trung", "Lý Thường Kiệt", "Nguyễn Huệ",
		"Phan Chu Trinh", "Ngô Quyền", "Lê Duẩn", "Phan Đình Phùng", "Hùng Vương", "Điện Biên Phủ", "Bà Triệu",
		"Nguyễn Du", "Hoàng Diệu", "Trần Phú", "Lê Hồng Phong", "Võ Thị Sáu", "Nguyễn Văn Cừ",
	}
}
