package services

import (
	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/money"
	"github.com/dinh-gov/dinh/kernel/rules"
)

// Status says whether people may start a service.
type Status string

// The life of a definition: a draft is seen by its team only, a live one by
// everybody, a retired one only by those who have a case under it.
const (
	Draft   Status = "draft"
	Live    Status = "live"
	Retired Status = "retired"
)

// Definition is a public service as its team writes it: one YAML document
// that holds requirements, pages, rules, fee, workflow, clocks, outputs,
// messages and tests. It is content-hashed and stays with every case that was
// opened under it.
//
// Every string called an expression is CEL over these variables:
//
//	applicant   number, name, birth_date, on_behalf (number or "")
//	data        what registers answered, by evidence id: the record's asked fields plus
//	            id, or null when there is no record; a list of such where many is true
//	answers     what the person typed, nested by the dots of the field id; null until typed
//	is          the named conditions, true or false
//	decisions   outcomes of decision tables, by id: out columns; null until decided
//	results     what workflow steps returned, by step id (without one, by the id of what
//	            was written or issued); null until the step has run
//	case        code, submitted_on, due_on, reason (code), reason_title, reason_ref,
//	            message (the officer's words), all "" until known
//	today       YYYY-MM-DD
//
// An expression that meets a null where it needs a value does not stop the
// form: a when is then false, a value is then empty. In the workflow it is an
// error, since a case must never take a turn by accident.
type Definition struct {
	ID        string        `yaml:"id" json:"id"`
	Version   int           `yaml:"version" json:"version"`
	Status    Status        `yaml:"status" json:"status"`
	Title     i18n.Text     `yaml:"title" json:"title"`
	Summary   i18n.Text     `yaml:"summary" json:"summary"`
	LifeEvent string        `yaml:"life_event,omitempty" json:"life_event,omitempty"` // key into country/life-events.yaml
	Keywords  i18n.Text     `yaml:"keywords,omitempty" json:"keywords,omitempty"`     // words people search with, comma separated
	Owner     Owner         `yaml:"owner" json:"owner"`
	Procedure string        `yaml:"procedure" json:"procedure"`           // national procedure code, e.g. 1.005129
	Dossier   string        `yaml:"dossier_prefix" json:"dossier_prefix"` // agency part of the dossier code, e.g. H26.12
	Level     string        `yaml:"online_level" json:"online_level"`     // full | partial (Decree 42/2022)
	Channels  []string      `yaml:"channels" json:"channels"`             // online, counter, post
	Legal     []Legal       `yaml:"legal_basis" json:"legal_basis"`
	Applicant Applicant     `yaml:"applicant" json:"applicant"`
	Before    []i18n.Text   `yaml:"before_you_start,omitempty" json:"before_you_start,omitempty"`
	Results   []i18n.Text   `yaml:"you_receive,omitempty" json:"you_receive,omitempty"`
	Evidence  []Evidence    `yaml:"evidence" json:"evidence"`
	Condition []Condition   `yaml:"conditions,omitempty" json:"conditions,omitempty"`
	Eligible  []Eligibility `yaml:"eligibility,omitempty" json:"eligibility,omitempty"`
	Pages     []Page        `yaml:"pages" json:"pages"`
	Consent   i18n.Text     `yaml:"consent" json:"consent"`
	Decisions []rules.Table `yaml:"decisions,omitempty" json:"decisions,omitempty"`
	Fee       *Fee          `yaml:"fee,omitempty" json:"fee,omitempty"`
	Workflow  Workflow      `yaml:"workflow" json:"workflow"`
	Clock     *Clock        `yaml:"clock,omitempty" json:"clock,omitempty"`
	Writes    []Write       `yaml:"writes,omitempty" json:"writes,omitempty"`
	Outputs   []Output      `yaml:"outputs,omitempty" json:"outputs,omitempty"`
	Messages  []Message     `yaml:"messages,omitempty" json:"messages,omitempty"`
	Reasons   []Reason      `yaml:"reasons,omitempty" json:"reasons,omitempty"` // reason codes officers choose from
	Appeal    *Appeal       `yaml:"appeal,omitempty" json:"appeal,omitempty"`
	Tests     []Test        `yaml:"tests" json:"tests"`
	Pack      *Pack         `yaml:"pack,omitempty" json:"pack,omitempty"`
}

