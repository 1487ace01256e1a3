package catalogue_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/catalogue"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
	"github.com/dinh-gov/dinh/web"
)

var (
	civil      = exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MOJ", Subsystem: "civil-status"}
	loans      = exchange.SubsystemID{Instance: "VN", Class: "COM", Member: "BANK", Subsystem: "loans"}
	population = exchange.ServiceID{SubsystemID: exchange.SubsystemID{Instance: "VN", Class: "GOV", Member: "MPS", Subsystem: "population"}, Service: "population"}
	secret     = exchange.ServiceID{SubsystemID: population.SubsystemID, Service: "secret"}

	asker   = auth.Principal{Officer: "an", Number: "001199000001", Member: "GOV/MOJ", Roles: []string{exchange.RoleGrants}, Level: auth.High}
	owner   = auth.Principal{Officer: "binh", Number: "001199000002", Member: "GOV/MPS", Roles: []string{exchange.RoleGrants}, Level: auth.High}
	twoHats = auth.Principal{Officer: "an-mps", Number: "001199000001", Member: "GOV/MPS", Roles: []string{exchange.RoleGrants}, Level: auth.High}
	banker  = auth.Principal{Officer: "chi", Number: "001199000003", Member: "COM/BANK", Roles: []string{exchange.RoleGrants}, Level: auth.High}
	plain   = auth.Principal{Officer: "dung", Number: "001199000004", Member: "GOV/MPS", Roles: []string{"register-officer"}, Level: auth.High}
)

const document = `{"openapi":"3.0.3","info":{"title":"Dân cư","version":"1"},"servers":[{"url":"https://secret.internal:8443/v1"}],"paths":{
	"/search":{"post":{"summary":"Tra cứu <b>","x-dinh-operation":"search","requestBody":{"content":{"application/json":{"example":{"where":{"name":"O'Brien"}}}}},
		"responses":{"200":{"description":"found","content":{"application/json":{"schema":{"type":"object","properties":{"name":{"type":"string","example":"Người Mẫu"},"sex":{"enum":["male","female"]}}}}}}}}},
	"/records/{id}":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"},"example":"r 1"}],"responses":{"404":{"description":"none"}}}}}}`

type provider struct{ status int }

func (p provider) Serve(context.Context, exchange.Delivery) (exchange.Reply, error) {
	return exchange.Reply{Status: p.status, Body: []byte(`{"name":"Thật","number":"1"}`), Subjects: []string{"001199000009", "001199000010"}}, nil
}

type world struct {
	*catalogue.Catalogue
	x     *exchange.Exchange
	db    *db.DB
	clock *clock.Fake
	deps  catalogue.Deps
}

