package exchange

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange/description"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// X-Road's metaservices are services that every subsystem offers to everybody:
// signed, recorded and carried to other nodes like any other, but without a
// grant, for they tell nothing about people.

// isMeta says whether a question is for a metaservice. Under another verb or
// address the name is that of an ordinary service.
func (a *ask) isMeta() bool {
	switch a.Service.Service {
	case "listMethods", "allowedMethods", "getOpenAPI":
		return a.Method == "GET" && strings.Trim(a.Path, "/") == ""
	}
	return false
}

// forEverybody is the decision on a metaservice: as if all had a grant on all of
// it, without a quota and for no purpose.
func forEverybody() decision {
	return decision{fields: []string{"*"}, tree: newFieldTree("*"), grants: []*Grant{{}}}
}

// metaservices is the provider behind every subsystem's metaservices.
type metaservices struct{ *Exchange }

// Serve implements Provider.
func (m metaservices) Serve(ctx context.Context, d Delivery) (Reply, error) {
	rules, err := m.freshen(ctx)
	if err != nil {
		return Reply{}, unavailable("exchange.rules_unreadable", err)
	}
	system := d.Service.SubsystemID
	if !rules.subsystems[system] {
		return Reply{}, errs.New(errs.NotFound, "exchange.unknown_provider", "service", d.Service.String())
	}
	switch d.Service.Service {
	case "getOpenAPI":
		return m.openAPI(ctx, system, d.Query)
	case "allowedMethods":
		services, err := m.AllowedOf(ctx, system, d.Client)
		if err != nil {
			return Reply{}, err
		}
		return methodsOf(services)
	}
	return methodsOf(m.ServicesOf(system))
}

type metaService struct {
	Instance    string         `json:"xroad_instance"`
	Class       string         `json:"member_class"`
	Member      string         `json:"member_code"`
	Subsystem   string         `json:"subsystem_code"`
	ObjectType  string         `json:"object_type"`
	ServiceCode string         `json:"service_code"`
	ServiceType string         `json:"service_type"`
	Endpoints   []metaEndpoint `json:"endpoint_list,omitempty"`
}

type metaEndpoint struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

func methodsOf(services []ServiceInfo) (Reply, error) {
	out := struct {
		Service []metaService `json:"service"`
	}{[]metaService{}}
	for _, s := range services {
		m := metaService{
			Instance: s.ID.Instance, Class: s.ID.Class, Member: s.ID.Member, Subsystem: s.ID.Subsystem,
			ObjectType: "SERVICE", ServiceCode: s.ID.Service, ServiceType: s.Type,
		}
		for _, e := range s.Endpoints {
			m.Endpoints = append(m.Endpoints, metaEndpoint{e.Method, e.Path})
		}
		out.Service = append(out.Service, m)
	}
	body, err := json.Marshal(out)
	return Reply{ContentType: "application/json", Body: body}, err
}

// openAPI gives a service's document.
func (m metaservices) openAPI(ctx context.Context, system SubsystemID, query string) (Reply, error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return Reply{}, errs.New(errs.Invalid, "exchange.bad_query")
	}
	code := ""
	for name, values := range q {
		if strings.EqualFold(name, "serviceCode") {
			code = values[len(values)-1]
		}
	}
	o := m.offer(ServiceID{system, code})
	f := fault{atProvider + "internal_error", "Service not found: SERVICE:" + ServiceID{system, clip(code)}.String()}
	switch {
	case code == "":
		f = fault{atProvider + "invalid_request", "Missing serviceCode in message body"}
	case o != nil && o.info.Type != TypeOpenAPI:
		f.message = "Invalid service type: " + TypeREST
	case o != nil:
		doc, contentType, bad := m.openAPIOf(ctx, o)
		if bad.code == "" {
			return Reply{ContentType: contentType, Body: doc}, nil
		}
		f = bad
	}
	return Reply{}, errs.New(errs.Invalid, "exchange.metaservice", "type", f.code, "message", f.message)
}

// openAPIOf gives a service's document without the addresses of its machines. A
// document with an address of its own is asked for there, as X-Road does.
func (x *Exchange) openAPIOf(ctx context.Context, o *offered) (doc []byte, contentType string, f fault) {
	internal := func(message string) ([]byte, string, fault) {
		return nil, "", fault{atProvider + "internal_error", message}
	}
	doc, contentType = o.openAPI, ""
	if s := o.published; s != nil {
		var err error
		if s.DescriptionURL != "" {
			doc, contentType, err = fetchDescription(ctx, s.DescriptionURL, x.originOf(s))
		} else {
			var text string
			text, _, err = x.store.serviceDescription(ctx, s.ID)
			doc = []byte(text)
		}
		if u, ok := errors.AsType[*unread](err); ok {
			return internal(fmt.Sprintf("Failed reading service description from %s. Status: %s Reason: %s", s.DescriptionURL, u.status, u.reason))
		} else if err != nil {
			return internal("The description cannot be read now")
		}
		if doc, err = description.Anonymise(doc); err != nil {
			return internal("Failed overwriting origin URL for the openapi servers for " + s.DescriptionURL)
		}
	}
	if media, _, _ := strings.Cut(contentType, ";"); media == "application/json" || media == "application/x-yaml" {
		return doc, contentType, fault{}
	}
	if description.IsJSON(doc) {
		return doc, "application/json", fault{}
	}
	return doc, "application/x-yaml", fault{}
}

