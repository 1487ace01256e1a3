package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// The bounds of a record filter.
const (
	maxFilterFields = 20
	maxFilterValues = 200
)

// checkFilter says what is wrong with the filter of a grant.
func (g Grant) checkFilter() (wrong []errs.Field) {
	if len(g.Filter) == 0 {
		return nil
	}
	bad := len(g.Filter) > maxFilterFields
	for f, values := range g.Filter {
		bad = bad || f == AllFields || !validField(f) || len(values) == 0 || len(values) > maxFilterValues
		for _, v := range values {
			bad = bad || v == "" || len(v) > maxText || printable(v) != v
		}
	}
	if bad {
		wrong = append(wrong, errs.NewField("filter", "exchange.bad_filter", "fields", maxFilterFields, "values", maxFilterValues))
	}
	// A change has happened before its answer can be looked at.
	if slices.Contains(g.Operations, OpCreate) || slices.Contains(g.Operations, OpAmend) {
		wrong = append(wrong, errs.NewField("filter", "exchange.filter_changes"))
	}
	return wrong
}

func isFiltered(g *Grant) bool { return len(g.Filter) > 0 }

// fits says whether the grant lets a record out: every field of its filter is
// there and has an allowed value.
func (g *Grant) fits(data json.RawMessage) bool {
	for f, values := range g.Filter {
		if !holds(data, strings.Split(f, "."), values) {
			return false
		}
	}
	return true
}

// holds says whether what lies at path is one of the values. Of a list every item
// must be, and there must be one: a record that belongs to several is whole only
// for who may see all of them.
func holds(raw json.RawMessage, path, values []string) bool {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return false
	case raw[0] == '[':
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
			return false
		}
		return !slices.ContainsFunc(list, func(v json.RawMessage) bool { return !holds(v, path, values) })
	case raw[0] == '{':
		if len(path) == 0 {
			return false
		}
		found, value := 0, json.RawMessage(nil)
		err := members(raw, func(name string, v json.RawMessage) error {
			if name == path[0] {
				found, value = found+1, v
			}
			return nil
		})
		return err == nil && found == 1 && holds(value, path[1:], values) // said twice is said two ways
	case len(path) > 0 || string(raw) == "null":
		return false
	case raw[0] == '"':
		var s string
		return json.Unmarshal(raw, &s) == nil && slices.Contains(values, s)
	}
	return slices.Contains(values, string(raw)) // a number or a truth as it is written
}

// whole narrows grants of which one has a filter to those that each cover, on
// their own, what a search matches on. Else one grant's hits would tell of a field
// that only another grant opens, of other records.
func whole(fitting []*Grant, q question) (left []*Grant, missing []string, err error) {
	if q.operation != OpSearch || !slices.ContainsFunc(fitting, isFiltered) {
		return fitting, nil, nil
	}
	names, err := touched(q.body, "where")
	if err != nil {
		return nil, nil, err
	}
	for _, g := range fitting {
		if m := newFieldTree(slices.Concat(g.Fields, g.Match)...).missing(names); len(m) == 0 {
			left = append(left, g)
		} else {
			missing = append(missing, m...)
		}
	}
	return left, missing, nil
}

func (d decision) filtered() bool { return slices.ContainsFunc(d.grants, isFiltered) }

// narrower says whether a record that old let out may be none that d lets out.
func (d decision) narrower(old decision) bool {
	return d.filtered() && slices.ContainsFunc(old.grants, func(o *Grant) bool {
		return !slices.ContainsFunc(d.grants, func(g *Grant) bool { return g.ID == o.ID })
	})
}

// lets gives the sets of fields that a record is limited to, one after the other:
// those of the grants that let it out, and those that were asked for. false: none
// lets it out.
func (d decision) lets(data json.RawMessage) ([]*fieldTree, bool) {
	var fields []string
	var fitting []*Grant
	for _, g := range d.grants {
		if g.fits(data) {
			fields, fitting = append(fields, g.Fields...), append(fitting, g)
		}
	}
	switch len(fitting) {
	case 0:
		return nil, false
	case len(d.grants):
		return []*fieldTree{d.tree}, true
	}
	return []*fieldTree{lettingOut(fields, fitting...), d.tree}, true
}

// recordNotGranted is the error of a record that no grant lets out, and of one
// that is not there: who may not see it must not learn which.
func recordNotGranted() error { return errs.New(errs.NotFound, "exchange.record_not_granted") }

