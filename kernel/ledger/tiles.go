package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dinh-gov/dinh/kernel/db"
	"github.com/dinh-gov/dinh/kernel/errs"
)

// cachedTiles bounds the memory of full tiles: 1024 × 8 KiB.
const cachedTiles = 1024

// resource is what a tlog-tiles path asks for.
type resource struct {
	entries bool
	tile    tileKey
	width   int // 1…256
}

// Tile returns a resource of the C2SP tlog-tiles API by its path: "checkpoint",
// "tile/0/x001/234.p/17", "tile/entries/067". Anything else, and whatever is not sealed yet, is
// errs.NotFound "ledger.no_such_tile".
func (l *Ledger) Tile(ctx context.Context, path string) ([]byte, error) {
	path = strings.TrimPrefix(path, "/")
	if path == "checkpoint" {
		return l.Checkpoint(ctx)
	}
	missing := errs.New(errs.NotFound, "ledger.no_such_tile", "path", path)
	res, ok := parseTilePath(path)
	if !ok {
		return nil, missing
	}
	var out []byte
	err := l.db.Read(ctx, func(ctx context.Context, q db.Querier) error {
		var err error
		if res.entries {
			out, err = entryBundle(ctx, q, res)
		} else {
			out, err = l.tile(ctx, q, res.tile)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if res.entries {
		if out == nil {
			return nil, missing
		}
		return out, nil
	}
	if len(out) < res.width*tlog.HashSize {
		return nil, missing
	}
	return out[:res.width*tlog.HashSize], nil
}

// parseTilePath takes exactly the spelling of the specification, so that each resource has one
// address in every cache.
func parseTilePath(path string) (r resource, ok bool) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok {
		return r, false
	}
	level, rest, ok := strings.Cut(rest, "/")
	if !ok {
		return r, false
	}
	if level == "entries" {
		r.entries = true
	} else if n, ok := decimal(level); ok && n <= 63 {
		r.tile.level = int(n)
	} else {
		return r, false
	}
	r.width = tileWidth
	if number, width, partial := strings.Cut(rest, ".p/"); partial {
		w, ok := decimal(width)
		if !ok || w < 1 || w >= tileWidth {
			return r, false
		}
		rest, r.width = number, int(w)
	}
	r.tile.n, ok = parseTileIndex(rest)
	return r, ok
}

// parseTileIndex reads x001/x234/067 as 1234067.
func parseTileIndex(s string) (int64, bool) {
	parts := strings.Split(s, "/")
	if len(parts) > 6 { // 10^18 tiles
		return 0, false
	}
	var n int64
	for i, part := range parts {
		if i < len(parts)-1 {
			var ok bool
			if part, ok = strings.CutPrefix(part, "x"); !ok {
				return 0, false
			}
		}
		d, err := strconv.ParseUint(part, 10, 16)
		if err != nil || len(part) != 3 {
			return 0, false
		}
		n = n*1000 + int64(d)
	}
	if formatTileIndex(n) != s {
		return 0, false
	}
	return n, true
}

func formatTileIndex(n int64) string {
	s := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		s = fmt.Sprintf("x%03d/%s", n%1000, s)
	}
	return s
}

// entryBundle is nil when the leaves are not all there.
func entryBundle(ctx context.Context, q db.Querier, res resource) ([]byte, error) {
	if res.tile.n > 1<<54 {
		return nil, nil // beyond any index; keeps the product below from overflowing
	}
	leaves, err := sealedLeaves(ctx, q, res.tile.n*tileWidth, res.width)
	if err != nil || len(leaves) < res.width {
		return nil, err
	}
	var out []byte
	for _, leaf := range leaves {
		out = binary.BigEndian.AppendUint16(out, uint16(len(leaf)))
		out = append(out, leaf...)
	}
	return out, nil
}

// hashes reads the tree for tlog's proofs.
func (l *Ledger) hashes(ctx context.Context, q db.Querier) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		return readHashes(indexes, func(k tileKey) ([]byte, error) { return l.tile(ctx, q, k) })
	})
}

// tile returns the hashes of a tile so far, none if it does not exist. Full tiles are kept in
// memory, except those read inside a transaction, which may never be committed.
func (l *Ledger) tile(ctx context.Context, q db.Querier, k tileKey) ([]byte, error) {
	l.mu.Lock()
	data, ok := l.tiles[k]
	l.mu.Unlock()
	if ok {
		return data, nil
	}
	data, err := readTile(ctx, q, k)
	if err != nil {
		return nil, err
	}
	if len(data) == tileBytes && !db.InTx(ctx) {
		l.mu.Lock()
		if len(l.tiles) >= cachedTiles {
			clear(l.tiles)
		}
		l.tiles[k] = data
		l.mu.Unlock()
	}
	return data, nil
}
