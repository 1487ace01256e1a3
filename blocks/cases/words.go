package cases

import (
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// eventWords are the titles of moments that no definition words.
var eventWords = map[string]i18n.Text{
	"cases.event.opened":    {VI: "Đã nhận hồ sơ nộp trực tuyến", EN: "Application received online"},
	"cases.event.decided":   {VI: "Đã xét theo bảng quyết định", EN: "Checked against the decision table"},
	"cases.event.corrected": {VI: "Người nộp đã bổ sung, chỉnh sửa", EN: "The applicant sent corrections"},
	"cases.event.withdrawn": {VI: "Người nộp đã rút hồ sơ", EN: "The applicant withdrew the application"},
	"cases.event.claimed":   {VI: "Đã nhận xử lý", EN: "Claimed"},
	"cases.event.approve":   {VI: "Đã chấp thuận", EN: "Approved"},
	"cases.event.refuse":    {VI: "Đã từ chối", EN: "Refused"},
	"cases.event.return":    {VI: "Đã yêu cầu bổ sung", EN: "Asked for corrections"},
	"cases.event.released":  {VI: "Đã trả về hàng chờ vì cán bộ xử lý không còn làm việc", EN: "Put back into the queue: its officer has left"},
	"cases.event.unclaimed": {VI: "Đã trả về hàng chờ", EN: "Put back into the queue"},
	"cases.event.paid":      {VI: "Đã thanh toán", EN: "Payment received"},
	"cases.event.resumed":   {VI: "Cho chạy tiếp", EN: "Set going again"},
	"cases.event.stuck":     {VI: "Tạm dừng, cần người vận hành kiểm tra ({code})", EN: "Stopped, an operator has to look at it ({code})"},
}

func words(key, code string) i18n.Text {
	t := eventWords[key]
	return i18n.Text{VI: strings.ReplaceAll(t.VI, "{code}", code), EN: strings.ReplaceAll(t.EN, "{code}", code)}
}
