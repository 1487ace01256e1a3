package country

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

//go:embed *.yaml registers/*.yaml services/*.yaml
var files embed.FS

// Names of the files that another package reads.
const (
	CodesFile        = "codes.yaml"
	CalendarFile     = "calendar.yaml"
	RequirementsFile = "requirements.yaml"
)

// FS holds every file of the country under its name in this folder.
func FS() fs.FS { return files }

// Registers holds the register definitions, *.yaml at its root.
func Registers() fs.FS { return sub("registers") }

// Services holds the service definitions, *.yaml at its root.
func Services() fs.FS { return sub("services") }

func sub(dir string) fs.FS {
	s, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // dir is a constant of this file and is embedded
	}
	return s
}

// Codes gives the content of codes.yaml.
func Codes() ([]byte, error) { return fs.ReadFile(files, CodesFile) }

// Requirements gives the content of requirements.yaml.
func Requirements() ([]byte, error) { return fs.ReadFile(files, RequirementsFile) }

// Calendar gives the content of calendar.yaml.
func Calendar() ([]byte, error) { return fs.ReadFile(files, CalendarFile) }

// Subsystem is one system of a member.
type Subsystem struct {
	Code string    `yaml:"code"`
	Name i18n.Text `yaml:"name"`
}

// Member is a connected organisation.
type Member struct {
	Class      string      `yaml:"class"` // GOV, COM or NGO
	Code       string      `yaml:"code"`
	Name       i18n.Text   `yaml:"name"`
	SignsAs    i18n.Text   `yaml:"signs_as"` // the name in its certificate and on its documents
	Subsystems []Subsystem `yaml:"subsystems"`
}

// ID is the member's id as others name it, e.g. GOV/MOJ.
func (m Member) ID() string { return m.Class + "/" + m.Code }

// Grant lets one subsystem use one service of another for one purpose.
type Grant struct {
	ID         string   `yaml:"id"`
	Client     string   `yaml:"client"`     // CLASS/MEMBER/SUBSYSTEM
	Service    string   `yaml:"service"`    // CLASS/MEMBER/SUBSYSTEM/SERVICE
	Operations []string `yaml:"operations"` // read, search, create, amend
	Fields     []string `yaml:"fields"`     // "*" is all
	Match      []string `yaml:"match"`      // may be searched by besides Fields, but is not shown
	Consent    bool     `yaml:"consent"`    // only while the person named by Match agrees
	Purpose    string   `yaml:"purpose"`
	LegalBasis string   `yaml:"legal_basis"`
	Until      string   `yaml:"until"` // YYYY-MM-DD, inclusive
	Quota      struct {
		PerMinute int `yaml:"per_minute"`
		Burst     int `yaml:"burst"`
	} `yaml:"quota"` // calls; missing: no limit
}

// Purpose is something that personal data may be used for.
type Purpose struct {
	ID    string    `yaml:"id"`
	Title i18n.Text `yaml:"title"`
}

// LifeEvent groups services by a moment in people's lives.
type LifeEvent struct {
	ID       string    `yaml:"id"`
	Icon     string    `yaml:"icon"`
	Title    i18n.Text `yaml:"title"`
	Summary  i18n.Text `yaml:"summary"`
	Services []string  `yaml:"services"`
}

// Members reads members.yaml: the instance's name and who is connected.
func Members() (instance string, members []Member, err error) {
	var doc struct {
		Instance string   `yaml:"instance"`
		Members  []Member `yaml:"members"`
	}
	const name = "members.yaml"
	if err := read(name, &doc); err != nil {
		return "", nil, err
	}
	c := checker{file: name}
	c.need(doc.Instance != "", "instance", "give the instance a short name such as VN")
	for i, m := range doc.Members {
		at := fmt.Sprintf("members[%d]", i)
		c.need(memberID.MatchString(m.ID()), at, "class and code must read like GOV and MOJ")
		c.once(at, m.ID())
		c.text(at+".name", m.Name)
		c.text(at+".signs_as", m.SignsAs)
		c.need(len(m.Subsystems) > 0, at, "name at least one subsystem")
		for j, s := range m.Subsystems {
			c.need(slug.MatchString(s.Code), fmt.Sprintf("%s.subsystems[%d]", at, j), "code must be small letters, digits and -")
			c.once(at, m.ID()+"/"+s.Code)
			c.text(fmt.Sprintf("%s.subsystems[%d].name", at, j), s.Name)
		}
	}
	return doc.Instance, doc.Members, c.err()
}

