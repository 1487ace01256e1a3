package forms_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/forms"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/blob"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/web"
)

const (
	an    = "001090000001" // in the registers
	binh  = "001090000002" // too
	ghost = "001090000009" // in none
)

// registers answer evidence from memory.
type registers struct {
	mu    sync.Mutex
	asked []forms.Fetch
	down  map[string]bool // by evidence id
	email string
	world map[string]any // by evidence id; nil: the usual
}

func (r *registers) Fetch(_ context.Context, f forms.Fetch) ([]services.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, f)
	if r.down[f.Evidence.ID] {
		return nil, errs.New(errs.Unavailable, "exchange.provider_down")
	}
	switch {
	case r.world != nil:
		return recordsOf(r.world[f.Evidence.ID]), nil
	case f.Evidence.ID == "school":
		return []services.Record{{ID: "s-" + f.Where["code"], Data: map[string]any{"name": "Trường Chu Văn An"}}}, nil
	case f.Where["number"] == ghost:
		return nil, nil
	}
	return []services.Record{{ID: "p1", Data: map[string]any{"number": f.Where["number"], "full_name": "Nguyễn Văn An", "birth_date": "1990-05-01",
		"email": r.email, "school": "CVA"}}}, nil
}

// recordsOf is what a test of a definition says a register knows.
func recordsOf(v any) (out []services.Record) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			out = append(out, recordsOf(one)...)
		}
	case map[string]any:
		id, _ := v["id"].(string)
		out = append(out, services.Record{ID: id, Data: v})
	}
	return out
}

func (r *registers) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.asked)
}

// office plays cases.
type office struct {
	mu         sync.Mutex
	opened     map[string]forms.Submission
	correction *forms.Correction
	resent     []map[string]any
	refuse     error
}

func (o *office) Open(_ context.Context, s forms.Submission) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse != nil {
		return "", o.refuse
	}
	if _, ok := o.opened[s.Application]; ok {
		return "", errors.New("opened twice")
	}
	o.opened[s.Application] = s
	return fmt.Sprintf("H26.12-261124-%04d", len(o.opened)), nil
}

func (o *office) Resubmit(_ context.Context, application string, answers map[string]any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.correction == nil {
		return errs.New(errs.Conflict, "cases.not_returned")
	}
	o.correction = nil
	o.resent = append(o.resent, answers)
	return nil
}

func (o *office) Correction(context.Context, string) (*forms.Correction, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.correction, nil
}

// library has the one definition.
type library struct{ s *services.Service }

func (l library) Live(_ context.Context, id string) (*services.Service, error) {
	if id != l.s.ID {
		return nil, errs.New(errs.NotFound, "services.not_found")
	}
	return l.s, nil
}
func (l library) Get(context.Context, string) (*services.Service, error) { return l.s, nil }

type house struct {
	*forms.Forms
	t         testing.TB
	db        *db.DB
	clock     *clock.Fake
	registers *registers
	office    *office
	keys      *keys.Keys
	server    *httptest.Server
	catalog   *i18n.Catalog
	dir       string
}

func newHouse(t testing.TB) *house { return houseOf(t, definition(t)) }

func houseOf(t testing.TB, def *services.Service) *house {
	t.Helper()
	need := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	h := &house{t: t, clock: clock.New(time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)), dir: t.TempDir(),
		registers: &registers{down: map[string]bool{}, email: "An@Example.com"}, office: &office{opened: map[string]forms.Submission{}}}
	h.db = dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "forms", FS: forms.Migrations()})
	var err error
	h.keys, err = keys.Open(t.Context(), keys.Deps{DB: h.db, Clock: h.clock, Master: [32]byte{1}, Instance: "VN"})
	need(err)
	blobs, err := blob.NewFS(h.dir, h.keys)
	need(err)
	h.catalog, err = i18n.New(forms.Messages(), web.Messages(), httpx.Messages(), keys.Messages(), blob.Messages())
	need(err)
	pages, err := web.New(web.Config{Catalog: h.catalog})
	if errors.Is(err, web.ErrNoAssets) {
		t.Skip("run make assets first")
	}
	need(err)
	h.Forms, err = forms.New(forms.Deps{DB: h.db, Clock: h.clock, Keys: h.keys, Blobs: blobs, Log: slog.New(slog.DiscardHandler),
		Services: library{def}, Evidence: h.registers, Cases: h.office, Pages: pages})
	need(err)
	h.server = httptest.NewServer(httpx.NewServer(httpx.Config{Routes: h.Routes(), Catalog: h.catalog, Log: slog.New(slog.DiscardHandler),
		Clock: h.clock, Errors: pages.Error, Authenticate: whoever}).Handler())
	t.Cleanup(h.server.Close)
	return h
}

