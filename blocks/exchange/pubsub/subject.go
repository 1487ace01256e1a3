package pubsub

import (
	"encoding/json"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
)

const (
	maxSubjects = 1000 // as many as one answer may be about
	maxSteps    = 16
)

// subjectPath is a JSON path of names and [*], the part of RFC 9535 that tells
// where personal numbers stand.
type subjectPath []string

// parseSubjectPath reads "$.child.number" or "$.people[*].number"; "" is nobody.
func parseSubjectPath(s string) (subjectPath, error) {
	bad := errs.New(errs.Invalid, "pubsub.bad_subject_path")
	if s == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(s, "$")
	if !ok || rest == "" || len(s) > 256 {
		return nil, bad
	}
	var out subjectPath
	for rest != "" {
		if after, ok := strings.CutPrefix(rest, "[*]"); ok {
			out, rest = append(out, "[*]"), after
			continue
		}
		after, ok := strings.CutPrefix(rest, ".")
		if !ok {
			return nil, bad
		}
		end := strings.IndexAny(after, ".[")
		if end < 0 {
			end = len(after)
		}
		if end == 0 || strings.ContainsAny(after[:end], `]*"'\ `) {
			return nil, bad
		}
		out, rest = append(out, after[:end]), after[end:]
	}
	if len(out) > maxSteps || out[len(out)-1] == "[*]" && len(out) == 1 {
		return nil, bad
	}
	return out, nil
}

// find gives the numbers in an event. Each place that the path leads to must hold
// one, and there must be at least one: whoever is left out would not see who
// learned of it. errs.Invalid "pubsub.subject_missing".
func (p subjectPath) find(event json.RawMessage) ([]string, error) {
	if p == nil {
		return nil, nil
	}
	var v any
	if err := json.Unmarshal(event, &v); err != nil {
		return nil, errs.New(errs.Invalid, "pubsub.not_an_object").Wrap(err)
	}
	var out []string
	if !p.walk(v, &out) || len(out) == 0 || len(out) > maxSubjects {
		return nil, errs.New(errs.Invalid, "pubsub.subject_missing", "max", maxSubjects)
	}
	return out, nil
}

func (p subjectPath) walk(v any, out *[]string) bool {
	if len(p) == 0 {
		number, ok := v.(string)
		*out = append(*out, number)
		return ok && strings.TrimSpace(number) != ""
	}
	if p[0] == "[*]" {
		list, ok := v.([]any)
		for _, item := range list {
			ok = ok && p[1:].walk(item, out)
		}
		return ok
	}
	object, ok := v.(map[string]any)
	if !ok {
		return false
	}
	return p[1:].walk(object[p[0]], out)
}
