package ledger

import (
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	tileBytes  = tileWidth * tlog.HashSize
)

// tileKey addresses a tile: level counts in tiles, so that a hash of tile level 1 stands for 256
// leaves.
type tileKey struct {
	level int
	n     int64
}

// edge is the right edge of a tree: at every tile level the one tile that is not full yet. It is
// all that a tree needs to grow. A published edge is never changed; grow works on a clone.
type edge struct {
	size  int64
	tiles [][]byte           // by level; each shorter than tileBytes
	dirty map[tileKey][]byte // full tiles since the clone
}

func (e *edge) clone() *edge {
	c := &edge{size: e.size, dirty: make(map[tileKey][]byte)}
	for _, t := range e.tiles {
		c.tiles = append(c.tiles, append(make([]byte, 0, tileBytes), t...))
	}
	return c
}

// add appends a leaf hash and carries full tiles upwards.
func (e *edge) add(h tlog.Hash) {
	n := e.size // index of the hash at the present level
	e.size++
	for level := 0; ; level++ {
		if level == len(e.tiles) {
			e.tiles = append(e.tiles, make([]byte, 0, tileBytes))
		}
		e.tiles[level] = append(e.tiles[level], h[:]...)
		n /= tileWidth
		if len(e.tiles[level]) < tileBytes {
			return
		}
		full := e.tiles[level]
		e.dirty[tileKey{level, n}] = full
		e.tiles[level] = make([]byte, 0, tileBytes)
		h = foldTile(full)
	}
}

// changed lists every tile to write: the full ones and the partial ones of the new edge.
func (e *edge) changed() map[tileKey][]byte {
	out := make(map[tileKey][]byte, len(e.dirty)+len(e.tiles))
	for k, t := range e.dirty {
		out[k] = t
	}
	for level, t := range e.tiles {
		if len(t) > 0 {
			out[tileKey{level, e.tileN(level)}] = t
		}
	}
	return out
}

// tileN is the index of the partial tile at a level.
func (e *edge) tileN(level int) int64 { return e.size >> (tileHeight * (level + 1)) }

// root is the RFC 6962 tree hash: all hashes it needs stand in the partial tiles.
func (e *edge) root() (tlog.Hash, error) {
	return tlog.TreeHash(e.size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		return readHashes(indexes, func(k tileKey) ([]byte, error) {
			if k.level < len(e.tiles) && k.n == e.tileN(k.level) {
				return e.tiles[k.level], nil
			}
			return nil, nil // too short: HashFromTile says so
		})
	}))
}

// foldTile is the tree hash of a full tile.
func foldTile(full []byte) tlog.Hash {
	var hs [tileWidth]tlog.Hash
	for i := range hs {
		copy(hs[i][:], full[i*tlog.HashSize:])
	}
	for n := tileWidth; n > 1; n /= 2 {
		for i := range n / 2 {
			hs[i] = tlog.NodeHash(hs[2*i], hs[2*i+1])
		}
	}
	return hs[0]
}

// readHashes answers a tlog.HashReader from tiles: load returns at least the hashes so far.
func readHashes(indexes []int64, load func(tileKey) ([]byte, error)) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	seen := make(map[tileKey][]byte, 8)
	for i, index := range indexes {
		t := tlog.TileForIndex(tileHeight, index)
		k := tileKey{t.L, t.N}
		data, ok := seen[k]
		if !ok {
			var err error
			if data, err = load(k); err != nil {
				return nil, err
			}
			seen[k] = data
		}
		h, err := tlog.HashFromTile(t, data, index)
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}

// emptyRoot is the tree hash of no leaves: SHA-256 of nothing.
func emptyRoot() tlog.Hash {
	h, _ := tlog.TreeHash(0, nil) // reads nothing, cannot fail
	return h
}