// Purposes reads purposes.yaml in its order.
func Purposes() ([]Purpose, error) {
	var doc struct {
		Purposes []Purpose `yaml:"purposes"`
	}
	const name = "purposes.yaml"
	if err := read(name, &doc); err != nil {
		return nil, err
	}
	c := checker{file: name}
	for i, p := range doc.Purposes {
		at := fmt.Sprintf("purposes[%d]", i)
		c.need(slug.MatchString(p.ID), at, "id must be small letters, digits and -")
		c.once(at, p.ID)
		c.text(at+".title", p.Title)
	}
	return doc.Purposes, c.err()
}

// LifeEvents reads life-events.yaml in its order.
func LifeEvents() ([]LifeEvent, error) {
	var doc struct {
		LifeEvents []LifeEvent `yaml:"life_events"`
	}
	const name = "life-events.yaml"
	if err := read(name, &doc); err != nil {
		return nil, err
	}
	c := checker{file: name}
	for i, e := range doc.LifeEvents {
		at := fmt.Sprintf("life_events[%d]", i)
		c.need(slug.MatchString(e.ID), at, "id must be small letters, digits and -")
		c.once(at, e.ID)
		c.text(at+".title", e.Title)
		c.text(at+".summary", e.Summary)
		c.need(e.Icon != "", at, "name an icon")
		for _, s := range e.Services {
			_, err := fs.Stat(files, "services/"+s+".yaml")
			c.need(err == nil, at, fmt.Sprintf("service %q has no file services/%s.yaml; correct the name or remove it", s, s))
		}
	}
	return doc.LifeEvents, c.err()
}

// Grants reads grants.yaml and checks it against the members and purposes, so
// that a misspelt right is found at start and not when a person waits for it.
func Grants() ([]Grant, error) {
	_, members, err := Members()
	if err != nil {
		return nil, err
	}
	purposes, err := Purposes()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, m := range members {
		for _, s := range m.Subsystems {
			known[m.ID()+"/"+s.Code] = true
		}
	}
	for _, p := range purposes {
		known[p.ID] = true
	}
	var doc struct {
		Grants []Grant `yaml:"grants"`
	}
	const name = "grants.yaml"
	if err := read(name, &doc); err != nil {
		return nil, err
	}
	c := checker{file: name}
	for i, g := range doc.Grants {
		c.grant(fmt.Sprintf("grants[%d]", i), g, known)
	}
	return doc.Grants, c.err()
}

var (
	slug     = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	memberID = regexp.MustCompile(`^(GOV|COM|NGO)/[A-Z0-9-]+$`)
	day      = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
)

func read(name string, into any) error {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("country/%s: %w", name, err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("country/%s: %w", name, err)
	}
	return nil
}

// checker gathers everything that is wrong with one file.
type checker struct {
	file     string
	seen     map[string]bool
	problems []error
}

func (c *checker) need(ok bool, at, fix string) {
	if !ok {
		c.problems = append(c.problems, fmt.Errorf("country/%s: %s: %s", c.file, at, fix))
	}
}

func (c *checker) once(at, id string) {
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.need(!c.seen[id], at, fmt.Sprintf("%q stands twice; remove one", id))
	c.seen[id] = true
}

func (c *checker) text(at string, t i18n.Text) {
	c.need(t.VI != "" && t.EN != "", at, "write it in both languages, vi and en")
}

func (c *checker) grant(at string, g Grant, known map[string]bool) {
	c.need(slug.MatchString(g.ID), at, "id must be small letters, digits and -")
	c.once(at, g.ID)
	c.need(known[g.Client], at, fmt.Sprintf("client %q is no subsystem of members.yaml", g.Client))
	provider, service := g.Service, ""
	if i := strings.LastIndex(g.Service, "/"); i > 0 {
		provider, service = g.Service[:i], g.Service[i+1:]
	}
	c.need(known[provider] && service != "", at, fmt.Sprintf("service %q must be a subsystem of members.yaml and a service name", g.Service))
	c.need(len(g.Operations) > 0, at, "name the operations: read, search, create, amend")
	for _, op := range g.Operations {
		c.need(op == "read" || op == "search" || op == "create" || op == "amend", at, fmt.Sprintf("operation %q is none of read, search, create, amend", op))
	}
	c.need(len(g.Fields) > 0, at, `name the fields, or "*" for all`)
	c.need(known[g.Purpose], at, fmt.Sprintf("purpose %q is not in purposes.yaml", g.Purpose))
	c.need(g.LegalBasis != "", at, "name the law that allows it")
	c.need(day.MatchString(g.Until), at, "until must be a date YYYY-MM-DD in quotes")
}

func (c *checker) err() error { return errors.Join(c.problems...) }
