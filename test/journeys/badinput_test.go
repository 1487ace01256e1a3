package journeys

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// generic are sentences that say nothing about what was wrong.
func generic(h *house, said string) bool {
	for _, l := range i18n.Langs {
		for _, kind := range []string{"invalid", "internal", "not_found"} {
			if key := "error.kind." + kind; h.Catalog.Has(key) && strings.Contains(said, h.Catalog.T(l, key)) {
				return true
			}
		}
	}
	return false
}

// said is what an answer says is wrong: the error summary of a page, or a
// problem's detail and fields.
func said(a answer) string {
	if strings.HasPrefix(a.Type, "text/html") {
		page := &play.Page{Body: []byte(a.Body)}
		if e := page.Errors(); len(e) > 0 {
			return strings.Join(e, "; ")
		}
		return page.Heading() + ": " + page.Text()
	}
	return a.Body
}

// refusedIn sends something wrong in both languages and holds the answers to
// it: 4xx, a sentence of its own, in the reader's language.
func refusedIn(t *testing.T, h *house, at string, send func(lang string) answer) {
	t.Helper()
	words := map[string]string{}
	for _, lang := range []string{"vi", "en"} {
		a := send(lang)
		words[lang] = said(a)
		if a.Status < 400 || a.Status >= 500 {
			t.Errorf("%s (%s): status %d, location %q: %.300s", at, lang, a.Status, a.Location, words[lang])
			return
		}
		if strings.Contains(a.Body, "⟦") || runs(a) || generic(h, words[lang]) {
			t.Errorf("%s (%s): %.400s", at, lang, words[lang])
		}
	}
	if words["vi"] == words["en"] {
		t.Errorf("%s: the same in both languages: %.200s", at, words["vi"])
	}
}

// runs says whether a browser would run what was typed.
func runs(a answer) bool {
	return strings.Contains(a.Body, scriptText) && (strings.HasPrefix(a.Type, "text/html") || a.Header.Get("X-Content-Type-Options") != "nosniff")
}

func (c *caller) in(lang string) *caller {
	other := *c
	other.lang = lang
	return &other
}

// readers say who may call an API that takes a body, and what it takes.
var readers = map[string]struct{ who, takes string }{
	"POST /api/registers/{register}/records":               {"register-moj", "json"},
	"PATCH /api/registers/{register}/records/{id}":         {"register-moj", "json"},
	"POST /api/registers/{register}/import":                {"register-moj", "csv"},
	"POST /api/registers/{register}/search":                {"register-moj", "json"},
	"POST /api/exchange/grants":                            {"granter", "json"},
	"POST /api/exchange/log/search":                        {"granter", "json"},
	"POST /api/exchange/log/evidence":                      {"granter", "json"},
	"POST /api/exchange/grants/{id}/revoke":                {"granter", "json"},
	"POST /api/directory/requests":                         {"", "json"},
	"POST /api/directory/follow/{secret}/challenge":        {"", "nothing"},
	"POST /api/directory/follow/{secret}/proof":            {"", "json"},
	"POST /api/directory/renewals":                         {"", "json"},
	"POST /api/directory/rotations":                        {"", "json"},
	"POST /api/directory/requests/{id}/approve":            {"granter", "nothing"},
	"POST /api/directory/requests/{id}/refuse":             {"granter", "json"},
	"POST /api/directory/members/{class}/{code}/{measure}": {"granter", "json"},
	"POST /api/identity/passkeys/register/begin":           {"mai", "nothing"},
	"POST /api/identity/passkeys/register/finish":          {"mai", "json"},
	"POST /api/identity/passkeys/login/begin":              {"", "nothing"},
	"POST /api/identity/passkeys/login/finish":             {"", "json"},
	"POST /api/transparency/inspections":                   {"protection", "json"},
	"POST /api/payments/bills/{id}/pay":                    {"hung", "nothing"},
	"POST /api/exchange/requests":                          {"granter", "json"},
	"POST /api/exchange/requests/{id}/decide":              {"granter", "json"},
	"POST /api/exchange/services/publish":                  {"granter", "json"},
	"POST /api/exchange/services/disable":                  {"granter", "json"},
	"POST /api/exchange/services/enable":                   {"granter", "json"},
	"POST /api/exchange/services/health":                   {"granter", "json"},
	"PUT /api/exchange/webhooks":                           {"granter", "json"},
	"DELETE /api/exchange/webhooks":                        {"granter", "json"},
	"POST /api/exchange/client-keys":                       {"granter", "json"},
	"POST /api/exchange/client-keys/{id}/revoke":           {"granter", "nothing"},
	"POST /api/exchange/groups":                            {"granter", "json"},
	"POST /api/exchange/groups/members":                    {"granter", "json"},
	"POST /api/exchange/groups/remove":                     {"granter", "json"},
	"POST /oauth/token":                                    {"", "a form"},
}

