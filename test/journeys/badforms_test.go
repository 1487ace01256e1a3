package journeys

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/app/play"
	"github.com/dinh-gov/dinh/blocks/identity"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/cmd/dinh/demo"
)

// wrong is something to send for one field.
type wrong struct {
	what   string
	values url.Values
	files  []part
}

const scriptText = `<script>alert(1)</script>`

// wrongs lists what people and attackers send for a field of its type. Each of
// it must be refused.
func wrongs(f services.Field) []wrong {
	one := func(what, v string) wrong { return wrong{what: what, values: url.Values{f.ID: {v}}} }
	var out []wrong
	if !f.Optional && f.Type != services.TypeFile && f.Type != services.TypeDate {
		out = append(out, one("nothing", ""), one("blanks", " \t  "), one("zero-width characters", "\u200b\u200d\ufeff"))
	}
	limit := f.MaxLength
	switch f.Type {
	case services.TypeName:
		out = append(out, one("too long", strings.Repeat("An ", 40)), one("digits", "Nguyễn 123"), one("a script", scriptText), one("emoji", "Nguyễn 😀"),
			one("one syllable", "An"), one("another script", "Нгуен Ван"), one("punctuation", "Nguyễn; DROP TABLE"), one("not UTF-8", "Nguyễn \xff\xfe"))
	case services.TypeText, services.TypeTextarea:
		if limit == 0 {
			limit = 4000
		}
		out = append(out, one("too long", strings.Repeat("ạ", limit+1)))
		if f.Pattern != "" {
			out = append(out, one("a script", scriptText), one("letters", "khong phai so"), one("emoji", "😀"), one("almost", "00109310020a"))
		}
	case services.TypeRadios, services.TypeSelect, services.TypeYesNo:
		out = append(out, one("not a choice", "không-có"), one("a script", scriptText), one("emoji", "😀"), one("very long", strings.Repeat("x", 5000)))
	case services.TypeEmail:
		for _, v := range []string{"x", "a@b", "a b@c.vn", "@c.vn", "a@", "a@x.vn, b@x.vn", "a@x.vn\r\nBcc: b@x.vn", scriptText + "@x.vn", "a@-x.vn", "a@x..vn", strings.Repeat("a", 300) + "@x.vn"} {
			out = append(out, one(fmt.Sprintf("%.40q", v), v))
		}
	case services.TypePhone:
		for _, v := range []string{"abc", "123", "0100000000", "090000012a", "09000001234567890", "😀", scriptText, "+1 202 555 0100"} {
			out = append(out, one(v, v))
		}
	case services.TypeDate:
		out = wrongDates(f)
	case services.TypeFile:
		out = wrongFiles(f)
	}
	return out
}

func wrongDates(f services.Field) []wrong {
	var out []wrong
	for _, d := range [][3]string{
		{"31", "2", "2026"}, {"0", "0", "0"}, {"1", "13", "2020"}, {"x", "y", "z"}, {"1", "1", "3026"}, {"-1", "5", "2026"}, {"1", "", "2026"}, {"1", "5", "26"},
		{"1", "1", "1800"}, {"1", "1", "99999999999999999999"}, {"1.5", "5", "2026"}, {"😀", "5", "2026"}, {"1", scriptText, "2026"}, {"\u200b", "\u200b", "\u200b"}, {"", "", ""},
	} {
		if f.Optional && d == [3]string{} {
			continue
		}
		out = append(out, wrong{what: strings.Join(d[:], "/"), values: url.Values{f.ID + "-day": {d[0]}, f.ID + "-month": {d[1]}, f.ID + "-year": {d[2]}}})
	}
	return out
}

