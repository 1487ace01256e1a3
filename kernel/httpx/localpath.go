package httpx

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxLocalPath is longer than any path of ours.
const maxLocalPath = 2048

// LocalPath gives s back when it is an absolute path on this site, with or
// without a query, and "/" otherwise. Use it on every address that came from
// outside before redirecting to it. Refused are other schemes and hosts,
// //host, backslashes (browsers read them as slashes), control characters
// (browsers drop them) and empty path segments.
func LocalPath(s string) string {
	if !isLocalPath(s) {
		return "/"
	}
	return s
}

func isLocalPath(s string) bool {
	if len(s) == 0 || len(s) > maxLocalPath || s[0] != '/' || !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if c < 0x20 || c == '\\' || c >= 0x7f && c < 0xa0 {
			return false
		}
	}
	path, _, _ := strings.Cut(s, "?")
	path, _, _ = strings.Cut(path, "#")
	if strings.Contains(path, "//") {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil
}
