package forms_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/forms"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
)

func (h *house) in(number string) context.Context {
	return auth.With(h.t.Context(), auth.Principal{Number: number, Name: "Nguyễn Văn An", Level: auth.Substantial})
}

func TestFromStartToDone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.start()
	h.want(v.get(app), 200, "Cấp thẻ thư viện", "Đã xong 0/4 phần", "Tiếp tục", app+"/p/you", "Chưa mở được")
	h.want(v.get(app+"/p/you"), 200, "Bước 1/4", "Lấy từ: Cơ sở dữ liệu dân cư, lúc 08:00 ngày 24/11/2026", "Lấy từ: Sổ trường học", "Trường Chu Văn An", "01/05/1990", "Đúng, tiếp tục")
	h.leads(v.get(app+"/p/wishes"), app+"/p/you") // not before its time
	h.leads(v.get(app+"/check"), app+"/p/you")
	h.leads(v.post(app+"/p/you", nil), app+"/p/contact")
	h.want(v.get(app+"/p/contact"), 200, `value="An@Example.com"`, "Điền sẵn từ Cơ sở dữ liệu dân cư", "Số điện thoại (không bắt buộc)", `autocomplete="tel"`)
	r := h.want(v.post(app+"/p/contact", url.Values{"contact.email": {"sai"}, "contact.phone": {"0912"}}), 422,
		"Lỗi: ", `href="#contact.email"`, `value="sai"`, `value="0912"`, "contact.phone-error")
	if strings.Contains(r.body, "⟦") {
		t.Error("a message is missing")
	}
	h.leads(v.post(app+"/p/contact", url.Values{"contact.email": {"an@example.com"}}), app+"/p/wishes")
	h.want(v.get(app+"/p/wishes"), 200, "conditional-reader", `name="old_card"`, `name="card.from-day"`, "Đà Nẵng", "govuk-character-count")
	h.leads(v.post(app+"/p/wishes", wishes()), app+"/p/photo")
	h.want(v.get(app+"/p/photo"), 200, `enctype="multipart/form-data"`, `accept="image/jpeg,image/png"`)
	h.leads(v.send(app+"/p/photo", url.Values{"rules": {"yes"}}, file{"photo", "toi.jpg", jpegPhoto(400, 600)}), app+"/check")
	h.want(v.get(app+"/check"), 200, "Nguyễn Văn An", "Luật, Thơ", "20.000", "an@example.com", "Bạn đã sửa", "toi.jpg", app+"/p/wishes#card.from-day", "Tôi cam đoan những điều trên là đúng")
	h.want(v.post(app+"/submit", nil), 422, `href="#consent"`)
	h.leads(v.post(app+"/submit", url.Values{"consent": {"yes"}}), app+"/done")
	h.leads(v.post(app+"/submit", url.Values{"consent": {"yes"}}), app)
	h.want(v.get(app+"/done"), 200, "H26.12-261124-0001", "/applications/"+idOf(app), "2 ngày làm việc")
	h.leads(v.get(app), app+"/done")
	h.leads(v.get(app+"/p/you"), app)
	h.leads(v.post(app+"/p/contact", url.Values{"contact.email": {"x@example.com"}}), app)

	s := h.office.opened[idOf(app)]
	if s.Number != an || s.Name != "Nguyễn Văn An" || s.Channel != "online" || s.Lang != "vi" || s.Service != "card" || s.OnBehalf != "" {
		t.Errorf("submission: %+v", s)
	}
	if got := s.State.Answers["card.from"]; got != "2026-12-01" {
		t.Errorf("date: %v", got)
	}
	if got := s.Sources["contact.email"]; got.Source != forms.Changed && got.Source != forms.Obtained || got.Evidence != "person" {
		t.Errorf("where the e-mail comes from: %+v", got)
	}
	if got := s.Sources["card.name"].Source; got != forms.Typed {
		t.Errorf("where the name comes from: %v", got)
	}
}

