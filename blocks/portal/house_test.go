package portal_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/portal"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/country"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/money"
	"github.com/dinh-gov/dinh/kernel/text"
	"github.com/dinh-gov/dinh/web"
)

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
	"mai":  {Account: "a", Number: "001195012345", Name: "Nguyễn Thị Mai", Level: auth.Substantial},
	"binh": {Account: "b", Number: "001090054321", Name: "Trần Văn Bình", Level: auth.Substantial},
	"lan":  {Level: auth.Substantial, Account: "c", Officer: "lan", Name: "Lê Thị Lan", Member: "GOV/MOJ", Roles: []string{"registrar"}},
}

// world stands for the blocks around the portal. All that is in it is Mai's.
type world struct {
	catalogue []*services.Service
	cases     []*cases.Full
	drafts    []portal.Draft
	bills     map[string]portal.Bill
	papers    map[string][]portal.Paper
	unread    int
	withdrawn []string
	broken    error
}

func mais(ctx context.Context) bool { return auth.From(ctx).Number == people["mai"].Number }

func (w *world) All(context.Context) ([]*services.Service, error) { return w.catalogue, w.broken }

func (w *world) Search(_ context.Context, query string, _ i18n.Lang) (out []*services.Service, err error) {
	for _, s := range w.catalogue {
		if strings.Contains(text.Fold(s.Title.VI+" "+s.Title.EN), text.Fold(query)) {
			out = append(out, s)
		}
	}
	return out, w.broken
}

func (w *world) Live(_ context.Context, id string) (*services.Service, error) {
	for _, s := range w.catalogue {
		if s.ID == id {
			return s, w.broken
		}
	}
	return nil, errs.New(errs.NotFound, "services.not_found")
}

func (w *world) service(id string) *services.Service {
	for _, s := range w.catalogue {
		if s.ID == id {
			return s
		}
	}
	panic("no service " + id)
}

func (w *world) ForPerson(ctx context.Context, number string) (out []cases.Case, err error) {
	if number != auth.From(ctx).Number {
		panic("the portal asked for somebody else")
	}
	for _, f := range w.cases {
		if mais(ctx) {
			out = append(out, f.Case)
		}
	}
	return out, w.broken
}

func (w *world) ByApplication(ctx context.Context, application string) (*cases.Full, error) {
	i := slices.IndexFunc(w.cases, func(f *cases.Full) bool { return f.Application == application })
	if i < 0 || !mais(ctx) {
		return nil, errs.New(errs.NotFound, "cases.not_found")
	}
	return w.cases[i], w.broken
}

func (w *world) Withdraw(ctx context.Context, application string) error {
	f, err := w.ByApplication(ctx, application)
	if err != nil {
		return err
	}
	if f.State == "done" {
		return errs.New(errs.Conflict, "cases.cannot_withdraw")
	}
	w.withdrawn = append(w.withdrawn, application)
	f.State, f.Final, f.Status = "withdrawn", "withdrawn", 7
	return nil
}

func (w *world) Drafts(ctx context.Context) ([]portal.Draft, error) {
	if !mais(ctx) {
		return nil, w.broken
	}
	return w.drafts, w.broken
}

func (w *world) Bill(ctx context.Context, id string) (portal.Bill, error) {
	b, ok := w.bills[id]
	if !ok || !mais(ctx) {
		return portal.Bill{}, errs.New(errs.NotFound, "payments.bill_not_found")
	}
	return b, nil
}

func (w *world) ForReference(ctx context.Context, reference string) ([]portal.Paper, error) {
	if !mais(ctx) {
		return nil, nil
	}
	return w.papers[reference], nil
}

func (w *world) Unread(_ context.Context, number string) (int, error) {
	if number == people["mai"].Number {
		return w.unread, nil
	}
	return 0, nil
}

var now = time.Date(2026, 11, 24, 9, 30, 0, 0, i18n.Zone())

// put adds a case of Mai's that stands in a state of its definition.
func (w *world) put(service, application, code, state string, change func(*cases.Full)) *cases.Full {
	def := w.service(service)
	st, ok := def.StateByID(state)
	if !ok {
		panic("no state " + state)
	}
	f := &cases.Full{Def: def, Case: cases.Case{ID: "case-" + application, Application: application, Code: code, Service: service, Title: def.Title,
		State: state, StateTitle: st.Title, Status: st.Status, Final: st.Final, Queue: st.Queue, Opened: now.Add(-26 * time.Hour), Updated: now.Add(-time.Hour),
		Paused: st.Status == 5 || st.Status == 6 || st.Status == 8}}
	f.Content.State.Case = map[string]any{"code": code}
	f.Timeline = []cases.Moment{
		{At: f.Opened, Kind: "opened", ActorKind: "applicant", Public: true, Title: i18n.Text{VI: "Đã nhận hồ sơ nộp trực tuyến", EN: "Application received online"}},
		{At: f.Opened.Add(time.Second), Kind: "moved", ActorKind: "system", Public: true, Title: i18n.Text{VI: "Thoáng qua", EN: "Passing through"}},
		{At: f.Opened.Add(2 * time.Second), Kind: "moved", ActorKind: "system", Public: true, Title: st.Title},
	}
	if change != nil {
		change(f)
	}
	w.cases = append(w.cases, f)
	return f
}

