package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/clock"
	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
	"github.com/dinh-gov/dinh/kernel/id"
)

// MaxLeaf is the longest leaf in bytes: entry bundles carry lengths in 16 bits.
const MaxLeaf = 1<<16 - 1

// MaxBatch is how many leaves one Seal takes.
const MaxBatch = 4096

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations holds the tables of the ledger, for db.Migrate under the name "ledger".
func Migrations() fs.FS { return migrations }

// Deps is what a ledger stands on.
type Deps struct {
	DB    *db.DB
	Clock clock.Clock
	Log   *slog.Logger
	// Origin names the log in every checkpoint, as a URL prefix without scheme: "dinh.gov.vn/ledger".
	Origin string
	// Signer signs checkpoints; its name must be the origin.
	Signer note.Signer
	// Stamper dates checkpoints; nil leaves them undated.
	Stamper Stamper
}

// Ledger is one log in one database. All methods are safe for concurrent use, also by several
// processes on the same database.
type Ledger struct {
	db     *db.DB
	clock  clock.Clock
	log    *slog.Logger
	origin string
	signer note.Signer
	stamps stamps

	holder string // this process, in the lease
	wake   chan struct{}
	edge   atomic.Pointer[edge] // right edge of the last tree sealed here

	mu    sync.Mutex
	tiles map[tileKey][]byte // full tiles never change
}

// New returns a ledger over tables that exist already. It refuses a signer whose name is not the
// origin, since verifiers look keys up by origin.
func New(d Deps) (*Ledger, error) {
	switch {
	case d.DB == nil || d.Clock == nil || d.Signer == nil:
		return nil, fmt.Errorf("ledger: Deps needs DB, Clock and Signer")
	case d.Origin == "" || d.Origin != d.Signer.Name():
		return nil, fmt.Errorf("ledger: the origin %q must be the name of the signing key, which is %q", d.Origin, d.Signer.Name())
	}
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Ledger{
		db: d.DB, clock: d.Clock, log: log, origin: d.Origin, signer: d.Signer, stamps: stamps{by: d.Stamper},
		holder: id.New(d.Clock.Now()),
		wake:   make(chan struct{}, 1),
		tiles:  make(map[tileKey][]byte),
	}, nil
}

// Commit is the leaf of a fact: HMAC-SHA-256 of its canonical bytes under a key of its own. Without
// the key nobody can test a guess against it; with the key anybody can check it.
func Commit(key, canonical []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(canonical)
	return h.Sum(nil)
}

// Append puts a leaf in line for sealing. Inside db.Write it is part of that transaction, alone it
// opens one. It may be repeated: the same id with the same leaf changes nothing, also after sealing;
// with another leaf it is refused as errs.Conflict "ledger.id_reused". Other refusals are
// errs.Invalid "ledger.id_missing", "ledger.leaf_empty" and "ledger.leaf_too_long".
func (l *Ledger) Append(ctx context.Context, id string, leaf []byte) error {
	switch {
	case id == "":
		return errs.New(errs.Invalid, "ledger.id_missing")
	case len(leaf) == 0:
		return errs.New(errs.Invalid, "ledger.leaf_empty", "id", id)
	case len(leaf) > MaxLeaf:
		return errs.New(errs.Invalid, "ledger.leaf_too_long", "id", id, "max", MaxLeaf)
	}
	at := l.clock.Now().UnixMicro()
	return l.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		same, err := insertLeaf(ctx, q, row{id: id, leaf: leaf}, at)
		if err != nil {
			return err
		}
		if !same {
			return errs.New(errs.Conflict, "ledger.id_reused", "id", id)
		}
		db.AfterCommit(ctx, l.poke)
		return nil
	})
}

// poke wakes Run; many pokes before it looks are one.
func (l *Ledger) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Origin is the name of the log.
func (l *Ledger) Origin() string { return l.origin }

// Checkpoint returns the newest signed tree head. A log in which nothing is sealed has one too, of
// size 0.
func (l *Ledger) Checkpoint(ctx context.Context) ([]byte, error) {
	cp, err := l.head(ctx)
	if err != nil {
		return nil, err
	}
	return cp.note, nil
}

// Size is the number of sealed leaves.
func (l *Ledger) Size(ctx context.Context) (int64, error) {
	cp, err := l.head(ctx)
	return cp.tree.N, err
}

// Pending is the number of leaves that wait for a seal: a figure to watch, and zero at rest.
func (l *Ledger) Pending(ctx context.Context) (n int64, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		n, err = countPending(ctx, q)
		return err
	})
	return n, err
}

func (l *Ledger) head(ctx context.Context) (cp checkpoint, err error) {
	err = l.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		cp, err = latestCheckpoint(ctx, q)
		return err
	})
	if err != nil {
		return checkpoint{}, err
	}
	if cp.tree.N == 0 {
		return l.sign(tlog.Tree{N: 0, Hash: emptyRoot()})
	}
	return cp, nil
}

// Proof returns the receipt of a leaf as a c2sp.org/tlog-proof@v1 text against the newest
// checkpoint. Errors: errs.NotFound "ledger.unknown_id"; errs.Unavailable "ledger.not_sealed_yet",
// which goes away by itself after the next seal.
func (l *Ledger) Proof(ctx context.Context, id string) ([]byte, error) {
	var out []byte
	err := l.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		idx, err := leafIndex(ctx, q, id)
		if err != nil {
			return err
		}
		cp, err := latestCheckpoint(ctx, q)
		if err != nil {
			return err
		}
		if idx < 0 || idx >= cp.tree.N {
			return errs.New(errs.Unavailable, "ledger.not_sealed_yet", "id", id)
		}
		path, err := tlog.ProveRecord(cp.tree.N, idx, l.hashes(ctx, q))
		if err != nil {
			return fmt.Errorf("ledger: prove leaf %d of %d: %w", idx, cp.tree.N, err)
		}
		out = formatProof(proof{Index: idx, Path: path, Checkpoint: cp.note})
		return nil
	})
	return out, err
}

// Consistency proves that the tree of the first size is the beginning of the tree of the second; a
// witness checks it before it cosigns. Sizes beyond the sealed tree are errs.Invalid
// "ledger.size_out_of_range".
func (l *Ledger) Consistency(ctx context.Context, older, newer int64) (tlog.TreeProof, error) {
	var p tlog.TreeProof
	err := l.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		cp, err := latestCheckpoint(ctx, q)
		if err != nil {
			return err
		}
		if older < 0 || older > newer || newer > cp.tree.N {
			return errs.New(errs.Invalid, "ledger.size_out_of_range", "old", older, "new", newer, "size", cp.tree.N)
		}
		if older == 0 || older == newer {
			return nil // RFC 6962: nothing to show
		}
		p, err = tlog.ProveTree(newer, older, l.hashes(ctx, q))
		return err
	})
	return p, err
}