func TestKeptPrefillIsObtained(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.registers.email = " an@example.com "
	v := h.as(an)
	app := v.start()
	v.post(app+"/p/you", nil)
	h.leads(v.post(app+"/p/contact", url.Values{"contact.email": {"an@example.com"}}), app+"/p/wishes")
	source := func() forms.Provenance {
		var one struct{ Sources map[string]forms.Provenance }
		if err := json.Unmarshal([]byte(h.want(v.get("/api/applications/"+idOf(app)), 200).body), &one); err != nil {
			t.Fatal(err)
		}
		return one.Sources["contact.email"]
	}
	kept := source()
	if kept.Source != forms.Obtained || kept.Evidence != "person" {
		t.Errorf("a suggestion that was kept: %+v", kept)
	}
	h.clock.Advance(time.Hour)
	v.post(app+"/p/contact", url.Values{"contact.email": {"an@example.com"}})
	if again := source(); !again.At.Equal(kept.At) {
		t.Errorf("saving the same again moved its time: %+v", again)
	}
	v.post(app+"/p/contact", url.Values{"contact.email": {"other@example.com"}})
	if got := source(); got.Source != forms.Changed {
		t.Errorf("a suggestion that was edited: %+v", got)
	}
}

func TestOnlyTheApplicantGetsIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	app := h.as(an).fill()
	stranger := h.as(binh)
	for _, r := range []reply{
		stranger.get(app), stranger.get(app + "/p/you"), stranger.get(app + "/check"), stranger.get(app + "/done"), stranger.get(app + "/discard"),
		stranger.get(app + "/files/photo"), stranger.post(app+"/p/you", nil), stranger.post(app+"/submit", url.Values{"consent": {"yes"}}),
		stranger.post(app+"/resubmit", url.Values{"consent": {"yes"}}), stranger.post(app+"/evidence", nil), stranger.get("/api/applications/" + idOf(app)),
	} {
		if r.status != http.StatusNotFound || strings.Contains(r.body, "an@example.com") {
			t.Errorf("a stranger gets %d", r.status)
		}
	}
	stranger.post(app+"/discard", nil)
	if list, err := h.Drafts(h.in(binh)); err != nil || len(list) != 0 {
		t.Errorf("the stranger's drafts: %v %v", list, err)
	}
	if list, err := h.Drafts(h.in(an)); err != nil || len(list) != 1 || list[0].Title.EN != "Library card" {
		t.Errorf("the applicant's drafts: %v %v", list, err)
	}
	if _, _, err := h.File(h.in(an), idOf(app), "photo"); errs.KindOf(err) != errs.NotFound {
		t.Errorf("a draft's file is nobody else's: %v", err)
	}
	for _, path := range []string{app, "/services/card/start"} {
		if r := h.as("").get(path); r.status != http.StatusSeeOther || !strings.HasPrefix(r.to, "/sign-in") {
			t.Errorf("nobody gets %d %q", r.status, r.to)
		}
	}
	if r := h.as("").post("/services/card/start", nil); r.to != "/sign-in?next=%2Fservices%2Fcard%2Fstart" {
		t.Errorf("nobody starts: %q", r.to)
	}
}

func TestAssuranceAndRole(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if r := h.as(an).with("X-Level", "low").post("/services/card/start", nil); r.status != http.StatusSeeOther || !strings.HasPrefix(r.to, "/sign-in/step-up?next=") {
		t.Errorf("too weak a sign-in: %d %q", r.status, r.to)
	}
	h.want(h.as(an).get("/services/card/start"), 200, "Chào Nguyễn Văn An", "Sổ trường học", `action="/services/card/start"`)
	if h.registers.count() != 0 {
		t.Error("a register was asked before anybody pressed start")
	}
	parent := h.as(an).with("X-Behalf", binh)
	app := parent.start()
	if r := h.as(an).get(app); r.status != http.StatusForbidden {
		t.Errorf("in another role: %d", r.status)
	}
	if list, err := h.Drafts(h.in(an)); err != nil || len(list) != 0 {
		t.Errorf("the parent's own drafts: %v %v", list, err)
	}
	h.leads(parent.post(app+"/p/photo", url.Values{"rules": {"yes"}}), app+"/p/you") // not before its time
	own := h.as(an).start()
	if own == app {
		t.Error("one draft for two roles")
	}
	h.want(parent.get(app), 200)
}

