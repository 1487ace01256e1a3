package i18n_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

func set(vi, en string) fstest.MapFS {
	return fstest.MapFS{"messages/vi.json": {Data: []byte(vi)}, "messages/en.json": {Data: []byte(en)}}
}

type level struct{}

func (level) In(l i18n.Lang) string { return map[i18n.Lang]string{"vi": "cao", "en": "high"}[l] }

type amount struct{}

func (amount) Format(l i18n.Lang) string {
	return map[i18n.Lang]string{"vi": "5 ₫", "en": "VND 5"}[l]
}

func TestCatalog(t *testing.T) {
	c, err := i18n.New(
		set(`{"hello":"Xin chào {name}","n":"{n} hồ sơ, mức {l}, {m}, {t}"}`, `{"hello":"Hello {name}","n":"{n} cases, level {l}, {m}, {t}"}`),
		set(`{"plain":"Một {không phải chỗ trống} và { name }"}`, `{"plain":"One {not a hole}"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ got, want string }{
		{c.T("vi", "hello", "name", "Lan"), "Xin chào Lan"},
		{c.T("en", "hello", "name", "{name}"), "Hello {name}"},
		{c.T("en", "hello", map[string]any{"name": 7}), "Hello 7"},
		{c.T("en", "hello"), "Hello {name}"},
		{c.T("en", "hello", "other", 1), "Hello {name}"},
		{c.T("fr", "hello", "name", "Lan"), "Xin chào Lan"},
		{c.T("en", "none"), "⟦none⟧"},
		{c.T("en", "n", "n", int64(2026), "l", level{}, "m", amount{}, "t", i18n.Text{VI: "a", EN: "b"}), "2026 cases, level high, VND 5, b"},
		{c.T("vi", "n", "n", 3, "l", level{}, "m", amount{}, "t", i18n.Text{VI: "a", EN: "b"}), "3 hồ sơ, mức cao, 5 ₫, a"},
		{c.T("vi", "plain", "name", "x"), "Một {không phải chỗ trống} và { name }"},
		{strings.Join(c.Keys(), " "), "hello n plain"},
		{i18n.Fill("{a}{a}-{b}", "a", 1, "b", true), "11-true"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
	if !c.Has("hello") || c.Has("none") {
		t.Error("Has is wrong")
	}
}

func TestCatalogRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		sets []fstest.MapFS
		says []string
	}{
		"missing file":   {[]fstest.MapFS{{"messages/vi.json": {Data: []byte(`{}`)}}}, []string{"add messages/en.json"}},
		"missing key":    {[]fstest.MapFS{set(`{"a":"x","b":"y"}`, `{"a":"x"}`)}, []string{`add key "b" to messages/en.json`}},
		"both wrong":     {[]fstest.MapFS{set(`{"a":"x"}`, `{"b":"x"}`)}, []string{`add key "a" to messages/en.json`, `add key "b" to messages/vi.json`}},
		"placeholders":   {[]fstest.MapFS{set(`{"a":"{x}"}`, `{"a":"{y}"}`)}, []string{`"a": placeholders differ`, "[x]", "[y]"}},
		"twice in a set": {[]fstest.MapFS{set(`{"a":"x","a":"y"}`, `{"a":"x"}`)}, []string{`"a" is already defined`}},
		"twice in two":   {[]fstest.MapFS{set(`{"a":"x"}`, `{"a":"x"}`), set(`{"a":"x"}`, `{"a":"x"}`)}, []string{"message set 2", `"a" is already defined`}},
		"nested":         {[]fstest.MapFS{set(`{"a":{"b":"x"}}`, `{"a":"x"}`)}, []string{`"a" needs a text`}},
		"empty text":     {[]fstest.MapFS{set(`{"a":" "}`, `{"a":"x"}`)}, []string{`"a" needs a text`}},
		"not an object":  {[]fstest.MapFS{set(`[]`, `{}`)}, []string{"must be one JSON object"}},
		"cut off":        {[]fstest.MapFS{set(`{"a":"x"`, `{"a":"x"}`)}, []string{"messages/vi.json"}},
		"trailing":       {[]fstest.MapFS{set(`{} {}`, `{}`)}, []string{"remove what follows"}},
	} {
		fss := make([]fs.FS, 0, len(c.sets))
		for _, s := range c.sets {
			fss = append(fss, s)
		}
		_, err := i18n.New(fss...)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, want := range c.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", name, err, want)
			}
		}
	}
}

func TestParseAndAccept(t *testing.T) {
	for in, want := range map[string]i18n.Lang{"vi": "vi", "EN": "en", "vi-VN": "vi", "en_GB": "en", " vi ": "vi", "": "", "fr": "", "english": "", "-vi": ""} {
		if got, ok := i18n.Parse(in); got != want || ok != (want != "") {
			t.Errorf("Parse(%q) = %q %v", in, got, ok)
		}
	}
	for in, want := range map[string]i18n.Lang{
		"": "", "fr": "", "*": "", "en": "en", "vi-VN,vi;q=0.9,en;q=0.8": "vi", "en;q=0.5,vi;q=0.5": "en", "en;q=0": "", "en;q=2": "",
		"en;q=x": "", "vi;q=0.1, en ; q=0.3": "en", "en;q=NaN": "", ",,,;": "", "en;level=1;q=0.2,vi;q=0.3": "vi",
	} {
		if got, ok := i18n.Accept(in); got != want || ok != (want != "") {
			t.Errorf("Accept(%q) = %q %v", in, got, ok)
		}
	}
}

func TestText(t *testing.T) {
	both, vi, en := i18n.Text{VI: "a", EN: "b"}, i18n.Text{VI: "a"}, i18n.Text{EN: "b"}
	if both.In("vi")+both.In("en")+vi.In("en")+en.In("vi") != "abab" {
		t.Error("In is wrong")
	}
	if !(i18n.Text{}).IsZero() || en.IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestContext(t *testing.T) {
	if got := i18n.LangFrom(context.Background()); got != i18n.VI {
		t.Errorf("default %q", got)
	}
	if got := i18n.LangFrom(i18n.WithLang(context.Background(), i18n.EN)); got != i18n.EN {
		t.Errorf("set %q", got)
	}
}

func TestFormats(t *testing.T) {
	at := time.Date(2026, 11, 22, 18, 5, 0, 0, time.UTC)
	for _, x := range []struct{ got, want string }{
		{i18n.FormatDate("vi", "2026-11-02"), "02/11/2026"},
		{i18n.FormatDate("en", "2026-11-02"), "2 November 2026"},
		{i18n.FormatDate("en", "2026-02-30"), "2026-02-30"},
		{i18n.FormatTime("vi", at), "01:05 ngày 23/11/2026"},
		{i18n.FormatTime("en", at), "23 November 2026 at 01:05"},
		{i18n.FormatInt("vi", 1234567), "1.234.567"},
		{i18n.FormatInt("en", -1234), "-1,234"},
		{i18n.FormatInt("en", -123), "-123"},
		{i18n.FormatInt("vi", 0), "0"},
		{i18n.FormatInt("en", -9223372036854775808), "-9,223,372,036,854,775,808"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
}

func FuzzAccept(f *testing.F) {
	for _, s := range []string{"vi,en;q=0.8", "en;q=", ";;;", "*;q=0.1", "en-GB;q=1e-9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if l, ok := i18n.Accept(s); ok != (l == i18n.VI || l == i18n.EN) {
			t.Errorf("Accept(%q) = %q %v", s, l, ok)
		}
		if l, ok := i18n.Parse(s); ok != (l == i18n.VI || l == i18n.EN) {
			t.Errorf("Parse(%q) = %q %v", s, l, ok)
		}
	})
}

func FuzzFill(f *testing.F) {
	f.Add("a {x} b", "v")
	f.Add("{{x}}", "{x}")
	f.Add("{x", "")
	f.Fuzz(func(t *testing.T, text, v string) {
		if got, want := i18n.Fill(text, "x", v), strings.ReplaceAll(text, "{x}", v); got != want {
			t.Errorf("Fill(%q, x=%q) = %q, want %q", text, v, got, want)
		}
	})
}
