package directory

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Document is everything that members must know of one another, at one version.
type Document struct {
	Instance    string    `json:"instance"` // "VN", the first segment of every identifier
	Version     int64     `json:"version"`  // grows with every issue, by at least one
	Issued      time.Time `json:"issued"`
	Expires     time.Time `json:"expires"`     // when a newer one should have come; see Directory.Expired
	Authorities []string  `json:"authorities"` // certificates in PEM that nodes' own must lead to
	Nodes       []Node    `json:"nodes"`
	Members     []Member  `json:"members"`
}

// Node is a machine, or several that act as one, through which members exchange.
type Node struct {
	ID           string        `json:"id"`                   // "GOV/MPS/node1": its operator's member, and a name
	Address      string        `json:"address"`              // "host:port" of its link; several machines are written with commas between
	LedgerKey    string        `json:"ledger_key,omitempty"` // verifier key of its log, as signed notes write it
	Certificates []Certificate `json:"certificates,omitempty"`
}

// Hosts are the names and numbers of the node's machines, without ports.
func (n Node) Hosts() []string { return hostsOf(n.Address) }

// Certificate names one by which a node is known, without holding it.
type Certificate struct {
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the DER form, in lower-case hexadecimal
	Serial      string    `json:"serial"`      // hexadecimal, as in the list of revoked certificates
	From        time.Time `json:"from"`
	Until       time.Time `json:"until"`
	RevokedAt   time.Time `json:"revoked_at,omitzero"`
}

// The states of a member. An active one has the empty Status.
const (
	Suspended = "suspended" // stands still: no keys, no node; what it signed before goes on verifying
	Removed   = "removed"   // is no member any more; listed for what it signed
)

// Member is an organisation on the exchange.
type Member struct {
	Class      string      `json:"class"` // GOV, COM or NGO
	Code       string      `json:"code"`
	Name       i18n.Text   `json:"name"`
	Status     string      `json:"status,omitempty"`
	Subsystems []Subsystem `json:"subsystems,omitempty"`
	Node       string      `json:"node,omitempty"` // id of the node that serves it
	Keys       []Key       `json:"keys,omitempty"`
}

// ID is "GOV/MPS".
func (m Member) ID() string { return m.Class + "/" + m.Code }

// Subsystem is one of a member's systems.
type Subsystem struct {
	Code string    `json:"code"`
	Name i18n.Text `json:"name"`
}