// newWorld has one case for every turn that a case can take.
func newWorld(t testing.TB) *world {
	codes := must[services.Codes](t)(services.LoadCodes(country.CodesFile, must[[]byte](t)(country.Codes())))
	w := &world{catalogue: must[[]*services.Service](t)(services.Load(country.Services(), codes)), bills: map[string]portal.Bill{}, papers: map[string][]portal.Paper{}, unread: 3}
	fee := i18n.Text{VI: "Lệ phí cấp giấy phép lái xe", EN: "Licence fee"}
	w.bills["bill-open"] = portal.Bill{ID: "bill-open", State: "open", Amount: money.VND(115000), Label: fee}
	w.bills["bill-paid"] = portal.Bill{ID: "bill-paid", State: "paid", Amount: money.VND(115000), Label: fee}
	w.bills["bill-back"] = portal.Bill{ID: "bill-back", State: "refunded", Amount: money.VND(115000), Label: fee}
	w.put("licence", "app-pay", "G01.02-261123-0007", "payment", func(f *cases.Full) { f.Bill = "bill-open" })
	w.put("birth", "app-correct", "G15.01-261123-0003", "correction", func(f *cases.Full) {
		f.Content.Correction = &cases.Correction{Fields: []string{"child.full_name"}, Message: "Tên đệm của bé chưa khớp với giấy chứng sinh.", At: now.Add(-time.Hour)}
		f.Timeline = append(f.Timeline, cases.Moment{At: now.Add(-time.Hour), Kind: "action", ActorKind: "officer", Public: true,
			Title: i18n.Text{VI: "Yêu cầu bổ sung", EN: "Ask for corrections"}, Body: "Tên đệm của bé chưa khớp với giấy chứng sinh."})
	})
	w.put("licence", "app-wait", "G01.02-261120-0001", "review", func(f *cases.Full) { f.Bill, f.Due = "bill-paid", now.Add(72*time.Hour) })
	w.put("birth", "app-late", "G15.01-261110-0009", "review", func(f *cases.Full) { f.Due = now.Add(-48 * time.Hour) })
	w.put("birth", "app-working", "G15.01-261124-0001", "registering", func(f *cases.Full) { f.Pending = true })
	w.put("birth", "app-stuck", "G15.01-261124-0002", "registering", func(f *cases.Full) { f.Pending, f.Stuck = true, "registers.record_changed" })
	w.put("birth", "app-done", "G15.01-261101-0004", "done", func(f *cases.Full) {
		f.Content.Documents = []cases.IssuedDocument{{Issued: cases.Issued{ID: "doc-1", Code: "7K2M-Q4TX-9DWA"}}}
		f.Timeline = append(f.Timeline, cases.Moment{At: now.Add(-time.Hour), Kind: "document", ActorKind: "system", Public: true, Title: i18n.Text{VI: "Giấy khai sinh", EN: "Birth certificate"}})
	})
	w.papers["G15.01-261101-0004"] = []portal.Paper{
		{ID: "doc-1", Code: "7K2M-Q4TX-9DWA", Title: i18n.Text{VI: "Giấy khai sinh", EN: "Birth certificate"}, IssuedAt: now.Add(-time.Hour)},
		{ID: "doc-2", Code: "3HXP-7RWN-K2QD", Title: i18n.Text{VI: "Thẻ bảo hiểm y tế", EN: "Health card"}, IssuedAt: now.Add(-time.Hour)},
	}
	w.put("licence", "app-refused", "G01.02-261102-0002", "refused", func(f *cases.Full) {
		f.Bill = "bill-back"
		f.Content.State.Case["reason"], f.Content.State.Case["message"] = "not_fit", "Thị lực mắt trái dưới mức quy định."
	})
	w.put("licence", "app-withdrawn", "G01.02-261003-0011", "withdrawn", nil)
	w.put("licence", "app-stopped", "G01.02-261103-0012", "review", func(f *cases.Full) { f.Status, f.Paused = 8, true })
	w.drafts = []portal.Draft{{Application: "app-draft", Service: "birth", Title: w.service("birth").Title, Updated: now.Add(-20 * time.Hour), Done: 3, Total: 6}}
	return w
}

