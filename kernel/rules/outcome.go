package rules

import (
	"fmt"
	"slices"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Status says how far a decision came.
type Status string

// The states of an outcome.
const (
	Decided Status = "decided" // Out, Reasons and Refs hold
	Missing Status = "missing" // Missing and MissingPaths say what is needed first
	NoRow   Status = "no_row"  // the table does not cover the case
)

// Truth is the truth of a cell or a row.
type Truth string

// The truths. Unknown: the data it looks at is missing.
const (
	Yes     Truth = "yes"
	No      Truth = "no"
	Unknown Truth = "unknown"
)

// Outcome is a decision with its whole explanation. Stored as JSON it can be
// explained at any later time and re-run against the table of the same hash.
// Inputs are personal data: an Outcome is kept where the case is kept.
type Outcome struct {
	Table     string         `json:"table"`
	TableHash string         `json:"table_hash"`
	Engine    string         `json:"engine"`
	Hit       string         `json:"hit"`
	On        string         `json:"on"` // the reference date
	Status    Status         `json:"status"`
	Out       map[string]any `json:"out,omitempty"`     // for collect: a list a name
	Chosen    []int          `json:"chosen,omitempty"`  // indexes of rows
	Reasons   []i18n.Text    `json:"reasons,omitempty"` // of the chosen rows, in their order
	Refs      []string       `json:"refs,omitempty"`    // likewise

	// Missing lists the inputs ("age", or "out.fee" for a computed outcome)
	// that the answer waits for, MissingPaths the data behind them
	// ("person.birth"). Inputs that are absent but do not matter are in neither;
	// for first, what only later rows look at is not asked for yet.
	Missing      []string `json:"missing,omitempty"`
	MissingPaths []string `json:"missing_paths,omitempty"`

	Inputs  map[string]any       `json:"inputs"` // what each input was; nil where data was absent
	Columns []Column             `json:"columns"`
	Outs    map[string]i18n.Text `json:"outs,omitempty"` // labels of the outcomes
	Rows    []RowResult          `json:"rows"`
}

// Column is how an input was called when the decision was made.
type Column struct {
	ID    string               `json:"id"`
	Type  Type                 `json:"type"`
	Label i18n.Text            `json:"label"`
	Words map[string]i18n.Text `json:"words,omitempty"`
}

// RowResult is the truth of one row. Cells is empty when it is not in force.
type RowResult struct {
	Row     int          `json:"row"`
	ID      string       `json:"id,omitempty"`
	InForce bool         `json:"in_force"`
	Hit     Truth        `json:"hit"`
	Cells   []CellResult `json:"cells,omitempty"`
}

// CellResult is the truth of one cell, which is kept as it was written.
type CellResult struct {
	Input string `json:"input"`
	Cell  string `json:"cell"`
	Truth Truth  `json:"truth"`
}

func (d *Decision) columns() []Column {
	list := make([]Column, 0, len(d.sheet.table.Inputs))
	for _, in := range d.sheet.table.Inputs {
		list = append(list, Column{in.ID, in.Type, in.Label, in.Words})
	}
	return list
}

// choose sets Status and Chosen by the hit policy. It gives the rows whose
// unknown cells keep the decision open.
func (o *Outcome) choose() (blocked []int, err error) {
	for _, r := range o.Rows {
		switch {
		case r.Hit == Yes:
			o.Chosen = append(o.Chosen, r.Row)
		case r.Hit == Unknown:
			blocked = append(blocked, r.Row)
		}
		if o.Hit == First && len(o.Chosen) > 0 {
			break
		}
	}
	switch {
	case o.Hit == Unique && len(o.Chosen) > 1:
		return nil, errs.New(errs.Internal, "rules.two_rows", "table", o.Table).
			Wrap(fmt.Errorf("table %q: rows %v (counted from 0) both hold; a unique table allows one", o.Table, o.Chosen))
	case len(blocked) > 0:
		o.Status, o.Chosen = Missing, nil
		if o.Hit == First {
			blocked = blocked[:1] // rows below may not be needed at all
		}
	case len(o.Chosen) == 0 && o.Hit != Collect:
		o.Status = NoRow
	default:
		o.Status = Decided
	}
	return blocked, nil
}

// lack turns a decided outcome into one that waits for data.
func (o *Outcome) lack(input, path string) {
	o.Status = Missing
	if !slices.Contains(o.Missing, input) {
		o.Missing = append(o.Missing, input)
	}
	if !slices.Contains(o.MissingPaths, path) {
		o.MissingPaths = append(o.MissingPaths, path)
	}
}
