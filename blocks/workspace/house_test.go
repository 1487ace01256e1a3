package workspace_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/blocks/workspace"
	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/calendar"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/event"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/money"
	"github.com/dinh-gov/dinh/web"
)

// outside stands for registers, payments, documents, messages and files.
type outside struct{ refuse error }

func (o *outside) Fetch(context.Context, cases.Fetch) (any, error) { return nil, nil }

func (o *outside) Enter(_ context.Context, e cases.Entry) (map[string]any, error) {
	if o.refuse != nil {
		return nil, o.refuse
	}
	out := maps.Clone(e.Data)
	out["id"], out["number"] = "rec-"+e.Write.ID, "001226000123"
	return out, nil
}

func (o *outside) CreateBill(_ context.Context, b cases.Bill) (string, error) {
	return "bill-" + b.Reference, nil
}
func (o *outside) Refund(context.Context, cases.Refund) error { return nil }
func (o *outside) Issue(_ context.Context, d cases.Document) (cases.Issued, error) {
	return cases.Issued{ID: "doc-" + d.Output.ID, Code: "7K2M-Q4TX-9DWA"}, nil
}
func (o *outside) Send(context.Context, cases.Notice) error { return nil }

func (o *outside) Bill(_ context.Context, id string) (workspace.Bill, error) {
	return workspace.Bill{ID: id, State: "paid", Amount: money.VND(115000), Refunded: money.VND(0)}, nil
}

func (o *outside) File(_ context.Context, application, field string) (io.ReadCloser, workspace.FileMeta, error) {
	if application != "app-licence" {
		return nil, workspace.FileMeta{}, errs.New(errs.NotFound, "forms.no_file")
	}
	data, kind, name := portrait(), "image/jpeg", "ảnh \"mới\".jpg"
	if field == "fitness.certificate" {
		data, kind, name = []byte("<script>alert(1)</script>"), "text/html", "khám.html"
	}
	return io.NopCloser(bytes.NewReader(data)), workspace.FileMeta{Name: name, Type: kind, Size: int64(len(data))}, nil
}

// portrait is a small picture.
func portrait() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 400, 500))
	for y := range 500 {
		for x := range 400 {
			img.Set(x, y, color.RGBA{uint8(200 - y/6), uint8(215 - y/5), uint8(225 - x/8), 255})
		}
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, nil) // into memory it cannot fail
	return b.Bytes()
}

type definitions map[string]*services.Service

func (d definitions) Get(_ context.Context, hash string) (*services.Service, error) {
	if s, ok := d[hash]; ok {
		return s, nil
	}
	return nil, errs.New(errs.NotFound, "services.definition_not_found")
}

type house struct {
	*cases.Cases
	t       testing.TB
	outside *outside
	defs    definitions
	db      *db.DB
	queue   *job.Queue
	bus     *event.Bus
	clock   *clock.Fake
	server  *httptest.Server
	catalog *i18n.Catalog
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var people = map[string]auth.Principal{
	"citizen": {Number: "001195012345", Name: "Nguyễn Thị Mai", Level: auth.Substantial},
	"lan":     {Level: auth.Substantial, Officer: "lan", Name: "Lê Thị Lan", Member: "GOV/MOJ", Roles: []string{"registrar"}},
	"minh":    {Level: auth.Substantial, Officer: "minh", Name: "Đỗ Quang Minh", Member: "GOV/MOJ", Roles: []string{"registrar"}},
	"hai":     {Level: auth.Substantial, Officer: "hai", Name: "Phạm Thanh Hải", Member: "GOV/MPS", Roles: []string{"licence-officer"}},
	"mai":     {Level: auth.Substantial, Officer: "mai", Name: "Nguyễn Thị Mai", Member: "GOV/MOJ", Roles: []string{"registrar"}, Number: "001195012345"},
}

func open(t testing.TB) *house {
	t.Helper()
	d := dbtest.New(t, dbtest.Set{Name: "job", FS: job.Migrations()}, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "cases", FS: cases.Migrations()})
	h := &house{t: t, db: d, defs: definitions{}, outside: &outside{}, clock: clock.New(time.Date(2026, 11, 24, 9, 0, 0, 0, i18n.Zone()))}
	cal := must[*calendar.Calendar](t)(calendar.Parse(must[[]byte](t)(country.Calendar())))
	quiet := slog.New(slog.DiscardHandler)
	h.queue = job.New(job.Deps{DB: d, Clock: h.clock, Log: quiet})
	h.bus = event.New(h.queue, h.clock)
	codes := must[services.Codes](t)(services.LoadCodes(country.CodesFile, must[[]byte](t)(country.Codes())))
	for _, s := range must[[]*services.Service](t)(services.Load(country.Services(), codes)) {
		h.defs[s.Hash], h.defs[s.ID] = s, s
	}
	sealer := must[*keys.Keys](t)(keys.Open(t.Context(), keys.Deps{DB: d, Clock: h.clock, Master: [32]byte{1}, Instance: "VN"}))
	h.Cases = cases.New(cases.Deps{DB: d, Clock: h.clock, Calendar: cal, Keys: sealer, Jobs: h.queue, Bus: h.bus, Services: h.defs,
		Exchange: h.outside, Payments: h.outside, Documents: h.outside, Notify: h.outside, Log: quiet, Opened: func(context.Context, cases.Opening) error { return nil }})
	h.catalog = must[*i18n.Catalog](t)(i18n.New(web.Messages(), httpx.Messages(), cases.Messages(), workspace.Messages()))
	pages := must[*web.Renderer](t)(web.New(web.Config{Catalog: h.catalog, Demo: true}))
	desk := workspace.New(workspace.Deps{Clock: h.clock, Calendar: cal, Cases: h.Cases, Files: h.outside, Bills: h.outside, Pages: pages})
	h.server = httptest.NewServer(httpx.NewServer(httpx.Config{
		Routes: append(desk.Routes(), pages.Routes()...), Catalog: h.catalog, Log: quiet, Clock: h.clock,
		Authenticate: func(r *http.Request) (auth.Principal, error) {
			c, err := r.Cookie("who")
			if err != nil {
				return auth.Principal{}, nil
			}
			return people[c.Value], nil
		},
	}).Handler())
	t.Cleanup(h.server.Close)
	return h
}