// TestWrongBodies sends every API what it cannot read.
func TestWrongBodies(t *testing.T) {
	h, s := shared(t), played(t)
	if err := h.Identity.AddOfficer(t.Context(), identity.Officer{ID: "granter", Name: "Đinh Văn Cấp", Member: "GOV/MPS", Roles: []string{"grants-officer", "exchange-auditor", "exchange-registrar"}, Email: "granter@vidu.example"}); err != nil {
		t.Fatal(err)
	}
	if err := h.Identity.AddSample(t.Context(), identity.Sample{ID: "granter", Officer: "granter", Name: "Đinh Văn Cấp"}); err != nil {
		t.Fatal(err)
	}
	before := s.stands(t, h)
	bodies := map[string]string{
		"nothing": "", "cut off": `{"data": {"a":`, "a list": `[]`, "a number": `5`, "a word": `"x"`, "null": `null`, "no JSON": `data=1`, "two values": `{} {}`,
		"an unknown field": `{"khong_co": 1}`, "wrong types": `{"data": 5, "reason": [], "number": {}, "client": 1, "version": "một"}`, "nothing in it": `{}`,
		"not UTF-8": "{\"reason\": \"\xff\xfe\"}", "deep": strings.Repeat(`{"data":`, 20000) + "1" + strings.Repeat("}", 20000), "huge": `{"reason":"` + strings.Repeat("x", 2<<20) + `"}`,
		"a NUL": `{"reason": "a\u0000b", "data": {"child_name": "a\u0000"}, "number": "\u0000", "client": "\u0000", "service": "\u0000"}`,
	}
	for _, r := range h.Routes() {
		if r.Page || isOutside(r.Path) || r.Method == http.MethodGet {
			continue
		}
		reader, ok := readers[r.Method+" "+r.Path]
		if !ok {
			t.Errorf("%s: say in readers who calls it and what it takes", r.Pattern())
			continue
		}
		if reader.takes != "json" {
			continue
		}
		c := h.caller(t, reader.who)
		for what, body := range bodies {
			refusedIn(t, h, r.Method+" "+r.Path+": "+what, func(lang string) answer { return c.in(lang).json(t, r.Method, s.fill(r), body) })
		}
		a := c.do(t, request{method: r.Method, path: s.fill(r), kind: "text/plain", body: strings.NewReader(`{}`)})
		if a.Status != http.StatusUnsupportedMediaType && a.Status != http.StatusBadRequest {
			t.Errorf("%s as text: status %d: %.200s", r.Pattern(), a.Status, a.Body)
		}
	}
	if after := s.stands(t, h); after != before {
		t.Errorf("something was kept:\nbefore %s\nafter  %s", before, after)
	}
}

