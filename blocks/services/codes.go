package services

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/dinh-gov/dinh/kernel/i18n"
)

// Codes are the country's code lists (provinces, sexes, nationalities …) by
// list id. Fields name one in options_from, facts and lines in code:<list>.
type Codes map[string][]Option

// Label gives the words of one value. False when the list does not hold it.
func (c Codes) Label(list, value string) (i18n.Text, bool) {
	for _, o := range c[list] {
		if o.Value == value {
			return o.Label, true
		}
	}
	return i18n.Text{}, false
}

type codeList struct {
	ID      string    `yaml:"id"`
	Title   i18n.Text `yaml:"title"`
	Options []Option  `yaml:"options"`
}

var codeID = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// LoadCodes reads country/codes.yaml:
//
//	lists:
//	  - id: sex
//	    options:
//	      - {value: female, label: {vi: Nữ, en: Female}}
//
// The lists may also stand at the top without the word lists. file is named in
// errors, which are all reported together.
func LoadCodes(file string, data []byte) (Codes, error) {
	lists, err := decodeCodes(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	codes := make(Codes, len(lists))
	var problems []error
	for i, l := range lists {
		at := fmt.Sprintf("%s: lists[%d]", file, i)
		switch _, taken := codes[l.ID]; {
		case !codeID.MatchString(l.ID):
			problems = append(problems, fmt.Errorf("%s: id %q must be small letters, digits, _ and -", at, l.ID))
		case taken:
			problems = append(problems, fmt.Errorf("%s: list %q stands twice; remove one", at, l.ID))
		}
		problems = append(problems, checkOptions(at, l.Options)...)
		codes[l.ID] = l.Options
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return codes, nil
}

func decodeCodes(data []byte) ([]codeList, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if len(root.Content) == 1 && root.Content[0].Kind == yaml.SequenceNode {
		var lists []codeList
		err := dec.Decode(&lists)
		return lists, err
	}
	var doc struct {
		Lists []codeList `yaml:"lists"`
	}
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	return doc.Lists, nil
}

func checkOptions(at string, options []Option) []error {
	var problems []error
	if len(options) == 0 {
		problems = append(problems, fmt.Errorf("%s: give at least one option", at))
	}
	seen := map[string]bool{}
	for i, o := range options {
		switch {
		case o.Value == "":
			problems = append(problems, fmt.Errorf("%s.options[%d]: give a value", at, i))
		case seen[o.Value]:
			problems = append(problems, fmt.Errorf("%s.options[%d]: value %q stands twice; remove one", at, i, o.Value))
		case o.Label.VI == "" || o.Label.EN == "":
			problems = append(problems, fmt.Errorf("%s.options[%d]: label of %q needs both vi and en", at, i, o.Value))
		}
		seen[o.Value] = true
	}
	return problems
}
