package transparency

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/keys"
	"github.com/dinh-gov/dinh/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations gives the block's tables.
func Migrations() fs.FS { return migrations }

// Messages gives the block's words in both languages.
func Messages() fs.FS { return messages }

// RoleInspector is the role of officers who may look into other people's lists
// of accesses: data protection officers.
const RoleInspector = "data-protection-officer"

// Deps is what transparency stands on.
type Deps struct {
	DB       *db.DB
	Clock    clock.Clock
	Keys     Keys
	Log      *slog.Logger // nil: quiet
	Events   Events
	Proofs   Proofs
	Names    Names
	Children Children      // nil: nobody has children
	VKey     string        // the ledger's verifier key, in the text form of signed notes
	Origin   string        // the public address: "https://dichvucong.example"
	Pages    *web.Renderer // nil: no pages
}

// Keys keeps people's pseudonyms and secrets and signs consents. kernel/keys is
// one.
type Keys interface {
	Pseudonym(value string) string
	Seal(ctx context.Context, subject string, plain, aad []byte) ([]byte, error)
	Unseal(ctx context.Context, subject string, sealed, aad []byte) ([]byte, error)
	Ensure(ctx context.Context, owner string, use keys.Use, name keys.Name) (keys.Key, error)
	Sign(ctx context.Context, kid string, msg []byte) ([]byte, error)
}

// Events are the accesses that were written down. blocks/exchange is one.
type Events interface {
	Events(ctx context.Context, subject, before string, limit int) ([]exchange.Event, error)
	Event(ctx context.Context, id string) (e exchange.Event, key, canonical []byte, err error)
	CountEvents(ctx context.Context, subject string) (int64, error)
}

// Proofs prove that an event is in the ledger. kernel/ledger is one.
type Proofs interface {
	Proof(ctx context.Context, id string) ([]byte, error)
}

// Names says in words what events hold as identifiers. False when it does not
// know; the identifier is shown then.
type Names interface {
	MemberName(id string) (i18n.Text, bool)
	ServiceTitle(id string) (i18n.Text, bool)
	PurposeTitle(id string) (i18n.Text, bool)
	ApplicationTitle(id string) (i18n.Text, bool)
	FieldLabel(service, field string) (i18n.Text, bool)
}

// Child is somebody whose list a parent may read until the day they are 18: an
// adult's list is nobody else's business. BirthDate is YYYY-MM-DD; a child
// without one is left out.
type Child struct{ Number, Name, BirthDate string }

// Children finds a person's children, of any age.
type Children interface {
	Children(ctx context.Context, number string) ([]Child, error)
}

// Transparency is the block. All methods are safe for concurrent use.
type Transparency struct {
	d     Deps
	store store
	log   string // the ledger's name, as it stands in VKey

	mu   sync.Mutex
	kids map[string]family // by the parent's pseudonym
}

// New builds the block.
func New(d Deps) (*Transparency, error) {
	if d.DB == nil || d.Clock == nil || d.Keys == nil || d.Events == nil || d.Proofs == nil || d.Names == nil {
		return nil, errors.New("transparency: Deps needs DB, Clock, Keys, Events, Proofs and Names")
	}
	v, err := note.NewVerifier(d.VKey)
	if err != nil {
		return nil, fmt.Errorf("transparency: Deps.VKey must be the ledger's verifier key: %w", err)
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	d.Origin = strings.TrimSuffix(d.Origin, "/")
	return &Transparency{d: d, store: store{db: d.DB}, log: v.Name(), kids: map[string]family{}}, nil
}

// family is what was found out about somebody's children, for a while: each
// look into the registers is itself an access to data.
type family struct {
	children []Child
	until    time.Time
}
