package exchange

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
)

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