// ServicesOf lists what a subsystem offers, in order of the service codes.
func (x *Exchange) ServicesOf(s SubsystemID) []ServiceInfo {
	return slices.DeleteFunc(x.Services(), func(i ServiceInfo) bool { return i.ID.SubsystemID != s })
}

// AllowedOf lists what the client has a grant for today among what a subsystem
// offers, each service with the endpoints that are granted.
func (x *Exchange) AllowedOf(ctx context.Context, s, client SubsystemID) ([]ServiceInfo, error) {
	rules, err := x.freshen(ctx)
	if err != nil {
		return nil, unavailable("exchange.rules_unreadable", err)
	}
	now := x.clock.Now()
	var out []ServiceInfo
	for _, i := range x.ServicesOf(s) {
		if endpoints, may := rules.reach(client, i, now); may {
			i.Endpoints = endpoints
			out = append(out, i)
		}
	}
	return out, nil
}

// OpenAPI gives a service's document as others see it: its servers' addresses
// are reduced to their path. errs.NotFound "exchange.unknown_service" when there
// is no such service or it has no document that can be had.
func (x *Exchange) OpenAPI(ctx context.Context, id ServiceID) ([]byte, error) {
	if o := x.offer(id); o != nil && o.info.Type == TypeOpenAPI {
		if doc, _, f := x.openAPIOf(ctx, o); f.code == "" {
			return doc, nil
		}
	}
	return nil, errs.New(errs.NotFound, "exchange.unknown_service", "service", id.String())
}

// located words the refusal of a question that could lead nowhere as X-Road
// does: who has no grant is told apart from who asks for what is not there, for
// listMethods shows everybody what there is.
func (x *Exchange) located(ctx context.Context, err error, a *ask) error {
	switch errs.CodeOf(err) {
	case "exchange.no_grant", "exchange.unknown_service":
	default:
		return err
	}
	if x.atHomeElsewhere(a.Service.SubsystemID) {
		return err
	}
	rules, rerr := x.current(ctx)
	switch {
	case rerr == nil && !rules.subsystems[a.Service.SubsystemID]:
		return errs.New(errs.NotFound, "exchange.unknown_provider", "service", a.Service.String())
	case x.offer(a.Service) == nil:
		return errs.New(errs.NotFound, "exchange.unknown_service", "service", a.Service.String())
	}
	return err
}

type clientID struct {
	ObjectType string `json:"object_type" xml:"http://x-road.eu/xsd/identifiers objectType,attr"`
	Instance   string `json:"xroad_instance" xml:"http://x-road.eu/xsd/identifiers xRoadInstance"`
	Class      string `json:"member_class" xml:"http://x-road.eu/xsd/identifiers memberClass"`
	Member     string `json:"member_code" xml:"http://x-road.eu/xsd/identifiers memberCode"`
	Subsystem  string `json:"subsystem_code,omitempty" xml:"http://x-road.eu/xsd/identifiers subsystemCode,omitempty"`
}

type clientEntry struct {
	ID            clientID `json:"id" xml:"http://x-road.eu/xsd/xroad.xsd id"`
	Name          string   `json:"name" xml:"http://x-road.eu/xsd/xroad.xsd name"`
	SubsystemName string   `json:"subsystem_name,omitempty" xml:"http://x-road.eu/xsd/xroad.xsd subsystemName,omitempty"`
}

type clientList struct {
	XMLName xml.Name      `json:"-" xml:"http://x-road.eu/xsd/xroad.xsd clientList"`
	Member  []clientEntry `json:"member" xml:"http://x-road.eu/xsd/xroad.xsd member"`
}

// serveListClients lists members and subsystems: XML, or JSON when asked.
func (x *Exchange) serveListClients(w http.ResponseWriter, r *http.Request) error {
	list := clientList{Member: []clientEntry{}}
	if want := queryFold(r.URL.Query(), "xRoadInstance"); want == "" || want == x.instance {
		members, err := x.AllMembers(r.Context())
		if err != nil {
			return err
		}
		for _, m := range members {
			list.Member = append(list.Member, clientEntries(x.instance, m, i18n.LangFrom(r.Context()))...)
		}
	}
	if strings.Contains(strings.ToLower(strings.Join(r.Header.Values("Accept"), ",")), "application/json") {
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		return json.NewEncoder(w).Encode(list)
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	if _, err := w.Write([]byte(xml.Header)); err != nil {
		return err
	}
	return xml.NewEncoder(w).Encode(list)
}

func clientEntries(instance string, m Member, lang i18n.Lang) []clientEntry {
	member := clientID{ObjectType: "MEMBER", Instance: instance, Class: m.Class, Member: m.Code}
	out := []clientEntry{{ID: member, Name: m.Name.In(lang)}}
	for _, s := range m.Subsystems {
		sub := member
		sub.ObjectType, sub.Subsystem = "SUBSYSTEM", s.Code
		out = append(out, clientEntry{ID: sub, Name: m.Name.In(lang), SubsystemName: s.Name.In(lang)})
	}
	return out
}

func queryFold(q url.Values, name string) string {
	for n, values := range q {
		if strings.EqualFold(n, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}