// oddIDs stand where an address names something.
var oddIDs = []string{"0", "-1", "khong-co", "'; DROP TABLE cases_case; --", "%00", "a%00b", "%ff%fe", "..%2f..%2fetc%2fpasswd", "%F0%9F%98%80", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", strings.Repeat("a", 3000)}

// TestOddAddresses opens every page and API with names that nothing has, and
// with odd questions behind them.
func TestOddAddresses(t *testing.T) {
	h, s := shared(t), played(t)
	people := []*caller{h.caller(t, "mai"), h.caller(t, "registrar-1"), h.caller(t, "register-moj"), h.caller(t, "")}
	questions := []string{"q=%00", "q=%ff", "q=" + strings.Repeat("%E1%BA%A1", 2000), "q=%3Cscript%3Ealert(1)%3C%2Fscript%3E", "page=-1&q=a", "page=99999999999999999999", "page=a&limit=-5", "limit=99999999999999999999", "only=%00&view=%00&queue=%00&news=%00", "from=x&until=y", "from=2026-02-31", "child=%00&who=%00&purpose=%00&before=%00", "before=khong-co", "next=https://evil.example", "next=//evil.example", "next=%00"}
	n := 0
	for _, r := range h.Routes() {
		if r.Method != http.MethodGet || r.Path == "/r1/" {
			continue
		}
		var paths []string
		if strings.Contains(r.Path, "{") && !strings.Contains(r.Path, "{$}") {
			for _, odd := range oddIDs {
				paths = append(paths, oddPath(r, odd))
			}
		}
		for _, q := range questions {
			paths = append(paths, s.fill(r)+"?"+q)
		}
		for _, path := range paths {
			for i, c := range people {
				a := c.get(t, path)
				n++
				at := fmt.Sprintf("%d: GET %.120s", i, path)
				if a.Status >= 500 && a.Status != http.StatusServiceUnavailable {
					t.Errorf("%s: status %d: %.300s", at, a.Status, said(a))
				}
				if strings.Contains(a.Body, "⟦") || runs(a) || strings.HasPrefix(a.Location, "//") || strings.HasPrefix(a.Location, "https:") {
					t.Errorf("%s: location %q: %.300s", at, a.Location, said(a))
				}
			}
		}
	}
	t.Logf("%d calls", n)
}

func oddPath(r httpx.Route, odd string) string {
	var out []string
	for _, part := range strings.Split(r.Path, "/") {
		if strings.HasPrefix(part, "{") {
			part = odd
		}
		out = append(out, part)
	}
	return strings.Join(out, "/")
}

// TestWrongForms sends the smaller forms what they must not take.
func TestWrongForms(t *testing.T) {
	h, s := shared(t), played(t)
	before := s.stands(t, h)
	nobody, register, registrar, driver := h.caller(t, ""), h.caller(t, "register-moj"), h.caller(t, "registrar-1"), h.caller(t, "hung")
	record := "/desk/registers/births/records/" + s.record
	odd := []string{"", " ", "abc", "123", scriptText, "😀", "\u200b", "\x00", "\xff", strings.Repeat("9", 5000)}
	for _, c := range []struct {
		who    *caller
		path   string
		values url.Values
		field  string
		wrong  []string
	}{
		{nobody, "/sign-in", nil, "number", odd},
		{nobody, "/register", url.Values{"name": {"Nguyễn Văn An"}, "born-day": {"1"}, "born-month": {"1"}, "born-year": {"1990"}}, "number", odd},
		{nobody, "/register", url.Values{"number": {"001195100101"}, "born-day": {"1"}, "born-month": {"1"}, "born-year": {"1990"}}, "name", []string{"", "  "}},
		{nobody, "/register", url.Values{"number": {"001195100101"}, "name": {"An"}, "born-day": {"31"}, "born-month": {"2"}}, "born-year", []string{"", "1990", "x", "99999999999999"}},
		{nobody, "/desk/sign-in", nil, "officer", []string{"", "  "}},
		{nobody, "/sign-in/code", nil, "code", odd},
		{nobody, "/verify", nil, "code", odd},
		{nobody, "/verify/receipt", nil, "text", odd},
		{driver, "/sandbox-card/" + s.card, url.Values{"expiry": {"12/99"}, "code": {"123"}, "name": {"A"}}, "number", odd},
		{driver, "/sandbox-card/" + s.card, url.Values{"number": {"4444333322221111"}, "code": {"123"}, "name": {"A"}}, "expiry", append(odd, "99/99", "13/30", "01/20")},
		{driver, "/sandbox-card/" + s.card, url.Values{"number": {"4444333322221111"}, "expiry": {"12/99"}, "name": {"A"}}, "code", []string{"", " ", "abc", "12", "12345", scriptText, "😀", "\u200b"}},
		{driver, "/sandbox-card/" + s.card, url.Values{"number": {"4444333322221111"}, "expiry": {"12/99"}, "code": {"123"}}, "name", []string{"", "  ", "123", "😀", "\u200b"}},
		{register, record, url.Values{"version": {"1"}}, "reason", []string{"", "  "}},
		{register, record, url.Values{"version": {"1"}, "reason": {"sửa lỗi chính tả"}}, "child_name", []string{"", "123", scriptText, strings.Repeat("An ", 500)}},
		{register, record, url.Values{"reason": {"sửa lỗi chính tả"}, "child_name": {"Trần Văn Khác"}}, "version", []string{"", "x", "-1", "99999999999999999999"}},
		{registrar, s.casePath + "/do/approve", nil, "_version", []string{"", "x", "-1", "99999999999999999999"}},
		{registrar, s.casePath + "/do/khong-co", nil, "_version", []string{"1"}},
		{nobody, "/sign-in/demo", nil, "sample", []string{"", "abc", scriptText, "😀"}},
	} {
		for _, w := range c.wrong {
			values := url.Values{}
			for name, v := range c.values {
				values[name] = v
			}
			values.Set(c.field, w)
			refusedIn(t, h, fmt.Sprintf("POST %s %s=%.30q", c.path, c.field, w), func(lang string) answer { return c.who.in(lang).post(t, c.path, values) })
		}
	}
	for _, noText := range []string{"\x00", "\xff"} { // nothing takes these apart but the database
		if a := nobody.post(t, "/sign-in/demo", url.Values{"sample": {noText}}); a.Status < 400 || a.Status >= 500 {
			t.Errorf("signing in as %q: status %d", noText, a.Status)
		}
		if a := register.json(t, http.MethodPatch, "/api/registers/births/records/"+s.record, `{"version":1,"reason":"sửa`+strings.ReplaceAll(noText, "\x00", `\u0000`)+`","data":{"birth_place":"Hà\u0000 Nội"}}`); a.Status < 400 || a.Status >= 500 {
			t.Errorf("a record with %q: status %d %s", noText, a.Status, a.Body)
		}
	}
	if after := s.stands(t, h); after != before {
		t.Errorf("something was kept:\nbefore %s\nafter  %s", before, after)
	}
	if bill, err := h.Payments.Find(t.Context(), s.bill); err != nil || bill.State != "open" {
		t.Errorf("the bill is %s: %v", bill.State, err)
	}
}

// TestWrongDecisions sends officers' actions without what they need.
func TestWrongDecisions(t *testing.T) {
	h, s := shared(t), played(t)
	c := h.caller(t, "registrar-2")
	if a := c.post(t, s.casePath+"/claim", nil); a.Status != http.StatusSeeOther {
		t.Fatalf("claiming: %d %s", a.Status, said(a))
	}
	defer c.post(t, s.casePath+"/unclaim", nil)
	before := h.one(t, `SELECT version FROM cases_case WHERE id = $1`, last(s.casePath))
	for _, w := range []struct {
		action string
		values url.Values
	}{
		{"return", url.Values{}}, {"return", url.Values{"_message": {"Xin bổ sung"}}}, {"return", url.Values{"_fields": {"child.full_name"}}},
		{"return", url.Values{"_fields": {"khong.co"}, "_message": {"Xin bổ sung"}}}, {"return", url.Values{"_fields": {"child.full_name"}, "_message": {strings.Repeat("ạ", 20000)}}},
		{"refuse", url.Values{}}, {"refuse", url.Values{"_reason": {"khong-co"}, "_message": {"x"}}}, {"refuse", url.Values{"_reason": {scriptText}}},
		{"refuse", url.Values{"_reason": {"false_information"}, "_message": {strings.Repeat("x", 20000)}}},
	} {
		w.values.Set("_version", before)
		refusedIn(t, h, fmt.Sprintf("%s %.60q", w.action, fmt.Sprint(w.values)), func(lang string) answer { return c.in(lang).post(t, s.casePath+"/do/"+w.action, w.values) })
	}
	if after := h.one(t, `SELECT version FROM cases_case WHERE id = $1`, last(s.casePath)); after != before {
		t.Errorf("the case moved from version %s to %s", before, after)
	}
}

// TestWrongUploads gives the public pages that judge files what is no such file.
func TestWrongUploads(t *testing.T) {
	h, s := shared(t), played(t)
	c := h.caller(t, "")
	genuine := h.caller(t, "mai").get(t, "/my-documents/"+s.document+"/file.pdf")
	pdf := []byte(genuine.Body)
	flipped := slices.Clone(pdf)
	flipped[bytes.Index(pdf, []byte("stream"))+40] ^= 1
	for what, data := range map[string][]byte{
		"an empty file": {}, "text": []byte("xin chào"), "a picture": demo.Portrait().Data, "half a document": pdf[:len(pdf)/2], "a changed document": flipped,
		"a document with more behind it": append(slices.Clone(pdf), "\n%%EOF\n<script>"...), "a PDF without a signature": []byte("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"),
		"a PDF that lies about ranges": []byte("%PDF-1.7\n1 0 obj<</Type/Sig/ByteRange[0 99999999999 -5 9223372036854775807]/Contents<00>>>endobj\n%%EOF"),
		"10 MB":                        make([]byte, 10<<20+1),
	} {
		for _, lang := range []string{"vi", "en"} {
			a := c.in(lang).upload(t, "/verify", nil, part{"file", "x.pdf", "application/pdf", data})
			if a.Status >= 500 || strings.Contains(a.Body, `data-verified="yes"`) || strings.Contains(a.Body, "⟦") || a.Status == http.StatusOK && !strings.Contains(a.Body, `data-verified="no"`) {
				t.Errorf("%s: status %d: %.300s", what, a.Status, said(a))
			}
		}
		if len(data) > 10<<20 {
			continue
		}
		refusedIn(t, h, "a receipt that is "+what, func(lang string) answer {
			return c.in(lang).upload(t, "/verify/receipt", nil, part{"file", "x.json", "application/json", data})
		})
	}
	if a := c.upload(t, "/verify", nil, part{"file", "x.pdf", "application/pdf", pdf}); !strings.Contains(a.Body, `data-verified="yes"`) {
		t.Errorf("the genuine document: %d %.300s", a.Status, said(a))
	}
	for what, text := range map[string]string{"an empty object": `{}`, "a list": `[1]`, "deep": strings.Repeat("[", 30000), "wrong types": `{"event": 5, "key": [], "proof": {}}`, "made up": `{"v":1,"event":{"v":1},"key":"AAAA","proof":"c2sp.org/tlog-proof@v1\nindex 0\n\n"}`} {
		refusedIn(t, h, "a receipt that is "+what, func(lang string) answer {
			return c.in(lang).upload(t, "/verify/receipt", nil, part{"file", "x.json", "application/json", []byte(text)})
		})
	}
	if a := c.upload(t, "/verify", nil, part{"file", "x.pdf", "application/pdf", make([]byte, 13<<20)}); a.Status != http.StatusRequestEntityTooLarge && a.Status != http.StatusUnprocessableEntity {
		t.Errorf("13 MB: status %d", a.Status)
	}
}

// TestWrongImports gives the import of a register files that it must not take:
// by page and by API. No row of them is entered.
func TestWrongImports(t *testing.T) {
	h := shared(t)
	c := h.caller(t, "register-moh")
	before := h.one(t, `SELECT count(*) FROM registers_record WHERE register = 'fitness-certificates'`)
	heads := "certificate_no,holder,holder_name"
	for what, file := range map[string][]byte{
		"empty": {}, "only a head": []byte(heads + "\n"), "no CSV": []byte("\"x\n\"y\"z"), "a picture": demo.Portrait().Data, "not UTF-8": []byte(heads + "\nSK-1,\xff\xfe,x\n"), "NUL": []byte(heads + "\nSK-1,\x00,x\n"),
		"an unknown column": []byte("khong_co,certificate_no\n1,2\n"), "a column twice": []byte("certificate_no,certificate_no\n1,2\n"), "rows of other lengths": []byte(heads + "\n1\n1,2,3,4,5\n"),
		"wrong values": []byte(heads + "\nabc,123,<script>\n" + strconv.Itoa(5) + ",,\n"), "a formula": []byte(heads + "\n=cmd|' /C calc'!A0,1,2\n"),
		"a very long line": []byte(heads + "\n" + strings.Repeat("x", 3<<20) + ",1,2\n"),
	} {
		for _, lang := range []string{"vi", "en"} {
			page := c.in(lang).upload(t, "/desk/registers/fitness-certificates/import", url.Values{"reason": {"thử nhập"}}, part{"file", "a.csv", "text/csv", file})
			api := c.in(lang).do(t, request{method: http.MethodPost, path: "/api/registers/fitness-certificates/import?reason=thu", kind: "text/csv", body: bytes.NewReader(file)})
			for kind, a := range map[string]answer{"page": page, "API": api} {
				if a.Status >= 500 || strings.Contains(a.Body, "⟦") || generic(h, said(a)) || strings.Contains(a.Body, "<script>alert") {
					t.Errorf("%s (%s): status %d: %.300s", what, kind, a.Status, said(a))
				}
			}
		}
	}
	refusedIn(t, h, "no file", func(lang string) answer {
		return c.in(lang).upload(t, "/desk/registers/fitness-certificates/import", url.Values{"reason": {"thử"}})
	})
	refusedIn(t, h, "no reason", func(lang string) answer {
		return c.in(lang).do(t, request{method: http.MethodPost, path: "/api/registers/fitness-certificates/import", kind: "text/csv", body: strings.NewReader(heads + "\n1,2,3\n")})
	})
	if after := h.one(t, `SELECT count(*) FROM registers_record WHERE register = 'fitness-certificates'`); after != before {
		t.Errorf("there were %s records, now %s", before, after)
	}
}
