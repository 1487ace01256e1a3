package cases

// Facts that cases announces. The event's subject is the case id.
const (
	EventOpened  = "cases.opened"  // Fact
	EventMoved   = "cases.moved"   // Fact
	EventDecided = "cases.decided" // Fact with Final set
)

// Fact is the data of every event of this block. It names no person.
type Fact struct {
	Case    string `json:"case"`
	Service string `json:"service"`
	State   string `json:"state"`
	Status  int    `json:"status"`
	Final   string `json:"final,omitempty"` // approved, refused or withdrawn
}

// The job that moves a case on. Its payload is runPayload.
const jobRun = "cases.run"

type runPayload struct {
	Case string `json:"case"`
}
