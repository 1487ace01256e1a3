package registers_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/registers"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

const cards = `
id: cards
title: {vi: Thẻ, en: Cards}
member: GOV/MPS
subsystem: cards
key: number
search: [name]
roles: [register-officer]
legal_basis: Luật Mẫu, Điều 1
schema:
  type: object
  additionalProperties: false
  required: [number, name, address]
  properties:
    number: {type: string, pattern: "^[0-9]{3}$", x-title: {vi: Số thẻ, en: Card number}}
    name: {type: string, minLength: 2, pattern: "^[^0-9<>]+$", x-title: {vi: Họ và tên, en: Full name}}
    born: {type: string, format: date, x-title: {vi: Ngày sinh, en: Date of birth}}
    email: {type: string, format: email, x-title: {vi: Thư điện tử, en: E-mail}}
    points: {type: integer, minimum: 0, x-title: {vi: Số điểm, en: Points}}
    lost: {type: boolean, x-title: {vi: Đã mất, en: Lost}}
    kind: {enum: [old, new], x-codes: kinds, x-title: {vi: Loại thẻ, en: Kind of card}}
    uses: {type: array, minItems: 1, uniqueItems: true, items: {enum: [bus, pool]}, x-title: {vi: Công dụng, en: Uses}}
    address: {type: object, required: [street], x-title: {vi: Địa chỉ, en: Address}, properties: {street: {type: string, x-title: {vi: Đường, en: Street}}}}
`

