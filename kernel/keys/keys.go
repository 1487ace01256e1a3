package keys

import (
	"context"
	"crypto"
	"crypto/cipher"
	"crypto/x509"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations holds the tables of the keystore, for db.Migrate under the name "keys".
func Migrations() fs.FS { return migrations }

// Use is what a key is for; a key serves one use only.
type Use string

// The uses; see the package comment.
const (
	Sign     Use = "sign"
	Token    Use = "token"
	Document Use = "document"
	TLS      Use = "tls"
	Time     Use = "time"

	useCA   Use = "ca"   // the instance's own, one of it
	useOCSP Use = "ocsp" // its responder's
)

// Algorithms as JOSE spells them.
const (
	EdDSA = "EdDSA"
	ES256 = "ES256"
)

// Name is the subject of a certificate. For uses without one it is kept and not used.
type Name struct {
	CommonName   string `json:"cn,omitempty"` // what a reader of a signature sees; the organisation if empty
	Organization string `json:"o,omitempty"`
	Unit         string `json:"ou,omitempty"`
	Locality     string `json:"l,omitempty"`
	Country      string `json:"c,omitempty"` // two letters; VN if empty
	// Identifier is the organizationIdentifier of ETSI EN 319 412-1, such as "NTRVN-0100109106".
	Identifier string `json:"id,omitempty"`
	// Hosts are the DNS names and IP addresses of a TLS certificate.
	Hosts []string `json:"hosts,omitempty"`
}

// Key is the public side of a key.
type Key struct {
	ID          string // RFC 7638 thumbprint: the kid of JOSE and of the exchange
	Owner       string // "GOV/MOJ", a member; or the instance
	Use         Use
	Alg         string // EdDSA or ES256
	Public      crypto.PublicKey
	Certificate *x509.Certificate // nil for Sign and Token
	NotAfter    time.Time         // zero: no end
	Created     time.Time
	Retired     bool // rotated away: verifies, and should sign no more
}

// Deps is what a keystore stands on.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Master   [32]byte // from LoadMaster
	Instance string   // names the certification authority: "VN", "Thành phố Đà Nẵng"
	// Address is where Routes answer, "https://dinh.gov.vn"; TLS certificates name it for those who ask
	// whether they are revoked. Empty: they do not.
	Address string
}

// Keys is the keystore of an instance, safe for concurrent use, also by several processes on one
// database.
type Keys struct {
	db       *db.DB
	clock    clock.Clock
	instance string
	address  string

	wrapKeys     cipher.AEAD
	wrapSubjects cipher.AEAD
	pseudonym    []byte
	content      []byte

	ca      *signer
	answers answers

	mu      sync.RWMutex
	byID    map[string]*signer // immutable but for Retired, which is read afresh by Current
	current map[slot]cached    // which key an owner uses now
	deks    map[string]dataKey // by pseudonym of the subject
	epoch   uint64             // counts destructions and rotations: what was read before one is not cached after it
}

// slot is what there is one current key of.
type slot struct {
	owner string
	use   Use
}

type cached struct {
	kid   string
	until time.Time
}

// cacheFor is how long this process may not notice what another one rotated or destroyed. What is
// rotated or destroyed here takes effect at once.
const cacheFor = 30 * time.Second

// Open derives the instance's keys from the master key and loads its certification authority, which
// it makes the first time. A master key that is not the one of this database is refused with an
// error that says so, before anything is written under it.
func Open(ctx context.Context, d Deps) (*Keys, error) {
	if d.DB == nil || d.Clock == nil {
		return nil, fmt.Errorf("keys: Deps needs DB and Clock")
	}
	if d.Instance == "" {
		return nil, fmt.Errorf("keys: Deps needs the name of the instance, which its certification authority carries")
	}
	if d.Master == [32]byte{} {
		return nil, fmt.Errorf("keys: the master key is all zeroes: load it with LoadMaster")
	}
	k := &Keys{
		db: d.DB, clock: d.Clock, instance: d.Instance, address: strings.TrimRight(d.Address, "/"),
		byID:    make(map[string]*signer),
		current: make(map[slot]cached),
		deks:    make(map[string]dataKey),
	}
	if err := k.derive(d.Master); err != nil {
		return nil, err
	}
	if err := k.openCA(ctx); err != nil {
		return nil, err
	}
	if err := k.adopt(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// CA is the certificate that the instance's members are certified by: hand it to whoever verifies.
func (k *Keys) CA() *x509.Certificate { return k.ca.key.Certificate }