// Pack is a set of papers that the owner asks people to hand over from
// registers, each only with their consent. A service with a pack has no form
// and no case; the evidence broker plays it.
type Pack struct {
	Papers  []string `yaml:"papers" json:"papers"` // requirements of country/requirements.yaml
	Purpose string   `yaml:"purpose" json:"purpose"`
	Legal   string   `yaml:"legal_basis" json:"legal_basis"`
	Days    int      `yaml:"days" json:"days"`           // how long a consent lasts
	Times   int      `yaml:"times" json:"times"`         // how often each paper may be shown meanwhile
	Keep    int      `yaml:"keep_days" json:"keep_days"` // how long the owner may keep a copy; 0: not at all
}

// Owner is the subsystem in whose name evidence is asked and decisions are made.
type Owner struct {
	Member    string    `yaml:"member" json:"member"`       // GOV/MOJ
	Subsystem string    `yaml:"subsystem" json:"subsystem"` // civil-status
	Name      i18n.Text `yaml:"name" json:"name"`           // office as people know it
	Help      i18n.Text `yaml:"help,omitempty" json:"help,omitempty"`
}

// Legal is a law that the service rests on.
type Legal struct {
	Ref i18n.Text `yaml:"ref" json:"ref"`
	URL string    `yaml:"url,omitempty" json:"url,omitempty"`
}

// Applicant says who may apply.
type Applicant struct {
	Assurance string   `yaml:"assurance" json:"assurance"`                     // low | substantial | high
	OnBehalf  []string `yaml:"on_behalf,omitempty" json:"on_behalf,omitempty"` // mandate kinds: parent
}

// Evidence is one question to one register, asked through the exchange when
// an application is started. The person never types what it answers.
type Evidence struct {
	ID      string            `yaml:"id" json:"id"`
	Title   i18n.Text         `yaml:"title" json:"title"`
	From    string            `yaml:"from" json:"from"`   // CLASS/MEMBER/SUBSYSTEM/SERVICE
	Where   map[string]string `yaml:"where" json:"where"` // indexed field → expression
	Fields  []string          `yaml:"fields" json:"fields"`
	Many    bool              `yaml:"many,omitempty" json:"many,omitempty"` // data.<id> is a list
	When    string            `yaml:"when,omitempty" json:"when,omitempty"` // expression over applicant and earlier evidence
	Purpose string            `yaml:"purpose" json:"purpose"`
	Legal   string            `yaml:"legal_basis" json:"legal_basis"`
	Missing string            `yaml:"on_unavailable,omitempty" json:"on_unavailable,omitempty"` // wait (default) | officer
}

// Condition is a named, reusable, displayable truth, read as is.<id>.
type Condition struct {
	ID    string    `yaml:"id" json:"id"`
	Title i18n.Text `yaml:"title" json:"title"`
	Expr  string    `yaml:"expr" json:"expr"`
}

// Eligibility stops people who cannot use the service before they type anything.
type Eligibility struct {
	When    string    `yaml:"when" json:"when"` // true stops
	Title   i18n.Text `yaml:"title" json:"title"`
	Message i18n.Text `yaml:"message" json:"message"`
}

// Page is one step of the form: facts that are known, and fields that are not.
type Page struct {
	ID     string    `yaml:"id" json:"id"`
	Title  i18n.Text `yaml:"title" json:"title"`
	Intro  i18n.Text `yaml:"intro,omitempty" json:"intro,omitempty"`
	When   string    `yaml:"when,omitempty" json:"when,omitempty"`
	Known  []Known   `yaml:"known,omitempty" json:"known,omitempty"`
	Fields []Field   `yaml:"fields,omitempty" json:"fields,omitempty"`
}

// Known is a fact shown with its source, never asked.
type Known struct {
	ID     string    `yaml:"id" json:"id"`
	Label  i18n.Text `yaml:"label" json:"label"`
	Value  string    `yaml:"value" json:"value"`                       // expression → string, or date
	Format string    `yaml:"format,omitempty" json:"format,omitempty"` // date | code:<list in Options of a field or of country/codes.yaml>
	Source string    `yaml:"source" json:"source"`                     // evidence id
	When   string    `yaml:"when,omitempty" json:"when,omitempty"`
}

// FieldType is the kind of an answer.
type FieldType string