func wrongFiles(f services.Field) []wrong {
	file := func(what, name, kind string, data []byte) wrong {
		return wrong{what: what, files: []part{{f.ID, name, kind, data}}}
	}
	whole := demo.Portrait().Data
	out := []wrong{
		file("an empty file", "a.jpg", "image/jpeg", nil),
		file("10 MB", "a.jpg", "image/jpeg", append(slices.Clone(whole), make([]byte, 10<<20)...)),
		file("text named as a picture", "a.jpg", "image/jpeg", []byte("xin chào")),
		file("a page named as a picture", "a.jpg", "image/jpeg", []byte("<html>"+scriptText)),
		file("half a picture", "a.jpg", "image/jpeg", whole[:len(whole)/3]),
		file("a drawing with a script", "a.svg", "image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)),
		file("a GIF that is a script too", "a.jpg", "image/jpeg", []byte("GIF89a/*"+strings.Repeat("x", 50)+"*/=1;alert(1)")),
		file("a program", "a.jpg", "image/jpeg", append([]byte("MZ\x90\x00"), make([]byte, 500)...)),
		file("an archive", "a.pdf", "application/pdf", append([]byte("PK\x03\x04"), make([]byte, 500)...)),
		file("only a PNG's beginning", "a.png", "image/png", []byte("\x89PNG\r\n\x1a\n0000")),
		file("a picture that claims to be huge", "a.png", "image/png", hugePNG()),
		file("only a PDF's beginning", "a.pdf", "application/pdf", []byte("%PDF-1.7\n")),
	}
	if !f.Optional {
		out = append(out, wrong{what: "no file"}, file("no file, an empty part", "", "application/octet-stream", nil))
	}
	if f.Image != nil {
		var b bytes.Buffer
		_ = png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 20, 20))) // a bytes.Buffer takes everything
		out = append(out, file("a tiny picture", "a.png", "image/png", b.Bytes()))
	}
	return out
}

// hugePNG has a header of 60000 × 60000 pixels and hardly any data.
func hugePNG() []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 1, 1))) // a bytes.Buffer takes everything
	out := b.Bytes()
	copy(out[16:24], []byte{0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60})
	return out
}

// ago is a day of the last weeks.
func ago(days int) string { return time.Now().AddDate(0, 0, -days).Format(time.DateOnly) }

// right is an answer that a page takes.
func right(f services.Field) string {
	return map[string]string{
		"child.full_name": "Nguyễn Bình An", "father.full_name": "Nguyễn Văn Bình", "father.number": "001093100999", "father.birth_date": "1990-02-03",
		"father.acknowledges": "yes", "child.birth_date": ago(10), "child.birth_place": "Trạm y tế xã", "residence.wish": "Ở cùng mẹ", "licence.correct": "yes",
		"fitness.examined_on": ago(20), "contact.email": "me@vidu.example", "contact.phone": "0900000123", "contact.delivery": "post", "delivery.card": "post",
		"contact.address": "Số 1 " + scriptText, "delivery.address": "Số 1 " + scriptText,
	}[f.ID]
}

// formTour goes through a service page by page and tries everything wrong on
// the way.
type formTour struct {
	h      *house
	def    *services.Service
	who    string
	seen   map[string]int // wrong things tried, by field
	root   string
	say    map[string]*caller
	person *play.Browser
}

// TestWrongAnswersInForms sends everything wrong for every field of both
// services. Each page answers 422 with a sentence about that field, in the
// reader's language, and keeps nothing.
func TestWrongAnswersInForms(t *testing.T) {
	t.Parallel()
	h := own(t)
	seen := map[string]int{}
	for service, people := range map[string][]string{"birth": birthPeople(t, h), "licence": {"tuan"}} {
		def, err := h.Services.Live(t.Context(), service)
		if err != nil {
			t.Fatal(err)
		}
		for _, who := range people {
			tour := &formTour{h: h, def: def, who: who, seen: seen, person: h.browser(t, who), say: map[string]*caller{"vi": h.caller(t, who), "en": h.caller(t, who)}}
			tour.say["vi"].lang = "vi"
			tour.run(t)
		}
		for _, p := range def.Definition.Pages {
			for _, f := range p.Fields {
				if len(wrongs(f)) > 0 && seen[f.ID] == 0 {
					t.Errorf("%s: nobody was asked %s, so nothing wrong was sent for it", service, f.ID)
				}
			}
		}
	}
	total := 0
	for _, n := range seen {
		total += n
	}
	t.Logf("%d wrong answers to %d fields", total, len(seen))
}