func newWorld(t testing.TB) *world {
	t.Helper()
	d := dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "ledger", FS: ledger.Migrations()},
		dbtest.Set{Name: "exchange", FS: exchange.Migrations()}, dbtest.Set{Name: "exchange_catalogue", FS: catalogue.Migrations()})
	w := &world{db: d, clock: clock.New(time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC))} // 23:00 of the same day in Viet Nam
	k, err := keys.Open(t.Context(), keys.Deps{DB: d, Clock: w.clock, Master: [32]byte{1}, Instance: "VN"})
	ok(t, err)
	skey, _, err := ledger.NewKey("test.dinh/ledger")
	ok(t, err)
	signer, err := note.NewSigner(skey)
	ok(t, err)
	l, err := ledger.New(ledger.Deps{DB: d, Clock: w.clock, Origin: "test.dinh/ledger", Signer: signer})
	ok(t, err)
	purposes := map[string]i18n.Text{"birth-registration": {VI: "Đăng ký khai sinh", EN: "Registering a birth"}, "loan": {VI: "Cho vay", EN: "A loan"}}
	w.x, err = exchange.New(exchange.Deps{DB: d, Clock: w.clock, Keys: k, Ledger: l, Instance: "VN", Purposes: purposes})
	ok(t, err)
	for _, m := range []exchange.Member{
		{Class: "GOV", Code: "MOJ", Name: i18n.Text{VI: "Bộ Tư pháp", EN: "Ministry of Justice"}, Subsystems: []exchange.Subsystem{{Code: "civil-status", Name: i18n.Text{VI: "Hộ tịch", EN: "Civil status"}}}},
		{Class: "GOV", Code: "MPS", Name: i18n.Text{VI: "Bộ Công an", EN: "Ministry of Public Security"}, Subsystems: []exchange.Subsystem{{Code: "population"}}},
		{Class: "COM", Code: "BANK", Name: i18n.Text{VI: "Ngân hàng", EN: "Bank"}, Subsystems: []exchange.Subsystem{{Code: "loans"}}},
	} {
		ok(t, w.x.AddMember(t.Context(), m))
	}
	label := func(f string) i18n.Text {
		return map[string]i18n.Text{"name": {VI: "Họ và tên", EN: "Name"}, "number": {VI: "Số định danh", EN: "Number"}, "address.ward": {VI: "Phường", EN: "Ward"}}[f]
	}
	ok(t, w.x.RegisterProvider(exchange.ServiceInfo{ID: population, Title: i18n.Text{VI: "Dân cư", EN: "Population"}, OpenAPI: []byte(document), Fields: []string{"name", "number", "address.ward"}, Label: label, PublicStatistics: true}, provider{200}))
	ok(t, w.x.RegisterProvider(exchange.ServiceInfo{ID: secret, Title: i18n.Text{VI: "Kín", EN: "Closed"}}, provider{500}))
	catalog, err := i18n.New(web.Messages(), httpx.Messages(), exchange.Messages(), catalogue.Messages())
	ok(t, err)
	pages, err := web.New(web.Config{Catalog: catalog})
	ok(t, err)
	w.deps = catalogue.Deps{DB: d, Clock: w.clock, Exchange: w.x, Rights: w.x, Pseudonym: k.Pseudonym, Purposes: purposes, Origin: "https://dinh.example.vn", Pages: pages}
	w.Catalogue = w.another(t)
	return w
}

// another is a second process on the same database.
func (w *world) another(t testing.TB) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.New(w.deps)
	ok(t, err)
	return c
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func as(t testing.TB, p auth.Principal) context.Context { return auth.With(t.Context(), p) }

