package ledger

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"math/bits"
	"slices"
	"strings"
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

// MaxBatch is how many leaves one Seal takes. It holds the database's one writer for as long as
// that many leaves need, some six milliseconds, which everybody who writes meanwhile waits for.
const MaxBatch = 1024

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
	// Witnesses cosign checkpoints; none leaves them with our signature alone.
	Witnesses []WitnessAt
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

	witnesses []*ours

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
	l := &Ledger{
		db: d.DB, clock: d.Clock, log: log, origin: d.Origin, signer: d.Signer, stamps: stamps{by: d.Stamper},
		holder: id.New(d.Clock.Now()),
		wake:   make(chan struct{}, 1),
		tiles:  make(map[tileKey][]byte),
	}
	for _, at := range d.Witnesses {
		w, err := newCosigningWitness(at)
		if err != nil {
			return nil, err
		}
		l.witnesses = append(l.witnesses, &ours{cosigningWitness: w})
	}
	return l, nil
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
	return l.AppendBatch(ctx, []Leaf{{ID: id, Data: leaf}})
}

// Leaf is an entry on its way into the log.
type Leaf struct {
	ID   string
	Data []byte
}

// AppendBatch is Append for many leaves in few statements: all of them or, with the error of the
// first that is refused, none. An id may come twice in a batch if its leaf is the same.
func (l *Ledger) AppendBatch(ctx context.Context, leaves []Leaf) error {
	rows, err := distinct(leaves)
	if err != nil || len(rows) == 0 {
		return err
	}
	at := l.clock.Now().UnixMicro()
	return l.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		for rest := rows; len(rest) > 0; {
			n := chunk(len(rest))
			if err := insertLeaves(ctx, q, rest[:n], at); err != nil {
				return err
			}
			rest = rest[n:]
		}
		db.AfterCommit(ctx, l.poke)
		return nil
	})
}

// distinct gives the leaves in the order of their ids, each once. The order keeps two batches with
// the same ids from waiting for each other.
func distinct(leaves []Leaf) ([]Leaf, error) {
	for _, leaf := range leaves {
		switch {
		case leaf.ID == "":
			return nil, errs.New(errs.Invalid, "ledger.id_missing")
		case len(leaf.Data) == 0:
			return nil, errs.New(errs.Invalid, "ledger.leaf_empty", "id", leaf.ID)
		case len(leaf.Data) > MaxLeaf:
			return nil, errs.New(errs.Invalid, "ledger.leaf_too_long", "id", leaf.ID, "max", MaxLeaf)
		}
	}
	sorted := slices.SortedStableFunc(slices.Values(leaves), func(a, b Leaf) int { return strings.Compare(a.ID, b.ID) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].ID == sorted[i-1].ID && !bytes.Equal(sorted[i].Data, sorted[i-1].Data) {
			return nil, errs.New(errs.Conflict, "ledger.id_reused", "id", sorted[i].ID)
		}
	}
	return slices.CompactFunc(sorted, func(a, b Leaf) bool { return a.ID == b.ID }), nil
}

// chunk is how many of n leaves the next statement takes: a power of two, so that batches of all
// sizes share a handful of prepared statements.
func chunk(n int) int { return min(maxRows, 1<<(bits.Len(uint(n))-1)) }

// poke wakes Run; many pokes before it looks are one.
func (l *Ledger) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Origin is the name of the log.
func (l *Ledger) Origin() string { return l.origin }

// Checkpoint returns the newest signed tree head, with the cosignatures that it has by now. A log in
// which nothing is sealed has one too, of size 0.
func (l *Ledger) Checkpoint(ctx context.Context) (signed []byte, err error) {
	cp, err := l.head(ctx)
	if err != nil {
		return nil, err
	}
	err = l.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		signed, err = withCosignatures(ctx, q, cp)
		return err
	})
	return signed, err
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

// Proof returns the receipt of a leaf as a c2sp.org/tlog-proof@v1 text: against the newest checkpoint
// that a witness cosigned if the leaf is in it, else against the newest one. Errors: errs.NotFound "ledger.unknown_id"; errs.Unavailable "ledger.not_sealed_yet",
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
		switch seen, err := latestCosigned(ctx, q); {
		case err != nil:
			return err
		case idx < seen.tree.N:
			cp = seen
		}
		signed, err := withCosignatures(ctx, q, cp)
		if err != nil {
			return err
		}
		path, err := tlog.ProveRecord(cp.tree.N, idx, l.hashes(ctx, q))
		if err != nil {
			return fmt.Errorf("ledger: prove leaf %d of %d: %w", idx, cp.tree.N, err)
		}
		out = formatProof(proof{Index: idx, Path: path, Checkpoint: signed})
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