// hide makes every error that tells whether a record is there the same. What it
// was stands in the log alone.
func (x *Exchange) hide(ctx context.Context, r *run, err error) error {
	if err == nil || !r.decision.filtered() {
		return err
	}
	switch errs.KindOf(err) {
	case errs.NotFound, errs.Gone, errs.Forbidden, errs.Conflict:
	default:
		if errs.CodeOf(err) != "exchange.answer_unreadable" { // the client may ask for a form that cannot be looked into
			return err
		}
	}
	x.log.InfoContext(ctx, "exchange: nothing left the filter", "request", r.requestID, "service", r.Service.String(), "code", errs.CodeOf(err))
	return errs.New(errs.NotFound, "exchange.record_not_granted", "client", r.Client.String(), "service", r.Service.String())
}

// sifting is an answer on its way through the filters.
type sifting struct {
	decision
	kept, removed [][]byte // records as the provider gave them
}

// sift brings an answer down to the records that the grants let out, each with
// the fields of those grants alone. It knows the shapes that filterBody knows. Of
// a list nothing but its records is left: totals would count what was removed. A
// single record that stays here is exchange.record_not_granted.
func (s *sifting) sift(body []byte) (out []byte, records int, err error) {
	body = bytes.TrimSpace(body)
	unreadable := errs.New(errs.Unavailable, "exchange.answer_unreadable")
	var list []json.RawMessage
	var top map[string]json.RawMessage
	switch {
	case len(body) == 0:
		return nil, 0, recordNotGranted()
	case body[0] == '[':
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, 0, unreadable.Wrap(err)
		}
		items, err := s.each(list)
		if err != nil {
			return nil, 0, unreadable.Wrap(err)
		}
		out, err = json.Marshal(items)
		return out, len(items), err
	case json.Unmarshal(body, &top) != nil || top == nil:
		return nil, 0, unreadable
	}
	if raw, isList := top["records"]; isList {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, 0, unreadable.Wrap(err)
		}
		items, err := s.each(list)
		if err != nil {
			return nil, 0, unreadable.Wrap(err)
		}
		out, err = json.Marshal(map[string]any{"records": items})
		return out, len(items), err
	}
	one, err := s.record(body)
	if err == nil && one == nil {
		err = recordNotGranted()
	}
	return one, 1, err
}

func (s *sifting) each(list []json.RawMessage) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, 0, len(list))
	for _, raw := range list {
		kept, err := s.record(raw)
		if err != nil {
			return nil, err
		}
		if kept != nil {
			out = append(out, kept)
		}
	}
	return out, nil
}

// record gives what may leave of a record, a register's or a bare one; nil for
// nothing.
func (s *sifting) record(raw json.RawMessage) (json.RawMessage, error) {
	data, times := raw, 0
	var top map[string]json.RawMessage
	if json.Unmarshal(raw, &top) == nil && top["data"] != nil {
		err := members(raw, func(name string, v json.RawMessage) error {
			if name == "data" {
				data, times = v, times+1
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	trees, ok := s.lets(data)
	if !ok || times > 1 { // said twice, it would be looked into once
		s.removed = append(s.removed, raw)
		return nil, nil
	}
	s.kept = append(s.kept, raw)
	var err error
	for _, t := range trees {
		switch {
		case t.all || raw == nil:
		case times == 1:
			if top, err = t.keepRecord(top); err == nil {
				raw, err = json.Marshal(top)
			}
		default:
			raw, err = t.keep(raw)
		}
		if err != nil {
			return nil, err
		}
	}
	return raw, nil
}

// subjects leaves out the people who are named by removed records alone: nothing
// about them leaves. Who is named by none may be meant by any, and stays.
func (s *sifting) subjects(all []string) (out []string) {
	names := func(records [][]byte, who string) bool {
		return slices.ContainsFunc(records, func(r []byte) bool { return bytes.Contains(r, []byte(`"`+who+`"`)) })
	}
	for _, who := range all {
		if names(s.kept, who) || !names(s.removed, who) {
			out = append(out, who)
		}
	}
	return out
}

// limitFiltered brings a reply down to what grants with filters let out. Headers
// stay behind: they may count, or tell of a record that does.
func (d decision) limitFiltered(got answered, body []byte) (answered, error) {
	got.headers = nil
	switch {
	case got.status == 403 || got.status == 404 || got.status == 409 || got.status == 410 || got.status == 412 || got.status >= 300 && got.status < 400:
		return answered{}, recordNotGranted()
	case got.status >= 400:
		got.body = keepProblem(body)
		return got, nil
	}
	s := &sifting{decision: d}
	var err error
	got.body, got.records, err = s.sift(body)
	got.subjects = s.subjects(got.subjects)
	return got, err
}