func (w *world) request(change ...func(*catalogue.Request)) catalogue.Request {
	r := catalogue.Request{
		Client: civil, Service: population, Purpose: "birth-registration", LegalBasis: "Luật Hộ tịch 2014, Điều 16", Reason: "Cấp giấy khai sinh cho trẻ mới sinh",
		Asked: catalogue.Terms{Operations: []string{"read", "search"}, Fields: []string{"name", "address"}, Match: []string{"number"}, Until: w.clock.Now().AddDate(1, 0, 0), Quota: exchange.Quota{PerMinute: 60}},
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func (w *world) call(t testing.TB, change ...func(*exchange.Call)) error {
	t.Helper()
	c := exchange.Call{Client: civil, Service: population, Method: "POST", Path: "/search", Body: []byte(`{"where":{"number":"1"}}`), Purpose: "birth-registration"}
	for _, f := range change {
		f(&c)
	}
	_, err := w.x.Call(t.Context(), c)
	return err
}

func TestAskDecideUseRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.call(t); errs.CodeOf(err) != "exchange.no_grant" {
		t.Fatal(err)
	}
	r, err := w.Ask(as(t, asker), w.request())
	ok(t, err)
	if err := w.call(t); errs.CodeOf(err) != "exchange.no_grant" {
		t.Fatal("asking alone opens the door:", err)
	}
	less := r.Asked
	less.Fields, less.Operations, less.Until = []string{"address.ward"}, []string{"search"}, w.clock.Now().AddDate(0, 1, 0)
	decided, err := w.Decide(as(t, owner), r.ID, catalogue.Decision{Outcome: catalogue.Changed, Terms: less, Answer: "Chỉ cần phường là đủ"})
	ok(t, err)
	if decided.Given == nil || decided.DecidedBy != "binh" {
		t.Errorf("%+v", decided)
	}
	ok(t, w.call(t))
	if err := w.call(t, func(c *exchange.Call) { c.Fields = []string{"name"} }); errs.CodeOf(err) != "exchange.field_not_granted" {
		t.Error("a field that was cut:", err)
	}
	again, err := w.Request(as(t, asker), r.ID)
	ok(t, err)
	if again.Outcome != catalogue.Changed || again.Answer != "Chỉ cần phường là đủ" || again.Given.Fields[0] != "address.ward" || again.Asked.Fields[0] != "name" {
		t.Errorf("the asker reads %+v", again)
	}
	if err := w.Revoke(as(t, asker), r.ID, "x"); !errors.Is(err, errs.Forbidden) {
		t.Error("the asker revokes:", err)
	}
	ok(t, w.Revoke(as(t, owner), r.ID, "hết việc"))
	if err := w.call(t); errs.CodeOf(err) != "exchange.grant_revoked" {
		t.Error(err)
	}
	if _, err := w.Ask(as(t, asker), w.request()); err != nil {
		t.Error("a decided request stands in the way of a new one:", err)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := auth.Principal{Subsystem: loans.String(), Member: "COM/BANK", Session: "k1"}
	for name, c := range map[string]struct {
		who    auth.Principal
		change func(*catalogue.Request)
		code   string
		field  string
	}{
		"another member's system": {banker, func(*catalogue.Request) {}, "catalogue.not_your_system", ""},
		"no role":                 {plain, func(r *catalogue.Request) { r.Client = population.SubsystemID }, "catalogue.not_your_system", ""},
		"a key of another system": {key, func(*catalogue.Request) {}, "catalogue.not_your_system", ""},
		"nobody":                  {auth.Principal{}, func(*catalogue.Request) {}, "catalogue.not_your_system", ""},
		"no such service":         {asker, func(r *catalogue.Request) { r.Service.Service = "none" }, "exchange.unknown_service", ""},
		"no such system":          {asker, func(r *catalogue.Request) { r.Client.Subsystem = "none" }, "exchange.unknown_client", ""},
		"no reason":               {asker, func(r *catalogue.Request) { r.Reason = " x " }, "catalogue.bad_request", "reason"},
		"no end":                  {asker, func(r *catalogue.Request) { r.Asked.Until = time.Time{} }, "catalogue.bad_request", "until"},
		"a past end":              {asker, func(r *catalogue.Request) { r.Asked.Until = w.clock.Now() }, "catalogue.bad_request", "until"},
		"for ever":                {asker, func(r *catalogue.Request) { r.Asked.Until = w.clock.Now().AddDate(50, 0, 0) }, "catalogue.bad_request", "until"},
		"an unknown field":        {asker, func(r *catalogue.Request) { r.Asked.Fields = []string{"religion"} }, "catalogue.bad_request", "fields"},
		"no fields":               {asker, func(r *catalogue.Request) { r.Asked.Fields = nil }, "catalogue.bad_request", "fields"},
		"no operations":           {asker, func(r *catalogue.Request) { r.Asked.Operations = nil }, "catalogue.bad_request", "operations"},
		"an unknown purpose":      {asker, func(r *catalogue.Request) { r.Purpose = "fun" }, "catalogue.bad_request", "purpose"},
		"no legal basis":          {asker, func(r *catalogue.Request) { r.LegalBasis = "" }, "catalogue.bad_request", "legal_basis"},
		"a long legal basis":      {asker, func(r *catalogue.Request) { r.LegalBasis = strings.Repeat("a", 501) }, "catalogue.bad_request", "legal_basis"},
		"an odd quota":            {asker, func(r *catalogue.Request) { r.Asked.Quota.PerMinute = -1 }, "catalogue.bad_request", "quota"},
	} {
		_, err := w.Ask(as(t, c.who), w.request(c.change))
		e, is := errs.As(err)
		if !is || e.Code != c.code || c.field != "" && (len(e.Fields) != 1 || e.Fields[0].Name != c.field) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked, received, err := w.Requests(as(t, asker)); err != nil || len(asked)+len(received) != 0 {
		t.Error("refused requests are kept:", asked, received, err)
	}
	own := w.request(func(r *catalogue.Request) { r.Client, r.Purpose = loans, "loan" })
	made, err := w.Ask(as(t, key), own)
	ok(t, err)
	if made.AskedBy != "key:k1" {
		t.Error(made.AskedBy)
	}
	if _, err := w.Ask(as(t, banker), own); errs.CodeOf(err) != "catalogue.asked_already" {
		t.Error("the same twice:", err)
	}
}

func TestWhoSeesAndDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := w.Ask(as(t, asker), w.request())
	ok(t, err)
	all := catalogue.Decision{Outcome: catalogue.Granted}
	operator := auth.Principal{Officer: "op", Member: "GOV/MIC", Roles: []string{auth.RoleOperator}, Level: auth.High}
	key := auth.Principal{Subsystem: loans.String(), Member: "COM/BANK"}
	for name, c := range map[string]struct {
		who  auth.Principal
		code string
	}{
		"nobody": {auth.Principal{}, "catalogue.no_such_request"}, "another member": {banker, "catalogue.no_such_request"}, "a colleague without the role": {plain, "catalogue.no_such_request"},
		"an operator": {operator, "catalogue.no_such_request"}, "another system": {key, "catalogue.no_such_request"},
		"the asking member": {asker, "catalogue.not_your_service"}, "the asker in another office": {twoHats, "catalogue.own_request"},
		"the asking system":  {auth.Principal{Subsystem: civil.String(), Member: "GOV/MOJ"}, "catalogue.not_your_service"},
		"the owner's system": {auth.Principal{Subsystem: population.SubsystemID.String(), Member: "GOV/MPS", Roles: []string{exchange.RoleGrants}}, "catalogue.no_such_request"},
	} {
		if _, err := w.Decide(as(t, c.who), r.ID, all); errs.CodeOf(err) != c.code {
			t.Errorf("%s decides: %v", name, err)
		}
		if _, err := w.Request(as(t, c.who), r.ID); (c.code == "catalogue.no_such_request") != (errs.CodeOf(err) == c.code) {
			t.Errorf("%s reads: %v", name, err)
		}
	}
	if err := w.call(t); errs.CodeOf(err) != "exchange.no_grant" {
		t.Error("somebody granted:", err)
	}
	inner, err := w.Ask(as(t, owner), w.request(func(r *catalogue.Request) { r.Client = population.SubsystemID }))
	ok(t, err)
	if _, err := w.Decide(as(t, owner), inner.ID, all); errs.CodeOf(err) != "catalogue.own_request" {
		t.Error("for the own member:", err)
	}
	asked, received, err := w.Requests(as(t, owner))
	if err != nil || len(asked) != 1 || len(received) != 2 {
		t.Error(len(asked), len(received), err)
	}
	if _, _, err := w.Requests(as(t, plain)); !errors.Is(err, errs.Forbidden) {
		t.Error(err)
	}
}

func TestDecisionsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := w.Ask(as(t, asker), w.request())
	ok(t, err)
	for name, c := range map[string]struct {
		change func(*catalogue.Decision)
		field  string
	}{
		"no outcome":         {func(d *catalogue.Decision) { d.Outcome = "" }, "outcome"},
		"withdrawn":          {func(d *catalogue.Decision) { d.Outcome = "open" }, "outcome"},
		"no reasons":         {func(d *catalogue.Decision) { d.Answer = "" }, "answer"},
		"refused in silence": {func(d *catalogue.Decision) { d.Outcome, d.Answer = catalogue.Refused, "  " }, "answer"},
		"another field":      {func(d *catalogue.Decision) { d.Terms.Fields = []string{"number"} }, "fields"},
		"everything":         {func(d *catalogue.Decision) { d.Terms.Fields = []string{"*"} }, "fields"},
		"another operation":  {func(d *catalogue.Decision) { d.Terms.Operations = []string{"amend"} }, "operations"},
		"longer":             {func(d *catalogue.Decision) { d.Terms.Until = d.Terms.Until.Add(1) }, "until"},
		"for ever":           {func(d *catalogue.Decision) { d.Terms.Until = time.Time{} }, "until"},
		"more calls":         {func(d *catalogue.Decision) { d.Terms.Quota.PerMinute++ }, "quota"},
		"no limit":           {func(d *catalogue.Decision) { d.Terms.Quota = exchange.Quota{} }, "quota"},
		"a larger burst":     {func(d *catalogue.Decision) { d.Terms.Quota.Burst = 1000 }, "quota"},
		"nothing":            {func(d *catalogue.Decision) { d.Terms.Fields = nil }, "fields"},
	} {
		d := catalogue.Decision{Outcome: catalogue.Changed, Terms: r.Asked, Answer: "Vì những lý do sau"}
		c.change(&d)
		_, err := w.Decide(as(t, owner), r.ID, d)
		if e, is := errs.As(err); !is || e.Code != "catalogue.bad_decision" || len(e.Fields) != 1 || e.Fields[0].Name != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.clock.Set(r.Asked.Until)
	if _, err := w.Decide(as(t, owner), r.ID, catalogue.Decision{Outcome: catalogue.Granted}); errs.CodeOf(err) != "catalogue.bad_decision" {
		t.Error("granted until yesterday:", err)
	}
	if _, err := w.Decide(as(t, owner), r.ID, catalogue.Decision{Outcome: catalogue.Refused, Answer: "Đã quá hạn mong muốn"}); err != nil {
		t.Error(err)
	}
}

// TestConsentMayBeDemanded: an owner gives less by asking for people's consent,
// and cannot drop it where the request offered it.
func TestConsentMayBeDemanded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	search := func(r *catalogue.Request) { r.Asked.Operations = []string{"search"} }
	r, err := w.Ask(as(t, asker), w.request(search))
	ok(t, err)
	less := r.Asked
	less.Consent = true
	_, err = w.Decide(as(t, owner), r.ID, catalogue.Decision{Outcome: catalogue.Changed, Terms: less, Answer: "Chỉ khi người dân đồng ý"})
	ok(t, err)
	grants, err := w.x.Grants(t.Context())
	ok(t, err)
	if len(grants) != 1 || !grants[0].Consent {
		t.Errorf("%+v", grants)
	}
	r, err = w.Ask(as(t, asker), w.request(search, func(r *catalogue.Request) { r.Asked.Consent = true }))
	ok(t, err)
	more := r.Asked
	more.Consent = false
	_, err = w.Decide(as(t, owner), r.ID, catalogue.Decision{Outcome: catalogue.Changed, Terms: more, Answer: "Không cần đồng ý"})
	if e, is := errs.As(err); !is || len(e.Fields) != 1 || e.Fields[0].Name != "consent" {
		t.Error(err)
	}
	if _, err := w.Ask(as(t, banker), w.request(func(r *catalogue.Request) { r.Client, r.Asked.Consent = loans, true })); errs.CodeOf(err) != "catalogue.bad_request" {
		t.Error("a consent for what is no look-up:", err)
	}
}

// TestOneDecision has two processes decide at once, one granting, one refusing.
func TestOneDecision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.another(t)
	for range 10 {
		r, err := w.Ask(as(t, asker), w.request())
		ok(t, err)
		var wait sync.WaitGroup
		outcomes := make([]error, 2)
		for i, d := range []catalogue.Decision{{Outcome: catalogue.Granted}, {Outcome: catalogue.Refused, Answer: "Không đủ căn cứ"}} {
			c := []*catalogue.Catalogue{w.Catalogue, other}[i]
			wait.Go(func() { _, outcomes[i] = c.Decide(as(t, owner), r.ID, d) })
		}
		wait.Wait()
		if (outcomes[0] == nil) == (outcomes[1] == nil) {
			t.Fatal(outcomes)
		}
		grants, err := w.x.Grants(t.Context())
		ok(t, err)
		granted := false
		for _, g := range grants {
			granted = granted || g.ID == r.ID
		}
		if granted != (outcomes[0] == nil) {
			t.Fatalf("granted %v, %v", granted, outcomes)
		}
	}
}

