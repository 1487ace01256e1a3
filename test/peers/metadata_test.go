package peers

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

type clientID struct {
	ObjectType string `json:"object_type" xml:"http://x-road.eu/xsd/identifiers objectType,attr"`
	Instance   string `json:"xroad_instance" xml:"http://x-road.eu/xsd/identifiers xRoadInstance"`
	Class      string `json:"member_class" xml:"http://x-road.eu/xsd/identifiers memberClass"`
	Member     string `json:"member_code" xml:"http://x-road.eu/xsd/identifiers memberCode"`
	Subsystem  string `json:"subsystem_code" xml:"http://x-road.eu/xsd/identifiers subsystemCode"`
}

type clientList struct {
	XMLName xml.Name `json:"-" xml:"http://x-road.eu/xsd/xroad.xsd clientList"`
	Member  []struct {
		ID            clientID `json:"id" xml:"http://x-road.eu/xsd/xroad.xsd id"`
		Name          string   `json:"name" xml:"http://x-road.eu/xsd/xroad.xsd name"`
		SubsystemName string   `json:"subsystem_name" xml:"http://x-road.eu/xsd/xroad.xsd subsystemName"`
	} `json:"member" xml:"http://x-road.eu/xsd/xroad.xsd member"`
}

type methods struct {
	Service []struct {
		Instance    string                          `json:"xroad_instance"`
		Class       string                          `json:"member_class"`
		Member      string                          `json:"member_code"`
		Subsystem   string                          `json:"subsystem_code"`
		ObjectType  string                          `json:"object_type"`
		ServiceCode string                          `json:"service_code"`
		ServiceType string                          `json:"service_type"`
		Endpoints   []struct{ Method, Path string } `json:"endpoint_list"`
	} `json:"service"`
}

// strictly reads JSON that may have nothing else in it.
func strictly(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// TestCollector makes the round of a catalogue's collector: who is there, what
// do they offer, what does it look like.
func TestCollector(t *testing.T) {
	h := dev(t, "")
	found := h.get(t, "/listClients", "", "Accept", "text/plain, application/json;q=0.1")
	if found.status != http.StatusOK || found.header.Get("Content-Type") != "application/json;charset=utf-8" {
		t.Fatal(found)
	}
	var asJSON, asXML clientList
	strictly(t, found.body, &asJSON)
	for _, accept := range []string{"", "text/xml", "*/*"} {
		found = h.get(t, "/listClients?xRoadInstance=DEV", "", "Accept", accept)
		asXML = clientList{}
		if err := xml.Unmarshal([]byte(found.body), &asXML); err != nil || found.header.Get("Content-Type") != "text/xml;charset=UTF-8" || len(asXML.Member) != len(asJSON.Member) {
			t.Fatal(err, found)
		}
	}
	for _, path := range []string{"/listClients?xRoadInstance=EE", "/listClients?xRoadInstance="} {
		var other clientList
		strictly(t, h.get(t, path, "", "Accept", "application/json").body, &other)
		if empty := strings.HasSuffix(path, "EE"); empty != (len(other.Member) == 0) {
			t.Errorf("%s has %d members", path, len(other.Member))
		}
	}
	services, documents := 0, 0
	for i, m := range asJSON.Member {
		if x := asXML.Member[i]; x.ID != m.ID || x.Name != m.Name || m.Name == "" || m.ID.Instance != "DEV" {
			t.Errorf("JSON and XML differ: %+v, %+v", m, x)
		}
		if m.ID.ObjectType != "SUBSYSTEM" {
			if m.ID.ObjectType != "MEMBER" || m.ID.Subsystem != "" {
				t.Errorf("%+v", m)
			}
			continue
		}
		at := "/r1/" + strings.Join([]string{m.ID.Instance, m.ID.Class, m.ID.Member, m.ID.Subsystem}, "/")
		all := h.methods(t, at+"/listMethods")
		services += len(all.Service)
		for _, s := range all.Service {
			if s.Instance+"/"+s.Class+"/"+s.Member+"/"+s.Subsystem != strings.TrimPrefix(at, "/r1/") || s.ObjectType != "SERVICE" || !slices.Contains([]string{"REST", "OPENAPI"}, s.ServiceType) || s.ServiceCode == "" {
				t.Errorf("%+v", s)
			}
			got := h.get(t, at+"/getOpenAPI?SERVICEcode="+s.ServiceCode, testClient, "Accept", "application/json")
			if s.ServiceCode == "lost" {
				continue
			}
			if s.ServiceType == "REST" {
				if !strings.Contains(got.body, `"message":"Invalid service type: REST"`) {
					t.Error(got)
				}
				continue
			}
			documents++
			doc, err := openapi3.NewLoader().LoadFromData([]byte(got.body))
			if err != nil || got.status != http.StatusOK || doc.Paths.Len() == 0 {
				t.Errorf("%s: %v %v", s.ServiceCode, err, got)
				continue
			}
			for _, server := range doc.Servers {
				if !strings.HasPrefix(server.URL, "/") && !strings.Contains(server.URL, "{") {
					t.Errorf("%s tells where its machine stands: %s", s.ServiceCode, server.URL)
				}
			}
		}
		if allowed := h.methods(t, at+"/allowedMethods"); len(allowed.Service) > 0 && at != "/r1/DEV/GOV/MPS/population" && at != "/r1/"+testService {
			t.Errorf("%s allows %+v", at, allowed)
		}
	}
	got := h.get(t, "/r1/"+testService+"/getOpenAPI?serviceCode=pets", testClient)
	if got.header.Get("Content-Type") != "application/x-yaml" || !strings.Contains(got.body, `url: "/v1"`) || !strings.Contains(got.body, "https://{host}/v2") || strings.Contains(got.body, "internal.example") {
		t.Errorf("a description in YAML: %v", got)
	}
	for _, s := range h.methods(t, "/r1/"+testService+"/listMethods").Service {
		if s.ServiceCode == "pets" && (s.ServiceType != "OPENAPI" || len(s.Endpoints) != 2 || s.Endpoints[0].Method != "GET" || s.Endpoints[0].Path != "/pets" || s.Endpoints[1].Path != "/pets/*") {
			t.Errorf("%+v", s)
		}
	}
	if services == 0 || documents == 0 {
		t.Errorf("%d services, %d documents", services, documents)
	}
	if allowed := h.methods(t, "/r1/DEV/GOV/MPS/population/allowedMethods"); len(allowed.Service) != 1 || allowed.Service[0].ServiceCode != "population" {
		t.Errorf("allowed: %+v", allowed)
	}
}

// methods asks a metaservice, whose answer has X-Road's headers like any other.
func (h house) methods(t *testing.T, path string) (m methods) {
	t.Helper()
	got := h.get(t, path, testClient, "X-Road-Id", "collector-1")
	name := path[strings.LastIndex(path, "/")+1:]
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") || got.header.Get("X-Road-Id") != "collector-1" ||
		got.header.Get("X-Road-Client") != testClient || got.header.Get("X-Road-Service") != strings.TrimPrefix(path, "/r1/") ||
		got.header.Get("X-Road-Request-Hash") == "" || got.header.Get("X-Road-Error") != "" {
		t.Errorf("%s: %v", name, got)
	}
	strictly(t, got.body, &m)
	return m
}