// birthPeople finds mothers in the registers who between them are asked every
// question: unmarried and without a notice, with temporary residence, with a
// husband of another people and home town.
func birthPeople(t *testing.T, h *house) []string {
	t.Helper()
	w := h.world()
	type mother struct{ ethnicity, hometown string }
	women := map[string]mother{}
	for r := range w.Records("population") {
		if r["sex"] == "female" && fmt.Sprint(r["birth_date"]) < "2000" {
			women[fmt.Sprint(r["number"])] = mother{fmt.Sprint(r["ethnicity"]), fmt.Sprint(r["hometown"])}
		}
	}
	single := ""
	differs := map[string]string{}
	married := map[string]bool{}
	for r := range w.Records("marriages") {
		wife := fmt.Sprint(r["wife"])
		married[wife] = true
		if m, ok := women[wife]; ok && r["status"] == "valid" {
			if fmt.Sprint(r["husband_ethnicity"]) != m.ethnicity {
				differs["ethnicity"] = wife
			}
			if fmt.Sprint(r["husband_hometown"]) != m.hometown {
				differs["hometown"] = wife
			}
		}
	}
	busy := map[string]bool{}
	for r := range w.Records("birth-notices") {
		busy[fmt.Sprint(r["mother"])] = true
	}
	for r := range w.Records("population") {
		if n := fmt.Sprint(r["number"]); !married[n] && !busy[n] && women[n] != (mother{}) {
			single = n
		}
	}
	out := []string{"thu"}
	for id, number := range map[string]string{"single": single, "other-people": differs["ethnicity"], "other-home": differs["hometown"]} {
		if number == "" {
			continue
		}
		if err := h.Identity.AddSample(t.Context(), identity.Sample{ID: id, Number: number, Name: id}); err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	return out
}

func (tour *formTour) run(t *testing.T) {
	t.Helper()
	page, err := tour.person.Begin(t.Context(), tour.def.ID)
	if err != nil {
		t.Fatalf("%s: %v", tour.who, err)
	}
	tour.root = strings.Join(strings.Split(strings.Split(page.Path, "?")[0], "/")[:3], "/")
	for _, p := range tour.def.Definition.Pages {
		if page, err = tour.person.Get(t.Context(), tour.root+"/p/"+p.ID); err != nil {
			t.Fatalf("%s: %v", tour.who, err)
		}
		form := page.Form(tour.root + "/p/" + p.ID)
		if form == nil {
			continue // not asked of this person
		}
		for _, f := range p.Fields {
			if asks(form, f) && tour.seen[f.ID] == 0 {
				tour.field(t, p, f)
			}
		}
		tour.answer(t, p)
	}
	check, err := tour.person.Get(t.Context(), tour.root+"/check")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(check.Body, []byte(scriptText)) || check.Form(tour.root+"/submit") == nil {
		t.Errorf("%s: the last page runs what was typed, or cannot be sent: %s", tour.who, check.Text())
	}
	tour.rough(t)
}

func asks(form *play.Form, f services.Field) bool {
	return form.Has(f.ID) || form.Has(f.ID+"-day")
}

// fill is the page's form with right answers and one field left out.
func (tour *formTour) fill(t *testing.T, p services.Page, without string) (url.Values, []part) {
	t.Helper()
	page, err := tour.person.Get(t.Context(), tour.root+"/p/"+p.ID)
	if err != nil {
		t.Fatal(err)
	}
	form := page.Form(tour.root + "/p/" + p.ID)
	values := url.Values{}
	for name, v := range form.Values {
		values[name] = v
	}
	answers := play.Answers{}
	for _, f := range p.Fields {
		if v := right(f); v != "" {
			answers[f.ID] = v
		}
	}
	for name, v := range form.Fill(answers) {
		values[name] = v
	}
	var files []part
	for _, f := range p.Fields {
		if f.Type == services.TypeFile && form.Has(f.ID) && f.ID != without && !f.Optional {
			files = append(files, part{f.ID, "a.jpg", "image/jpeg", demo.Portrait().Data})
		}
	}
	for _, name := range []string{without, without + "-day", without + "-month", without + "-year"} {
		values.Del(name)
	}
	return values, files
}

// field sends everything wrong for one field, in both languages.
func (tour *formTour) field(t *testing.T, p services.Page, f services.Field) {
	t.Helper()
	path := tour.root + "/p/" + p.ID
	before := tour.kept(t, p, f)
	for _, w := range wrongs(f) {
		values, files := tour.fill(t, p, f.ID)
		for name, v := range w.values {
			values[name] = v
		}
		files = append(files, w.files...)
		tour.seen[f.ID]++
		at := fmt.Sprintf("%s, %s: %s", tour.who, f.ID, w.what)
		said := map[string]string{}
		for lang, c := range tour.say {
			if len(w.files) > 0 && len(w.files[0].data) > 5<<20 && lang == "en" {
				continue // once is enough for what takes long
			}
			a := c.upload(t, path, values, files...)
			if a.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: status %d, location %q", at, a.Status, a.Location)
				return // the answer was taken: nothing after it means anything
			}
			said[lang] = tour.specific(t, at, f, a)
		}
		if said["vi"] == said["en"] {
			t.Errorf("%s: says the same in both languages: %s", at, said["vi"])
		}
		if now := tour.kept(t, p, f); now != before {
			t.Errorf("%s: %s was kept, before it was %s", at, now, before)
			return
		}
	}
}

