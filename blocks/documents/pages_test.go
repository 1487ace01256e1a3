package documents_test

import (
	"bytes"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dinh-gov/dinh/blocks/documents"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db/dbtest"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/web"
)

const owner = "001185000123"

// serve opens the house with its pages; the header X-Who says who calls.
func serve(t *testing.T) (*documents.Documents, string) {
	t.Helper()
	need := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	catalog, err := i18n.New(documents.Messages(), web.Messages(), httpx.Messages())
	need(err)
	pages, err := web.New(web.Config{Catalog: catalog})
	if err != nil {
		t.Skip("run make assets: ", err)
	}
	d := dbtest.New(t, dbtest.Set{Name: "keys", FS: keys.Migrations()}, dbtest.Set{Name: "documents", FS: documents.Migrations()})
	c := clock.New(time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC))
	k, err := keys.Open(t.Context(), keys.Deps{DB: d, Clock: c, Master: [32]byte{1}, Instance: "VN"})
	need(err)
	_, err = k.Ensure(t.Context(), "GOV/MOJ", keys.Document, keys.Name{CommonName: "Bộ Tư pháp"})
	need(err)
	x, err := documents.New(documents.Deps{DB: d, Clock: c, Keys: k, Log: slog.New(slog.DiscardHandler), Origin: "https://dichvucong.example.vn", Pages: pages})
	need(err)
	who := func(r *http.Request) (auth.Principal, error) {
		switch n := r.Header.Get("X-Who"); n {
		case "":
			return auth.Principal{}, nil
		case "officer":
			return auth.Principal{Account: "o", Level: auth.Substantial, Officer: "o", Member: "GOV/MOJ", Roles: []string{"registrar"}}, nil
		default:
			return auth.Principal{Account: n, Number: n, Level: auth.Substantial}, nil
		}
	}
	s := httptest.NewServer(httpx.NewServer(httpx.Config{Routes: x.Routes(), Catalog: catalog, Errors: pages.Error, Log: slog.New(slog.DiscardHandler), Clock: c, Authenticate: who}).Handler())
	t.Cleanup(s.Close)
	return x, s.URL
}

func get(t *testing.T, r *http.Request, who string) (int, string) {
	t.Helper()
	r.Header.Set("X-Who", who)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func request(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWrongPersons walks every door with whoever must stay outside.
func TestWrongPersons(t *testing.T) {
	t.Parallel()
	x, url := serve(t)
	doc, err := x.Issue(t.Context(), birth("k"))
	if err != nil {
		t.Fatal(err)
	}
	mine := "/my-documents/" + doc.ID
	for _, c := range []struct {
		who, path string
		status    int
		says      string
		not       string
	}{
		{owner, "/my-documents", 200, "Giấy khai sinh", ""},
		{owner, mine, 200, "Trần Nguyễn Minh Ánh Dương", ""},
		{owner, mine + "/file.pdf", 200, "%PDF-1.7", ""},
		{owner, "/api/documents", 200, doc.Code, ""},
		{"009", "/my-documents", 200, "Bạn chưa có giấy tờ", doc.Code},
		{"009", mine, 404, "", "Trần"},
		{"009", mine + "/file.pdf", 404, "", "%PDF"},
		{"009", "/api/documents", 200, "", doc.Code},
		{"officer", mine, 403, "", "Trần"},
		{"officer", mine + "/file.pdf", 403, "", "%PDF"},
		{"", mine, 303, "", "Trần"},
		{"", mine + "/file.pdf", 303, "", "%PDF"},
		{"", "/api/documents", 401, "", doc.Code},
		{"", "/verify", 200, "Mã kiểm tra", ""},
		{"", "/verify/" + doc.Code, 200, `data-verified="yes"`, "Trần"},
		{"", "/verify/" + strings.ToLower(doc.Code), 200, "Giấy khai sinh", "001185"},
		{"", "/api/documents/verify/" + doc.Code, 200, `"state":"issued"`, doc.ID},
		{"", "/api/documents/verify/2222-2222-2223", 422, "", ""},
		{"", "/verify/2222-2222-2223", 422, "ký tự sai", ""},
		{"", "/verify/2222-2222-2222", 422, "Không có giấy tờ nào", ""},
		{"", "/api/documents/verify/2222-2222-2222", 404, "", ""},
	} {
		status, body := get(t, request(t, url+c.path), c.who)
		if status != c.status || !strings.Contains(body, c.says) || c.not != "" && strings.Contains(body, c.not) {
			t.Errorf("%q at %s: status %d, want %d saying %q and not %q", c.who, strings.ReplaceAll(c.path, doc.ID, "{id}"), status, c.status, c.says, c.not)
		}
	}
}

// TestUpload sends files as a browser does.
func TestUpload(t *testing.T) {
	t.Parallel()
	x, url := serve(t)
	doc, err := x.Issue(t.Context(), birth("k"))
	if err != nil {
		t.Fatal(err)
	}
	_, file, err := x.PDF(as(owner), doc.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file   []byte
		status int
		says   string
	}{
		"genuine": {file, 200, `data-verified="yes"`}, "altered": {append(bytes.Clone(file), ' '), 200, "Tệp đã bị thay đổi"},
		"no PDF": {[]byte("xin chào"), 200, "không có chữ ký số"}, "empty": {nil, 422, "10 MB"}, "too large": {make([]byte, 10<<20+1), 422, "10 MB"},
	} {
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		part, err := form.CreateFormFile("file", "x.pdf")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(c.file)
		form.Close()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/verify", &b)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", form.FormDataContentType())
		if status, body := get(t, r, ""); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: status %d, want %d saying %q", name, status, c.status, c.says)
		}
	}
}

func TestContractListsEveryRoute(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range open(t).Routes() {
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
}

// TestErasureLeavesTheFact: the paper becomes unreadable, that it was issued stays.
func TestErasureLeavesTheFact(t *testing.T) {
	t.Parallel()
	x := open(t)
	doc, err := x.Issue(t.Context(), birth("k"))
	if err != nil {
		t.Fatal(err)
	}
	if err := x.keys.Destroy(t.Context(), x.keys.Pseudonym(owner)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := x.PDF(as(owner), doc.ID); errs.KindOf(err) != errs.Gone {
		t.Errorf("an erased paper opens: %v", err)
	}
	if got, err := x.ByCode(t.Context(), doc.Code); err != nil || got.ID != doc.ID {
		t.Errorf("its code: %v", err)
	}
}
