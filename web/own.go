package web

import (
	"html/template"
	"strconv"
	"time"
)

// Heading is a heading with the usual size for its level.
type Heading struct {
	Level   int // 1 to 4; 2 unless set
	Text    string
	Caption string // small words above: what the page belongs to
	ID      string
	Classes string
}

// Template implements [Component].
func (Heading) Template() string { return "heading" }

func (h Heading) view(*env) any {
	if h.Level == 0 {
		h.Level = 2
	}
	sizes := map[int]string{1: "l", 2: "m", 3: "s", 4: "s"}
	h.Classes = join("govuk-heading-"+sizes[h.Level], h.Classes)
	return h
}

// Alert is a short message about the page: what was done, what is wrong.
type Alert struct {
	Variant     string // "information" unless set, "success", "warning", "error"
	Title       string
	Text        string
	HTML        template.HTML
	Body        []Component
	Dismissible bool // scripts offer to hide it
	Classes     string
}

// Template implements [Component].
func (Alert) Template() string { return "alert" }

type alertView struct {
	Alert
	Label, Role string
	Titled      bool
}

func (a Alert) view(e *env) any {
	switch a.Variant {
	case "success", "warning", "error":
	default:
		a.Variant = "information"
	}
	v := alertView{Alert: a, Label: e.t("web.alert." + a.Variant), Role: "region"}
	if a.Variant == "error" || a.Variant == "success" {
		v.Role = "alert"
	}
	if a.Title != "" {
		v.Label += ": " + a.Title
	}
	v.Titled = a.Title != "" && (a.Text != "" || a.HTML != "" || len(a.Body) > 0)
	return v
}

// Badge is a small label beside a name.
type Badge struct {
	Text   string
	Colour string // "blue", "green", "red", "grey", "purple"; brand unless set
}

// Template implements [Component].
func (Badge) Template() string { return "badge" }

// Timeline shows what happened, newest first or oldest first as given.
type Timeline struct {
	Items        []Moment
	HeadingLevel int // 3 unless set
	Label        string
}

// Moment is one entry of a [Timeline].
type Moment struct {
	Title string
	By    string // who did it
	At    time.Time
	When  string // instead of At: "dự kiến 25/11/2026"
	Text  string
	Body  []Component
	State string // "done" unless set, "now", "next", "problem"
}

// Template implements [Component].
func (Timeline) Template() string { return "timeline" }

func (t Timeline) view(*env) any {
	if t.HeadingLevel == 0 {
		t.HeadingLevel = 3
	}
	items := make([]Moment, len(t.Items))
	for i, m := range t.Items {
		m.State = first(m.State, "done")
		items[i] = m
	}
	t.Items = items
	return t
}

// Progress shows the steps of a process and where the reader is.
type Progress struct {
	Label string // "Progress" in the reader's language unless set
	Steps []Step
}

// Step is one step of [Progress].
type Step struct {
	Text   string
	Detail string // e.g. a date
	State  string // "done", "current", or "todo" unless set
}

// Template implements [Component].
func (Progress) Template() string { return "progress" }

type progressView struct {
	Label, Sum string
	Steps      []stepView
}

type stepView struct {
	Step
	Number int
	Word   string
}

func (p Progress) view(e *env) any {
	v := progressView{Label: first(p.Label, e.t("web.progress"))}
	for i, s := range p.Steps {
		s.State = first(s.State, "todo")
		if s.State == "current" {
			v.Sum = e.t("web.progress.of", "n", strconv.Itoa(i+1), "all", strconv.Itoa(len(p.Steps)), "step", s.Text)
		}
		v.Steps = append(v.Steps, stepView{s, i + 1, e.t("web.progress." + s.State)})
	}
	return v
}

// DocumentCard shows an issued paper, as it might lie in a wallet.
type DocumentCard struct {
	Kind       string // "Giấy khai sinh"
	Title      string // whose or what, in large letters
	Number     string
	Code       string // what others check it by
	Issuer     string
	IssuedOn   string // YYYY-MM-DD
	ValidUntil string // YYYY-MM-DD; empty: without end
	Status     *Tag
	Href       string   // opens the document
	Links      []Action // download, share, verify

	HeadingLevel int // 2 unless set
}

