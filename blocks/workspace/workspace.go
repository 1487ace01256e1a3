package workspace

import (
	"context"
	"embed"
	"io"
	"io/fs"

	"github.com/dinh-gov/dinh/blocks/cases"
	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/calendar"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/httpx"
	"github.com/dinh-gov/dinh/kernel/money"
	"github.com/dinh-gov/dinh/web"
)

//go:embed messages/*.json
var messages embed.FS

// Messages gives the block's words in both languages.
func Messages() fs.FS { return messages }

// Deps is what the desk stands on. All but Pages is required; without Pages
// there are no routes.
type Deps struct {
	Clock    clock.Clock
	Calendar *calendar.Calendar
	Cases    Cases
	Files    Files
	Bills    Bills
	Pages    *web.Renderer
}

// Cases finds cases and carries out what officers decide. The caller is the
// principal of ctx; whose case it is, is checked there.
type Cases interface {
	Lists
	Counts
	Work
}

// Lists finds cases.
type Lists interface {
	Queue(ctx context.Context, q cases.QueueQuery) ([]cases.Case, error)
	Mine(ctx context.Context) ([]cases.Case, error)
	Search(ctx context.Context, query string) ([]cases.Case, error)
	Names(ctx context.Context, list []cases.Case) error // fills in the applicants
}

// Counts says how the queues stand.
type Counts interface {
	Queues(ctx context.Context) ([]cases.QueueCount, error)
	Figures(ctx context.Context) ([]cases.QueueCount, error)
	Next(ctx context.Context, queue string) (id string, err error) // claims; "" when there is none
}

// Work opens a case and moves it on.
type Work interface {
	Get(ctx context.Context, id string) (*cases.Full, error)
	Act(ctx context.Context, in cases.Input) error
	Claim(ctx context.Context, id string) error
	Unclaim(ctx context.Context, id string) error
	Resume(ctx context.Context, id string) error
}

// Files opens what an applicant uploaded for one field. The desk has made sure
// that the officer may see the application's case.
type Files interface {
	File(ctx context.Context, application, field string) (io.ReadCloser, FileMeta, error)
}

// FileMeta describes an uploaded file.
type FileMeta struct {
	Name string // as the applicant's device called it
	Type string // sniffed when it was stored
	Size int64
}

// Bills reads a bill.
type Bills interface {
	Bill(ctx context.Context, id string) (Bill, error)
}

// Bill is a fee as the desk shows it.
type Bill struct {
	ID               string
	State            string // open, paid, cancelled, refunded, part_refunded
	Amount, Refunded money.Amount
}

// Workspace is the block.
type Workspace struct{ d Deps }

// New makes the block.
func New(d Deps) *Workspace { return &Workspace{d: d} }

// Routes are the pages of the desk.
func (x *Workspace) Routes() []httpx.Route {
	if x.d.Pages == nil {
		return nil
	}
	page := func(method, path string, h httpx.Handler) httpx.Route {
		return httpx.Route{Method: method, Path: path, Access: auth.AnyOfficer(), Page: true, Handle: h}
	}
	return []httpx.Route{
		page("GET", "/desk", x.showDesk),
		page("GET", "/desk/search", x.showSearch),
		page("POST", "/desk/search", x.showSearch),
		page("GET", "/desk/figures", x.showFigures),
		page("GET", "/desk/queues/{queue}", x.showQueue),
		page("POST", "/desk/queues/{queue}/next", x.takeNext),
		page("GET", "/desk/cases/{id}", x.showCase),
		page("GET", "/desk/cases/{id}/files/{field}", x.showFile),
		page("GET", "/desk/cases/{id}/do/{action}", x.showAction),
		page("POST", "/desk/cases/{id}/do/{action}", x.doAction),
		page("POST", "/desk/cases/{id}/claim", x.claim),
		page("POST", "/desk/cases/{id}/unclaim", x.unclaim),
		page("POST", "/desk/cases/{id}/resume", x.resume),
	}
}
