package exchange

import (
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"hash/maphash"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange/description"
	"github.com/dinh-gov/dinh/blocks/exchange/opmon"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/kernel/ledger"
	"github.com/dinh-gov/dinh/kernel/telemetry"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations holds the tables of the exchange, for db.Migrate under the name "exchange".
func Migrations() fs.FS { return migrations }

// Messages holds the texts of the exchange's errors in every language.
func Messages() fs.FS { return messages }

// Keystore keeps members' keys. kernel/keys is one.
type Keystore interface {
	Ensure(ctx context.Context, owner string, use keys.Use, name keys.Name) (keys.Key, error)
	Current(ctx context.Context, owner string, use keys.Use) (keys.Key, error)
	Key(ctx context.Context, kid string) (keys.Key, error)
	Sign(ctx context.Context, kid string, msg []byte) ([]byte, error)
	Pseudonym(value string) string
}

// Ledger takes the commitment of every event. AppendBatch must join the
// transaction that travels in ctx.
type Ledger interface {
	AppendBatch(ctx context.Context, leaves []ledger.Leaf) error
}

// Deps is what an exchange stands on. Signer, Log and Catalog may be nil.
type Deps struct {
	DB         Database
	Clock      clock.Clock
	Keys       Keystore
	Ledger     Ledger
	Log        *slog.Logger
	Tracing    telemetry.Tracing
	Signer     Signer        // nil: members' Ed25519 keys in Keys
	Instance   string        // the first segment of every identifier here: "VN"
	Vocabulary Vocabulary    // of error codes at /r1; "" means V78
	Catalog    *i18n.Catalog // words for services' refusals at /r1; nil: the exchange's own
	// Purposes are those for which grants may be given, with their titles; empty: any.
	Purposes map[string]i18n.Text
	Consents Consents // nil: no grant that needs a consent opens anything

	// Directory, Carrier and Node join this node to others; nil: there are none.
	Directory Directory
	Carrier   Carrier
	Node      string // this node's id in the directory
	// MaxBody bounds the bodies of X-Road clients at R1Handler, in bytes; 0: they
	// may be as long as they like, since they stream. What must be held to be
	// filtered, or for a provider that takes no streams, is bounded anyway.
	MaxBody int64
	// Certificate gives a member's TLS key for services that want to see who asks;
	// nil: they cannot be asked.
	Certificate func(ctx context.Context, m MemberID) (tls.Certificate, error)
}

// Exchange connects members. All methods are safe for concurrent use, also by
// several processes on the same database.
type Exchange struct {
	store      store
	clock      clock.Clock
	keys       Keystore
	signer     Signer
	log        *slog.Logger
	tracing    telemetry.Tracing
	instance   string
	vocabulary Vocabulary
	catalog    *i18n.Catalog
	consents   Consents

	certificate func(context.Context, MemberID) (tls.Certificate, error)

	purposes []string

	buckets buckets
	beside  Beside
	tokens  Tokens

	requests, answers gatherer[*sealing]
	marks             gatherer[*marking]
	fresh             gatherer[*freshening]
	batches           seenOnce
	arrivals          arrivals
	directory         Directory
	carrier           Carrier
	node              string
	turn              atomic.Uint32 // of another node's addresses
	maxBody           int64

	mu       sync.RWMutex
	services map[ServiceID]*offered

	metaservices *offered // the same behind every subsystem

	loading sync.Mutex
	rules   atomic.Pointer[rules]
	floor   atomic.Int64 // no rules older than this version are used

	records *opmon.Ring
	figures *opmon.Figures
}

// offered is a service that a provider of this process serves, or that was published.
type offered struct {
	info      ServiceInfo
	provider  Provider
	openAPI   []byte            // with server addresses reduced to their path
	once      bool              // the provider cannot tell a repeated message itself
	published *PublishedService // nil: registered by this process
}

// New returns an exchange over tables that exist already.
func New(d Deps) (*Exchange, error) {
	if d.DB == nil || d.Clock == nil || d.Keys == nil || d.Ledger == nil {
		return nil, errors.New("exchange: Deps needs DB, Clock, Keys and Ledger")
	}
	if !ValidSegment(d.Instance) {
		return nil, errors.New(`exchange: Deps.Instance must name the instance, such as "VN"`)
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Signer == nil {
		d.Signer = MemberKeys(d.Keys)
	}
	if d.Catalog == nil {
		var err error
		if d.Catalog, err = i18n.New(httpx.Messages(), Messages()); err != nil {
			return nil, err
		}
	}
	if d.Vocabulary == "" {
		d.Vocabulary = V78
	}
	x := &Exchange{
		directory: d.Directory, carrier: d.Carrier, node: d.Node, maxBody: d.MaxBody,
		store: store{db: d.DB, ledger: d.Ledger, scratch: &sync.Pool{New: func() any { return &scratch{} }}}, clock: d.Clock, keys: d.Keys, signer: d.Signer, log: d.Log, tracing: d.Tracing,
		instance: d.Instance, vocabulary: d.Vocabulary, catalog: d.Catalog, purposes: slices.Sorted(maps.Keys(d.Purposes)), consents: d.Consents, services: map[ServiceID]*offered{}, certificate: d.Certificate,
		records: opmon.NewRing(), figures: opmon.NewFigures(),
		arrivals: arrivals{seed: maphash.MakeSeed(), spans: map[int64]map[uint64]struct{}{}},
	}
	x.requests = gatherer[*sealing]{pause: signFor, most: gatherMost, work: x.sealAll}
	x.answers = gatherer[*sealing]{pause: gatherFor, most: gatherMost, work: x.sealAll}
	x.marks = gatherer[*marking]{pause: gatherFor, most: gatherMost, work: x.markAll}
	x.fresh = gatherer[*freshening]{pause: gatherFor, most: gatherMost, work: x.freshenAll}
	x.metaservices = &offered{info: ServiceInfo{Type: TypeREST}, provider: metaservices{x}}
	return x, nil
}

const (
	gatherFor  = 2 * time.Millisecond // under load: a commit of what comes in two milliseconds
	signFor    = 3 * time.Millisecond // and one signature over what comes in three
	gatherMost = 256
)

// Provider serves what a subsystem offers. It is asked only what was granted and
// gets the message id, which repeats when the caller repeats the call: a
// provider that changes things uses it as its idempotency key.
//
// An error of a kind other than errs.Internal and errs.Unavailable is the
// service's own refusal (no such record, a wrong field) and reaches the caller
// as it is.
type Provider interface {
	Serve(ctx context.Context, d Delivery) (Reply, error)
}

// StreamProvider is a Provider that reads Delivery.Stream to its end, or closes
// it when it is an io.Closer, before Serve returns or soon after. Others get
// bodies of up to 10 MB whole, and longer ones are refused for them.
type StreamProvider interface {
	Provider
	Streams()
}

// Delivery is a question as the provider gets it.
type Delivery struct {
	Service     ServiceID
	Client      SubsystemID
	Operation   string
	Method      string
	Path        string // behind the service code, percent-encoded, checked
	Query       string
	ContentType string
	Headers     []HeaderLine // the client's own, in its order, without those of one hop and without secrets
	Body        []byte
	Stream      io.ReadCloser // the body when it is too long to be held: then Body is nil
	Length      int64         // of Stream; -1: not known before its end
	MessageID   string
	Purpose     string
	LegalBasis  string
	Issue       string
	UserID      string
}

// Reply is a provider's answer before it is filtered and signed.
type Reply struct {
	Status      int // 0 means 200
	ContentType string
	Headers     []HeaderLine // besides the content type
	Body        []byte
	Stream      io.ReadCloser // the body when it is too long to be held: then Body is nil
	Length      int64         // of Stream; -1: not known before its end
	Subjects    []string      // the personal numbers of those whose data it holds
}

// ServiceInfo describes a service for catalogue and metaservices.
type ServiceInfo struct {
	ID        ServiceID
	Title     i18n.Text
	Type      string // "OPENAPI" or "REST"; "" follows from OpenAPI
	OpenAPI   []byte // the document, JSON or YAML
	Endpoints []Endpoint
	Label     func(field string) i18n.Text // what people call a field; nil: its name
	Fields    []string                     // dotted names of all that its records may have; empty: nobody knows

	PublicStatistics bool   // anybody may see how often it is used
	Disabled         string // why its owner stopped it; empty: it is open
}

// Endpoint is one thing a service does. A service that lists endpoints does
// nothing else.
type Endpoint struct {
	Method    string `json:"method"`
	Path      string `json:"path"`                // X-Road's glob: * within a segment, ** across
	Operation string `json:"operation,omitempty"` // "" follows from the method
}

// RegisterProvider makes a service available; called by app at the start, once a
// service. The owner must be a member (AddMember) before the first call.
func (x *Exchange) RegisterProvider(info ServiceInfo, p Provider) error {
	if _, err := ParseService(info.ID.String()); err != nil {
		return err
	}
	if info.ID.Instance != x.instance {
		return errs.New(errs.Invalid, "exchange.other_instance", "id", info.ID.String(), "instance", x.instance)
	}
	if p == nil {
		return errs.New(errs.Invalid, "exchange.no_provider", "service", info.ID.String())
	}
	o := &offered{info: info, provider: p}
	if len(info.OpenAPI) > 0 {
		doc, err := description.Anonymise(info.OpenAPI)
		if err != nil {
			return errs.New(errs.Invalid, "exchange.bad_openapi", "service", info.ID.String()).Wrap(err)
		}
		o.openAPI = doc
	}
	if o.info.Type == "" {
		o.info.Type = "REST"
		if o.openAPI != nil {
			o.info.Type = "OPENAPI"
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.services[info.ID] != nil {
		return errs.New(errs.Conflict, "exchange.service_exists", "service", info.ID.String())
	}
	x.services[info.ID] = o
	return nil
}

// Services lists what is offered, in order of the identifiers: by this process,
// and what was published as far as it knows.
func (x *Exchange) Services() []ServiceInfo {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := make([]ServiceInfo, 0, len(x.services))
	for _, o := range x.services {
		out = append(out, o.info)
	}
	if r := x.rules.Load(); r != nil {
		for id, o := range r.services {
			if x.services[id] == nil {
				out = append(out, o.info)
			}
		}
	}
	sortServices(out)
	return out
}

// ServiceTitle is the title of a service in the reader's words; false when it is
// not offered here.
func (x *Exchange) ServiceTitle(id string) (i18n.Text, bool) {
	s, err := ParseService(id)
	if err != nil {
		return i18n.Text{}, false
	}
	o := x.offer(s)
	if o == nil {
		return i18n.Text{}, false
	}
	return o.info.Title, true
}

func (x *Exchange) offer(id ServiceID) *offered {
	x.mu.RLock()
	o := x.services[id]
	x.mu.RUnlock()
	if r := x.rules.Load(); o == nil && r != nil {
		o = r.services[id]
	}
	return o
}

// Call is one question.
type Call struct {
	Client      SubsystemID
	Service     ServiceID
	Method      string
	Path        string // behind the service code, percent-encoded: "/records/0190…"
	Query       string // without the question mark
	ContentType string // of Body; "" means application/json
	Body        []byte
	Fields      []string // what is wanted; none means all that is granted
	Purpose     string   // mandatory
	LegalBasis  string   // "" means the grant's
	Subjects    []string // personal numbers of those it is about, as far as the asker knows
	MessageID   string   // "" means a new one; the same one when a call is repeated
	Issue       string   // the case or application
	UserID      string   // who asks, opaque: an officer's id, never a personal number
	Application string   // what the person knows it as: the public service's id
	Represented string   // X-Road's represented party
}

// Answer is what a call brings. It exists only after its events are durable.
type Answer struct {
	Status      int
	ContentType string
	Headers     []HeaderLine
	Body        []byte
	// Stream is the body of an answer at /r1 that is too long to be held. It ends
	// well only when the answer is proven and the proof durable; Call gives whole
	// bodies only.
	Stream      io.ReadCloser
	Length      int64 // of the body; -1: not known before its end
	MessageID   string
	RequestID   string
	RequestHash string
	Events      []string // ids of the access events, one a person
	At          time.Time
	Fields      []string // what the answer was limited to

	rests []*Grant // of this node
}

// Grants gives the ids of the grants on which the answer rests; none when it came
// from another node.
func (a Answer) Grants() []string {
	out := make([]string, len(a.rests))
	for i, g := range a.rests {
		out[i] = g.ID
	}
	return out
}
