package pdf

import "github.com/dinh-gov/dinh/kernel/i18n"

// Words are what every paper says besides its own content.
type Words struct {
	State, Motto          i18n.Text
	Number, Date          i18n.Text // Date has the placeholders {d}, {m}, {y}
	ValidUntil            i18n.Text
	Signed, SignedBy, At  i18n.Text
	Code, CheckAt, QR     i18n.Text
	Photo, Page, Continue i18n.Text // Page has the placeholders {n}, {all}
}

// VietNam are the words of Vietnamese papers, as the rules for administrative
// documents want them.
func VietNam() Words {
	return Words{
		State:      i18n.Text{VI: "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", EN: "SOCIALIST REPUBLIC OF VIET NAM"},
		Motto:      i18n.Text{VI: "Độc lập - Tự do - Hạnh phúc", EN: "Independence - Freedom - Happiness"},
		Number:     i18n.Text{VI: "Số", EN: "No."},
		Date:       i18n.Text{VI: "ngày {d} tháng {m} năm {y}", EN: "{d}/{m}/{y}"},
		ValidUntil: i18n.Text{VI: "Có giá trị đến", EN: "Valid until"},
		Signed:     i18n.Text{VI: "ĐÃ KÝ SỐ", EN: "Digitally signed"},
		SignedBy:   i18n.Text{VI: "Ký số bởi", EN: "Signed by"},
		At:         i18n.Text{VI: "Thời gian ký", EN: "Signed at"},
		Code:       i18n.Text{VI: "Mã kiểm tra", EN: "Check code"},
		CheckAt:    i18n.Text{VI: "Quét mã QR hoặc nhập mã tại", EN: "Scan the code or type it at"},
		QR:         i18n.Text{VI: "Mã QR dẫn đến trang kiểm tra giấy tờ này", EN: "QR code of the page that checks this paper"},
		Photo:      i18n.Text{VI: "Ảnh chân dung", EN: "Portrait"},
		Page:       i18n.Text{VI: "Trang {n}/{all}", EN: "Page {n} of {all}"},
		Continue:   i18n.Text{VI: "tiếp theo", EN: "continued"},
	}
}
