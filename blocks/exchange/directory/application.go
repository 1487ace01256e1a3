package directory

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/text"
)

// Application is what an organisation asks to be listed with.
type Application struct {
	Class      string      `json:"class"`
	Code       string      `json:"code"`
	Name       i18n.Text   `json:"name"`
	Email      string      `json:"email"` // of the office that runs the node, for the registrars; not published
	Subsystems []Subsystem `json:"subsystems"`
	Node       string      `json:"node"`    // short name of its node: "node1"
	Address    string      `json:"address"` // "host:port" of the node's link; several with commas between
	LedgerKey  string      `json:"ledger_key,omitempty"`
	Key        string      `json:"key"` // Ed25519 signing key, 32 bytes in base64
	CSR        string      `json:"csr"` // PKCS #10 in PEM, for the node's TLS certificate
}

// Member is "COM/VCB".
func (a Application) Member() string { return a.Class + "/" + a.Code }

// NodeID is "COM/VCB/node1".
func (a Application) NodeID() string { return a.Member() + "/" + a.Node }

// Hosts are the names that the node's certificate carries.
func (a Application) Hosts() []string { return hostsOf(a.Address) }

func hostsOf(address string) (hosts []string) {
	for one := range strings.SplitSeq(address, ",") {
		if host, _, err := net.SplitHostPort(one); err == nil && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// digest stands for the whole application in the text that its keys sign.
func (a Application) digest() string {
	b, err := json.Marshal(a)
	if err != nil {
		return "" // cannot be: it is made of texts
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

const (
	maxSubsystems = 100
	maxName       = 200
	maxCSR        = 16 << 10
)

// code is stricter than the exchange's identifiers: what newcomers choose has to
// be told apart by eye, and typed.
var (
	memberCode    = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{0,31}$`)
	subsystemCode = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
)

// tidy takes the blanks off that people paste along.
func (a Application) tidy() Application {
	for _, s := range []*string{&a.Class, &a.Code, &a.Email, &a.Node, &a.Address, &a.LedgerKey, &a.Key} {
		*s = strings.TrimSpace(*s)
	}
	a.Address = strings.ToLower(strings.Join(strings.Fields(a.Address), ""))
	a.Name.VI, a.Name.EN = text.Tidy(a.Name.VI, false), text.Tidy(a.Name.EN, false)
	a.Subsystems = slices.Clone(a.Subsystems)
	for i := range a.Subsystems {
		n := &a.Subsystems[i].Name
		a.Subsystems[i].Code = strings.TrimSpace(a.Subsystems[i].Code)
		n.VI, n.EN = text.Tidy(n.VI, false), text.Tidy(n.EN, false)
	}
	a.CSR = strings.TrimSpace(strings.ReplaceAll(a.CSR, "\r\n", "\n")) + "\n"
	return a
}

// check names every field that is wrong: errs.Invalid "directory.bad_application".
func (a Application) check() error {
	var wrong []errs.Field
	bad := func(isBad bool, name, code string) {
		if isBad {
			wrong = append(wrong, errs.NewField(name, code))
		}
	}
	bad(!exchange.ValidClass(a.Class), "class", "directory.bad_class")
	bad(!memberCode.MatchString(a.Code), "code", "directory.bad_code")
	bad(!named(a.Name.VI), "name.vi", "directory.bad_name")
	bad(!named(a.Name.EN), "name.en", "directory.bad_name")
	at, err := mail.ParseAddress(a.Email)
	bad(err != nil || at.Address != a.Email || len(a.Email) > 254, "email", "directory.bad_email")
	bad(len(a.Subsystems) == 0 || len(a.Subsystems) > maxSubsystems, "subsystems", "directory.bad_subsystems")
	seen := map[string]bool{}
	for i, s := range a.Subsystems {
		at := fmt.Sprintf("subsystems[%d].", i)
		bad(!subsystemCode.MatchString(s.Code), at+"code", "directory.bad_subsystem")
		bad(seen[s.Code], at+"code", "directory.subsystem_twice")
		bad(!named(s.Name.VI) || !named(s.Name.EN), at+"name", "directory.bad_name")
		seen[s.Code] = true
	}
	bad(!subsystemCode.MatchString(a.Node), "node", "directory.bad_node")
	bad(!validAddress(a.Address), "address", "directory.bad_address")
	if a.LedgerKey != "" {
		_, err := note.NewVerifier(a.LedgerKey)
		bad(err != nil, "ledger_key", "directory.bad_ledger_key")
	}
	_, err = parsePublic(a.Key)
	bad(err != nil, "key", "directory.bad_key")
	if validAddress(a.Address) { // without one nobody can say what the CSR ought to name
		_, err = parseCSR(a.CSR, a.Hosts())
		bad(err != nil, "csr", "directory.bad_csr")
	}
	if len(wrong) > 0 {
		return errs.New(errs.Invalid, "directory.bad_application").With(wrong...)
	}
	return nil
}

func named(s string) bool {
	return s != "" && plain(s, false) && utf8.RuneCountInString(s) <= maxName
}

// plain says whether s is text that people can read and every database can hold.
func plain(s string, lines bool) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && !(lines && (r == '\n' || r == '\r' || r == '\t'))
	})
}

// parseCSR takes a request for a certificate whose key is on a curve, that its
// key signed, and that names no other machines than those it is for.
func parseCSR(s string, hosts []string) (*x509.CertificateRequest, error) {
	if len(s) > maxCSR {
		return nil, fmt.Errorf("the CSR is too long")
	}
	block, rest := pem.Decode([]byte(s))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || strings.TrimSpace(string(rest)) != "" {
		return nil, fmt.Errorf("no CSR in PEM")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	switch k := csr.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() && k.Curve != elliptic.P384() {
			return nil, fmt.Errorf("curve %s is not taken", k.Curve.Params().Name)
		}
	case ed25519.PublicKey:
	default:
		return nil, fmt.Errorf("keys of type %T are not taken", k)
	}
	for _, name := range csr.DNSNames {
		if !slices.Contains(hosts, strings.ToLower(name)) {
			return nil, fmt.Errorf("the CSR names %q, the address %q", name, hosts)
		}
	}
	for _, ip := range csr.IPAddresses {
		if !slices.ContainsFunc(hosts, func(host string) bool { return ip.Equal(net.ParseIP(host)) }) {
			return nil, fmt.Errorf("the CSR names %s, the address %q", ip, hosts)
		}
	}
	if len(csr.URIs)+len(csr.EmailAddresses) > 0 {
		return nil, fmt.Errorf("the CSR names more than a machine")
	}
	return csr, csr.CheckSignature()
}

// publicHash tells keys apart in any encoding.
func publicHash(csr *x509.CertificateRequest) string {
	sum := sha256.Sum256(csr.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// verifyBy checks a signature by the key of a certificate request: Ed25519 over
// the text, ECDSA in ASN.1 over its SHA-256.
func verifyBy(csr *x509.CertificateRequest, text string, signature []byte) bool {
	switch k := csr.PublicKey.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(k, []byte(text), signature)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256([]byte(text))
		return ecdsa.VerifyASN1(k, sum[:], signature)
	}
	return false
}
