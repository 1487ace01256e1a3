package transparency_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/transparency"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
)

func TestListTellsWhoWhatAndWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get(t, "/my-data", mother).want(t, 200, "Chưa có ai dùng dữ liệu này")
	read, refused := w.read(t, mother), w.snoop(t, mother)
	page := w.get(t, "/my-data", mother)
	page.want(t, 200, "Bộ Tư pháp · Hộ tịch đã đọc", "ngày sinh", "từ Cơ sở dữ liệu dân cư để đăng ký khai sinh", "Hôm nay, 24/11/2026",
		"Khai sinh cho bé", "VN/COM/bank/loans đã hỏi Cơ sở dữ liệu dân cư nhưng bị từ chối", "Bị từ chối", "/my-data/"+read, "/my-data/"+refused)
	page.lacks(t, mother)
	if strings.Index(page.body, refused) > strings.Index(page.body, read) {
		t.Error("the newest comes first")
	}
	w.get(t, "/my-data?lang=en", mother).want(t, 303)
	w.get(t, "/my-data?who=VN/GOV/MOJ", mother).lacks(t, "/my-data/"+refused)
	w.get(t, "/my-data?purpose=credit&when=7", mother).lacks(t, "/my-data/"+read)
	w.clock.Advance(10 * 24 * time.Hour)
	w.get(t, "/my-data?when=7", mother).want(t, 200, "Không có lượt nào phù hợp", "/my-data")
	w.get(t, "/my-data?when=30", mother).want(t, 200, "/my-data/"+read)
	if w.families.asked.Load() != 0 {
		t.Error("to read one's own list nobody looks up one's children")
	}
}

func TestEventAndItsReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	read, refused := w.read(t, mother), w.snoop(t, mother)
	w.get(t, "/my-data/"+read, mother).want(t, 200, "Đang niêm phong, thử lại sau vài giây", "Luật Hộ tịch 2014, Điều 13", "KS-261124-0001", "officer-9", "Họ và tên")
	w.get(t, "/my-data/"+read+"/receipt", mother).want(t, 503)
	w.seal(t)
	page := w.get(t, "/my-data/"+read, mother)
	page.want(t, 200, "Đã niêm phong và kiểm tra đúng", "/my-data/"+read+"/receipt", "https://dinh.test/ledger/verifier-key")
	page.lacks(t, mother)
	w.get(t, "/my-data/"+refused, mother).want(t, 200, "Lượt này đã bị từ chối", "không có quyền xem", "Đã niêm phong")
	for _, path := range []string{"/my-data/" + read + "/receipt", "/api/transparency/events/" + read + "/receipt"} {
		file := w.get(t, path, mother)
		file.want(t, 200)
		if got := file.header.Get("Content-Disposition"); got != `attachment; filename="bien-nhan-`+read+`.dinh-receipt"` {
			t.Errorf("Content-Disposition %q", got)
		}
		if e, err := transparency.VerifyReceipt([]byte(file.body), w.vkey); err != nil || e.ID != read {
			t.Errorf("the downloaded receipt: %v, %v", e.ID, err)
		}
	}
}

func TestNobodyElseSees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := w.read(t, mother)
	w.seal(t)
	for _, path := range []string{"/my-data/" + event, "/my-data/" + event + "/receipt", "/api/transparency/events/" + event + "/receipt", "/my-data/none", "/my-data/" + event + "?child=0123456789abcdef0123"} {
		w.get(t, path, stranger).want(t, 404)
	}
	w.get(t, "/my-data", stranger).lacks(t, event)
	w.get(t, "/api/transparency/events", "").want(t, 401)
	w.get(t, "/api/transparency/events", "officer").want(t, 403)
	w.get(t, "/my-data", "").want(t, 303)
	for _, err := range []error{
		second(w.List(t.Context(), "", transparency.Query{})), second(w.Entry(t.Context(), "", event)), second(w.Receipt(t.Context(), "", event)),
		second(w.Consents(t.Context())), second(w.Readers(t.Context())), w.Withdraw(t.Context(), "x"),
	} {
		wantCode(t, err, "transparency.not_a_person")
	}
}

func second[T any](_ T, err error) error { return err }

func TestParentsReadTheirChildrensListsAndItIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event, own := w.read(t, child), w.read(t, mother)
	w.seal(t)
	page := w.get(t, "/my-data/children", mother)
	page.want(t, 200, "Nguyễn Bé An")
	page.lacks(t, child, "Nguyễn Văn Lớn", "Nguyễn Không Ngày") // who is 18 today is nobody's child here
	ref := regexp.MustCompile(`\?child=([0-9a-f]+)`).FindStringSubmatch(page.body)[1]
	list := w.get(t, "/my-data?child="+ref, mother)
	list.want(t, 200, "Ai đã dùng dữ liệu của Nguyễn Bé An", "Lượt xem này được ghi lại", event)
	list.lacks(t, own)
	w.get(t, "/my-data/"+event+"?child="+ref, mother).want(t, 200, "/my-data/"+event+"/receipt?child="+ref)
	w.get(t, "/my-data/"+event+"/receipt?child="+ref, mother).want(t, 200)
	w.get(t, "/my-data/"+event, mother).want(t, 404)
	w.get(t, "/my-data/"+own+"?child="+ref, mother).want(t, 404)
	w.get(t, "/my-data?child="+ref, stranger).want(t, 404) // the reference is good for this parent only
	if n := w.families.asked.Load(); n != 2 {
		t.Errorf("the registers were asked %d times for children, want once a parent", n)
	}
	readings, err := w.Readers(as(child))
	ok(t, err)
	if len(readings) != 3 || readings[0].Event != event || readings[2].Event != "" || readings[0].Kind != transparency.ReaderParent {
		t.Errorf("readings %+v", readings)
	}
	w.get(t, "/my-data/readers", child).want(t, 200, "Cha hoặc mẹ đã xem", "/my-data/"+event)
	w.get(t, "/my-data/readers", mother).want(t, 200, "Chưa có ai khác xem")
	w.clock.Advance(24 * time.Hour)
	w.get(t, "/my-data?child="+ref, mother).want(t, 404)
}

func (w *world) inspect(t *testing.T, who, body string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.server.URL+"/api/transparency/inspections", strings.NewReader(body))
	ok(t, err)
	req.Header.Set("Content-Type", "application/json")
	return w.ask(t, req, who)
}

func TestInspectionsLeaveATrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := w.read(t, mother)
	ask := fmt.Sprintf(`{"number":%q,"reason":"Khiếu nại số 12/2026 của công dân"}`, mother)
	w.inspect(t, "officer", ask).want(t, 403)
	w.inspect(t, mother, ask).want(t, 403)
	w.inspect(t, "inspector", fmt.Sprintf(`{"number":%q,"reason":"vì"}`, mother)).want(t, 422, "transparency.reason_missing")
	w.inspect(t, "inspector", `{"number":"","reason":"Khiếu nại số 12/2026"}`).want(t, 422, "transparency.number_missing")
	if r, err := w.Readers(as(mother)); err != nil || len(r) != 0 {
		t.Fatal("what was refused is no reading", r, err)
	}
	w.inspect(t, "inspector", ask).want(t, 200, event, "Bộ Tư pháp")
	page := w.get(t, "/my-data/readers", mother)
	page.want(t, 200, "Cán bộ bảo vệ dữ liệu đã xem", "Bộ Công an", "Khiếu nại số 12/2026 của công dân")
	page.lacks(t, "inspector-1")
}

func TestPagesOfALongList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var made []string
	for range 7 {
		made = append(made, w.read(t, mother))
	}
	w.snoop(t, mother)
	w.read(t, stranger)
	var seen []string
	next := ""
	for {
		var l struct {
			Events []struct {
				ID  string `json:"id"`
				Who struct{ ID string }
			} `json:"events"`
			Next  string `json:"next"`
			Total int64  `json:"total"`
		}
		r := w.get(t, "/api/transparency/events?who=VN/GOV/MOJ&limit=3&before="+next, mother)
		r.want(t, 200)
		ok(t, json.Unmarshal([]byte(r.body), &l))
		if l.Total != 8 {
			t.Errorf("total %d", l.Total)
		}
		for _, e := range l.Events {
			seen = append(seen, e.ID)
		}
		if next = l.Next; next == "" {
			break
		}
	}
	if len(seen) != len(made) {
		t.Fatalf("%d of %d events", len(seen), len(made))
	}
	for i, id := range seen {
		if id != made[len(made)-1-i] {
			t.Errorf("place %d is not in order", i)
		}
	}
	for path, status := range map[string]int{"?limit=0": 422, "?limit=x": 422, "?limit=101": 422, "?from=24/11/2026": 422, "?until=2026-13-01": 422, "?before=zzz": 200} {
		w.get(t, "/api/transparency/events"+path, mother).want(t, status)
	}
}

func TestDaysAreVietnamsDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock.Set(time.Date(2026, 11, 24, 16, 59, 58, 0, time.UTC)) // 23:59:58 in Vietnam
	last := w.read(t, mother)
	w.clock.Advance(time.Minute)
	first := w.read(t, mother)
	for _, c := range []struct{ q, in, out string }{
		{"until=2026-11-24", last, first}, {"from=2026-11-25", first, last}, {"from=2026-11-24&until=2026-11-24", last, first},
	} {
		r := w.get(t, "/api/transparency/events?"+c.q, mother)
		r.want(t, 200, c.in)
		r.lacks(t, c.out)
	}
}

func TestAnybodyMayCheckAReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := w.read(t, mother)
	w.seal(t)
	file, err := w.Receipt(as(mother), "", event)
	ok(t, err)
	w.get(t, "/verify/receipt", "").want(t, 200, "Kiểm tra biên nhận", `enctype="multipart/form-data"`)
	upload := func(content []byte, text string) reply {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		f, err := m.CreateFormFile("file", "bien-nhan.dinh-receipt")
		ok(t, err)
		_, err = f.Write(content)
		ok(t, err)
		ok(t, m.WriteField("text", text))
		ok(t, m.Close())
		req, err := http.NewRequestWithContext(t.Context(), "POST", w.server.URL+"/verify/receipt", &b)
		ok(t, err)
		req.Header.Set("Content-Type", m.FormDataContentType())
		return w.ask(t, req, "")
	}
	upload(file, "").want(t, 200, "Biên nhận đúng", "Bộ Tư pháp · Hộ tịch đã đọc", event, origin)
	pasted := strings.TrimSpace(strings.ReplaceAll(string(file), "\n", "\r\n"))
	upload(nil, pasted).want(t, 200, "Biên nhận đúng")
	w.post(t, "/verify/receipt", "", url.Values{"text": {pasted}}).want(t, 200, "Biên nhận đúng")
	upload(bytes.Replace(file, []byte("full_name"), []byte("birth_day"), 1), "").want(t, 422, "đã bị thay đổi")
	upload([]byte("<script>alert(1)</script>"), "").want(t, 422, "không phải là biên nhận")
	upload(nil, `{"<b>":1}`).want(t, 422, "dinh-receipt/v1", "&lt;b&gt;")
	upload(nil, "").want(t, 422, "Hãy chọn tệp biên nhận")
	upload(bytes.Repeat([]byte("a"), 300<<10), "").want(t, 422, "256 KB")
}

func TestConsents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.get(t, "/my-data/consents", mother).want(t, 200, "Bạn chưa đồng ý cho nơi nào")
	n := transparency.NewConsent{Purpose: "credit", To: "VN/GOV/MOJ", Service: population.String(), Fields: []string{"full_name", "birth_date"}, Until: w.clock.Now().AddDate(1, 0, 0)}
	c, err := w.Give(as(mother), n)
	ok(t, err)
	standing := func(fields ...string) bool {
		t.Helper()
		state, err := w.Consented(t.Context(), useOf(mother, w.clock.Now(), fields...))
		ok(t, err)
		return state == exchange.ConsentStands
	}
	if !standing("full_name") || standing("full_name", "religion") || standing() {
		t.Error("a consent covers its fields and no others")
	}
	if state, err := w.Consented(t.Context(), useOf(stranger, w.clock.Now(), "full_name")); state != exchange.ConsentMissing || err != nil {
		t.Error("somebody else's consent", state, err)
	}
	w.get(t, "/my-data/consents", mother).want(t, 200, "Bộ Tư pháp", "Đang có hiệu lực", "Họ và tên", "24/11/2027", "/my-data/consents/"+c.ID+"/withdraw")
	for _, path := range []string{"/my-data/consents/" + c.ID + "/withdraw", "/my-data/consents/none/withdraw"} {
		w.get(t, path, stranger).want(t, 404)
		w.post(t, path, stranger, nil).want(t, 404)
	}
	if !standing("full_name") {
		t.Fatal("a stranger withdrew a consent")
	}
	w.get(t, "/my-data/consents/"+c.ID+"/withdraw", mother).want(t, 200, "Việc rút lại có hiệu lực ngay")
	for range 2 {
		w.post(t, "/my-data/consents/"+c.ID+"/withdraw", mother, nil).want(t, 303)
	}
	if standing("full_name") {
		t.Error("withdrawn and still standing")
	}
	all, err := w.Consents(as(mother))
	ok(t, err)
	if len(all) != 1 || all[0].State(w.clock.Now()) != transparency.ConsentWithdrawn || !bytes.Equal(all[0].Record, c.Record) {
		t.Errorf("consents %+v", all)
	}
	w.get(t, "/my-data/consents", mother).want(t, 200, "Đã rút lại")
	if _, err := w.Give(as(mother), n); err != nil {
		t.Fatal("given again after a withdrawal:", err)
	}
	w.clock.Advance(366 * 24 * time.Hour)
	if standing("full_name") {
		t.Error("ended and still standing")
	}
}

