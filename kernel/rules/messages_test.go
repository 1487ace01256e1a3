package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/rules"
)

// Every error code in the sources has its words in both languages.
func TestMessages(t *testing.T) {
	c, err := i18n.New(rules.Messages())
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`errs\.New\(errs\.\w+, "(rules\.\w+)"`)
	seen := 0
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range code.FindAllStringSubmatch(string(src), -1) {
			seen++
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			if !c.Has("error." + m[1]) {
				t.Errorf("%s: %s has no message", f, m[1])
			}
		}
	}
	if seen == 0 {
		t.Error("no error code was found; the pattern is stale")
	}
}
