package registers

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/text"
)

type store struct{ db *db.DB }

const recordColumns = `r.id, r.register, r.version, r.valid_from, r.updated, r.data`

func scanRecord(scan func(...any) error) (Record, error) {
	var rec Record
	var updated int64
	var data string
	if err := scan(&rec.ID, &rec.Register, &rec.Version, &rec.ValidFrom, &updated, &data); err != nil {
		return Record{}, err
	}
	rec.UpdatedAt = time.UnixMicro(updated).UTC()
	return rec, json.Unmarshal([]byte(data), &rec.Data)
}

func (s store) read(ctx context.Context, register, id string) (rec Record, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		rec, err = scanRecord(q.QueryRowContext(ctx, `SELECT `+recordColumns+` FROM registers_record r WHERE r.register=$1 AND r.id=$2`, register, id).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Record{}, errs.New(errs.NotFound, "registers.record_not_found", "register", register)
	}
	return rec, err
}

func (s store) many(ctx context.Context, query string, args ...any) ([]Record, error) {
	return db.List(ctx, s.db, scanRecord, query, args...)
}

// find walks the index from the field that tells most apart, the first one, and
// asks of each record met whether the other fields agree. So it costs what the
// records with that one value cost, however large the register. Fields are in
// the order of [Definition.selective].
func (s store) find(ctx context.Context, register string, fields []string, where map[string]string, limit int) ([]Record, error) {
	args := []any{register, fields[0], where[fields[0]]}
	var others strings.Builder
	for _, f := range fields[1:] {
		n := len(args)
		others.WriteString(` AND EXISTS (SELECT 1 FROM registers_index o WHERE o.register=$1 AND o.field=$` + strconv.Itoa(n+1) + ` AND o.value=$` + strconv.Itoa(n+2) + ` AND o.record=i.record)`)
		args = append(args, f, where[f])
	}
	args = append(args, limit)
	return s.many(ctx, `SELECT `+recordColumns+` FROM registers_index i JOIN registers_record r ON r.id=i.record WHERE i.register=$1 AND i.field=$2 AND i.value=$3`+
		others.String()+` ORDER BY i.record LIMIT $`+strconv.Itoa(len(args)), args...)
}

func (s store) search(ctx context.Context, register, query string, limit int) ([]Record, error) {
	words := strings.Fields(text.Fold(query))
	if len(words) == 0 {
		return s.many(ctx, `SELECT `+recordColumns+` FROM registers_record r WHERE r.register=$1 ORDER BY r.id DESC LIMIT $2`, register, limit)
	}
	escape := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
	var conditions strings.Builder
	args := []any{register}
	for _, w := range words {
		args = append(args, "%"+escape.Replace(w)+"%")
		conditions.WriteString(` AND r.search LIKE $` + strconv.Itoa(len(args)) + ` ESCAPE '\'`)
	}
	args = append(args, limit)
	return s.many(ctx, `SELECT `+recordColumns+` FROM registers_record r WHERE r.register=$1`+conditions.String()+` ORDER BY r.id LIMIT $`+strconv.Itoa(len(args)), args...)
}

func (s store) history(ctx context.Context, id string) ([]Version, error) {
	return db.List(ctx, s.db, func(scan db.Scan) (v Version, err error) {
		var at int64
		var data string
		if err := scan(&v.Version, &at, &v.Actor, &v.Reason, &v.ValidFrom, &data); err != nil {
			return v, err
		}
		v.At = time.UnixMicro(at).UTC()
		return v, json.Unmarshal([]byte(data), &v.Data)
	}, `SELECT version, at, actor, reason, valid_from, data FROM registers_history WHERE record=$1 ORDER BY version DESC`, id)
}

func (s store) count(ctx context.Context, register string) (n int, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT COUNT(*) FROM registers_record r WHERE r.register=$1`, register).Scan(&n)
	})
	return n, err
}

// done finds what a change with this key made before. Error: registers.key_reused.
func (s store) done(ctx context.Context, c Change) (rec Record, ok bool, err error) {
	if c.Key == "" {
		return Record{}, false, nil
	}
	var id, fingerprint string
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT record, fingerprint FROM registers_done WHERE change_key=$1`, c.Key).Scan(&id, &fingerprint)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Record{}, false, nil
	}
	if err != nil {
		return Record{}, false, err
	}
	if fingerprint != c.Fingerprint && c.Fingerprint != "" {
		return Record{}, false, errs.New(errs.Conflict, "registers.key_reused")
	}
	rec, err = s.read(ctx, c.Register, id)
	return rec, err == nil, err
}

