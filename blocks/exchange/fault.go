package exchange

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// fault is an error of the exchange itself in X-Road's form.
type fault struct {
	code    string // of 7.8
	message string
}

const (
	atClient   = "client."
	atAsker    = "server.clientproxy."
	atProvider = "server.serverproxy."
)

// faultOf words an error for X-Road clients. own is false for the service's own
// refusals, which pass with a status of their own and no X-Road-Error.
func faultOf(err error, a *ask) (f fault, own bool) {
	code := codeOf(err)
	name, ours := strings.CutPrefix(code, "exchange.")
	if !ours {
		switch errs.KindOf(err) {
		case errs.Internal, errs.Unavailable:
			return fault{atAsker + "internal_error", "The exchange failed; repeat the request with the same X-Road-Id"}, true
		}
		return fault{}, false
	}
	service := "SERVICE:" + a.Service.String()
	switch name {
	case "unknown_service":
		return fault{atProvider + "unknown_service", "Unknown service: " + service}, true
	case "metaservice":
		if e, ok := errs.As(err); ok {
			return fault{word(e.Args["type"]), word(e.Args["message"])}, true
		}
	case "unknown_provider":
		return fault{atAsker + "unknown_member", `Could not find addresses for service provider "` + service + `"`}, true
	case "no_grant", "grant_revoked", "grant_not_yet", "grant_expired", "operation_not_granted", "purpose_not_granted",
		"legal_basis_not_granted", "endpoint_not_granted", "field_not_granted", "record_not_granted", "no_endpoint", "consent_missing", "consent_withdrawn", "consent_ended", "consent_spent", "consent_person":
		return fault{atProvider + "access_denied", "Request is not allowed: " + service + reason(err, name)}, true
	case "quota_spent":
		return fault{atProvider + "access_denied", "Request is not allowed: " + service + reason(err, name)}, true
	case "purpose_missing":
		return fault{atClient + "missing_header", "Missing header X-Dinh-Purpose: more than one grant fits, name the purpose"}, true
	case "unknown_client":
		return fault{atAsker + "unknown_member", "Client 'SUBSYSTEM:" + a.Client.String() + "' not found"}, true
	case "client_key_revoked", "client_mismatch":
		return fault{atAsker + "ssl_authentication_failed", "Client (SUBSYSTEM:" + a.Client.String() + ") did not supply a key of its own that is valid"}, true
	case "bad_path", "bad_text", "bad_subsystem":
		return unreadable(err, name, a), true
	case "bad_query", "bad_field", "bad_body", "too_many_subjects", "body_too_large", "bad_service":
		return fault{atClient + "bad_request", "Invalid request: " + strings.ReplaceAll(name, "_", " ")}, true
	case "bad_method":
		return fault{atClient + "invalid_http_method", "Must use one of DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE"}, true
	case "node_unreachable":
		return fault{atAsker + "network_error", "Could not connect to the node of " + service + "; nothing was sent"}, true
	case "node_lost":
		return fault{atAsker + "network_error", "The connection to the node of " + service + " was lost; repeat the request with the same X-Road-Id"}, true
	case "answered_early":
		status, _, _ := early(err)
		return fault{atProvider + "service_failed", "Service refused with status " + strconv.Itoa(status) + " before it had the whole request: " + service}, true
	case "client_left":
		return fault{atAsker + "io_error", "The client left before it had the whole answer"}, true
	case "node_failed":
		return fault{atProvider + "internal_error", "The node of " + service + " could not answer; repeat the request with the same X-Road-Id"}, true
	case "replayed":
		return fault{atProvider + "invalid_message", "The message came before and is not answered twice"}, true
	case "delivered_before":
		return fault{atClient + "invalid_request", "The request was delivered before and is not delivered twice; ask the service how it went, or send it anew under another X-Road-Id"}, true
	case "other_server":
		return fault{atAsker + "invalid_security_server", "The security server that the client asks for does not serve " + service}, true
	case "body_length":
		return fault{atClient + "invalid_body", "The body does not have the length that Content-Length announced"}, true
	case "bad_message":
		return fault{atProvider + "invalid_message", "The message between the nodes is not well formed"}, true
	case "unknown_node":
		return fault{atProvider + "ssl_authentication_failed", "The node that asks is not in the member directory"}, true
	case "wrong_key", "signature_false", "bad_signature", "bad_digest", "signature_stale":
		return fault{atProvider + "invalid_signature_value", "Signature is not valid"}, true
	case "cannot_sign":
		return fault{atAsker + "cannot_create_signature", "Cannot create signature"}, true
	case "not_recorded":
		return fault{atAsker + "logging_failed", "The access could not be recorded, so nothing is handed over"}, true
	}
	if f, ok := providerFault(name, service, err); ok {
		return f, true
	}
	return fault{atAsker + "internal_error", "The exchange failed; repeat the request with the same X-Road-Id"}, true
}

