package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// placeChunk is how many leaves one statement places: two parameters each, far below every
// engine's limit, and few enough statements that a round trip to a server does not count.
const placeChunk = 256

type row struct {
	id   string
	leaf []byte
}

type checkpoint struct {
	tree tlog.Tree
	note []byte
}

type lease struct {
	holder     string
	now, until int64
}

// insertLeaf is idempotent in one statement: the update that changes nothing makes the row that was
// there come back. It says whether the row holds this leaf.
func insertLeaf(ctx context.Context, q db.Querier, r row, at int64) (same bool, err error) {
	var there []byte
	err = q.QueryRowContext(ctx, `
		INSERT INTO ledger_leaf (id, at, leaf) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET at = ledger_leaf.at
		RETURNING leaf`, r.id, at, r.leaf).Scan(&there)
	return bytes.Equal(there, r.leaf), err
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

func pendingLeaves(ctx context.Context, q db.Querier, limit int) (out []row, err error) {
	rows, err := q.QueryContext(ctx, `SELECT id, leaf FROM ledger_leaf WHERE idx IS NULL ORDER BY at, id LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.leaf); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// placeLeaves gives the leaves the indexes from first on.
func placeLeaves(ctx context.Context, q db.Querier, rows []row, first int64) error {
	for len(rows) > 0 {
		chunk := rows[:min(len(rows), placeChunk)]
		args := make([]any, 0, 2*len(chunk))
		for i, r := range chunk {
			args = append(args, r.id, first+int64(i))
		}
		if _, err := q.ExecContext(ctx, placeSQL(len(chunk)), args...); err != nil {
			return err
		}
		rows, first = rows[len(chunk):], first+int64(len(chunk))
	}
	return nil
}

// placeSQL updates n leaves in one statement; both engines call the columns of VALUES column1 and
// column2.
func placeSQL(n int) string {
	var b strings.Builder
	b.WriteString(`UPDATE ledger_leaf SET idx = v.column2 FROM (VALUES `)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("($" + strconv.Itoa(2*i+1) + ", CAST($" + strconv.Itoa(2*i+2) + " AS BIGINT))")
	}
	b.WriteString(`) AS v WHERE ledger_leaf.id = v.column1`)
	return b.String()
}

func sealedLeaves(ctx context.Context, q db.Querier, from int64, n int) (out [][]byte, err error) {
	rows, err := q.QueryContext(ctx, `SELECT leaf FROM ledger_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx`, from, from+int64(n))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var leaf []byte
		if err := rows.Scan(&leaf); err != nil {
			return nil, err
		}
		out = append(out, leaf)
	}
	return out, rows.Err()
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
