package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Grid is a table ready to be drawn: conditions in plain words, then outcomes.
type Grid struct {
	ID    string    `json:"id"`
	Label i18n.Text `json:"label"`
	Hit   string    `json:"hit"`
	Hash  string    `json:"hash"`
	Heads []Head    `json:"heads"`
	Lines []Line    `json:"lines"`
}

// Head is the top of one column.
type Head struct {
	ID    string    `json:"id"`
	Label i18n.Text `json:"label"` // the id in both languages where the table has no label
	Out   bool      `json:"out"`   // an outcome, not a condition
}

// Line is one row; Cells has one text a head.
type Line struct {
	Row    int         `json:"row"`
	ID     string      `json:"id,omitempty"`
	Cells  []i18n.Text `json:"cells"`
	Reason i18n.Text   `json:"reason"`
	Ref    string      `json:"ref"`
	From   string      `json:"from,omitempty"`
	Until  string      `json:"until,omitempty"`
}

// Table gives the decision as a grid to show to people and to the lawyers who
// sign it.
func (d *Decision) Table() Grid {
	t := d.sheet.table
	g := Grid{ID: t.ID, Label: t.Label, Hit: t.Hit, Hash: d.hash}
	cols := d.columns()
	for _, c := range cols {
		g.Heads = append(g.Heads, Head{ID: c.ID, Label: both(c.name)})
	}
	outs := map[string]bool{}
	for _, r := range t.Rows {
		for name := range r.Out {
			outs[name] = true
		}
	}
	names := slices.Sorted(maps.Keys(outs))
	for _, name := range names {
		g.Heads = append(g.Heads, Head{ID: name, Label: both(func(l i18n.Lang) string { return outName(t.Outs, name, l) }), Out: true})
	}
	for i, r := range t.Rows {
		l := Line{Row: i, ID: r.ID, Reason: r.Reason, Ref: r.Ref, From: r.From, Until: r.Until}
		for k, c := range d.sheet.rows[i].cells {
			l.Cells = append(l.Cells, both(func(lang i18n.Lang) string { return c.say(cols[k], lang) }))
		}
		for _, name := range names {
			l.Cells = append(l.Cells, both(func(lang i18n.Lang) string { return sayOut(r.Out[name], lang) }))
		}
		g.Lines = append(g.Lines, l)
	}
	return g
}

func sayOut(v any, l i18n.Lang) string {
	switch x := v.(type) {
	case nil:
		return ""
	case bool:
		return sayInput(Column{Type: Bool}, x, l)
	case int64:
		return i18n.FormatInt(l, x)
	case string:
		return x
	}
	return fmt.Sprint(v)
}

// Explain tells the outcome in plain sentences: the reasons, each with its
// reference and the facts that met its conditions; or what is missing; or, when
// no row holds, why each row in force does not.
func (o Outcome) Explain(l i18n.Lang) []string {
	switch o.Status {
	case Decided:
		return o.explainChosen(l)
	case Missing:
		var names []string
		for _, id := range o.Missing {
			names = append(names, o.missingName(id, l))
		}
		return []string{pick(l, "Chưa thể quyết định vì còn thiếu thông tin: ", "This cannot be decided yet. Still missing: ") +
			strings.Join(names, ", ") + "."}
	}
	list := []string{pick(l, "Tính đến ngày "+i18n.FormatDate(l, o.On)+", chưa có quy định nào áp dụng cho trường hợp này.",
		"As of "+i18n.FormatDate(l, o.On)+", no rule covers this case.")}
	for _, r := range o.Rows {
		for _, c := range r.Cells {
			if c.Truth == No {
				list = append(list, pick(l, "Dòng "+r.name()+" không áp dụng: ", "Row "+r.name()+" does not apply: ")+
					o.fact(c, l, pick(l, "yêu cầu", "needed"))+".")
				break
			}
		}
	}
	return list
}

func (o Outcome) explainChosen(l i18n.Lang) []string {
	if len(o.Chosen) == 0 {
		return []string{pick(l, "Không có quy định nào áp dụng.", "No rule applies.")}
	}
	var list []string
	for n, i := range o.Chosen {
		if n < len(o.Reasons) && !o.Reasons[n].IsZero() {
			list = append(list, sentence(o.Reasons[n].In(l)))
		}
		if i < 0 || i >= len(o.Rows) {
			continue // not written by Decide
		}
		for _, c := range o.Rows[i].Cells {
			if c.Cell != "-" {
				list = append(list, o.fact(c, l, pick(l, "điều kiện", "rule"))+".")
			}
		}
		if n < len(o.Refs) && o.Refs[n] != "" {
			list = append(list, pick(l, "Căn cứ: ", "Legal basis: ")+sentence(o.Refs[n]))
		}
	}
	return list
}

// fact writes "Tuổi: 17 (yêu cầu: từ 18 trở lên)".
func (o Outcome) fact(c CellResult, l i18n.Lang, word string) string {
	col := o.column(c.Input)
	want := c.Cell
	if parsed, err := parseCell(col.Type, c.Cell); err == nil {
		want = parsed.say(col, l)
	}
	return fmt.Sprintf("%s: %s (%s: %s)", col.name(l), sayInput(col, o.Inputs[c.Input], l), word, want)
}

func (o Outcome) column(id string) Column {
	for _, c := range o.Columns {
		if c.ID == id {
			return c
		}
	}
	return Column{ID: id}
}

func (o Outcome) missingName(id string, l i18n.Lang) string {
	if out, computed := strings.CutPrefix(id, "out."); computed {
		name := outName(o.Outs, out, l)
		return pick(l, "dữ liệu để tính “"+name+"”", "the data to work out “"+name+"”")
	}
	return o.column(id).name(l)
}

func outName(labels map[string]i18n.Text, id string, l i18n.Lang) string {
	if t := labels[id]; !t.IsZero() {
		return t.In(l)
	}
	return id
}

func (r RowResult) name() string {
	if r.ID != "" {
		return "“" + r.ID + "”"
	}
	return strconv.Itoa(r.Row + 1)
}

func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}
