package services

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/rules"
)

// maxYAML bounds one definition: the largest real one is below 100 kB.
const maxYAML = 1 << 20

// Loader reads definitions against one set of code lists. It holds what is
// dear to make (schema, expression environment, words), so make one and use it
// for all definitions.
type Loader struct {
	codes  Codes
	schema *schema
	env    *rules.Env
	words  *i18n.Catalog
}

// NewLoader makes a loader for definitions that may name the lists of codes.
func NewLoader(codes Codes) (*Loader, error) {
	sch, err := compileSchema()
	if err != nil {
		return nil, err
	}
	env, err := rules.NewEnv(rootNames()...)
	if err != nil {
		return nil, fmt.Errorf("services: expressions: %w", err)
	}
	words, err := i18n.New(Messages())
	if err != nil {
		return nil, err
	}
	return &Loader{codes: codes, schema: sch, env: env, words: words}, nil
}

// Load reads every *.yaml under fsys. All that is wrong in all files is
// reported together, as *Problem values joined; each names file, line and path
// and says what to change. Services come back in the order of their id.
func Load(fsys fs.FS, codes Codes) ([]*Service, error) {
	l, err := NewLoader(codes)
	if err != nil {
		return nil, err
	}
	return l.Load(fsys)
}

// Load is the package's Load with a loader that is at hand.
func (l *Loader) Load(fsys fs.FS) ([]*Service, error) {
	var all []*Service
	var problems []error
	byID := map[string]*Service{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		s, err := l.Parse(name, data)
		if err != nil {
			problems = append(problems, err)
			return nil
		}
		if other, taken := byID[s.ID]; taken {
			problems = append(problems, &Problem{File: name, Line: s.line("id"), Path: "id",
				Message: fmt.Sprintf("%q is already the id of %s; choose another", s.ID, other.File)})
			return nil
		}
		byID[s.ID] = s
		all = append(all, s)
		return nil
	})
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *Service) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Parse reads one definition. file is only named in problems.
func (l *Loader) Parse(file string, data []byte) (*Service, error) {
	def, lines, err := l.read(file, data)
	if err != nil {
		return nil, err
	}
	s := &Service{Definition: *def, File: file, YAML: bytes.Clone(data), lines: lines,
		codes: l.codes.named(def), words: l.words, env: l.env}
	s.Hash = hash(s.YAML, s.codes)
	if problems := s.compile(); len(problems) > 0 {
		return nil, joinProblems(problems)
	}
	return s, nil
}

// Problem is one thing that is wrong in a definition's file.
type Problem struct {
	File    string
	Line    int    // 0 when unknown
	Path    string // pages[2].fields[0].when
	Message string // what to change
}

// Error gives file:line: path: message.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

func joinProblems(ps []*Problem) error {
	all := make([]error, len(ps))
	for i, p := range ps {
		all[i] = p
	}
	return errors.Join(all...)
}

// read goes from bytes to a definition that satisfies the schema.
func (l *Loader) read(file string, data []byte) (def *Definition, lines map[string]int, err error) {
	if len(data) > maxYAML {
		return nil, nil, &Problem{File: file, Message: fmt.Sprintf("is %d bytes; a definition may have %d: split the service", len(data), maxYAML)}
	}
	// The YAML library is known to panic on some broken inputs.
	defer func() {
		if r := recover(); r != nil {
			def, lines, err = nil, nil, &Problem{File: file, Message: fmt.Sprintf("is not readable YAML (%v)", r)}
		}
	}()
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, nil, &Problem{File: file, Message: yamlMessage(err)}
	}
	var plain any
	if err := root.Decode(&plain); err != nil {
		return nil, nil, &Problem{File: file, Message: yamlMessage(err)}
	}
	doc, ok := plainValue(plain).(map[string]any)
	if !ok {
		if !utf8.Valid(data) {
			return nil, nil, &Problem{File: file, Line: 1, Message: "is not UTF-8: save it in that encoding"}
		}
		return nil, nil, &Problem{File: file, Line: 1, Message: "must be a YAML map that begins with id:, version:, status: …"}
	}
	lines = lineIndex(&root)
	if problems := l.schema.check(file, doc, lines); len(problems) > 0 {
		return nil, nil, joinProblems(problems)
	}
	def, err = decode(data)
	if err != nil {
		return nil, nil, &Problem{File: file, Message: yamlMessage(err)}
	}
	return def, lines, nil
}

// decode reads strictly; the schema has already refused unknown keys, so an
// error here means that schema and types differ.
func decode(data []byte) (*Definition, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var def Definition
	if err := dec.Decode(&def); err != nil {
		return nil, err
	}
	if err := dec.Decode(new(yaml.Node)); err != io.EOF {
		return nil, errors.New("holds more than one document; keep one service in a file")
	}
	for i := range def.Tests {
		g := &def.Tests[i].Given
		g.Applicant, g.Data, g.Answers = plainMap(g.Applicant), plainMap(g.Data), plainMap(g.Answers)
		def.Tests[i].Expect.Decision = plainMap(def.Tests[i].Expect.Decision)
	}
	for i := range def.Decisions {
		for j := range def.Decisions[i].Rows {
			def.Decisions[i].Rows[j].Out = plainMap(def.Decisions[i].Rows[j].Out)
		}
	}
	return &def, nil
}

func yamlMessage(err error) string {
	return strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ", "")
}

// hash covers everything a case relies on: the text and the lists it names.
func hash(data []byte, codes Codes) string {
	h := sha256.New()
	h.Write(data)
	h.Write([]byte{0})
	_ = json.NewEncoder(h).Encode(codes) // maps are written in key order
	return hex.EncodeToString(h.Sum(nil))
}

// named keeps only the lists that def uses, so that an edit of another list
// does not make a new version of this service.
func (c Codes) named(def *Definition) Codes {
	used := Codes{}
	for _, name := range codeNames(def) {
		if list, ok := c[name.list]; ok {
			used[name.list] = list
		}
	}
	return used
}