// desk is the officers' side of a register of cards.
type desk struct {
	*registers.Registers
	t   *testing.T
	url string
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	def, err := registers.Parse("cards.yaml", []byte(cards))
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := i18n.New(web.Messages(), httpx.Messages(), registers.Messages())
	if err != nil {
		t.Fatal(err)
	}
	pages, err := web.New(web.Config{Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	now, quiet := clock.New(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)), slog.New(slog.DiscardHandler)
	r, err := registers.New(registers.Deps{
		DB: dbtest.New(t, dbtest.Set{Name: "registers", FS: registers.Migrations()}), Clock: now, Log: quiet, Definitions: []*registers.Definition{def}, Pages: pages,
		Codes: func(_, v string) (i18n.Text, bool) {
			return map[string]i18n.Text{"old": {VI: "cũ", EN: "the old one"}}[v], v == "old"
		},
		ByHand: func(context.Context, registers.Handling) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(httpx.NewServer(httpx.Config{
		Routes: append(r.Routes(), pages.Routes()...), Catalog: catalog, Log: quiet, Clock: now,
		Authenticate: func(*http.Request) (auth.Principal, error) {
			return auth.Principal{Officer: "o1", Name: "Lê Thị Lan", Member: "GOV/MPS", Roles: []string{"register-officer"}, Level: auth.Substantial}, nil
		},
	}).Handler())
	t.Cleanup(server.Close)
	return &desk{r, t, server.URL}
}

// send gives the status and what the page says, without its tags.
func (d *desk) send(lang, path, kind string, body io.Reader) (status int, said, page string) {
	d.t.Helper()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, body)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", lang)
	req.Header.Set("Content-Type", kind)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(string(b), " "))
	return res.StatusCode, strings.Join(strings.Fields(text), " "), string(b)
}

func (d *desk) post(lang, path string, v url.Values) (status int, said, page string) {
	d.t.Helper()
	return d.send(lang, path, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
}

func (d *desk) upload(lang, csv, reason string) (status int, said string) {
	d.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", "a.csv")
	if err != nil {
		d.t.Fatal(err)
	}
	_, _ = io.WriteString(part, csv) // a bytes.Buffer takes everything
	_ = w.WriteField("reason", reason)
	_ = w.Close()
	status, said, _ = d.send(lang, "/desk/registers/cards/import", w.FormDataContentType(), &b)
	return status, said
}

func (d *desk) card(number, name string) registers.Record {
	d.t.Helper()
	rec, err := d.Create(d.t.Context(), registers.Change{Register: "cards", Actor: "o1", Reason: "test", Data: map[string]any{
		"number": number, "name": name, "email": "an@vidu.vn", "kind": "old", "address": map[string]any{"street": "Hàng Bông"}}})
	if err != nil {
		d.t.Fatal(err)
	}
	return rec
}

// form is the form of a record as the page shows it.
func form(rec registers.Record) url.Values {
	return url.Values{"version": {fmt.Sprint(rec.Version)}, "number": {"001"}, "name": {"Nguyễn An"}, "born": {""}, "email": {"an@vidu.vn"}, "points": {""}, "lost": {""}, "kind": {"old"}, "uses": {""}, "address.street": {"Hàng Bông"}, "reason": {"sửa lỗi"}}
}

// Pages call fields by their names and say how to write them.
func TestPagesSpeakOfFieldsByName(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	rec := d.card("001", "Nguyễn An")
	for _, c := range []struct{ field, typed, vi, en string }{
		{"email", "x", "Ghi “Thư điện tử” là một địa chỉ thư điện tử, ví dụ ten@vidu.vn.", "Write “E-mail” as an e-mail address, such as ten@vidu.vn."},
		{"born", "24/11/2026", "Ghi “Ngày sinh” là một ngày", "Write “Date of birth” as a date"},
		{"name", "An <1>", "“Họ và tên” không được có chữ số và các ký tự: < >", "Leave digits and these characters out of “Full name”: < >"},
		{"points", "nhiều", "Ghi “Số điểm” là số nguyên", "Write “Points” as a whole number"},
		{"uses", "bus; car", "Giá trị của “Công dụng” phải là một trong: bus, pool.", "The value of “Uses” must be one of: bus, pool."},
		{"uses", "bus; bus", "“Công dụng” có giá trị bị lặp lại", "“Uses” has the same value twice"},
		{"kind", "odd", "Giá trị của “Loại thẻ” phải là một trong: old (cũ), new.", "The value of “Kind of card” must be one of: old (the old one), new."},
		{"name", "An\x00 Bình", "Giá trị của “Họ và tên” có ký tự điều khiển", "The value of “Full name” has a character that cannot be written"},
		{"name", "An\xff Bình", "Giá trị của “Họ và tên” có ký tự điều khiển", "The value of “Full name” has a character that cannot be written"},
		{"reason", "\u200b", "Nêu lý do của thay đổi.", "Give the reason for the change."},
	} {
		for lang, want := range map[string]string{"vi": c.vi, "en": c.en} {
			v := form(rec)
			v.Set("address.street", "Hàng Bạc")
			v.Set(c.field, c.typed)
			status, said, page := d.post(lang, "/desk/registers/cards/records/"+rec.ID, v)
			if status != http.StatusUnprocessableEntity || !strings.Contains(said, want) || !strings.Contains(page, `href="#`+c.field+`"`) {
				t.Errorf("%s=%q in %s: status %d, no %q: %.300s", c.field, c.typed, lang, status, want, said)
			}
		}
	}
	v := form(rec)
	v.Set("name", "Nguyễn\u202e An\u200b")
	if status, said, page := d.post("vi", "/desk/registers/cards/records/"+rec.ID, v); status != http.StatusUnprocessableEntity || !strings.Contains(said, "Không có gì được lưu.") || !strings.Contains(page, `value="sửa lỗi"`) {
		t.Errorf("nothing changed: status %d: %s", status, said)
	}
	v.Set("lost", "true")
	if status, said, _ := d.post("vi", "/desk/registers/cards/records/"+rec.ID, v); status != http.StatusSeeOther {
		t.Fatalf("status %d: %s", status, said)
	}
	now, err := d.Read(t.Context(), "cards", rec.ID)
	if err != nil || now.Version != 2 || now.Data["name"] != "Nguyễn An" || now.Data["lost"] != true {
		t.Errorf("%+v %v", now, err)
	}
}

// What an officer typed survives that somebody else was faster, and so does what
// the other saved.
func TestNobodyLosesWhatTheyTyped(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	rec := d.card("001", "Nguyễn An")
	if _, err := d.Amend(t.Context(), registers.Change{Register: "cards", ID: rec.ID, Reason: "moved", Data: map[string]any{"email": "moi@vidu.vn", "kind": "new", "address": map[string]any{"street": "Hàng Bạc"}}}); err != nil {
		t.Fatal(err)
	}
	v := form(rec)
	v.Set("name", "Nguyễn Bình An")
	v.Set("email", "khac@vidu.vn")
	status, said, page := d.post("vi", "/desk/registers/cards/records/"+rec.ID, v)
	if status != http.StatusConflict {
		t.Fatalf("status %d: %s", status, said)
	}
	for _, want := range []string{`name="version" value="2"`, `value="Nguyễn Bình An"`, `value="khac@vidu.vn"`, `value="Hàng Bạc"`, `value="sửa lỗi"`, `<option selected value="new">`} {
		if !strings.Contains(page, want) {
			t.Errorf("the form has no %s", want)
		}
	}
	for _, want := range []string{"Bản ghi vừa được người khác lưu (phiên bản 2)", "“Thư điện tử” vừa được người khác lưu là: moi@vidu.vn."} {
		if !strings.Contains(said, want) {
			t.Errorf("the page does not say %q: %s", want, said)
		}
	}
	if strings.Contains(said, "“Loại thẻ” vừa") {
		t.Errorf("the page asks about a field that only the other changed: %s", said)
	}
	for _, lost := range []string{"", "0", "-1", "99"} {
		v.Set("version", lost)
		if status, said, page := d.post("vi", "/desk/registers/cards/records/"+rec.ID, v); status != http.StatusConflict || !strings.Contains(page, `value="Nguyễn Bình An"`) {
			t.Errorf("without a version that is (%q): status %d: %.300s", lost, status, said)
		}
	}
	v.Set("version", "2")
	v.Set("address.street", "Hàng Bạc")
	v.Set("kind", "new")
	if status, said, _ := d.post("vi", "/desk/registers/cards/records/"+rec.ID, v); status != http.StatusSeeOther {
		t.Fatalf("status %d: %s", status, said)
	}
	now, err := d.Read(t.Context(), "cards", rec.ID)
	if err != nil || now.Version != 3 || now.Data["name"] != "Nguyễn Bình An" || now.Data["email"] != "khac@vidu.vn" || now.Data["kind"] != "new" {
		t.Errorf("%+v %v", now, err)
	}
}

func TestSearchSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for i := range 50 {
		if i == 49 {
			if _, said, _ := d.post("vi", "/desk/registers/cards", url.Values{"q": {"an"}}); strings.Contains(said, "Chỉ hiển thị") {
				t.Errorf("49 records are not all: %s", said)
			}
		}
		d.card(fmt.Sprintf("%03d", i), "Nguyễn An")
	}
	if _, said, _ := d.post("vi", "/desk/registers/cards", url.Values{"q": {"an"}}); !strings.Contains(said, "Chỉ hiển thị 50 bản ghi đầu tiên.") {
		t.Errorf("50 records seem to be all: %s", said)
	}
	for _, q := range []string{"an\x00", "\xff"} {
		status, said, page := d.post("en", "/desk/registers/cards", url.Values{"q": {q}})
		if status != http.StatusUnprocessableEntity || !strings.Contains(said, "have a character that cannot be written") || !strings.Contains(page, `href="#q"`) {
			t.Errorf("%q: status %d: %.300s", q, status, said)
		}
	}
	status, said, _ := d.send("vi", "/api/registers/cards/search", "application/json", strings.NewReader(`{"q":"an\u0000"}`))
	if status != http.StatusUnprocessableEntity || !strings.Contains(said, `"name":"q"`) || !strings.Contains(said, "ký tự điều khiển") {
		t.Errorf("the API: status %d: %s", status, said)
	}
}

func TestImportSpeaksToPeople(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	_, said, _ := d.send("vi", "/desk/registers/cards/import", "", nil)
	for _, want := range []string{"number Số thẻ Có", "email Thư điện tử Không", "address.street Đường Có"} {
		if !strings.Contains(said, want) {
			t.Errorf("the columns are not said: %q in %s", want, said)
		}
	}
	for csv, want := range map[string]string{
		"number,name\n001,\"An\n":        "Dòng 2: có dấu ngoặc kép (\") chưa đóng",
		"number,name\n001,An \"Bình\"\n": "Dòng 2: có dấu ngoặc kép (\") chưa đóng",
		"number;name\n001;An\n":          "ngăn cách các cột bằng dấu phẩy",
		"\xff\xfen\x00u\x00":             "chọn kiểu tệp “CSV UTF-8”",
		"":                               "Tệp trống.",
		"name\nAn\n":                     "Thiếu cột “number”",
		"number,name,address.street\n001,An,Hàng Bông,1\n":     "Dòng có 4 ô nhưng dòng đầu tiên có 3 cột.",
		"number,name,address.street,points\n001,An,a,x\n":      "2 points Ghi “Số điểm” là số nguyên",
		"number,name\n001,An\n":                                "2 address Thiếu trường “Địa chỉ”.",
		"number,name,address.street,kind\n001,An,a,odd\n":      "phải là một trong: old (cũ), new.",
		"number,name,address.street,email\n1,An,a,b\n":         "Ghi “Thư điện tử” là một địa chỉ thư điện tử",
		"number,name,address.street,email\n1,An,a,\u200b\n":    "2 number “Số thẻ” chưa đúng cách viết. Hãy viết như ví dụ này: 123",
		"number,name,address.street\n001,An <b>,Hàng Bông,1\n": "Bị từ chối",
	} {
		if _, said := d.upload("vi", csv, "nhập lần đầu"); !strings.Contains(said, want) {
			t.Errorf("%q: no %q in %s", csv, want, said)
		}
	}
	if status, said := d.upload("vi", "number\n", strings.Repeat("x", 1001)); status != http.StatusUnprocessableEntity || !strings.Contains(said, "Lý do dài 1001 ký tự, tối đa 1000 ký tự.") {
		t.Errorf("a long reason: status %d: %s", status, said)
	}
}
