package exchange

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// AllFields in a grant's list means every field.
const AllFields = "*"

// fieldTree is a set of dotted paths. A leaf covers everything beneath it.
type fieldTree struct {
	all  bool
	kids map[string]*fieldTree
}

func newFieldTree(fields ...string) *fieldTree {
	t := &fieldTree{}
	for _, f := range fields {
		t.add(f)
	}
	return t
}

// What a record's envelope says of it besides its id is a field like any other, with
// a sign before its name, which no field of the data then is taken for.
const (
	fieldVersion   = "@version"
	fieldValidFrom = "@valid_from"
	fieldUpdatedAt = "@updated_at"
)

// lettingOut is the set of what grants let out: these fields, and with a right to
// amend the version of a record, which an amendment has to name.
func lettingOut(fields []string, grants ...*Grant) *fieldTree {
	t := newFieldTree(fields...)
	if slices.ContainsFunc(grants, func(g *Grant) bool { return slices.Contains(g.Operations, OpAmend) }) {
		t.add(fieldVersion)
	}
	return t
}

func (t *fieldTree) add(path string) {
	if path == AllFields {
		t.all = true
		return
	}
	for part := range strings.SplitSeq(path, ".") {
		if t.all {
			return
		}
		if t.kids == nil {
			t.kids = map[string]*fieldTree{}
		}
		if t.kids[part] == nil {
			t.kids[part] = &fieldTree{}
		}
		t = t.kids[part]
	}
	t.all, t.kids = true, nil
}

// covers says whether the whole of path is in the set.
func (t *fieldTree) covers(path string) bool {
	if path == AllFields {
		return t.all
	}
	for part := range strings.SplitSeq(path, ".") {
		if t.all {
			return true
		}
		if t = t.kids[part]; t == nil {
			return false
		}
	}
	return t.all
}

// missing gives those of asked that are not covered.
func (t *fieldTree) missing(asked []string) (out []string) {
	for _, f := range asked {
		if !t.covers(f) {
			out = append(out, f)
		}
	}
	return out
}

// validField refuses names that could not be told apart in a list.
func validField(f string) bool {
	if f == AllFields {
		return true
	}
	for part := range strings.SplitSeq(f, ".") {
		if part == "" || len(part) > maxSegment || strings.ContainsAny(part, ", \t\r\n*\"") || !ValidSegment(part) {
			return false
		}
	}
	return true
}

// keep gives what the set allows of a JSON value; nil for nothing.
func (t *fieldTree) keep(raw json.RawMessage) (json.RawMessage, error) {
	if t.all {
		return raw, nil
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil, nil
	}
	switch raw[0] {
	case '{':
		var in map[string]json.RawMessage
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, err
		}
		out := make(map[string]json.RawMessage, len(t.kids))
		for name, kid := range t.kids {
			v, ok := in[name]
			if !ok {
				continue
			}
			kept, err := kid.keep(v)
			if err != nil {
				return nil, err
			}
			if kept != nil {
				out[name] = kept
			}
		}
		return json.Marshal(out)
	case '[':
		var in []json.RawMessage
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, err
		}
		out := make([]json.RawMessage, 0, len(in))
		for _, v := range in {
			kept, err := t.keep(v)
			if err != nil {
				return nil, err
			}
			if kept != nil {
				out = append(out, kept)
			}
		}
		return json.Marshal(out)
	}
	return nil, nil // a plain value where the grant names something inside it
}

// filterBody removes from an answer what the set does not hold, and counts the
// records. It knows the shapes of registers, {"records":[{"id","version",
// "valid_from","data":{…}}]} and one such record, and takes any other object or
// list of objects as bare data. What is not JSON passes only under a grant of
// all fields.
func filterBody(body []byte, t *fieldTree) (out []byte, records int, err error) {
	if t.all {
		return body, countRecords(body), nil
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, 0, nil
	}
	unreadable := errs.New(errs.Unavailable, "exchange.answer_unreadable")
	if body[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, 0, unreadable.Wrap(err)
		}
		if out, err = t.keep(body); err != nil {
			return nil, 0, unreadable.Wrap(err)
		}
		return out, len(list), nil
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(body, &top); err != nil || body[0] != '{' {
		return nil, 0, unreadable.Wrap(err)
	}
	if out, records, err = t.keepObject(body, top); err != nil {
		return nil, 0, unreadable.Wrap(err)
	}
	return out, records, nil
}

// countRecords counts the records of an answer that passes as it is, to the last
// byte, whatever it is.
func countRecords(body []byte) int {
	trimmed := bytes.TrimSpace(body)
	var list []json.RawMessage
	var top struct {
		Records []json.RawMessage `json:"records"`
	}
	switch {
	case len(trimmed) == 0:
		return 0
	case trimmed[0] == '[' && json.Unmarshal(trimmed, &list) == nil:
		return len(list)
	case trimmed[0] == '{' && json.Unmarshal(trimmed, &top) == nil && top.Records != nil:
		return len(top.Records)
	}
	return 1
}