// useOf is a use of data by a system of the one whom the tests permit it.
func useOf(number string, at time.Time, fields ...string) exchange.ConsentUse {
	return exchange.ConsentUse{
		Number: number, Client: exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MOJ", Subsystem: "civil-status"}, Service: population,
		Purpose: "credit", Fields: fields, At: at,
	}
}

func TestConsentsCountUses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := transparency.NewConsent{
		Purpose: "credit", To: "VN/GOV/MOJ/civil-status", Service: population.String(), Fields: []string{"full_name"},
		Until: w.clock.Now().AddDate(0, 1, 0), Times: 2, Keep: 30, Request: "GT-1",
	}
	c, err := w.Give(as(mother), n)
	ok(t, err)
	if !bytes.Contains(c.Record, []byte(`"times":2,"keep_days":30,"request":"GT-1"`)) {
		t.Errorf("the signed record does not say how often and how long: %s", c.Record)
	}
	use := useOf(mother, w.clock.Now(), "full_name")
	if got, err := w.Use(t.Context(), use); err != nil || got != exchange.ConsentMissing {
		t.Error("used for another request:", got, err)
	}
	use.Issue = "GT-1"
	for i, want := range []exchange.ConsentState{exchange.ConsentStands, exchange.ConsentStands, exchange.ConsentSpent, exchange.ConsentSpent} {
		got, err := w.Use(t.Context(), use)
		ok(t, err)
		if got != want {
			t.Errorf("use %d: %s", i+1, got)
		}
	}
	w.get(t, "/my-data/consents", mother).want(t, 200, "Đã dùng hết số lần", "Tối đa 2 lần, đã xem 2 lần", "Bên nhận phải xóa sau 30 ngày", "GT-1")
	n.Times = 0
	again, err := w.Give(as(mother), n)
	ok(t, err)
	ok(t, w.Withdraw(as(mother), again.ID))
	if got, err := w.Use(t.Context(), use); err != nil || got != exchange.ConsentWithdrawn {
		t.Error("the newest says why:", got, err)
	}
	_, err = w.Give(as(mother), transparency.NewConsent{Purpose: "p", To: "x", Service: "y", Fields: []string{"z"}, Until: n.Until, Times: -1})
	wantCode(t, err, "transparency.consent_incomplete")
}

func TestConsentsMustBeComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Give(as(mother), transparency.NewConsent{Fields: []string{""}, Until: w.clock.Now()})
	e, is := errs.As(err)
	if !is || e.Code != "transparency.consent_incomplete" || len(e.Fields) != 5 {
		t.Errorf("%v", err)
	}
	_, err = w.Give(auth.With(t.Context(), auth.Principal{Officer: "o", Number: mother}), transparency.NewConsent{})
	wantCode(t, err, "transparency.not_a_person")
}

func TestOpenAPIIsTheContract(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("openapi.yaml")
	ok(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(text)
	ok(t, err)
	ok(t, doc.Validate(t.Context()))
	n := 0
	for _, r := range newWorld(t).Routes() {
		if r.Page {
			continue
		}
		n++
		if item := doc.Paths.Value(r.Path); item == nil || item.GetOperation(r.Method) == nil {
			t.Errorf("%s is not in openapi.yaml", r.Pattern())
		}
	}
	if n != doc.Paths.Len() {
		t.Errorf("openapi.yaml has %d paths, the code %d", doc.Paths.Len(), n)
	}
}