// submit opens a case from the world of one of the definition's author tests.
func (h *house) submit(service, test, application string, change func(*cases.Submission)) string {
	h.t.Helper()
	def := h.defs[service]
	for _, x := range def.Tests {
		if !strings.HasPrefix(x.Name, test) {
			continue
		}
		st := services.State{Applicant: x.Given.Applicant, Data: x.Given.Data, Answers: maps.Clone(x.Given.Answers), Today: "2026-11-24", Decisions: map[string]any{}, Results: map[string]any{}}
		s := cases.Submission{Application: application, DefHash: def.Hash, Number: x.Given.Applicant["number"].(string), Name: x.Given.Applicant["name"].(string), Lang: i18n.VI, Channel: "online", State: st,
			Sources: map[string]cases.Provenance{"contact.email": {Source: "obtained", Evidence: "mother"}, "contact.phone": {Source: "changed", Evidence: "mother"}}}
		if change != nil {
			change(&s)
		}
		s.State.Answers = def.Prune(s.State)
		must[string](h.t)(h.Open(h.t.Context(), s))
		h.drain()
		return h.id(application)
	}
	h.t.Fatalf("%s has no test %q", service, test)
	return ""
}

func (h *house) birth(application string) string {
	return h.submit("birth", "no electronic notice", application, nil)
}

// licence is paid and in front of an officer.
func (h *house) licence() string {
	id := h.submit("licence", "a fit driver pays", "app-licence", func(s *cases.Submission) {
		s.State.Data = maps.Clone(s.State.Data)
		s.State.Data["fitness"] = nil
		s.State.Answers["fitness.certificate"] = map[string]any{"name": "khám.html", "type": "text/html", "size": 25, "hash": "aa"}
		s.State.Answers["fitness.examined_on"] = "2026-11-01"
	})
	var bill string
	h.read(`SELECT bill FROM cases_case WHERE id=$1`, id, &bill)
	err := h.db.Write(h.t.Context(), func(ctx context.Context, _ db.Querier) error {
		return h.bus.Publish(ctx, "payments.paid", bill, map[string]string{"bill": bill})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.drain()
	return id
}

func (h *house) id(application string) (id string) {
	h.t.Helper()
	h.read(`SELECT id FROM cases_case WHERE application=$1`, application, &id)
	return id
}

func (h *house) read(query, arg string, into *string) {
	h.t.Helper()
	err := h.db.Read(h.t.Context(), func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, query, arg).Scan(into)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) drain() {
	h.t.Helper()
	if err := h.queue.Drain(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// answer is what a browser got.
type answer struct {
	status int
	body   string
	header http.Header
	to     string // where it is sent
}

func (h *house) do(who, method, path string, form url.Values) answer {
	h.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req := must[*http.Request](h.t)(http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, body))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if who != "" {
		req.AddCookie(&http.Cookie{Name: "who", Value: who})
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res := must[*http.Response](h.t)(client.Do(req))
	defer res.Body.Close()
	text := string(must[[]byte](h.t)(io.ReadAll(res.Body)))
	if strings.Contains(text, "⟦") {
		h.t.Errorf("%s %s lacks words: %s", method, path, text[strings.Index(text, "⟦"):][:60])
	}
	return answer{res.StatusCode, text, res.Header, res.Header.Get("Location")}
}

func (h *house) get(who, path string) answer { h.t.Helper(); return h.do(who, "GET", path, nil) }

func (h *house) post(who, path string, form url.Values) answer {
	h.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	return h.do(who, "POST", path, form)
}

// want checks the status and that the page says every text.
func (a answer) want(t testing.TB, status int, texts ...string) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d", a.status, status)
	}
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			t.Errorf("the page does not say %q", s)
		}
	}
	return a
}