func (t *fieldTree) keepObject(body []byte, top map[string]json.RawMessage) ([]byte, int, error) {
	list, isList := top["records"]
	if isList {
		var records []map[string]json.RawMessage
		if err := json.Unmarshal(list, &records); err != nil {
			return nil, 0, err
		}
		if records == nil {
			records = []map[string]json.RawMessage{} // null would tell what is not ours to tell
		}
		for i, r := range records {
			kept, err := t.keepRecord(r)
			if err != nil {
				return nil, 0, err
			}
			records[i] = kept
		}
		out := map[string]any{"records": records}
		for _, name := range []string{"total", "count", "more"} {
			if v, ok := top[name]; ok && isCount(v) {
				out[name] = v
			}
		}
		b, err := json.Marshal(out)
		return b, len(records), err
	}
	if _, isRecord := top["data"]; isRecord {
		kept, err := t.keepRecord(top)
		if err != nil {
			return nil, 0, err
		}
		b, err := json.Marshal(kept)
		return b, 1, err
	}
	b, err := t.keep(body)
	return b, 1, err
}

// keepRecord keeps a record's id, by which it is addressed, and what the set allows of
// the rest of its envelope and of its data.
func (t *fieldTree) keepRecord(r map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	out := make(map[string]json.RawMessage, 5)
	for _, field := range []string{"id", fieldVersion, fieldValidFrom, fieldUpdatedAt} {
		name := strings.TrimPrefix(field, "@")
		if v, ok := r[name]; ok && isPlain(v) && (field == "id" || t.covers(field)) {
			out[name] = v
		}
	}
	if v, ok := r["data"]; ok {
		kept, err := t.keep(v)
		if err != nil {
			return nil, err
		}
		if kept != nil {
			out["data"] = kept
		}
	}
	return out, nil
}

func isPlain(v json.RawMessage) bool { return len(v) > 0 && v[0] != '{' && v[0] != '[' }

func isCount(v json.RawMessage) bool { return isPlain(v) && v[0] != '"' }

// keepProblem keeps of a provider's error what a problem document or X-Road's own
// error says about the request; anything else could carry data past the grant.
func keepProblem(body []byte) []byte {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil || top == nil {
		return nil
	}
	for name, v := range top {
		if !slices.Contains([]string{"type", "title", "status", "detail", "code", "message"}, name) || !isPlain(v) {
			delete(top, name)
		}
	}
	out, err := json.Marshal(top)
	if err != nil {
		return nil
	}
	return out
}

// members walks an object's members in order, repeated ones too, as some decoder
// further on may see them.
func members(raw []byte, each func(name string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errs.New(errs.Invalid, "exchange.bad_body").Wrap(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errs.New(errs.Invalid, "exchange.bad_body").Wrap(err)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return errs.New(errs.Invalid, "exchange.bad_body").Wrap(err)
		}
		if err := each(name.(string), v); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errs.New(errs.Invalid, "exchange.bad_body").Wrap(err)
	}
	return nil
}

// touched lists the fields that a request's body names: those a search matches
// on ("where") and those a change writes ("data"), as dotted paths. Spellings
// that a lenient decoder would take for the same member are refused.
func touched(body []byte, member string) (out []string, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	found := false
	err = members(body, func(name string, v json.RawMessage) error {
		if !strings.EqualFold(name, member) {
			return nil
		}
		if name != member || found {
			return errs.New(errs.Invalid, "exchange.bad_body")
		}
		found = true
		if string(bytes.TrimSpace(v)) == "null" {
			return nil
		}
		return members(v, func(name string, v json.RawMessage) error { return leaves(name, v, &out) })
	})
	return out, err
}

// leaves collects the paths of the plain values under v; lists count as the
// field that holds them unless they hold objects.
func leaves(path string, v json.RawMessage, out *[]string) error {
	v = bytes.TrimSpace(v)
	switch {
	case len(v) > 0 && v[0] == '{':
		n := 0
		err := members(v, func(name string, v json.RawMessage) error {
			n++
			return leaves(path+"."+name, v, out)
		})
		if err != nil || n > 0 {
			return err
		}
	case len(v) > 0 && v[0] == '[':
		var list []json.RawMessage
		if err := json.Unmarshal(v, &list); err != nil {
			return errs.New(errs.Invalid, "exchange.bad_body").Wrap(err)
		}
		n := 0
		for _, item := range list {
			if item = bytes.TrimSpace(item); len(item) > 0 && (item[0] == '{' || item[0] == '[') {
				n++
				if err := leaves(path, item, out); err != nil {
					return err
				}
			}
		}
		if n == len(list) && n > 0 {
			return nil
		}
	}
	*out = append(*out, path)
	return nil
}
