package web

import "time"

func vn(month time.Month, day, hour, minute int) time.Time {
	return time.Date(2026, month, day, hour-7, minute, 0, 0, time.UTC) // Vietnam's clock is UTC+7
}

func galleryWords() []Component {
	return []Component{
		Heading{Text: "Chữ và trạng thái"},
		Paragraph{Text: "Ắt hẳn người dùng sẽ đọc được những dấu chồng nhau: ẪỄỖỮỲ ặệộựỵ, Nguyễn Hữu Nghĩa, Đặng Thị Ngọc Ánh, phường Ô Chợ Dừa."},
		Group{Tag{Text: "Đang xử lý"}, Coloured("green", "Đã cấp"), Coloured("yellow", "Chờ bổ sung"), Coloured("red", "Từ chối"),
			Coloured("grey", "Bản nháp"), Coloured("blue", "Mới"), Coloured("purple", "Tạm dừng"), Badge{Text: "Toàn trình"}, Badge{Text: "Khẩn", Colour: "red"}},
		InsetText{Text: "Bạn không phải nộp bản sao giấy khai sinh: chúng tôi đã có dữ liệu này từ Bộ Tư pháp.", Classes: "govuk-!-margin-top-6"},
		Details{SummaryText: "Vì sao chúng tôi hỏi nơi ở hiện tại?", Text: "Nơi ở quyết định Ủy ban nhân dân nào sẽ giải quyết hồ sơ của bạn."},
		WarningText{Text: "Khai sai sự thật có thể bị xử phạt theo Nghị định 82/2020/NĐ-CP."},
		PhaseBanner{Tag: Tag{Text: "Thử nghiệm"}, Text: "Dịch vụ này mới mở. Ý kiến của bạn giúp chúng tôi làm tốt hơn."},
	}
}

func galleryForms() []Component {
	return []Component{
		Heading{Text: "Ô nhập"},
		Input{Name: "name", Label: Label{Text: "Họ, chữ đệm và tên"}, Hint: HintText("Viết đúng như trên giấy tờ"), Autocomplete: "name", Classes: "govuk-input--width-20"},
		Input{Name: "fee", Label: Label{Text: "Số tiền"}, Suffix: &Affix{Text: "₫"}, InputMode: "numeric", Classes: "govuk-input--width-10", Value: "135.000"},
		Input{Name: "pin", Label: Label{Text: "Số định danh cá nhân"}, ErrorMessage: ErrorText("Số định danh gồm 12 chữ số. Bạn mới nhập 11."), InputMode: "numeric", Value: "00119000000", Classes: "govuk-input--width-20"},
		DateInput{ID: "born", NamePrefix: "born", Fieldset: &Fieldset{Legend: Legend{Text: "Ngày sinh của bé", Classes: "govuk-fieldset__legend--m"}}, Hint: HintText("Ví dụ 22 11 2026"), Values: DateValues("born", "2026-11-22")},
		Select{Name: "ward", Label: Label{Text: "Phường, xã"}, Value: "ocd", Items: []Option{{Value: "ocd", Text: "Phường Ô Chợ Dừa"}, {Value: "vm", Text: "Phường Văn Miếu"}}},
		CharacterCount{Name: "note", Label: Label{Text: "Bạn muốn nói thêm điều gì?"}, MaxLength: Limit(500), Rows: 4, Value: "Bé sinh ở nhà, có bà đỡ làm chứng."},
		FileUpload{Name: "proof", JavaScript: true, Label: Label{Text: "Giấy chứng sinh"}, Hint: HintText("PDF, JPG hoặc PNG, không quá 10 MB")},
		PasswordInput{Name: "secret", Label: Label{Text: "Mật khẩu"}, Classes: "govuk-input--width-20"},
		Group{Button{Text: "Tiếp tục"}, Markup(" "), Button{Text: "Lưu và để sau", Classes: "govuk-button--secondary"}, Markup(" "), Button{Text: "Rút hồ sơ", Classes: "govuk-button--warning"}, Markup(" "), Button{Text: "Chưa bấm được", Disabled: true}},
		Button{Text: "Bắt đầu", Href: "/design/question", IsStart: true},
	}
}

