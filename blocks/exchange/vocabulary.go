package exchange

import "strings"

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
