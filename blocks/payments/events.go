package payments

// Facts that payments announces; the subject is the bill's id, the data a Fact.
const (
	EventPaid     = "payments.paid"
	EventFailed   = "payments.failed"
	EventRefunded = "payments.refunded"
)

// Fact is the data of every event of this block. It names no person.
type Fact struct {
	Bill      string `json:"bill"`
	Reference string `json:"reference"`
	Member    string `json:"member"`
	Minor     int64  `json:"minor"`
	Currency  string `json:"currency"`
	Reason    string `json:"reason,omitempty"`
}
