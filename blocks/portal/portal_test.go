package portal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/blocks/portal"
)

func TestHomeForEverybody(t *testing.T) {
	h := open(t, newWorld(t))
	h.get("", "/").want(200, "Bạn cần làm gì hôm nay?", `action="/search"`, "/life-events/child", "Ba điều chúng tôi giữ lời", `href="/verify"`, "/sign-in?next=%2F").
		lacks("Đang chờ bạn", "Hồ sơ của tôi", "/desk")
	h.get("", "/ en").want(200, "What do you need to do today?", "Having a child", "Three promises we keep")
	h.get("", "/").want(200, "Theo việc trong đời") // the other language's copy was not kept in its place
	h.get("lan", "/").want(200, `href="/desk"`, "Đến bàn làm việc", "/desk/search").lacks("Đang chờ bạn", `href="/applications"`)
}

func TestHomeForThePerson(t *testing.T) {
	h := open(t, newWorld(t))
	h.get("mai", "/").want(200, "Chào Nguyễn Thị Mai", "Nộp 115.000", "/pay/bill-open", "/applications/app-correct", "3 tin nhắn chưa đọc", "/apply/app-draft", "Đã xong 3/6 phần",
		"Đang được giải quyết", "Giấy khai sinh", "/my-documents/doc-1", "7K2M-Q4TX-9DWA", "Theo việc trong đời").lacks("/desk")
	h.get("mai", "/ en").want(200, "Waiting for you", "115,000", "3 unread messages", "3 of 6 parts done", "Birth certificate")
	h.get("binh", "/").want(200, "Chào Trần Văn Bình").lacks("Đang chờ bạn", "app-pay", "Kết quả mới", "/my-documents/doc-1")
	if a := h.get("mai", "/"); a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a personal page may be kept: %q", a.header.Get("Cache-Control"))
	}
}

func TestUnreadMessagesAlone(t *testing.T) {
	w := newWorld(t)
	w.cases, w.drafts, w.unread = nil, nil, 1
	h := open(t, w)
	h.get("mai", "/ en").want(200, "1 unread message<", `href="/messages"`).lacks("See all applications")
}

func TestSearch(t *testing.T) {
	h := open(t, newWorld(t))
	h.get("", "/search?q=khai+sinh").want(200, "/services/birth", "/life-events/child", "Miễn phí").lacks("/services/licence", "Hồ sơ của bạn")
	h.get("", "/search?q=giay+PHEP+lai+xe").want(200, "/services/licence", "/life-events/driving")
	h.get("", "/search?q=nguoi+than").want(200, "/life-events/farewell").lacks("/services/birth")
	h.get("", "/search?q=driving en").want(200, "/services/licence", "/life-events/driving")
	h.get("", "/search?q=%3Cscript%3Ezz").want(200, "Chưa tìm thấy “&lt;script&gt;zz”", `href="/services"`, "/life-events/child").lacks("<script>zz")
	h.get("", "/search").want(200, "/life-events/child").lacks("Chưa tìm thấy")
	h.get("", "/search?q="+strings.Repeat("%C4%90", 4000)).want(200, strings.Repeat("Đ", 100)).lacks(strings.Repeat("Đ", 101))
	h.get("", "/search?q=%ff%fe").want(200)
	h.get("mai", "/search?q=261123-0007").want(200, "Hồ sơ của bạn", "/applications/app-pay").lacks("/applications/app-correct")
	h.get("binh", "/search?q=261123-0007").want(200, "Chưa tìm thấy").lacks("/applications/app-pay")
}

func TestLifeEvents(t *testing.T) {
	h := open(t, newWorld(t))
	h.get("", "/life-events/child").want(200, "Có con nhỏ", "/services/birth", "Miễn phí · ")
	h.get("", "/life-events/driving en").want(200, "Driving and transport", "/services/licence", "5 working days").lacks("/services/retired")
	h.get("", "/life-events/farewell").want(200, "Chưa có dịch vụ trực tuyến")
	h.get("", "/life-events/nothing").want(404, "Không có trang này")
}

