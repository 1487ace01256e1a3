package httpx_test

import (
	"errors"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
)

type form struct {
	Name  string     `json:"name"`
	Age   int        `json:"age"`
	Level auth.Level `json:"level"`
	Where struct {
		Ward string `json:"ward"`
	} `json:"where"`
	Items []struct {
		Amount int8 `json:"amount"`
	} `json:"items"`
}

func TestReadJSON(t *testing.T) {
	for _, c := range []struct {
		body, contentType, code, field, fieldCode string
	}{
		{`{"name":"Nguyễn","age":3,"level":"high","where":{"ward":"x"},"items":[{"amount":1}]}`, "application/json; charset=utf-8", "", "", ""},
		{`{}`, "", "", "", ""},
		{`{}`, "application/merge-patch+json", "", "", ""},
		{`{}`, "text/plain", "httpx.not_json", "", ""},
		{`{}`, "application/x-www-form-urlencoded", "httpx.not_json", "", ""},
		{"", "", "httpx.body_missing", "", ""},
		{" \n", "", "httpx.body_missing", "", ""},
		{`{"name":`, "", "httpx.json_syntax", "", ""},
		{`{"name" 1}`, "", "httpx.json_syntax", "", ""},
		{`{} {}`, "", "httpx.json_trailing", "", ""},
		{`{} x`, "", "httpx.json_trailing", "", ""},
		{"{\"name\":\"\xff\"}", "", "httpx.json_utf8", "", ""},
		{`{"nmae":"x"}`, "", "httpx.json_fields", "nmae", "httpx.json_unknown_field"},
		{`{"age":"x"}`, "", "httpx.json_fields", "age", "httpx.json_type"},
		{`{"where":{"ward":1}}`, "", "httpx.json_fields", "where.ward", "httpx.json_type"},
		{`{"items":[{"amount":300}]}`, "", "httpx.json_fields", "items.amount", "httpx.json_type"},
		{`[]`, "", "httpx.json_fields", "$", "httpx.json_type"},
		{`{"level":"huge"}`, "", "httpx.json_value", "", ""},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
		if c.contentType != "" {
			r.Header.Set("Content-Type", c.contentType)
		}
		var v form
		err := httpx.ReadJSON(r, &v)
		if errs.CodeOf(err) != c.code {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if e, ok := errs.As(err); c.field != "" && (!ok || len(e.Fields) != 1 || e.Fields[0].Name != c.field || e.Fields[0].Code != c.fieldCode) {
			t.Errorf("%s: %v", c.body, err)
		}
		if err != nil && !catalog(t).Has("error."+c.code) {
			t.Errorf("no message for %s", c.code)
		}
	}
}

func TestReadJSONBlamesTheProgrammer(t *testing.T) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(`{}`))
	if err := httpx.ReadJSON(r, form{}); errs.KindOf(err) != errs.Internal {
		t.Errorf("got %v", err)
	}
}

func TestWriteJSONWritesAllOrNothing(t *testing.T) {
	w := httptest.NewRecorder()
	if err := httpx.WriteJSON(w, 200, math.NaN()); err == nil || w.Body.Len() > 0 {
		t.Errorf("%v, wrote %q", err, w.Body)
	}
	w = httptest.NewRecorder()
	if err := httpx.WriteJSON(w, 201, "a<b & đ"); err != nil || w.Code != 201 || w.Body.String() != "\"a<b & đ\"\n" {
		t.Errorf("%v %d %q", err, w.Code, w.Body)
	}
}

func TestStatusOfStandardErrors(t *testing.T) {
	if got := httpx.Status(nil); got != 200 {
		t.Errorf("nil: %d", got)
	}
	if got := httpx.Status(errors.New("x")); got != 500 {
		t.Errorf("unknown: %d", got)
	}
	if got := httpx.Status(errs.New("teapot", "x.y")); got != 500 {
		t.Errorf("made-up kind: %d", got)
	}
}

func FuzzReadJSON(f *testing.F) {
	for _, s := range []string{`{"name":"x"}`, `{"age":1e400}`, `[`, `{"items":[{"amount":1}]}`, "\xff", `{"level":"low"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var v form
		err := httpx.ReadJSON(httptest.NewRequest("POST", "/", strings.NewReader(body)), &v)
		if err != nil && errs.KindOf(err) != errs.Invalid {
			t.Errorf("%q is called our fault: %v", body, err)
		}
	})
}
