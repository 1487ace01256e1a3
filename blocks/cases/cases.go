package cases

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"time"

	"github.com/dinh-gov/dinh/blocks/services"
	"github.com/dinh-gov/dinh/kernel/calendar"
	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/event"
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/job"
	"github.com/dinh-gov/dinh/kernel/money"
	"github.com/dinh-gov/dinh/kernel/rules"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed messages/*.json
var messages embed.FS

// Migrations gives the block's tables.
func Migrations() fs.FS { return migrations }

// Messages gives the block's words in both languages.
func Messages() fs.FS { return messages }

// Deps is what cases stands on. Every effect interface must carry out one key
// once, however often it is called with it.
type Deps struct {
	DB        *db.DB
	Clock     clock.Clock
	Calendar  *calendar.Calendar
	Keys      Sealer
	Jobs      *job.Queue
	Bus       *event.Bus
	Services  Definitions
	Exchange  Exchange
	Payments  Payments
	Documents Documents
	Notify    Notify
	Log       *slog.Logger
	// Opened makes durable that an officer is about to see a case, once a day for
	// each; it joins the transaction of ctx. nil: no officer sees any.
	Opened func(context.Context, Opening) error
}

// Opening is an officer's look into a case.
type Opening struct {
	Service  *services.Service
	Case     string // its dossier code
	Officer  string
	Subjects []string // personal numbers of the applicant and of whom they act for
}

// Sealer keeps personal content readable only while its subject's key lives.
type Sealer interface {
	Seal(ctx context.Context, subject string, plain, aad []byte) ([]byte, error)
	Unseal(ctx context.Context, subject string, sealed, aad []byte) ([]byte, error)
	Pseudonym(value string) string
}

// Definitions finds the definition that a case was opened under.
type Definitions interface {
	Get(ctx context.Context, hash string) (*services.Service, error)
}

// Exchange asks and writes registers in the name of the service's owner.
type Exchange interface {
	Fetch(ctx context.Context, f Fetch) (any, error)
	Enter(ctx context.Context, e Entry) (map[string]any, error)
}

// Fetch is one question to a register.
type Fetch struct {
	Owner    services.Owner
	Evidence services.Evidence
	Where    map[string]string
	Subject  string // personal number of whom it is about
	Service  string // the public service, shown to the person as application
	Issue    string // dossier code
}

// Entry is one entry into a register. The answer is the record's data plus
// its id.
type Entry struct {
	Owner   services.Owner
	Write   services.Write
	Record  string // amend: the record's id
	Data    map[string]any
	Subject string
	Service string
	Issue   string
	Key     string
}

// Payments makes and refunds bills.
type Payments interface {
	CreateBill(ctx context.Context, b Bill) (string, error) // joins the transaction of ctx
	Refund(ctx context.Context, r Refund) error             // gives back what was paid, if anything
}

// Bill is a fee to be paid by the applicant.
type Bill struct {
	Key, Number, Reference, Member string
	Title                          i18n.Text
	Label                          i18n.Text
	Amount                         money.Amount
	Return                         string // local path to come back to
}

// Refund names the bill that is paid back in full.
type Refund struct{ Key, Bill, Reason string }

// Documents issues signed papers.
type Documents interface {
	Issue(ctx context.Context, d Document) (Issued, error)
}

// Document is a paper to be issued.
type Document struct {
	Key       string
	Reference string
	Output    services.OutputData
}

// Issued names a document without its content.
type Issued struct {
	ID   string `json:"id"`
	Code string `json:"code"`
}

// Notify tells the applicant something.
type Notify interface {
	Send(ctx context.Context, n Notice) error // joins the transaction of ctx
}

// Notice is one message to one person, on all channels it names.
type Notice struct {
	Key, Number, Reference, Link string
	Channels                     []string
	Subject, Body, SMS           i18n.Text
	To                           Address
}

// Address is where the applicant wants to hear of this application: the
// answers contact.email and contact.phone, where the service asks for them.
type Address struct {
	Name, Email, Phone string
	Lang               i18n.Lang
}

// Case is what lists and headers show. It holds no personal content except
// the applicant's name, which officers need.
type Case struct {
	ID, Code, Application, Service, DefHash string
	Title                                   i18n.Text // of the service
	State                                   string
	StateTitle                              i18n.Text
	Visit, Step                             int
	Pending                                 bool   // the machine is still working on it
	Stuck                                   string // error code of a step that cannot be done without help
	Status                                  int    // Vietnamese dossier status 1–10
	Final                                   string
	Member, Queue, Assignee, Bill           string
	Subject                                 string
	Applicant                               string    // name
	Opened, Updated, Due                    time.Time // Due is zero while the clock is stopped or there is none
	Paused                                  bool
	Version                                 int
}

// Full is a case with everything in it.
type Full struct {
	Case
	Content  Content
	Def      *services.Service
	Timeline []Moment
	Offers   []Offer // to an officer: what their role may do in this state
}

// Offer is an action of the case's state that is open to the officer's role.
type Offer struct {
	services.Action
	Barred string // error code of why not now or not by this person; "" when it may be done
}

// Content is the sealed part of a case.
type Content struct {
	Number     string                `json:"number"`
	Name       string                `json:"name"`
	OnBehalf   string                `json:"on_behalf,omitempty"`
	Lang       i18n.Lang             `json:"lang"`
	Channel    string                `json:"channel"`
	State      services.State        `json:"state"`
	Outcomes   map[string]Outcome    `json:"outcomes,omitempty"`
	Sources    map[string]Provenance `json:"sources,omitempty"`
	Correction *Correction           `json:"correction,omitempty"`
	Documents  []IssuedDocument      `json:"documents,omitempty"`
}

// Outcome is a decision with its explanation, as kernel/rules gives it.
type Outcome = rules.Outcome

// IssuedDocument is a result of the case.
type IssuedDocument struct {
	Issued
	Title i18n.Text `json:"title"`
}

// Provenance says where an answer came from.
type Provenance struct {
	Source   string    `json:"source"` // typed, obtained, changed
	Evidence string    `json:"evidence,omitempty"`
	At       time.Time `json:"at"`
}

// Moment is one line of a case's history.
type Moment struct {
	At        time.Time
	Kind      string // opened, moved, action, document, bill, message, note, stuck
	ActorKind string // system, officer, applicant
	Actor     string // the officer's name; empty for others
	Public    bool   // the applicant sees it
	Title     i18n.Text
	Body      string // words somebody wrote
}

// Correction is what an officer asked the applicant to mend.
type Correction struct {
	Fields  []string  `json:"fields"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`
}

// Submission is an application that its person has sent.
type Submission struct {
	Application string
	DefHash     string
	Number      string
	Name        string
	OnBehalf    string
	Lang        i18n.Lang
	Channel     string
	State       services.State
	Sources     map[string]Provenance
}

// Input is what an officer gives with an action.
type Input struct {
	Case    string
	Action  string
	Version int            // the version that the officer saw; 0 skips the check
	Reason  string         // refuse: a reason code
	Fields  []string       // return: field ids to correct
	Message string         // return, refuse: words for the applicant
	Form    services.Input // the action's own fields
}

// Cases is the block.
type Cases struct {
	d     Deps
	store store
}

// New builds the block and registers its job and its ears for payments.
func New(d Deps) *Cases {
	c := &Cases{d: d, store: store{db: d.DB}}
	d.Jobs.Handle(jobRun, c.runJob)
	d.Bus.Subscribe("payments.paid", "cases", c.onPaid)
	d.Bus.Subscribe("payments.failed", "cases", c.onPaymentFailed)
	return c
}