// The field types that forms can ask and validate.
const (
	TypeText        FieldType = "text"
	TypeName        FieldType = "name" // a Vietnamese full name, NFC, spaces tidied
	TypeTextarea    FieldType = "textarea"
	TypeDate        FieldType = "date"
	TypeNumber      FieldType = "number"
	TypeYesNo       FieldType = "yesno" // answer is a bool
	TypeRadios      FieldType = "radios"
	TypeSelect      FieldType = "select"
	TypeCheckboxes  FieldType = "checkboxes" // answer is a list of strings
	TypeEmail       FieldType = "email"
	TypePhone       FieldType = "phone"
	TypeFile        FieldType = "file" // answer is {name,type,size,hash}
	TypeDeclaration FieldType = "declaration"
)

// Field is one question.
type Field struct {
	ID           string       `yaml:"id" json:"id"` // dotted: child.full_name
	Type         FieldType    `yaml:"type" json:"type"`
	Label        i18n.Text    `yaml:"label" json:"label"`
	Hint         i18n.Text    `yaml:"hint,omitempty" json:"hint,omitempty"`
	Optional     bool         `yaml:"optional,omitempty" json:"optional,omitempty"`
	When         string       `yaml:"when,omitempty" json:"when,omitempty"`
	Prefill      string       `yaml:"prefill,omitempty" json:"prefill,omitempty"` // expression; the person may change it
	Source       string       `yaml:"source,omitempty" json:"source,omitempty"`   // evidence id of the prefill
	Options      []Option     `yaml:"options,omitempty" json:"options,omitempty"`
	OptionsFrom  string       `yaml:"options_from,omitempty" json:"options_from,omitempty"` // code list in country/codes.yaml
	Min          string       `yaml:"min,omitempty" json:"min,omitempty"`                   // number, or date expression
	Max          string       `yaml:"max,omitempty" json:"max,omitempty"`
	MaxLength    int          `yaml:"max_length,omitempty" json:"max_length,omitempty"` // runes after NFC
	Pattern      string       `yaml:"pattern,omitempty" json:"pattern,omitempty"`
	Accept       []string     `yaml:"accept,omitempty" json:"accept,omitempty"` // sniffed media types: image/jpeg, image/png, application/pdf
	MaxBytes     int64        `yaml:"max_bytes,omitempty" json:"max_bytes,omitempty"`
	Image        *Image       `yaml:"image,omitempty" json:"image,omitempty"`
	Validate     []Validation `yaml:"validate,omitempty" json:"validate,omitempty"`
	Autocomplete string       `yaml:"autocomplete,omitempty" json:"autocomplete,omitempty"`
}

// Image limits an uploaded picture; it is re-encoded without metadata.
type Image struct {
	MinWidth  int `yaml:"min_width" json:"min_width"`
	MinHeight int `yaml:"min_height" json:"min_height"`
	MaxWidth  int `yaml:"max_width" json:"max_width"` // scaled down above this
}

// Option is one choice.
type Option struct {
	Value string    `yaml:"value" json:"value"`
	Label i18n.Text `yaml:"label" json:"label"`
	Hint  i18n.Text `yaml:"hint,omitempty" json:"hint,omitempty"`
	When  string    `yaml:"when,omitempty" json:"when,omitempty"`
}

// Validation refuses an answer while its expression is true.
type Validation struct {
	When    string    `yaml:"when" json:"when"` // over the variables plus value
	Message i18n.Text `yaml:"message" json:"message"`
}

// Fee is what the service costs: fixed, or the out column amount of a decision.
type Fee struct {
	Amount   int64     `yaml:"amount,omitempty" json:"amount,omitempty"` // minor units
	Decision string    `yaml:"decision,omitempty" json:"decision,omitempty"`
	Currency string    `yaml:"currency" json:"currency"`
	Label    i18n.Text `yaml:"label" json:"label"`
	Legal    string    `yaml:"legal_basis" json:"legal_basis"`
}

// Money gives the fixed amount.
func (f Fee) Money() money.Amount { return money.Amount{Minor: f.Amount, Currency: f.Currency} }

// Workflow is the case's state machine. Entering a state runs its steps in
// order, each exactly once per visit; then the first Next that is true is
// taken. A state without Next waits for an action, an event or nothing.
type Workflow struct {
	Start  string          `yaml:"start" json:"start"`
	States []WorkflowState `yaml:"states" json:"states"`
}