func TestApplications(t *testing.T) {
	h := open(t, newWorld(t))
	a := h.get("mai", "/applications").want(200, "Hồ sơ của tôi", "Chờ nộp phí", "Chờ bạn bổ sung", "/apply/app-draft", "Bản nháp", "Đã kết thúc", "Từ chối", "Đã rút",
		"Đã có kết quả", "G01.02-261123-0007", "hẹn trả chậm nhất 27/11/2026")
	for _, f := range h.cases {
		if n := strings.Count(a.body, `href="/applications/`+f.Application+`"`); n != 1 {
			t.Errorf("%s is listed %d times", f.Application, n)
		}
	}
	h.get("mai", "/applications en").want(200, "My applications", "Payment due", "To correct", "was due on 22 November 2026", "due by 27 November 2026")
	h.get("binh", "/applications").want(200, "Bạn chưa có hồ sơ nào", `href="/services"`).lacks("app-pay")
	h.get("", "/applications").leads("/sign-in?next=%2Fapplications")
	h.get("lan", "/applications").want(403)
}

func TestApplicationSaysWhatIsNext(t *testing.T) {
	h := open(t, newWorld(t))
	for id, c := range map[string]struct{ vi, en []string }{
		"app-pay": {[]string{"Việc tiếp theo của bạn: nộp 115.000", `action="/pay/bill-open"`, "6 · Yêu cầu thực hiện nghĩa vụ tài chính", "Tạm dừng tính thời hạn trong lúc chờ bạn", "đang chờ bạn"},
			[]string{"Your next step: pay", "The clock is stopped while it waits for you", "Payment requested"}},
		"app-correct": {[]string{"bổ sung hồ sơ", `action="/apply/app-correct"`, "Tên đệm của bé chưa khớp", "5 · Yêu cầu bổ sung giấy tờ"},
			[]string{"Your next step: correct", "Correct it now"}},
		"app-wait": {[]string{"Bạn không phải làm gì. Kết quả có chậm nhất ngày 27/11/2026", "4 · Đang xử lý", "đã nộp", "Chậm nhất ngày 27/11/2026"},
			[]string{"You get the result by 27 November 2026", "paid"}},
		"app-late":    {[]string{"Hồ sơ đã quá hẹn trả ngày 22/11/2026", "Ủy ban nhân dân xã, phường"}, []string{"The result was due on 22 November 2026"}},
		"app-working": {[]string{"Đang xử lý", "Tải lại trang", `href="/applications/app-working"`}, []string{"Reload this page"}},
		"app-stuck":   {[]string{"Hồ sơ đang được kiểm tra"}, []string{"being checked"}},
		"app-done": {[]string{"Hồ sơ đã có kết quả", "/my-documents/doc-1", "/my-documents/doc-2/file.pdf", "Đã cấp: Giấy khai sinh", "10 · Đã trả kết quả"},
			[]string{"Your result is ready", "Health card", "Issued: Birth certificate"}},
		"app-refused": {[]string{"Không đủ điều kiện sức khỏe để lái xe", "Điều 59", "Thị lực mắt trái", "khiếu nại trong 90 ngày", "Trưởng phòng Cảnh sát giao thông", "Luật Khiếu nại 2011", "đã được hoàn về thẻ"},
			[]string{"Not fit to drive", "appeal within 90 days", "went back to the card"}},
		"app-withdrawn": {[]string{"Bạn đã rút hồ sơ này", "7 · Công dân yêu cầu rút hồ sơ"}, []string{"You withdrew this application"}},
		"app-stopped":   {[]string{"Hồ sơ tạm dừng", "8 · Dừng xử lý"}, []string{"on hold"}},
	} {
		h.get("mai", "/applications/"+id).want(200, c.vi...).lacks("Thoáng qua")
		h.get("mai", "/applications/"+id+" en").want(200, c.en...)
		h.get("binh", "/applications/"+id).want(404)
		h.get("", "/applications/"+id).leads("/sign-in?next=%2Fapplications%2F" + id)
	}
}