// providerFault words what is wrong with the service behind the provider's side.
func providerFault(name, service string, err error) (fault, bool) {
	failed := atProvider + "service_failed."
	switch name {
	case "service_disabled":
		why := ""
		if e, ok := errs.As(err); ok {
			why = word(e.Args["reason"])
		}
		return fault{atProvider + "service_disabled", "Service " + service + " is disabled: " + why}, true
	case "provider_failed", "answer_unreadable":
		return fault{atProvider + "service_failed", "Service failed: " + service}, true
	case "provider_unreachable":
		return fault{atProvider + "network_error", "Could not connect to the service: " + service}, true
	case "provider_tls":
		return fault{failed + "ssl_authentication_failed", "Could not establish trust with the service: " + service}, true
	case "provider_timeout":
		return fault{failed + "network_error", "The service took too long to answer: " + service}, true
	case "provider_broken":
		return fault{failed + "io_error", "The answer of the service broke off: " + service}, true
	case "provider_short":
		return fault{failed + "io_error", "The service sent less than its Content-Length: " + service}, true
	case "provider_long":
		return fault{failed + "http_error", "The service sent more than its Content-Length: " + service}, true
	case "answer_invalid":
		return fault{failed + "invalid_body", "The answer of the service does not fit its description: " + service}, true
	case "request_invalid":
		e, _ := errs.As(err)
		return fault{atClient + "bad_request", "Invalid request: " + word(e.Args["where"]) + ": " + word(e.Args["reason"])}, true
	case "request_unchecked":
		return fault{atClient + "bad_request", "Invalid request: the body is too long to be checked against the description"}, true
	}
	return fault{}, false
}

// codeOf is the code of an error. Behind "the provider failed" it looks for what
// failed: the asker's side has that from the provider's, and clients match on it.
func codeOf(err error) string {
	e, ok := errs.As(err)
	if !ok || e.Code != "exchange.provider_failed" {
		return errs.CodeOf(err)
	}
	if inner, ok := errs.As(e.Unwrap()); ok && strings.HasPrefix(inner.Code, "exchange.") {
		return inner.Code
	}
	return e.Code
}

// unreadable words what X-Road's own reader of requests refuses. Its words are
// those of a server that stumbled, and so is the status; clients match on both.
func unreadable(err error, name string, a *ask) fault {
	e, _ := errs.As(err)
	if e == nil {
		e = &errs.Error{}
	}
	switch {
	case name == "bad_subsystem" && word(e.Args["id"]) == "":
		return fault{atAsker + "invalid_client_identifier", "The client identifier is missing"}
	case name == "bad_subsystem" && strings.Count(word(e.Args["id"]), "/") == 2:
		return fault{atAsker + "unknown_member", "Client 'MEMBER:" + word(e.Args["id"]) + "' not found"} // only systems ask here
	case name == "bad_subsystem":
		return fault{atAsker + "internal_error", "Invalid Client Id"}
	case name == "bad_path" && a.Service == ServiceID{}:
		return fault{atAsker + "internal_error", "Invalid request URI"}
	case name == "bad_text" && e.Args["name"] == "X-Road-Security-Server":
		return fault{atAsker + "internal_error", "Invalid SecurityServer Id"}
	case name == "bad_text" && e.Args["name"] == "X-Road-Represented-Party":
		return fault{atAsker + "internal_error", "Invalid RepresentedParty Id"}
	}
	return fault{atClient + "bad_request", "Invalid request: " + strings.ReplaceAll(name, "_", " ")}
}

