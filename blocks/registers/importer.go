package registers

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/text"
)

// ImportOptions goes with a CSV import.
type ImportOptions struct {
	Actor    string
	Reason   string
	Progress func(done, refused int, bytes int64) // may be nil; called after each batch
}

// Report says what became of every row of an import.
type Report struct {
	Created   int       `json:"created"`
	Amended   int       `json:"amended"`
	Unchanged int       `json:"unchanged"`
	Refused   []Refusal `json:"refused"`  // at most 1,000 are kept
	Rejected  int       `json:"rejected"` // all refused rows
}

// Refusal is one row that was not taken, with what to change.
type Refusal struct {
	Line  int            `json:"line"`
	Field string         `json:"field"`
	Code  string         `json:"code"`
	Args  map[string]any `json:"args,omitempty"`
}

const (
	importBatch   = 500
	maxRefusals   = 1000
	maxCellLength = 64 << 10
)

type csvRow struct {
	line int
	data map[string]any
}

// Import reads CSV (RFC 4180, UTF-8, first line the field names, dots for
// nested fields). A row whose key exists amends that record, others create
// one. Rows are written in batches; a row is taken whole or refused whole, and
// a refused row never stops the others.
//
// Errors: those of a reason (see Create), registers.csv_header and others when
// the columns are not fields of the register, registers.csv_unreadable and
// others when the file is not CSV in UTF-8.
func (r *Registers) Import(ctx context.Context, register string, in io.Reader, o ImportOptions) (Report, error) {
	def, err := r.Definition(register)
	if err != nil {
		return Report{}, err
	}
	if o.Reason, err = reason(o.Reason); err != nil {
		return Report{}, err
	}
	counted := &counter{r: in}
	in, err = sheet(counted)
	if err != nil {
		return Report{}, err
	}
	cr := csv.NewReader(in)
	cr.FieldsPerRecord, cr.ReuseRecord = -1, true
	columns, err := header(def, cr)
	if err != nil {
		return Report{}, err
	}
	im := importer{r: r, def: def, o: o, counted: counted}
	for {
		row, err := im.next(cr, columns)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return im.report, err
		}
		if row.data == nil {
			continue
		}
		if im.batch = append(im.batch, row); len(im.batch) == importBatch {
			if err := im.flush(ctx); err != nil {
				return im.report, err
			}
		}
	}
	return im.report, im.flush(ctx)
}

func header(def *Definition, cr *csv.Reader) ([]string, error) {
	first, err := cr.Read()
	if err != nil {
		return nil, csvError(err)
	}
	columns := make([]string, len(first))
	for i, name := range first {
		columns[i] = strings.TrimSpace(visible(name))
		if !slices.Contains(def.fields, columns[i]) {
			return nil, errs.New(errs.Invalid, "registers.csv_header", "column", columns[i], "fields", strings.Join(def.fields, ", "))
		}
		if slices.Contains(columns[:i], columns[i]) {
			return nil, errs.New(errs.Invalid, "registers.csv_header_twice", "column", columns[i])
		}
	}
	if !slices.Contains(columns, def.Key) && (def.Assign == nil || def.Assign.Field != def.Key) {
		return nil, errs.New(errs.Invalid, "registers.csv_key_missing", "column", def.Key)
	}
	return columns, nil
}

type importer struct {
	r       *Registers
	def     *Definition
	o       ImportOptions
	counted *counter
	batch   []csvRow
	report  Report
	done    int
}

func (im *importer) refuse(line int, f errs.Field) {
	im.report.Refused = append(im.report.Refused, Refusal{Line: line, Field: f.Name, Code: f.Code, Args: f.Args})
	if len(im.report.Refused) > maxRefusals {
		im.report.Refused = im.report.Refused[:maxRefusals]
	}
}

// next reads one row; row.data is nil when the row was refused on reading.
func (im *importer) next(cr *csv.Reader, columns []string) (csvRow, error) {
	cells, err := cr.Read()
	if errors.Is(err, io.EOF) {
		return csvRow{}, err
	}
	if err != nil {
		return csvRow{}, csvError(err)
	}
	line, _ := cr.FieldPos(0)
	if len(cells) != len(columns) {
		im.report.Rejected++
		im.refuse(line, errs.Field{Code: "registers.csv_cells", Args: map[string]any{"got": len(cells), "want": len(columns)}})
		return csvRow{}, nil
	}
	row := csvRow{line: line, data: map[string]any{}}
	for i, cell := range cells {
		if visible(cell) == "" {
			continue
		}
		v, problem := im.def.cell(columns[i], cell)
		if problem != "" {
			im.report.Rejected++
			im.refuse(line, errs.Field{Name: columns[i], Code: problem, Args: map[string]any{"field": columns[i], "type": im.def.kind(columns[i])}})
			return csvRow{}, nil
		}
		row.data = with(row.data, columns[i], v)
	}
	return row, nil
}

