package web

func lifeEvents() Tiles {
	return Tiles{Label: "Việc đời", Large: true, Items: []Tile{
		{Title: "Sinh con", Text: "Khai sinh, thẻ bảo hiểm y tế, nơi ở: một lần làm", Href: "#", Icon: "baby"},
		{Title: "Kết hôn và gia đình", Text: "Đăng ký kết hôn, tình trạng hôn nhân", Href: "#", Icon: "rings"},
		{Title: "Nhà đất và nơi ở", Text: "Cư trú, đất đai, xây dựng", Href: "#", Icon: "home"},
		{Title: "Kinh doanh", Text: "Mở hộ kinh doanh, thuế, giấy phép", Href: "#", Icon: "business"},
		{Title: "Học hành", Text: "Tuyển sinh, học bổng, văn bằng", Href: "#", Icon: "school"},
		{Title: "Sức khỏe", Text: "Bảo hiểm y tế, hồ sơ sức khỏe", Href: "#", Icon: "health"},
		{Title: "Xe và đi lại", Text: "Giấy phép lái xe, đăng ký xe", Href: "#", Icon: "road"},
		{Title: "Việc làm và hưu trí", Text: "Trợ cấp, bảo hiểm xã hội, lương hưu", Href: "#", Icon: "work"},
		{Title: "Người thân qua đời", Text: "Khai tử, mai táng phí, thừa kế", Href: "#", Icon: "flower"},
	}}
}

func sampleHome() Page {
	return Page{Title: "Dịch vụ công", Section: "home", Hero: true, Indexed: true, Data: Group{
		Hero{Title: "Bạn cần làm việc gì?", Text: "Làm một lần, ở một nơi, trên điện thoại. Điều Nhà nước đã biết, bạn không phải khai lại.",
			Search: &Search{Action: "/services", Label: "Ví dụ: đổi giấy phép lái xe", Button: "Tìm dịch vụ"}},
		Band{Title: "Theo việc đời", Body: []Component{lifeEvents()}},
		Band{Title: "Minh bạch với bạn", Paper: true, Text: "Mỗi lần có cơ quan xem dữ liệu của bạn, bạn thấy ai, vì sao và lúc nào, kèm biên nhận mà ai cũng kiểm tra được.",
			Body: []Component{Tiles{Large: true, Label: "Minh bạch", Items: []Tile{
				{Title: "Ai đã xem dữ liệu của tôi", Href: "#", Icon: "data"},
				{Title: "Kiểm tra một giấy tờ", Href: "#", Icon: "shield"},
				{Title: "Số liệu mở", Href: "#", Icon: "search"}}}}},
	}}
}

func sampleQuestion() Page {
	return Page{Title: "Bạn làm hồ sơ cho ai?", Section: "applications", BackLink: &BackLink{Href: "/design"}, Data: Form{Action: "#", Body: []Component{
		Radios{Name: "who", Fieldset: Question("Bạn làm hồ sơ cho ai?"), Hint: HintText("Chúng tôi sẽ lấy sẵn thông tin của người đó nếu bạn có quyền."), Items: []Choice{
			{Value: "self", Text: "Cho chính tôi", Checked: On},
			{Value: "an", Text: "Nguyễn Minh An", Hint: HintText("Con của bạn, 3 tuổi")},
			{Value: "other", Text: "Thay mặt người khác", Hint: HintText("Bạn cần có ủy quyền")}}},
		Button{Text: "Tiếp tục", PreventDoubleClick: On},
		Details{SummaryText: "Ai có thể làm thay?", Text: "Cha, mẹ, người giám hộ, hoặc người có ủy quyền đã đăng ký."},
	}}}
}

func sampleMistakes() Page {
	return Page{Title: "Thông tin của bé", Section: "applications", Status: 200, BackLink: &BackLink{Href: "/design"},
		Errors: []FieldError{{Field: "name", Text: "Nhập họ và tên của bé"}, {Field: "born-day", Text: "Ngày sinh phải là hôm nay hoặc trước hôm nay"}},
		Data: Form{Action: "#", Body: []Component{
			Heading{Level: 1, Text: "Thông tin của bé", Caption: "Đăng ký khai sinh"},
			Input{Name: "name", Label: Label{Text: "Họ, chữ đệm và tên"}, ErrorMessage: ErrorText("Nhập họ và tên của bé")},
			DateInput{ID: "born", NamePrefix: "born", Fieldset: &Fieldset{Legend: Legend{Text: "Ngày sinh"}}, Hint: HintText("Ví dụ 22 11 2026"), ErrorMessage: ErrorText("Ngày sinh phải là hôm nay hoặc trước hôm nay"), Values: DateValues("born", "2027-01-03")},
			Button{Text: "Tiếp tục"},
		}}}
}

