package broker

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/dinh-gov/dinh/blocks/exchange"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Requirement is something that procedures need to be shown.
type Requirement struct {
	ID       string     `yaml:"id" json:"id"`
	Title    i18n.Text  `yaml:"title" json:"title"`
	Text     i18n.Text  `yaml:"text" json:"text"` // the question that it answers
	Evidence []Evidence `yaml:"evidence" json:"evidence"`
}

// Evidence is one kind of record that meets a requirement.
type Evidence struct {
	ID         string    `yaml:"id" json:"id"`
	Title      i18n.Text `yaml:"title" json:"title"`
	Service    string    `yaml:"service" json:"service"` // CLASS/MEMBER/SUBSYSTEM/SERVICE
	By         []string  `yaml:"by" json:"by"`           // fields that name the person; each is tried until one finds a record
	Fields     []string  `yaml:"fields" json:"fields"`
	None       i18n.Text `yaml:"none" json:"none"` // what it means that there is no record
	LegalBasis string    `yaml:"legal_basis" json:"legal_basis"`
}

const maxFile = 1 << 20 // bytes of requirements.yaml

// Load reads requirements.yaml. All that is wrong is reported together, with
// what to change.
func Load(file string, text []byte) ([]Requirement, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: is larger than %d bytes", file, maxFile)
	}
	var doc struct {
		Requirements []Requirement `yaml:"requirements"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	l := lint{file: file, seen: map[string]bool{}}
	for i, r := range doc.Requirements {
		at := fmt.Sprintf("requirements[%d]", i)
		l.id(at, r.ID)
		l.text(at+".title", r.Title)
		l.text(at+".text", r.Text)
		l.need(len(r.Evidence) > 0, at, "name at least one kind of evidence that meets it")
		for j, e := range r.Evidence {
			l.evidence(fmt.Sprintf("%s.evidence[%d]", at, j), e)
		}
	}
	return doc.Requirements, errors.Join(l.problems...)
}

type lint struct {
	file     string
	seen     map[string]bool
	problems []error
}

func (l *lint) need(ok bool, at, fix string) {
	if !ok {
		l.problems = append(l.problems, fmt.Errorf("%s: %s: %s", l.file, at, fix))
	}
}

func (l *lint) id(at, id string) {
	l.need(regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`).MatchString(id), at, "id must be small letters, digits and -")
	l.need(!l.seen[id], at, fmt.Sprintf("%q stands twice; choose another id", id))
	l.seen[id] = true
}

func (l *lint) text(at string, t i18n.Text) {
	l.need(t.VI != "" && t.EN != "", at, "write it in both languages, vi and en")
}

func (l *lint) evidence(at string, e Evidence) {
	l.id(at, e.ID)
	l.text(at+".title", e.Title)
	l.text(at+".none", e.None)
	_, err := exchange.ParseService("X/" + e.Service)
	l.need(err == nil, at, fmt.Sprintf("service %q must be CLASS/MEMBER/SUBSYSTEM/SERVICE", e.Service))
	l.need(len(e.By) > 0, at, "by: name the fields that find a person's record")
	l.need(len(e.Fields) > 0, at, "fields: name what is handed over")
	l.need(e.LegalBasis != "", at, "name the law that lets people prove it")
}

// Check holds the requirements against what the exchange offers, so that a
// misspelt field is found at the start and not when a person waits for it.
func (b *Broker) Check() error {
	var problems []error
	offered := b.d.Exchange.Services()
	for _, r := range b.requirements {
		for _, e := range r.Evidence {
			id := b.d.Instance + "/" + e.Service
			i := slices.IndexFunc(offered, func(s exchange.ServiceInfo) bool { return s.ID.String() == id })
			if i < 0 {
				problems = append(problems, fmt.Errorf("requirements.yaml: %s: nobody offers %s", e.ID, e.Service))
				continue
			}
			for _, f := range slices.Concat(e.By, e.Fields) {
				if known := offered[i].Fields; len(known) > 0 && !slices.Contains(known, f) {
					problems = append(problems, fmt.Errorf("requirements.yaml: %s: %s has no field %s", e.ID, e.Service, f))
				}
			}
		}
	}
	return errors.Join(problems...)
}

// Requirements lists all requirements, in the order of the file.
func (b *Broker) Requirements() []Requirement { return slices.Clone(b.requirements) }

// Requirement finds one by its id. Error: errs.NotFound "broker.no_requirement".
func (b *Broker) Requirement(id string) (Requirement, error) {
	i := slices.IndexFunc(b.requirements, func(r Requirement) bool { return r.ID == id })
	if i < 0 {
		return Requirement{}, errs.New(errs.NotFound, "broker.no_requirement")
	}
	return b.requirements[i], nil
}
