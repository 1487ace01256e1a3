package registers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/dinh-gov/dinh/kernel/auth"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// handled tells of records in somebody's hands; only then may they go out. h
// needs everything but what the records say themselves. Of a record that changed
// it takes both versions, and Records as one: who is no longer named is told too.
func (r *Registers) handled(ctx context.Context, h Handling, records ...Record) error {
	if h.Records == 0 {
		h.Records = len(records)
	}
	for _, rec := range records {
		for _, s := range h.Definition.SubjectsOf(rec.Data) {
			if !slices.Contains(h.Subjects, s) {
				h.Subjects = append(h.Subjects, s)
			}
		}
	}
	if len(h.Subjects) == 0 {
		return nil
	}
	if r.d.ByHand == nil {
		return errs.New(errs.Internal, "registers.not_recorded")
	}
	return r.d.ByHand(ctx, h)
}

// hand is what the officer of ctx does with records of a register.
func hand(ctx context.Context, def *Definition, operation string, fields []string) Handling {
	return Handling{Definition: def, Operation: operation, Officer: auth.From(ctx).Officer, Fields: fields}
}

// searchByHand, readByHand, createByHand and amendByHand are what officers do
// at the desk and through its API.
func (r *Registers) searchByHand(ctx context.Context, def *Definition, q string, limit int, fields []string) ([]Record, error) {
	if strings.TrimSpace(q) == "" {
		return nil, errs.New(errs.Invalid, "registers.search_empty").With(errs.Field{Name: "q", Code: "registers.search_empty"})
	}
	found, err := r.Search(ctx, def.ID, q, limit)
	if err != nil {
		return nil, err
	}
	return found, r.handled(ctx, hand(ctx, def, "search", fields), found...)
}

func (r *Registers) readByHand(ctx context.Context, def *Definition, id string) (Record, error) {
	rec, err := r.Read(ctx, def.ID, id)
	if err != nil {
		return Record{}, err
	}
	return rec, r.handled(ctx, hand(ctx, def, "read", filled(def, rec.Data)), rec)
}

func (r *Registers) createByHand(ctx context.Context, def *Definition, c Change) (rec Record, err error) {
	err = r.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		var again bool
		if rec, again, err = r.again(ctx, def, c); err != nil || again {
			return err
		}
		if err := r.coded(def, c.Data); err != nil {
			return err
		}
		if rec, err = r.Create(ctx, c); err != nil {
			return err
		}
		return r.handled(ctx, hand(ctx, def, "create", filled(def, rec.Data)), rec)
	})
	return rec, err
}

// amendByHand needs the version that the officer saw, and a change: to save what
// is there would only be a way to read it, and is told as that.
// Errors: registers.version_missing, registers.nothing_to_change.
func (r *Registers) amendByHand(ctx context.Context, def *Definition, c Change) (rec Record, err error) {
	same := false
	err = r.d.DB.Write(ctx, func(ctx context.Context, _ db.Querier) error {
		var again bool
		if rec, again, err = r.again(ctx, def, c); err != nil || again {
			return err
		}
		before, err := r.Read(ctx, def.ID, c.ID)
		if err != nil {
			return err
		}
		if c.Version < 1 {
			return errs.New(errs.Conflict, "registers.version_missing", "version", before.Version)
		}
		same = c.Version == before.Version && reflect.DeepEqual(plain(merge(before.Data, c.Data)), plain(before.Data))
		if same {
			return r.handled(ctx, hand(ctx, def, "read", filled(def, c.Data)), before)
		}
		if err := r.coded(def, c.Data); err != nil {
			return err
		}
		if rec, err = r.Amend(ctx, c); err != nil {
			return err
		}
		h := hand(ctx, def, "amend", filled(def, rec.Data, c.Data))
		h.Records = 1
		return r.handled(ctx, h, before, rec)
	})
	if err == nil && same {
		err = errs.New(errs.Invalid, "registers.nothing_to_change")
	}
	return rec, err
}

// again finds what a change with the same key did before. Nothing is done
// twice; the answer, which shows the record, is a reading.
func (r *Registers) again(ctx context.Context, def *Definition, c Change) (Record, bool, error) {
	rec, ok, err := r.store.done(ctx, c)
	if err != nil || !ok {
		return rec, ok, err
	}
	return rec, true, r.handled(ctx, hand(ctx, def, "read", filled(def, rec.Data)), rec)
}

// coded checks what people typed against the code lists of its fields.
func (r *Registers) coded(def *Definition, data map[string]any) error {
	if r.d.Codes == nil {
		return nil
	}
	var wrong []errs.Field
	for _, f := range def.fields {
		v, list := value(data, f), def.CodeList(f)
		if v == "" || list == "" || len(def.Allowed(f)) > 0 { // a list in the schema says more
			continue
		}
		if _, ok := r.d.Codes(list, v); !ok {
			wrong = append(wrong, errs.Field{Name: f, Code: "registers.field_code", Args: map[string]any{"field": f, "value": v}})
		}
	}
	if len(wrong) > 0 {
		return errs.New(errs.Invalid, "registers.invalid", "register", def.ID).With(wrong...)
	}
	return nil
}

// filled lists the fields that any of data name, even to empty them.
func filled(def *Definition, data ...map[string]any) []string {
	return slices.DeleteFunc(slices.Clone(def.fields), func(f string) bool {
		return !slices.ContainsFunc(data, func(d map[string]any) bool { return holds(d, f) })
	})
}

// fingerprint tells two requests under one key apart.
func fingerprint(method, path string, body any) (string, error) {
	text, err := json.Marshal([]any{method, path, body}) // maps come out sorted
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
