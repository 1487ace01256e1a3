package rules

import (
	"strings"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// both makes a text by writing it in each language.
func both(write func(i18n.Lang) string) i18n.Text {
	return i18n.Text{VI: write(i18n.VI), EN: write(i18n.EN)}
}

func pick(l i18n.Lang, vi, en string) string {
	if l == i18n.EN {
		return en
	}
	return vi
}

// say writes a cell in plain words: "từ 18 trở lên", "18 or more".
func (c cell) say(col Column, l i18n.Lang) string {
	if len(c.items) == 0 {
		return pick(l, "bất kỳ", "any")
	}
	var parts []string
	for _, it := range c.items {
		parts = append(parts, it.say(col, l))
	}
	if !c.not {
		return strings.Join(parts, pick(l, " hoặc ", " or "))
	}
	return pick(l, "không phải ", "not ") + strings.Join(parts, pick(l, ", cũng không phải ", " and not "))
}

func (it item) say(col Column, l i18n.Lang) string {
	lo, hi := it.lo.say(col, l), it.hi.say(col, l)
	if col.Type == Date {
		switch it.op {
		case ">=":
			return pick(l, "từ ngày "+lo+" trở đi", "on or after "+lo)
		case ">":
			return pick(l, "sau ngày "+lo, "after "+lo)
		case "<=":
			return pick(l, "đến hết ngày "+lo, "on or before "+lo)
		case "<":
			return pick(l, "trước ngày "+lo, "before "+lo)
		case "..":
			return pick(l, "từ ngày "+lo+" đến hết ngày "+hi, "from "+lo+" to "+hi)
		case "!=":
			return pick(l, "khác ngày "+lo, "not "+lo)
		}
		return pick(l, "ngày "+lo, lo)
	}
	switch it.op {
	case ">=":
		return pick(l, "từ "+lo+" trở lên", lo+" or more")
	case ">":
		return pick(l, "trên "+lo, "more than "+lo)
	case "<=":
		return pick(l, "không quá "+lo, "at most "+lo)
	case "<":
		return pick(l, "dưới "+lo, "less than "+lo)
	case "..":
		return pick(l, "từ "+lo+" đến "+hi, "from "+lo+" to "+hi)
	case "!=":
		return pick(l, "khác "+lo, "not "+lo)
	}
	return lo
}

func (v value) say(col Column, l i18n.Lang) string {
	switch col.Type {
	case Bool:
		if v.n == 1 {
			return pick(l, "có", "yes")
		}
		return pick(l, "không", "no")
	case Int:
		return i18n.FormatInt(l, v.n)
	case Date:
		return i18n.FormatDate(l, v.text(Date))
	}
	if w, ok := col.Words[v.s]; ok && !w.IsZero() {
		return w.In(l)
	}
	return "“" + v.s + "”"
}

// sayInput writes what an input was. An Outcome read back from JSON holds
// float64 where it held int64; both are read.
func sayInput(col Column, v any, l i18n.Lang) string {
	switch x := plain(v).(type) {
	case nil:
		return pick(l, "chưa có", "not known")
	case bool:
		n := int64(0)
		if x {
			n = 1
		}
		return value{n: n}.say(col, l)
	case int64:
		return value{n: x}.say(col, l)
	case string:
		if col.Type == Date {
			return i18n.FormatDate(l, x)
		}
		return value{s: x}.say(col, l)
	}
	return "?"
}

// name is the label of a column, or its id while nobody gave it one.
func (c Column) name(l i18n.Lang) string {
	if c.Label.IsZero() {
		return c.ID
	}
	return c.Label.In(l)
}
