package registers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/dinh-gov/dinh/kernel/i18n"
	"github.com/dinh-gov/dinh/kernel/rules"
)

// Definition declares a register.
type Definition struct {
	ID          string         `yaml:"id" json:"id"`
	Title       i18n.Text      `yaml:"title" json:"title"`
	Description i18n.Text      `yaml:"description" json:"description"`
	Member      string         `yaml:"member" json:"member"`           // owner, CLASS/CODE
	Subsystem   string         `yaml:"subsystem" json:"subsystem"`     // of the owner
	Key         string         `yaml:"key" json:"key"`                 // the field that names a record; unique
	Legal       string         `yaml:"legal_basis" json:"legal_basis"` // on which the owner's officers read and change records by hand
	Subjects    []string       `yaml:"subjects" json:"subjects"`       // fields that hold personal numbers
	Index       []string       `yaml:"index" json:"index"`             // fields that can be asked for by value
	Search      []string       `yaml:"search" json:"search"`           // fields that the search box looks in
	Assign      *Assign        `yaml:"assign,omitempty" json:"assign,omitempty"`
	Roles       []string       `yaml:"roles" json:"roles"` // officers of the owner who may read and change records by hand
	Schema      map[string]any `yaml:"schema" json:"schema"`

	PublicStatistics bool `yaml:"public_statistics,omitempty" json:"public_statistics,omitempty"` // anybody may see how often it is used

	compiled *jsonschema.Schema
	prefix   *rules.Program
	fields   []string // leaves of the schema, dotted, in the order of the file
	dates    []string // those of them that hold a date
}

// Assign gives a new record its number: a prefix computed from the record
// (CEL over `record`) and a counted, zero-padded tail.
type Assign struct {
	Field  string `yaml:"field" json:"field"`
	Prefix string `yaml:"prefix" json:"prefix"`
	Digits int    `yaml:"digits" json:"digits"`
}

// ServiceCode is the register's service on the exchange: the register's id.
func (d *Definition) ServiceCode() string { return d.ID }

// Fields lists the dotted names of all values a record may have.
func (d *Definition) Fields() []string { return slices.Clone(d.fields) }

// Label gives a field its name for people, from the schema's x-title.
func (d *Definition) Label(field string) i18n.Text {
	node := d.property(field)
	t, _ := node["x-title"].(map[string]any)
	vi, _ := t["vi"].(string)
	en, _ := t["en"].(string)
	if vi == "" {
		return i18n.Text{VI: field, EN: field}
	}
	return i18n.Text{VI: vi, EN: en}
}

var validID = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)

// Load reads every *.yaml of fsys. Each error names the file and what to change.
func Load(fsys fs.FS) ([]*Definition, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	var out []*Definition
	var problems []error
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		d, err := Parse(path.Base(name), text)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		out = append(out, d)
	}
	return out, errors.Join(problems...)
}

// Parse reads one definition and compiles its schema.
func Parse(file string, text []byte) (*Definition, error) {
	d := &Definition{}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(d); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var order struct {
		Schema yaml.Node `yaml:"schema"`
	}
	if err := yaml.Unmarshal(text, &order); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d.fields = leaves(&order.Schema, &order.Schema, "")
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

func (d *Definition) check() error {
	switch {
	case !validID.MatchString(d.ID):
		return fmt.Errorf("id: %q: use lower-case letters, digits and hyphens, beginning with a letter", d.ID)
	case d.Title.VI == "" || d.Title.EN == "":
		return errors.New("title: write it in both languages, vi and en")
	case strings.Count(d.Member, "/") != 1:
		return fmt.Errorf("member: %q: write CLASS/CODE, such as GOV/MOJ", d.Member)
	case d.Subsystem == "":
		return errors.New("subsystem: name the owner's system that keeps the register")
	case d.Key == "":
		return errors.New("key: name the field that identifies a record")
	case d.Legal == "" && len(d.Roles) > 0:
		return errors.New("legal_basis: name the law under which the owner's officers keep the register")
	case len(d.Schema) == 0:
		return errors.New("schema: describe the record as a JSON Schema")
	}
	if err := d.compile(); err != nil {
		return err
	}
	for what, fields := range map[string][]string{"key": {d.Key}, "subjects": d.Subjects, "index": d.Index, "search": d.Search} {
		for _, f := range fields {
			if !slices.Contains(d.fields, f) {
				return fmt.Errorf("%s: the schema has no field %q", what, f)
			}
		}
	}
	for _, f := range d.fields {
		if d.property(f)["format"] == "date" {
			d.dates = append(d.dates, f)
		}
	}
	if d.Assign == nil {
		return nil
	}
	if !slices.Contains(d.fields, d.Assign.Field) || d.Assign.Digits < 1 || d.Assign.Digits > 15 {
		return errors.New("assign: field must be in the schema, digits between 1 and 15")
	}
	env, err := rules.NewEnv("record")
	if err != nil {
		return err
	}
	if d.prefix, err = env.Compile(d.Assign.Prefix); err != nil {
		return fmt.Errorf("assign.prefix: %w", err)
	}
	return nil
}

func (d *Definition) compile() error {
	text, err := json.Marshal(d.Schema)
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("register.json", doc); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if d.compiled, err = c.Compile("register.json"); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	return nil
}

// resolve follows a local reference (#/$defs/x), keeping what stands beside it.
func resolve(root, node map[string]any) map[string]any {
	ref, _ := node["$ref"].(string)
	if !strings.HasPrefix(ref, "#/$defs/") {
		return node
	}
	defs, _ := root["$defs"].(map[string]any)
	target, _ := defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	merged := map[string]any{}
	for k, v := range target {
		merged[k] = v
	}
	for k, v := range node {
		merged[k] = v
	}
	return merged
}

// leaves lists the dotted names of all values under a schema, in the order in
// which they are declared: people read records in that order.
func leaves(root, node *yaml.Node, at string) []string {
	props := under(node, "properties")
	if props == nil {
		return nil
	}
	var out []string
	for i := 0; i+1 < len(props.Content); i += 2 {
		name, child := at+props.Content[i].Value, props.Content[i+1]
		if ref := under(child, "$ref"); ref != nil {
			if target := under(under(root, "$defs"), strings.TrimPrefix(ref.Value, "#/$defs/")); target != nil {
				child = target
			}
		}
		if under(child, "properties") != nil {
			out = append(out, leaves(root, child, name+".")...)
			continue
		}
		out = append(out, name)
	}
	return out
}

// under finds the value of a key in a mapping; nil when there is none.
func under(node *yaml.Node, key string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

func (d *Definition) property(field string) map[string]any {
	node := d.Schema
	for _, part := range strings.Split(field, ".") {
		props, _ := resolve(d.Schema, node)["properties"].(map[string]any)
		node, _ = props[part].(map[string]any)
	}
	return resolve(d.Schema, node)
}

// CodeList names the code list that has the words of a field's values, from
// the schema's x-codes; empty when there is none.
func (d *Definition) CodeList(field string) string {
	list, _ := d.property(field)["x-codes"].(string)
	return list
}

// Allowed lists the values that the schema lets a field have; nil when it lists none.
func (d *Definition) Allowed(field string) []string {
	values, _ := d.property(field)["enum"].([]any)
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// kind is the JSON type that a CSV cell of this field becomes.
func (d *Definition) kind(field string) string {
	k, _ := d.property(field)["type"].(string)
	return k
}
