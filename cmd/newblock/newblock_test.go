package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestAFreshBlockCompilesAndPasses keeps the guide true: the scaffold is built
// and tested inside a copy of the module's surroundings.
func TestAFreshBlockCompilesAndPasses(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "blocks"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "blocks", "README.md"), []byte("| `a` | b | |\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(root, "kernel"), filepath.Join(dir, "kernel")); err != nil {
		t.Fatal(err)
	}
	if err := write(dir, "permits"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "./blocks/permits")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	for _, name := range []string{"", "Permits", "two words", "../x", "a"} {
		if err := write(t.TempDir(), name); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}
