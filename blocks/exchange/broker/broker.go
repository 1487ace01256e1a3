package broker

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations gives the tables, for db.Migrate under the name "exchange_broker".
func Migrations() fs.FS { return migrations }

// Messages gives the words in both languages.
func Messages() fs.FS { return messages }

// RoleEvidence is the role of officers who ask people for papers.
const RoleEvidence = "evidence-officer"

// Deps is what the broker stands on.
type Deps struct {
	DB           *db.DB
	Clock        clock.Clock
	Keys         Keys
	Exchange     Exchange
	Consents     Consents
	Packs        Packs
	Words        Words
	Receipts     Receipts
	Pages        *web.Renderer // nil: no pages
	Origin       string        // the public address: "https://dichvucong.example"
	Instance     string
	Preview      exchange.SubsystemID // that asks registers for what a person sees of themselves
	Requirements []Requirement
}

// Keys seals what tells who a request is about. kernel/keys is one.
type Keys interface {
	Pseudonym(value string) string
	Seal(ctx context.Context, subject string, plain, aad []byte) ([]byte, error)
	Unseal(ctx context.Context, subject string, sealed, aad []byte) ([]byte, error)
}

// Exchange asks registers. blocks/exchange is one.
type Exchange interface {
	Call(ctx context.Context, c exchange.Call) (exchange.Answer, error)
	Services() []exchange.ServiceInfo
}

// Consents keeps what people permit.
type Consents interface {
	// Give records the consent of the person of ctx, in the transaction of ctx.
	Give(ctx context.Context, c Consent) (id string, err error)
	// Withdraw takes one of the person of ctx back; again does nothing.
	Withdraw(ctx context.Context, id string) error
	// State says how a consent of somebody stands, and how often it was used.
	State(ctx context.Context, number, id string) (exchange.ConsentState, int, error)
}

// Consent is what a person agrees to: one paper of one request.
type Consent struct {
	To, Service, Purpose, Request string
	Fields                        []string
	Until                         time.Time
	Times, Keep                   int
}

// Pack is a set of papers that an organisation asks for.
type Pack struct {
	Service string    // the public service's id
	Title   i18n.Text // of that service
	Client  exchange.SubsystemID
	Papers  []string // requirements
	Purpose string
	Legal   string
	Days    int // how long a consent lasts
	Times   int // how often each paper may be shown meanwhile
	Keep    int // for how many days the organisation may keep a copy; 0: not at all
}

// Packs finds packs.
type Packs interface {
	// Pack finds the pack of a live service; errs.NotFound when it has none.
	Pack(ctx context.Context, service string) (Pack, error)
	// PacksOf lists those of a member: "COM/BANK".
	PacksOf(ctx context.Context, member string) ([]Pack, error)
}

// Words says in words what the exchange knows as identifiers.
type Words interface {
	MemberName(id string) (i18n.Text, bool)
	PurposeTitle(id string) (i18n.Text, bool)
	ServiceTitle(id string) (i18n.Text, bool)
	FieldLabel(service, field string) (i18n.Text, bool)
	// Value is what stands in a field of a record, as people say it.
	Value(service, field string, data map[string]any, lang i18n.Lang) string
}

// Receipts gives the receipt of an access event to its client's officers.
type Receipts interface {
	ReceiptForClient(ctx context.Context, event string, client exchange.SubsystemID) ([]byte, error)
}

// Broker is the evidence broker. All methods are safe for concurrent use.
type Broker struct {
	d            Deps
	store        store
	requirements []Requirement
}

// New builds the broker.
func New(d Deps) (*Broker, error) {
	if d.DB == nil || d.Clock == nil || d.Keys == nil || d.Exchange == nil || d.Consents == nil || d.Packs == nil || d.Words == nil || d.Receipts == nil {
		return nil, errors.New("broker: Deps needs DB, Clock, Keys, Exchange, Consents, Packs, Words and Receipts")
	}
	return &Broker{d: d, store: store{db: d.DB}, requirements: d.Requirements}, nil
}