func TestNothingIsOfferedThatCannotBeDone(t *testing.T) {
	h := open(t, newWorld(t))
	for _, id := range []string{"app-working", "app-stuck", "app-done", "app-refused", "app-withdrawn"} {
		h.get("mai", "/applications/"+id).want(200).lacks("/withdraw")
		h.get("mai", "/applications/"+id+"/withdraw").leads("/applications/" + id)
	}
	for _, id := range []string{"app-wait", "app-done", "app-refused"} {
		h.get("mai", "/applications/"+id).lacks("/pay/", "/apply/")
	}
	h.get("mai", "/applications/app-wait").lacks("Vì sao hồ sơ bị từ chối")
}

func TestPaidButNotYetMoved(t *testing.T) {
	w := newWorld(t)
	b := w.bills["bill-open"]
	b.State = "paid"
	w.bills["bill-open"] = b
	h := open(t, w)
	h.get("mai", "/applications/app-pay").want(200, "Tải lại trang").lacks("/pay/")
	h.get("mai", "/").want(200).lacks("/pay/bill-open")
}

func TestDraftAndNothing(t *testing.T) {
	h := open(t, newWorld(t))
	h.get("mai", "/applications/app-draft").leads("/apply/app-draft")
	h.get("binh", "/applications/app-draft").want(404)
	h.get("mai", "/applications/nothing").want(404, "Không tìm thấy hồ sơ này")
}

func TestWithdraw(t *testing.T) {
	h := open(t, newWorld(t))
	h.get("mai", "/applications/app-wait").want(200, "/applications/app-wait/withdraw")
	h.get("mai", "/applications/app-wait/withdraw").want(200, "Bạn chắc chắn muốn rút hồ sơ?", "115.000", "được hoàn về thẻ", "Không, quay lại hồ sơ")
	h.get("mai", "/applications/app-correct/withdraw en").want(200, "Do you really want to withdraw?").lacks("goes back to your card")
	h.get("binh", "/applications/app-wait/withdraw").want(404)
	h.do("binh", "POST", "/applications/app-wait/withdraw").want(404)
	h.do("", "POST", "/applications/app-wait/withdraw").want(303)
	if len(h.withdrawn) != 0 {
		t.Fatalf("somebody else withdrew %v", h.withdrawn)
	}
	for range 2 {
		h.do("mai", "POST", "/applications/app-wait/withdraw").leads("/applications/app-wait")
	}
	if len(h.withdrawn) != 1 {
		t.Errorf("withdrawn %d times", len(h.withdrawn))
	}
	h.get("mai", "/applications/app-wait").want(200, "Bạn đã rút hồ sơ này")
	h.do("mai", "POST", "/applications/app-done/withdraw").want(409, "Không thể rút hồ sơ")
}

func TestWords(t *testing.T) {
	h := open(t, newWorld(t))
	for path, says := range map[string][2]string{
		"/help": {"Câu hỏi thường gặp", "Common questions"}, "/about": {"Vì sao gọi là Đình?", "Why Đình?"}, "/accessibility": {"WCAG 2.2 mức AA", "WCAG 2.2, level AA"},
	} {
		for _, who := range []string{"", "mai", "lan"} {
			h.get(who, path).want(200, says[0])
			h.get(who, path+" en").want(200, says[1])
		}
	}
	h.get("", "/data").leads("/my-data")
	h.get("mai", "/documents").leads("/my-documents")
}

func TestFailuresAreNotHidden(t *testing.T) {
	w := newWorld(t)
	w.broken = errors.New("the database is away")
	h := open(t, w)
	h.get("", "/").want(200) // needs nobody
	for _, path := range []string{"/", "/applications", "/applications/app-pay", "/search?q=a", "/life-events/child", "/help"} {
		h.get("mai", path).want(500).lacks("database")
	}
}

func TestNoPagesNoRoutes(t *testing.T) {
	if r := portal.New(portal.Deps{}).Routes(); r != nil {
		t.Errorf("%d routes without pages", len(r))
	}
}

// BenchmarkHome is the front door of somebody with ten applications.
func BenchmarkHome(b *testing.B) {
	h := open(b, newWorld(b))
	for b.Loop() {
		h.get("mai", "/").want(200)
	}
}