// Key is an Ed25519 key with which a member signs messages.
type Key struct {
	ID        string    `json:"id"`     // RFC 7638 thumbprint; see Thumbprint
	Public    string    `json:"public"` // 32 bytes in standard base64
	From      time.Time `json:"from"`
	Until     time.Time `json:"until,omitzero"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// ValidAt says whether what the key signed at that instant counts.
func (k Key) ValidAt(t time.Time) bool { return within(t, k.From, k.Until, k.RevokedAt) }

// ValidAt says whether the certificate opens connections at that instant.
func (c Certificate) ValidAt(t time.Time) bool { return within(t, c.From, c.Until, c.RevokedAt) }

func within(t, from, until, revoked time.Time) bool {
	return !t.Before(from) && (until.IsZero() || t.Before(until)) && (revoked.IsZero() || t.Before(revoked))
}

// Thumbprint is the RFC 7638 name of a key: the id under which messages cite it.
func Thumbprint(public ed25519.PublicKey) string {
	sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "" // cannot be for Ed25519
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// parsePublic reads a key as documents and requests write it.
func parsePublic(s string) (ed25519.PublicKey, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("a signing key is 32 bytes in base64")
	}
	return b, nil
}

func parseAuthority(text string) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		return nil, fmt.Errorf("an authority is one certificate in PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	if !c.IsCA {
		return nil, fmt.Errorf("%q is no authority", c.Subject.CommonName)
	}
	return c, nil
}

var nodeID = regexp.MustCompile(`^(GOV|COM|NGO)/([^/]+)/([^/]+)$`)

func validNodeID(s string) bool {
	m := nodeID.FindStringSubmatch(s)
	return m != nil && exchange.ValidSegment(m[2]) && exchange.ValidSegment(m[3])
}

// maxAddresses bounds the machines that act as one node.
const maxAddresses = 16

// validAddress takes host:port, or several with commas between them.
func validAddress(s string) bool {
	all := strings.Split(s, ",")
	return len(all) <= maxAddresses && !slices.ContainsFunc(all, func(one string) bool { return !dialable(one) })
}

func dialable(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || len(host) > 253 {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && (net.ParseIP(host) != nil || hostname.MatchString(host))
}

var hostname = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

var hexadecimal = regexp.MustCompile(`^[0-9a-f]+$`)

// check finds what a signature does not vouch for: a document that would let two
// members be taken for one another is refused even when it is signed.
func (d *Document) check() error {
	if !exchange.ValidSegment(d.Instance) || d.Version < 1 || d.Issued.IsZero() || !d.Issued.Before(d.Expires) {
		return fmt.Errorf("instance, version, issued and expires must make sense")
	}
	for i, a := range d.Authorities {
		if _, err := parseAuthority(a); err != nil {
			return fmt.Errorf("authority %d: %w", i, err)
		}
	}
	nodes, prints := map[string]bool{}, map[string]bool{}
	for _, n := range d.Nodes {
		if err := n.check(); err != nil {
			return fmt.Errorf("node %q: %w", n.ID, err)
		}
		if nodes[n.ID] {
			return fmt.Errorf("node %q stands twice", n.ID)
		}
		nodes[n.ID] = true
		for _, c := range n.Certificates {
			if prints[c.Fingerprint] {
				return fmt.Errorf("certificate %s belongs to two nodes", c.Fingerprint)
			}
			prints[c.Fingerprint] = true
		}
	}
	members, keys := map[string]bool{}, map[string]bool{}
	for _, m := range d.Members {
		if err := m.check(nodes); err != nil {
			return fmt.Errorf("member %q: %w", m.ID(), err)
		}
		if members[m.ID()] {
			return fmt.Errorf("member %q stands twice", m.ID())
		}
		members[m.ID()] = true
		for _, k := range m.Keys {
			if keys[k.ID] {
				return fmt.Errorf("key %s belongs to two members", k.ID)
			}
			keys[k.ID] = true
		}
	}
	return nil
}

func (n Node) check() error {
	if !validNodeID(n.ID) {
		return fmt.Errorf("the id must look like GOV/MPS/node1")
	}
	if !validAddress(n.Address) {
		return fmt.Errorf("the address must look like host:port")
	}
	if n.LedgerKey != "" {
		if _, err := note.NewVerifier(n.LedgerKey); err != nil {
			return fmt.Errorf("the ledger's key: %w", err)
		}
	}
	for _, c := range n.Certificates {
		if len(c.Fingerprint) != 64 || !hexadecimal.MatchString(c.Fingerprint) || !hexadecimal.MatchString(c.Serial) || !c.From.Before(c.Until) {
			return fmt.Errorf("certificate %q is not described well", c.Fingerprint)
		}
	}
	return nil
}

func (m Member) check(nodes map[string]bool) error {
	if !exchange.ValidClass(m.Class) || !exchange.ValidSegment(m.Code) || m.Name.IsZero() {
		return fmt.Errorf("class, code and name must be there")
	}
	if m.Status != "" && m.Status != Suspended && m.Status != Removed {
		return fmt.Errorf("status %q is unknown", m.Status)
	}
	if m.Status != "" && m.Node != "" || m.Node != "" && !nodes[m.Node] {
		return fmt.Errorf("node %q cannot serve it", m.Node)
	}
	codes := map[string]bool{}
	for _, s := range m.Subsystems {
		if !exchange.ValidSegment(s.Code) || codes[s.Code] {
			return fmt.Errorf("subsystem %q is wrong or stands twice", s.Code)
		}
		codes[s.Code] = true
	}
	for _, k := range m.Keys {
		public, err := parsePublic(k.Public)
		if err != nil || k.ID != Thumbprint(public) || k.From.IsZero() {
			return fmt.Errorf("key %q is not described well", k.ID)
		}
	}
	return nil
}