// kept is what the house holds of one field: what the page shows when it is
// opened again. Right answers beside a wrong one are kept, so that nobody types
// them twice.
func (tour *formTour) kept(t *testing.T, p services.Page, f services.Field) string {
	t.Helper()
	page, err := tour.person.Get(t.Context(), tour.root+"/p/"+p.ID)
	if err != nil {
		t.Fatal(err)
	}
	form := page.Form(tour.root + "/p/" + p.ID)
	if form == nil {
		return "the page is gone"
	}
	var b strings.Builder
	for _, part := range []string{"", "-day", "-month", "-year"} {
		fmt.Fprintf(&b, "%q ", form.Values[f.ID+part])
	}
	if f.Type == services.TypeFile {
		fmt.Fprint(&b, tour.say["en"].get(t, tour.root+"/files/"+f.ID).Status)
	}
	return b.String()
}

// saved counts what was ever saved of the application.
func (tour *formTour) saved(t *testing.T) string {
	t.Helper()
	return tour.h.one(t, `SELECT version FROM forms_application WHERE id = $1`, last(tour.root))
}

// specific checks that a page speaks of the field, and gives its sentence.
func (tour *formTour) specific(t *testing.T, at string, f services.Field, a answer) string {
	t.Helper()
	page := &play.Page{Body: []byte(a.Body)}
	errors := page.Errors()
	if len(errors) == 0 || strings.Contains(a.Body, "⟦") {
		t.Errorf("%s: no sentence: %v", at, errors)
		return ""
	}
	if len(page.Links("#"+f.ID)) == 0 {
		t.Errorf("%s: no error leads to the field: %v", at, errors)
	}
	for _, e := range errors {
		if len(strings.Fields(e)) < 2 {
			t.Errorf("%s: not a sentence: %q", at, e)
		}
	}
	if strings.Contains(a.Body, scriptText) {
		t.Errorf("%s: the page would run what was typed", at)
	}
	return strings.Join(errors, "; ")
}