// WorkflowState is a place where a case can be.
type WorkflowState struct {
	ID     string            `yaml:"id" json:"id"`
	Title  i18n.Text         `yaml:"title" json:"title"`
	Status int               `yaml:"status" json:"status"`                   // the Vietnamese dossier status 1–10; 5, 6 and 8 stop the clock
	Queue  string            `yaml:"queue,omitempty" json:"queue,omitempty"` // officers' queue
	Steps  []Step            `yaml:"steps,omitempty" json:"steps,omitempty"`
	Next   []Next            `yaml:"next,omitempty" json:"next,omitempty"`
	Action []Action          `yaml:"actions,omitempty" json:"actions,omitempty"`
	On     map[string]string `yaml:"on,omitempty" json:"on,omitempty"`       // paid, payment_failed, corrected, withdrawn → state
	Final  string            `yaml:"final,omitempty" json:"final,omitempty"` // approved | refused | withdrawn
}

// Step is one effect; exactly one of the verbs is set. ID names its result.
type Step struct {
	ID     string `yaml:"id,omitempty" json:"id,omitempty"`
	When   string `yaml:"when,omitempty" json:"when,omitempty"`
	Decide string `yaml:"decide,omitempty" json:"decide,omitempty"` // decision id
	Fetch  string `yaml:"fetch,omitempty" json:"fetch,omitempty"`   // evidence id, asked again
	Write  string `yaml:"write,omitempty" json:"write,omitempty"`   // write id; result is the record's data plus id
	Issue  string `yaml:"issue,omitempty" json:"issue,omitempty"`   // output id; result is {id, code}
	Notify string `yaml:"notify,omitempty" json:"notify,omitempty"` // message id
	Bill   bool   `yaml:"bill,omitempty" json:"bill,omitempty"`     // the fee
	Refund bool   `yaml:"refund,omitempty" json:"refund,omitempty"` // what was paid, if anything
}

// Next is a way out of a state that nobody has to choose.
type Next struct {
	When string `yaml:"when,omitempty" json:"when,omitempty"` // empty is true
	To   string `yaml:"to" json:"to"`
}

// ActionKind tells pages and the engine what an action needs.
type ActionKind string

// Kinds of actions.
const (
	Approve  ActionKind = "approve"
	Refuse   ActionKind = "refuse"   // needs a reason code
	Return   ActionKind = "return"   // needs named fields and a message; the person corrects just those
	Withdraw ActionKind = "withdraw" // by the applicant
	Other    ActionKind = "other"
)

// Action is what an officer (or, for withdraw, the applicant) may do in a state.
type Action struct {
	ID       string     `yaml:"id" json:"id"`
	Kind     ActionKind `yaml:"kind" json:"kind"`
	Title    i18n.Text  `yaml:"title" json:"title"`
	Roles    []string   `yaml:"roles,omitempty" json:"roles,omitempty"`
	To       string     `yaml:"to" json:"to"`
	When     string     `yaml:"when,omitempty" json:"when,omitempty"`
	Form     []Field    `yaml:"form,omitempty" json:"form,omitempty"`           // answers land in answers.<action id>.<field id>
	FourEyes []string   `yaml:"four_eyes,omitempty" json:"four_eyes,omitempty"` // not by a person who did one of these actions on the case
	Reasons  []string   `yaml:"reasons,omitempty" json:"reasons,omitempty"`     // codes allowed; empty = all
}

// Clock is the promised time in working days.
type Clock struct {
	WorkingDays int    `yaml:"working_days" json:"working_days"`
	WarnAt      int    `yaml:"warn_at_percent,omitempty" json:"warn_at_percent,omitempty"`
	Legal       string `yaml:"legal_basis,omitempty" json:"legal_basis,omitempty"`
}

// Write is an entry into a register, through the exchange.
type Write struct {
	ID      string            `yaml:"id" json:"id"`
	To      string            `yaml:"to" json:"to"`                             // CLASS/MEMBER/SUBSYSTEM/SERVICE
	Op      string            `yaml:"op" json:"op"`                             // create | amend
	Record  string            `yaml:"record,omitempty" json:"record,omitempty"` // amend: expression giving the record id
	Title   i18n.Text         `yaml:"title" json:"title"`
	Data    map[string]string `yaml:"data" json:"data"` // field → expression; null results are left out
	Reason  string            `yaml:"reason" json:"reason"`
	Purpose string            `yaml:"purpose" json:"purpose"`
	Legal   string            `yaml:"legal_basis" json:"legal_basis"`
}

