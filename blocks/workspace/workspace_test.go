package workspace_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// TestDoors tries every page as everybody.
func TestDoors(t *testing.T) {
	h := open(t)
	birth, licence := h.birth("app-birth"), h.licence()
	pages := []string{"/desk", "/desk/search", "/desk/search?q=nguyen", "/desk/figures", "/desk/queues/civil-status", "/desk/queues/civil-status?only=mine", "/desk/queues/empty",
		"/desk/cases/" + birth, "/desk/cases/" + birth + "?view=files", "/desk/cases/" + birth + "?view=history",
		"/desk/cases/" + birth + "/do/approve", "/desk/cases/" + birth + "/do/return", "/desk/cases/" + birth + "/do/refuse"}
	forms := []string{"/desk/queues/civil-status/next", "/desk/cases/" + birth + "/do/approve", "/desk/cases/" + birth + "/claim", "/desk/cases/" + birth + "/unclaim", "/desk/cases/" + birth + "/resume"}
	for _, p := range pages {
		if a := h.get("", p); a.status != 303 || !strings.HasPrefix(a.to, "/sign-in?next=") {
			t.Errorf("nobody at %s: %d %s", p, a.status, a.to)
		}
		if a := h.get("citizen", p); a.status != 403 {
			t.Errorf("a citizen at %s: %d", p, a.status)
		}
		for _, lang := range []string{"vi", "en"} {
			join := "?"
			if strings.Contains(p, "?") {
				join = "&"
			}
			a := h.get("lan", p+join+"lang="+lang)
			for a.status == 303 { // the language switch remembers and asks again
				a = h.get("lan", a.to)
			}
			if a.status != 200 {
				t.Errorf("the registrar at %s in %s: %d", p, lang, a.status)
			}
		}
		if strings.Contains(p, birth) {
			h.get("hai", p).want(t, 404)
			h.get("mai", p).want(t, 403, "không được xử lý hồ sơ của chính mình")
		}
	}
	for _, p := range forms {
		if a := h.post("", p, nil); a.status != 303 || !strings.HasPrefix(a.to, "/sign-in") {
			t.Errorf("nobody posts %s: %d %s", p, a.status, a.to)
		}
		h.post("citizen", p, nil).want(t, 403)
		if strings.Contains(p, birth) {
			h.post("hai", p, url.Values{"_version": {"2"}}).want(t, 404)
			if a := h.post("mai", p, url.Values{"_version": {"2"}}); a.status != 403 {
				t.Errorf("her own case %s: %d", p, a.status)
			}
		}
	}
	for _, who := range []string{"lan", "mai"} {
		h.get(who, "/desk/cases/"+licence+"/files/photo.portrait").want(t, 404)
	}
	h.get("lan", "/desk/cases/none").want(t, 404)
}

func TestDesk(t *testing.T) {
	h := open(t)
	h.get("lan", "/desk").want(t, 200, "Chào Lê Thị Lan", "Không có hồ sơ nào đang mở", "Bạn chưa nhận hồ sơ nào")
	first := h.birth("app-1")
	h.clock.Advance(time.Minute)
	h.birth("app-2")
	h.get("lan", "/desk").want(t, 200, "Đăng ký khai sinh", "Lấy hồ sơ tiếp theo")
	a := h.post("lan", "/desk/queues/civil-status/next", nil)
	if a.to != "/desk/cases/"+first+"?news=taken" {
		t.Fatalf("next leads to %s", a.to)
	}
	h.get("lan", a.to).want(t, 200, "Bạn đã nhận hồ sơ gấp nhất", "Nguyễn Thị Mai", "Còn 4 ngày làm việc", "Trả về hàng chờ")
	h.get("lan", "/desk").want(t, 200, first)
	h.get("minh", "/desk/queues/civil-status").want(t, 200, "Đồng nghiệp", "Chưa ai nhận")
	if a := h.get("minh", "/desk/queues/civil-status?only=unclaimed"); strings.Contains(a.body, first) {
		t.Error("a claimed case is among the unclaimed")
	}
	if a := h.post("minh", "/desk/queues/civil-status/next", nil); !strings.HasPrefix(a.to, "/desk/cases/"+h.id("app-2")) {
		t.Errorf("next leads to %s", a.to)
	}
	a = h.post("minh", "/desk/queues/civil-status/next", nil)
	h.get("minh", a.to).want(t, 200, "không còn hồ sơ nào chờ nhận")
}