// answer gives the page what it wants. A picture with a script behind it is
// taken, but only the picture is kept.
func (tour *formTour) answer(t *testing.T, p services.Page) {
	t.Helper()
	for range 2 { // a choice may ask more
		values, files := tour.fill(t, p, "")
		for i := range files {
			files[i].data = append(slices.Clone(files[i].data), []byte(scriptText)...)
		}
		a := tour.say["en"].upload(t, tour.root+"/p/"+p.ID, values, files...)
		if a.Status == http.StatusSeeOther && !strings.HasSuffix(strings.Split(a.Location, "?")[0], "/p/"+p.ID) {
			tour.pictures(t, p, files)
			return
		}
	}
	values, files := tour.fill(t, p, "")
	a := tour.say["en"].upload(t, tour.root+"/p/"+p.ID, values, files...)
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%s: right answers to %s are not taken: %d %v", tour.who, p.ID, a.Status, (&play.Page{Body: []byte(a.Body)}).Errors())
	}
}

func (tour *formTour) pictures(t *testing.T, p services.Page, files []part) {
	t.Helper()
	for _, f := range files {
		a := tour.say["en"].get(t, tour.root+"/files/"+f.field)
		if a.Status != http.StatusOK || strings.Contains(a.Body, "script") {
			t.Errorf("%s, %s: the script behind the picture was kept (status %d)", p.ID, f.field, a.Status)
		}
		if _, err := jpeg.Decode(strings.NewReader(a.Body)); err != nil {
			t.Errorf("%s, %s: the picture was lost: %v", p.ID, f.field, err)
		}
		if a.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s, %s: a browser may show what was uploaded: %v", p.ID, f.field, a.Header)
		}
	}
}

// rough sends what no form would: the whole request is wrong.
func (tour *formTour) rough(t *testing.T) {
	t.Helper()
	c, before := tour.say["en"], tour.saved(t)
	path := tour.root + "/p/" + tour.def.Definition.Pages[0].ID
	many := url.Values{}
	for i := range 2000 {
		many.Set(fmt.Sprintf("x%d", i), "1")
	}
	for what, a := range map[string]answer{
		"JSON":                  c.json(t, http.MethodPost, path, `{"child.full_name":"A"}`),
		"half a multipart":      c.do(t, request{method: http.MethodPost, path: path, kind: "multipart/form-data; boundary=x", body: strings.NewReader("--x\r\nContent-Dispo")}),
		"no boundary":           c.do(t, request{method: http.MethodPost, path: path, kind: "multipart/form-data", body: strings.NewReader("--x")}),
		"bad percent signs":     c.do(t, request{method: http.MethodPost, path: path, kind: "application/x-www-form-urlencoded", body: strings.NewReader("a=%zz&version=1")}),
		"2000 parts":            c.upload(t, path, many),
		"an unknown page":       c.post(t, tour.root+"/p/khong-co", nil),
		"an unknown file field": c.get(t, tour.root+"/files/khong-co"),
		"submit without a tick": c.post(t, tour.root+"/submit", nil),
		"resubmit of a draft":   c.post(t, tour.root+"/resubmit", nil),
	} {
		if a.Status >= 500 || a.Status == http.StatusOK {
			t.Errorf("%s: %s: status %d\n%.300s", tour.who, what, a.Status, a.Body)
		}
		if strings.Contains(a.Body, "⟦") {
			t.Errorf("%s: %s: a message is missing", tour.who, what)
		}
	}
	if now := tour.saved(t); now != before {
		t.Errorf("%s: something was kept: version %s, then %s", tour.who, before, now)
	}
	if n := tour.h.one(t, `SELECT count(*) FROM cases_case WHERE application = $1`, last(tour.root)); n != "0" {
		t.Errorf("%s: a case was opened", tour.who)
	}
}