func sampleCheck() Page {
	return Page{Title: "Kiểm tra trước khi nộp", Section: "applications", BackLink: &BackLink{Href: "/design"}, Data: Group{
		Progress{Steps: []Step{{Text: "Thông tin của bé", State: "done"}, {Text: "Cha và mẹ", State: "done"}, {Text: "Kiểm tra và nộp", State: "current"}}},
		Heading{Level: 1, Text: "Kiểm tra trước khi nộp"},
		SummaryList{Card: &Card{Title: &CardTitle{Text: "Thông tin của bé"}}, Rows: []Row{FactChange("Họ và tên", "Nguyễn Minh An", "#", "Sửa"), FactChange("Ngày sinh", "22/11/2026", "#", "Sửa"), FactChange("Nơi sinh", "Bệnh viện Phụ sản Hà Nội", "#", "Sửa")}},
		SummaryList{Card: &Card{Title: &CardTitle{Text: "Đã có sẵn"}}, Rows: []Row{
			{Key: Term{Text: "Mẹ"}, Value: Term{Body: []Component{Markup("Nguyễn Thị Mai<br>"), Badge{Text: "Cơ sở dữ liệu dân cư", Colour: "green"}}}},
			{Key: Term{Text: "Hôn nhân"}, Value: Term{Body: []Component{Markup("Đã kết hôn, 14/02/2024<br>"), Badge{Text: "Sổ hộ tịch", Colour: "green"}}}}}},
		Form{Action: "#", Body: []Component{
			Checkboxes{Name: "true", Items: []Choice{{Value: "yes", Text: "Tôi cam đoan những điều khai trên là đúng sự thật"}}},
			Button{Text: "Nộp hồ sơ", PreventDoubleClick: On}}},
	}}
}

func sampleReceipt() Receipt {
	return Receipt{Title: "Giấy tiếp nhận hồ sơ và hẹn trả kết quả", CodeFor: "Mã hồ sơ", Code: "KS-2026-004217",
		Rows: []Row{Fact("Dịch vụ", "Đăng ký khai sinh"), Fact("Nơi giải quyết", "UBND phường Ô Chợ Dừa"), Fact("Nộp lúc", "09:14 ngày 22/11/2026"), Fact("Hẹn trả", "23/11/2026")},
		Note: "Giữ mã này để hỏi về hồ sơ qua điện thoại hoặc tại quầy."}
}

func sampleDone() Page {
	return Page{Title: "Đã nộp hồ sơ", Section: "applications", Data: Group{
		Panel{TitleText: "Đã nộp hồ sơ", HTML: "Mã hồ sơ của bạn<br><strong>KS-2026-004217</strong>"},
		Heading{Text: "Việc gì xảy ra tiếp theo"},
		List{Ordered: true, Classes: "govuk-list--spaced", Items: []string{"Cán bộ hộ tịch kiểm tra hồ sơ trong hôm nay.", "Bạn nhận tin nhắn khi có kết quả, chậm nhất ngày 23/11/2026.", "Giấy khai sinh có chữ ký số nằm trong mục Giấy tờ của tôi."}},
		sampleReceipt(),
		Button{Text: "Theo dõi hồ sơ", Href: "/design/application"},
	}}
}

func sampleCards() Documents {
	return Documents{
		{Kind: "Giấy khai sinh", Title: "Nguyễn Minh An", Number: "217/2026", Issuer: "UBND phường Ô Chợ Dừa", IssuedOn: "2026-11-23", Status: ptr(Coloured("green", "Có hiệu lực")), Href: "#", Links: []Action{{Text: "Tải PDF", Href: "#"}, {Text: "Cho người khác xem", Href: "#"}}},
		{Kind: "Giấy phép lái xe hạng B", Title: "Nguyễn Thị Mai", Number: "010190004455", Issuer: "Cục Cảnh sát giao thông", IssuedOn: "2017-01-10", ValidUntil: "2027-01-10", Status: ptr(Coloured("yellow", "Sắp hết hạn")), Href: "#", Links: []Action{{Text: "Đổi giấy phép", Href: "#"}, {Text: "Tải PDF", Href: "#"}}},
	}
}

