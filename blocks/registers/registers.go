package registers

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
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

// Deps is what registers stands on.
type Deps struct {
	DB          *db.DB
	Clock       clock.Clock
	Log         *slog.Logger
	Definitions []*Definition
	Pages       *web.Renderer // nil: no pages
	// Codes gives the words of a value whose field names a code list (x-codes);
	// nil: values are shown as they are.
	Codes func(list, value string) (i18n.Text, bool)
	// ByHand makes durable what an officer of the owner is about to see or has
	// changed; it joins the transaction of ctx. nil: no officer gets in.
	ByHand func(context.Context, Handling) error
}

// Handling is what an officer of the owner does with records, outside the
// exchange. Operation is search, read, create or amend.
type Handling struct {
	Definition *Definition
	Operation  string
	Officer    string
	Fields     []string // that they see or set
	Subjects   []string // personal numbers in the records
	Records    int
}

// Registers is the block.
type Registers struct {
	d     Deps
	store store
	defs  map[string]*Definition
	order []*Definition
}

// New builds the block over the given registers.
func New(d Deps) (*Registers, error) {
	r := &Registers{d: d, store: store{db: d.DB}, defs: map[string]*Definition{}}
	for _, def := range d.Definitions {
		if r.defs[def.ID] != nil {
			return nil, fmt.Errorf("registers: %q is declared twice", def.ID)
		}
		r.defs[def.ID] = def
		r.order = append(r.order, def)
	}
	return r, nil
}

// Record is the present version of an entry.
type Record struct {
	ID        string         `json:"id"`
	Register  string         `json:"register"`
	Version   int            `json:"version"`
	ValidFrom string         `json:"valid_from"`
	UpdatedAt time.Time      `json:"updated_at"`
	Data      map[string]any `json:"data"`
}

// Version is one version of a record, with who made it and why.
type Version struct {
	Version   int            `json:"version"`
	At        time.Time      `json:"at"`
	Actor     string         `json:"actor"`
	Reason    string         `json:"reason"`
	ValidFrom string         `json:"valid_from"`
	Data      map[string]any `json:"data"`
}

// Change is a new record (ID empty) or a merge patch (RFC 7396) of one.
type Change struct {
	Register  string
	ID        string
	Version   int // the version the caller saw; 0 skips the check
	Data      map[string]any
	Actor     string // who: an officer's id, a subsystem; never a personal number
	Reason    string // why; mandatory
	ValidFrom string // YYYY-MM-DD; empty is today
	Key       string // the same key makes the change once; empty makes it always
	// Fingerprint tells changes under one key apart; a key that comes back with
	// another one is refused (registers.key_reused). Empty: the key is enough.
	Fingerprint string
}

// Definitions lists the registers in the order they were declared.
func (r *Registers) Definitions() []*Definition { return r.order }

// Definition finds a register's declaration.
// Error: registers.unknown_register.
func (r *Registers) Definition(register string) (*Definition, error) {
	if d := r.defs[register]; d != nil {
		return d, nil
	}
	return nil, errs.New(errs.NotFound, "registers.unknown_register", "register", register)
}

// Read gives one record by its id. Error: registers.record_not_found.
func (r *Registers) Read(ctx context.Context, register, id string) (Record, error) {
	return r.store.read(ctx, register, id)
}

// Find gives up to limit records whose indexed fields have exactly these
// values. Asking for a field that is not indexed is an error, never a scan.
func (r *Registers) Find(ctx context.Context, register string, where map[string]string, limit int) ([]Record, error) {
	def, err := r.Definition(register)
	if err != nil {
		return nil, err
	}
	if err := indexed(def, where); err != nil {
		return nil, err
	}
	return r.store.find(ctx, register, def.selective(where), where, bound(limit))
}

// Search gives up to limit records whose searched fields contain every word
// of query, without regard to case and Vietnamese marks; no query at all finds
// the newest records.
//
// Errors: registers.search_control, registers.search_empty.
func (r *Registers) Search(ctx context.Context, register, query string, limit int) ([]Record, error) {
	if _, err := r.Definition(register); err != nil {
		return nil, err
	}
	if err := searchable(query); err != nil {
		return nil, err
	}
	return r.store.search(ctx, register, visible(query), bound(limit))
}

// History gives every version of a record, the newest first.
func (r *Registers) History(ctx context.Context, register, id string) ([]Version, error) {
	if _, err := r.store.read(ctx, register, id); err != nil {
		return nil, err
	}
	return r.store.history(ctx, id)
}

// Count says how many records a register has.
func (r *Registers) Count(ctx context.Context, register string) (int, error) {
	return r.store.count(ctx, register)
}

func bound(limit int) int {
	if limit <= 0 || limit > 500 {
		return 50
	}
	return limit
}

// mayHandle lets only officers of the owning member with one of the
// register's roles at its records by hand.
func mayHandle(ctx context.Context, def *Definition) error {
	p := auth.From(ctx)
	if p.IsOfficer() && p.Member == def.Member {
		for _, role := range def.Roles {
			if p.HasRole(role) {
				return nil
			}
		}
	}
	return errs.New(errs.Forbidden, "registers.not_yours", "register", def.ID)
}
