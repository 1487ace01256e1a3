package forms

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/blob"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

//go:embed openapi.yaml
var openAPI []byte

// Migrations gives the block's tables.
func Migrations() fs.FS { return migrations }

// Messages gives the block's words in both languages.
func Messages() fs.FS { return messages }

// OpenAPI gives the contract of the JSON routes.
func OpenAPI() []byte { return append([]byte(nil), openAPI...) }

// Deps is what forms stands on. All but People, Pages and Log is required.
type Deps struct {
	DB       database
	Clock    clock.Clock
	Keys     Sealer
	Blobs    blob.Store
	Log      *slog.Logger // nil: slog.Default
	Services Definitions
	Evidence Evidence
	Cases    Cases
	People   People        // nil: the applicant's name comes from the session, the birth date is not known
	Pages    *web.Renderer // nil: no pages, only the API
}

// Sealer keeps personal content readable only while its subject's key lives.
type Sealer interface {
	Seal(ctx context.Context, subject string, plain, aad []byte) ([]byte, error)
	Unseal(ctx context.Context, subject string, sealed, aad []byte) ([]byte, error)
	Pseudonym(value string) string
}

// Definitions finds services: the live one to begin with, later the one that
// an application was begun under.
type Definitions interface {
	Live(ctx context.Context, id string) (*services.Service, error)
	Get(ctx context.Context, hash string) (*services.Service, error)
}

// Evidence asks registers. Every answer is on record before it comes back.
type Evidence interface {
	Fetch(ctx context.Context, f Fetch) ([]services.Record, error)
}

// Fetch is one question to a register.
type Fetch struct {
	Owner    services.Owner
	Evidence services.Evidence
	Where    map[string]string
	Subject  string // personal number of whom it is about
	Service  string // the public service's id, which the person knows it by
	Issue    string // the application's id
}

// People knows who applicants are.
type People interface {
	Person(ctx context.Context, number string) (Person, error)
}

// Person is what rules may ask about an applicant.
type Person struct{ Name, BirthDate string }

// Cases takes applications into work. Open and Resubmit join the transaction
// of ctx; Open of the same application gives the same code again.
type Cases interface {
	Open(ctx context.Context, s Submission) (code string, err error)
	Resubmit(ctx context.Context, application string, answers map[string]any) error
	// Correction gives what an officer asked to mend, nil when nothing is.
	Correction(ctx context.Context, application string) (*Correction, error)
}

// Submission is an application that its person has sent.
type Submission struct {
	Application string
	Service     string
	DefHash     string
	Number      string
	Name        string
	OnBehalf    string // personal number of whom it was sent for; "" for oneself
	Lang        i18n.Lang
	Channel     string
	State       services.State // answers pruned to the person's path, flat by field id
	Sources     map[string]Provenance
	Unavailable []string // evidence that no register answered and the officer looks after
}

// Provenance says where an answer came from.
type Provenance struct {
	Source   string    `json:"source"` // typed, obtained (a prefill that was kept), changed (one that was edited)
	Evidence string    `json:"evidence,omitempty"`
	At       time.Time `json:"at"`
}

// The sources of an answer.
const (
	Typed    = "typed"
	Obtained = "obtained"
	Changed  = "changed"
)

// Correction is what an officer asked the applicant to mend.
type Correction struct {
	Fields  []string
	Message string
}

// State is where an application stands.
type State string

// The states of an application.
const (
	Draft      State = "draft"
	Submitted  State = "submitted"
	Correcting State = "correcting"
	Discarded  State = "discarded"
)

// Application is what lists and headers show of an application. It holds
// nothing personal.
type Application struct {
	ID, Service, DefHash string
	Title                i18n.Text // of the service
	State                State
	Code                 string // dossier code, once submitted
	OnBehalf             bool   // made for somebody else
	Created, Updated     time.Time
	Submitted            time.Time // zero while a draft
}

// FileMeta describes an uploaded file.
type FileMeta struct {
	Name string // as the applicant's device called it, tidied
	Type string // of what is stored, never the sender's claim
	Size int64
}

// Forms is the block. It is safe for concurrent use.
type Forms struct {
	d       Deps
	store   store
	gates   gates
	decodes chan struct{} // pictures take memory while they are decoded
}

// decodesAtOnce bounds how many pictures are decoded at the same time.
const decodesAtOnce = 2

// New builds the block.
func New(d Deps) (*Forms, error) {
	if d.DB == nil || d.Clock == nil || d.Keys == nil || d.Blobs == nil || d.Services == nil || d.Evidence == nil || d.Cases == nil {
		return nil, errors.New("forms: Deps needs DB, Clock, Keys, Blobs, Services, Evidence and Cases")
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	return &Forms{d: d, store: store{db: d.DB}, decodes: make(chan struct{}, decodesAtOnce)}, nil
}