func sampleDocuments() Page {
	return Page{Title: "Giấy tờ của tôi", Section: "documents", Data: Group{
		Heading{Level: 1, Text: "Giấy tờ của tôi"},
		Paragraph{Text: "Mỗi giấy tờ ở đây có chữ ký số và có giá trị như bản giấy."},
		sampleCards()}}
}

func sampleTimeline() Timeline {
	return Timeline{Label: "Diễn biến hồ sơ", Items: []Moment{
		{Title: "Bạn nộp hồ sơ", At: vn(11, 22, 9, 14), By: "Nguyễn Thị Mai"},
		{Title: "Lấy dữ liệu từ cơ sở dữ liệu dân cư", At: vn(11, 22, 9, 14), Text: "Họ tên, ngày sinh, nơi ở của mẹ. Mục đích: đăng ký khai sinh."},
		{Title: "Đang kiểm tra", At: vn(11, 22, 10, 2), By: "Trần Quốc Bảo, UBND phường Ô Chợ Dừa", State: "now"},
		{Title: "Trả kết quả", When: "Chậm nhất ngày 23/11/2026", State: "next"},
	}}
}

func sampleApplication() Page {
	return Page{Title: "Đăng ký khai sinh", Section: "applications", BackLink: &BackLink{Href: "/design", Text: "Hồ sơ của tôi"}, Data: Group{
		Heading{Level: 1, Text: "Đăng ký khai sinh", Caption: "KS-2026-004217"},
		Progress{Steps: []Step{{Text: "Đã nộp", State: "done", Detail: "22/11"}, {Text: "Kiểm tra", State: "current"}, {Text: "Giải quyết"}, {Text: "Trả kết quả", Detail: "chậm nhất 23/11"}}},
		Heading{Text: "Diễn biến"}, sampleTimeline(),
		Heading{Text: "Trao đổi với cán bộ"}, sampleMessages(),
		Textarea{Name: "m", Label: Label{Text: "Viết tin nhắn"}, Rows: 3}, Button{Text: "Gửi"},
	}}
}

func sampleMessages() MessageList {
	return MessageList{Items: []Message{
		{From: "Trần Quốc Bảo", At: vn(11, 22, 10, 2), Text: "Chào chị, tên đệm của bé trong tờ khai là “Minh”, trong giấy chứng sinh là “Mình”. Chị xác nhận giúp ạ."},
		{From: "Nguyễn Thị Mai", Mine: true, At: vn(11, 22, 10, 15), Text: "Dạ, đúng là “Minh”. Bệnh viện ghi nhầm dấu."},
	}}
}

func sampleStats() StatTiles {
	return StatTiles{
		{Label: "Đang chờ tôi", Value: "12", Detail: "3 hồ sơ mới hôm nay", Href: "#"},
		{Label: "Quá hạn", Value: "1", Detail: "lâu nhất 2 ngày", Tone: "bad", Href: "#"},
		{Label: "Đến hạn hôm nay", Value: "4", Tone: "warn", Href: "#"},
		{Label: "Đúng hạn tháng này", Value: "98,6 %", Detail: "tháng trước 97,1 %", Tone: "good"},
	}
}

func sampleDesk() Page {
	row := func(code, service, who, due string, tag Tag) []Cell {
		return []Cell{{HTML: `<a class="govuk-link dinh-code" href="/design/case">` + content("", code) + `</a>`}, {Text: service}, {Text: who}, {Text: due}, {Body: []Component{tag}}}
	}
	return Page{Title: "Bàn làm việc", Section: "desk", Wide: true, Officer: true, Data: Group{
		Heading{Level: 1, Text: "Bàn làm việc"}, sampleStats(),
		Columns{
			Side: []Component{Filter{Action: "/design/desk", Selected: []FilterGroup{{Heading: "Dịch vụ", Items: []NavLink{{Text: "Khai sinh", Href: "#"}}}}, ClearHref: "#", Body: []Component{
				Input{Name: "q", Label: Label{Text: "Tên hoặc mã hồ sơ"}},
				Checkboxes{Name: "s", Classes: "govuk-checkboxes--small", Fieldset: &Fieldset{Legend: Legend{Text: "Trạng thái"}}, Items: []Choice{{Value: "new", Text: "Mới"}, {Value: "wait", Text: "Chờ bổ sung"}, {Value: "late", Text: "Quá hạn"}}}}}},
			Main: []Component{Scroll{Label: "Hồ sơ chờ giải quyết", Body: []Component{Table{Caption: "12 hồ sơ, cũ nhất trước", CaptionClasses: "govuk-table__caption--m",
				Head: []Cell{{Text: "Mã"}, {Text: "Dịch vụ"}, {Text: "Người nộp"}, {Text: "Hạn trả"}, {Text: "Trạng thái"}},
				Rows: [][]Cell{
					row("KS-2026-004188", "Đăng ký khai sinh", "Lê Hoàng Yến", "20/11/2026", Coloured("red", "Quá hạn 2 ngày")),
					row("KS-2026-004201", "Đăng ký khai sinh", "Phạm Đức Thịnh", "22/11/2026", Coloured("yellow", "Hôm nay")),
					row("KH-2026-000913", "Đăng ký kết hôn", "Vũ Thị Bích Ngọc", "22/11/2026", Coloured("yellow", "Hôm nay")),
					row("KS-2026-004217", "Đăng ký khai sinh", "Nguyễn Thị Mai", "23/11/2026", Coloured("blue", "Mới")),
					row("TT-2026-001002", "Trích lục hộ tịch", "Đỗ Văn Khánh", "25/11/2026", Coloured("purple", "Chờ bổ sung")),
				}}}}, Pagination{Next: &PageLink{Href: "#"}, Items: []PageItem{{Number: "1", Href: "#", Current: true}, {Number: "2", Href: "#"}, {Number: "3", Href: "#"}}}},
		}}}
}

