package peers

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// fault is X-Road's error body.
type fault struct {
	XMLName xml.Name `json:"-" xml:"error"`
	Type    string   `json:"type" xml:"type"`
	Message string   `json:"message" xml:"message"`
	Detail  string   `json:"detail" xml:"detail"`
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// TestErrors asks for every error that an X-Road client can run into by itself,
// in both spellings of the codes, as JSON and as XML.
func TestErrors(t *testing.T) {
	const provider = "/r1/DEV/COM/1234/TestService/"
	known := "X-Road-Client: " + testClient
	tests := []struct {
		name, request  string
		lines          []string
		old, new, text string
	}{
		{"no client", "GET " + provider + "mock1", nil,
			"Server.ClientProxy.InvalidClientIdentifier", "server.clientproxy.invalid_client_identifier", "The client identifier is missing"},
		{"half a client", "GET " + provider + "mock1", []string{"X-Road-Client: DEV/COM"},
			"Server.ClientProxy.InternalError", "server.clientproxy.internal_error", "Invalid Client Id"},
		{"a client too long", "GET " + provider + "mock1", []string{"X-Road-Client: DEV/COM/4321/TestClient/x"},
			"Server.ClientProxy.InternalError", "server.clientproxy.internal_error", "Invalid Client Id"},
		{"an unknown client", "GET " + provider + "mock1", []string{"X-Road-Client: DEV/COM/4321/Nobody"},
			"Server.ClientProxy.UnknownMember", "server.clientproxy.unknown_member", "Client 'SUBSYSTEM:DEV/COM/4321/Nobody' not found"},
		{"a member without a system", "GET " + provider + "mock1", []string{"X-Road-Client: DEV/COM/4321"},
			"Server.ClientProxy.UnknownMember", "server.clientproxy.unknown_member", "Client 'MEMBER:DEV/COM/4321' not found"},
		{"a client that needs a key", "GET " + provider + "mock1", []string{"X-Road-Client: DEV/GOV/MOJ/civil-status"},
			"Server.ClientProxy.SslAuthenticationFailed", "server.clientproxy.ssl_authentication_failed", "Client (SUBSYSTEM:DEV/GOV/MOJ/civil-status)"},
		{"the last client wins", "GET " + provider + "mock1", []string{known, "X-Road-Client: DEV/COM"},
			"Server.ClientProxy.InternalError", "server.clientproxy.internal_error", "Invalid Client Id"},
		{"a short address", "GET /r1/DEV/COM/1234/TestService", []string{known},
			"Server.ClientProxy.InternalError", "server.clientproxy.internal_error", "Invalid request URI"},
		{"half a server", "GET " + provider + "listMethods", []string{known, "X-Road-Security-Server: DEV/COM/1234"},
			"Server.ClientProxy.InternalError", "server.clientproxy.internal_error", "Invalid SecurityServer Id"},
		{"a party too long", "GET " + provider + "listMethods", []string{known, "X-Road-Represented-Party: COM/1/2"},
			"Server.ClientProxy.InternalError", "server.clientproxy.internal_error", "Invalid RepresentedParty Id"},
		{"an unknown member", "GET /r1/DEV/COM/9/x/mock1", []string{known},
			"Server.ClientProxy.UnknownMember", "server.clientproxy.unknown_member", `Could not find addresses for service provider "SERVICE:DEV/COM/9/x/mock1"`},
		{"another instance", "GET /r1/EE/COM/1234/TestService/mock1", []string{known},
			"Server.ClientProxy.UnknownMember", "server.clientproxy.unknown_member", `Could not find addresses for service provider "SERVICE:EE/COM/1234/TestService/mock1"`},
		{"an unknown member's methods", "GET /r1/DEV/COM/9/x/listMethods", []string{known},
			"Server.ClientProxy.UnknownMember", "server.clientproxy.unknown_member", "Could not find addresses for service provider"},
		{"an unknown service", "GET " + provider + "ghost", []string{known},
			"Server.ServerProxy.UnknownService", "server.serverproxy.unknown_service", "Unknown service: SERVICE:DEV/COM/1234/TestService/ghost"},
		{"a metaservice's name with another verb", "DELETE " + provider + "listMethods", []string{known},
			"Server.ServerProxy.UnknownService", "server.serverproxy.unknown_service", "Unknown service: SERVICE:DEV/COM/1234/TestService/listMethods"},
		{"no right", "GET /r1/DEV/GOV/MPS/residence/residence/records/1", []string{known},
			"Server.ServerProxy.AccessDenied", "server.serverproxy.access_denied", "Request is not allowed: SERVICE:DEV/GOV/MPS/residence/residence"},
		{"another operation than granted", "DELETE /r1/" + population + "/records/1", []string{known},
			"Server.ServerProxy.AccessDenied", "server.serverproxy.access_denied", "Request is not allowed: SERVICE:" + population},
		{"a way around the right", "GET /r1/" + population + "/%2e%2e/x", []string{known},
			"Client.BadRequest", "client.bad_request", "Invalid request"},
		{"a service without a description", "GET " + provider + "getOpenAPI?serviceCode=mock1", []string{known},
			"Server.ServerProxy.InternalError", "server.serverproxy.internal_error", "Invalid service type: REST"},
		{"a lost description", "GET " + provider + "getOpenAPI?serviceCode=lost", []string{known},
			"Server.ServerProxy.InternalError", "server.serverproxy.internal_error", "Failed reading service description from PROVIDER/lost.yaml. Status: 404 Reason: Not Found"},
		{"no right on a service of its own", "GET " + provider + "lost/pets", []string{known},
			"Server.ServerProxy.AccessDenied", "server.serverproxy.access_denied", "Request is not allowed: SERVICE:DEV/COM/1234/TestService/lost"},
		{"no service code", "GET /r1/DEV/GOV/MPS/population/getOpenAPI", []string{known},
			"Server.ServerProxy.InvalidRequest", "server.serverproxy.invalid_request", "Missing serviceCode in message body"},
		{"the document of no service", "GET " + provider + "getOpenAPI?serviceCode=ghost", []string{known},
			"Server.ServerProxy.InternalError", "server.serverproxy.internal_error", "Service not found: SERVICE:DEV/COM/1234/TestService/ghost"},
	}
	accepted := []struct{ header, contentType string }{
		{"", "application/json"}, {"text/xml", "text/xml"}, {"application/json", "application/json"}, {"text/html", "application/json"},
		{"application/json, application/xml;q=0.1", "application/xml"}, {"image/png, text/*", "text/xml"},
	}
	for _, codes := range []string{"7.7", "7.8"} {
		h := dev(t, codes)
		for i, tt := range tests {
			want := tt.new
			if codes == "7.7" {
				want = tt.old
			}
			verb, target, _ := strings.Cut(tt.request, " ")
			accepts := accepted[:2]
			if i == 0 {
				accepts = accepted
			}
			for _, accept := range accepts {
				lines := tt.lines
				if accept.header != "" {
					lines = append([]string{"Accept: " + accept.header}, lines...)
				}
				got := h.wire(t, verb, target, "", lines...)
				var f fault
				var err error
				if accept.contentType == "application/json" {
					err = json.Unmarshal([]byte(got.body), &f)
				} else {
					err = xml.Unmarshal([]byte(got.body), &f)
				}
				status := http.StatusBadRequest
				if strings.HasPrefix(strings.ToLower(want), "server.") {
					status = http.StatusInternalServerError
				}
				if err != nil || got.status != status || f.Type != want || got.header.Get("X-Road-Error") != want || !strings.HasPrefix(f.Message, strings.ReplaceAll(tt.text, "PROVIDER", h.provider.url)) ||
					!uuid.MatchString(f.Detail) || got.header.Get("Content-Type") != accept.contentType+";charset=UTF-8" {
					t.Errorf("%s, %s, Accept %q: %d %q %s %s; want %d %s %q", codes, tt.name, accept.header, got.status, got.header.Get("X-Road-Error"), got.header.Get("Content-Type"), got.body, status, want, tt.text)
				}
			}
		}
	}
}