// cell turns text into the type that the schema wants.
func (d *Definition) cell(field, s string) (v any, problem string) {
	if !utf8.ValidString(s) {
		return nil, "registers.csv_encoding"
	}
	if len(s) > maxCellLength {
		return nil, "registers.csv_cell_long"
	}
	if hasControl(s) {
		return nil, "registers.field_control"
	}
	s = text.NFC(visible(s))
	switch d.kind(field) {
	case "integer":
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, "registers.field_type_integer"
		}
		return float64(n), ""
	case "number":
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) { // JSON has no such numbers
			return nil, "registers.field_type_number"
		}
		return n, ""
	case "boolean":
		b, err := strconv.ParseBool(s)
		if err != nil {
			return nil, "registers.field_type_boolean"
		}
		return b, ""
	case "array":
		var list []any
		for _, part := range strings.Split(s, ";") {
			list = append(list, strings.TrimSpace(part))
		}
		return list, ""
	}
	return s, ""
}

// flush writes the batch. If one of its rows is refused by the database's
// rules, the batch is rolled back and its rows are written one by one, so that
// the others still get in.
func (im *importer) flush(ctx context.Context) error {
	if len(im.batch) == 0 {
		return nil
	}
	together := im.report
	err := im.r.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		im.report = together
		for _, row := range im.batch {
			if err := im.take(ctx, row); err != nil {
				return err
			}
		}
		return nil
	})
	if refusable(err) {
		im.report = together
		err = im.oneByOne(ctx)
	}
	if err != nil {
		return err
	}
	im.done += len(im.batch)
	im.batch = im.batch[:0]
	if im.o.Progress != nil {
		im.o.Progress(im.done, im.report.Rejected, im.counted.n)
	}
	return nil
}

func (im *importer) oneByOne(ctx context.Context) error {
	for _, row := range im.batch {
		err := im.r.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error { return im.take(ctx, row) })
		if !refusable(err) {
			if err != nil {
				return err
			}
			continue
		}
		im.report.Rejected++
		e, ok := errs.As(err)
		if !ok { // a kind without a code names nothing that a reader could mend
			return err
		}
		if len(e.Fields) == 0 {
			im.refuse(row.line, errs.Field{Code: e.Code, Args: e.Args})
		}
		for _, f := range e.Fields {
			im.refuse(row.line, f)
		}
	}
	return nil
}

func refusable(err error) bool {
	k := errs.KindOf(err)
	return err != nil && (k == errs.Invalid || k == errs.Conflict)
}

// take writes one row and tells the people it is about: a row that changes
// nothing has still told its sender that all of it is so.
func (im *importer) take(ctx context.Context, row csvRow) error {
	if err := im.r.coded(im.def, row.data); err != nil {
		return err
	}
	key := value(row.data, im.def.Key)
	existing, err := im.r.store.byKey(ctx, im.def.ID, key)
	c := Change{Register: im.def.ID, Data: row.data, Actor: im.o.Actor, Reason: im.o.Reason}
	h := Handling{Definition: im.def, Officer: im.o.Actor, Fields: filled(im.def, row.data)}
	var rec Record
	switch {
	case errs.KindOf(err) == errs.NotFound || key == "":
		if rec, err = im.r.create(ctx, im.def, c); err != nil {
			return err
		}
		im.report.Created++
		h.Operation = "create"
	case err != nil:
		return err
	case fmt.Sprint(merge(existing.Data, row.data)) == fmt.Sprint(existing.Data):
		im.report.Unchanged++
		rec, h.Operation = existing, "read"
	default:
		c.ID = existing.ID
		if rec, err = im.r.amend(ctx, im.def, c); err != nil {
			return err
		}
		im.report.Amended++
		h.Operation, h.Records = "amend", 1
		return im.r.handled(ctx, h, existing, rec)
	}
	return im.r.handled(ctx, h, rec)
}

type counter struct {
	r io.Reader
	n int64
}

// Read counts what passes, for progress bars.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
