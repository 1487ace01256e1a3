// Command newblock writes a new building block that compiles, is tested and
// documented: go run ./cmd/newblock permits.
package main

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed template/*
var template embed.FS

var validName = regexp.MustCompile(`^[a-z]{3,20}$`)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: newblock NAME   (one lower-case noun, such as permits)")
		os.Exit(2)
	}
	if err := write(".", os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "newblock: "+err.Error())
		os.Exit(1)
	}
	fmt.Printf(`blocks/%[1]s is there. Next:
  1. say its promise in blocks/%[1]s/doc.go and in the table of blocks/README.md
  2. join it in app/app.go (migrations, messages, New, routes)
  3. go test ./blocks/%[1]s ./test/repo
`, os.Args[1])
}

// write makes the block below root and adds its line to the uses table.
func write(root, name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("%q: take one noun of 3 to 20 lower-case letters", name)
	}
	dir := filepath.Join(root, "blocks", name)
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%s exists already", dir)
	}
	words := strings.NewReplacer("BLOCK", name, "Block", strings.ToUpper(name[:1])+name[1:])
	entries, err := template.ReadDir("template")
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := template.ReadFile("template/" + e.Name())
		if err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.FromSlash(strings.ReplaceAll(words.Replace(strings.TrimSuffix(e.Name(), ".txt")), "__", "/")))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(words.Replace(string(text))), 0o644); err != nil {
			return err
		}
	}
	return addToTable(filepath.Join(root, "blocks", "README.md"), name)
}

func addToTable(file, name string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(strings.TrimSpace(string(text)), "|") {
		return errors.New("the uses table is not at the end of " + file)
	}
	return os.WriteFile(file, []byte(strings.TrimRight(string(text), "\n")+fmt.Sprintf("\n| `%s` | say here what people may rely on | |\n", name)), 0o644)
}
