package govstack

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]string{
		"/": {""}, "/listClients": {"listClients"}, "/r1/a/b/c/d/listMethods": {"a", "b", "c", "d", "listMethods"},
		"/%22a%22/%22b%22": {"a", "b"}, "/data/r/111/%7Bid%7D/delete": {"data", "r", "111", "{id}", "delete"}, "/a%2Fb/c": {"a/b", "c"},
	} {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(u); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("/r1/%22a%22//b/?x=1")
	f.Add("/%zz/%2e%2e")
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		got := names(u)
		if len(got) == 0 {
			t.Fatal("no name at all")
		}
		for _, n := range got {
			if strings.HasPrefix(n, `"`) {
				t.Errorf("%q keeps its quotes", n)
			}
		}
	})
}
