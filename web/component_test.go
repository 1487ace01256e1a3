package web

import (
	"flag"
	"html/template"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// TestOwnComponents compares the components that no package has fixtures for
// with HTML that was read by a person: go test ./web -run Own -update.
func TestOwnComponents(t *testing.T) {
	for _, lang := range i18n.Langs {
		e := testEnv(t, lang)
		for name, c := range ownExamples() {
			t.Run(string(lang)+"/"+name, func(t *testing.T) {
				got, err := normalise(string(e.html(c)))
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join("testdata", "own", name+"."+string(lang)+".txt")
				if update() {
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("differs from %s\n%s", file, diffLines(got, string(want)))
				}
			})
		}
	}
}

var updateGolden = flag.Bool("update", false, "write the expected HTML of our own components")

func update() bool { return *updateGolden }

func ownExamples() map[string]Component {
	return map[string]Component{
		"alert":           Alert{Variant: "warning", Title: "Còn 2 ngày", Text: "Sắp đến hạn.", Dismissible: true},
		"badge":           Badge{Text: "Toàn trình", Colour: "green"},
		"document-card":   sampleCards()[1],
		"empty-state":     EmptyState{Title: "Chưa có gì", Text: "Khi có tin, bạn thấy ở đây.", Action: &Button{Text: "Xem dịch vụ", Href: "/services"}},
		"filter":          Filter{Action: "/desk", ClearHref: "/desk", Selected: []FilterGroup{{Heading: "Dịch vụ", Items: []NavLink{{Text: "Khai sinh", Href: "/desk"}}}}, Hidden: []Hidden{{"view", "mine"}}},
		"form":            Form{Action: "/apply", Files: true, Hidden: []Hidden{{"token", "t"}}, Body: []Component{Button{Text: "Gửi"}}},
		"heading":         Heading{Level: 1, Text: "Khai sinh", Caption: "KS-1", ID: "top"},
		"identity-bar":    sampleIdentity(),
		"list":            List{Ordered: true, Items: []string{"một"}, Bodies: []Component{Tag{Text: "hai"}}},
		"message-list":    sampleMessages(),
		"progress":        Progress{Steps: []Step{{Text: "Nộp", State: "done"}, {Text: "Xét", State: "current", Detail: "22/11"}, {Text: "Trả"}}},
		"receipt":         sampleReceipt(),
		"search":          Search{Action: "/services", Label: "Tìm dịch vụ", Value: `"xe"`},
		"side-navigation": SideNavigation{Items: []NavLink{{Text: "Cần làm", Href: "/desk", Active: true, Count: "12"}}},
		"stat-tiles":      sampleStats()[:2],
		"sub-navigation":  SubNavigation{Items: []NavLink{{Text: "Hồ sơ", Href: "#", Active: true}, {Text: "Lịch sử", Href: "#h"}}},
		"tiles":           Tiles{Label: "Việc đời", Items: []Tile{{Title: "Sinh con", Text: "Một lần làm", Href: "/s/birth", Icon: "baby", Badge: &Badge{Text: "Mới"}}}},
		"timeline":        sampleTimeline(),
	}
}

// allComponents has an example of every kind, each with all its text filled by
// one value.
func allComponents(text string) []Component {
	var out []Component
	for _, p := range ported() {
		out = append(out, filled(p.make(), text))
	}
	for _, c := range ownExamples() {
		out = append(out, filled(reflect.New(reflect.TypeOf(c)).Interface().(Component), text))
	}
	return out
}

// filled sets every string of a component, however deep, to text.
func filled(c Component, text string) Component {
	v := reflect.ValueOf(c).Elem()
	fill(v, text, 0)
	return v.Interface().(Component)
}

func fill(v reflect.Value, text string, depth int) {
	if depth > 6 || !v.CanSet() {
		return
	}
	switch v.Interface().(type) {
	case template.HTML, []Component, Component:
		return
	case Attrs:
		v.Set(reflect.ValueOf(Attrs{"data-x": text, text: "y", "onclick": text}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text, depth+1)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), text, depth+1)
		}
	}
}

// Whatever people type, it stays text: no component lets it become an element,
// a script address or an event handler.
func TestNoInjection(t *testing.T) {
	e := testEnv(t, i18n.VI)
	check := func(t interface{ Fatalf(string, ...any) }, text string) {
		for _, c := range allComponents(text) {
			n, err := html.Parse(strings.NewReader(string(e.html(c))))
			if err != nil {
				t.Fatalf("%T: %v", c, err)
			}
			for d := range n.Descendants() {
				if d.Data == "evil" || d.Data == "script" {
					t.Fatalf("%T lets %q make an element", c, text)
				}
				for _, a := range d.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "evil" ||
						(a.Key == "href" || a.Key == "action") && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
						t.Fatalf("%T lets %q make %s=%q", c, text, a.Key, a.Val)
					}
				}
			}
		}
	}
	for _, text := range []string{`<evil>`, `"><evil>`, `' evil=1 '`, `" onclick="x`, `</textarea><evil>`, `</style><evil>`, "javascript:evil()", "JaVaScRiPt:evil()"} {
		check(t, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.StringMatching(`["'<>=/ a-z&;:\x00-\x1f]{0,12}<evil>`).Draw(t, "text"))
	})
}

func TestDateValues(t *testing.T) {
	v := DateValues("born", "2026-01-09")
	if v["born-day"] != "9" || v["born-month"] != "1" || v["born-year"] != "2026" {
		t.Errorf("got %v", v)
	}
	if DateValues("x", "no date") != nil {
		t.Error("a wrong date has values")
	}
}

func TestRenderRefusesStrangers(t *testing.T) {
	e := testEnv(t, i18n.VI)
	if _, err := e.render(42); err == nil {
		t.Error("render took a number")
	}
	h, err := e.render([]Tag{{Text: "a"}, {Text: "b"}})
	if err != nil || strings.Count(string(h), "govuk-tag") != 2 {
		t.Errorf("got %q, %v", h, err)
	}
	var none *BackLink
	if h, err := e.render(none); h != "" || err != nil {
		t.Errorf("nil pointer: %q, %v", h, err)
	}
}