// TestAGrantThatFailsDecidesNothing: the decision and its grant come together.
func TestAGrantThatFailsDecidesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := w.Ask(as(t, asker), w.request())
	ok(t, err)
	w.deps.Rights = broken{w.x}
	if _, err := w.another(t).Decide(as(t, owner), r.ID, catalogue.Decision{Outcome: catalogue.Granted}); err == nil {
		t.Fatal("no error")
	}
	if r, err = w.Request(as(t, owner), r.ID); err != nil || r.Outcome != "" {
		t.Errorf("%+v %v", r, err)
	}
}

type broken struct{ catalogue.Rights }

func (b broken) AddGrant(ctx context.Context, g exchange.Grant) (exchange.Grant, error) {
	if _, err := b.Rights.AddGrant(ctx, g); err != nil {
		return g, err
	}
	return g, errors.New("the disk is full")
}

func TestUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, service := range []exchange.ServiceID{population, secret} {
		_, err := w.x.AddGrant(t.Context(), exchange.Grant{Client: civil, Service: service, Operations: []string{"search"}, Fields: []string{"*"}, Purpose: "birth-registration", LegalBasis: "x"})
		ok(t, err)
	}
	bank := func(c *exchange.Call) { c.Client = loans }
	for range 3 { // each names two people; a call is a call
		ok(t, w.call(t))
	}
	_ = w.call(t, bank)                                                     // refused
	_ = w.call(t, func(c *exchange.Call) { c.Service.Service = "made-up" }) // no service
	_ = w.call(t, func(c *exchange.Call) { c.Service = secret })            // fails
	ok(t, w.x.RecordOwnUse(t.Context(), exchange.OwnUse{Service: population, Operation: "read", Purpose: "register-keeping", LegalBasis: "x", Subjects: []string{"1"}}))
	ok(t, w.Count(t.Context()))
	if m := latest(t, w, owner, population); m.Answered != 0 {
		t.Errorf("counted before it settled: %+v", m)
	}
	w.clock.Advance(3 * time.Minute)
	other := w.another(t)
	var wait sync.WaitGroup
	for _, c := range []*catalogue.Catalogue{w.Catalogue, other, w.Catalogue} {
		wait.Go(func() {
			if err := c.Count(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	ok(t, w.Count(t.Context()))
	if m := latest(t, w, auth.Principal{}, population); m != (catalogue.Month{Month: "2026-11", Answered: 3, Refused: 1, Clients: 1}) {
		t.Errorf("%+v", m)
	}
	if m := latest(t, w, owner, secret); m != (catalogue.Month{Month: "2026-11", Failed: 1}) {
		t.Errorf("%+v", m)
	}
	w.clock.Advance(2 * time.Hour) // into December by the country's clock
	ok(t, w.call(t))
	w.clock.Advance(3 * time.Minute)
	ok(t, w.Count(t.Context()))
	if m := latest(t, w, auth.Principal{}, population); m != (catalogue.Month{Month: "2026-12", Answered: 1, Clients: 1}) {
		t.Errorf("%+v", m)
	}
	for _, p := range []auth.Principal{{}, asker, plain, {Subsystem: civil.String(), Member: "GOV/MOJ"}} {
		if _, err := w.Use(as(t, p), secret.String()); errs.CodeOf(err) != "catalogue.use_private" {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func latest(t *testing.T, w *world, p auth.Principal, s exchange.ServiceID) catalogue.Month {
	t.Helper()
	months, err := w.Use(as(t, p), s.String())
	ok(t, err)
	if len(months) != 12 {
		t.Fatal(len(months))
	}
	return months[11]
}