// Template implements [Component].
func (DocumentCard) Template() string { return "document-card" }

func (d DocumentCard) view(*env) any {
	if d.HeadingLevel == 0 {
		d.HeadingLevel = 2
	}
	return d
}

// StatTile is one figure of a dashboard.
type StatTile struct {
	Value  string
	Label  string
	Detail string // what it is compared with
	Tone   string // "good", "bad", "warn", or plain
	Href   string
}

// Template implements [Component].
func (StatTile) Template() string { return "stat-tile" }

// StatTiles stand beside one another.
type StatTiles []StatTile

// Template implements [Component].
func (StatTiles) Template() string { return "stat-tiles" }

// EmptyState says that there is nothing yet, and what to do about it.
type EmptyState struct {
	Title  string
	Text   string
	Action *Button
	Icon   string // see Tile
}

// Template implements [Component].
func (EmptyState) Template() string { return "empty-state" }

// Tiles are ways into services: life events, subjects.
type Tiles struct {
	Items []Tile
	Label string
	Large bool
}

// Tile is one way in. Icon is one of: baby, rings, home, business, school,
// health, road, work, flower, family, document, message, data, search, shield,
// money, people.
type Tile struct {
	Title, Text string
	Href        string
	Icon        string
	Badge       *Badge
}

// Template implements [Component].
func (Tiles) Template() string { return "tiles" }

// Icon is one of the line icons, for decoration only.
type Icon string

// Template implements [Component].
func (Icon) Template() string { return "icon" }

// Receipt is what a person keeps: a code, the facts, and how to check it.
type Receipt struct {
	Title   string
	Code    string // in large letters, easy to read out
	CodeFor string // "Mã hồ sơ"
	Rows    []Row
	QR      template.HTML // an inline SVG, when there is one
	QRText  string        // what scanning it does
	Note    string
}

// Template implements [Component].
func (Receipt) Template() string { return "receipt" }

// List is a list of plain lines or components.
type List struct {
	Items   []string
	Bodies  []Component
	Ordered bool
	Classes string // "govuk-list--bullet", "govuk-list--spaced"
}

// Template implements [Component].
func (List) Template() string { return "list" }

// Form is a form that posts to Action.
type Form struct {
	Action  string
	Method  string // "post" unless set
	Body    []Component
	Files   bool // it sends files
	Hidden  []Hidden
	Classes string
	ID      string
}

// Hidden is a value that a form carries along.
type Hidden struct{ Name, Value string }

// Template implements [Component].
func (Form) Template() string { return "form" }

// Hero is the front door's first band: a promise and a search.
type Hero struct {
	Title, Text string
	Search      *Search
	Body        []Component
}

// Template implements [Component].
func (Hero) Template() string { return "hero" }

// Search is one box that asks by GET.
type Search struct {
	Action string
	Method string // "get" unless set; "post" where people are searched for, which no address may hold
	Name   string // "q" unless set
	Value  string
	Label  string // said to screen readers and shown as the box's example
	Button string
}

// Template implements [Component].
func (Search) Template() string { return "search" }

func (s Search) view(e *env) any {
	s.Method = first(s.Method, "get")
	s.Name, s.Button = first(s.Name, "q"), first(s.Button, e.t("web.search"))
	return s
}

// Band is a titled part of a page that uses the full width of the window, for
// pages with Page.Hero.
type Band struct {
	Title string
	Text  string
	Paper bool // on a darker ground
	Body  []Component
}

// Template implements [Component].
func (Band) Template() string { return "band" }

// Columns puts a narrow side beside the main part on wide screens.
type Columns struct {
	Side, Main []Component
	SideRight  bool
}

// Template implements [Component].
func (Columns) Template() string { return "columns" }

// Sheets lays out summary cards two abreast where there is room, to be compared
// at a glance.
type Sheets []Component

// Template implements [Component].
func (Sheets) Template() string { return "sheets" }

// Documents lays out cards beside one another.
type Documents []DocumentCard

// Template implements [Component].
func (Documents) Template() string { return "documents" }

// Scroll lets wide content, such as a table of many columns, scroll sideways
// on a narrow screen. Label says what it is.
type Scroll struct {
	Label string
	Body  []Component
}

// Template implements [Component].
func (Scroll) Template() string { return "scroll" }
