package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

const fixtureDir = "../node_modules/govuk-frontend/dist/govuk/components"

type fixtureFile struct {
	Component string
	Fixtures  []struct {
		Name    string
		Options map[string]any
		HTML    string
	}
}

// ported names our struct for each component of govuk-frontend, and options
// that are called otherwise here ("" : taken by nothing, with the reason).
func ported() map[string]struct {
	make   func() Component
	rename map[string]string
} {
	type entry = struct {
		make   func() Component
		rename map[string]string
	}
	of := func(c Component, rename ...string) entry {
		m := map[string]string{}
		for i := 0; i+1 < len(rename); i += 2 {
			m[rename[i]] = rename[i+1]
		}
		return entry{func() Component { return reflect.New(reflect.TypeOf(c)).Interface().(Component) }, m}
	}
	return map[string]entry{
		"back-link":           of(BackLink{}),
		"breadcrumbs":         of(Breadcrumbs{}),
		"button":              of(Button{}, "isStartButton", "IsStart", "element", ""), // element is derived from href
		"checkboxes":          of(Checkboxes{}),
		"details":             of(Details{}),
		"error-message":       of(ErrorMessage{}),
		"error-summary":       of(ErrorSummary{}),
		"fieldset":            of(Fieldset{}),
		"hint":                of(Hint{}),
		"inset-text":          of(InsetText{}),
		"input":               of(Input{}),
		"label":               of(Label{}),
		"panel":               of(Panel{}),
		"phase-banner":        of(PhaseBanner{}),
		"radios":              of(Radios{}),
		"select":              of(Select{}),
		"skip-link":           of(SkipLink{}),
		"summary-list":        of(SummaryList{}),
		"table":               of(Table{}),
		"tabs":                of(Tabs{}),
		"tag":                 of(Tag{}),
		"task-list":           of(TaskList{}),
		"textarea":            of(Textarea{}),
		"warning-text":        of(WarningText{}),
		"date-input":          of(DateInput{}),
		"pagination":          of(Pagination{}),
		"notification-banner": of(NotificationBanner{}),
		// value: govuk-frontend's template takes none either, browsers allow none
		"file-upload": of(FileUpload{}, "value", "", "chooseFilesButtonText", "ChooseFilesButton", "noFileChosenText", "NoFileChosen",
			"multipleFilesChosenText", "MultipleFiles", "dropInstructionText", "DropInstruction",
			"enteredDropZoneText", "EnteredDropZone", "leftDropZoneText", "LeftDropZone"),
		"character-count": of(CharacterCount{}, "charactersUnderLimitText", "CharactersUnderLimit",
			"charactersAtLimitText", "CharactersAtLimit", "charactersOverLimitText", "CharactersOverLimit",
			"wordsUnderLimitText", "WordsUnderLimit", "wordsAtLimitText", "WordsAtLimit", "wordsOverLimitText", "WordsOverLimit"),
		"password-input": of(PasswordInput{}, "showPasswordText", "ShowPassword", "hidePasswordText", "HidePassword",
			"showPasswordAriaLabelText", "ShowPasswordLabel", "hidePasswordAriaLabelText", "HidePasswordLabel",
			"passwordShownAnnouncementText", "PasswordShownNotice", "passwordHiddenAnnouncementText", "PasswordHiddenNotice"),
	}
}

// TestConformance renders every fixture of every ported component and compares
// the tree with the one that govuk-frontend's own templates give.
func TestConformance(t *testing.T) {
	if _, err := os.Stat(fixtureDir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("node_modules is missing: run npm ci to compare with govuk-frontend's fixtures")
	}
	e := testEnv(t, i18n.EN)
	var report strings.Builder
	sumPassed, sum := 0, 0
	all := ported()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := all[name]
		data, err := os.ReadFile(filepath.Join(fixtureDir, name, "fixtures.json"))
		if err != nil {
			t.Fatal(err)
		}
		var file fixtureFile
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		passed := 0
		for _, fx := range file.Fixtures {
			ok := t.Run(name+"/"+fx.Name, func(t *testing.T) {
				c := p.make()
				if err := decodeFixture(reflect.ValueOf(c).Elem(), fx.Options, p.rename); err != nil {
					t.Fatal(err)
				}
				finish(c, fx.Options)
				compareHTML(t, string(e.html(reflect.ValueOf(c).Elem().Interface().(Component))), fx.HTML)
			})
			if ok {
				passed++
			}
		}
		fmt.Fprintf(&report, "%-22s %3d / %3d\n", name, passed, len(file.Fixtures))
		sumPassed, sum = sumPassed+passed, sum+len(file.Fixtures)
	}
	t.Logf("govuk-frontend fixtures:\n%s%-22s %3d / %3d", report.String(), "all", sumPassed, sum)
}

func compareHTML(t *testing.T, got, want string) {
	t.Helper()
	g, err := normalise(got)
	if err != nil {
		t.Fatal(err)
	}
	w, err := normalise(want)
	if err != nil {
		t.Fatal(err)
	}
	if g != w {
		t.Errorf("differs from govuk-frontend\n%s", diffLines(g, w))
	}
}

// diffLines shows where two normalised trees part.
func diffLines(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	var b strings.Builder
	for i := range max(len(g), len(w)) {
		a, z := "", ""
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			z = w[i]
		}
		if a != z {
			fmt.Fprintf(&b, "got:  %s\nwant: %s\n", a, z)
			if b.Len() > 1200 {
				break
			}
		}
	}
	return b.String()
}

func testEnv(t testing.TB, lang i18n.Lang) *env {
	t.Helper()
	c, err := i18n.New(Messages())
	if err != nil {
		t.Fatal(err)
	}
	e, err := newEnv(lang, c, func(s string) string { return "/static/" + s })
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// finish settles what Nunjucks expresses by a value that a typed field cannot:
// false for "none", and no value at all as against an empty one.
func finish(c Component, options map[string]any) {
	switch c := c.(type) {
	case *ErrorMessage:
		c.NoPrefix = options["visuallyHiddenText"] == false || options["visuallyHiddenText"] == ""
	case *DateInput:
		for name, p := range map[string]**DatePart{"day": &c.Day, "month": &c.Month, "year": &c.Year} {
			if options[name] == false {
				*p = &DatePart{Omit: true}
			}
		}
	case *Select:
		items, _ := options["items"].([]any)
		for i, v := range items {
			if m, ok := v.(map[string]any); ok {
				v, has := m["value"]
				c.Items[i].NoValue = !has
				if v == false {
					c.Items[i].Value = "false"
				}
			}
		}
	}
}
