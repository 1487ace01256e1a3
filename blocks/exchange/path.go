package exchange

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"
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
	if len(raw) > maxPath || strings.ContainsAny(raw, "?#\\") {
		return "", errs.New(errs.Invalid, "exchange.bad_path")
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
			return "", errs.New(errs.Invalid, "exchange.bad_path")
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

// maxEndpoints bounds the endpoints of one grant.
const maxEndpoints = 100

// checkEndpoints says what is wrong with the endpoints of a grant.
func (g Grant) checkEndpoints() (wrong []errs.Field) {
	for _, e := range g.Endpoints {
		_, err := operationOf(nil, e.Method, "")
		if err != nil && e.Method != "*" || !strings.HasPrefix(e.Path, "/") || len(e.Path) > maxText || e.Operation != "" {
			wrong = append(wrong, errs.NewField("endpoints", "exchange.bad_granted_endpoint"))
		}
	}
	if len(g.Endpoints) > maxEndpoints {
		wrong = append(wrong, errs.NewField("endpoints", "exchange.too_many_endpoints", "max", maxEndpoints))
	}
	if len(g.Endpoints) > 0 && slices.Contains(g.Operations, OpSubscribe) {
		wrong = append(wrong, errs.NewField("endpoints", "exchange.endpoints_subscribe"))
	}
	return wrong
}

// opens says whether the grant reaches to an address of its service. An address
// is compared as it was sent: one that is spelled differently fits no pattern,
// even where a server further on would take it for the same.
func (g *Grant) opens(method, path string) bool {
	return len(g.Endpoints) == 0 || slices.ContainsFunc(g.Endpoints, func(e Endpoint) bool { return e.covers(method, cmp.Or(path, "/")) })
}

// String gives "GET /records/*", and the path alone for every method.
func (e Endpoint) String() string {
	if e.Method == "*" {
		return e.Path
	}
	return e.Method + " " + e.Path
}

// covers takes a pattern as the text that it is, too: whatever fits it fits e.
func (e Endpoint) covers(method, path string) bool {
	return (e.Method == method || e.Method == "*") && matchPath(e.Path, path)
}

// reach narrows the endpoints that a service lists to those that its grants open
// to the client now; false when none does. Of a grant that is narrower than the
// service's own endpoint, the grant's stands in the list.
func (r *rules) reach(client SubsystemID, info ServiceInfo, now time.Time) ([]Endpoint, bool) {
	may := false
	var out []Endpoint
	add := func(e Endpoint) {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	for _, g := range r.grants[pair{client, info.ID}] {
		if !g.activeAt(now) {
			continue
		}
		if may = true; len(g.Endpoints) == 0 {
			return info.Endpoints, true
		}
		for _, e := range g.Endpoints {
			if len(info.Endpoints) == 0 {
				add(e)
			}
			for _, s := range info.Endpoints {
				switch {
				case e.covers(s.Method, s.Path):
					add(s)
				case s.covers(e.Method, e.Path):
					add(Endpoint{Method: e.Method, Path: e.Path, Operation: s.Operation})
				case e.Method == "*" || s.Method == "*": // each is narrower in one of its halves
					if matchPath(s.Path, e.Path) {
						add(Endpoint{Method: s.Method, Path: e.Path, Operation: s.Operation})
					} else if matchPath(e.Path, s.Path) {
						add(Endpoint{Method: e.Method, Path: s.Path, Operation: s.Operation})
					}
				}
			}
		}
	}
	return out, may
}
