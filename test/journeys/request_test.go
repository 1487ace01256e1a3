package journeys

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
)

const (
	askPage    = "/desk/exchange/ask/VN/GOV/MPS/population/population"
	askPurpose = "residence-registration"
	askLegal   = "Luật Cư trú 2020, Điều 36"
)

// askFor sends the form of a grants officer of the Ministry of Justice and gives
// the request's id.
func askFor(t *testing.T, c *caller, reason string) string {
	t.Helper()
	a := c.post(t, askPage, url.Values{
		"client": {"VN/GOV/MOJ/civil-status"}, "operations": {"search"}, "fields": {"full_name", "birth_date", "sex"}, "match": {"number"}, "purpose": {askPurpose},
		"legal_basis": {askLegal}, "reason": {reason}, "until-day": {"31"}, "until-month": {"12"}, "until-year": {time.Now().AddDate(1, 0, 0).Format("2006")}, "quota": {"600"},
	})
	if a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Location, "/desk/exchange/requests/") {
		t.Fatalf("asking: %d %q\n%.2000s", a.Status, a.Location, a.Body)
	}
	return last(a.Location)
}

// r1 asks the population register as the civil status system does.
func (h *house) r1(t *testing.T, key string) (status int, body string) {
	t.Helper()
	mai, _ := h.world().Sample("mai")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.Base+"/r1/VN/GOV/MPS/population/population/search", strings.NewReader(`{"where":{"number":"`+mai.Number+`"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{"Authorization": "Bearer " + key, "X-Road-Client": "VN/GOV/MOJ/civil-status", "Content-Type": "application/json", "X-Dinh-Purpose": askPurpose} {
		req.Header.Set(name, v)
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	buf := make([]byte, 64<<10)
	for {
		n, err := res.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return res.StatusCode, b.String()
		}
	}
}

// TestAskDecideExchangeRevoke follows a grant through its life, on the pages: a
// developer finds the service, reads and tries it; an officer asks; the owner
// gives less; the system gets just that; the owner ends it; the system gets
// nothing.
func TestAskDecideExchangeRevoke(t *testing.T) {
	t.Parallel()
	h := own(t)
	nobody, asker, owner := h.caller(t, "").in("vi"), h.caller(t, "grants-moj").in("vi"), h.caller(t, "grants-mps").in("vi")
	for path, words := range map[string][]string{
		"/exchange?q=ngay+sinh":                                          {"/exchange/services/VN/GOV/MPS/population/population"},
		"/exchange?q=dan+cu&member=GOV/MPS":                              {"Dân cư"},
		"/exchange?q=khong+co+dau":                                       {"Không tìm thấy dịch vụ nào"},
		"/exchange/document/VN/GOV/MPS/population/population":            {"POST /search", "GET /records/{id}", "full_name", "Họ, chữ đệm và tên"},
		"/exchange/try/VN/GOV/MPS/population/population?op=0":            {"X-Road-Client", "X-Dinh-Purpose", "/r1/VN/GOV/MPS/population/population/", "không chạm tới dữ liệu của ai"},
		"/exchange/use/VN/GOV/MPS/population/population":                 {"mười hai tháng"},
		"/api/exchange/openapi?service=VN/GOV/MPS/population/population": {`"openapi":"3.1.0"`},
	} {
		a := nobody.get(t, path)
		for _, w := range words {
			if a.Status != http.StatusOK || !strings.Contains(a.Body, w) || strings.Contains(a.Body, "⟦") {
				t.Errorf("%s: %d, no %q", path, a.Status, w)
			}
		}
	}
	client, err := exchange.ParseSubsystem("VN/GOV/MOJ/civil-status")
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := h.Exchange.NewClientKey(t.Context(), client, "a test", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(code, when string) {
		t.Helper()
		if status, body := h.r1(t, key); status < 400 || strings.Contains(body, "full_name") || !strings.Contains(body, "access_denied") && !strings.Contains(body, code) {
			t.Errorf("%s: %d %.300s", when, status, body)
		}
	}
	refused("purpose", "before anything")
	id := askFor(t, asker, "Đối chiếu họ tên khi đăng ký thường trú")
	page := "/desk/exchange/requests/" + id
	refused("purpose", "asked, not decided")
	if a := owner.get(t, "/desk/exchange"); !strings.Contains(a.Body, page) {
		t.Errorf("the owner does not find the request: %d", a.Status)
	}
	if a := asker.post(t, page+"/decide", url.Values{"outcome": {"granted"}}); a.Status != http.StatusForbidden {
		t.Errorf("the asker decides: %d", a.Status)
	}
	if a := owner.post(t, page+"/decide", url.Values{"outcome": {"refused"}}); a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Body, `href="#answer"`) {
		t.Errorf("a refusal without reasons: %d", a.Status)
	}
	less := url.Values{"outcome": {"changed"}, "operations": {"search"}, "fields": {"full_name"}, "match": {"number"}, "until-day": {"1"}, "until-month": {"6"}, "until-year": {time.Now().AddDate(1, 0, 0).Format("2006")}, "quota": {"60"}, "answer": {"Chỉ cần họ tên để đối chiếu"}}
	if a := owner.post(t, page+"/decide", less); a.Status != http.StatusSeeOther {
		t.Fatalf("the owner decides: %d %.2000s", a.Status, a.Body)
	}
	if a := owner.post(t, page+"/decide", less); a.Status != http.StatusConflict {
		t.Errorf("decided twice: %d", a.Status)
	}
	if a := asker.get(t, page); !strings.Contains(a.Body, "Chỉ cần họ tên để đối chiếu") || strings.Contains(a.Body, "/revoke") || strings.Contains(a.Body, "⟦") {
		t.Errorf("the asker does not read the decision: %d", a.Status)
	}
	if status, body := h.r1(t, key); status != http.StatusOK || !strings.Contains(body, "full_name") || strings.Contains(body, "birth_date") {
		t.Errorf("granted: %d %.300s", status, body)
	}
	if a := nobody.get(t, "/exchange/services/VN/GOV/MPS/population/population"); !strings.Contains(a.Body, askLegal) {
		t.Error("the catalogue does not tell of the new right")
	}
	if a := owner.post(t, page+"/revoke", url.Values{"reason": {" "}}); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("revoked without a reason: %d", a.Status)
	}
	if a := owner.post(t, page+"/revoke", url.Values{"reason": {"Việc đã xong"}}); a.Status != http.StatusSeeOther {
		t.Errorf("revoking: %d", a.Status)
	}
	refused("grant", "revoked")
	if a := asker.get(t, page); !strings.Contains(a.Body, "Việc đã xong") {
		t.Error("the asker does not read why it ended")
	}
}

// TestSystemsAskByKey: the same over JSON, with the system's own key.
func TestSystemsAskByKey(t *testing.T) {
	t.Parallel()
	h, s := shared(t), played(t)
	system := h.caller(t, "")
	system.key = s.key // of VN/GOV/MOH/maternity
	body := `{"service":"VN/GOV/MPS/population/population","operations":["search"],"fields":["full_name"],"match":["number"],"purpose":"health-insurance","legal_basis":"Luật Bảo hiểm y tế, Điều 12","until":"` + time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339) + `","reason":"Kiểm tra họ tên người mẹ trên giấy chứng sinh"}`
	a := system.json(t, http.MethodPost, "/api/exchange/requests", body)
	var made struct{ ID, Client, Outcome, Answer string }
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil || a.Status != http.StatusCreated || made.Client != "VN/GOV/MOH/maternity" || made.Outcome != "" {
		t.Fatalf("%d %s %v", a.Status, a.Body, err)
	}
	if again := system.json(t, http.MethodPost, "/api/exchange/requests", body); again.Status != http.StatusConflict {
		t.Errorf("asked twice: %d", again.Status)
	}
	if other := system.json(t, http.MethodPost, "/api/exchange/requests", strings.Replace(body, `{"service"`, `{"client":"VN/GOV/MOJ/civil-status","service"`, 1)); other.Status != http.StatusForbidden {
		t.Errorf("asked for another: %d", other.Status)
	}
	path := "/api/exchange/requests/" + made.ID
	if d := system.json(t, http.MethodPost, path+"/decide", `{"outcome":"granted"}`); d.Status != http.StatusForbidden {
		t.Errorf("a system decides: %d", d.Status)
	}
	if d := h.caller(t, "grants-mps").json(t, http.MethodPost, path+"/decide", `{"outcome":"refused","answer":"Đã có trong giấy chứng sinh"}`); d.Status != http.StatusOK {
		t.Errorf("deciding: %d %s", d.Status, d.Body)
	}
	a = system.get(t, path)
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil || made.Outcome != "refused" || made.Answer != "Đã có trong giấy chứng sinh" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if list := system.get(t, "/api/exchange/requests"); !strings.Contains(list.Body, made.ID) || strings.Contains(list.Body, s.request) {
		t.Errorf("%d %s", list.Status, list.Body)
	}
}