func TestOneDraftForEachService(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.start()
	r := v.post("/services/card/start", nil)
	h.leads(r, app+"?begun=before")
	h.want(v.get(r.to), 200, "Bạn đã bắt đầu hồ sơ này lúc 08:00", `name="again"`)
	r = h.want(v.post("/services/card/start", url.Values{"again": {"yes"}}), http.StatusSeeOther)
	if r.to == app {
		t.Error("starting again gave the old draft")
	}
	h.want(v.get(app), http.StatusNotFound)

	var wg sync.WaitGroup
	apps := make([]string, 8)
	for i := range apps {
		wg.Go(func() {
			a, _, err := h.Start(h.in(binh), "card", false)
			if err != nil {
				t.Error(err)
			}
			apps[i] = a.ID
		})
	}
	wg.Wait()
	for _, a := range apps {
		if a != apps[0] {
			t.Fatalf("two drafts: %v", apps)
		}
	}
}

func TestRegistersThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.registers.down["person"] = true
	v := h.as(an)
	app := v.start()
	h.want(v.get(app), 200, "Cơ sở dữ liệu dân cư", "Thử lại", "đã được lưu")
	h.leads(v.get(app+"/p/you"), app)
	h.registers.down = map[string]bool{"school": true}
	h.leads(v.post(app+"/evidence", nil), app)
	h.want(v.get(app), 200, "Công chức sẽ tra cứu giúp bạn", "Sổ trường học", "Tiếp tục")
	h.want(v.get(app+"/p/you"), 200, "Nguyễn Văn An", "Sổ trường học")
	app = v.fill()
	h.leads(v.post(app+"/submit", url.Values{"consent": {"yes"}}), app+"/done")
	if got := h.office.opened[idOf(app)].Unavailable; len(got) != 1 || got[0] != "school" {
		t.Errorf("left to the officer: %v", got)
	}
}

func TestStoppedPolitely(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(ghost)
	app := v.start()
	h.want(v.get(app), 200, "Chưa có thông tin dân cư", "Hãy đến công an xã", "Gọi 1900 0000", "Kiểm tra lại")
	h.leads(v.get(app+"/p/you"), app)
	if again := v.start(); again == app {
		t.Error("a draft that leads nowhere was kept")
	}
}

func TestSentOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.fill()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if r := v.post(app+"/submit", url.Values{"consent": {"yes"}}); r.status != http.StatusSeeOther {
				t.Errorf("status %d", r.status)
			}
		})
	}
	wg.Wait()
	if len(h.office.opened) != 1 {
		t.Errorf("%d cases", len(h.office.opened))
	}
	if second := v.start(); second == app {
		t.Error("nothing new can be begun after sending")
	}
}

func TestNothingIsHalfSent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.fill()
	h.office.refuse = errs.New(errs.Unavailable, "cases.down")
	h.want(v.post(app+"/submit", url.Values{"consent": {"yes"}}), http.StatusServiceUnavailable)
	h.want(v.get(app+"/check"), 200, "Nộp hồ sơ")
	h.office.refuse = nil
	h.leads(v.post(app+"/submit", url.Values{"consent": {"yes"}}), app+"/done")
}

func TestOldEvidenceIsAskedAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.fill()
	h.clock.Advance(25 * time.Hour)
	asked := h.registers.count()
	h.registers.email = "moi@example.com"
	h.leads(v.post(app+"/submit", url.Values{"consent": {"yes"}}), app+"/check?facts=changed")
	h.want(v.get(app+"/check?facts=changed"), 200, "vừa được cập nhật")
	if got := h.registers.count() - asked; got != 2 {
		t.Errorf("%d registers asked again", got)
	}
	h.leads(v.post(app+"/submit", url.Values{"consent": {"yes"}}), app+"/done")

	second := v.fill()
	h.clock.Advance(25 * time.Hour)
	h.leads(v.post(second+"/submit", url.Values{"consent": {"yes"}}), second+"/done") // nothing changed
}

