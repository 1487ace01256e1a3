package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Engine names this way of deciding in every Outcome; it changes when the same
// table and data could give another answer.
const Engine = "dinh-rules/1"

// Decision is a table ready to decide. Safe for concurrent use.
type Decision struct {
	sheet  *sheet
	hash   string
	inputs []*Program
	outs   []map[string]*Program // the computed outcomes of each row
}

// CompileTable checks the table's structure, cells and expressions. It does
// not refuse what Lint only finds unwise or cannot prove; publish nothing for
// which Lint has errors. Error: errs.Invalid rules.bad_table, every fault in
// its text.
func (e *Env) CompileTable(t Table) (*Decision, error) {
	t = clone(t)
	s, found := read(t)
	var faults []error
	for _, f := range found {
		faults = append(faults, errors.New(f.Message))
	}
	if len(faults) > 0 {
		return nil, badTable(t.ID, errors.Join(faults...))
	}
	hash, err := t.Hash()
	if err != nil {
		return nil, err
	}
	d := &Decision{sheet: s, hash: hash}
	for _, in := range t.Inputs {
		p, err := e.Compile(in.Expr)
		if err == nil {
			err = p.yields(in.Type)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("input %q: %w", in.ID, err))
		}
		d.inputs = append(d.inputs, p)
	}
	for i, r := range t.Rows {
		computed := map[string]*Program{}
		for _, name := range slices.Sorted(maps.Keys(r.Out)) {
			expr, ok := expression(r.Out[name])
			if !ok {
				continue
			}
			if computed[name], err = e.Compile(expr); err != nil {
				faults = append(faults, fmt.Errorf("%s, out %q: %w", t.name(i), name, err))
			}
		}
		d.outs = append(d.outs, computed)
	}
	if len(faults) > 0 {
		return nil, badTable(t.ID, errors.Join(faults...))
	}
	return d, nil
}

// expression gives the expression of an outcome that is to be computed.
func expression(out any) (string, bool) {
	s, _ := out.(string)
	return strings.CutPrefix(s, "=")
}

// clone keeps the decision as it was compiled, whatever the caller does to t.
func clone(t Table) Table {
	t.Outs = maps.Clone(t.Outs)
	t.Inputs = slices.Clone(t.Inputs)
	for i := range t.Inputs {
		t.Inputs[i].Values = slices.Clone(t.Inputs[i].Values)
		t.Inputs[i].Words = maps.Clone(t.Inputs[i].Words)
	}
	t.Rows = slices.Clone(t.Rows)
	for i := range t.Rows {
		t.Rows[i].When = maps.Clone(t.Rows[i].When)
		t.Rows[i].Out = maps.Clone(t.Rows[i].Out)
		for k, v := range t.Rows[i].Out {
			t.Rows[i].Out[k] = plain(v)
		}
	}
	return t
}

// plain copies JSON-like data and makes whole numbers int64, so that outcomes
// do not differ by the file format they came from.
func plain(v any) any {
	switch x := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, e := range x {
			m[k] = plain(e)
		}
		return m
	case []any:
		l := make([]any, len(x))
		for i, e := range x {
			l[i] = plain(e)
		}
		return l
	}
	if n, err := native(jsonAdapter{}.NativeToValue(v)); err == nil {
		return n
	}
	return v
}

// Hash is the table's hash, as in Outcome.TableHash.
func (d *Decision) Hash() string { return d.hash }

// Source gives a copy of the table.
func (d *Decision) Source() Table { return clone(d.sheet.table) }

// Paths lists all data the decision may read, inputs first.
func (d *Decision) Paths() []string {
	var list []string
	add := func(p *Program) {
		for _, path := range p.Paths() {
			if !slices.Contains(list, path) {
				list = append(list, path)
			}
		}
	}
	for _, p := range d.inputs {
		add(p)
	}
	for _, computed := range d.outs {
		for _, name := range slices.Sorted(maps.Keys(computed)) {
			add(computed[name])
		}
	}
	return list
}

// Decide applies the rows in force on the reference date to vars; the variable
// today is that date. Missing data and a case no row covers are outcomes, not
// errors: see Outcome.Status. Errors: errs.Invalid rules.bad_value (data of the
// wrong kind or outside the input's values) and rules.too_costly; errs.Internal
// rules.two_rows (a unique table that was published against Lint), rules.failed.
func (d *Decision) Decide(vars map[string]any, on string) (Outcome, error) {
	day, err := time.Parse(time.DateOnly, on)
	if err != nil {
		return Outcome{}, badValue("on", "must be a date YYYY-MM-DD")
	}
	all := make(map[string]any, len(vars)+1)
	maps.Copy(all, vars)
	all["today"] = on

	o := Outcome{Table: d.sheet.table.ID, TableHash: d.hash, Engine: Engine, Hit: d.sheet.table.Hit, On: on,
		Columns: d.columns(), Outs: d.sheet.table.Outs, Inputs: map[string]any{}}
	values, absent, err := d.evaluate(&o, all)
	if err != nil {
		return Outcome{}, err
	}
	for i, l := range d.sheet.rows {
		o.Rows = append(o.Rows, d.try(i, l, values, dayNumber(day)))
	}
	blocked, err := o.choose()
	if err != nil {
		return Outcome{}, err
	}
	d.need(&o, blocked, absent)
	if o.Status != Decided {
		return o, nil
	}
	return o, d.fill(&o, all)
}

