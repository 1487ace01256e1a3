package services_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

func block(t *testing.T) *services.Services {
	t.Helper()
	catalog, err := i18n.New(services.Messages(), web.Messages(), httpx.Messages())
	if err != nil {
		t.Fatal(err)
	}
	pages, err := web.New(web.Config{Catalog: catalog})
	if err != nil && !errors.Is(err, web.ErrNoAssets) {
		t.Fatal(err)
	}
	d := dbtest.New(t, dbtest.Set{Name: "services", FS: services.Migrations()})
	x, err := services.New(services.Deps{DB: d, Clock: clock.New(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)),
		Codes: codes(t), Pages: pages, Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestPublishedDefinitionsStay(t *testing.T) {
	ctx := context.Background()
	x := block(t)
	v3 := birth(t)
	if err := x.Publish(ctx, v3); err != nil {
		t.Fatal(err)
	}
	if err := x.Publish(ctx, v3); err != nil {
		t.Fatalf("publishing again: %v", err)
	}
	v4, err := parseChanged(t, "version: 3", "version: 4")
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Publish(ctx, v4); err != nil {
		t.Fatal(err)
	}
	live, err := x.Live(ctx, "birth")
	if err != nil || live.Version != 4 {
		t.Fatalf("live %v %v", live, err)
	}
	old, err := x.Get(ctx, v3.Hash)
	if err != nil || old.Version != 3 || old.Hash != v3.Hash {
		t.Fatalf("old %v %v", old, err)
	}
	retired, err := parseChanged(t, "version: 3", "version: 5", "status: live", "status: retired")
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Publish(ctx, retired); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Live(ctx, "birth"); !errors.Is(err, errs.NotFound) {
		t.Errorf("a retired service is live: %v", err)
	}
	if _, err := x.Get(ctx, v4.Hash); err != nil {
		t.Errorf("cases under a retired service lost it: %v", err)
	}
	if _, err := x.Get(ctx, "no such hash"); !errors.Is(err, errs.NotFound) {
		t.Errorf("unknown hash: %v", err)
	}
}

func TestADefinitionWithFaultsIsNotPublished(t *testing.T) {
	x := block(t)
	bad, err := parseChanged(t, "{notify: correct}", "{notify: correction}")
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Publish(context.Background(), bad); errs.CodeOf(err) != "services.lint" || !strings.Contains(err.Error(), "birth.yaml:") {
		t.Errorf("error %v; want services.lint with the place", err)
	}
}

func TestSearchFindsWithoutMarks(t *testing.T) {
	ctx := context.Background()
	x := block(t)
	if err := x.Publish(ctx, birth(t)); err != nil {
		t.Fatal(err)
	}
	for q, n := range map[string]int{"khai sinh": 1, "KHAI SINH": 1, "dang ky": 1, "em be": 1, "birth": 1, "1.001193": 1, "": 1, "hộ chiếu": 0} {
		if got, err := x.Search(ctx, q, i18n.VI); err != nil || len(got) != n {
			t.Errorf("%q: %d services, %v; want %d", q, len(got), err, n)
		}
	}
}

func TestPagesAndAPI(t *testing.T) {
	x := block(t)
	if err := x.Publish(context.Background(), birth(t)); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range x.Routes() {
		mux.HandleFunc(r.Pattern(), func(w http.ResponseWriter, req *http.Request) {
			if err := r.Handle(w, req); err != nil {
				w.WriteHeader(500)
				w.Write([]byte(errs.CodeOf(err) + " " + err.Error()))
			}
		})
	}
	get := func(path string, lang i18n.Lang) string {
		w := httptest.NewRecorder()
		req := httptest.NewRequest("GET", path, nil)
		mux.ServeHTTP(w, req.WithContext(i18n.WithLang(req.Context(), lang)))
		return w.Body.String()
	}
	expect := map[string][]string{
		"/api/services":            {`"id":"birth"`, `"working_days":1`},
		"/api/services?q=ho+chieu": {`"services":[]`},
		"/api/services/birth":      {`"hash":`, `"currency":"VND"`},
		"/api/services/none":       {"services.not_found"},
	}
	if len(x.Routes()) == 4 {
		expect["/services?q=khai+sinh"] = []string{"Đăng ký khai sinh", `value="khai sinh"`, "/services/birth"}
		expect["/services?q=%3Cb%3E"] = []string{"&lt;b&gt;"}
		expect["/services/birth"] = []string{"Bắt đầu", `action="/services/birth/start"`, "1 ngày làm việc", "Tùy trường hợp", "Luật Hộ tịch 2014"}
	}
	for path, words := range expect {
		body := get(path, i18n.VI)
		for _, want := range words {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q:\n%s", path, want, body)
			}
		}
		if strings.Contains(body, "⟦") {
			t.Errorf("%s lacks a message:\n%s", path, body)
		}
	}
}

func TestOpenAPIIsTheContract(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(services.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range block(t).Routes() {
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
	if !json.Valid(services.Schema()) {
		t.Error("the schema is not JSON")
	}
}
