package httpx_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/dinh-gov/dinh/kernel/httpx"
)

func TestLocalPath(t *testing.T) {
	for _, good := range []string{"/", "/cases/1", "/cases?q=a%2Fb&r=//x", "/a#b", "/tìm-kiếm?q=Đà Nẵng", "/a/../b"} {
		if got := httpx.LocalPath(good); got != good {
			t.Errorf("LocalPath(%q) = %q", good, got)
		}
	}
	for _, bad := range []string{
		"", "cases", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "/\n/evil.example",
		"https://evil.example/", "javascript:alert(1)", "/a\\b", "/.//evil.example", "/%zz", "/\x7f", "/\xff", " /a",
		"/" + strings.Repeat("a", 3000), "?q=1", "#a",
	} {
		if got := httpx.LocalPath(bad); got != "/" {
			t.Errorf("LocalPath(%q) = %q", bad, got)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/a?b=c", "//evil", `/\evil`, "/a/..//b", "/\t/x", "http://x"} {
		f.Add(s)
	}
	base := &url.URL{Scheme: "https", Host: "dinh.example", Path: "/sign-in"}
	f.Fuzz(func(t *testing.T, s string) {
		got := httpx.LocalPath(s)
		if got != s && got != "/" {
			t.Fatalf("%q was rewritten to %q", s, got)
		}
		u, err := base.Parse(got)
		if err != nil || u.Host != "dinh.example" || u.Scheme != "https" {
			t.Fatalf("%q leads to %v (%v)", got, u, err)
		}
		// As browsers read it: tabs and newlines dropped, backslashes as slashes.
		browser := strings.ReplaceAll(strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(got), `\`, "/")
		if !strings.HasPrefix(browser, "/") || strings.HasPrefix(browser, "//") {
			t.Fatalf("a browser reads %q as another host", got)
		}
	})
}