func definition(t testing.TB) *services.Service {
	t.Helper()
	text, err := os.ReadFile("testdata/card.yaml")
	if err != nil {
		t.Fatal(err)
	}
	province := func(v, vi, en string) services.Option {
		return services.Option{Value: v, Label: i18n.Text{VI: vi, EN: en}}
	}
	l, err := services.NewLoader(services.Codes{"provinces": {province("01", "Hà Nội", "Hanoi"), province("48", "Đà Nẵng", "Da Nang")}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Parse("card.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// whoever believes the headers of the test.
func whoever(r *http.Request) (auth.Principal, error) {
	p := auth.Principal{Number: r.Header.Get("X-Number"), Name: "Nguyễn Văn An", OnBehalf: r.Header.Get("X-Behalf"), Level: auth.Substantial}
	if p.Number == "" {
		return auth.Principal{}, nil
	}
	if r.Header.Get("X-Level") == "low" {
		p.Level = auth.Low
	}
	return p, nil
}

// visitor is somebody with a browser.
type visitor struct {
	h      *house
	header http.Header
}

func (h *house) as(number string) visitor {
	header := http.Header{"Accept-Language": {"vi"}}
	if number != "" {
		header.Set("X-Number", number)
	}
	return visitor{h, header}
}

func (v visitor) with(name, value string) visitor {
	v.header = v.header.Clone()
	v.header.Set(name, value)
	return v
}

// reply is an answer, not followed.
type reply struct {
	status int
	to     string
	body   string
	header http.Header
}

func (v visitor) do(method, path, kind string, body io.Reader) reply {
	v.h.t.Helper()
	req, err := http.NewRequest(method, v.h.server.URL+path, body)
	if err != nil {
		v.h.t.Fatal(err)
	}
	maps.Copy(req.Header, v.header)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		v.h.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header.Get("Location"), string(b), res.Header}
}

func (v visitor) get(path string) reply { return v.do("GET", path, "", nil) }

func (v visitor) post(path string, values url.Values) reply {
	return v.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(values.Encode()))
}

// file is something to upload.
type file struct {
	field, name string
	data        []byte
}

func (v visitor) send(path string, values url.Values, files ...file) reply {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for k, list := range values {
		for _, s := range list {
			_ = w.WriteField(k, s)
		}
	}
	for _, f := range files {
		head := textproto.MIMEHeader{}
		head.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename=%q`, f.field, f.name))
		head.Set("Content-Type", "image/jpeg") // what the sender claims
		part, _ := w.CreatePart(head)
		_, _ = part.Write(f.data)
	}
	_ = w.Close()
	return v.do("POST", path, w.FormDataContentType(), &b)
}

func (h *house) want(r reply, status int, texts ...string) reply {
	h.t.Helper()
	if r.status != status {
		h.t.Fatalf("status %d, want %d, to %q:\n%s", r.status, status, r.to, inner(r.body))
	}
	for _, s := range texts {
		if !strings.Contains(r.body+r.to, s) {
			h.t.Errorf("%q is missing:\n%s", s, inner(r.body))
		}
	}
	return r
}

func (h *house) leads(r reply, to string) {
	h.t.Helper()
	if h.want(r, http.StatusSeeOther); r.to != to {
		h.t.Fatalf("leads to %q, want %q", r.to, to)
	}
}

var mainPart = regexp.MustCompile(`(?s)<main.*</main>`)

func inner(page string) string {
	if m := mainPart.FindString(page); m != "" {
		return m
	}
	return page
}

// start begins an application and gives its path.
func (v visitor) start() string {
	v.h.t.Helper()
	r := v.h.want(v.post("/services/card/start", nil), http.StatusSeeOther, "/apply/")
	return strings.TrimSuffix(r.to, "?begun=before")
}

func wishes() url.Values {
	return url.Values{"card.name": {"Nguyễn Văn An"}, "card.from-day": {"1"}, "card.from-month": {"12"}, "card.from-year": {"2026"}, "card.years": {"2"},
		"card.topics": {"law", "poems"}, "card.branch": {"48"}, "reader": {"no"}, "delivery": {"desk"}}
}

// fill answers everything and stops before sending.
func (v visitor) fill() string {
	v.h.t.Helper()
	app := v.start()
	v.h.leads(v.post(app+"/p/you", nil), app+"/p/contact")
	v.h.leads(v.post(app+"/p/contact", url.Values{"contact.email": {"an@example.com"}}), app+"/p/wishes")
	v.h.leads(v.post(app+"/p/wishes", wishes()), app+"/p/photo")
	v.h.leads(v.send(app+"/p/photo", url.Values{"rules": {"yes"}}, file{"photo", `C:\ảnh\Tôi.JPG`, jpegPhoto(400, 600)}), app+"/check")
	return app
}

func idOf(app string) string { return strings.TrimPrefix(app, "/apply/") }