func TestTwoWindows(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.start()
	v.post(app+"/p/you", nil)
	version := between(v.get(app+"/p/contact").body, `name="version" value="`, `"`)
	h.leads(v.post(app+"/p/contact", url.Values{"contact.email": {"one@example.com"}, "version": {version}}), app+"/p/wishes")
	r := h.want(v.post(app+"/p/contact", url.Values{"contact.email": {"two@example.com"}, "version": {version}}), 409, "two@example.com", "cửa sổ khác")
	h.want(v.get(app+"/p/contact"), 200, "one@example.com")
	newer := between(r.body, `name="version" value="`, `"`)
	h.leads(v.post(app+"/p/contact", url.Values{"contact.email": {"two@example.com"}, "version": {newer}}), app+"/p/wishes")
}

func between(s, a, b string) string {
	_, s, _ = strings.Cut(s, a)
	s, _, _ = strings.Cut(s, b)
	return s
}

func TestQuestionsThatAppear(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.start()
	v.post(app+"/p/you", nil)
	v.post(app+"/p/contact", url.Values{"contact.email": {"an@example.com"}})
	values := wishes()
	values.Set("reader", "yes")
	h.want(v.post(app+"/p/wishes", values), 422, `href="#old_card"`)
	values.Set("old_card", "T-17")
	values.Set("delivery", "post")
	h.leads(v.post(app+"/p/wishes", values), app+"/p/address") // another page appears
	v.post(app+"/p/address", url.Values{"address": {"12 Hàng Bông"}})
	h.leads(v.post(app+"/p/wishes", wishes()), app+"/p/photo") // and goes again
	r := v.get("/api/applications/" + idOf(app))
	if strings.Contains(r.body, "Hàng Bông") || strings.Contains(r.body, "T-17") {
		t.Errorf("what was left is still among the answers: %s", r.body)
	}
}

func TestCorrection(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.fill()
	v.post(app+"/submit", url.Values{"consent": {"yes"}})
	h.leads(v.post(app+"/resubmit", url.Values{"consent": {"yes"}}), app)
	h.office.correction = &forms.Correction{Fields: []string{"card.name", "photo"}, Message: "Ảnh mờ <b>quá</b>"}
	h.want(v.get(app), 200, "Ảnh mờ &lt;b&gt;quá", "Cần sửa", "Giữ nguyên", app+"/p/photo")
	h.leads(v.get(app+"/p/contact"), app+"/p/wishes")
	r := h.want(v.get(app+"/p/wishes"), 200, `name="card.name"`, "Luật, Thơ")
	if strings.Contains(r.body, `name="delivery"`) {
		t.Error("a field that was not named can be changed")
	}
	h.leads(v.get(app+"/check"), app+"/p/wishes")
	h.leads(v.post(app+"/p/wishes", url.Values{"card.name": {"Nguyễn An"}, "delivery": {"post"}}), app+"/p/photo")
	h.want(v.get(app+"/p/photo"), 200, "Tôi.jpg")
	h.leads(v.send(app+"/p/photo", nil, file{"photo", "net.png", pngPhoto(300, 300)}), app+"/check")
	if got := officerFile(t, h, app); got.Name != "Tôi.jpg" {
		t.Errorf("before it is sent the officer sees %+v", got)
	}
	h.want(v.get(app+"/check"), 200, "Nguyễn An", "net.jpg", "Gửi phần đã sửa")
	h.leads(v.post(app+"/resubmit", url.Values{"consent": {"yes"}}), app+"/done")
	h.leads(v.post(app+"/resubmit", url.Values{"consent": {"yes"}}), app)
	h.want(v.get(app+"/done"), 200, "Đã gửi phần sửa", "H26.12-261124-0001")
	if len(h.office.resent) != 1 || h.office.resent[0]["card.name"] != "Nguyễn An" || h.office.resent[0]["delivery"] != "desk" {
		t.Errorf("resent: %v", h.office.resent)
	}
	if got := officerFile(t, h, app); got.Name != "net.jpg" || got.Type != "image/jpeg" {
		t.Errorf("afterwards the officer sees %+v", got)
	}
	if n := h.blobs(); n != 1 {
		t.Errorf("%d files are kept", n)
	}
}