func (s store) next(ctx context.Context, register, prefix string) (n int64, err error) {
	err = s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `INSERT INTO registers_sequence (register, prefix, last) VALUES ($1,$2,1)
			ON CONFLICT (register, prefix) DO UPDATE SET last=registers_sequence.last+1 RETURNING last`, register, prefix).Scan(&n)
	})
	return n, err
}

func (s store) taken(ctx context.Context, register, key string) (bool, error) {
	var n int
	err := s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		return q.QueryRowContext(ctx, `SELECT COUNT(*) FROM registers_unique WHERE register=$1 AND value=$2`, register, key).Scan(&n)
	})
	return n > 0, err
}

func (s store) insert(ctx context.Context, def *Definition, rec Record, c Change) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		res, err := q.ExecContext(ctx, `INSERT INTO registers_unique (register, value, record) VALUES ($1,$2,$3) ON CONFLICT (register, value) DO NOTHING`,
			def.ID, value(rec.Data, def.Key), rec.ID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errs.New(errs.Conflict, "registers.key_taken", "field", def.Key, "register", def.ID))
		}
		data, err := json.Marshal(rec.Data)
		if err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `INSERT INTO registers_record (id, register, version, valid_from, updated, search, data) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
			rec.ID, rec.Register, rec.Version, rec.ValidFrom, rec.UpdatedAt.UnixMicro(), def.searchText(rec.Data), string(data)); err != nil {
			return err
		}
		return s.trace(ctx, q, def, written{rec, c, string(data)})
	})
}

func (s store) update(ctx context.Context, def *Definition, rec Record, c Change) error {
	return s.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		data, err := json.Marshal(rec.Data)
		if err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `UPDATE registers_record SET version=$1, valid_from=$2, updated=$3, search=$4, data=$5 WHERE id=$6`,
			rec.Version, rec.ValidFrom, rec.UpdatedAt.UnixMicro(), def.searchText(rec.Data), string(data), rec.ID); err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `DELETE FROM registers_index WHERE record=$1`, rec.ID); err != nil {
			return err
		}
		return s.trace(ctx, q, def, written{rec, c, string(data)})
	})
}

// written is a record as it goes into the database, with the change behind it.
type written struct {
	rec    Record
	change Change
	data   string
}

// trace writes what insert and update have in common: the look-up values, the
// version and the change's key.
func (s store) trace(ctx context.Context, q db.Querier, def *Definition, w written) error {
	rec, c, data := w.rec, w.change, w.data
	for _, f := range def.Index {
		v := value(rec.Data, f)
		if v == "" {
			continue
		}
		if _, err := q.ExecContext(ctx, `INSERT INTO registers_index (register, field, value, record) VALUES ($1,$2,$3,$4)`, def.ID, f, v, rec.ID); err != nil {
			return err
		}
	}
	if _, err := q.ExecContext(ctx, `INSERT INTO registers_history (record, version, at, actor, reason, valid_from, data) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
		rec.ID, rec.Version, rec.UpdatedAt.UnixMicro(), c.Actor, c.Reason, rec.ValidFrom, data); err != nil {
		return err
	}
	if c.Key == "" {
		return nil
	}
	_, err := q.ExecContext(ctx, `INSERT INTO registers_done (change_key, record, version, fingerprint) VALUES ($1,$2,$3,$4)`, c.Key, rec.ID, rec.Version, c.Fingerprint)
	return err
}

// byKey reads a record by the value of its register's key field.
func (s store) byKey(ctx context.Context, register, key string) (rec Record, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		rec, err = scanRecord(q.QueryRowContext(ctx, `SELECT `+recordColumns+` FROM registers_unique u JOIN registers_record r ON r.id=u.record WHERE u.register=$1 AND u.value=$2`, register, key).Scan)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Record{}, errs.New(errs.NotFound, "registers.record_not_found", "register", register)
	}
	return rec, err
}