func TestDueInWords(t *testing.T) {
	h := open(t)
	id := h.birth("app-1") // four working days: 30 November
	for day, want := range map[string]string{
		"2026-11-24": "Còn 4 ngày làm việc", "2026-11-27": "Còn 1 ngày làm việc", "2026-11-30": "Đến hạn hôm nay", "2026-12-01": "Quá hạn 1 ngày làm việc", "2026-12-03": "Quá hạn 3 ngày làm việc", "2026-12-06": "Quá hạn 4 ngày làm việc",
	} {
		at, err := time.ParseInLocation("2006-01-02", day, i18n.Zone())
		if err != nil {
			t.Fatal(err)
		}
		h.clock.Set(at.Add(10 * time.Hour))
		h.get("lan", "/desk/cases/"+id).want(t, 200, want)
		h.get("lan", "/desk/queues/civil-status").want(t, 200, want)
	}
}

func TestCasePage(t *testing.T) {
	h := open(t)
	id := h.birth("app-1")
	h.get("lan", "/desk/cases/"+id).want(t, 200,
		"Chưa có giấy chứng sinh điện tử", "Luật Hộ tịch 2014, Điều 16 khoản 1", "Không thuộc trường hợp này", // the decision
		"Trần Quốc Bảo", "Thông tin dân cư của mẹ", // a fact and its source
		"Trần Mai Anh", "Người nộp khai", "Người nộp đã sửa so với", // answers and theirs
		"/do/approve", "/do/return", "/do/refuse", "Nhận hồ sơ này")
	h.get("lan", "/desk/cases/"+id+"?view=history").want(t, 200, "Đã nhận hồ sơ nộp trực tuyến", "chỉ nội bộ thấy", "Hệ thống")
	h.get("lan", "/desk/cases/"+id+"?view=files").want(t, 200, "không kèm tệp nào", "Chưa cấp giấy tờ nào")
	a := h.get("lan", "/desk/cases/"+id)
	if strings.Contains(a.body, "/do/withdraw") {
		t.Error("an officer is offered the applicant's withdrawal")
	}
	if strings.Contains(a.body, "Giấy chứng sinh, kết hôn và cư trú đều khớp") {
		t.Error("the row for everybody else is told of a case that it does not fit")
	}
}