func officerFile(t *testing.T, h *house, app string) forms.FileMeta {
	t.Helper()
	r, meta, err := h.File(t.Context(), idOf(app), "photo")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil || int64(len(data)) != meta.Size {
		t.Fatalf("%d bytes of %d: %v", len(data), meta.Size, err)
	}
	return meta
}

func TestDiscardTakesEverything(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.as(an)
	app := v.fill()
	if h.blobs() != 1 {
		t.Fatalf("%d files", h.blobs())
	}
	h.want(v.get(app+"/discard"), 200, "Bỏ hồ sơ này?")
	h.leads(v.post(app+"/discard", nil), "/applications")
	h.want(v.get(app), http.StatusNotFound)
	if n := h.blobs(); n != 0 {
		t.Errorf("%d files are left", n)
	}
	if err := h.Tidy(t.Context()); err != nil {
		t.Error(err)
	}
	sent := v.fill()
	v.post(sent+"/submit", url.Values{"consent": {"yes"}})
	if err := h.Discard(h.in(an), idOf(sent)); errs.CodeOf(err) != "forms.already_sent" {
		t.Errorf("discarding what was sent: %v", err)
	}
	list, err := h.Applications(h.in(an))
	if err != nil || len(list) != 1 || list[0].State != forms.Submitted {
		t.Errorf("applications: %v %v", list, err)
	}
}

// A draft waits ninety days from the last visit that changed it, then it goes
// with its files; what was sent stays.
func TestDraftsExpire(t *testing.T) {
	t.Parallel()
	expire := func(h *house, want int) {
		t.Helper()
		if n, err := h.ExpireDrafts(t.Context()); err != nil || n != want {
			t.Fatalf("%d drafts went, want %d, %v", n, want, err)
		}
	}
	h := newHouse(t)
	app := h.as(an).fill()
	h.clock.Advance(forms.DraftLife)
	expire(h, 0)
	h.clock.Advance(time.Second)
	expire(h, 1)
	expire(h, 0)
	if a, err := h.Application(h.in(an), idOf(app)); errs.CodeOf(err) != "forms.not_found" {
		t.Errorf("the draft: %+v %v", a, err)
	}
	if n := h.blobs(); n != 0 {
		t.Errorf("%d files are left", n)
	}

	h = newHouse(t)
	v := h.as(an)
	sent := v.fill()
	v.post(sent+"/submit", url.Values{"consent": {"yes"}})
	h.clock.Advance(2 * forms.DraftLife)
	expire(h, 0)
	if a, err := h.Application(h.in(an), idOf(sent)); err != nil || a.State != forms.Submitted || h.blobs() != 1 {
		t.Errorf("what was sent: %+v %v, %d files", a, err, h.blobs())
	}
}

func TestInEnglish(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	app := h.as(an).fill()
	v := h.as(an).with("Accept-Language", "en")
	h.want(v.get(app+"/check"), 200, "Check your answers", "Fetched from: Population register", "1 December 2026", "Law, Poems")
	h.want(v.post(app+"/p/contact", url.Values{}), 422, "Error: ", "Enter e-mail")
}

func TestNothingPersonalInTheClear(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.as(an).fill()
	for _, table := range []string{"forms_application", "forms_file"} {
		for _, row := range h.dump(table) {
			for _, secret := range []string{an, "Nguyễn", "example.com", "toi.jpg"} {
				if strings.Contains(row, secret) {
					t.Errorf("%s holds %q", table, secret)
				}
			}
		}
	}
}
