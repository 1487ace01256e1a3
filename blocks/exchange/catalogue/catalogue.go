package catalogue

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/description"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations holds the tables of the catalogue, for db.Migrate under the name
// "exchange_catalogue".
func Migrations() fs.FS { return migrations }

// Messages holds the words of the catalogue in every language.
func Messages() fs.FS { return messages }

// Exchange is what the catalogue shows. *exchange.Exchange is one.
type Exchange interface {
	Services() []exchange.ServiceInfo
	Document(ctx context.Context, id exchange.ServiceID) ([]byte, error)
	Members(ctx context.Context) ([]exchange.Member, error)
	MemberName(ctx context.Context, identifier string) (i18n.Text, bool)
	Uses(ctx context.Context, from, until time.Time) ([]exchange.Use, error)
}

// Rights is where grants come about and end. *exchange.Exchange is one. AddGrant
// and RevokeGrant must join the transaction that travels in ctx.
type Rights interface {
	Grants(ctx context.Context) ([]exchange.Grant, error)
	CheckGrant(ctx context.Context, g exchange.Grant) error
	AddGrant(ctx context.Context, g exchange.Grant) (exchange.Grant, error)
	RevokeGrant(ctx context.Context, grantID, by, reason string) error
	Groups(ctx context.Context) ([]exchange.Group, error)
}

// Deps is what a catalogue stands on; all but Purposes and Requirements is needed.
type Deps struct {
	DB        Database
	Clock     clock.Clock
	Exchange  Exchange
	Rights    Rights
	Pseudonym func(number string) string // stands for a personal number, as keys.Pseudonym does
	Purposes  map[string]i18n.Text       // the purposes to choose from, with their titles; empty: any
	Origin    string                     // where clients reach this node: "https://dinh.example.vn"
	Pages     *web.Renderer
	// Requirements is the page that says what shows what; empty: there is none.
	Requirements string
}

// Catalogue shows services and takes requests for grants. All methods are safe
// for concurrent use, also by several processes on one database.
type Catalogue struct {
	d Deps

	mu   sync.Mutex
	read map[exchange.ServiceID]reading
}

// reading is a document as it was read last.
type reading struct {
	sum        [sha256.Size]byte
	operations []description.Operation
}

// New returns a catalogue over tables that exist already.
func New(d Deps) (*Catalogue, error) {
	if d.DB == nil || d.Clock == nil || d.Exchange == nil || d.Rights == nil || d.Pseudonym == nil || d.Pages == nil {
		return nil, errors.New("catalogue: Deps needs DB, Clock, Exchange, Rights, Pseudonym and Pages")
	}
	return &Catalogue{d: d, read: map[exchange.ServiceID]reading{}}, nil
}

// service finds a service that is offered now.
func (c *Catalogue) service(ctx context.Context, id string) (exchange.ServiceInfo, error) {
	unknown := errs.New(errs.NotFound, "exchange.unknown_service", "service", clip(id))
	parsed, err := exchange.ParseService(id)
	if err != nil {
		return exchange.ServiceInfo{}, unknown
	}
	if _, err := c.d.Exchange.Members(ctx); err != nil { // brings the list up to date
		return exchange.ServiceInfo{}, err
	}
	all := c.d.Exchange.Services()
	i := slices.IndexFunc(all, func(s exchange.ServiceInfo) bool { return s.ID == parsed })
	if i < 0 {
		return exchange.ServiceInfo{}, unknown
	}
	return all[i], nil
}

// operations says what a service does: from its document, or, without one, as
// much as its endpoints tell. described is false in the second case.
func (c *Catalogue) operations(ctx context.Context, s exchange.ServiceInfo) (ops []description.Operation, described bool, err error) {
	doc, err := c.d.Exchange.Document(ctx, s.ID)
	if err != nil {
		return nil, false, err
	}
	if doc == nil {
		for _, e := range s.Endpoints {
			ops = append(ops, description.Operation{Method: e.Method, Path: e.Path})
		}
		return ops, false, nil
	}
	sum := sha256.Sum256(doc)
	c.mu.Lock()
	known := c.read[s.ID]
	c.mu.Unlock()
	if known.sum == sum {
		return known.operations, true, nil
	}
	if d, err := description.Read(ctx, doc); err == nil { // one that cannot be read can still be downloaded
		ops = d.Operations()
	}
	c.mu.Lock()
	c.read[s.ID] = reading{sum, ops}
	c.mu.Unlock()
	return ops, true, nil
}

func clip(s string) string {
	r := []rune(s)
	if len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}