func TestFiles(t *testing.T) {
	h := open(t)
	id := h.licence()
	at := "/desk/cases/" + id
	h.get("hai", at+"?view=files").want(t, 200, `src="`+at+`/files/photo.portrait"`, "khám.html", "Xem trước")
	h.get("hai", at).want(t, 200, "115.000", "Đã nộp")
	photo := h.get("hai", at+"/files/photo.portrait").want(t, 200)
	for name, want := range map[string]string{
		"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store", "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
	} {
		if got := photo.header.Get(name); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if d := photo.header.Get("Content-Disposition"); !strings.HasPrefix(d, "inline") || strings.ContainsAny(d, "\"\\") {
		t.Errorf("disposition %s", d)
	}
	// What claims to be a page is a file to save, whatever its name.
	page := h.get("hai", at+"/files/fitness.certificate").want(t, 200)
	if k, d := page.header.Get("Content-Type"), page.header.Get("Content-Disposition"); k != "application/octet-stream" || !strings.HasPrefix(d, "attachment") {
		t.Errorf("%s %s", k, d)
	}
	if a := h.do("hai", "HEAD", at+"/files/photo.portrait", nil); a.status != 200 || a.body != "" {
		t.Errorf("HEAD: %d", a.status)
	}
	for _, field := range []string{"contact.phone", "none", "..%2F..%2Fother"} {
		h.get("hai", at+"/files/"+field).want(t, 404)
	}
}

var versionInput = regexp.MustCompile(`name="_version" value="(\d+)"`)

// form opens an action's page and gives what its hidden inputs hold.
func (h *house) form(who, id, action string) url.Values {
	h.t.Helper()
	a := h.get(who, "/desk/cases/"+id+"/do/"+action).want(h.t, 200)
	m := versionInput.FindStringSubmatch(a.body)
	if m == nil {
		h.t.Fatal("the form holds no version")
	}
	return url.Values{"_version": {m[1]}}
}

func TestApprove(t *testing.T) {
	h := open(t)
	id := h.birth("app-1")
	f := h.form("lan", id, "approve")
	f.Set("note", strings.Repeat("dài ", 200))
	h.post("lan", "/desk/cases/"+id+"/do/approve", f).want(t, 422, "Có chỗ cần sửa", `href="#note"`, "dài dài dài", "500")
	f.Set("note", "Đã xem giấy tờ thay thế")
	a := h.post("lan", "/desk/cases/"+id+"/do/approve", f)
	if a.status != 303 || !strings.HasPrefix(a.to, "/desk/cases/"+id+"?news=approve") {
		t.Fatalf("%d %s", a.status, a.to)
	}
	h.get("lan", a.to).want(t, 200, "Bạn đã đồng ý", "Hệ thống đang xử lý", "Tải lại trang", "Về hàng chờ để làm hồ sơ tiếp theo", "Đã xem giấy tờ thay thế", "Cán bộ đã ghi")
	h.drain()
	h.get("lan", "/desk/cases/"+id+"?view=files").want(t, 200, "7K2M-Q4TX-9DWA", "/verify/7K2M-Q4TX-9DWA", "Hồ sơ đã kết thúc")
}

func TestReturn(t *testing.T) {
	h := open(t)
	id := h.birth("app-1")
	at := "/desk/cases/" + id + "/do/return"
	f := h.form("lan", id, "return")
	h.post("lan", at, f).want(t, 422, `href="#_message"`, `href="#_fields"`, "Chọn ít nhất một mục")
	f["_fields"] = []string{"child.full_name"}
	again := h.post("lan", at, f).want(t, 422)
	if box := regexp.MustCompile(`<input[^>]*value="child.full_name"[^>]*>`).FindString(again.body); !strings.Contains(box, "checked") {
		t.Errorf("what was marked is forgotten: %s", box)
	}
	f.Set("_message", "Họ của bé viết sai dấu.")
	h.post("lan", "/desk/cases/"+id+"/claim", nil)
	h.post("lan", at, f).want(t, 409, "Họ của bé viết sai dấu.") // claiming has changed the case
	fresh := h.form("lan", id, "return")
	f.Set("_version", fresh.Get("_version"))
	a := h.post("lan", at, f)
	h.drain()
	h.get("lan", a.to).want(t, 200, "Yêu cầu bổ sung đã được gửi", "Họ của bé viết sai dấu.", "Tạm dừng tính hạn", "Chờ bổ sung", "Hồ sơ đang chờ người nộp")
	h.get("lan", "/desk/figures").want(t, 200, "Chờ người nộp hoặc hệ thống đang xử lý")
	h.get("lan", "/desk").want(t, 200, "Tạm dừng tính hạn")
}

func TestRefuse(t *testing.T) {
	h := open(t)
	id := h.birth("app-1")
	at := "/desk/cases/" + id + "/do/refuse"
	f := h.form("lan", id, "refuse")
	f.Set("_message", "Lời giải thích <b>của tôi</b>")
	h.post("lan", at, f).want(t, 422, `href="#_reason"`, "Chọn một lý do từ chối", "Lời giải thích &lt;b&gt;của tôi&lt;/b&gt;", "Luật Hộ tịch 2014, Điều 13")
	f.Set("_reason", "not_competent")
	a := h.post("lan", at, f)
	if a.status != 303 {
		t.Fatal(a.status)
	}
	h.drain()
	h.get("lan", a.to).want(t, 200, "Bạn đã từ chối", "Đã kết thúc")
	h.get("lan", at).want(t, 403, "không được thực hiện thao tác này")
}

func TestColleagueWasFaster(t *testing.T) {
	h := open(t)
	id := h.birth("app-1")
	at := "/desk/cases/" + id
	f := h.form("lan", id, "refuse")
	f.Set("_reason", "not_competent")
	f.Set("_message", "Viết mất công")
	if a := h.post("minh", at+"/claim", nil); a.to != at+"?news=claimed" {
		t.Fatalf("%d %s", a.status, a.to)
	}
	h.post("lan", at+"/do/refuse", f).want(t, 409, "Hồ sơ vừa có thay đổi", "Viết mất công", "Mở lại hồ sơ", `href="`+at+`"`)
	h.post("lan", at+"/claim", nil).want(t, 409, "Đồng nghiệp vừa thao tác trước bạn", "đã có cán bộ khác nhận xử lý")
	h.get("lan", at+"/do/refuse").want(t, 409, "đã có cán bộ khác nhận xử lý")
	h.get("lan", at).want(t, 200, "Đỗ Quang Minh đang xử lý hồ sơ này")
	if a := h.post("minh", at+"/unclaim", nil); a.to != at+"?news=unclaimed" {
		t.Errorf("%d %s", a.status, a.to)
	}
	h.post("lan", at+"/do/refuse", url.Values{"_version": {"abc"}}).want(t, 400)
}

func TestStuck(t *testing.T) {
	h := open(t)
	h.outside.refuse = errs.New(errs.Forbidden, "exchange.no_grant")
	id := h.submit("birth", "married mother, one notice", "app-1", nil)
	at := "/desk/cases/" + id
	h.get("lan", at).want(t, 200, "Bị dừng vì lỗi", "exchange.no_grant", "Cho chạy tiếp")
	h.outside.refuse = nil
	if a := h.post("lan", at+"/resume", nil); a.to != at+"?news=resumed" {
		t.Fatalf("%d %s", a.status, a.to)
	}
	h.drain()
	h.get("lan", at).want(t, 200, "Đã kết thúc")
	h.post("lan", at+"/resume", nil).want(t, 409, "Hồ sơ này không bị dừng")
}

func TestSearch(t *testing.T) {
	h := open(t)
	id := h.birth("app-1")
	h.get("lan", "/desk/search").want(t, 200, `method="post"`)
	if a := h.get("lan", "/desk/search?q=nguyen+thi"); strings.Contains(a.body, id) {
		t.Error("an address searched for a person")
	}
	h.post("lan", "/desk/search", url.Values{"q": {"nguyen thi"}}).want(t, 200, "Tìm thấy 1 hồ sơ", id)
	h.post("lan", "/desk/search", url.Values{"q": {"<script>"}}).want(t, 200, "Không tìm thấy hồ sơ nào", "&lt;script&gt;")
	if a := h.post("hai", "/desk/search", url.Values{"q": {"nguyen thi"}}); strings.Contains(a.body, id) {
		t.Error("another member finds the case")
	}
}

func TestLongQueue(t *testing.T) {
	h := open(t)
	for i := range cases.PageSize + 1 {
		h.birth(fmt.Sprint("app-", i))
		h.clock.Advance(time.Second)
	}
	h.get("lan", "/desk/queues/civil-status?only=unclaimed").want(t, 200, "page=2", "only=unclaimed")
	a := h.get("lan", "/desk/queues/civil-status?page=2").want(t, 200, h.id("app-50"))
	if strings.Contains(a.body, h.id("app-0")) || strings.Contains(a.body, "page=3") {
		t.Error("the second page is not the second")
	}
}

func TestFigures(t *testing.T) {
	h := open(t)
	h.get("lan", "/desk/figures").want(t, 200, "Không có hồ sơ nào đang mở")
	h.birth("app-1")
	h.clock.Set(time.Date(2026, 12, 1, 10, 0, 0, 0, i18n.Zone()))
	h.birth("app-2")
	h.get("lan", "/desk/figures").want(t, 200, "Tổng cộng", "Quá hạn", "Trong hạn")
}

func TestOneDay(t *testing.T) {
	h := open(t)
	if h.catalog.T(i18n.EN, "workspace.due.left_one", "days", 1) != "1 working day left" {
		t.Error("one day is one day")
	}
}