// evaluate computes the inputs. values[k] is nil where data is missing, and
// absent[k] the path of that data.
func (d *Decision) evaluate(o *Outcome, vars map[string]any) (values []*value, absent []string, err error) {
	values, absent = make([]*value, len(d.inputs)), make([]string, len(d.inputs))
	for k, p := range d.inputs {
		in := &d.sheet.table.Inputs[k]
		v, err := p.Eval(vars)
		if err == nil {
			values[k], err = d.convert(k, v)
		}
		switch {
		case errs.CodeOf(err) == "rules.missing":
			e, _ := errs.As(err)
			absent[k], _ = e.Args["path"].(string)
			o.Inputs[in.ID] = nil
		case err != nil:
			return nil, nil, fmt.Errorf("table %q, input %q: %w", o.Table, in.ID, err)
		default:
			o.Inputs[in.ID] = v
		}
	}
	return values, absent, nil
}

// convert makes what an expression gave a value of the input's type.
func (d *Decision) convert(k int, v any) (*value, error) {
	in, p := &d.sheet.table.Inputs[k], d.inputs[k]
	var out value
	switch x := v.(type) {
	case nil:
		return nil, missing(p.anyPath())
	case bool:
		if in.Type != Bool {
			return nil, p.wrongType(v, wanted(in.Type))
		}
		if x {
			out.n = 1
		}
	case int64:
		if in.Type != Int {
			return nil, p.wrongType(v, wanted(in.Type))
		}
		out.n = x
	case string:
		if x == "" && (in.Type == Date || in.Type == String && len(in.Values) > 0 && !slices.Contains(in.Values, "")) {
			return nil, missing(p.anyPath()) // a question left open
		}
		switch in.Type {
		case String:
			out.s = x
		case Date:
			t, err := time.Parse(time.DateOnly, x)
			if err != nil {
				return nil, p.wrongType(v, wanted(in.Type))
			}
			out.n = dayNumber(t)
		default:
			return nil, p.wrongType(v, wanted(in.Type))
		}
	default:
		return nil, p.wrongType(v, wanted(in.Type))
	}
	if !d.sheet.domains[k].has(out) {
		return nil, badValue(p.anyPath(), "is not among the values of input "+in.ID)
	}
	return &out, nil
}

func wanted(t Type) string {
	switch t {
	case Bool:
		return "true or false"
	case Int:
		return "a whole number"
	case Date:
		return "a date YYYY-MM-DD"
	}
	return "text"
}

// try finds the truth of every cell of row i.
func (d *Decision) try(i int, l line, values []*value, day int64) RowResult {
	r := RowResult{Row: i, ID: d.sheet.table.Rows[i].ID, InForce: l.force.lo <= day && day <= l.force.hi, Hit: No}
	if !r.InForce {
		return r
	}
	r.Hit = Yes
	for k, c := range l.cells {
		truth := Yes
		switch {
		case c.set.all():
		case values[k] == nil:
			truth = Unknown
		case !c.set.has(*values[k]):
			truth = No
		}
		r.Cells = append(r.Cells, CellResult{Input: d.sheet.table.Inputs[k].ID, Cell: c.source, Truth: truth})
		switch {
		case truth == No:
			r.Hit = No
		case truth == Unknown && r.Hit == Yes:
			r.Hit = Unknown
		}
	}
	return r
}

// need names the inputs and data that the blocked rows wait for.
func (d *Decision) need(o *Outcome, blocked []int, absent []string) {
	for k, in := range d.sheet.table.Inputs {
		waits := slices.ContainsFunc(blocked, func(i int) bool { return o.Rows[i].Cells[k].Truth == Unknown })
		if !waits {
			continue
		}
		o.Missing = append(o.Missing, in.ID)
		if !slices.Contains(o.MissingPaths, absent[k]) {
			o.MissingPaths = append(o.MissingPaths, absent[k])
		}
	}
}

// fill computes what the chosen rows give.
func (d *Decision) fill(o *Outcome, vars map[string]any) error {
	o.Out, o.Reasons, o.Refs = map[string]any{}, []i18n.Text{}, []string{}
	for _, i := range o.Chosen {
		row := d.sheet.table.Rows[i]
		o.Reasons, o.Refs = append(o.Reasons, row.Reason), append(o.Refs, row.Ref)
		for _, name := range slices.Sorted(maps.Keys(row.Out)) {
			v, err := d.out(i, name, vars)
			if e, ok := errs.As(err); ok && e.Code == "rules.missing" {
				path, _ := e.Args["path"].(string)
				o.lack("out."+name, path)
				continue
			}
			if err != nil {
				return fmt.Errorf("table %q, %s, out %q: %w", o.Table, d.sheet.table.name(i), name, err)
			}
			if o.Hit == Collect {
				list, _ := o.Out[name].([]any)
				v = append(list, v)
			}
			o.Out[name] = v
		}
	}
	if o.Status == Missing {
		o.Out = nil
	}
	return nil
}

func (d *Decision) out(row int, name string, vars map[string]any) (any, error) {
	if p := d.outs[row][name]; p != nil {
		return p.Eval(vars)
	}
	return plain(d.sheet.table.Rows[row].Out[name]), nil
}
