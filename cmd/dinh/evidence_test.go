package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const kept = "../../blocks/exchange/asic/testdata/2026"

func TestEvidenceVerify(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(kept + ".asice")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := write("damaged", bytes.Replace(whole, []byte("GOV/MOJ"), []byte("GOV/MOH"), 1))
	changed := write("changed", repack(t, whole, "GOV/MOJ", "GOV/MOH"))
	other := write("other", []byte("hello"))
	for name, c := range map[string]struct {
		args  []string
		says  []string
		ends  string // how the error begins; "" is none
		never string
	}{
		"whole":       {[]string{kept + ".asice", "--ca", kept + ".pem"}, []string{"✓ the evidence holds", "VN/GOV/MOJ/civil-status", "birth-registration", "GOV/MPS signed the answer", "in a batch", "2026-11-24T08:00:00Z", "test.dinh/ledger"}, "", "✗"},
		"not pinned":  {[]string{kept + ".asice"}, []string{"? the evidence agrees with itself", "SHA-256"}, "whose authority it is was not checked", "✗"},
		"damaged":     {[]string{damaged, "--ca", kept + ".pem"}, nil, "nothing was checked", "✓"},
		"changed":     {[]string{changed, "--ca", kept + ".pem"}, []string{"✗ the evidence does not hold", "✗ container", "✗ seal", "✗ request", "✓ answer"}, "the evidence does not hold", "✓ request"},
		"no file":     {[]string{filepath.Join(dir, "none")}, nil, "open ", "✓"},
		"another":     {[]string{other}, nil, "nothing was checked: The file is not a container", "✓"},
		"no PEM":      {[]string{kept + ".asice", "--ca", other}, nil, other + " holds no certificate", "✓"},
		"only a date": {[]string{kept + ".asice", "--tsa-ca", kept + ".pem"}, []string{"? the evidence agrees with itself"}, "whose authority", "✗"},
	} {
		root := command()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetArgs(append([]string{"evidence", "verify"}, c.args...))
		err := root.ExecuteContext(t.Context())
		if c.ends == "" != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), c.ends) {
			t.Errorf("%s: %v, want %q", name, err, c.ends)
		}
		for _, want := range c.says {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s does not say %q:\n%s", name, want, out.String())
			}
		}
		if c.never != "" && strings.Contains(out.String(), c.never) {
			t.Errorf("%s says %q:\n%s", name, c.never, out.String())
		}
	}
}

// repack changes what stands in the files of a container, and packs it again.
func repack(t *testing.T, container []byte, old, new string) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(container), int64(len(container)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		to, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(bytes.ReplaceAll(data, []byte(old), []byte(new))); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
