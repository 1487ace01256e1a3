package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Type is the kind of values an input takes.
type Type string

// The types of inputs. Money is an int of minor units.
const (
	Bool   Type = "bool"
	Int    Type = "int"
	String Type = "string"
	Date   Type = "date" // text YYYY-MM-DD
)

func (t Type) known() bool { return t == Bool || t == Int || t == String || t == Date }

// The hit policies: how many rows may answer.
const (
	Unique  = "unique"  // exactly one row holds; Lint proves it
	First   = "first"   // the first row that holds, from the top
	Collect = "collect" // every row that holds; each name in Out becomes a list
)

// Table is one decision as its authors write it.
type Table struct {
	ID     string    `json:"id" yaml:"id"`
	Label  i18n.Text `json:"label,omitzero" yaml:"label,omitempty"`
	Hit    string    `json:"hit" yaml:"hit"`
	Inputs []Input   `json:"inputs" yaml:"inputs"`

	// Outs labels the outcomes for people, where wanted: {fee: {vi: Lệ phí, en: Fee}}.
	Outs map[string]i18n.Text `json:"outs,omitempty" yaml:"outs,omitempty"`

	Rows []Row `json:"rows" yaml:"rows"`
}

// Input is one column of conditions.
type Input struct {
	ID    string    `json:"id" yaml:"id"`
	Expr  string    `json:"expr" yaml:"expr"` // CEL over the environment's variables
	Type  Type      `json:"type" yaml:"type"`
	Label i18n.Text `json:"label" yaml:"label"` // how people call it: "Tuổi", "Age"

	// Values, when given, are all there can be: words for text, cells such as
	// "0..150" for int and date. Any other value is refused, and Lint looks for
	// gaps among these only.
	Values []string `json:"values,omitempty" yaml:"values,omitempty"`

	// Words names values of text for people: {married: {vi: đã kết hôn, en: married}}.
	Words map[string]i18n.Text `json:"words,omitempty" yaml:"words,omitempty"`
}

// Row is one rule.
type Row struct {
	ID   string            `json:"id,omitempty" yaml:"id,omitempty"`
	When map[string]string `json:"when" yaml:"when"` // input → cell; an absent cell is "-"

	// Out is the outcome. A text that begins with "=" is an expression:
	// {fee: "= copies * 8000"}.
	Out    map[string]any `json:"out" yaml:"out"`
	Reason i18n.Text      `json:"reason" yaml:"reason"`                   // told to the person
	Ref    string         `json:"ref" yaml:"ref"`                         // the legal reference
	From   string         `json:"from,omitempty" yaml:"from,omitempty"`   // first day in force
	Until  string         `json:"until,omitempty" yaml:"until,omitempty"` // last day in force
}

// ParseTable reads one table from YAML; unknown keys are refused.
func ParseTable(data []byte) (Table, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var t Table
	if err := dec.Decode(&t); err != nil {
		return Table{}, badTable("", err)
	}
	return t, nil
}

func badTable(id string, err error) error {
	return errs.New(errs.Invalid, "rules.bad_table", "table", id, "problem", err.Error()).
		Wrap(fmt.Errorf("table %q: %w", id, err))
}

// Hash identifies the table's whole content, texts too: SHA-256 of its JSON in
// hex. The same table read from YAML or JSON has the same hash.
func (t Table) Hash() (string, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return "", badTable(t.ID, err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// name calls row i in messages: its id, else its place counted from 1.
func (t Table) name(i int) string {
	if id := t.Rows[i].ID; id != "" {
		return fmt.Sprintf("row %q", id)
	}
	return fmt.Sprintf("row %d", i+1)
}