// reason adds to X-Road's fixed words what to change.
func reason(err error, name string) string {
	e, _ := errs.As(err)
	switch {
	case name == "field_not_granted" && e != nil:
		return " (fields not granted: " + word(e.Args["fields"]) + ")"
	case name == "quota_spent":
		return " (quota spent; try again in " + strconv.FormatInt(waitSeconds(err), 10) + " s)"
	case name == "no_endpoint":
		return " (no such endpoint)"
	}
	return " (" + strings.ReplaceAll(name, "_", " ") + ")"
}

// waitSeconds is how long a caller has to wait; 0 when nothing says so.
func waitSeconds(err error) int64 {
	if e, ok := errs.As(err); ok {
		n, _ := e.Args["seconds"].(int64)
		return n
	}
	return 0
}

func word(v any) string {
	s, _ := v.(string)
	return s
}

// body writes the fault as JSON or XML. detail is unique for every fault, so that
// it can be found in the log.
func (f fault) body(v Vocabulary, detail string, asXML bool) ([]byte, string) {
	type form struct {
		XMLName xml.Name `json:"-" xml:"error"`
		Type    string   `json:"type" xml:"type"`
		Message string   `json:"message" xml:"message"`
		Detail  string   `json:"detail" xml:"detail"`
	}
	out := form{Type: v.Code(f.code), Message: f.message, Detail: detail}
	var b bytes.Buffer
	if asXML {
		if xml.NewEncoder(&b).Encode(out) == nil {
			return b.Bytes(), "text/xml"
		}
		b.Reset()
	}
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(out) != nil {
		return []byte(`{"type":"internal_error","message":"","detail":""}`), "application/json"
	}
	return b.Bytes(), "application/json"
}

// wantsXML tells whether any of the Accept header's types asks for XML; weights
// are ignored, as X-Road ignores them.
func wantsXML(accept []string) (contentType string, ok bool) {
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			t, _, _ := strings.Cut(part, ";")
			switch t = strings.ToLower(strings.TrimSpace(t)); t {
			case "text/*", "text/xml":
				return "text/xml", true
			case "application/xml":
				return t, true
			}
		}
	}
	return "", false
}

// Vocabulary chooses the spelling of X-Road error codes. Clients match on them,
// and release 7.8 changed all without a word in the protocol document.
type Vocabulary string

// The vocabularies.
const (
	V77 Vocabulary = "7.7" // Server.ServerProxy.AccessDenied
	V78 Vocabulary = "7.8" // server.serverproxy.access_denied
)

// Code spells a 7.8 code in the vocabulary.
func (v Vocabulary) Code(code string) string {
	if v != V77 {
		return code
	}
	parts := strings.Split(code, ".")
	for i, p := range parts {
		parts[i] = oldPart(p)
	}
	return strings.Join(parts, ".")
}

// oldPart gives one part's name up to 7.7: the CamelCase of today's, but for a
// handful.
func oldPart(p string) string {
	switch p {
	case "clientproxy":
		return "ClientProxy"
	case "serverproxy":
		return "ServerProxy"
	case "io_error":
		return "IOError"
	case "hashchain_unused_inputs":
		return "HashChainUnusedInputs"
	case "global_conf_outdated":
		return "OutdatedGlobalConf"
	case "hsm_non_operational":
		return "HSMNonOperational"
	case "token_readonly":
		return "TokenReadOnly"
	}
	var b strings.Builder
	for word := range strings.SplitSeq(p, "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// serverSide says whether a code names a server as the one at fault, which
// X-Road answers with status 500 instead of 400.
func serverSide(code string) bool {
	return strings.HasPrefix(code, "server.") || strings.HasPrefix(code, "Server.")
}