func lifeEvents() []portal.LifeEvent {
	return []portal.LifeEvent{
		{ID: "child", Icon: "child", Title: i18n.Text{VI: "Có con nhỏ", EN: "Having a child"}, Services: []string{"birth"},
			Summary: i18n.Text{VI: "Khai sinh, thường trú, thẻ bảo hiểm y tế cho bé trong một lần làm.", EN: "Birth certificate, residence and health card for the baby, all in one go."}},
		{ID: "driving", Icon: "car", Title: i18n.Text{VI: "Lái xe và đi lại", EN: "Driving and transport"}, Services: []string{"licence", "retired"},
			Summary: i18n.Text{VI: "Đổi giấy phép lái xe và những việc liên quan đến phương tiện.", EN: "Renew a driving licence and other things to do with vehicles."}},
		{ID: "farewell", Icon: "flower", Title: i18n.Text{VI: "Người thân qua đời", EN: "Death of a relative"}, Services: []string{"retired"},
			Summary: i18n.Text{VI: "Khai tử, mai táng phí, thừa kế.", EN: "Death registration, funeral grant, inheritance."}},
	}
}

type house struct {
	*world
	t      testing.TB
	server *httptest.Server
	client *http.Client
}

func open(t testing.TB, w *world) *house {
	t.Helper()
	catalog := must[*i18n.Catalog](t)(i18n.New(web.Messages(), httpx.Messages(), cases.Messages(), portal.Messages()))
	pages := must[*web.Renderer](t)(web.New(web.Config{Catalog: catalog, Demo: true}))
	fake := clock.New(now)
	block := portal.New(portal.Deps{Clock: fake, Services: w, Cases: w, Drafts: w, Bills: w, Papers: w, Messages: w, LifeEvents: lifeEvents(), Pages: pages})
	s := httptest.NewServer(httpx.NewServer(httpx.Config{
		Routes: append(block.Routes(), pages.Routes()...), Catalog: catalog, Log: slog.New(slog.DiscardHandler), Clock: fake, Errors: pages.Error,
		Authenticate: func(r *http.Request) (auth.Principal, error) {
			c, err := r.Cookie("who")
			if err != nil {
				return auth.Principal{}, nil
			}
			return people[c.Value], nil
		},
	}).Handler())
	t.Cleanup(s.Close)
	return &house{world: w, t: t, server: s, client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is what a browser got.
type answer struct {
	t      testing.TB
	what   string
	status int
	body   string
	to     string
	header http.Header
}

var (
	noWords  = regexp.MustCompile(`⟦[^⟧]*⟧`)
	noValue  = regexp.MustCompile(`>[^<]*\{[a-z_]+\}[^<]*<`)
	sameIDs  = regexp.MustCompile(` id="([^"]+)"`)
	noString = regexp.MustCompile(`%!|&lt;nil&gt;|\[object`)
)

// do asks for a page; a path that ends in " en" is read in English.
func (h *house) do(who, method, path string) answer {
	h.t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(url.Values{}.Encode())
	}
	path, english := strings.CutSuffix(path, " en")
	req := must[*http.Request](h.t)(http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, body))
	if english {
		req.Header.Set("Accept-Language", "en")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if who != "" {
		req.AddCookie(&http.Cookie{Name: "who", Value: who})
	}
	res := must[*http.Response](h.t)(h.client.Do(req))
	defer res.Body.Close()
	a := answer{h.t, who + " " + method + " " + path, res.StatusCode, strings.ReplaceAll(string(must[[]byte](h.t)(io.ReadAll(res.Body))), "\u00a0", " "), res.Header.Get("Location"), res.Header}
	for _, bad := range []*regexp.Regexp{noWords, noValue, noString} {
		if m := bad.FindString(a.body); m != "" {
			h.t.Errorf("%s shows %q", a.what, m)
		}
	}
	seen := map[string]bool{}
	for _, m := range sameIDs.FindAllStringSubmatch(a.body, -1) {
		if seen[m[1]] {
			h.t.Errorf("%s has the id %q twice", a.what, m[1])
		}
		seen[m[1]] = true
	}
	return a
}

func (h *house) get(who, path string) answer { h.t.Helper(); return h.do(who, "GET", path) }

// want checks the status and that the page says every text.
func (a answer) want(status int, texts ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("%s: status %d, want %d", a.what, a.status, status)
	}
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			a.t.Errorf("%s does not say %q", a.what, s)
		}
	}
	return a
}

func (a answer) lacks(texts ...string) answer {
	a.t.Helper()
	for _, s := range texts {
		if strings.Contains(a.body, s) {
			a.t.Errorf("%s says %q", a.what, s)
		}
	}
	return a
}

func (a answer) leads(to string) {
	a.t.Helper()
	if a.status != http.StatusSeeOther || a.to != to {
		a.t.Errorf("%s: %d to %q, want 303 to %q", a.what, a.status, a.to, to)
	}
}
