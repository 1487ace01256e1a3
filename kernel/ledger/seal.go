package ledger

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/db"
)

// leaseFor is how long a silent process keeps the right to seal: long enough that processes do not
// take turns at every batch, short enough that a dead one is not missed.
const leaseFor = 10 * time.Second

// Seal gives the oldest waiting leaves their places, extends the tree and signs its head, all in one
// transaction. It returns how many leaves it sealed: 0 when none wait or when another process holds
// the lease. It takes at most MaxBatch, so a full batch means: call again.
func (l *Ledger) Seal(ctx context.Context) (sealed int, err error) {
	waiting := false
	if err := l.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		waiting, err = anyPending(ctx, q)
		return err
	}); err != nil || !waiting {
		return 0, err
	}
	err = l.db.Write(ctx, func(ctx context.Context, q db.Querier) error {
		sealed, err = l.sealBatch(ctx, q) // may run again: starts from nothing each time
		return err
	})
	if err != nil {
		return 0, err
	}
	return sealed, nil
}

func (l *Ledger) sealBatch(ctx context.Context, q db.Querier) (int, error) {
	now := l.clock.Now()
	mine, err := takeLease(ctx, q, lease{holder: l.holder, now: now.UnixMicro(), until: now.Add(leaseFor).UnixMicro()})
	if err != nil || !mine {
		return 0, err
	}
	old, err := l.loadEdge(ctx, q)
	if err != nil {
		return 0, err
	}
	leaves, err := placeLeaves(ctx, q, old.size, MaxBatch)
	if err != nil || len(leaves) == 0 {
		return 0, err
	}
	next := old.clone()
	for _, leaf := range leaves {
		next.add(tlog.RecordHash(leaf))
	}
	root, err := next.root()
	if err != nil {
		return 0, fmt.Errorf("ledger: root of %d leaves: %w", next.size, err)
	}
	cp, err := l.sign(tlog.Tree{N: next.size, Hash: root})
	if err != nil {
		return 0, err
	}
	if err := writeTiles(ctx, q, next.changed()); err != nil {
		return 0, err
	}
	if err := insertCheckpoint(ctx, q, cp, now.UnixMicro()); err != nil {
		return 0, err
	}
	next.dirty = nil
	db.AfterCommit(ctx, func() { l.edge.Store(next) })
	return len(leaves), nil
}

// loadEdge returns the right edge of the tree in the database: from memory when this process sealed
// last, else from the partial tiles, checked against the signed root.
func (l *Ledger) loadEdge(ctx context.Context, q db.Querier) (*edge, error) {
	cp, err := latestCheckpoint(ctx, q)
	if err != nil {
		return nil, err
	}
	if e := l.edge.Load(); e != nil && e.size == cp.tree.N {
		return e, nil
	}
	e := &edge{size: cp.tree.N}
	for level := 0; e.size>>(tileHeight*level) > 0; level++ {
		width := int(e.size>>(tileHeight*level)) % tileWidth
		var tile []byte
		if width > 0 {
			if tile, err = readTile(ctx, q, tileKey{level, e.tileN(level)}); err != nil {
				return nil, err
			}
			if len(tile) != width*tlog.HashSize {
				return nil, fmt.Errorf("ledger: tile %d/%d holds %d bytes, the checkpoint of size %d needs %d: restore the database from a backup",
					level, e.tileN(level), len(tile), e.size, width*tlog.HashSize)
			}
		}
		e.tiles = append(e.tiles, tile)
	}
	if e.size == 0 {
		return e, nil
	}
	root, err := e.root()
	if err != nil {
		return nil, err
	}
	if root != cp.tree.Hash {
		return nil, fmt.Errorf("ledger: the tiles do not add up to the signed root of size %d: restore the database from a backup", e.size)
	}
	return e, nil
}

// sign makes the checkpoint of a tree. Ed25519 is deterministic: the same tree, the same note.
func (l *Ledger) sign(tree tlog.Tree) (checkpoint, error) {
	signed, err := note.Sign(&note.Note{Text: formatCheckpoint(l.origin, tree)}, l.signer)
	if err != nil {
		return checkpoint{}, fmt.Errorf("ledger: sign the checkpoint of size %d: %w", tree.N, err)
	}
	return checkpoint{tree: tree, note: signed}, nil
}

// Run seals until the context ends: at most once an interval while leaves arrive, so that a burst
// shares one checkpoint, and once an interval anyway, for leaves that another process appended. A
// failure is logged and tried again. What waits when the context ends is sealed by the next Run.
func (l *Ledger) Run(ctx context.Context, interval time.Duration) error {
	idle := time.NewTicker(max(interval, time.Second))
	defer idle.Stop()
	for {
		l.sealAll(ctx)
		if !pause(ctx, interval) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		case <-idle.C:
		}
	}
}

func (l *Ledger) sealAll(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := l.Seal(ctx)
		if err != nil && ctx.Err() == nil {
			l.log.ErrorContext(ctx, "ledger: seal failed, will try again", "err", err)
		}
		if err != nil || n < MaxBatch {
			return
		}
	}
}

// pause waits and says whether there is still something to wait for.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
