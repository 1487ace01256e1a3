package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

type checkpoint struct {
	tree tlog.Tree
	note []byte
}

type lease struct {
	holder     string
	now, until int64
}

// maxRows is the most leaves in one statement. SQLite's driver finds placeholders by name, so that the
// cost of a statement grows with their square: at 256 rows a leaf costs thrice what it costs at 16.
const maxRows = 16

// insertLeaves is idempotent. Rows that were there, which are rare, are read and compared.
func insertLeaves(ctx context.Context, q db.Querier, leaves []Leaf, at int64) error {
	args := make([]any, 1, 1+2*len(leaves))
	args[0] = at
	for _, leaf := range leaves {
		args = append(args, leaf.ID, leaf.Data)
	}
	res, err := q.ExecContext(ctx, insertText(len(leaves)), args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == int64(len(leaves)) {
		return err
	}
	for _, leaf := range leaves {
		var there []byte
		if err := q.QueryRowContext(ctx, `SELECT leaf FROM ledger_leaf WHERE id = $1`, leaf.ID).Scan(&there); err != nil {
			return err
		}
		if !bytes.Equal(there, leaf.Data) {
			return errs.New(errs.Conflict, "ledger.id_reused", "id", leaf.ID)
		}
	}
	return nil
}

// insertText is the statement for n rows, whose time is $1.
func insertText(n int) string {
	text := []byte(`INSERT INTO ledger_leaf (id, at, leaf) VALUES `)
	for i := range n {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = fmt.Appendf(text, "($%d, $1, $%d)", 2*i+2, 2*i+3)
	}
	return string(append(text, ` ON CONFLICT (id) DO NOTHING`...))
}

// leafIndex is -1 for a leaf that waits.
func leafIndex(ctx context.Context, q db.Querier, id string) (int64, error) {
	var idx sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT idx FROM ledger_leaf WHERE id = $1`, id).Scan(&idx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, errs.New(errs.NotFound, "ledger.unknown_id", "id", id)
	case err != nil:
		return 0, err
	case !idx.Valid:
		return -1, nil
	}
	return idx.Int64, nil
}

func anyPending(ctx context.Context, q db.Querier) (bool, error) {
	var one int
	err := q.QueryRowContext(ctx, `SELECT 1 FROM ledger_leaf WHERE idx IS NULL LIMIT 1`).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func countPending(ctx context.Context, q db.Querier) (n int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT COUNT(*) FROM ledger_leaf WHERE idx IS NULL`).Scan(&n)
	return n, err
}

// placeLeaves gives the oldest waiting leaves the indexes from first on and returns them in that
// order. One statement finds, numbers and returns them, so that no leaf can slip in between.
func placeLeaves(ctx context.Context, q db.Querier, first int64, limit int) ([][]byte, error) {
	rows, err := q.QueryContext(ctx, `
		UPDATE ledger_leaf SET idx = CAST($1 AS BIGINT) + waiting.place - 1
		FROM (
			SELECT id, ROW_NUMBER() OVER (ORDER BY at, id) AS place
			FROM (SELECT id, at FROM ledger_leaf WHERE idx IS NULL ORDER BY at, id LIMIT $2) AS oldest
		) AS waiting
		WHERE ledger_leaf.id = waiting.id
		RETURNING ledger_leaf.idx, ledger_leaf.leaf`, first, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	placed := make(map[int64][]byte) // they come in any order
	for rows.Next() {
		var idx int64
		var leaf []byte
		if err := rows.Scan(&idx, &leaf); err != nil {
			return nil, err
		}
		placed[idx] = leaf
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	out := make([][]byte, len(placed))
	for i := range out {
		leaf, ok := placed[first+int64(i)]
		if !ok {
			return nil, fmt.Errorf("ledger: no leaf took index %d of the %d from %d on", first+int64(i), len(out), first)
		}
		out[i] = leaf
	}
	return out, nil
}

func sealedLeaves(ctx context.Context, q db.Querier, from int64, n int) ([][]byte, error) {
	return db.Rows(ctx, q, db.Value[[]byte], `SELECT leaf FROM ledger_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx`, from, from+int64(n))
}

func readTile(ctx context.Context, q db.Querier, k tileKey) (hashes []byte, err error) {
	err = q.QueryRowContext(ctx, `SELECT hashes FROM ledger_tile WHERE level = $1 AND n = $2`, k.level, k.n).Scan(&hashes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return hashes, err
}

func writeTiles(ctx context.Context, q db.Querier, tiles map[tileKey][]byte) error {
	for k, hashes := range tiles {
		if _, err := q.ExecContext(ctx, `
			INSERT INTO ledger_tile (level, n, hashes) VALUES ($1, $2, $3)
			ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes`, k.level, k.n, hashes); err != nil {
			return err
		}
	}
	return nil
}

// latestCheckpoint is zero when nothing is sealed.
func latestCheckpoint(ctx context.Context, q db.Querier) (cp checkpoint, err error) {
	var root, signed string
	err = q.QueryRowContext(ctx, `SELECT size, root, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1`).Scan(&cp.tree.N, &root, &signed)
	if errors.Is(err, sql.ErrNoRows) {
		return checkpoint{}, nil
	}
	if err != nil {
		return checkpoint{}, err
	}
	if cp.tree.Hash, err = tlog.ParseHash(root); err != nil {
		return checkpoint{}, err
	}
	cp.note = []byte(signed)
	return cp, nil
}

// insertCheckpoint fails on a size that is there: two sealers can never sign two trees of one size.
func insertCheckpoint(ctx context.Context, q db.Querier, cp checkpoint, at int64) error {
	_, err := q.ExecContext(ctx, `INSERT INTO ledger_checkpoint (size, root, note, at) VALUES ($1, $2, $3, $4)`,
		cp.tree.N, cp.tree.Hash.String(), string(cp.note), at)
	return err
}

// takeLease says whether the holder may seal until the end of this transaction: on engines with
// several writers the row stays locked until then.
func takeLease(ctx context.Context, q db.Querier, l lease) (bool, error) {
	res, err := q.ExecContext(ctx, `
		INSERT INTO ledger_lease (name, holder, until) VALUES ('seal', $1, $2)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE ledger_lease.holder = excluded.holder OR ledger_lease.until < $3`, l.holder, l.until, l.now)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