// Output is a signed document.
type Output struct {
	ID     string            `yaml:"id" json:"id"`
	Type   string            `yaml:"type" json:"type"` // birth-certificate …; a layout of the documents block, or "certificate"
	Title  i18n.Text         `yaml:"title" json:"title"`
	Signer string            `yaml:"signer" json:"signer"`                               // member
	Owners []string          `yaml:"owners" json:"owners"`                               // expressions giving personal numbers
	Valid  string            `yaml:"valid_until,omitempty" json:"valid_until,omitempty"` // expression → date
	Number string            `yaml:"number,omitempty" json:"number,omitempty"`           // expression: number printed on the document
	Photo  string            `yaml:"photo,omitempty" json:"photo,omitempty"`             // expression → file answer
	Lines  []Line            `yaml:"lines" json:"lines"`
	Note   i18n.Text         `yaml:"note,omitempty" json:"note,omitempty"`
	Labels map[string]string `yaml:"labels,omitempty" json:"labels,omitempty"`
}

// Line is one labelled value on a document.
type Line struct {
	Label  i18n.Text `yaml:"label" json:"label"`
	Value  string    `yaml:"value" json:"value"`                       // expression
	Format string    `yaml:"format,omitempty" json:"format,omitempty"` // date | code:<list>
}

// Message is a notification in both languages. {…} placeholders are expressions.
type Message struct {
	ID       string    `yaml:"id" json:"id"`
	Channels []string  `yaml:"channels" json:"channels"` // inbox, email, sms
	Subject  i18n.Text `yaml:"subject" json:"subject"`
	Body     i18n.Text `yaml:"body" json:"body"`
	SMS      i18n.Text `yaml:"sms,omitempty" json:"sms,omitempty"`
}

// Reason is a reason code with the words that are printed in the decision.
type Reason struct {
	ID    string    `yaml:"id" json:"id"`
	Title i18n.Text `yaml:"title" json:"title"`
	Ref   string    `yaml:"ref" json:"ref"`
}

// Appeal tells where and until when a refusal can be challenged.
type Appeal struct {
	WithinDays int       `yaml:"within_days" json:"within_days"`
	To         i18n.Text `yaml:"to" json:"to"`
	Legal      string    `yaml:"legal_basis" json:"legal_basis"`
}

// Test is an example that the service's authors keep true.
type Test struct {
	Name   string     `yaml:"name" json:"name"`
	Given  TestGiven  `yaml:"given" json:"given"`
	Expect TestExpect `yaml:"expect" json:"expect"`
}

// TestGiven is the world of a test: no register is asked.
type TestGiven struct {
	Today     string         `yaml:"today" json:"today"`
	Applicant map[string]any `yaml:"applicant" json:"applicant"`
	Data      map[string]any `yaml:"data" json:"data"`
	Answers   map[string]any `yaml:"answers" json:"answers"`
	Actions   []string       `yaml:"actions,omitempty" json:"actions,omitempty"` // events and actions in order: paid, approve, refuse:code, return, corrected
}

// TestExpect is what must come out. Empty members are not checked.
type TestExpect struct {
	Stopped  string            `yaml:"stopped,omitempty" json:"stopped,omitempty"` // text in an eligibility title
	Pages    []string          `yaml:"pages,omitempty" json:"pages,omitempty"`
	Invalid  []string          `yaml:"invalid,omitempty" json:"invalid,omitempty"`   // field ids that must be refused
	Decision map[string]any    `yaml:"decision,omitempty" json:"decision,omitempty"` // decisions.<id>.<out> flattened "registration.result"
	Fee      *int64            `yaml:"fee,omitempty" json:"fee,omitempty"`
	State    string            `yaml:"state,omitempty" json:"state,omitempty"` // where the workflow rests
	Writes   []string          `yaml:"writes,omitempty" json:"writes,omitempty"`
	Issues   []string          `yaml:"issues,omitempty" json:"issues,omitempty"`
	Notifies []string          `yaml:"notifies,omitempty" json:"notifies,omitempty"`
	Known    map[string]string `yaml:"known,omitempty" json:"known,omitempty"`
}
