package web

import (
	"html/template"
	"strconv"
)

// Table shows rows and columns.
type Table struct {
	Caption           string
	CaptionClasses    string
	Head              []Cell
	Rows              [][]Cell
	FirstCellIsHeader bool
	Classes           string
	Attributes        Attrs
}

// Cell is one cell of a [Table].
type Cell struct {
	Text             string
	HTML             template.HTML
	Body             []Component
	Format           string // "numeric" aligns right
	Classes          string
	Colspan, Rowspan int
	Attributes       Attrs
}

// Template implements [Component].
func (Table) Template() string { return "table" }

type tableView struct {
	Table
	Lines []lineView
}

type lineView struct{ Cells []cellView }

type cellView struct {
	Cell
	Header bool
	Span   Attrs
}

func (c Cell) span() Attrs {
	a := c.Attributes.with()
	if c.Colspan > 0 {
		a["colspan"] = strconv.Itoa(c.Colspan)
	}
	if c.Rowspan > 0 {
		a["rowspan"] = strconv.Itoa(c.Rowspan)
	}
	return a
}

func (t Table) view(*env) any {
	v := tableView{Table: t}
	for _, row := range t.Rows {
		if row == nil {
			continue
		}
		var line lineView
		for i, c := range row {
			line.Cells = append(line.Cells, cellView{c, i == 0 && t.FirstCellIsHeader, c.span()})
		}
		v.Lines = append(v.Lines, line)
	}
	return v
}

// Span is a cell's attributes with its column and row span.
func (c Cell) Span() Attrs { return c.span() }

// SummaryList shows facts as pairs, with ways to change them.
type SummaryList struct {
	Rows       []Row
	Card       *Card
	Classes    string // "govuk-summary-list--no-border"
	Attributes Attrs
}

// Row is one fact of a [SummaryList].
type Row struct {
	Key     Term
	Value   Term
	Actions RowActions
	Classes string
}

// Term is the name or the value of a fact.
type Term struct {
	Text    string
	HTML    template.HTML
	Body    []Component
	Classes string
}

// RowActions are the links of a row.
type RowActions struct {
	Items   []Action
	Classes string
}

// Action is a link such as "Change"; VisuallyHiddenText says what it changes.
type Action struct {
	Text               string
	HTML               template.HTML
	Href               string
	VisuallyHiddenText string
	Classes            string
	Attributes         Attrs
}

// Card frames a summary list under a title.
type Card struct {
	Title      *CardTitle
	Actions    CardActions
	Classes    string
	Attributes Attrs
}

// CardTitle names a [Card].
type CardTitle struct {
	Text         string
	HTML         template.HTML
	HeadingLevel string // "2" unless set
	Classes      string
}

// CardActions are the links beside a card's title.
type CardActions struct {
	Items   []Action
	Classes string
}

// Template implements [Component].
func (SummaryList) Template() string { return "summary-list" }

// Fact is a row with a plain value and no links.
func Fact(key, value string) Row { return Row{Key: Term{Text: key}, Value: Term{Text: value}} }

// FactChange is a row with a link that changes the value.
func FactChange(key, value, href, change string) Row {
	r := Fact(key, value)
	r.Actions.Items = []Action{{Text: change, Href: href, VisuallyHiddenText: key}}
	return r
}

type summaryView struct {
	SummaryList
	Rows    []rowView
	Level   string
	Actions []actionView
}

type rowView struct {
	Row
	NoActions bool
	Links     []actionView
}

type actionView struct {
	Action
	Of    *CardTitle
	OfAny bool
}

func (s SummaryList) view(*env) any {
	v := summaryView{SummaryList: s}
	var title *CardTitle
	if s.Card != nil {
		title = s.Card.Title
		v.Level = "2"
		if title != nil {
			v.Level = first(title.HeadingLevel, "2")
		}
		v.Actions = links(s.Card.Actions.Items, title)
	}
	any := false
	for _, r := range s.Rows {
		any = any || len(r.Actions.Items) > 0
	}
	for _, r := range s.Rows {
		if hole(r) {
			continue
		}
		v.Rows = append(v.Rows, rowView{Row: r, NoActions: any && r.Actions.Items == nil, Links: links(r.Actions.Items, title)})
	}
	return v
}

func links(items []Action, title *CardTitle) []actionView {
	var out []actionView
	for _, a := range items {
		out = append(out, actionView{a, title, title != nil})
	}
	return out
}

// TaskList shows the parts of a long application and how far each is.
type TaskList struct {
	IDPrefix   string // "task-list" unless set
	Items      []Task
	Classes    string
	Attributes Attrs
}

// Task is one part of a [TaskList].
type Task struct {
	Title   Term
	Hint    *Hint
	Status  TaskStatus
	Href    string
	Classes string
}

// TaskStatus is a tag, or plain text once the task is done.
type TaskStatus struct {
	Tag     *Tag
	Text    string
	HTML    template.HTML
	Classes string
}

// Template implements [Component].
func (TaskList) Template() string { return "task-list" }

type tasksView struct {
	TaskList
	Tasks []taskView
}

type taskView struct {
	Task
	HintID, StatusID, DescribedBy string
}

func (t TaskList) view(*env) any {
	v := tasksView{TaskList: t}
	for i, item := range t.Items {
		if item.Title.Text == "" && item.Title.HTML == "" {
			continue
		}
		prefix := first(t.IDPrefix, "task-list") + "-" + strconv.Itoa(i+1)
		tv := taskView{Task: item, StatusID: prefix + "-status", DescribedBy: prefix + "-status"}
		if item.Hint != nil {
			tv.HintID = prefix + "-hint"
			tv.DescribedBy = tv.HintID + " " + tv.StatusID
		}
		v.Tasks = append(v.Tasks, tv)
	}
	return v
}

// Pagination leads through many pages, or to the one before and after.
type Pagination struct {
	Previous, Next *PageLink
	Items          []PageItem
	LandmarkLabel  string
	Classes        string
	Attributes     Attrs
}

// PageLink is the way to the page before or after.
type PageLink struct {
	Text       string
	HTML       template.HTML
	LabelText  string
	Href       string
	Attributes Attrs
}

// PageItem is a page number or the gap between numbers.
type PageItem struct {
	Number             string
	VisuallyHiddenText string
	Href               string
	Current, Ellipsis  bool
	Attributes         Attrs
}

// Template implements [Component].
func (Pagination) Template() string { return "pagination" }

type paginationView struct {
	Pagination
	Block bool
}

func (p Pagination) view(e *env) any {
	v := paginationView{Pagination: p, Block: len(p.Items) == 0 && (p.Next != nil || p.Previous != nil)}
	v.LandmarkLabel = first(p.LandmarkLabel, e.t("web.pagination"))
	v.Items = nil
	for _, item := range p.Items {
		if item.Number == "" && !item.Ellipsis && item.Href == "" {
			continue
		}
		item.VisuallyHiddenText = first(item.VisuallyHiddenText, e.t("web.page", "n", item.Number))
		v.Items = append(v.Items, item)
	}
	for _, link := range []**PageLink{&v.Previous, &v.Next} {
		if *link != nil && (*link).Href == "" {
			*link = nil
		}
	}
	return v
}
