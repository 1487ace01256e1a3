package exchange

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/dinh-gov/dinh/kernel/errs"
)

const (
	maxPath   = 4096
	maxLayers = 4 // of percent-encoding that is looked through; a fifth is refused
)

// CleanPath checks the part of a request path behind the service code, as it was
// sent (percent-encoded), and returns it unchanged, with a leading slash; "" for
// none. It refuses a path that any server further on could read as another one:
// "." and ".." segments, empty segments, slashes, backslashes and control
// characters hidden by encoding, at any depth of encoding, in look-alike or
// overlong forms. The error is errs.Invalid "exchange.bad_path".
func CleanPath(raw string) (string, error) {
	if raw == "" || raw == "/" {
		return raw, nil
	}
	bad := errs.New(errs.Invalid, "exchange.bad_path")
	if len(raw) > maxPath || strings.ContainsAny(raw, "?#\\") {
		return "", bad
	}
	if raw[0] != '/' {
		raw = "/" + raw
	}
	segs := strings.Split(raw[1:], "/")
	for i, seg := range segs {
		if seg == "" && i == len(segs)-1 {
			continue // one trailing slash is a place of its own
		}
		if !safeSegment(seg) {
			return "", bad
		}
	}
	return raw, nil
}

// safeSegment looks at a segment through every layer of encoding.
func safeSegment(seg string) bool {
	for range maxLayers {
		if !plainSegment(seg) {
			return false
		}
		if !strings.Contains(seg, "%") {
			return true
		}
		next, err := url.PathUnescape(seg)
		if err != nil {
			return false // also "100%25": a percent sign that stays is one layer too many for somebody
		}
		seg = next
	}
	return false
}

func plainSegment(seg string) bool {
	if seg == "" || !utf8.ValidString(seg) {
		return false
	}
	folded := seg
	if !ascii(seg) {
		folded = norm.NFKC.String(seg) // ．． and ／ become what they look like
	}
	name, _, _ := strings.Cut(folded, ";") // "..;x" is ".." to servers with path parameters
	if name = strings.TrimSpace(name); name == "." || name == ".." || name == "" {
		return false
	}
	for _, r := range folded {
		if r == '/' || r == '\\' || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return false
		}
	}
	return true
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// matchPath tells whether path fits a pattern in X-Road's glob: * is any
// characters within a segment, ** any characters at all, \* and \\ stand for
// themselves, both ends anchored. Unlike X-Road's possessive star, text after a
// star in the same segment matches ("/foo/*.json"): a rule that silently never
// matches helps nobody.
//
// It takes at most as many steps as pattern and path are long, multiplied.
func matchPath(pattern, path string) bool {
	at := make([]bool, len(path)+1) // at[i]: what was read of the pattern fits path[:i]
	at[0] = true
	for pattern != "" {
		star := strings.HasPrefix(pattern, "*")
		across := strings.HasPrefix(pattern, "**")
		switch {
		case across:
			pattern = strings.TrimLeft(pattern, "*")
		case star:
			pattern = pattern[1:]
		case pattern[0] == '\\' && len(pattern) > 1:
			pattern = pattern[1:]
		}
		if star {
			for i := range len(path) {
				at[i+1] = at[i+1] || at[i] && (across || path[i] != '/')
			}
			continue
		}
		for i := len(path); i > 0; i-- {
			at[i] = at[i-1] && path[i-1] == pattern[0]
		}
		at[0] = false
		pattern = pattern[1:]
	}
	return at[len(path)]
}
