package portal

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/money"
	"github.com/dinh-gov/dinh/web"
)

//go:embed messages/*.json
var messages embed.FS

// Messages gives the block's words in both languages.
func Messages() fs.FS { return messages }

// Deps is what the portal stands on. All but Pages is required; without Pages
// there are no routes.
type Deps struct {
	Clock      clock.Clock
	Services   Services
	Cases      Cases
	Drafts     Drafts
	Bills      Bills
	Papers     Papers
	Messages   Inbox
	LifeEvents []LifeEvent // in the order in which the front door shows them
	Pages      *web.Renderer
}

// Services finds public services.
type Services interface {
	All(ctx context.Context) ([]*services.Service, error)
	Search(ctx context.Context, query string, lang i18n.Lang) ([]*services.Service, error)
	Live(ctx context.Context, id string) (*services.Service, error)
}

// Cases finds the person's own cases and ends one at their wish.
type Cases interface {
	ForPerson(ctx context.Context, number string) ([]cases.Case, error)
	// ByApplication answers errs.NotFound for everybody but the applicant, who
	// is the principal of ctx.
	ByApplication(ctx context.Context, application string) (*cases.Full, error)
	// Withdraw does not ask whose case it is; the portal has.
	Withdraw(ctx context.Context, application string) error
}

// Drafts lists what the signed-in person has begun and not sent, newest first.
type Drafts interface {
	Drafts(ctx context.Context) ([]Draft, error)
}

// Draft is an application that was not sent yet.
type Draft struct {
	Application, Service string // ids
	Title                i18n.Text
	Updated              time.Time
	Done, Total          int // parts of the form
}

// Bills reads a bill of the signed-in person.
type Bills interface {
	Bill(ctx context.Context, id string) (Bill, error)
}

// Bill is a fee as its payer sees it.
type Bill struct {
	ID     string
	State  string // open, paid, cancelled, refunded, part_refunded
	Amount money.Amount
	Label  i18n.Text
}

// Papers lists the documents of the signed-in person that were issued under a
// dossier code.
type Papers interface {
	ForReference(ctx context.Context, reference string) ([]Paper, error)
}

// Paper is an issued document.
type Paper struct {
	ID       string
	Code     string // by which anybody may check it
	Title    i18n.Text
	IssuedAt time.Time
}

// Inbox counts a person's unread messages.
type Inbox interface {
	Unread(ctx context.Context, number string) (int, error)
}

// LifeEvent is a moment in life and the services that belong to it.
type LifeEvent struct {
	ID       string
	Icon     string // of the design system; "child" and "car" are understood too
	Title    i18n.Text
	Summary  i18n.Text
	Services []string // ids, in the order in which people need them
}

// Portal is the block. It is safe for concurrent use.
type Portal struct {
	d     Deps
	front frontCache
	cards paperCards
}

// New makes the block.
func New(d Deps) *Portal { return &Portal{d: d, cards: newPaperCards()} }