func galleryChoices() []Component {
	return []Component{
		Heading{Text: "Lựa chọn"},
		Radios{Name: "who", Value: "self", Fieldset: &Fieldset{Legend: Legend{Text: "Bạn làm hồ sơ cho ai?", Classes: "govuk-fieldset__legend--m"}}, Items: []Choice{
			{Value: "self", Text: "Cho chính tôi"},
			{Value: "child", Text: "Cho con tôi", Hint: HintText("Con chưa đủ 18 tuổi")},
			{Divider: "hoặc"},
			{Value: "other", Text: "Thay mặt người khác", Conditional: &Reveal{Body: []Component{Input{Name: "mandate", Label: Label{Text: "Mã ủy quyền"}, Classes: "govuk-input--width-10"}}}},
		}},
		Checkboxes{Name: "get", Values: []string{"app"}, Fieldset: &Fieldset{Legend: Legend{Text: "Bạn muốn nhận kết quả ở đâu?", Classes: "govuk-fieldset__legend--m"}}, Items: []Choice{
			{Value: "app", Text: "Trên Đình", Hint: HintText("Có chữ ký số, dùng như bản giấy")},
			{Value: "post", Text: "Qua bưu điện"},
		}},
		Radios{Name: "sex", Classes: "govuk-radios--inline", Fieldset: &Fieldset{Legend: Legend{Text: "Giới tính của bé"}}, Items: []Choice{{Value: "f", Text: "Nữ"}, {Value: "m", Text: "Nam"}}},
		Checkboxes{Name: "small", Classes: "govuk-checkboxes--small", Fieldset: &Fieldset{Legend: Legend{Text: "Chỉ xem"}}, Items: []Choice{{Value: "late", Text: "Quá hạn"}, {Value: "mine", Text: "Việc của tôi"}}},
	}
}

func galleryMessages() []Component {
	return []Component{
		Heading{Text: "Thông báo"},
		ErrorSummary{TitleText: "Có chỗ cần sửa", DisableAutoFocus: On, ErrorList: []ErrorLink{{Text: "Nhập số định danh gồm 12 chữ số", Href: "#pin"}, {Text: "Ngày sinh phải ở trong quá khứ", Href: "#born"}}},
		NotificationBanner{Text: "Hệ thống thanh toán nghỉ bảo trì từ 22:00 đến 23:00 tối nay."},
		NotificationBanner{Type: "success", DisableAutoFocus: On, Text: "Đã lưu địa chỉ mới của bạn."},
		Alert{Title: "Hồ sơ được giữ trong 30 ngày", Text: "Bạn có thể quay lại làm tiếp trên bất kỳ thiết bị nào."},
		Alert{Variant: "success", Text: "Đã gửi câu trả lời cho công dân."},
		Alert{Variant: "warning", Title: "Còn 2 ngày làm việc", Text: "Hồ sơ này sắp đến hạn trả kết quả."},
		Alert{Variant: "error", Text: "Chưa kết nối được với cơ sở dữ liệu đất đai. Hãy thử lại sau ít phút."},
		Panel{TitleText: "Đã nộp hồ sơ", HTML: "Mã hồ sơ của bạn<br><strong>KS-2026-004217</strong>", HeadingLevel: "2"},
	}
}