func sampleIdentity() IdentityBar {
	return IdentityBar{Title: "Nguyễn Minh An", Detail: "Đăng ký khai sinh", Reference: "KS-2026-004217", Tags: []Component{Coloured("blue", "Đang kiểm tra")},
		Facts:   []Row{Fact("Người nộp", "Nguyễn Thị Mai"), Fact("Nộp lúc", "09:14, 22/11/2026"), Fact("Hạn trả", "23/11/2026"), Fact("Còn lại", "1 ngày làm việc")},
		Actions: []Component{Button{Text: "Nhận việc", Classes: "govuk-button--secondary"}}}
}

func sampleCase() Page {
	return Page{Title: "KS-2026-004217", Section: "desk", Wide: true, Officer: true, BackLink: &BackLink{Href: "/design/desk", Text: "Bàn làm việc"}, Data: Group{
		Heading{Level: 1, Text: "Hồ sơ KS-2026-004217", Classes: "govuk-visually-hidden"}, sampleIdentity(),
		SubNavigation{Items: []NavLink{{Text: "Hồ sơ", Href: "#", Active: true}, {Text: "Giấy tờ", Href: "#", Count: "3"}, {Text: "Trao đổi", Href: "#", Count: "1"}, {Text: "Lịch sử", Href: "#"}}},
		Columns{SideRight: true,
			Main: []Component{
				Alert{Variant: "warning", Title: "Tên đệm không khớp", Text: "Tờ khai ghi “Minh”, giấy chứng sinh ghi “Mình”."},
				SummaryList{Card: &Card{Title: &CardTitle{Text: "Trẻ được khai sinh"}}, Rows: []Row{Fact("Họ và tên", "Nguyễn Minh An"), Fact("Ngày sinh", "22/11/2026"), Fact("Giới tính", "Nữ")}},
				SummaryList{Card: &Card{Title: &CardTitle{Text: "Mẹ"}}, Rows: []Row{Fact("Họ và tên", "Nguyễn Thị Mai"), {Key: Term{Text: "Nguồn"}, Value: Term{Body: []Component{Badge{Text: "Dân cư, 09:14 hôm nay", Colour: "green"}}}}}}},
			Side: []Component{Heading{Text: "Quyết định"}, Form{Action: "#", Body: []Component{
				Radios{Name: "d", Fieldset: &Fieldset{Legend: Legend{Text: "Bạn quyết định thế nào?"}}, Items: []Choice{{Value: "ok", Text: "Cấp giấy khai sinh"}, {Value: "fix", Text: "Yêu cầu bổ sung"}, {Value: "no", Text: "Từ chối"}}},
				Button{Text: "Tiếp tục"}}}, Heading{Text: "Diễn biến"}, sampleTimeline()}},
	}}
}

func sampleEmpty() Page {
	return Page{Title: "Tin nhắn", Section: "messages", Data: Group{
		Heading{Level: 1, Text: "Tin nhắn"},
		EmptyState{Title: "Chưa có tin nhắn", Text: "Khi có tin về hồ sơ của bạn, chúng tôi sẽ báo ở đây và qua email.", Icon: "message", Action: &Button{Text: "Xem các dịch vụ", Href: "#", Classes: "govuk-button--secondary"}}}}
}
