package ledger

import (
	"context"
	"database/sql"
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/db"
)

// witnessed is the newest tree of another log that was cosigned here.
type witnessed struct {
	origin string
	tree   tlog.Tree
	note   []byte
}

// readWitnessed gives the empty tree for a log that nothing was cosigned of.
func readWitnessed(ctx context.Context, q db.Querier, origin string) (tree tlog.Tree, err error) {
	var root string
	err = q.QueryRowContext(ctx, `SELECT size, root FROM ledger_witnessed WHERE origin = $1`, origin).Scan(&tree.N, &root)
	if errors.Is(err, sql.ErrNoRows) {
		return tlog.Tree{Hash: emptyRoot()}, nil
	}
	if err != nil {
		return tlog.Tree{}, err
	}
	tree.Hash, err = tlog.ParseHash(root)
	return tree, err
}

// writeWitnessed never goes back, whatever its caller believes.
func writeWitnessed(ctx context.Context, q db.Querier, w witnessed, at int64) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO ledger_witnessed (origin, size, root, note, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note, at = excluded.at
		WHERE ledger_witnessed.size <= excluded.size`, w.origin, w.tree.N, w.tree.Hash.String(), string(w.note), at)
	return err
}

// insertCosignature keeps the first of a witness for a size: one is as good as another.
func insertCosignature(ctx context.Context, q db.Querier, size int64, witness string, c cosignature) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO ledger_cosignature (size, witness, line, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (size, witness) DO NOTHING`, size, witness, string(c.line), db.Micros(c.at))
	return err
}

// cosignatures are the signature lines for a checkpoint.
func cosignatures(ctx context.Context, q db.Querier, size int64) ([]string, error) {
	return db.Rows(ctx, q, db.Value[string], `SELECT line FROM ledger_cosignature WHERE size = $1 ORDER BY witness`, size)
}

// cosignedSize is the largest size that a witness cosigned; 0 before the first.
func cosignedSize(ctx context.Context, q db.Querier, witness string) (n int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT COALESCE(MAX(size), 0) FROM ledger_cosignature WHERE witness = $1`, witness).Scan(&n)
	return n, err
}

// latestCosigned is the newest checkpoint that any witness cosigned; zero without one.
func latestCosigned(ctx context.Context, q db.Querier) (cp checkpoint, err error) {
	var root, signed string
	err = q.QueryRowContext(ctx, `SELECT size, root, note FROM ledger_checkpoint WHERE size = (SELECT MAX(size) FROM ledger_cosignature)`).Scan(&cp.tree.N, &root, &signed)
	if errors.Is(err, sql.ErrNoRows) {
		return checkpoint{}, nil
	}
	if err != nil {
		return checkpoint{}, err
	}
	cp.tree.Hash, err = tlog.ParseHash(root)
	cp.note = []byte(signed)
	return cp, err
}