func galleryLists() []Component {
	return []Component{
		Heading{Text: "Danh sách và bảng"},
		SummaryList{Card: &Card{Title: &CardTitle{Text: "Thông tin của bé", HeadingLevel: "3"}}, Rows: []Row{
			FactChange("Họ và tên", "Nguyễn Minh An", "#", "Sửa"),
			FactChange("Ngày sinh", "22/11/2026", "#", "Sửa"),
			{Key: Term{Text: "Mẹ"}, Value: Term{Body: []Component{Markup("Nguyễn Thị Mai<br>"), Badge{Text: "Bộ Công an, hôm nay", Colour: "green"}}}},
		}},
		TaskList{Items: []Task{
			{Title: Term{Text: "Thông tin của bé"}, Href: "#", Status: TaskStatus{Text: "Đã xong"}},
			{Title: Term{Text: "Cha và mẹ"}, Href: "#", Hint: HintText("Chúng tôi đã điền sẵn phần lớn"), Status: TaskStatus{Tag: ptr(Coloured("blue", "Đang làm"))}},
			{Title: Term{Text: "Xem lại và nộp"}, Status: TaskStatus{Text: "Chưa làm được"}},
		}},
		Scroll{Label: "Lệ phí theo dịch vụ", Body: []Component{Table{Caption: "Lệ phí", CaptionClasses: "govuk-table__caption--m", FirstCellIsHeader: true,
			Head: []Cell{{Text: "Dịch vụ"}, {Text: "Thời hạn"}, {Text: "Lệ phí", Format: "numeric"}},
			Rows: [][]Cell{
				{{Text: "Đăng ký khai sinh"}, {Text: "1 ngày làm việc"}, {Text: "Miễn phí", Format: "numeric"}},
				{{Text: "Đổi giấy phép lái xe"}, {Text: "5 ngày làm việc"}, {Text: "135.000 ₫", Format: "numeric"}},
				{{Text: "Đăng ký hộ kinh doanh"}, {Text: "3 ngày làm việc"}, {Text: "100.000 ₫", Format: "numeric"}},
			}}}},
		Tabs{IDPrefix: "tab", Title: "Hồ sơ", Items: []Tab{
			{Label: "Câu trả lời", Panel: TabPanel{Text: "Những gì công dân đã khai và nguồn của từng dữ liệu."}},
			{Label: "Giấy tờ", Panel: TabPanel{Text: "Ba tệp, đã kiểm tra mã độc."}},
		}},
		Pagination{Previous: &PageLink{Href: "#"}, Next: &PageLink{Href: "#"}, Items: []PageItem{{Number: "1", Href: "#"}, {Number: "2", Href: "#", Current: true}, {Number: "3", Href: "#"}, {Ellipsis: true}, {Number: "12", Href: "#"}}},
	}
}

func galleryOwn() []Component {
	return []Component{
		Heading{Text: "Việc đời, tiến độ, giấy tờ"},
		lifeEvents(),
		Progress{Steps: []Step{{Text: "Đã nộp", State: "done", Detail: "22/11"}, {Text: "Kiểm tra", State: "done"}, {Text: "Giải quyết", State: "current"}, {Text: "Trả kết quả", Detail: "dự kiến 25/11"}}},
		sampleTimeline(),
		sampleCards(),
		sampleReceipt(),
		EmptyState{Title: "Chưa có tin nhắn", Text: "Khi có tin về hồ sơ của bạn, chúng tôi sẽ báo ở đây và qua email.", Icon: "message"},
	}
}

func galleryDesk() []Component {
	return []Component{
		Heading{Text: "Cho cán bộ"},
		sampleStats(),
		sampleIdentity(),
		SubNavigation{Items: []NavLink{{Text: "Hồ sơ", Href: "#", Active: true}, {Text: "Giấy tờ", Href: "#", Count: "3"}, {Text: "Trao đổi", Href: "#", Count: "1"}, {Text: "Lịch sử", Href: "#"}}},
		Columns{Side: []Component{SideNavigation{Sections: []NavSection{{Heading: "Việc của tôi", Items: []NavLink{{Text: "Cần làm", Href: "#", Active: true, Count: "12"}, {Text: "Đã chuyển", Href: "#"}}}}}},
			Main: []Component{sampleMessages()}},
	}
}

func ptr[T any](v T) *T { return &v }
