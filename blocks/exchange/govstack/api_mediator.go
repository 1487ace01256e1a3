package govstack

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
)

const maxBody = 1 << 20

// Handler is the door for the suites. Whoever comes in asks as World's client.
func (g *GovStack) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		status, answer := g.route(r)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if status == http.StatusNoContent {
			w.WriteHeader(status)
			return
		}
		text, err := json.Marshal(answer)
		if err != nil {
			status, text = http.StatusInternalServerError, nil
		}
		w.WriteHeader(status)
		_, _ = w.Write(text)
	})
}

func (g *GovStack) route(r *http.Request) (int, any) {
	at := names(r.URL)
	switch {
	case len(at) == 1 && at[0] == "listClients":
		return g.listClients(r)
	case at[0] == "data":
		return g.data(r, at[1:])
	case at[0] == "databases" || at[0] == "database":
		return g.database(r, at)
	case len(at) == 5 && r.Method == http.MethodGet:
		return g.directory(r, strings.Join(at[:4], "/"), at[4])
	}
	return http.StatusNotFound, detail("no such address")
}

// names splits a path, without the protocol's version in front and without the
// quotes that the suites put around identifiers.
func names(u *url.URL) []string {
	parts := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	if len(parts) > 1 && parts[0] == "r1" {
		parts = parts[1:]
	}
	for i, p := range parts {
		if d, err := url.PathUnescape(p); err == nil {
			p = d
		}
		parts[i] = strings.Trim(p, `"`)
	}
	return parts
}

func detail(text string) any { return map[string]string{"detail": text} }

// refused tells an error as the suites expect it.
func refused(err error) (int, any) {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Conflict:
		return http.StatusBadRequest, detail(errs.CodeOf(err))
	case errs.NotFound, errs.Gone:
		return http.StatusNotFound, detail("no record found")
	case errs.Forbidden, errs.Unauthenticated:
		return http.StatusForbidden, detail(errs.CodeOf(err))
	}
	return http.StatusInternalServerError, detail("try again later")
}

// entry is an item of the directory.
type entry struct {
	ObjectType      map[string]string `json:"objectType,omitempty"`
	ServiceType     string            `json:"serviceType,omitempty"`
	Instance        string            `json:"GovStackInstance"`
	MemberClass     string            `json:"memberClass"`
	MemberCode      string            `json:"memberCode"`
	ApplicationCode string            `json:"applicationCode"`
	ServiceCode     string            `json:"serviceCode,omitempty"`
	EndpointList    *endpoints        `json:"endpointList,omitempty"`
}

type endpoints struct {
	Member []endpoint `json:"member"`
}

type endpoint struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

func listed(entries []entry) any { return map[string][]entry{"member": entries} }

func (g *GovStack) listClients(r *http.Request) (int, any) {
	members, err := g.d.Exchange.Members(r.Context())
	if err != nil {
		return refused(err)
	}
	out := []entry{}
	for _, m := range members {
		for _, s := range m.Subsystems {
			out = append(out, entry{ObjectType: map[string]string{"object_type": "SUBSYSTEM"}, Instance: g.d.Instance, MemberClass: m.Class, MemberCode: m.Code, ApplicationCode: s.Code})
		}
	}
	return http.StatusOK, listed(out)
}

// directory answers about one system, which comes under GovStack's name or its
// own.
func (g *GovStack) directory(r *http.Request, name, question string) (int, any) {
	s, ok := g.systems[name]
	if !ok {
		if s.id, ok = g.own(r.Context(), name); !ok {
			return http.StatusBadRequest, "there is no application " + name
		}
	}
	var services []exchange.ServiceInfo
	var err error
	switch question {
	case "getOpenAPI":
		return g.openAPI(r.Context(), s, r.URL.Query().Get("serviceCode"))
	case "listMethods":
		services = g.d.Exchange.ServicesOf(s.id)
	case "allowedMethods":
		services, err = g.d.Exchange.AllowedOf(r.Context(), s.id, g.client)
	default:
		return http.StatusNotFound, detail("no such address")
	}
	if err != nil {
		return refused(err)
	}
	out := []entry{}
	for _, i := range services {
		e := entry{
			ObjectType: map[string]string{"object_type": "SERVICE"}, ServiceType: i.Type, Instance: i.ID.Instance, MemberClass: i.ID.Class,
			MemberCode: i.ID.Member, ApplicationCode: i.ID.Subsystem, ServiceCode: i.ID.Service, EndpointList: &endpoints{[]endpoint{}},
		}
		for _, p := range i.Endpoints {
			e.EndpointList.Member = append(e.EndpointList.Member, endpoint{p.Method, p.Path})
		}
		out = append(out, e)
	}
	return http.StatusOK, listed(out)
}

// own finds a system under the name that it has here.
func (g *GovStack) own(ctx context.Context, name string) (exchange.SubsystemID, bool) {
	id, err := exchange.ParseSubsystem(name)
	if err != nil || id.Instance != g.d.Instance {
		return id, false
	}
	members, err := g.d.Exchange.Members(ctx)
	return id, err == nil && slices.ContainsFunc(members, func(m exchange.Member) bool {
		return m.ID() == id.Owner() && slices.ContainsFunc(m.Subsystems, func(s exchange.Subsystem) bool { return s.Code == id.Subsystem })
	})
}

// openAPI gives a service's document as one JSON string, which is how GovStack
// wants it.
func (g *GovStack) openAPI(ctx context.Context, s system, code string) (int, any) {
	if code == "" {
		return http.StatusBadRequest, "name the service: serviceCode is missing"
	}
	if own, ok := s.services[code]; ok {
		code = own
	}
	doc, err := g.d.Exchange.OpenAPI(ctx, exchange.ServiceID{SubsystemID: s.id, Service: code})
	if err != nil {
		return http.StatusBadRequest, "there is no service " + code
	}
	return http.StatusOK, string(doc)
}

// decode reads a JSON body; false when there is none that can be read.
func decode(r *http.Request, into any) bool {
	return json.NewDecoder(r.Body).Decode(into) == nil
}
