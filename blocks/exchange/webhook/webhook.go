package webhook

import (
	"context"
	"embed"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/blocks/exchange/httpsig"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/errs"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations holds the table, for db.Migrate under the name "exchange_webhook".
func Migrations() fs.FS { return migrations }

// Messages holds the texts of the errors in every language.
func Messages() fs.FS { return messages }

// Members says which subsystems there are.
type Members interface {
	Members(ctx context.Context) ([]exchange.Member, error)
}

// Deps is what webhooks stand on.
type Deps struct {
	DB       exchange.Database
	Clock    clock.Clock
	Members  Members
	Instance string
	// Inside allows plain HTTP and addresses within this machine and its network:
	// for tests and demonstrations alone.
	Inside bool
}

// Webhooks knows the address of each subsystem that has one.
type Webhooks struct {
	store    store
	clock    clock.Clock
	members  Members
	instance string
	inside   bool
	sender   *sender
}

// New returns webhooks over a table that exists already.
func New(d Deps) *Webhooks {
	return &Webhooks{store: store{d.DB}, clock: d.Clock, members: d.Members, instance: d.Instance, inside: d.Inside, sender: newSender(d.Inside)}
}

// Hook is where a subsystem takes messages.
type Hook struct {
	Subsystem exchange.SubsystemID `json:"subsystem"`
	URL       string               `json:"url"`
	SetBy     string               `json:"set_by,omitempty"`
	SetAt     time.Time            `json:"set_at"`
}

const maxURL = 2000

// Set gives a subsystem its address, in place of an earlier one; the caller has
// checked that whoever sets it speaks for the subsystem. errs.Invalid
// "webhook.bad_url"; errs.NotFound "webhook.unknown_subsystem".
func (w *Webhooks) Set(ctx context.Context, h Hook) error {
	if !w.fit(h.URL) {
		return errs.New(errs.Invalid, "webhook.bad_url")
	}
	members, err := w.members.Members(ctx)
	if err != nil {
		return err
	}
	if !known(members, w.instance, h.Subsystem) {
		return errs.New(errs.NotFound, "webhook.unknown_subsystem", "subsystem", h.Subsystem.String())
	}
	h.SetAt = w.clock.Now()
	return w.store.put(ctx, h)
}

func known(members []exchange.Member, instance string, s exchange.SubsystemID) bool {
	for _, m := range members {
		for _, sub := range m.Subsystems {
			if s == (exchange.SubsystemID{Instance: instance, Class: m.Class, Member: m.Code, Subsystem: sub.Code}) {
				return true
			}
		}
	}
	return false
}

// fit says whether messages may go to an address. A user name or password in it
// would end in logs; a fragment means nothing to a server.
func (w *Webhooks) fit(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxURL || u.Host == "" || u.User != nil || u.Fragment != "" || strings.ContainsAny(raw, " \t\r\n") {
		return false
	}
	return u.Scheme == "https" || w.inside && u.Scheme == "http"
}

// Of gives the address of a subsystem. errs.NotFound "webhook.none".
func (w *Webhooks) Of(ctx context.Context, s exchange.SubsystemID) (string, error) {
	h, found, err := w.store.get(ctx, s)
	if err == nil && !found {
		err = errs.New(errs.NotFound, "webhook.none", "subsystem", s.String())
	}
	return h.URL, err
}

// Remove takes a subsystem's address away; nothing happens when it has none.
func (w *Webhooks) Remove(ctx context.Context, s exchange.SubsystemID) error {
	return w.store.remove(ctx, s)
}

// Message is what goes out. Its signature is over what Components gives.
type Message struct {
	URL            string
	ID             string // the same when it is sent again
	ContentType    string
	Headers        map[string]string // besides
	Body           []byte
	SignatureInput string
	Signature      string
}

// Components are the parts of the message that its sender signs.
func (m Message) Components() []httpsig.Component {
	return []httpsig.Component{
		{Name: "@method", Value: "POST"},
		{Name: "@target-uri", Value: m.URL},
		{Name: "content-digest", Value: httpsig.ContentDigest(m.Body)},
		{Name: "content-type", Value: m.ContentType},
		{Name: "idempotency-key", Value: quoted(m.ID)},
	}
}

// quoted is an identifier as a structured-field string; ids hold nothing that
// would need an escape.
func quoted(id string) string { return `"` + id + `"` }
