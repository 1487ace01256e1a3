package registers

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
	"github.com/dinh-gov/dinh/kernel/text"
)

// Create makes a new record. A change whose Key was done before returns the
// record it made then. It joins the transaction of ctx.
//
// Errors: registers.invalid with one field error per wrong value,
// registers.key_taken, registers.reason_missing, registers.reason_long,
// registers.reason_control, registers.valid_from.
func (r *Registers) Create(ctx context.Context, c Change) (Record, error) {
	def, err := r.Definition(c.Register)
	if err != nil {
		return Record{}, err
	}
	var rec Record
	err = r.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		rec, err = r.create(ctx, def, c)
		return err
	})
	return rec, err
}

func (r *Registers) create(ctx context.Context, def *Definition, c Change) (Record, error) {
	if err := r.prepare(def, &c); err != nil {
		return Record{}, err
	}
	if done, ok, err := r.store.done(ctx, c); err != nil || ok {
		return done, err
	}
	data, err := r.assign(ctx, def, c.Data)
	if err != nil {
		return Record{}, err
	}
	if err := def.validate(data); err != nil {
		return Record{}, err
	}
	now := r.d.Clock.Now()
	rec := Record{ID: id.New(now), Register: def.ID, Version: 1, ValidFrom: c.ValidFrom, UpdatedAt: now.UTC(), Data: data}
	return rec, r.store.insert(ctx, def, rec, c)
}

// Amend changes a record by merge patch and keeps the old version. It joins
// the transaction of ctx.
//
// Errors: registers.record_not_found, registers.changed_meanwhile,
// registers.key_fixed (the key field cannot change), and those of Create.
func (r *Registers) Amend(ctx context.Context, c Change) (Record, error) {
	def, err := r.Definition(c.Register)
	if err != nil {
		return Record{}, err
	}
	var rec Record
	err = r.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		rec, err = r.amend(ctx, def, c)
		return err
	})
	return rec, err
}

func (r *Registers) amend(ctx context.Context, def *Definition, c Change) (Record, error) {
	if err := r.prepare(def, &c); err != nil {
		return Record{}, err
	}
	if done, ok, err := r.store.done(ctx, c); err != nil || ok {
		return done, err
	}
	rec, err := r.store.read(ctx, def.ID, c.ID)
	if err != nil {
		return Record{}, err
	}
	if c.Version != 0 && c.Version != rec.Version {
		return Record{}, errs.New(errs.Conflict, "registers.changed_meanwhile", "version", rec.Version)
	}
	data, _ := merge(rec.Data, c.Data).(map[string]any)
	if value(data, def.Key) != value(rec.Data, def.Key) {
		return Record{}, errs.New(errs.Invalid, "registers.key_fixed", "field", def.Key)
	}
	if err := def.validate(data); err != nil {
		return Record{}, err
	}
	rec.Version, rec.ValidFrom, rec.UpdatedAt, rec.Data = rec.Version+1, c.ValidFrom, r.d.Clock.Now().UTC(), data
	return rec, r.store.update(ctx, def, rec, c)
}

// CreateMany makes many records in transactions of 500, for seeding. It stops
// at the first refused one and says which; earlier batches stay.
func (r *Registers) CreateMany(ctx context.Context, register string, changes []Change) error {
	def, err := r.Definition(register)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(changes, 500) {
		err := r.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
			for i, c := range batch {
				if _, err := r.create(ctx, def, c); err != nil {
					return fmt.Errorf("%s, record %d of the batch: %w", register, i+1, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// assign gives the record its number if it has none.
func (r *Registers) assign(ctx context.Context, def *Definition, data map[string]any) (map[string]any, error) {
	if def.Assign == nil || value(data, def.Assign.Field) != "" {
		return data, nil
	}
	prefix, err := def.prefix.String(map[string]any{"record": data})
	if err != nil {
		return nil, errs.New(errs.Invalid, "registers.cannot_assign", "field", def.Assign.Field).Wrap(err)
	}
	for {
		n, err := r.store.next(ctx, def.ID, prefix)
		if err != nil {
			return nil, err
		}
		number := fmt.Sprintf("%s%0*d", prefix, def.Assign.Digits, n)
		taken, err := r.store.taken(ctx, def.ID, number)
		if err != nil {
			return nil, err
		}
		if !taken {
			return with(data, def.Assign.Field, number), nil
		}
	}
}

// plain turns Go numbers into what the schema library compares.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case int:
		return json.Number(fmt.Sprint(v))
	case int64:
		return json.Number(fmt.Sprint(v))
	}
	return v
}

// merge is RFC 7396: null removes, objects merge, everything else replaces.
func merge(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out := map[string]any{}
	if t, ok := target.(map[string]any); ok {
		for k, v := range t {
			out[k] = v
		}
	}
	for k, v := range p {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = merge(out[k], v)
	}
	return out
}

// with sets a dotted field without changing the caller's maps.
func with(data map[string]any, field string, v any) map[string]any {
	head, rest, nested := strings.Cut(field, ".")
	out := make(map[string]any, len(data)+1)
	for k, e := range data {
		out[k] = e
	}
	if !nested {
		out[head] = v
		return out
	}
	child, _ := data[head].(map[string]any)
	out[head] = with(child, rest, v)
	return out
}

// value reads a dotted field as text; "" when it is not there.
// holds says whether data name a field, even an emptied one.
func holds(data map[string]any, field string) bool {
	head, rest, nested := strings.Cut(field, ".")
	v, ok := data[head]
	if child, isMap := v.(map[string]any); nested {
		return isMap && holds(child, rest)
	}
	return ok
}

func value(data map[string]any, field string) string {
	var at any = data
	for _, part := range strings.Split(field, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = m[part]
	}
	switch at := at.(type) {
	case nil:
		return ""
	case []any:
		parts := make([]string, len(at))
		for i, e := range at {
			parts[i] = fmt.Sprint(e)
		}
		return strings.Join(parts, "; ")
	}
	return fmt.Sprint(at)
}

// SubjectsOf lists the personal numbers that a record is about.
func (d *Definition) SubjectsOf(data map[string]any) []string {
	var out []string
	for _, f := range d.Subjects {
		if v := value(data, f); v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func (d *Definition) searchText(data map[string]any) string {
	var parts []string
	for _, f := range d.Search {
		parts = append(parts, text.Fold(value(data, f)))
	}
	return strings.Join(parts, " ")
}

// selective sorts the fields asked for by how few records share a value: the
// key, then personal numbers, then the rest by name.
func (d *Definition) selective(where map[string]string) []string {
	rank := func(field string) int {
		switch {
		case field == d.Key:
			return 0
		case slices.Contains(d.Subjects, field):
			return 1
		}
		return 2
	}
	return slices.SortedFunc(maps.Keys(where), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

func indexed(def *Definition, where map[string]string) error {
	if len(where) == 0 {
		return errs.New(errs.Invalid, "registers.where_missing", "fields", strings.Join(def.Index, ", "))
	}
	for f := range where {
		if !slices.Contains(def.Index, f) {
			return errs.New(errs.Invalid, "registers.not_indexed", "field", f, "fields", strings.Join(def.Index, ", "))
		}
	}
	return nil
}
