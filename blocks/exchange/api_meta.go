package exchange

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/blocks/exchange/description"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

type metaHandler func(http.ResponseWriter, *http.Request, *ask) error

// metaservice gives the handler of one of X-Road's metaservices; nil when the
// address names an ordinary service.
func (x *Exchange) metaservice(a *ask) metaHandler {
	if a.Path != "" && a.Path != "/" {
		return nil
	}
	switch a.Service.Service {
	case "listMethods":
		return x.serveMethods
	case "allowedMethods":
		return x.serveMethods
	case "getOpenAPI":
		return x.serveOpenAPI
	}
	return nil
}

type metaEndpoint struct {
	Method string `json:"method"`
	Path   string `json:"path"`
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

// serveMethods lists the services of a subsystem: all of them, or those on which
// the caller has a grant today.
func (x *Exchange) serveMethods(w http.ResponseWriter, r *http.Request, a *ask) error {
	rules, err := x.freshen(r.Context())
	if err != nil {
		x.writeFault(w, r, unavailable("exchange.rules_unreadable", err), a)
		return nil
	}
	out := struct {
		Service []metaService `json:"service"`
	}{[]metaService{}}
	for _, s := range x.Services() {
		if s.ID.SubsystemID != a.Service.SubsystemID {
			continue
		}
		if a.Service.Service == "allowedMethods" && !rules.mayUse(a.Client, s.ID, x.clock.Now()) {
			continue
		}
		m := metaService{
			Instance: s.ID.Instance, Class: s.ID.Class, Member: s.ID.Member, Subsystem: s.ID.Subsystem,
			ObjectType: "SERVICE", ServiceCode: s.ID.Service, ServiceType: s.Type,
		}
		for _, e := range s.Endpoints {
			m.Endpoints = append(m.Endpoints, metaEndpoint{e.Method, e.Path})
		}
		out.Service = append(out.Service, m)
	}
	x.metaHeaders(w, a)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// metaHeaders answers with X-Road's headers; the hash of a metaservice covers
// headers only.
func (x *Exchange) metaHeaders(w http.ResponseWriter, a *ask) {
	a.sums = sums{}
	a.hash = a.requestHash()
	x.xroadHeaders(w, a)
}

// serveOpenAPI gives a service's document.
func (x *Exchange) serveOpenAPI(w http.ResponseWriter, r *http.Request, a *ask) error {
	code := ""
	for name, values := range r.URL.Query() {
		if strings.EqualFold(name, "serviceCode") && len(values) > 0 {
			code = values[0]
		}
	}
	if _, err := x.freshen(r.Context()); err != nil {
		x.writeFault(w, r, unavailable("exchange.rules_unreadable", err), a)
		return nil
	}
	var f fault
	o := x.offer(ServiceID{a.Service.SubsystemID, code})
	switch {
	case code == "":
		f = fault{atProvider + "invalid_request", "Missing serviceCode in message body"}
	case o == nil:
		f = fault{atProvider + "internal_error", "Service not found: " + ServiceID{a.Service.SubsystemID, clip(code)}.String()}
	case o.info.Type != TypeOpenAPI:
		f = fault{atProvider + "internal_error", "Invalid service type: " + TypeREST}
	}
	var doc []byte
	var contentType string
	if f.code == "" {
		doc, contentType, f = x.openAPIOf(r.Context(), o)
	}
	if f.code != "" {
		x.writeMetaFault(w, r, f)
		return nil
	}
	x.metaHeaders(w, a)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(doc)))
	_, err := w.Write(doc)
	return err
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

func (x *Exchange) writeMetaFault(w http.ResponseWriter, r *http.Request, f fault) {
	contentType, asXML := wantsXML(r.Header.Values("Accept"))
	body, got := f.body(x.vocabulary, newRequestID(x), asXML)
	if asXML {
		got = contentType
	}
	w.Header().Set("Content-Type", got+";charset=UTF-8")
	w.Header().Set("X-Road-Error", x.vocabulary.Code(f.code))
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write(body)
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
		members, err := x.Members(r.Context())
		if err != nil {
			return err
		}
		for _, m := range members {
			list.Member = append(list.Member, clientEntries(x.instance, m, i18n.LangFrom(r.Context()))...)
		}
	}
	if strings.Contains(strings.ToLower(strings.Join(r.Header.Values("Accept"), ",")), "application/json") {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
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
