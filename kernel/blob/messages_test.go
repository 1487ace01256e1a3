package blob_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/kernel/blob"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Every error code of the package has its text in every language, and no text is left over.
func TestEveryErrorHasItsText(t *testing.T) {
	catalog, err := i18n.New(blob.Messages())
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	code := regexp.MustCompile(`errs\.New\(errs\.\w+, "(blob\.\w+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range code.FindAllSubmatch(src, -1) {
			used["error."+string(m[1])] = true
		}
	}
	for key := range used {
		if !catalog.Has(key) {
			t.Errorf("%s has no text: add it to messages/vi.json and messages/en.json", key)
		}
	}
	for _, key := range catalog.Keys() {
		if !used[key] {
			t.Errorf("%s is said nowhere: remove it from the messages", key)
		}
	}
}
